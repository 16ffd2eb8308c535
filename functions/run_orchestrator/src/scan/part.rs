//! One shard: some of the files, by all the rules. What looks at packages sees all of their files,
//! also those of other shards, and reports on its own.

use std::{collections::BTreeMap, sync::Arc};

use ::policy::{Held, standing};
use analysis::Incomplete;
use domain::{
    Coverage, POLICY_PATH, PolicyFacts, Severity, Snapshot, SourceFile, kinds::scan_shard::Input,
};
use engine::Deadline;
use insight::trust::TestNames;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{Tx, dispositions, findings, runs::Fence, trust_scores};

use super::ScanError;
use crate::{
    Deps, Error,
    analysis::{
        policy::{self, Ruled},
        security::judged,
    },
    examine::{self, Around, Reuse, examine},
    memory::{COMMIT_TIME, Work, Written, input, written},
    trust::{self, Seen},
};

/// Scores that are written at once, some kilobytes each.
const SCORES_PER_STATEMENT: usize = 500;

/// What the rules object to in these files, before it is known what people have dismissed.
pub(crate) struct Found {
    examined: Arc<examine::Examined>,
    held: Arc<Held>,
    ruled: Ruled,
    seen: Seen,
}

/// What `scan` leaves.
#[derive(Serialize, Deserialize)]
pub(super) struct Examined {
    pub(super) files: usize,
    pub(super) findings: BTreeMap<Severity, u32>,
    pub(super) coverage: Coverage,
    #[serde(default)]
    pub(super) reuse: Reuse,
    /// What the repository's policy did.
    #[serde(default)]
    pub(super) policy: PolicyFacts,
    /// Files that were given a score, and those that could have one and got none in time.
    #[serde(default)]
    pub(super) scored: usize,
    #[serde(default)]
    pub(super) unscored: usize,
    pub(super) incomplete: Vec<Incomplete>,
}

pub(super) async fn work(deps: &Deps, work: &mut Work, deadline: Deadline) -> Result<Found, Error> {
    let files = files(deps, work).await?;
    let stop = deadline.less(COMMIT_TIME);
    let (examined, _) = examine(work, &files, stop).await?;
    let held = policy::held(work)?;
    let ruled = policy::rule(&held, work.run(), &examined.scan.findings);
    let seen =
        trust::seen_of(&files.files, &examined.facts, &examined.coverage, &work.memory.tests);
    Ok(Found { examined, held, ruled, seen })
}

/// The files that are this shard's, as far as the policy of the scanned commit lets them be.
pub(super) async fn files(deps: &Deps, work: &mut Work) -> Result<Arc<Snapshot>, Error> {
    if let Some(part) = &work.memory.snapshot {
        return Ok(Arc::clone(part));
    }
    let Input { commit, first, count, .. } = input(work)?;
    let whole = deps.objects.get_snapshot(work.run().org, &commit).await?;
    let held = Arc::new(Held::of(&standing(&whole, POLICY_PATH)));
    let tests = TestNames::of(whole.files.iter().map(|file| file.path.as_str()));
    work.memory.tests = Arc::new(tests);
    let around = around(&whole, &held, first, count);
    let part = part_of(whole, first, count)?;
    let part = policy::narrow(Arc::new(part), Arc::clone(&held)).await?;
    work.memory.results.put_around(&part, around);
    work.memory.policy = Some(held);
    Ok(Arc::clone(work.memory.snapshot.insert(part)))
}

/// What other shards have of the packages that this one has a part of.
fn around(whole: &Snapshot, held: &Held, first: usize, count: usize) -> Around {
    let covered = |file: &&SourceFile| held.policy.covers(&file.path);
    let own = whole.files.iter().skip(first).take(count);
    Around::of(own, whole.files.iter().filter(covered))
}

/// The shard's files alone. What the snapshot left out is nobody's part: the scan lists it.
fn part_of(mut whole: Snapshot, first: usize, count: usize) -> Result<Snapshot, ScanError> {
    let (end, files) = (first.saturating_add(count), whole.files.len());
    if end > files {
        return Err(ScanError::OutOfRange { end, files });
    }
    whole.files.truncate(end);
    whole.files.drain(..first);
    Ok(Snapshot { left_out: Vec::new(), ..whole })
}

impl Found {
    /// The findings go into the scan's analysis, together with the end of this shard.
    pub(super) async fn write(
        &self,
        tx: &Tx<'_>,
        fence: &Fence,
        work: &Work,
    ) -> Result<Written, Error> {
        let dismissed = dispositions::list_dismissed(tx, work.memory.repository()?.id).await?;
        let examine::Examined { scan, coverage, reuse, .. } = &*self.examined;
        let mut judged = judged(&self.ruled.findings, None, &self.held.policy.gate, dismissed);
        self.ruled.ignore(&mut judged);
        findings::insert_all(tx, fence, &judged).await?;
        examine::keep(tx, work.run().org, &[&self.examined]).await?;
        let mut findings: BTreeMap<Severity, u32> = BTreeMap::new();
        for finding in &self.ruled.findings {
            *findings.entry(finding.severity).or_default() += 1;
        }
        let incomplete = policy::unfinished(&self.held, &scan.incomplete);
        let Seen { files: seen, left_out } = &self.seen;
        for files in seen.chunks(SCORES_PER_STATEMENT) {
            let scores = trust::scores(tx, work, files, &scan.incomplete, false).await?;
            trust_scores::insert_all(tx, fence, &scores).await?;
        }
        let files = coverage.files as usize;
        let summary = json!({
            "files": files,
            "findings": findings,
            "incomplete": incomplete.len(),
            "processed": files,
        });
        let examined = Examined {
            files,
            findings,
            coverage: coverage.clone(),
            reuse: *reuse,
            policy: self.ruled.facts(coverage),
            scored: seen.len(),
            unscored: *left_out,
            incomplete,
        };
        Ok(Written { summary: Some(summary), ..written("scan", &examined)? })
    }
}

#[cfg(test)]
mod tests {
    use domain::{SourceFile, Unanalysed, UnanalysedReason};

    use super::*;

    #[test]
    fn a_part_has_its_own_files_and_no_others() {
        let snapshot = || Snapshot {
            commit: "a".repeat(40).parse().unwrap(),
            files: ["a", "b", "c", "d"]
                .map(|path| SourceFile { path: path.into(), bytes: Vec::new() })
                .into(),
            left_out: vec![Unanalysed { path: "e".into(), reason: UnanalysedReason::TooLarge }],
        };
        for (first, count, paths) in [(0, 4, "abcd"), (1, 2, "bc"), (3, 1, "d"), (4, 0, "")] {
            let part = part_of(snapshot(), first, count).unwrap();
            let found: String = part.files.into_iter().map(|file| file.path).collect();
            assert_eq!((found.as_str(), part.left_out.len()), (paths, 0));
        }
        for (first, count) in [(0, 5), (4, 1), (usize::MAX, 1)] {
            let error = part_of(snapshot(), first, count).unwrap_err();
            assert!(matches!(error, ScanError::OutOfRange { files: 4, .. }), "{error}");
        }
    }
}
