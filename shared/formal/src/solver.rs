//! The door to a solver: questions out, answers in. Nothing here starts a process.

use std::time::Duration;

use crate::smt::Query;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Unsat,
    /// Each symbol with its value, as SMT-LIB writes it.
    Sat(Vec<(String, String)>),
    /// The solver looked and could not tell, or ran out of time.
    Unknown,
    /// There is no solver to ask, and why.
    Unavailable(String),
}

/// Answers queries one after the other, each on its own.
pub trait Solver {
    fn ask(&mut self, query: &Query, limit: Duration) -> Answer;
}

/// For when there is none: every question that needs one stays open, and says so.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoSolver;

impl Solver for NoSolver {
    fn ask(&mut self, _: &Query, _: Duration) -> Answer {
        Answer::Unavailable("no solver is configured".to_owned())
    }
}
