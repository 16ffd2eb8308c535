//! What an analysis does, step by step, and what each step leaves in `run_steps.output`:
//!
//! | step | output |
//! |---|---|
//! | fetch | `commit`, `snapshot_key`, `commit_object_sha256`, `files`, `bytes`, `changes` (null: all is new) |
//! | manifest | `manifest_id`, `version`, `hash`, `changed` (a version was made for it) |
//! | parse | the coverage |
//! | security | `rules_version`, `gate`, `findings`, `deciding`, `incomplete` |
//! | verdict | `analysis_id`, `verdict`, `counts` |

pub(crate) mod fetch;
mod manifest;
mod parse;
mod security;
mod verdict;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use domain::{AnalysisInput, Snapshot, StepStatus};
use queue::Queue;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use store::{
    Tx,
    repositories::Repository,
    run_steps::Step,
    runs::{Fence, Lease, Run},
};

use crate::{Deadline, Deps, Error};

/// Kept free at the end of an invocation for writing down what a step found.
const COMMIT_TIME: Duration = Duration::from_secs(10);

/// A claimed run and what is known about it.
pub(crate) struct Work {
    pub(crate) lease: Lease,
    repository: Option<Repository>,
    /// What the finished steps left.
    outputs: BTreeMap<String, Value>,
    /// The code, once a step had it in hand.
    snapshot: Option<Arc<Snapshot>>,
}

impl Work {
    pub(crate) fn new(lease: Lease, done: Vec<Step>, repository: Option<Repository>) -> Self {
        let outputs = done
            .into_iter()
            .filter(|step| matches!(step.status, StepStatus::Succeeded | StepStatus::Skipped))
            .map(|step| (step.step, step.output.unwrap_or_default()))
            .collect();
        Self { lease, repository, outputs, snapshot: None }
    }

    pub(crate) fn run(&self) -> &Run {
        &self.lease.run
    }

    pub(crate) fn traceparent(&self) -> Option<&str> {
        self.run().traceparent.as_deref()
    }

    pub(crate) fn next_step(&self) -> Option<&'static str> {
        let done: Vec<&str> = self.outputs.keys().map(String::as_str).collect();
        self.run().kind.next_step(&done)
    }

    pub(crate) fn done(&mut self, step: &str, output: Value) {
        self.outputs.insert(step.to_owned(), output);
    }

    fn repository(&self) -> Result<&Repository, Error> {
        self.repository.as_ref().ok_or(Error::Incomplete("repository"))
    }

    fn input(&self) -> Result<AnalysisInput, Error> {
        serde_json::from_value(self.run().input.clone())
            .map_err(|source| Error::Output { step: "input", source })
    }

    fn output<T: DeserializeOwned>(&self, step: &'static str) -> Result<T, Error> {
        let output = self.outputs.get(step).cloned().unwrap_or_default();
        serde_json::from_value(output).map_err(|source| Error::Output { step, source })
    }

    /// The code that is examined: still in hand, or read back from the object store.
    async fn snapshot(&mut self, deps: &Deps) -> Result<Arc<Snapshot>, Error> {
        if let Some(snapshot) = &self.snapshot {
            return Ok(Arc::clone(snapshot));
        }
        let fetched: fetch::Output = self.output("fetch")?;
        let snapshot = deps.objects.get_snapshot(self.run().org, &fetched.commit).await?;
        Ok(Arc::clone(self.snapshot.insert(Arc::new(snapshot))))
    }
}

/// A step that was worked on and of which nothing is written yet.
pub(crate) enum Prepared {
    Fetch(fetch::Found),
    Manifest(manifest::Found),
    Parse(parse::Found),
    Security(security::Found),
    Verdict,
}

/// What a step wrote beside its effects.
pub(crate) struct Written {
    pub(crate) output: Value,
    pub(crate) messages: Vec<(Queue, Value)>,
    /// Set by the last step: the run is over.
    pub(crate) summary: Option<Value>,
}

impl Written {
    fn output(step: &'static str, output: &impl Serialize) -> Result<Self, Error> {
        let output =
            serde_json::to_value(output).map_err(|source| Error::Output { step, source })?;
        Ok(Self { output, messages: Vec::new(), summary: None })
    }
}

/// Works on a step without writing to the database.
pub(crate) async fn prepare(
    step: &'static str,
    deps: &Deps,
    work: &mut Work,
    deadline: Deadline,
) -> Result<Prepared, Error> {
    match step {
        "fetch" => fetch::work(deps, work, deadline).await.map(Prepared::Fetch),
        "manifest" => manifest::work(deps, work).await.map(Prepared::Manifest),
        "parse" => parse::work(deps, work, deadline).await.map(Prepared::Parse),
        "security" => security::work(deps, work, deadline).await.map(Prepared::Security),
        "verdict" => Ok(Prepared::Verdict),
        unknown => Err(Error::UnknownStep(unknown)),
    }
}

impl Prepared {
    /// Writes the effects, behind the fence.
    pub(crate) async fn write(
        &self,
        tx: &Tx<'_>,
        fence: &Fence,
        work: &Work,
    ) -> Result<Written, Error> {
        match self {
            Self::Fetch(found) => found.write(tx, fence).await,
            Self::Manifest(found) => found.write(tx, work).await,
            Self::Parse(found) => found.write(tx, fence).await,
            Self::Security(found) => found.write(tx, fence, work).await,
            Self::Verdict => verdict::write(tx, fence, work).await,
        }
    }
}

/// Runs what would hold up everything else, and turns its panic into an error.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Error::AnalyserPanicked)
}
