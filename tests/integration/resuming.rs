//! Going on with failed runs, and what runs that belong together make of each other's endings.

use std::{sync::Arc, time::Duration};

use domain::RunId;
use serde_json::{Value, json};
use store::{
    Tx,
    runs::{self, CLAIMS_MAX, Claim, Run},
};
use tests::{
    function::Function,
    github_server::{Fault, Merged},
};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::{
    api::world::{json_request, send},
    scene::{HEAD, Scene, id, sqs_event},
    shop::REPOSITORY,
};

fn message(scene: &Scene, run: Uuid) -> Value {
    json!({ "type": "run_requested", "org_id": scene.org, "run_id": run })
}

async fn start(scene: &Scene) -> Function {
    let settings = scene.settings();
    let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Function::start("run_orchestrator", &settings).await
}

/// The worker dies at every attempt, until the run is given up.
async fn give_up(scene: &Scene, run: Uuid) {
    let expire = "UPDATE runs SET leased_until = clock_timestamp() - interval '1 second',
                      claims_since_progress = $2
                  WHERE id = $1 AND status = 'running'";
    // Progress is what the newest lease has finished; a claim forgets it.
    let touched = scene.sql.execute(expire, &[&run, &CLAIMS_MAX]).await.unwrap();
    assert_eq!(touched, 1);
}

/// The rows of a run's steps, as the database has them.
async fn rows(scene: &Scene, run: Uuid) -> Vec<(String, i32, String, i64)> {
    let query = "SELECT step_id, attempt, finished_at::text, lease_token FROM run_steps
                 WHERE run_id = $1 ORDER BY finished_at";
    let rows = scene.sql.query(query, &[&run]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3))).collect()
}

/// The deployed orchestrator is killed when GitHub has merged and nobody knows it; whoever goes on
/// does only what was not done, and finds the merge.
#[tokio::test]
async fn after_a_kill_only_what_was_not_done_is_done_again() {
    let scene = Scene::new().await;
    let (run, asked) = scene.asked().await;
    assert_eq!(scene.approve(&asked).await.status, 200);
    scene.github.order(Fault::Slow(Duration::from_secs(60)));
    let function = start(&scene).await;
    let answer = function.begin(sqs_event(&message(&scene, run)));
    while scene.github.merges().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    function.kill().await;
    drop(answer);
    // Its successor claims the run and dies too, until nobody tries any more.
    let claimed = "UPDATE runs SET lease_token = lease_token + 1 WHERE id = $1";
    scene.sql.execute(claimed, &[&run]).await.unwrap();
    give_up(&scene, run).await;
    scene.deliver(&message(&scene, run)).await;
    let failed = scene.run(run).await;
    assert_eq!(failed["status"], "failed");
    assert_eq!(failed["error_code"], "max_attempts_exceeded");
    let before = rows(&scene, run).await;
    assert_eq!(before.len(), 3, "{before:?}");

    let answer = scene.post(&format!("/v1/runs/{run}/retry"), &json!(null)).await;
    assert_eq!(answer.status, 201, "{}", answer.json());
    let next = id(&answer.json()["id"]);
    assert_eq!(answer.header(http::header::LOCATION), format!("/v1/runs/{next}"));
    let pending =
        ["plan succeeded 1", "checks succeeded 1", "approve succeeded 1", "merge pending null"];
    assert_eq!(scene.steps(next).await, pending);
    scene.work().await;

    let ended = scene.run(next).await;
    assert_eq!((&ended["status"], &ended["resumes"]), (&json!("succeeded"), &json!(run)));
    let after = rows(&scene, next).await;
    let untouched = |rows: &[(String, i32, String, i64)]| -> Vec<(String, i32, String)> {
        rows.iter().take(3).map(|row| (row.0.clone(), row.1, row.2.clone())).collect()
    };
    assert_eq!(untouched(&after), untouched(&before), "taken over, not done again");
    assert!(after[..3].iter().all(|row| row.3 == 0) && after[3].3 > 0, "{after:?}");
    assert_eq!((after[3].0.as_str(), after[3].1), ("merge", 1));
    let [Merged { pull_request: 7, .. }] = scene.github.merges()[..] else {
        panic!("{:?}", scene.github.merges());
    };
    assert_eq!(scene.github.merge_calls(), 1, "it looked before it called");
    // What had ended stays as it ended.
    let old = scene.run(run).await;
    assert_eq!((&old["status"], &old["resumed_by"]), (&json!("failed"), &json!(next)));
    assert_eq!(rows(&scene, run).await, before);
}

