//! Who is let in, to do what.

use axum::body::Body;
use domain::{ApiKey, Scope};
use http::{Method, StatusCode, header};
use serde_json::json;

use super::world::{World, request};

#[tokio::test]
async fn only_a_good_key_opens_anything() {
    let world = World::create().await;
    let tenant = world.tenant("acme", 1).await;
    let never_made = ApiKey::generate(&[7; ApiKey::ENTROPY_BYTES]);
    let mistyped = tenant.key.replace("asy_", "asy_0");
    let (expired_id, expired) = world.key(tenant.org, Scope::ALL).await;
    let (revoked_id, revoked) = world.key(tenant.org, Scope::ALL).await;
    world
        .sql(&format!(
            "UPDATE api_keys SET expires_at = now() - interval '1 second' WHERE id = '{expired_id}';
             UPDATE api_keys SET revoked_at = now() WHERE id = '{revoked_id}'"
        ))
        .await;
    let cases = [
        (None, "missing_api_key"),
        (Some("Bearer".to_owned()), "invalid_api_key"),
        (Some(format!("Basic {}", tenant.key)), "invalid_api_key"),
        (Some("Bearer nonsense".to_owned()), "invalid_api_key"),
        (Some(format!("Bearer {mistyped}")), "invalid_api_key"),
        (Some(format!("Bearer {}", never_made.reveal())), "invalid_api_key"),
        (Some(format!("Bearer {expired}")), "invalid_api_key"),
        (Some(format!("Bearer {revoked}")), "invalid_api_key"),
    ];
    for (authorization, code) in cases {
        let mut request = request(Method::GET, "/v1/runs", None);
        if let Some(value) = &authorization {
            request = request.header(header::AUTHORIZATION, value);
        }
        let answer = world.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.problem(), (401, code.to_owned()), "{authorization:?}");
        assert!(answer.header(header::WWW_AUTHENTICATE).starts_with("Bearer"));
    }
    let by_header = request(Method::GET, "/v1/runs", None).header("x-api-key", &tenant.key);
    let answer = world.send(by_header.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn a_key_may_do_what_its_scope_says_and_no_more() {
    let world = World::create().await;
    let tenant = world.tenant("acme", 1).await;
    let keys = [
        (Scope::Read, world.key(tenant.org, &[Scope::Read]).await.1),
        (Scope::Write, world.key(tenant.org, &[Scope::Write]).await.1),
        (Scope::Admin, world.key(tenant.org, &[Scope::Admin]).await.1),
    ];
    let dismiss = format!("/v1/findings/{}/dismiss", tenant.findings[0]);
    let reopen = format!("/v1/findings/{}/reopen", tenant.findings[0]);
    let change = format!("/v1/repositories/{}", tenant.repository);
    let reason = json!({ "reason": "a test" });
    let calls = [
        (Scope::Read, Method::GET, "/v1/runs", json!(null)),
        (Scope::Read, Method::GET, "/v1/search?q=greet", json!(null)),
        (Scope::Write, Method::POST, dismiss.as_str(), reason.clone()),
        (Scope::Write, Method::POST, reopen.as_str(), reason),
        (Scope::Write, Method::PATCH, change.as_str(), json!({ "enabled": true })),
        (Scope::Admin, Method::GET, "/v1/keys", json!(null)),
        (Scope::Admin, Method::GET, "/v1/audit-logs", json!(null)),
        (Scope::Admin, Method::POST, "/v1/keys", json!({ "name": "x", "scopes": ["read"] })),
    ];
    for (scope, key) in &keys {
        for (needed, method, path, body) in &calls {
            let answer = world.send_json(method.clone(), path, key, body).await;
            if scope >= needed {
                assert!(answer.status.is_success(), "{scope} {path}: {:?}", answer.json());
            } else {
                assert_eq!(answer.problem(), (403, "insufficient_scope".to_owned()), "{path}");
                assert_eq!(answer.json()["required_scope"], needed.as_str());
            }
        }
    }
}

#[tokio::test]
async fn a_key_is_shown_once_works_and_is_revoked() {
    let world = World::create().await;
    let tenant = world.tenant("acme", 1).await;
    let body = json!({
        "name": "  ci ", "scopes": ["read"], "expires_at": "2999-01-01T00:00:00Z",
    });
    let created = world.post("/v1/keys", &tenant.key, &body).await;
    assert_eq!(created.status, StatusCode::CREATED);
    let created = created.json();
    let (id, key) = (created["id"].as_str().unwrap(), created["key"].as_str().unwrap());
    assert_eq!(created["name"], "ci");
    assert_eq!(world.get("/v1/runs", key).await.status, StatusCode::OK);

    let listed = world.get("/v1/keys", &tenant.key).await;
    let text = String::from_utf8(listed.bytes.to_vec()).unwrap();
    assert!(text.contains(id) && !text.contains(&key[8..]), "{text}");
    assert!(listed.json()["items"][0]["last_used_at"].is_string());

    let path = format!("/v1/keys/{id}");
    for _ in 0..2 {
        let request = request(Method::DELETE, &path, Some(&tenant.key));
        let answer = world.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT);
    }
    assert_eq!(world.get("/v1/runs", key).await.problem().1, "invalid_api_key");
    // Revoking what is revoked changes nothing, and leaves no second row.
    assert_eq!(world.count("audit_logs WHERE action = 'api_key.revoked'").await, 1);
}

#[tokio::test]
async fn a_key_cannot_be_made_for_the_past_or_for_nothing() {
    let world = World::create().await;
    let tenant = world.tenant("acme", 1).await;
    let cases = [
        (
            json!({ "name": "x", "scopes": ["read"], "expires_at": "2001-01-01T00:00:00Z" }),
            "expires_at",
        ),
        (json!({ "name": "x", "scopes": [] }), "scopes"),
        (json!({ "name": "x", "scopes": ["read", "read"] }), "scopes"),
        (json!({ "name": "x", "scopes": ["root"] }), "scopes[0]"),
        (json!({ "name": " ", "scopes": ["read"] }), "name"),
        (json!({ "name": "x".repeat(256), "scopes": ["read"] }), "name"),
    ];
    for (body, field) in cases {
        let answer = world.post("/v1/keys", &tenant.key, &body).await;
        assert_eq!(answer.problem(), (400, "validation_failed".to_owned()), "{body}");
        assert_eq!(answer.json()["errors"][0]["field"], field, "{}", answer.json());
    }
    assert_eq!(world.count("api_keys").await, 1, "nothing was made");
}

/// As Lambda hands it over: a function URL's event, taken apart by the crate that runs us.
#[tokio::test]
async fn a_function_urls_event_reaches_its_route() {
    let world = World::create().await;
    let tenant = world.tenant("acme", 1).await;
    let path = format!("/v1/analyses/{}/findings", tenant.analysis);
    let event = json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path,
        "rawQueryString": "path=src%2Fapp.py&limit=1", "isBase64Encoded": false,
        "headers": { "x-api-key": tenant.key, "host": "abc.lambda-url.eu-west-1.on.aws" },
        "requestContext": {
            "routeKey": "$default", "stage": "$default", "timeEpoch": 0,
            "http": { "method": "GET", "path": path, "sourceIp": "203.0.113.9" },
        },
    });
    let request = lambda_http::request::from_str(&event.to_string()).unwrap();
    let (parts, _) = request.into_parts();
    let answer = world.send(http::Request::from_parts(parts, Body::empty())).await;
    assert_eq!(answer.json()["items"][0]["id"], tenant.findings[0].to_string());
}
