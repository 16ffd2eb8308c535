//! Approvals over HTTP: nothing happens before someone has allowed exactly that, and what was
//! decided stays.

use http::Method;
use serde_json::{Value, json};

use crate::{
    api::world::{Answer, json_request, send},
    scene::{Scene, id},
};

/// A refusal that says what is true now.
fn assert_refused(answer: &Answer, says: &str) {
    assert_eq!(answer.problem(), (409, "conflict".to_owned()), "{}", answer.json());
    let detail = answer.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains(says), "expected `{says}` in: {detail}");
}

#[tokio::test]
async fn nothing_happens_before_someone_allows_it_and_then_exactly_that() {
    let scene = Scene::new().await;
    let (run, asked) = scene.asked().await;
    assert_eq!(asked["status"], "pending");
    assert_eq!(asked["scope"], "repo.merge");
    assert_eq!(asked["plan"]["pull_request"], 7);
    assert!(asked["expires_at"].is_string() && asked["decided_by"].is_null());
    let waits = scene.run(run).await;
    assert_eq!((&waits["status"], &waits["waiting_for"]), (&json!("waiting"), &json!("approval")));
    assert_eq!(waits["wake_at"], asked["expires_at"]);
    // A message that comes again finds nothing to do.
    let again = json!({ "type": "run_requested", "org_id": scene.org, "run_id": run });
    scene.deliver(&again).await;
    assert_eq!(scene.github.merge_calls(), 0);

    let answer = scene.approve(&asked).await;
    assert_eq!(answer.status, 200);
    let approved = answer.json();
    assert_eq!(approved["status"], "approved");
    assert_eq!(approved["approved_hash"], asked["intent_hash"]);
    assert_eq!(approved["approved_plan"], asked["plan"]);
    assert_eq!(approved["decided_by"], format!("test (api_key:{})", scene.key_id));
    let shown = scene.get(&format!("/v1/approvals/{}", asked["id"].as_str().unwrap())).await;
    assert_eq!(shown.json(), approved);
    assert_eq!(scene.github.merge_calls(), 0, "the API merges nothing by itself");

    scene.work().await;
    assert_eq!(scene.run(run).await["status"], "succeeded");
    assert_eq!(scene.github.merge_calls(), 1);
    let [entry] = scene.audited("approval.approved").await.try_into().unwrap();
    assert_eq!(entry["resource_id"], asked["id"]);
    assert_eq!(entry["api_key_id"], scene.key_id);
    assert_eq!(entry["details"]["run_id"], run.to_string());
    assert_eq!(entry["details"]["intent_hash"], asked["intent_hash"]);
}

#[tokio::test]
async fn a_decision_about_something_else_changes_nothing() {
    let scene = Scene::new().await;
    let (run, asked) = scene.asked().await;
    let before = scene.state().await;
    let stale = json!({ "id": asked["id"], "intent_hash": "0".repeat(64) });
    let hash = asked["intent_hash"].as_str().unwrap();
    assert_refused(&scene.approve(&stale).await, hash);
    assert_refused(&scene.reject(&stale, "no").await, hash);
    assert_eq!(scene.state().await, before);
    scene.work().await;
    assert_eq!(scene.run(run).await["status"], "waiting");
    assert_eq!(scene.github.merge_calls(), 0);
}

#[tokio::test]
async fn what_was_decided_stays() {
    let scene = Scene::new().await;
    let (_, asked) = scene.asked().await;
    assert_eq!(scene.approve(&asked).await.status, 200);
    let before = scene.state().await;
    let says = format!("it is approved already by test (api_key:{})", scene.key_id);
    assert_refused(&scene.approve(&asked).await, &says);
    assert_refused(&scene.reject(&asked, "changed my mind").await, &says);
    assert_eq!(scene.state().await, before);
}

