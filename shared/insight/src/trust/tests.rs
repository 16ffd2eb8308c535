mod any;

use analysis::Clock;
use domain::{CommitSha, Snapshot, SourceFile};

use super::*;

fn near(one: f64, other: f64) -> bool {
    (one - other).abs() < 1e-9
}

fn facts_of(path: &str, text: &str, tests: &[&str]) -> Facts {
    let file = SourceFile { path: path.into(), bytes: text.into() };
    let read = Read::of(&file, &Clock::unlimited()).unwrap();
    Facts::of(&read).among(&TestNames::of(tests.iter().copied()))
}

fn finding(rule: &str, cwe: &str, severity: Severity, line: u32) -> Observation {
    Observation {
        rule: rule.into(),
        category: Category::Injection,
        severity,
        confidence: 0.9,
        verification: VerificationType::Syntax,
        cwe: vec![cwe.into()],
        lines: LineRange { first: line, last: line },
        dismissed: false,
        demoted: false,
    }
}

fn observed(findings: Vec<Observation>) -> Observed {
    Observed { findings, ..Observed::default() }
}

fn part<'a>(measured: &'a [Part], name: &str) -> &'a Part {
    measured.iter().find(|part| part.name == name).unwrap_or_else(|| panic!("{name}"))
}

#[test]
fn complexity_is_the_mean_of_what_could_be_measured() {
    let facts = |lines, long, indent, branches, units| complexity::Facts {
        lines,
        long,
        long_lines: Vec::new(),
        indent: (indent, 1),
        branches: vec![1; branches],
        units,
    };
    // Lines, long ones, columns, branches, units: what is left of 1, and what the formula says.
    let cases = [
        // 0.1, 16 / 32, 10 / (100 / 5), 100 / 4 / 50.
        (facts(100, 10, 16, 10, 4), 1.0 - (0.1 + 0.5 + 0.5 + 0.5) / 4.0, 0.6),
        // Each is capped at 1.
        (facts(100, 100, 90, 90, 1), 0.0, 0.0),
        (facts(50, 0, 0, 0, 1), 1.0 - 1.0 / 4.0, 0.75),
        // Without units the mean is that of three; the formula assumes 0.5 for the fourth.
        (facts(10, 1, 8, 1, 0), 1.0 - (0.1 + 0.25 + 0.5) / 3.0, 1.0 - (0.85 + 0.5) / 4.0),
    ];
    for (facts, value, formula) in cases {
        let measured = complexity::measure(&facts);
        assert!(near(measured.value.clone().unwrap(), value), "{facts:?}: {measured:?}");
        assert!(near(measured.formula, formula), "{facts:?}: {measured:?}");
    }
}

#[test]
fn complexity_is_read_off_the_text() {
    let long = format!("x = '{}'", "a".repeat(100));
    let text = format!(
        "{long}\ndef f(a):\n    if a:\n        for b in a:\n            return b\n    \n    return 1 if a else 2\n"
    );
    let read = facts_of("a.py", &text, &[]).complexity;
    assert_eq!((read.lines, read.long, read.long_lines), (7, 1, vec![1]));
    assert_eq!((read.indent, read.branches, read.units), ((12, 5), vec![3, 4, 7], 1));

    let go = "package a\n\nfunc F(a int) {\n\tif a > 1 {\n\t\tprintln(a)\n\t}\n}\n";
    let read = facts_of("a.go", go, &[]).complexity;
    assert_eq!((read.indent, read.branches, read.units), ((8, 5), vec![4], 1), "a tab is four");
}

