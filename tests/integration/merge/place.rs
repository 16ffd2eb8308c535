//! A repository with a pull request that wants to be merged, and all that stands around it.

use std::time::Duration;

use domain::{ApprovalId, OrgId, RunId, RunKind, kinds::merge::Input};
use lambda_runtime::{Context, LambdaEvent};
use queue::{Message, Queue, RunRequested};
use run_orchestrator::{Config, Deps, handle};
use serde_json::{Value, json};
use startup::Secret;
use store::{
    approvals::{self, Approval, Decided, Decision},
    runs::{self, NewRun},
};
use tempfile::TempDir;
use tests::{
    TestDatabase,
    function::Function,
    github_server::{GitHubServer, Merged},
    queue_server::QueueServer,
};
use tokio_postgres::Client;
use uuid::Uuid;

pub(super) const KEY: &str =
    include_str!("../../../shared/clients/src/github/tests/throwaway_key.pem");
pub(super) const SHOP: &str = "acme/repository-1";
pub(super) const HEAD: &str = "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1";
pub(super) const NEWER: &str = "b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2";
/// Nobody listens on port 1: every message stays in the outbox, and tests deliver by hand.
pub(super) const NO_QUEUE: &str = "http://127.0.0.1:1/000000000000";

/// A repository with pull request 7, and an Assay that shares it.
pub(super) struct Place {
    pub(super) database: TestDatabase,
    pub(super) sql: Client,
    pub(super) github: GitHubServer,
    pub(super) deps: Deps,
    pub(super) objects: TempDir,
    pub(super) org: OrgId,
    pub(super) run: RunId,
}

/// Where a run is: its status, its error code, and its steps with theirs.
pub(super) type State = (String, Option<String>, Vec<String>);

impl Place {
    /// A merge was asked for; the pull request's head has one check, which has passed.
    pub(super) async fn new() -> Self {
        let place = Self::unchecked("merge").await;
        place.github.check(HEAD, "build", 0, "success");
        place
    }

    pub(super) async fn unchecked(method: &str) -> Self {
        let database = TestDatabase::create().await;
        let sql = database.sql().await;
        let github = GitHubServer::start().await;
        github.open(SHOP, 7, "Add a cart", HEAD);
        let objects = tempfile::tempdir().unwrap();
        let deps = Deps::new(config(&database, &objects, github.url())).unwrap();
        let org = database.organization("acme").await;
        let run = request(&database, &sql, org, method).await;
        Self { database, sql, github, deps, objects, org, run }
    }

    /// Hands the run's message to the orchestrator, at the time that the run waits for.
    pub(super) async fn deliver(&self) -> State {
        self.come(None).await;
        hand_over(&self.deps, self.org, self.run).await;
        self.state().await
    }

    /// The time comes that the run waits for, if it waits for one and nobody else can end that.
    pub(super) async fn come(&self, waiting_for: Option<&str>) {
        let due = "UPDATE runs SET wake_at = clock_timestamp() - interval '1 second'
                   WHERE id = $1 AND wake_at IS NOT NULL
                     AND ($2::text IS NOT DISTINCT FROM waiting_for OR waiting_for = 'timer')";
        self.sql.execute(due, &[self.run.as_uuid(), &waiting_for]).await.unwrap();
    }

    /// All times that the run knows are so much longer ago.
    pub(super) async fn pass(&self, minutes: i32) {
        for change in [
            "UPDATE runs SET started_at = started_at - make_interval(mins => $2) WHERE id = $1",
            "UPDATE run_steps SET started_at = started_at - make_interval(mins => $2),
                 finished_at = finished_at - make_interval(mins => $2) WHERE run_id = $1",
        ] {
            self.sql.execute(change, &[self.run.as_uuid(), &minutes]).await.unwrap();
        }
    }

    pub(super) async fn state(&self) -> State {
        let run = "SELECT status, error_code FROM runs WHERE id = $1";
        let run = self.sql.query_one(run, &[self.run.as_uuid()]).await.unwrap();
        let steps = "SELECT step_id || ' ' || status FROM run_steps WHERE run_id = $1
                     ORDER BY finished_at, step_id";
        let steps = self.sql.query(steps, &[self.run.as_uuid()]).await.unwrap();
        (run.get(0), run.get(1), steps.iter().map(|step| step.get(0)).collect())
    }

    pub(super) async fn error(&self) -> String {
        let query = "SELECT error FROM runs WHERE id = $1";
        self.sql.query_one(query, &[self.run.as_uuid()]).await.unwrap().get(0)
    }

    pub(super) async fn output(&self, step: &str) -> Value {
        let query = "SELECT output FROM run_steps WHERE run_id = $1 AND step_id = $2";
        self.sql.query_one(query, &[self.run.as_uuid(), &step]).await.unwrap().get(0)
    }

    pub(super) async fn approvals(&self) -> Vec<Approval> {
        let mut session = self.database.functions().session().await.unwrap();
        let tx = session.begin(self.org).await.unwrap();
        let filter = approvals::Filter { run: Some(self.run), status: None };
        approvals::list(&tx, filter, store::Page { after: None, limit: 10 }).await.unwrap()
    }

    /// What is asked; nothing was merged before.
    pub(super) async fn asked(&self) -> Approval {
        assert_eq!(self.github.merge_calls(), 0, "merged before anyone was asked");
        let [asked] = self.approvals().await.try_into().unwrap();
        asked
    }

    pub(super) async fn decide(&self, id: ApprovalId, decision: Decision<'_>) -> Decided {
        let mut session = self.database.functions().session().await.unwrap();
        let tx = session.begin(self.org).await.unwrap();
        let decided = approvals::decide(&tx, id, decision).await.unwrap().unwrap();
        tx.commit().await.unwrap();
        decided
    }

