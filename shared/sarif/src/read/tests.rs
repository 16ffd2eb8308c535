use domain::{Category, Fingerprint, LineRange, Severity};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{FINGERPRINT_KEY, RESULTS_MAX};

fn log(run: Value) -> Vec<u8> {
    json!({ "version": "2.1.0", "runs": [run] }).to_string().into_bytes()
}

fn result(uri: &str, line: u32) -> Value {
    json!({
        "ruleId": "R1",
        "message": { "text": "Do not." },
        "locations": [{ "physicalLocation": {
            "artifactLocation": { "uri": uri }, "region": { "startLine": line }
        } }],
    })
}

fn run_of(results: Value) -> Value {
    json!({ "tool": { "driver": { "name": "Other" } }, "results": results })
}

fn only(run: Value) -> Imported {
    let mut read = read(&log(run)).unwrap();
    assert_eq!((read.findings.len(), read.skipped.len()), (1, 0), "{:?}", read.skipped);
    read.findings.remove(0)
}

#[test]
fn the_least_that_a_tool_may_say_is_a_finding() {
    let Imported { finding, tool, suppressed, is_own } = only(run_of(json!([result("a.py", 3)])));
    assert_eq!((tool.as_str(), suppressed, is_own), ("Other", None, false));
    assert_eq!((finding.rule.as_str(), finding.path.as_str()), ("R1", "a.py"));
    assert_eq!(finding.lines, LineRange { first: 3, last: 3 });
    assert_eq!((finding.severity, finding.category), (Severity::Medium, Category::Correctness));
    assert_eq!(finding.description, "Do not.");
}

/// As CodeQL writes: the rule in an extension, the message made of parts, severity as a number.
#[test]
fn what_a_result_leaves_to_its_rule_is_looked_up() {
    let run = json!({
        "tool": {
            "driver": { "name": "CodeQL", "rules": [{ "id": "wrong" }] },
            "extensions": [{ "name": "pack", "rules": [
                { "id": "other" },
                { "id": "py/sql-injection",
                  "shortDescription": { "text": "SQL query built from user input" },
                  "messageStrings": { "default": { "text": "Depends on {0} and {1}." } },
                  "defaultConfiguration": { "level": "error" },
                  "properties": { "security-severity": "8.8", "precision": "high",
                                  "tags": ["security", "external/cwe/cwe-089"] } },
            ] }],
        },
        "originalUriBaseIds": { "%SRCROOT%": { "uri": "file:///home/ci/shop/" } },
        "artifacts": [{ "location": { "uri": "file:///home/ci/shop/src/a.py" } }],
        "results": [{
            "ruleId": "py/sql-injection",
            "rule": { "id": "py/sql-injection", "index": 1, "toolComponent": { "index": 0 } },
            "message": { "id": "default", "arguments": ["a request", "{0}"] },
            "locations": [{ "physicalLocation": {
                "artifactLocation": { "index": 0 },
                "region": { "startLine": 4, "endLine": 6, "snippet": { "text": "x" } },
            } }],
        }],
    });
    let finding = only(run).finding;
    assert_eq!(finding.title, "SQL query built from user input");
    assert_eq!(finding.description, "Depends on a request and {0}.");
    assert_eq!((finding.severity, finding.category), (Severity::High, Category::Injection));
    assert_eq!((finding.path.as_str(), finding.snippet.as_str()), ("src/a.py", "x"));
    assert_eq!((finding.cwe, finding.confidence), (vec!["CWE-89".to_owned()], 0.85));
    assert_eq!(finding.lines, LineRange { first: 4, last: 6 });
}

