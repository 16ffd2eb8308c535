//! Nosey Parker's rules carry examples of secrets, and of what looks like one.
//!
//! A hit is an example, of a rule that its authors call one for secrets, in which anything is
//! found; a false alarm is a negative example, of any rule, in which anything is found.
//!
//! A negative example says only that its own rule must not match. Where the pattern of another
//! rule for secrets does, the suite itself calls it a secret: Slack's bot tokens are the negative
//! examples of its user tokens. Such examples count in the first row, as everybody counts them,
//! and not in the second, which is the one that the target is about.

use std::path::Path;

use analysis::{Clock, Examiner};
use domain::{SourceFile, VerificationType};
use regex::bytes::Regex;
use serde::Deserialize;

use crate::{
    Stop, files, peers,
    sheet::{Bound, Cell, Share, Sheet, Table, Target},
    watch::watched,
};

/// Examples come without a file name, so that none may help.
const NAME: &str = "example";

const RECALL_MIN: f64 = 0.75;
const ALARMS_MAX: f64 = 0.10;

#[derive(Deserialize)]
struct RuleFile {
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
struct Rule {
    id: String,
    pattern: String,
    #[serde(default)]
    categories: Vec<String>,
    #[serde(default)]
    examples: Vec<String>,
    #[serde(default)]
    negative_examples: Vec<String>,
}

/// What was found in all examples.
#[derive(Default)]
struct Score {
    found: Share,
    alarms: Share,
    /// Of negative examples that the suite itself calls secrets nowhere.
    fair_alarms: Share,
    wrong: Vec<String>,
}

pub(crate) fn score(path: &Path) -> Result<Sheet, Stop> {
    let rules = read(path)?;
    let others = Others::of(&rules)?;
    let mut examiner = Examiner::default();
    let mut finds = |text: &str| {
        let file = SourceFile { path: NAME.to_owned(), bytes: text.as_bytes().to_vec() };
        let examined = examiner.examine(&file, Clock::unlimited());
        let secret = |kind| kind == VerificationType::Secret;
        examined.findings.into_iter().find(|it| secret(it.finding.verification))
    };
    let mut score = Score::default();
    for rule in watched("rules", rules.iter().collect()) {
        let examples = rule.examples.iter().filter(|_| rule.is_about_secrets());
        for (number, text) in (1..).zip(examples) {
            let hit = finds(text).is_some();
            score.found.count(hit);
            if !hit {
                score.wrong.push(format!("missed: {} example {number}", rule.id));
            }
        }
        for (number, text) in (1..).zip(&rule.negative_examples) {
            let alarm = finds(text);
            score.alarms.count(alarm.is_some());
            let by_other = others.calls_secret(text, &rule.id);
            if by_other.is_none() {
                score.fair_alarms.count(alarm.is_some());
            }
            if let Some(alarm) = alarm {
                let by = alarm.finding.rule;
                let excuse = by_other.map(|id| format!(", and {id} calls it one"));
                let (id, excuse) = (&rule.id, excuse.unwrap_or_default());
                score
                    .wrong
                    .push(format!("false alarm: {id} negative example {number}: {by}{excuse}"));
            }
        }
    }
    Ok(sheet(score))
}

/// The patterns of the suite's rules for secrets.
struct Others<'a>(Vec<(&'a str, Regex)>);

impl<'a> Others<'a> {
    fn of(rules: &'a [Rule]) -> Result<Self, Stop> {
        // The suite's engine knows remarks within a pattern, ours does not.
        let remark = Regex::new(r"\(\?#[^)]*\)").expect("the expression is constant");
        let plain = |rule: &Rule| {
            let bytes = remark.replace_all(rule.pattern.as_bytes(), b"".as_slice()).into_owned();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let compiled = |rule: &'a Rule| match Regex::new(&plain(rule)) {
            Ok(regex) => Ok((rule.id.as_str(), regex)),
            Err(error) => Err(Stop::new(
                format_args!("the pattern of {} cannot be read: {error}", rule.id),
                "check out the commit that docs/accuracy.md names",
            )),
        };
        let secrets = rules.iter().filter(|rule| rule.is_about_secrets());
        secrets.map(compiled).collect::<Result<_, _>>().map(Self)
    }

