//! `POST /github`: size, signature, shape, and only then the event.

use std::time::Instant;

use domain::{RunId, TraceParent};
use faults::Mutation;
use http::{HeaderMap, StatusCode};
use lambda_http::{Body, Request, Response};
use serde_json::{Value, json};
use startup::ExposeSecret;
use tracing::Instrument;

use crate::{
    Deps, Failure,
    event::GithubEvent,
    payload,
    problem::{self, BODY_BYTES_MAX, HEADER_BYTES_MAX, Refusal},
    record, signature,
};

/// One delivery, verified.
pub(crate) struct Delivery {
    pub(crate) id: String,
    pub(crate) event: String,
    pub(crate) traceparent: TraceParent,
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Outcome {
    Accepted {
        run: Option<RunId>,
    },
    /// The delivery, or the commit it is about, is in the books already.
    Deduplicated {
        run: Option<RunId>,
    },
    Ignored {
        reason: String,
    },
}

pub(crate) async fn take(deps: &Deps, request: &Request) -> Response<Body> {
    let began = Instant::now();
    let (delivery, event) = match verified(deps, request).await {
        Ok(Ok(verified)) => verified,
        Ok(Err(refusal)) => return refusal.into_response(),
        Err(failure) => return failed(&failure),
    };
    let span = tracing::info_span!(
        "delivery",
        delivery.id = delivery.id,
        event = delivery.event,
        trace.id = delivery.traceparent.trace_id(),
    );
    let outcome = record::record(deps, &delivery, event).instrument(span.clone()).await;
    let _entered = span.entered();
    match outcome {
        Ok(outcome) => {
            let answer = answer(&outcome);
            let status = answer["status"].as_str().unwrap_or_default();
            let duration_ms = began.elapsed().as_millis() as u64;
            let run = answer["run_id"].as_str();
            let reason = answer["reason"].as_str();
            tracing::info!(status, duration_ms, run.id = run, reason, "took a webhook");
            startup::count("assay.deliveries", 1, &[("status", status)]);
            startup::measure("assay.delivery.duration", began.elapsed(), &[]);
            problem::respond(StatusCode::ACCEPTED, "application/json", &answer)
        }
        Err(_) if faults::mutated(Mutation::AckUnavailable) => {
            problem::respond(StatusCode::ACCEPTED, "application/json", &json!({}))
        }
        Err(failure) => failed(&failure),
    }
}

async fn verified(
    deps: &Deps,
    request: &Request,
) -> Result<Result<(Delivery, GithubEvent), Refusal>, Failure> {
    let body: &[u8] = request.body().as_ref();
    if body.len() > BODY_BYTES_MAX {
        return Ok(Err(Refusal::TooLarge));
    }
    let Some(given) = request.headers().get("x-hub-signature-256") else {
        return Ok(Err(Refusal::Unsigned));
    };
    let secret = deps.github_secret.reveal().await?;
    let genuine = given
        .to_str()
        .is_ok_and(|header| signature::is_valid(secret.expose_secret(), header, body));
    if !genuine {
        return Ok(Err(Refusal::WrongSignature));
    }
    Ok(read(request.headers(), body))
}

/// Reads a body whose sender is known.
fn read(headers: &HeaderMap, body: &[u8]) -> Result<(Delivery, GithubEvent), Refusal> {
    let id = header(headers, "x-github-delivery")?;
    let name = header(headers, "x-github-event")?;
    let content_type = headers.get("content-type").and_then(|value| value.to_str().ok());
    let text = payload::json(content_type.unwrap_or_default(), body)?;
    let event = GithubEvent::parse(&name, &text)
        .map_err(|source| Refusal::NotJson { event: name.clone(), source })?;
    let traceparent = headers
        .get("traceparent")
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .unwrap_or_else(begin_trace);
    Ok((Delivery { id, event: name, traceparent }, event))
}

fn header(headers: &HeaderMap, name: &'static str) -> Result<String, Refusal> {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .filter(|value| !value.is_empty() && value.len() <= HEADER_BYTES_MAX)
        .map(str::to_owned)
        .ok_or(Refusal::Header(name))
}

fn begin_trace() -> TraceParent {
    let mut random = [0; 16];
    // Without randomness the trace is the all-but-zero one; the webhook matters more.
    let _ = getrandom::fill(&mut random);
    TraceParent::begin(&random)
}

fn answer(outcome: &Outcome) -> Value {
    match outcome {
        Outcome::Accepted { run } => json!({ "status": "accepted", "run_id": run }),
        Outcome::Deduplicated { run } => json!({ "status": "deduplicated", "run_id": run }),
        Outcome::Ignored { reason } => json!({ "status": "ignored", "reason": reason }),
    }
}

fn failed(failure: &Failure) -> Response<Body> {
    let chain: &dyn std::error::Error = failure;
    tracing::error!(error = chain, "a webhook was not stored");
    startup::count("assay.deliveries", 1, &[("status", "failed")]);
    problem::unavailable()
}
