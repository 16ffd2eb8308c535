//! semgrep-rules: the rules' own test files, in which a comment before a line says whether a rule
//! must match there (`ruleid:`) or must not (`ok:`).
//!
//! Only rules that name a weakness count. A hit is a report of the same weakness on the line; a
//! false alarm is such a report on a line that is fine. The suite's licence forbids shipping its
//! rules: it is a rod to measure with and nothing else.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::LazyLock,
};

use analysis::Examiner;
use domain::Language;
use regex::Regex;
use serde::Deserialize;

use crate::{
    Stop, families, files, peers,
    reports::{self, Report, Reports, statement_end},
    sheet::{Bound, Cell, Share, Sheet, Table, Target},
    watch::watched,
};

/// Folders of the suite that are scored, each a language.
const LANGUAGES: [&str; 6] = ["python", "javascript", "typescript", "java", "go", "rust"];

const RECALL_MIN: f64 = 0.60;
const ALARMS_MAX: f64 = 0.10;

#[derive(Deserialize)]
struct RuleFile {
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
struct Rule {
    id: String,
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metadata {
    cwe: OneOrMany,
    category: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl Default for OneOrMany {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl OneOrMany {
    fn numbers(&self) -> Vec<u32> {
        let all = match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        };
        all.iter().filter_map(|cwe| families::number(cwe)).collect()
    }
}

/// What a comment says about the code below it.
#[derive(Debug, PartialEq, Eq)]
struct Label {
    rule: String,
    line: u32,
    end: u32,
    /// Whether something must be found, or must not.
    is_flaw: bool,
}

#[derive(Default)]
struct Score {
    found: Share,
    alarms: Share,
}

/// Programs to run on the same files, when they are named.
pub(crate) struct Programs<'a> {
    pub(crate) bandit: Option<&'a Path>,
    pub(crate) ruff: Option<&'a Path>,
}

/// The labels of one folder of the suite, with what each rule is about.
struct Suite {
    labels: Vec<(String, Vec<Label>)>,
    cwes: BTreeMap<String, Vec<u32>>,
}

pub(crate) fn score(
    path: &Path,
    only: Option<&str>,
    programs: &Programs<'_>,
) -> Result<Sheet, Stop> {
    let mut table = Table::new(["language", "program", "flaws found", "false alarms"]);
    let mut sheet = Sheet { suite: "semgrep-rules", ..Sheet::default() };
    for language in LANGUAGES.into_iter().filter(|language| only.is_none_or(|it| it == *language)) {
        let root = path.join(language);
        let suite = Suite::read(&root)?;
        let mine = suite.ours(&root)?;
        let score = suite.compare(&mine, Some((language, &mut sheet.wrong)));
        table.row([language.into(), "assay".into(), score.found.into(), score.alarms.into()]);
        if language == "python" {
            let target = |what: &str, share, bound| Target { what: what.to_owned(), share, bound };
            sheet.targets = vec![
                target("flaws found in Python", score.found, Bound::AtLeast(RECALL_MIN)),
                target("false alarms in Python", score.alarms, Bound::AtMost(ALARMS_MAX)),
            ];
            suite.peers(&root, programs, &mut table)?;
        }
    }
    sheet.tables = vec![table];
    sheet.notes = vec![
        "A line counts as found when a report of the same weakness (CWE, or its family) begins \
         in the statement on it."
            .to_owned(),
    ];
    Ok(sheet)
}

impl Suite {
    fn read(root: &Path) -> Result<Self, Stop> {
        let all = files::below(root)?;
        let mut cwes = BTreeMap::new();
        for file in all.iter().filter(|file| is_yaml(file)) {
            let source = files::source(root, file)?;
            // Files that hold something else than rules are no rules of the suite.
            let text = String::from_utf8_lossy(&source.bytes);
            let Ok(parsed) = serde_saphyr::from_str::<RuleFile>(&text) else { continue };
            for rule in parsed.rules {
                let is_security = rule.metadata.category == "security";
                let numbers = rule.metadata.cwe.numbers();
                if is_security && !numbers.is_empty() {
                    cwes.insert(rule.id, numbers);
                }
            }
        }
        if cwes.is_empty() {
            return Err(Stop::new(
                format_args!("{} holds no rules about security", root.display()),
                "check out semgrep/semgrep-rules and name its folder",
            ));
        }
        let mut found = Vec::new();
        for file in &all {
            let name = files::relative(root, file);
            // What a rule's own fix makes of the file beside it: the labels stay, the flaws do not.
            let is_fixed = name.contains(".fixed.");
            if is_fixed || Language::of_path(&name).is_none() {
                continue;
            }
            let source = files::source(root, file)?;
            let text = String::from_utf8_lossy(&source.bytes);
            let labels: Vec<Label> =
                labels(&text).into_iter().filter(|label| cwes.contains_key(&label.rule)).collect();
            if !labels.is_empty() {
                found.push((name, labels));
            }
        }
        Ok(Self { labels: found, cwes })
    }

    fn ours(&self, root: &Path) -> Result<Reports, Stop> {
        let mut examiner = Examiner::default();
        let names: Vec<&String> = self.labels.iter().map(|(name, _)| name).collect();
        watched("files", names)
            .map(|name| {
                let source = files::source(root, &root.join(name))?;
                Ok((name.clone(), reports::ours(&mut examiner, &source)))
            })
            .collect()
    }

