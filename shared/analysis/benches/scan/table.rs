//! Starts the measurements in turns, and prints what they gave and what was wanted.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use clap::ValueEnum;

use crate::{
    arguments::Arguments,
    child::{Told, Work},
    process::{self, Used},
};

const LINES_PER_SECOND_MIN: f64 = 60_000.0;
const PEAK_MEGABYTES_MAX: f64 = 256.0;
const DOUBLED_RULES_MAX: f64 = 1.15;
const WARM_SECONDS_MAX: f64 = 1.0;
const COLD_SECONDS_MAX: f64 = 1.5;
const FIRST_SECRET_MILLISECONDS_MAX: f64 = 50.0;
const FIRST_SECRET_MEGABYTES_MAX: f64 = 30.0;

/// One row: a program over a corpus, with what each round used.
struct Row {
    name: &'static str,
    used: Vec<Used>,
    told: Option<Told>,
}

impl Row {
    fn new(name: &'static str) -> Self {
        Self { name, used: Vec::new(), told: None }
    }

    fn seconds(&self) -> f64 {
        median(self.used.iter().map(|used| used.seconds))
    }

    /// Our own process says what it held; of others the last look may have missed the top.
    fn peak(&self) -> f64 {
        let seen = self.used.iter().map(|used| used.peak_megabytes).fold(0.0, f64::max);
        self.told.as_ref().map_or(seen, |told| told.peak_megabytes)
    }

    fn run(&mut self, work: Work, corpus: Option<&Path>) {
        let (used, told) = ours(work, corpus);
        self.used.push(used);
        self.told = Some(told);
    }
}

pub(crate) fn run(arguments: &Arguments) {
    let corpora: Vec<Option<&PathBuf>> = match arguments.corpora.as_slice() {
        [] => vec![None],
        named => named.iter().map(Some).collect(),
    };
    println!("{} rounds; medians. {} rules.", arguments.rounds, analysis::rules().len());
    for corpus in corpora {
        of_corpus(arguments, corpus.map(PathBuf::as_path));
    }
    firsts();
}

fn of_corpus(arguments: &Arguments, corpus: Option<&Path>) {
    let mut own = [
        (Work::Parse, Row::new("parse alone")),
        (Work::HalfTheRules, Row::new("half of the rules")),
        (Work::AllRules, Row::new("all rules")),
        (Work::Everything, Row::new("everything")),
        (Work::PullRequest, Row::new("20 files, twice")),
    ];
    let mut peers = [Row::new("bandit"), Row::new("ruff's S rules")];
    for round in 0..arguments.rounds {
        for (work, row) in &mut own {
            row.run(*work, corpus);
        }
        let Some(corpus) = corpus.filter(|_| round < arguments.peer_rounds) else { continue };
        if let Some(bandit) = &arguments.bandit {
            let mut command = Command::new(bandit);
            command.args(["--quiet", "--recursive", "--format", "json"]).arg(corpus);
            peers[0].used.push(process::measured(&mut command).0);
        }
        if let Some(ruff) = &arguments.ruff {
            let mut command = Command::new(ruff);
            command.args(["check", "--select", "S", "--isolated", "--no-cache", "--exit-zero"]);
            command.args(["--output-format", "json"]).arg(corpus).env("RAYON_NUM_THREADS", "1");
            peers[1].used.push(process::measured(&mut command).0);
        }
    }
    let name = corpus.map_or("generated code".to_owned(), |path| path.display().to_string());
    let lines = own[3].1.told.as_ref().map_or(0, |told| told.lines);
    println!("\n{name}: {lines} lines\n");
    println!("| what | CPU s | least | most | lines per CPU s | peak MB | findings |");
    println!("|---|---:|---:|---:|---:|---:|---:|");
    let rows = own[..4].iter().map(|(_, row)| row).chain(&peers);
    rows.filter(|row| !row.used.is_empty()).for_each(|row| print_row(row, lines));
    targets(&own.map(|(_, row)| row), lines);
}

fn print_row(row: &Row, lines: u64) {
    let all = row.used.iter().map(|used| used.seconds);
    let (least, most) = (all.clone().fold(f64::INFINITY, f64::min), all.fold(0.0, f64::max));
    let findings = match &row.told {
        Some(told) => told.findings.to_string(),
        None => "-".to_owned(),
    };
    println!(
        "| {} | {:.2} | {least:.2} | {most:.2} | {:.0} | {:.0} | {findings} |",
        row.name,
        row.seconds(),
        lines as f64 / row.seconds(),
        row.peak(),
    );
}

fn targets([_, half, all, everything, change]: &[Row; 5], lines: u64) {
    println!();
    let speed = lines as f64 / everything.seconds();
    target(
        "lines per CPU second, everything",
        speed,
        LINES_PER_SECOND_MIN,
        speed >= LINES_PER_SECOND_MIN,
    );
    at_most("peak memory of everything, MB", everything.peak(), PEAK_MEGABYTES_MAX);
    at_most("all rules against half of them", all.seconds() / half.seconds(), DOUBLED_RULES_MAX);
    let warm = change.told.as_ref().map_or(f64::NAN, |told| told.warm_seconds);
    at_most("20 files warm, CPU s", warm, WARM_SECONDS_MAX);
    // The process looked at the files twice.
    at_most("20 files with a cold start, CPU s", change.seconds() - warm, COLD_SECONDS_MAX);
}

fn firsts() {
    println!("\n| first file in a process | CPU ms | MB |");
    println!("|---|---:|---:|");
    let (_, told) = ours(Work::First, None);
    for (name, milliseconds, megabytes) in &told.firsts {
        println!("| {name} | {milliseconds:.1} | {megabytes:.1} |");
    }
    println!();
    if let Some((_, milliseconds, megabytes)) = told.firsts.first() {
        at_most("first secret, CPU ms", *milliseconds, FIRST_SECRET_MILLISECONDS_MAX);
        at_most("first secret, MB", *megabytes, FIRST_SECRET_MEGABYTES_MAX);
    }
}

fn at_most(what: &str, measured: f64, bound: f64) {
    target(what, measured, bound, measured <= bound);
}

fn target(what: &str, measured: f64, bound: f64, reached: bool) {
    let verdict = if reached { "reached" } else { "MISSED " };
    println!("{verdict} {what}: {measured:.3}, wanted {bound}");
}

fn ours(work: Work, corpus: Option<&Path>) -> (Used, Told) {
    let program = env::current_exe().expect("a running program has a file");
    let name = work.to_possible_value().expect("every kind of work has a name");
    let mut command = Command::new(program);
    command.args(["--work", name.get_name()]).args(corpus);
    let (used, printed) = process::measured(&mut command);
    let told = serde_json::from_slice(&printed).expect("the measurement prints what it measured");
    (used, told)
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
