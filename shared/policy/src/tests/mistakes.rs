//! What is wrong, where, and what to write instead.

use super::*;

/// A policy, the place of its mistake, and what is said of it and of its remedy.
const MISTAKES: &[(&str, (u32, u32), &str, &str)] = &[
    ("", (1, 1), "the policy is empty", "begin with `version: 1`"),
    ("exclude: []\n", (1, 1), "the version is missing", "begin with `version: 1`"),
    ("version: 2\n", (1, 10), "this version is not known", "write `version: 1`"),
    (
        "version: 1\nexclud: [a]\n",
        (2, 1),
        "a policy has no field `exclud`",
        "did you mean `exclude`?",
    ),
    (
        "version: 1\ngate:\n  high: 1\n",
        (3, 3),
        "gate has no field `high`",
        "did you mean `high_max`?",
    ),
    (
        "version: 1\nlanguages: [pyton]\n",
        (2, 13),
        "`pyton` is no language",
        "did you mean `python`?",
    ),
    ("version: 1\nlanguages: [ruby]\n", (2, 13), "`ruby` is no language", "rust"),
    ("version: 1\nexclude: vendor\n", (2, 10), "expected a list of path patterns, found text", ""),
    ("version: 1\nexclude: ['a[']\n", (2, 11), "`a[` is no path pattern", ""),
    ("version: 1\nexclude: ['!a']\n", (2, 11), "`!` takes nothing back here", ""),
    ("version: 1\nexclude: ['#a']\n", (2, 11), "is written `\\#`", ""),
    (
        "version: 1\ngate: {high_max: -1}\n",
        (2, 18),
        "expected a whole number from 0 to 1000000, found -1",
        "",
    ),
    (
        "version: 1\ngate: {confidence_min: 2}\n",
        (2, 24),
        "expected a number from 0 to 1, found 2",
        "",
    ),
    (
        "version: 1\nrules:\n  - rule: a.b\n    severity: hihg\n",
        (4, 15),
        "`hihg` is no severity",
        "did you mean `high`?",
    ),
    ("version: 1\nrules:\n  - severity: off\n", (3, 5), "the rule is missing", "such as `rule:"),
    ("version: 1\nrules:\n  - rule: a.b\n", (3, 5), "the severity is missing", "severity: off"),
    ("version: 1\nignore:\n  - path: a.py\n", (3, 5), "the reason is missing", "say why"),
    (
        "version: 1\nignore:\n  - reason: no flaw\n",
        (3, 5),
        "`path` or `rule` is missing",
        "a path, a rule, or both",
    ),
    (
        "version: 1\nignore:\n  - {rule: a, reason: ok}\n",
        (3, 23),
        "expected 3 to 500 characters, found 2",
        "",
    ),
    (
        "version: 1\nignore:\n  - {rule: a, reason: known, expires: 2026-13-01}\n",
        (3, 39),
        "`2026-13-01` is no date",
        "2027-01-31",
    ),
    ("version: 1\nformal: {enabled: yes}\n", (2, 19), "expected true or false, found text", ""),
    ("version: 1\nformal: {query_timeout_ms: 60000}\n", (2, 28), "from 1 to 200, found 60000", ""),
    ("version: 1\nmax_inline_comments: 201\n", (2, 22), "from 0 to 200", ""),
    (
        "version: 1\ncustom_rules: [a]\n",
        (2, 16),
        "expected the fields of a rule, found text",
        "custom-rules.md",
    ),
    ("version: 1\nignore: [{path: a, reason: \"a\\0b\"}]\n", (2, 28), "a zero character", ""),
    ("- version: 1\n", (1, 1), "expected the fields of a policy", ""),
];

#[test]
fn a_mistake_is_named_with_its_place_and_its_remedy() {
    for (text, place, message, help) in MISTAKES {
        let broken = broken(text);
        let first = &broken.problems()[0];
        assert_eq!((first.line, first.column), *place, "{text}\n{broken}");
        assert!(broken.to_string().contains(message), "{text}\n{broken}");
        let told = format!("{} {}", first.message, first.help.as_deref().unwrap_or_default());
        assert!(told.contains(help), "{text}\n{broken}");
    }
}

