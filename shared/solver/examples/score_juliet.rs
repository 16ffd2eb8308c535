//! Scores the formal checks on Juliet for Java, case by case.
//!
//! `cargo run -p solver --example score_juliet -- Z3 SUITE [EVERY] [OFFSET] [NAME]`: `SUITE` is the folder with
//! `src/testcases`; every `EVERY`th case file is looked at, from `OFFSET` on. Intraprocedural
//! variants (01 to 17 and 31) and those within one file (21, 22, 41 to 45) are told apart.
//! A refuted check of the case's kind in `bad` is a hit, in `good*` a false alarm; a `bad` whose
//! checks of that kind are all proved is a false proof.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use analysis::syntax_tree;
use domain::Language;
use formal::{Clock, Source, Verdict, check, ir::CheckKind, lower};
use solver::Z3;

/// Cases whose label is wrong, by a part of their name, with the reason.
const MISLABELLED: &[(&str, &str)] = &[(
    "large_fixed_array_size",
    "an array of 100 elements is made and its first is written: nothing is out of bounds",
)];

/// What one function may cost.
const FUNCTION_TIME_MAX: Duration = Duration::from_millis(500);

fn main() {
    let mut arguments = env::args().skip(1);
    let (Some(z3), Some(suite)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: score_juliet Z3 SUITE [EVERY] [OFFSET] [NAME]");
        return;
    };
    let every: usize = arguments.next().and_then(|it| it.parse().ok()).unwrap_or(1);
    let offset: usize = arguments.next().and_then(|it| it.parse().ok()).unwrap_or(0);
    let only = arguments.next().unwrap_or_default();
    let suite = PathBuf::from(suite);
    let support: Vec<(PathBuf, String)> = [
        "src/testcasesupport/IO.java",
        "src/testcases/CWE690_NULL_Deref_From_Return/CWE690_NULL_Deref_From_Return__Class_Helper.java",
    ]
    .iter()
    .filter_map(|path| Some((suite.join(path), fs::read_to_string(suite.join(path)).ok()?)))
    .collect();
    let mut files = Vec::new();
    collect(&suite.join("src/testcases"), &mut files);
    files.sort();
    let mut scores = BTreeMap::new();
    let mut solver = Z3::new(z3);
    let mut times = Vec::new();
    let cases = files.iter().filter(|file| variant(file).is_some());
    for file in
        cases.filter(|file| file.to_string_lossy().contains(&only)).skip(offset).step_by(every)
    {
        score(file, &support, &mut solver, &mut scores, &mut times);
    }
    report(&scores, times, &solver);
    for (part, reason) in MISLABELLED {
        println!("left out: {part}: {reason}");
    }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.path() {
            path if path.is_dir() => collect(&path, files),
            path => files.push(path),
        }
    }
}

/// The flow variant of a case file, and whether it stays in one function.
fn variant(file: &Path) -> Option<bool> {
    let name = file.file_stem()?.to_str()?;
    name.starts_with("CWE").then_some(())?;
    let (_, number) = name.rsplit_once('_')?;
    let number: u32 = number.parse().ok()?;
    match number {
        1..=17 | 31 => Some(true),
        21 | 22 | 41 | 42 | 44 | 45 => Some(false),
        _ => None,
    }
}

#[derive(Default)]
struct Score {
    hits: u32,
    caller: u32,
    misses: Vec<String>,
    good: u32,
    false_alarms: Vec<String>,
    false_proofs: Vec<String>,
    good_proved: u32,
}

fn kinds(cwe: &str) -> &'static [CheckKind] {
    match cwe {
        "CWE129" => &[CheckKind::IndexOutOfBounds, CheckKind::NegativeArraySize],
        "CWE190" | "CWE191" => &[CheckKind::IntegerOverflow],
        "CWE369" => &[CheckKind::DivisionByZero, CheckKind::FloatDivisionByZero],
        _ => &[CheckKind::NullDereference, CheckKind::NullCheckAfterDereference],
    }
}

