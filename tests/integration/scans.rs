//! Scans of all the code of a branch: fanned out, joined, reported. A real git server, the real
//! orchestrator, a real Postgres.

mod following;
pub(crate) mod place;

use std::time::Duration;

use domain::RunId;
use http::Method;
use serde_json::{Value, json};
use tests::{function::Function, gate::Gate, queue_server::QueueServer};
use tokio_postgres::Client;

use place::{FILES, Place, SHARDS, files, id};

/// Beside the code: one that is too large to be kept, and one that is no text.
fn with_unread(mut files: Vec<(String, String)>) -> Vec<(String, String)> {
    files.push(("data/large.csv".into(), "1,2,3\n".repeat(900_000)));
    files.push(("src/f0500.bin".into(), "\0\u{1}".into()));
    files
}

#[tokio::test]
async fn a_scan_in_shards_finds_what_one_look_at_everything_finds() {
    let place = Place::empty().await;
    let commit = place.commit(&with_unread(files(FILES)), &[]);
    let (scan, run, shards) = place.sharded().await;
    assert_eq!(place.messages().await, shards, "each shard has its message, in order");
    let progress = json!({
        "total": SHARDS, "waiting": SHARDS, "running": 0, "succeeded": 0, "failed": 0, "canceled": 0,
    });
    assert_eq!(place.scan(scan).await["shards"], progress);

    // Three workers at once, the last shard first.
    let mut order = shards.clone();
    order.reverse();
    let [a, b, c] = order[..] else { panic!("{order:?}") };
    tokio::join!(place.deliver(a), place.deliver(b), place.deliver(c));
    assert_eq!(place.messages().await, [run], "the scan is woken, and once");
    place.deliver(run).await;
    assert_eq!(place.status(run).await, "succeeded");
    let shown = place.assert_complete(scan).await;

    let expected = place.unsharded(&commit).await;
    assert!(expected.severities().len() >= 2, "{:?}", expected.severities());
    let query = "SELECT (summary ->> 'processed')::integer FROM runs WHERE parent_run_id = $1
           AND (SELECT sum(value::integer) FROM jsonb_each_text(summary -> 'findings')) > 0
         ORDER BY (input ->> 'first')::integer";
    let rows = place.sql.query(query, &[run.as_uuid()]).await.unwrap();
    let per_shard: Vec<i32> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(per_shard, [500, 500, 2], "each shard has files, and finds something in them");

    assert_eq!((&shown["branch"], &shown["commit"]), (&json!("main"), &json!(commit)));
    assert_eq!(shown["shards"]["succeeded"], SHARDS);
    assert_eq!(
        (&shown["results"]["files"], &shown["results"]["unanalysed"]),
        (&json!(1003), &json!(2))
    );
    assert_eq!(shown["results"]["changes"], json!(null), "there was none before");
    let analysis = id(&shown["analysis_id"]);
    let query = "SELECT coverage, kind, verdict, status, counts FROM analyses WHERE id = $1";
    let kept = place.sql.query_one(query, &[&analysis]).await.unwrap();
    assert_eq!(kept.get::<_, Value>(0), json!(expected.coverage));
    assert_eq!(
        (kept.get::<_, &str>(1), kept.get::<_, Option<&str>>(2), kept.get::<_, &str>(3)),
        ("project", None, "completed")
    );
    assert_eq!(kept.get::<_, Value>(4)["total"], expected.scan.findings.len());

    let before = place.steps(run).await;
    place.deliver(run).await;
    assert_eq!(place.steps(run).await, before, "a second message is nobody's work");
    assert!(place.messages().await.is_empty());
}