#[tokio::test]
async fn of_many_who_decide_at_once_one_is_heard() {
    let scene = Scene::new().await;
    for _ in 0..4 {
        let (run, asked) = scene.asked().await;
        let path = |verb| format!("/v1/approvals/{}/{verb}", asked["id"].as_str().unwrap());
        let approve = json!({ "intent_hash": asked["intent_hash"] });
        let reject = json!({ "intent_hash": asked["intent_hash"], "reason": "no" });
        let calls = (0..6).map(|number| {
            let (path, body) = if number % 2 == 0 {
                (path("approve"), &approve)
            } else {
                (path("reject"), &reject)
            };
            let request = json_request(Method::POST, &path, &scene.key, body);
            let router = scene.world.instance();
            async move { send(&router, request).await }
        });
        let answers = futures_util::future::join_all(calls).await;
        let heard: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 200).collect();
        assert_eq!(heard.len(), 1);
        for answer in answers.iter().filter(|answer| answer.status != 200) {
            assert_refused(answer, "already");
        }
        let decided = heard[0].json();
        let expected = if decided["status"] == "approved" { "queued" } else { "canceled" };
        assert_eq!(scene.run(run).await["status"], expected);
        let again = scene.get(&format!("/v1/approvals/{}", asked["id"].as_str().unwrap())).await;
        assert_eq!(again.json(), decided);
        scene.post(&format!("/v1/runs/{run}/cancel"), &json!(null)).await;
    }
    assert_eq!(scene.github.merge_calls(), 0);
}

#[tokio::test]
async fn a_rejected_run_ends_as_canceled_with_the_reason() {
    let scene = Scene::new().await;
    let (run, asked) = scene.asked().await;
    let answer = scene.reject(&asked, " not on a Friday ").await;
    assert_eq!(answer.status, 200);
    let rejected = answer.json();
    assert_eq!(rejected["status"], "rejected");
    assert_eq!(rejected["reason"], "not on a Friday");
    let ended = scene.run(run).await;
    assert_eq!(ended["status"], "canceled");
    assert_eq!(ended["error_code"], "approval_rejected");
    assert!(ended["error"].as_str().unwrap().ends_with("not on a Friday"), "{ended}");
    assert_eq!(
        scene.steps(run).await,
        ["plan succeeded 1", "checks succeeded 1", "approve canceled 0", "merge canceled 0"]
    );
    assert_eq!(scene.audited("approval.rejected").await[0]["details"]["reason"], "not on a Friday");
    scene.work().await;
    assert_eq!(scene.github.merge_calls(), 0);
    assert_refused(&scene.approve(&asked).await, "rejected already");
    // A canceled run has not failed, so nobody goes on with it.
    let retry = scene.post(&format!("/v1/runs/{run}/retry"), &json!(null)).await;
    assert_refused(&retry, "canceled");
}

#[tokio::test]
async fn whoever_does_not_decide_in_time_lets_the_run_fail() {
    let scene = Scene::new().await;
    let (run, asked) = scene.asked().await;
    scene.let_expire(run).await;
    assert_eq!(scene.question(run).await["overdue"], true);
    let before = scene.state().await;
    assert_refused(&scene.approve(&asked).await, "its time was over");
    assert_refused(&scene.reject(&asked, "late").await, "its time was over");
    assert_eq!(scene.state().await, before);

    // What the scheduler asks for every minute.
    let due = "SELECT run_id FROM runs_to_wake(10)";
    let due: uuid::Uuid = scene.sql.query_one(due, &[]).await.unwrap().get(0);
    assert_eq!(due, run);
    scene.deliver(&json!({ "type": "run_requested", "org_id": scene.org, "run_id": run })).await;
    let ended = scene.run(run).await;
    assert_eq!(
        (&ended["status"], &ended["error_code"]),
        (&json!("failed"), &json!("approval_expired"))
    );
    assert_eq!(scene.question(run).await["status"], "expired");
    assert_refused(&scene.approve(&asked).await, "expired already");
    assert_eq!(scene.github.merge_calls(), 0);
}

/// Someone who missed it goes on, and is asked anew: an old answer is worth nothing.
#[tokio::test]
async fn a_run_that_goes_on_after_an_expired_approval_asks_again() {
    let scene = Scene::new().await;
    let (run, asked) = scene.asked().await;
    scene.let_expire(run).await;
    scene.deliver(&json!({ "type": "run_requested", "org_id": scene.org, "run_id": run })).await;
    let retried = scene.post(&format!("/v1/runs/{run}/retry"), &json!(null)).await;
    assert_eq!(retried.status, 201);
    let next = id(&retried.json()["id"]);
    scene.work().await;
    let asked_again = scene.question(next).await;
    assert_eq!(asked_again["status"], "pending");
    assert_eq!(asked_again["plan"], asked["plan"]);
    assert_ne!(asked_again["intent_hash"], asked["intent_hash"], "bound to its run");
    let old = json!({ "id": asked_again["id"], "intent_hash": asked["intent_hash"] });
    assert_refused(&scene.approve(&old).await, asked_again["intent_hash"].as_str().unwrap());
    assert_eq!(scene.approve(&asked_again).await.status, 200);
    scene.work().await;
    assert_eq!(scene.run(next).await["status"], "succeeded");
    assert_eq!(scene.github.merge_calls(), 1);
}

