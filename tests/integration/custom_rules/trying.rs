//! `POST /v1/rules/test` and the templates.

use analysis::custom::{Example, templates};
use domain::Scope;
use serde_json::{Value, json};

use crate::api::world::World;

#[tokio::test]
async fn a_trial_says_what_a_rule_finds_and_keeps_nothing() {
    let world = World::create().await;
    let org = world.database.organization("acme").await;
    let (_, reader) = world.key(org, &[Scope::Read]).await;
    let test = async |body: Value| {
        let answer = world.post("/v1/rules/test", &reader, &body).await;
        assert_eq!(answer.status, 200, "{}", answer.json());
        answer.json()
    };
    let key = format!("AKIA{}", "Q3EGR7LZW5YTX2KP");
    let code = format!("a = 1\n\u{1f600} = shout(a, '{key}')\n");
    let tried = test(json!({
        "yaml": "- {id: a, type: pattern, severity: high, message: Do not shout., pattern: 'shout\\(.*'}\n- {id: off, type: pattern, message: m, pattern: '^a', enabled: false}",
        "files": [{ "path": "src/a.txt", "code": code }, { "path": "tests/b.py", "code": "shout()" }],
    }))
    .await;
    assert_eq!((&tried["valid"], &tried["problems"]), (&json!(true), &json!([])));
    assert_eq!(tried["rules"], json!(["a", "off"]));
    let found = tried["findings"].as_array().unwrap();
    assert_eq!(found.len(), 3, "a rule that is off is tried all the same: {tried}");
    assert_eq!(
        found[1],
        json!({
            "rule": "custom.a", "path": "src/a.txt", "line_start": 2, "line_end": 2,
            "column_start": 6, "column_end": found[1]["column_end"], "title": "Do not shout",
            "severity": "high", "snippet": "\u{1f600} = shout(a, '***')", "demoted": false,
        })
    );
    assert_eq!((&found[2]["path"], &found[2]["demoted"]), (&json!("tests/b.py"), &json!(true)));

    let wrong = test(
        json!({ "yaml": "id: a\ntype: ast\nlanguages: [go]\nmessage: m\nrule: {kind: nope}" }),
    )
    .await;
    assert_eq!((&wrong["valid"], &wrong["findings"]), (&json!(false), &json!([])));
    let problem = &wrong["problems"][0];
    assert_eq!(
        (&problem["rule"], &problem["at"], &problem["line"]),
        (&json!("a"), &json!("rule"), &json!(5))
    );
    assert!(problem["problem"].as_str().unwrap().contains("for go:"), "{problem}");
    assert!(!problem["remedy"].as_str().unwrap().is_empty());

    let hog = json!({
        "id": "hog", "type": "ast", "languages": ["python"], "message": "m",
        "rule": { "kind": "identifier",
                  "inside": { "follows": { "regex": "never", "stopBy": "end" }, "stopBy": "end" } },
    });
    let long: String = (0..3000).map(|n| format!("f{n}(g(h(a, b), [c, d]), e={n})\n")).collect();
    let slow = test(json!({ "rule": hog, "files": [{ "path": "a.py", "code": long }] })).await;
    let missed = json!([{ "path": "a.py", "rule": "custom.hog", "reason": "out_of_fuel" }]);
    assert_eq!(slow["incomplete"], missed);
    assert_eq!(world.count("custom_rules").await, 0);

    let many = json!({ "rule": hog, "files": vec![json!({ "path": "a", "code": "" }); 21] });
    let refused = world.post("/v1/rules/test", &reader, &many).await;
    assert_eq!(refused.problem(), (400, "validation_failed".to_owned()));
}

/// Goal: what the API offers to begin with can be kept as it is, and does what it shows.
#[tokio::test]
async fn every_template_can_be_kept_and_finds_what_it_shows() {
    let world = World::create().await;
    let org = world.database.organization("acme").await;
    let (_, key) = world.key(org, Scope::ALL).await;
    let offered = world.get("/v1/rules/templates", &key).await.json();
    let offered = offered["items"].as_array().unwrap();
    assert_eq!(offered.len(), 10);
    for (template, known) in offered.iter().zip(templates()) {
        let name = template["name"].as_str().unwrap();
        let made = world.post("/v1/rules", &key, &json!({ "rule": template["rule"] })).await;
        assert_eq!(made.status, 201, "{name}: {}", made.json());
        for (examples, wanted) in
            [(&known.rule.examples.bad, true), (&known.rule.examples.good, false)]
        {
            for example in examples {
                let (path, code) = match (example, known.rule.head.languages.first()) {
                    (Example::File { path, code }, _) => (path.as_str(), code),
                    (Example::Code(code), Some(domain::Language::Python)) => ("src/a.py", code),
                    (Example::Code(code), Some(_)) => ("src/a.js", code),
                    (Example::Code(code), None) => ("src/a.py", code),
                };
                let body = json!({
                    "yaml": template["yaml"], "files": [{ "path": path, "code": code }],
                });
                let tried = world.post("/v1/rules/test", &key, &body).await.json();
                let found = tried["findings"].as_array().unwrap();
                let own = format!("custom.{name}");
                assert_eq!(found.iter().any(|one| one["rule"] == own), wanted, "{name}: {code}");
            }
        }
    }
}
