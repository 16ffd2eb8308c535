//! A badge can neither outlive nor contradict its attestation.

use axum::body::Body;
use domain::Tier;
use http::{Method, StatusCode, header};

use super::world::{Answer, Tenant, World, request};

async fn svg(world: &World, token: &str) -> (Answer, String) {
    let answer = world.get_public(&format!("/badge/{token}.svg")).await;
    assert_eq!(answer.header(header::CONTENT_TYPE), "image/svg+xml;charset=utf-8");
    assert_eq!(answer.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff");
    assert!(answer.header(header::CONTENT_SECURITY_POLICY).starts_with("default-src 'none'"));
    let text = String::from_utf8(answer.bytes.to_vec()).unwrap();
    assert!(text.starts_with("<svg"), "{text}");
    (answer, text)
}

/// Attests a new analysis, which is what the badge then stands on.
async fn attest(world: &World, tenant: &Tenant, tier: Tier, passed: bool) {
    let analysis = uuid::Uuid::now_v7();
    world
        .sql(&format!(
            "INSERT INTO analyses (id, org_id, project_id, repo_id, kind, head_sha)
             SELECT '{analysis}', org_id, project_id, repo_id, kind, head_sha FROM analyses
             WHERE id = '{}'",
            tenant.analysis
        ))
        .await;
    let attestation =
        world.attestation(tenant.org, tenant.repository, analysis, tier, passed).await;
    world.sql(&format!("UPDATE verification_badges SET attestation_id = '{attestation}'")).await;
}

#[tokio::test]
async fn a_badge_shows_its_attestation_and_nothing_once_that_has_expired() {
    let world = World::create().await;
    let tenant = world.tenant("acme", 1).await;
    let token = &tenant.badge_token;
    assert!(svg(&world, token).await.1.contains("not verified"), "whatever its own columns say");

    attest(&world, &tenant, Tier::None, true).await;
    let (_, text) = svg(&world, token).await;
    assert!(text.contains("verified") && !text.contains("not verified"));

    attest(&world, &tenant, Tier::Gold, true).await;
    let (answer, text) = svg(&world, token).await;
    assert!(text.contains("gold certified") && text.contains("#d8b800"));
    assert_eq!(answer.header(header::CACHE_CONTROL), "public, max-age=300, s-maxage=300");

    // Nothing else lets time pass: the rows refuse to be changed.
    world
        .sql(
            "ALTER TABLE verification_attestations DISABLE TRIGGER append_only;
             UPDATE verification_attestations SET expires_at = now()",
        )
        .await;
    assert!(svg(&world, token).await.1.contains("expired"));
    let report = world.get_public(&format!("/badge/{token}/verify")).await.json();
    assert_eq!((&report["valid"], &report["signature_verified"]), (&false.into(), &true.into()));
    assert!(world.count("verification_badges WHERE view_count = 4").await == 1);
}

#[tokio::test]
async fn an_unchanged_badge_is_not_sent_again() {
    let world = World::create().await;
    let tenant = world.tenant("acme", 1).await;
    let (first, _) = svg(&world, &tenant.badge_token).await;
    let tag = first.header(header::ETAG).to_owned();
    assert!(tag.starts_with('"'), "a strong tag: {tag}");
    let ask = async || {
        let path = format!("/badge/{}.svg", tenant.badge_token);
        let call = request(Method::GET, &path, None).header(header::IF_NONE_MATCH, &tag);
        world.send(call.body(Body::empty()).unwrap()).await
    };
    let unchanged = ask().await;
    assert_eq!((unchanged.status, unchanged.bytes.len()), (StatusCode::NOT_MODIFIED, 0));
    assert_eq!(unchanged.header(header::ETAG), tag);
    attest(&world, &tenant, Tier::Silver, true).await;
    assert_eq!(ask().await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_unknown_token_is_a_picture_that_says_so() {
    let world = World::create().await;
    for token in ["aaaaaaaaaaaaaaaaaaaaaa", "short", "a'; DROP TABLE runs; --"] {
        let (answer, text) = svg(&world, &token.replace(' ', "%20")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
        assert!(text.contains("not found"), "{text}");
    }
    for path in ["verify", "attestation.dsse.json"] {
        let answer = world.get_public(&format!("/badge/aaaaaaaaaaaaaaaaaaaaaa/{path}")).await;
        assert_eq!(answer.problem(), (404, "not_found".to_owned()));
    }
}

#[tokio::test]
async fn strangers_verify_what_a_badge_stands_on() {
    let world = World::create().await;
    let tenant = world.tenant("acme", 1).await;
    attest(&world, &tenant, Tier::Bronze, true).await;
    let path = format!("/badge/{}/verify", tenant.badge_token);
    let report = world.get_public(&path).await.json();
    assert_eq!(report["valid"], true);
    assert_eq!(report["status"], "bronze certified");
    assert_eq!(report["repository"], "acme/widget");
    let envelope = format!("/badge/{}/attestation.dsse.json", tenant.badge_token);
    assert!(world.is_genuine(&world.get_public(&envelope).await.bytes));

    // One byte of the stored envelope changed: the badge's word is worth nothing.
    world
        .sql(
            "ALTER TABLE verification_attestations DISABLE TRIGGER append_only;
             UPDATE verification_attestations
             SET envelope = set_byte(envelope, 20, CASE get_byte(envelope, 20) WHEN 65 THEN 66 ELSE 65 END)",
        )
        .await;
    let report = world.get_public(&path).await.json();
    assert_eq!((&report["valid"], &report["signature_verified"]), (&false.into(), &false.into()));
}

#[tokio::test]
async fn the_badge_of_a_private_repository_tells_its_tier_and_no_more() {
    let world = World::create().await;
    let tenant = world.tenant("acme", 1).await;
    attest(&world, &tenant, Tier::Gold, true).await;
    world.sql("UPDATE repositories SET private = true").await;
    assert!(svg(&world, &tenant.badge_token).await.1.contains("gold certified"));
    let report = world.get_public(&format!("/badge/{}/verify", tenant.badge_token)).await;
    assert_eq!(report.json()["tier"], "gold");
    assert!(!String::from_utf8_lossy(&report.bytes).contains("acme"));
    let envelope = format!("/badge/{}/attestation.dsse.json", tenant.badge_token);
    assert_eq!(world.get_public(&envelope).await.problem().0, 404);
}
