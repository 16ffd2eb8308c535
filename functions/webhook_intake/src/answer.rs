//! What a sender learns: an outcome, or a problem (RFC 9457).

use std::error::Error;

use domain::{Classify, ErrorKind, RunId};
use http::{HeaderValue, StatusCode, header};
use lambda_http::{Body, Response};
use serde::Serialize;
use serde_json::json;

/// What became of a delivery that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Outcome {
    /// Committed, and done or to be done.
    Accepted {
        #[serde(skip_serializing_if = "Option::is_none")]
        run_id: Option<RunId>,
    },
    /// This delivery, or the same question about the same commit, was taken before.
    Deduplicated {
        #[serde(skip_serializing_if = "Option::is_none")]
        run_id: Option<RunId>,
    },
    Ignored {
        reason: String,
    },
}

impl Outcome {
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::Accepted { .. } => "accepted",
            Self::Deduplicated { .. } => "deduplicated",
            Self::Ignored { .. } => "ignored",
        }
    }

    pub(crate) fn run(&self) -> Option<RunId> {
        match self {
            Self::Accepted { run_id } | Self::Deduplicated { run_id } => *run_id,
            Self::Ignored { .. } => None,
        }
    }

    pub(crate) fn respond(&self) -> Response<Body> {
        let body = serde_json::to_string(self).expect("plain enums always serialise");
        response(StatusCode::OK, "application/json", body)
    }
}

/// Why a delivery was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    #[error("there is nothing at this address")]
    NoSuchRoute,
    #[error("no such source")]
    NoSuchSource,
    #[error("this address takes {0} requests only")]
    OtherMethod(&'static str),
    #[error("the body has more than {0} bytes; it can be read through GitHub's API")]
    TooLarge(usize),
    #[error("the header X-Hub-Signature-256 is missing or does not match the body")]
    Unsigned,
    #[error("{0}")]
    Unreadable(String),
    #[error("try again in a moment")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    #[error("the error is in our log; trying again may not help")]
    Broken(#[source] Box<dyn Error + Send + Sync>),
}

impl Problem {
    fn describe(&self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::NoSuchRoute | Self::NoSuchSource => {
                (StatusCode::NOT_FOUND, "not_found", "There is no such thing")
            }
            Self::OtherMethod(_) => (
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "This path does not take the method",
            ),
            Self::TooLarge(_) => {
                (StatusCode::PAYLOAD_TOO_LARGE, "too_large", "The request's body is too large")
            }
            Self::Unsigned => {
                (StatusCode::UNAUTHORIZED, "invalid_signature", "The signature is not valid")
            }
            Self::Unreadable(_) => {
                (StatusCode::BAD_REQUEST, "unreadable_body", "The request cannot be read")
            }
            Self::Unavailable(_) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "Something we depend on does not answer",
            ),
            Self::Broken(_) => {
                (StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something broke on our side")
            }
        }
    }

    /// The one place where a failure is logged, with the whole chain of causes.
    pub(crate) fn respond(&self) -> Response<Body> {
        let (status, code, title) = self.describe();
        if status.is_server_error() {
            let chain: &dyn Error = self;
            tracing::error!(error = chain, "a delivery was not taken");
        } else {
            tracing::info!(%code, detail = %self, "a request was refused");
        }
        let body = json!({
            "type": format!("urn:assay:problem:{code}"),
            "title": title,
            "status": status.as_u16(),
            "code": code,
            "detail": self.to_string(),
        });
        let mut response = response(status, "application/problem+json", body.to_string());
        if let Self::OtherMethod(method) = self {
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(method));
        }
        response
    }
}

impl<E> From<E> for Problem
where
    E: Classify + Send + Sync,
{
    fn from(error: E) -> Self {
        match error.kind() {
            // GitHub does not repeat by itself, but the reconciliation asks it to.
            ErrorKind::Unavailable | ErrorKind::Conflict => Self::Unavailable(Box::new(error)),
            // What is invalid or missing here is ours: a sender's mistakes are found before.
            ErrorKind::Invalid | ErrorKind::NotFound | ErrorKind::Bug => {
                Self::Broken(Box::new(error))
            }
        }
    }
}

pub(crate) fn response(
    status: StatusCode,
    media_type: &'static str,
    body: String,
) -> Response<Body> {
    let mut response = Response::new(Body::Text(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}
