//! Goal: whatever is in a file, its functions are lowered and checked within their budgets, and
//! what was left out has its reason. Method: our own functions, changed along their grammar;
//! random text; and functions that are made to be too deep or too large. The solver of most of
//! this answers at random, so that no answer of a real one can break anything either.

use std::{cell::Cell, time::Duration};

use cpu_time::CpuTime;
use domain::Language;
use formal::{Answer, Clock, Query, Solver, Verdict, check, ir, test_program};
use mutants::{Random, mutated};

use crate::{
    fixtures::{ALL, Fixtures},
    world::{program, tree, z3},
};

/// Changed functions of each language.
const MUTANTS: usize = 400;

/// Of these, one in so many is asked of Z3.
const ASKED: usize = 40;

/// Texts of random letters, in each language.
const NOISES: usize = 150;

/// As deep as no person nests, and no recursion over a tree survives.
const DEPTH: usize = 10_000;

/// Statements, one behind the other, of a function that is too large.
const STATEMENTS: usize = 2_000;

/// What a function may take in the step of an analysis.
const FUNCTION_TIME_MAX: Duration = Duration::from_millis(500);

/// What it takes of the processor at most, without optimisation.
const CPU_TIME_MAX: Duration = Duration::from_secs(20);

/// A question may be as long as the terms of one execution.
const QUESTION_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Statements of the small language that a byte of code may become, with some for each function.
const STATEMENTS_OF_BYTE_MAX: usize = 16;
const STATEMENTS_OF_FUNCTION: usize = 600;

/// How often the clock may be asked after it said that time is up.
const ASKED_AFTER_MAX: u32 = 400;

/// Answers anything, and holds every question to its limits.
struct Dice(Random);

impl Solver for Dice {
    fn ask(&mut self, query: &Query, limit: Duration) -> Answer {
        assert!(limit <= formal::QUERY_TIME_MAX);
        assert!(query.script.len() <= QUESTION_BYTES_MAX, "{} bytes", query.script.len());
        let values = [
            "0",
            "1",
            "(- 1)",
            "true",
            "(_ NaN 11 53)",
            "170141183460469231731687303715884105728",
            "(",
        ];
        match self.0.below(8) {
            0..3 => Answer::Unsat,
            3 => Answer::Unknown,
            _ => Answer::Sat(
                query
                    .symbols
                    .iter()
                    .map(|name| (name.clone(), values[self.0.below(values.len())].to_owned()))
                    .collect(),
            ),
        }
    }
}

/// Lowers and checks, and holds the answers to every limit there is. Gives how many checks there were.
fn held(language: Language, text: &str, solver: &mut dyn Solver) -> usize {
    let program = program(language, "a", text);
    let lines = u32::try_from(text.lines().count() + 1).expect("few lines");
    let mut statements = 0;
    for function in &program.functions {
        assert!(1 <= function.first_line && function.first_line <= function.last_line);
        assert!(function.last_line <= lines, "{} of {lines}", function.last_line);
        ir::walk(function.body.as_deref().unwrap_or_default(), &mut |_| statements += 1);
    }
    let most =
        text.len() * STATEMENTS_OF_BYTE_MAX + program.functions.len() * STATEMENTS_OF_FUNCTION;
    assert!(statements <= most, "{statements} statements of {} bytes", text.len());
    let mut checks = 0;
    for index in 0..program.functions.len() {
        let clock = CpuTime::start();
        let time_is_up = || clock.spent() > FUNCTION_TIME_MAX;
        let report = check(&program, index, solver, Clock::new(&time_is_up));
        assert!(clock.spent() < CPU_TIME_MAX, "{:?}: {:?}", clock.spent(), text.get(..200));
        for check in &report.checks {
            assert!(1 <= check.line && check.line <= lines, "{check:?} of {lines} lines");
            if let Verdict::Refuted(example) | Verdict::CallerDependent(example) = &check.verdict {
                let caller = &program.functions[index];
                test_program("a", caller, check.kind, check.line, example);
            }
        }
        checks += report.checks.len();
    }
    checks
}

#[test]
fn functions_changed_along_their_grammar_are_checked() {
    let (mut random, mut z3) = (Random::new(0x5eed), z3());
    for fixtures in ALL {
        let files: Vec<(&str, String)> = fixtures.files().collect();
        let language = fixtures.marks.language;
        let mut checks = 0;
        for count in 0..MUTANTS {
            let (_, text) = &files[random.below(files.len())];
            let mutant = mutated(&mut random, text, |text| Some(tree(language, text)));
            let mut dice = Dice(Random::new(count as u64 + 1));
            checks += held(language, &mutant, &mut dice);
            if count % ASKED == 0 {
                held(language, &mutant, &mut z3);
            }
        }
        assert!(checks > MUTANTS / 8, "{language:?}: the mutants are no code any more: {checks}");
    }
}

