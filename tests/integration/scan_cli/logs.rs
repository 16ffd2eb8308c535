//! SARIF out and in, judged by what others published.

use std::fs;

use jsonschema::{Draft, Validator};
use serde_json::Value;

use super::world::{Tree, demo, hostile};

#[test]
fn a_dismissal_keeps_its_reason_through_sarif_and_back() {
    let tree = Tree::new();
    tree.write("a.py", b"import os\nos.system('ls ' + name)\n");
    tree.scan(&["--write-baseline=known.json"]);
    let mut known: Value =
        serde_json::from_slice(&fs::read(tree.path("known.json")).unwrap()).unwrap();
    known["findings"][0]["dismissed"] = "name is a constant of ours".into();
    tree.write("known.json", known.to_string().as_bytes());

    tree.scan(&["--baseline=known.json", "--sarif=all.sarif", "--write-baseline=again.json"]);
    let log: Value = serde_json::from_slice(&fs::read(tree.path("all.sarif")).unwrap()).unwrap();
    let result = &log["runs"][0]["results"][0];
    assert_eq!(result["suppressions"][0]["justification"], "name is a constant of ours");
    assert_eq!(result["baselineState"], "unchanged");
    for baseline in ["--baseline=all.sarif", "--baseline=again.json"] {
        let told = tree.scan(&[baseline, "--json"]);
        assert_eq!(told.code, 0, "{}", told.err);
        let finding = &told.json()["findings"][0];
        assert_eq!(
            (&finding["state"], &finding["dismissed"]),
            (&"dismissed".into(), &"name is a constant of ours".into()),
            "{baseline}"
        );
    }
    // Elsewhere, further down and formatted anew it is still the same.
    fs::remove_file(tree.path("a.py")).unwrap();
    let moved = format!("{}import os\nos.system(\n    \"ls \" + name\n)\n", "# more\n".repeat(40));
    tree.write("lib/b.py", moved.as_bytes());
    for baseline in ["--baseline=all.sarif", "--baseline=again.json"] {
        let told = tree.scan(&[baseline, "--json"]).json();
        assert_eq!(told["findings"][0]["state"], "dismissed", "{baseline}: {told:#}");
        assert_eq!((&told["findings"][1], &told["gone"]), (&Value::Null, &serde_json::json!([])));
    }
}

#[test]
fn findings_of_another_tool_are_said_to_compare_with_nothing() {
    let tree = demo();
    let log = serde_json::json!({ "version": "2.1.0", "runs": [{
        "tool": { "driver": { "name": "Other" } },
        "results": [{ "ruleId": "R1", "locations": [{ "physicalLocation": {
            "artifactLocation": { "uri": "orders/store.py" }, "region": { "startLine": 21 },
        } }] }],
    }] });
    tree.write("other.sarif", log.to_string().as_bytes());
    let told = tree.scan(&["--baseline=other.sarif"]);
    assert_eq!(told.code, 1);
    assert!(told.out.contains("1 of the baseline from other tools"), "{}", told.out);
}

/// The schema that OASIS publishes, as the crate carries it that models it for Rust.
fn schema() -> Validator {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let metadata = cargo_metadata::MetadataCommand::new()
        .manifest_path(manifest)
        .other_options(vec!["--offline".to_owned()])
        .exec()
        .unwrap();
    let named = |package: &&cargo_metadata::Package| package.name.as_str() == "serde-sarif";
    let package = metadata.packages.iter().find(named).unwrap();
    let path = package.manifest_path.parent().unwrap().join("src/schema.json");
    let mut schema: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    // A bracket too many makes this pattern one that JavaScript alone forgives.
    for within in ["run", "toolComponent"] {
        let language = &mut schema["definitions"][within]["properties"]["language"];
        assert!(language.as_object_mut().unwrap().remove("pattern").is_some());
    }
    assert_eq!(schema["properties"]["version"]["enum"], serde_json::json!(["2.1.0"]));
    jsonschema::options().with_draft(Draft::Draft7).build(&schema).unwrap()
}

#[test]
fn the_sarif_is_what_its_schema_and_github_want() {
    let tree = hostile();
    tree.scan(&["--write-baseline=known.json"]);
    tree.write("new one.py", "import os\n\u{1f600} = 1\nos.system('ls ' + name)\n".as_bytes());
    let schema = schema();
    for arguments in [&["--sarif=-"][..], &["--sarif=-", "--baseline=known.json"]] {
        let log = tree.scan(arguments).json();
        let wrong: Vec<String> = schema
            .iter_errors(&log)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
        // A reader that we did not write takes it, too.
        let typed: serde_sarif::sarif::Sarif = serde_json::from_value(log.clone()).unwrap();
        assert!(!typed.runs[0].results.as_ref().unwrap().is_empty());
        github_takes(&log);
    }
    let mut broken = tree.scan(&["--sarif=-"]).json();
    broken["runs"][0]["results"][0]["level"] = "high".into();
    assert!(!schema.is_valid(&broken), "the control: the schema does refuse things");
}

/// The limits and needs that GitHub's documentation of code scanning names.
fn github_takes(log: &Value) {
    let run = &log["runs"][0];
    let list = |value: &Value| value.as_array().unwrap().clone();
    let rules = list(&run["tool"]["driver"]["rules"]);
    assert!(log["runs"].as_array().unwrap().len() <= 20 && rules.len() <= 25_000);
    for rule in &rules {
        assert!(list(&rule["properties"]["tags"]).len() <= 10, "{}", rule["id"]);
        if let Some(score) = rule["properties"].get("security-severity") {
            let score: f64 = score.as_str().unwrap().parse().unwrap();
            assert!(score > 0.0 && score <= 10.0, "{}", rule["id"]);
        }
        for field in ["shortDescription", "fullDescription", "help"] {
            let text = rule[field]["text"].as_str().unwrap();
            assert!(!text.is_empty() && text.chars().count() <= 1024, "{}", rule["id"]);
        }
    }
    let results = list(&run["results"]);
    assert!(results.len() <= 25_000);
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        let place = &result["locations"][0]["physicalLocation"];
        let uri = place["artifactLocation"]["uri"].as_str().unwrap();
        assert!(!uri.starts_with('/') && !uri.contains([' ', ':']), "{uri}");
        assert!(place["region"]["startLine"].as_u64().unwrap() >= 1);
        assert!(!result["message"]["text"].as_str().unwrap().is_empty());
        let marks = result["partialFingerprints"].as_object().unwrap();
        assert!(marks.contains_key("assayFingerprint/v1"), "{marks:?}");
        assert!(marks.values().all(Value::is_string), "{marks:?}");
    }
}
