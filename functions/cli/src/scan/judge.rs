//! What was found, beside what is known: which findings decide.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    iter::repeat_n,
};

use ::policy::Held;
use analysis::{Incomplete, Located};
use domain::{Coverage, Gate, PolicyFacts, Severity, Sighting, Verdict, pair};
use serde::Serialize;

use super::{
    FailOn,
    baseline::{Baseline, Known},
    examine::{Found, Unreadable},
    policy::Ruled,
};

#[derive(Debug)]
pub(super) struct Outcome {
    /// Sorted by path, line and rule.
    pub(super) findings: Vec<Judged>,
    /// What the baseline holds and the code does not any more.
    pub(super) gone: Vec<Known>,
    /// What it holds of files and rules that this scan leaves alone.
    pub(super) outside: Vec<Known>,
    pub(super) bar: Bar,
    /// What the repository's policy did.
    pub(super) policy: PolicyFacts,
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
    /// Whether it is in the baseline.
    pub(super) known: bool,
    /// Why somebody dismissed it.
    pub(super) dismissed: Option<String>,
    /// Why the policy ignores it.
    pub(super) ignored: Option<String>,
    pub(super) decides: bool,
}

/// From where on findings decide.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Bar {
    /// From this severity on; never without one.
    Severity(Option<Severity>),
    /// Where there are more of a severity than the policy lets through.
    Gate(Gate),
}

impl Bar {
    /// What was asked for, or else what the policy says, or else what is usual.
    pub(super) fn of(asked: Option<FailOn>, policy: &Held) -> Self {
        match asked {
            Some(FailOn(severity)) => Self::Severity(severity),
            None if policy.is_followed() => Self::Gate(policy.policy.gate),
            None => Self::Severity(Some(Severity::High)),
        }
    }

    fn confidence(self) -> Gate {
        match self {
            Self::Severity(_) => Gate::default(),
            Self::Gate(gate) => gate,
        }
    }

    /// Those of which there are enough to decide.
    fn severities(self, counts: &BTreeMap<Severity, usize>) -> BTreeSet<Severity> {
        let decides = |severity: &Severity| match self {
            Self::Severity(least) => least.is_some_and(|least| *severity >= least),
            Self::Gate(gate) => {
                let found = repeat_n(*severity, counts[severity]);
                domain::judge(&gate, found) == Verdict::Failed
            }
        };
        counts.keys().copied().filter(|severity| decides(severity)).collect()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    New,
    /// In the baseline.
    Known,
    /// In the baseline, with a reason why it does not matter.
    Dismissed,
    /// The policy says why it does not matter.
    Ignored,
}

impl Outcome {
    pub(super) fn of(
        found: Found,
        rules: usize,
        baseline: Option<Baseline>,
        bar: Bar,
        ruled: Ruled,
    ) -> Self {
        let Found { findings, coverage, incomplete, unreadable } = found;
        let has_baseline = baseline.is_some();
        let Baseline { known, foreign } = baseline.unwrap_or_default();
        let (mut outside, mut known): (Vec<Known>, Vec<Known>) =
            known.into_iter().partition(|known| known.is_outside);
        known.sort();
        let continued = continued(&known, &findings);
        let Ruled { ignored, facts: policy } = ruled;
        let before = &known;
        let judge = |(located, known): (Located, Option<usize>)| {
            let known = known.map(|index| &before[index]);
            let dismissed = known.and_then(|known| known.dismissed.clone());
            let ignored = ignored.get(&located.finding.fingerprint).cloned();
            let state = match (&ignored, &known, &dismissed) {
                (Some(_), ..) => State::Ignored,
                (None, None, _) => State::New,
                (None, Some(_), None) => State::Known,
                (None, Some(_), Some(_)) => State::Dismissed,
            };
            Judged { located, state, known: known.is_some(), dismissed, ignored, decides: false }
        };
        let mut findings: Vec<Judged> =
            findings.into_iter().zip(continued.iter().copied()).map(judge).collect();
        decide(&mut findings, bar);
        let found: HashSet<usize> = continued.into_iter().flatten().collect();
        let gone = (0..).zip(known).filter(|(index, _)| !found.contains(index));
        let gone = gone.map(|(_, known)| known).collect();
        outside.sort();
        Self {
            findings,
            gone,
            outside,
            bar,
            policy,
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
            && !self.coverage.unanalysed.iter().any(|file| file.reason.is_gap())
    }
}

/// For each finding which of the baseline it is.
fn continued(known: &[Known], findings: &[Located]) -> Vec<Option<usize>> {
    let before: Vec<Sighting<'_>> = known.iter().map(Known::sighting).collect();
    let now: Vec<Sighting<'_>> =
        findings.iter().map(|located| Sighting::from(&located.finding)).collect();
    pair(&before, &now, &HashMap::new())
}

/// Says which findings decide: all of a severity, where there are enough of it.
fn decide(findings: &mut [Judged], bar: Bar) {
    let gate = bar.confidence();
    let counts_at_all = |one: &Judged| one.state == State::New && gate.counts(&one.located.finding);
    let mut counts: BTreeMap<Severity, usize> = BTreeMap::new();
    for one in findings.iter().filter(|one| counts_at_all(one)) {
        *counts.entry(one.located.finding.severity).or_default() += 1;
    }
    let deciding = bar.severities(&counts);
    for one in findings {
        one.decides = counts_at_all(one) && deciding.contains(&one.located.finding.severity);
    }
}
