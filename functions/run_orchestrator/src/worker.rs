//! Which kind is whose.

use std::sync::Arc;

use domain::{RunKind, StepSpec, kinds::merge::Plan};
use engine::{Deadline, Outcome, Worker};
use queue::{Message, NotifyRequested, Queue};
use serde_json::Value;
use store::{
    StoreError, Tx, analyses, codebase_scans, repositories,
    runs::{Fence, Run},
};

use crate::{
    Deps, Error, analysis,
    examine::{self, Results},
    memory::{Memory, Work, Written},
    merge, scan,
};

/// A step that was worked on, by the kind of its run.
pub(crate) enum Prepared {
    Analysis(analysis::Prepared),
    MergePlan(Plan),
    Scan(scan::Prepared),
}

/// The kinds that this function does.
pub(crate) struct Kinds<'a>(pub(crate) &'a Deps);

impl Worker for Kinds<'_> {
    type Error = Error;
    type Memory = Memory;
    type Prepared = Prepared;

    fn does(&self, kind: RunKind) -> bool {
        match kind {
            RunKind::Analysis | RunKind::CodebaseScan | RunKind::ScanShard | RunKind::Merge => true,
            RunKind::RepositorySync => false,
        }
    }

    async fn load(&self, tx: &Tx<'_>, run: &Run) -> Result<Memory, StoreError> {
        let repository = match run.repository {
            Some(id) => repositories::find(tx, id).await?,
            None => None,
        };
        let is_asked = run.kind == RunKind::Merge && merge::is_asked(tx, run).await?;
        Ok(Memory {
            repository,
            snapshot: None,
            base_files: None,
            policy: None,
            narrowed: None,
            narrowed_base: None,
            compared_base: None,
            rules: Arc::default(),
            own_rules: analysis::rules::load(tx, run).await?,
            tests: Arc::default(),
            results: Results::default(),
            is_asked,
        })
    }

    async fn wants_to_read(&self, step: &'static StepSpec, work: &mut Work) -> Result<bool, Error> {
        match work.run().kind {
            RunKind::Analysis => analysis::wants_to_read(step, self.0, work).await,
            RunKind::ScanShard => scan::wants_to_read(self.0, work).await,
            RunKind::CodebaseScan | RunKind::Merge | RunKind::RepositorySync => Ok(false),
        }
    }

    async fn read(&self, tx: &Tx<'_>, work: &mut Work) -> Result<(), StoreError> {
        examine::read(tx, work).await
    }

    async fn prepare(
        &self,
        step: &'static StepSpec,
        work: &mut Work,
        deadline: Deadline,
    ) -> Result<Outcome<Prepared>, Error> {
        match work.run().kind {
            RunKind::Analysis => {
                let prepared = analysis::prepare(step, self.0, work, deadline).await?;
                Ok(Outcome::Write(Prepared::Analysis(prepared)))
            }
            RunKind::Merge => merge::prepare(step, self.0, work).await,
            RunKind::CodebaseScan | RunKind::ScanShard => {
                scan::prepare(step, self.0, work, deadline).await
            }
            RunKind::RepositorySync => Err(Error::UnknownStep(step.id)),
        }
    }

    async fn write(
        &self,
        tx: &Tx<'_>,
        fence: &Fence,
        work: &Work,
        prepared: &Prepared,
    ) -> Result<Written, Error> {
        match prepared {
            Prepared::Analysis(prepared) => prepared.write(tx, fence, work).await,
            Prepared::MergePlan(plan) => merge::write(tx, fence, plan).await,
            Prepared::Scan(prepared) => prepared.write(tx, fence, work).await,
        }
    }

    async fn failed(
        &self,
        tx: &Tx<'_>,
        run: &Run,
        told: &str,
    ) -> Result<Vec<(Queue, Value)>, StoreError> {
        match run.kind {
            RunKind::Analysis => {
                analyses::fail(tx, run.id, told).await?;
                let notify = NotifyRequested { org_id: run.org, run_id: run.id };
                Ok(vec![(NotifyRequested::QUEUE, notify.body())])
            }
            RunKind::CodebaseScan => {
                analyses::fail(tx, run.id, told).await?;
                codebase_scans::fail(tx, run.id, told).await?;
                Ok(Vec::new())
            }
            // Whoever waits for a shard reads how it ended.
            RunKind::ScanShard | RunKind::Merge | RunKind::RepositorySync => Ok(Vec::new()),
        }
    }
}
