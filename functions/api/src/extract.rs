//! Reading requests, with problems that say what is wrong and where.

use std::{error::Error, str::FromStr};

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Path, Query, Request},
    http::{HeaderMap, StatusCode, header, request::Parts},
};
use serde::de::DeserializeOwned;

use crate::problem::{Checks, Kind, Problem};

/// No request needs more.
pub(crate) const BODY_BYTES_MAX: usize = 1024 * 1024;

/// An id in the path.
pub(crate) struct Id<T>(pub(crate) T);

impl<S, T> FromRequestParts<S> for Id<T>
where
    S: Send + Sync,
    T: FromStr,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let text = path_segment(parts, state).await?;
        let id = text.parse().map_err(|_| Problem::field("id", not_an_id(&text)))?;
        Ok(Self(id))
    }
}

fn not_an_id(text: &str) -> String {
    let shown: String = text.chars().take(80).collect();
    format!("`{shown}` is not an id; expected a UUID")
}

/// The one variable segment of a path.
pub(crate) async fn path_segment<S>(parts: &mut Parts, state: &S) -> Result<String, Problem>
where
    S: Send + Sync,
{
    let Path(text) = Path::<String>::from_request_parts(parts, state)
        .await
        .map_err(|_| Problem::field("path", "it is not valid UTF-8 once decoded"))?;
    Ok(text)
}

/// The query string. A parameter that the route does not know is refused, since a filter that is
/// silently ignored shows too much.
pub(crate) struct Filter<T>(pub(crate) T);

impl<S, T> FromRequestParts<S> for Filter<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Query(filter) = Query::try_from_uri(&parts.uri).map_err(|rejection| {
            let reason = rejection.source().map_or_else(String::new, ToString::to_string);
            Problem::new(Kind::ValidationFailed, format!("the query string is wrong: {reason}"))
        })?;
        Ok(Self(filter))
    }
}

/// A JSON body.
pub(crate) struct Body<T>(pub(crate) T);

impl<S, T> FromRequest<S> for Body<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !announces_json(request.headers()) {
            let detail = "send JSON, with the header Content-Type: application/json";
            return Err(Problem::new(Kind::UnsupportedMediaType, detail));
        }
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| {
            if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                let detail = format!("at most {BODY_BYTES_MAX} bytes are read");
                Problem::new(Kind::TooLarge, detail)
            } else {
                Problem::new(Kind::UnreadableBody, "the body broke off")
            }
        })?;
        parse(&bytes).map(Self)
    }
}

fn announces_json(headers: &HeaderMap) -> bool {
    let announced = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = announced.and_then(|text| text.split(';').next()).unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // Serde would also read the fields' values from an array, in their order.
    if bytes.trim_ascii_start().first() == Some(&b'[') {
        return Err(Problem::field("body", "expected a JSON object"));
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let field = error.path().to_string();
        refuse(&error.into_inner(), &field)
    })?;
    reader.end().map_err(|error| refuse(&error, ""))?;
    Ok(value)
}

/// Serde's own words name line and column.
fn refuse(error: &serde_json::Error, field: &str) -> Problem {
    if error.is_data() {
        let field = if field == "." { "body" } else { field };
        return Problem::field(field, error.to_string());
    }
    Problem::new(Kind::UnreadableBody, format!("the body is not JSON: {error}"))
}

/// Requires a text to have between `min` and `max` characters and no control characters.
pub(crate) fn check_text(checks: &mut Checks, field: &str, text: &str, min: usize, max: usize) {
    let length = text.trim().chars().count();
    checks.require(
        length >= min && text.chars().count() <= max,
        field,
        format!("expected {min} to {max} characters"),
    );
    checks.require(
        !text.chars().any(|character| character.is_control() && character != '\n'),
        field,
        "control characters are not allowed",
    );
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        #[expect(dead_code, reason = "only read by serde")]
        count: u8,
    }

    fn refusal(json: &str) -> String {
        format!("{:?}", parse::<Sample>(json.as_bytes()).unwrap_err())
    }

    #[test]
    fn a_refusal_says_which_field_and_where() {
        let wrong = refusal("{\n  \"count\": \"many\"\n}");
        assert!(wrong.contains("field: \"count\"") && wrong.contains("line 2"), "{wrong}");
        let unknown = refusal(r#"{"count": 1, "amount": 2}"#);
        assert!(unknown.contains("unknown field `amount`"), "{unknown}");
        let broken = refusal(r#"{"count": 1"#);
        assert!(broken.contains("not JSON") && broken.contains("column"), "{broken}");
        let trailing = refusal(r#"{"count": 1} {}"#);
        assert!(trailing.contains("trailing"), "{trailing}");
    }

    #[test]
    fn json_nested_beyond_reason_is_refused_and_not_followed() {
        let deep = format!("{{\"more\": {}", "[".repeat(10_000));
        assert!(refusal(&deep).contains("more"));
        let deep = format!("{{\"count\": {}", "[{\"a\":".repeat(10_000));
        assert!(refusal(&deep).contains("count"));
        assert!(refusal("[1]").contains("object"));
    }
}
