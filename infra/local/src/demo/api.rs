use std::time::Duration;

use serde_json::Value;

use crate::stop::{OrStop, Result, Stop};

const PATIENCE: Duration = Duration::from_secs(30);
const SEE_STATUS: &str = "see whether it runs: `cargo local status`";

/// Assay's own API, as any client would use it.
pub(super) struct Api {
    agent: ureq::Agent,
    base: String,
    key: String,
}

pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Value,
}

/// An agent for which a status such as 404 is an answer like any other.
pub(super) fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .http_status_as_error(false)
        .build()
        .new_agent()
}

pub(super) fn read(mut response: ureq::http::Response<ureq::Body>) -> Result<Answer> {
    let status = response.status().as_u16();
    let text = response.body_mut().read_to_string().or_stop("an answer broke off", SEE_STATUS)?;
    // What is not JSON is shown as it is.
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Ok(Answer { status, body })
}

pub(super) fn text(value: &Value, field: &str) -> Option<String> {
    value[field].as_str().map(str::to_owned)
}

impl Api {
    pub(super) fn new(base: &str, key: String) -> Self {
        Self { agent: agent(), base: base.to_owned(), key }
    }

    fn call(&self, path: &str) -> Result<ureq::http::Response<ureq::Body>> {
        self.agent
            .get(format!("{}{path}", self.base))
            .header("Authorization", format!("Bearer {}", self.key))
            .call()
            .or_stop("the API does not answer", SEE_STATUS)
    }

    /// Whether the key is known.
    pub(super) fn is_welcome(&self) -> Result<bool> {
        Ok(self.call("/v1/repositories")?.status() != 401)
    }

    /// What is there, or `None` if nothing is there yet.
    pub(super) fn find(&self, path: &str) -> Result<Option<Value>> {
        let answer = read(self.call(path)?)?;
        match answer.status {
            200 => Ok(Some(answer.body)),
            404 => Ok(None),
            status => Err(refused(path, status, &answer.body)),
        }
    }

    pub(super) fn get(&self, path: &str) -> Result<Value> {
        self.find(path)?.ok_or_else(|| refused(path, 404, &Value::Null))
    }

    /// All pages of a list.
    pub(super) fn all(&self, path: &str) -> Result<Vec<Value>> {
        let glue = if path.contains('?') { '&' } else { '?' };
        let (mut items, mut next) = (Vec::new(), path.to_owned());
        loop {
            let mut page = self.get(&next)?;
            if let Value::Array(more) = page["items"].take() {
                items.extend(more);
            }
            match text(&page, "next_cursor") {
                Some(cursor) => next = format!("{path}{glue}cursor={cursor}"),
                None => return Ok(items),
            }
        }
    }

    pub(super) fn bytes(&self, path: &str) -> Result<Vec<u8>> {
        let mut response = self.call(path)?;
        if response.status() != 200 {
            let answer = read(response)?;
            return Err(refused(path, answer.status, &answer.body));
        }
        response.body_mut().read_to_vec().or_stop("an answer broke off", SEE_STATUS)
    }

    pub(super) fn post(&self, path: &str, body: &Value) -> Result<Answer> {
        let response = self
            .agent
            .post(format!("{}{path}", self.base))
            .header("Authorization", format!("Bearer {}", self.key))
            .header("Content-Type", "application/json")
            .send(body.to_string())
            .or_stop("the API does not answer", SEE_STATUS)?;
        read(response)
    }
}

fn refused(path: &str, status: u16, body: &Value) -> Stop {
    Stop::new(
        format_args!("GET {path} was answered with {status}: {body}"),
        "see what the api said: `cargo local logs api`",
    )
}
