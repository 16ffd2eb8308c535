//! An organisation that merges: its API and its orchestrator, with GitHub played.
//!
//! Nothing is delivered by itself. What the API and the orchestrator wrote down to be sent is
//! handed to the orchestrator when a test says so.

use std::time::Duration;

use domain::{OrgId, RepositoryId, Scope};
use http::Method;
use lambda_runtime::{Context, LambdaEvent};
use queue::Queue;
use run_orchestrator::{Config, Deps, handle};
use serde_json::{Value, json};
use startup::Secret;
use tempfile::TempDir;
use tests::github_server::GitHubServer;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::{
    api::world::{Answer, World},
    shop::{self, KEY, NO_QUEUE, REPOSITORY},
};

pub(crate) const HEAD: &str = "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1";

pub(crate) struct Scene {
    pub(crate) world: World,
    pub(crate) sql: Client,
    pub(crate) github: GitHubServer,
    pub(crate) org: OrgId,
    pub(crate) repository: RepositoryId,
    /// A key named `test` that may do anything, and its id.
    pub(crate) key: String,
    pub(crate) key_id: String,
    pub(crate) objects: TempDir,
    orchestrator: Deps,
}

impl Scene {
    /// Pull request 7 can be merged: its head has one check, which has passed.
    pub(crate) async fn new() -> Self {
        let world = World::create().await;
        let sql = world.database.sql().await;
        let github = GitHubServer::start().await;
        github.open(REPOSITORY, 7, "Add a cart", HEAD);
        github.check(HEAD, "build", 0, "success");
        let org = world.database.organization("acme").await;
        let url = "https://example.com/a.git";
        let repository = world.database.repository(org, 1, url).await;
        world.share(org, repository, 42).await;
        let (key_id, key) = world.key(org, Scope::ALL).await;
        let objects = tempfile::tempdir().unwrap();
        let orchestrator = Deps::new(Config {
            database_url: Secret::literal("DATABASE_URL", world.database.functions_url()),
            lease: Duration::from_secs(60),
            objects_url: format!("file://{}", objects.path().display()),
            queue_urls: [Queue::Runs, Queue::Embed, Queue::Attest, Queue::Notify]
                .map(|queue| (queue, format!("{NO_QUEUE}/{queue}")))
                .to_vec(),
            private_git_hosts: String::new(),
            github_api_url: github.url().to_owned(),
            github_app: Some(("12345".to_owned(), Secret::literal("GITHUB_APP_PRIVATE_KEY", KEY))),
            z3_path: None,
        });
        let key_id = key_id.to_string();
        let orchestrator = orchestrator.unwrap();
        Self { world, sql, github, org, repository, key, key_id, objects, orchestrator }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.world.get(path, &self.key).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.world.send_json(Method::POST, path, &self.key, body).await
    }

    /// Asks for pull request 7 to be merged.
    pub(crate) async fn request_merge(&self) -> Uuid {
        let body = json!({ "repository_id": self.repository, "pull_request": 7 });
        let answer = self.post("/v1/merges", &body).await;
        assert_eq!(answer.status, 202, "{}", answer.json());
        id(&answer.json()["run_id"])
    }

    /// A merge that waits for someone to decide, and the approval that it waits for.
    pub(crate) async fn asked(&self) -> (Uuid, Value) {
        let run = self.request_merge().await;
        self.work().await;
        assert_eq!(self.github.merge_calls(), 0, "merged before anyone was asked");
        (run, self.question(run).await)
    }

    /// What a run asks.
    pub(crate) async fn question(&self, run: Uuid) -> Value {
        let asked = self.get(&format!("/v1/approvals?run_id={run}")).await.json();
        assert_eq!(asked["items"].as_array().unwrap().len(), 1, "{asked}");
        asked["items"][0].clone()
    }

    pub(crate) async fn approve(&self, asked: &Value) -> Answer {
        let path = format!("/v1/approvals/{}/approve", asked["id"].as_str().unwrap());
        self.post(&path, &json!({ "intent_hash": asked["intent_hash"] })).await
    }

    pub(crate) async fn reject(&self, asked: &Value, reason: &str) -> Answer {
        let path = format!("/v1/approvals/{}/reject", asked["id"].as_str().unwrap());
        let body = json!({ "intent_hash": asked["intent_hash"], "reason": reason });
        self.post(&path, &body).await
    }

    /// Messages that ask for runs, as they stand in the outbox.
    pub(crate) async fn messages(&self) -> Vec<Value> {
        let query = "SELECT body FROM outbox WHERE queue = 'runs' ORDER BY id";
        let rows = self.sql.query(query, &[]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// Hands every message that was written down to the orchestrator; what it writes down
    /// meanwhile is for the next time.
    pub(crate) async fn work(&self) {
        for body in self.messages().await {
            self.deliver(&body).await;
        }
    }

    pub(crate) async fn deliver(&self, body: &Value) {
        let event = serde_json::from_value(sqs_event(body)).unwrap();
        let event = LambdaEvent::new(event, Context::default());
        let answer = handle(&self.orchestrator, event).await.unwrap();
        assert!(answer.batch_item_failures.is_empty(), "what went wrong was not written down");
    }

    pub(crate) async fn run(&self, run: Uuid) -> Value {
        let answer = self.get(&format!("/v1/runs/{run}")).await;
        assert_eq!(answer.status, 200);
        answer.json()
    }

    /// Each step's name, status and attempt, as the API shows them.
    pub(crate) async fn steps(&self, run: Uuid) -> Vec<String> {
        let run = self.run(run).await;
        let steps = run["steps"].as_array().unwrap().iter();
        let told = steps.map(|step| {
            let text = |name: &str| step[name].as_str().unwrap().to_owned();
            format!("{} {} {}", text("step"), text("status"), step["attempt"])
        });
        told.collect()
    }

    /// Everything that a decision could change.
    pub(crate) async fn state(&self) -> Vec<String> {
        let query = "SELECT 'run ' || r::text FROM runs r
             UNION ALL SELECT 'step ' || s::text FROM run_steps s
             UNION ALL SELECT 'approval ' || a::text FROM approvals a
             UNION ALL SELECT 'outbox ' || o::text FROM outbox o
             UNION ALL SELECT 'audit ' || l::text FROM audit_logs l
             ORDER BY 1";
        let rows = self.sql.query(query, &[]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// What was recorded of an action, newest first.
    pub(crate) async fn audited(&self, action: &str) -> Vec<Value> {
        let logs = self.get(&format!("/v1/audit-logs?action={action}")).await.json();
        logs["items"].as_array().unwrap().clone()
    }

    /// The time to decide is over.
    pub(crate) async fn let_expire(&self, run: Uuid) {
        for late in [
            "UPDATE approvals SET expires_at = clock_timestamp() - interval '1 second'
             WHERE run_id = $1",
            "UPDATE runs SET wake_at = clock_timestamp() - interval '1 second' WHERE id = $1",
        ] {
            assert_eq!(self.sql.execute(late, &[&run]).await.unwrap(), 1);
        }
    }

    /// What a real function binary of the orchestrator is told by its environment.
    pub(crate) fn settings(&self) -> Vec<(&'static str, String)> {
        shop::settings(&self.world.database, &self.objects, &self.github)
    }
}

pub(crate) fn id(value: &Value) -> Uuid {
    value.as_str().unwrap().parse().unwrap()
}

pub(crate) fn sqs_event(body: &Value) -> Value {
    json!({ "Records": [{ "messageId": "m", "body": body.to_string() }] })
}
