//! The fault suite: the real functions, a real Postgres, a real SQS API, and everything that can
//! go wrong between them. When all has settled, the history in the tables must be as if nothing
//! had happened.
//!
//! `cargo local chaos` runs it. A trial with a rule broken on purpose has to go red, or the suite
//! would not notice if the rule broke by itself.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test program: panicking and printing are the report"
)]

mod api;
mod arguments;
mod cluster;
mod controls;
mod history;
mod instance;
mod load;
mod mapping;
mod merges;
mod progress;
mod queues;
mod relay;
mod report;
mod scans;
mod stage;
mod tally;
mod trial;
mod trouble;
mod unplug;
mod wire;
mod world;

use std::process::ExitCode;

use clap::Parser;

use crate::{
    arguments::Arguments,
    cluster::{Cluster, Durability},
    controls::Control,
    progress::Line,
    report::Sum,
    trial::Trial,
    world::Place,
};

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let cluster = Cluster::new(
        arguments.postgres_bin.clone(),
        arguments.postgres_data.clone(),
        arguments.postgres_port,
    );
    let place = Place {
        cluster: &cluster,
        endpoint: &arguments.endpoint,
        functions: &arguments.functions,
        logs: &arguments.logs,
    };
    instance::assert_disturbable(&arguments.functions);
    let line = Line::new();
    let fine = match arguments.unplug {
        Some(webhooks) => unplug(&place, webhooks, &line).await,
        None if arguments.controls || !arguments.control.is_empty() => {
            controls(&place, &arguments, &line).await
        }
        None => storms(&place, &arguments, &line).await,
    };
    cluster.stop_immediately().await;
    if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A trial a seed, with all faults at once.
async fn storms(place: &Place<'_>, arguments: &Arguments, line: &Line) -> bool {
    let mut sum = Sum::new();
    Sum::headline();
    for seed in arguments.seed.all() {
        let judged = stage::play(place, Trial::stormy(seed, arguments.runs), line).await;
        line.clear();
        sum.add(&judged);
    }
    sum.print()
}

/// Breaks one rule after the other; each has to show.
async fn controls(place: &Place<'_>, arguments: &Arguments, line: &Line) -> bool {
    let mut wanted: Vec<&Control> = Vec::new();
    for name in &arguments.control {
        match Control::named(name) {
            Some(control) => wanted.push(control),
            None => {
                let names: Vec<&str> = controls::ALL.iter().map(|control| control.name).collect();
                eprintln!("there is no control `{name}`; there are {}", names.join(", "));
                return false;
            }
        }
    }
    if arguments.controls {
        wanted.extend(controls::ALL);
    }
    let mut sum = Sum::new();
    let mut verdicts = Vec::new();
    Sum::headline();
    for control in wanted {
        let mut green = true;
        if !arguments.without_counterparts {
            let kept = stage::play(place, control.kept(), line).await;
            line.clear();
            sum.add(&kept);
            green = kept.violations.is_empty();
        }
        let broken = stage::play(place, control.broken(), line).await;
        line.clear();
        Sum::new().add(&broken);
        verdicts.push((control, green, !broken.violations.is_empty()));
    }
    println!("\n{:<22} {:<8} {:<12} rule broken", "control", "faults", "rule kept");
    for (control, green, red) in &verdicts {
        let numbers: Vec<String> = control.faults.iter().map(u8::to_string).collect();
        let kept = match (arguments.without_counterparts, green) {
            (true, _) => "not run",
            (false, true) => "green",
            (false, false) => "RED",
        };
        let broken = if *red { "red" } else { "NOT SEEN" };
        println!("{:<22} {:<8} {kept:<12} {broken}", control.name, numbers.join(" "));
    }
    verdicts.iter().all(|(_, green, red)| *green && *red)
}

/// Acceptance: what was answered with a 2xx survives; its control loses some of it.
async fn unplug(place: &Place<'_>, webhooks: usize, line: &Line) -> bool {
    println!("commit        2xx before  2xx after  refused  violations");
    let mut fine = true;
    for durability in [Durability::Synchronous, Durability::Asynchronous] {
        let pulled = unplug::pull(place, webhooks, durability, line).await;
        line.clear();
        println!(
            "{:<12} {:>11} {:>10} {:>8} {:>11}",
            format!("{durability:?}").to_lowercase(),
            pulled.before,
            pulled.after,
            pulled.refused,
            pulled.violations.len()
        );
        for violation in pulled.violations.iter().take(5) {
            println!("    {violation}");
        }
        fine &= pulled.violations.is_empty() == (durability == Durability::Synchronous);
    }
    fine
}