fn score(
    file: &Path,
    support: &[(PathBuf, String)],
    solver: &mut Z3,
    scores: &mut BTreeMap<(String, bool), Score>,
    times: &mut Vec<Duration>,
) {
    let stem = file.to_string_lossy();
    if MISLABELLED.iter().any(|(part, _)| stem.contains(part)) {
        return;
    }
    let Ok(text) = fs::read(file).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()) else {
        return;
    };
    let name = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let cwe = name.split('_').next().unwrap_or_default().to_owned();
    let all: Vec<(&Path, &str)> = std::iter::once((file, text.as_str()))
        .chain(support.iter().map(|(path, text)| (path.as_path(), text.as_str())))
        .collect();
    let trees: Vec<_> = all
        .iter()
        .filter_map(|(_, text)| syntax_tree(Language::Java, text, &analysis::Clock::unlimited()))
        .collect();
    let paths: Vec<String> = all.iter().map(|(path, _)| path.display().to_string()).collect();
    let sources: Vec<Source<'_>> = all
        .iter()
        .zip(&trees)
        .zip(&paths)
        .map(|(((_, text), tree), path)| Source { path, language: Language::Java, text, tree })
        .collect();
    let Ok(program) = lower(Language::Java, &sources) else { return };
    let score = scores.entry((cwe.clone(), variant(file) == Some(true))).or_default();
    for (index, function) in program.functions.iter().enumerate() {
        let method = function.name.rsplit('.').next().unwrap_or_default();
        let is_bad = method == "bad";
        let is_good = method.starts_with("good") && method != "good";
        if function.file != 0 || !(is_bad || is_good) {
            continue;
        }
        let begun = Instant::now();
        let up = || begun.elapsed() > FUNCTION_TIME_MAX;
        let report = check(&program, index, solver, Clock::new(&up));
        times.push(begun.elapsed());
        let own: Vec<_> =
            report.checks.iter().filter(|check| kinds(&cwe).contains(&check.kind)).collect();
        let refuted = own.iter().find(|check| matches!(check.verdict, Verdict::Refuted(_)));
        let proved = own.iter().all(|check| check.verdict == Verdict::Proved);
        let proved = proved && report.incomplete.is_none() && variant(file) == Some(true);
        let about = || {
            let open = own.iter().filter(|check| check.verdict != Verdict::Proved);
            let open: Vec<String> = open
                .map(|check| format!("{}:{}:{:?}", check.kind.as_str(), check.line, check.verdict))
                .collect();
            format!("{name}.{method} {:?} {open:?}", report.incomplete)
        };
        if is_bad {
            match refuted {
                Some(_) => score.hits += 1,
                None => {
                    let caller = |verdict: &Verdict| matches!(verdict, Verdict::CallerDependent(_));
                    score.caller += u32::from(own.iter().any(|check| caller(&check.verdict)));
                    score.misses.push(about());
                    if proved {
                        score.false_proofs.push(format!("{name}: {} checks", own.len()));
                    }
                }
            }
        } else {
            score.good += 1;
            score.good_proved += u32::from(proved);
            if refuted.is_some() {
                score.false_alarms.push(about());
            }
        }
    }
}

fn report(scores: &BTreeMap<(String, bool), Score>, mut times: Vec<Duration>, solver: &Z3) {
    println!("suite     within    recall          false alarms    good proved     false proofs");
    for ((cwe, intra), score) in scores {
        let bad = score.hits as usize + score.misses.len();
        println!(
            "{cwe:<9} {:<9} {:>5}/{bad:<5} {:.3} {:>5}/{:<5}     {:>5}/{:<5}     {}",
            if *intra { "function" } else { "file" },
            score.hits,
            f64::from(score.hits) / (bad.max(1) as f64),
            score.false_alarms.len(),
            score.good,
            score.good_proved,
            score.good,
            score.false_proofs.len(),
        );
    }
    times.sort();
    let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default();
    let total: Duration = times.iter().sum();
    println!(
        "{} functions, {total:.1?}: median {:.2?}, p90 {:.2?}, p99 {:.2?}; solver {:.1?}, {} restarts",
        times.len(),
        at(50),
        at(90),
        at(99),
        solver.spent(),
        solver.restarts(),
    );
    for ((cwe, _), score) in scores {
        for line in score.false_proofs.iter() {
            println!("FALSE PROOF {cwe} {line}");
        }
        for line in score.false_alarms.iter().take(6) {
            println!("ALARM {cwe} {line}");
        }
        for line in score.misses.iter().take(6) {
            println!("MISS {cwe} {line}");
        }
    }
}