#[tokio::test]
async fn the_report_cites_what_it_says_and_each_scan_of_a_branch_is_a_version() {
    let place = Place::empty().await;
    let mut code = with_unread(files(FILES));
    let first = place.commit(&code, &[]);
    let (scan, run) = place.request().await;
    assert_eq!(place.work().await, 2 + SHARDS);
    let before = place.assert_complete(scan).await;

    let query = "SELECT summary FROM runs WHERE id = $1";
    let summary: Value = place.sql.query_one(query, &[run.as_uuid()]).await.unwrap().get(0);
    let report = id(&before["results"]["report_artifact_id"]);
    assert_eq!(
        summary,
        json!({
            "files": 1003, "shards": SHARDS, "findings": before["results"]["findings"],
            "report": report, "processed": 1003,
        })
    );
    let artifact = place.get(&format!("/v1/artifacts/{report}")).await;
    assert_eq!((&artifact["kind"], &artifact["version"]), (&json!("SCAN_REPORT"), &json!(1)));
    let text = artifact["content"]["markdown"].as_str().unwrap();
    for part in [
        first.as_str(),
        "1003 files, 1001 of them parsed",
        "1 files: file\\_too\\_large",
        "- data/large.csv",
        "- src/f0500.bin",
        "No scan of this branch was completed before.",
    ] {
        assert!(text.contains(part), "{part} is missing: {text}");
    }
    let citations = artifact["citations"].as_array().unwrap();
    let all = before["findings_count"].as_u64().unwrap() as usize;
    assert_eq!(citations.len(), all.min(25));
    for citation in citations {
        let finding = citation["source_ref"].as_str().unwrap();
        let finding = place.get(&format!("/v1/findings/{finding}")).await;
        assert_eq!(finding["analysis_id"], before["analysis_id"]);
        assert_eq!(finding["snippet_hash"], citation["payload"]["snippet_hash"]);
    }

    // One flaw goes, one comes, and one moves down within its file.
    code[0].1 = "FIXED = True\n".into();
    code[1].1 = "def start(other):\n    eval(other)\n".into();
    code[100].1 = format!("\n\n{}", code[100].1);
    place.commit(&code, &[&first]);
    let (scan, _) = place.request().await;
    place.work().await;
    let after = place.assert_complete(scan).await;
    let changes = &after["results"]["changes"];
    assert_eq!(changes["since_scan_id"], before["id"]);
    let gone = place.unsharded(&first).await;
    let gone = gone.scan.findings.iter().filter(|one| one.path == "src/f0000.py").count();
    assert_eq!((&changes["new"], &changes["fixed"]), (&json!(1), &json!(gone)), "{changes}");
    assert_eq!((&changes["persisting"], &changes["not_checked"]), (&json!(all - gone), &json!(0)));
    let report = id(&after["results"]["report_artifact_id"]);
    let artifact = place.get(&format!("/v1/artifacts/{report}")).await;
    assert_eq!(artifact["version"], 2);
}

#[tokio::test]
async fn a_commit_without_files_is_scanned_at_once() {
    let place = Place::empty().await;
    let commit = place.commit(&[], &[]);
    let (scan, run) = place.request().await;
    place.deliver(run).await;
    assert_eq!(place.status(run).await, "succeeded");
    let shown = place.scan(scan).await;
    assert_eq!((&shown["status"], &shown["commit"]), (&json!("completed"), &json!(commit)));
    assert_eq!((&shown["shards"]["total"], &shown["results"]["files"]), (&json!(0), &json!(0)));
    assert!(place.messages().await.is_empty());
}

#[tokio::test]
async fn a_branch_that_is_not_there_ends_the_scan_and_says_so() {
    let place = Place::empty().await;
    place.commit(&files(1), &[]);
    let body = json!({ "repository_id": place.repository, "branch": "gone" });
    let asked = place.world.post("/v1/scans", &place.key, &body).await.json();
    place.deliver(RunId::new(id(&asked["run_id"]))).await;
    let shown = place.scan(id(&asked["scan_id"])).await;
    assert_eq!(
        (&shown["status"], &shown["run_status"], &shown["error_code"]),
        (&json!("failed"), &json!("failed"), &json!("commit_not_found"))
    );
    assert!(shown["error"].as_str().unwrap().contains("no branch `gone`"), "{shown}");
}

/// Has the middle shard fail, because its snapshot is away for a moment, and the others succeed.
async fn with_a_failed_shard(place: &Place) -> (uuid::Uuid, RunId, Vec<RunId>) {
    let (scan, run, shards) = place.sharded().await;
    let commit = place.scan(scan).await["commit"].as_str().unwrap().parse().unwrap();
    let snapshot = place.snapshot_path(&commit);
    let aside = snapshot.with_extension("aside");
    std::fs::rename(&snapshot, &aside).unwrap();
    place.deliver(shards[1]).await;
    std::fs::rename(&aside, &snapshot).unwrap();
    assert_eq!(place.status(shards[1]).await, "failed");
    assert_eq!(place.status(run).await, "waiting", "the others may still succeed");
    place.deliver(shards[2]).await;
    place.deliver(shards[0]).await;
    place.deliver(run).await;
    (scan, run, shards)
}

