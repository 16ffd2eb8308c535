//! `assay scan`: the program as people run it, on the demo and on trees that mean no good.

mod world;

use std::{fs, os::unix::fs::PermissionsExt};

use jsonschema::{Draft, Validator};
use serde_json::Value;
use world::{Tree, demo};

/// Rules whose findings are told in the snapshots; new rules must not change what they show.
const TOLD: [&str; 6] = [
    "--rule=python.injection.sql-string",
    "--rule=python.injection.subprocess-shell",
    "--rule=javascript.injection.eval",
    "--rule=go.cryptography.weak-hash",
    "--rule=python.configuration.debug-server",
    "--rule=secret.hard-coded",
];

#[test]
fn the_report_shows_where_what_and_how_to_mend_it() {
    let told = demo().scan(&TOLD);
    assert_eq!(told.code, 1, "{}", told.err);
    insta::assert_snapshot!("report", told.out);
}

#[test]
fn the_json_holds_everything_that_is_known() {
    let told = demo().scan(&[&TOLD[..], &["--json", "orders"]].concat());
    assert_eq!(told.code, 1, "{}", told.err);
    let mut document = told.json();
    document["rules_version"] = "[rules version]".into();
    insta::assert_json_snapshot!("json", document);
}

#[test]
fn colours_are_for_those_who_see_them() {
    let plain = demo().scan(&[]);
    assert!(!plain.out.contains('\x1b'), "a pipe sees no colours");
    let forced = demo().scan_with(&[], &[("CLICOLOR_FORCE", "1")]);
    assert!(forced.out.contains("\x1b["));
    for (arguments, variables) in
        [(&["--no-color"][..], &[("CLICOLOR_FORCE", "1")][..]), (&[][..], &[("NO_COLOR", "1")][..])]
    {
        let told = demo().scan_with(arguments, variables);
        assert_eq!(told.out, plain.out, "{arguments:?} {variables:?}");
    }
}

#[test]
fn the_number_of_threads_does_not_show() {
    let tree = demo();
    for index in 0..40 {
        let text = format!("import os\nos.system('ls ' + a{index})\nhashlib.md5(x)\n");
        tree.write(&format!("many/m{index}.py"), text.as_bytes());
    }
    for format in [&[][..], &["--json"], &["--sarif=-"]] {
        let one = tree.scan(&[format, &["--threads=1"]].concat());
        for threads in ["--threads=2", "--threads=7", "--threads=64"] {
            let other = tree.scan(&[format, &[threads]].concat());
            assert_eq!(one.out, other.out, "{format:?} {threads}");
        }
    }
}

#[test]
fn a_baseline_lets_only_new_findings_decide() {
    let tree = demo();
    assert_eq!(tree.scan(&["--write-baseline=known.json"]).code, 0);
    let known = tree.scan(&["--baseline=known.json"]);
    assert_eq!((known.code, known.err.as_str()), (0, ""), "{}", known.out);
    assert!(known.out.contains("passed  no new findings"), "{}", known.out);

    // Moved down and indented, the code is still the same.
    let path = "orders/store.py";
    let text = fs::read_to_string(tree.path(path)).unwrap();
    tree.write(path, format!("\n\n# moved\n{text}").as_bytes());
    assert_eq!(tree.scan(&["--baseline=known.json"]).code, 0);

    tree.write("new.py", b"import os\nos.system('ls ' + name)\n");
    let new = tree.scan(&["--baseline=known.json", "--json"]);
    assert_eq!(new.code, 1);
    let deciding: Vec<Value> = new.json()["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["decides"] == true)
        .map(|finding| finding["path"].clone())
        .collect();
    assert_eq!(deciding, ["new.py"]);

    fs::remove_file(tree.path(path)).unwrap();
    let gone = tree.scan(&["--baseline=known.json", "--json"]).json()["gone"].clone();
    assert_eq!(gone[0]["path"], path);
}

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
        assert_eq!(result["partialFingerprints"].as_object().unwrap().len(), 1);
    }
}

