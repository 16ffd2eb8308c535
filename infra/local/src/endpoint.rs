//! The AWS endpoint: MiniStack, or the one that AWS_ENDPOINT_URL names.

use std::{fs, path::PathBuf, process::Command, time::Duration};

use crate::{
    commands::Local,
    process,
    process::Running,
    state::{Endpoint, State},
    stop::{OrStop, Result},
    venv::Venv,
};

pub(crate) const REGION: &str = "eu-west-1";
/// MiniStack takes this key for the account's root.
pub(crate) const KEY: &str = "test";

const START_PATIENCE: Duration = Duration::from_secs(300);
/// It writes down what its services hold before it ends.
const STOP_PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn up(local: &Local, venv: &Venv, state: &mut State) -> Result<()> {
    match &local.environment.aws_endpoint_url {
        Some(url) => {
            state.endpoint.iter().for_each(down);
            let url = url.trim_end_matches('/').to_owned();
            let is_ministack = answers(&url);
            state.endpoint = Some(Endpoint { process: None, port: None, url, is_ministack });
            state.save(&local.checkout)
        }
        None if state.endpoint.as_ref().is_some_and(|it| is_alive(it) && answers(&it.url)) => {
            Ok(())
        }
        None => {
            state.endpoint.iter().for_each(down);
            local.screen.step("AWS endpoint", None, || embedded(local, venv, state))
        }
    }
}

pub(crate) fn is_alive(endpoint: &Endpoint) -> bool {
    endpoint.process.as_ref().is_some_and(Running::is_alive)
}

pub(crate) fn down(endpoint: &Endpoint) {
    if let Some(process) = &endpoint.process {
        process.stop(STOP_PATIENCE);
    }
}

fn embedded(local: &Local, venv: &Venv, state: &mut State) -> Result<()> {
    let port = port_of_what_is_kept(local)?;
    let url = format!("http://127.0.0.1:{port}");
    let (kept, scratch) = (kept(local), local.checkout.scratch());
    // It unpacks every version of every function there, and forgets them when it ends.
    let _ = fs::remove_dir_all(&scratch);
    local.checkout.make_folder(&scratch)?;
    let mut command = Command::new(venv.bin("ministack"));
    command
        .current_dir(local.checkout.local())
        // The functions inherit this environment, so it holds nothing of the caller's.
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", &scratch)
        .env("TMPDIR", &scratch)
        .env("BIND_HOST", "127.0.0.1")
        .env("MINISTACK_HOST", "127.0.0.1")
        .env("GATEWAY_PORT", port.to_string())
        .env("LAMBDA_EXECUTOR", "local")
        // The policies of the template are enforced.
        .env("AUTH", "true")
        .env("PERSIST_STATE", "1")
        .env("STATE_DIR", kept.join("state"))
        .env("S3_PERSIST", "1")
        .env("S3_DATA_DIR", kept.join("s3"))
        // Both would listen on ports of their own, on every interface.
        .env("IOT_MTLS_ENABLED", "0")
        .env("SFTP_ENABLED", "0")
        .env("MINISTACK_REGION", REGION)
        .env("AWS_DEFAULT_REGION", REGION)
        .env("AWS_ACCESS_KEY_ID", KEY)
        .env("AWS_SECRET_ACCESS_KEY", KEY)
        .env("AWS_ENDPOINT_URL", &url);
    let log = local.checkout.logs().join("endpoint.log");
    let process = process::start_in_background(&mut command, &log)?;
    let endpoint = Endpoint {
        process: Some(process.clone()),
        port: Some(port),
        url: url.clone(),
        is_ministack: true,
    };
    // Written down before it answers: an interrupted `up` must not leave a process nobody knows.
    state.endpoint = Some(endpoint);
    state.save(&local.checkout)?;
    process::wait_until("the AWS endpoint", &process, &log, START_PATIENCE, || answers(&url))
}

/// Where the endpoint writes down what its services hold.
fn kept(local: &Local) -> PathBuf {
    local.checkout.local().join("aws")
}

/// The port of the last time. Queues are known by URLs with that port in them: at another port
/// their messages would wait for ever, so if it is taken, everything begins anew.
fn port_of_what_is_kept(local: &Local) -> Result<u16> {
    let file = kept(local).join("port");
    let last = fs::read_to_string(&file).ok().and_then(|text| text.trim().parse().ok());
    let port = process::free_port(last)?;
    if last != Some(port) {
        if last.is_some() {
            eprintln!("its old port is taken: the endpoint begins anew, with new URLs");
        }
        // There is nothing to delete the first time.
        let _ = fs::remove_dir_all(kept(local));
        local.checkout.make_folder(&kept(local))?;
        fs::write(&file, port.to_string())
            .or_stop(format_args!("cannot write {}", file.display()), "free some disk space")?;
    }
    Ok(port)
}

pub(crate) fn answers(url: &str) -> bool {
    let patience = Duration::from_secs(2);
    let agent = ureq::Agent::config_builder().timeout_global(Some(patience)).build().new_agent();
    agent.get(format!("{url}/_ministack/health")).call().is_ok()
}
