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
            parent: None,
            schedule: None,
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
    let run = Uuid::now_v7();
    let due = place.write_down("embed", &json!({ "run_id": run })).await;
    // Its sender may still be at it.
    place.write_down("embed", &json!({ "run_id": Uuid::now_v7() })).await;
    place
        .sql
        .execute("UPDATE outbox SET next_at = now() - interval '1 second' WHERE id = $1", &[&due])
        .await
        .unwrap();

    let queues = QueueServer::start().await;
    let scheduler = place.scheduler(&queues.endpoint()).await;
    let swept = scheduler.invoke(json!({})).await.unwrap();
    assert_eq!(swept["messages_sent"], 1, "{swept}");
    assert_eq!(sent(&queues), [("embed".to_owned(), run.to_string())]);
    assert_eq!(place.count("outbox").await, 1, "only what the queue confirmed is forgotten");
    let swept = scheduler.invoke(json!({})).await.unwrap();
    assert_eq!(swept["messages_sent"], 0, "{swept}");
}

#[tokio::test]
async fn while_the_queue_is_down_every_message_stays() {
    let place = Place::new().await;
    for _ in 0..8 {
        place.write_down("runs", &json!({ "run_id": Uuid::now_v7() })).await;
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
    let ago = |interval: &str| format!("now() - interval '{interval}'");
    let soon = "now() + interval '1 hour'";
    let queued = |wake_at: &str| format!("status = 'queued', wake_at = {wake_at}");
    let running = |until: &str| format!("status = 'running', leased_until = {until}");
    let waiting = |what: &str, wake_at: &str| {
        format!("status = 'waiting', waiting_for = '{what}', wake_at = {wake_at}")
    };
    let stale = format!("updated_at = {}", ago("10 minutes"));
    let past = ago("1 second");
    let cases = [
        ("its worker is gone", running(&past), true),
        ("it is worked on", running(soon), false),
        ("a poll is due", waiting("timer", &past), true),
        ("a poll is not due yet", waiting("timer", soon), false),
        ("its approval has expired", waiting("approval", &past), true),
        ("someone may still decide", waiting("approval", soon), false),
        ("someone may decide for ever", waiting("approval", "NULL"), false),
        ("its children are at work", waiting("children", "NULL"), false),
        ("its next attempt is due", queued(&past), true),
        ("its next attempt is not due yet", format!("{}, {stale}", queued(soon)), false),
        ("its message was lost", stale.clone(), true),
        ("its message may be on its way", queued("NULL"), false),
        ("its message lies in the outbox", stale.clone(), false),
        ("it has ended", format!("status = 'canceled', finished_at = now(), {stale}"), false),
    ];
    let place = Place::new().await;
    let mut expected = Vec::new();
    let mut names = Vec::new();
    for (name, change, woken) in cases {
        let run = place.run(RunKind::Analysis).await;
        place.change(run, &change).await;
        if name == "its message lies in the outbox" {
            place.write_down("runs", &json!({ "run_id": run })).await;
        }
        if woken {
            expected.push(("runs".to_owned(), run.to_string()));
        }
        names.push((run, name));
    }
    expected.sort();

    let queues = QueueServer::start().await;
    let scheduler = place.scheduler(&queues.endpoint()).await;
    let swept = scheduler.invoke(json!({})).await.unwrap();
    assert_eq!(sent(&queues), expected, "{names:#?}");
    assert_eq!(swept["runs_woken"], expected.len(), "{swept}");

    let swept = scheduler.invoke(json!({})).await.unwrap();
    assert_eq!(swept["runs_woken"], 0, "their messages are on their way: {swept}");
}

#[tokio::test]
async fn a_run_is_asked_for_once_when_it_is_due_and_then_less_and_less_often() {
    let place = Place::new().await;
    let run = place.run(RunKind::Analysis).await;
    let due = "status = 'waiting', waiting_for = 'timer', wake_at = now() - interval '3 hours'";
    place.change(run, due).await;
    let queues = QueueServer::start().await;
    let scheduler = place.scheduler(&queues.endpoint()).await;
    // How long ago it was asked for the last time, and whether that is long enough.
    let looks = [(0, true), (0, false), (4, false), (6, true), (9, false), (11, true), (21, true)]
        .into_iter()
        .chain([(39, false), (41, true), (59, false), (61, true), (61, true)]);
    for (look, (minutes, asks)) in looks.enumerate() {
        let ago = format!("asked_at = now() - interval '{minutes} minutes'");
        if look > 0 {
            place.change(run, &ago).await;
        }
        let swept = scheduler.invoke(json!({})).await.unwrap();
        assert_eq!(swept["runs_woken"], u64::from(asks), "look {look}, {ago}: {swept}");
    }
    // It is due anew: the polls before have nothing to do with it.
    place
        .change(
            run,
            "wake_at = now() - interval '1 second', asked_at = now() - interval '1 minute'",
        )
        .await;
    let swept = scheduler.invoke(json!({})).await.unwrap();
    assert_eq!((&swept["runs_woken"], place.count("runs WHERE asks = 1").await), (&json!(1), 1));
}

#[tokio::test]
async fn a_run_is_asked_for_where_its_kind_is_worked_on() {
    let place = Place::new().await;
    let mut expected = Vec::new();
    for kind in RunKind::ALL {
        let run = place.run(*kind).await;
        place.change(run, "updated_at = now() - interval '10 minutes'").await;
        let queue = if *kind == RunKind::RepositorySync { "sync" } else { "runs" };
        expected.push((queue.to_owned(), run.to_string()));
    }
    expected.sort();
    let queues = QueueServer::start().await;
    place.scheduler(&queues.endpoint()).await.invoke(json!({})).await.unwrap();
    assert_eq!(sent(&queues), expected);
}

#[tokio::test]
async fn two_sweepers_at_once_send_each_message_once() {
    const MESSAGES: usize = 120;
    let place = Place::new().await;
    let mut written = Vec::new();
    for _ in 0..MESSAGES {
        let run = Uuid::now_v7();
        place.write_down("runs", &json!({ "run_id": run })).await;
        written.push(("runs".to_owned(), run.to_string()));
    }
    place
        .sql
        .execute("UPDATE outbox SET next_at = now() - interval '1 second'", &[])
        .await
        .unwrap();
    let queues = QueueServer::start().await;
    let (one, other) =
        (place.scheduler(&queues.endpoint()).await, place.scheduler(&queues.endpoint()).await);
    let (a, b) = tokio::join!(one.invoke(json!({})), other.invoke(json!({})));
    let total: u64 =
        [a, b].map(|swept| swept.unwrap()["messages_sent"].as_u64().unwrap()).iter().sum();
    assert_eq!(total, MESSAGES as u64);
    written.sort();
    assert_eq!(sent(&queues), written, "each once, none lost");
    assert_eq!(place.count("outbox").await, 0);
}

#[tokio::test]
async fn ten_minutes_without_a_sweeper_lose_nothing() {
    let place = Place::new().await;
    let lost_worker = place.run(RunKind::Analysis).await;
    let retry = place.run(RunKind::RepositorySync).await;
    let poll = place.run(RunKind::Merge).await;
    let lost_message = place.run(RunKind::CodebaseScan).await;
    let unsent = place.run(RunKind::Analysis).await;
    place.write_down("runs", &json!({ "run_id": unsent })).await;
    let soon = "now() + interval '1 minute'";
    place.change(lost_worker, &format!("status = 'running', leased_until = {soon}")).await;
    place.change(retry, &format!("wake_at = {soon}")).await;
    let timer = format!("status = 'waiting', waiting_for = 'timer', wake_at = {soon}");
    place.change(poll, &timer).await;
    let due = format!("UPDATE repositories SET next_sync_at = {soon}");
    place.sql.batch_execute(&due).await.unwrap();
    let schedule = "INSERT INTO scan_schedules (org_id, repo_id, cron_expression, next_run_at)
                    SELECT org_id, id, '*/5 * * * *', date_trunc('minute', now()) FROM repositories";
    place.sql.batch_execute(schedule).await.unwrap();

    // Ten minutes pass, for everything that has a time.
    place
        .sql
        .batch_execute(
            "UPDATE runs SET created_at = created_at - interval '10 minutes',
                             updated_at = updated_at - interval '10 minutes',
                             leased_until = leased_until - interval '10 minutes',
                             wake_at = wake_at - interval '10 minutes';
             UPDATE outbox SET next_at = next_at - interval '10 minutes';
             UPDATE repositories SET next_sync_at = next_sync_at - interval '10 minutes';
             UPDATE scan_schedules SET next_run_at = next_run_at - interval '10 minutes'",
        )
        .await
        .unwrap();
    let queues = QueueServer::start().await;
    let scheduler = place.scheduler(&queues.endpoint()).await;
    let swept = scheduler.invoke(json!({})).await.unwrap();
    let counts = ["messages_sent", "runs_woken", "syncs_started", "scans_started"]
        .map(|part| swept[part].as_u64().unwrap());
    // The sync that is to be tried again is open, so the repository's slot has nothing to add.
    assert_eq!(counts, [1, 4, 0, 1], "{swept}");
    let scan: Uuid = place
        .sql
        .query_one("SELECT id FROM runs WHERE event_type = 'schedule'", &[])
        .await
        .expect("one run for all slots of the ten minutes")
        .get(0);
    let mut expected: Vec<(String, String)> = [lost_worker, poll, lost_message, unsent]
        .iter()
        .map(|run| ("runs".to_owned(), run.to_string()))
        .chain([("sync".to_owned(), retry.to_string()), ("runs".to_owned(), scan.to_string())])
        .collect();
    expected.sort();
    assert_eq!(sent(&queues), expected);

    // Somebody works on each of them: there is nothing left to do.
    let working = "UPDATE runs SET status = 'running', waiting_for = NULL, wake_at = NULL,
                                   leased_until = now() + interval '1 minute'";
    place.sql.batch_execute(working).await.unwrap();
    let swept = scheduler.invoke(json!({})).await.unwrap();
    for part in ["messages_sent", "runs_woken", "syncs_started", "scans_started"] {
        assert_eq!(swept[part], 0, "{swept}");
    }
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
