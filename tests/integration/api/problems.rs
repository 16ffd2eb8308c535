//! Whatever is wrong with a request, the answer is a problem that says so.

use axum::body::Body;
use http::{Method, Request, StatusCode, header};
use serde_json::{Value, json};

use super::world::{World, request, send, without_database};

#[tokio::test]
async fn what_does_not_exist_or_cannot_be_read_is_a_problem() {
    let world = World::create().await;
    let tenant = world.tenant("acme", 1).await;
    let nobody = "00000000-0000-7000-8000-000000000000";
    let cases = [
        (Method::GET, "/v1/nothing".to_owned(), 404, "not_found"),
        (Method::GET, format!("/v1/runs/{nobody}"), 404, "not_found"),
        (Method::GET, "/v1/runs/7".to_owned(), 400, "validation_failed"),
        (Method::GET, "/v1/runs/%ff".to_owned(), 400, "validation_failed"),
        (Method::PUT, "/v1/runs".to_owned(), 405, "method_not_allowed"),
        (Method::GET, "/v1/runs?limit=0".to_owned(), 400, "validation_failed"),
        (Method::GET, "/v1/runs?limit=201".to_owned(), 400, "validation_failed"),
        (Method::GET, "/v1/runs?limit=many".to_owned(), 400, "validation_failed"),
        (Method::GET, "/v1/runs?status=done".to_owned(), 400, "validation_failed"),
        (Method::GET, "/v1/runs?cursor=x".to_owned(), 400, "validation_failed"),
        (Method::GET, "/v1/runs?stauts=failed".to_owned(), 400, "validation_failed"),
        (Method::GET, "/v1/search".to_owned(), 400, "validation_failed"),
        (Method::GET, "/v1/search?q=a".to_owned(), 400, "validation_failed"),
        (Method::GET, "/v1/search?q=ab&limit=51".to_owned(), 400, "validation_failed"),
        (Method::GET, format!("/v1/search?q={}", "a".repeat(257)), 400, "validation_failed"),
    ];
    for (method, path, status, code) in cases {
        let request = request(method, &path, Some(&tenant.key)).body(Body::empty()).unwrap();
        let answer = world.send(request).await;
        assert_eq!(answer.problem(), (status, code.to_owned()), "{path}");
        assert_eq!(answer.header(header::CACHE_CONTROL), "no-store");
        assert_eq!(answer.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff");
    }
    let refused = request(Method::DELETE, "/v1/runs", Some(&tenant.key)).body(Body::empty());
    assert_eq!(world.send(refused.unwrap()).await.header(header::ALLOW), "GET,HEAD");
}

#[tokio::test]
async fn a_body_that_cannot_be_taken_is_refused_with_the_place() {
    let world = World::create().await;
    let tenant = world.tenant("acme", 1).await;
    let path = format!("/v1/findings/{}/dismiss", tenant.findings[0]);
    let send = async |content_type: &str, body: String| {
        let request = request(Method::POST, &path, Some(&tenant.key))
            .header(header::CONTENT_TYPE, content_type)
            .body(Body::from(body));
        world.send(request.unwrap()).await
    };
    let json = "application/json";
    let cases = [
        ("text/plain", r#"{"reason": "x"}"#.to_owned(), 415, "unsupported_media_type", ""),
        (json, "{\n  \"reason\": \n".to_owned(), 400, "unreadable_body", "line 3"),
        (json, "\u{0}".to_owned(), 400, "unreadable_body", "column 1"),
        (json, r#"{"reason": 7}"#.to_owned(), 400, "validation_failed", "line 1 column 12"),
        (json, r#"{"reason": "x", "why": 1}"#.to_owned(), 400, "validation_failed", "`why`"),
        (json, r#"{}"#.to_owned(), 400, "validation_failed", "`reason`"),
        (json, r#"{"reason": " "}"#.to_owned(), 400, "validation_failed", "1 to 2000"),
        (
            json,
            format!(r#"{{"reason": "{}"}}"#, "x".repeat(2001)),
            400,
            "validation_failed",
            "2000",
        ),
        (json, r#"{"reason": "a\u0000b"}"#.to_owned(), 400, "validation_failed", "control"),
        (json, format!("{{\"x\": {}", "[".repeat(100_000)), 400, "validation_failed", ""),
        (
            json,
            format!(r#"{{"reason": "{}"}}"#, "x".repeat(1024 * 1024)),
            413,
            "too_large",
            "1048576",
        ),
    ];
    for (content_type, body, status, code, part) in cases {
        let answer = send(content_type, body).await;
        assert_eq!(answer.problem(), (status, code.to_owned()), "{}", answer.json());
        assert!(answer.json().to_string().contains(part), "{part}: {}", answer.json());
    }
    assert_eq!(world.count("finding_dispositions").await, 0);
    let fine = send("application/JSON; charset=utf-8", r#"{"reason": "x"}"#.to_owned()).await;
    assert_eq!(fine.status, StatusCode::OK);
}

#[tokio::test]
async fn every_wrong_field_is_named_at_once() {
    let world = World::create().await;
    let tenant = world.tenant("acme", 1).await;
    let body = json!({
        "full_name": "no owner",
        "clone_url": "https://token@github.com/acme/widget.git",
        "provider": "github",
        "default_branch": "../main",
    });
    let answer = world.post("/v1/repositories", &tenant.key, &body).await;
    assert_eq!(answer.problem(), (400, "validation_failed".to_owned()));
    let errors = answer.json()["errors"].as_array().unwrap().clone();
    let fields: Vec<&str> = errors.iter().map(|error| error["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["full_name", "github_id", "clone_url", "default_branch"]);
    assert!(!answer.json().to_string().contains("token@"), "what was sent is not repeated");
}

#[tokio::test]
async fn without_a_database_it_says_so_and_nothing_more() {
    let ask = async |path: &str, key: Option<&str>| {
        let request: Request<Body> = request(Method::GET, path, key).body(Body::empty()).unwrap();
        let answer = send(&without_database(), request).await;
        (answer.status, answer.headers, String::from_utf8(answer.bytes.to_vec()).unwrap())
    };
    let key = domain::ApiKey::generate(&[3; domain::ApiKey::ENTROPY_BYTES]);
    for (path, key) in [("/health", None), ("/v1/runs", Some(key.reveal()))] {
        let (status, headers, body) = ask(path, key).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert_eq!(headers[header::RETRY_AFTER], "1");
        let document: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(document["code"], "unavailable");
        assert!(!body.contains("127.0.0.1") && !body.contains("postgres"), "{body}");
    }
    // A badge on someone's page stays a picture, and a bad key needs no database to be refused.
    let (status, headers, body) = ask("/badge/aaaaaaaaaaaaaaaaaaaaaa.svg", None).await;
    assert_eq!(
        (status, &headers[header::CACHE_CONTROL]),
        (StatusCode::OK, &"no-store".parse().unwrap())
    );
    assert!(body.contains("unknown"));
    assert_eq!(ask("/v1/runs", Some("asy_mistyped")).await.0, StatusCode::UNAUTHORIZED);
}
