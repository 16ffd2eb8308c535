use domain::{
    Category, CommitSha, Finding, Fingerprint, Gate, Language, LineRange, PolicyFacts, PolicyState,
    Severity, Snapshot, SnippetHash, SourceFile, Unanalysed, UnanalysedReason, VerificationType,
};
use jiff::civil::{Date, date};
use proptest::prelude::*;
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

/// What is wrong, where, and what to write instead.
#[test]
fn a_mistake_is_named_with_its_place_and_its_remedy() {
    let cases = [
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
        (
            "version: 1\nexclude: vendor\n",
            (2, 10),
            "expected a list of path patterns, found text",
            "",
        ),
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
        (
            "version: 1\nrules:\n  - severity: off\n",
            (3, 5),
            "the rule is missing",
            "such as `rule:",
        ),
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
        (
            "version: 1\nformal: {query_timeout_ms: 60000}\n",
            (2, 28),
            "from 1 to 200, found 60000",
            "",
        ),
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
    for (text, place, message, help) in cases {
        let broken = broken(text);
        let first = &broken.problems()[0];
        assert_eq!((first.line, first.column), place, "{text}\n{broken}");
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

fn word() -> impl Strategy<Value = String> {
    "[a-z][a-z0-9_.]{0,12}"
}

fn pattern() -> impl Strategy<Value = String> {
    prop_oneof![
        word(),
        "(src|\\*\\*)/[a-z*?]{1,8}(/|)".prop_map(|text| text),
        "/[a-z]{1,6}/\\*\\.(py|go)".prop_map(|text| text),
    ]
}

fn reason() -> impl Strategy<Value = String> {
    // Anything that people write, and much that they do not.
    "[ -~äß🦀]{3,40}".prop_map(|text| format!("x{}y", text.trim()))
}

fn ignore() -> impl Strategy<Value = Ignore> {
    let paths =
        prop::collection::vec(pattern(), 1..3).prop_map(|written| Paths::new(written).unwrap());
    let date = (2020_i16..2040, 1_i8..=12, 1_i8..=28).prop_map(|(y, m, d)| date(y, m, d));
    (paths, prop::option::of(word()), reason(), prop::option::of(date)).prop_map(
        |(path, rule, reason, expires)| Ignore {
            path,
            rule: rule.map(|rule| RuleName::new(rule).unwrap()),
            reason,
            expires,
            line: 0,
        },
    )
}

prop_compose! {
    fn any_policy()(
        languages in prop::option::of(prop::collection::btree_set(
            prop::sample::select(Language::ALL.to_vec()), 1..4)),
        include in prop::collection::vec(pattern(), 0..4),
        exclude in prop::collection::vec(pattern(), 0..4),
        counts in prop::array::uniform4(0..=GATE_COUNT_MAX),
        confidence_min in 0.0..=1.0_f64,
        rules in prop::collection::vec((
            word(),
            prop::option::of(prop::sample::select(Severity::ALL.to_vec())),
            prop::option::of(reason()),
        ), 0..4),
        ignore in prop::collection::vec(ignore(), 0..4),
        ids in prop::collection::vec(word(), 0..3),
        formal in (any::<bool>(), 1..=QUERY_TIMEOUT_MS_MAX, 1..=FUNCTION_TIMEOUT_MS_MAX),
        comment_on_pass in any::<bool>(),
        max_inline_comments in prop::option::of(0..=INLINE_COMMENTS_MAX),
    ) -> Policy {
        let [critical_max, high_max, medium_max, low_max] = counts;
        let (enabled, query_timeout_ms, function_timeout_ms) = formal;
        Policy {
            version: VERSION,
            languages,
            include: Paths::new(include).unwrap(),
            exclude: Paths::new(exclude).unwrap(),
            gate: Gate { critical_max, high_max, medium_max, low_max, confidence_min },
            rules: rules.into_iter().map(|(rule, severity, reason)| RuleOverride {
                rule: RuleName::new(rule).unwrap(), severity, reason,
            }).collect(),
            ignore,
            custom_rules: ids.into_iter().map(|id| CustomRule {
                rule: json!({ "id": id, "rule": { "pattern": "eval($X)" } }), line: 0,
            }).collect(),
            formal: Formal { enabled, query_timeout_ms, function_timeout_ms },
            comment_on_pass,
            max_inline_comments,
        }
    }
}

/// Without the lines, which only a file has.
fn unplaced(mut policy: Policy) -> Policy {
    policy.ignore.iter_mut().for_each(|entry| entry.line = 0);
    policy.custom_rules.iter_mut().for_each(|rule| rule.line = 0);
    policy
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Written out as JSON, which is YAML too, and as YAML.
    #[test]
    fn a_policy_that_is_written_out_is_the_same_policy(policy in any_policy()) {
        let json = serde_json::to_string_pretty(&policy).unwrap();
        let yaml = serde_saphyr::to_string(&policy).unwrap();
        for text in [json, yaml] {
            let read = Policy::parse(text.as_bytes());
            prop_assert!(read.is_ok(), "{}\n{text}", read.unwrap_err());
            prop_assert_eq!(unplaced(read.unwrap()), policy.clone(), "{}", text);
        }
        let value = serde_json::to_value(&policy).unwrap();
        prop_assert!(schema::validator().is_valid(&value), "the schema refuses {value}");
    }

    /// Nothing panics, and what is wrong is somewhere in the file.
    #[test]
    fn a_policy_with_a_hole_is_read_or_refused(
        policy in any_policy(), at in any::<prop::sample::Index>(), put in "[ -~\\n\\t\u{0}é]{0,6}"
    ) {
        let mut text = serde_saphyr::to_string(&policy).unwrap();
        let at = text.char_indices().nth(at.index(text.chars().count())).unwrap().0;
        let end = text[at..].char_indices().nth(3).map_or(text.len(), |(index, _)| at + index);
        text.replace_range(at..end, &put);
        if let Err(broken) = Policy::parse(text.as_bytes()) {
            let lines = text.lines().count() as u32 + 1;
            for problem in broken.problems() {
                prop_assert!((1..=lines).contains(&problem.line), "{broken}\n{text}");
            }
            prop_assert!(!broken.frames("x").is_empty());
        }
    }
}
