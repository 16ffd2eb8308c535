//! What stands beside ours: pgbench, and DBOS in a process of its own.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use serde::Deserialize;

use tests::five_steps::Steps;

use crate::{server::Server, setting, table::Measured};

const INSERT: &str = "INSERT INTO yardstick (body) VALUES ('a row of one commit');\n";

/// One-row inserts, one commit each: what a commit costs here at least.
pub(crate) struct Pgbench {
    program: String,
    script: tempfile::NamedTempFile,
    url: String,
}

impl Pgbench {
    pub(crate) const DATABASE: &'static str = "assay_bench_pgbench";

    pub(crate) fn prepare(server: &mut Server) -> Self {
        server.recreate(Self::DATABASE);
        let url = server.url_of(Self::DATABASE);
        let table = "CREATE TABLE yardstick (id bigserial PRIMARY KEY, body text)";
        server.wait_for(async {
            let (sql, connection) =
                tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
            tokio::spawn(connection);
            sql.batch_execute(table).await.unwrap();
        });
        let script = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(script.path(), INSERT).unwrap();
        let program = setting("PGBENCH").unwrap_or_else(|| "pgbench".to_owned());
        Self { program, script, url }
    }

    pub(crate) fn run(&self, server: &mut Server, clients: usize, time: Duration) -> Measured {
        let (rate, counted) = server.count(Self::DATABASE, || {
            let output = Command::new(&self.program)
                .args(["-n", "-M", "prepared", "-j", "1", "-T", &time.as_secs().to_string()])
                .args(["-c", &clients.to_string(), "-f"])
                .arg(self.script.path())
                .arg(&self.url)
                .output()
                .unwrap_or_else(|error| {
                    panic!("cannot start `{}` ({error}): set PGBENCH to its path", self.program)
                });
            let text = String::from_utf8_lossy(&output.stdout);
            let told = String::from_utf8_lossy(&output.stderr);
            let after = |start: &str| {
                let line = text.lines().find_map(|line| line.strip_prefix(start));
                let word = line.and_then(|rest| rest.split_whitespace().next());
                word.and_then(|word| word.split('/').next()?.parse::<f64>().ok())
                    .unwrap_or_else(|| panic!("pgbench did not say `{start}`: {text}{told}"))
            };
            let inserts = after("number of transactions actually processed: ");
            (after("tps = "), inserts as usize)
        });
        Measured { steps_per_second: None, commits_per_second: rate, latency: None, counted }
    }
}

/// Five trivial steps on DBOS.
pub(crate) struct Dbos {
    program: PathBuf,
    url: String,
}

#[derive(Deserialize)]
struct Told {
    workflows: usize,
    warm_up: usize,
    steps_per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
}

impl Dbos {
    pub(crate) const DATABASE: &'static str = "assay_bench_dbos";

    pub(crate) fn prepare(server: &mut Server) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/dbos");
        let program = folder.join("target/release/dbos-peer");
        assert!(
            program.exists(),
            "{} is not built: cargo build --release --manifest-path {}",
            program.display(),
            folder.join("Cargo.toml").display(),
        );
        server.recreate(Self::DATABASE);
        let dbos = Self { program, url: server.url_of(Self::DATABASE) };
        // Its schema is made at the first start.
        dbos.ask(Steps::Pure, 1, Duration::from_millis(200));
        dbos
    }

    pub(crate) fn run(
        &self,
        server: &mut Server,
        steps: Steps,
        lanes: usize,
        time: Duration,
    ) -> Measured {
        let (told, counted) = server.count(Self::DATABASE, || {
            let told = self.ask(steps, lanes, time);
            let workflows = told.workflows + told.warm_up;
            (told, workflows)
        });
        Measured {
            steps_per_second: Some(told.steps_per_second),
            commits_per_second: told.steps_per_second / 5.0 * counted.writes,
            latency: Some((told.p50_ms, told.p99_ms)),
            counted,
        }
    }

    fn ask(&self, steps: Steps, lanes: usize, time: Duration) -> Told {
        let output = Command::new(&self.program)
            .args([&self.url, &lanes.to_string(), &time.as_secs_f64().to_string()])
            .args((steps == Steps::WithEffects).then_some("effects"))
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "DBOS failed: {told}");
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
            panic!("DBOS told nothing that is understood ({error}): {told}")
        })
    }
}
