//! Dismissing findings and taking it back, with the record of who did it.

use axum::body::Body;
use http::{Method, header};
use lambda_http::request::RequestContext;
use serde_json::json;
use store::dispositions;

use super::world::{World, request};

#[tokio::test]
async fn a_dismissal_holds_wherever_the_finding_appears_until_it_is_taken_back() {
    let world = World::create().await;
    let tenant = world.tenant("acme", 1).await;
    // The next push finds the same again.
    world
        .sql(&format!(
            "INSERT INTO analyses (id, org_id, project_id, repo_id, kind, head_sha)
             SELECT gen_random_uuid(), org_id, project_id, repo_id, kind, repeat('f', 40)
             FROM analyses;
             INSERT INTO findings (org_id, analysis_id, repo_id, rule_id, fingerprint, category,
                 severity, title, file_path, line_start, line_end, snippet_hash, confidence,
                 verification_type, state, deciding)
             SELECT f.org_id, a.id, f.repo_id, f.rule_id, f.fingerprint, f.category, f.severity,
                 f.title, f.file_path, 90, 90, f.snippet_hash, 0.9, 'ast', 'existing', true
             FROM findings f, analyses a
             WHERE f.id = '{}' AND a.head_sha = repeat('f', 40)",
            tenant.findings[0]
        ))
        .await;
    let finding = format!("/v1/findings/{}", tenant.findings[0]);
    let why = json!({ "reason": "the input is a constant" });

    let answer = world.post(&format!("{finding}/dismiss"), &tenant.key, &why).await.json();
    assert_eq!(answer["dismissed"], true);
    assert_eq!(answer["dismissal"]["reason"], "the input is a constant");
    assert_eq!(answer["dismissal"]["by"], format!("api_key:{}", tenant.key_id));
    assert_eq!(answer["deciding"], true, "what was decided stays as it was");
    assert_eq!(world.count("findings WHERE dismissed").await, 2);
    assert_eq!(dismissed(&world, &tenant).await, 1);

    let reopened = world.post(&format!("{finding}/reopen"), &tenant.key, &why).await.json();
    assert_eq!((&reopened["dismissed"], &reopened["dismissal"]), (&json!(false), &json!(null)));
    assert_eq!(world.count("findings WHERE dismissed").await, 0);
    assert_eq!(dismissed(&world, &tenant).await, 0);
    let again = world.post(&format!("{finding}/reopen"), &tenant.key, &why).await;
    assert_eq!(again.problem(), (409, "conflict".to_owned()));
    assert_eq!(world.count("finding_dispositions").await, 2);
}

async fn dismissed(world: &World, tenant: &super::world::Tenant) -> usize {
    let mut session = world.database.functions().session().await.unwrap();
    let tx = session.begin(tenant.org).await.unwrap();
    let all = dispositions::list_dismissed(&tx, tenant.repository).await.unwrap();
    all.iter().filter(|one| one.expired_at.is_none()).count()
}

#[tokio::test]
async fn a_dismissal_ends_by_itself_when_its_time_has_come() {
    let world = World::create().await;
    let tenant = world.tenant("acme", 1).await;
    let finding = format!("/v1/findings/{}", tenant.findings[0]);
    let past = json!({ "reason": "x", "expires_at": "2001-01-01T00:00:00Z" });
    let refused = world.post(&format!("{finding}/dismiss"), &tenant.key, &past).await;
    assert_eq!(refused.json()["errors"][0]["field"], "expires_at");

    let until = json!({ "reason": "x", "expires_at": "2999-01-01T00:00:00Z" });
    let answer = world.post(&format!("{finding}/dismiss"), &tenant.key, &until).await.json();
    assert_eq!(answer["dismissal"]["expires_at"], "2999-01-01T00:00:00Z");
    // Nobody may change a decision; time passes all the same.
    let pass = "SET session_replication_role = replica;
                UPDATE finding_dispositions SET expires_at = now() - interval '1 second'";
    world.sql(pass).await;
    let later = world.get(&finding, &tenant.key).await.json();
    assert_eq!(later["dismissed"], false);
    let list = format!("/v1/analyses/{}/findings?dismissed=true", tenant.analysis);
    assert_eq!(world.get(&list, &tenant.key).await.json()["items"], json!([]));
    assert_eq!(dismissed(&world, &tenant).await, 0);
    let again = world.post(&format!("{finding}/dismiss"), &tenant.key, &until).await;
    assert_eq!(again.status, 200, "what expired can be dismissed anew");
}

