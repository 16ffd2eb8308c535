//! A repository that an installation shares, with an Assay of real binaries around it.

use domain::{CommitSha, OrgId, RepositoryId, RunId, RunKind, kinds};
use queue::{Message, NotifyRequested, RunRequested};
use serde_json::{Value, json};
use store::runs::{self, NewRun};
use tempfile::TempDir;
use tests::{
    TestDatabase,
    function::Function,
    git_server::{GitRepository, GitServer},
    github_server::GitHubServer,
};
use tokio_postgres::Client;
use uuid::Uuid;

const KEY: &str = include_str!("../../../shared/clients/src/github/tests/throwaway_key.pem");
/// Nobody listens on port 1: every message stays in the outbox.
const NO_QUEUE: &str = "http://127.0.0.1:1/000000000000";
const FULL_NAME: &str = "acme/repository-1";

pub(super) struct World {
    database: TestDatabase,
    pub(super) sql: Client,
    objects: TempDir,
    server: GitServer,
    pub(super) git: GitRepository,
    pub(super) github: GitHubServer,
    org: OrgId,
    repository: RepositoryId,
}

/// What somebody asks to be examined.
pub(super) struct Asked<'a> {
    pub(super) event: &'a str,
    pub(super) commit: &'a CommitSha,
    pub(super) base: Option<&'a CommitSha>,
    pub(super) pull_request: Option<i32>,
}

/// What came of it.
pub(super) struct Told {
    pub(super) verdict: String,
    /// What the policy did, as the analysis keeps it.
    pub(super) policy: Value,
    pub(super) metadata: Value,
    pub(super) coverage: Value,
    /// Path, rule, severity, whether it decides, and who dismissed it.
    pub(super) findings: Vec<Finding>,
    /// The check run that GitHub was told of.
    pub(super) check: Value,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) path: String,
    pub(super) rule: String,
    pub(super) severity: String,
    pub(super) deciding: bool,
    pub(super) dismissed: Option<(String, String)>,
}

