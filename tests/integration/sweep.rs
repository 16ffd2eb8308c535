//! The scheduler's minute: what was written down is sent, what lies around is woken, what is due
//! is started. The deployed binary, against a queue that confirms.

use domain::{OrgId, RepositoryId, RunId, RunKind};
use serde_json::{Value, json};
use store::{
    outbox::{self, Outgoing},
    runs::{self, NewRun},
};
use tests::{TestDatabase, function::Function, queue_server::QueueServer};
use tokio_postgres::Client;
use uuid::Uuid;

struct Place {
    database: TestDatabase,
    sql: Client,
    org: OrgId,
    repository: RepositoryId,
}

impl Place {
    async fn new() -> Self {
        let database = TestDatabase::create().await;
        let org = database.organization("acme").await;
        let repository = database.repository(org, 1, "https://example.com/a.git").await;
        let sql = database.sql().await;
        // A new repository is due at once; tests say themselves when something is due.
        sql.execute("UPDATE repositories SET next_sync_at = NULL", &[]).await.unwrap();
        Self { database, sql, org, repository }
    }

    async fn scheduler(&self, endpoint: &str) -> Function {
        let queue = |name: &str| format!("{endpoint}/000000000000/{name}");
        let settings = [
            ("DATABASE_URL", self.database.functions_url()),
            ("RUNS_QUEUE_URL", queue("runs")),
            ("EMBED_QUEUE_URL", queue("embed")),
            ("SYNC_QUEUE_URL", queue("sync")),
            ("ATTEST_QUEUE_URL", queue("attest")),
            ("NOTIFY_QUEUE_URL", queue("notify")),
            ("AWS_ENDPOINT_URL", endpoint.to_owned()),
            ("GITHUB_API_URL", "https://api.github.com".to_owned()),
            ("RUST_LOG", "error".to_owned()),
        ];
        let settings: Vec<(&str, &str)> =
            settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Function::start("scheduler", &settings).await
    }

