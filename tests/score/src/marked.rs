//! Suites whose labels are lines: a flaw stands here, and there stands none.
//!
//! A reader turns one suite's labels into cases; all are judged alike. A flaw is found when a
//! report of the same weakness begins in its statement; a false alarm is such a report on a line
//! that the suite calls fine. Reports of the weakness that stand on no labelled flaw are counted
//! as well, since few suites mark all that is fine.

use std::{collections::BTreeMap, path::Path};

use analysis::Examiner;
use clap::ValueEnum;

use crate::{
    Stop, files,
    reports::{self, Report},
    sheet::{Cell, Share, Sheet, Table},
    watch::watched,
};

/// What is said of one file about one weakness.
pub(crate) struct Case {
    pub(crate) language: String,
    /// What is looked at together when a suite is halved.
    pub(crate) group: String,
    /// How the weakness is called in the table.
    pub(crate) weakness: String,
    pub(crate) path: String,
    pub(crate) cwes: Vec<u32>,
    /// First and last lines of statements with the flaw.
    pub(crate) flaws: Vec<(u32, u32)>,
    /// First and last lines of what is fine.
    pub(crate) fine: Vec<(u32, u32)>,
}

/// Which part of a suite is looked at: rules are written with one half in view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Half {
    /// The half that may be looked at.
    Seen,
    /// The half that no rule was written for.
    Unseen,
}

impl Half {
    pub(crate) const fn holds(self, index: usize) -> bool {
        (index.is_multiple_of(2)) == matches!(self, Self::Seen)
    }
}

#[derive(Default)]
struct Score {
    found: Share,
    alarms: Share,
    elsewhere: Share,
}

impl Score {
    fn row(&self, first: [&str; 2]) -> [Cell; 5] {
        let [language, weakness] = first.map(Cell::from);
        [language, weakness, self.found.into(), self.alarms.into(), self.elsewhere.into()]
    }
}

/// Judges the cases, or those of one half of their groups.
pub(crate) fn score(
    suite: &'static str,
    root: &Path,
    mut cases: Vec<Case>,
    half: Option<Half>,
) -> Result<Sheet, Stop> {
    if let Some(half) = half {
        let mut groups: Vec<String> = cases.iter().map(|case| case.group.clone()).collect();
        groups.sort();
        groups.dedup();
        cases.retain(|case| groups.binary_search(&case.group).is_ok_and(|at| half.holds(at)));
    }
    let mut by_path: BTreeMap<&str, Vec<&Case>> = BTreeMap::new();
    for case in &cases {
        by_path.entry(&case.path).or_default().push(case);
    }
    let mut sheet = Sheet { suite, ..Sheet::default() };
    let (mut languages, mut weaknesses) = (BTreeMap::new(), BTreeMap::new());
    let mut examiner = Examiner::default();
    for (path, cases) in watched("files", by_path.into_iter().collect()) {
        let reports = reports::ours(&mut examiner, &files::source(root, &root.join(path))?);
        for case in cases {
            let language: &mut Score = languages.entry(case.language.as_str()).or_default();
            judge(case, &reports, language, &mut sheet.wrong);
            let key = (case.language.as_str(), case.weakness.as_str());
            judge(case, &reports, weaknesses.entry(key).or_default(), &mut Vec::new());
        }
    }
    let head = ["language", "weakness", "flaws found", "false alarms", "reports elsewhere"];
    let mut table = Table::new(head);
    languages.iter().for_each(|(language, score)| table.row(score.row([language, "all"])));
    let mut details = Table::new(head);
    weaknesses
        .iter()
        .for_each(|((language, name), score)| details.row(score.row([language, name])));
    sheet.tables = vec![table, details];
    sheet.notes = vec![
        "A flaw counts as found when a report of the same weakness (CWE, or its family) begins in \
         the statement on its line. Reports elsewhere: those of that weakness in the same file \
         that stand on no flaw, of all of them."
            .to_owned(),
    ];
    Ok(sheet)
}

fn judge(case: &Case, reports: &[Report], score: &mut Score, wrong: &mut Vec<String>) {
    let Case { language, weakness, path, .. } = case;
    let about: Vec<&Report> = reports.iter().filter(|it| it.is_about(&case.cwes)).collect();
    let at = |(first, last): (u32, u32)| about.iter().find(|it| it.stands_at(first, last));
    for flaw in &case.flaws {
        let by = at(*flaw);
        score.found.count(by.is_some());
        if by.is_none() {
            wrong.push(format!("missed: {language} {weakness} {path}:{}", flaw.0));
        }
    }
    for fine in &case.fine {
        let by = about.iter().find(|it| (fine.0..=fine.1).contains(&it.first));
        score.alarms.count(by.is_some());
        if let Some(by) = by {
            let line = by.first;
            wrong.push(format!("false alarm: {language} {weakness} {path}:{line}: {}", by.rule));
        }
    }
    for report in about {
        let is_flaw = case.flaws.iter().any(|(first, last)| report.stands_at(*first, *last));
        score.elsewhere.count(!is_flaw);
        let is_told =
            case.fine.iter().any(|(first, last)| (*first..=*last).contains(&report.first));
        if !is_flaw && !is_told {
            let Report { rule, first, .. } = report;
            wrong.push(format!("elsewhere: {language} {weakness} {path}:{first}: {rule}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn case(group: &str, path: &str, flaws: &[(u32, u32)], fine: &[(u32, u32)]) -> Case {
        Case {
            language: "python".to_owned(),
            group: group.to_owned(),
            weakness: "CWE-78".to_owned(),
            path: path.to_owned(),
            cwes: vec![78],
            flaws: flaws.to_vec(),
            fine: fine.to_vec(),
        }
    }

    #[test]
    fn flaws_fine_lines_and_the_rest_are_counted_apart() {
        let root = tempfile::tempdir().unwrap();
        let call = "os.system('rm ' + input())\n";
        let code = format!("import os\n{call}{call}{call}os.system('ls')\n");
        fs::write(root.path().join("a.py"), &code).unwrap();
        fs::write(root.path().join("b.py"), &code).unwrap();
        let cases = || {
            vec![
                case("one", "a.py", &[(2, 2), (5, 5)], &[(3, 3)]),
                case("two", "b.py", &[(2, 2)], &[(5, 5)]),
            ]
        };
        let sheet = score("lines", root.path(), cases(), Some(Half::Seen)).unwrap();
        let share = |part, whole| Cell::Share(Share::new(part, whole));
        assert_eq!(sheet.tables[0].rows[0][2..], [share(1, 2), share(1, 1), share(2, 3)]);
        assert_eq!(sheet.wrong.len(), 3, "{:?}", sheet.wrong);
        let sheet = score("lines", root.path(), cases(), None).unwrap();
        assert_eq!(sheet.tables[0].rows[0][2..], [share(2, 3), share(1, 2), share(4, 6)]);
    }
}
