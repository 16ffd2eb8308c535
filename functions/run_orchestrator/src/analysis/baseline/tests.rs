use domain::{Category, LineRange, LineRanges, Severity, SnippetHash, Trail, VerificationType};

use super::*;

fn nothing() -> Before<'static> {
    Before {
        changes: None,
        base: None,
        previous: None,
        lineages: HashMap::new(),
        dismissed: Vec::new(),
    }
}

/// The files that changed were read, and nothing was found in them.
fn base() -> Base<'static> {
    Base { findings: &[], examined: HashSet::from(["a.py"]), unread: HashSet::new() }
}

fn finding(path: &str, line: u32) -> Finding {
    Finding {
        rule: "python.injection.eval".into(),
        category: Category::Injection,
        severity: Severity::High,
        confidence: 0.9,
        verification: VerificationType::Syntax,
        title: String::new(),
        description: String::new(),
        path: path.into(),
        lines: LineRange { first: line, last: line },
        snippet: String::new(),
        snippet_hash: SnippetHash::of(""),
        fingerprint: Fingerprint::of("rule", path, "", "", line),
        trail: None,
        fix_suggestion: None,
        fix_diff: None,
        cwe: Vec::new(),
        owasp: Vec::new(),
        demoted: false,
    }
}

fn changed(path: &str, first: u32, last: u32) -> ChangedFile {
    let lines = LineRanges::new(vec![LineRange { first, last }]);
    ChangedFile { path: path.into(), renamed_from: None, lines }
}

fn judge(finding: Finding, changes: Option<&[ChangedFile]>, dismissed: bool) -> (bool, bool) {
    let dismissal = Dismissed {
        fingerprint: finding.fingerprint.clone(),
        decided_by: "ann".into(),
        owner: None,
        ground: None,
        reason: "a test key".into(),
        expired_at: None,
        decided_at: "2026-03-01T12:00:00Z".parse().unwrap(),
    };
    let dismissed = if dismissed { vec![dismissal] } else { Vec::new() };
    let before = Before { changes, dismissed, ..nothing() };
    let judged = compare(&[finding], &before, &Gate::default()).judged;
    (judged[0].new, judged[0].deciding)
}

#[test]
fn only_what_the_change_touched_decides() {
    let changes = [changed("a.py", 3, 5)];
    let changes = Some(&changes[..]);
    assert_eq!(judge(finding("a.py", 4), changes, false), (true, true));
    assert_eq!(judge(finding("a.py", 6), changes, false), (false, false));
    assert_eq!(judge(finding("b.py", 4), changes, false), (false, false));
    assert_eq!(judge(finding("b.py", 4), None, false), (true, true), "no base: all is new");
    assert_eq!(judge(finding("b.py", 4), Some(&[]), false), (false, false), "nothing changed");
}

#[test]
fn what_is_dismissed_demoted_or_doubtful_is_shown_and_does_not_decide() {
    assert_eq!(judge(finding("a.py", 1), None, true), (true, false));
    let demoted = Finding { demoted: true, ..finding("a.py", 1) };
    assert_eq!(judge(demoted, None, false), (true, false));
    let doubtful = Finding { confidence: 0.4, ..finding("a.py", 1) };
    assert_eq!(judge(doubtful, None, false), (true, false));
}

#[test]
fn a_change_cannot_call_its_own_code_generated() {
    let demoted = |path: &str, line| Finding { demoted: true, ..finding(path, line) };
    let whole = |path: &str| [changed(path, 1, 40)];
    let body = [changed("a.py", 20, 40)];
    let cases = [
        (demoted("a.py", 30), &whole("a.py"), true),
        (demoted("a.py", 30), &body, false),
        (demoted("tests/a.py", 30), &whole("tests/a.py"), false),
    ];
    for (finding, changes, decides) in cases {
        let path = finding.path.clone();
        assert_eq!(judge(finding, Some(changes), false), (true, decides), "{path}");
    }
}

