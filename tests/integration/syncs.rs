//! Syncing a repository: a version for each content that its default branch had.

use std::time::Duration;

use domain::{OrgId, RepositoryId, RunId, RunKind};
use lambda_runtime::{Context, LambdaEvent};
use queue::{Message, Queue, SyncRequested};
use serde_json::json;
use startup::Secret;
use store::{
    manifests::{self, Among, NewManifest},
    runs::{self, NewRun},
};
use syncer::{Config, Deps, handle};
use tempfile::TempDir;
use tests::{
    TestDatabase,
    git_server::{GitRepository, GitServer},
};
use tokio_postgres::Client;
use uuid::Uuid;

/// Nobody listens on port 1, so every send fails and every message stays in the outbox.
const NO_QUEUE: &str = "http://127.0.0.1:1/000000000000";

struct Place {
    database: TestDatabase,
    sql: Client,
    objects: TempDir,
    _server: GitServer,
    git: GitRepository,
    org: OrgId,
    repository: RepositoryId,
    deps: Deps,
}

/// What a sync left behind.
#[derive(Debug, PartialEq)]
struct Synced {
    run: String,
    sync: String,
    /// The version that the sync made or found; none when nothing had changed.
    version: Option<i32>,
    commit: Option<String>,
    steps: i64,
    asked_to_index: bool,
}

impl Place {
    async fn new() -> Self {
        let server = GitServer::start().await;
        let git = server.repository("shop");
        let database = TestDatabase::create().await;
        let org = database.organization("acme").await;
        let repository = database.repository(org, 1, &server.url("shop")).await;
        let objects = tempfile::tempdir().unwrap();
        let deps = Deps::new(Config {
            database_url: Secret::literal("DATABASE_URL", database.functions_url()),
            lease: Duration::from_secs(60),
            objects_url: format!("file://{}", objects.path().display()),
            queue_urls: vec![(Queue::Embed, format!("{NO_QUEUE}/embed"))],
            private_git_hosts: server.address().to_string(),
            github_api_url: "https://api.github.com".to_owned(),
            github_app: None,
        })
        .unwrap();
        let sql = database.sql().await;
        Self { database, sql, objects, _server: server, git, org, repository, deps }
    }

    async fn sync(&self) -> Synced {
        let run = RunId::new(Uuid::now_v7());
        let mut session = self.database.functions().session().await.unwrap();
        let tx = session.begin(self.org).await.unwrap();
        let repository = store::repositories::find(&tx, self.repository).await.unwrap().unwrap();
        let new = NewRun {
            id: run,
            org: self.org,
            project: Some(repository.project),
            repository: Some(self.repository),
            kind: RunKind::RepositorySync,
            idempotency_key: run.to_string(),
            event_type: "manual".to_owned(),
            git_ref: None,
            commit: None,
            pull_request: None,
            input: json!({}),
            traceparent: None,
            parent: None,
            schedule: None,
        };
        runs::insert(&tx, &new).await.unwrap();
        tx.commit().await.unwrap();
        // The second message finds nothing to do.
        for _ in 0..2 {
            let body = SyncRequested { org_id: self.org, run_id: run }.body().to_string();
            let event = json!({ "Records": [{ "messageId": "m", "body": body }] });
            let event = serde_json::from_value(event).unwrap();
            let event = LambdaEvent::new(event, Context::default());
            let response = handle(&self.deps, event).await;
            assert!(response.unwrap().batch_item_failures.is_empty());
        }
        self.read(run).await
    }

    async fn read(&self, run: RunId) -> Synced {
        let row = self
            .sql
            .query_one(
                "SELECT r.status, s.status, m.version, r.commit_sha,
                        (SELECT count(*) FROM run_steps WHERE run_id = r.id),
                        EXISTS (SELECT FROM outbox
                                WHERE queue = 'embed' AND body ->> 'run_id' = r.id::text)
                 FROM runs r JOIN repo_syncs s ON s.run_id = r.id
                 LEFT JOIN project_manifests m ON m.id = s.manifest_id WHERE r.id = $1",
                &[run.as_uuid()],
            )
            .await
            .unwrap();
        Synced {
            run: row.get(0),
            sync: row.get(1),
            version: row.get(2),
            commit: row.get(3),
            steps: row.get(4),
            asked_to_index: row.get(5),
        }
    }

    async fn versions(&self) -> i64 {
        let query = "SELECT count(*) FROM project_manifests";
        self.sql.query_one(query, &[]).await.unwrap().get(0)
    }
}

