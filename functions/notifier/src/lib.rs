//! Tells GitHub how a run ended: a check run beside the commit with the new findings as
//! annotations, one comment in the pull request, and suggestions beside the lines.
//!
//! A repository that no installation shares with us, or an Assay without an App, has nobody to
//! tell. Telling twice changes nothing: the check is found again by the id of its run, the comment
//! by its name, the review by its head.

mod check;
mod comment;
mod error;
mod markdown;
mod report;
mod review;
#[cfg(test)]
mod sample;
mod suggestion;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
use clients::{
    AddressGuard,
    github::{AppKey, GitHub},
};
use domain::RunStatus;
use queue::{EmptyMessageId, Message, NotifyRequested, Received};
use startup::{ExposeSecret, Secret, SettingError};
use store::{
    Database, Session, analyses, findings, outbox,
    repositories::{self, Repository},
    runs::{self, Run},
};
use tokio::sync::OnceCell;

pub use check::{ANNOTATIONS_MAX, check_run};
pub use comment::comment;
pub use error::Error;
pub use report::Ending;

pub struct Config {
    pub database_url: Secret,
    pub github_api_url: String,
    /// The App's id and private key.
    pub github_app: Option<(String, Secret)>,
    /// Base of the links in what is told.
    pub public_url: Option<String>,
}

impl Config {
    pub fn from_env() -> Result<Self, SettingError> {
        let app_key = startup::optional_secret("GITHUB_APP_PRIVATE_KEY");
        Ok(Self {
            database_url: startup::secret("DATABASE_URL")?,
            github_api_url: startup::required("GITHUB_API_URL")?,
            github_app: startup::optional("GITHUB_APP_ID").zip(app_key),
            public_url: startup::optional("PUBLIC_URL"),
        })
    }
}

/// What telling stands on; made once, connected when first used.
pub struct Deps {
    config: Config,
    database: OnceCell<Database>,
    github: OnceCell<Option<GitHub>>,
}

impl Deps {
    pub fn new(config: Config) -> Self {
        Self { config, database: OnceCell::new(), github: OnceCell::new() }
    }

    async fn session(&self) -> Result<Session, Error> {
        let open = async || {
            let url = self.config.database_url.reveal().await?;
            Ok::<_, Error>(Database::open(url.expose_secret())?)
        };
        Ok(self.database.get_or_try_init(open).await?.session().await?)
    }

    /// GitHub as our App; none without one.
    async fn github(&self) -> Result<Option<&GitHub>, Error> {
        let open = async || {
            let Some((id, key)) = &self.config.github_app else { return Ok::<_, Error>(None) };
            let key = AppKey::new(id.as_str(), &key.reveal().await?)?;
            let guard = AddressGuard::public_only();
            Ok(Some(GitHub::new(&self.config.github_api_url, Some(key), guard)?))
        };
        Ok(self.github.get_or_try_init(open).await?.as_ref())
    }
}

pub async fn handle(deps: &Deps, event: SqsEvent) -> Result<SqsBatchResponse, EmptyMessageId> {
    queue::work_off(event, async |received: Received<NotifyRequested>| {
        // Boxed, or this future nests deeper than the compiler follows.
        Box::pin(tell(deps, received.message)).await
    })
    .await
}

async fn tell(deps: &Deps, message: NotifyRequested) -> Result<(), Error> {
    let Some((repository, ending)) = read(deps, message).await? else { return Ok(()) };
    let Some(installation) = repository.github_installation.filter(|_| !repository.suspended)
    else {
        tracing::info!("nobody to tell: no installation shares the repository with us");
        return Ok(());
    };
    let Some(github) = deps.github().await? else {
        tracing::info!("nobody to tell: there is no GitHub App");
        return Ok(());
    };
    let Some(check) = check_run(&ending, deps.config.public_url.as_deref()) else {
        tracing::info!("nothing to tell: the run has no ending that people wait for");
        return Ok(());
    };
    let to = Receiver { github, installation, repository: &repository.full_name };
    let id = github.publish_check_run(installation, to.repository, &check).await?;
    startup::count("assay.checks.published", 1, &[]);
    tracing::info!(check.id = id, annotations = check.annotations.len(), "GitHub knows");
    to.talk(&ending, deps.config.public_url.as_deref()).await
}

/// Whom there is to tell.
struct Receiver<'a> {
    github: &'a GitHub,
    installation: i64,
    repository: &'a str,
}

impl Receiver<'_> {
    /// In the pull request, if the run is about one.
    async fn talk(&self, ending: &Ending, public_url: Option<&str>) -> Result<(), Error> {
        let Self { github, installation, repository } = *self;
        let Some(number) = ending.run.pull_request else { return Ok(()) };
        if let Some(comment) = comment(ending, public_url) {
            let id = github.publish_comment(installation, repository, number, &comment).await?;
            tracing::info!(comment.id = id, "the pull request has its comment");
        }
        self.suggest(ending, number).await
    }
}

/// Everything there is to tell, read in one transaction. `None`: nothing.
async fn read(
    deps: &Deps,
    message: NotifyRequested,
) -> Result<Option<(Repository, Ending)>, Error> {
    let mut session = deps.session().await?;
    let tx = session.begin(message.org_id).await?;
    outbox::received(&tx, NotifyRequested::QUEUE.as_str(), message.run_id).await?;
    let run = runs::find(&tx, message.run_id).await?.ok_or(Error::NoSuchRun)?;
    let Some(repository) = repository(&tx, &run).await? else {
        tx.commit().await?;
        tracing::info!("nothing to tell: the run is about no repository");
        return Ok(None);
    };
    let analysis = analyses::find_by_run(&tx, run.id).await?;
    // One more than is shown, to know whether some are not.
    let new = match run.status {
        RunStatus::Succeeded => findings::list_new(&tx, run.id, ANNOTATIONS_MAX as i64 + 1).await?,
        RunStatus::Queued
        | RunStatus::Running
        | RunStatus::Waiting
        | RunStatus::Failed
        | RunStatus::Canceled => Vec::new(),
    };
    tx.commit().await?;
    Ok(Some((repository, Ending { run, analysis, new })))
}

async fn repository(tx: &store::Tx<'_>, run: &Run) -> Result<Option<Repository>, Error> {
    Ok(match run.repository {
        Some(id) => repositories::find(tx, id).await?,
        None => None,
    })
}
