//! Goal: whatever is in a file, examining it ends within its limits and says what it left out.
//! Method: the rules' examples, changed along their grammar; random bytes; and files that are made
//! to be too large, too deep, or no text. Seeds are fixed; `fuzz/` looks further.

use std::{cell::Cell, collections::HashMap};

use domain::{Language, SourceFile, UnanalysedReason};
use mutants::{Random, mutated};
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use crate::{Clock, Examined, Examiner, FILE_BYTES_MAX, rules::examples, tree::Parsers};

/// Changed examples; enough to meet every kind of change in every language.
const MUTANTS: u64 = 1_500;

/// Files of random bytes.
const NOISES: u32 = 400;

/// As deep as no person nests, and no recursion over a tree survives.
const DEPTH: usize = 10_000;

/// How often the clock may be asked after it said that time is up: once by each part of the work.
const ASKED_AFTER_MAX: u32 = 4;

/// Findings of one rule in one file that are kept.
const OF_RULE_MAX: usize = 100;

/// Lines of a snippet, and one that says that there are more.
const SNIPPET_LINES_MAX: usize = 13;

/// A line of a snippet with the marks of what was cut; letters may take four bytes.
const SNIPPET_LINE_BYTES_MAX: usize = 400;

const FIX_BYTES_MAX: usize = 16 * 1024;

/// One name for each language, and files that are only searched for secrets.
const NAMES: [&str; 11] = [
    "a.py", "a.js", "a.ts", "a.tsx", "a.go", "a.java", "a.rs", "a.txt", ".env", "a.yml", "Makefile",
];

fn file(path: &str, bytes: impl Into<Vec<u8>>) -> SourceFile {
    SourceFile { path: path.to_owned(), bytes: bytes.into() }
}

/// Examines a file and holds the answer to every limit there is.
fn examined(file: &SourceFile) -> Examined {
    let examined = Examiner::default().examine(file, Clock::unlimited());
    assert_eq!(examined.coverage.files, 1);
    let lines = file.bytes.iter().filter(|byte| **byte == b'\n').count() + 1;
    let mut of_rule: HashMap<&str, usize> = HashMap::new();
    for located in &examined.findings {
        let finding = &located.finding;
        let range = finding.lines;
        assert_eq!(finding.path, file.path);
        assert!(1 <= range.first && range.first <= range.last, "{finding:?}");
        assert!(range.last as usize <= lines, "{finding:?} of {lines} lines");
        assert!(finding.snippet.lines().count() <= SNIPPET_LINES_MAX, "{finding:?}");
        let longest = finding.snippet.lines().map(str::len).max().unwrap_or(0);
        assert!(longest <= SNIPPET_LINE_BYTES_MAX, "{longest}: {finding:?}");
        assert!(finding.fix_diff.as_ref().is_none_or(|diff| diff.len() <= FIX_BYTES_MAX));
        *of_rule.entry(&finding.rule).or_default() += 1;
    }
    for (rule, count) in of_rule {
        assert!(count <= OF_RULE_MAX, "{count} findings of {rule}");
    }
    examined
}

/// Examines with a clock that is up from its first question on; gives how often it was asked.
fn asked_after_the_end(file: &SourceFile) -> u32 {
    let asked = Cell::new(0);
    let up = || {
        asked.set(asked.get() + 1);
        true
    };
    Examiner::default().examine(file, Clock::new(&up));
    asked.get()
}

#[test]
fn examples_changed_along_their_grammar_are_examined() {
    let all: Vec<(&str, String)> = examples().collect();
    let mut random = Random::new(0x5eed);
    let mut found = 0;
    for _ in 0..MUTANTS {
        let (name, text) = &all[random.below(all.len())];
        let language = Language::of_path(name).unwrap();
        let parse = |text: &str| Parsers::default().parse(language, text, Clock::unlimited()).ok();
        let mutant = mutated(&mut random, text, parse);
        let file = file(name, mutant);
        let first = examined(&file);
        found += first.findings.len();
        if random.below(10) == 0 {
            assert_eq!(examined(&file), first, "the same file gave another answer");
        }
    }
    assert!(found > MUTANTS as usize / 10, "the mutants are no code any more: {found} findings");
}

