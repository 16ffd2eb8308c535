//! Fixes: every diff that a finding offers is applied by git to the file it is for. Then the file
//! must still parse, the finding must be gone, and nothing new may have come.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use analysis::{Clock, Examiner, syntax_tree};
use domain::{Finding, Language, SourceFile};

use crate::{
    Stop, files, git,
    sheet::{Bound, Share, Sheet, Table, Target},
    watch::watched,
};

const WORKS_MIN: f64 = 0.95;

/// What became of one offered diff.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Works,
    DoesNotApply,
    Breaks,
    /// The finding is still there.
    Remains,
    Introduces(String),
}

#[derive(Default)]
struct Score {
    findings: usize,
    works: Share,
    introduces: Share,
    /// Offered diffs by rule: how many work.
    by_rule: BTreeMap<String, Share>,
}

pub(crate) fn score(path: &Path) -> Result<Sheet, Stop> {
    let names = files::below(path)?;
    let is_code = |file: &PathBuf| Language::of_path(&files::relative(path, file)).is_some();
    let code: Vec<_> = names.into_iter().filter(is_code).collect();
    let folder = tempfile::tempdir().map_err(|error| {
        Stop::new(format_args!("cannot make a folder: {error}"), "free some disk space")
    })?;
    let mut examiner = Examiner::default();
    let mut score = Score::default();
    let mut wrong = Vec::new();
    for file in watched("files", code) {
        let source = files::source(path, &file)?;
        let before = findings(&mut examiner, &source);
        score.findings += before.len();
        for (index, finding) in before.iter().enumerate() {
            let Some(diff) = &finding.fix_diff else { continue };
            let outcome = try_out(folder.path(), &mut examiner, &source, &before, index, diff)?;
            score.works.count(outcome == Outcome::Works);
            score.introduces.count(matches!(outcome, Outcome::Introduces(_)));
            let of_rule = score.by_rule.entry(finding.rule.clone()).or_default();
            of_rule.count(outcome == Outcome::Works);
            if outcome != Outcome::Works {
                let (path, line, rule) = (&finding.path, finding.lines.first, &finding.rule);
                wrong.push(format!("{path}:{line} {rule}: {outcome:?}"));
            }
        }
    }
    if score.works.whole == 0 {
        return Err(Stop::new(
            format_args!("no finding in {} offers a fix", path.display()),
            "name a tree with flaws, such as a checkout of PyCQA/bandit",
        ));
    }
    Ok(sheet(score, wrong))
}

fn sheet(score: Score, wrong: Vec<String>) -> Sheet {
    let mut table = Table::new(["rule", "fixes that work"]);
    for (rule, share) in &score.by_rule {
        table.row([rule.as_str().into(), (*share).into()]);
    }
    let target = |what: &str, share, bound| Target { what: what.to_owned(), share, bound };
    Sheet {
        suite: "fixes",
        tables: vec![table],
        targets: vec![
            target("fixes that parse and silence", score.works, Bound::AtLeast(WORKS_MIN)),
            target("fixes that introduce something", score.introduces, Bound::AtMost(0.0)),
        ],
        notes: vec![format!("{} findings, {} with a fix.", score.findings, score.works.whole)],
        wrong,
    }
}

fn try_out(
    folder: &Path,
    examiner: &mut Examiner,
    source: &SourceFile,
    before: &[Finding],
    index: usize,
    diff: &str,
) -> Result<Outcome, Stop> {
    let trouble = |error: std::io::Error| {
        Stop::new(format_args!("cannot write a file to mend: {error}"), "free some disk space")
    };
    let place = folder.join(&source.path);
    fs::create_dir_all(place.parent().unwrap_or(folder)).map_err(trouble)?;
    fs::write(&place, &source.bytes).map_err(trouble)?;
    if git::apply(folder, diff)?.is_some() {
        return Ok(Outcome::DoesNotApply);
    }
    let bytes = fs::read(&place).map_err(trouble)?;
    let mended = SourceFile { path: source.path.clone(), bytes };
    if breaks(source, &mended) {
        return Ok(Outcome::Breaks);
    }
    // By rule: a finding whose statement was mended for another reason is still the old one.
    let (old, new) = (tally(before), tally(&findings(examiner, &mended)));
    if let Some((rule, _)) = new.iter().find(|(rule, count)| old.get(*rule) < Some(*count)) {
        return Ok(Outcome::Introduces((*rule).clone()));
    }
    let rule = &before[index].rule;
    Ok(if new.get(rule) < old.get(rule) { Outcome::Works } else { Outcome::Remains })
}

fn tally(findings: &[Finding]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for finding in findings {
        *counts.entry(finding.rule.clone()).or_default() += 1;
    }
    counts
}

/// A file that had errors before may keep them.
fn breaks(before: &SourceFile, after: &SourceFile) -> bool {
    let has_error = |file: &SourceFile| {
        let language = Language::of_path(&file.path)?;
        let text = std::str::from_utf8(&file.bytes).ok()?;
        Some(syntax_tree(language, text, &Clock::unlimited())?.root_node().has_error())
    };
    has_error(after) != Some(false) && has_error(before) == Some(false)
}

fn findings(examiner: &mut Examiner, file: &SourceFile) -> Vec<Finding> {
    let examined = examiner.examine(file, Clock::unlimited());
    examined.findings.into_iter().map(|located| located.finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: &str = "import yaml\n\n\ndef f(text):\n    return yaml.load(text)\n";

    fn source(text: &str) -> SourceFile {
        SourceFile { path: "src/a.py".to_owned(), bytes: text.as_bytes().to_vec() }
    }

    fn outcome(diff: impl Fn(&str) -> String) -> Outcome {
        let folder = tempfile::tempdir().unwrap();
        let mut examiner = Examiner::default();
        let before = findings(&mut examiner, &source(CODE));
        let index = before.iter().position(|finding| finding.fix_diff.is_some()).unwrap();
        let diff = diff(before[index].fix_diff.as_deref().unwrap());
        try_out(folder.path(), &mut examiner, &source(CODE), &before, index, &diff).unwrap()
    }

    #[test]
    fn a_fix_that_works_is_told_from_those_that_do_not() {
        let replace = |line: &str| {
            let line = format!("+    {line}\n");
            move |diff: &str| -> String {
                let lines = diff.split_inclusive('\n');
                lines
                    .map(|it| if it.starts_with("+ ") { line.clone() } else { it.to_owned() })
                    .collect()
            }
        };
        assert_eq!(outcome(str::to_owned), Outcome::Works);
        assert_eq!(outcome(replace("return yaml.load(text,  )")), Outcome::Remains);
        assert_eq!(outcome(replace("return (")), Outcome::Breaks);
        assert_eq!(outcome(|diff| diff.replace("yaml.load", "xaml.load")), Outcome::DoesNotApply);
        let worse = outcome(replace("return eval(text)"));
        assert!(matches!(worse, Outcome::Introduces(_)), "{worse:?}");
    }
}