#[tokio::test]
async fn a_shard_that_fails_fails_the_scan_and_the_others_stay() {
    let place = Place::new().await;
    let (scan, run, shards) = with_a_failed_shard(&place).await;
    let shown = place.scan(scan).await;
    assert_eq!(
        (&shown["status"], &shown["run_status"], &shown["error_code"]),
        (&json!("failed"), &json!("failed"), &json!("child_failed"))
    );
    let error = shown["error"].as_str().unwrap();
    assert!(error.contains("1 of 3 shards") && error.contains(&shards[1].to_string()), "{error}");
    assert_eq!(shown["results"], json!(null));
    assert_eq!((&shown["shards"]["succeeded"], &shown["shards"]["failed"]), (&json!(2), &json!(1)));
    let steps = place.steps(run).await;
    let steps: Vec<(&str, &str)> = steps.iter().map(|step| (&*step.0, &*step.1)).collect();
    assert_eq!(steps, [("fetch", "succeeded"), ("shard", "succeeded"), ("join", "failed")]);
    assert!(!place.findings(scan).await.is_empty(), "what the others found is kept");
    assert!(place.messages().await.is_empty());
}

#[tokio::test]
async fn going_on_with_a_scan_does_only_what_failed() {
    let place = Place::new().await;
    let (scan, run, shards) = with_a_failed_shard(&place).await;
    let (inherited, kept) = (place.steps(run).await, place.steps(shards[0]).await);

    let retry = format!("/v1/runs/{run}/retry");
    let answer = place.world.send_json(Method::POST, &retry, &place.key, &json!(null)).await;
    assert_eq!(answer.status, 201, "{}", answer.json());
    let next = RunId::new(id(&answer.json()["id"]));
    let again = place.shards(next).await;
    assert_eq!(again.len(), 1, "only the shard that failed is begun anew");
    assert_eq!(place.scan(scan).await["run_id"], json!(next), "it is the same scan");
    let progress = place.scan(scan).await["shards"].clone();
    assert_eq!((&progress["succeeded"], &progress["waiting"]), (&json!(2), &json!(1)));
    // The run that goes on parks until the shard is done, and is woken by it.
    assert_eq!(place.work().await, 3);
    place.assert_complete(scan).await;

    let steps = place.steps(next).await;
    assert_eq!(steps[..2], inherited[..2], "fetched and divided once, by the run that failed");
    let attempts: Vec<(&str, i32)> = steps.iter().map(|step| (&*step.0, step.2)).collect();
    assert_eq!(attempts, [("fetch", 1), ("shard", 1), ("join", 2), ("report", 1)]);
    assert_eq!(place.steps(again[0]).await[0].2, 2, "the second attempt at this shard");
    assert_eq!(place.steps(shards[0]).await, kept);
    assert_eq!(place.world.count("runs WHERE kind = 'scan_shard'").await, 4);
    assert_eq!(place.world.count("analyses").await, 1);
    assert_eq!(place.world.count("artifacts").await, 1);
}

#[tokio::test]
async fn an_old_failed_scan_is_not_gone_on_with_while_the_branch_is_scanned_anew() {
    let place = Place::new().await;
    let (_, failed, _) = with_a_failed_shard(&place).await;
    let (_, open) = place.request().await;
    let retry = format!("/v1/runs/{failed}/retry");
    let refused = place.world.send_json(Method::POST, &retry, &place.key, &json!(null)).await;
    assert_eq!(refused.status, 409, "{}", refused.json());
    let detail = refused.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains(&open.to_string()), "it says which one: {detail}");
    assert_eq!(place.world.count("runs WHERE kind = 'codebase_scan'").await, 2);

    let cancel = format!("/v1/runs/{open}/cancel");
    place.world.send_json(Method::POST, &cancel, &place.key, &json!(null)).await;
    let answer = place.world.send_json(Method::POST, &retry, &place.key, &json!(null)).await;
    assert_eq!(answer.status, 201, "nobody does the same any more: {}", answer.json());
    let again = place.world.send_json(Method::POST, &retry, &place.key, &json!(null)).await;
    assert_eq!((again.status.as_u16(), &again.json()["id"]), (200, &answer.json()["id"]));
}

#[tokio::test]
async fn canceling_a_scan_cancels_the_shards_that_are_open() {
    let place = Place::new().await;
    let (scan, run, shards) = place.sharded().await;
    place.deliver(shards[0]).await;
    let cancel = format!("/v1/runs/{run}/cancel");
    let answer = place.world.send_json(Method::POST, &cancel, &place.key, &json!(null)).await;
    assert_eq!(answer.json()["status"], "canceled");

    let mut statuses = Vec::new();
    for shard in &shards {
        // Their messages are still on their way.
        place.deliver(*shard).await;
        statuses.push(place.status(*shard).await);
    }
    assert_eq!(statuses, ["succeeded", "canceled", "canceled"]);
    place.deliver(run).await;
    assert_eq!(place.status(run).await, "canceled");
    let steps: Vec<String> = place.steps(shards[2]).await.into_iter().map(|step| step.1).collect();
    assert_eq!(steps, ["canceled"]);
    let shown = place.scan(scan).await;
    assert_eq!((&shown["status"], &shown["run_status"]), (&json!("failed"), &json!("canceled")));
    assert_eq!(place.world.count("analyses WHERE status <> 'failed'").await, 0);
    assert!(!place.messages().await.contains(&run), "nobody waits any more");
    let (other, _) = place.request().await;
    assert_ne!(other, scan, "it can be asked for anew");
}

