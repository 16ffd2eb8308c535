use domain::{Category, Fingerprint, Severity, SnippetHash};
use serde_json::{Value, json};

use super::*;

fn finding(path: &str, line: u32, severity: Severity) -> Finding {
    Finding {
        rule: "python.injection.sql-string".to_owned(),
        category: Category::Injection,
        severity,
        confidence: 0.85,
        verification: VerificationType::Syntax,
        title: "SQL built from strings".to_owned(),
        description: "Whoever chooses the value chooses the statement.".to_owned(),
        path: path.to_owned(),
        lines: LineRange { first: line, last: line },
        snippet: "db.execute(f\"…\")".to_owned(),
        snippet_hash: SnippetHash::of("db.execute(f\"…\")"),
        fingerprint: Fingerprint::of("python.injection.sql-string", path, "", "tree", line),
        trail: None,
        fix_suggestion: Some("Pass the values as parameters".to_owned()),
        fix_diff: None,
        cwe: vec!["CWE-89".to_owned()],
        owasp: vec!["A03:2021".to_owned()],
        demoted: false,
    }
}

fn rule() -> Rule<'static> {
    Rule {
        id: "python.injection.sql-string",
        title: "SQL built from strings",
        message: "Whoever chooses the value chooses the statement.",
        fix: Some("Pass the values as parameters"),
        severity: Severity::High,
        confidence: 0.85,
        category: Category::Injection,
        cwe: &[],
        owasp: &[],
    }
}

fn report(findings: &[Finding]) -> Report<'_> {
    let reported = |finding| Reported { finding, columns: None, baseline: None, dismissed: None };
    Report {
        engine_version: "0.1.0",
        rules_version: "0.1.0+abc",
        rules: vec![rule()],
        results: findings.iter().map(reported).collect(),
        notices: Vec::new(),
        successful: true,
        category: "assay",
    }
}

fn written(report: &Report<'_>) -> Value {
    serde_json::from_str(&to_json(report)).unwrap()
}

#[test]
fn a_result_points_at_its_place_and_carries_its_identity() {
    let findings = [finding("src/a b.py", 7, Severity::High)];
    let mut report = report(&findings);
    report.results[0].columns = Some((5, 12));
    let log = written(&report);
    let result = &log["runs"][0]["results"][0];
    assert_eq!(
        result["message"]["text"],
        "SQL built from strings. Whoever chooses the value chooses the statement. \
         Pass the values as parameters."
    );
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(
        place["artifactLocation"],
        json!({ "uri": "src/a%20b.py", "uriBaseId": "%SRCROOT%", "index": 0 })
    );
    assert_eq!(
        place["region"],
        json!({ "startLine": 7, "startColumn": 5, "endLine": 7, "endColumn": 12,
                "snippet": { "text": "db.execute(f\"…\")" } })
    );
    let fingerprint = findings[0].fingerprint.as_str();
    assert_eq!(result["partialFingerprints"], json!({ "assayFingerprint/v1": fingerprint }));
    assert_eq!((&result["level"], &result["ruleIndex"]), (&json!("error"), &json!(0)));
    assert_eq!(result.get("suppressions"), None);
    assert_eq!(log["runs"][0].get("redactionTokens"), None);
}

#[test]
fn a_dismissal_and_a_baseline_are_told() {
    let findings = [finding("a.py", 1, Severity::High), finding("a.py", 2, Severity::High)];
    let mut report = report(&findings);
    report.results[0].dismissed = Some("constant since 2019");
    report.results[0].baseline = Some(Baseline::Unchanged);
    report.results[1].baseline = Some(Baseline::New);
    let log = written(&report);
    let results = &log["runs"][0]["results"];
    assert_eq!(
        results[0]["suppressions"],
        json!([{ "kind": "external", "status": "accepted", "justification": "constant since 2019" }])
    );
    let states = [&results[0]["baselineState"], &results[1]["baselineState"]];
    assert_eq!(states, ["unchanged", "new"]);
}

#[test]
fn what_was_not_looked_at_is_a_notification() {
    let mut report = report(&[]);
    let notice = |id, path, rule| Notice {
        id,
        title: "Files that are too large",
        level: NoticeLevel::Warning,
        text: "data.js is too large".into(),
        path: Some(path),
        line: None,
        rule,
    };
    report.notices = vec![
        notice("too-large", "data.js", None),
        notice("out-of-fuel", "b.py", Some("python.injection.sql-string")),
        notice("out-of-fuel", "c.py", Some("filtered.away")),
    ];
    let log = written(&report);
    let run = &log["runs"][0];
    let told = &run["invocations"][0]["toolExecutionNotifications"];
    assert_eq!(told[0]["descriptor"], json!({ "id": "too-large", "index": 1 }));
    assert_eq!(told[1]["associatedRule"]["index"], 0);
    assert_eq!(told[2].get("associatedRule"), None);
    let place = &told[0]["locations"][0]["physicalLocation"]["artifactLocation"];
    assert_eq!(place["index"], 2);
    let ids: Vec<_> = run["tool"]["driver"]["notifications"].as_array().unwrap().iter().collect();
    assert_eq!((&ids[0]["id"], &ids[1]["id"]), (&json!("out-of-fuel"), &json!("too-large")));
    assert_eq!(run["artifacts"].as_array().unwrap().len(), 3);
}

#[test]
fn the_order_of_the_results_does_not_show() {
    let findings = [
        finding("b.py", 1, Severity::High),
        finding("a.py", 9, Severity::Low),
        finding("a.py", 10, Severity::High),
    ];
    let mut reversed = report(&findings);
    reversed.results.reverse();
    assert_eq!(to_json(&report(&findings)), to_json(&reversed));
    let log = written(&report(&findings));
    let line = |index: usize| {
        log["runs"][0]["results"][index]["locations"][0]["physicalLocation"]["region"]["startLine"]
            .as_u64()
    };
    assert_eq!([line(0), line(1), line(2)], [Some(9), Some(10), Some(1)]);
}

#[test]
fn of_too_many_results_the_worst_stay() {
    let findings: Vec<Finding> = (1..=RESULTS_MAX as u32 + 3)
        .map(|line| {
            let severity = if line > 10 { Severity::High } else { Severity::Low };
            finding("a.py", line, severity)
        })
        .collect();
    let log = written(&report(&findings));
    let run = &log["runs"][0];
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), RESULTS_MAX);
    let low = results.iter().filter(|result| result["level"] == "note").count();
    assert_eq!(low, 7, "three of the ten mild ones had to go");
    let told = &run["invocations"][0]["toolExecutionNotifications"][0];
    assert_eq!(told["descriptor"]["id"], "results-left-out");
    assert!(told["message"]["text"].as_str().unwrap().starts_with("3 results are left out"));
}

#[test]
fn a_log_with_masked_secrets_says_so() {
    let secret =
        Finding { verification: VerificationType::Secret, ..finding("a", 1, Severity::High) };
    let findings = [secret];
    assert_eq!(written(&report(&findings))["runs"][0]["redactionTokens"], json!(["***"]));
}
