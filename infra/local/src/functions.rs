//! Builds the functions, and puts each where the template's CodeUri looks for it.

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf, process::Command};

use crate::{
    commands::Local,
    process,
    stop::{OrStop, Result},
};

pub(crate) const NAMES: [&str; 9] = [
    "webhook_intake",
    "run_orchestrator",
    "embedder",
    "syncer",
    "attestor",
    "notifier",
    "scheduler",
    "api",
    "migrator",
];

/// What is built along with the functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Build {
    FunctionsOnly,
    /// Tests switch on features of what both stand on; built together, that is built once.
    WithTests,
}

impl Build {
    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::FunctionsOnly => &["--bins", "--exclude", "local", "--exclude", "score"],
            Self::WithTests => &["--bins", "--lib", "--tests", "--examples"],
        }
    }
}

pub(crate) fn build(local: &Local, what: Build) -> Result<()> {
    let log = local.checkout.logs().join("build.log");
    local.screen.step("functions", Some(&log), || {
        process::run(
            Command::new(&local.environment.cargo)
                .current_dir(local.checkout.root())
                .args(["build", "--workspace", "--locked"])
                .args(what.arguments())
                .arg("--target-dir")
                .arg(local.checkout.target()),
            &log,
            "mend what the compiler complains about",
        )?;
        NAMES.iter().try_for_each(|name| place(local, name))
    })
}

pub(crate) fn binary(local: &Local, name: &str) -> PathBuf {
    local.checkout.target().join("debug").join(name)
}

/// Copies a function to where `cargo lambda build` would put it.
fn place(local: &Local, name: &str) -> Result<()> {
    let folder = local.checkout.target().join("lambda").join(name);
    local.checkout.make_folder(&folder)?;
    let (built, bootstrap) = (binary(local, name), folder.join("bootstrap"));
    let fresh = folder.join("bootstrap.new");
    // Renamed into place: the old file may be running.
    fs::copy(&built, &fresh)
        .and_then(|_| fs::set_permissions(&fresh, fs::Permissions::from_mode(0o755)))
        .and_then(|()| fs::rename(&fresh, &bootstrap))
        .or_stop(format_args!("cannot copy {}", built.display()), "free some disk space")
}
