//! How many webhooks a second are accepted, beside what the same Postgres can do at all.
//!
//! Each round measures pgbench (one-row inserts, one commit each, prepared) and our handler in
//! turn, at 1 and at 8 clients, so that both see the same machine; the ratio of a round is what
//! counts, and the median of the rounds is reported. The queue is a sink that confirms at once:
//! its time is not ours. Needs TEST_DATABASE_URL and pgbench (PGBENCH, or on PATH):
//! `cargo bench --bench intake`.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench: panicking and printing are the report"
)]

use std::{
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{Json, Router, routing::post};
use serde_json::json;
use startup::Secret;
use store::Database;
use tests::{TestDatabase, github};
use tokio_postgres::Client;
use webhook_intake::{Config, Deps, handle};

const ROUNDS: usize = 5;
const CELL: Duration = Duration::from_secs(3);
const CLIENTS: [usize; 2] = [1, 8];
/// By which the second start of this program knows that it is one.
const SINK_PATH: &str = "/queue-sink";
const REPOSITORY: i64 = 186_853_002;

#[tokio::main]
async fn main() {
    #[expect(clippy::disallowed_methods, reason = "a bench has no settings of its own")]
    let queue = std::env::var("AWS_ENDPOINT_URL").ok().filter(|url| url.ends_with(SINK_PATH));
    match queue {
        Some(endpoint) => measure(&format!("{endpoint}/000000000000/runs")).await,
        None => measure_beside_sink().await,
    }
}

/// Starts this program again with the sink as its AWS: the SDK reads that from the environment,
/// which a running program cannot change safely.
async fn measure_beside_sink() {
    let endpoint = queue_sink().await;
    let status = tokio::process::Command::new(std::env::current_exe().unwrap())
        .env("AWS_ENDPOINT_URL", endpoint)
        .env("AWS_REGION", "eu-west-1")
        .env("AWS_ACCESS_KEY_ID", "bench")
        .env("AWS_SECRET_ACCESS_KEY", "bench")
        .status()
        .await
        .unwrap();
    assert!(status.success(), "{status}");
}

async fn measure(queue: &str) {
    let database = TestDatabase::create().await;
    let org = database.organization("acme").await;
    // One each: deliveries about the same repository wait for each other, as they must.
    for client in 0..CLIENTS[1] {
        database.repository(org, REPOSITORY + client as i64, "https://example.com/a.git").await;
    }
    let sql = database.sql().await;
    sql.batch_execute("CREATE TABLE yardstick (id bigserial PRIMARY KEY, body text)")
        .await
        .unwrap();
    let script = std::env::temp_dir().join(format!("assay-insert-{}.sql", std::process::id()));
    std::fs::write(&script, "INSERT INTO yardstick (body) VALUES ('a row of one commit');\n")
        .unwrap();
    let serial = Arc::new(AtomicU64::new(1));

    println!(
        "clients  pgbench/s  accepted/s  ratio  commits/delivery   (medians of {ROUNDS} rounds)"
    );
    for clients in CLIENTS {
        let mut cells = Vec::new();
        for _ in 0..ROUNDS {
            let yardstick = pgbench(&database.owner_url(), &script, clients);
            let before = commits(&sql).await;
            let (accepted, seconds) = accept(&database, queue, clients, &serial).await;
            let committed = commits(&sql).await - before;
            let ours = accepted as f64 / seconds;
            cells.push((yardstick, ours, ours / yardstick, committed as f64 / accepted as f64));
        }
        let median = |pick: fn(&(f64, f64, f64, f64)) -> f64| {
            let mut values: Vec<f64> = cells.iter().map(pick).collect();
            values.sort_by(f64::total_cmp);
            values[ROUNDS / 2]
        };
        println!(
            "{clients:>7}  {:>9.0}  {:>10.0}  {:>5.2}  {:>16.3}",
            median(|cell| cell.0),
            median(|cell| cell.1),
            median(|cell| cell.2),
            median(|cell| cell.3),
        );
    }
    std::fs::remove_file(script).unwrap();
}

/// Delivers for a while from `clients` instances, each with one connection as in Lambda.
async fn accept(
    database: &TestDatabase,
    queue: &str,
    clients: usize,
    serial: &Arc<AtomicU64>,
) -> (u64, f64) {
    let began = Instant::now();
    let mut instances = Vec::new();
    for client in 0..clients {
        let repository = REPOSITORY + client as i64;
        let config = Config {
            database_url: Secret::literal("DATABASE_URL", database.functions_url()),
            github_secret: Secret::literal("GITHUB_WEBHOOK_SECRET", github::SECRET),
            runs_queue_url: queue.to_owned(),
        };
        let one = Database::open(&database.functions_url()).unwrap();
        let deps = Deps::with_database(config, one);
        let serial = Arc::clone(serial);
        let mut payload = github::pull_request(repository, 1, &"a".repeat(40), &"c".repeat(40));
        instances.push(tokio::spawn(async move {
            let mut accepted = 0;
            while began.elapsed() < CELL {
                let number = serial.fetch_add(1, Ordering::Relaxed);
                let head = format!("{number:040x}");
                payload["number"] = number.into();
                payload["pull_request"]["number"] = number.into();
                payload["pull_request"]["head"]["sha"] = head.into();
                let request = github::delivery(
                    &format!("bench-{number}"),
                    "pull_request",
                    payload.to_string(),
                );
                let response = handle(&deps, request).await;
                assert_eq!(response.status(), 202);
                accepted += 1;
            }
            accepted
        }));
    }
    let mut accepted = 0;
    for instance in instances {
        accepted += instance.await.unwrap();
    }
    (accepted, began.elapsed().as_secs_f64())
}

fn pgbench(url: &str, script: &std::path::Path, clients: usize) -> f64 {
    #[expect(clippy::disallowed_methods, reason = "a bench has no settings of its own")]
    let program = std::env::var("PGBENCH").unwrap_or_else(|_| "pgbench".to_owned());
    let clients = clients.to_string();
    let output = Command::new(&program)
        .args(["-n", "-M", "prepared", "-j", "1", "-T", &CELL.as_secs().to_string()])
        .args(["-c", &clients, "-f"])
        .arg(script)
        .arg(url)
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}; set PGBENCH to its path"));
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().find(|line| line.starts_with("tps = "));
    let line = line.unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    line.split_whitespace().nth(2).unwrap().parse().unwrap()
}

/// Transactions that wrote, by the ids that only they are given. Nobody else may write to this
/// server meanwhile; the pool's "are you there" is no write and is not counted.
async fn commits(sql: &Client) -> i64 {
    sql.query_one("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint", &[])
        .await
        .unwrap()
        .get(0)
}

/// An SQS that confirms every message.
async fn queue_sink() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let answer = || async { Json(json!({ "MessageId": "1", "MD5OfMessageBody": "" })) };
    let router = Router::new().fallback(post(answer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}{SINK_PATH}")
}
