//! Checks every function of a folder that is written in a language, and counts the verdicts.
//!
//! `cargo run -p solver --example check_folder -- Z3 LANGUAGE FOLDER`. Go's and Java's files are lowered
//! together, those of other languages each on its own, as a module is.

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

/// What one function may cost.
const FUNCTION_TIME_MAX: Duration = Duration::from_millis(500);

fn main() {
    let mut arguments = env::args().skip(1);
    let (Some(z3), Some(language), Some(folder)) =
        (arguments.next(), arguments.next(), arguments.next())
    else {
        eprintln!("usage: check_folder Z3 LANGUAGE FOLDER");
        return;
    };
    let Ok(language) = language.parse::<Language>() else {
        eprintln!("{language} is no language");
        return;
    };
    let mut paths = Vec::new();
    collect(Path::new(&folder), language, &mut paths);
    paths.sort();
    let files: Vec<(String, String)> = paths
        .iter()
        .filter_map(|path| Some((path.display().to_string(), fs::read_to_string(path).ok()?)))
        .collect();
    let mut count = Count::default();
    let mut solver = Z3::new(z3);
    match language {
        Language::Go | Language::Java => count.check(language, &files, &mut solver),
        Language::Python
        | Language::JavaScript
        | Language::TypeScript
        | Language::Tsx
        | Language::Rust => files.iter().for_each(|file| {
            count.check(language, std::slice::from_ref(file), &mut solver);
        }),
    }
    count.report();
}

#[derive(Default)]
struct Count {
    verdicts: BTreeMap<(CheckKind, &'static str), u32>,
    open: BTreeMap<String, u32>,
    times: Vec<Duration>,
}

impl Count {
    fn check(&mut self, language: Language, files: &[(String, String)], solver: &mut Z3) {
        let clock = analysis::Clock::unlimited();
        let trees: Vec<_> =
            files.iter().filter_map(|(_, text)| syntax_tree(language, text, &clock)).collect();
        let sources: Vec<Source<'_>> = files
            .iter()
            .zip(&trees)
            .map(|((path, text), tree)| Source { path, language, text, tree })
            .collect();
        let Ok(program) = lower(language, &sources) else { return };
        for (index, function) in program.functions.iter().enumerate() {
            let begun = Instant::now();
            let time_is_up = || begun.elapsed() > FUNCTION_TIME_MAX;
            let report = check(&program, index, solver, Clock::new(&time_is_up));
            self.times.push(begun.elapsed());
            if let Some(reason) = &report.incomplete {
                *self.open.entry(reason.to_string()).or_default() += 1;
            }
            for found in &report.checks {
                let word = match &found.verdict {
                    Verdict::Proved => "proved",
                    Verdict::Refuted(example) => {
                        let path = &files[function.file].0;
                        let (line, kind) = (found.line, found.kind.as_str());
                        println!("{path}:{line} {kind} {:?}", example.inputs);
                        "refuted"
                    }
                    Verdict::CallerDependent(_) => "caller-dependent",
                    Verdict::Unknown(_) => "unknown",
                };
                *self.verdicts.entry((found.kind, word)).or_default() += 1;
            }
        }
    }

    fn report(mut self) {
        for ((kind, word), count) in self.verdicts {
            println!("{:<28} {word:<17} {count}", kind.as_str());
        }
        for (reason, count) in self.open {
            println!("not looked at: {count} functions: {reason}");
        }
        self.times.sort();
        let count = self.times.len();
        let at = |share: usize| self.times.get(count * share / 100).copied().unwrap_or_default();
        println!("{count} functions: median {:.2?}, p99 {:.2?}", at(50), at(99));
    }
}

fn collect(folder: &Path, language: Language, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.path() {
            path if path.is_dir() => collect(&path, language, files),
            path if Language::of_path(&path.to_string_lossy()) == Some(language) => {
                files.push(path)
            }
            _ => {}
        }
    }
}
