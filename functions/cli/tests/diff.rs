//! `assay diff` as people run it, on a repository of their own.

#![expect(clippy::unwrap_used, reason = "tests: panicking is the report")]

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;

const BASE: &str = "def total(order, tax):\n    return sum(order) * tax\n";
const MAIN: &str =
    "def total(order, tax):\n    return sum(order) * tax\n\n\ndef late(order):\n    pass\n";
const HEAD: &str = "def total(order, tax, rate):\n    return eval(order) * tax\n";

fn git(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .args(["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]);
    let output = command.args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A branch `change` that parted from `main`, which has gone on since.
fn repository() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    git(at, &["init", "--quiet", "--initial-branch=main"]);
    let commit = |text: &str| {
        fs::create_dir_all(at.join("shop")).unwrap();
        fs::write(at.join("shop/orders.py"), text).unwrap();
        git(at, &["add", "."]);
        git(at, &["commit", "--quiet", "--message=a commit"]);
    };
    commit(BASE);
    git(at, &["branch", "change"]);
    commit(MAIN);
    git(at, &["checkout", "--quiet", "change"]);
    fs::write(at.join("big.py"), "x = 1\n".repeat(200_000)).unwrap();
    std::os::unix::fs::symlink("shop/orders.py", at.join("link.py")).unwrap();
    commit(HEAD);
    folder
}

fn diff(folder: &Path, arguments: &[&str]) -> Output {
    let repository = folder.to_str().unwrap();
    Command::new(env!("CARGO_BIN_EXE_assay"))
        .args(["diff", "--repository", repository])
        .args(arguments)
        .output()
        .unwrap()
}

fn told(folder: &Path, arguments: &[&str]) -> String {
    let output = diff(folder, arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_branch_is_told_from_where_it_parted() {
    let repository = repository();
    let text = told(repository.path(), &["main"]);
    assert!(text.starts_with("# Change total in shop\n"), "{text}");
    assert!(text.contains("- `total` in `shop/orders.py`: the new parameter `rate` must be given"));
    assert!(text.contains("- high: 1 new finding counts against it\n"), "{text}");
    assert!(text.contains("### Not compared\n\n- `big.py`"), "said, not hidden: {text}");
    assert!(!text.contains("late") && !text.contains("link.py"), "{text}");
    assert_eq!(told(repository.path(), &["main", "change"]), text);

    let exact = told(repository.path(), &["main", "--exact"]);
    assert!(exact.contains("- `late` in `shop/orders.py`: it is gone"), "{exact}");
    let line = told(repository.path(), &["main", "--format=changelog", "--title=fix: Count"]);
    assert_eq!(line, "fix(shop)!: Count\n");
}

#[test]
fn the_json_holds_facts_words_and_scores() {
    let repository = repository();
    let text = told(repository.path(), &["main", "--format=json"]);
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["facts"]["risk"]["level"], "high");
    assert_eq!(document["prose"]["title"], "Change total in shop");
    let score = &document["trust"]["shop/orders.py"];
    let points =
        score["factors"].as_array().unwrap().iter().map(|it| it["points"].as_f64().unwrap());
    assert!((points.sum::<f64>() - score["score"].as_f64().unwrap()).abs() < 1e-6, "{score:#}");
    assert_eq!(score["not_measured"], serde_json::json!(["history"]));
    assert_eq!(told(repository.path(), &["main", "--format=json"]), text, "the same each time");
}

#[test]
fn what_is_no_commit_is_said_to_be_none() {
    let repository = repository();
    for (folder, base) in [(repository.path(), "nowhere"), (Path::new("/"), "main")] {
        let output = diff(folder, &[base]);
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("name commits that it has"), "{said}");
    }
    // An option of git's is a name here, and there is no such commit.
    assert_eq!(diff(repository.path(), &["--", "--help"]).status.code(), Some(2));
}
