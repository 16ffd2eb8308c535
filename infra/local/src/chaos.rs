//! `cargo local chaos`: the fault suite, with a Postgres of its own that it may crash.
//!
//! The functions are built once more with their feature `faults`, into a folder of their own: the
//! binaries that everything else uses hold no trace of it.

use std::{
    path::PathBuf,
    process::{Command, ExitCode},
};

use clap::Args;

use crate::{
    commands::{Local, exit_like},
    database, endpoint, process,
    state::State,
    stop::{OrStop, Result, Stop},
    venv::Venv,
};

/// The functions that the suite runs.
const FUNCTIONS: [&str; 5] = ["webhook_intake", "run_orchestrator", "syncer", "scheduler", "api"];

/// A seed that every check runs, with few runs, and rules that break quickly.
const CHECKED_RUNS: usize = 12;
const CHECKED_CONTROLS: [&str; 3] = ["no_fence", "forget_unsent", "effects_apart"];

#[derive(Debug, Clone, Args)]
pub(crate) struct Arguments {
    /// Webhooks in each trial; as many runs must come of them.
    #[arg(long, default_value_t = 60)]
    pub(crate) runs: usize,
    /// A seed, or several: `7`, `1..10` (both ends count).
    #[arg(long, default_value = "1")]
    pub(crate) seed: String,
    /// Break one rule on purpose and see it go red; may be given several times.
    #[arg(long, value_name = "NAME", conflicts_with = "controls")]
    pub(crate) control: Vec<String>,
    /// Break every rule in turn, each beside the same trial with the rule kept.
    #[arg(long)]
    pub(crate) controls: bool,
    /// Only the trials with a broken rule, without their counterparts.
    #[arg(long)]
    pub(crate) without_counterparts: bool,
    /// Pull the plug during this many concurrent webhooks, and nothing else.
    #[arg(long, value_name = "WEBHOOKS", conflicts_with_all = ["control", "controls"])]
    pub(crate) unplug: Option<usize>,
}

impl Arguments {
    fn forward(&self) -> Vec<String> {
        let mut arguments = vec![
            "--runs".to_owned(),
            self.runs.to_string(),
            "--seed".to_owned(),
            self.seed.clone(),
        ];
        for name in &self.control {
            arguments.extend(["--control".to_owned(), name.clone()]);
        }
        if self.controls {
            arguments.push("--controls".to_owned());
        }
        if self.without_counterparts {
            arguments.push("--without-counterparts".to_owned());
        }
        if let Some(webhooks) = self.unplug {
            arguments.extend(["--unplug".to_owned(), webhooks.to_string()]);
        }
        arguments
    }
}

pub(crate) fn run(local: &Local, arguments: &Arguments) -> Result<ExitCode> {
    let suite = Suite::ready(local)?;
    exit_like(suite.command(&arguments.forward()).status().or_stop(
        "cannot start the fault suite",
        "run `cargo local chaos` again, it builds what is missing",
    )?)
}

/// The bounded form that belongs to every check.
pub(crate) fn check(local: &Local) -> Result<()> {
    points(local)?;
    let suite = Suite::ready(local)?;
    local.screen.headline("fault suite");
    let storm = Arguments {
        runs: CHECKED_RUNS,
        seed: "1".to_owned(),
        control: Vec::new(),
        controls: false,
        without_counterparts: false,
        unplug: None,
    };
    let controls = Arguments {
        control: CHECKED_CONTROLS.map(str::to_owned).to_vec(),
        without_counterparts: true,
        ..storm.clone()
    };
    for arguments in [storm, controls] {
        let status = suite
            .command(&arguments.forward())
            .status()
            .or_stop("cannot start the fault suite", "run `cargo local chaos`")?;
        if !status.success() {
            let logs = suite.logs.display();
            let next = format!("read above, and what the functions said in {logs}");
            return Err(Stop::new("the fault suite found something", next));
        }
    }
    Ok(())
}

/// The points themselves, whose tests exist only with the feature.
fn points(local: &Local) -> Result<()> {
    let log = local.checkout.logs().join("faults.log");
    let mut command = Command::new(&local.environment.cargo);
    command
        .current_dir(local.checkout.root())
        .args(["test", "--locked", "--package", "faults", "--features", "on"])
        .env("CARGO_TARGET_DIR", local.checkout.target())
        .env("TERM", "dumb");
    local.screen.step("points of the fault suite", Some(&log), || {
        process::run(&mut command, &log, "mend shared/faults")
    })
}

/// Everything that the suite stands on.
struct Suite {
    program: PathBuf,
    settings: Vec<(&'static str, PathBuf)>,
    endpoint: String,
    port: u16,
    logs: PathBuf,
}

impl Suite {
    fn ready(local: &Local) -> Result<Self> {
        let venv = Venv::ready(local)?;
        let mut state = State::load(&local.checkout);
        endpoint::up(local, &venv, &mut state)?;
        let endpoint = state
            .endpoint
            .map(|endpoint| endpoint.url)
            .ok_or_else(|| Stop::new("the AWS endpoint is not up", "run `cargo local up`"))?;
        let cluster = database::crashable(local, &venv)?;
        let built = build(local)?;
        let logs = local.checkout.logs().join("chaos");
        local.checkout.make_folder(&logs)?;
        Ok(Self {
            program: built.join("examples/chaos"),
            settings: vec![
                ("--postgres-bin", cluster.bin),
                ("--postgres-data", cluster.data),
                ("--functions", built),
                ("--logs", logs.clone()),
            ],
            endpoint,
            port: process::free_port(None)?,
            logs,
        })
    }

    fn command(&self, arguments: &[String]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).args(["--endpoint", &self.endpoint]);
        command.args(["--postgres-port", &self.port.to_string()]);
        for (name, path) in &self.settings {
            command.arg(name).arg(path);
        }
        // Meant for this program, not for the code under test.
        command.env_remove("DATABASE_URL").env_remove("AWS_ENDPOINT_URL");
        command
    }
}

/// Builds functions and suite beside the ordinary binaries; what both are made of is shared.
fn build(local: &Local) -> Result<PathBuf> {
    let folder = local.checkout.target().join("chaos");
    let features: Vec<String> = FUNCTIONS.iter().map(|name| format!("{name}/faults")).collect();
    let mut command = Command::new(&local.environment.cargo);
    command
        .current_dir(local.checkout.root())
        .args(["build", "--workspace", "--locked", "--example", "chaos"])
        .args(FUNCTIONS.iter().flat_map(|name| ["--bin", name]))
        .args(["--features", &features.join(",")])
        .arg("--target-dir")
        .arg(&folder)
        .env("CARGO_BUILD_BUILD_DIR", local.checkout.target())
        .env("TERM", "dumb");
    let log = local.checkout.logs().join("chaos-build.log");
    local.screen.step("functions with faults", Some(&log), || {
        process::run(&mut command, &log, "mend what the compiler complains about")
    })?;
    Ok(folder.join("debug"))
}
