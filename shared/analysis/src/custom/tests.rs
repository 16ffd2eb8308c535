use std::sync::Arc;

use domain::{CommitSha, Finding, Severity, Snapshot, SourceFile, VerificationType};
use proptest::prelude::*;

use super::*;
use crate::{Clock, Examiner, IncompleteReason, Scan, scan_with};

mod flows;
mod hostile;
mod mend;
mod refused;
mod words;

fn compiled(yaml: &str) -> CustomRules {
    let file = RuleFile::read(yaml).unwrap_or_else(|problems| panic!("{problems}"));
    CustomRules::compile(&file.rules).unwrap()
}

fn refused(yaml: &str) -> String {
    RuleFile::read(yaml).unwrap_err().to_string()
}

fn snapshot(files: &[(&str, &str)]) -> Snapshot {
    let commit: CommitSha = "a".repeat(40).parse().unwrap();
    let file = |(path, text): &(&str, &str)| SourceFile {
        path: (*path).to_owned(),
        bytes: text.as_bytes().to_vec(),
    };
    Snapshot { commit, files: files.iter().map(file).collect(), left_out: Vec::new() }
}

/// What the rules find, the built-in ones left out.
fn scanned(yaml: &str, files: &[(&str, &str)]) -> Scan {
    let mut scan = scan_with(&snapshot(files), &compiled(yaml), &Clock::unlimited());
    scan.findings.retain(|finding| finding.rule.starts_with(ID_PREFIX));
    scan
}

fn findings(yaml: &str, files: &[(&str, &str)]) -> Vec<Finding> {
    let scan = scanned(yaml, files);
    assert_eq!(scan.incomplete, []);
    scan.findings
}

fn places(yaml: &str, files: &[(&str, &str)]) -> Vec<String> {
    let place = |finding: Finding| {
        let (rule, path, lines) = (finding.rule, finding.path, finding.lines);
        format!("{} {path}:{}", rule.trim_start_matches(ID_PREFIX), lines.first)
    };
    findings(yaml, files).into_iter().map(place).collect()
}

#[test]
fn every_template_keeps_to_its_examples_and_has_some_of_both() {
    let yaml = include_str!("../../rules/templates.yml");
    let file = RuleFile::read(yaml).unwrap_or_else(|problems| panic!("{problems}"));
    file.try_examples().unwrap_or_else(|problems| panic!("{problems}"));
    let ids: Vec<&str> = templates().iter().map(|one| one.rule.head.id.as_str()).collect();
    let expected = [
        "no-print",
        "no-hardcoded-secrets",
        "no-eval",
        "require-type-hints",
        "no-console-log",
        "no-debugger",
        "no-todo-in-code",
        "no-sql-injection",
        "no-exec",
        "require-docstrings",
    ];
    assert_eq!(ids, expected);
    for template in templates() {
        let Examples { bad, good } = &template.rule.examples;
        assert!(bad.len() >= 2 && good.len() >= 2, "{}", template.rule.head.id);
        let again = RuleFile::read(&template.yaml).unwrap();
        assert_eq!(again.rules, std::slice::from_ref(&template.rule), "{}", template.yaml);
    }
}

#[test]
fn every_rule_of_the_guide_is_one() {
    let guide = include_str!("../../../../docs/custom-rules.md");
    let blocks: Vec<&str> =
        guide.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(blocks.len(), 5, "one of each type, and the first");
    for yaml in blocks {
        let file = RuleFile::read(yaml).unwrap_or_else(|problems| panic!("{yaml}\n{problems}"));
        file.try_examples().unwrap_or_else(|problems| panic!("{yaml}\n{problems}"));
    }
}

#[test]
fn an_example_that_the_rule_does_not_keep_to_is_named_with_its_line() {
    let yaml = "id: a\ntype: pattern\nmessage: m\npattern: x\nexamples:\n  bad:\n    - x\n    - y\n  good: [x]\n";
    let problems = RuleFile::read(yaml).unwrap().try_examples().unwrap_err();
    let told: Vec<_> = problems.0.iter().map(|one| (one.line, one.at.as_str())).collect();
    assert_eq!(told, [(Some(8), "examples.bad[1]"), (Some(9), "examples.good[0]")]);
}

