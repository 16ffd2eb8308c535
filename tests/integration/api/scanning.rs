//! Asking for scans, and looking at them. What a scan finds, `scans.rs` says.

use domain::{OrgId, RepositoryId, Scope};
use http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::world::{World, json_request, send};

impl World {
    /// A scan that was completed by `run`, and whose report is `artifact`.
    pub(crate) async fn scan(
        &self,
        org: OrgId,
        repository: RepositoryId,
        run: Uuid,
        artifact: Uuid,
    ) -> Uuid {
        let id = Uuid::now_v7();
        let results = json!({
            "files": 3, "analysed": 2, "shards": 1,
            "findings": { "critical": 1, "high": 1, "medium": 0, "low": 1, "info": 0 },
            "dismissed": 0, "unanalysed": 1, "incomplete": 0, "report": artifact,
            "changes": {
                "since": Uuid::now_v7(), "new": 1, "persisting": 2, "fixed": 3, "not_checked": 0,
            },
        });
        self.sql(&format!(
            "INSERT INTO codebase_scans (id, org_id, repo_id, run_id, branch, status, triggered_by,
                                         files_scanned, findings_count, results, started_at,
                                         completed_at, created_at)
             VALUES ('{id}', '{org}', '{repository}', '{run}', 'main', 'completed', 'manual', 2, 3,
                     '{results}', clock_timestamp(), clock_timestamp(), clock_timestamp())"
        ))
        .await;
        id
    }
}

async fn ask(world: &World, key: &str, body: &Value) -> Value {
    let answer = world.post("/v1/scans", key, body).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.json());
    answer.json()
}

#[tokio::test]
async fn a_scan_that_is_open_is_not_asked_for_twice_even_by_many_at_once() {
    let world = World::create().await;
    let tenant = world.tenant("acme", 1).await;
    let body = json!({ "repository_id": tenant.repository });
    let instances = [world.instance(), world.instance(), world.instance()];
    let post = async |router| {
        let request = json_request(http::Method::POST, "/v1/scans", &tenant.key, &body);
        send(router, request).await.json()
    };
    let (a, b, c) = tokio::join!(post(&instances[0]), post(&instances[1]), post(&instances[2]));
    let answers = [a, b, c];
    let fresh = answers.iter().filter(|answer| answer["deduplicated"] == false).count();
    assert_eq!(fresh, 1, "{answers:?}");
    let first = &answers[0];
    assert!(answers.iter().all(|answer| answer["run_id"] == first["run_id"]));
    assert!(answers.iter().all(|answer| answer["scan_id"] == first["scan_id"]));

    let named = json!({ "repository_id": tenant.repository, "branch": "main" });
    assert_eq!(ask(&world, &tenant.key, &named).await["scan_id"], first["scan_id"]);
    let other = json!({ "repository_id": tenant.repository, "branch": "next" });
    let other = ask(&world, &tenant.key, &other).await;
    assert_eq!(other["deduplicated"], false, "another branch is another scan");

    let run = first["run_id"].as_str().unwrap();
    world.post(&format!("/v1/runs/{run}/cancel"), &tenant.key, &json!(null)).await;
    let anew = ask(&world, &tenant.key, &body).await;
    assert_eq!(anew["deduplicated"], false, "a canceled scan does not answer the question");
    assert_ne!(anew["scan_id"], first["scan_id"]);
    let canceled = first["scan_id"].as_str().unwrap();
    let canceled = world.get(&format!("/v1/scans/{canceled}"), &tenant.key).await.json();
    assert_eq!(
        (&canceled["status"], &canceled["run_status"]),
        (&json!("failed"), &json!("canceled"))
    );
}

/// The queue is down in these tests: what must be sent is committed, and stays to be swept.
#[tokio::test]
async fn a_scan_is_seen_from_the_moment_it_is_asked_for() {
    let world = World::create().await;
    let tenant = world.tenant("acme", 1).await;
    let body = json!({ "repository_id": tenant.repository, "branch": "release/1.0" });
    let asked = ask(&world, &tenant.key, &body).await;
    let (run, id) = (asked["run_id"].as_str().unwrap(), asked["scan_id"].as_str().unwrap());
    let message = format!("outbox WHERE queue = 'runs' AND run_id = '{run}' AND traceparent <> ''");
    assert_eq!(world.count(&message).await, 1);
    let audit = format!("audit_logs WHERE action = 'scan.requested' AND resource_id = '{run}'");
    assert_eq!(world.count(&audit).await, 1);

    let scan = world.get(&format!("/v1/scans/{id}"), &tenant.key).await.json();
    assert_eq!(
        (&scan["status"], &scan["run_status"], &scan["branch"], &scan["triggered_by"]),
        (&json!("pending"), &json!("queued"), &json!("release/1.0"), &json!("manual"))
    );
    assert_eq!((&scan["shards"], &scan["results"]), (&json!(null), &json!(null)));
    let shown = world.get(&format!("/v1/runs/{run}"), &tenant.key).await.json();
    assert_eq!(
        (&shown["kind"], &shown["ref"]),
        (&json!("codebase_scan"), &json!("refs/heads/release/1.0"))
    );

    let ids = async |query: &str| -> Vec<Value> {
        let listed = world.get(&format!("/v1/scans{query}"), &tenant.key).await.json();
        listed["items"].as_array().unwrap().iter().map(|scan| scan["id"].clone()).collect()
    };
    assert_eq!(ids("").await, [json!(id), json!(tenant.scan)], "newest first");
    assert_eq!(ids("?status=pending").await, [id]);
    assert_eq!(ids("?branch=main&status=completed").await, [json!(tenant.scan)]);
    assert_eq!(ids(&format!("?repository_id={}", tenant.repository)).await.len(), 2);
    assert_eq!(ids(&format!("?limit=1&cursor={id}")).await, [json!(tenant.scan)]);
    assert!(ids(&format!("?repository_id={}", Uuid::now_v7())).await.is_empty());
}

#[tokio::test]
async fn what_cannot_be_scanned_is_refused() {
    let world = World::create().await;
    let tenant = world.tenant("acme", 1).await;
    let (_, reader) = world.key(tenant.org, &[Scope::Read]).await;
    let body = json!({ "repository_id": tenant.repository });
    let refusal =
        async |key: &str, body: &Value| world.post("/v1/scans", key, body).await.problem();
    assert_eq!(refusal(&reader, &body).await.0, 403);
    for branch in ["", "two words", "a..b", "-x", "a:b", "*", &"x".repeat(256)] {
        let body = json!({ "repository_id": tenant.repository, "branch": branch });
        let refused = refusal(&tenant.key, &body).await;
        assert_eq!(refused, (400, "validation_failed".to_owned()), "{branch}");
    }
    let unknown = json!({ "repository_id": Uuid::now_v7() });
    assert_eq!(refusal(&tenant.key, &unknown).await, (404, "not_found".to_owned()));
    let status = world.get("/v1/scans?status=done", &tenant.key).await;
    assert_eq!(status.problem(), (400, "validation_failed".to_owned()));

    world.sql("UPDATE repositories SET enabled = false").await;
    assert_eq!(refusal(&tenant.key, &body).await, (409, "conflict".to_owned()));
    assert_eq!(world.count("runs WHERE kind = 'codebase_scan'").await, 0);
}
