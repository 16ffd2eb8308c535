//! ESBMC's Python regression, case by case.
//!
//! Only CORE cases of a single file count. A case whose verification fails, and of which we say
//! that nothing in it can fail, is a false proof; one that holds and of which we refute a check is
//! a false alarm, as far as both look for the same.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use domain::Language;
use formal::{Verdict, ir::CheckKind};

use super::Checks;
use crate::{
    Stop,
    sheet::{Bound, Cell, Share, Sheet, Table, Target},
    watch::watched,
};

/// What the suite's verifier knows, as Python says it: it takes something for granted, which ends
/// every other run in silence, and makes values of which nothing is known.
const VERIFIER: [(&str, &str); 9] = [
    ("__ESBMC_assume", "(holds):\n    if not holds:\n        raise SystemExit"),
    ("__VERIFIER_assume", "(holds):\n    if not holds:\n        raise SystemExit"),
    ("__ESBMC_assert", "(holds, why=None):\n    assert holds"),
    ("nondet_int", "() -> int:\n    return int(input())"),
    ("__VERIFIER_nondet_int", "() -> int:\n    return int(input())"),
    ("nondet_bool", "() -> bool:\n    return int(input()) != 0"),
    ("nondet_float", "():\n    return float(input())"),
    ("nondet_str", BOUNDED_TEXT),
    ("nondet_string", BOUNDED_TEXT),
];

/// The suite's texts have at most 15 letters.
const BOUNDED_TEXT: &str = "() -> str:\n    text = input()\n    if len(text) > 15:\n        raise SystemExit\n    return text";

/// Reasons for open checks that are listed, the most frequent first.
const REASONS_MAX: usize = 12;

pub(crate) fn score(path: &Path, mut checks: Checks) -> Result<Sheet, Stop> {
    let root = match path.join("regression/python") {
        folder if folder.is_dir() => folder,
        _ => path.to_owned(),
    };
    let entries = fs::read_dir(&root).map_err(|error| {
        let what = format_args!("cannot read {}: {error}", root.display()).to_string();
        Stop::new(what, "name the folder that the suite was checked out into")
    })?;
    let mut folders: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    folders.sort();
    let mut count = Count::default();
    for folder in watched("cases", folders) {
        let Some(fails) = expected(&folder) else { continue };
        let Ok(text) = fs::read_to_string(folder.join("main.py")) else { continue };
        let judged = judge(text, &mut checks);
        count.add(&folder, fails, &judged);
    }
    let mut sheet = count.sheet();
    sheet.notes.push(checks.note());
    Ok(sheet)
}

/// Whether the verification fails, for cases that count.
fn expected(folder: &Path) -> Option<bool> {
    let files = fs::read_dir(folder).ok()?.flatten();
    let sources = files.filter(|file| file.path().extension().is_some_and(|own| own == "py"));
    let description = fs::read_to_string(folder.join("test.desc")).ok()?;
    if sources.count() != 1 || !description.starts_with("CORE") {
        return None;
    }
    match (
        description.contains("VERIFICATION FAILED"),
        description.contains("VERIFICATION SUCCESSFUL"),
    ) {
        (true, false) => Some(true),
        (false, true) => Some(false),
        _ => None,
    }
}

#[derive(Default)]
struct Judged {
    refuted: Vec<(CheckKind, u32)>,
    /// Checks, and functions of which nothing at all may fail.
    checks: u32,
    whole: bool,
    /// Why checks are open.
    reasons: Vec<String>,
}

fn judge(mut text: String, checks: &mut Checks) -> Judged {
    let used = VERIFIER.iter().filter(|(name, _)| {
        text.contains(&format!("{name}(")) && !text.contains(&format!("def {name}("))
    });
    let known: String = used.map(|(name, says)| format!("\ndef {name}{says}\n")).collect();
    // Behind the code, so that no line moves.
    text.push_str(&known);
    let mut judged = Judged { whole: true, ..Judged::default() };
    let file = ("main.py".to_owned(), text);
    let Some((_, reports)) = checks.of(Language::Python, &[file], |_| true) else {
        return Judged::default();
    };
    for report in reports {
        judged.whole &= report.is_proved_as_a_whole();
        judged.reasons.extend(report.incomplete.iter().map(ToString::to_string));
        for found in report.checks {
            match found.verdict {
                _ if found.kind == CheckKind::ConstantCondition => continue,
                Verdict::Refuted(_) => judged.refuted.push((found.kind, found.line)),
                Verdict::Unknown(why) => judged.reasons.push(why.to_string()),
                Verdict::CallerDependent(_) => judged.reasons.push("callers decide".to_owned()),
                Verdict::Proved => {}
            }
            judged.checks += 1;
        }
    }
    judged
}

#[derive(Default)]
struct Count {
    fails: Share,
    holds: Share,
    false_proofs: Share,
    false_alarms: Share,
    reasons: BTreeMap<String, usize>,
    wrong: Vec<String>,
}

impl Count {
    fn add(&mut self, folder: &Path, fails: bool, judged: &Judged) {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let whole = judged.whole && judged.checks > 0;
        if fails {
            self.fails.count(!judged.refuted.is_empty());
            self.false_proofs.count(whole);
            if whole {
                self.wrong.push(format!("proved: {name}: {} checks", judged.checks));
            }
            if judged.refuted.is_empty() {
                let mut reasons = judged.reasons.clone();
                reasons.sort();
                reasons.dedup();
                for reason in &reasons {
                    *self.reasons.entry(reason.clone()).or_default() += 1;
                }
                if reasons.is_empty() {
                    *self.reasons.entry("no check of ours is about it".to_owned()).or_default() +=
                        1;
                }
            }
        } else {
            self.holds.count(whole);
            self.false_alarms.count(!judged.refuted.is_empty());
            if !judged.refuted.is_empty() {
                self.wrong.push(format!("alarm: {name}: {:?}", judged.refuted));
            }
        }
    }

    fn sheet(self) -> Sheet {
        let mut table = Table::new(["cases", "decided", "the other way round"]);
        table.row(["that fail".into(), self.fails.into(), self.false_proofs.into()]);
        table.row(["that hold".into(), self.holds.into(), self.false_alarms.into()]);
        let mut reasons: Vec<(String, usize)> = self.reasons.into_iter().collect();
        reasons.sort_by(|one, two| two.1.cmp(&one.1).then_with(|| one.0.cmp(&two.0)));
        let mut open = Table::new(["why cases that fail are open", "cases"]);
        for (reason, count) in reasons.into_iter().take(REASONS_MAX) {
            open.row([Cell::Text(reason), count.into()]);
        }
        let targets = vec![Target {
            what: "failing cases called proved".to_owned(),
            share: self.false_proofs,
            bound: Bound::AtMost(0.0),
        }];
        Sheet {
            suite: "esbmc",
            tables: vec![table, open],
            targets,
            notes: Vec::new(),
            wrong: self.wrong,
        }
    }
}
