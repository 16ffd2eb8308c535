use std::process::ExitCode;

use clap::{Parser, Subcommand};
use serde::Serialize;

use crate::{Config, Error, apply, bootstrap};

/// Prepare Assay's database.
///
/// Connects with MIGRATOR_DATABASE_URL, as the role that owns the tables. Run without a command
/// inside AWS Lambda, it waits for invocations and applies migrations at each.
#[derive(Debug, Parser)]
#[command(name = "migrator", version)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Apply every migration that is not applied yet. Safe to run twice, and at the same time.
    Apply,
    /// Create an organisation if it does not exist, and print a new API key for it.
    ///
    /// The key is printed once and cannot be shown again; it carries every scope.
    Bootstrap {
        /// The organisation's handle, such as `acme`.
        #[arg(long, value_name = "HANDLE")]
        organization: String,
    },
}

impl Arguments {
    /// Does what was asked and prints the answer as JSON.
    pub async fn run(self) -> ExitCode {
        match self.answer().await {
            Ok(answer) => {
                print(&answer);
                ExitCode::SUCCESS
            }
            Err(error) => {
                complain(&error);
                ExitCode::FAILURE
            }
        }
    }

    async fn answer(self) -> Result<serde_json::Value, Error> {
        let config = Config::from_env()?;
        Ok(match self.command {
            Command::Apply => json(&apply(&config).await?),
            Command::Bootstrap { organization } => json(&bootstrap(&config, &organization).await?),
        })
    }
}

fn json(answer: &impl Serialize) -> serde_json::Value {
    serde_json::to_value(answer).expect("plain structs always serialise")
}

#[expect(clippy::print_stdout, reason = "this is a command line's answer")]
fn print(answer: &serde_json::Value) {
    println!("{answer:#}");
}

#[expect(clippy::print_stderr, reason = "this is a command line's complaint")]
fn complain(error: &Error) {
    eprintln!("error: {error}");
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        eprintln!("  because: {next}");
        cause = next.source();
    }
}
