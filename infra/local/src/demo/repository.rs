//! The pull request's repository: made from `tests/fixtures/demo`, served over git.

use std::{
    net::{SocketAddr, TcpStream},
    process::Command,
    time::Duration,
};

use serde::Deserialize;

use crate::{
    commands::Local,
    process,
    state::{Git, State},
    stop::{OrStop, Result},
    venv::Venv,
};

pub(crate) const FULL_NAME: &str = "acme/shop";
pub(crate) const GITHUB_ID: u64 = 700_100_200;

const START_PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Repository {
    pub(crate) clone_url: String,
    pub(crate) base: String,
    pub(crate) head: String,
}

#[derive(Deserialize)]
struct Built {
    base: String,
    head: String,
}

/// Builds the repository and serves it, on the port of the last time if that is free.
pub(crate) fn serve(local: &Local, venv: &Venv, state: &mut State) -> Result<Repository> {
    let (built, git) = local.screen.step("the demo's repository", None, || {
        let folder = local.checkout.local().join("demo/shop.git");
        let built = build(local, venv, &folder)?;
        let git = match state.git.take() {
            Some(git) if git.process.is_alive() => git,
            before => start(local, venv, &folder, before.map(|git| git.port))?,
        };
        Ok((built, git))
    })?;
    let clone_url = git.url.clone();
    state.git = Some(git);
    state.save(&local.checkout)?;
    Ok(Repository { clone_url, base: built.base, head: built.head })
}

fn build(local: &Local, venv: &Venv, folder: &std::path::Path) -> Result<Built> {
    let next = "run `cargo local clean` and try again";
    let mut command = Command::new(venv.bin("python"));
    command.arg(local.checkout.script("git_server.py")).arg("build");
    command.arg(local.checkout.root().join("tests/fixtures/demo")).arg(folder);
    let answer = process::ask(&mut command, "", next)?;
    serde_json::from_str(&answer).or_stop("git_server.py gave an odd answer", next)
}

fn start(local: &Local, venv: &Venv, folder: &std::path::Path, wanted: Option<u16>) -> Result<Git> {
    let port = process::free_port(wanted)?;
    let path = format!("/{FULL_NAME}.git");
    let log = local.checkout.logs().join("git.log");
    let mut command = Command::new(venv.bin("python"));
    command.arg(local.checkout.script("git_server.py")).arg("serve").arg(folder);
    command.arg(&path).arg(port.to_string());
    let process = process::start_in_background(&mut command, &log)?;
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    process::wait_until("the git server", &process, &log, START_PATIENCE, || {
        TcpStream::connect(address).is_ok()
    })?;
    Ok(Git { process, port, url: format!("http://{address}{path}") })
}
