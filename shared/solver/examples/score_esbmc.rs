//! Scores the formal checks on ESBMC's Python regression, folder by folder.
//!
//! `cargo run -p solver --example score_esbmc -- Z3 SUITE`: `SUITE` is the folder with a folder a
//! case, each with `main.py` and `test.desc`. Only CORE cases of a single file count. A case whose
//! verification fails and of which we prove every check is a false proof; one that holds and of
//! which we refute a check is a false alarm, as far as both look for the same.

use std::{
    env, fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use analysis::syntax_tree;
use domain::Language;
use formal::{Clock, Source, Verdict, check, ir::CheckKind, lower};
use solver::Z3;

/// What one function may cost.
const FUNCTION_TIME_MAX: Duration = Duration::from_millis(500);

fn main() {
    let mut arguments = env::args().skip(1);
    let (Some(z3), Some(suite)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: score_esbmc Z3 SUITE");
        return;
    };
    let mut folders: Vec<PathBuf> =
        fs::read_dir(&suite).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    folders.sort();
    let mut solver = Z3::new(z3);
    let mut score = Score::default();
    for folder in folders {
        let Some(fails) = expected(&folder) else { continue };
        let Ok(text) = fs::read_to_string(folder.join("main.py")) else { continue };
        score.add(&folder, fails, &judge(&text, &mut solver));
    }
    score.report();
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
    proved: u32,
    refuted: Vec<(CheckKind, u32)>,
    /// Unknown checks, caller-dependent ones, and functions that were not looked at.
    open: u32,
}

fn judge(text: &str, solver: &mut Z3) -> Judged {
    let mut judged = Judged::default();
    let clock = analysis::Clock::unlimited();
    let Some(tree) = syntax_tree(Language::Python, text, &clock) else { return judged };
    let source = Source { path: "main.py", language: Language::Python, text, tree: &tree };
    let Ok(program) = lower(Language::Python, &[source]) else { return judged };
    for index in 0..program.functions.len() {
        let begun = Instant::now();
        let time_is_up = || begun.elapsed() > FUNCTION_TIME_MAX;
        let report = check(&program, index, solver, Clock::new(&time_is_up));
        judged.open += u32::from(report.incomplete.is_some());
        for found in report.checks {
            match found.verdict {
                Verdict::Proved if report.assumptions.is_empty() => judged.proved += 1,
                Verdict::Refuted(_) if found.kind != CheckKind::ConstantCondition => {
                    judged.refuted.push((found.kind, found.line));
                }
                Verdict::Refuted(_) => {}
                Verdict::Proved | Verdict::CallerDependent(_) | Verdict::Unknown(_) => {
                    judged.open += 1;
                }
            }
        }
    }
    judged
}

#[derive(Default)]
struct Score {
    failing: u32,
    found: u32,
    holding: u32,
    decided: u32,
    false_proofs: Vec<String>,
    false_alarms: Vec<String>,
}

impl Score {
    fn add(&mut self, folder: &Path, fails: bool, judged: &Judged) {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let all_proved = judged.proved > 0 && judged.open == 0 && judged.refuted.is_empty();
        if fails {
            self.failing += 1;
            self.found += u32::from(!judged.refuted.is_empty());
            if all_proved {
                self.false_proofs.push(format!("{name}: {} proved", judged.proved));
            }
        } else {
            self.holding += 1;
            self.decided += u32::from(all_proved);
            if !judged.refuted.is_empty() {
                self.false_alarms.push(format!("{name}: {:?}", judged.refuted));
            }
        }
    }

    fn report(&self) {
        println!("fails: {} cases, {} refuted", self.failing, self.found);
        println!("holds: {} cases, {} proved", self.holding, self.decided);
        println!("all proved, yet it fails: {}", self.false_proofs.len());
        self.false_proofs.iter().for_each(|line| println!("  PROOF {line}"));
        println!("refuted, yet it holds: {}", self.false_alarms.len());
        self.false_alarms.iter().for_each(|line| println!("  ALARM {line}"));
    }
}