/// A finding in a symbol, as the analyser gives it; `n` tells equal code apart.
fn seen(path: &str, line: u32, symbol: &str, code: &str, n: u32) -> Finding {
    Finding {
        fingerprint: Fingerprint::of("python.injection.eval", path, symbol, code, n),
        trail: Some(Trail::of("CWE-95", symbol, code, code)),
        ..finding(path, line)
    }
}

fn dismissal(of: &Fingerprint, decided_at: &str, expired_at: Option<&str>) -> Dismissed {
    Dismissed {
        fingerprint: of.clone(),
        decided_by: "ann".into(),
        owner: Some("team-a".into()),
        ground: Some(domain::Ground::FalsePositive),
        reason: "a constant".into(),
        expired_at: expired_at.map(|at| at.parse().unwrap()),
        decided_at: decided_at.parse().unwrap(),
    }
}

const EARLY: &str = "2026-03-01T12:00:00Z";
const LATE: &str = "2026-03-02T12:00:00Z";

fn known(of: &Finding, lineage: &Fingerprint) -> Known {
    Known {
        rule: of.rule.clone(),
        path: of.path.clone(),
        fingerprint: of.fingerprint.clone(),
        trail: of.trail.clone(),
        lineage: lineage.clone(),
        demoted: of.demoted,
    }
}

#[test]
fn a_finding_that_only_moved_is_not_new_although_its_lines_are() {
    let old = [seen("a.py", 3, "run", "eval(x)", 0)];
    let cases = [
        (
            "deeper in its file",
            seen("a.py", 43, "run", "eval(x)", 0),
            changed("a.py", 1, 60),
            false,
        ),
        ("into another file", seen("b.py", 3, "run", "eval(x)", 0), changed("b.py", 1, 60), false),
        ("with other code", seen("a.py", 3, "run", "eval(y)", 0), changed("a.py", 3, 3), true),
        (
            "untouched, and not there before",
            seen("a.py", 9, "go", "eval(z)", 0),
            changed("a.py", 3, 3),
            true,
        ),
    ];
    for (how, new, file, is_new) in cases {
        let changes = [file];
        let base = Some(Base { findings: &old, ..base() });
        let before = Before { changes: Some(&changes), base, ..nothing() };
        let compared = compare(&[new], &before, &Gate::default());
        let judged = &compared.judged[0];
        assert_eq!((judged.new, judged.deciding), (is_new, is_new), "{how}");
        assert_eq!(compared.fixed, Some(u32::from(is_new)), "{how}");
    }
}

#[test]
fn where_the_base_was_not_read_the_lines_decide() {
    let changes = [changed("a.py", 3, 5)];
    let of = |line, unread: &'static [&'static str]| {
        let base = Some(Base { unread: unread.iter().copied().collect(), ..base() });
        let before = Before { changes: Some(&changes), base, ..nothing() };
        compare(&[seen("a.py", line, "run", "eval(x)", 0)], &before, &Gate::default()).judged[0].new
    };
    assert_eq!((of(4, &["a.py"]), of(9, &["a.py"]), of(9, &[])), (true, false, true));
}

#[test]
fn a_file_that_did_not_change_has_something_new_if_it_was_not_there_at_the_base() {
    let old = [seen("b.go", 3, "run", "find().price", 0), seen("b.go", 9, "go", "none().price", 0)];
    let found = [
        seen("b.go", 3, "run", "find().price", 0),
        seen("b.go", 6, "sum", "find().price", 0),
        seen("c.go", 6, "sum", "find().price", 0),
    ];
    let changes = [changed("a.go", 3, 5)];
    let of = |unread: &'static [&'static str]| {
        let examined = HashSet::from(["a.go", "b.go"]);
        let base = Base { findings: &old, examined, unread: unread.iter().copied().collect() };
        let before = Before { changes: Some(&changes), base: Some(base), ..nothing() };
        let compared = compare(&found, &before, &Gate::default());
        let new: Vec<bool> = compared.judged.iter().map(|one| one.new && one.deciding).collect();
        (new, compared.fixed)
    };
    assert_eq!(of(&[]), (vec![false, true, false], Some(1)));
    // Where the base was not read to the end, nothing tells old from new.
    assert_eq!(of(&["b.go"]), (vec![false, false, false], Some(1)));
}

