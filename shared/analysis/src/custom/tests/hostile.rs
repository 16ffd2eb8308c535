//! Rules and files that mean no good: they are refused, or end and are named.

use std::time::Duration;

use cpu_time::CpuTime;

use super::*;

/// Generous for an unoptimised build.
const CPU_TIME_MAX: Duration = Duration::from_secs(60);

fn in_time<T>(work: impl FnOnce() -> T) -> T {
    let clock = CpuTime::start();
    let done = work();
    assert!(clock.spent() < CPU_TIME_MAX, "{:?}", clock.spent());
    done
}

fn python(lines: usize) -> String {
    (0..lines).map(|line| format!("f{line}(g(h(a, b), [c, d]), e={line})\n")).collect()
}

#[test]
fn a_rule_that_is_not_linear_runs_out_and_costs_the_others_nothing() {
    let yaml = "
- id: hog
  type: ast
  languages: [python]
  message: m
  rule:
    kind: identifier
    inside: { follows: { regex: never, stopBy: end }, stopBy: end }
- id: hog-together
  type: composite
  languages: [python]
  message: m
  not:
    ast: { rule: { kind: identifier, inside: { precedes: { regex: never, stopBy: end }, stopBy: end } } }
- { id: z-linear, type: ast, languages: [python], message: m, rule: { pattern: 'f7($$$)' } }
- { id: z-line, type: pattern, message: m, pattern: '^f8\\(' }
";
    let text = python(3000);
    let scan = in_time(|| scanned(yaml, &[("a.py", &text), ("b.py", "f7(1)\n")]));
    let missed: Vec<_> = scan
        .incomplete
        .iter()
        .map(|one| (one.path.as_str(), one.rule.as_deref().unwrap(), one.reason))
        .collect();
    let hogs = [
        ("a.py", "custom.hog", IncompleteReason::OutOfFuel),
        ("a.py", "custom.hog-together", IncompleteReason::OutOfFuel),
    ];
    assert_eq!(missed, hogs);
    let found: Vec<_> = scan.findings.iter().map(|one| (one.rule.as_str(), &*one.path)).collect();
    let expected = [
        ("custom.z-linear", "a.py"),
        ("custom.z-line", "a.py"),
        ("custom.hog-together", "b.py"),
        ("custom.z-linear", "b.py"),
    ];
    assert_eq!(found, expected, "what was not looked at to the end proves no absence");
}

#[test]
fn many_rules_share_what_one_file_may_cost() {
    let hog =
        "{ kind: identifier, inside: { follows: { regex: never, stopBy: end }, stopBy: end } }";
    let rules: String = (0..12)
        .map(|n| {
            format!(
                "- {{ id: hog{n:02}, type: ast, languages: [python], message: m, rule: {hog} }}\n"
            )
        })
        .collect();
    let scan = in_time(|| scanned(&rules, &[("a.py", &python(3000))]));
    assert_eq!(scan.incomplete.len(), 12, "each is named: {:?}", scan.incomplete);
}

#[test]
fn a_deadline_is_kept_and_said() {
    let yaml = "
- { id: a, type: ast, languages: [python], message: m, rule: { pattern: 'f1($$$)' } }
- { id: b, type: pattern, message: m, pattern: '^f2\\(' }
";
    let looks = std::cell::Cell::new(0);
    let time_is_up = || {
        looks.set(looks.get() + 1);
        looks.get() > 3
    };
    let text = python(400);
    let files = snapshot(&[("a.py", &text), ("b.py", &text)]);
    let scan = scan_with(&files, &compiled(yaml), &Clock::new(&time_is_up));
    assert!(scan.incomplete.iter().all(|one| one.reason == IncompleteReason::TimedOut));
    let paths: Vec<&str> = scan.incomplete.iter().map(|one| one.path.as_str()).collect();
    assert!(paths.contains(&"a.py") && paths.contains(&"b.py"), "{paths:?}");
}

#[test]
fn matches_without_end_are_counted_and_said() {
    let yaml = "{ id: a, type: pattern, message: m, pattern: f }";
    let scan = scanned(yaml, &[("a.py", &python(500))]);
    assert_eq!(scan.findings.len(), 100);
    assert_eq!(scan.incomplete[0].reason, IncompleteReason::TooMany);
    assert_eq!(scan.incomplete[0].rule.as_deref(), Some("custom.a"));
}

#[test]
fn rules_that_are_too_large_are_refused_before_they_are_compiled() {
    let pattern = |text: &str| format!("{{ id: a, type: pattern, message: m, pattern: '{text}' }}");
    let ast = |rule: &str| {
        format!("{{ id: a, type: ast, languages: [python], message: m, rule: {rule} }}")
    };
    // Each utility names the next one ten times: ten to the power of twenty parts.
    let bomb: String = (0..20)
        .map(|n| {
            let list = vec![format!("{{ matches: u{} }}", n + 1); 10].join(", ");
            format!("  u{n}: {{ any: [{list}] }}\n")
        })
        .collect();
    let bomb = format!(
        "id: a\ntype: ast\nlanguages: [python]\nmessage: m\nrule: {{ matches: u0 }}\nutils:\n{bomb}  u20: {{ kind: identifier }}\n"
    );
    let circle = "id: a\ntype: ast\nlanguages: [python]\nmessage: m\nrule: { matches: u }\nutils:\n  u: { inside: { matches: v } }\n  v: { has: { matches: u } }\n";
    let nested = format!("{}{}{}", "{ has: ".repeat(40), "{ kind: identifier }", " }".repeat(40));
    let cases = [
        (pattern("\\w{1,900}{1,900}"), "too large"),
        (pattern(&"a".repeat(5000)), "5000 bytes"),
        (pattern(&"a".repeat(RULE_BYTES_MAX)), "at most 65536"),
        (ast("{ kind: identifier, regex: '(\\w{900}){900}' }"), "too large"),
        (ast(&nested), "nested more than"),
        (bomb, "parts"),
        (circle.to_owned(), "it names itself"),
        (format!("# {}", "x".repeat(RULE_FILE_BYTES_MAX)), "at most 262144"),
        ("[".repeat(100_000), "no YAML"),
        (format!("{}1", "a: {".repeat(3000)), "no YAML"),
        (format!("{}- 1", "- ".repeat(5000)), "no YAML"),
    ];
    for (yaml, expected) in cases {
        let told = in_time(|| refused(&yaml));
        assert!(told.contains(expected), "{}\n=> {told}", &yaml[..yaml.len().min(200)]);
        assert!(told.len() < 4000, "{} bytes of error", told.len());
    }
}

