use std::{path::Path, process::ExitCode};

use cli::{Arguments, Exit, run};

fn main() -> ExitCode {
    let program = program();
    // Colours are dropped by the stream when nobody can see them, or NO_COLOR is set.
    let exit = run(&Arguments::parse_as(&program), &program, &mut anstream::stdout())
        .unwrap_or_else(|error| {
            anstream::eprintln!("\x1b[31merror:\x1b[0m {error}");
            Exit::Trouble
        });
    exit.into()
}

/// What people typed to start this program.
fn program() -> String {
    let path = std::env::args_os().next().unwrap_or_default();
    let name = Path::new(&path).file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}
