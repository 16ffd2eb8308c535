//! Bandit's examples: what Bandit reports on them is what must be found, line by line.
//!
//! Where we disagree with a check on purpose it is named with the reason, and does not count.

use std::{collections::BTreeMap, path::Path};

use analysis::Examiner;
use domain::Language;

use crate::{
    Stop, files,
    reports::{self, Report},
    sheet::{Bound, Cell, Share, Sheet, Table, Target},
    watch::watched,
};

const FOUND_MIN: f64 = 0.90;

/// Checks whose lines we do not mean to report, by a prefix of their number.
const DISAGREEMENTS: &[(&str, &str)] = &[
    ("B101", "an assert is no weakness by itself; one that checks a permission is reported"),
    ("B102", "code that is written in the file can do no more than the file"),
    (
        "B105",
        "a word beside `password` is mostly a label; a chosen secret and a comparison are found",
    ),
    ("B110", "swallowing an exception is a matter of style"),
    ("B112", "swallowing an exception is a matter of style"),
    ("B307", "code that is written in the file can do no more than the file"),
    ("B308", "text that is written in the code is safe; B703 holds the same calls without it"),
    ("B311", "a guessable number is no weakness by itself; one that becomes a secret is reported"),
    ("B313", "a document that is written in the code harms nobody; others are reported"),
    ("B314", "a document that is written in the code harms nobody; others are reported"),
    ("B316", "a document that is written in the code harms nobody; others are reported"),
    ("B317", "a document that is written in the code harms nobody; others are reported"),
    ("B318", "a document that is written in the code harms nobody; others are reported"),
    ("B319", "a document that is written in the code harms nobody; others are reported"),
    ("B40", "an import does nothing; its use is reported"),
    ("B41", "an import does nothing; its use is reported"),
    ("B404", "an import does nothing; its use is reported"),
    ("B603", "a list of arguments without a shell is the safe form"),
    ("B605", "a fixed command has nothing to inject; one from a variable is reported"),
    ("B606", "a program started without a shell is the safe form"),
    ("B607", "a program found by the path is what most programs want"),
    ("B610", "the examples put constants together; values from elsewhere are reported"),
    ("B611", "the examples put constants together; values from elsewhere are reported"),
    ("B704", "the examples put constants together; values from elsewhere are reported"),
];

pub(crate) fn score(path: &Path, bandit: &Path) -> Result<Sheet, Stop> {
    let root = match path.join("examples") {
        examples if examples.is_dir() => examples,
        _ => path.to_owned(),
    };
    let expected = reports::bandit(bandit, &root)?;
    let mut examiner = Examiner::default();
    let mut by_check: BTreeMap<String, (Share, Share)> = BTreeMap::new();
    let mut sheet = Sheet { suite: "bandit", ..Sheet::default() };
    for (name, labels) in watched("files", expected.iter().collect()) {
        if Language::of_path(name) != Some(Language::Python) {
            continue;
        }
        let source = files::source(&root, &root.join(name))?;
        let ours = reports::ours(&mut examiner, &source);
        for label in labels {
            let (same, any) = by_check.entry(label.rule.clone()).or_default();
            let here = |it: &&Report| it.stands_at(label.first, label.last);
            let at: Vec<&Report> = ours.iter().filter(here).collect();
            same.count(at.iter().any(|report| report.is_about(&label.cwes)));
            any.count(!at.is_empty());
            if at.is_empty() && disagreement(&label.rule).is_none() {
                sheet.wrong.push(format!("missed: {name}:{} {}", label.first, label.rule));
            }
        }
    }
    Ok(filled(sheet, &by_check))
}

fn disagreement(check: &str) -> Option<&'static str> {
    DISAGREEMENTS.iter().find(|(prefix, _)| check.starts_with(prefix)).map(|(_, reason)| *reason)
}

fn filled(mut sheet: Sheet, by_check: &BTreeMap<String, (Share, Share)>) -> Sheet {
    let head = ["check", "same weakness", "any finding", "disagreement"];
    let mut table = Table::new(head);
    let (mut found, mut all, mut disputed) = (Share::default(), Share::default(), 0);
    for (check, (same, any)) in by_check {
        let reason = disagreement(check);
        all.part += any.part;
        all.whole += any.whole;
        match reason {
            Some(_) => disputed += any.whole,
            None => {
                found.part += any.part;
                found.whole += any.whole;
            }
        }
        let reason = reason.map_or(Cell::Unknown(None), Cell::from);
        table.row([check.as_str().into(), (*same).into(), (*any).into(), reason]);
    }
    sheet.tables = vec![table];
    sheet.targets = vec![Target {
        what: "lines of Bandit found, where we do not disagree".to_owned(),
        share: found,
        bound: Bound::AtLeast(FOUND_MIN),
    }];
    sheet.notes = vec![format!(
        "{} of all {} lines are found; {disputed} belong to checks that we disagree with.",
        all.part, all.whole
    )];
    sheet
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_disputed_does_not_count() {
        let checks = BTreeMap::from([
            ("B602".to_owned(), (Share::new(1, 2), Share::new(2, 2))),
            ("B101".to_owned(), (Share::new(0, 9), Share::new(0, 9))),
        ]);
        let sheet = filled(Sheet::default(), &checks);
        assert_eq!(sheet.targets[0].share, Share::new(2, 2));
        assert!(sheet.notes[0].contains("2 of all 11 lines"), "{}", sheet.notes[0]);
        assert!(disagreement("B403").is_some() && disagreement("B301").is_none());
    }
}