#[test]
fn a_risky_pattern_takes_its_weight_in_thirds() {
    let eval = |count| vec![finding("python.injection.eval", "CWE-95", Severity::High, 3); count];
    let of = |rule, cwe| vec![finding(rule, cwe, Severity::High, 1)];
    let nothing = pattern::Facts::default();
    let cases = [
        (nothing.clone(), vec![], 1.0),
        (nothing.clone(), eval(1), 1.0 - 0.9 / 3.0 / 9.0),
        (nothing.clone(), eval(2), 1.0 - 0.9 * 2.0 / 3.0 / 9.0),
        (nothing.clone(), eval(3), 1.0 - 0.9 / 9.0),
        (nothing.clone(), eval(9), 1.0 - 0.9 / 9.0),
        (nothing.clone(), of("x.command", "CWE-78"), 1.0 - 0.9 / 3.0 / 9.0),
        (nothing.clone(), of("x.subprocess-shell", "CWE-78"), 1.0 - 0.8 / 3.0 / 9.0),
        (nothing.clone(), of("x.pickle", "CWE-502"), 1.0 - 0.85 / 3.0 / 9.0),
        (nothing.clone(), of("x.verify", "CWE-295"), 1.0 - 0.85 / 3.0 / 9.0),
        (nothing.clone(), of("secret.password", "CWE-798"), 1.0 - 0.95 / 3.0 / 9.0),
        // A weakness that is none of the nine patterns counts in the verification.
        (nothing.clone(), of("x.sql", "CWE-89"), 1.0),
        (pattern::Facts { swallowed: vec![4], silenced: vec![] }, vec![], 1.0 - 0.7 / 3.0 / 9.0),
        (pattern::Facts { swallowed: vec![], silenced: vec![5] }, vec![], 1.0 - 0.5 / 3.0 / 9.0),
        (
            pattern::Facts { swallowed: vec![1, 2, 3], silenced: vec![4, 5, 6, 7] },
            eval(3),
            1.0 - (0.9 + 0.7 + 0.5) / 9.0,
        ),
    ];
    for (facts, findings, value) in cases {
        let measured = pattern::measure(&facts, &observed(findings.clone()));
        assert!(near(measured.formula, value), "{findings:?}: {}", measured.formula);
    }
    let measured = pattern::measure(&nothing, &observed(eval(1)));
    let places = &part(&measured.parts, "code_evaluation").places;
    assert_eq!(places, &[Place { line: 3, rule: Some("python.injection.eval".into()) }]);
}

#[test]
fn what_people_live_with_and_what_does_not_decide_is_not_counted() {
    let open = finding("python.injection.eval", "CWE-95", Severity::High, 3);
    let cases = [
        (open.clone(), true),
        (Observation { dismissed: true, ..open.clone() }, false),
        (Observation { demoted: true, ..open.clone() }, false),
        (Observation { confidence: 0.4, ..open.clone() }, false),
        (Observation { severity: Severity::Info, ..open }, false),
    ];
    let facts = facts_of("a.py", "def f():\n    x\n    eval(x)\n", &[]);
    let clean = score(&facts, &Observed::default()).score;
    for (finding, counts) in cases {
        let scored = score(&facts, &observed(vec![finding.clone()])).score;
        assert_eq!(scored < clean, counts, "{finding:?}");
    }
}

#[test]
fn handlers_that_do_nothing_and_checkers_that_look_away_are_seen_in_every_language() {
    let cases = [
        ("a.py", "try:\n    f()\nexcept Exception:\n    pass\n", vec![3], vec![]),
        ("a.py", "try:\n    f()\nexcept:\n    pass  # whatever\n", vec![3], vec![]),
        ("a.py", "try:\n    f()\nexcept ValueError:\n    pass\n", vec![], vec![]),
        ("a.py", "try:\n    f()\nexcept Exception:\n    raise\n", vec![], vec![]),
        ("a.py", "x = f()  # type: ignore\ny = '# type: ignore'\n", vec![], vec![1]),
        ("a.js", "try { f() } catch (e) {\n  // whatever\n}\n", vec![1], vec![]),
        ("a.ts", "// @ts-ignore\nconst a: number = 'b';\n", vec![], vec![1]),
        ("a.go", "package a\nfunc f() {\n\tif err != nil {\n\t}\n}\n", vec![3], vec![]),
        ("a.go", "package a\nfunc f() {\n\tif a == nil {\n\t}\n}\n", vec![], vec![]),
        (
            "A.java",
            "@SuppressWarnings(\"all\")\nclass A { void f() { try { g(); } catch (E e) { } } }\n",
            vec![2],
            vec![1],
        ),
        ("a.rs", "#[allow(dead_code)]\nfn f() {}\n#[expect(x)]\nfn g() {}\n", vec![], vec![1]),
    ];
    for (path, text, swallowed, silenced) in cases {
        let read = facts_of(path, text, &[]).pattern;
        assert_eq!((read.swallowed, read.silenced), (swallowed, silenced), "{path}: {text}");
    }
}