#[test]
fn random_bytes_are_examined() {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let config = Config { cases: NOISES, failure_persistence: None, ..Config::default() };
    let bytes = prop::collection::vec(any::<u8>(), 0..3000);
    let text = "[\\PC\n\t\"'(){}\\[\\]=:;,.#/*@$&<>\\\\-]{0,600}".prop_map(String::into_bytes);
    let strategy = (prop_oneof![bytes, text], 0..NAMES.len());
    let outcome = TestRunner::new_with_rng(config, rng).run(&strategy, |(bytes, name)| {
        examined(&file(NAMES[name], bytes));
        Ok(())
    });
    outcome.unwrap();
}

#[test]
fn a_file_of_100_megabytes_is_named_and_never_looked_at() {
    let line = b"password = 'kJ8#mQ2$xW9p'; eval(input())\n";
    let bytes = line.repeat(100 * 1024 * 1024 / line.len());
    for name in NAMES {
        let large = file(name, bytes.clone());
        let examined = examined(&large);
        let reasons: Vec<_> = examined.coverage.unanalysed.iter().map(|it| it.reason).collect();
        assert_eq!(reasons, [UnanalysedReason::TooLarge], "{name}");
        assert_eq!(examined.findings, [], "{name}");
    }
}

#[test]
fn invalid_utf_8_is_named_and_not_guessed_at() {
    for (name, text) in examples().step_by(7) {
        for at in [0, text.len() / 2, text.len()] {
            let mut bytes = text.clone().into_bytes();
            bytes.splice(at..at, [0xff, 0xfe, 0xc3]);
            let examined = examined(&file(name, bytes));
            let reasons: Vec<_> = examined.coverage.unanalysed.iter().map(|it| it.reason).collect();
            assert_eq!(reasons, [UnanalysedReason::NotUtf8], "{name}");
            assert_eq!(examined.findings, []);
        }
    }
}

/// Every way to nest that a language has. Each must be answered, and on a thread's small stack.
#[test]
fn ten_thousand_levels_of_nesting_are_examined() {
    let expressions = [("(", ")"), ("[", "]"), ("f(", ")"), ("-", ""), ("1 + ", ""), ("", " + a")];
    let mut files = Vec::new();
    for name in &NAMES[..7] {
        for (open, close) in expressions {
            let text = format!("{}a{}", open.repeat(DEPTH), close.repeat(DEPTH));
            files.push(file(name, within(name, &format!("x = eval({text})"))));
        }
        let blocks = format!("{}{}", "{ if (a) ".repeat(DEPTH), "}".repeat(DEPTH));
        files.push(file(name, within(name, &blocks)));
    }
    let python: String = (0..700).map(|at| format!("{}if a:\n", " ".repeat(at))).collect();
    files.push(file("a.py", format!("{python}{}eval(a)\n", " ".repeat(700))));
    for file in files {
        examined(&file);
    }
}

/// A function of the language around some statements.
fn within(name: &str, body: &str) -> String {
    match Language::of_path(name) {
        Some(Language::Python) | None => format!("def f(a):\n    {body}\n"),
        Some(Language::Go) => format!("package p\n\nfunc f(a int) {{\n{body}\n}}\n"),
        Some(Language::Java) => format!("class A {{ void f(int a) {{\n{body};\n}} }}\n"),
        Some(Language::Rust) => format!("fn f(a: i32) {{\n{body};\n}}\n"),
        Some(Language::JavaScript | Language::TypeScript | Language::Tsx) => {
            format!("function f(a) {{\n{body}\n}}\n")
        }
    }
}

/// Lines that wake many patterns and satisfy none, as long as a file may be.
#[test]
fn long_lines_that_almost_match_are_examined() {
    let pieces = [
        "password secret token api_key ",
        "password=\"",
        "://user:",
        "AKIA",
        "eyJ.",
        "-----BEGIN PRIVATE KEY-----",
        "curl -u ",
        "if password == ",
        "variable \"token\" { ",
    ];
    for piece in pieces {
        for name in ["a.py", ".env"] {
            let text = piece.repeat(64 * 1024 / piece.len());
            examined(&file(name, text.clone()));
            examined(&file(name, text.replace(' ', "\n")));
        }
    }
}

#[test]
fn after_the_deadline_nothing_more_is_begun() {
    let (name, text) = examples().next().unwrap();
    let mut text = text.repeat(FILE_BYTES_MAX / 4 / text.len());
    text.push_str(&"f(a)\n".repeat(20_000));
    for name in NAMES.into_iter().chain([name]) {
        let asked = asked_after_the_end(&file(name, text.clone()));
        assert!(asked <= ASKED_AFTER_MAX, "{name}: asked {asked} times");
    }
}
