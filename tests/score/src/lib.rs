//! Scores: what the analysis finds, against suites that others labelled.
//!
//! A suite is somebody else's repository, named on the command line; none of it is kept here. Each
//! module reads one suite's labels and counts; `sheet` prints the counts, with what other
//! programs reached on the same suite beside them and the target that was set.

mod annotated;
mod arguments;
mod bandit;
mod bearer;
mod codeql;
mod families;
mod files;
mod fixes;
mod formal;
mod git;
mod gitleaks;
mod marked;
mod moves;
mod noseyparker;
mod owasp;
mod peers;
mod reports;
mod sheet;
mod stop;
mod watch;

use std::process::ExitCode;

use crate::formal::{Checks, esbmc, folder, gosec, juliet, nilaway};
use annotated::Programs;
pub use arguments::Arguments;
use arguments::Suite;
pub use stop::Stop;

/// Scores one suite and prints the sheet. The exit code is 0 when every target was reached.
pub fn run(arguments: &Arguments) -> Result<ExitCode, Stop> {
    let sheet = match &arguments.suite {
        Suite::Noseyparker { path } => noseyparker::score(path)?,
        Suite::SemgrepRules { path, language, bandit, ruff } => {
            let programs = Programs { bandit: bandit.as_deref(), ruff: ruff.as_deref() };
            annotated::score(path, language.as_deref(), &programs)?
        }
        Suite::Gitleaks { path } => gitleaks::score(path)?,
        Suite::Moves { path, commits } => moves::score(path, *commits)?,
        Suite::Fixes { path } => fixes::score(path)?,
        Suite::Juliet { path, z3, every, from, name } => {
            let choice = juliet::Choice { every: *every, from: *from, name };
            juliet::score(path, &choice, Checks::new(z3))?
        }
        Suite::Esbmc { path, z3 } => esbmc::score(path, Checks::new(z3))?,
        Suite::Functions { path, z3, language } => folder::score(path, *language, Checks::new(z3))?,
        Suite::Gosec { path, z3 } => gosec::score(path, Checks::new(z3))?,
        Suite::Nilaway { path, z3 } => nilaway::score(path, Checks::new(z3))?,
        Suite::Bandit { path, bandit } => bandit::score(path, bandit)?,
        Suite::Owasp { path, half } => owasp::score(path, *half)?,
        Suite::Codeql { path, half } => codeql::score(path, *half)?,
        Suite::Bearer { path, half } => bearer::score(path, *half)?,
    };
    print!("{}", if arguments.json { sheet.json() } else { sheet.text(arguments.show) });
    Ok(if sheet.reached() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
