//! A repository with more files than one shard holds, and an Assay that scans it.
//!
//! Nothing is delivered by itself: what was written down to be sent is handed to a worker when a
//! test says so, and each delivery is an instance of its own.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    time::Duration,
};

use analysis::{Clock, Scan};
use domain::{CommitSha, Coverage, OrgId, RepositoryId, RunId, Scope, Severity, Snapshot};
use lambda_runtime::{Context, LambdaEvent};
use objects::Objects;
use queue::{Message, RunRequested};
use run_orchestrator::{Config, Deps, handle};
use serde_json::{Value, json};
use startup::Secret;
use tempfile::TempDir;
use tests::git_server::{GitRepository, GitServer};
use tokio_postgres::Client;
use uuid::Uuid;

use crate::{api::world::World, openapi::get_as_documented};

/// As many files as fill two shards, and one more: the orchestrator cuts at 500.
pub(crate) const FILES: usize = 1_001;
pub(crate) const SHARDS: usize = 3;
/// Every so many files are flawed; so some are in each shard.
const FLAWED_EVERY: usize = 100;
/// One that the rules of each severity object to differently.
const FLAWS: [&str; 3] = [
    "import os\n\n\ndef run(text):\n    os.system(text)\n    eval(text)\n",
    "import hashlib\n\n\ndef digest(text):\n    return hashlib.md5(text)\n",
    "import pickle\n\n\ndef read(request):\n    return pickle.loads(request.data)\n",
];

pub(crate) struct Place {
    pub(crate) world: World,
    pub(crate) sql: Client,
    pub(crate) git: GitRepository,
    pub(crate) server: GitServer,
    pub(crate) org: OrgId,
    pub(crate) repository: RepositoryId,
    pub(crate) key: String,
    objects: TempDir,
}

/// The files of the repository, as `(path, text)`.
pub(crate) fn files(count: usize) -> Vec<(String, String)> {
    let text = |n: usize| match n % FLAWED_EVERY {
        0 => FLAWS[n / FLAWED_EVERY % FLAWS.len()].to_owned(),
        _ => format!("NUMBER_{n} = {n}\n"),
    };
    (0..count).map(|n| (format!("src/f{n:04}.py"), text(n))).collect()
}

impl Place {
    pub(crate) async fn new() -> Self {
        let place = Self::empty().await;
        place.commit(&files(FILES), &[]);
        place
    }

    /// A repository without a commit.
    pub(crate) async fn empty() -> Self {
        let server = GitServer::start().await;
        let git = server.repository("shop");
        let world = World::create().await;
        let sql = world.database.sql().await;
        let org = world.database.organization("acme").await;
        let repository = world.database.repository(org, 1, &server.url("shop")).await;
        let (_, key) = world.key(org, Scope::ALL).await;
        let objects = tempfile::tempdir().unwrap();
        Self { world, sql, git, server, org, repository, key, objects }
    }

    /// Commits these files, and nothing else, to `main`.
    pub(crate) fn commit(&self, files: &[(String, String)], parents: &[&CommitSha]) -> CommitSha {
        let files: Vec<(&str, &str)> =
            files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        self.git.commit_files(&files, "main", parents)
    }

    fn objects_url(&self) -> String {
        format!("file://{}", self.objects.path().display())
    }

    pub(crate) fn snapshot_path(&self, commit: &CommitSha) -> PathBuf {
        self.objects.path().join(objects::snapshot_key(self.org, commit))
    }

    /// A new instance of the orchestrator. It knows no queue, so what it wants to send stays in
    /// the outbox.
    pub(crate) fn deps(&self) -> Deps {
        Deps::new(Config {
            database_url: Secret::literal("DATABASE_URL", self.world.database.functions_url()),
            lease: Duration::from_secs(60),
            objects_url: self.objects_url(),
            queue_urls: Vec::new(),
            private_git_hosts: self.server.address().to_string(),
            github_api_url: "https://api.github.com".to_owned(),
            github_app: None,
            z3_path: None,
        })
        .unwrap()
    }

