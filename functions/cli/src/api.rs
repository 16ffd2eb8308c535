//! Assay's API, as any client would use it.

use std::{convert::Infallible, fmt, str::FromStr, time::Duration};

use clap::Args;
use serde::de::DeserializeOwned;
use serde_json::Value;
use ureq::{
    Agent, Body,
    http::{Response, Uri},
};

use crate::{Trouble, words::shown};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The api answers within its function's timeout, or not at all.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// A stream that says nothing for this long, not even a comment, is taken for broken.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// Where the API is, and what opens it.
#[derive(Debug, Args)]
pub(crate) struct Connection {
    /// The API's base URL, such as https://assay.example.com
    #[arg(long = "api", value_name = "URL", env = "ASSAY_API_URL", global = true)]
    url: Option<String>,

    /// An argument can be read by every process of the machine: use the variable.
    #[arg(long = "api-key", env = "ASSAY_API_KEY", hide = true, global = true)]
    key: Option<Key>,
}

/// An API key, which no debug output shows.
#[derive(Clone)]
struct Key(String);

impl FromStr for Key {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.trim().to_owned()))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

pub(crate) struct Api {
    agent: Agent,
    base: String,
    key: Key,
    /// What people type to start this program.
    program: String,
}

/// What the API said to a request that it may well refuse.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Api {
    pub(crate) fn connect(connection: &Connection, program: &str) -> Result<Self, Trouble> {
        let missing = |name: &str, next: &str| Trouble::new(format!("{name} is not set"), next);
        let url =
            connection.url.as_deref().filter(|url| !url.trim().is_empty()).ok_or_else(|| {
                missing("ASSAY_API_URL", "set it to the API's base URL, or name it with --api URL")
            })?;
        let key = connection.key.clone().filter(|key| !key.0.is_empty()).ok_or_else(|| {
            missing("ASSAY_API_KEY", "set it to a key of your organisation (asy_…)")
        })?;
        Ok(Self { agent: agent(), base: checked(url)?, key, program: program.to_owned() })
    }

    /// A command of this program, as people would type it.
    pub(crate) fn command(&self, rest: &str) -> String {
        format!("{} runs {rest}", self.program)
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub(crate) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Trouble> {
        let request = self.agent.get(self.url(path)).header("Authorization", self.bearer());
        let answer = read(request.call().map_err(|error| self.unreachable(&error))?)?;
        if answer.status != 200 {
            return Err(self.refused(&answer));
        }
        serde_json::from_value(answer.body).map_err(|error| self.odd(&error.to_string()))
    }

    /// Asks for a change; the caller looks at the status.
    pub(crate) fn post(&self, path: &str) -> Result<Answer, Trouble> {
        let request = self.agent.post(self.url(path)).header("Authorization", self.bearer());
        read(request.send_empty().map_err(|error| self.unreachable(&error))?)
    }

    /// Opens a stream of events, going on after the event that `last` names.
    pub(crate) fn stream(
        &self,
        path: &str,
        last: Option<&str>,
    ) -> Result<Response<Body>, ureq::Error> {
        let mut request = self
            .agent
            .get(self.url(path))
            .header("Authorization", self.bearer())
            .header("Accept", "text/event-stream")
            .header("Cache-Control", "no-store");
        if let Some(last) = last {
            request = request.header("Last-Event-ID", last);
        }
        request.call()
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.key.0)
    }

    pub(crate) fn unreachable(&self, error: &ureq::Error) -> Trouble {
        Trouble::new(
            format!("{} cannot be reached: {error}", self.base),
            "see whether ASSAY_API_URL is right and the API runs",
        )
    }

    pub(crate) fn odd(&self, how: &str) -> Trouble {
        Trouble::new(
            format!("{} gave an answer that is not Assay's: {}", self.base, shown(how)),
            "see whether ASSAY_API_URL is the API's base URL",
        )
    }

    /// What the API's problem document says, and what helps against it.
    pub(crate) fn refused(&self, answer: &Answer) -> Trouble {
        let next = match answer.status {
            401 => "set ASSAY_API_KEY to a key that is neither expired nor revoked".to_owned(),
            403 => "use a key with that scope".to_owned(),
            404 => format!("see which runs there are: {}", self.command("list")),
            429 | 500..=599 => "try again in a moment; the api's log has the cause".to_owned(),
            _ => "change the call".to_owned(),
        };
        Trouble::new(problem(answer), next)
    }
}

