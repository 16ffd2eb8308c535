//! Brings what we know of a repository up to date: looks at its default branch, and keeps a new
//! manifest version when the content changed.
//!
//! One look is one claim, one piece of work and one commit that writes both steps, so whatever
//! is interrupted is simply done again.

mod error;
mod sync;

use std::time::Duration;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use clients::{
    AddressGuard,
    github::{AppKey, GitHub},
};
use objects::Objects;
use queue::{EmptyMessageId, Queue, Received, Sender, SyncRequested};
use startup::{ExposeSecret, Secret, SecretString, SettingError};
use store::{Database, Session, repositories::Repository};
use tokio::sync::OnceCell;

pub use error::Error;

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
}

impl Config {
    pub fn from_env() -> Result<Self, SettingError> {
        let lease: u32 = startup::parsed("RUN_LEASE_SECONDS")?;
        let app_key = startup::optional_secret("GITHUB_APP_PRIVATE_KEY");
        Ok(Self {
            database_url: startup::secret("DATABASE_URL")?,
            lease: Duration::from_secs(lease.into()),
            objects_url: startup::required("OBJECTS_URL")?,
            queue_urls: vec![(Queue::Embed, startup::required("EMBED_QUEUE_URL")?)],
            private_git_hosts: startup::optional("PRIVATE_GIT_HOSTS").unwrap_or_default(),
            github_api_url: startup::required("GITHUB_API_URL")?,
            github_app: startup::optional("GITHUB_APP_ID").zip(app_key),
        })
    }
}

/// What a sync stands on; made once, connected when first used.
pub struct Deps {
    database_url: Secret,
    database: OnceCell<Database>,
    lease: Duration,
    objects: Objects,
    sender: Sender,
    guard: AddressGuard,
    github_api_url: String,
    github_app: Option<(String, Secret)>,
    github: OnceCell<Option<GitHub>>,
}

impl Deps {
    pub fn new(config: Config) -> Result<Self, Error> {
        Ok(Self {
            database_url: config.database_url,
            database: OnceCell::new(),
            lease: config.lease,
            objects: Objects::open(&config.objects_url)?,
            sender: Sender::new(config.queue_urls),
            guard: AddressGuard::allowing(&config.private_git_hosts).map_err(Error::GitHosts)?,
            github_api_url: config.github_api_url,
            github_app: config.github_app,
            github: OnceCell::new(),
        })
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

pub async fn handle(deps: &Deps, event: SqsEvent) -> Result<SqsBatchResponse, EmptyMessageId> {
    queue::work_off(event, async |received: Received<SyncRequested>| {
        // Boxed, or this future nests deeper than the compiler follows.
        Box::pin(sync::sync(deps, received.message)).await
    })
    .await
}