#[test]
fn a_result_that_cannot_be_a_finding_is_listed_with_the_reason() {
    use SkippedReason::{NoPlace, NotAProblem, OutsideRepository};
    let mut passed = result("a.py", 1);
    passed["kind"] = json!("pass");
    let mut absent = result("a.py", 1);
    absent["baselineState"] = json!("absent");
    let mut nowhere = result("a.py", 1);
    nowhere["locations"] = json!([]);
    let results = json!([
        passed,
        absent,
        nowhere,
        result("a.py", 0),
        result("../a.py", 1),
        result("file:///etc/passwd", 1),
        result("a.py", 1),
    ]);
    let read = read(&log(run_of(results))).unwrap();
    assert_eq!(read.findings.len(), 1);
    let reasons: Vec<_> = read.skipped.iter().map(|skipped| skipped.reason).collect();
    assert_eq!(
        reasons,
        [NotAProblem, NotAProblem, NoPlace, NoPlace, OutsideRepository, OutsideRepository]
    );
    assert_eq!(read.skipped[4].at, "runs[0].results[4]");
}

#[test]
fn equal_results_stay_apart_and_our_own_identity_is_kept() {
    let own = Fingerprint::of("r", "p", "", "", 0);
    let mut ours = result("a.py", 1);
    ours["partialFingerprints"] = json!({ FINGERPRINT_KEY: own.as_str() });
    let mut forged = result("b.py", 1);
    forged["partialFingerprints"] = json!({ FINGERPRINT_KEY: "x" });
    let results = json!([ours, forged, result("a.py", 1), result("a.py", 8)]);
    let found = read(&log(run_of(results))).unwrap().findings;
    assert_eq!((&found[0].finding.fingerprint, found[0].is_own), (&own, true));
    assert!(!found[1].is_own, "what is no hash is nobody's fingerprint");
    assert_ne!(found[2].finding.fingerprint, found[3].finding.fingerprint);
}

/// As gosec writes: the weakness is what the rule is related to, in a taxonomy of the run.
#[test]
fn a_weakness_is_known_by_its_taxon_too() {
    let taxon = |id: &str| json!({ "id": id, "toolComponent": { "name": "CWE", "guid": "f2" } });
    let mut found = result("a.go", 3);
    found["taxa"] = json!([taxon("CWE-73"), taxon("22"), { "id": "A01" }]);
    let run = json!({
        "tool": { "driver": { "name": "gosec", "rules": [{
            "id": "R1",
            "relationships": [{ "kinds": ["superset"], "target": taxon("22") }],
            "properties": { "tags": ["security", "MEDIUM"], "precision": "high" },
        }] } },
        "results": [found],
    });
    let Imported { finding, .. } = only(run);
    assert_eq!(finding.cwe, ["CWE-22", "CWE-73"]);
    assert_eq!(finding.category, Category::FileAccess);
}

/// As Semgrep writes without a login, and as tools write that put objects there.
#[test]
fn what_is_no_fingerprint_takes_no_part_in_the_identity() {
    let mut plain = result("a.py", 3);
    plain["locations"][0]["physicalLocation"]["region"]["snippet"] = json!({ "text": "eval(x)" });
    let identity = |fingerprints: Value| {
        let mut with = plain.clone();
        with["fingerprints"] = fingerprints;
        only(run_of(json!([with]))).finding.fingerprint
    };
    let bare = only(run_of(json!([plain]))).finding.fingerprint;
    assert_eq!(identity(json!({ "matchBasedId/v1": "requires login" })), bare);
    assert_eq!(identity(json!({ "sha": { "value": "0" }, "empty": "" })), bare);
    assert_ne!(identity(json!({ "matchBasedId/v1": "0f_0" })), bare);
}

#[test]
fn a_suppression_counts_once_it_is_granted() {
    let cases = [
        (json!([]), None),
        (json!([{ "kind": "inSource" }]), Some("")),
        (
            json!([{ "kind": "external", "status": "accepted", "justification": "old" }]),
            Some("old"),
        ),
        (json!([{ "kind": "external", "status": "underReview" }]), None),
        (json!([{ "kind": "inSource" }, { "kind": "external", "status": "rejected" }]), None),
    ];
    for (suppressions, expected) in cases {
        let mut one = result("a.py", 1);
        one["suppressions"] = suppressions.clone();
        let imported = only(run_of(json!([one])));
        assert_eq!(imported.suppressed.as_deref(), expected, "{suppressions}");
    }
}

