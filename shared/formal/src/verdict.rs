//! What is said about a check.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use crate::{
    ir::{CheckKind, Site},
    smt::Query,
};

/// What was not modelled, with how often it was met.
pub type Reasons = BTreeMap<String, u32>;

#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// It cannot go wrong.
    Proved,
    /// It goes wrong for these inputs; the interpreter agrees.
    Refuted(Counterexample),
    /// It goes wrong if a caller passes these values, which no caller may.
    CallerDependent(Counterexample),
    Unknown(Unknown),
}

impl Verdict {
    /// How much it says; of several points of one check, the most is kept.
    pub(crate) fn weight(&self) -> u8 {
        match self {
            Self::Unknown(Unknown::LoopCut | Unknown::SolverGaveUp) => 0,
            // Of this point alone it was shown that it cannot fail.
            Self::Unknown(Unknown::NotModelled(what)) if what.is_empty() => 0,
            Self::Unknown(_) | Self::Proved => 1,
            Self::CallerDependent(_) => 2,
            Self::Refuted(_) => 3,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counterexample {
    /// By what each is called in the code, with its value.
    pub inputs: Vec<(String, String)>,
    /// What the function is given so that it fails; none if more than its arguments matters.
    pub arguments: Option<Vec<String>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unknown {
    /// The function was not lowered at all: why.
    NotLowered(String),
    /// It hangs on something that is not modelled: what.
    NotModelled(String),
    /// Only passes of a loop that were not looked at can go wrong.
    LoopCut,
    /// This call, which is not known, may refuse the values that would go wrong.
    MayBeRefused(String),
    /// The interpreter does not fail where the solver says it does.
    NotReplayed,
    SolverGaveUp,
    SolverUnavailable(String),
    TimedOut,
    TooLarge,
}

/// As an end of "it is unknown, because …".
impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotLowered(why) => write!(f, "the function is not modelled: {why}"),
            Self::NotModelled(what) => write!(f, "it hangs on {what}, which is not modelled"),
            Self::LoopCut => f.write_str("only passes of a loop that were not looked at can fail"),
            Self::MayBeRefused(call) => {
                write!(f, "`{call}`, which is not known, may refuse the values that would fail")
            }
            Self::NotReplayed => f.write_str("the counterexample did not fail when it was run"),
            Self::SolverGaveUp => f.write_str("the solver gave up within its time"),
            Self::SolverUnavailable(why) => write!(f, "there is no solver to ask: {why}"),
            Self::TimedOut => f.write_str("the time of the function was over"),
            Self::TooLarge => f.write_str("the function is too large"),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    pub site: Site,
    pub kind: CheckKind,
    pub line: u32,
    /// The function that the line is in: another one if it was called with these values.
    pub function: usize,
    pub verdict: Verdict,
    /// The question that decided; none if the terms folded to an answer.
    pub query: Option<Query>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    pub function: usize,
    /// Sorted by line.
    pub checks: Vec<Checked>,
    /// Why not everything was looked at, if so.
    pub incomplete: Option<Unknown>,
    /// Fields that keep their first value as far as the files at hand show, and that were read.
    pub assumptions: Vec<String>,
    /// Ways to fail that no check is about: what may raise, and what is raised.
    pub unchecked: BTreeSet<String>,
    /// What was not modelled, with how often.
    pub reasons: Reasons,
    pub queries: u32,
}

impl Report {
    /// Whether the function was shown to fail in no way at all, which is more than that all of
    /// its checks are proved.
    pub fn is_proved_as_a_whole(&self) -> bool {
        let decides = |check: &&Checked| check.kind != CheckKind::ConstantCondition;
        self.incomplete.is_none()
            && self.assumptions.is_empty()
            && self.unchecked.is_empty()
            && self.checks.iter().filter(decides).all(|check| check.verdict == Verdict::Proved)
    }
}
