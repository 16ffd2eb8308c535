use std::process::ExitCode;

use clap::Parser;
use cli::{Arguments, Exit, run};

fn main() -> ExitCode {
    // Colours are dropped by the stream when nobody can see them, or NO_COLOR is set.
    let exit = run(&Arguments::parse(), &mut anstream::stdout()).unwrap_or_else(|error| {
        anstream::eprintln!("\x1b[31merror:\x1b[0m {error}");
        Exit::Unreadable
    });
    exit.into()
}
