//! The `assay` program: what people run on their own machine.
//!
//! `scan` examines code, `policy` and `rules` check what is asked of that, `diff` says what a change
//! does and `verify` checks what Assay signed, all offline; `runs` operates durable work through
//! the API.

mod api;
mod diff;
mod error;
mod git;
mod input;
mod policy;
mod rules;
mod runs;
mod scan;
mod verify;
mod words;

use std::{io, process::ExitCode};

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

pub use diff::DiffArguments;
pub use error::{Error, Trouble};
pub use input::InputError;
pub use policy::PolicyArguments;
pub use rules::RulesArguments;
pub use runs::RunsArguments;
pub use scan::ScanArguments;
pub use verify::VerifyArguments;

/// Examine code and check what Assay signed, on your own machine, and operate its runs.
#[derive(Debug, Parser)]
#[command(name = "assay", version, arg_required_else_help = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Scan(ScanArguments),
    Diff(DiffArguments),
    Policy(PolicyArguments),
    Rules(RulesArguments),
    Verify(VerifyArguments),
    Runs(RunsArguments),
}

impl Arguments {
    /// Reads the command line of a program that people know as `program`; help and examples
    /// call it so too. Ends the process when the call makes no sense.
    pub fn parse_as(program: &str) -> Self {
        let command = examples_of(Self::command(), program).bin_name(program);
        Self::from_arg_matches(&command.get_matches()).unwrap_or_else(|error| error.exit())
    }
}

fn examples_of(command: clap::Command, program: &str) -> clap::Command {
    let examples = command.get_after_long_help().map(ToString::to_string);
    let command = command.mut_subcommands(|command| examples_of(command, program));
    match examples {
        Some(examples) => {
            let called = |text: String, name: &str| {
                text.replace(&format!("assay {name}"), &format!("{program} {name}"))
            };
            command.after_long_help(called(called(examples, "runs"), "rules"))
        }
        None => command,
    }
}

/// How the program ends; the numbers are part of its interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Valid, succeeded, done.
    Yes,
    /// Not valid, failed, refused.
    No,
    /// There is no answer: a file cannot be read, the API cannot be reached, or the call makes
    /// no sense; clap uses the same number.
    Trouble,
    /// Nothing was found, but not everything was looked at.
    Incomplete,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Yes => Self::SUCCESS,
            Exit::No => Self::from(1),
            Exit::Trouble => Self::from(2),
            Exit::Incomplete => Self::from(3),
        }
    }
}

/// Does what was asked; `program` is what people type to start it, which hints repeat.
pub fn run(arguments: &Arguments, program: &str, out: &mut impl io::Write) -> Result<Exit, Error> {
    let outcome = match &arguments.command {
        Command::Scan(arguments) => scan::run(arguments, out),
        Command::Diff(arguments) => diff::run(arguments, out),
        Command::Policy(arguments) => policy::run(arguments, out),
        Command::Rules(arguments) => rules::run(arguments, out),
        Command::Verify(arguments) => verify::run(arguments, out),
        Command::Runs(arguments) => runs::run(arguments, program, out),
    };
    match outcome {
        Err(error) if error.is_broken_pipe() => Ok(Exit::Yes),
        outcome => outcome,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn help_calls_the_program_as_people_do() {
        let mut command = examples_of(Arguments::command(), "cargo local").bin_name("cargo local");
        command.build();
        let list =
            command.find_subcommand_mut("runs").unwrap().find_subcommand_mut("list").unwrap();
        let help = list.render_long_help().to_string();
        assert!(help.contains("Usage: cargo local runs list"), "{help}");
        assert!(help.contains("cargo local runs list --status"), "{help}");
        assert!(!help.contains("assay runs"), "{help}");
    }
}
