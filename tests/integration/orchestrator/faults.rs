//! What becomes of a run when a step fails, a worker vanishes, or time runs out.

use std::time::Duration;

use domain::CommitSha;
use lambda_runtime::{Context, LambdaEvent};
use run_orchestrator::{Config, Deps, handle};
use store::runs::CLAIMS_MAX;
use tests::{function::Function, gate::Gate, git_server::GitServer, queue_server::QueueServer};

use super::{BASE, HEAD, NEW_FLAWS, Place};

/// An address at which nobody listens.
const NOBODY: &str = "127.0.0.1:1";

#[tokio::test]
async fn what_cannot_succeed_ends_the_run_and_says_why() {
    let place = Place::new().await;
    let deps = place.deps();
    let missing: CommitSha = "d".repeat(40).parse().unwrap();
    let run = place.request(&missing, None, Some(7)).await;
    assert!(!place.deliver(&deps, run).await, "another delivery would change nothing");
    let history = place.history(run).await;
    assert_eq!(history.status, "failed");
    assert_eq!(history.error_code.as_deref(), Some("commit_not_found"));
    assert_eq!(history.analysis.as_deref(), Some("failed"), "even though it never began");
    assert_eq!(history.steps, ["fetch failed"]);
    assert_eq!(history.outbox, ["notify"], "whoever waits for the verdict is told");

    // An address that no operator allowed.
    let forbidden = place.database.repository(place.org, 2, "http://127.0.0.1:1/x").await;
    let place = Place { repository: forbidden, ..place };
    let run = place.pull_request().await;
    assert!(!place.deliver(&deps, run).await);
    assert_eq!(place.history(run).await.error_code.as_deref(), Some("address_refused"));
}

#[tokio::test]
async fn a_passing_trouble_gives_the_run_back_and_it_succeeds_later() {
    let place = Place::new().await;
    let deps = place.deps();
    let run = place.pull_request().await;
    let sql = place.database.sql().await;
    // The server is allowed and does not answer.
    let silent = format!("http://{NOBODY}/nobody");
    let point = "UPDATE repositories SET clone_url = $1";
    sql.execute(point, &[&silent]).await.unwrap();
    let elsewhere =
        Deps::new(Config { private_git_hosts: NOBODY.to_owned(), ..place.config() }).unwrap();
    assert!(!place.deliver(&elsewhere, run).await, "its next attempt is written down already");
    let history = place.history(run).await;
    assert_eq!((history.status.as_str(), history.steps.len()), ("queued", 0));
    assert_eq!(history.outbox, ["runs"]);
    let query = "SELECT last_error, extract(epoch FROM wake_at - updated_at)::float8 FROM runs";
    let row = sql.query_one(query, &[]).await.unwrap();
    assert!(row.get::<_, &str>(0).contains("did not answer"), "{}", row.get::<_, &str>(0));
    assert!((4.9..=10.0).contains(&row.get::<_, f64>(1)), "after 5 to 10 seconds");
    // However long the next look takes, it comes before that time.
    sql.execute("UPDATE runs SET wake_at = wake_at + interval '1 hour'", &[]).await.unwrap();
    assert!(!place.deliver(&deps, run).await);
    assert_eq!(place.history(run).await.status, "queued", "not before its time");

    sql.execute(point, &[&place.server.url("shop")]).await.unwrap();
    sql.execute("UPDATE runs SET wake_at = now()", &[]).await.unwrap();
    assert!(!place.deliver(&deps, run).await);
    assert_eq!(place.history(run).await.status, "succeeded");
}

#[tokio::test]
async fn a_run_that_is_given_up_leaves_no_analysis_that_looks_busy() {
    let place = Place::new().await;
    let run = place.pull_request().await;
    let sql = place.database.sql().await;
    let spend = "UPDATE runs SET claims_since_progress = $1, last_error = 'out of memory'";
    sql.execute(spend, &[&CLAIMS_MAX]).await.unwrap();
    assert!(!place.deliver(&place.deps(), run).await);
    let history = place.history(run).await;
    assert_eq!(history.error_code.as_deref(), Some("max_attempts_exceeded"));
    assert_eq!(history.analysis.as_deref(), Some("failed"));
    assert_eq!(history.outbox, ["notify"]);
}

#[tokio::test]
async fn too_little_time_hands_the_run_on_without_counting_as_trouble() {
    let place = Place::new().await;
    let run = place.pull_request().await;
    let deps = place.deps();
    let mut context = Context::default();
    context.deadline = in_a_moment_ms();
    let event = serde_json::from_value(place.event(run)).unwrap();
    let response = handle(&deps, LambdaEvent::new(event, context)).await.unwrap();
    assert!(response.batch_item_failures.is_empty(), "the next message is written down already");
    let history = place.history(run).await;
    assert_eq!((history.status.as_str(), history.steps.len()), ("queued", 0));
    assert_eq!(history.outbox, ["runs"]);
    let sql = place.database.sql().await;
    let row = sql.query_one("SELECT last_error FROM runs", &[]).await.unwrap();
    assert_eq!(row.get::<_, Option<&str>>(0), None);

    place.deliver(&deps, run).await;
    assert_eq!(place.history(run).await.status, "succeeded");
}

