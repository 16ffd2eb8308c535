//! Rules in runs: which of them run, what becomes of their findings, and how that is explained.

use std::collections::BTreeSet;

use analysis::{Clock, CustomRules, RuleFile, scan_with};
use domain::{CommitSha, RunId, RunKind, kinds};
use serde_json::{Value, json};
use store::runs::{self, NewRun};
use tests::{function::Function, queue_server::QueueServer};
use uuid::Uuid;

use crate::scans::place::{FILES, Place, SHARDS, files};

const CODE: &str = "def run(text):\n    shout(text)\n    left(text)\n    right(text)\n";

fn pattern(id: &str, severity: &str, pattern: &str) -> Value {
    let message = "It is not done here.";
    json!({ "id": id, "type": "pattern", "severity": severity, "message": message, "pattern": pattern })
}

/// Keeps a rule, of the repository or of the organisation.
async fn keep(place: &Place, rule: Value, of_repository: bool) -> String {
    let mut body = json!({ "rule": rule });
    if of_repository {
        body["repository_id"] = json!(place.repository);
    }
    let made = place.world.post("/v1/rules", &place.key, &body).await;
    assert_eq!(made.status, 201, "{}", made.json());
    made.json()["id"].as_str().unwrap().to_owned()
}

/// Writes down an analysis that is to be done.
async fn ask(place: &Place, commit: &CommitSha, base: Option<&CommitSha>) -> RunId {
    let id = RunId::new(Uuid::now_v7());
    let input = kinds::analysis::Input { base_sha: base.cloned(), pr_title: None };
    let query = "SELECT project_id FROM repositories WHERE id = $1";
    let row = place.sql.query_one(query, &[place.repository.as_uuid()]).await.unwrap();
    let run = NewRun {
        id,
        org: place.org,
        project: Some(domain::ProjectId::new(row.get("project_id"))),
        repository: Some(place.repository),
        kind: RunKind::Analysis,
        idempotency_key: id.to_string(),
        event_type: "manual".to_owned(),
        git_ref: None,
        commit: Some(commit.clone()),
        pull_request: None,
        input: json!(input),
        traceparent: None,
        parent: None,
        schedule: None,
    };
    let mut session = place.world.database.functions().session().await.unwrap();
    let tx = session.begin(place.org).await.unwrap();
    runs::insert(&tx, &run).await.unwrap();
    tx.commit().await.unwrap();
    id
}

/// What came of an analysis, as the API shows it, and its own rules' findings.
async fn analysis_of(place: &Place, run: RunId) -> (Value, Vec<Value>) {
    assert_eq!(place.status(run).await, "succeeded");
    let query = "SELECT id FROM analyses WHERE run_id = $1";
    let id: Uuid = place.sql.query_one(query, &[run.as_uuid()]).await.unwrap().get(0);
    let shown = place.get(&format!("/v1/analyses/{id}")).await;
    let found = place.get(&format!("/v1/analyses/{id}/findings?limit=200")).await;
    let is_own = |one: &&Value| one["rule"].as_str().unwrap().starts_with("custom.");
    (shown, found["items"].as_array().unwrap().iter().filter(is_own).cloned().collect())
}

fn told(findings: &[Value]) -> BTreeSet<String> {
    let one = |finding: &Value| {
        let text = |field: &str| finding[field].as_str().unwrap().to_owned();
        format!("{} {} {}:{}", text("rule"), text("severity"), text("path"), finding["line_start"])
    };
    findings.iter().map(one).collect()
}

fn committed(place: &Place, text: &str, parents: &[&CommitSha]) -> CommitSha {
    place.commit(&[("src/app.py".to_owned(), text.to_owned())], parents)
}

