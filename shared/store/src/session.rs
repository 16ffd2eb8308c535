//! Connections and transactions.

use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use deadpool_postgres::{
    Client, ClientWrapper, Hook, HookError, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime,
    Timeouts,
};
use domain::OrgId;
use faults::Mutation;
use futures_util::future::join;
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
        let manager_config = ManagerConfig { recycling_method: RecyclingMethod::Fast };
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
            .pre_recycle(Hook::async_fn(|client, _| Box::pin(are_you_there(client))))
            .build()
            .map_err(|error| StoreError::Url(error.to_string()))?;
        Ok(Self { pool })
    }

    pub async fn session(&self) -> Result<Session, StoreError> {
        Ok(Session { client: self.pool.get().await? })
    }
}

/// Asks a connection of the pool whether it lives. A lone Sync is a round trip and no transaction,
/// which the pool's own way of asking is; and its timeout does not reach into hooks.
async fn are_you_there(client: &ClientWrapper) -> Result<(), HookError> {
    let limit = match faults::mutated(Mutation::NoRecycleTimeout) {
        true => Duration::MAX,
        false => RECYCLE_TIMEOUT,
    };
    match tokio::time::timeout(limit, client.check_connection()).await {
        Ok(answer) => answer.map_err(HookError::Backend),
        Err(_) => Err(HookError::message("the connection does not answer")),
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

/// Sets the tenant, and what a frozen function must not do to others: hold locks for ever. All of
/// it lasts for one transaction only, so a pooler may sit in between.
const SCOPE: &str = "SELECT set_config('assay.org_id', $1, true),
                            set_config('idle_in_transaction_session_timeout', '20s', true),
                            set_config('statement_timeout', '60s', true),
                            set_config('lock_timeout', '10s', true)";

impl Session {
    /// Begins a transaction for one tenant. Nobody waits for the answer: what is asked next comes
    /// after it on the connection, and fails if it failed.
    pub async fn begin(&mut self, org: OrgId) -> Result<Tx<'_>, StoreError> {
        let scope = self.client.prepare_cached(SCOPE).await?;
        let tx = Tx { open: Open::new(&self.client) };
        tx.open.begin()?;
        let org = org.to_string();
        send_off(self.client.query(&scope, &[&org]))?;
        Ok(tx)
    }

    /// Begins a transaction that sees no tenant's rows; see [`Unscoped`].
    pub async fn begin_unscoped(&mut self) -> Result<Unscoped<'_>, StoreError> {
        let unscoped = Unscoped { open: Open::new(&self.client) };
        unscoped.open.begin()?;
        Ok(unscoped)
    }

    /// Asks in a transaction of its own: the statement itself must set the tenant.
    pub(crate) async fn ask(&self, sql: &str, values: Values<'_>) -> Result<Row, StoreError> {
        let statement = self.client.prepare_cached(sql).await?;
        Ok(self.client.query_one(&statement, values).await?)
    }

    /// The connection itself, for what is not a transaction of a tenant.
    pub(crate) fn raw(&mut self) -> &mut tokio_postgres::Client {
        &mut self.client
    }
}

/// Sends a request whose answer nobody needs: the driver sends with the first poll, and drops an
/// answer that nobody waits for.
fn send_off<T>(
    request: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<(), StoreError> {
    match pin!(request).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Err(error)) => Err(error.into()),
        Poll::Ready(Ok(_)) | Poll::Pending => Ok(()),
    }
}

/// A transaction that is rolled back when it is dropped before its commit.
///
/// The driver's own waits for the answer to BEGIN before anything else can be said. This one lets
/// the first statement go along with BEGIN, and the last one with COMMIT: on a busy database a
/// round trip less under a lock is worth more than anything else (`cargo bench --bench runs`).
struct Open<'a> {
    client: &'a Client,
    is_over: bool,
}

impl<'a> Open<'a> {
    fn new(client: &'a Client) -> Self {
        Self { client, is_over: false }
    }

    fn begin(&self) -> Result<(), StoreError> {
        send_off(self.client.batch_execute("BEGIN"))
    }

    async fn query(&self, sql: &str, values: Values<'_>) -> Result<Vec<Row>, StoreError> {
        let statement = self.client.prepare_cached(sql).await?;
        Ok(self.client.query(&statement, values).await?)
    }

