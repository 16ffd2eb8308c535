use axum::body::Body;
use domain::Content;
use http::{HeaderName, Method, header};
use serde_json::{Value, json};
use store::{Database, artifacts};

use super::{names, sha256, verified};
use crate::api::{
    documents::{document, write},
    world::{Answer, Tenant, World, request, send},
};

async fn put(world: &World, tenant: &Tenant, kind: &str, key: &str, content: Content) {
    let new = document(tenant.project, kind, key, content);
    write(&world.database, tenant.org, &new).await.unwrap();
}

async fn export(world: &World, tenant: &Tenant, query: &str) -> Answer {
    world.get(&format!("/v1/projects/{}/export{query}", tenant.project), &tenant.key).await
}

#[tokio::test]
async fn two_exports_are_the_same_bytes_and_the_manifest_is_true() {
    let world = World::create().await;
    let tenant = world.tenant("acme", 1).await;
    put(&world, &tenant, "ADR_0001", "postgres", Content::markdown("old")).await;
    put(&world, &tenant, "ADR_0001", "postgres", Content::markdown("# Postgres\n")).await;
    put(&world, &tenant, "PATCHSET", "größe/..", Content::Json(json!({ "b": 1, "a": [2] }))).await;

    let one = export(&world, &tenant, "").await;
    assert_eq!(one.header(header::CONTENT_TYPE), "application/zip");
    assert_eq!(one.header(header::ETAG), format!("\"{}\"", sha256(&one.bytes)));
    let digest = one.header(HeaderName::from_static("content-digest"));
    assert!(digest.starts_with("sha-256=:") && digest.len() == 9 + 44 + 1, "{digest}");
    let path = format!("/v1/projects/{}/export", tenant.project);
    let again = request(Method::GET, &path, Some(&tenant.key)).body(Body::empty()).unwrap();
    let other = send(&world.instance(), again).await;
    assert_eq!(sha256(&one.bytes), sha256(&other.bytes));

    let (files, manifest) = verified(&one, "manifest.json");
    let report = format!("SCAN_REPORT/run_{}.v1", tenant.run);
    let expected = [
        "artifacts/ADR_0001/postgres.v2.md".to_owned(),
        "artifacts/PATCHSET/gr__e/__.v1.json".to_owned(),
        format!("artifacts/{report}.md"),
        "citations/ADR_0001/postgres.v2.json".to_owned(),
        "citations/PATCHSET/gr__e/__.v1.json".to_owned(),
        format!("citations/{report}.json"),
    ];
    assert_eq!(names(&files), expected);
    assert_eq!(files[0].1, "# Postgres\n");
    assert_eq!(files[1].1, "{\n  \"a\": [\n    2\n  ],\n  \"b\": 1\n}\n");
    let cited: Value = serde_json::from_str(&files[5].1).unwrap();
    assert_eq!(cited["citations"][0]["source_ref"], tenant.findings[0].to_string());
    assert_eq!(cited["artifact"]["logical_key"], format!("run:{}", tenant.run));
    assert_eq!(manifest["project"]["id"], tenant.project.to_string());
    assert_eq!(manifest["project"]["slug"], "acme-repository-1");
    assert!(manifest.get("only").is_none());

    // Nothing new: nothing is sent. A new version: another file.
    let known = request(Method::GET, &path, Some(&tenant.key))
        .header(header::IF_NONE_MATCH, one.header(header::ETAG));
    let unchanged = world.send(known.body(Body::empty()).unwrap()).await;
    assert_eq!((unchanged.status.as_u16(), unchanged.bytes.len()), (304, 0));
    put(&world, &tenant, "ADR_0001", "postgres", Content::markdown("# Postgres 18\n")).await;
    assert_ne!(sha256(&export(&world, &tenant, "").await.bytes), sha256(&one.bytes));
}