/// Everything that a repository may hold and a scanner may stumble over.
fn hostile() -> Tree {
    let tree = Tree::new();
    tree.write(".gitignore", b"ignored.py\nbuild/\n");
    tree.write("ignored.py", b"import os\nos.system('ls ' + name)\n");
    tree.write("build/x.py", b"import os\nos.system('ls ' + name)\n");
    tree.write(".git/hook.py", b"import os\nos.system('ls ' + name)\n");
    tree.write(".hidden/a.py", b"import os\nos.system('ls ' + name)\n");
    tree.write("binary.py", b"\x7fELF\0\0");
    tree.write("latin1.py", b"name = '\xe4'\n");
    tree.write("long.py", "x = 1\n".repeat(100_000).as_bytes());
    tree.write("large.py", &vec![b'#'; 1024 * 1024 + 1]);
    tree.write("deep.py", format!("x = {}1{}\n", "(".repeat(9000), ")".repeat(9000)).as_bytes());
    tree.write("broken.py", b"def f(:\n    os.system('ls ' + name)\n");
    tree.write("a\u{1b}[2Jb.py", b"import os\nos.system('ls ' + '\x1b[2J' + name)\n");
    tree.write("empty.py", b"");
    tree.write("vendor/x.py", b"import os\nos.system('ls ' + name)\n");
    tree.write("tests/x.py", b"import os\nos.system('ls ' + name)\n");
    tree.link("loop", ".");
    tree.link("passwd.py", "/etc/passwd");
    tree.link("dangling.py", "nowhere");
    tree
}

