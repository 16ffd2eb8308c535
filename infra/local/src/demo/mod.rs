//! `cargo local demo`: one pull request's whole way, on real servers.

mod delivery;
mod report;
mod repository;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    api::{Api, text},
    aws,
    commands::{Local, up},
    functions::Build,
    progress::Ink,
    state::{Stack, State},
    stop::{OrStop, Result, Stop},
    venv::Venv,
};
use repository::Repository;

const QUESTION: &str = "print the label of a parcel";

const POLL: Duration = Duration::from_millis(200);
/// A lost message comes back within two of the scheduler's minutes.
const RUN_PATIENCE: Duration = Duration::from_secs(180);
/// Signing and indexing begin when the run has ended.
const FOLLOW_UP_PATIENCE: Duration = Duration::from_secs(150);
const SEE_LOGS: &str = "see what the functions said: `cargo local logs`";

pub(crate) fn run(local: &Local) -> Result<ExitCode> {
    let mut state = up(local, Build::FunctionsOnly)?;
    let venv = Venv::ready(local)?;
    let repository = repository::serve(local, &venv, &mut state)?;
    let api = Api::of(local, &state)?;
    let Some(stack) = &state.stack else {
        return Err(Stop::new("nothing was deployed", "run `cargo local up`"));
    };
    register(&api, &repository)?;

    let run_id = deliver(local, &api, stack, &repository)?;
    let run = watch_run(local, &api, &run_id)?;
    let analysis_id = text(&run, "analysis_id")
        .ok_or_else(|| Stop::new("the run ended without an analysis", SEE_LOGS))?;
    let analysis = api.get(&format!("/v1/analyses/{analysis_id}"))?;
    let findings = api.all(&format!("/v1/analyses/{analysis_id}/findings"))?;
    report::findings(local, &repository, &analysis, &findings);

    let attestation = local.screen.step("attestation", None, || {
        let path = format!("/v1/analyses/{analysis_id}/attestation");
        wait_for("the attestation was not signed", || api.find(&path))
    })?;
    let output = download(local, &api, &attestation)?;
    let is_proved = verify(local, &venv, &output)?;
    search(local, &api)?;
    report::links(local, stack, &run_id, &analysis_id, &attestation, &output);

    let expected = text(&analysis, "verdict").as_deref() == Some("failed") && is_proved;
    Ok(if expected { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn register(api: &Api, repository: &Repository) -> Result<()> {
    let body = json!({
        "full_name": repository::FULL_NAME,
        "github_id": repository::GITHUB_ID,
        "clone_url": repository.clone_url,
        "default_branch": "main",
    });
    let answer = api.post("/v1/repositories", &body)?;
    match answer.status {
        201 => Ok(()),
        409 => is_where_it_was(api, repository),
        status => Err(Stop::new(
            format_args!("the API refused the repository ({status}): {}", answer.body),
            SEE_LOGS,
        )),
    }
}

fn is_where_it_was(api: &Api, repository: &Repository) -> Result<()> {
    let known = api.all("/v1/repositories")?;
    let mut urls = known.iter().filter_map(|known| text(known, "clone_url"));
    if urls.any(|url| url == repository.clone_url) {
        return Ok(());
    }
    Err(Stop::new(
        "the demo's git server had to move to another port, and the repository is registered at the old one",
        "begin anew with `cargo local clean --data`",
    ))
}

/// Delivers the webhook as GitHub would; returns the run that it led to.
fn deliver(local: &Local, api: &Api, stack: &Stack, repository: &Repository) -> Result<String> {
    let secret = aws::webhook_secret(local)?;
    let delivery = delivery::Delivery::new(local, repository, &secret)?;
    local.screen.headline(&format!("POST {}/github", stack.webhook_url));
    println!("  X-GitHub-Event: pull_request (opened, #{})", delivery::PULL_REQUEST);
    println!("  X-GitHub-Delivery: {}", delivery.id);
    let answer = delivery.send(&stack.webhook_url)?;
    let status = text(&answer.body, "status");
    let ink = if status.as_deref() == Some("accepted") { Ink::Green } else { Ink::Yellow };
    println!("  {} {}", local.screen.ink(ink, &answer.status.to_string()), answer.body);
    if answer.status != 202 {
        return Err(Stop::new("the webhook was refused", SEE_LOGS));
    }
    match text(&answer.body, "run_id") {
        Some(run) => Ok(run),
        None => newest_run(api, repository),
    }
}

fn newest_run(api: &Api, repository: &Repository) -> Result<String> {
    let runs = api.all("/v1/runs?kind=analysis")?;
    let run = runs.iter().find(|run| text(run, "commit").as_deref() == Some(&repository.head));
    run.and_then(|run| text(run, "id"))
        .ok_or_else(|| Stop::new("the webhook led to no run", SEE_LOGS))
}

/// Shows each step when it is done, until the run has ended.
fn watch_run(local: &Local, api: &Api, run_id: &str) -> Result<Value> {
    local.screen.headline(&format!("run {run_id}"));
    let deadline = Instant::now() + RUN_PATIENCE;
    let mut shown = 0;
    loop {
        let run = api.get(&format!("/v1/runs/{run_id}"))?;
        let steps = run["steps"].as_array().map_or(&[][..], Vec::as_slice);
        let done: Vec<_> = steps.iter().filter(|step| !step["finished_at"].is_null()).collect();
        for step in done.iter().skip(shown) {
            report::step(local, step);
        }
        shown = done.len();
        match text(&run, "status").as_deref() {
            Some("succeeded") => return Ok(run),
            Some("failed" | "canceled") => {
                let why = text(&run, "error").or_else(|| text(&run, "error_code"));
                let what = format!("the run failed: {}", why.unwrap_or_default());
                return Err(Stop::new(what, SEE_LOGS));
            }
            _ if Instant::now() > deadline => {
                return Err(Stop::new("the run does not end", SEE_LOGS));
            }
            _ => thread::sleep(POLL),
        }
    }
}

fn wait_for<T>(otherwise: &str, look: impl Fn() -> Result<Option<T>>) -> Result<T> {
    let deadline = Instant::now() + FOLLOW_UP_PATIENCE;
    loop {
        if let Some(found) = look()? {
            return Ok(found);
        }
        if Instant::now() > deadline {
            return Err(Stop::new(otherwise, SEE_LOGS));
        }
        thread::sleep(POLL);
    }
}

/// The files a stranger needs to check the verdict.
struct Output {
    folder: PathBuf,
    envelope: PathBuf,
    public_key: PathBuf,
}

fn download(local: &Local, api: &Api, attestation: &Value) -> Result<Output> {
    let id =
        text(attestation, "id").ok_or_else(|| Stop::new("the attestation has no id", SEE_LOGS))?;
    let folder = local.checkout.root().join("demo-output");
    local.checkout.make_folder(&folder)?;
    let save = |name: &str, path: &str| {
        let file = folder.join(name);
        fs::write(&file, api.bytes(path)?)
            .or_stop(format_args!("cannot write {}", file.display()), "free some disk space")?;
        Ok(file)
    };
    save("attestation.sigstore.json", &format!("/v1/attestations/{id}/bundle"))?;
    Ok(Output {
        envelope: save("attestation.dsse.json", &format!("/v1/attestations/{id}/dsse"))?,
        public_key: save("public-key.pem", "/v1/public-key")?,
        folder,
    })
}

/// Has a foreign verifier judge the envelope, and then a copy with one byte changed.
fn verify(local: &Local, venv: &Venv, output: &Output) -> Result<bool> {
    local.screen.headline("securesystemslib, which is not ours, verifies");
    let (genuine, said) = judge(local, venv, &output.envelope, &output.public_key)?;
    let ink = if genuine { Ink::Green } else { Ink::Red };
    println!("  attestation.dsse.json          {}", local.screen.ink(ink, &said));

    let altered = local.checkout.scratch().join("altered.dsse.json");
    delivery::change_one_byte(&output.envelope, &altered)?;
    let (fooled, said) = judge(local, venv, &altered, &output.public_key)?;
    let ink = if fooled { Ink::Red } else { Ink::Green };
    println!("  a copy with one byte changed   {}", local.screen.ink(ink, &said));
    Ok(genuine && !fooled)
}

fn judge(local: &Local, venv: &Venv, envelope: &Path, key: &Path) -> Result<(bool, String)> {
    let output = Command::new(venv.bin("python"))
        .arg(local.checkout.script("verify.py"))
        .args([envelope, key])
        .output()
        .or_stop("cannot start Python", "run `cargo local clean`")?;
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    Ok((output.status.success(), said))
}

fn search(local: &Local, api: &Api) -> Result<()> {
    let path = format!("/v1/search?q={}", QUESTION.replace(' ', "+"));
    let hits = local.screen.step("index", None, || {
        wait_for("nothing was indexed", || {
            let hits = api.get(&path)?["hits"].take();
            Ok(hits.as_array().is_some_and(|hits| !hits.is_empty()).then_some(hits))
        })
    })?;
    report::search(local, QUESTION, &hits);
    Ok(())
}

/// Ends the git server, which holds nothing that would have to be put away.
pub(crate) fn stop(state: &State) {
    if let Some(git) = &state.git {
        git.process.stop(Duration::from_secs(2));
    }
}
