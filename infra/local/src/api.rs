//! Assay's own API, as any client would use it, and the key that opens it.

use std::{fs, path::PathBuf, process::Command, time::Duration};

use serde_json::Value;

use crate::{
    checkout::Checkout,
    commands::Local,
    functions, process,
    state::{Postgres, Stack, State},
    stop::{OrStop, Result, Stop},
};

/// Whose key the API is used with.
const ORGANIZATION: &str = "acme";
const KEY_FILE: &str = "api-key";
const PATIENCE: Duration = Duration::from_secs(30);
const SEE_STATUS: &str = "see whether it runs: `cargo local status`";

pub(crate) struct Api {
    agent: ureq::Agent,
    base: String,
    key: String,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

/// An agent for which a status such as 404 is an answer like any other.
pub(crate) fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .http_status_as_error(false)
        .build()
        .new_agent()
}

pub(crate) fn read(mut response: ureq::http::Response<ureq::Body>) -> Result<Answer> {
    let status = response.status().as_u16();
    let text = response.body_mut().read_to_string().or_stop("an answer broke off", SEE_STATUS)?;
    // What is not JSON is shown as it is.
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Ok(Answer { status, body })
}

pub(crate) fn text(value: &Value, field: &str) -> Option<String> {
    value[field].as_str().map(str::to_owned)
}

/// Where the key is kept, for its owner only.
pub(crate) fn key_file(checkout: &Checkout) -> PathBuf {
    checkout.local().join(KEY_FILE)
}

impl Api {
    /// The API of the stack that was deployed here.
    pub(crate) fn of(local: &Local, state: &State) -> Result<Self> {
        match (&state.stack, &state.postgres) {
            (Some(stack), Some(postgres)) => Self::sign_in(local, postgres, stack),
            _ => Err(Stop::new("nothing was deployed here yet", "run `cargo local up`")),
        }
    }

    /// With a key that opens the organisation of this machine; it is made once and kept.
    fn sign_in(local: &Local, postgres: &Postgres, stack: &Stack) -> Result<Self> {
        let api = |key| Self { agent: agent(), base: stack.api_url.clone(), key };
        let make = || make_key(local, postgres);
        let kept = api(local.checkout.keep_secret(KEY_FILE, make)?);
        if kept.is_welcome()? {
            return Ok(kept);
        }
        // The database was begun anew under the key that was kept.
        let path = key_file(&local.checkout);
        fs::remove_file(&path)
            .or_stop(format_args!("cannot delete {}", path.display()), "delete it by hand")?;
        Ok(api(local.checkout.keep_secret(KEY_FILE, make)?))
    }

    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    fn call(&self, path: &str) -> Result<ureq::http::Response<ureq::Body>> {
        self.agent
            .get(format!("{}{path}", self.base))
            .header("Authorization", format!("Bearer {}", self.key))
            .call()
            .or_stop("the API does not answer", SEE_STATUS)
    }

    /// Whether the key is known.
    fn is_welcome(&self) -> Result<bool> {
        Ok(self.call("/v1/repositories")?.status() != 401)
    }

    /// What is there, or `None` if nothing is there yet.
    pub(crate) fn find(&self, path: &str) -> Result<Option<Value>> {
        let answer = read(self.call(path)?)?;
        match answer.status {
            200 => Ok(Some(answer.body)),
            404 => Ok(None),
            status => Err(refused(path, status, &answer.body)),
        }
    }

    pub(crate) fn get(&self, path: &str) -> Result<Value> {
        self.find(path)?.ok_or_else(|| refused(path, 404, &Value::Null))
    }

    /// All pages of a list.
    pub(crate) fn all(&self, path: &str) -> Result<Vec<Value>> {
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

    pub(crate) fn bytes(&self, path: &str) -> Result<Vec<u8>> {
        let mut response = self.call(path)?;
        if response.status() != 200 {
            let answer = read(response)?;
            return Err(refused(path, answer.status, &answer.body));
        }
        response.body_mut().read_to_vec().or_stop("an answer broke off", SEE_STATUS)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Result<Answer> {
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

fn make_key(local: &Local, postgres: &Postgres) -> Result<String> {
    let answer = process::ask(
        Command::new(functions::binary(local, "migrator"))
            .args(["bootstrap", "--organization", ORGANIZATION])
            .env("MIGRATOR_DATABASE_URL", &postgres.owner_url),
        "",
        "see whether the database answers: `cargo local psql`",
    )?;
    let anew = "run `cargo local clean --data`";
    let answer: Value =
        serde_json::from_str(&answer).or_stop("the migrator gave an odd answer", anew)?;
    text(&answer, "api_key").ok_or_else(|| Stop::new("the migrator gave no key", anew))
}

fn refused(path: &str, status: u16, body: &Value) -> Stop {
    Stop::new(
        format_args!("GET {path} was answered with {status}: {body}"),
        "see what the api said: `cargo local logs api`",
    )
}