#[test]
fn verification_counts_the_units_without_a_finding() {
    let text = "import a\ndef f():\n    x()\ndef g():\n    y()\ndef h():\n    z()\n";
    let facts = facts_of("a.py", text, &[]);
    let sql = |line| finding("python.injection.sql-string", "CWE-89", Severity::High, line);
    let cases = [
        (vec![], 1.0),
        (vec![sql(3)], 0.75),
        (vec![sql(3), sql(3)], 0.75),
        (vec![sql(3), sql(5)], 0.5),
        (vec![sql(1), sql(3), sql(5), sql(7)], 0.0),
    ];
    for (findings, pass_rate) in cases {
        let measured = verification::measure(&facts, &observed(findings));
        // Far more than ten rules look at Python.
        assert!(near(measured.formula, 0.7 * pass_rate + 0.3), "{pass_rate}: {measured:?}");
    }
    let unfinished = Observed { unfinished: true, ..Observed::default() };
    let measured = verification::measure(&facts, &unfinished);
    assert!(measured.value.is_err() && near(measured.formula, 0.0), "{measured:?}");
}

#[test]
fn history_is_that_of_the_file_then_of_its_folder_then_missing() {
    let record = |changes, clean| Record { changes, clean };
    let cases = [
        (record(4, 3), record(10, 10), Some(0.75), 0.75),
        (record(2, 0), record(10, 9), Some(0.9), 0.9),
        (record(3, 0), record(0, 0), Some(0.0), 0.0),
        (record(2, 2), record(2, 2), None, 0.5),
    ];
    for (file, folder, value, formula) in cases {
        let measured = history::measure(&History { file, folder });
        assert_eq!(measured.value.clone().ok(), value, "{file:?} {folder:?}");
        assert!(near(measured.formula, formula), "{measured:?}");
    }
}

#[test]
fn quality_is_what_was_earned_of_what_applies() {
    // Tested, one assertion, a logger, one of two handlers typed, one of two functions annotated,
    // one documented, and the file documented.
    let text = "\"\"\"Orders.\"\"\"\nimport logging\nlog = logging.getLogger()\n\n\
        def f(a: int) -> int:\n    \"\"\"Counts.\"\"\"\n    assert a\n    log.info('x')\n    return a\n\n\
        def g(a):\n    try:\n        f(a)\n    except ValueError:\n        raise\n    except Exception:\n        raise\n";
    let facts = facts_of("shop/orders.py", text, &["tests/test_orders.py"]);
    let measured = quality::measure(&facts.quality);
    let earned = 0.2 + 0.15 + 0.1 + 0.15 / 2.0 + 0.2 / 2.0 + 0.1 + 0.1 / 2.0;
    assert!(near(measured.formula, earned), "{measured:#?}");
    assert!(near(measured.value.clone().unwrap(), earned), "everything applies: {measured:#?}");
    assert_eq!(part(&measured.parts, "assertions").places, [Place::line(7)]);
    assert_eq!(part(&measured.parts, "typed_handlers").places, [Place::line(14)]);
    assert!(part(&measured.parts, "tests").note.contains("tests/test_orders.py"));

    // JavaScript has no types, and there is no handler: 0.2 and 0.15 do not apply.
    let facts = facts_of("cart.js", "/** Counts. */\nfunction f(a) {\n  return a;\n}\n", &[]);
    let measured = quality::measure(&facts.quality);
    assert!(near(measured.formula, 0.1 + 0.1), "{measured:#?}");
    assert!(near(measured.value.unwrap(), 0.2 / 0.65), "{:#?}", measured.parts);
}

