//! Takes webhooks: verify, commit, send, answer.
//!
//! A 2xx means that the event is committed in Postgres. The signature is checked over the raw
//! bytes before anything is parsed; sending to the queue comes after the commit and may fail.

mod event;
mod github;
mod payload;
mod problem;
mod record;
mod signature;

use std::sync::Mutex;

use http::{Method, StatusCode};
use lambda_http::{Body, Request, Response};
use queue::{Queue, Sender};
use serde_json::json;
use startup::{ExposeSecret, Secret, SecretError, SettingError};
use store::{Database, StoreError};
use tokio::sync::OnceCell;

pub use event::GithubEvent;
pub use problem::BODY_BYTES_MAX;

pub struct Config {
    pub database_url: Secret,
    pub github_secret: Secret,
    pub runs_queue_url: String,
}

impl Config {
    pub fn from_env() -> Result<Self, SettingError> {
        Ok(Self {
            database_url: startup::secret("DATABASE_URL")?,
            github_secret: startup::secret("GITHUB_WEBHOOK_SECRET")?,
            runs_queue_url: startup::required("RUNS_QUEUE_URL")?,
        })
    }
}

/// Nothing here connects before the first webhook, so that starting up is instant.
pub struct Deps {
    database_url: Secret,
    github_secret: Secret,
    database: OnceCell<Database>,
    sender: Sender,
    /// Outbox rows whose message the queue has confirmed. The next delivery's transaction deletes
    /// them, which costs no commit; should this instance end first, the receiver does.
    confirmed: Mutex<Vec<i64>>,
}

impl Deps {
    pub fn new(config: Config) -> Self {
        Self {
            database_url: config.database_url,
            github_secret: config.github_secret,
            database: OnceCell::new(),
            sender: Sender::new([(Queue::Runs, config.runs_queue_url)]),
            confirmed: Mutex::default(),
        }
    }

    /// With a database that is open already, as a test or a bench has it.
    pub fn with_database(config: Config, database: Database) -> Self {
        Self { database: OnceCell::from(database), ..Self::new(config) }
    }

    async fn database(&self) -> Result<&Database, Failure> {
        self.database
            .get_or_try_init(async || {
                let url = self.database_url.reveal().await?;
                Ok(Database::open(url.expose_secret())?)
            })
            .await
    }
}

/// What went wrong on our side.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Secret(#[from] SecretError),
}

/// Answers one request; it has no error that could end the function.
pub async fn handle(deps: &Deps, request: Request) -> Response<Body> {
    let path = request.uri().path().trim_end_matches('/').to_owned();
    match (request.method(), path.as_str()) {
        (&Method::GET, "/health") => {
            problem::respond(StatusCode::OK, "application/json", &json!({ "status": "ok" }))
        }
        (&Method::POST, "/github") => github::take(deps, &request).await,
        (_, "/github") => problem::Refusal::Method.into_response(),
        (_, path) if path.starts_with("/chatwoot/") => {
            problem::Refusal::NoSuchSource.into_response()
        }
        _ => problem::Refusal::NoSuchRoute.into_response(),
    }
}
