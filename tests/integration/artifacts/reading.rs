use domain::Content;
use serde_json::{Value, json};

use crate::api::{
    documents::{document, write},
    world::{Tenant, World},
};

fn keys(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().unwrap();
    items.iter().map(|item| item["logical_key"].as_str().unwrap().to_owned()).collect()
}

async fn put(world: &World, tenant: &Tenant, kind: &str, key: &str, content: Content) -> String {
    let new = document(tenant.project, kind, key, content);
    write(&world.database, tenant.org, &new).await.unwrap().id.to_string()
}

#[tokio::test]
async fn pages_go_by_key_whatever_is_written_meanwhile() {
    let world = World::create().await;
    let tenant = world.tenant("acme", 1).await;
    // Bytewise: capitals before small letters, and é after both.
    let expected = ["B", "a", "b", "c", "é"];
    for key in ["c", "é", "a", "B", "b"] {
        put(&world, &tenant, "PRD", key, Content::markdown("1")).await;
    }
    let base = format!("/v1/projects/{}/artifacts", tenant.project);
    let mut seen = Vec::new();
    let mut path = format!("{base}?kind=PRD&limit=2");
    loop {
        let page = world.get(&path, &tenant.key).await.json();
        seen.extend(keys(&page));
        for key in expected {
            put(&world, &tenant, "PRD", key, Content::markdown("again")).await;
        }
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("{base}?kind=PRD&limit=2&cursor={cursor}");
    }
    assert_eq!(seen, expected);

    let all = world.get(&base, &tenant.key).await.json();
    assert_eq!(all["items"].as_array().unwrap().len(), 6, "with the tenant's report");
    assert_eq!(all["items"][0]["version"], 4);
    let cases = [
        ("?key_prefix=run:", 1),
        ("?kind=SCAN_REPORT", 1),
        ("?kind=ADR_1", 0),
        (&format!("?run_id={}", tenant.run), 1),
        (&format!("?run_id={}", tenant.open_run), 0),
        ("?cursor=00000000-0000-0000-0000-000000000000", 0),
    ];
    for (query, count) in cases {
        let list = world.get(&format!("{base}{query}"), &tenant.key).await.json();
        assert_eq!(keys(&list).len(), count, "{query}");
    }
    let unknown = world.get(&format!("{base}?kind=NOTE"), &tenant.key).await;
    assert_eq!(unknown.problem(), (400, "validation_failed".to_owned()));
    assert!(unknown.json()["detail"].as_str().unwrap().contains("SCAN_REPORT"));
    for prefix in ["%00", "", &"x".repeat(201)] {
        let refused = world.get(&format!("{base}?key_prefix={prefix}"), &tenant.key).await;
        assert_eq!(refused.json()["errors"][0]["field"], "key_prefix", "{prefix}");
    }
}

