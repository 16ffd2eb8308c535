//! An analysis from the message to the verdict: a real git server, real rules, a real Postgres.

mod budget;
mod faults;

use std::time::Duration;

use domain::{CommitSha, OrgId, RepositoryId, RunId, RunKind, kinds};
use lambda_runtime::{Context, LambdaEvent};
use queue::{Message, Queue, RunRequested};
use run_orchestrator::{Config, Deps, handle};
use serde_json::{Value, json};
use startup::Secret;
use store::runs::{self, NewRun};
use tempfile::TempDir;
use tests::{
    TestDatabase,
    git_server::{GitRepository, GitServer},
    queue_server::QueueServer,
};
use tokio_postgres::Client;
use uuid::Uuid;

const BASE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/demo/base");
const HEAD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/demo/head");

/// Flaws that the change of the demo brings in, by the file that they stand in (see the table in
/// `fixtures/demo/README.md`).
const NEW_FLAWS: [&str; 9] = [
    "orders/app.py",
    "orders/report.py",
    "orders/report.py",
    "orders/store.py",
    "stock/warehouse.go",
    "stock/warehouse.go",
    "storefront/public/cart.js",
    "storefront/public/cart.js",
    "storefront/server.js",
];

/// Nobody listens on port 1, so every send fails and every message stays in the outbox.
const NO_QUEUE: &str = "http://127.0.0.1:1/000000000000";

/// A repository with a base and a pull request, and an Assay that knows it.
struct Place {
    database: TestDatabase,
    objects: TempDir,
    server: GitServer,
    git: GitRepository,
    org: OrgId,
    repository: RepositoryId,
    base: CommitSha,
    head: CommitSha,
}

impl Place {
    async fn new() -> Self {
        let server = GitServer::start().await;
        let git = server.repository("shop");
        let base = git.commit(BASE.as_ref(), "main", &[]);
        let head = git.commit(HEAD.as_ref(), "change", &[&base]);
        let url = server.url("shop");
        Self::around(server, git, &url, base, head).await
    }

    async fn around(
        server: GitServer,
        git: GitRepository,
        url: &str,
        base: CommitSha,
        head: CommitSha,
    ) -> Self {
        let database = TestDatabase::create().await;
        let org = database.organization("acme").await;
        let repository = database.repository(org, 1, url).await;
        let objects = tempfile::tempdir().unwrap();
        Self { database, objects, server, git, org, repository, base, head }
    }

    fn objects_url(&self) -> String {
        format!("file://{}", self.objects.path().display())
    }

    fn config(&self) -> Config {
        let queues = [Queue::Runs, Queue::Embed, Queue::Attest, Queue::Notify];
        Config {
            database_url: Secret::literal("DATABASE_URL", self.database.functions_url()),
            lease: Duration::from_secs(60),
            objects_url: self.objects_url(),
            queue_urls: queues.map(|queue| (queue, format!("{NO_QUEUE}/{queue}"))).to_vec(),
            private_git_hosts: self.server.address().to_string(),
            github_api_url: "https://api.github.com".to_owned(),
            github_app: None,
            z3_path: None,
        }
    }

    fn deps(&self) -> Deps {
        Deps::new(self.config()).unwrap()
    }

    /// What the deployed binary is told by its environment.
    fn settings(&self, git_host: &str, queues: &QueueServer) -> Vec<(&'static str, String)> {
        vec![
            ("DATABASE_URL", self.database.functions_url()),
            ("RUN_LEASE_SECONDS", "60".to_owned()),
            ("OBJECTS_URL", self.objects_url()),
            ("RUNS_QUEUE_URL", queues.url("runs")),
            ("EMBED_QUEUE_URL", queues.url("embed")),
            ("ATTEST_QUEUE_URL", queues.url("attest")),
            ("NOTIFY_QUEUE_URL", queues.url("notify")),
            ("AWS_ENDPOINT_URL", queues.endpoint()),
            ("GITHUB_API_URL", "https://api.github.com".to_owned()),
            ("PRIVATE_GIT_HOSTS", git_host.to_owned()),
            ("RUST_LOG", "warn".to_owned()),
        ]
    }

