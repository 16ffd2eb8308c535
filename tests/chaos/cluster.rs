//! A Postgres that may be crashed: `cargo local chaos` made its data, this starts and stops it.

use std::{
    net::SocketAddr,
    os::unix::{fs::MetadataExt, process::CommandExt},
    path::PathBuf,
    process::{Command, Stdio},
    sync::Arc,
};

use tokio_postgres::{Client, NoTls};

/// After a crash it first repeats what it had not written everywhere, at the disk's pace.
const START_SECONDS_MAX: &str = "600";

#[derive(Debug, Clone)]
pub(crate) struct Cluster {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    bin: PathBuf,
    data: PathBuf,
    port: u16,
}

/// How long a commit waits for the disk, in Postgres' words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    Synchronous,
    /// For a control: what was acknowledged may be lost.
    Asynchronous,
}

impl Cluster {
    pub(crate) fn new(bin: PathBuf, data: PathBuf, port: u16) -> Self {
        Self { inner: Arc::new(Inner { bin, data, port }) }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.inner.port))
    }

    /// The superuser's URL of a database.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://postgres@{}/{database}?sslmode=disable", self.address())
    }

    /// Starts it with these settings; one that runs is stopped first.
    pub(crate) async fn start(&self, durability: Durability, connections: usize) {
        self.stop_immediately().await;
        let commit = match durability {
            Durability::Synchronous => "-c synchronous_commit=on",
            // The longest that Postgres allows: a crash then loses as much as it can.
            Durability::Asynchronous => "-c synchronous_commit=off -c wal_writer_delay=10s",
        };
        let options = format!(
            "-h 127.0.0.1 -p {} -k '' -c fsync=on -c full_page_writes=on {commit} \
             -c max_connections={connections} -c shared_buffers=128MB -c deadlock_timeout=200ms \
             -c restart_after_crash=on -c log_line_prefix='%m [%p] %d '",
            self.inner.port
        );
        let log = self.log();
        let mut command = self.command();
        command.arg("-l").arg(log).args(["-w", "-t", START_SECONDS_MAX, "-o", &options, "start"]);
        let status = blocking(command).await;
        assert!(status, "Postgres does not start: read {}/server.log", self.inner.data.display());
    }

    /// Ends all its processes at once, as a power cut does; the data is as the disk has it.
    pub(crate) async fn stop_immediately(&self) {
        let mut command = self.command();
        command.args(["-m", "immediate", "-w", "stop"]);
        // It fails when no server runs, which is as well.
        blocking(command).await;
    }

    pub(crate) async fn connect(&self, database: &str) -> Option<Client> {
        let (client, connection) =
            tokio_postgres::connect(&self.url(database), NoTls).await.ok()?;
        tokio::spawn(connection);
        Some(client)
    }

    fn log(&self) -> PathBuf {
        self.inner.data.join("server.log")
    }

    /// What Postgres said about each deadlock in a database: who waited for whom, doing what.
    pub(crate) fn deadlocks(&self, database: &str) -> Vec<String> {
        let log = std::fs::read(self.log()).unwrap_or_default();
        deadlocks(&String::from_utf8_lossy(&log), database)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(self.inner.bin.join("pg_ctl"));
        command.current_dir("/").arg("-D").arg(&self.inner.data);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // Postgres refuses to run as root: whoever owns the data runs it.
        let owner = std::fs::metadata(&self.inner.data).expect("the cluster's data exists");
        if rustix::process::geteuid().is_root() && owner.uid() != 0 {
            command.uid(owner.uid()).gid(owner.gid());
        }
        command
    }
}

/// The details of the deadlocks in a log whose lines name their database.
fn deadlocks(log: &str, database: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let (mut met, mut telling) = (false, false);
    for line in log.lines() {
        // What goes on begins with a tab.
        let goes_on = line.starts_with('\t');
        if goes_on
            && telling
            && let Some(last) = found.last_mut()
        {
            last.push(' ');
            last.push_str(line.trim());
        }
        if goes_on {
            continue;
        }
        let said = line.split_once(&format!(" {database} ")).map_or("", |(_, said)| said);
        telling = met && said.starts_with("DETAIL:");
        if telling {
            found.push(said.trim_start_matches("DETAIL:").trim().to_owned());
        }
        met = said.starts_with("ERROR:") && said.ends_with("deadlock detected");
    }
    found
}

async fn blocking(mut command: Command) -> bool {
    let status = tokio::task::spawn_blocking(move || command.status().unwrap());
    status.await.unwrap().success()
}
