//! Makes a run's snapshot searchable: `embed_requested` in, chunks and vectors out.
//!
//! The corpus of a repository is brought to equal the snapshot: files whose content differs are
//! cut and embedded again, files that are gone go. Nothing else is touched, so a first index and
//! a small change are the same work, and a message that is delivered twice changes nothing.

mod index;
mod prepare;

use std::time::{Duration, Instant, SystemTime};

use domain::{Classify, ErrorKind};
use lambda_runtime::Context;
use objects::{Objects, ObjectsError};
use queue::EmbedRequested;
use startup::{ExposeSecret, Secret, SecretError, SettingError};
use store::{Database, Session, StoreError};
use tokio::sync::OnceCell;

pub use index::Outcome;

/// What is left of an invocation when no new batch is begun: a batch takes a few seconds.
const RESERVE: Duration = Duration::from_secs(15);
/// What an invocation is granted when its runtime does not say: local runtimes send a deadline
/// that is long past.
const UNKNOWN_TIME: Duration = Duration::from_secs(55);

pub struct Config {
    database_url: Secret,
    objects_url: String,
}

impl Config {
    pub fn from_env() -> Result<Self, SettingError> {
        Ok(Self {
            database_url: startup::secret("DATABASE_URL")?,
            objects_url: startup::required("OBJECTS_URL")?,
        })
    }
}

pub struct Deps {
    database_url: Secret,
    database: OnceCell<Database>,
    objects: Objects,
}

impl Deps {
    /// Connects nowhere yet, so that starting waits for nobody.
    pub fn open(config: Config) -> Result<Self, ObjectsError> {
        Ok(Self {
            database_url: config.database_url,
            database: OnceCell::new(),
            objects: Objects::open(&config.objects_url)?,
        })
    }

    /// With a database and objects that are already open.
    pub fn of(database: Database, objects: Objects) -> Self {
        Self {
            database_url: Secret::literal("DATABASE_URL", ""),
            database: OnceCell::new_with(Some(database)),
            objects,
        }
    }

    async fn session(&self) -> Result<Session, Error> {
        let connect = async || {
            let url = self.database_url.reveal().await?;
            Ok::<_, Error>(Database::open(url.expose_secret())?)
        };
        Ok(self.database.get_or_try_init(connect).await?.session().await?)
    }
}

/// The moment at which an invocation should stop and leave the rest to the next one.
#[expect(clippy::disallowed_methods, reason = "Lambda gives its deadline by the wall clock")]
pub fn stop_at(context: &Context) -> Instant {
    let remaining = context.deadline().duration_since(SystemTime::now()).unwrap_or(UNKNOWN_TIME);
    Instant::now() + remaining.saturating_sub(RESERVE)
}

pub async fn handle(deps: &Deps, message: EmbedRequested, stop_at: Instant) -> Result<(), Error> {
    let started = Instant::now();
    // Boxed: the compiler's limit for futures within futures is near.
    let outcome = Box::pin(index::index(deps, message, stop_at)).await?;
    let took = started.elapsed();
    match outcome {
        Outcome::Indexed(counts) => {
            tracing::info!(
                files = counts.files,
                added = counts.added,
                kept = counts.kept,
                removed = counts.removed,
                duration_ms = took.as_millis() as u64,
                "indexed"
            );
            startup::count("assay.embedder.chunks_added", counts.added as u64, &[]);
            startup::measure("assay.embedder.duration", took, &[]);
        }
        Outcome::AlreadyDone => tracing::info!("was indexed before"),
        Outcome::Overtaken => tracing::info!("a newer run indexes this repository"),
    }
    Ok(())
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error(transparent)]
    Objects(#[from] ObjectsError),
    #[error("there is no such run")]
    NoSuchRun,
    #[error("the run names no {0}")]
    Incomplete(&'static str),
    #[error("the time ran out with {left} files left; the next delivery goes on there")]
    OutOfTime { left: usize },
}

impl Classify for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Store(error) => error.kind(),
            Self::Secret(error) => error.kind(),
            Self::Objects(error) => error.kind(),
            Self::NoSuchRun => ErrorKind::NotFound,
            Self::Incomplete(_) => ErrorKind::Invalid,
            Self::OutOfTime { .. } => ErrorKind::Unavailable,
        }
    }
}
