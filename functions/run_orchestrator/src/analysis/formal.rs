//! Formal checks of the functions that a change touches, or of all where there is no change.
//!
//! A proof is kept as evidence and a refutation becomes a finding. Whether the solver answered,
//! and what was not looked at, stands in the step's output.

mod examine;
mod finding;
mod group;

use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

use domain::{
    Finding, Fingerprint, FormalSummary, FormalVerdict, Gate, PolicyFacts, kinds::analysis::Fetched,
};
use examine::{Examined, Examiner, Outcome};
use serde::{Deserialize, Serialize};
use store::{
    Tx,
    dispositions::{self, Dismissed},
    findings::{self, Judged, Proof},
    formal_results::{self, NewResult, QUERY_CHARS_MAX},
    runs::Fence,
};

use super::policy::{self, Ruled, narrowed, narrowed_base};
use super::security;
use crate::memory::{COMMIT_TIME, Work, Written, blocking, output, written};
use crate::{Deps, Error};
use engine::Deadline;

/// What the formal checks of one run may take. Beyond it functions are skipped, and counted.
const RUN_TIME_MAX: Duration = Duration::from_secs(20);

/// Results of one analysis that are kept; more are only counted.
const KEPT_MAX: usize = 2000;

/// Reasons that the output lists, the most frequent ones.
const REASONS_MAX: usize = 20;

/// Why nothing was looked at, where people want it so.
const TURNED_OFF: &str = "the repository's policy turns formal checks off";

/// What the step leaves.
#[derive(Serialize, Deserialize)]
pub(super) struct Output {
    #[serde(flatten)]
    pub(super) summary: FormalSummary,
    /// What the repository's policy did to its findings.
    #[serde(default)]
    pub(super) policy: PolicyFacts,
}

pub(crate) struct Found {
    summary: FormalSummary,
    results: Vec<NewResult>,
    /// The base fails in the same way.
    existing: HashSet<Fingerprint>,
    proofs: HashMap<Fingerprint, Proof>,
    ruled: Ruled,
}

pub(super) async fn work(deps: &Deps, work: &mut Work, deadline: Deadline) -> Result<Found, Error> {
    let snapshot = narrowed(deps, work).await?;
    let base = narrowed_base(deps, work).await?;
    let changes = output::<Fetched>(work, "fetch")?.changes;
    let stop = deadline.less(COMMIT_TIME).min(Instant::now() + RUN_TIME_MAX);
    let z3_path = deps.z3_path.clone();
    let is_change = changes.is_some();
    let held = policy::held(work)?;
    let limits = held.policy.formal;
    let examined = blocking(move || {
        if !limits.enabled {
            let mut examined = Examined::default();
            examined.summary.reasons.insert(TURNED_OFF.to_owned(), 1);
            return examined;
        }
        let mut examiner = Examiner::new(z3_path.as_deref(), limits, stop);
        let base = base.as_deref().map(|base| base.files.as_slice());
        examiner.examine(&snapshot.files, changes.as_deref(), base)
    })
    .await?;
    Ok(Found::of(examined, is_change, |found| policy::rule(&held, work.run(), found)))
}

impl Found {
    fn of(examined: Examined, is_change: bool, rule: impl FnOnce(&[Finding]) -> Ruled) -> Self {
        let Examined { mut summary, mut outcomes } = examined;
        outcomes.sort_by_key(|one| (rank(one.verdict), one.path.clone(), one.line));
        for outcome in &outcomes {
            summary.count(outcome.verdict);
        }
        most_frequent(&mut summary);
        summary.kept = u32::try_from(outcomes.len().min(KEPT_MAX)).unwrap_or(u32::MAX);
        let refuted = finding::of_all(&outcomes, is_change);
        let existing = refuted.iter().filter(|one| one.existing);
        let existing = existing.map(|one| one.finding.fingerprint.clone()).collect();
        let proofs = refuted.iter();
        let proofs =
            proofs.map(|one| (one.finding.fingerprint.clone(), one.proof.clone())).collect();
        let findings: Vec<Finding> = refuted.into_iter().map(|one| one.finding).collect();
        let results = outcomes.into_iter().take(KEPT_MAX).map(result).collect();
        Self { summary, results, existing, proofs, ruled: rule(&findings) }
    }

    pub(super) async fn write(
        &self,
        tx: &Tx<'_>,
        fence: &Fence,
        work: &Work,
    ) -> Result<Written, Error> {
        let scanned: security::Output = output(work, "security")?;
        let dismissed = dispositions::list_dismissed(tx, work.memory.repository()?.id).await?;
        let judge = |finding: &Finding| {
            let new = !self.existing.contains(&finding.fingerprint);
            let proof = self.proofs.get(&finding.fingerprint).cloned();
            Judged { proof, ..judged(finding, new, &scanned.gate, &dismissed) }
        };
        let mut judged: Vec<Judged> = self.ruled.findings.iter().map(judge).collect();
        self.ruled.ignore(&mut judged);
        findings::insert_all(tx, fence, &judged).await?;
        formal_results::insert_all(tx, fence, &self.results).await?;
        let (summary, policy) = (self.summary.clone(), self.ruled.facts.clone());
        written("formal", &Output { summary, policy })
    }
}

/// What is refuted at the base as well is not new, wherever it stands.
fn judged(finding: &Finding, new: bool, gate: &Gate, dismissed: &[Dismissed]) -> Judged {
    let finding = finding.clone();
    let decision = dismissed.iter().find(|row| row.fingerprint == finding.fingerprint);
    let standing = decision.filter(|row| row.expired_at.is_none());
    let expired = decision.and_then(Dismissed::expired);
    let dismissed = standing.map(|row| (row.decided_by.clone(), row.reason.clone()));
    let deciding = new && dismissed.is_none() && gate.counts(&finding);
    Judged { finding, new, deciding, dismissed, lineage: None, expired, proof: None }
}

fn rank(verdict: FormalVerdict) -> u8 {
    match verdict {
        FormalVerdict::Refuted => 0,
        FormalVerdict::CallerDependent => 1,
        FormalVerdict::Unknown => 2,
        FormalVerdict::Proved => 3,
    }
}

fn most_frequent(summary: &mut FormalSummary) {
    let mut all: Vec<(String, u32)> = std::mem::take(&mut summary.reasons).into_iter().collect();
    all.sort_by(|one, two| two.1.cmp(&one.1).then_with(|| one.0.cmp(&two.0)));
    summary.reasons = all.into_iter().take(REASONS_MAX).collect();
}

fn result(outcome: Outcome) -> NewResult {
    let test = outcome.kept_test();
    let (query_hash, query) = match outcome.query {
        Some(query) => (Some(examine::hash(&query)), Some(query)),
        None => (None, None),
    };
    let inputs = outcome.inputs.map(|inputs| {
        inputs
            .into_iter()
            .map(|(name, value)| serde_json::json!({ "name": name, "value": value }))
            .collect()
    });
    NewResult {
        language: outcome.language.to_string(),
        file_path: outcome.path,
        function_name: outcome.function,
        line: outcome.line,
        check_kind: outcome.kind.as_str(),
        verdict: outcome.verdict,
        reason: outcome.reason,
        query_hash,
        query: query.filter(|query| query.chars().count() <= QUERY_CHARS_MAX),
        duration_ms: outcome.took.as_secs_f64() * 1000.0,
        counterexample: inputs,
        test,
    }
}