#[test]
fn what_a_tree_holds_cannot_stop_or_fool_the_scan() {
    let told = hostile().scan(&["--json"]);
    assert_eq!((told.code, told.err.as_str()), (1, ""));
    let document = told.json();
    let found: Vec<&str> = document["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["rule"] == "python.injection.os-command")
        .map(|finding| finding["path"].as_str().unwrap())
        .collect();
    assert_eq!(found, [".hidden/a.py", "a\u{1b}[2Jb.py", "broken.py", "tests/x.py"]);
    let unanalysed: Vec<(&str, &str)> = document["coverage"]["unanalysed"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| (file["path"].as_str().unwrap(), file["reason"].as_str().unwrap()))
        .collect();
    assert_eq!(
        unanalysed,
        [
            (".gitignore", "unknown_language"),
            ("binary.py", "binary"),
            ("dangling.py", "not_a_file"),
            ("deep.py", "too_deep"),
            ("large.py", "too_large"),
            ("latin1.py", "not_utf8"),
            ("loop", "not_a_file"),
            ("passwd.py", "not_a_file"),
            ("vendor/x.py", "vendored"),
        ]
    );
    assert_eq!(document["coverage"]["problems"][0]["path"], "broken.py");
    assert_eq!(document["complete"], false);
    let lines = document["coverage"]["lines"].as_u64().unwrap();
    assert!(lines > 100_000, "{lines}");
}

#[test]
fn a_report_of_a_hostile_tree_leaves_nothing_unsaid_and_the_terminal_alone() {
    let told = hostile().scan(&["--rule=python.injection.os-command"]);
    assert!(!told.out.contains('\x1b'), "{}", told.out);
    insta::assert_snapshot!("hostile", told.out);
}

#[test]
fn strict_tells_a_clean_result_from_one_that_proves_little() {
    let tree = Tree::new();
    tree.write("a.py", b"x = 1\n");
    tree.write("picture.png", b"\x89PNG\0");
    assert_eq!(tree.scan(&["--strict"]).code, 0);
    tree.write("broken.py", b"def f(:\n");
    assert_eq!(tree.scan(&[]).code, 0);
    assert_eq!(tree.scan(&["--strict"]).code, 3);
    tree.write("b.py", b"import os\nos.system('ls ' + name)\n");
    assert_eq!(tree.scan(&["--strict"]).code, 1, "a finding is the stronger answer");
    assert_eq!(tree.scan(&["--strict", "--fail-on=never"]).code, 3);
}

#[test]
fn what_cannot_be_read_is_told() {
    let tree = Tree::new();
    tree.write("a.py", b"x = 1\n");
    tree.write("closed.py", b"x = 1\n");
    tree.write("shut/b.py", b"x = 1\n");
    for path in ["closed.py", "shut"] {
        fs::set_permissions(tree.path(path), fs::Permissions::from_mode(0o000)).unwrap();
    }
    // Whoever may read everything, as in many a container, cannot be kept from these.
    let is_root = fs::read(tree.path("closed.py")).is_ok();
    let told = tree.scan(&["--json", "--strict"]);
    fs::set_permissions(tree.path("shut"), fs::Permissions::from_mode(0o755)).unwrap();
    let unreadable = told.json()["unreadable"].clone();
    if is_root {
        assert_eq!((told.code, unreadable), (0, serde_json::json!([])));
    } else {
        assert_eq!(told.code, 3);
        assert_eq!(
            unreadable,
            serde_json::json!([
                { "path": "closed.py", "reason": "permission denied" },
                { "path": "shut", "reason": "permission denied" },
            ])
        );
    }
}

#[test]
fn only_what_is_named_is_looked_at() {
    let tree = hostile();
    let paths = |told: &world::Told| -> Vec<String> {
        let document = told.json();
        let findings = document["findings"].as_array().unwrap().iter();
        findings.map(|finding| finding["path"].as_str().unwrap().to_owned()).collect()
    };
    let one = "--rule=python.injection.os-command";
    let cases: [(&[&str], &[&str]); 5] = [
        (&[".hidden", "tests"], &[".hidden/a.py", "tests/x.py"]),
        (&["tests/x.py", "tests"], &["tests/x.py"]),
        // What is named counts, whatever .gitignore says.
        (&["ignored.py"], &["ignored.py"]),
        (&["--exclude=tests/", "--exclude=a*.py", "--exclude=.hidden/**"], &["broken.py"]),
        (
            &["--no-ignore", "--exclude=tests", "--exclude=/a*", "--exclude=broken.py"],
            &[".hidden/a.py", "build/x.py", "ignored.py"],
        ),
    ];
    for (arguments, expected) in cases {
        let told = tree.scan(&[&["--json", one], arguments].concat());
        assert_eq!(paths(&told), expected, "{arguments:?} {}", told.err);
    }
    let listed = tree.scan_list("tests/x.py\n\n.hidden/a.py\npasswd.py\n", &["--json", one]);
    assert_eq!(paths(&listed), [".hidden/a.py", "tests/x.py"]);
    assert_eq!(listed.json()["coverage"]["unanalysed"][0]["reason"], "not_a_file");
    let nothing = tree.scan_list("", &["--json"]);
    assert_eq!((nothing.code, paths(&nothing)), (0, Vec::new()));
}

/// A file keeps its name wherever in the repository somebody stands.
#[test]
fn paths_are_those_of_the_repository() {
    let tree = hostile();
    let from_inside = tree.scan_in("tests", &["--json", "."]);
    assert_eq!(from_inside.json()["findings"][0]["path"], "tests/x.py");
    let given = tree.path("tests");
    let root = given.to_str().unwrap();
    let rooted = tree.scan_in("tests", &["--json", "--root", root]);
    assert_eq!(rooted.json()["findings"][0]["path"], "x.py");
}

#[test]
fn a_call_that_makes_no_sense_is_refused_with_what_to_do() {
    let tree = demo();
    tree.write(
        "odd.json",
        br#"{"format": "assay-baseline/1", "rules_version": "1", "findings": [{"path": 1}]}"#,
    );
    tree.write(
        "new.json",
        br#"{"format": "assay-baseline/9", "rules_version": "1", "findings": []}"#,
    );
    tree.write("none.json", b"[]");
    let cases: [(&[&str], &str); 11] = [
        (&["nowhere"], "cannot read nowhere: no such file"),
        (&["--rule=python.injection.sql-strnig"], "did you mean python.injection.sql-string"),
        (&["--rule=python.["], "--rule python.[: unclosed character class"),
        (&["--exclude=a["], "--exclude: "),
        (&["--fail-on=bad"], "expected one of: info, low, medium, high, critical, never"),
        (&["--sarif=-", "--json"], "both print to standard output"),
        (&["--sarif=nowhere/x.sarif"], "cannot write nowhere/x.sarif"),
        (&["--baseline=odd.json"], "odd.json: findings[0].path: invalid type"),
        (&["--baseline=new.json"], "expected assay-baseline/1, found assay-baseline/9"),
        (&["--baseline=none.json"], "none.json: the log: invalid length 0"),
        (&["--threads=0"], "invalid value '0'"),
    ];
    for (arguments, expected) in cases {
        let told = tree.scan(arguments);
        assert_eq!(told.code, 2, "{arguments:?} {}", told.out);
        assert!(told.err.contains(expected), "{arguments:?}: {}", told.err);
        assert_eq!(told.out, "", "{arguments:?}");
    }
    let missing = tree.scan_list("orders/gone.py\n", &[]);
    assert_eq!(missing.code, 2);
    assert!(missing.err.contains("cannot read"), "{}", missing.err);
}