#[tokio::test]
async fn a_failed_step_is_done_again_and_its_attempts_go_on_counting() {
    let scene = Scene::new().await;
    let (run, asked) = scene.asked().await;
    scene.approve(&asked).await;
    scene.github.change(REPOSITORY, 7, |pull| pull.conflicts = true);
    scene.work().await;
    let failed = scene.run(run).await;
    assert_eq!(failed["error_code"], "merge_refused", "{failed}");
    let done = ["plan succeeded 1", "checks succeeded 1", "approve succeeded 1", "merge failed 1"];
    assert_eq!(scene.steps(run).await, done);

    let answer = scene.post(&format!("/v1/runs/{run}/retry"), &json!(null)).await;
    let second = id(&answer.json()["id"]);
    let shown = scene.run(second).await;
    let merge = &shown["steps"][3];
    assert_eq!((&merge["status"], &merge["attempt"]), (&json!("pending"), &json!(1)));
    assert!(merge["error"]["message"].is_string(), "why it failed before is shown: {merge}");
    scene.work().await;
    assert_eq!(scene.steps(second).await[3], "merge failed 2");

    scene.github.change(REPOSITORY, 7, |pull| pull.conflicts = false);
    let answer = scene.post(&format!("/v1/runs/{second}/retry"), &json!(null)).await;
    let third = id(&answer.json()["id"]);
    scene.work().await;
    assert_eq!(
        scene.steps(third).await,
        ["plan succeeded 1", "checks succeeded 1", "approve succeeded 1", "merge succeeded 3"]
    );
    assert_eq!(scene.github.merges()[0].head, HEAD);
    let events = scene.get(&format!("/v1/runs/{third}/events")).await;
    let text = String::from_utf8(events.bytes.to_vec()).unwrap();
    assert!(text.contains(r#""taken_over":["plan","checks","approve"]"#), "{text}");
    assert_eq!(text.matches("event: step-finished").count(), 1, "only what this run did");
}

#[tokio::test]
async fn going_on_twice_is_the_same_run_and_is_announced_once() {
    let scene = Scene::new().await;
    let run = scene.world.failed_run(scene.org, scene.repository).await;
    let path = format!("/v1/runs/{run}/retry");
    let calls = (0..6).map(|_| {
        let request = json_request(http::Method::POST, &path, &scene.key, &json!(null));
        let router = scene.world.instance();
        async move { send(&router, request).await }
    });
    let answers = futures_util::future::join_all(calls).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 200, 200, 200, 201]);
    let next = answers[0].json()["id"].clone();
    for answer in &answers {
        assert_eq!(answer.json()["id"], next);
    }
    let messages = scene.messages().await;
    assert_eq!(messages, [message(&scene, id(&next))]);
    let [entry] = scene.audited("run.retried").await.try_into().unwrap();
    assert_eq!(entry["resource_id"], run.to_string());
    assert_eq!(entry["details"]["run_id"], next);
}

#[tokio::test]
async fn only_a_failed_run_is_gone_on_with_and_only_as_a_whole() {
    let scene = Scene::new().await;
    let refused = async |run: Uuid, says: &str| {
        let answer = scene.post(&format!("/v1/runs/{run}/retry"), &json!(null)).await;
        assert_eq!(answer.problem().0, 409);
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(says), "{detail}");
    };
    for status in ["queued", "succeeded"] {
        refused(scene.world.run(scene.org, scene.repository, status).await, status).await;
    }
    let parent = scene.world.failed_run(scene.org, scene.repository).await;
    let child = scene.world.failed_run(scene.org, scene.repository).await;
    let adopt = "UPDATE runs SET parent_run_id = $2 WHERE id = $1";
    scene.sql.execute(adopt, &[&child, &parent]).await.unwrap();
    refused(child, &parent.to_string()).await;
    let children = &scene.run(parent).await["children"];
    assert_eq!((&children["total"], &children["failed"]), (&json!(1), &json!(1)));
}

/// A parent that waits for two children.
async fn family(scene: &Scene) -> (Uuid, [Uuid; 2]) {
    let mut runs = Vec::new();
    for _ in 0..3 {
        runs.push(scene.world.run(scene.org, scene.repository, "queued").await);
    }
    let wait =
        "UPDATE runs SET kind = 'codebase_scan', status = 'waiting', waiting_for = 'children'
                WHERE id = $1";
    scene.sql.execute(wait, &[&runs[0]]).await.unwrap();
    let adopt = "UPDATE runs SET kind = 'scan_shard', parent_run_id = $1 WHERE id = ANY ($2)";
    scene.sql.execute(adopt, &[&runs[0], &&runs[1..]]).await.unwrap();
    (runs[0], [runs[1], runs[2]])
}

