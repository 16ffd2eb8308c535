//! One shard: some of the files, by all the rules. Each rule looks at one file at a time; a rule
//! that compared files would see those of its shard only.

use std::{collections::BTreeMap, time::Instant};

use analysis::{Clock, Incomplete, Scan};
use domain::{Coverage, Gate, Severity, Snapshot, kinds::scan_shard::Input};
use engine::Deadline;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{Tx, dispositions, findings, runs::Fence};

use super::ScanError;
use crate::{
    Deps, Error,
    analysis::security::judged,
    memory::{COMMIT_TIME, Work, Written, blocking, input, written},
};

/// What the rules object to in these files, before it is known what people have dismissed.
pub(crate) struct Found {
    coverage: Coverage,
    scan: Scan,
}

/// What `scan` leaves.
#[derive(Serialize, Deserialize)]
pub(super) struct Examined {
    pub(super) files: usize,
    pub(super) findings: BTreeMap<Severity, u32>,
    pub(super) coverage: Coverage,
    pub(super) incomplete: Vec<Incomplete>,
}

pub(super) async fn work(deps: &Deps, work: &mut Work, deadline: Deadline) -> Result<Found, Error> {
    let Input { commit, first, count } = input(work)?;
    let whole = deps.objects.get_snapshot(work.run().org, &commit).await?;
    let part = part_of(whole, first, count)?;
    let stop = deadline.less(COMMIT_TIME);
    blocking(move || {
        let time_is_up = || Instant::now() >= stop;
        let clock = Clock::new(&time_is_up);
        // What time runs out for is listed, by either of them.
        let scan = analysis::scan(&part, &clock);
        Found { scan, coverage: analysis::parse(&part, &clock).coverage }
    })
    .await
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
        let judged = judged(&self.scan.findings, None, &Gate::default(), dismissed);
        findings::insert_all(tx, fence, &judged).await?;
        let mut findings: BTreeMap<Severity, u32> = BTreeMap::new();
        for finding in &self.scan.findings {
            *findings.entry(finding.severity).or_default() += 1;
        }
        let files = self.coverage.files as usize;
        let summary = json!({
            "files": files,
            "findings": findings,
            "incomplete": self.scan.incomplete.len(),
            "processed": files,
        });
        let examined = Examined {
            files,
            findings,
            coverage: self.coverage.clone(),
            incomplete: self.scan.incomplete.clone(),
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
