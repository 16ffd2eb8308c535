//! `assay runs watch`: the program as people run it, against a server that breaks off.

use std::{
    collections::VecDeque,
    io,
    process::{Output, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json, Router,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use tokio::{net::TcpListener, process::Command};

const RUN: &str = "0198c0de-1a2b-7000-8000-000000000001";
const KEY: &str = "asy_of_the_test";
/// A program that hangs would hang for ever.
const PATIENCE: Duration = Duration::from_secs(300);

/// What the server answers to one request for events.
struct Reply {
    status: u16,
    content_type: &'static str,
    body: &'static str,
    /// Whether the connection breaks instead of ending.
    breaks: bool,
}

impl Reply {
    fn events(body: &'static str) -> Self {
        Self { status: 200, content_type: "text/event-stream", body, breaks: false }
    }

    fn broken(body: &'static str) -> Self {
        Self { breaks: true, ..Self::events(body) }
    }

    fn status(status: u16) -> Self {
        Self { status, content_type: "application/problem+json", body: "", breaks: false }
    }
}

#[derive(Clone)]
struct Server(Arc<Mutex<Script>>);

struct Script {
    /// What the run's row says.
    status: &'static str,
    waiting_for: Option<&'static str>,
    replies: VecDeque<Reply>,
    /// The `Last-Event-ID` of each request for events.
    asked_after: Vec<Option<String>>,
}

impl Server {
    fn new(status: &'static str, replies: impl IntoIterator<Item = Reply>) -> Self {
        let replies = replies.into_iter().collect();
        let waiting_for = (status == "waiting").then_some("children");
        let asked_after = Vec::new();
        Self(Arc::new(Mutex::new(Script { status, waiting_for, replies, asked_after })))
    }

    /// Serves, and runs the program against it.
    async fn watched(&self, arguments: &[&str]) -> Output {
        let router = Router::new()
            .route(&format!("/base/v1/runs/{RUN}"), get(run))
            .route(&format!("/base/v1/runs/{RUN}/events"), get(events))
            .with_state(self.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/base/", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        assay(&[&["runs", "watch", RUN], arguments].concat(), &url, KEY).await
    }

    fn asked_after(&self) -> Vec<Option<String>> {
        self.0.lock().unwrap().asked_after.clone()
    }
}

/// Runs the built program; what it prints goes into pipes.
pub(crate) async fn assay(arguments: &[&str], url: &str, key: &str) -> Output {
    let test = std::env::current_exe().unwrap();
    let binary = test.parent().and_then(|deps| deps.parent()).unwrap().join("assay");
    assert!(
        binary.exists(),
        "{} is not built: run `cargo local test`, or `cargo build -p cli` first",
        binary.display()
    );
    let child = Command::new(binary)
        .args(arguments)
        .env_clear()
        .env("ASSAY_API_URL", url)
        .env("ASSAY_API_KEY", key)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    tokio::time::timeout(PATIENCE, child).await.expect("the program hangs").unwrap()
}

fn is_welcome(headers: &HeaderMap) -> bool {
    headers.get(header::AUTHORIZATION).is_some_and(|it| it == format!("Bearer {KEY}").as_str())
}

async fn run(State(server): State<Server>, headers: HeaderMap) -> Response {
    if !is_welcome(&headers) {
        let problem = json!({ "title": "The API key opens nothing", "detail": "it is unknown" });
        return (StatusCode::UNAUTHORIZED, Json(problem)).into_response();
    }
    let pending = |step: &str| json!({ "step": step, "status": "pending" });
    let Script { status, waiting_for, .. } = &*server.0.lock().unwrap();
    let run = json!({
        "id": RUN, "kind": "analysis", "status": status, "waiting_for": waiting_for, "event_type": "manual", "attempts": 1,
        "created_at": "2026-11-21T06:00:00Z", "steps": [pending("fetch"), pending("parse")],
    });
    Json(run).into_response()
}

async fn events(State(server): State<Server>, headers: HeaderMap) -> Response {
    assert!(is_welcome(&headers));
    assert_eq!(headers.get(header::ACCEPT).unwrap(), "text/event-stream");
    let after = headers.get("last-event-id").map(|id| id.to_str().unwrap().to_owned());
    let mut script = server.0.lock().unwrap();
    script.asked_after.push(after);
    let reply = script.replies.pop_front().expect("a connection more than expected");
    // Byte by byte: an event may be cut anywhere.
    let bytes = reply.body.as_bytes().iter().map(|byte| Ok(vec![*byte]));
    let end = reply.breaks.then(|| Err(io::Error::other("the cable is out")));
    let body = Body::from_stream(stream::iter(bytes).chain(stream::iter(end)));
    Response::builder()
        .status(reply.status)
        .header(header::CONTENT_TYPE, reply.content_type)
        .body(body)
        .unwrap()
}

const BEGINNING: &str = ": welcome\n\nretry: 10\n\n\
    id: 1\nevent: run-started\ndata: {\"at\":\"2026-11-21T06:00:01Z\"}\n\n\
    id: 2\r\nevent: step-finished\r\ndata: {\"at\":\"2026-11-21T06:00:02.5Z\",\"step\":\"fetch\",\r\n\
    data: \"status\":\"succeeded\",\"duration_ms\":812,\"attempt\":1}\r\n\r\n\
    id: 3\nevent: step-finished\ndata: {\"st";
const REST: &str = "id: 3\nevent: step-finished\n\
    data: {\"step\":\"parse\",\"status\":\"succeeded\",\"duration_ms\":4200,\"attempt\":2}\n\n\
    id: 4\nevent: run-finished\ndata: {\"status\":\"succeeded\"}\n\n";

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn lines(output: &Output) -> Vec<Value> {
    text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn a_broken_connection_is_made_again_where_it_broke() {
    let server = Server::new(
        "running",
        [
            Reply::broken(BEGINNING),
            Reply::status(503),
            Reply::events(": nothing new\n\n"),
            Reply::events(REST),
        ],
    );
    let output = server.watched(&[]).await;
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    // The third event never ended, so it does not count as received.
    let two = Some("2".to_owned());
    assert_eq!(server.asked_after(), [None, two.clone(), two.clone(), two]);
    assert_eq!(
        text(&output.stdout),
        "2026-11-21T06:00:01.000Z  run-started\n\
         2026-11-21T06:00:02.500Z  step-finished       fetch succeeded in 812 ms\n\
         step-finished       parse succeeded in 4.2 s (attempt 2)\n\
         run-finished        succeeded\n"
    );
}

#[tokio::test]
async fn a_server_that_begins_anew_is_not_believed_twice() {
    const ALL: &str = "retry: 0\n\nid: 1\nevent: run-started\ndata: {}\n\n";
    const AGAIN: &str = "id: 1\nevent: run-started\ndata: {}\n\n\
        id: 2\nevent: run-finished\n\
        data: {\"status\":\"failed\",\"error_code\":\"git_fetch_failed\",\"error\":\"no\\u001b[2Jroute\"}\n\n";
    let server = Server::new("running", [Reply::events(ALL), Reply::events(AGAIN)]);
    let output = server.watched(&["--json"]).await;
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let events = lines(&output);
    let names: Vec<_> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(names, ["run-started", "run-finished"]);
    assert_eq!(events[1]["id"], "2");
    assert_eq!(events[1]["data"]["error_code"], "git_fetch_failed");
}

#[tokio::test]
async fn what_a_server_says_cannot_steer_the_terminal() {
    const FAILED: &str =
        "data: {\"status\":\"failed\",\"error\":\"\\u001b[2Jgone\"}\nevent: run-finished\n\n";
    let output = Server::new("running", [Reply::events(FAILED)]).watched(&[]).await;
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stdout), "run-finished        failed: \u{fffd}[2Jgone\n");
}

#[tokio::test]
async fn that_a_run_waits_is_told_once_for_as_long_as_it_does() {
    const STARTED: &str = "retry: 0\n\nid: 1\nevent: run-started\ndata: {}\n\n";
    const DONE: &str = "id: 2\nevent: run-finished\ndata: {\"status\":\"canceled\"}\n\n";
    let nothing = || Reply::events(": nothing\n\n");
    let replies = [Reply::events(STARTED), nothing(), nothing(), Reply::events(DONE)];
    let output = Server::new("waiting", replies).watched(&[]).await;
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let indented = format!("{:26}waiting for children", "");
    let expected = format!("run-started\n{indented}\nrun-finished        canceled\n");
    assert_eq!(text(&output.stdout), expected);
}

#[tokio::test]
async fn when_the_stream_is_over_the_runs_row_says_how_it_ended() {
    for (status, code) in [("succeeded", 0), ("canceled", 1), ("running", 2)] {
        let output = Server::new(status, [Reply::status(204)]).watched(&[]).await;
        assert_eq!(output.status.code(), Some(code), "{status}: {}", text(&output.stderr));
    }
}

#[tokio::test]
async fn what_will_not_get_better_is_not_tried_again() {
    let not_ours = Reply { content_type: "text/html", ..Reply::events("<html>") };
    for (reply, said) in [(Reply::status(403), "403"), (not_ours, "text/event-stream")] {
        let server = Server::new("running", [reply]);
        let output = server.watched(&[]).await;
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains(said), "{}", text(&output.stderr));
        assert!(text(&output.stderr).contains("next: "), "{}", text(&output.stderr));
        assert_eq!(server.asked_after().len(), 1);
    }
}

#[tokio::test]
async fn trouble_with_the_call_says_what_to_set() {
    let nowhere = "http://127.0.0.1:1";
    let watch = ["runs", "watch", RUN];
    for (arguments, url, key, said) in [
        (&watch[..], nowhere, KEY, "cannot be reached"),
        (&watch[..], "", KEY, "ASSAY_API_URL is not set"),
        (&watch[..], nowhere, "", "ASSAY_API_KEY is not set"),
        (&watch[..], "http://assay.example.com", KEY, "in the open"),
        (&["runs", "watch", "yesterday"][..], nowhere, KEY, "an id is made of"),
        (&["runs", "watsch", RUN][..], nowhere, KEY, "watch"),
        (&["runs", "list", "--status", "done"][..], nowhere, KEY, "succeeded"),
    ] {
        let output = assay(arguments, url, key).await;
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).contains(said), "{arguments:?}: {}", text(&output.stderr));
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}

#[tokio::test]
async fn a_key_that_opens_nothing_is_named_as_the_cause() {
    let server = Server::new("running", []);
    let router = Router::new().route(&format!("/v1/runs/{RUN}"), get(run)).with_state(server);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let output = assay(&["runs", "watch", RUN], &url, "asy_another").await;
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(said.contains("The API key opens nothing") && said.contains("ASSAY_API_KEY"), "{said}");
    assert!(!said.contains("asy_another"), "{said}");
}
