//! From a webhook to a committed run.

use http::{Request, StatusCode};
use lambda_http::{Body, Response};
use serde_json::{Value, json};
use startup::Secret;
use tests::{TestDatabase, github};
use webhook_intake::{BODY_BYTES_MAX, Config, Deps, handle};

const HEAD: &str = "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1";
const NEWER: &str = "b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2";
const BASE: &str = "c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3";

/// Nobody listens on port 1: sending always fails.
const NO_QUEUE: &str = "http://127.0.0.1:1/000000000000/runs";

fn deps(database: &TestDatabase) -> Deps {
    let config = Config {
        database_url: Secret::literal("DATABASE_URL", database.functions_url()),
        github_secret: Secret::literal("GITHUB_WEBHOOK_SECRET", github::SECRET),
        runs_queue_url: NO_QUEUE.to_owned(),
    };
    Deps::with_database(config, database.functions())
}

async fn json_of(response: Response<Body>) -> (StatusCode, Value) {
    let status = response.status();
    (status, serde_json::from_slice(response.body().as_ref()).unwrap())
}

async fn deliver(deps: &Deps, id: &str, payload: &Value) -> Value {
    let request = github::delivery(id, "pull_request", payload.to_string());
    let (status, answer) = json_of(handle(deps, request).await).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
    answer
}