#[test]
fn an_error_says_where() {
    let many: Vec<Value> = (0..=RESULTS_MAX).map(|_| json!({})).collect();
    let cases: [(Vec<u8>, &str); 8] = [
        (b"{".to_vec(), "the log: EOF"),
        (b"[]".to_vec(), "the log: invalid length 0"),
        (br#"{"version": "2.1.0"} x"#.to_vec(), "the log: trailing"),
        (b"\xff{}".to_vec(), "not UTF-8 (byte 0)"),
        (br#"{"version": "1.0.0"}"#.to_vec(), "expected \"2.1.0\", found \"1.0.0\""),
        (log(json!({ "tool": {} })), "runs[0].tool: missing field `driver`"),
        (
            log(run_of(
                json!([{}, { "locations": [{ "physicalLocation": { "region": { "startLine": "4" } } }] }]),
            )),
            "runs[0].results[1].locations[0].physicalLocation.region.startLine: invalid type",
        ),
        (log(run_of(json!(many))), "runs[0].results: 25001 entries; at most 25000"),
    ];
    for (bytes, expected) in cases {
        let error = read(&bytes).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let bom = [b"\xef\xbb\xbf".as_slice(), &log(run_of(json!([result("a", 1)])))].concat();
    assert_eq!(read(&bom).unwrap().findings.len(), 1);
    let nothing = read(br#"{"version": "2.1.0", "runs": null}"#).unwrap();
    assert_eq!(nothing, Read::default());
}

#[test]
fn long_texts_are_cut_and_arguments_cannot_blow_them_up() {
    let mut one = result("a.py", 1);
    let template = "{0}".repeat(1000);
    one["message"] = json!({ "text": template, "arguments": ["é".repeat(5000)] });
    one["locations"][0]["physicalLocation"]["region"]["snippet"] =
        json!({ "text": "ü".repeat(9000) });
    let finding = only(run_of(json!([one]))).finding;
    assert!(finding.description.len() <= TEXT_BYTES_MAX);
    assert!(finding.snippet.len() <= TEXT_BYTES_MAX && finding.snippet.len() > 4000);
}

/// A log that uses everything we read, to be spoilt.
fn rich() -> Vec<u8> {
    let mut one = result("src/a.py", 4);
    one["rule"] = json!({ "id": "R1", "index": 0, "toolComponent": { "index": 0 } });
    one["message"] = json!({ "id": "m", "arguments": ["{0}", "x"] });
    one["suppressions"] = json!([{ "kind": "external", "status": "accepted" }]);
    one["partialFingerprints"] = json!({ FINGERPRINT_KEY: "a".repeat(64) });
    one["locations"][0]["logicalLocations"] = json!([{ "fullyQualifiedName": "a.b" }]);
    let mut run = run_of(json!([one, result("b.py", 1)]));
    run["tool"]["extensions"] = json!([{ "name": "p", "rules": [{
        "id": "R1", "messageStrings": { "m": { "text": "{0} {1}" } },
        "properties": { "security-severity": "7.5", "tags": ["external/cwe/cwe-79"] },
    }] }]);
    run["originalUriBaseIds"] = json!({ "R": { "uri": "file:///w/" } });
    run["artifacts"] = json!([{ "location": { "uri": "file:///w/c.py" } }]);
    log(run)
}

proptest! {
    #[test]
    fn no_bytes_break_the_reader(
        spoils in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        end in any::<prop::sample::Index>(),
        is_cut in any::<bool>(),
    ) {
        let mut bytes = rich();
        for (index, byte) in spoils {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        if is_cut {
            bytes.truncate(end.index(bytes.len()));
        }
        if let Ok(read) = read(&bytes) {
            for imported in read.findings {
                prop_assert!(domain::SourceFile::is_inside(&imported.finding.path));
                prop_assert!(imported.finding.lines.first >= 1);
            }
        }
    }
}