    async fn run(&self, kind: RunKind) -> RunId {
        let mut session = self.database.functions().session().await.unwrap();
        let tx = session.begin(self.org).await.unwrap();
        let repository = store::repositories::find(&tx, self.repository).await.unwrap().unwrap();
        let id = RunId::new(Uuid::now_v7());
        let run = NewRun {
            id,
            org: self.org,
            project: Some(repository.project),
            repository: Some(self.repository),
            kind,
            idempotency_key: id.to_string(),
            event_type: "manual".to_owned(),
            git_ref: None,
            commit: None,
            pull_request: None,
            input: json!({}),
            traceparent: None,
        };
        runs::insert(&tx, &run).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    async fn write_down(&self, queue: &str, body: &Value) -> i64 {
        let mut session = self.database.functions().session().await.unwrap();
        let tx = session.begin(self.org).await.unwrap();
        let message = Outgoing { org: self.org, queue, body, traceparent: None };
        let id = outbox::insert(&tx, &message).await.unwrap().id;
        tx.commit().await.unwrap();
        id
    }

    /// Changes runs behind everybody's back, as time does.
    async fn change(&self, run: RunId, change: &str) {
        let sql = format!("UPDATE runs SET {change} WHERE id = $1");
        assert_eq!(self.sql.execute(&sql, &[run.as_uuid()]).await.unwrap(), 1);
    }

    async fn count(&self, query: &str) -> i64 {
        self.sql.query_one(&format!("SELECT count(*) FROM {query}"), &[]).await.unwrap().get(0)
    }
}

/// What was sent, as (queue, run), sorted.
fn sent(queues: &QueueServer) -> Vec<(String, String)> {
    let mut sent: Vec<(String, String)> = queues
        .sent()
        .into_iter()
        .map(|(queue, body)| (queue, body["run_id"].as_str().unwrap_or_default().to_owned()))
        .collect();
    sent.sort();
    sent
}

#[tokio::test]
async fn a_message_whose_sender_died_is_sent_once_it_is_due() {
    let place = Place::new().await;
    let due = place.write_down("embed", &json!({ "run_id": "due" })).await;
    place.write_down("embed", &json!({ "run_id": "its sender may still be at it" })).await;
    place
        .sql
        .execute("UPDATE outbox SET next_at = now() - interval '1 second' WHERE id = $1", &[&due])
        .await
        .unwrap();

    let queues = QueueServer::start().await;
    let scheduler = place.scheduler(&queues.endpoint()).await;
    let swept = scheduler.invoke(json!({})).await.unwrap();
    assert_eq!(swept["messages_sent"], 1, "{swept}");
    assert_eq!(sent(&queues), [("embed".to_owned(), "due".to_owned())]);
    assert_eq!(place.count("outbox").await, 1, "only what the queue confirmed is forgotten");
    let swept = scheduler.invoke(json!({})).await.unwrap();
    assert_eq!(swept["messages_sent"], 0, "{swept}");
}

#[tokio::test]
async fn while_the_queue_is_down_every_message_stays() {
    let place = Place::new().await;
    for _ in 0..8 {
        place.write_down("runs", &json!({ "run_id": "x" })).await;
    }
    let make_due = "UPDATE outbox SET next_at = now() - interval '1 second'";
    place.sql.execute(make_due, &[]).await.unwrap();

    let down = place.scheduler("http://127.0.0.1:1").await;
    let swept = down.invoke(json!({})).await.unwrap();
    assert_eq!(swept["messages_sent"], 0, "{swept}");
    assert_eq!(place.count("outbox WHERE tries = 1 AND next_at > now()").await, 8);

    place.sql.execute(make_due, &[]).await.unwrap();
    let queues = QueueServer::start().await;
    let swept = place.scheduler(&queues.endpoint()).await.invoke(json!({})).await.unwrap();
    assert_eq!(swept["messages_sent"], 8, "{swept}");
    assert_eq!((place.count("outbox").await, queues.sent().len()), (0, 8));
}

#[tokio::test]
async fn runs_that_nobody_works_on_are_woken_and_others_are_left_alone() {
    let place = Place::new().await;
    let expired = place.run(RunKind::Analysis).await;
    let held = place.run(RunKind::Analysis).await;
    let parked = place.run(RunKind::Analysis).await;
    let forgotten = place.run(RunKind::RepositorySync).await;
    let fresh = place.run(RunKind::Analysis).await;
    let written_down = place.run(RunKind::Analysis).await;
    let running = "status = 'running', leased_until = now() + interval";
    place.change(expired, &format!("{running} '-1 second'")).await;
    place.change(held, &format!("{running} '1 minute'")).await;
    place.change(parked, "status = 'waiting', wake_at = now() - interval '1 second'").await;
    let long_ago = "updated_at = now() - interval '10 minutes'";
    place.change(forgotten, long_ago).await;
    place.change(written_down, long_ago).await;
    place.write_down("runs", &json!({ "run_id": written_down })).await;

    let queues = QueueServer::start().await;
    let scheduler = place.scheduler(&queues.endpoint()).await;
    let swept = scheduler.invoke(json!({})).await.unwrap();
    assert_eq!(swept["runs_woken"], 3, "{swept}");
    let mut expected = [
        ("runs".to_owned(), expired.to_string()),
        ("runs".to_owned(), parked.to_string()),
        ("sync".to_owned(), forgotten.to_string()),
    ];
    expected.sort();
    assert_eq!(sent(&queues), expected, "not {held}, {fresh}, {written_down}");

    // What was queued and asked for gets its time; what must not wait is asked for again.
    let swept = scheduler.invoke(json!({})).await.unwrap();
    assert_eq!(swept["runs_woken"], 2, "{swept}");
}

#[tokio::test]
async fn a_repository_that_is_due_is_synced_once_however_many_schedulers_there_are() {
    let place = Place::new().await;
    let due = "UPDATE repositories SET next_sync_at = now() - interval '3 hours'";
    place.sql.execute(due, &[]).await.unwrap();
    let queues = QueueServer::start().await;
    let (one, other) =
        (place.scheduler(&queues.endpoint()).await, place.scheduler(&queues.endpoint()).await);
    let (one, other) = tokio::join!(one.invoke(json!({})), other.invoke(json!({})));
    let started = [one, other].map(|swept| swept.unwrap()["syncs_started"].as_u64().unwrap());
    assert_eq!(started.iter().sum::<u64>(), 1, "{started:?}");

    let run = place
        .sql
        .query_one("SELECT id, kind, event_type, traceparent FROM runs", &[])
        .await
        .expect("exactly one run");
    assert_eq!((run.get::<_, &str>(1), run.get::<_, &str>(2)), ("repository_sync", "schedule"));
    assert!(run.get::<_, &str>(3).parse::<domain::TraceParent>().is_ok());
    assert_eq!(sent(&queues), [("sync".to_owned(), run.get::<_, Uuid>(0).to_string())]);
    assert_eq!(place.count("outbox").await, 0);
    // The hours that were missed are not made up for.
    assert_eq!(
        place.count("repositories WHERE next_sync_at > now() + interval '50 minutes'").await,
        1
    );

    // Due again while the first sync is not over: it will see whatever there is.
    place.sql.execute(due, &[]).await.unwrap();
    let swept = place.scheduler(&queues.endpoint()).await.invoke(json!({})).await.unwrap();
    assert_eq!(swept["syncs_started"], 0, "{swept}");
    assert_eq!(place.count("runs").await, 1);
    assert_eq!(place.count("repositories WHERE next_sync_at > now()").await, 1);
}

#[tokio::test]
async fn a_repository_that_nobody_wants_synced_is_not() {
    let place = Place::new().await;
    let due = "next_sync_at = now() - interval '1 hour'";
    let queues = QueueServer::start().await;
    let scheduler = place.scheduler(&queues.endpoint()).await;
    for unwanted in ["enabled = false", "enabled = true, archived_at = now()"] {
        let change = format!("UPDATE repositories SET {due}, {unwanted}");
        place.sql.execute(&change, &[]).await.unwrap();
        let swept = scheduler.invoke(json!({})).await.unwrap();
        assert_eq!(swept["syncs_started"], 0, "{unwanted}: {swept}");
    }
    place.sql.execute("UPDATE repositories SET archived_at = NULL", &[]).await.unwrap();
    let swept = scheduler.invoke(json!({})).await.unwrap();
    assert_eq!(swept["syncs_started"], 1, "the control: {swept}");
}
