//! The address under which strangers reach this API.

use std::convert::Infallible;

use axum::{
    extract::{FromRef, FromRequestParts},
    http::{HeaderMap, header, request::Parts},
};

use crate::Deps;

/// Base of links, without a final slash. A function cannot name its own URL, so without a
/// configured one it is the address that was asked; with neither, links are relative.
pub(crate) struct PublicUrl(String);

impl<S> FromRequestParts<S> for PublicUrl
where
    S: Send + Sync,
    Deps: FromRef<S>,
{
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let configured = Deps::from_ref(state).config().public_url.clone();
        Ok(Self(configured.or_else(|| asked(&parts.headers)).unwrap_or_default()))
    }
}

fn asked(headers: &HeaderMap) -> Option<String> {
    let text = |name| headers.get(name).and_then(|value: &header::HeaderValue| value.to_str().ok());
    let host = text(header::HOST)?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
    if host.is_empty() || !host.bytes().all(allowed) {
        return None;
    }
    let forwarded = headers.get("x-forwarded-proto").and_then(|value| value.to_str().ok());
    // Lambda always says it; what does not is a stand-in on this machine.
    let here = ["127.0.0.1", "localhost", "[::1]"].iter().any(|name| host.starts_with(name));
    let scheme = match forwarded {
        Some("http") => "http",
        None if here => "http",
        _ => "https",
    };
    Some(format!("{scheme}://{host}"))
}

impl PublicUrl {
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    pub(crate) fn badge(&self, token: &str) -> String {
        self.at(&format!("/badge/{token}.svg"))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn the_address_that_was_asked_is_taken_only_when_it_is_one() {
        let cases = [
            ("abc.lambda-url.eu-west-1.on.aws", Some("https://abc.lambda-url.eu-west-1.on.aws")),
            ("127.0.0.1:4566", Some("http://127.0.0.1:4566")),
            ("evil.com/\"><script>", None),
            ("", None),
        ];
        for (host, expected) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_str(host).unwrap());
            assert_eq!(asked(&headers).as_deref(), expected, "{host}");
        }
    }
}
