//! A worker whose steps are trivial, for measuring and counting what the engine itself does.

use domain::{Classify, ErrorCode, ErrorKind, OrgId, RunId, RunKind, StepKind, StepSpec};
use engine::{Deadline, Failure, Outcome, Work, Worker, Written};
use queue::{Message, NotifyRequested, Queue, RunRequested};
use serde_json::{Value, json};
use startup::SecretError;
use store::{
    Session, StoreError, Tx,
    deliveries::{self, NewDelivery},
    outbox::{self, Outgoing},
    runs::{self, Fence, NewRun, Run},
};
use uuid::Uuid;

/// What the steps of a run do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Steps {
    /// They leave an output.
    Pure,
    /// They also insert a row and an outbox row, in the same transaction.
    WithEffects,
}

/// Does five steps of its own in a run that is called an analysis.
pub struct FiveSteps(pub Steps);

const fn step(id: &'static str) -> StepSpec {
    StepSpec { id, kind: StepKind::Work, approval: None }
}

impl FiveSteps {
    /// As many as the budget is written for; a kind may get more.
    pub const STEPS: &[StepSpec] =
        &[step("fetch"), step("manifest"), step("parse"), step("security"), step("verdict")];
}

/// Asks for a run as a webhook does: with its outbox row, in one transaction.
pub async fn request(session: &mut Session, org: OrgId) -> RunId {
    let run = RunId::new(Uuid::now_v7());
    let tx = session.begin(org).await.unwrap();
    let new = NewRun {
        id: run,
        org,
        project: None,
        repository: None,
        kind: RunKind::Analysis,
        idempotency_key: run.to_string(),
        event_type: "push".to_owned(),
        git_ref: None,
        commit: None,
        pull_request: None,
        input: json!({}),
        traceparent: None,
        parent: None,
        schedule: None,
    };
    runs::insert(&tx, &new).await.unwrap();
    let body = RunRequested { org_id: org, run_id: run }.body();
    let queue = Queue::Runs.as_str();
    let message = Outgoing { org, queue, body: &body, traceparent: None };
    outbox::insert_and_commit(tx, &message).await.unwrap();
    run
}

impl Worker for FiveSteps {
    type Error = Broken;
    type Memory = ();
    type Prepared = &'static StepSpec;

    fn does(&self, kind: RunKind) -> bool {
        kind == RunKind::Analysis
    }

    fn steps(&self, _: RunKind) -> &'static [StepSpec] {
        Self::STEPS
    }

    async fn load(&self, _: &Tx<'_>, _: &Run) -> Result<(), StoreError> {
        Ok(())
    }

    async fn prepare(
        &self,
        step: &'static StepSpec,
        _: &mut Work<()>,
        _: Deadline,
    ) -> Result<Outcome<&'static StepSpec>, Broken> {
        Ok(match self.0 {
            Steps::Pure => Outcome::Done(left()),
            Steps::WithEffects => Outcome::Write(step),
        })
    }

    async fn write(
        &self,
        tx: &Tx<'_>,
        _: &Fence,
        work: &Work<()>,
        step: &&'static StepSpec,
    ) -> Result<Written, Broken> {
        let run = work.run();
        let row = NewDelivery {
            org: run.org,
            source: "github",
            id: &format!("{}:{}", run.id, step.id),
            event: step.id,
            repo_owner: None,
            repo_name: None,
            run: Some(run.id),
            ignored_reason: None,
        };
        deliveries::insert(tx, &row).await?;
        let notify = NotifyRequested { org_id: run.org, run_id: run.id };
        Ok(Written { messages: vec![(Queue::Notify, notify.body())], ..left() })
    }

    async fn failed(
        &self,
        _: &Tx<'_>,
        _: &Run,
        _: &str,
    ) -> Result<Vec<(Queue, Value)>, StoreError> {
        Ok(Vec::new())
    }
}

fn left() -> Written {
    Written { output: json!({ "number": 1 }), ..Written::default() }
}

/// The database's trouble: the steps themselves have none.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Secret(#[from] SecretError),
}

impl Classify for Broken {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Store(error) => error.kind(),
            Self::Secret(error) => error.kind(),
        }
    }
}

impl Failure for Broken {
    fn code(&self) -> ErrorCode {
        ErrorCode::UnknownError
    }
}
