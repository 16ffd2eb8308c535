//! `cargo local runs`: the `assay` program, told where the local API is and what opens it.

use std::{
    ffi::OsString,
    os::unix::process::CommandExt,
    process::{Command, ExitCode},
};

use crate::{
    api::Api,
    commands::Local,
    functions,
    state::State,
    stop::{Result, Stop},
};

/// What people type to come here; `assay` calls itself so in its help and its hints.
pub(crate) const CALLED: &str = "cargo local";

pub(crate) fn run(local: &Local, arguments: &[OsString]) -> Result<ExitCode> {
    let assay = functions::binary(local, "assay");
    if !assay.exists() {
        return Err(Stop::new("the assay program is not built", "run `cargo local up`"));
    }
    let mut command = Command::new(assay);
    command.arg0(CALLED).arg("runs").args(arguments);
    if !asks_for_help(arguments) {
        let api = Api::of(local, &State::load(&local.checkout))?;
        command.env("ASSAY_API_URL", api.base()).env("ASSAY_API_KEY", api.key());
    }
    // Replaces this process, so that its exit code and Ctrl-C are assay's.
    let error = command.exec();
    Err(Stop::new(format_args!("cannot start assay: {error}"), "run `cargo local up`"))
}

/// Help needs no stack that runs.
fn asks_for_help(arguments: &[OsString]) -> bool {
    arguments.is_empty()
        || arguments
            .iter()
            .any(|argument| argument == "--help" || argument == "-h" || argument == "help")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_is_told_from_work() {
        let asks = |arguments: &[&str]| {
            asks_for_help(&arguments.iter().map(OsString::from).collect::<Vec<_>>())
        };
        assert!(asks(&[]) && asks(&["list", "--help"]) && asks(&["help", "list"]));
        assert!(!asks(&["list", "--json"]));
    }
}
