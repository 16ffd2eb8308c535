//! Rules through the API: kept, changed, switched off, taken away, exchanged as files.

use domain::Scope;
use http::{Method, header};
use serde_json::{Value, json};

use crate::api::world::{Answer, Tenant, World};

async fn place() -> (World, Tenant) {
    let world = World::create().await;
    let tenant = world.tenant("acme", 1).await;
    world.sql("DELETE FROM custom_rules").await;
    (world, tenant)
}

fn rule(id: &str) -> Value {
    json!({ "id": id, "type": "pattern", "message": "Leave it.", "pattern": "leave it" })
}

impl World {
    async fn change(&self, method: Method, path: &str, key: &str, body: &Value) -> Answer {
        self.send_json(method, path, key, body).await
    }
}

fn names(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|rule| rule["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_rule_is_kept_changed_switched_and_taken_away_and_each_leaves_a_trace() {
    let (world, Tenant { key, repository, .. }) = place().await;
    let body = json!({ "rule": rule("no-left"), "repository_id": repository });
    let made = world.post("/v1/rules", &key, &body).await;
    assert_eq!(made.status, 201, "{}", made.json());
    let first = made.json();
    let path = made.header(header::LOCATION).to_owned();
    assert_eq!(path, format!("/v1/rules/{}", first["id"].as_str().unwrap()));
    assert_eq!(
        (&first["name"], &first["type"], &first["severity"], &first["enabled"], &first["version"]),
        (&json!("no-left"), &json!("pattern"), &json!("medium"), &json!(true), &json!(1))
    );
    assert_eq!(first["rule"]["pattern"], "leave it");
    assert_eq!(world.get(&path, &key).await.json(), first);

    let yaml = "{id: no-right, type: pattern, severity: low, message: m, pattern: right}";
    let changed = world.change(Method::PATCH, &path, &key, &json!({ "yaml": yaml })).await.json();
    assert_eq!((&changed["name"], &changed["version"]), (&json!("no-right"), &json!(2)));
    assert_eq!((&changed["severity"], &changed["id"]), (&json!("low"), &first["id"]));
    let again = world.change(Method::PATCH, &path, &key, &json!({ "yaml": yaml })).await.json();
    assert_eq!(again["version"], 2, "what says the same is no new version");

    let toggle = format!("{path}/toggle");
    let off = world.post(&toggle, &key, &json!({ "enabled": false })).await.json();
    assert_eq!((&off["enabled"], &off["rule"]["enabled"]), (&json!(false), &json!(false)));
    let on = world.post(&toggle, &key, &json!({ "enabled": true })).await.json();
    assert_eq!((&on["enabled"], &on["version"]), (&json!(true), &json!(2)));

    assert_eq!(world.change(Method::DELETE, &path, &key, &json!({})).await.status, 204);
    assert_eq!(world.get(&path, &key).await.problem(), (404, "not_found".to_owned()));
    let log = world.get("/v1/audit-logs?limit=200", &key).await.json();
    let entries: Vec<&Value> = log["items"].as_array().unwrap().iter().rev().collect();
    let of_rule = entries.iter().filter(|entry| entry["resource_id"] == first["id"]);
    let actions: Vec<&str> =
        of_rule.clone().map(|entry| entry["action"].as_str().unwrap()).collect();
    let expected = [
        "rule.created",
        "rule.changed",
        "rule.changed",
        "rule.disabled",
        "rule.enabled",
        "rule.deleted",
    ];
    assert_eq!(actions, expected);
    let hashes: Vec<&Value> = of_rule.map(|entry| &entry["details"]["sha256"]).collect();
    assert_ne!(hashes[0], hashes[1], "what a rule was can be told from the log");
}

#[tokio::test]
async fn one_owner_has_a_name_once_and_lists_are_narrowed() {
    let (world, Tenant { key, repository, .. }) = place().await;
    let make = async |rule: Value, owner: Value| {
        let body = json!({ "rule": rule, "repository_id": owner });
        world.post("/v1/rules", &key, &body).await
    };
    assert_eq!(make(rule("a"), json!(null)).await.status, 201);
    assert_eq!(make(rule("a"), json!(repository)).await.status, 201, "another owner");
    assert_eq!(make(rule("a"), json!(null)).await.problem(), (409, "conflict".to_owned()));
    let ast = json!({
        "id": "b", "type": "ast", "languages": ["go"], "message": "m", "enabled": false,
        "rule": { "pattern": "panic($$$)" },
    });
    let other = make(ast, json!(null)).await.json();
    let taken = format!("/v1/rules/{}", other["id"].as_str().unwrap());
    let clash = world.change(Method::PATCH, &taken, &key, &json!({ "rule": rule("a") })).await;
    assert_eq!(clash.problem(), (409, "conflict".to_owned()));

    let list = async |query: &str| world.get(&format!("/v1/rules{query}"), &key).await.json();
    assert_eq!(names(&list("").await), ["b", "a", "a"]);
    assert_eq!(names(&list("?type=ast").await), ["b"]);
    assert_eq!(names(&list("?enabled=true").await), ["a", "a"]);
    let own = list(&format!("?repository_id={repository}")).await;
    assert_eq!((names(&own), &own["items"][0]["repository_id"]), (vec!["a"], &json!(repository)));
    let page = list("?limit=1").await;
    let next = page["next_cursor"].as_str().unwrap();
    assert_eq!(names(&list(&format!("?limit=5&cursor={next}")).await), ["a", "a"]);
}

#[tokio::test]
async fn what_is_wrong_with_a_rule_is_said_by_field_and_nothing_is_kept() {
    let (world, Tenant { key, org, .. }) = place().await;
    let refused = async |body: Value| {
        let answer = world.post("/v1/rules", &key, &body).await;
        assert_eq!(answer.problem(), (400, "validation_failed".to_owned()), "{body}");
        let error = answer.json()["errors"][0].clone();
        let text = |field: &str| error[field].as_str().unwrap().to_owned();
        (text("field"), text("detail"))
    };
    let broken = json!({ "id": "a", "type": "pattern", "message": "m", "pattern": "(" });
    let (field, detail) = refused(json!({ "rule": broken })).await;
    assert_eq!(field, "rule.pattern");
    assert!(detail.contains("unclosed group") && detail.contains("regex crate"), "{detail}");
    let yaml = "id: a\ntype: pattern\nmessage: m\npattern: '('\n";
    let (field, detail) = refused(json!({ "yaml": yaml })).await;
    assert_eq!(field, "yaml");
    assert!(detail.starts_with("line 4: rule `a`: pattern: "), "{detail}");

    let mut shown = rule("a");
    shown["examples"] = json!({ "bad": ["leave it", "take it"] });
    let (field, detail) = refused(json!({ "rule": shown })).await;
    assert_eq!(field, "rule.examples.bad[1]");
    assert!(detail.contains("the rule does not match it"), "{detail}");
    let two = "- {id: a, type: pattern, message: m, pattern: x}\n- {id: b, type: pattern, message: m, pattern: x}";
    assert!(refused(json!({ "yaml": two })).await.1.contains("expected one rule, not 2"));
    assert_eq!(refused(json!({})).await.0, "body");
    assert_eq!(refused(json!({ "rule": rule("a"), "yaml": "x" })).await.0, "body");
    let nul = json!({ "id": "a", "type": "pattern", "message": "m", "pattern": "a\u{0}" });
    assert!(refused(json!({ "rule": nul })).await.1.contains("NUL"));

    let elsewhere = json!({ "rule": rule("a"), "repository_id": uuid::Uuid::now_v7() });
    let answer = world.post("/v1/rules", &key, &elsewhere).await;
    assert_eq!(answer.problem(), (404, "not_found".to_owned()));
    let (_, reader) = world.key(org, &[Scope::Read]).await;
    for (path, body) in
        [("/v1/rules", json!({ "rule": rule("a") })), ("/v1/rules/import", json!({ "yaml": "[]" }))]
    {
        assert_eq!(world.post(path, &reader, &body).await.problem().0, 403, "{path}");
    }
    assert_eq!(world.count("custom_rules").await, 0);
    assert_eq!(world.count("audit_logs WHERE action LIKE 'rule.%'").await, 0);
}

#[tokio::test]
async fn rules_come_and_go_as_files_all_of_them_or_none() {
    let (world, Tenant { key, repository, .. }) = place().await;
    let import = async |yaml: &str, more: Value| {
        let mut body = json!({ "yaml": yaml });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        world.post("/v1/rules/import", &key, &body).await
    };
    let yaml = "\
rules:
  - {id: ours, type: pattern, message: m, pattern: x, examples: {bad: [x], good: [y]}}
---
id: theirs
language: Python
severity: error
message: as ast-grep writes it
rule: {pattern: print($A)}
fix: log($A)
url: https://example.com/rules/theirs
";
    let done = import(yaml, json!({})).await.json();
    assert_eq!((&done["created"], &done["changed"]), (&json!(2), &json!(0)));
    assert_eq!(done["notes"], json!(["rule `theirs`: `url` has no effect here"]));

    let exported = world.get("/v1/rules/export", &key).await;
    assert_eq!(exported.header(header::CONTENT_TYPE), "application/yaml");
    let file = String::from_utf8(exported.bytes.to_vec()).unwrap();
    let same = import(&file, json!({})).await.json();
    assert_eq!((&same["unchanged"], &same["created"]), (&json!(2), &json!(0)), "{file}");
    let copied = import(&file, json!({ "repository_id": repository })).await.json();
    assert_eq!(copied["created"], 2);
    let own = world.get(&format!("/v1/rules/export?repository_id={repository}"), &key).await;
    assert_eq!(own.bytes, exported.bytes, "what was imported is exported again");

    let other = file.replace("message: m", "message: n");
    assert_eq!(import(&other, json!({})).await.problem(), (409, "conflict".to_owned()));
    let replaced = import(&other, json!({ "replace": true })).await.json();
    assert_eq!((&replaced["changed"], &replaced["unchanged"]), (&json!(1), &json!(1)));

    let half = format!(
        "{}\n- {{id: bad, type: pattern, message: m, pattern: '('}}",
        "- {id: new, type: pattern, message: m, pattern: x}"
    );
    assert_eq!(import(&half, json!({})).await.problem().0, 400);
    let before = world.count("custom_rules").await;
    let many: String = (0..199)
        .map(|n| format!("- {{id: r{n}, type: pattern, message: m, pattern: x}}\n"))
        .collect();
    assert_eq!(import(&many, json!({})).await.problem(), (409, "conflict".to_owned()));
    assert_eq!(world.count("custom_rules").await, before, "none of them is kept");
    let fits: String = many.lines().take(198).map(|line| format!("{line}\n")).collect();
    assert_eq!(import(&fits, json!({})).await.status, 200);
    let body = json!({ "rule": rule("one-more") });
    assert_eq!(world.post("/v1/rules", &key, &body).await.problem(), (409, "conflict".to_owned()));
}

#[tokio::test]
async fn of_two_who_make_the_same_rule_at_once_one_does() {
    let (world, Tenant { key, .. }) = place().await;
    let body = json!({ "rule": rule("a") });
    let (one, other) = (world.instance(), world.instance());
    let post = async |router| {
        let request = crate::api::world::json_request(Method::POST, "/v1/rules", &key, &body);
        crate::api::world::send(router, request).await.status.as_u16()
    };
    let (one, other) = tokio::join!(post(&one), post(&other));
    assert_eq!([one.min(other), one.max(other)], [201, 409]);
}