    pub(super) async fn approve(&self, edited: Option<&Value>) {
        let asked = self.asked().await;
        let intent_hash = &asked.intent_hash;
        let decision = Decision::Approve { intent_hash, edited, by: "ada" };
        let decided = self.decide(asked.id, decision).await;
        assert!(matches!(decided, Decided::Approved { .. }), "{decided:?}");
    }

    /// Begins the run and goes on until someone is asked.
    pub(super) async fn until_asked(&self) {
        let state = self.deliver().await;
        assert_eq!(state, state_of("waiting", None, &["plan succeeded", "checks succeeded"]));
    }
}

pub(super) fn event(org_id: OrgId, run_id: RunId) -> Value {
    let body = RunRequested { org_id, run_id }.body().to_string();
    json!({ "Records": [{ "messageId": "m", "body": body }] })
}

pub(super) async fn hand_over(deps: &Deps, org: OrgId, run: RunId) {
    let event = serde_json::from_value(event(org, run)).unwrap();
    let answer = handle(deps, LambdaEvent::new(event, Context::default())).await.unwrap();
    assert!(answer.batch_item_failures.is_empty(), "what went wrong was written down");
}

pub(super) fn state_of(status: &str, code: Option<&str>, steps: &[&str]) -> State {
    let steps = steps.iter().map(|step| (*step).to_owned()).collect();
    (status.to_owned(), code.map(str::to_owned), steps)
}

/// The state of a run whose last begun step is `failed`, after those that went well.
pub(super) fn failed(code: &str, step: &str) -> State {
    let steps = ["plan", "checks", "approve", "merge"];
    let at = steps.iter().position(|one| *one == step).unwrap();
    let mut told: Vec<String> = steps[..at].iter().map(|s| format!("{s} succeeded")).collect();
    told.push(format!("{step} failed"));
    ("failed".to_owned(), Some(code.to_owned()), told)
}

pub(super) fn succeeded() -> State {
    let steps = ["plan succeeded", "checks succeeded", "approve succeeded", "merge succeeded"];
    state_of("succeeded", None, &steps)
}

pub(super) fn config(database: &TestDatabase, objects: &TempDir, github_api_url: &str) -> Config {
    let queues = [Queue::Runs, Queue::Embed, Queue::Attest, Queue::Notify];
    Config {
        database_url: Secret::literal("DATABASE_URL", database.functions_url()),
        lease: Duration::from_secs(60),
        objects_url: format!("file://{}", objects.path().display()),
        queue_urls: queues.map(|queue| (queue, format!("{NO_QUEUE}/{queue}"))).to_vec(),
        private_git_hosts: String::new(),
        github_api_url: github_api_url.to_owned(),
        github_app: Some(("12345".to_owned(), Secret::literal("GITHUB_APP_PRIVATE_KEY", KEY))),
        z3_path: None,
    }
}

/// A run that is to merge pull request 7 of a repository that the App's installation shares.
pub(super) async fn request(
    database: &TestDatabase,
    sql: &Client,
    org: OrgId,
    method: &str,
) -> RunId {
    let repository = database.repository(org, 1, "https://example.com/a.git").await;
    let install = "WITH made AS (
             INSERT INTO installations (org_id, github_installation_id, account_type, account_login)
             VALUES ($1, 42, 'Organization', 'acme') RETURNING id)
         UPDATE repositories SET installation_id = made.id FROM made";
    sql.execute(install, &[org.as_uuid()]).await.unwrap();
    let mut session = database.functions().session().await.unwrap();
    let tx = session.begin(org).await.unwrap();
    let known = store::repositories::find(&tx, repository).await.unwrap().unwrap();
    let id = RunId::new(Uuid::now_v7());
    let run = NewRun {
        id,
        org,
        project: Some(known.project),
        repository: Some(repository),
        kind: RunKind::Merge,
        idempotency_key: id.to_string(),
        event_type: "manual".to_owned(),
        git_ref: None,
        commit: None,
        pull_request: Some(7),
        input: json!(Input { method: method.parse().unwrap() }),
        traceparent: None,
        parent: None,
        schedule: None,
    };
    runs::insert(&tx, &run).await.unwrap();
    tx.commit().await.unwrap();
    id
}

pub(super) fn merged(
    method: &str,
    title: Option<&str>,
    message: Option<&str>,
    commit: &Value,
) -> Merged {
    Merged {
        pull_request: 7,
        head: HEAD.to_owned(),
        method: method.to_owned(),
        title: title.map(str::to_owned),
        message: message.map(str::to_owned),
        commit: commit.as_str().unwrap().to_owned(),
    }
}

pub(super) async fn start(place: &Place, queues: &QueueServer) -> Function {
    let settings = [
        ("DATABASE_URL", place.database.functions_url()),
        ("RUN_LEASE_SECONDS", "60".to_owned()),
        ("OBJECTS_URL", format!("file://{}", place.objects.path().display())),
        ("RUNS_QUEUE_URL", queues.url("runs")),
        ("EMBED_QUEUE_URL", queues.url("embed")),
        ("ATTEST_QUEUE_URL", queues.url("attest")),
        ("NOTIFY_QUEUE_URL", queues.url("notify")),
        ("AWS_ENDPOINT_URL", queues.endpoint()),
        ("GITHUB_API_URL", place.github.url().to_owned()),
        ("GITHUB_APP_ID", "12345".to_owned()),
        ("GITHUB_APP_PRIVATE_KEY", KEY.to_owned()),
        ("RUST_LOG", "warn".to_owned()),
    ];
    let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Function::start("run_orchestrator", &settings).await
}