    /// What the deployed binaries are told by their environment.
    pub(crate) fn settings(&self, queues: &str) -> Vec<(&'static str, String)> {
        let queue = |name: &str| format!("{queues}/000000000000/{name}");
        vec![
            ("DATABASE_URL", self.world.database.functions_url()),
            ("RUN_LEASE_SECONDS", "60".to_owned()),
            ("OBJECTS_URL", self.objects_url()),
            ("RUNS_QUEUE_URL", queue("runs")),
            ("EMBED_QUEUE_URL", queue("embed")),
            ("SYNC_QUEUE_URL", queue("sync")),
            ("ATTEST_QUEUE_URL", queue("attest")),
            ("NOTIFY_QUEUE_URL", queue("notify")),
            ("AWS_ENDPOINT_URL", queues.to_owned()),
            ("GITHUB_API_URL", "https://api.github.com".to_owned()),
            ("PRIVATE_GIT_HOSTS", self.server.address().to_string()),
            ("RUST_LOG", "error".to_owned()),
        ]
    }

    /// Asks for a scan, and answers its id and its run.
    pub(crate) async fn request(&self) -> (Uuid, RunId) {
        let body = json!({ "repository_id": self.repository });
        let answer = self.world.post("/v1/scans", &self.key, &body).await;
        assert_eq!(answer.status, 202, "{}", answer.json());
        let answer = answer.json();
        assert_eq!(answer["deduplicated"], false);
        (id(&answer["scan_id"]), RunId::new(id(&answer["run_id"])))
    }

    /// A scan whose shards are all still to be done, in their order.
    pub(crate) async fn sharded(&self) -> (Uuid, RunId, Vec<RunId>) {
        let (scan, run) = self.request().await;
        self.deliver(run).await;
        let shards = self.shards(run).await;
        assert_eq!(shards.len(), SHARDS);
        assert_eq!(self.status(run).await, "waiting");
        (scan, run, shards)
    }

    pub(crate) fn event(&self, run: RunId) -> Value {
        let body = RunRequested { org_id: self.org, run_id: run }.body().to_string();
        json!({ "Records": [{ "messageId": "m", "body": body }] })
    }

    pub(crate) async fn deliver(&self, run: RunId) {
        self.deliver_to(self.org, run).await;
    }

    /// Hands a message about a run of any organisation to an instance of its own.
    pub(crate) async fn deliver_to(&self, org: OrgId, run: RunId) {
        let body = RunRequested { org_id: org, run_id: run }.body().to_string();
        let event = json!({ "Records": [{ "messageId": "m", "body": body }] });
        let event = serde_json::from_value(event).unwrap();
        let event = LambdaEvent::new(event, Context::default());
        let response = handle(&self.deps(), event).await.unwrap();
        assert!(response.batch_item_failures.is_empty(), "what went wrong was not written down");
    }

    /// Delivers what is written down until nothing is, and answers how many deliveries it took.
    pub(crate) async fn work(&self) -> usize {
        let mut delivered = 0;
        loop {
            let waiting = self.messages().await;
            let Some(run) = waiting.first() else { return delivered };
            self.deliver(*run).await;
            delivered += 1;
            assert!(delivered < 50, "the same message comes again and again");
        }
    }

    /// The runs that somebody is asked to look at, in the order of asking.
    pub(crate) async fn messages(&self) -> Vec<RunId> {
        let query = "SELECT run_id FROM outbox WHERE queue = 'runs' ORDER BY id";
        let rows = self.sql.query(query, &[]).await.unwrap();
        rows.iter().map(|row| RunId::new(row.get(0))).collect()
    }

    /// A run whose worker is gone.
    pub(crate) async fn held(&self) -> Option<RunId> {
        let query = "SELECT id FROM runs WHERE status = 'running' ORDER BY id LIMIT 1";
        let row = self.sql.query_opt(query, &[]).await.unwrap();
        row.map(|row| RunId::new(row.get(0)))
    }

    /// As if the worker had been silent for longer than its lease; nobody is to give up here.
    pub(crate) async fn expire(&self, run: RunId) {
        let expire = "UPDATE runs SET leased_until = clock_timestamp() - interval '1 second',
                          claims_since_progress = 0
                      WHERE id = $1 AND status = 'running'";
        self.sql.execute(expire, &[run.as_uuid()]).await.unwrap();
    }

    /// The runs that a run began, in the order of their files.
    pub(crate) async fn shards(&self, run: RunId) -> Vec<RunId> {
        let query = "SELECT id FROM runs WHERE parent_run_id = $1
                     ORDER BY (input ->> 'first')::integer";
        let rows = self.sql.query(query, &[run.as_uuid()]).await.unwrap();
        rows.iter().map(|row| RunId::new(row.get(0))).collect()
    }