#[test]
fn a_pattern_is_tried_line_by_line() {
    let yaml = "
id: no-tabs
type: pattern
severity: low
message: Use spaces. They are the same everywhere.
pattern: '^\\s*key\\s*=\\s*$'
unless: allowed
";
    let text = "key =\r\n  key =\nkey = 1\nkey\n=\n";
    let found = findings(yaml, &[("a.ini", text)]);
    let lines: Vec<u32> = found.iter().map(|finding| finding.lines.first).collect();
    assert_eq!(lines, [1, 2]);
    let first = &found[0];
    assert_eq!((first.rule.as_str(), first.title.as_str()), ("custom.no-tabs", "Use spaces"));
    assert_eq!(first.verification, VerificationType::Pattern);
    assert_eq!((first.severity, first.snippet.as_str()), (Severity::Low, "key =\r"));
    assert!(findings(yaml, &[("a.ini", "key = # allowed\n")]).is_empty());
}

#[test]
fn a_syntax_rule_has_constraints_and_utilities() {
    let yaml = "
id: no-yell
type: ast
languages: [python, javascript]
message: m
rule:
  pattern: $F($A)
  not: { matches: quiet }
  inside: { kind: FUNCTION, stopBy: end }
constraints:
  F: { regex: '^shout' }
utils:
  quiet: { has: { field: arguments, regex: hush } }
";
    let yaml = yaml.replace("  inside: { kind: FUNCTION, stopBy: end }\n", "");
    let python = "def f():\n    shout_out(a)\n    shout(hush)\n    whisper(a)\n";
    let script = "function f() { shout(a) }";
    let files = [("a.py", python), ("b.js", script), ("c.go", "package a\n")];
    assert_eq!(places(&yaml, &files), ["no-yell a.py:2", "no-yell b.js:1"]);
    assert_eq!(findings(&yaml, &files)[0].verification, VerificationType::Syntax);
}

