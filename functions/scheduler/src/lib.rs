//! Once a minute: sends what was written down and never sent, wakes what nobody works on any
//! more, starts what is due, and forgets what nobody asks for.
//!
//! Everything here only looks for rows, and sends messages or deletes, in bounded portions; what is
//! left over, or fails, is found again a minute later.

mod deliveries;
mod error;
mod outbox;
mod results;
mod schedules;
mod slots;
mod syncs;
mod wake;

use std::time::{Duration, Instant};

use clients::{
    AddressGuard,
    github::{AppKey, GitHub},
};
use jiff::Timestamp;
use queue::{Queue, Sender};
use serde::Serialize;
use serde_json::Value;
use startup::{ExposeSecret, Secret, SettingError};
use store::{Database, Session};
use tokio::sync::OnceCell;

pub use deliveries::to_redeliver;
pub use error::Error;

/// How long one sweep may begin new work: the function is given fifty seconds.
const SWEEP_TIME: Duration = Duration::from_secs(35);
/// After this many failures in a row the queue is taken to be down; the next sweep tries again.
const FAILURES_MAX: u32 = 3;

pub struct Config {
    pub database_url: Secret,
    pub queue_urls: Vec<(Queue, String)>,
    pub github_api_url: String,
    /// The App's id and private key.
    pub github_app: Option<(String, Secret)>,
}

impl Config {
    pub fn from_env() -> Result<Self, SettingError> {
        let app_key = startup::optional_secret("GITHUB_APP_PRIVATE_KEY");
        Ok(Self {
            database_url: startup::secret("DATABASE_URL")?,
            queue_urls: vec![
                (Queue::Runs, startup::required("RUNS_QUEUE_URL")?),
                (Queue::Embed, startup::required("EMBED_QUEUE_URL")?),
                (Queue::Sync, startup::required("SYNC_QUEUE_URL")?),
                (Queue::Attest, startup::required("ATTEST_QUEUE_URL")?),
                (Queue::Notify, startup::required("NOTIFY_QUEUE_URL")?),
            ],
            github_api_url: startup::required("GITHUB_API_URL")?,
            github_app: startup::optional("GITHUB_APP_ID").zip(app_key),
        })
    }
}

/// What a sweep stands on; made once, connected when first used.
pub struct Deps {
    database_url: Secret,
    database: OnceCell<Database>,
    sender: Sender,
    github_api_url: String,
    github_app: Option<(String, Secret)>,
    github: OnceCell<Option<GitHub>>,
}

impl Deps {
    pub fn new(config: Config) -> Self {
        Self {
            database_url: config.database_url,
            database: OnceCell::new(),
            sender: Sender::new(config.queue_urls),
            github_api_url: config.github_api_url,
            github_app: config.github_app,
            github: OnceCell::new(),
        }
    }

    async fn session(&self) -> Result<Session, Error> {
        let open = async || {
            let url = self.database_url.reveal().await?;
            Ok::<_, Error>(Database::open(url.expose_secret())?)
        };
        Ok(self.database.get_or_try_init(open).await?.session().await?)
    }

    /// GitHub as our App; none without one.
    async fn github(&self) -> Result<Option<&GitHub>, Error> {
        let open = async || {
            let Some((id, key)) = &self.github_app else { return Ok::<_, Error>(None) };
            let key = AppKey::new(id.as_str(), &key.reveal().await?)?;
            let guard = AddressGuard::public_only();
            Ok(Some(GitHub::new(&self.github_api_url, Some(key), guard)?))
        };
        Ok(self.github.get_or_try_init(open).await?.as_ref())
    }
}

/// What one sweep did.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
pub struct Swept {
    pub messages_sent: u64,
    pub runs_woken: u64,
    pub syncs_started: u64,
    pub scans_started: u64,
    pub deliveries_requested: u64,
    pub results_forgotten: u64,
}

/// Does all parts, even when one of them fails, and then reports the first failure.
pub async fn handle(deps: &Deps) -> Result<Swept, Error> {
    if faults::mutated(faults::Mutation::NoSweep) {
        return Ok(Swept::default());
    }
    let mut round = Round::begin(deps);
    // Boxed, or this future nests deeper than the compiler follows.
    // Runs first: one whose message is about to be sent from the outbox is not asked for twice.
    let runs = Box::pin(wake::sweep(&mut round)).await;
    let messages = Box::pin(outbox::sweep(&mut round)).await;
    let syncs = Box::pin(syncs::sweep(&mut round)).await;
    let scans = Box::pin(schedules::sweep(&mut round)).await;
    let deliveries = Box::pin(deliveries::reconcile(deps, now())).await;
    let results = Box::pin(results::sweep(&round)).await;
    let swept = Swept {
        messages_sent: told("assay.outbox.swept", &messages),
        runs_woken: told("assay.runs.woken", &runs),
        syncs_started: told("assay.syncs.started", &syncs),
        scans_started: told("assay.scans.started", &scans),
        deliveries_requested: told("assay.deliveries.requested", &deliveries),
        results_forgotten: told("assay.results.forgotten", &results),
    };
    messages.and(runs).and(syncs).and(scans).and(deliveries).and(results)?;
    tracing::info!(?swept, "swept");
    Ok(swept)
}

/// Begins the scans whose slot has come when `now` is what the database's clock shows. A sweep
/// does the same by the clock itself.
pub async fn start_scans(deps: &Deps, now: Timestamp) -> Result<u64, Error> {
    schedules::sweep_at(&mut Round::begin(deps), now).await
}

/// Counts a part that went well, and logs one that did not: of several failures the function
/// itself can only report the first.
fn told(name: &str, outcome: &Result<u64, Error>) -> u64 {
    match outcome {
        Ok(count) => {
            startup::count(name, *count, &[]);
            *count
        }
        Err(error) => {
            let error: &dyn std::error::Error = error;
            tracing::error!(error, part = name, "a part of the sweep failed");
            0
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "GitHub's deliveries are dated by GitHub's clock")]
fn now() -> Timestamp {
    Timestamp::now()
}

/// One sweep on its way.
struct Round<'a> {
    deps: &'a Deps,
    stop_at: Instant,
    /// Sends that failed since one succeeded.
    failures: u32,
}

impl<'a> Round<'a> {
    fn begin(deps: &'a Deps) -> Self {
        Self { deps, stop_at: Instant::now() + SWEEP_TIME, failures: 0 }
    }

    fn is_over(&self) -> bool {
        self.failures >= FAILURES_MAX || Instant::now() >= self.stop_at
    }

    /// Sends one message; `false` when the queue did not confirm it.
    async fn send(&mut self, queue: Queue, body: &Value, traceparent: Option<&str>) -> bool {
        match self.deps.sender.send(queue, body, traceparent).await {
            Ok(()) => {
                self.failures = 0;
                true
            }
            Err(error) => {
                self.failures += 1;
                let error: &dyn std::error::Error = &error;
                tracing::warn!(error, queue = queue.as_str(), "a message was not sent");
                false
            }
        }
    }
}