/// How many connections to this database wait for someone's lock.
async fn waiting_for_locks(sql: &Client) -> i64 {
    let query = "SELECT count(*) FROM pg_stat_activity
                 WHERE datname = current_database() AND wait_event_type = 'Lock'";
    sql.query_one(query, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn the_last_two_shards_that_end_at_the_same_moment_wake_the_scan_once() {
    let place = Place::new().await;
    let (scan, run, shards) = place.sharded().await;
    place.deliver(shards[1]).await;
    // A shard's findings need the scan's analysis: with that held, one worker stands in the middle
    // of its ending, and the other one, whose shard is small, soon in front of it.
    let mut holder = place.world.database.sql().await;
    let held = holder.transaction().await.unwrap();
    let lock = "SELECT FROM analyses WHERE run_id = $1 FOR UPDATE";
    assert_eq!(held.execute(lock, &[run.as_uuid()]).await.unwrap(), 1);
    let until_waiting = async |wanted| {
        while waiting_for_locks(&place.sql).await < wanted {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let following = async {
        until_waiting(1).await;
        place.deliver(shards[2]).await;
    };
    let letting_go = async {
        until_waiting(2).await;
        held.commit().await.unwrap();
    };
    tokio::join!(place.deliver(shards[0]), following, letting_go);

    let ended = [place.status(shards[0]).await, place.status(shards[2]).await];
    assert_eq!(ended, ["succeeded", "succeeded"]);
    assert_eq!(place.status(run).await, "queued");
    assert_eq!(place.messages().await, [run], "one of them woke it, and the other did not");
    place.deliver(run).await;
    place.assert_complete(scan).await;
    assert_eq!(place.world.count("artifacts").await, 1);
}

#[tokio::test]
async fn a_worker_that_is_killed_before_it_could_wake_the_scan_is_made_up_for() {
    let place = Place::new().await;
    let (scan, run, shards) = place.sharded().await;
    place.deliver(shards[0]).await;
    place.deliver(shards[1]).await;

    // The queue is there and does not answer: the worker has committed, and tries to send.
    let queues = QueueServer::start().await;
    let address = queues.endpoint().trim_start_matches("http://").parse().unwrap();
    let gate = Gate::closed(address).await;
    let settings = place.settings(&format!("http://{}", gate.address()));
    let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let worker = Function::start("run_orchestrator", &settings).await;
    let answer = worker.begin(place.event(shards[2]));
    gate.someone_waits().await;
    worker.kill().await;
    drop(answer);
    assert_eq!(place.status(shards[2]).await, "succeeded");
    assert_eq!(place.status(run).await, "queued", "the shard's end and the waking are one");
    assert!(queues.sent().is_empty());

    let due = "UPDATE outbox SET next_at = now() - interval '1 second'";
    place.sql.execute(due, &[]).await.unwrap();
    place.sql.execute("UPDATE repositories SET next_sync_at = NULL", &[]).await.unwrap();
    let settings = place.settings(&queues.endpoint());
    let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let scheduler = Function::start("scheduler", &settings).await;
    scheduler.invoke(json!({})).await.unwrap();
    let sent = queues.sent();
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert_eq!((sent[0].0.as_str(), &sent[0].1["run_id"]), ("runs", &json!(run)));

    let worker = Function::start("run_orchestrator", &settings).await;
    worker.invoke(place.event(run)).await.unwrap();
    place.assert_complete(scan).await;
}

#[tokio::test]
async fn workers_that_vanish_at_any_moment_leave_each_finding_once() {
    let place = Place::new().await;
    let (scan, _) = place.request().await;
    let mut vanished = 0;
    for patience_ms in (20..).step_by(45) {
        let Some(run) = place.messages().await.first().copied().or(place.held().await) else {
            break;
        };
        let patience = Duration::from_millis(patience_ms);
        if tokio::time::timeout(patience, place.deliver(run)).await.is_err() {
            vanished += 1;
            place.expire(run).await;
        }
    }
    assert!(vanished >= 3, "the workers were hardly disturbed");
    place.assert_complete(scan).await;
    assert_eq!(place.world.count("artifacts").await, 1);
    assert_eq!(place.world.count("runs WHERE kind = 'scan_shard'").await, SHARDS as i64);
}
