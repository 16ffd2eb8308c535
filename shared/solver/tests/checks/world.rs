use std::time::{Duration, Instant};

use domain::Language;
use formal::{Clock, Report, Source, Unknown, Verdict, check, lower};
use solver::Z3;

/// More than the budget in use: a busy machine must not change a verdict.
const FUNCTION_TIME_MAX: Duration = Duration::from_secs(3);

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

    pub(crate) fn is_unavailable(&self) -> bool {
        matches!(self.verdict, Verdict::Unknown(Unknown::SolverUnavailable(_)))
    }
}

/// Where Z3 is when the tests are built: `Z3=/path/to/z3 cargo test -p solver`, or the path.
pub(crate) const Z3_PROGRAM: &str = match option_env!("Z3") {
    Some(path) => path,
    None => "z3",
};

pub(crate) fn has_z3() -> bool {
    std::process::Command::new(Z3_PROGRAM).arg("-version").output().is_ok()
}

pub(crate) fn judge(text: &str) -> Vec<Judged> {
    let checks = reports(text).into_iter().flat_map(|report| report.checks);
    checks
        .map(|check| Judged {
            line: check.line,
            kind: check.kind.as_str().to_owned(),
            verdict: check.verdict,
        })
        .collect()
}

pub(crate) fn reports(text: &str) -> Vec<Report> {
    let clock = analysis::Clock::unlimited();
    let tree = analysis::syntax_tree(Language::Java, text, &clock).expect("the clock does not end");
    let source = Source { path: "C.java", language: Language::Java, text, tree: &tree };
    let program = lower(Language::Java, &[source]).expect("Java is lowered");
    let mut solver = Z3::new(Z3_PROGRAM);
    (0..program.functions.len())
        .map(|function| {
            let begun = Instant::now();
            let time_is_up = || begun.elapsed() > FUNCTION_TIME_MAX;
            check(&program, function, &mut solver, Clock::new(&time_is_up))
        })
        .collect()
}
