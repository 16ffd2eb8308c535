//! GitHub, as far as it sends: its published payloads, and its signature. Its published answers.

use hmac::{Hmac, KeyInit, Mac};
use http::Request;
use lambda_http::Body;
use serde_json::Value;
use sha2::Sha256;

pub const SECRET: &str = "It's a Secret to Everybody";

const EXAMPLES: &str = include_str!("../fixtures/github/examples.jsonl");
const ANSWERS: &str = include_str!("../fixtures/github/rest.jsonl");

/// A payload that GitHub published for an event that we read.
#[derive(Debug, Clone, serde::Deserialize)]
pub struct Example {
    pub event: String,
    pub payload: Value,
}

pub fn examples() -> Vec<Example> {
    EXAMPLES.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The answer that GitHub published for an operation of its REST API.
pub fn answer(operation: &str, status: u16) -> Value {
    #[derive(serde::Deserialize)]
    struct Answer {
        operation: String,
        status: u16,
        body: Value,
    }
    ANSWERS
        .lines()
        .map(|line| serde_json::from_str::<Answer>(line).unwrap())
        .find(|answer| answer.operation == operation && answer.status == status)
        .unwrap_or_else(|| panic!("no answer of {operation} with {status} is published"))
        .body
}

/// The first published `pull_request` payload without an installation, as an organisation's own
/// webhook sends it, about `repository` and the given commits.
pub fn pull_request(repository: i64, number: i64, head: &str, base: &str) -> Value {
    let mut payload = examples()
        .into_iter()
        .find(|example| {
            example.event == "pull_request"
                && example.payload["action"] == "opened"
                && example.payload["installation"].is_null()
        })
        .expect("the published examples have one")
        .payload;
    payload["number"] = number.into();
    payload["pull_request"]["number"] = number.into();
    payload["pull_request"]["head"]["sha"] = head.into();
    payload["pull_request"]["base"]["sha"] = base.into();
    payload["repository"]["id"] = repository.into();
    payload
}

pub fn signature(body: &[u8]) -> String {
    signature_by(SECRET, body)
}

pub fn signature_by(secret: &str, body: &[u8]) -> String {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

/// A delivery as GitHub sends it, signed over its raw bytes.
pub fn delivery(id: &str, event: &str, body: impl Into<Vec<u8>>) -> Request<Body> {
    let body = body.into();
    Request::post("/github")
        .header("content-type", "application/json")
        .header("user-agent", "GitHub-Hookshot/044aadd")
        .header("x-github-event", event)
        .header("x-github-delivery", id)
        .header("x-hub-signature-256", signature(&body))
        .body(Body::Binary(body))
        .unwrap()
}
