//! What GitHub is told of a run's ending: once, and only by whom it knows.

use domain::{OrgId, RunId, RunKind, Verdict};
use notifier::{Config, Deps, handle};
use queue::{Message, NotifyRequested};
use serde_json::json;
use startup::Secret;
use store::{
    analyses::{self, Completion, Counts, Metadata},
    runs::{self, Claim, NewRun},
};
use tests::{TestDatabase, github_server::GitHubServer};
use uuid::Uuid;

const KEY: &str = include_str!("../../shared/clients/src/github/tests/throwaway_key.pem");
const HEAD: &str = "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1";

struct Place {
    database: TestDatabase,
    org: OrgId,
    run: RunId,
}

impl Place {
    /// A finished analysis of a repository that an installation shares, or that none does.
    async fn new(shared: bool) -> Self {
        let database = TestDatabase::create().await;
        let org = database.organization("acme").await;
        let repository = database.repository(org, 1, "https://example.com/a.git").await;
        if shared {
            let install = "WITH made AS (
                 INSERT INTO installations (org_id, github_installation_id, account_type,
                                            account_login)
                 VALUES ($1, 42, 'Organization', 'acme') RETURNING id)
             UPDATE repositories SET installation_id = made.id FROM made";
            database.sql().await.execute(install, &[org.as_uuid()]).await.unwrap();
        }
        let run = RunId::new(Uuid::now_v7());
        let mut session = database.functions().session().await.unwrap();
        let tx = session.begin(org).await.unwrap();
        let known = store::repositories::find(&tx, repository).await.unwrap().unwrap();
        let new = NewRun {
            id: run,
            org,
            project: Some(known.project),
            repository: Some(repository),
            kind: RunKind::Analysis,
            idempotency_key: run.to_string(),
            event_type: "pull_request".to_owned(),
            git_ref: None,
            commit: Some(HEAD.parse().unwrap()),
            pull_request: Some(7),
            input: json!({}),
            traceparent: None,
            parent: None,
            schedule: None,
        };
        runs::insert(&tx, &new).await.unwrap();
        let Claim::Won(lease) = runs::claim(&tx, run, 60).await.unwrap() else { panic!() };
        let fence = runs::fence(&tx, &lease).await.unwrap().unwrap();
        analyses::insert(&tx, &fence, None).await.unwrap();
        let done = Completion {
            verdict: Some(Verdict::Passed),
            counts: &Counts::default(),
            rules_version: "1",
            metadata: &Metadata::default(),
        };
        analyses::complete(&tx, &fence, &done).await.unwrap();
        runs::succeed(&tx, &fence, &json!({})).await.unwrap();
        tx.commit().await.unwrap();
        Self { database, org, run }
    }

    fn deps(&self, github_api_url: &str, app: bool) -> Deps {
        let key = Secret::literal("GITHUB_APP_PRIVATE_KEY", KEY);
        Deps::new(Config {
            database_url: Secret::literal("DATABASE_URL", self.database.functions_url()),
            github_api_url: github_api_url.to_owned(),
            github_app: app.then(|| ("1".to_owned(), key)),
            public_url: Some("https://assay.example.com".to_owned()),
        })
    }

    /// `true`: SQS is to deliver the message again.
    async fn tell(&self, deps: &Deps) -> bool {
        let body = NotifyRequested { org_id: self.org, run_id: self.run }.body().to_string();
        let event = json!({ "Records": [{ "messageId": "m", "body": body }] });
        let answer = handle(deps, serde_json::from_value(event).unwrap()).await.unwrap();
        !answer.batch_item_failures.is_empty()
    }
}

#[tokio::test]
async fn github_is_told_once_however_often_the_message_comes() {
    let place = Place::new(true).await;
    let github = GitHubServer::start().await;
    for _ in 0..2 {
        // A new instance each time: nothing is remembered but what GitHub itself has.
        assert!(!place.tell(&place.deps(github.url(), true)).await);
    }
    let checks = github.published();
    assert_eq!(checks.len(), 1, "{checks:#?}");
    assert_eq!(checks[0]["external_id"], place.run.to_string());
    assert_eq!(
        (&checks[0]["head_sha"], &checks[0]["conclusion"]),
        (&json!(HEAD), &json!("success"))
    );
    let details = checks[0]["details_url"].as_str().unwrap();
    assert!(details.starts_with("https://assay.example.com/v1/analyses/"), "{details}");
}

#[tokio::test]
async fn a_github_that_does_not_answer_is_told_later() {
    let place = Place::new(true).await;
    assert!(place.tell(&place.deps("http://127.0.0.1:1", true)).await);
    let github = GitHubServer::start().await;
    assert!(!place.tell(&place.deps(github.url(), true)).await);
    assert_eq!(github.published().len(), 1);
}

#[tokio::test]
async fn where_nobody_is_to_be_told_the_message_ends_well() {
    let github = GitHubServer::start().await;
    for (shared, app) in [(false, true), (true, false)] {
        let place = Place::new(shared).await;
        assert!(!place.tell(&place.deps(github.url(), app)).await);
    }
    assert!(github.published().is_empty());
}
