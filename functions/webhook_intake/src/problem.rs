//! Refusals, as RFC 9457 problem documents.

use http::{StatusCode, header};
use lambda_http::{Body, Response};
use serde_json::json;

use crate::payload::DEPTH_MAX;

/// The largest body that is read. Lambda itself refuses what is larger than 6 MB; GitHub may send
/// up to 25 MB, and what it cannot deliver the scheduler recovers through GitHub's delivery log.
pub const BODY_BYTES_MAX: usize = 5 * 1024 * 1024;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("the body is larger than {BODY_BYTES_MAX} bytes")]
    TooLarge,
    #[error("the X-Hub-Signature-256 header is missing")]
    Unsigned,
    #[error("the signature does not match the body")]
    WrongSignature,
    #[error("the {0} header is missing, empty or longer than {HEADER_BYTES_MAX} characters")]
    Header(&'static str),
    #[error("the body is not UTF-8")]
    NotUtf8,
    #[error("the form has no field `payload`")]
    NoPayloadField,
    #[error("the payload is nested deeper than {DEPTH_MAX} levels")]
    TooDeep,
    #[error("the body is not the JSON of a {event} event: {source}")]
    NotJson { event: String, source: serde_json::Error },
    #[error("no source is connected under this address")]
    NoSuchSource,
    #[error("there is nothing at this address; webhooks go to POST /github")]
    NoSuchRoute,
    #[error("only POST is understood here")]
    Method,
}

/// Delivery ids and event names are short; anything longer is not GitHub's.
pub(crate) const HEADER_BYTES_MAX: usize = 200;

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unsigned | Self::WrongSignature => StatusCode::UNAUTHORIZED,
            Self::Header(_)
            | Self::NotUtf8
            | Self::NoPayloadField
            | Self::TooDeep
            | Self::NotJson { .. } => StatusCode::BAD_REQUEST,
            Self::NoSuchSource | Self::NoSuchRoute => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
        }
    }

    pub(crate) fn into_response(self) -> Response<Body> {
        let status = self.status();
        tracing::warn!(status = status.as_u16(), reason = %self, "refused a webhook");
        problem(status, &self.to_string())
    }
}

/// What is our own fault: the sender learns to try again, and nothing else.
pub(crate) fn unavailable() -> Response<Body> {
    problem(StatusCode::SERVICE_UNAVAILABLE, "the event could not be stored; deliver it again")
}

fn problem(status: StatusCode, detail: &str) -> Response<Body> {
    let document = json!({
        "type": "about:blank",
        "title": status.canonical_reason().unwrap_or_default(),
        "status": status.as_u16(),
        "detail": detail,
    });
    respond(status, "application/problem+json", &document)
}

pub(crate) fn respond(
    status: StatusCode,
    content_type: &'static str,
    document: &serde_json::Value,
) -> Response<Body> {
    let mut response = Response::new(Body::Text(document.to_string()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
    response
}