    async fn commit(mut self) -> Result<(), StoreError> {
        // Whatever comes of it, the transaction is not to be rolled back any more.
        self.is_over = true;
        trusted(self.client.batch_execute("COMMIT").await)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        // On a connection that is gone there is nothing to roll back.
        let _ = send_off(self.client.batch_execute("ROLLBACK"));
    }
}

/// A transaction before its tenant is known.
///
/// It offers only the questions in `unscoped.rs`. Dropping it rolls back.
pub struct Unscoped<'a> {
    open: Open<'a>,
}

impl<'a> Unscoped<'a> {
    /// Goes on as a transaction of one tenant.
    pub async fn scope(self, org: OrgId) -> Result<Tx<'a>, StoreError> {
        let tx = Tx { open: self.open };
        tx.query(SCOPE, &[&org.to_string()]).await?;
        Ok(tx)
    }

    pub(crate) async fn query(
        &self,
        sql: &str,
        values: Values<'_>,
    ) -> Result<Vec<Row>, StoreError> {
        self.open.query(sql, values).await
    }

    pub async fn commit(self) -> Result<(), StoreError> {
        self.open.commit().await
    }
}

/// Parameters of a statement, in the order of `$1`, `$2`, …
pub(crate) type Values<'v> = &'v [&'v (dyn ToSql + Sync)];

/// A transaction of one tenant. Dropping it rolls back.
pub struct Tx<'a> {
    open: Open<'a>,
}

impl Tx<'_> {
    pub(crate) async fn query(
        &self,
        sql: &str,
        values: Values<'_>,
    ) -> Result<Vec<Row>, StoreError> {
        self.open.query(sql, values).await
    }

    pub(crate) async fn query_opt(
        &self,
        sql: &str,
        values: Values<'_>,
    ) -> Result<Option<Row>, StoreError> {
        let statement = self.open.client.prepare_cached(sql).await?;
        Ok(self.open.client.query_opt(&statement, values).await?)
    }

    pub(crate) async fn query_one(&self, sql: &str, values: Values<'_>) -> Result<Row, StoreError> {
        let statement = self.open.client.prepare_cached(sql).await?;
        Ok(self.open.client.query_one(&statement, values).await?)
    }

    /// Runs a statement and answers how many rows it touched.
    pub(crate) async fn execute(&self, sql: &str, values: Values<'_>) -> Result<u64, StoreError> {
        let statement = self.open.client.prepare_cached(sql).await?;
        Ok(self.open.client.execute(&statement, values).await?)
    }

    /// Asks something, and goes on without waiting for the answer: whatever is asked meanwhile is
    /// sent after it, and fails if it fails. Both outcomes, once both are there.
    pub(crate) async fn ahead<T>(
        &self,
        sql: &str,
        values: Values<'_>,
        then: impl AsyncFnOnce() -> T,
    ) -> Result<(Result<(), StoreError>, T), StoreError> {
        // Prepared first, or what comes second would be sent while this waits for its plan.
        let statement = self.open.client.prepare_cached(sql).await?;
        let asked = self.open.client.execute(&statement, values);
        // The first of the two is polled first, and the driver sends with the first poll.
        let (asked, then) = join(asked, then()).await;
        Ok((asked.map(drop).map_err(StoreError::from), then))
    }

    /// An error here leaves the outcome unknown: the commit may have happened. Never guess;
    /// claim again and read.
    pub async fn commit(self) -> Result<(), StoreError> {
        self.open.commit().await
    }

    /// Asks a last question and commits, in one round trip. When the question fails, Postgres
    /// makes a rollback of the commit.
    pub(crate) async fn commit_with(
        mut self,
        sql: &str,
        values: Values<'_>,
    ) -> Result<Row, StoreError> {
        let statement = self.open.client.prepare_cached(sql).await?;
        self.open.is_over = true;
        let client = self.open.client;
        let asked = client.query_one(&statement, values);
        // Both answers are waited for: after an error there is one more to come.
        let (row, committed) = join(asked, client.batch_execute("COMMIT")).await;
        let row = row?;
        trusted(committed)?;
        Ok(row)
    }
}

/// The outcome of a COMMIT, unless the fault suite has it taken for granted.
fn trusted(outcome: Result<(), tokio_postgres::Error>) -> Result<(), StoreError> {
    match outcome {
        Err(_) if faults::mutated(Mutation::TrustCommit) => Ok(()),
        outcome => Ok(outcome?),
    }
}
