//! Rules that follow values.

use super::*;

const FLOW: &str = "
id: no-shell
type: semantic
languages: [python]
severity: high
message: A stranger decides what the shell does.
cwe: [CWE-78]
sources: [ask_user]
sinks:
  - { name: run_in_shell, arguments: [0] }
sanitizers: [quote]
exclude: [tools/]
examples:
  bad:
    - \"def f():\\n    text = ask_user()\\n    run_in_shell('ls ' + text)\\n\"
  good:
    - \"def f():\\n    run_in_shell('ls ' + quote(ask_user()))\\n\"
";

#[test]
fn values_are_followed_from_where_they_come_in_to_where_they_do_harm() {
    RuleFile::read(FLOW).unwrap().try_examples().unwrap_or_else(|problems| panic!("{problems}"));
    let code = "def ask():\n    return ask_user()\n\n\ndef f():\n    text = ask()\n    run_in_shell(text)\n    run_in_shell('x')\n";
    let files =
        [("src/a.py", code), ("tools/a.py", code), ("src/a.js", "run_in_shell(ask_user())")];
    let found = findings(FLOW, &files);
    let told: Vec<_> = found.iter().map(|one| (one.path.as_str(), one.lines.first)).collect();
    assert_eq!(told, [("src/a.py", 7)]);
    assert_eq!(found[0].verification, VerificationType::Taint);
    assert_eq!((found[0].rule.as_str(), found[0].cwe[0].as_str()), ("custom.no-shell", "CWE-78"));
    let way = &found[0].description;
    assert!(way.contains("How it gets there") && way.contains("line 7 (arrives)"), "{way}");
}

#[test]
fn what_is_wrong_with_a_semantic_rule_is_said_with_its_place() {
    let rule = |more: &str| format!("id: a\ntype: semantic\nmessage: m\n{more}");
    let cases = [
        (rule("sources: [a]\nsinks: [b]"), "languages: it is missing"),
        (rule("languages: [python]\nsinks: [b]"), "missing field `sources`"),
        (
            rule("languages: [python]\nsources: []\nsinks: [b]"),
            "line 5: rule `a`: sources: is empty",
        ),
        (
            rule("languages: [python]\nsources: [a]\nsinks:\n  - b\n  - {name: c, nmae: d}"),
            "line 8: rule `a`: sinks[1]: ",
        ),
        (
            rule("languages: [python]\nsources: [{literal: '('}]\nsinks: [b]"),
            "sources[0].literal: the regular expression",
        ),
        (rule("languages: [python]\nsources: [{pattern: $A}]\nsinks: [b]"), "sources[0]"),
    ];
    for (yaml, expected) in cases {
        let told = refused(&yaml);
        assert!(told.contains(expected), "{yaml}\n=> {told}");
    }
}

#[test]
fn taint_rules_of_semgrep_are_taken_where_they_are_plain() {
    let yaml = "
rules:
  - id: no-shell
    mode: taint
    languages: [py]
    severity: ERROR
    message: m
    metadata: { cwe: CWE-78 }
    paths: { include: [src/] }
    pattern-sources: [{ pattern: ask_user(...) }]
    pattern-sinks: [{ pattern: run_in_shell($X) }]
";
    let yaml = yaml.replace("ask_user(...)", "ask_user($$$)");
    let file = RuleFile::read(&yaml).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(file.notes, ["rule `no-shell`: `metadata` has no effect here"]);
    let code = "def f():\n    run_in_shell(ask_user(1))\n";
    assert_eq!(places(&yaml, &[("src/a.py", code), ("b.py", code)]), ["no-shell src/a.py:2"]);
}

#[test]
fn more_semantic_rules_than_a_set_takes_all_run() {
    let rule = |n: usize| {
        format!(
            "- {{id: r{n:03}, type: semantic, languages: [python], message: m, sources: [ask], sinks: [sink{n}]}}\n"
        )
    };
    let rules: String = (0..150).map(rule).collect();
    let code: String = (0..150).map(|n| format!("def f{n}():\n    sink{n}(ask())\n")).collect();
    assert_eq!(findings(&rules, &[("a.py", &code)]).len(), 150);
}
