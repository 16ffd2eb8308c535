//! `cargo local test`: everything that CI runs.

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use crate::{
    chaos,
    commands::{Local, up},
    database,
    functions::Build,
    process,
    progress::Ink,
    state::State,
    stop::{OrStop, Result, Stop},
    venv::Venv,
};

/// Checking tools that come from crates.io, by exact version.
const TOOLS: [(&str, &str); 2] = [("cargo-deny", "0.20.2"), ("cargo-machete", "0.9.2")];

pub(crate) fn run(local: &Local) -> Result<ExitCode> {
    source(local)?;
    let venv = Venv::ready(local)?;
    template(local, &venv)?;
    dependencies(local)?;
    let state = up(local, Build::WithTests)?;
    if let Some(postgres) = &state.postgres {
        database::forget_tests(local, &venv, postgres)?;
    }
    tests(local, &venv, &state)?;
    chaos::check(local)?;
    local.screen.headline("everything passed");
    Ok(ExitCode::SUCCESS)
}

fn source(local: &Local) -> Result<()> {
    cargo(local, "format", &["fmt", "--all", "--check"], "run `cargo fmt`")?;
    cargo(
        local,
        "clippy",
        &["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"],
        "mend what clippy complains about",
    )?;
    let mut doc = cargo_command(local, &["doc", "--workspace", "--no-deps", "--locked"]);
    doc.env("RUSTDOCFLAGS", "-D warnings");
    logged(local, "documentation", doc, "mend the links that rustdoc complains about")
}

fn template(local: &Local, venv: &Venv) -> Result<()> {
    let mut lint = Command::new(venv.bin("cfn-lint"));
    lint.arg("--").arg(local.checkout.template());
    logged(local, "cfn-lint", lint, "mend infra/template.yaml")
}

fn dependencies(local: &Local) -> Result<()> {
    let [deny, machete] = TOOLS;
    let deny = tool(local, deny)?;
    let check = |what: &[&str]| {
        let mut command = Command::new(&deny);
        command.current_dir(local.checkout.root());
        command.args(["--locked", "--config", ".deny.toml", "check"]).args(what);
        command
    };
    let next = "choose another dependency, or say why it is fine in .deny.toml";
    logged(local, "licences and bans", check(&["bans", "licenses", "sources"]), next)?;
    advisories(local, check(&["advisories"]), &deny, next)?;

    let mut machete = Command::new(tool(local, machete)?);
    machete.current_dir(local.checkout.root()).arg("--skip-target-dir");
    logged(local, "unused dependencies", machete, "remove them from that Cargo.toml")
}

/// The advisories are a git repository that is not reachable from everywhere.
fn advisories(local: &Local, check: Command, deny: &Path, next: &str) -> Result<()> {
    let log = local.checkout.logs().join("advisories-fetch.log");
    let mut fetch = Command::new(deny);
    fetch.current_dir(local.checkout.root());
    fetch.args(["--config", ".deny.toml", "fetch", "db"]);
    if process::run(&mut fetch, &log, "").is_err() {
        let told = "advisories NOT checked: the advisory database cannot be reached from here";
        eprintln!("{} {told}", local.screen.ink(Ink::Yellow, "!"));
        return Ok(());
    }
    logged(local, "advisories", check, next)
}

/// All tests, on the services that run now: one that does not find its server fails.
fn tests(local: &Local, venv: &Venv, state: &State) -> Result<()> {
    let (Some(postgres), Some(_)) = (&state.postgres, &state.stack) else {
        return Err(Stop::new("nothing is running", "start it with `cargo local up`"));
    };
    local.screen.headline("tests");
    let status = cargo_command(local, &["test", "--workspace", "--locked"])
        .env("TEST_DATABASE_URL", &postgres.server_url)
        .env("Z3_PATH", venv.bin("z3"))
        .env("GO_PROGRAM", venv.bin("go"))
        // What Go compiled of its own library is kept for the next time.
        .env("GOCACHE", local.checkout.local().join("go"))
        .env("ASSAY_STACK", local.checkout.local().join("state.json"))
        // Meant for this program, not for the code under test.
        .env_remove("DATABASE_URL")
        .env_remove("AWS_ENDPOINT_URL")
        .status()
        .or_stop("cannot start cargo", "put cargo on the PATH")?;
    if status.success() {
        return Ok(());
    }
    Err(Stop::new("tests failed", "read above; `cargo local logs` has what the functions said"))
}

fn cargo_command(local: &Local, arguments: &[&str]) -> Command {
    let mut command = Command::new(&local.environment.cargo);
    command.current_dir(local.checkout.root()).args(arguments);
    // Its output goes to a file.
    command.env("TERM", "dumb");
    // Where the template looks for the functions, and the tests for their binaries.
    command.env("CARGO_TARGET_DIR", local.checkout.target());
    command
}

fn cargo(local: &Local, name: &str, arguments: &[&str], next: &str) -> Result<()> {
    logged(local, name, cargo_command(local, arguments), next)
}

fn logged(local: &Local, name: &str, mut command: Command, next: &str) -> Result<()> {
    let log = local.checkout.logs().join(format!("{}.log", name.replace(' ', "-")));
    local.screen.step(name, Some(&log), || process::run(&mut command, &log, next))
}

/// A checking tool of the pinned version, installed once.
fn tool(local: &Local, (name, version): (&str, &str)) -> Result<PathBuf> {
    let root = local.checkout.local().join("tools").join(format!("{name}-{version}"));
    let binary = root.join("bin").join(name);
    if binary.exists() {
        return Ok(binary);
    }
    let mut install =
        cargo_command(local, &["install", "--locked", "--debug", "--version", version]);
    install.arg(name).arg("--root").arg(&root).env("CARGO_PROFILE_DEV_DEBUG", "0");
    // Its sources are built once and not needed again.
    install.arg("--target-dir").arg(local.checkout.scratch().join("tools"));
    let log = local.checkout.logs().join(format!("{name}.log"));
    local.screen.step(&format!("{name} {version} (once)"), Some(&log), || {
        process::fetch(&mut install, &log, "make crates.io reachable, then try again")
    })?;
    Ok(binary)
}
