//! The formal checks, on suites that say which functions or lines go wrong.

pub(crate) mod esbmc;
pub(crate) mod folder;
pub(crate) mod gosec;
pub(crate) mod juliet;
pub(crate) mod nilaway;

use std::{
    path::Path,
    time::{Duration, Instant},
};

use analysis::syntax_tree;
use domain::Language;
use formal::{Clock, Report, Source, check, ir::Function, ir::Program, lower};
use solver::Z3;

/// What one function may cost, as in the step of an analysis.
const FUNCTION_TIME_MAX: Duration = Duration::from_millis(500);

/// Checks functions with one solver, and remembers what each took.
pub(crate) struct Checks {
    solver: Z3,
    times: Vec<Duration>,
}

impl Checks {
    pub(crate) fn new(z3: &Path) -> Self {
        Self { solver: Z3::new(z3), times: Vec::new() }
    }

    /// Lowers the files, each by its name, together, and checks the functions that are wanted.
    fn of(
        &mut self,
        language: Language,
        files: &[(String, String)],
        wanted: impl Fn(&Function) -> bool,
    ) -> Option<(Program, Vec<Report>)> {
        let clock = analysis::Clock::unlimited();
        let trees: Option<Vec<_>> =
            files.iter().map(|(_, text)| syntax_tree(language, text, &clock)).collect();
        let trees = trees?;
        let sources: Vec<Source<'_>> = files
            .iter()
            .zip(&trees)
            .map(|((path, text), tree)| Source { path, language, text, tree })
            .collect();
        let program = lower(language, &sources);
        let mut reports = Vec::new();
        for index in 0..program.functions.len() {
            if !wanted(&program.functions[index]) {
                continue;
            }
            let begun = Instant::now();
            let time_is_up = || begun.elapsed() > FUNCTION_TIME_MAX;
            reports.push(check(&program, index, &mut self.solver, Clock::new(&time_is_up)));
            self.times.push(begun.elapsed());
        }
        Some((program, reports))
    }

    /// How long it took, as a note below the tables.
    fn note(&mut self) -> String {
        self.times.sort_unstable();
        let count = self.times.len();
        let at = |share: usize| self.times.get(count * share / 100).copied().unwrap_or_default();
        let total: Duration = self.times.iter().sum();
        format!(
            "{count} functions in {total:.1?}: median {:.2?}, p90 {:.2?}, p99 {:.2?}; of this the \
             solver {:.1?}, {} restarts.",
            at(50),
            at(90),
            at(99),
            self.solver.spent(),
            self.solver.restarts(),
        )
    }
}
