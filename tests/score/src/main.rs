use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    score::run(&score::Arguments::parse()).unwrap_or_else(|stop| {
        eprintln!("{stop}");
        ExitCode::from(2)
    })
}
