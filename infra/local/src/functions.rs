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

pub(crate) fn build(local: &Local) -> Result<()> {
    let log = local.checkout.logs().join("build.log");
    local.screen.step("functions", Some(&log), || {
        process::run(
            Command::new(&local.environment.cargo)
                .current_dir(local.checkout.root())
                // The whole workspace, so that `cargo test --workspace` finds the same features built.
                .args(["build", "--workspace", "--bins", "--exclude", "local", "--locked"])
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
