//! Registering repositories and asking for runs.

use http::{Method, StatusCode, header};
use serde_json::json;

use super::world::{World, json_request, send};

#[tokio::test]
async fn a_repository_is_registered_once_read_back_and_changed() {
    let world = World::create().await;
    let tenant = world.tenant("acme", 1).await;
    let body = json!({
        "full_name": "group/sub/widget", "clone_url": "http://git.internal:3000/widget.git",
        "private": true,
    });
    let created = world.post("/v1/repositories", &tenant.key, &body).await;
    assert_eq!(created.status, StatusCode::CREATED, "{}", created.json());
    let location = created.header(header::LOCATION).to_owned();
    let view = created.json();
    assert_eq!((&view["provider"], &view["default_branch"]), (&json!("git"), &json!("main")));
    assert_eq!(world.get(&location, &tenant.key).await.json(), view);
    let again = world.post("/v1/repositories", &tenant.key, &body).await;
    assert_eq!(again.problem(), (409, "conflict".to_owned()));

    let change = json!({ "enabled": false, "sync_interval_minutes": 5 });
    let changed = world.send_json(Method::PATCH, &location, &tenant.key, &change).await.json();
    assert_eq!(
        (&changed["enabled"], &changed["sync_interval_minutes"]),
        (&json!(false), &json!(5))
    );
    assert_eq!(changed["default_branch"], "main", "what was left out stays");
    for wrong in
        [json!({}), json!({ "sync_interval_minutes": 4 }), json!({ "default_branch": "-x" })]
    {
        let answer = world.send_json(Method::PATCH, &location, &tenant.key, &wrong).await;
        assert_eq!(answer.problem(), (400, "validation_failed".to_owned()), "{wrong}");
    }
    let sync = world.post(&format!("{location}/sync"), &tenant.key, &json!(null)).await;
    assert_eq!(sync.problem(), (409, "conflict".to_owned()), "a disabled one is left alone");
    let listed = world.get("/v1/repositories?enabled=false", &tenant.key).await.json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
}

/// The queue is down in these tests: what must be sent is committed, and stays to be swept.
#[tokio::test]
async fn the_same_commit_asked_for_by_many_at_once_is_one_run_that_is_not_lost() {
    let world = World::create().await;
    let tenant = world.tenant("acme", 1).await;
    let path = format!("/v1/repositories/{}/analyses", tenant.repository);
    let body = json!({ "commit": "b".repeat(40), "ref": "refs/heads/main" });
    let instances = [world.instance(), world.instance(), world.instance()];
    let ask = async |router| {
        send(router, json_request(Method::POST, &path, &tenant.key, &body)).await.json()
    };
    let (a, b, c) = tokio::join!(ask(&instances[0]), ask(&instances[1]), ask(&instances[2]));
    let answers = [a, b, c];
    let fresh = answers.iter().filter(|answer| answer["deduplicated"] == false).count();
    assert_eq!(fresh, 1, "{answers:?}");
    assert!(answers.iter().all(|answer| answer["run_id"] == answers[0]["run_id"]));

    let outbox = format!(
        "outbox WHERE queue = 'runs' AND body ->> 'run_id' = {} AND traceparent IS NOT NULL",
        answers[0]["run_id"].to_string().replace('"', "'")
    );
    assert_eq!(world.count(&outbox).await, 1);
    let run = answers[0]["run_id"].as_str().unwrap();
    let shown = world.get(&format!("/v1/runs/{run}"), &tenant.key).await.json();
    assert_eq!((&shown["event_type"], &shown["status"]), (&json!("manual"), &json!("queued")));

    // A canceled run does not answer the question.
    let canceled = world.post(&format!("/v1/runs/{run}/cancel"), &tenant.key, &json!(null)).await;
    assert_eq!(canceled.json()["status"], "canceled");
    assert_eq!(
        world.count(&format!("analyses WHERE run_id = '{run}' AND status = 'failed'")).await,
        1
    );
    let anew = world.post(&path, &tenant.key, &body).await.json();
    assert_eq!(anew["deduplicated"], false);
}

#[tokio::test]
async fn a_sync_that_is_open_is_not_asked_for_twice() {
    let world = World::create().await;
    let tenant = world.tenant("acme", 1).await;
    let path = format!("/v1/repositories/{}/sync", tenant.repository);
    let first = world.post(&path, &tenant.key, &json!(null)).await;
    assert_eq!(first.status, StatusCode::ACCEPTED);
    let second = world.post(&path, &tenant.key, &json!(null)).await.json();
    assert_eq!(second["deduplicated"], true);
    assert_eq!(second["run_id"], first.json()["run_id"]);
    assert_eq!(world.count("outbox WHERE queue = 'sync'").await, 1);
}

#[tokio::test]
async fn what_has_ended_stays_ended() {
    let world = World::create().await;
    let tenant = world.tenant("acme", 1).await;
    let cancel = format!("/v1/runs/{}/cancel", tenant.run);
    let answer = world.post(&cancel, &tenant.key, &json!(null)).await;
    assert_eq!(answer.problem(), (409, "conflict".to_owned()));
    assert!(answer.json()["detail"].as_str().unwrap().contains("succeeded"));
}

#[tokio::test]
async fn only_full_commit_names_are_examined() {
    let world = World::create().await;
    let tenant = world.tenant("acme", 1).await;
    let path = format!("/v1/repositories/{}/analyses", tenant.repository);
    for body in [
        json!({ "commit": "main" }),
        json!({ "commit": "A".repeat(40) }),
        json!({ "commit": "a".repeat(39) }),
        json!({}),
        json!({ "commit": "a".repeat(40), "ref": "two words" }),
    ] {
        let answer = world.post(&path, &tenant.key, &body).await;
        assert_eq!(answer.problem(), (400, "validation_failed".to_owned()), "{body}");
    }
}
