//! What the kept results of files save: CPU time of the orchestrator's own process, by the kernel.
//!
//! The code is the Python standard library (or the folder that `BENCH_CODE` names), the change is
//! a line in each of 20 of its files. Every figure is of a process of its own, started for it, so
//! it holds the cold start, the fetch over git, unpacking, examining, and what Postgres makes of
//! it on our side of the connection.
//! At the end it is scanned whole in 1, 2, 3 and 7 shards, and every byte of what is said compared.
//! `cargo build --profile bench -p run_orchestrator`, then `cargo bench -p tests --bench incremental`;
//! `BENCH_WORKER` names another binary to measure.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench: panicking and printing are the report"
)]

use std::{path::Path, process::Command};

use domain::{CommitSha, OrgId, RepositoryId, RunId, RunKind, kinds};
use queue::{Message, RunRequested};
use serde_json::{Value, json};
use store::{
    repositories,
    runs::{self, NewRun},
};
use tempfile::TempDir;
use tests::{
    TestDatabase,
    function::Function,
    git_server::{GitRepository, GitServer},
};
use tokio_postgres::Client;
use uuid::Uuid;

const ROUNDS: usize = 3;
const CHANGED_FILES: usize = 20;
/// The kernel counts a process's time in hundredths of a second (proc(5), `sysconf(_SC_CLK_TCK)`).
const TICK_MS: u64 = 10;
/// Nobody listens there: what is to be sent stays written down, and the bench delivers it.
const NO_QUEUE: &str = "http://127.0.0.1:1/000000000000";

struct Place {
    database: TestDatabase,
    sql: Client,
    org: OrgId,
    repository: RepositoryId,
    objects: TempDir,
    server: GitServer,
}

impl Place {
    async fn new(server: GitServer, name: &str) -> Self {
        let database = TestDatabase::create().await;
        let org = database.organization("acme").await;
        let repository = database.repository(org, 1, &server.url(name)).await;
        let sql = database.sql().await;
        Self { database, sql, org, repository, objects: tempfile::tempdir().unwrap(), server }
    }

    async fn worker(&self) -> Function {
        let queue = |name: &str| format!("{NO_QUEUE}/{name}");
        let settings = [
            ("DATABASE_URL", self.database.functions_url()),
            ("RUN_LEASE_SECONDS", "150".to_owned()),
            ("OBJECTS_URL", format!("file://{}", self.objects.path().display())),
            ("RUNS_QUEUE_URL", queue("runs")),
            ("EMBED_QUEUE_URL", queue("embed")),
            ("ATTEST_QUEUE_URL", queue("attest")),
            ("NOTIFY_QUEUE_URL", queue("notify")),
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:1".to_owned()),
            ("GITHUB_API_URL", "https://api.github.com".to_owned()),
            ("PRIVATE_GIT_HOSTS", self.server.address().to_string()),
            ("RUST_LOG", "error".to_owned()),
        ];
        let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, &**value)).collect();
        match setting("BENCH_WORKER") {
            Some(binary) => Function::start_binary(binary.into(), "worker", &settings).await,
            None => Function::start("run_orchestrator", &settings).await,
        }
    }

    async fn insert(&self, kind: RunKind, input: Value, commit: Option<&CommitSha>) -> RunId {
        let id = RunId::new(Uuid::now_v7());
        let mut session = self.database.functions().session().await.unwrap();
        let tx = session.begin(self.org).await.unwrap();
        let repository = repositories::find(&tx, self.repository).await.unwrap().unwrap();
        let run = NewRun {
            id,
            org: self.org,
            project: Some(repository.project),
            repository: Some(self.repository),
            kind,
            idempotency_key: id.to_string(),
            event_type: "manual".to_owned(),
            git_ref: None,
            commit: commit.cloned(),
            pull_request: None,
            input,
            traceparent: None,
            parent: None,
            schedule: None,
        };
        runs::insert(&tx, &run).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    /// CPU milliseconds that a new process takes for a run and all that it begins.
    async fn cost(&self, run: RunId) -> u64 {
        let worker = self.worker().await;
        let mut next = Some(run);
        while let Some(run) = next {
            let body = RunRequested { org_id: self.org, run_id: run }.body().to_string();
            let event = json!({ "Records": [{ "messageId": "m", "body": body }] });
            worker.invoke(event).await.unwrap();
            let query = "SELECT run_id FROM outbox WHERE queue = 'runs' ORDER BY id LIMIT 1";
            let row = self.sql.query_opt(query, &[]).await.unwrap();
            next = row.map(|row| RunId::new(row.get(0)));
        }
        let query = "SELECT status, error FROM runs WHERE id = $1";
        let row = self.sql.query_one(query, &[run.as_uuid()]).await.unwrap();
        let (status, error): (String, Option<String>) = (row.get(0), row.get(1));
        assert_eq!(status, "succeeded", "{error:?}");
        let cost = cpu_ms(worker.id().unwrap());
        worker.kill().await;
        cost
    }

    async fn analysis(&self, commit: &CommitSha, base: Option<&CommitSha>) -> u64 {
        let input = kinds::analysis::Input { base_sha: base.cloned(), pr_title: None };
        self.cost(self.insert(RunKind::Analysis, json!(input), Some(commit)).await).await
    }

    async fn scan(&self) -> u64 {
        self.cost(self.insert(RunKind::CodebaseScan, json!({}), None).await).await
    }

    /// Hashes of all that a scan in so many shards says, without names and dates.
    async fn said(&self, shards: usize) -> Vec<String> {
        let run = self.insert(RunKind::CodebaseScan, json!({ "shards": shards }), None).await;
        self.cost(run).await;
        let query =
            "SELECT count(f), md5(a.coverage::text), md5(a.counts::text || a.metadata::text),
                         md5(jsonb_agg(to_jsonb(f) - '{id,analysis_id,created_at}'::text[]
                                       ORDER BY f.file_path, f.line_start, f.fingerprint)::text)
                     FROM analyses a LEFT JOIN findings f ON f.analysis_id = a.id
                     WHERE a.run_id = $1 GROUP BY a.id";
        let row = self.sql.query_one(query, &[run.as_uuid()]).await.unwrap();
        let hashes = (1..4).map(|column| row.get::<_, String>(column));
        std::iter::once(row.get::<_, i64>(0).to_string()).chain(hashes).collect()
    }

    async fn forget(&self) {
        self.sql.execute("DELETE FROM file_results", &[]).await.unwrap();
    }

    async fn kept(&self) -> (i64, i64) {
        let query = "SELECT count(*), coalesce(sum(octet_length(result)), 0) FROM file_results";
        let row = self.sql.query_one(query, &[]).await.unwrap();
        (row.get(0), row.get(1))
    }
}