#[tokio::test]
async fn every_change_leaves_a_record_of_who_and_from_where() {
    let world = World::create().await;
    let tenant = world.tenant("acme", 1).await;
    let context = json!({
        "routeKey": "$default", "stage": "$default", "timeEpoch": 0,
        "http": { "method": "POST", "sourceIp": "2001:db8::7" },
    });
    let path = format!("/v1/findings/{}/dismiss", tenant.findings[0]);
    let call = request(Method::POST, &path, Some(&tenant.key))
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::USER_AGENT, "x".repeat(600))
        .header("x-forwarded-for", "203.0.113.9")
        .extension(RequestContext::ApiGatewayV2(serde_json::from_value(context).unwrap()))
        .body(Body::from(json!({ "reason": "hush hush" }).to_string()));
    assert_eq!(world.send(call.unwrap()).await.status, 200);

    let log = world.get("/v1/audit-logs", &tenant.key).await.json();
    let entry = &log["items"][0];
    assert_eq!(entry["action"], "finding.dismissed");
    assert_eq!(entry["resource_type"], "finding");
    assert_eq!(entry["resource_id"], tenant.findings[0].to_string());
    assert_eq!(entry["api_key_id"], tenant.key_id.to_string());
    assert_eq!(entry["ip_address"], "2001:db8::7", "what a header claims is not believed");
    assert_eq!(entry["user_agent"].as_str().unwrap().len(), 512);
    assert!(!log.to_string().contains("hush"), "a request's body is not recorded");
}

/// A call that fails leaves neither its effect nor a record of it.
#[tokio::test]
async fn each_mutating_call_leaves_exactly_one_record_and_a_refused_one_none() {
    let world = World::create().await;
    let tenant = world.tenant("acme", 1).await;
    let (finding, repository) = (tenant.findings[0], tenant.repository);
    let commit = "a".repeat(40);
    let repository_body =
        json!({ "full_name": "acme/new", "clone_url": "https://example.com/n.git" });
    let reason = json!({ "reason": "x" });
    let calls = [
        (Method::POST, "/v1/repositories".to_owned(), repository_body, "repository.registered"),
        (
            Method::PATCH,
            format!("/v1/repositories/{repository}"),
            json!({ "enabled": true }),
            "repository.changed",
        ),
        (
            Method::POST,
            format!("/v1/repositories/{repository}/analyses"),
            json!({ "commit": commit }),
            "analysis.requested",
        ),
        (
            Method::POST,
            format!("/v1/repositories/{repository}/sync"),
            json!(null),
            "sync.requested",
        ),
        (Method::POST, format!("/v1/runs/{}/cancel", tenant.open_run), json!(null), "run.canceled"),
        (
            Method::POST,
            format!("/v1/findings/{finding}/dismiss"),
            reason.clone(),
            "finding.dismissed",
        ),
        (Method::POST, format!("/v1/findings/{finding}/reopen"), reason, "finding.reopened"),
        (
            Method::POST,
            "/v1/keys".to_owned(),
            json!({ "name": "k", "scopes": ["read"] }),
            "api_key.created",
        ),
        (Method::DELETE, format!("/v1/keys/{}", tenant.key_id), json!(null), "api_key.revoked"),
    ];
    for (number, (method, path, body, action)) in calls.into_iter().enumerate() {
        let answer = world.send_json(method, &path, &tenant.key, &body).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.status);
        assert_eq!(world.count("audit_logs").await, number as i64 + 1, "{path}");
        assert_eq!(world.count(&format!("audit_logs WHERE action = '{action}'")).await, 1);
    }
    let before = world.count("audit_logs").await;
    let cancel = format!("/v1/runs/{}/cancel", tenant.run);
    let refused = world.post(&cancel, &tenant.key, &json!(null)).await;
    assert_eq!(refused.problem().1, "invalid_api_key", "the key has revoked itself");
    assert_eq!(world.count("audit_logs").await, before);
}
