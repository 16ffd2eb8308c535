//! Connections and transactions.

use std::time::Duration;

use deadpool_postgres::{
    Client, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime, Timeouts, Transaction,
};
use domain::OrgId;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::{Row, config::SslMode, types::ToSql};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::StoreError;

/// How long to wait for a connection of the pool, or for a new one to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A frozen function wakes up with a connection that may be gone without notice; asking it
/// "are you there" must not hang (research/runs, deadpool after a freeze).
const RECYCLE_TIMEOUT: Duration = Duration::from_millis(300);

/// A handle on one Postgres. Cheap to make: it connects when it is first used.
#[derive(Clone)]
pub struct Database {
    pool: Pool,
}

impl Database {
    /// One connection: a Lambda instance does one thing at a time.
    pub fn open(url: &str) -> Result<Self, StoreError> {
        Self::with_connections(url, 1)
    }

    pub fn with_connections(url: &str, connections_max: usize) -> Result<Self, StoreError> {
        // The parser's own error could repeat the password.
        let config: tokio_postgres::Config = url.parse().map_err(|_| {
            StoreError::Url("expected postgres://user:password@host:port/database".into())
        })?;
        let manager_config = ManagerConfig { recycling_method: RecyclingMethod::Verified };
        let manager = if config.get_ssl_mode() == SslMode::Disable {
            Manager::from_config(config, tokio_postgres::NoTls, manager_config)
        } else {
            Manager::from_config(config, tls()?, manager_config)
        };
        let timeouts = Timeouts {
            wait: Some(CONNECT_TIMEOUT),
            create: Some(CONNECT_TIMEOUT),
            recycle: Some(RECYCLE_TIMEOUT),
        };
        let pool = Pool::builder(manager)
            .max_size(connections_max)
            .runtime(Runtime::Tokio1)
            .timeouts(timeouts)
            .build()
            .map_err(|error| StoreError::Url(error.to_string()))?;
        Ok(Self { pool })
    }

    pub async fn session(&self) -> Result<Session, StoreError> {
        Ok(Session { client: self.pool.get().await? })
    }
}

fn tls() -> Result<MakeRustlsConnect, StoreError> {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| StoreError::Url(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

/// One connection, borrowed from the pool until dropped.
pub struct Session {
    client: Client,
}

impl Session {
    /// Begins a transaction for one tenant.
    pub async fn begin(&mut self, org: OrgId) -> Result<Tx<'_>, StoreError> {
        self.begin_unscoped().await?.scope(org).await
    }

    /// Begins a transaction that sees no tenant's rows; see [`Unscoped`].
    pub async fn begin_unscoped(&mut self) -> Result<Unscoped<'_>, StoreError> {
        Ok(Unscoped { inner: self.client.transaction().await? })
    }

    /// The connection itself, for what is not a transaction of a tenant.
    pub(crate) fn raw(&mut self) -> &mut tokio_postgres::Client {
        &mut self.client
    }
}

/// A transaction before its tenant is known.
///
/// It offers only the questions in `unscoped.rs`. Dropping it rolls back.
pub struct Unscoped<'a> {
    inner: Transaction<'a>,
}

impl<'a> Unscoped<'a> {
    /// Sets the tenant, and what a frozen function must not do to others: hold locks for ever.
    /// All of it lasts for this transaction only, so a pooler may sit in between.
    pub async fn scope(self, org: OrgId) -> Result<Tx<'a>, StoreError> {
        let tx = Tx { inner: self.inner };
        tx.query(
            "SELECT set_config('assay.org_id', $1, true),
                    set_config('idle_in_transaction_session_timeout', '20s', true),
                    set_config('statement_timeout', '60s', true),
                    set_config('lock_timeout', '10s', true)",
            &[&org.to_string()],
        )
        .await?;
        Ok(tx)
    }

    pub(crate) async fn query(
        &self,
        sql: &str,
        values: Values<'_>,
    ) -> Result<Vec<Row>, StoreError> {
        let statement = self.inner.prepare_cached(sql).await?;
        Ok(self.inner.query(&statement, values).await?)
    }

    pub async fn commit(self) -> Result<(), StoreError> {
        Ok(self.inner.commit().await?)
    }
}

/// Parameters of a statement, in the order of `$1`, `$2`, …
pub(crate) type Values<'v> = &'v [&'v (dyn ToSql + Sync)];

/// A transaction of one tenant. Dropping it rolls back.
pub struct Tx<'a> {
    inner: Transaction<'a>,
}

impl Tx<'_> {
    pub(crate) async fn query(
        &self,
        sql: &str,
        values: Values<'_>,
    ) -> Result<Vec<Row>, StoreError> {
        let statement = self.inner.prepare_cached(sql).await?;
        Ok(self.inner.query(&statement, values).await?)
    }

    pub(crate) async fn query_opt(
        &self,
        sql: &str,
        values: Values<'_>,
    ) -> Result<Option<Row>, StoreError> {
        let statement = self.inner.prepare_cached(sql).await?;
        Ok(self.inner.query_opt(&statement, values).await?)
    }

    pub(crate) async fn query_one(&self, sql: &str, values: Values<'_>) -> Result<Row, StoreError> {
        let statement = self.inner.prepare_cached(sql).await?;
        Ok(self.inner.query_one(&statement, values).await?)
    }

    /// Runs a statement and answers how many rows it touched.
    pub(crate) async fn execute(&self, sql: &str, values: Values<'_>) -> Result<u64, StoreError> {
        let statement = self.inner.prepare_cached(sql).await?;
        Ok(self.inner.execute(&statement, values).await?)
    }

    /// An error here leaves the outcome unknown: the commit may have happened. Never guess;
    /// claim again and read.
    pub async fn commit(self) -> Result<(), StoreError> {
        Ok(self.inner.commit().await?)
    }
}
