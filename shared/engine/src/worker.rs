//! What a function that does runs brings along.

use std::time::Duration;

use domain::{Classify, ErrorCode, Intent, RunKind, StepSpec};
use queue::Queue;
use serde::Serialize;
use serde_json::Value;
use startup::SecretError;
use store::{
    StoreError, Tx,
    runs::{Fence, Run},
};

use crate::{Deadline, Work};

/// Does the steps of some kinds of runs.
#[expect(async_fn_in_trait, reason = "a function's futures stay on one thread")]
pub trait Worker {
    type Error: Failure;
    /// What a worker knows about a run that it holds, beside the run and its steps.
    type Memory;
    /// A step that was worked on and of which nothing is written yet.
    type Prepared;

    fn does(&self, kind: RunKind) -> bool;

    /// The steps that are done, in their order; the kind's own unless a worker has others.
    fn steps(&self, kind: RunKind) -> &'static [StepSpec] {
        kind.steps()
    }

    /// Reads what the steps need, together with the claim.
    async fn load(&self, tx: &Tx<'_>, run: &Run) -> Result<Self::Memory, StoreError>;

    /// Gets ready for a step, like [`Worker::prepare`] without a transaction, and says whether
    /// [`Worker::read`] is to be called before it is prepared.
    async fn wants_to_read(
        &self,
        _step: &'static StepSpec,
        _work: &mut Work<Self::Memory>,
    ) -> Result<bool, Self::Error> {
        Ok(false)
    }

    /// Reads what only the step knew that it needs, in a transaction of its own that is never
    /// committed.
    async fn read(&self, _tx: &Tx<'_>, _work: &mut Work<Self::Memory>) -> Result<(), StoreError> {
        Ok(())
    }

    /// Works on a step without writing to the database. It holds no transaction, and the
    /// engine's connection is not to be had.
    async fn prepare(
        &self,
        step: &'static StepSpec,
        work: &mut Work<Self::Memory>,
        deadline: Deadline,
    ) -> Result<Outcome<Self::Prepared>, Self::Error>;

    /// Writes the effects of a step, behind the fence. It may be called again for a step whose
    /// commit failed, never for one that was committed.
    async fn write(
        &self,
        tx: &Tx<'_>,
        fence: &Fence,
        work: &Work<Self::Memory>,
        prepared: &Self::Prepared,
    ) -> Result<Written, Self::Error>;

    /// Writes what else is to be written when a run has failed, in the same transaction, and says
    /// who is to be told.
    async fn failed(
        &self,
        tx: &Tx<'_>,
        run: &Run,
        told: &str,
    ) -> Result<Vec<(Queue, Value)>, StoreError>;
}

/// Why a step did not succeed. Its [`Classify::kind`] decides whether it is tried again.
pub trait Failure: Classify + Sized + From<StoreError> + From<SecretError> {
    /// The code that the run ends with, if trying again cannot help.
    fn code(&self) -> ErrorCode;

    /// Whether all the time of an invocation may help, when the step had only what others left.
    fn wants_more_time(&self) -> bool {
        false
    }
}

/// What came of working on a step.
#[derive(Debug)]
pub enum Outcome<P> {
    /// Done, and nothing is to be written but what it leaves: one round trip.
    Done(Written),
    /// Done, with effects to be written behind the fence.
    Write(P),
    /// Not yet: the step is to be asked again after this time.
    Wait(Duration),
    /// A person has to allow this; only for approval steps.
    Ask(Intent),
}

/// What a step leaves beside its effects.
#[derive(Debug, Clone, Default)]
pub struct Written {
    pub output: Value,
    /// Sent after the commit.
    pub messages: Vec<(Queue, Value)>,
    /// What the run ends with; only of the last step.
    pub summary: Option<Value>,
}

impl Written {
    pub fn output(output: &impl Serialize) -> serde_json::Result<Self> {
        Ok(Self { output: serde_json::to_value(output)?, ..Self::default() })
    }
}
