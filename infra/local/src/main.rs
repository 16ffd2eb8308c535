//! `cargo local`: runs `infra/template.yaml` on this machine.
//!
//! Plain process control. Postgres and the AWS endpoint come out of a Python environment in
//! `.local/`, the functions out of `cargo build`, and what is deployed is the template that AWS gets.

mod api;
mod arguments;
mod aws;
mod chaos;
mod checkout;
mod checks;
mod commands;
mod database;
mod demo;
mod endpoint;
mod functions;
mod process;
mod progress;
mod redrive;
mod rules;
mod runs;
mod score;
mod solver;
mod state;
mod stop;
mod venv;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    commands::run(&arguments::Arguments::parse()).unwrap_or_else(|stop| {
        eprintln!("{stop}");
        ExitCode::FAILURE
    })
}