async fn status(scene: &Scene, run: Uuid) -> String {
    let query = "SELECT status FROM runs WHERE id = $1";
    scene.sql.query_one(query, &[&run]).await.unwrap().get(0)
}

#[tokio::test]
async fn a_parent_goes_on_when_its_last_child_is_canceled() {
    let scene = Scene::new().await;
    let (parent, [first, second]) = family(&scene).await;
    let children = &scene.run(parent).await["children"];
    assert_eq!((&children["total"], &children["open"]), (&json!(2), &json!(2)));
    scene.post(&format!("/v1/runs/{first}/cancel"), &json!(null)).await;
    assert_eq!(status(&scene, parent).await, "waiting", "one is still open");
    assert_eq!(scene.messages().await, Vec::<Value>::new());
    scene.post(&format!("/v1/runs/{second}/cancel"), &json!(null)).await;
    assert_eq!(status(&scene, parent).await, "queued");
    assert_eq!(scene.messages().await, [message(&scene, parent)]);
}

/// Each child's ending could see the other one as still open, and nobody would wake the parent.
#[tokio::test]
async fn of_two_children_that_end_at_once_one_wakes_the_parent() {
    let scene = Scene::new().await;
    for round in 0..10 {
        let (parent, children) = family(&scene).await;
        let endings = children.map(|child| {
            let path = format!("/v1/runs/{child}/cancel");
            let request = json_request(http::Method::POST, &path, &scene.key, &json!(null));
            let router = scene.world.instance();
            async move { assert_eq!(send(&router, request).await.status, 200) }
        });
        futures_util::future::join_all(endings).await;
        assert_eq!(status(&scene, parent).await, "queued", "round {round}");
    }
}

/// The same, when both are given up: there it is a claim that ends a run. The second one looks at
/// its sibling after the first has looked, and before that has committed.
#[tokio::test]
async fn of_two_children_that_are_given_up_at_once_one_wakes_the_parent() {
    let scene = Scene::new().await;
    let (parent, children) = family(&scene).await;
    let spend = "UPDATE runs SET claims_since_progress = $2 WHERE id = ANY ($1)";
    scene.sql.execute(spend, &[&&children[..], &CLAIMS_MAX]).await.unwrap();
    let has_claimed = Arc::new(Notify::new());
    let may_look = Arc::new(Notify::new());

    let database = scene.world.database.functions();
    let mut session = database.session().await.unwrap();
    let tx = session.begin(scene.org).await.unwrap();
    let first = given_up(&tx, children[0]).await;
    let (other, org, child) = (database.clone(), scene.org, children[1]);
    let (claimed, look) = (Arc::clone(&has_claimed), Arc::clone(&may_look));
    let second = tokio::spawn(async move {
        let mut session = other.session().await.unwrap();
        let tx = session.begin(org).await.unwrap();
        let run = given_up(&tx, child).await;
        claimed.notify_one();
        look.notified().await;
        runs::wake_parent(&tx, &run).await.unwrap();
        tx.commit().await.unwrap();
    });
    // Either it has claimed by now, or it waits for the first one to commit.
    let _ = tokio::time::timeout(Duration::from_millis(500), has_claimed.notified()).await;
    runs::wake_parent(&tx, &first).await.unwrap();
    may_look.notify_one();
    tokio::time::sleep(Duration::from_millis(100)).await;
    tx.commit().await.unwrap();
    second.await.unwrap();
    assert_eq!(status(&scene, parent).await, "queued");
}

async fn given_up(tx: &Tx<'_>, child: Uuid) -> Run {
    match runs::claim(tx, RunId::new(child), 60).await.unwrap() {
        Claim::Exhausted(run) => *run,
        other @ (Claim::Won(_) | Claim::NotDue) => panic!("{other:?}"),
    }
}

/// Cancel goes down, and takes along whatever is open.
#[tokio::test]
async fn a_canceled_parent_takes_its_children_along() {
    let scene = Scene::new().await;
    let (parent, children) = family(&scene).await;
    scene.post(&format!("/v1/runs/{parent}/cancel"), &json!(null)).await;
    for run in [parent, children[0], children[1]] {
        assert_eq!(status(&scene, run).await, "canceled");
    }
    let counted = &scene.run(parent).await["children"];
    assert_eq!((&counted["open"], &counted["canceled"]), (&json!(0), &json!(2)));
    assert_eq!(scene.messages().await, Vec::<Value>::new(), "nobody waits for them any more");
}
