//! `cargo local rules`: the `assay` program, which tries rules without any stack.

use std::{
    ffi::OsString,
    os::unix::process::CommandExt,
    process::{Command, ExitCode},
};

use crate::{
    commands::Local,
    functions,
    runs::CALLED,
    stop::{Result, Stop},
};

pub(crate) fn run(local: &Local, arguments: &[OsString]) -> Result<ExitCode> {
    let assay = functions::binary(local, "assay");
    if !assay.exists() {
        return Err(Stop::new("the assay program is not built", "run `cargo local up`"));
    }
    // Replaces this process, so that its exit code and Ctrl-C are assay's.
    let error = Command::new(assay).arg0(CALLED).arg("rules").args(arguments).exec();
    Err(Stop::new(format_args!("cannot start assay: {error}"), "run `cargo local up`"))
}
