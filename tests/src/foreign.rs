//! Every parser of bytes that strangers send, each behind one function.
//!
//! `fuzz/` throws coverage-guided input at them (`cargo fuzz run <name>`, nightly), and an
//! integration test runs the kept corpus through them on every toolchain. None may panic.

use domain::{Snapshot, SourceFile};

/// Reads bytes that could be anything. It may refuse them; it may not panic.
pub type Parser = fn(&[u8]);

/// Name of the fuzz target, and what it feeds.
pub const PARSERS: &[(&str, Parser)] = &[
    ("webhook", webhook),
    ("snapshot", snapshot),
    ("envelope", envelope),
    ("source", source),
    ("formal", formal),
    ("chunks", chunks),
    ("schedule", schedule),
    ("sarif", sarif),
    ("policy", policy),
    ("rules", rules),
];

/// The first line is the event's name, the rest its payload.
pub fn webhook(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let (event, payload) = text.split_once('\n').unwrap_or(("push", text));
        let _ = webhook_intake::GithubEvent::parse(event, payload);
    }
}

/// An archive from the object store; whatever is taken must survive a second packing.
pub fn snapshot(bytes: &[u8]) {
    if let Ok(snapshot) = objects::decode_snapshot(bytes) {
        let packed = objects::encode_snapshot(&snapshot).expect("what was read can be written");
        assert_eq!(objects::decode_snapshot(&packed).expect("and read again"), snapshot);
    }
}

pub fn envelope(bytes: &[u8]) {
    let _ = signing::parse_document(bytes);
}

/// Source code in every language that we parse.
pub fn source(bytes: &[u8]) {
    let paths = ["a.py", "a.js", "a.ts", "a.tsx", "a.go", "A.java", "a.rs", "a.txt"];
    let files =
        paths.map(|path| SourceFile { path: path.to_owned(), bytes: bytes.to_vec() }).to_vec();
    let commit = "a".repeat(40).parse().expect("forty hex digits");
    let snapshot = Snapshot { commit, files, left_out: Vec::new() };
    let clock = analysis::Clock::new(&|| false);
    let parsed = analysis::parse(&snapshot, &clock);
    assert_eq!(parsed.coverage.files as usize, paths.len(), "every file is accounted for");
    for finding in analysis::scan(&snapshot, &clock).findings {
        assert!(finding.lines.first >= 1 && finding.lines.first <= finding.lines.last);
    }
}

/// Functions of every language that is lowered, asked of a solver that is not there.
pub fn formal(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let lines = u32::try_from(text.lines().count() + 1).unwrap_or(u32::MAX);
    for language in domain::Language::ALL.iter().copied() {
        let clock = analysis::Clock::unlimited();
        let Some(tree) = analysis::syntax_tree(language, text, &clock) else { continue };
        let source = formal::Source { path: "a", language, text, tree: &tree };
        let program = formal::lower(language, &[source]);
        for (index, function) in program.functions.iter().enumerate() {
            assert!(function.first_line >= 1 && function.last_line <= lines);
            let asked = std::cell::Cell::new(0);
            let time_is_up = || asked.replace(asked.get() + 1) > STEPS_MAX;
            let clock = formal::Clock::new(&time_is_up);
            let report = formal::check(&program, index, &mut formal::NoSolver, clock);
            assert!(report.checks.iter().all(|check| check.line >= 1 && check.line <= lines));
        }
    }
}

/// How often a function's clock is asked before its time is up.
const STEPS_MAX: u32 = 20_000;

/// Rules that a customer wrote: whatever is taken runs, and is written so that it is read again.
pub fn rules(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(file) = analysis::RuleFile::read(text) else { return };
    let again = analysis::RuleFile::read(&analysis::custom::to_yaml(&file.rules));
    assert_eq!(again.map(|again| again.rules), Ok(file.rules.clone()));
    let (rules, _) = analysis::CustomRules::load(&file.rules);
    let code = "def f(a):\n    print(eval(a))\n";
    let file = |path: &str| SourceFile { path: path.to_owned(), bytes: code.as_bytes().to_vec() };
    let commit = "a".repeat(40).parse().expect("forty hex digits");
    let files = vec![file("a.py"), file("a.js"), file("a.txt")];
    let snapshot = Snapshot { commit, files, left_out: Vec::new() };
    let _ = analysis::scan_with(&snapshot, &rules, &analysis::Clock::new(&|| false));
}

pub fn chunks(bytes: &[u8]) {
    for path in ["a.py", "a.rs", "a.md"] {
        let _ = chunking::chunk_file(path, bytes);
    }
}

/// The first line is a cron expression, the second a time zone.
pub fn schedule(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (expression, zone) = text.split_once('\n').unwrap_or((text, "Europe/Berlin"));
    let Ok(schedule) = schedule::Schedule::parse(expression, zone) else { return };
    // Two months with a change of clocks in most zones.
    let from = jiff::Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_hours(24 * 20_500);
    let mut last = from;
    for fire in schedule.fires_between(from, from + jiff::SignedDuration::from_hours(24 * 60), 50) {
        assert!(fire > last, "{expression} fires at {fire} after {last}");
        last = fire;
    }
}

/// The log of any tool; what is taken from it must lie in the repository.
pub fn sarif(bytes: &[u8]) {
    let Ok(read) = sarif::read(bytes) else { return };
    for imported in read.findings {
        let finding = imported.finding;
        assert!(SourceFile::is_inside(&finding.path), "{}", finding.path);
        assert!(finding.lines.first >= 1 && finding.lines.first <= finding.lines.last);
        assert!(finding.description.len() <= sarif::TEXT_BYTES_MAX);
    }
}

/// A repository's policy; what is wrong with one must lie in it, and what is read must hold.
pub fn policy(bytes: &[u8]) {
    let policy = match policy::Policy::parse(bytes) {
        Ok(policy) => policy,
        Err(broken) => {
            assert!((1..=policy::PROBLEMS_MAX).contains(&broken.problems().len()));
            assert!(!broken.frames("policy").is_empty() && !broken.told().frame.is_empty());
            return;
        }
    };
    for path in ["a.py", "src/gen/b.go", "/rooted", "a/\u{0}/ü", ""] {
        let _ = policy.covers(path);
    }
    let written = serde_json::to_vec(&policy).expect("a policy can be written");
    // Escapes may make it longer than is read.
    if written.len() <= policy::BYTES_MAX {
        let again = policy::Policy::parse(&written).expect("what was written can be read");
        assert_eq!(serde_json::to_vec(&again).expect("and written"), written);
    }
}
