//! Applying `migrations/`: by one process at a time, on a direct connection.

use domain::{Classify, ErrorKind};

use crate::{Session, StoreError};

mod embedded {
    refinery::embed_migrations!("../../migrations");
}

/// Any number will do, as long as every migrator asks for the same one: "assay" in ASCII.
const LOCK_KEY: i64 = 0x61_73_73_61_79;

/// What `apply` did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    pub names: Vec<String>,
    pub version: i32,
}

/// Brings the schema up to date. Safe to run twice and at the same time.
pub async fn apply(session: &mut Session) -> Result<Applied, MigrationError> {
    lock(session).await?;
    let outcome = embedded::migrations::runner().run_async(session.raw()).await;
    // The lock goes with the connection in any case; giving it back early lets others in.
    session.raw().execute("SELECT pg_advisory_unlock($1)", &[&LOCK_KEY]).await?;
    let report = outcome.map_err(|error| MigrationError::Failed(Box::new(error)))?;
    let names = report.applied_migrations().iter().map(ToString::to_string).collect();
    let version = embedded::migrations::runner()
        .get_migrations()
        .iter()
        .map(|migration| migration.version())
        .max()
        .unwrap_or_default();
    Ok(Applied { names, version })
}

/// Takes the lock and checks that it is ours: behind a transaction pooler it would belong to
/// whichever client comes next.
async fn lock(session: &mut Session) -> Result<(), MigrationError> {
    let client = session.raw();
    client.batch_execute("SET lock_timeout = '120s'").await?;
    client.execute("SELECT pg_advisory_lock($1)", &[&LOCK_KEY]).await?;
    let row = client
        .query_one(
            "SELECT count(*) FROM pg_locks
             WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND granted",
            &[],
        )
        .await?;
    if row.get::<_, i64>(0) == 0 { Err(MigrationError::NotDirect) } else { Ok(()) }
}

#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    #[error("a migration failed; the ones before it stay applied")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error(
        "the connection goes through a pooler, which cannot hold the migration lock; \
         give MIGRATOR_DATABASE_URL the database's own address"
    )]
    NotDirect,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<tokio_postgres::Error> for MigrationError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Classify for MigrationError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Failed(_) => ErrorKind::Bug,
            Self::NotDirect => ErrorKind::Invalid,
            Self::Store(error) => error.kind(),
        }
    }
}