#[test]
fn random_text_is_lowered() {
    let letters: Vec<char> =
        "abcdefx0123456789 \n\t\"'(){}[]=:;,.#/*@$&<>\\-+%!?|é漢🦀\u{0}\u{feff}\r"
            .chars()
            .collect();
    let mut random = Random::new(0xbad);
    for fixtures in ALL {
        for _ in 0..NOISES {
            let length = random.below(600);
            let text: String = (0..length).map(|_| letters[random.below(letters.len())]).collect();
            held(fixtures.marks.language, &text, &mut Dice(Random::new(7)));
            held(fixtures.marks.language, &within(fixtures, &text), &mut Dice(Random::new(7)));
        }
    }
}

/// Bytes that are no text reach nobody: what is made of them here is what an editor shows.
#[test]
fn bytes_that_are_no_text_are_lowered_as_what_is_shown_of_them() {
    let mut random = Random::new(0xff);
    for fixtures in ALL {
        for (_, text) in fixtures.files().step_by(9) {
            let mut bytes = text.into_bytes();
            for _ in 0..8 {
                let at = random.below(bytes.len());
                bytes.splice(at..at, [0xff, 0xc3, 0x80]);
            }
            let text = String::from_utf8_lossy(&bytes);
            held(fixtures.marks.language, &text, &mut Dice(Random::new(7)));
        }
    }
}

/// Every way to nest that a language has. Each must be answered, and on a thread's small stack.
#[test]
fn ten_thousand_levels_of_nesting_are_checked() {
    let expressions = [("(", ")"), ("[", "]"), ("f(", ")"), ("-", ""), ("1 / ", ""), ("", " + x")];
    for fixtures in ALL {
        let mut bodies: Vec<String> = expressions
            .iter()
            .map(|(open, close)| format!("x = {}x{}", open.repeat(DEPTH), close.repeat(DEPTH)))
            .collect();
        bodies.push(format!("{}x = 1 / x;{}", "{ if (x > 0) ".repeat(DEPTH), "}".repeat(DEPTH)));
        for body in bodies {
            held(fixtures.marks.language, &within(fixtures, &body), &mut Dice(Random::new(7)));
        }
    }
}

#[test]
fn huge_functions_end_with_their_time() {
    for fixtures in ALL {
        let language = fixtures.marks.language;
        let is_python = language == Language::Python;
        let end = if is_python { "\n    " } else { ";\n" };
        let branch = match is_python {
            true => "if x > 3: x = x + 1\n    ",
            false => "if (x > 3) { x = x + 1; }\n",
        };
        let bodies = [
            format!("x = x + 1{end}").repeat(STATEMENTS),
            format!("x = 9 / x{end}").repeat(STATEMENTS),
            branch.repeat(STATEMENTS),
            format!("x = f(x){end}").repeat(STATEMENTS),
            format!("x = {}{end}", vec!["x"; STATEMENTS].join(" + ")),
        ];
        for body in bodies {
            held(language, &within(fixtures, &body), &mut Dice(Random::new(7)));
        }
        let many: String = fixtures.files().map(|(_, text)| text).collect();
        held(language, &many, &mut Dice(Random::new(7)));
    }
}

#[test]
fn after_its_time_a_function_asks_nothing_more() {
    struct Never;
    impl Solver for Never {
        fn ask(&mut self, _: &Query, _: Duration) -> Answer {
            panic!("it was asked when time was up");
        }
    }
    for fixtures in ALL {
        for (name, text) in fixtures.files() {
            let program = program(fixtures.marks.language, "a", &text);
            for index in 0..program.functions.len() {
                let asked = Cell::new(0);
                let up = || {
                    asked.set(asked.get() + 1);
                    true
                };
                let report = check(&program, index, &mut Never, Clock::new(&up));
                assert!(asked.get() < ASKED_AFTER_MAX, "{name}: {}", asked.get());
                let said = report.incomplete.is_some() || report.checks.is_empty();
                assert!(said, "{name}: {report:?}");
            }
        }
    }
}

/// A function of the language around some statements.
fn within(fixtures: &Fixtures, body: &str) -> String {
    let (before, after) = fixtures.around;
    let function = match fixtures.marks.language {
        Language::Python => format!("def f(x):\n    {body}\n"),
        Language::Go => format!("func f(x int) {{\n{body}\n}}\n"),
        Language::Java => format!("void f(int x) {{\n{body};\n}}\n"),
        Language::Rust => format!("fn f(mut x: i32) {{\n{body};\n}}\n"),
        Language::JavaScript | Language::TypeScript | Language::Tsx => {
            format!("function f(x) {{\n{body}\n}}\n")
        }
    };
    format!("{before}{function}{after}")
}