#[test]
fn aliases_do_not_multiply() {
    let mut yaml = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..20 {
        let list = vec![format!("*a{}", n - 1); 10].join(", ");
        yaml.push_str(&format!("a{n}: &a{n} [{list}]\n"));
    }
    let told = in_time(|| refused(&yaml));
    assert!(told.contains("no YAML"), "{told}");
}

#[test]
fn too_many_rules_and_too_large_ones_together_are_refused() {
    let rule = |n: usize, pattern: &str| {
        format!("- {{id: r{n}, type: pattern, message: m, pattern: '{pattern}'}}\n")
    };
    let many: String = (0..=RULES_MAX).map(|n| rule(n, "x")).collect();
    assert!(refused(&many).contains("there are 351 rules"), "{}", refused(&many));
    let large: String = (0..200).map(|n| rule(n, "\\w{6}")).collect();
    let file = RuleFile::read(&large).unwrap();
    let (rules, problems) = CustomRules::load(&file.rules);
    assert!(!rules.is_empty() && !problems.0.is_empty(), "{}", problems.0.len());
    assert_eq!(rules.infos().count() + problems.0.len(), 200, "none is dropped silently");
}

#[test]
fn strange_files_end_nothing() {
    let yaml = include_str!("../../../rules/templates.yml");
    let deep = format!("x = {}1{}\n", "(".repeat(5000), ")".repeat(5000));
    let long = format!("print('{}')\n", "é".repeat(300_000));
    let files = [
        ("deep.py", deep.as_str()),
        ("long.py", &long),
        ("one.js", "\u{feff}debugger"),
        ("crlf.py", "print(1)\r\n\r\n"),
        ("broken.py", "def (:\n  print(\n"),
        ("empty.py", ""),
    ];
    let scan = in_time(|| scanned(yaml, &files));
    let missed = |path: &str| scan.incomplete.iter().filter(|one| one.path == path).count();
    assert!(missed("deep.py") > 1, "each rule is named: {:?}", scan.incomplete);
    assert_eq!(missed("long.py") + missed("one.js") + missed("crlf.py"), 0);
    let found = |path: &str| scan.findings.iter().filter(|one| one.path == path).count();
    assert_eq!((found("one.js"), found("crlf.py"), found("long.py")), (1, 1, 1));
}

fn some_rules() -> impl Strategy<Value = String> {
    let yaml = include_str!("../../../rules/templates.yml");
    let lines: Vec<&'static str> = yaml.lines().collect();
    let edits = prop::collection::vec((0..lines.len(), 0..7_u8, "[ -~\u{e9}]{0,12}"), 1..8);
    edits.prop_map(move |edits| {
        let mut lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        for (at, edit, text) in edits {
            let other = lines[(at * 7 + 3) % lines.len()].clone();
            let line = &mut lines[at];
            match edit {
                0 => line.clear(),
                1 => line.push_str(&text),
                2 => *line = format!("  {line}"),
                3 => *line = other,
                4 => *line = line.replace(['{', '['], &text),
                5 => *line = format!("{}{text}", &line[..line.floor_char_boundary(line.len() / 2)]),
                _ => *line = line.replace(':', ": *"),
            }
        }
        lines.join("\n")
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Whatever comes of a broken rule file, it is an answer: rules that run, or what is wrong.
    #[test]
    fn broken_rules_are_answered(yaml in some_rules()) {
        match RuleFile::read(&yaml) {
            Ok(file) => {
                let (rules, _) = CustomRules::load(&file.rules);
                let files = snapshot(&[("a.py", "def f(a):\n    print(eval(a))\n"), ("b.js", "debugger")]);
                scan_with(&files, &rules, &Clock::unlimited());
                let again = RuleFile::read(&to_yaml(&file.rules));
                prop_assert_eq!(again.map(|file| file.rules), Ok(file.rules));
            }
            Err(problems) => prop_assert!(!problems.0.is_empty()),
        }
    }

    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = RuleFile::read(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn any_pattern_is_answered(pattern in "\\PC{0,40}", rule in "[$A-Za-z(){}., ;:=\"'\n]{0,40}") {
        let value = |rule| RuleFile::of_value(rule).map(|file| CustomRules::load(&file.rules).0);
        let line = serde_json::json!({ "id": "a", "type": "pattern", "message": "m", "pattern": pattern });
        let node = serde_json::json!({
            "id": "b", "type": "ast", "message": "m", "languages": domain::Language::ALL,
            "rule": { "pattern": rule },
        });
        let files = snapshot(&[("a.py", "def f(a):\n    print(eval(a))\n"), ("b.rs", "fn f() {}")]);
        for rules in [value(line), value(node)].into_iter().flatten() {
            scan_with(&files, &rules, &Clock::unlimited());
        }
    }
}