#[test]
fn conditions_hold_within_their_reach() {
    let rule = |scope: &str| {
        format!(
            "
id: unlocked
type: composite
languages: [python]
message: m
scope: {scope}
all:
  - pattern: write\\(
  - not: {{ ast: {{ rule: {{ pattern: lock() }} }} }}
"
        )
    };
    let text = "\
class A:
    def one(self):
        lock()
        write(1)

    def two(self):
        write(2)
        write(3)

class B:
    def three(self):
        write(4)
";
    let lines = |scope: &str| -> Vec<u32> {
        findings(&rule(scope), &[("a.py", text)]).iter().map(|one| one.lines.first).collect()
    };
    assert_eq!(lines("function"), [7, 8, 12]);
    assert_eq!(lines("class"), [12]);
    assert_eq!(lines("line"), [4, 7, 8, 12]);
    assert!(lines("file").is_empty());
    let found = findings(&rule("function"), &[("a.py", text)]);
    assert!(found.iter().all(|one| one.verification == VerificationType::Pattern));
    let prints: std::collections::BTreeSet<_> =
        found.iter().map(|one| one.fingerprint.as_str()).collect();
    assert_eq!(prints.len(), 3);
}

#[test]
fn what_holds_without_a_place_is_reported_where_its_reach_begins() {
    let yaml = "
rules:
  - id: no-licence
    type: composite
    message: m
    not: { pattern: Copyright }
    scope: file
  - id: untested
    type: composite
    message: m
    scope: function
    languages: [python]
    all: [{ path: 'src/' }, { not: { pattern: check } }]
";
    let files = [
        ("a.txt", "one\ntwo\n"),
        ("b.txt", "Copyright 2026\n"),
        ("lib/c.py", "# Copyright\ndef f():\n    pass\n"),
        ("src/d.py", "# Copyright\ndef f():\n    pass\n\ndef g():\n    check()\n"),
    ];
    assert_eq!(places(yaml, &files), ["no-licence a.txt:1", "untested src/d.py:2"]);
    assert_eq!(places(yaml, &[("empty.txt", "")]), ["no-licence empty.txt:1"]);
}

#[test]
fn globs_languages_and_the_kind_of_file_decide_where_a_rule_looks() {
    let yaml = |more: &str| format!("id: a\ntype: pattern\nmessage: m\npattern: x\n{more}");
    let files = [
        ("a.py", "x\n"),
        ("lib/a.js", "x\n"),
        ("lib/b.conf", "x\n"),
        ("vendor/c.py", "x\n"),
        ("package-lock.json", "x\n"),
    ];
    let all = ["a a.py:1", "a lib/a.js:1", "a lib/b.conf:1"];
    assert_eq!(places(&yaml(""), &files), all);
    assert_eq!(places(&yaml("languages: [javascript]"), &files), all[1..2]);
    assert_eq!(places(&yaml("files: [lib/]"), &files), all[1..]);
    assert_eq!(places(&yaml("files: [lib/]\nexclude: ['*.conf']"), &files), all[1..2]);
    assert!(compiled(&yaml("enabled: false")).is_empty());
}

#[test]
fn a_secret_does_not_show_in_what_a_rule_of_a_customer_finds() {
    let key = format!("AKIA{}", "Q3EGR7LZW5YTX2KP");
    let text = format!("aws = '{key}'\n");
    let found = findings("id: a\ntype: pattern\nmessage: m\npattern: aws", &[("a.py", &text)]);
    assert_eq!(found[0].snippet, "aws = '***'");
}

#[test]
fn a_finding_keeps_its_fingerprint_when_it_moves_and_when_its_rule_changes() {
    let rule = "id: a\ntype: pattern\nmessage: m\npattern: left\n";
    let text = "def f():\n    left(1)\n";
    let moved = "import b\n\n\ndef f():\n        left(1)\n";
    let print = |rule: &str, text: &str| findings(rule, &[("a.py", text)])[0].fingerprint.clone();
    let first = print(rule, text);
    assert_eq!(print(rule, moved), first);
    assert_eq!(print(&format!("{rule}severity: high\nlanguages: [python]"), text), first);
    assert_ne!(print(&rule.replace("id: a", "id: b"), text), first);
    assert_ne!(print(rule, &text.replace("def f", "def g")), first);
}

#[test]
fn one_file_at_a_time_gives_what_a_snapshot_gives() {
    let yaml = include_str!("../../rules/templates.yml");
    let rules = Arc::new(compiled(yaml));
    let mut files: Vec<(String, String)> = Vec::new();
    for template in templates() {
        let rule = &template.rule;
        for example in rule.examples.bad.iter().chain(&rule.examples.good) {
            let (path, code) = match example {
                Example::Code(code) => ("app.py", code),
                Example::File { path, code } => (path.as_str(), code),
            };
            files.push((format!("{:03}/{path}", files.len()), code.clone()));
        }
    }
    let files: Vec<(&str, &str)> =
        files.iter().map(|(path, code)| (path.as_str(), code.as_str())).collect();
    let snapshot = snapshot(&files);
    let together = scan_with(&snapshot, &rules, &Clock::unlimited());
    let mut examiner = Examiner::with_rules(rules);
    let one_by_one: Vec<Finding> = snapshot
        .files
        .iter()
        .flat_map(|file| examiner.examine(file, Clock::unlimited()).findings)
        .map(|located| located.finding)
        .collect();
    assert!(one_by_one.iter().filter(|one| one.rule.starts_with(ID_PREFIX)).count() > 20);
    assert_eq!(one_by_one, together.findings);
}

#[test]
fn rules_of_ast_grep_are_taken_as_they_are() {
    let yaml = "
id: no-await-in-loop
language: TypeScript
severity: warning
message: Do not await in a loop
note: It is slow.
url: https://example.com
files: ['src/**']
ignores: ['src/old/**']
rule:
  pattern: await $_
  inside: { any: [{ kind: for_in_statement }, { kind: while_statement }], stopBy: end }
fix: ''
---
id: no-unwrap
language: rs
rule: { pattern: $A.unwrap() }
";
    let file = RuleFile::read(yaml).unwrap();
    assert_eq!(file.notes, ["rule `no-await-in-loop`: `url` has no effect here"]);
    let severities: Vec<Severity> = file.rules.iter().map(|rule| rule.head.severity).collect();
    assert_eq!(severities, [Severity::Medium, Severity::Info]);
    let code = "async function f(a) { for (const b of a) { await b } await a }";
    let files = [("src/a.ts", code), ("src/old/a.ts", code), ("b.rs", "fn f() { g().unwrap(); }")];
    assert_eq!(places(yaml, &files), ["no-unwrap b.rs:1", "no-await-in-loop src/a.ts:1"]);

    let kotlin = refused("id: a\nlanguage: Kotlin\nrule: { pattern: a }");
    assert!(kotlin.contains("does not parse \"Kotlin\"") && kotlin.contains("python"), "{kotlin}");
}

#[test]
fn a_rule_set_is_named_by_what_its_rules_do() {
    let rule = |id: &str, more: &str| {
        format!("- {{id: {id}, type: pattern, message: m, pattern: x{more}}}\n")
    };
    let hash = |yaml: &str| compiled(yaml).hash().map(str::to_owned);
    let two = hash(&[rule("a", ""), rule("b", "")].concat());
    assert_eq!(two.as_ref().map(String::len), Some(64));
    assert_eq!(hash(&[rule("b", ""), rule("a", ", examples: {bad: [x]}")].concat()), two);
    assert_eq!(hash(&[rule("b", ""), rule("a", ""), rule("c", ", enabled: false")].concat()), two);
    assert_ne!(hash(&[rule("a", ""), rule("b", ", severity: low")].concat()), two);
    assert_eq!(CustomRules::none().hash(), None);
    assert_eq!(CustomRules::none().rules_version(), crate::rules_version());
    let version = compiled(&rule("a", "")).rules_version();
    assert!(version.starts_with(&format!("{}.custom-", crate::rules_version())), "{version}");
}

#[test]
fn no_built_in_rule_can_be_taken_for_a_customers() {
    assert!(crate::rules().iter().all(|rule| !rule.id.starts_with(ID_PREFIX)));
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let yaml = "
- {id: a, type: pattern, message: m, pattern: '('}
- {id: b, type: pattern, message: '', pattern: x, confidence: 3}
- {id: c, type: ast, message: m, languages: [go], rule: {kind: nope}}
";
    let problems = RuleFile::read(yaml).unwrap_err();
    let told: Vec<_> = problems.0.iter().map(|one| (one.line, one.at.as_str())).collect();
    let expected = [
        (Some(2), "[0].pattern"),
        (Some(3), "[1].message"),
        (Some(3), "[1].confidence"),
        (Some(4), "[2].rule"),
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_rule_that_cannot_be_run_does_not_take_the_others_with_it() {
    let mut file = RuleFile::read(
        "- {id: a, type: pattern, message: m, pattern: x}\n- {id: b, type: pattern, message: m, pattern: y}",
    )
    .unwrap();
    let Body::Pattern(body) = &mut file.rules[0].body else { panic!() };
    body.pattern = "(".to_owned();
    let (rules, problems) = CustomRules::load(&file.rules);
    let kept: Vec<&str> = rules.infos().map(|info| info.id.as_str()).collect();
    assert_eq!((kept, problems.0.len()), (vec!["custom.b"], 1));
    assert_eq!(problems.0[0].rule.as_deref(), Some("a"));
    assert!(CustomRules::compile(&file.rules).is_err());
}
