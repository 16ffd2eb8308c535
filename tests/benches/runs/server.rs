//! The Postgres under test: what it is set to, and what it counts.

use std::time::Duration;

use tokio::runtime::Runtime;
use tokio_postgres::{Client, NoTls};

/// A connection that counts, and is itself not counted: it writes nothing, and it is connected
/// to a database that nobody measures.
pub(crate) struct Server {
    url: String,
    runtime: Runtime,
    sql: Client,
    major_version: i32,
}

/// What the server has counted so far.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counters {
    /// Transactions of one database, reads included.
    transactions: i64,
    /// Transactions that wrote, by the ids that only they are given.
    writes: i64,
    syncs: i64,
}

/// What the server counted during a measurement, for each workflow.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counted {
    pub(crate) transactions: f64,
    pub(crate) writes: f64,
    pub(crate) syncs: f64,
}

impl Server {
    pub(crate) fn open(url: &str) -> Self {
        let runtime = Runtime::new().unwrap();
        let sql = runtime.block_on(connect(url));
        let mut server = Self { url: url.to_owned(), runtime, sql, major_version: 0 };
        for setting in ["fsync", "synchronous_commit", "full_page_writes"] {
            let value = server.show(setting);
            assert!(
                value == "on",
                "this server has {setting} = {value}: a commit that does not reach the disk \
                 measures nothing. Start Postgres with {setting} = on, or name another one in \
                 BENCH_DATABASE_URL",
            );
        }
        server.major_version = server.show("server_version_num").parse::<i32>().unwrap() / 10_000;
        server
    }

    pub(crate) fn version(&self) -> String {
        let version = self.show("server_version");
        format!("Postgres {version}, fsync and synchronous_commit on")
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The address of another database on this server.
    pub(crate) fn url_of(&self, database: &str) -> String {
        let (address, _) = self.url.rsplit_once('/').expect("the URL names a database");
        format!("{address}/{database}")
    }

    pub(crate) fn wait_for<T>(&self, what: impl Future<Output = T>) -> T {
        self.runtime.block_on(what)
    }

    pub(crate) fn drop(&mut self, database: &str) {
        let drop = format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)");
        self.wait_for(self.sql.batch_execute(&drop)).unwrap();
    }

    /// Starts again with an empty database of this name.
    pub(crate) fn recreate(&mut self, database: &str) {
        self.drop(database);
        self.wait_for(self.sql.batch_execute(&format!("CREATE DATABASE {database}"))).unwrap();
    }

    /// Measures what `run` does on `database`; it answers what it measured itself and for how
    /// many workflows, warm-up included.
    pub(crate) fn count<T>(
        &mut self,
        database: &str,
        run: impl FnOnce() -> (T, usize),
    ) -> (T, Counted) {
        let before = self.counters(database);
        let (measured, workflows) = run();
        let after = self.counters(database);
        let each = |after: i64, before: i64| (after - before) as f64 / workflows as f64;
        let counted = Counted {
            transactions: each(after.transactions, before.transactions),
            writes: each(after.writes, before.writes),
            syncs: each(after.syncs, before.syncs),
        };
        (measured, counted)
    }

    /// Sessions report their numbers when they end, so all of the database's have to.
    fn counters(&self, database: &str) -> Counters {
        let open = "SELECT count(*) FROM pg_stat_activity
                    WHERE datname = $1 AND backend_type = 'client backend'";
        while self.wait_for(self.sql.query_one(open, &[&database])).unwrap().get::<_, i64>(0) > 0 {
            std::thread::sleep(Duration::from_millis(10));
        }
        let syncs = if self.major_version >= 18 {
            "SELECT coalesce(sum(fsyncs), 0)::bigint FROM pg_stat_io WHERE object = 'wal'"
        } else {
            "SELECT wal_sync FROM pg_stat_wal"
        };
        let transactions = "SELECT xact_commit FROM pg_stat_database WHERE datname = $1";
        let writes = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint";
        self.wait_for(async {
            Counters {
                transactions: self.sql.query_one(transactions, &[&database]).await.unwrap().get(0),
                writes: self.sql.query_one(writes, &[]).await.unwrap().get(0),
                syncs: self.sql.query_one(syncs, &[]).await.unwrap().get(0),
            }
        })
    }

    fn show(&self, setting: &str) -> String {
        let row = self.wait_for(self.sql.query_one(&format!("SHOW {setting}"), &[]));
        row.unwrap().get(0)
    }
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls)
        .await
        .unwrap_or_else(|error| panic!("{url} does not answer ({error}): is Postgres running?"));
    tokio::spawn(connection);
    client
}