#[test]
fn what_is_no_yaml_is_said_to_be_none_where_it_breaks() {
    let cases = [
        ("version: 1\nexclude: [a\n", 2),
        ("version: 1\n\tgate: {}\n", 1),
        ("version: 1\nversion: 1\n", 2),
        ("version: 1\n--- \nversion: 1\n", 2),
        ("version: 1\n<<: {gate: {}}\n", 2),
        ("version: 1\nexclude: *none\n", 2),
    ];
    for (text, line) in cases {
        let broken = broken(text);
        assert_eq!(broken.problems()[0].line, line, "{text}\n{broken}");
        assert!(!broken.to_string().contains("serde"), "{broken}");
    }
}

#[test]
fn all_mistakes_are_told_at_once_and_not_without_end() {
    let two = broken("version: 1\nexclud: []\nincldue: []\n");
    assert_eq!(two.problems().len(), 2, "{two}");
    let words: String = (0..100).map(|n| format!("word{n}: 1\n")).collect();
    assert_eq!(broken(&format!("version: 1\n{words}")).problems().len(), PROBLEMS_MAX);
}

#[test]
fn a_frame_shows_the_line_and_marks_what_is_meant() {
    let broken = broken("version: 1\ngate:\n  higth_max: 1  # \u{202e}[2J\n");
    let told = broken.told();
    assert_eq!(
        told.frame,
        "error: gate has no field `higth_max`\n \
         --> .assay.yml:3:3\n  \
           |\n\
         3 |   higth_max: 1  # \u{fffd}[2J\n  \
           |   ^^^^^^^^^\n  \
           |\n  \
           = help: did you mean `high_max`?"
    );
    let frames = broken.frames("policies/strict.yml");
    assert!(frames.contains("policies/strict.yml:3:3") && frames.contains("\x1b["), "{frames}");

    let long = format!("version: 1\nexclude: [{}, 1]\n", "'a', ".repeat(5_000));
    let far = Policy::parse(long.as_bytes()).unwrap_err();
    assert!(far.told().frame.len() < 2_000, "{}", far.told().frame);
}

#[test]
fn what_is_too_much_is_refused() {
    let list = |entry: &str, count: usize| format!("[{}]", vec![entry; count].join(", "));
    let ignore = "{rule: a, reason: known}";
    let rule = "{rule: a, severity: off}";
    for (field, entry, most) in [
        ("exclude", "a", PATTERNS_MAX),
        ("ignore", ignore, IGNORES_MAX),
        ("rules", rule, OVERRIDES_MAX),
        ("custom_rules", "{id: a}", CUSTOM_RULES_MAX),
    ] {
        policy(&format!("version: 1\n{field}: {}\n", list(entry, most)));
        let broken = broken(&format!("version: 1\n{field}: {}\n", list(entry, most + 1)));
        assert!(broken.to_string().contains(&format!("more than {most}")), "{broken}");
    }
    let long = "x".repeat(PATTERN_CHARS_MAX + 1);
    broken(&format!("version: 1\nexclude: [{long}]\n"));
    broken(&format!("version: 1\n# {}\n", "x".repeat(BYTES_MAX)));
    let deep = |depth: usize| {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        format!("version: 1\ncustom_rules: [{{id: a, any: {open}{close}}}]\n")
    };
    policy(&deep(DEPTH_MAX - 5));
    for depth in [DEPTH_MAX, 10_000] {
        broken(&deep(depth));
    }
    // A billion laughs.
    let mut bomb = "version: 1\ncustom_rules:\n  - a: &a0 [x, x]\n".to_owned();
    for n in 1..40 {
        bomb.push_str(&format!("    b{n}: &a{n} [*a{}, *a{}]\n", n - 1, n - 1));
    }
    broken(&bomb);
    assert!(Policy::parse(b"version: 1\nexclude: ['\xff']\n").is_err());
}