#[tokio::test]
async fn old_versions_stay_readable_and_say_what_changed() {
    let world = World::create().await;
    let tenant = world.tenant("acme", 1).await;
    let mut ids = Vec::new();
    for text in ["one\ntwo\nthree\n", "one\n2\nthree\n", "one\n2\nthree\nfour\n"] {
        ids.push(put(&world, &tenant, "ROADMAP", "year", Content::markdown(text)).await);
    }
    let first = world.get(&format!("/v1/artifacts/{}", ids[0]), &tenant.key).await.json();
    assert_eq!(first["content"]["markdown"], "one\ntwo\nthree\n");
    assert_eq!((&first["version"], &first["format"]), (&json!(1), &json!("markdown")));

    let path = format!("/v1/artifacts/{}/versions?limit=2", ids[1]);
    let page = world.get(&path, &tenant.key).await.json();
    let versions = |page: &Value| -> Vec<i64> {
        page["items"].as_array().unwrap().iter().map(|i| i["version"].as_i64().unwrap()).collect()
    };
    assert_eq!(versions(&page), [3, 2]);
    let rest = format!("{path}&cursor={}", page["next_cursor"].as_str().unwrap());
    assert_eq!(versions(&world.get(&rest, &tenant.key).await.json()), [1]);

    let diff = async |id: &str, query: &str| {
        world.get(&format!("/v1/artifacts/{id}/diff{query}"), &tenant.key).await
    };
    let before = diff(&ids[1], "").await.json();
    assert_eq!((&before["from_version"], &before["to_version"]), (&json!(1), &json!(2)));
    assert_eq!(
        before["diff"],
        "--- year.v1.md\n+++ year.v2.md\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n"
    );
    let far = diff(&ids[0], "?against=3").await.json();
    assert_eq!((&far["from_version"], &far["to_version"]), (&json!(3), &json!(1)));
    assert!(far["diff"].as_str().unwrap().contains("-four\n"));
    let none = diff(&ids[0], "").await.json();
    assert_eq!(none["from_version"], Value::Null);
    assert!(none["diff"].as_str().unwrap().ends_with("+one\n+two\n+three\n"));
    assert_eq!(diff(&ids[0], "?against=1").await.json()["diff"], "");
    let missing = diff(&ids[0], "?against=4").await;
    assert_eq!(missing.problem(), (400, "validation_failed".to_owned()));
    assert_eq!(missing.json()["errors"][0]["field"], "against");
}

#[tokio::test]
async fn json_is_compared_by_its_values_and_not_by_how_it_was_written() {
    let world = World::create().await;
    let tenant = world.tenant("acme", 1).await;
    let contents = [
        json!({ "b": [1, { "y": 1, "x": 2 }], "a": "é" }),
        json!({ "a": "é", "b": [1, { "x": 2, "y": 1 }] }),
        json!({ "a": "e", "b": [1, { "x": 2, "y": 1 }] }),
    ];
    let mut ids = Vec::new();
    for content in contents {
        ids.push(put(&world, &tenant, "PATCHSET", "p", Content::Json(content)).await);
    }
    let diff = async |id: &str| {
        world.get(&format!("/v1/artifacts/{id}/diff"), &tenant.key).await.json()["diff"].clone()
    };
    assert_eq!(diff(&ids[1]).await, "");
    let changed = diff(&ids[2]).await;
    let changed = changed.as_str().unwrap();
    assert!(changed.contains("-  \"a\": \"é\",\n+  \"a\": \"e\",\n"), "{changed}");

    // What is kept beside a text counts, and so does a change from a text to something else.
    let fields = json!({ "title": "Old" }).as_object().unwrap().clone();
    let beside = Content::Markdown { text: "same".to_owned(), fields };
    put(&world, &tenant, "PRD", "p", beside).await;
    let id = put(&world, &tenant, "PRD", "p", Content::markdown("same")).await;
    assert!(diff(&id).await.as_str().unwrap().contains("-  \"title\": \"Old\"\n"));
    let id = put(&world, &tenant, "PRD", "p", Content::Json(json!(["now JSON"]))).await;
    assert!(diff(&id).await.as_str().unwrap().contains("+  \"now JSON\"\n"));
}

#[tokio::test]
async fn a_difference_that_is_too_large_to_send_says_so() {
    let world = World::create().await;
    let tenant = world.tenant("acme", 1).await;
    // Two bytes a number as it is stored, six in a difference.
    for number in [0, 1] {
        let content = Content::Json(json!(vec![number; 150_000]));
        put(&world, &tenant, "PATCHSET", "numbers", content).await;
    }
    let path = format!("/v1/projects/{}/artifacts?kind=PATCHSET", tenant.project);
    let newest = world.get(&path, &tenant.key).await.json()["items"][0]["id"].clone();
    let path = format!("/v1/artifacts/{}/diff", newest.as_str().unwrap());
    let refused = world.get(&path, &tenant.key).await;
    assert_eq!(refused.problem(), (422, "answer_too_large".to_owned()));
}
