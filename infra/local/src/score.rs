//! `cargo local score`: what the analysis finds, against suites that others labelled.
//!
//! The scorers are programs of their own, built with optimisation: suites are large. Those of the
//! formal checks need the solver, and are examples of its crate.

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

/// Scorers of the formal checks: `score_<suite>.rs` each.
const FORMAL: &str = "shared/solver/examples";

/// Optimised, and built faster than what is released.
const PROFILE: &str = "bench";
const FOLDER: &str = "release";

pub(crate) fn run(local: &Local, arguments: &[OsString]) -> Result<ExitCode> {
    let suite = arguments.first().and_then(|suite| suite.to_str());
    let examples = local.checkout.root().join(FORMAL);
    let formal = suite
        .filter(|suite| suite.chars().all(|at| at.is_ascii_alphanumeric()))
        .map(|suite| format!("score_{suite}"))
        .filter(|example| examples.join(example).with_extension("rs").is_file());
    let mut command = match formal {
        Some(example) => {
            let venv = Venv::ready(local)?;
            let program = build(local, &["--package", "solver", "--example", &example])?;
            let mut command = Command::new(program.join("examples").join(&example));
            command.arg(venv.bin("z3")).args(&arguments[1..]);
            command
        }
        None => {
            let program = build(local, &["--package", "score"])?;
            let mut command = Command::new(program.join("score"));
            command.args(arguments);
            command
        }
    };
    // Replaces this process, so that its exit code and Ctrl-C are the scorer's.
    let error = command.exec();
    Err(Stop::new(
        format_args!("cannot start the scorer: {error}"),
        "run `cargo local score` again",
    ))
}

/// Gives the folder that the programs are in.
fn build(local: &Local, what: &[&str]) -> Result<PathBuf> {
    let log = local.checkout.logs().join("score-build.log");
    let mut command = Command::new(&local.environment.cargo);
    command
        .current_dir(local.checkout.root())
        .args(["build", "--locked", "--profile", PROFILE])
        .args(what)
        .arg("--target-dir")
        .arg(local.checkout.target())
        .env("TERM", "dumb");
    local.screen.step("scorer", Some(&log), || {
        process::run(&mut command, &log, "mend what the compiler complains about")
    })?;
    Ok(local.checkout.target().join(FOLDER))
}