/// User and system time of a process (proc(5), fields 14 and 15 of `stat`).
fn cpu_ms(process: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    // The name stands in parentheses and may hold blanks.
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks = |field: usize| fields[field - 3].parse::<u64>().unwrap();
    (ticks(14) + ticks(15)) * TICK_MS
}

#[expect(clippy::disallowed_methods, reason = "the functions' settings are not a bench's")]
fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

fn code() -> TempDir {
    let folder = setting("BENCH_CODE").unwrap_or_else(|| {
        let code = "import sysconfig; print(sysconfig.get_path('stdlib'))";
        let python = Command::new("python3").args(["-c", code]).output().unwrap();
        String::from_utf8(python.stdout).unwrap().trim().to_owned()
    });
    let copy = tempfile::tempdir().unwrap();
    copy_sources(Path::new(&folder), copy.path());
    copy
}

fn copy_sources(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap();
        if path.is_symlink() || name == "site-packages" || name == "__pycache__" {
            continue;
        }
        if path.is_dir() {
            copy_sources(&path, &to.join(name));
        } else if path.extension().is_some_and(|extension| extension == "py") {
            std::fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

/// All files below a folder, by path.
fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// Commits the code, and a change of some of its files on top.
fn commits(git: &GitRepository, folder: &Path) -> (CommitSha, CommitSha) {
    let base = git.commit(folder, "main", &[]);
    let all = files(folder);
    for path in all.iter().step_by((all.len() / CHANGED_FILES).max(1)).take(CHANGED_FILES) {
        let mut bytes = std::fs::read(path).unwrap();
        bytes.extend(b"\n\ndef added(text):\n    return eval(text)\n");
        std::fs::write(path, bytes).unwrap();
    }
    let head = git.commit(folder, "change", &[&base]);
    (base, head)
}

/// Only the files that the change touches, as they are with it.
fn only_changed(folder: &Path) -> TempDir {
    let all = files(folder);
    let small = tempfile::tempdir().unwrap();
    let chosen = all.iter().step_by((all.len() / CHANGED_FILES).max(1)).take(CHANGED_FILES);
    for path in chosen {
        let to = small.path().join(path.strip_prefix(folder).unwrap());
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(path, to).unwrap();
    }
    small
}

fn lines(folder: &Path) -> usize {
    let count =
        |path: &Path| std::fs::read(path).unwrap().iter().filter(|byte| **byte == b'\n').count();
    files(folder).iter().map(|path| count(path)).sum()
}

fn row(name: &str, mut costs: Vec<u64>) -> u64 {
    costs.sort_unstable();
    let median = costs[costs.len() / 2];
    println!("| {name} | {median} | {}–{} |", costs[0], costs[costs.len() - 1]);
    median
}

#[tokio::main]
async fn main() {
    for small in [true, false] {
        let whole = code();
        let folder = if small { only_changed(whole.path()) } else { whole };
        let count = files(folder.path()).len();
        println!("\n{count} files, {} lines\n", lines(folder.path()));
        println!("| run | CPU ms, median of {ROUNDS} | range |\n|---|---:|---|");
        let server = GitServer::start().await;
        let git = server.repository("code");
        let (base, head) = commits(&git, folder.path());
        let place = Place::new(server, "code").await;
        let (mut cold, mut filled, mut warm, mut first, mut second) =
            (vec![], vec![], vec![], vec![], vec![]);
        for _ in 0..ROUNDS {
            place.forget().await;
            cold.push(place.analysis(&head, Some(&base)).await);
            place.forget().await;
            place.analysis(&base, None).await;
            filled.push(place.analysis(&head, Some(&base)).await);
            warm.push(place.analysis(&head, Some(&base)).await);
            place.forget().await;
            first.push(place.scan().await);
            second.push(place.scan().await);
        }
        row("pull request of 20 files, nothing known", cold);
        row("pull request of 20 files, its base known", filled);
        row("the same pull request again", warm);
        let first = row("first scan", first);
        let second = row("second scan, nothing changed", second);
        let (kept, bytes) = place.kept().await;
        println!("\nsecond scan / first scan: {:.3}", second as f64 / first as f64);
        println!("kept: {kept} results, {bytes} bytes");
        if !small {
            compare_shards(&place).await;
        }
    }
}

async fn compare_shards(place: &Place) {
    println!(
        "\n| shards | findings | coverage | counts | findings' bytes |\n|---:|---:|---|---|---|"
    );
    let mut first: Option<Vec<String>> = None;
    for shards in [1, 2, 3, 7] {
        place.forget().await;
        let said = place.said(shards).await;
        println!("| {shards} | {} |", said.join(" | "));
        assert_eq!(*first.get_or_insert_with(|| said.clone()), said, "shards make a difference");
    }
}
