mod mistakes;
mod written;

use domain::{
    Category, CommitSha, Finding, Fingerprint, Gate, Language, LineRange, PolicyFacts, PolicyState,
    Severity, Snapshot, SnippetHash, SourceFile, Unanalysed, UnanalysedReason, VerificationType,
};
use jiff::civil::{Date, date};
use serde_json::json;

use super::*;

const TODAY: Date = date(2026, 11, 21);

fn policy(text: &str) -> Policy {
    Policy::parse(text.as_bytes()).unwrap_or_else(|broken| panic!("{broken}\n{text}"))
}

fn broken(text: &str) -> Broken {
    match Policy::parse(text.as_bytes()) {
        Ok(policy) => panic!("{policy:?} from\n{text}"),
        Err(broken) => broken,
    }
}

fn finding(rule: &str, path: &str, severity: Severity) -> Finding {
    Finding {
        rule: rule.into(),
        category: Category::Injection,
        severity,
        confidence: 0.9,
        verification: VerificationType::Syntax,
        title: String::new(),
        description: String::new(),
        path: path.into(),
        lines: LineRange { first: 1, last: 1 },
        snippet: String::new(),
        snippet_hash: SnippetHash::of(""),
        fingerprint: Fingerprint::of(rule, path, "", "", 0),
        fix_suggestion: None,
        fix_diff: None,
        cwe: Vec::new(),
        owasp: Vec::new(),
        demoted: false,
        trail: None,
    }
}

#[test]
fn a_policy_that_asks_for_nothing_is_the_default() {
    for text in [
        "version: 1\n",
        "\u{feff}version: 1",
        "version: 1\nexclude:\ngate:\nignore: []\n",
        "# of the security team\n---\nversion: 1\n",
    ] {
        assert_eq!(policy(text), Policy::default(), "{text:?}");
    }
}

