use std::time::Duration;

use cpu_time::CpuTime;
use domain::Language;
use formal::{Answer, Clock, Query, Report, Solver, Source, Verdict, check, ir::Program, lower};
use solver::Z3;
use tree_sitter::Tree;

/// More than the budget in use, as this is a build without optimisation.
const FUNCTION_TIME_MAX: Duration = Duration::from_secs(3);

/// Z3 counts the time that passes: on a busy machine an easy question takes longer.
const PATIENCE: u32 = 20;

/// It is read from the disk before it answers for the first time.
const START_TIME_MAX: Duration = Duration::from_secs(120);

#[derive(Debug)]
pub(crate) struct Judged {
    pub(crate) line: u32,
    pub(crate) kind: String,
    pub(crate) verdict: Verdict,
}

impl Judged {
    pub(crate) fn word(&self) -> &'static str {
        match &self.verdict {
            Verdict::Proved => "proved",
            Verdict::Refuted(_) => "refuted",
            Verdict::CallerDependent(_) => "caller",
            Verdict::Unknown(_) => "unknown",
        }
    }
}

/// Where Z3 is: the setting that the functions have, too.
const Z3_SETTING: &str = "Z3_PATH";

/// Z3 as the setting names it. Without one these tests would hold nothing to the solver, so they
/// fail.
pub(crate) fn z3() -> Z3 {
    let path = startup::required(Z3_SETTING).unwrap_or_else(|missing| {
        panic!(
            "{missing}. It names the z3 program (4.15.4). `cargo local test` sets it; by hand: \
             Z3_PATH=$PWD/.local/venv/bin/z3 cargo test -p solver"
        )
    });
    let mut solver = Z3::new(&path);
    let query = Query { script: String::new(), symbols: Vec::new() };
    let answer = solver.ask(&query, START_TIME_MAX);
    assert_eq!(answer, Answer::Sat(Vec::new()), "{Z3_SETTING} is `{path}`, which is no z3");
    solver
}

/// Asks with more time than a function has, so that a busy machine changes no verdict.
struct Patient(Z3);

impl Solver for Patient {
    fn ask(&mut self, query: &Query, limit: Duration) -> Answer {
        self.0.ask(query, limit * PATIENCE)
    }
}

pub(crate) fn judge(language: Language, path: &str, text: &str) -> Vec<Judged> {
    let checks = reports(language, path, text).into_iter().flat_map(|report| report.checks);
    checks
        .map(|check| Judged {
            line: check.line,
            kind: check.kind.as_str().to_owned(),
            verdict: check.verdict,
        })
        .collect()
}

pub(crate) fn tree(language: Language, text: &str) -> Tree {
    let clock = analysis::Clock::unlimited();
    analysis::syntax_tree(language, text, &clock).expect("the clock does not end")
}

pub(crate) fn program(language: Language, path: &str, text: &str) -> Program {
    let tree = tree(language, text);
    let source = Source { path, language, text, tree: &tree };
    lower(language, &[source])
}

pub(crate) fn reports(language: Language, path: &str, text: &str) -> Vec<Report> {
    reports_of(&program(language, path, text))
}

pub(crate) fn reports_of(program: &Program) -> Vec<Report> {
    let mut solver = Patient(z3());
    (0..program.functions.len())
        .map(|function| {
            let clock = CpuTime::start();
            let time_is_up = || clock.spent() > FUNCTION_TIME_MAX;
            check(program, function, &mut solver, Clock::new(&time_is_up))
        })
        .collect()
}
