//! Whatever is observed, a score keeps its promises.

use proptest::{collection, prelude::*};

use super::*;

#[test]
fn a_score_reads_back_as_it_was_written() {
    let written = scanned("a.py", "import os\ndef f(a):\n    os.system('ls ' + a)\n");
    let text = serde_json::to_string(&written).unwrap();
    assert_eq!(serde_json::from_str::<TrustScore>(&text).unwrap(), written);
    assert_eq!(scanned("a.py", "import os\ndef f(a):\n    os.system('ls ' + a)\n"), written);
}

fn any_finding() -> impl Strategy<Value = Observation> {
    let cwes = prop::sample::select(vec![
        "CWE-95", "CWE-78", "CWE-502", "CWE-295", "CWE-798", "CWE-259", "CWE-89", "CWE-327",
    ]);
    let severities = prop::sample::select(Severity::ALL);
    let rules = prop::sample::select(vec!["a.shell", "a.password", "a.other"]);
    (cwes, severities, rules, 0.0..=1.0_f64, 1..20_u32, any::<bool>(), any::<bool>()).prop_map(
        |(cwe, severity, rule, confidence, line, dismissed, demoted)| Observation {
            confidence,
            dismissed,
            demoted,
            ..finding(rule, cwe, severity, line)
        },
    )
}

fn any_observed() -> impl Strategy<Value = Observed> {
    let record = (0..30_u32)
        .prop_flat_map(|changes| (0..=changes).prop_map(move |clean| Record { changes, clean }));
    (collection::vec(any_finding(), 0..12), any::<bool>(), record.clone(), record).prop_map(
        |(findings, unfinished, file, folder)| Observed {
            findings,
            unfinished,
            history: History { file, folder },
        },
    )
}

const TEXTS: [(&str, &str); 4] = [
    (
        "a.py",
        "def f(a):\n    if a:\n        return a\n\n\ndef g():\n    try:\n        f()\n    except:\n        pass\n",
    ),
    ("a.js", "// x\nconst f = (a) => a;\n"),
    ("a.go", "package a\n"),
    ("a.rs", "//! x\nfn f() {\n    assert!(true);\n}\n"),
];

proptest! {
    #[test]
    fn a_score_is_what_its_factors_add_up_to(
        text in 0..TEXTS.len(),
        observed in any_observed(),
    ) {
        let scored = score(&facts_of(TEXTS[text].0, TEXTS[text].1, &[]), &observed);
        prop_assert!((0.0..=100.0).contains(&scored.score), "{}", scored.score);
        prop_assert!((0.0..=100.0).contains(&scored.formula.score), "{}", scored.formula.score);
        prop_assert!((0.0..=1.0).contains(&scored.confidence));
        let points: f64 = scored.factors.iter().map(|factor| factor.points).sum();
        prop_assert!(near(points, scored.score), "{points} {}", scored.score);
        let shares: f64 = scored.factors.iter().map(|factor| factor.share).sum();
        prop_assert!((shares - 1.0).abs() < 1e-3, "{shares}");
        for factor in &scored.factors {
            prop_assert_eq!(factor.value.is_none(), factor.not_measured.is_some());
            prop_assert_eq!(factor.value.is_none(), scored.not_measured.contains(&factor.name));
            prop_assert!(factor.value.is_some() || factor.points == 0.0);
        }
    }

    #[test]
    fn one_finding_more_never_raises_a_score_and_dismissing_never_lowers_it(
        text in 0..TEXTS.len(),
        observed in any_observed(),
        another in any_finding(),
    ) {
        let facts = facts_of(TEXTS[text].0, TEXTS[text].1, &[]);
        let before = score(&facts, &observed);
        let mut worse = observed.clone();
        worse.findings.push(another.clone());
        let after = score(&facts, &worse);
        prop_assert!(after.score <= before.score, "{} {}", after.score, before.score);
        prop_assert!(after.formula.score <= before.formula.score);
        prop_assert!(after.risk_level >= before.risk_level);
        let last = worse.findings.len() - 1;
        worse.findings[last].dismissed = true;
        prop_assert!(score(&facts, &worse).score >= after.score);
    }

    #[test]
    fn a_better_history_never_lowers_a_score(
        observed in any_observed(),
        changes in HISTORY_MIN..30,
    ) {
        let facts = facts_of(TEXTS[0].0, TEXTS[0].1, &[]);
        let mut last = 0.0;
        for clean in 0..=changes {
            let history = History { file: Record { changes, clean }, ..observed.history };
            let scored = score(&facts, &Observed { history, ..observed.clone() }).score;
            prop_assert!(scored >= last, "{clean} of {changes}: {scored} {last}");
            last = scored;
        }
    }
}