/// A problem document (RFC 9457) in one sentence.
pub(crate) fn problem(answer: &Answer) -> String {
    let text = |field: &str| answer.body[field].as_str().map(shown);
    let Some(title) = text("title") else {
        return format!("the API answered {}", answer.status);
    };
    let fields = answer.body["errors"].as_array().into_iter().flatten();
    let fields: Vec<String> = fields
        .map(|error| {
            let text = |field: &str| shown(error[field].as_str().unwrap_or_default());
            format!("{}: {}", text("field"), text("detail"))
        })
        .collect();
    let detail =
        if fields.is_empty() { text("detail").unwrap_or_default() } else { fields.join("; ") };
    format!("{title}: {detail} ({})", answer.status)
}

fn agent() -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        .user_agent(concat!("assay/", env!("CARGO_PKG_VERSION")))
        .timeout_connect(Some(CONNECT_TIMEOUT))
        .timeout_recv_response(Some(ANSWER_TIMEOUT))
        .timeout_per_read(Some(SILENCE_MAX))
        .build()
        .new_agent()
}

pub(crate) fn read(mut response: Response<Body>) -> Result<Answer, Trouble> {
    let status = response.status().as_u16();
    let text = response.body_mut().read_to_string().map_err(|error| {
        Trouble::new(format!("an answer broke off: {error}"), "try again in a moment")
    })?;
    // What is not JSON is no problem document either.
    Ok(Answer { status, body: serde_json::from_str(&text).unwrap_or(Value::Null) })
}

/// The base URL without its last slash; over a network the key travels encrypted only.
fn checked(url: &str) -> Result<String, Trouble> {
    let url = url.trim().trim_end_matches('/');
    let next = "write it as https://host, or http://127.0.0.1:port on this machine";
    let uri: Uri =
        url.parse().map_err(|_| Trouble::new(format!("`{}` is not a URL", shown(url)), next))?;
    let host = uri.host().unwrap_or_default();
    let is_here = matches!(host, "localhost" | "[::1]")
        || host.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback());
    match uri.scheme_str() {
        Some("https") => Ok(url.to_owned()),
        Some("http") if is_here => Ok(url.to_owned()),
        Some("http") => {
            Err(Trouble::new(format!("the key would travel to {host} in the open"), next))
        }
        _ => Err(Trouble::new(format!("`{}` is not a URL", shown(url)), next)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_key_travels_encrypted_or_stays_on_the_machine() {
        let cases = [
            ("https://assay.example.com/", Some("https://assay.example.com")),
            (
                "http://127.0.0.1:4566/_aws/lambda-url/x",
                Some("http://127.0.0.1:4566/_aws/lambda-url/x"),
            ),
            ("http://localhost:1", Some("http://localhost:1")),
            ("http://[::1]:1", Some("http://[::1]:1")),
            ("http://assay.example.com", None),
            ("http://127.0.0.1.example.com", None),
            ("assay.example.com", None),
            ("ftp://127.0.0.1", None),
        ];
        for (url, expected) in cases {
            assert_eq!(checked(url).ok().as_deref(), expected, "{url}");
        }
    }

    #[test]
    fn a_problem_is_told_with_the_fields_that_are_wrong() {
        let answer = Answer {
            status: 400,
            body: json!({
                "title": "The request cannot be accepted", "detail": "see `errors`",
                "errors": [{ "field": "limit", "detail": "expected 1 to 200" }],
            }),
        };
        let told = "The request cannot be accepted: limit: expected 1 to 200 (400)";
        assert_eq!(problem(&answer), told);
        let bare = Answer { status: 502, body: Value::Null };
        assert_eq!(problem(&bare), "the API answered 502");
    }

    #[test]
    fn a_key_stays_out_of_debug_output() {
        let connection = Connection { url: None, key: Some(Key("asy_secret".to_owned())) };
        assert!(!format!("{connection:?}").contains("secret"));
    }
}