/// The deployed binary, from end to end.
#[tokio::test]
async fn rules_of_the_organisation_and_of_the_repository_meet_in_an_analysis() {
    let place = Place::empty().await;
    let commit = committed(&place, CODE, &[]);
    keep(&place, pattern("no-shout", "high", "shout\\("), false).await;
    keep(&place, pattern("no-left", "high", "left\\("), false).await;
    keep(&place, pattern("no-left", "low", "left\\("), true).await;
    keep(&place, pattern("no-right", "critical", "right\\("), false).await;
    let mut off = pattern("no-right", "critical", "right\\(");
    off["enabled"] = json!(false);
    keep(&place, off, true).await;
    let ast = json!({
        "id": "no-def", "type": "ast", "languages": ["python"], "severity": "info",
        "message": "No functions.", "category": "configuration", "cwe": ["CWE-710"],
        "rule": { "kind": "function_definition" },
    });
    keep(&place, ast, true).await;

    let run = ask(&place, &commit, None).await;
    let queues = QueueServer::start().await;
    let settings = place.settings(&queues.endpoint());
    let settings: Vec<(&str, &str)> =
        settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let function = Function::start("run_orchestrator", &settings).await;
    function.invoke(place.event(run)).await.unwrap();

    let (shown, found) = analysis_of(&place, run).await;
    let expected = [
        "custom.no-def info src/app.py:1",
        "custom.no-left low src/app.py:3",
        "custom.no-shout high src/app.py:2",
    ];
    assert_eq!(told(&found), expected.map(str::to_owned).into(), "the repository's rule wins");
    assert_eq!(shown["verdict"], "failed", "a rule of the customer decides like any other");
    let by_id = |id: &str| found.iter().find(|one| one["rule"] == id).unwrap().clone();
    let (def, shout) = (by_id("custom.no-def"), by_id("custom.no-shout"));
    assert_eq!((&def["category"], &def["cwe"]), (&json!("configuration"), &json!(["CWE-710"])));
    assert_eq!((&def["verification"], &shout["verification"]), (&json!("ast"), &json!("pattern")));

    let id = shown["id"].as_str().unwrap();
    let ran = place.get(&format!("/v1/analyses/{id}/rules")).await;
    let names: Vec<&Value> =
        ran["rules"].as_array().unwrap().iter().map(|one| &one["id"]).collect();
    assert_eq!(names, ["no-def", "no-left", "no-shout"]);
    let hash = ran["hash"].as_str().unwrap();
    let version = shown["rules_version"].as_str().unwrap();
    assert_eq!(version, format!("{}.custom-{}", analysis::rules_version(), &hash[..12]));
    let set = json!({ "rules": ran["rules"] });
    assert_eq!(domain::canonical_sha256(&set), hash, "whoever has the rules can hash them");
}

#[tokio::test]
async fn a_result_is_explained_by_the_rules_of_its_time_and_keeps_its_fingerprints() {
    let place = Place::empty().await;
    let first = committed(&place, CODE, &[]);
    let id = keep(&place, pattern("no-left", "medium", "left\\("), false).await;
    let run = ask(&place, &first, None).await;
    place.deliver(run).await;
    let (before, found) = analysis_of(&place, run).await;

    let changed = json!({ "rule": pattern("no-left", "critical", "left\\(text") });
    let path = format!("/v1/rules/{id}");
    let answer = place.world.send_json(http::Method::PATCH, &path, &place.key, &changed).await;
    assert_eq!(answer.status, 200);
    let moved = format!("import os\n\n\n{CODE}");
    let second = committed(&place, &moved, &[&first]);
    let run = ask(&place, &second, None).await;
    place.deliver(run).await;
    let (after, again) = analysis_of(&place, run).await;
    assert_eq!(told(&found), BTreeSet::from(["custom.no-left medium src/app.py:3".to_owned()]));
    assert_eq!(told(&again), BTreeSet::from(["custom.no-left critical src/app.py:6".to_owned()]));
    assert_eq!(found[0]["fingerprint"], again[0]["fingerprint"], "it is the same finding");
    assert_ne!(before["rules_version"], after["rules_version"]);
    let id = before["id"].as_str().unwrap();
    let ran = place.get(&format!("/v1/analyses/{id}/rules")).await;
    assert_eq!(ran["rules"][0]["pattern"], "left\\(", "as it was then");
}

#[tokio::test]
async fn rules_of_another_organisation_do_not_run() {
    let place = Place::empty().await;
    let commit = committed(&place, CODE, &[]);
    let other = place.world.tenant("other", 2).await;
    let body = json!({ "rule": pattern("theirs", "critical", "shout") });
    assert_eq!(place.world.post("/v1/rules", &other.key, &body).await.status, 201);
    let run = ask(&place, &commit, None).await;
    place.deliver(run).await;
    let (shown, found) = analysis_of(&place, run).await;
    assert!(found.is_empty());
    assert_eq!(shown["rules_version"], analysis::rules_version());
    let id = shown["id"].as_str().unwrap();
    let ran = place.get(&format!("/v1/analyses/{id}/rules")).await;
    assert_eq!(ran, json!({ "hash": null, "rules": [] }));
}

