//! How long a webhook takes to its verdict, through the whole local stack.
//!
//! Signed webhooks about an empty repository are sent to the deployed intake, one after the
//! other and then several at a time, and the rows that they lead to say when what happened:
//! intake (sent to run written), queue (written to claimed), claim (claimed to first step
//! begun), steps (first step begun to verdict committed). All clocks are this machine's.
//!
//! Settings: `ASSAY_STACK` names the state file of a running stack (`cargo local up` writes
//! .local/state.json); `BENCH_WEBHOOKS` is how many are sent at each concurrency, 60.
//! Run it on an idle machine: `cargo bench -p tests --bench stack`. What it prints is mostly the
//! local endpoint's time: it asks its queues and starts its functions more slowly than AWS.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench: panicking and printing are the report"
)]

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use domain::{CommitSha, OrgId, RunId};
use jiff::Timestamp;
use serde_json::Value;
use store::{
    Database,
    organizations::{self, NewOrganization},
    repositories::{self, NewRepository},
};
use tests::{git_server::GitServer, github};
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

const WEBHOOKS: usize = 60;
const AT_ONCE: [usize; 2] = [1, 4];
/// Sent before any is counted, so that every function has started.
const WARM_UP: usize = 3;

const PATIENCE: Duration = Duration::from_secs(120);
/// Between two looks at a run; the times themselves come from its rows.
const POLL: Duration = Duration::from_millis(25);

/// When what happened to one webhook.
#[derive(Debug, Clone, Copy)]
struct Way {
    sent: Timestamp,
    answered: Timestamp,
    written: Timestamp,
    claimed: Timestamp,
    begun: Timestamp,
    finished: Timestamp,
}

/// A part of the way, by its name.
type Part = (&'static str, fn(&Way) -> (Timestamp, Timestamp));

const PARTS: [Part; 6] = [
    ("intake", |way| (way.sent, way.written)),
    ("queue", |way| (way.written, way.claimed)),
    ("claim", |way| (way.claimed, way.begun)),
    ("steps", |way| (way.begun, way.finished)),
    ("sent to verdict", |way| (way.sent, way.finished)),
    ("sent to answer", |way| (way.sent, way.answered)),
];

/// The deployed stack, and a repository that it knows.
struct Stack {
    webhook_url: String,
    secret: String,
    database_url: String,
    http: reqwest::Client,
    github_id: i64,
    base: CommitSha,
    head: CommitSha,
    /// The number of the next pull request: each webhook is about one of its own.
    next: AtomicI64,
}

#[tokio::main]
async fn main() {
    let server = GitServer::start().await;
    let stack = Arc::new(Stack::open(&server).await);
    let webhooks = webhooks();
    for _ in 0..WARM_UP {
        stack.deliver().await;
    }
    println!("| at once | part | median ms | p95 ms |");
    println!("|---:|---|---:|---:|");
    for at_once in AT_ONCE {
        let ways = deliver_all(&stack, webhooks, at_once).await;
        for (name, part) in PARTS {
            let mut took: Vec<f64> = ways
                .iter()
                .map(part)
                .map(|(from, to)| to.duration_since(from).as_secs_f64() * 1e3)
                .collect();
            took.sort_by(f64::total_cmp);
            let at = |percent: usize| took[(took.len() * percent / 100).min(took.len() - 1)];
            println!("| {at_once} | {name} | {:.1} | {:.1} |", at(50), at(95));
        }
    }
    println!("\n{webhooks} webhooks each, every one its own run and a verdict");
}

async fn deliver_all(stack: &Arc<Stack>, webhooks: usize, at_once: usize) -> Vec<Way> {
    let left = Arc::new(AtomicI64::new(webhooks as i64));
    let senders: Vec<_> = (0..at_once)
        .map(|_| {
            let (stack, left) = (Arc::clone(stack), Arc::clone(&left));
            tokio::spawn(async move {
                let mut ways = Vec::new();
                while left.fetch_sub(1, Ordering::Relaxed) > 0 {
                    ways.push(stack.deliver().await);
                }
                ways
            })
        })
        .collect();
    let mut ways = Vec::new();
    for sender in senders {
        ways.extend(sender.await.unwrap());
    }
    ways
}

impl Stack {
    async fn open(server: &GitServer) -> Self {
        let path = setting("ASSAY_STACK")
            .expect("ASSAY_STACK is not set: run `cargo local up` and name .local/state.json");
        let path = PathBuf::from(path);
        let text = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}; run `cargo local up`", path.display()));
        let state: Value = serde_json::from_str(&text).unwrap();
        let text = |pointer: &str| match state.pointer(pointer).and_then(Value::as_str) {
            Some(text) => text.to_owned(),
            None => panic!("{} has no {pointer}: run `cargo local up`", path.display()),
        };
        let secret = std::fs::read_to_string(path.with_file_name("webhook-secret")).unwrap();
        // Only plain http on this machine is asked, but the client wants to know its TLS.
        let _ = rustls::crypto::ring::default_provider().install_default();

        let git = server.repository("empty");
        let base = git.commit_files(&[], "main", &[]);
        let head = git.commit_files(&[], "change", &[&base]);
        let github_id = i64::from(Uuid::now_v7().as_u128() as u32);
        let database_url = text("/postgres/owner_url");
        register(&database_url, github_id, &server.url("empty")).await;
        Self {
            webhook_url: format!("{}/github", text("/stack/webhook_url")),
            secret: secret.trim().to_owned(),
            database_url,
            http: reqwest::Client::builder().timeout(PATIENCE).build().unwrap(),
            github_id,
            base,
            head,
            next: AtomicI64::new(1),
        }
    }

    /// Sends one webhook, and waits for its verdict.
    async fn deliver(&self) -> Way {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (head, base) = (self.head.as_str(), self.base.as_str());
        let body = github::pull_request(self.github_id, number, head, base).to_string();
        let signature = github::signature_by(&self.secret, body.as_bytes());
        let sql = connect(&self.database_url).await;
        let request = self
            .http
            .post(&self.webhook_url)
            .header("content-type", "application/json")
            .header("x-github-event", "pull_request")
            .header("x-github-delivery", Uuid::now_v7().to_string())
            .header("x-hub-signature-256", signature)
            .body(body);
        let sent = now();
        let response = request.send().await.unwrap();
        let answered = now();
        let (status, answer) = (response.status(), response.text().await.unwrap());
        assert_eq!(status, 202, "{answer}");
        let answer: Value = serde_json::from_str(&answer).unwrap();
        let run: RunId = answer["run_id"].as_str().unwrap().parse().unwrap();
        way(&sql, run, sent, answered).await
    }
}

