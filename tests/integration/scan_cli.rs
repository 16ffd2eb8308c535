//! `assay scan`: the program as people run it, on the demo and on trees that mean no good.

mod logs;
mod world;

use std::{fs, os::unix::fs::PermissionsExt, process::Command};

use serde_json::Value;
use world::{Tree, demo, hostile};

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

/// The flow that the finding is part of would stand for it, had somebody asked for flows.
#[test]
fn a_rule_that_is_asked_for_alone_is_answered() {
    let rules = |arguments: &[&str]| -> Vec<String> {
        let told = demo().scan(&[&["--json"], arguments].concat()).json();
        let findings = told["findings"].as_array().unwrap().clone();
        findings.iter().map(|finding| finding["rule"].as_str().unwrap().to_owned()).collect()
    };
    let place = "python.injection.sql-string";
    let alone = rules(&["--rule=python.injection.sql-string"]);
    assert!(!alone.is_empty() && alone.iter().all(|rule| rule == place), "{alone:?}");
}

/// What is committed is judged, not what lies beside it.
#[test]
fn what_is_staged_is_looked_at_as_it_is_staged() {
    let tree = Tree::new();
    let git = |arguments: &[&str]| {
        let done =
            Command::new("git").arg("-C").arg(tree.path(".")).args(arguments).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    git(&["init", "-q"]);
    tree.write("kept.py", b"import os\nos.system('ls ' + name)\n");
    git(&["add", "kept.py"]);
    git(&["-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-qm", "a"]);
    assert_eq!(tree.scan(&["--staged"]).code, 0, "nothing is staged");
    tree.write("new.py", b"import os\nos.system('rm ' + name)\n");
    git(&["add", "new.py"]);
    tree.write("new.py", b"print('mended, and not staged')\n");
    tree.write("other.py", b"import os\nos.system('cat ' + name)\n");
    let told = tree.scan(&["--staged", "--json"]);
    let paths: Vec<_> = told.json()["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["path"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!((told.code, paths), (1, vec!["new.py".to_owned()]), "{}", told.err);
    assert_eq!(tree.scan(&["--staged", "kept.py"]).code, 2, "it is one or the other");
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

/// `assay scan | head -1` must not turn a failure into a pass.
#[test]
fn a_reader_who_leaves_does_not_change_the_answer() {
    for format in [&[][..], &["--json"], &["--sarif=-"]] {
        assert_eq!(demo().scan_unread(format), 1, "{format:?}");
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

    // Who looks at a part says nothing about the rest, and forgets nothing of it.
    for part in [&["storefront"][..], &["--exclude=orders"], &["--rule=go.*"]] {
        let arguments = ["--baseline=known.json", "--json", "--write-baseline=part.json"];
        let told = tree.scan(&[&arguments[..], part].concat());
        assert_eq!(told.json()["gone"], serde_json::json!([]), "{part:?}");
        let kept = fs::read_to_string(tree.path("part.json")).unwrap();
        assert!(kept.contains("\"path\": \"orders/store.py\""), "{part:?}");
    }

    fs::remove_file(tree.path(path)).unwrap();
    let gone = tree.scan(&["--baseline=known.json", "--json"]).json()["gone"].clone();
    assert_eq!(gone[0]["path"], path);
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
            ("large.py", "file_too_large"),
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
fn a_fix_is_shown_and_git_takes_it() {
    let tree = Tree::new();
    tree.write("a.py", b"import ssl\ncontext.minimum_version = ssl.TLSVersion.TLSv1\n");
    let shown = tree.scan(&["--fail-on=medium"]);
    assert_eq!(shown.code, 1, "{}", shown.err);
    let lines = "      -context.minimum_version = ssl.TLSVersion.TLSv1\n      \
                 +context.minimum_version = ssl.TLSVersion.TLSv1_2\n";
    assert!(shown.out.contains(lines), "{}", shown.out);

    let diff = tree.scan(&["--json"]).json()["findings"][0]["fix_diff"].clone();
    tree.write("fix.diff", diff.as_str().unwrap().as_bytes());
    fs::remove_dir(tree.path(".git")).unwrap();
    let apply = Command::new("git").args(["apply", "fix.diff"]).current_dir(tree.path("")).output();
    let apply = apply.unwrap();
    assert!(apply.status.success(), "{}", String::from_utf8_lossy(&apply.stderr));
    assert_eq!(tree.scan(&["--fail-on=info", "a.py"]).code, 0);
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