    pub(crate) async fn status(&self, run: RunId) -> String {
        let query = "SELECT status FROM runs WHERE id = $1";
        self.sql.query_one(query, &[run.as_uuid()]).await.unwrap().get(0)
    }

    /// Each step's name, status, attempt and time.
    pub(crate) async fn steps(&self, run: RunId) -> Vec<(String, String, i32, String)> {
        let query = "SELECT step_id, status, attempt, finished_at::text FROM run_steps
                     WHERE run_id = $1 ORDER BY finished_at";
        let rows = self.sql.query(query, &[run.as_uuid()]).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3))).collect()
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let answer = self.world.get(path, &self.key).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.json());
        answer.json()
    }

    pub(crate) async fn scan(&self, scan: Uuid) -> Value {
        get_as_documented(&self.world, "/v1/scans/{id}", scan, &self.key).await
    }

    /// Path, line and rule of each finding of a scan's analysis, with how often it is there.
    pub(crate) async fn findings(&self, scan: Uuid) -> BTreeMap<(String, u32, String), usize> {
        let query = "SELECT f.file_path, f.line_start, f.rule_id
                     FROM findings f JOIN analyses a ON a.id = f.analysis_id
                     JOIN codebase_scans s ON s.run_id = a.run_id WHERE s.id = $1";
        let mut found = BTreeMap::new();
        for row in self.sql.query(query, &[&scan]).await.unwrap() {
            let line = u32::try_from(row.get::<_, i32>(1)).unwrap();
            *found.entry((row.get(0), line, row.get(2))).or_default() += 1;
        }
        found
    }

    pub(crate) async fn snapshot(&self, commit: &CommitSha) -> Snapshot {
        let objects = Objects::open(&self.objects_url()).unwrap();
        objects.get_snapshot(self.org, commit).await.unwrap()
    }

    /// What one look at the whole snapshot finds.
    pub(crate) async fn unsharded(&self, commit: &CommitSha) -> Unsharded {
        let snapshot = self.snapshot(commit).await;
        let clock = Clock::new(&|| false);
        Unsharded {
            scan: analysis::scan(&snapshot, &clock),
            coverage: analysis::parse(&snapshot, &clock).coverage,
        }
    }

    /// The scan is over, and found each thing that there is to find exactly once.
    pub(crate) async fn assert_complete(&self, scan: Uuid) -> Value {
        let shown = self.scan(scan).await;
        assert_eq!((&shown["status"], &shown["error"]), (&json!("completed"), &json!(null)));
        let commit = shown["commit"].as_str().unwrap().parse().unwrap();
        let expected = self.unsharded(&commit).await;
        assert!(!expected.scan.findings.is_empty(), "nothing could be lost or doubled");
        assert_eq!(self.findings(scan).await, expected.findings());
        assert_eq!(shown["results"]["findings"], expected.by_severity());
        assert_eq!(shown["files_scanned"], expected.coverage.analysed);
        assert_eq!(shown["findings_count"], expected.scan.findings.len());
        shown
    }
}

pub(crate) struct Unsharded {
    pub(crate) scan: Scan,
    pub(crate) coverage: Coverage,
}

impl Unsharded {
    pub(crate) fn findings(&self) -> BTreeMap<(String, u32, String), usize> {
        let mut found = BTreeMap::new();
        for finding in &self.scan.findings {
            let key = (finding.path.clone(), finding.lines.first, finding.rule.clone());
            *found.entry(key).or_default() += 1;
        }
        found
    }

    /// As the API shows it.
    pub(crate) fn by_severity(&self) -> Value {
        let of = |severity: &Severity| {
            self.scan.findings.iter().filter(|finding| finding.severity == *severity).count()
        };
        Severity::ALL
            .iter()
            .map(|severity| (severity.as_str().to_owned(), json!(of(severity))))
            .collect()
    }

    pub(crate) fn severities(&self) -> BTreeSet<Severity> {
        self.scan.findings.iter().map(|finding| finding.severity).collect()
    }
}

pub(crate) fn id(value: &Value) -> Uuid {
    value.as_str().unwrap().parse().unwrap()
}
