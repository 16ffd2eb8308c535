//! `cargo local score`: what the analysis finds, against suites that others labelled.
//!
//! The scorer is a program of its own, built with optimisation: suites are large. The formal checks
//! are also told where the solver is.

use std::{
    ffi::OsString,
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Command, ExitCode},
};

use crate::{
    commands::Local,
    process,
    stop::{Result, Stop},
    venv::Venv,
};

/// Suites of the formal checks.
const FORMAL: [&str; 5] = ["juliet", "esbmc", "gosec", "nilaway", "functions"];

/// Optimised, and built faster than what is released.
const PROFILE: &str = "bench";
const FOLDER: &str = "release";

pub(crate) fn run(local: &Local, arguments: &[OsString]) -> Result<ExitCode> {
    let suite = arguments.first().and_then(|suite| suite.to_str());
    let program = build(local)?;
    let mut command = Command::new(program.join("score"));
    command.args(arguments);
    let is_told = arguments.iter().any(|argument| argument == "--z3" || argument == "--help");
    if suite.is_some_and(|suite| FORMAL.contains(&suite)) && !is_told {
        command.arg("--z3").arg(Venv::ready(local)?.bin("z3"));
    }
    // Replaces this process, so that its exit code and Ctrl-C are the scorer's.
    let error = command.exec();
    Err(Stop::new(
        format_args!("cannot start the scorer: {error}"),
        "run `cargo local score` again",
    ))
}

/// Gives the folder that the programs are in.
fn build(local: &Local) -> Result<PathBuf> {
    let log = local.checkout.logs().join("score-build.log");
    let mut command = Command::new(&local.environment.cargo);
    command
        .current_dir(local.checkout.root())
        .args(["build", "--locked", "--profile", PROFILE, "--package", "score"])
        .arg("--target-dir")
        .arg(local.checkout.target())
        .env("TERM", "dumb");
    local.screen.step("scorer", Some(&log), || {
        process::run(&mut command, &log, "mend what the compiler complains about")
    })?;
    Ok(local.checkout.target().join(FOLDER))
}