    /// The analysis of the pull request's head, compared with its base.
    async fn pull_request(&self) -> RunId {
        self.request(&self.head, Some(&self.base), Some(7)).await
    }

    async fn request(
        &self,
        commit: &CommitSha,
        base: Option<&CommitSha>,
        pull_request: Option<i32>,
    ) -> RunId {
        let id = RunId::new(Uuid::now_v7());
        let input = kinds::analysis::Input { base_sha: base.cloned(), pr_title: None };
        let mut session = self.database.functions().session().await.unwrap();
        let tx = session.begin(self.org).await.unwrap();
        let repository = store::repositories::find(&tx, self.repository).await.unwrap().unwrap();
        let run = NewRun {
            id,
            org: self.org,
            project: Some(repository.project),
            repository: Some(self.repository),
            kind: RunKind::Analysis,
            idempotency_key: id.to_string(),
            event_type: "pull_request".to_owned(),
            git_ref: Some("refs/pull/7/head".to_owned()),
            commit: Some(commit.clone()),
            pull_request,
            input: json!(input),
            traceparent: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into()),
            parent: None,
            schedule: None,
        };
        runs::insert(&tx, &run).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    fn event(&self, run: RunId) -> Value {
        let body = RunRequested { org_id: self.org, run_id: run }.body().to_string();
        json!({ "Records": [{ "messageId": "m", "body": body }] })
    }

    /// Hands the message to the handler; `true`: SQS is to deliver it again.
    async fn deliver(&self, deps: &Deps, run: RunId) -> bool {
        let event = serde_json::from_value(self.event(run)).unwrap();
        let response = handle(deps, LambdaEvent::new(event, Context::default())).await.unwrap();
        !response.batch_item_failures.is_empty()
    }

    /// As if the worker had been silent for longer than its lease.
    async fn expire(&self, run: RunId) {
        let sql = self.database.sql().await;
        let expire = "UPDATE runs SET leased_until = clock_timestamp() - interval '1 second'
                      WHERE id = $1 AND status = 'running'";
        sql.execute(expire, &[run.as_uuid()]).await.unwrap();
    }

    async fn attempts(&self, run: RunId) -> i32 {
        let sql = self.database.sql().await;
        let query = "SELECT attempts FROM runs WHERE id = $1";
        sql.query_one(query, &[run.as_uuid()]).await.unwrap().get(0)
    }

    async fn history(&self, run: RunId) -> History {
        History::read(&self.database.sql().await, run).await
    }
}

/// Everything that a run leaves behind.
#[derive(Debug, PartialEq)]
struct History {
    status: String,
    error_code: Option<String>,
    analysis: Option<String>,
    verdict: Option<String>,
    steps: Vec<String>,
    /// File, rule, state and whether it decides.
    findings: Vec<(String, String, String, bool)>,
    outbox: Vec<String>,
    manifests: i64,
}