#[test]
fn the_example_of_the_documentation_is_a_policy() {
    let guide = include_str!("../../../docs/policy.md");
    let examples: Vec<&str> = guide
        .split("```yaml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .filter(|example| example.contains("version: 1"))
        .collect();
    assert!(!examples.is_empty());
    let full = policy(examples[0]);
    assert_eq!(full.languages.as_ref().map(BTreeSet::len), Some(3));
    assert_ne!(full.gate, Gate::default());
    assert!(full.ignore.iter().any(|entry| entry.expires.is_some()));
    for field in read::FIELDS {
        assert!(examples[0].contains(&format!("\n{field}:")) || field == "version", "{field}");
    }
    for example in examples {
        policy(example);
    }
}

#[test]
fn files_are_looked_at_as_the_policy_says() {
    let cases = [
        ("include: [src]", vec![("src/a.py", true), ("lib/src/b.py", true), ("a.py", false)]),
        ("include: [/src]", vec![("src/a.py", true), ("lib/src/b.py", false)]),
        ("exclude: ['*_pb2.py']", vec![("a/x_pb2.py", false), ("a/x.py", true)]),
        ("exclude: [gen/]", vec![("a/gen/b/c.py", false), ("gen", true), ("generous/a.py", true)]),
        ("exclude: ['src/**/gen']", vec![("src/a/gen/b.py", false), ("src/gen/b.py", false)]),
        (
            "include: [src]\nexclude: [src/old]",
            vec![("src/a.py", true), ("src/old/a.py", false), ("src/older/a.py", true)],
        ),
        (
            "languages: [go]",
            vec![("a.go", true), ("a.py", false), ("README.md", true), (".env", true)],
        ),
    ];
    for (text, files) in cases {
        let policy = policy(&format!("version: 1\n{text}\n"));
        assert!(policy.narrows());
        for (path, covered) in files {
            assert_eq!(policy.covers(path), covered, "{path} by {text}");
        }
    }
    assert!(!Policy::default().narrows());
    assert!(Policy::default().covers("/rooted"));
}

#[test]
fn what_is_left_out_is_listed() {
    let commit: CommitSha = "a".repeat(40).parse().unwrap();
    let file = |path: &str| SourceFile { path: path.into(), bytes: Vec::new() };
    let files = vec![file("a.py"), file("gen/b.py")];
    let large = Unanalysed { path: "b.bin".into(), reason: UnanalysedReason::TooLarge };
    let whole = Snapshot { commit, files, left_out: vec![large] };
    let excluding = |what: &str| policy(&format!("version: 1\nexclude: [{what}]\n"));
    let part = excluding("gen").narrowed(&whole).unwrap();
    assert_eq!((part.files.len(), part.files[0].path.as_str()), (1, "a.py"));
    let left_out: Vec<_> =
        part.left_out.iter().map(|file| (file.path.as_str(), file.reason)).collect();
    assert_eq!(
        left_out,
        [("b.bin", UnanalysedReason::TooLarge), ("gen/b.py", UnanalysedReason::Policy)]
    );
    assert_eq!(excluding("other").narrowed(&whole), None, "nothing is copied for nothing");
}

#[test]
fn the_last_entry_that_fits_a_rule_decides_its_weight() {
    let policy = policy(
        "version: 1
rules:
  - {rule: 'python.*', severity: low}
  - {rule: python.injection.*, severity: critical}
  - {rule: python.injection.eval, severity: off}
",
    );
    let cases = [
        ("python.crypto.md5", Some(Severity::Low)),
        ("python.injection.sql", Some(Severity::Critical)),
        ("python.injection.eval", None),
        ("go.crypto.md5", Some(Severity::High)),
    ];
    for (rule, severity) in cases {
        assert_eq!(policy.severity(rule, Severity::High), severity, "{rule}");
    }
}

#[test]
fn whatever_the_policy_does_to_findings_is_counted() {
    let policy = policy(
        "version: 1
rules:
  - {rule: a.off, severity: off}
  - {rule: a.low, severity: low}
ignore:
  - {path: old, reason: is replaced, expires: 2026-11-20}
  - {path: [old, older], rule: 'a.*', reason: is replaced soon, expires: 2026-11-21}
  - {rule: a.known, reason: known}
comment_on_pass: true
max_inline_comments: 3
",
    );
    let mut judge = Judge::new(&policy, TODAY);
    let mut rule = |id: &str, path: &str| {
        let mut finding = finding(id, path, Severity::High);
        let ruling = judge.rule(&mut finding);
        let line = match ruling {
            Ruling::Off => return (None, finding.severity),
            Ruling::Ignored(entry) => entry.line,
            Ruling::Stands => 0,
        };
        (Some(line), finding.severity)
    };
    assert_eq!(rule("a.off", "x.py"), (None, Severity::High));
    assert_eq!(rule("a.low", "x.py"), (Some(0), Severity::Low));
    assert_eq!(rule("a.b", "old/x.py"), (Some(7), Severity::High), "its last day is today");
    assert_eq!(rule("b.c", "old/x.py"), (Some(0), Severity::High), "yesterday is over");
    assert_eq!(rule("a.known", "x.py"), (Some(8), Severity::High));
    assert_eq!(rule("a.other", "x.py"), (Some(0), Severity::High));

    let facts = judge.facts();
    assert_eq!(facts.state, PolicyState::Applied);
    assert_eq!((facts.off["a.off"], facts.reweighted, facts.ignored()), (1, 1, 2));
    let counted: Vec<(u32, u32, bool)> =
        facts.ignores.iter().map(|entry| (entry.line, entry.findings, entry.expired)).collect();
    assert_eq!(counted, [(6, 2, true), (7, 1, false), (8, 1, false)]);
    assert_eq!((facts.comment_on_pass, facts.max_inline_comments), (true, Some(3)));
}

#[test]
fn people_are_told_what_was_done_and_what_holds_no_longer() {
    let policy = policy(
        "version: 1
rules:
  - {rule: a.off, severity: off}
ignore:
  - {path: old, reason: \"@all <b>is</b> replaced\", expires: 2026-01-31}
  - {rule: a.known, path: src, reason: it is known}
",
    );
    let mut judge = Judge::new(&policy, TODAY);
    for (rule, path) in [("a.off", "x.py"), ("a.b", "old/x.py"), ("a.known", "src/x.py")] {
        judge.rule(&mut finding(rule, path, Severity::High));
    }
    let told = notes(&PolicyFacts { excluded: 2, ..judge.facts() }).join("\n\n");
    assert_eq!(
        told,
        "By `.assay.yml`: 2 files left out, 1 finding ignored, 1 finding of rules that are off.\n\
         - line 6: 1 finding (`a.known` in `src`): it is known\n\
         - `a.off`: 1, off\n\n\
         Entries of `.assay.yml` that hold no longer:\n\
         - line 5 expired on 2026-01-31, 1 finding counts again: \\@all \\<b\\>is\\</b\\> replaced"
    );
    assert!(notes(&PolicyFacts::default()).is_empty());

    let commit: CommitSha = "b".repeat(40).parse().unwrap();
    let edited = PolicyFacts { edited: true, commit: Some(commit), ..PolicyFacts::default() };
    let told = notes(&edited).join("\n");
    assert!(told.contains("takes effect after it is merged") && told.contains("`bbbbbbbbbbbb`"));

    let problem = broken("version: 1\nexclud: ['```']\n").told();
    let wrong = PolicyFacts {
        state: PolicyState::Broken,
        problem: Some(problem.clone()),
        proposed_problem: Some(problem),
        ..PolicyFacts::default()
    };
    let told = notes(&wrong).join("\n\n");
    assert_eq!(
        told.matches("line 2, column 1: a policy has no field `exclud`").count(),
        2,
        "{told}"
    );
    assert_eq!(told.matches("```").count(), 4, "the line cannot end its block: {told}");
}