    fn compare(&self, reports: &Reports, mut wrong: Option<(&str, &mut Vec<String>)>) -> Score {
        let mut score = Score::default();
        let none = Vec::new();
        for (name, labels) in &self.labels {
            let here = reports.get(name).unwrap_or(&none);
            for label in labels {
                let about = &self.cwes[&label.rule];
                let hit = |it: &&Report| it.stands_at(label.line, label.end) && it.is_about(about);
                let by = here.iter().find(hit);
                let share = if label.is_flaw { &mut score.found } else { &mut score.alarms };
                share.count(by.is_some());
                if let Some((language, wrong)) = &mut wrong
                    && by.is_some() != label.is_flaw
                {
                    let (what, by) = match by {
                        Some(by) => ("false alarm", format!(": {}", by.rule)),
                        None => ("missed", String::new()),
                    };
                    let Label { rule, line, .. } = label;
                    wrong.push(format!("{what}: {language}/{name}:{line} {rule}{by}"));
                }
            }
        }
        score
    }

    /// Others on the same lines: run here when they are named, else as they were measured.
    fn peers(&self, root: &Path, programs: &Programs<'_>, table: &mut Table) -> Result<(), Stop> {
        let mut add = |name: &str, found: Cell, alarms: Cell| {
            table.row(["python".into(), name.into(), found, alarms]);
        };
        let Some(bandit) = programs.bandit else {
            for peer in &peers::SEMGREP_RULES_PYTHON {
                add(peer.name, peer.found.into(), peer.alarms.into());
            }
            return Ok(());
        };
        let reports = reports::bandit(bandit, root)?;
        let score = self.compare(&reports, None);
        add("bandit, run now", score.found.into(), score.alarms.into());
        if let Some(ruff) = programs.ruff {
            let reports = reports::ruff(ruff, root, &reports::cwes_by_rule(&reports))?;
            let score = self.compare(&reports, None);
            add("ruff's S rules, run now", score.found.into(), score.alarms.into());
        }
        Ok(())
    }
}

fn is_yaml(file: &Path) -> bool {
    file.extension().is_some_and(|end| end == "yaml" || end == "yml")
}

/// The labels of one file: each is about the next line that is neither blank nor a comment.
fn labels(text: &str) -> Vec<Label> {
    static COMMENT: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(
            r"(?:#|//|/\*|<!--)[ \t]*(?<kind>ruleid|ok)[ \t]*:[ \t]*(?<rules>[A-Za-z0-9_.,\t -]+)",
        )
        .expect("the expression is constant and a test matches it")
    });
    let lines: Vec<&str> = text.lines().collect();
    let mut waiting: BTreeSet<(String, bool)> = BTreeSet::new();
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        if let Some(comment) = COMMENT.captures(line) {
            let is_flaw = &comment["kind"] == "ruleid";
            let rules = comment["rules"].split([',', ' ', '\t']).filter(|rule| !rule.is_empty());
            waiting.extend(rules.map(|rule| (rule.to_owned(), is_flaw)));
            continue;
        }
        let start = line.trim_start();
        let is_comment =
            ["#", "//", "/*", "*", "<!--", "{/*"].iter().any(|it| start.starts_with(it));
        if start.is_empty() || is_comment {
            continue;
        }
        let line = u32::try_from(index + 1).unwrap_or(u32::MAX);
        let end = statement_end(&lines, line);
        for (rule, is_flaw) in std::mem::take(&mut waiting) {
            found.push(Label { rule, line, end, is_flaw });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_label_is_about_the_next_line_of_code() {
        let text =
            "# ruleid: one, two\n# a remark\n\nf(\n  a)\n# ok:one\ng()\n# todoruleid: one\nh()\n";
        let label =
            |rule: &str, line, end, is_flaw| Label { rule: rule.into(), line, end, is_flaw };
        let expected =
            [label("one", 4, 5, true), label("two", 4, 5, true), label("one", 7, 7, false)];
        assert_eq!(labels(text), expected);
    }

    #[test]
    fn a_finding_of_another_weakness_is_no_hit() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("python");
        fs::create_dir_all(&folder).unwrap();
        let rules = "rules:\n- id: shell\n  metadata:\n    category: security\n    cwe: 'CWE-77: x'\n\
                     - id: query\n  metadata:\n    category: security\n    cwe: [CWE-89]\n\
                     - id: style\n  metadata:\n    category: correctness\n    cwe: [CWE-78]\n";
        let code = "import os\n# ruleid: shell, query, style\nos.system('rm ' + name)\n\
                    # ok: shell\nos.system('rm ' + other)\n";
        fs::write(folder.join("a.yaml"), rules).unwrap();
        fs::write(folder.join("a.py"), code).unwrap();
        fs::write(folder.join("a.fixed.py"), "# ruleid: shell\nrun(['rm', name])\n").unwrap();
        let none = Programs { bandit: None, ruff: None };
        let sheet = score(root.path(), Some("python"), &none).unwrap();
        assert_eq!(sheet.tables[0].rows[0][2], Cell::Share(Share::new(1, 2)));
        assert_eq!(sheet.tables[0].rows[0][3], Cell::Share(Share::new(1, 1)));
        assert_eq!(sheet.wrong.len(), 2, "{:?}", sheet.wrong);
    }
}