#[tokio::test]
async fn a_rule_that_was_not_finished_or_cannot_be_run_is_named_in_the_result() {
    let place = Place::empty().await;
    let long: String = (0..3000).map(|n| format!("f{n}(g(h(a, b), [c, d]), e={n})\n")).collect();
    let commit = committed(&place, &format!("{CODE}{long}"), &[]);
    keep(&place, pattern("no-shout", "low", "shout\\("), false).await;
    let hog = json!({
        "id": "hog", "type": "ast", "languages": ["python"], "message": "m",
        "rule": { "kind": "identifier",
                  "inside": { "follows": { "regex": "never", "stopBy": "end" }, "stopBy": "end" } },
    });
    keep(&place, hog, false).await;
    keep(&place, pattern("of-the-future", "low", "left"), false).await;
    let spoil = "UPDATE custom_rules SET rule_config = rule_config || '{\"type\": \"telepathy\"}'
                 WHERE name = 'of-the-future'";
    place.sql.execute(spoil, &[]).await.unwrap();
    let run = ask(&place, &commit, None).await;
    place.deliver(run).await;
    let (shown, found) = analysis_of(&place, run).await;
    assert_eq!(told(&found), BTreeSet::from(["custom.no-shout low src/app.py:2".to_owned()]));
    let query = "SELECT metadata -> 'incomplete' FROM analyses WHERE run_id = $1";
    let missed: Value = place.sql.query_one(query, &[run.as_uuid()]).await.unwrap().get(0);
    let expected = json!([
        { "path": "src/app.py", "rule": "custom.hog", "reason": "out_of_fuel" },
        { "path": "*", "rule": "custom.of-the-future", "reason": "unusable" },
    ]);
    assert_eq!(missed, expected, "{shown}");
}

/// Goal: all shards go by the rules with which the scan began, whatever people do meanwhile, and
/// find what one look at everything finds.
#[tokio::test]
async fn the_shards_of_a_scan_go_by_the_rules_of_its_beginning() {
    let place = Place::empty().await;
    let commit = place.commit(&files(FILES), &[]);
    let rules = [
        pattern("no-round-numbers", "low", "^NUMBER_\\d+ = \\d+50$"),
        json!({
            "id": "no-md5", "type": "composite", "languages": ["python"], "message": "m",
            "severity": "high", "scope": "function",
            "all": [{ "ast": { "rule": { "pattern": "hashlib.md5($$$)" } } },
                    { "not": { "pattern": "checksum" } }],
        }),
    ];
    let mut ids = Vec::new();
    for rule in &rules {
        ids.push(keep(&place, rule.clone(), false).await);
    }
    let (scan, run, shards) = place.sharded().await;
    assert_eq!(shards.len(), SHARDS);
    for id in &ids {
        let path = format!("/v1/rules/{id}");
        let gone = place.world.send_json(http::Method::DELETE, &path, &place.key, &json!({})).await;
        assert_eq!(gone.status, 204);
    }
    keep(&place, pattern("too-late", "critical", "NUMBER"), false).await;
    place.work().await;
    assert_eq!(place.status(run).await, "succeeded");

    let read = |rule: &Value| RuleFile::of_value(rule.clone()).unwrap().rules.remove(0);
    let compiled = CustomRules::compile(&rules.iter().map(read).collect::<Vec<_>>()).unwrap();
    let whole = scan_with(&place.snapshot(&commit).await, &compiled, &Clock::unlimited());
    let own = whole.findings.iter().filter(|one| one.rule.starts_with("custom.")).count();
    assert!(own > 10, "{own}");
    let found = place.findings(scan).await;
    assert_eq!(found.values().sum::<usize>(), whole.findings.len());
    for finding in &whole.findings {
        let key = (finding.path.clone(), finding.lines.first, finding.rule.clone());
        assert!(found.contains_key(&key), "{key:?}");
    }
    let query = "SELECT id, rules_version FROM analyses WHERE run_id = $1";
    let row = place.sql.query_one(query, &[run.as_uuid()]).await.unwrap();
    assert_eq!(row.get::<_, String>(1), compiled.rules_version());
    let ran = place.get(&format!("/v1/analyses/{}/rules", row.get::<_, Uuid>(0))).await;
    assert_eq!(ran["hash"].as_str(), compiled.hash());
}

#[tokio::test]
async fn rules_of_the_policy_come_from_the_base_and_stand_in_for_those_that_are_kept() {
    let place = Place::empty().await;
    let policy = "\
version: 1
custom_rules:
  - {id: no-left, type: pattern, severity: low, message: m, pattern: 'left\\('}
";
    let with = |policy: &str, code: &str| {
        place.commit(
            &[
                (".assay.yml".to_owned(), policy.to_owned()),
                ("src/app.py".to_owned(), code.to_owned()),
            ],
            &[],
        )
    };
    let base = with(policy, "A = 1\n");
    let head = place.commit(
        &[
            (".assay.yml".to_owned(), "version: 1\n".to_owned()),
            ("src/app.py".to_owned(), CODE.to_owned()),
        ],
        &[&base],
    );
    keep(&place, pattern("no-left", "critical", "left\\("), false).await;
    keep(&place, pattern("no-shout", "low", "shout\\("), false).await;
    let run = ask(&place, &head, Some(&base)).await;
    place.deliver(run).await;
    let (_, found) = analysis_of(&place, run).await;
    let expected = ["custom.no-left low src/app.py:3", "custom.no-shout low src/app.py:2"];
    assert_eq!(told(&found), expected.map(str::to_owned).into());
}
