//! Does the runs whose messages come through the `runs` queue: a folder a kind. How a run is
//! claimed, committed, parked and given up is the engine's.

mod analysis;
mod error;
mod examine;
mod memory;
mod merge;
mod scan;
mod trust;
mod worker;

use std::time::Duration;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use clients::{
    AddressGuard,
    github::{AppKey, GitHub},
};
use engine::{Deadline, Engine};
use lambda_runtime::LambdaEvent;
use objects::Objects;
use queue::{EmptyMessageId, Queue, Received, RunRequested, Sender};
use startup::{Secret, SecretString, SettingError};
use store::repositories::Repository;
use tokio::sync::OnceCell;

pub use error::Error;
pub use merge::MergeError;
pub use scan::ScanError;

pub struct Config {
    pub database_url: Secret,
    /// How long a claim holds; longer than the function's timeout.
    pub lease: Duration,
    pub objects_url: String,
    pub queue_urls: Vec<(Queue, String)>,
    /// Git hosts that may stand at a private address, separated by commas.
    pub private_git_hosts: String,
    pub github_api_url: String,
    /// The App's id and private key.
    pub github_app: Option<(String, Secret)>,
    /// The z3 program; without it what needs a solver stays unknown.
    pub z3_path: Option<String>,
}

impl Config {
    pub fn from_env() -> Result<Self, SettingError> {
        let lease: u32 = startup::parsed("RUN_LEASE_SECONDS")?;
        let app_key = startup::optional_secret("GITHUB_APP_PRIVATE_KEY");
        Ok(Self {
            database_url: startup::secret("DATABASE_URL")?,
            lease: Duration::from_secs(lease.into()),
            objects_url: startup::required("OBJECTS_URL")?,
            queue_urls: vec![
                (Queue::Runs, startup::required("RUNS_QUEUE_URL")?),
                (Queue::Embed, startup::required("EMBED_QUEUE_URL")?),
                (Queue::Attest, startup::required("ATTEST_QUEUE_URL")?),
                (Queue::Notify, startup::required("NOTIFY_QUEUE_URL")?),
            ],
            private_git_hosts: startup::optional("PRIVATE_GIT_HOSTS").unwrap_or_default(),
            github_api_url: startup::required("GITHUB_API_URL")?,
            github_app: startup::optional("GITHUB_APP_ID").zip(app_key),
            z3_path: startup::optional("Z3_PATH"),
        })
    }
}

/// What the steps stand on; made once, connected when first used.
pub struct Deps {
    engine: Engine,
    objects: Objects,
    guard: AddressGuard,
    github_api_url: String,
    github_app: Option<(String, Secret)>,
    github: OnceCell<Option<GitHub>>,
    z3_path: Option<String>,
}

impl Deps {
    pub fn new(config: Config) -> Result<Self, Error> {
        Ok(Self {
            engine: Engine::new(config.database_url, Sender::new(config.queue_urls), config.lease),
            objects: Objects::open(&config.objects_url)?,
            guard: AddressGuard::allowing(&config.private_git_hosts).map_err(Error::GitHosts)?,
            github_api_url: config.github_api_url,
            github_app: config.github_app,
            github: OnceCell::new(),
            z3_path: config.z3_path,
        })
    }

    /// GitHub as our App; none without one.
    async fn github(&self) -> Result<Option<&GitHub>, Error> {
        let open = async || {
            let Some((id, key)) = &self.github_app else { return Ok::<_, Error>(None) };
            let key = AppKey::new(id.as_str(), &key.reveal().await?)?;
            Ok(Some(GitHub::new(&self.github_api_url, Some(key), self.guard.clone())?))
        };
        Ok(self.github.get_or_try_init(open).await?.as_ref())
    }

    /// What opens a private repository: the token of the installation that shares it with us.
    async fn token(&self, repository: &Repository) -> Result<Option<SecretString>, Error> {
        let Some(installation) = repository.github_installation else { return Ok(None) };
        let Some(github) = self.github().await? else { return Ok(None) };
        Ok(Some(github.installation_token(installation).await?))
    }
}

pub async fn handle(
    deps: &Deps,
    event: LambdaEvent<SqsEvent>,
) -> Result<SqsBatchResponse, EmptyMessageId> {
    let deadline = Deadline::at(event.context.deadline());
    queue::work_off(event.payload, async |received: Received<RunRequested>| {
        let RunRequested { org_id, run_id } = received.message;
        let kinds = &worker::Kinds(deps);
        // Boxed, or this future nests deeper than the compiler follows.
        Box::pin(engine::work_on(&deps.engine, kinds, org_id, run_id, deadline)).await
    })
    .await
}
