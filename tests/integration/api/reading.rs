//! Lists, filters and details.

use http::{StatusCode, header};
use serde_json::Value;

use super::world::World;

fn ids(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().unwrap();
    items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repetition() {
    let world = World::create().await;
    let tenant = world.tenant("acme", 1).await;
    let mut expected = vec![tenant.open_run.to_string(), tenant.run.to_string()];
    for _ in 0..5 {
        let run = world.run(tenant.org, tenant.repository, "queued").await;
        expected.insert(0, run.to_string());
    }
    let whole = world.get("/v1/runs", &tenant.key).await.json();
    assert_eq!(ids(&whole), expected);
    assert_eq!(whole["next_cursor"], Value::Null);

    let mut seen = Vec::new();
    let mut path = "/v1/runs?limit=3".to_owned();
    loop {
        let page = world.get(&path, &tenant.key).await.json();
        seen.extend(ids(&page));
        // What arrives meanwhile is newer and disturbs no later page.
        world.run(tenant.org, tenant.repository, "queued").await;
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/v1/runs?limit=3&cursor={cursor}");
    }
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn a_cursor_that_names_nothing_has_nothing_after_it() {
    let world = World::create().await;
    let (ours, theirs) = (world.tenant("ours", 1).await, world.tenant("theirs", 2).await);
    for cursor in [theirs.open_run, uuid::Uuid::nil()] {
        let path = format!("/v1/runs?cursor={cursor}");
        assert_eq!(ids(&world.get(&path, &ours.key).await.json()), Vec::<String>::new());
    }
}

#[tokio::test]
async fn filters_narrow_and_findings_come_gravest_first() {
    let world = World::create().await;
    let tenant = world.tenant("acme", 1).await;
    let all: Vec<String> = tenant.findings.iter().map(ToString::to_string).collect();
    let findings = format!("/v1/analyses/{}/findings", tenant.analysis);
    let cases = [
        ("", &all[..]),
        ("?severity=high", &all[1..2]),
        ("?state=new", &all[..1]),
        ("?state=existing", &all[1..]),
        ("?rule=rule-2", &all[2..]),
        ("?path=src", &all[..2]),
        ("?path=src/", &all[..2]),
        ("?path=src/app.py", &all[..1]),
        ("?path=sr", &[]),
        ("?path=%25", &[]),
        ("?dismissed=true", &[]),
        ("?dismissed=false&severity=low", &all[2..]),
        ("?limit=2", &all[..2]),
    ];
    for (query, expected) in cases {
        let answer = world.get(&format!("{findings}{query}"), &tenant.key).await;
        assert_eq!(ids(&answer.json()), expected, "{query}");
    }
    let second = format!("{findings}?limit=2&cursor={}", all[1]);
    assert_eq!(ids(&world.get(&second, &tenant.key).await.json()), all[2..]);

    let runs = [("status=queued", tenant.open_run), ("status=succeeded", tenant.run)];
    for (query, expected) in runs {
        let list = world.get(&format!("/v1/runs?{query}"), &tenant.key).await.json();
        assert_eq!(ids(&list), [expected.to_string()], "{query}");
    }
    let none = [
        "/v1/runs?kind=repository_sync",
        "/v1/analyses?verdict=passed",
        "/v1/analyses?pull_request=1",
    ];
    for path in none {
        assert_eq!(ids(&world.get(path, &tenant.key).await.json()).len(), 0, "{path}");
    }
}

#[tokio::test]
async fn a_run_shows_its_steps_done_and_to_come() {
    let world = World::create().await;
    let tenant = world.tenant("acme", 1).await;
    let done = world.get(&format!("/v1/runs/{}", tenant.run), &tenant.key).await.json();
    assert_eq!(done["analysis_id"], tenant.analysis.to_string());
    assert_eq!(done["steps"].as_array().unwrap().len(), 5);
    let fetch = &done["steps"].as_array().unwrap().iter().find(|s| s["step"] == "fetch").unwrap();
    assert_eq!(fetch["output"]["changes"], 2, "a list is shown as its length");
    assert!(fetch["duration_ms"].as_i64().unwrap() >= 20);

    let open = world.get(&format!("/v1/runs/{}", tenant.open_run), &tenant.key).await.json();
    let steps = open["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 6);
    assert!(steps.iter().all(|step| step["status"] == "pending"), "{open}");
}

#[tokio::test]
async fn an_analysis_leads_to_its_attestation_in_the_exact_bytes() {
    let world = World::create().await;
    let tenant = world.tenant("acme", 1).await;
    let analysis =
        world.get(&format!("/v1/analyses/{}", tenant.analysis), &tenant.key).await.json();
    assert_eq!(analysis["counts"]["deciding"]["critical"], 1);
    assert_eq!(analysis["coverage"]["unanalysed"][0]["reason"], "binary");
    assert_eq!(analysis["attestation_id"], tenant.attestation.to_string());
    let badge = format!("https://assay.example/badge/{}.svg", tenant.badge_token);
    assert_eq!(analysis["badge_url"], badge);

    let of = format!("/v1/analyses/{}/attestation", tenant.analysis);
    let by_analysis = world.get(&of, &tenant.key).await.json();
    assert_eq!(by_analysis["badge_url"], badge);
    let base = format!("/v1/attestations/{}", tenant.attestation);
    assert_eq!(world.get(&base, &tenant.key).await.json(), by_analysis);

    let dsse = world.get(&format!("{base}/dsse"), &tenant.key).await;
    assert_eq!(dsse.header(header::CONTENT_TYPE), "application/vnd.dsse.envelope.v1+json");
    assert!(dsse.header(header::CONTENT_DISPOSITION).contains("attestation.dsse.json"));
    assert!(world.is_genuine(&dsse.bytes));
    let sql = world.database.sql().await;
    let stored: Vec<u8> =
        sql.query_one("SELECT envelope FROM verification_attestations", &[]).await.unwrap().get(0);
    assert_eq!(dsse.bytes, stored);

    let bundle = world.get(&format!("{base}/bundle"), &tenant.key).await;
    assert_eq!(bundle.json()["dsseEnvelope"], dsse.json());
    let detail = world.get(&format!("{base}/detail"), &tenant.key).await;
    assert_eq!(&detail.bytes[..], b"{\"detail\": true}");
}

#[tokio::test]
async fn the_published_keys_are_open_to_everyone() {
    let world = World::create().await;
    assert_eq!(world.get_public("/v1/public-key").await.problem().0, 404);
    assert_eq!(
        world.get_public("/v1/public-keys").await.json()["keys"].as_array().unwrap().len(),
        0
    );
    world.tenant("acme", 1).await;
    world
        .sql(
            "INSERT INTO signing_keys (key_id, algorithm, public_key_pem, valid_from, retired_at)
             VALUES ('SHA256:old', 'ecdsa-p256-sha256', 'old', now() - interval '1 year', now());
             INSERT INTO signing_keys (key_id, algorithm, purpose, public_key_pem, valid_from)
             VALUES ('SHA256:log', 'ed25519', 'checkpoint', 'log', now() + interval '1 minute')",
        )
        .await;
    let pem = world.get_public("/v1/public-key").await;
    assert!(pem.bytes.starts_with(b"-----BEGIN PUBLIC KEY-----"));
    assert_eq!(pem.header(header::CONTENT_TYPE), "application/x-pem-file");
    let keys = world.get_public("/v1/public-keys").await.json();
    let ids: Vec<&str> =
        keys["keys"].as_array().unwrap().iter().map(|k| k["key_id"].as_str().unwrap()).collect();
    assert_eq!((ids.len(), ids[0], ids[2]), (3, "SHA256:log", "SHA256:old"));
}

#[tokio::test]
async fn a_search_finds_what_was_indexed() {
    let world = World::create().await;
    let tenant = world.tenant("acme", 1).await;
    let path = format!("/v1/search?q=welcomes+a+visitor&repository_id={}", tenant.repository);
    let hits = world.get(&path, &tenant.key).await.json();
    let hit = &hits["hits"][0];
    assert_eq!(
        (&hit["path"], &hit["name"]),
        (&"src/greeting.py".into(), &"greet".into()),
        "{hits}"
    );
}

#[tokio::test]
async fn the_start_page_runs_no_script() {
    let world = World::create().await;
    let page = world.get_public("/").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.header(header::CONTENT_SECURITY_POLICY).starts_with("default-src 'none'"));
    assert!(!String::from_utf8_lossy(&page.bytes).contains("<script"));
    let head = super::world::request(http::Method::HEAD, "/health", None);
    assert_eq!(world.send(head.body(axum::body::Body::empty()).unwrap()).await.status, 200);
}