#[expect(clippy::disallowed_methods, reason = "Lambda tells a function its deadline in wall time")]
fn in_a_moment_ms() -> u64 {
    use std::time::{SystemTime, UNIX_EPOCH};
    let soon = SystemTime::now() + Duration::from_secs(15);
    soon.duration_since(UNIX_EPOCH).unwrap().as_millis() as u64
}

#[tokio::test]
async fn a_worker_that_vanishes_at_any_moment_leaves_each_effect_once() {
    let place = Place::new().await;
    let undisturbed = place.pull_request().await;
    place.deliver(&place.deps(), undisturbed).await;
    let expected = place.history(undisturbed).await;

    let disturbed = place.pull_request().await;
    let sql = place.database.sql().await;
    let mut vanished = 0;
    for patience_ms in (5..).step_by(35) {
        // A new instance each time, as after a crash: nothing of the last one is remembered.
        let deps = place.deps();
        let patience = Duration::from_millis(patience_ms);
        if tokio::time::timeout(patience, place.deliver(&deps, disturbed)).await.is_ok() {
            break;
        }
        vanished += 1;
        place.expire(disturbed).await;
        // This test is not about giving up.
        sql.execute("UPDATE runs SET claims_since_progress = 0 WHERE status = 'running'", &[])
            .await
            .unwrap();
    }
    assert!(vanished >= 3, "the worker was hardly disturbed");
    assert_eq!(place.history(disturbed).await, expected);
}

/// A pull request whose fetch stands before a closed gate.
async fn gated() -> (Place, Gate) {
    let server = GitServer::start().await;
    let git = server.repository("shop");
    let base = git.commit(BASE.as_ref(), "main", &[]);
    let head = git.commit(HEAD.as_ref(), "change", &[&base]);
    let gate = Gate::closed(server.address()).await;
    let url = format!("http://{}/shop", gate.address());
    (Place::around(server, git, &url, base, head).await, gate)
}

#[tokio::test]
async fn a_worker_that_was_overtaken_stops_quietly_and_writes_nothing() {
    let (place, gate) = gated().await;
    let run = place.pull_request().await;
    let deps = || {
        let private_git_hosts = gate.address().to_string();
        Deps::new(Config { private_git_hosts, ..place.config() }).unwrap()
    };
    let (slow, fast) = (deps(), deps());
    let overtaken = async {
        assert!(!place.deliver(&slow, run).await, "nobody has to send its message again");
    };
    let overtaking = async {
        gate.someone_waits().await;
        place.expire(run).await;
        let others = async { assert!(!place.deliver(&fast, run).await) };
        let opener = async {
            while place.attempts(run).await < 2 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            gate.open();
        };
        tokio::join!(others, opener);
    };
    tokio::join!(overtaken, overtaking);

    let history = place.history(run).await;
    assert_eq!((history.status.as_str(), history.new_flaws()), ("succeeded", NEW_FLAWS.to_vec()));
    let sql = place.database.sql().await;
    let stale = "SELECT count(*) FROM run_steps WHERE lease_token <> 2";
    assert_eq!(sql.query_one(stale, &[]).await.unwrap().get::<_, i64>(0), 0);
}

#[tokio::test]
async fn the_function_that_is_killed_in_a_step_is_followed_by_one_that_finishes() {
    let (place, gate) = gated().await;
    let queues = QueueServer::start().await;
    let settings = place.settings(&gate.address().to_string(), &queues);
    let settings: Vec<(&str, &str)> =
        settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let run = place.pull_request().await;

    let first = Function::start("run_orchestrator", &settings).await;
    let answer = first.begin(place.event(run));
    gate.someone_waits().await;
    first.kill().await;
    drop(answer);
    assert_eq!(place.history(run).await.status, "running", "it was killed while it worked");
    gate.open();

    let second = Function::start("run_orchestrator", &settings).await;
    second.invoke(place.event(run)).await.unwrap();
    assert_eq!(place.history(run).await.steps.len(), 0, "the lease holds until it ends");
    place.expire(run).await;
    second.invoke(place.event(run)).await.unwrap();

    let history = place.history(run).await;
    assert_eq!(
        (history.status.as_str(), history.verdict.as_deref()),
        ("succeeded", Some("failed"))
    );
    assert_eq!(history.new_flaws(), NEW_FLAWS);
    let mut sent: Vec<String> = queues.sent().into_iter().map(|(queue, _)| queue).collect();
    sent.sort();
    assert_eq!(sent, ["attest", "embed", "notify"]);
    assert_eq!(history.outbox, sent, "each row goes when its message is received");
}
