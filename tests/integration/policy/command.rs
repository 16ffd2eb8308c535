//! `assay scan` and `assay policy`, as people run them.

use std::{
    fs,
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::FLAW;

struct Tree(TempDir);

struct Told {
    code: i32,
    out: String,
    err: String,
}

impl Tree {
    /// What git would take for a repository, with these files.
    fn with(files: &[(&str, &str)]) -> Self {
        let tree = Self(tempfile::tempdir().unwrap());
        fs::create_dir(tree.0.path().join(".git")).unwrap();
        for (path, text) in files {
            tree.write(path, text);
        }
        tree
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn assay(&self, arguments: &[&str]) -> Told {
        let test = std::env::current_exe().unwrap();
        let binary = test.parent().and_then(|deps| deps.parent()).unwrap().join("assay");
        assert!(binary.exists(), "{} is not built: run `cargo build -p cli`", binary.display());
        let mut command = Command::new(binary);
        command.args(arguments).env_clear().stdin(Stdio::null()).current_dir(self.0.path());
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Told {
            code: output.status.code().unwrap(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }
}

impl Told {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("{}{}", self.out, self.err))
    }

    /// Path and state of every finding.
    fn states(&self) -> Vec<(String, String)> {
        let json = self.json();
        let findings = json["findings"].as_array().unwrap().iter();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        findings.map(|finding| (text(&finding["path"]), text(&finding["state"]))).collect()
    }
}

const POLICY: &str = "version: 1
exclude: [gen]
rules:
  - {rule: python.cryptography.weak-hash, severity: off}
ignore:
  - {path: known.py, reason: is replaced}
  - {path: late.py, reason: was to be gone, expires: 2020-01-31}
";
const HASH: &str = "import hashlib\n\n\ndef digest(text):\n    return hashlib.md5(text)\n";

fn tree() -> Tree {
    Tree::with(&[
        (".assay.yml", POLICY),
        ("gen/a.py", FLAW),
        ("known.py", FLAW),
        ("late.py", FLAW),
        ("hash.py", HASH),
    ])
}

#[test]
fn a_scan_follows_the_policy_of_the_tree_and_hides_nothing_of_what_it_did() {
    let tree = tree();
    let told = tree.assay(&["scan", "--json"]);
    assert_eq!(told.code, 1, "{}", told.err);
    let state = |path: &str, state: &str| (path.to_owned(), state.to_owned());
    assert_eq!(told.states(), [state("known.py", "ignored"), state("late.py", "new")]);
    let json = told.json();
    assert_eq!(json["policy"]["off"], json!({ "python.cryptography.weak-hash": 1 }));
    assert_eq!(json["policy"]["excluded"], 1);
    assert_eq!(json["findings"][0]["dismissed"], "is replaced");
    let left_out = json!({ "path": "gen/a.py", "reason": "policy" });
    assert!(json["coverage"]["unanalysed"].as_array().unwrap().contains(&left_out));
    assert_eq!(json["gate"], json!(domain::Gate::default()), "the policy's decides");

    let report = tree.assay(&["scan"]).out;
    for part in [
        "1 ignored by the policy",
        "1 of rules that the policy turns off",
        "1 file left out by the policy, not read",
        "expired on 2020-01-31, line 7 of the policy: 1 finding: was to be gone",
    ] {
        assert!(report.contains(part), "{part}: {report}");
    }
    let sarif: Value = serde_json::from_str(&tree.assay(&["scan", "--sarif=-"]).out).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let suppressed: Vec<&Value> =
        results.iter().map(|result| &result["suppressions"][0]["justification"]).collect();
    assert_eq!(suppressed, [&json!("is replaced"), &Value::Null]);

    // Whoever names a file asks no more of it than others.
    assert_eq!(tree.assay(&["scan", "gen/a.py", "known.py"]).code, 0);
    let baseline = tree.assay(&["scan", "--no-policy", "--write-baseline=all.json"]);
    assert_eq!(baseline.code, 0);
    let known = tree.assay(&["scan", "--json", "--baseline=all.json"]);
    assert_eq!(
        (known.code, &known.json()["gone"]),
        (0, &json!([])),
        "what is left out is not gone"
    );
}

#[test]
fn the_policy_that_holds_can_be_chosen() {
    let tree = tree();
    let all = tree.assay(&["scan", "--json", "--no-policy"]);
    assert_eq!((all.code, all.states().len()), (1, 4));
    assert!(all.json().get("policy").is_none());

    tree.write("lax.yml", "version: 1\ngate: {high_max: 4, medium_max: 4}\n");
    let lax = tree.assay(&["scan", "--json", "--policy=lax.yml"]);
    assert_eq!((lax.code, lax.states().len()), (0, 4));
    tree.write("lax.yml", "version: 1\ngate: {high_max: 2, medium_max: 4}\n");
    let lax = tree.assay(&["scan", "--policy=lax.yml"]);
    assert_eq!(lax.code, 1);
    assert!(lax.out.contains("3 of which the policy lets fewer through"), "{}", lax.out);
    // What is asked for is more than what is written.
    assert_eq!(tree.assay(&["scan", "--policy=lax.yml", "--fail-on=critical"]).code, 0);
    assert_eq!(tree.assay(&["scan", "--policy=lax.yml", "--no-policy"]).code, 2);
    assert_eq!(tree.assay(&["scan", "--policy=missing.yml"]).code, 2);
}

#[test]
fn a_policy_that_is_wrong_gives_no_answer_but_where() {
    let tree = tree();
    tree.write(".assay.yml", "version: 1\nexclud: [gen]\n");
    let told = tree.assay(&["scan"]);
    assert_eq!((told.code, told.out.as_str()), (2, ""));
    for part in [".assay.yml:2:1", "did you mean `exclude`?", "--no-policy"] {
        assert!(told.err.contains(part), "{part}: {}", told.err);
    }
}

#[test]
fn a_policy_is_checked() {
    let tree = tree();
    let good = tree.assay(&["policy", "check"]);
    assert_eq!((good.code, good.err.as_str()), (0, ""), "{}", good.out);
    assert!(good.out.contains(".assay.yml can be followed"), "{}", good.out);
    assert!(good.out.contains("line 7 expired on 2020-01-31"), "{}", good.out);

    let json = tree.assay(&["policy", "check", "--json"]).json();
    assert_eq!(
        (&json["gate"]["medium_max"], &json["formal"]["enabled"]),
        (&json!(5), &json!(true))
    );

    tree.write(
        "other.yml",
        "version: 1\nrules:\n  - {rule: python.cryptgraphy.weak-hash, severity: off}\n",
    );
    let odd = tree.assay(&["policy", "check", "other.yml"]);
    assert_eq!(odd.code, 0);
    assert!(odd.out.contains("the closest are python.cryptography.weak-hash"), "{}", odd.out);

    tree.write("other.yml", "version: 1\nexclud: []\ngate:\n  higth_max: 1\n");
    let wrong = tree.assay(&["policy", "check", "other.yml"]);
    assert_eq!((wrong.code, wrong.err.as_str()), (1, ""));
    for part in ["other.yml:2:1", "other.yml:4:3", "did you mean `exclude`?", "4 |   higth_max: 1"]
    {
        assert!(wrong.out.contains(part), "{part}: {}", wrong.out);
    }
    assert_eq!(tree.assay(&["policy", "check", "missing.yml"]).code, 2);

    let own = "version: 1\ncustom_rules:\n  - {id: a, type: pattern, message: m, pattern: '('}\n";
    tree.write("other.yml", own);
    let wrong = tree.assay(&["policy", "check", "other.yml"]);
    assert_eq!(wrong.code, 1, "{}", wrong.out);
    assert!(
        wrong.out.contains("other.yml:3:5") && wrong.out.contains("unclosed group"),
        "{}",
        wrong.out
    );
}

#[test]
fn the_policy_of_the_guide_names_rules_that_there_are() {
    let guide = include_str!("../../../docs/policy.md");
    let full = guide.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    let tree = Tree::with(&[(".assay.yml", full), ("src/a.py", "print(1)\n")]);
    let told = tree.assay(&["policy", "check"]);
    assert_eq!((told.code, told.out.contains("no built-in rule")), (0, false), "{}", told.out);
    let scan = tree.assay(&["scan", "--json"]);
    assert_eq!(scan.code, 0, "{}{}", scan.out, scan.err);
    assert_eq!(scan.json()["findings"][0]["rule"], "custom.no-print");
    assert_eq!(scan.states(), [("src/a.py".to_owned(), "new".to_owned())]);
}