    fn calls_secret(&self, text: &str, own: &str) -> Option<&'a str> {
        let others = self.0.iter().filter(|(id, _)| *id != own);
        others.filter(|(_, regex)| regex.is_match(text.as_bytes())).map(|(id, _)| *id).next()
    }
}

impl Rule {
    fn is_about_secrets(&self) -> bool {
        self.categories.iter().any(|category| category == "secret")
    }
}

fn sheet(score: Score) -> Sheet {
    let Score { found, alarms, fair_alarms, wrong } = score;
    let mut table = Table::new(["program", "secrets found", "false alarms"]);
    table.row([Cell::from("assay, on the labels as they are"), found.into(), alarms.into()]);
    let fair = "assay, without what another rule of the suite calls a secret";
    table.row([Cell::from(fair), found.into(), fair_alarms.into()]);
    for peer in &peers::NOSEYPARKER {
        table.row([Cell::from(peer.name), peer.found.into(), peer.alarms.into()]);
    }
    let target = |what: &str, share, bound| Target { what: what.to_owned(), share, bound };
    Sheet {
        suite: "noseyparker",
        tables: vec![table],
        targets: vec![
            target("secrets found", found, Bound::AtLeast(RECALL_MIN)),
            target(
                "false alarms, mislabelled ones left out",
                fair_alarms,
                Bound::AtMost(ALARMS_MAX),
            ),
        ],
        notes: vec![format!(
            "{} of {} negative examples are secrets by another rule of the suite itself.",
            alarms.whole - fair_alarms.whole,
            alarms.whole
        )],
        wrong,
    }
}

/// The rules of the repository, or of the folder that holds only them.
fn read(path: &Path) -> Result<Vec<Rule>, Stop> {
    let is_rules = |file: &Path| file.extension().is_some_and(|end| end == "yml");
    let mut rules = Vec::new();
    for file in files::below(path)?.iter().filter(|file| is_rules(file)) {
        let source = files::source(path, file)?;
        let text = String::from_utf8_lossy(&source.bytes);
        if text.contains("\nrules:") || text.starts_with("rules:") {
            let parsed: RuleFile = serde_saphyr::from_str(&text).map_err(|error| {
                Stop::new(
                    format_args!("{}: {error}", source.path),
                    "check out the commit that docs/accuracy.md names",
                )
            })?;
            rules.extend(parsed.rules);
        }
    }
    if rules.iter().all(|rule| rule.examples.is_empty()) {
        return Err(Stop::new(
            format_args!("{} holds no rules with examples", path.display()),
            "check out praetorian-inc/noseyparker and name its folder",
        ));
    }
    Ok(rules)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const RULES: &str = r#"
rules:
- id: one
  pattern: 'one'
  categories: [api, secret]
  examples:
  - 'password = "kJ8#mQ2$xW9p"'
  - 'nothing at all'
  negative_examples:
  - 'password = "changeme"'
  - 'db_password = "kJ8#mQ2$xW9p"'
  - 'xx_password = "kJ8#mQ2$xW9p"'
- id: two
  pattern: 'two'
  categories: [identifier]
  examples:
  - 'not counted'
- id: three
  pattern: '(?x) xx_ \w+ (?# a remark )'
  categories: [secret]
"#;

    #[test]
    fn only_examples_of_secrets_are_to_be_found_and_every_negative_one_left_alone() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("a.yml"), RULES).unwrap();
        fs::write(root.path().join("sets.yml"), "rulesets: []\n").unwrap();
        let sheet = score(root.path()).unwrap();
        assert_eq!(sheet.tables[0].rows[0][1], Cell::Share(Share::new(1, 2)));
        assert_eq!(sheet.tables[0].rows[0][2], Cell::Share(Share::new(2, 3)));
        assert_eq!(sheet.tables[0].rows[1][2], Cell::Share(Share::new(1, 2)));
        let by = "secret.hard-coded";
        assert_eq!(
            sheet.wrong,
            [
                "missed: one example 2".to_owned(),
                format!("false alarm: one negative example 2: {by}"),
                format!("false alarm: one negative example 3: {by}, and three calls it one"),
            ]
        );
        assert!(!sheet.reached());
    }

    #[test]
    fn a_folder_without_rules_is_named() {
        let root = tempfile::tempdir().unwrap();
        let told = score(root.path()).unwrap_err().to_string();
        assert!(told.contains("noseyparker"), "{told}");
    }
}