async fn count(database: &TestDatabase, table: &str) -> i64 {
    let sql = database.sql().await;
    sql.query_one(&format!("SELECT count(*) FROM {table}"), &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn every_published_payload_of_our_events_is_taken() {
    let database = TestDatabase::create().await;
    let deps = deps(&database);
    let examples = github::examples();
    assert_eq!(examples.len(), 112);
    for (number, example) in examples.iter().enumerate() {
        let id = format!("example-{number}");
        let request = github::delivery(&id, &example.event, example.payload.to_string());
        let (status, answer) = json_of(handle(&deps, request).await).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{} {number}: {answer}", example.event);
        assert!(answer["status"].is_string(), "{answer}");
    }
    // Installations are written down: the payloads name at least these two.
    assert!(count(&database, "installations").await >= 2);
    assert!(count(&database, "repositories").await >= 2);
}

#[tokio::test]
async fn what_is_not_genuine_or_not_readable_leaves_no_row_and_a_live_function() {
    let database = TestDatabase::create().await;
    let org = database.organization("acme").await;
    database.repository(org, 7, "https://example.com/a.git").await;
    let deps = deps(&database);
    let good = github::pull_request(7, 1, HEAD, BASE).to_string();

    let mut wrong = github::delivery("wrong", "pull_request", good.clone());
    wrong.headers_mut().insert("x-hub-signature-256", github::signature(b"x").parse().unwrap());
    let mut missing = github::delivery("missing", "pull_request", good.clone());
    missing.headers_mut().remove("x-hub-signature-256");
    let mut nameless = github::delivery("nameless", "pull_request", good.clone());
    nameless.headers_mut().remove("x-github-delivery");
    let large = vec![b' '; BODY_BYTES_MAX + 1];
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let mut hidden = github::pull_request(7, 1, HEAD, BASE).to_string();
    hidden.insert_str(1, &format!("\"nobody_reads_this\":{deep},"));
    let cases: Vec<(&str, Request<Body>, u16)> = vec![
        ("a wrong signature", wrong, 401),
        ("no signature", missing, 401),
        ("too large", github::delivery("large", "pull_request", large), 413),
        ("not UTF-8", github::delivery("utf", "pull_request", vec![0xff, 0xfe]), 400),
        ("10,000 levels deep", github::delivery("deep", "pull_request", deep), 400),
        ("deep where nobody looks", github::delivery("hidden", "pull_request", hidden), 400),
        ("not JSON", github::delivery("text", "pull_request", "hello"), 400),
        ("another shape", github::delivery("shape", "pull_request", r#"{"action":"opened"}"#), 400),
        ("no delivery id", nameless, 400),
    ];
    for (what, request, expected) in cases {
        let response = handle(&deps, request).await;
        let content_type = response.headers()["content-type"].to_str().unwrap().to_owned();
        let (status, problem) = json_of(response).await;
        assert_eq!(status.as_u16(), expected, "{what}: {problem}");
        assert_eq!(content_type, "application/problem+json", "{what}");
        assert_eq!(problem["status"], expected, "{what}");
        assert!(!problem.to_string().contains(github::SECRET), "{what}");
    }
    for table in ["webhook_deliveries", "runs", "outbox"] {
        assert_eq!(count(&database, table).await, 0, "{table}");
    }
    let answer = deliver(&deps, "good", &serde_json::from_str(&good).unwrap()).await;
    assert_eq!(answer["status"], "accepted", "the function still answers");
}

#[tokio::test]
async fn a_form_is_read_like_a_plain_body() {
    let database = TestDatabase::create().await;
    let org = database.organization("acme").await;
    database.repository(org, 7, "https://example.com/a.git").await;
    let payload = github::pull_request(7, 1, HEAD, BASE).to_string();
    let escaped: String = payload.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let mut request = github::delivery("form", "pull_request", format!("payload={escaped}"));
    let form = "application/x-www-form-urlencoded".parse().unwrap();
    request.headers_mut().insert("content-type", form);

    let (_, answer) = json_of(handle(&deps(&database), request).await).await;

    assert_eq!(answer["status"], "accepted", "{answer}");
}

#[tokio::test]
async fn a_delivery_is_committed_even_when_the_queue_is_away() {
    let database = TestDatabase::create().await;
    let org = database.organization("acme").await;
    database.repository(org, 7, "https://example.com/a.git").await;

    let answer = deliver(&deps(&database), "d-1", &github::pull_request(7, 1, HEAD, BASE)).await;

    assert_eq!(answer["status"], "accepted");
    let sql = database.sql().await;
    let row = sql
        .query_one(
            "SELECT r.status, r.commit_sha, r.input, o.body, o.queue, d.event,
                    o.traceparent = r.traceparent AS same_trace
             FROM runs r
             JOIN outbox o ON o.body ->> 'run_id' = r.id::text
             JOIN webhook_deliveries d ON d.run_id = r.id",
            &[],
        )
        .await
        .unwrap();
    assert_eq!(row.get::<_, &str>("status"), "queued");
    assert_eq!(row.get::<_, &str>("commit_sha"), HEAD);
    assert_eq!(row.get::<_, Value>("input")["base_sha"], BASE);
    assert_eq!(row.get::<_, &str>("queue"), "runs");
    assert_eq!(row.get::<_, Value>("body")["run_id"], answer["run_id"]);
    assert!(row.get::<_, bool>("same_trace"));
}

#[tokio::test]
async fn one_delivery_is_one_commit() {
    let database = TestDatabase::create().await;
    let org = database.organization("acme").await;
    database.repository(org, 7, "https://example.com/a.git").await;
    let deps = deps(&database);
    deliver(&deps, "warm", &github::pull_request(7, 1, BASE, HEAD)).await;
    deliver(&deps, "counted", &github::pull_request(7, 2, HEAD, BASE)).await;

    let sql = database.sql().await;
    let transaction: String = sql
        .query_one("SELECT xmin::text FROM webhook_deliveries WHERE delivery_id = 'counted'", &[])
        .await
        .unwrap()
        .get(0);
    let rows = sql
        .query(
            "SELECT xmin::text FROM runs WHERE pull_request = 2
             UNION ALL SELECT o.xmin::text FROM outbox o
                JOIN runs r ON o.body ->> 'run_id' = r.id::text WHERE r.pull_request = 2",
            &[],
        )
        .await
        .unwrap();
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|row| row.get::<_, &str>(0) == transaction));
}

#[tokio::test]
async fn the_same_delivery_twice_makes_one_run() {
    let database = TestDatabase::create().await;
    let org = database.organization("acme").await;
    database.repository(org, 7, "https://example.com/a.git").await;
    let deps = deps(&database);
    let payload = github::pull_request(7, 1, HEAD, BASE);

    let (first, second) =
        tokio::join!(deliver(&deps, "same", &payload), deliver(&deps, "same", &payload));

    let mut statuses = [first["status"].as_str().unwrap(), second["status"].as_str().unwrap()];
    statuses.sort_unstable();
    assert_eq!(statuses, ["accepted", "deduplicated"]);
    assert_eq!(first["run_id"], second["run_id"]);
    assert_eq!(count(&database, "runs").await, 1);
}

#[tokio::test]
async fn the_same_commit_within_six_hours_is_the_same_run() {
    let database = TestDatabase::create().await;
    let org = database.organization("acme").await;
    database.repository(org, 7, "https://example.com/a.git").await;
    let deps = deps(&database);
    let payload = github::pull_request(7, 1, HEAD, BASE);
    let first = deliver(&deps, "opened", &payload).await;

    let again = deliver(&deps, "reopened", &payload).await;
    assert_eq!((&again["status"], &again["run_id"]), (&json!("deduplicated"), &first["run_id"]));

    let sql = database.sql().await;
    sql.execute("UPDATE runs SET created_at = now() - interval '6 hours 1 second'", &[])
        .await
        .unwrap();
    let later = deliver(&deps, "much-later", &payload).await;
    assert_eq!(later["status"], "accepted");
    assert_ne!(later["run_id"], first["run_id"]);
}

#[tokio::test]
async fn a_newer_head_supersedes_an_older_queued_one() {
    let database = TestDatabase::create().await;
    let org = database.organization("acme").await;
    database.repository(org, 7, "https://example.com/a.git").await;
    let deps = deps(&database);
    let old = deliver(&deps, "one", &github::pull_request(7, 1, HEAD, BASE)).await;
    let other = deliver(&deps, "two", &github::pull_request(7, 2, HEAD, BASE)).await;
    let new = deliver(&deps, "three", &github::pull_request(7, 1, NEWER, BASE)).await;

    let sql = database.sql().await;
    for (run, status) in [(&old, "canceled"), (&other, "queued"), (&new, "queued")] {
        let id = run["run_id"].as_str().unwrap();
        let row =
            sql.query_one("SELECT status FROM runs WHERE id::text = $1", &[&id]).await.unwrap();
        assert_eq!(row.get::<_, &str>(0), status);
    }
}

#[tokio::test]
async fn a_repository_that_is_not_to_be_examined_is_ignored_with_the_reason() {
    let database = TestDatabase::create().await;
    let org = database.organization("acme").await;
    database.repository(org, 7, "https://example.com/a.git").await;
    let deps = deps(&database);
    let sql = database.sql().await;

    sql.execute("UPDATE repositories SET enabled = false", &[]).await.unwrap();
    let answer = deliver(&deps, "disabled", &github::pull_request(7, 1, HEAD, BASE)).await;
    assert_eq!(answer["status"], "ignored");
    assert!(answer["reason"].as_str().unwrap().contains("disabled"), "{answer}");
    assert_eq!(count(&database, "webhook_deliveries WHERE ignored_reason IS NOT NULL").await, 1);

    let answer = deliver(&deps, "unknown", &github::pull_request(8, 1, HEAD, BASE)).await;
    assert!(answer["reason"].as_str().unwrap().contains("not registered"), "{answer}");
    assert_eq!(count(&database, "runs").await, 0);
}

#[tokio::test]
async fn an_organisation_cannot_claim_events_of_an_installation_it_does_not_own() {
    let database = TestDatabase::create().await;
    let squatter = database.organization("squatter").await;
    database.repository(squatter, 7, "https://example.com/squatted.git").await;
    let mut payload = github::pull_request(7, 1, HEAD, BASE);
    payload["installation"] = json!({ "id": 4711 });

    let answer = deliver(&deps(&database), "claimed", &payload).await;

    assert_eq!(answer["status"], "ignored");
    assert_eq!(count(&database, "runs").await, 0);
}
