//! The two steps of a repository sync, as the engine calls them.

use domain::{Manifest, RunKind, StepSpec};
use engine::{Deadline, Outcome, Worker, Written};
use queue::Queue;
use serde_json::Value;
use store::{
    StoreError, Tx,
    repo_syncs::{self, LastSync},
    repositories::{self, Repository},
    runs::{Fence, Run},
};

use crate::{Deps, Error, fetch, manifest};

pub(crate) type Work = engine::Work<Memory>;

/// What the steps of a sync share while one worker has it.
pub(crate) struct Memory {
    repository: Option<Repository>,
    /// What the default branch held when it last changed.
    pub(crate) last: Option<LastSync>,
    /// What it holds now, once it was read.
    pub(crate) manifest: Option<Manifest>,
}

impl Memory {
    pub(crate) fn repository(&self) -> Result<&Repository, Error> {
        self.repository.as_ref().ok_or(Error::Incomplete("repository"))
    }
}

/// A step that was worked on and of which nothing is written yet.
pub(crate) enum Prepared {
    Fetch(fetch::Found),
    Manifest(manifest::Found),
}

pub(crate) struct Syncs<'a>(pub(crate) &'a Deps);

impl Worker for Syncs<'_> {
    type Error = Error;
    type Memory = Memory;
    type Prepared = Prepared;

    fn does(&self, kind: RunKind) -> bool {
        kind == RunKind::RepositorySync
    }

    async fn load(&self, tx: &Tx<'_>, run: &Run) -> Result<Memory, StoreError> {
        let (repository, last) = match run.repository {
            Some(id) => {
                (repositories::find(tx, id).await?, repo_syncs::find_last_change(tx, id).await?)
            }
            None => (None, None),
        };
        Ok(Memory { repository, last, manifest: None })
    }

    async fn prepare(
        &self,
        step: &'static StepSpec,
        work: &mut Work,
        deadline: Deadline,
    ) -> Result<Outcome<Prepared>, Error> {
        let prepared = match step.id {
            "fetch" => Prepared::Fetch(fetch::work(self.0, work, deadline).await?),
            "manifest" => Prepared::Manifest(manifest::work(self.0, work).await?),
            unknown => return Err(Error::UnknownStep(unknown)),
        };
        Ok(Outcome::Write(prepared))
    }

    async fn write(
        &self,
        tx: &Tx<'_>,
        fence: &Fence,
        work: &Work,
        prepared: &Prepared,
    ) -> Result<Written, Error> {
        match prepared {
            Prepared::Fetch(found) => found.write(tx, fence).await,
            Prepared::Manifest(found) => found.write(tx, fence, work).await,
        }
    }

    async fn failed(
        &self,
        tx: &Tx<'_>,
        run: &Run,
        told: &str,
    ) -> Result<Vec<(Queue, Value)>, StoreError> {
        repo_syncs::fail(tx, run.id, told).await?;
        Ok(Vec::new())
    }
}
