use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use ::policy::Held;
use analysis::{Incomplete, IncompleteReason};
use domain::{ChangedFile, Finding, Gate, PolicyFacts, Snapshot, kinds::analysis::Fetched};
use serde::{Deserialize, Serialize};
use store::{
    Tx,
    analyses::Delta,
    dispositions::{self, Dismissed},
    finding_lineages,
    findings::{self, Judged},
    runs::Fence,
};

use super::baseline::{Base, Before, Compared, compare};
use super::{
    policy::{self, Ruled, compared_base, narrowed},
    rules,
};
use crate::examine::{self, Examined, Reuse, examine};
use crate::memory::{COMMIT_TIME, Work, Written, output, written};
use crate::{Deps, Error};
use engine::Deadline;

/// What the rules object to, before it is known what people have dismissed.
pub(crate) struct Found {
    examined: Arc<Examined>,
    /// Not by the step before: then it kept what it found out.
    found_out: bool,
    /// None: there is nothing to compare with, so all is new.
    changes: Option<Vec<ChangedFile>>,
    base: Option<BaseFound>,
    held: Arc<Held>,
    ruled: Ruled,
}

/// The same of the files that the base has in another form, or among others.
struct BaseFound {
    files: Arc<Snapshot>,
    examined: Arc<Examined>,
    found_out: bool,
    /// Those of rules that are on.
    findings: Vec<Finding>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Output {
    pub(super) rules_version: String,
    /// By what the findings were sorted into deciding and others, and are judged.
    pub(super) gate: Gate,
    findings: usize,
    deciding: usize,
    /// How many files were examined anew, by this step or the one before.
    #[serde(default)]
    reuse: Reuse,
    /// Findings of the base that are gone.
    #[serde(default)]
    pub(super) fixed: Option<u32>,
    #[serde(default)]
    pub(super) since_previous: Option<Delta>,
    /// What the repository's policy did.
    #[serde(default)]
    pub(super) policy: PolicyFacts,
    pub(super) incomplete: Vec<Incomplete>,
}

pub(super) async fn work(deps: &Deps, work: &mut Work, deadline: Deadline) -> Result<Found, Error> {
    let snapshot = narrowed(deps, work).await?;
    let changes = output::<Fetched>(work, "fetch")?.changes;
    let (examined, found_out) = examine(work, &snapshot, deadline.less(COMMIT_TIME)).await?;
    if misses_a_change(&examined.scan.incomplete, changes.as_deref()) {
        return Err(Error::AnalyserTimedOut);
    }
    let held = policy::held(work)?;
    let base = match compared_base(deps, work).await? {
        Some(files) => {
            let (examined, found_out) = examine(work, &files, deadline.less(COMMIT_TIME)).await?;
            let findings = policy::asked(&held, &examined.scan.findings);
            Some(BaseFound { files, examined, found_out, findings })
        }
        None => None,
    };
    let ruled = policy::rule(&held, work.run(), &examined.scan.findings);
    Ok(Found { examined, found_out, changes, base, held, ruled })
}

/// Whether something that could decide was not looked at: then there is no verdict to give.
fn misses_a_change(incomplete: &[Incomplete], changes: Option<&[ChangedFile]>) -> bool {
    incomplete.iter().filter(|missed| missed.reason == IncompleteReason::TimedOut).any(|missed| {
        changes.is_none_or(|changes| changes.iter().any(|file| file.path == missed.path))
    })
}

impl Found {
    pub(super) async fn write(
        &self,
        tx: &Tx<'_>,
        fence: &Fence,
        work: &Work,
    ) -> Result<Written, Error> {
        let gate = self.held.policy.gate;
        let compared = self.compare(tx, work, &gate).await?;
        let Compared { mut judged, fixed, since_previous } = compared;
        self.ruled.ignore(&mut judged);
        findings::insert_all(tx, fence, &judged).await?;
        let (org, repository) = (work.run().org, work.memory.repository()?.id);
        let later: Vec<_> = judged
            .iter()
            .filter_map(|one| Some((&one.finding.fingerprint, one.lineage.as_ref()?)))
            .collect();
        finding_lineages::insert_all(tx, org, repository, &later).await?;
        let own = self.found_out.then_some(&*self.examined);
        let base = self.base.as_ref().filter(|base| base.found_out).map(|base| &*base.examined);
        let found_out: Vec<&Examined> = own.into_iter().chain(base).collect();
        examine::keep(tx, org, &found_out).await?;
        rules::record(tx, fence, work).await?;
        let mut incomplete = policy::unfinished(&self.held, &self.examined.scan.incomplete);
        incomplete.extend_from_slice(work.memory.own_rules.unusable());
        let output = Output {
            rules_version: work.memory.rules.rules_version(),
            gate,
            findings: judged.len(),
            deciding: judged.iter().filter(|finding| finding.deciding).count(),
            reuse: self.examined.reuse,
            fixed,
            since_previous,
            policy: self.ruled.facts(&self.examined.coverage),
            incomplete,
        };
        written("security", &output)
    }