#[test]
fn the_signs_of_quality_are_known_in_every_language() {
    // Assertions, logging, typed handlers, documented functions; whether the file is documented.
    type Signs = (Vec<u32>, Vec<u32>, Vec<u32>, Vec<u32>, bool);
    let cases: [(&str, &str, Signs); 5] = [
        (
            "a.ts",
            "// Orders.\n\n/** Counts. */\nexport function f(a: number) {\n  console.error('x');\n  \
             try { g() } catch (e) { if (e instanceof E) throw e }\n  console.assert(a > 0);\n}\n",
            (vec![7], vec![5], vec![6], vec![4], true),
        ),
        (
            "a.go",
            "// Package a counts.\npackage a\n\n// F counts.\nfunc F() {\n\tlog.Printf(\"x\")\n}\n",
            (vec![], vec![6], vec![], vec![5], true),
        ),
        (
            "A.java",
            "class A {\n  /** Counts. */\n  int f(int a) {\n    assert a > 0;\n    logger.info(\"x\");\n    \
             try { g(); } catch (IOException e) { throw e; }\n    return a;\n  }\n}\n",
            (vec![4], vec![5], vec![6], vec![3], false),
        ),
        (
            "a.rs",
            "//! Counts.\n\n/// Counts.\n#[must_use]\nfn f(a: u32) -> u32 {\n    assert!(a > 0);\n    \
             tracing::info!(\"x\");\n    println!(\"x\");\n    a\n}\n",
            (vec![6], vec![7], vec![], vec![5], true),
        ),
        (
            "a.js",
            "const f = (a) => {\n  logger.warn(a);\n};\nprint(f);\n",
            (vec![], vec![2], vec![], vec![], false),
        ),
    ];
    for (path, text, expected) in cases {
        let found = facts_of(path, text, &[]).quality;
        let found = (
            found.assertions,
            found.logging,
            found.typed_handlers,
            found.documented,
            found.file_documented,
        );
        assert_eq!(found, expected, "{path}");
    }
}

#[test]
fn a_missing_factor_leaves_its_weight_to_the_others() {
    let measured = |value: Option<f64>, formula| Measured {
        value: value.ok_or_else(|| "unknown".to_owned()),
        formula,
        parts: Vec::new(),
    };
    let all = [
        (FactorName::Complexity, measured(Some(0.6), 0.6)),
        (FactorName::Pattern, measured(Some(1.0), 1.0)),
        (FactorName::History, measured(None, 0.5)),
        (FactorName::Verification, measured(Some(1.0), 1.0)),
        (FactorName::Quality, measured(Some(0.5), 0.5)),
    ];
    // 0.15 × 0.6 + 0.20 + 0.25 × 0.5 + 0.25 + 0.15 × 0.5
    assert!(near(formula(&all, 1.0).score, 74.0));
    assert_eq!(formula(&all, 1.0).assumed, [FactorName::History]);
    let factors = weighed(all);
    let points: Vec<f64> = factors.iter().map(|factor| factor.points).collect();
    // (0.09 + 0.20 + 0.25 + 0.075) / 0.75
    assert_eq!(points, [12.0, 26.6667, 0.0, 33.3333, 10.0]);
    assert!(near(points.iter().sum(), 82.0));
    let history = &factors[2];
    assert_eq!((history.value, history.share), (None, 0.0));
    assert_eq!(history.not_measured.as_deref(), Some("unknown"));
}