#[tokio::test]
async fn an_edited_plan_is_what_happens() {
    let scene = Scene::new().await;
    let (run, asked) = scene.asked().await;
    let path = format!("/v1/approvals/{}/approve", asked["id"].as_str().unwrap());
    let edited = |field: &str, value: Value| {
        let mut plan = asked["plan"].clone();
        plan[field] = value;
        json!({ "intent_hash": asked["intent_hash"], "plan": plan })
    };
    let before = scene.state().await;
    let forbidden = scene.post(&path, &edited("head_sha", json!("b".repeat(40)))).await;
    assert_eq!(forbidden.problem(), (400, "validation_failed".to_owned()));
    assert_eq!(forbidden.json()["errors"][0]["field"], "plan");
    assert_eq!(scene.state().await, before);

    let answer = scene.post(&path, &edited("method", json!("squash"))).await;
    assert_eq!(answer.status, 200, "{}", answer.json());
    let approved = answer.json();
    assert_eq!(approved["plan"]["method"], "merge");
    assert_eq!(approved["approved_plan"]["method"], "squash");
    assert_ne!(approved["approved_hash"], approved["intent_hash"]);
    scene.work().await;
    assert_eq!(scene.run(run).await["status"], "succeeded");
    assert_eq!(scene.github.merges()[0].method, "squash");
}

#[tokio::test]
async fn a_canceled_run_asks_no_more() {
    let scene = Scene::new().await;
    let (run, asked) = scene.asked().await;
    let canceled = scene.post(&format!("/v1/runs/{run}/cancel"), &json!(null)).await;
    assert_eq!(canceled.json()["status"], "canceled");
    assert_eq!(scene.question(run).await["status"], "canceled");
    assert_refused(&scene.approve(&asked).await, "canceled already");
    assert_eq!(scene.get("/v1/approvals?status=pending").await.json()["items"], json!([]));
    scene.work().await;
    assert_eq!(scene.github.merge_calls(), 0);
}

#[tokio::test]
async fn what_waits_longest_is_listed_first() {
    let scene = Scene::new().await;
    let mut made = Vec::new();
    for _ in 0..3 {
        let (question, _) = scene.world.question(scene.org, scene.repository).await;
        made.push(question.to_string());
    }
    let ids = |page: &Value| -> Vec<String> {
        let items = page["items"].as_array().unwrap();
        items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
    };
    let first = scene.get("/v1/approvals?status=pending&limit=2").await.json();
    assert_eq!(ids(&first), made[..2]);
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = scene.get(&format!("/v1/approvals?status=pending&limit=2&cursor={cursor}")).await;
    assert_eq!(ids(&second.json()), made[2..]);
    assert!(second.json()["next_cursor"].is_null());
    assert_eq!(ids(&scene.get("/v1/approvals?status=approved").await.json()).len(), 0);
}

#[tokio::test]
async fn a_decision_says_what_it_is_about() {
    let scene = Scene::new().await;
    let (_, asked) = scene.asked().await;
    let path = |verb| format!("/v1/approvals/{}/{verb}", asked["id"].as_str().unwrap());
    let hash = asked["intent_hash"].clone();
    for (verb, body, field) in [
        ("approve", json!({ "intent_hash": "yes" }), "intent_hash"),
        ("reject", json!({ "intent_hash": "yes", "reason": "no" }), "intent_hash"),
        ("reject", json!({ "intent_hash": hash, "reason": "  " }), "reason"),
        ("reject", json!({ "intent_hash": hash, "reason": "x".repeat(2001) }), "reason"),
        ("approve", json!({ "intent_hash": hash, "plan": [] }), "plan"),
    ] {
        let answer = scene.post(&path(verb), &body).await;
        assert_eq!(answer.problem().0, 400, "{body}");
        assert_eq!(answer.json()["errors"][0]["field"], field, "{body}");
    }
}
