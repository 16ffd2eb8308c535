//! Checks every Java function of a folder, all files lowered together, and counts the verdicts.
//!
//! `cargo run -p solver --example check_java -- Z3 FOLDER`

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use analysis::syntax_tree;
use domain::Language;
use formal::{Clock, Source, Verdict, check, lower};
use solver::Z3;

/// What one function may cost.
const FUNCTION_TIME_MAX: Duration = Duration::from_millis(500);

fn main() {
    let mut arguments = env::args().skip(1);
    let (Some(z3), Some(folder)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: check_java Z3 FOLDER");
        return;
    };
    let mut paths = Vec::new();
    collect(Path::new(&folder), &mut paths);
    paths.sort();
    let files: Vec<(String, String)> = paths
        .iter()
        .filter_map(|path| Some((path.display().to_string(), fs::read_to_string(path).ok()?)))
        .collect();
    let clock = analysis::Clock::unlimited();
    let trees: Vec<_> =
        files.iter().filter_map(|(_, text)| syntax_tree(Language::Java, text, &clock)).collect();
    let sources: Vec<Source<'_>> = files
        .iter()
        .zip(&trees)
        .map(|((path, text), tree)| Source { path, language: Language::Java, text, tree })
        .collect();
    let Ok(program) = lower(Language::Java, &sources) else { return };
    let mut solver = Z3::new(z3);
    let (mut counts, mut open) = (BTreeMap::new(), BTreeMap::<String, u32>::new());
    let mut times = Vec::new();
    for (index, function) in program.functions.iter().enumerate() {
        let begun = Instant::now();
        let time_is_up = || begun.elapsed() > FUNCTION_TIME_MAX;
        let report = check(&program, index, &mut solver, Clock::new(&time_is_up));
        times.push(begun.elapsed());
        if let Some(reason) = &report.incomplete {
            *open.entry(format!("{reason:?}")).or_default() += 1;
        }
        for found in &report.checks {
            let word = match &found.verdict {
                Verdict::Proved => "proved",
                Verdict::Refuted(example) => {
                    let path = &files[function.file].0;
                    println!("{path}:{} {} {example:?}", found.line, found.kind.as_str());
                    "refuted"
                }
                Verdict::CallerDependent(_) => "caller-dependent",
                Verdict::Unknown(_) => "unknown",
            };
            *counts.entry((found.kind, word)).or_insert(0_u32) += 1;
        }
    }
    for ((kind, word), count) in counts {
        println!("{:<28} {word:<17} {count}", kind.as_str());
    }
    for (reason, count) in open {
        println!("not looked at: {count} functions: {reason}");
    }
    times.sort();
    let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default();
    println!("{} functions: median {:.2?}, p99 {:.2?}", times.len(), at(50), at(99));
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.path() {
            path if path.is_dir() => collect(&path, files),
            path if path.extension().is_some_and(|own| own == "java") => files.push(path),
            _ => {}
        }
    }
}