#[test]
fn a_level_is_that_of_the_number_unless_something_is_grave() {
    use RiskLevel::{Critical, High, Low, Medium};
    let open = |severity| vec![finding("rule", "CWE-89", severity, 1)];
    let cases = [
        (80.0, 1.0, vec![], Low),
        (79.9, 1.0, vec![], Medium),
        (60.0, 1.0, vec![], Medium),
        (59.9, 1.0, vec![], High),
        (40.0, 1.0, vec![], High),
        (39.9, 1.0, vec![], Critical),
        (90.0, 0.29, vec![], Critical),
        (90.0, 1.0, open(Severity::Critical), High),
        (90.0, 1.0, open(Severity::High), Medium),
        (90.0, 1.0, open(Severity::Medium), Low),
        (45.0, 1.0, open(Severity::High), High),
    ];
    for (score, pattern, findings, expected) in cases {
        let (level, reasons) = level::judge(score, pattern, &findings);
        assert_eq!(level, expected, "{score} {pattern} {findings:?}");
        assert!(!reasons.is_empty());
    }
}

#[test]
fn confidence_is_the_mean_of_what_was_there() {
    use FactorName::{History, Verification};
    let cases = [
        (vec![], 1.0, (0.9 + 0.8 + 0.9) / 3.0),
        (vec![History], 1.0, (0.9 + 0.5 + 0.9) / 3.0),
        (vec![History, Verification], 0.5, (0.5 + 0.5 + 0.6) / 3.0),
        (vec![], 0.2, (0.9 + 0.8 + 0.9) / 3.0),
    ];
    for (missing, pattern, expected) in cases {
        let found = level::confidence(&missing, pattern);
        assert!((found - expected).abs() < 1e-4, "{missing:?} {pattern}: {found}");
    }
}

/// Scores a file by what the built-in rules say of it.
fn scanned(path: &str, text: &str) -> TrustScore {
    let file = SourceFile { path: path.into(), bytes: text.into() };
    let commit: CommitSha = "a".repeat(40).parse().unwrap();
    let snapshot = Snapshot { commit, files: vec![file], left_out: Vec::new() };
    let found = analysis::scan(&snapshot, &Clock::unlimited()).findings;
    let findings = found
        .into_iter()
        .map(|finding| Observation {
            rule: finding.rule,
            category: finding.category,
            severity: finding.severity,
            confidence: finding.confidence,
            verification: finding.verification,
            cwe: finding.cwe,
            lines: finding.lines,
            dismissed: false,
            demoted: finding.demoted,
        })
        .collect();
    score(&facts_of(path, text, &[]), &observed(findings))
}

#[test]
fn mended_code_scores_higher_than_flawed_code() {
    let pairs = [
        (
            "a.py",
            "import os\ndef f(a):\n    os.system('ls ' + a)\n",
            "import os\ndef f(a):\n    os.listdir(a)\n",
        ),
        (
            "b.py",
            "def f(cursor, a):\n    cursor.execute('SELECT * FROM t WHERE a = ' + a)\n",
            "def f(cursor, a):\n    cursor.execute('SELECT * FROM t WHERE a = %s', (a,))\n",
        ),
        (
            "c.py",
            "import yaml\ndef f(a):\n    return yaml.load(a, Loader=yaml.Loader)\n",
            "import yaml\ndef f(a):\n    return yaml.safe_load(a)\n",
        ),
        (
            "d.py",
            "import hashlib\ndef f(a):\n    return hashlib.md5(a).hexdigest()\n",
            "import hashlib\ndef f(a):\n    return hashlib.sha256(a).hexdigest()\n",
        ),
        (
            "e.js",
            "function f(a) {\n  return eval(a);\n}\n",
            "function f(a) {\n  return JSON.parse(a);\n}\n",
        ),
        (
            "f.go",
            "package f\n\nimport \"crypto/tls\"\n\nvar c = &tls.Config{InsecureSkipVerify: true}\n",
            "package f\n\nimport \"crypto/tls\"\n\nvar c = &tls.Config{MinVersion: tls.VersionTLS13}\n",
        ),
    ];
    for (path, flawed, mended) in pairs {
        let (flawed, mended) = (scanned(path, flawed), scanned(path, mended));
        assert!(flawed.score < mended.score, "{path}: {} {}", flawed.line(), mended.line());
        assert!(flawed.formula.score < mended.formula.score, "{path}");
    }
}