    /// Against all that is known of what was there before.
    async fn compare(&self, tx: &Tx<'_>, work: &Work, gate: &Gate) -> Result<Compared, Error> {
        let repository = work.memory.repository()?.id;
        let found = &self.ruled.findings;
        let base = self.base.as_ref().map(BaseFound::known);
        let names = found.iter().chain(base.iter().flat_map(|base| base.findings));
        let names: HashSet<&str> = names.map(|finding| finding.fingerprint.as_str()).collect();
        let names: Vec<&str> = names.into_iter().collect();
        let before = Before {
            changes: self.changes.as_deref(),
            base,
            previous: findings::list_previous(tx, work.run().id).await?,
            lineages: finding_lineages::find(tx, repository, &names).await?,
            dismissed: dispositions::list_dismissed(tx, repository).await?,
        };
        Ok(compare(found, &before, gate))
    }
}

impl BaseFound {
    fn known(&self) -> Base<'_> {
        let left_out = self.files.left_out.iter().map(|file| file.path.as_str());
        let unfinished = self.examined.scan.incomplete.iter().map(|file| file.path.as_str());
        let examined = self.files.files.iter().map(|file| file.path.as_str()).collect();
        Base { findings: &self.findings, examined, unread: left_out.chain(unfinished).collect() }
    }
}

/// Says of each finding whether it is new by its lines alone, dismissed, and counts.
pub(crate) fn judged(
    found: &[Finding],
    changes: Option<&[ChangedFile]>,
    gate: &Gate,
    dismissed: Vec<Dismissed>,
) -> Vec<Judged> {
    let lineages = HashMap::new();
    let before = Before { changes, base: None, previous: None, lineages, dismissed };
    compare(found, &before, gate).judged
}

#[cfg(test)]
mod tests {
    use domain::{LineRange, LineRanges};

    use super::*;

    fn changed(path: &str, first: u32, last: u32) -> ChangedFile {
        let lines = LineRanges::new(vec![LineRange { first, last }]);
        ChangedFile { path: path.into(), renamed_from: None, lines }
    }

    #[test]
    fn a_change_that_was_not_read_in_time_leaves_no_verdict() {
        let missed = |path: &str, reason| Incomplete { path: path.into(), rule: None, reason };
        let changes = [changed("a.py", 1, 9)];
        let cases = [
            (missed("a.py", IncompleteReason::TimedOut), Some(&changes[..]), true),
            (missed("b.py", IncompleteReason::TimedOut), Some(&changes[..]), false),
            (missed("b.py", IncompleteReason::TimedOut), None, true),
            (missed("a.py", IncompleteReason::TooDeep), None, false),
        ];
        for (missed, changes, misses) in cases {
            assert_eq!(
                misses_a_change(std::slice::from_ref(&missed), changes),
                misses,
                "{missed:?}"
            );
        }
    }
}
