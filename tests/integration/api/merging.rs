//! Asking for a pull request to be merged: one open merge of a pull request, whoever asks.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::world::{Tenant, World, json_request, send};

fn wanted(tenant: &Tenant, more: Value) -> Value {
    let mut body = json!({ "repository_id": tenant.repository, "pull_request": 7 });
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

async fn ask(world: &World, tenant: &Tenant, more: Value) -> super::world::Answer {
    world.post("/v1/merges", &tenant.key, &wanted(tenant, more)).await
}

#[tokio::test]
async fn asked_for_by_many_at_once_it_is_one_run_that_is_not_lost() {
    let world = World::create().await;
    let tenant = world.tenant("acme", 1).await;
    let instances = [world.instance(), world.instance(), world.instance()];
    let body = wanted(&tenant, json!({ "method": "squash" }));
    let ask = async |router| {
        send(router, json_request(Method::POST, "/v1/merges", &tenant.key, &body)).await
    };
    let (a, b, c) = tokio::join!(ask(&instances[0]), ask(&instances[1]), ask(&instances[2]));
    let answers = [a, b, c].map(|answer| {
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.json());
        answer.json()
    });
    let fresh = answers.iter().filter(|answer| answer["deduplicated"] == false).count();
    assert_eq!(fresh, 1, "{answers:?}");
    assert!(answers.iter().all(|answer| answer["run_id"] == answers[0]["run_id"]));

    let run = answers[0]["run_id"].as_str().unwrap();
    let made = format!(
        "runs WHERE id = '{run}' AND kind = 'merge' AND pull_request = 7
         AND input = '{{\"method\": \"squash\"}}' AND idempotency_key = '{}:7:0'",
        tenant.repository
    );
    assert_eq!(world.count(&made).await, 1);
    let sent = format!("outbox WHERE queue = 'runs' AND body ->> 'run_id' = '{run}'");
    assert_eq!(world.count(&sent).await, 1);
    let noted = format!("audit_logs WHERE action = 'merge.requested' AND resource_id = '{run}'");
    assert_eq!(world.count(&noted).await, 1);
}

#[tokio::test]
async fn an_open_merge_stands_in_the_way_of_another_one_only() {
    let world = World::create().await;
    let tenant = world.tenant("acme", 1).await;
    let head = "a".repeat(40);
    let first = ask(&world, &tenant, json!({ "head_sha": head })).await.json();
    let run = first["run_id"].as_str().unwrap();
    let same = [json!({}), json!({ "head_sha": head }), json!({ "method": "merge" })];
    for more in same {
        let again = ask(&world, &tenant, more.clone()).await.json();
        assert_eq!(
            (&again["run_id"], &again["deduplicated"]),
            (&json!(run), &json!(true)),
            "{more}"
        );
    }
    for more in [json!({ "head_sha": "b".repeat(40) }), json!({ "method": "rebase" })] {
        let other = ask(&world, &tenant, more.clone()).await;
        assert_eq!(other.problem(), (409, "conflict".to_owned()), "{more}");
        assert!(other.json()["detail"].as_str().unwrap().contains(run), "{}", other.json());
    }
    let neighbour = ask(&world, &tenant, json!({ "pull_request": 8 })).await.json();
    assert_eq!(neighbour["deduplicated"], false);

    world.post(&format!("/v1/runs/{run}/cancel"), &tenant.key, &json!(null)).await;
    let anew = ask(&world, &tenant, json!({ "method": "rebase" })).await.json();
    assert_eq!(anew["deduplicated"], false, "a canceled run merges nothing");
    assert_ne!(anew["run_id"], json!(run));
}

#[tokio::test]
async fn what_cannot_be_merged_is_refused_at_once() {
    let world = World::create().await;
    let tenant = world.tenant("acme", 1).await;
    for more in [
        json!({ "pull_request": 0 }),
        json!({ "pull_request": -7 }),
        json!({ "method": "octopus" }),
        json!({ "head_sha": "main" }),
        json!({ "force": true }),
    ] {
        let answer = ask(&world, &tenant, more.clone()).await;
        assert_eq!(answer.problem(), (400, "validation_failed".to_owned()), "{more}");
    }
    let unknown = ask(&world, &tenant, json!({ "repository_id": tenant.run })).await;
    assert_eq!(unknown.problem(), (404, "not_found".to_owned()));
    let change = [
        "UPDATE repositories SET enabled = false",
        "UPDATE repositories SET enabled = true; UPDATE installations SET suspended_at = now()",
        "UPDATE repositories SET installation_id = NULL",
    ];
    for change in change {
        world.sql(change).await;
        let answer = ask(&world, &tenant, json!({})).await;
        assert_eq!(answer.problem(), (409, "conflict".to_owned()), "{change}");
    }
    assert_eq!(world.count("runs WHERE kind = 'merge'").await, 0);
    assert_eq!(world.count("audit_logs WHERE action = 'merge.requested'").await, 0);
}
