use std::ops::Range;

use domain::{
    CommitSha, RunId, RunKind, Unanalysed,
    kinds::{
        codebase_scan::{self, Sharded},
        scan_shard::Input,
    },
};
use store::{
    Tx,
    runs::{self, Fence, NewRun, Run},
};
use uuid::Uuid;

use super::cut;
use crate::analysis::rules;
use crate::memory::{Work, Written, input, snapshot, written};
use crate::{Deps, Error};

/// Who is to examine which files.
pub(crate) struct Found {
    commit: CommitSha,
    files: usize,
    ranges: Vec<Range<usize>>,
    left_out: Vec<Unanalysed>,
    /// Names the customer's own rules, the same ones for every shard.
    rules: Option<String>,
}

pub(super) async fn work(deps: &Deps, work: &mut Work) -> Result<Found, Error> {
    rules::ready(work).await?;
    let snapshot = snapshot(deps, work).await?;
    let sizes: Vec<u64> = snapshot.files.iter().map(|file| file.bytes.len() as u64).collect();
    let ranges = match input::<codebase_scan::Input>(work)?.shards {
        Some(shards) => cut::into(shards, sizes.len()),
        None => cut::ranges(&sizes),
    };
    Ok(Found {
        commit: snapshot.commit.clone(),
        files: sizes.len(),
        ranges,
        left_out: snapshot.left_out.clone(),
        rules: work.memory.rules.hash().map(str::to_owned),
    })
}

impl Found {
    /// Begins a run for each range. They are there, with their messages, or none of them is.
    pub(super) async fn write(
        &self,
        tx: &Tx<'_>,
        fence: &Fence,
        work: &Work,
    ) -> Result<Written, Error> {
        rules::record(tx, fence, work).await?;
        let (mut shards, mut messages) = (Vec::new(), Vec::new());
        for (number, range) in self.ranges.iter().enumerate() {
            let child = self.child(work.run(), number, range)?;
            let id = runs::insert(tx, &child).await?.run();
            shards.push(id);
            messages.push(queue::wake_up(RunKind::ScanShard, child.org, id));
        }
        let unusable = work.memory.own_rules.unusable().iter();
        let sharded = Sharded {
            files: self.files,
            shards,
            left_out: self.left_out.clone(),
            rules: self.rules.clone(),
            unusable_rules: unusable.filter_map(|one| one.rule.clone()).collect(),
        };
        Ok(Written { messages, ..written("shard", &sharded)? })
    }

    fn child(&self, scan: &Run, number: usize, range: &Range<usize>) -> Result<NewRun, Error> {
        let input = Input {
            commit: self.commit.clone(),
            first: range.start,
            count: range.len(),
            rules: self.rules.clone(),
        };
        let input = serde_json::to_value(input)
            .map_err(|source| Error::Output { step: "shard", source })?;
        Ok(NewRun {
            id: RunId::new(Uuid::now_v7()),
            org: scan.org,
            project: scan.project,
            repository: scan.repository,
            kind: RunKind::ScanShard,
            idempotency_key: format!("{}:shard:{number}", scan.origin),
            event_type: scan.event_type.clone(),
            git_ref: scan.git_ref.clone(),
            commit: Some(self.commit.clone()),
            pull_request: None,
            input,
            traceparent: scan.traceparent.clone(),
            parent: Some(scan.id),
            // A schedule has one open run, and that is the scan.
            schedule: None,
        })
    }
}