fn changed(version: i32, commit: &domain::CommitSha) -> Synced {
    Synced {
        run: "succeeded".into(),
        sync: "success".into(),
        version: Some(version),
        commit: Some(commit.to_string()),
        steps: 2,
        asked_to_index: true,
    }
}

fn unchanged(commit: &domain::CommitSha) -> Synced {
    Synced { version: None, asked_to_index: false, ..changed(0, commit) }
}

#[tokio::test]
async fn each_content_of_the_default_branch_is_a_version_and_an_old_look_makes_none() {
    let place = Place::new().await;
    let first = place.git.commit_files(&[("a.py", "a = 1\n")], "main", &[]);
    assert_eq!(place.sync().await, changed(1, &first));
    let key = format!("snapshots/{}/{first}.tar.gz", place.org);
    assert!(place.objects.path().join(key).exists(), "the index reads it there");
    assert_eq!(place.sync().await, unchanged(&first), "the branch stands where it stood");

    let second = place.git.commit_files(&[("a.py", "a = 2\n")], "main", &[&first]);
    assert_eq!(place.sync().await, changed(2, &second));
    let empty = place.git.commit_files(&[("a.py", "a = 2\n")], "main", &[&second]);
    assert_ne!(empty, second);
    assert_eq!(place.sync().await, unchanged(&empty), "another commit of the same content");
    let back = place.git.commit_files(&[("a.py", "a = 1\n")], "main", &[&second]);
    assert_eq!(place.sync().await, changed(3, &back), "history goes on, even to what once was");
    assert_eq!(place.versions().await, 3);
}

#[tokio::test]
async fn versions_that_pull_requests_made_do_not_count_as_changes_of_the_branch() {
    let place = Place::new().await;
    let head = place.git.commit_files(&[("a.py", "a = 1\n")], "main", &[]);
    assert_eq!(place.sync().await, changed(1, &head));

    let mut session = place.database.functions().session().await.unwrap();
    let tx = session.begin(place.org).await.unwrap();
    let new = NewManifest {
        repository: place.repository,
        commit: &"b".repeat(40).parse().unwrap(),
        data: &json!({}),
        hash: &"b".repeat(64),
    };
    let kept = manifests::keep(&tx, &new, Among::All).await.unwrap();
    assert_eq!((kept.version, kept.made), (2, true));
    tx.commit().await.unwrap();

    // Another commit of the same content, so that the content itself has to be compared.
    let same = place.git.commit_files(&[("a.py", "a = 1\n")], "main", &[&head]);
    assert_eq!(place.sync().await, unchanged(&same));
    assert_eq!(place.versions().await, 2);
}

#[tokio::test]
async fn of_many_at_once_each_makes_the_next_version() {
    let place = Place::new().await;
    let database = place.database.functions();
    let mut workers = Vec::new();
    for number in 0..12 {
        let (database, org, repository) = (database.clone(), place.org, place.repository);
        workers.push(tokio::spawn(async move {
            let mut session = database.session().await.unwrap();
            let tx = session.begin(org).await.unwrap();
            let hash = format!("{:064x}", number / 2);
            let new = NewManifest {
                repository,
                commit: &"c".repeat(40).parse().unwrap(),
                data: &json!({}),
                hash: &hash,
            };
            let kept = manifests::keep(&tx, &new, Among::All).await.unwrap();
            tx.commit().await.unwrap();
            kept.made.then_some(kept.version)
        }));
    }
    let mut made = Vec::new();
    for worker in workers {
        made.extend(worker.await.unwrap());
    }
    made.sort_unstable();
    assert_eq!(made, [1, 2, 3, 4, 5, 6], "each of six contents once, without a gap");
}

#[tokio::test]
async fn a_repository_that_cannot_be_read_fails_the_sync_and_says_why() {
    let place = Place::new().await;
    place
        .sql
        .execute("UPDATE repositories SET clone_url = clone_url || '-gone'", &[])
        .await
        .unwrap();
    let synced = place.sync().await;
    assert_eq!((synced.run.as_str(), synced.sync.as_str()), ("failed", "failed"));
    let row = place
        .sql
        .query_one(
            "SELECT r.error_code, s.error_message FROM runs r JOIN repo_syncs s ON s.run_id = r.id",
            &[],
        )
        .await
        .unwrap();
    assert_eq!(row.get::<_, &str>(0), "repository_forbidden");
    assert!(row.get::<_, &str>(1).contains("does not exist or may not be read"));
}
