//! A repository that an installation shares, with the deployed binaries around it and GitHub
//! played.

use domain::{CommitSha, OrgId, RepositoryId, RunId, RunKind, Scope, kinds};
use queue::{Message, NotifyRequested, RunRequested};
use serde_json::{Value, json};
use store::runs::{self, NewRun};
use tempfile::TempDir;
use tests::{
    function::Function,
    git_server::{GitRepository, GitServer},
    github_server::GitHubServer,
};
use uuid::Uuid;

use crate::api::world::{Answer, World};

pub(crate) const REPOSITORY: &str = "acme/repository-1";
pub(crate) const PULL_REQUEST: i32 = 7;
const KEY: &str = include_str!("../../../shared/clients/src/github/tests/throwaway_key.pem");
/// Nobody listens on port 1: every message stays in the outbox.
const NO_QUEUE: &str = "http://127.0.0.1:1/000000000000";

pub(crate) struct Shop {
    pub(crate) world: World,
    pub(crate) git: GitRepository,
    pub(crate) github: GitHubServer,
    pub(crate) org: OrgId,
    pub(crate) repository: RepositoryId,
    pub(crate) key: String,
    server: GitServer,
    objects: TempDir,
}

impl Shop {
    pub(crate) async fn new() -> Self {
        let server = GitServer::start().await;
        let git = server.repository("shop");
        let github = GitHubServer::start().await;
        let world = World::create().await;
        let org = world.database.organization("acme").await;
        let repository = world.database.repository(org, 1, &server.url("shop")).await;
        world.share(org, repository, 42).await;
        let (_, key) = world.key(org, Scope::ALL).await;
        let objects = tempfile::tempdir().unwrap();
        Self { world, git, github, org, repository, key, server, objects }
    }

    async fn start(&self, function: &str) -> Function {
        let queue = |name: &str| format!("{NO_QUEUE}/{name}");
        let settings = [
            ("DATABASE_URL", self.world.database.functions_url()),
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
            ("PUBLIC_URL", "https://assay.example.com".to_owned()),
            ("RUST_LOG", "error".to_owned()),
        ];
        let settings: Vec<(&str, &str)> =
            settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Function::start(function, &settings).await
    }

    /// Hands a message to an instance of its own; `true`: SQS is to deliver it again.
    async fn deliver(&self, function: &str, body: &Value) -> bool {
        let event = json!({ "Records": [{ "messageId": "m", "body": body.to_string() }] });
        let answer = self.start(function).await.invoke(event).await.unwrap();
        answer["batchItemFailures"] != json!([])
    }

    /// A push to the pull request, up to its verdict.
    pub(crate) async fn push(&self, head: &CommitSha, base: &CommitSha) -> Push<'_> {
        let run = RunId::new(Uuid::now_v7());
        let input = kinds::analysis::Input { base_sha: Some(base.clone()), pr_title: None };
        let mut session = self.world.database.functions().session().await.unwrap();
        let tx = session.begin(self.org).await.unwrap();
        let repository = store::repositories::find(&tx, self.repository).await.unwrap().unwrap();
        let new = NewRun {
            id: run,
            org: self.org,
            project: Some(repository.project),
            repository: Some(self.repository),
            kind: RunKind::Analysis,
            idempotency_key: run.to_string(),
            event_type: "pull_request".to_owned(),
            git_ref: Some(format!("refs/pull/{PULL_REQUEST}/head")),
            commit: Some(head.clone()),
            pull_request: Some(PULL_REQUEST),
            input: json!(input),
            traceparent: None,
            parent: None,
            schedule: None,
        };
        runs::insert(&tx, &new).await.unwrap();
        tx.commit().await.unwrap();
        self.work(run).await;
        self.pushed(run, head).await
    }

    /// Lets an orchestrator do what is left of a run.
    async fn work(&self, run: RunId) {
        let message = RunRequested { org_id: self.org, run_id: run }.body();
        assert!(!self.deliver("run_orchestrator", &message).await);
    }

    /// What came of a run whose verdict is given once more, after `before`.
    pub(crate) async fn judge_anew(&self, push: &Push<'_>, before: impl AsyncFnOnce()) -> Push<'_> {
        let run = push.run;
        let back = format!(
            "SET session_replication_role = replica;
             DELETE FROM run_steps WHERE run_id = '{run}' AND step_id = 'verdict';
             UPDATE runs SET status = 'queued', finished_at = NULL, leased_until = NULL
             WHERE id = '{run}';
             UPDATE analyses SET status = 'running', verdict = NULL, counts = '{{}}',
                                 completed_at = NULL WHERE run_id = '{run}'"
        );
        self.world.sql(&back).await;
        before().await;
        self.work(run).await;
        let head = push.analysis["commit"].as_str().unwrap().parse().unwrap();
        self.pushed(run, &head).await
    }

    async fn pushed(&self, run: RunId, head: &CommitSha) -> Push<'_> {
        let analyses = format!("/v1/analyses?commit={head}");
        let found = self.get(&analyses).await["items"].as_array().unwrap().clone();
        let mut own = found.into_iter().filter(|one| one["run_id"] == run.to_string());
        let analysis = own.next().unwrap();
        assert_eq!(analysis["status"], "completed", "{analysis}");
        Push { shop: self, run, analysis }
    }

    /// Tells GitHub of a run; `true`: it is to be tried again.
    pub(crate) async fn notify(&self, run: RunId) -> bool {
        let message = NotifyRequested { org_id: self.org, run_id: run }.body();
        self.deliver("notifier", &message).await
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let answer = self.world.get(path, &self.key).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.json());
        answer.json()
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.world.post(path, &self.key, body).await
    }

    /// Every dismissal with an end has come to it.
    pub(crate) async fn let_expire(&self) {
        let pass = "SET session_replication_role = replica;
                    UPDATE finding_dispositions SET expires_at = now() - interval '1 second'
                    WHERE expires_at IS NOT NULL";
        self.world.sql(pass).await;
    }
}

/// What came of a push.
pub(crate) struct Push<'a> {
    shop: &'a Shop,
    pub(crate) run: RunId,
    pub(crate) analysis: Value,
}

impl Push<'_> {
    pub(crate) fn verdict(&self) -> &str {
        self.analysis["verdict"].as_str().unwrap()
    }

    pub(crate) fn counts(&self, name: &str) -> Value {
        self.analysis["counts"][name].clone()
    }

    /// Tells GitHub, and answers with the check that it shows then.
    pub(crate) async fn told(&self) -> Value {
        assert!(!self.shop.notify(self.run).await);
        let mut checks = self.shop.github.published();
        checks.retain(|check| check["external_id"] == self.run.to_string());
        assert_eq!(checks.len(), 1, "GitHub is told once");
        checks.remove(0)
    }

    pub(crate) async fn findings(&self, filter: &str) -> Vec<Value> {
        let analysis = self.analysis["id"].as_str().unwrap();
        let path = format!("/v1/analyses/{analysis}/findings?limit=200{filter}");
        self.shop.get(&path).await["items"].as_array().unwrap().clone()
    }

    /// The one finding of a rule.
    pub(crate) async fn finding(&self, rule: &str) -> Value {
        let mut found = self.findings(&format!("&rule={rule}")).await;
        assert_eq!(found.len(), 1, "{rule}: {found:#?}");
        found.remove(0)
    }
}
