//! What was found, beside what is known: which findings decide.

use std::collections::HashMap;

use analysis::{Incomplete, Located};
use domain::{Coverage, Gate, Severity, UnanalysedReason};
use serde::Serialize;

use super::{
    baseline::{Baseline, Known},
    examine::{Found, Unreadable},
};

#[derive(Debug)]
pub(super) struct Outcome {
    /// Sorted by path, line and rule.
    pub(super) findings: Vec<Judged>,
    /// What the baseline holds and the code does not any more.
    pub(super) gone: Vec<Known>,
    /// What it holds of files and rules that this scan leaves alone.
    pub(super) outside: Vec<Known>,
    pub(super) fail_on: Option<Severity>,
    pub(super) has_baseline: bool,
    /// Results of other tools in the baseline, which nothing can be compared with.
    pub(super) foreign: usize,
    /// How many rules were asked for.
    pub(super) rules: usize,
    pub(super) coverage: Coverage,
    pub(super) incomplete: Vec<Incomplete>,
    pub(super) unreadable: Vec<Unreadable>,
}

#[derive(Debug)]
pub(super) struct Judged {
    pub(super) located: Located,
    pub(super) state: State,
    /// Why somebody dismissed it.
    pub(super) dismissed: Option<String>,
    pub(super) decides: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    New,
    /// In the baseline.
    Known,
    /// In the baseline, with a reason why it does not matter.
    Dismissed,
}

impl Outcome {
    pub(super) fn of(
        found: Found,
        rules: usize,
        baseline: Option<Baseline>,
        fail_on: Option<Severity>,
    ) -> Self {
        let Found { findings, coverage, incomplete, unreadable } = found;
        let has_baseline = baseline.is_some();
        let Baseline { known, foreign } = baseline.unwrap_or_default();
        let mut open: HashMap<String, Known> =
            known.into_iter().map(|known| (known.fingerprint.clone(), known)).collect();
        let gate = Gate::default();
        let judge = |located: Located| {
            let known = open.remove(located.finding.fingerprint.as_str());
            let dismissed = known.as_ref().and_then(|known| known.dismissed.clone());
            let state = match (&known, &dismissed) {
                (None, _) => State::New,
                (Some(_), None) => State::Known,
                (Some(_), Some(_)) => State::Dismissed,
            };
            let finding = &located.finding;
            let decides = state == State::New
                && fail_on.is_some_and(|least| finding.severity >= least)
                && gate.counts(finding);
            Judged { located, state, dismissed, decides }
        };
        let findings = findings.into_iter().map(judge).collect();
        let (mut outside, mut gone): (Vec<Known>, Vec<Known>) =
            open.into_values().partition(|known| known.is_outside);
        outside.sort();
        gone.sort();
        Self {
            findings,
            gone,
            outside,
            fail_on,
            has_baseline,
            foreign,
            rules,
            coverage,
            incomplete,
            unreadable,
        }
    }

    pub(super) fn deciding(&self) -> usize {
        self.findings.iter().filter(|judged| judged.decides).count()
    }

    /// Whether everything that could hold a finding was looked at to the end.
    pub(super) fn is_complete(&self) -> bool {
        self.incomplete.is_empty()
            && self.unreadable.is_empty()
            && self.coverage.problems.is_empty()
            && !self.coverage.unanalysed.iter().any(|file| is_gap(file.reason))
    }
}

/// Whether code may have been missed. Nobody expects a picture or a library's copy to be parsed.
pub(super) fn is_gap(reason: UnanalysedReason) -> bool {
    match reason {
        UnanalysedReason::TooLarge
        | UnanalysedReason::NotUtf8
        | UnanalysedReason::TooDeep
        | UnanalysedReason::TimedOut => true,
        UnanalysedReason::Binary
        | UnanalysedReason::Generated
        | UnanalysedReason::Vendored
        | UnanalysedReason::UnknownLanguage
        | UnanalysedReason::NotAFile
        | UnanalysedReason::Policy => false,
    }
}