/// Waits for the end of a run and reads when it came that far.
async fn way(sql: &Client, run: RunId, sent: Timestamp, answered: Timestamp) -> Way {
    let times = "SELECT r.status, r.created_at, r.started_at, r.finished_at, r.error,
                        (SELECT min(s.started_at) FROM run_steps s WHERE s.run_id = r.id) AS begun
                 FROM runs r WHERE r.id = $1";
    let times = sql.prepare(times).await.unwrap();
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let row = sql.query_one(&times, &[run.as_uuid()]).await.unwrap();
        match row.get("status") {
            "succeeded" => {
                return Way {
                    sent,
                    answered,
                    written: row.get("created_at"),
                    claimed: row.get("started_at"),
                    begun: row.get("begun"),
                    finished: row.get("finished_at"),
                };
            }
            "failed" | "canceled" => {
                panic!("run {run}: {:?}", row.get::<_, Option<&str>>("error"))
            }
            status => {
                let is_over = tokio::time::Instant::now() > deadline;
                assert!(!is_over, "run {run} is still {status}: see `cargo local logs`");
            }
        }
        tokio::time::sleep(POLL).await;
    }
}

/// An organisation of the bench's own, next to whatever else the stack holds, and its repository.
async fn register(database_url: &str, github_id: i64, clone_url: &str) {
    let org = OrgId::new(Uuid::now_v7());
    let login = format!("stack-bench-{}", Uuid::now_v7().simple());
    let database = Database::open(database_url).unwrap();
    let mut session = database.session().await.unwrap();
    let tx = session.begin(org).await.unwrap();
    let organization =
        NewOrganization { id: org, github_id: None, login: &login, name: &login, avatar_url: None };
    assert!(organizations::insert(&tx, &organization).await.unwrap());
    let repository = NewRepository {
        provider: "github",
        github_id: Some(github_id),
        installation: None,
        owner: &login,
        name: "empty",
        full_name: &format!("{login}/empty"),
        private: false,
        default_branch: "main",
        clone_url,
        html_url: None,
    };
    assert!(repositories::insert(&tx, org, &repository).await.unwrap().is_some());
    tx.commit().await.unwrap();
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls)
        .await
        .unwrap_or_else(|error| panic!("the stack's Postgres does not answer: {error}"));
    tokio::spawn(connection);
    client
}

fn webhooks() -> usize {
    let Some(text) = setting("BENCH_WEBHOOKS") else { return WEBHOOKS };
    let number = text.parse().ok().filter(|number| *number > 0);
    number.unwrap_or_else(|| panic!("BENCH_WEBHOOKS is `{text}`: give a whole number above 0"))
}

#[expect(clippy::disallowed_methods, reason = "the functions' settings are not a bench's")]
fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

#[expect(clippy::disallowed_methods, reason = "the sender's clock is also the database's")]
fn now() -> Timestamp {
    Timestamp::now()
}
