//! A repository that an installation shares, with the deployed binaries around it and GitHub
//! played.

use domain::{CommitSha, OrgId, RepositoryId, RunId, RunKind, Scope, kinds};
use queue::{Message, NotifyRequested, RunRequested};
use serde_json::{Value, json};
use startup::Secret;
use store::runs::{self, NewRun};
use tempfile::TempDir;
use tests::{
    TestDatabase,
    function::Function,
    git_server::{GitRepository, GitServer},
    github,
    github_server::GitHubServer,
};
use uuid::Uuid;

use crate::api::world::{Answer, World};

pub(crate) const REPOSITORY: &str = "acme/repository-1";
pub(crate) const PULL_REQUEST: i32 = 7;
/// By which GitHub knows that the repository is shared with us.
const INSTALLATION: i64 = 42;
pub(crate) const KEY: &str =
    include_str!("../../shared/clients/src/github/tests/throwaway_key.pem");
/// Nobody listens on port 1: every message stays in the outbox.
pub(crate) const NO_QUEUE: &str = "http://127.0.0.1:1/000000000000";

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

/// What somebody asks to be examined.
pub(crate) struct Asked<'a> {
    pub(crate) event: &'a str,
    pub(crate) commit: &'a CommitSha,
    pub(crate) base: Option<&'a CommitSha>,
    pub(crate) pull_request: Option<i32>,
}

/// What a deployed function is told by its environment, where GitHub is played and no queue is there.
pub(crate) fn settings(
    database: &TestDatabase,
    objects: &TempDir,
    github: &GitHubServer,
) -> Vec<(&'static str, String)> {
    let queue = |name: &str| format!("{NO_QUEUE}/{name}");
    vec![
        ("DATABASE_URL", database.functions_url()),
        ("RUN_LEASE_SECONDS", "60".to_owned()),
        ("OBJECTS_URL", format!("file://{}", objects.path().display())),
        ("RUNS_QUEUE_URL", queue("runs")),
        ("EMBED_QUEUE_URL", queue("embed")),
        ("ATTEST_QUEUE_URL", queue("attest")),
        ("NOTIFY_QUEUE_URL", queue("notify")),
        ("GITHUB_API_URL", github.url().to_owned()),
        ("GITHUB_APP_ID", "12345".to_owned()),
        ("GITHUB_APP_PRIVATE_KEY", KEY.to_owned()),
        ("RUST_LOG", "error".to_owned()),
    ]
}

impl Shop {
    pub(crate) async fn new() -> Self {
        let server = GitServer::start().await;
        let git = server.repository("shop");
        let github = GitHubServer::start().await;
        let world = World::create().await;
        let org = world.database.organization("acme").await;
        let repository = world.database.repository(org, 1, &server.url("shop")).await;
        world.share(org, repository, INSTALLATION).await;
        let (_, key) = world.key(org, Scope::ALL).await;
        let objects = tempfile::tempdir().unwrap();
        Self { world, git, github, org, repository, key, server, objects }
    }

    async fn start(&self, function: &str) -> Function {
        let mut settings = settings(&self.world.database, &self.objects, &self.github);
        settings.push(("PRIVATE_GIT_HOSTS", self.server.address().to_string()));
        settings.push(("PUBLIC_URL", "https://assay.example.com".to_owned()));
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
        let (base, pull_request) = (Some(base), Some(PULL_REQUEST));
        let asked = Asked { event: "pull_request", commit: head, base, pull_request };
        let run = self.request(&asked).await;
        self.work(run).await;
        self.pushed(run, head).await
    }

    /// The same, beginning with what GitHub sends. Only a head that is new begins a run.
    pub(crate) async fn push_by_webhook(&self, head: &CommitSha, base: &CommitSha) -> Push<'_> {
        let intake = webhook_intake::Deps::with_database(
            webhook_intake::Config {
                database_url: Secret::literal("DATABASE_URL", self.world.database.functions_url()),
                github_secret: Secret::literal("GITHUB_WEBHOOK_SECRET", github::SECRET),
                runs_queue_url: format!("{NO_QUEUE}/runs"),
            },
            self.world.database.functions(),
        );
        let number = i64::from(PULL_REQUEST);
        let mut payload = github::pull_request(1, number, head.as_str(), base.as_str());
        payload["installation"] = json!({ "id": INSTALLATION });
        let delivery = github::delivery(head.as_str(), "pull_request", payload.to_string());
        let answer = webhook_intake::handle(&intake, delivery).await;
        let answer: Value = serde_json::from_slice(answer.body().as_ref()).unwrap();
        assert_eq!(answer["status"], "accepted", "{answer}");
        let run = RunId::new(answer["run_id"].as_str().unwrap().parse().unwrap());
        self.work(run).await;
        self.pushed(run, head).await
    }

    /// A run that is to examine a commit.
    pub(crate) async fn request(&self, asked: &Asked<'_>) -> RunId {
        let id = RunId::new(Uuid::now_v7());
        let input = kinds::analysis::Input { base_sha: asked.base.cloned(), pr_title: None };
        let mut session = self.world.database.functions().session().await.unwrap();
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
            git_ref: asked.pull_request.map(|number| format!("refs/pull/{number}/head")),
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

    /// Lets an orchestrator do what is left of a run.
    pub(crate) async fn work(&self, run: RunId) {
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

    /// The check that GitHub shows of a run.
    pub(crate) fn check(&self, run: RunId) -> Value {
        let mut checks = self.github.published();
        checks.retain(|check| check["external_id"] == run.to_string());
        assert_eq!(checks.len(), 1, "GitHub is told once");
        checks.remove(0)
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
        self.shop.check(self.run)
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