#[tokio::test]
async fn no_key_leads_outside_and_none_takes_the_place_of_another() {
    let world = World::create().await;
    let tenant = world.tenant("acme", 1).await;
    let wild = ["../../etc/passwd", "/etc/shadow", "C:\\boot.ini", "..", "nul", "a/../../b"];
    for key in wild {
        put(&world, &tenant, "PRD", key, Content::markdown(key)).await;
    }
    let (files, _) = verified(&export(&world, &tenant, "?kind=PRD").await, "manifest.json");
    assert_eq!(files.len(), 2 * wild.len());
    for name in names(&files) {
        let parts: Vec<&str> = name.split('/').collect();
        assert!(["artifacts", "citations"].contains(&parts[0]) && parts[1] == "PRD", "{name}");
        assert!(!parts.contains(&"..") && !name.contains(['\\', ':']), "{name}");
    }
    assert!(names(&files).contains(&"artifacts/PRD/__/__/etc/passwd.v1.md"));

    let pairs = [("a b", "a+b"), ("Read", "read"), ("x", "x.v1.md/y")];
    for ((one, other), number) in pairs.into_iter().zip(2..) {
        let tenant = world.tenant(&format!("acme-{number}"), number).await;
        put(&world, &tenant, "PRD", one, Content::markdown("1")).await;
        put(&world, &tenant, "PRD", other, Content::markdown("2")).await;
        let refused = export(&world, &tenant, "").await;
        assert_eq!(refused.problem(), (409, "conflict".to_owned()), "{one} and {other}");
        let detail = refused.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains("PRD") && detail.contains("key_prefix"), "{detail}");
        // Apart they can be had.
        let prefix = if other.starts_with(one) { "x." } else { one };
        let query = format!("?kind=PRD&key_prefix={}", prefix.replace(' ', "%20"));
        let (files, manifest) = verified(&export(&world, &tenant, &query).await, "manifest.json");
        assert_eq!(files.len(), 2);
        assert_eq!(manifest["only"], json!({ "kind": "PRD", "key_prefix": prefix }));
    }
}

#[tokio::test]
async fn a_project_of_more_than_a_thousand_documents_is_exported_whole() {
    const DOCUMENTS: usize = 1100;
    let world = World::create().await;
    let tenant = world.tenant("acme", 1).await;
    let pool = Database::with_connections(&world.database.functions_url(), 1).unwrap();
    let mut session = pool.session().await.unwrap();
    let tx = session.begin(tenant.org).await.unwrap();
    for number in 0..DOCUMENTS {
        let content = Content::markdown(format!("number {number}"));
        let new = document(tenant.project, "SPEC_MANY", &format!("n-{number}"), content);
        artifacts::write(&tx, &new).await.unwrap();
    }
    tx.commit().await.unwrap();
    let (files, _) = verified(&export(&world, &tenant, "?kind=SPEC_MANY").await, "manifest.json");
    assert_eq!(files.len(), 2 * DOCUMENTS);
    for (name, content) in &files[..DOCUMENTS] {
        let number = name.trim_start_matches("artifacts/SPEC_MANY/n-").trim_end_matches(".v1.md");
        assert_eq!(content, &format!("number {number}"));
    }
}

#[tokio::test]
async fn what_cannot_be_sent_at_once_is_refused_with_the_way_to_get_it() {
    let world = World::create().await;
    let tenant = world.tenant("acme", 1).await;
    // Hashes do not compress below half of their hex.
    let noise = |seed: usize| -> String {
        (0..15_000).map(|line| sha256(format!("{seed} {line}").as_bytes()) + "\n").collect()
    };
    for number in 0..10 {
        put(&world, &tenant, "PATCHSET", &number.to_string(), Content::markdown(noise(number)))
            .await;
    }
    let refused = export(&world, &tenant, "").await;
    assert_eq!(refused.problem(), (422, "answer_too_large".to_owned()));
    assert!(refused.json()["detail"].as_str().unwrap().contains("?kind="));
    let (files, _) = verified(&export(&world, &tenant, "?kind=SCAN_REPORT").await, "manifest.json");
    assert_eq!(files.len(), 2);
    let one = export(&world, &tenant, "?kind=PATCHSET&key_prefix=7").await;
    let (files, _) = verified(&one, "manifest.json");
    assert_eq!(files[0].1, noise(7));
}

#[tokio::test]
async fn no_secret_leaves_with_an_export() {
    let world = World::create().await;
    let tenant = world.tenant("acme", 1).await;
    let token = format!("ghp_{}", "k".repeat(36));
    let text = format!("clone https://me:hunter2@git.example/x with {token}\n");
    put(&world, &tenant, "PRD", &format!("by {token}"), Content::markdown(text)).await;
    let json = json!({ "env": { "DB_PASSWORD": "hunter2" }, "log": format!("Bearer {token}") });
    put(&world, &tenant, "PATCHSET", "p", Content::Json(json)).await;
    let (files, _) = verified(&export(&world, &tenant, "").await, "manifest.json");
    let all: String = files.iter().map(|(name, content)| format!("{name}\n{content}\n")).collect();
    assert!(!all.contains("hunter2") && !all.contains(&token), "{all}");
    assert!(all.contains("clone https://[REDACTED]@git.example/x with [REDACTED]"));
    assert!(all.contains("artifacts/PRD/by__REDACTED_.v1.md"));
}

/// A head that counts a version which is not there is our own fault, and is not papered over.
#[tokio::test]
async fn a_missing_version_is_an_error_and_never_left_out() {
    let world = World::create().await;
    let tenant = world.tenant("acme", 1).await;
    world.sql("UPDATE artifact_heads SET version = 2").await;
    let answer = export(&world, &tenant, "").await;
    assert_eq!(answer.problem(), (500, "internal".to_owned()));
}
