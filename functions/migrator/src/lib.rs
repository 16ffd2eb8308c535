//! Prepares the database: applies `migrations/`, and creates the first organisation and key.
//!
//! The same program runs as a Lambda at deploy time and as a command line. It alone connects as
//! the owner of the tables (`MIGRATOR_DATABASE_URL`).

mod cli;

use domain::{ApiKey, Classify, ErrorKind, OrgId, Scope};
use serde::Serialize;
use startup::{ExposeSecret, Secret, SecretError, SettingError};
use store::{
    Database, StoreError, api_keys,
    migrations::{self, MigrationError},
    organizations::{self, NewOrganization},
};
use uuid::Uuid;

pub use cli::Arguments;

pub struct Config {
    database_url: Secret,
}

impl Config {
    pub fn from_env() -> Result<Self, SettingError> {
        Ok(Self { database_url: startup::secret("MIGRATOR_DATABASE_URL")? })
    }

    async fn database(&self) -> Result<Database, Error> {
        Ok(Database::open(self.database_url.reveal().await?.expose_secret())?)
    }
}

/// What a migration did, as the Lambda answers and the command line prints.
#[derive(Debug, Serialize)]
pub struct Applied {
    pub applied: Vec<String>,
    pub schema_version: i32,
}

pub async fn apply(config: &Config) -> Result<Applied, Error> {
    let mut session = config.database().await?.session().await?;
    let done = migrations::apply(&mut session).await?;
    tracing::info!(applied = done.names.len(), version = done.version, "migrated");
    Ok(Applied { applied: done.names, schema_version: done.version })
}

/// A new key of an organisation. The only time the key is seen.
#[derive(Debug, Serialize)]
pub struct Bootstrapped {
    pub org_id: OrgId,
    pub organization: String,
    pub api_key: String,
    /// Whether the organisation was made now, or had been there.
    pub created: bool,
}

/// Makes sure that the organisation exists, and gives it a new key with every scope.
pub async fn bootstrap(config: &Config, login: &str) -> Result<Bootstrapped, Error> {
    if login.is_empty() || login.len() > 255 || login.contains(char::is_whitespace) {
        return Err(Error::Login(login.chars().take(80).collect()));
    }
    let mut session = config.database().await?.session().await?;
    let fresh = OrgId::new(Uuid::now_v7());
    let tx = session.begin(fresh).await?;
    let new = NewOrganization { id: fresh, github_id: None, login, name: login, avatar_url: None };
    let created = organizations::insert(&tx, &new).await?;
    let org =
        organizations::find_by_login(&tx, login).await?.ok_or(StoreError::ChangedMeanwhile)?;
    let mut entropy = [0; ApiKey::ENTROPY_BYTES];
    getrandom::fill(&mut entropy).map_err(|_| Error::NoRandomness)?;
    let key = ApiKey::generate(&entropy);
    api_keys::insert(&tx, org, "bootstrap", &key, Scope::ALL, None).await?;
    tx.commit().await?;
    Ok(Bootstrapped {
        org_id: org,
        organization: login.to_owned(),
        api_key: key.reveal().to_owned(),
        created,
    })
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("`{0}` cannot name an organisation: use 1 to 255 characters without spaces")]
    Login(String),
    #[error("the operating system gave no randomness")]
    NoRandomness,
    #[error(transparent)]
    Setting(#[from] SettingError),
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error(transparent)]
    Migration(#[from] MigrationError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Classify for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Login(_) | Self::Setting(_) => ErrorKind::Invalid,
            Self::NoRandomness => ErrorKind::Bug,
            Self::Secret(error) => error.kind(),
            Self::Migration(error) => error.kind(),
            Self::Store(error) => error.kind(),
        }
    }
}