impl World {
    pub(super) async fn new() -> Self {
        let server = GitServer::start().await;
        let git = server.repository("shop");
        let github = GitHubServer::start().await;
        let database = TestDatabase::create().await;
        let sql = database.sql().await;
        let org = database.organization("acme").await;
        let repository = database.repository(org, 1, &server.url("shop")).await;
        let install = "WITH made AS (
             INSERT INTO installations (org_id, github_installation_id, account_type,
                                        account_login)
             VALUES ($1, 42, 'Organization', 'acme') RETURNING id)
         UPDATE repositories SET installation_id = made.id FROM made";
        sql.execute(install, &[org.as_uuid()]).await.unwrap();
        let objects = tempfile::tempdir().unwrap();
        Self { database, sql, objects, server, git, github, org, repository }
    }

    /// GitHub knows where the histories of two commits part, and what a file holds.
    pub(super) fn github_knows(
        &self,
        base: &CommitSha,
        head: &CommitSha,
        parting: &CommitSha,
        policy: Option<&str>,
    ) {
        self.github.part(base.as_str(), head.as_str(), parting.as_str());
        if let Some(text) = policy {
            self.github.file(FULL_NAME, base.as_str(), ".assay.yml", text);
        }
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        let queue = |name: &str| format!("{NO_QUEUE}/{name}");
        vec![
            ("DATABASE_URL", self.database.functions_url()),
            ("RUN_LEASE_SECONDS", "60".to_owned()),
            ("OBJECTS_URL", format!("file://{}", self.objects.path().display())),
            ("RUNS_QUEUE_URL", queue("runs")),
            ("EMBED_QUEUE_URL", queue("embed")),
            ("ATTEST_QUEUE_URL", queue("attest")),
            ("NOTIFY_QUEUE_URL", queue("notify")),
            ("GITHUB_API_URL", self.github.url().to_owned()),
            ("GITHUB_APP_ID", "12345".to_owned()),
            ("GITHUB_APP_PRIVATE_KEY", KEY.to_owned()),
            ("PRIVATE_GIT_HOSTS", self.server.address().to_string()),
            ("RUST_LOG", "error".to_owned()),
        ]
    }

    async fn start(&self, name: &str) -> Function {
        let settings = self.settings();
        let settings: Vec<(&str, &str)> =
            settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Function::start(name, &settings).await
    }

    pub(super) async fn pull_request(&self, head: &CommitSha, base: &CommitSha) -> Told {
        let (base, pull_request) = (Some(base), Some(7));
        self.examine(Asked { event: "pull_request", commit: head, base, pull_request }).await
    }

    /// Lets the orchestrator examine a commit, and the notifier tell of it.
    pub(super) async fn examine(&self, asked: Asked<'_>) -> Told {
        let run = self.request(&asked).await;
        let message = RunRequested { org_id: self.org, run_id: run }.body();
        self.deliver("run_orchestrator", &message).await;
        let message = NotifyRequested { org_id: self.org, run_id: run }.body();
        self.deliver("notifier", &message).await;
        self.told(run).await
    }

    /// Lets a commit be examined that GitHub is told nothing about: the verdict, and the commit
    /// whose policy held.
    pub(super) async fn examine_untold(&self, asked: Asked<'_>) -> (String, Value) {
        let run = self.request(&asked).await;
        let message = RunRequested { org_id: self.org, run_id: run }.body();
        self.deliver("run_orchestrator", &message).await;
        let query = "SELECT verdict, metadata -> 'policy' -> 'commit' FROM analyses
                     WHERE run_id = $1";
        let row = self.sql.query_one(query, &[run.as_uuid()]).await.unwrap();
        (row.get(0), row.get(1))
    }

    async fn deliver(&self, function: &str, body: &Value) {
        let event = json!({ "Records": [{ "messageId": "m", "body": body.to_string() }] });
        let answer = self.start(function).await.invoke(event).await.unwrap();
        assert_eq!(answer["batchItemFailures"], json!([]), "{function}");
    }

    async fn request(&self, asked: &Asked<'_>) -> RunId {
        let id = RunId::new(Uuid::now_v7());
        let input = kinds::analysis::Input { base_sha: asked.base.cloned(), pr_title: None };
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
            event_type: asked.event.to_owned(),
            git_ref: None,
            commit: Some(asked.commit.clone()),
            pull_request: asked.pull_request,
            input: json!(input),
            traceparent: None,
            parent: None,
            schedule: None,
        };
        runs::insert(&tx, &run).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    async fn told(&self, run: RunId) -> Told {
        let query = "SELECT r.status, r.error, a.verdict, a.metadata, a.coverage
                     FROM runs r JOIN analyses a ON a.run_id = r.id WHERE r.id = $1";
        let row = self.sql.query_one(query, &[run.as_uuid()]).await.unwrap();
        let error: Option<String> = row.get(1);
        assert_eq!(row.get::<_, &str>(0), "succeeded", "{error:?}");
        let metadata: Value = row.get(3);
        let query = "SELECT file_path, rule_id, severity, deciding, dismissed_by, dismissed_reason
                     FROM findings f JOIN analyses a ON a.id = f.analysis_id
                     WHERE a.run_id = $1 ORDER BY 1, line_start, 2";
        let rows = self.sql.query(query, &[run.as_uuid()]).await.unwrap();
        let finding = |row: &tokio_postgres::Row| Finding {
            path: row.get(0),
            rule: row.get(1),
            severity: row.get(2),
            deciding: row.get(3),
            dismissed: row.get::<_, Option<String>>(4).zip(row.get(5)),
        };
        let mut published = self.github.published();
        published.retain(|check| check["external_id"] == run.to_string());
        assert_eq!(published.len(), 1, "GitHub is told once");
        Told {
            verdict: row.get(2),
            policy: metadata["policy"].clone(),
            coverage: row.get(4),
            metadata,
            findings: rows.iter().map(finding).collect(),
            check: published.remove(0),
        }
    }
}

impl Told {
    pub(super) fn summary(&self) -> &str {
        self.check["output"]["summary"].as_str().unwrap()
    }

    /// Where GitHub shows what was found.
    pub(super) fn annotated(&self) -> Vec<&str> {
        let annotations = self.check["output"]["annotations"].as_array();
        let paths = annotations.into_iter().flatten().map(|one| one["path"].as_str().unwrap());
        paths.collect()
    }

    pub(super) fn deciding(&self) -> Vec<&str> {
        let deciding = self.findings.iter().filter(|finding| finding.deciding);
        deciding.map(|finding| finding.path.as_str()).collect()
    }
}