impl History {
    async fn read(sql: &Client, run: RunId) -> Self {
        let id: &(dyn tokio_postgres::types::ToSql + Sync) = run.as_uuid();
        let row = sql
            .query_one(
                "SELECT r.status, r.error_code, a.status, a.verdict,
                        (SELECT count(*) FROM project_manifests)
                 FROM runs r LEFT JOIN analyses a ON a.run_id = r.id WHERE r.id = $1",
                &[id],
            )
            .await
            .unwrap();
        let steps = "SELECT step_id || ' ' || status FROM run_steps WHERE run_id = $1
                     ORDER BY finished_at";
        let findings = "SELECT f.file_path, f.rule_id, f.state, f.deciding
                        FROM findings f JOIN analyses a ON a.id = f.analysis_id
                        WHERE a.run_id = $1 ORDER BY 1, f.line_start, 2";
        let outbox = "SELECT queue FROM outbox WHERE body ->> 'run_id' = $1 ORDER BY 1";
        let texts = |rows: Vec<tokio_postgres::Row>| rows.iter().map(|row| row.get(0)).collect();
        Self {
            status: row.get(0),
            error_code: row.get(1),
            analysis: row.get(2),
            verdict: row.get(3),
            manifests: row.get(4),
            steps: texts(sql.query(steps, &[id]).await.unwrap()),
            findings: sql
                .query(findings, &[id])
                .await
                .unwrap()
                .iter()
                .map(|row| (row.get(0), row.get(1), row.get(2), row.get(3)))
                .collect(),
            outbox: texts(sql.query(outbox, &[&run.to_string()]).await.unwrap()),
        }
    }

    fn new_flaws(&self) -> Vec<&str> {
        let new = self.findings.iter().filter(|(_, _, state, _)| state == "new");
        new.map(|(path, ..)| path.as_str()).collect()
    }
}

const ALL_STEPS: [&str; 6] = [
    "fetch succeeded",
    "manifest succeeded",
    "parse succeeded",
    "security succeeded",
    "formal succeeded",
    "verdict succeeded",
];

#[tokio::test]
async fn a_pull_request_is_judged_by_what_it_changes() {
    let place = Place::new().await;
    let run = place.pull_request().await;
    let deps = place.deps();
    assert!(!place.deliver(&deps, run).await);

    let history = place.history(run).await;
    assert_eq!(
        (history.status.as_str(), history.verdict.as_deref()),
        ("succeeded", Some("failed"))
    );
    assert_eq!(history.steps, ALL_STEPS);
    assert_eq!(history.new_flaws(), NEW_FLAWS, "{:#?}", history.findings);
    let existing: Vec<_> =
        history.findings.iter().filter(|(_, _, state, _)| state == "existing").collect();
    assert!(
        existing.iter().any(|(path, ..)| path == "stock/label.go")
            && existing.iter().any(|(path, ..)| path == "orders/app.py"),
        "what was there before is shown: {existing:#?}"
    );
    assert!(existing.iter().all(|(.., deciding)| !deciding), "and does not decide: {existing:#?}");
    let mended =
        "SELECT fix_diff FROM findings WHERE rule_id = 'go.transport.tls-verification-off'";
    let row = place.database.sql().await.query_one(mended, &[]).await.unwrap();
    let diff: String = row.get(0);
    assert!(diff.contains("\n+\t\tTLSClientConfig: &tls.Config{InsecureSkipVerify: false},\n"));
    // The queue is down; what must be sent stays written down.
    assert_eq!(history.outbox, ["attest", "embed", "notify"]);

    assert!(!place.deliver(&deps, run).await, "a second message is nobody's work");
    assert_eq!(place.history(run).await, history, "and changes nothing");
}

