use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use domain::{StepSpec, StepStatus};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;
use store::{
    run_steps::Step,
    runs::{Lease, Run},
};

/// A claimed run and what is known about it.
pub struct Work<M> {
    pub(crate) lease: Lease,
    /// The worker's own.
    pub memory: M,
    planned: &'static [StepSpec],
    done: BTreeMap<String, Done>,
    /// Whether a step was finished since the claim.
    pub(crate) has_progressed: bool,
}

/// What a finished step left, and when.
struct Done {
    output: Value,
    at: Timestamp,
}

impl<M> Work<M> {
    pub(crate) fn new(
        lease: Lease,
        memory: M,
        planned: &'static [StepSpec],
        steps: Vec<Step>,
    ) -> Self {
        let done = steps
            .into_iter()
            .filter(|step| matches!(step.status, StepStatus::Succeeded | StepStatus::Skipped))
            .map(|step| {
                let done = Done { output: step.output.unwrap_or_default(), at: step.finished_at };
                (step.step, done)
            })
            .collect();
        Self { lease, memory, planned, done, has_progressed: false }
    }

    pub fn run(&self) -> &Run {
        &self.lease.run
    }

    pub fn next_step(&self) -> Option<&'static StepSpec> {
        self.planned.iter().find(|step| !self.done.contains_key(step.id))
    }

    /// Whether it is the step that ends the run.
    pub(crate) fn is_last(&self, step: &StepSpec) -> bool {
        self.planned.last().is_some_and(|last| last.id == step.id)
    }

    /// How often the next step is being begun, counting this time.
    pub fn attempt(&self) -> i32 {
        if self.has_progressed { 1 } else { self.lease.attempt }
    }

    /// What the run was asked.
    pub fn input<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_value(self.run().input.clone())
    }

    /// What a finished step left.
    pub fn output<T: DeserializeOwned>(&self, step: &str) -> serde_json::Result<T> {
        let output = self.done.get(step).map(|done| done.output.clone());
        serde_json::from_value(output.unwrap_or_default())
    }

    /// When a step was finished.
    pub fn finished_at(&self, step: &str) -> Option<Timestamp> {
        self.done.get(step).map(|done| done.at)
    }

    /// What a call outside carries so that its repetition is known as one: the same for every
    /// attempt, and for the runs that go on from this one.
    pub fn idempotency_key(&self, step: &str) -> String {
        format!("{}:{step}", self.run().origin)
    }

    pub(crate) fn done(&mut self, begun: &Begun, output: Value) {
        let done = Done { output, at: begun.at };
        self.done.insert(begun.step.id.to_owned(), done);
        self.has_progressed = true;
    }
}

/// A step that was begun.
pub(crate) struct Begun {
    pub(crate) step: &'static StepSpec,
    pub(crate) at: Timestamp,
    instant: Instant,
}

impl Begun {
    #[expect(clippy::disallowed_methods, reason = "for people: no decision hangs on it")]
    pub(crate) fn now(step: &'static StepSpec) -> Self {
        Self { step, at: Timestamp::now(), instant: Instant::now() }
    }

    pub(crate) fn took(&self) -> Duration {
        self.instant.elapsed()
    }
}
