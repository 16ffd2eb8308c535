//! What a caller learns when a request fails: RFC 9457, with a `code` for programs.
//!
//! A caller is told what they did wrong, never what broke on our side; that goes to the log,
//! once, with the whole chain of causes.

use std::error::Error;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{Classify, ErrorKind, Scope};
use serde::Serialize;
use startup::SecretError;
use store::StoreError;
use utoipa::ToSchema;

use crate::words::ScopeWord;

pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

/// The kinds of problems: what a program may tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    MissingApiKey,
    InvalidApiKey,
    InsufficientScope,
    ValidationFailed,
    UnreadableBody,
    NotFound,
    MethodNotAllowed,
    Conflict,
    TooLarge,
    AnswerTooLarge,
    UnsupportedMediaType,
    Unavailable,
    Internal,
}

impl Kind {
    fn describe(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::MissingApiKey => {
                (StatusCode::UNAUTHORIZED, "missing_api_key", "An API key is needed")
            }
            Self::InvalidApiKey => {
                (StatusCode::UNAUTHORIZED, "invalid_api_key", "The API key opens nothing")
            }
            Self::InsufficientScope => {
                (StatusCode::FORBIDDEN, "insufficient_scope", "The API key may not do this")
            }
            Self::ValidationFailed => {
                (StatusCode::BAD_REQUEST, "validation_failed", "The request cannot be accepted")
            }
            Self::UnreadableBody => {
                (StatusCode::BAD_REQUEST, "unreadable_body", "The request's body cannot be read")
            }
            Self::NotFound => (StatusCode::NOT_FOUND, "not_found", "There is no such thing"),
            Self::MethodNotAllowed => (
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "This path does not take the method",
            ),
            Self::Conflict => {
                (StatusCode::CONFLICT, "conflict", "The request does not fit the present state")
            }
            Self::TooLarge => {
                (StatusCode::PAYLOAD_TOO_LARGE, "too_large", "The request's body is too large")
            }
            Self::AnswerTooLarge => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "answer_too_large",
                "The answer is larger than what can be sent",
            ),
            Self::UnsupportedMediaType => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "The request's body must be JSON",
            ),
            Self::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "Something we depend on does not answer",
            ),
            Self::Internal => {
                (StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something broke on our side")
            }
        }
    }
}

/// Which field of a request is wrong, and how.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FieldError {
    /// The path of a body's field, or the name of a parameter.
    field: String,
    detail: String,
}

/// A problem as it is sent (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemDocument {
    /// A URI that names the kind of problem.
    r#type: String,
    /// The kind of problem in words.
    title: &'static str,
    status: u16,
    /// The kind of problem for programs; a closed set.
    code: &'static str,
    /// What is wrong with this request, and what to do about it.
    detail: String,
    /// With `insufficient_scope`: what the key would have to carry.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<ScopeWord>, nullable = false)]
    required_scope: Option<Scope>,
    /// With `validation_failed`: every field that is wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<FieldError>,
}

#[derive(Debug)]
pub(crate) struct Problem {
    kind: Kind,
    detail: String,
    required_scope: Option<Scope>,
    errors: Vec<FieldError>,
    cause: Option<Box<dyn Error + Send + Sync>>,
}

impl Problem {
    pub(crate) fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), required_scope: None, errors: Vec::new(), cause: None }
    }

    /// Nothing of that name belongs to the caller. Whether it belongs to someone else is not told.
    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(Kind::NotFound, format!("your organisation has no such {what}"))
    }

    pub(crate) fn conflict(detail: impl Into<String>) -> Self {
        Self::new(Kind::Conflict, detail)
    }

    pub(crate) fn insufficient_scope(required: Scope) -> Self {
        Self {
            required_scope: Some(required),
            ..Self::new(
                Kind::InsufficientScope,
                format!("use a key with the scope `{required}`, or one that includes it"),
            )
        }
    }

    /// One field is wrong.
    pub(crate) fn field(field: impl Into<String>, detail: impl Into<String>) -> Self {
        let error = FieldError { field: field.into(), detail: detail.into() };
        Self {
            errors: vec![error],
            ..Self::new(Kind::ValidationFailed, "see `errors` for the fields that are wrong")
        }
    }

    /// Adds to a problem of an answer's size what the caller can do about it.
    pub(crate) fn hint(mut self, what_to_do: &str) -> Self {
        if self.kind == Kind::AnswerTooLarge {
            self.detail = format!("{}; {what_to_do}", self.detail);
        }
        self
    }

    fn broken(kind: ErrorKind, cause: Box<dyn Error + Send + Sync>) -> Self {
        let problem = match kind {
            ErrorKind::Unavailable => Self::new(Kind::Unavailable, "try again in a moment"),
            ErrorKind::Conflict => {
                Self::conflict("someone changed the same thing at this moment; try again")
            }
            // What is invalid or missing here is ours: a caller's mistakes are found before.
            ErrorKind::Invalid | ErrorKind::NotFound | ErrorKind::Bug => Self::internal(),
        };
        Self { cause: Some(cause), ..problem }
    }

    /// Writes what broke on our side, if something did. A response does it by itself.
    pub(crate) fn log(&self) {
        if let Some(cause) = &self.cause {
            let chain: &(dyn Error + 'static) = cause.as_ref();
            tracing::error!(error = chain, "request failed");
        }
    }

    fn internal() -> Self {
        Self::new(Kind::Internal, "the error is in our log; trying again may not help")
    }

    /// Our own data is not what it should be.
    pub(crate) fn bug(cause: impl Error + Send + Sync + 'static) -> Self {
        Self { cause: Some(Box::new(cause)), ..Self::internal() }
    }
}

/// Finds every wrong field of a request before it is refused.
#[derive(Debug, Default)]
pub(crate) struct Checks(Vec<FieldError>);

impl Checks {
    pub(crate) fn require(&mut self, holds: bool, field: &str, detail: impl Into<String>) {
        if !holds {
            self.0.push(FieldError { field: field.to_owned(), detail: detail.into() });
        }
    }

    pub(crate) fn done(self) -> Result<(), Problem> {
        if self.0.is_empty() {
            return Ok(());
        }
        let detail = "see `errors` for the fields that are wrong";
        Err(Problem { errors: self.0, ..Problem::new(Kind::ValidationFailed, detail) })
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::broken(error.kind(), Box::new(error))
    }
}

impl From<SecretError> for Problem {
    fn from(error: SecretError) -> Self {
        Self::broken(error.kind(), Box::new(error))
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.log();
        let (status, code, title) = self.kind.describe();
        let document = ProblemDocument {
            r#type: format!("urn:assay:problem:{code}"),
            title,
            status: status.as_u16(),
            code,
            detail: self.detail,
            required_scope: self.required_scope,
            errors: self.errors,
        };
        let body = serde_json::to_vec(&document).expect("plain structs always serialise");
        let mut response =
            (status, [(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE))], body)
                .into_response();
        if status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer realm=\"assay\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