#[tokio::test]
async fn what_an_analysis_learned_is_found_where_others_look_for_it() {
    let place = Place::new().await;
    let run = place.pull_request().await;
    place.deliver(&place.deps(), run).await;
    let mut session = place.database.functions().session().await.unwrap();
    let tx = session.begin(place.org).await.unwrap();

    let analysis = store::analyses::find_by_run(&tx, run).await.unwrap().unwrap();
    assert_eq!(analysis.kind, "pull_request");
    assert_eq!(
        (analysis.head, analysis.base),
        (Some(place.head.clone()), Some(place.base.clone()))
    );
    let coverage = analysis.coverage.unwrap();
    assert_eq!((coverage.files, coverage.languages.len()), (10, 3), "{coverage:?}");
    assert_eq!(analysis.counts["new"], NEW_FLAWS.len());
    assert_eq!(analysis.rules_version.as_deref(), Some(analysis::rules_version()));
    assert_eq!(analysis.metadata["gate"], json!(domain::Gate::default()));
    let object = place.git.git(&["cat-file", "commit", place.head.as_str()], &[]);
    // `git` above is without the final newline that belongs to the object.
    let digest = sha256(format!("{object}\n").as_bytes());
    assert_eq!(analysis.commit_object_sha256, Some(digest));

    let steps = store::run_steps::list(&tx, run).await.unwrap();
    let output =
        |step: &str| steps.iter().find(|done| done.step == step).unwrap().output.clone().unwrap();
    let key = format!("snapshots/{}/{}.tar.gz", place.org, place.head);
    assert_eq!(output("fetch")["snapshot_key"], key);
    assert!(place.objects.path().join(&key).exists());
    assert_eq!(output("fetch")["changes"].as_array().unwrap().len(), 6);
    assert_eq!(output("manifest")["version"], 1);
    assert_eq!(output("manifest")["changed"], true);
    assert_eq!(output("parse"), json!(coverage));
    assert_eq!(output("verdict")["verdict"], "failed");
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest;
    hex::encode(sha2::Sha256::digest(bytes))
}

#[tokio::test]
async fn without_a_base_the_whole_commit_is_judged() {
    let place = Place::new().await;
    let run = place.request(&place.base, None, None).await;
    place.deliver(&place.deps(), run).await;
    let history = place.history(run).await;
    assert_eq!(history.verdict.as_deref(), Some("failed"), "{:#?}", history.findings);
    assert!(!history.findings.is_empty());
    assert!(history.findings.iter().all(|(_, _, state, _)| state == "new"));
}

#[tokio::test]
async fn a_change_without_flaws_passes_and_its_content_is_one_version_however_often_it_is_seen() {
    let server = GitServer::start().await;
    let git = server.repository("shop");
    let base = git.commit_files(&[("a.py", "import os\nos.system(input())\n")], "main", &[]);
    let files = [
        ("a.py", "import os\nos.system(input())\n"),
        ("b.py", "def add(a, b):\n    return a + b\n"),
    ];
    let head = git.commit_files(&files, "change", &[&base]);
    let url = server.url("shop");
    let place = Place::around(server, git, &url, base, head).await;

    let deps = place.deps();
    for _ in 0..2 {
        let run = place.pull_request().await;
        place.deliver(&deps, run).await;
        let history = place.history(run).await;
        assert_eq!(history.verdict.as_deref(), Some("passed"), "{:#?}", history.findings);
        assert_eq!(history.findings.len(), 1, "the old flaw is shown: {:#?}", history.findings);
        assert_eq!(history.manifests, 1);
    }
}

#[tokio::test]
async fn a_dismissed_finding_is_shown_and_does_not_decide() {
    let place = Place::new().await;
    let deps = place.deps();
    let first = place.pull_request().await;
    place.deliver(&deps, first).await;
    let sql = place.database.sql().await;
    sql.execute(
        "INSERT INTO finding_dispositions (org_id, repo_id, fingerprint, disposition, reason,
                                           decided_by)
         SELECT f.org_id, f.repo_id, f.fingerprint, 'dismissed', 'known', 'ann' FROM findings f",
        &[],
    )
    .await
    .unwrap();

    let second = place.pull_request().await;
    place.deliver(&deps, second).await;
    let history = place.history(second).await;
    assert_eq!(history.verdict.as_deref(), Some("passed"));
    assert_eq!(history.new_flaws(), NEW_FLAWS);
    let row = sql
        .query_one(
            "SELECT count(*) FROM findings f JOIN analyses a ON a.id = f.analysis_id
             WHERE a.run_id = $1 AND NOT (f.dismissed AND f.dismissed_by = 'ann')",
            &[second.as_uuid()],
        )
        .await
        .unwrap();
    assert_eq!(row.get::<_, i64>(0), 0);
}
