//! The `assay` program: what people run on their own machine, without an account.

mod input;
mod verify;

use std::{io, process::ExitCode};

use clap::{Parser, Subcommand};

pub use input::InputError;
pub use verify::VerifyArguments;

/// Checks what Assay signed, on your own machine and without trusting Assay's servers.
#[derive(Debug, Parser)]
#[command(name = "assay", version, arg_required_else_help = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Verify(VerifyArguments),
}

/// How the program ends; the numbers are part of its interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Valid,
    Invalid,
    /// A file cannot be read, or the call makes no sense; clap uses the same number.
    Unreadable,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Valid => Self::SUCCESS,
            Exit::Invalid => Self::from(1),
            Exit::Unreadable => Self::from(2),
        }
    }
}

pub fn run(arguments: &Arguments, out: &mut impl io::Write) -> Result<Exit, InputError> {
    match &arguments.command {
        Command::Verify(arguments) => verify::run(arguments, out),
    }
}
