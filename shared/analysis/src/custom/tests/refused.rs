//! What is refused, with what is said about it.

use super::*;

fn check(cases: &[(impl AsRef<str>, &str)]) {
    for (yaml, expected) in cases {
        let yaml = yaml.as_ref();
        let told = refused(yaml);
        assert!(told.contains(expected), "{yaml}\n=> {told}");
    }
}

/// What can be wrong with any rule, and with a pattern.
#[test]
fn what_is_wrong_is_said_with_its_place() {
    let ok = "message: m\npattern: x\n";
    let cases = [
        ("rules:\n  - id: a\n    type: [", "line 3: this is no YAML"),
        ("", "there is no rule in it"),
        ("just text", "write `rules:` and a list"),
        ("rules: 3", "rules: it is no list"),
        ("rules: []\nextra: 1", "extra: unknown field"),
        ("- 3", "line 1: [0]: it is no rule"),
        ("id: a\nmessage: m", "rule `a`: type: it is missing; write `type: pattern`"),
        ("id: a\ntype: regex", "line 2: rule `a`: type: there is no type \"regex\""),
        ("type: pattern\nmessage: m\npattern: x", "missing field `id`"),
        ("id: a\ntype: pattern\npattern: x", "missing field `message`"),
        ("id: a\ntype: pattern\nmessage: m", "missing field `pattern`"),
        ("id: a\ntype: pattern\nmessage: m\npattern: \"\\0\"", "NUL"),
        ("id: a b\ntype: pattern\nmessage: m\npattern: x", "line 1: rule `a b`: id: it is no id"),
        (&format!("id: a\ntype: pattern\n{ok}colour: red"), "line 5: rule `a`: colour: unknown"),
        (
            &format!("id: a\ntype: pattern\n{ok}rule: {{pattern: x}}"),
            "rule: unknown field; it belongs to rules of type ast",
        ),
        (&format!("id: a\ntype: pattern\n{ok}severity: bad"), "severity: unknown variant `bad`"),
        (
            &format!("id: a\ntype: pattern\n{ok}languages: [cobol]"),
            "line 5: rule `a`: languages[0]",
        ),
        (&format!("id: a\ntype: pattern\n{ok}confidence: 2"), "confidence: it is out of range"),
        (&format!("id: a\ntype: pattern\n{ok}cwe: [89]"), "cwe[0]"),
        (&format!("id: a\ntype: pattern\n{ok}cwe: ['89']"), "write [CWE-89]"),
        (&format!("id: a\ntype: pattern\n{ok}files: ['[']"), "files[0]: the glob cannot be read"),
        (&format!("id: a\ntype: pattern\n{ok}title: ''"), "title: it is empty"),
        (&format!("id: a\ntype: pattern\n{ok}examples: {{bad: x}}"), "examples.bad: invalid type"),
        (&format!("id: a\ntype: pattern\n{ok}id: b"), "line 5"),
        ("id: a\ntype: pattern\nmessage: m\npattern: ''", "it matches everything"),
        (
            "id: a\ntype: pattern\nmessage: m\npattern: '(?<=a)b'",
            "line 4: rule `a`: pattern: the regular expression cannot be read: look-around",
        ),
    ];
    check(&cases);
}

#[test]
fn what_is_wrong_with_a_syntax_rule_is_said_with_its_place() {
    let ast = "id: a\ntype: ast\nmessage: m\n";
    let cases = [
        (&format!("{ast}rule: {{pattern: x}}"), "languages: it is missing"),
        (&format!("{ast}languages: [go]\nrule: {{patern: x}}"), "unknown field `patern`"),
        (&format!("{ast}languages: [go]\nrule: {{kind: nothing_such}}"), "for go:"),
        (
            &format!("{ast}languages: [go]\nrule: {{matches: u}}"),
            "utils.u: there is no such utility",
        ),
        (
            &format!("{ast}languages: [go]\nrule: {{pattern: x, has: {{regex: '('}}}}"),
            "line 5: rule `a`: rule.has.regex: the regular expression",
        ),
        (
            &format!(
                "{ast}languages: [go]\nrule: {{pattern: $A}}\nconstraints: {{B: {{regex: x}}}}"
            ),
            "B",
        ),
    ];
    check(&cases);
}

#[test]
fn what_is_wrong_with_conditions_or_a_list_of_rules_is_said_with_its_place() {
    let cases = [
        ("id: a\ntype: composite\nmessage: m", "write exactly `all`, `any` or `not`"),
        ("id: a\ntype: composite\nmessage: m\nall: []", "all: it is empty"),
        ("id: a\ntype: composite\nmessage: m\nall: [{}]", "all[0]: it has 0 conditions"),
        ("id: a\ntype: composite\nmessage: m\nall: [{path: a}]", "no condition looks at the code"),
        (
            "id: a\ntype: composite\nmessage: m\nall:\n  - not: {pattern: '['}",
            "line 5: rule `a`: all[0].not.pattern",
        ),
        ("id: a\ntype: composite\nmessage: m\nscope: block\nnot: {pattern: x}", "scope: unknown"),
        (
            "id: a\ntype: composite\nmessage: m\nscope: function\nnot: {pattern: x}",
            "languages: it is missing",
        ),
        (
            "- {id: a, type: pattern, message: m, pattern: x}\n- {id: a, type: pattern, message: m, pattern: y}",
            "line 2: rule `a`: [1].id: [0] has the same id",
        ),
    ];
    check(&cases);
}
