//! Deploys the template, invokes functions and reads their logs: `python/aws.py` does the talking.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    checkout::random_hex,
    commands::Local,
    endpoint::{KEY, REGION},
    process,
    state::{Endpoint, Stack, State},
    stop::{OrStop, Result, Stop},
    venv::Venv,
};

const STACK: &str = "assay";
const START_FIRST: &str = "start everything with `cargo local up`";

#[derive(Deserialize)]
struct Deployed {
    webhook_url: String,
    api_url: String,
    outputs: BTreeMap<String, String>,
    environment: BTreeMap<String, String>,
}

pub(crate) fn deploy(local: &Local, venv: &Venv, state: &mut State) -> Result<()> {
    let endpoint = endpoint(state)?.clone();
    let request = json!({
        "stack": STACK,
        "template": local.checkout.template(),
        "is_ministack": endpoint.is_ministack,
        "parameters": parameters(local, venv)?,
        "secrets": secrets(local, state)?,
    });
    let deployed = local.screen.step("deployment of infra/template.yaml", None, || {
        let next =
            "read the reason above; `cargo local clean --data` forgets a stack that is stuck";
        let mut command = script(local, venv, &endpoint, "deploy");
        let answer = process::ask(&mut command, &request.to_string(), next)?;
        serde_json::from_str::<Deployed>(&answer).or_stop("aws.py gave an odd answer", next)
    })?;
    write_env_file(local, &endpoint, &deployed.environment)?;
    state.stack = Some(Stack {
        name: STACK.to_owned(),
        region: REGION.to_owned(),
        webhook_url: deployed.webhook_url,
        api_url: deployed.api_url,
        outputs: deployed.outputs,
    });
    state.save(&local.checkout)
}

/// The template's parameters that are not secrets.
fn parameters(local: &Local, venv: &Venv) -> Result<Value> {
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };
    Ok(json!({
        "Architecture": architecture,
        "GithubApiUrl": local.environment.github_api_url,
        "GithubAppId": local.environment.github_app_id,
        "LogFilter": "info",
        // The demo's repository is served from here.
        "PrivateGitHosts": "127.0.0.1",
        "SigningKey": format!("file:{}", signing_key(local, venv)?.display()),
        "SolverPath": venv.bin("z3"),
    }))
}

fn signing_key(local: &Local, venv: &Venv) -> Result<std::path::PathBuf> {
    local.checkout.keep_secret("signing-key.pem", || {
        process::ask(
            Command::new(venv.bin("python")).arg(local.checkout.script("make_key.py")),
            "",
            "run `cargo local clean` and try again",
        )
    })?;
    Ok(local.checkout.local().join("signing-key.pem"))
}

/// What GitHub would sign its webhooks with.
pub(crate) fn webhook_secret(local: &Local) -> Result<String> {
    match &local.environment.github_webhook_secret {
        Some(secret) => Ok(secret.clone()),
        None => local.checkout.keep_secret("webhook-secret", || random_hex(32)),
    }
}

/// The values behind the template's `…SecretArn` parameters.
fn secrets(local: &Local, state: &State) -> Result<Value> {
    let postgres = state.postgres.as_ref().ok_or_else(|| Stop::new("no Postgres", START_FIRST))?;
    let mut secrets = json!({
        "DatabaseUrlSecretArn": { "name": "database-url", "value": postgres.functions_url },
        "MigratorDatabaseUrlSecretArn":
            { "name": "migrator-database-url", "value": postgres.owner_url },
        "GithubWebhookSecretArn": { "name": "webhook-secret", "value": webhook_secret(local)? },
    });
    if let Some(file) = &local.environment.github_app_private_key_file {
        let key = fs::read_to_string(file).or_stop(
            format_args!("cannot read {}", file.display()),
            "point GITHUB_APP_PRIVATE_KEY_FILE at the App's private key",
        )?;
        secrets["GithubAppPrivateKeySecretArn"] =
            json!({ "name": "app-private-key", "value": key });
    }
    Ok(secrets)
}

/// What `cargo lambda watch --env-file` wants: the settings that the deployed functions have.
fn write_env_file(
    local: &Local,
    endpoint: &Endpoint,
    environment: &BTreeMap<String, String>,
) -> Result<()> {
    let own = [
        ("AWS_ENDPOINT_URL", endpoint.url.as_str()),
        ("AWS_REGION", REGION),
        ("AWS_ACCESS_KEY_ID", KEY),
        ("AWS_SECRET_ACCESS_KEY", KEY),
    ];
    let settings = environment.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let lines: String =
        settings.chain(own).map(|(name, value)| format!("{name}=\"{value}\"\n")).collect();
    let path = local.checkout.local().join("functions.env");
    fs::write(&path, lines)
        .or_stop(format_args!("cannot write {}", path.display()), "make the checkout writable")
}

pub(crate) fn invoke(
    local: &Local,
    venv: &Venv,
    state: &State,
    function: &str,
    event: Option<&Path>,
) -> Result<bool> {
    let example =
        local.checkout.root().join("tests/fixtures/events").join(format!("{function}.json"));
    let file = event.unwrap_or(&example);
    let next = "name a file with a JSON event: `cargo local invoke <function> <file>`";
    let text =
        fs::read_to_string(file).or_stop(format_args!("cannot read {}", file.display()), next)?;
    let event: Value = serde_json::from_str(&text)
        .or_stop(format_args!("{} is not JSON", file.display()), next)?;

    let request = json!({ "stack": STACK, "function": function, "event": event });
    let answer = ask(local, venv, state, "invoke", &request)?;
    if let Some(log) = answer["log"].as_str() {
        eprint!("{log}");
    }
    println!("{:#}", answer["answer"]);
    Ok(answer["failed"] == Value::Bool(false))
}

/// Asks aws.py something, in JSON.
pub(crate) fn ask(
    local: &Local,
    venv: &Venv,
    state: &State,
    command: &str,
    request: &Value,
) -> Result<Value> {
    let next = "see whether the endpoint answers: `cargo local status`";
    let mut python = script(local, venv, endpoint(state)?, command);
    let answer = process::ask(&mut python, &request.to_string(), next)?;
    serde_json::from_str(&answer).or_stop("aws.py gave an odd answer", next)
}

/// The command that prints logs until it is done or interrupted.
pub(crate) fn logs(
    local: &Local,
    venv: &Venv,
    state: &State,
    function: Option<&str>,
    follow: bool,
) -> Result<(Command, String)> {
    let request = json!({ "stack": STACK, "function": function, "follow": follow });
    Ok((script(local, venv, endpoint(state)?, "logs"), request.to_string()))
}

fn endpoint(state: &State) -> Result<&Endpoint> {
    state.endpoint.as_ref().ok_or_else(|| Stop::new("nothing is running", START_FIRST))
}

fn script(local: &Local, venv: &Venv, endpoint: &Endpoint, command: &str) -> Command {
    let mut python = Command::new(venv.bin("python"));
    python
        .arg(local.checkout.script("aws.py"))
        .arg(command)
        .env("AWS_ENDPOINT_URL", &endpoint.url)
        .env("AWS_DEFAULT_REGION", REGION);
    if endpoint.process.is_some() {
        // Someone else's endpoint is spoken to with the caller's own credentials.
        python.env("AWS_ACCESS_KEY_ID", KEY).env("AWS_SECRET_ACCESS_KEY", KEY);
        python.env_remove("AWS_SESSION_TOKEN").env_remove("AWS_PROFILE");
    }
    python
}
