//! `assay rules` and `assay scan --rules`, as people run them.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

const RULES: &str = "\
rules:
  - id: no-sleep
    type: ast
    languages: [python]
    severity: high
    message: Do not sleep.
    rule: {pattern: time.sleep($$$)}
    examples: {bad: ['time.sleep(1)'], good: ['sleep(1)']}
  - id: no-nap
    type: pattern
    message: Do not nap.
    pattern: nap
";

fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("rules.yml", RULES);
    write("src/app.py", "import time\n\n\ndef f():\n    time.sleep(3)  # nap\n    eval(x)\n");
    folder
}

/// The exit code, and what was printed.
fn assay(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let test = std::env::current_exe().unwrap();
    let binary = test.parent().and_then(|deps| deps.parent()).unwrap().join("assay");
    assert!(binary.exists(), "build it first: cargo build -p cli");
    let mut command = Command::new(binary);
    command.args(arguments).env_clear().stdin(Stdio::null()).current_dir(folder);
    let output = command.output().unwrap();
    let printed = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(printed).unwrap())
}

#[test]
fn rules_are_checked_and_tried_before_they_are_kept() {
    let folder = folder();
    let (code, told) = assay(folder.path(), &["rules", "test", "rules.yml"]);
    assert_eq!(code, 0, "{told}");
    assert!(told.contains("2 rules, which keep to their 2 examples"), "{told}");
    assert!(told.contains("rule `no-nap` has no example"), "{told}");

    let (code, told) = assay(folder.path(), &["rules", "test", "rules.yml", "src"]);
    assert_eq!(code, 0, "{told}");
    assert!(told.contains("custom.no-sleep") && told.contains("src/app.py:5"), "{told}");
    assert!(!told.contains("injection"), "the built-in rules are left out: {told}");

    let wrong = RULES.replace("good: ['sleep(1)']", "good: ['time.sleep(2)']");
    fs::write(folder.path().join("wrong.yml"), wrong.replace("pattern: nap", "pattern: '('"))
        .unwrap();
    let (code, told) = assay(folder.path(), &["rules", "test", "wrong.yml"]);
    assert_eq!(code, 1, "{told}");
    assert!(told.contains("line 12: rule `no-nap`: rules[1].pattern: "), "{told}");
    fs::write(folder.path().join("wrong.yml"), wrong).unwrap();
    let (code, told) = assay(folder.path(), &["rules", "test", "wrong.yml"]);
    assert_eq!(code, 1, "{told}");
    assert!(told.contains("examples.good[0]: the rule matches it"), "{told}");
    assert_eq!(assay(folder.path(), &["rules", "test", "nothing.yml"]).0, 2);

    let (code, template) = assay(folder.path(), &["rules", "templates", "no-print"]);
    assert_eq!(code, 0);
    fs::write(folder.path().join("template.yml"), template).unwrap();
    assert_eq!(assay(folder.path(), &["rules", "test", "template.yml"]).0, 0);
    assert_eq!(assay(folder.path(), &["rules", "templates", "none"]).0, 2);
}

#[test]
fn a_scan_takes_rules_of_ones_own() {
    let folder = folder();
    let (code, told) = assay(folder.path(), &["scan", "src", "--rules", "rules.yml", "--json"]);
    assert_eq!(code, 1, "{told}");
    let result: Value = serde_json::from_str(&told).unwrap();
    let found = |rule: &str| -> usize {
        let all = result["findings"].as_array().unwrap();
        all.iter().filter(|one| one["rule"] == rule).count()
    };
    assert_eq!((found("custom.no-sleep"), found("custom.no-nap")), (1, 1));
    assert!(result["findings"].as_array().unwrap().len() > 2, "and the built-in ones");
    let version = result["rules_version"].as_str().unwrap();
    assert!(version.starts_with(analysis::rules_version()) && version.contains(".custom-"));

    let only = ["scan", "src", "--rules", "rules.yml", "--rule", "custom.no-nap", "--sarif", "-"];
    let (code, told) = assay(folder.path(), &only);
    assert_eq!(code, 0, "a medium finding does not decide: {told}");
    let log: Value = serde_json::from_str(&told).unwrap();
    let rules = &log["runs"][0]["tool"]["driver"]["rules"];
    assert_eq!((rules.as_array().unwrap().len(), &rules[0]["id"]), (1, &"custom.no-nap".into()));

    fs::write(folder.path().join("rules.yml"), "rules: [{id: a}]").unwrap();
    let (code, told) = assay(folder.path(), &["scan", "src", "--rules", "rules.yml"]);
    assert_eq!(code, 2, "{told}");
    assert!(told.contains("rules[0].type: it is missing"), "{told}");
}

#[test]
fn the_policy_of_the_working_tree_may_have_rules() {
    let folder = folder();
    let policy = "version: 1\ncustom_rules:\n  - {id: no-nap, type: pattern, severity: high, message: m, pattern: nap}\n";
    fs::write(folder.path().join(".assay.yml"), policy).unwrap();
    let scan = ["scan", "src", "--root", ".", "--rule", "custom.*"];
    let (code, told) = assay(folder.path(), &scan);
    assert!(told.contains("custom.no-nap"), "{told}");
    assert_eq!(code, 1, "{told}");
    let (code, told) = assay(folder.path(), &[&scan[..], &["--rules", "rules.yml"]].concat());
    assert_eq!(code, 1, "the file's rule is medium, its other one high: {told}");
    assert!(told.contains("Do not nap") && told.contains("custom.no-sleep"), "{told}");
}
