//! `cargo local solver`: z3 beside the function that asks it, for a deployment to AWS.

use std::{fs, os::unix::fs::PermissionsExt, process::Command};

use clap::ValueEnum;

use crate::{
    commands::Local,
    process,
    stop::{OrStop, Result},
    venv::Venv,
};

/// The function whose folder it goes into; the template's `SolverPath` is where it is then.
const FUNCTION: &str = "run_orchestrator";

/// What the function runs on, in the template's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Architecture {
    Arm64,
    #[value(name = "x86_64")]
    X86,
}

impl Architecture {
    /// The wheel's platform: one that starts on Amazon Linux 2023.
    fn platform(self) -> &'static str {
        match self {
            Self::Arm64 => "manylinux_2_34_aarch64",
            Self::X86 => "manylinux2014_x86_64",
        }
    }
}

pub(crate) fn run(local: &Local, architecture: Architecture) -> Result<()> {
    let venv = Venv::ready(local)?;
    let unpacked = local.checkout.local().join("solver").join(architecture.platform());
    let log = local.checkout.logs().join("solver.log");
    local.screen.step("z3 beside the bootstrap", Some(&log), || {
        process::fetch(
            Command::new(venv.bin("pip"))
                .args(["install", "--disable-pip-version-check", "--no-input", "--no-deps"])
                .args(["--upgrade", "--only-binary=:all:", "--require-hashes"])
                .args(["--platform", architecture.platform(), "--target"])
                .arg(&unpacked)
                .arg("-r")
                .arg(local.checkout.root().join("infra/local/solver.txt")),
            &log,
            "make a PyPI index reachable (PIP_INDEX_URL names another one), then try again",
        )?;
        let folder = local.checkout.target().join("lambda").join(FUNCTION);
        local.checkout.make_folder(&folder)?;
        let (from, to) = (unpacked.join("bin/z3"), folder.join("z3"));
        fs::copy(&from, &to)
            .and_then(|_| fs::set_permissions(&to, fs::Permissions::from_mode(0o755)))
            .or_stop(format_args!("cannot copy {}", from.display()), "free some disk space")
    })
}