#[test]
fn a_dismissal_follows_its_finding_and_not_its_copies() {
    let first = seen("a.py", 3, "run", "eval(x)", 0);
    let previous = vec![known(&first, &first.fingerprint)];
    let dismissed = vec![dismissal(&first.fingerprint, EARLY, None)];
    let before = Before { previous: Some(previous), dismissed, ..nothing() };
    let found = [seen("b.py", 43, "run", "eval(x)", 0), seen("c.py", 43, "run", "eval(x)", 0)];
    let compared = compare(&found, &before, &Gate::default());
    let [moved, copy] = &compared.judged[..] else { panic!() };
    assert_eq!(moved.lineage.as_ref(), Some(&first.fingerprint));
    assert!(moved.dismissed.is_some() && !moved.deciding);
    assert_eq!(copy.lineage, None);
    assert!(copy.dismissed.is_none() && copy.deciding);
    assert_eq!(compared.since_previous, Some(Delta { new: 1, fixed: 0, persisting: 1 }));
}

#[test]
fn a_copy_in_front_of_the_original_does_not_take_its_name() {
    let old = [seen("a.py", 3, "run", "eval(x)", 0)];
    let changes = [changed("a.py", 2, 2)];
    let base = Some(Base { findings: &old, ..base() });
    let dismissed = vec![dismissal(&old[0].fingerprint, EARLY, None)];
    let before = Before { changes: Some(&changes), base, dismissed, ..nothing() };
    // The fingerprint of the original is the copy's now: it counts from the top.
    let found = [seen("a.py", 2, "run", "eval(x)", 0), seen("a.py", 4, "run", "eval(x)", 1)];
    let compared = compare(&found, &before, &Gate::default());
    let [copy, original] = &compared.judged[..] else { panic!() };
    assert!(copy.new && copy.deciding && copy.dismissed.is_none(), "{copy:?}");
    assert!(!original.new && original.dismissed.is_some(), "{original:?}");
    assert_ne!(copy.lineage, original.lineage);
}

#[test]
fn a_dismissal_that_expired_lets_the_finding_count_and_says_so() {
    let found = [seen("a.py", 3, "run", "eval(x)", 0)];
    let name = &found[0].fingerprint;
    let of = |dismissed| {
        let before = Before { dismissed, ..nothing() };
        compare(&found, &before, &Gate::default()).judged.remove(0)
    };
    let expired = of(vec![dismissal(name, EARLY, Some(LATE))]);
    assert!(expired.deciding && expired.dismissed.is_none());
    let told = expired.expired.unwrap();
    assert_eq!((told.by.as_str(), told.at), ("ann", LATE.parse().unwrap()));
    let renewed = of(vec![dismissal(name, EARLY, Some(EARLY)), dismissal(name, LATE, None)]);
    assert!(!renewed.deciding && renewed.expired.is_none());
}

#[test]
fn an_earlier_name_is_known_although_nobody_saw_the_move() {
    let first = seen("a.py", 3, "run", "eval(x)", 0);
    let found = [seen("b.py", 3, "run", "eval(x)", 0)];
    let lineages = [(found[0].fingerprint.clone(), first.fingerprint.clone())].into();
    let dismissed = vec![dismissal(&first.fingerprint, EARLY, None)];
    let before = Before { lineages, dismissed, ..nothing() };
    let judged = compare(&found, &before, &Gate::default()).judged.remove(0);
    assert!(judged.dismissed.is_some(), "{judged:?}");
}
