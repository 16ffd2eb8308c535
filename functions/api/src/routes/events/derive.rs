//! What is told of a run, derived from its rows.
//!
//! A position once told is told the same for ever: rows of finished steps, of approvals and of
//! decisions never change, and what comes before what follows from the order of the steps, not
//! from clocks. That a run waits, or is tried again, stands only in columns that are overwritten;
//! so no event says it, and `GET /v1/runs/{id}` does.

use domain::{ApprovalScope, ApprovalStatus, ErrorCode, RunKind, RunStatus, StepKind, StepStatus};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use store::runs::{History, PastApproval, PastStep, Run};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    routes::runs::summary,
    words::{
        ApprovalScopeWord, ApprovalStatusWord, ErrorCodeWord, FinishedStepWord, RunKindWord,
        RunStatusWord, StepKindWord,
    },
};

/// Something that happened to a run.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(super) struct Event {
    /// Its position among the run's events, from 1 on.
    pub(super) id: u64,
    pub(super) event: EventName,
    pub(super) data: EventData,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum EventName {
    RunStarted,
    StepStarted,
    ApprovalRequested,
    ApprovalDecided,
    StepFinished,
    RunFinished,
}

impl EventName {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::RunStarted => "run-started",
            Self::StepStarted => "step-started",
            Self::ApprovalRequested => "approval-requested",
            Self::ApprovalDecided => "approval-decided",
            Self::StepFinished => "step-finished",
            Self::RunFinished => "run-finished",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(untagged)]
pub(super) enum EventData {
    RunStarted(RunStarted),
    StepStarted(StepStarted),
    ApprovalRequested(ApprovalRequested),
    ApprovalDecided(ApprovalDecided),
    StepFinished(StepFinished),
    RunFinished(RunFinished),
}

impl EventData {
    fn name(&self) -> EventName {
        match self {
            Self::RunStarted(_) => EventName::RunStarted,
            Self::StepStarted(_) => EventName::StepStarted,
            Self::ApprovalRequested(_) => EventName::ApprovalRequested,
            Self::ApprovalDecided(_) => EventName::ApprovalDecided,
            Self::StepFinished(_) => EventName::StepFinished,
            Self::RunFinished(_) => EventName::RunFinished,
        }
    }
}

/// A worker took the run for the first time.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(super) struct RunStarted {
    at: Timestamp,
    #[schema(value_type = RunKindWord)]
    kind: RunKind,
    /// The failed run that this one goes on from.
    resumes: Option<Uuid>,
    /// Steps that were done by it, and are not done again.
    taken_over: Vec<String>,
}

/// A step is the next to be done, since the one before it is finished.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(super) struct StepStarted {
    at: Timestamp,
    step: String,
    #[schema(value_type = StepKindWord)]
    kind: StepKind,
}

/// A person is asked. The run waits.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(super) struct ApprovalRequested {
    at: Timestamp,
    step: String,
    approval_id: Uuid,
    #[schema(value_type = ApprovalScopeWord)]
    scope: ApprovalScope,
    /// What will happen.
    summary: String,
    /// What a decision has to name.
    intent_hash: String,
    expires_at: Option<Timestamp>,
}

/// It was decided, or need not be any more.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(super) struct ApprovalDecided {
    at: Timestamp,
    step: String,
    approval_id: Uuid,
    /// Never `pending`.
    #[schema(value_type = ApprovalStatusWord)]
    status: ApprovalStatus,
    decided_by: Option<String>,
    reason: Option<String>,
}

/// A step is over, and will not be done again by this run.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(super) struct StepFinished {
    at: Timestamp,
    step: String,
    #[schema(value_type = FinishedStepWord)]
    status: StepStatus,
    /// How often it was begun, over all runs that went on from one another.
    attempt: i32,
    duration_ms: i64,
    /// What went wrong, when something did.
    #[schema(value_type = Option<Object>)]
    error: Option<Value>,
    /// Numbers and short texts of what the step made; a list is shown as its length.
    #[schema(value_type = Option<Object>)]
    output: Option<Map<String, Value>>,
}

/// The run is over, and this is the last that is told of it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(super) struct RunFinished {
    at: Timestamp,
    #[schema(value_type = RunStatusWord)]
    status: RunStatus,
    #[schema(value_type = Option<ErrorCodeWord>)]
    error_code: Option<ErrorCode>,
    error: Option<String>,
    /// Numbers and short texts of what came of it.
    #[schema(value_type = Option<Object>)]
    summary: Option<Map<String, Value>>,
}

/// All that has happened, in order.
pub(super) fn events(history: &History) -> Vec<Event> {
    let run = &history.run;
    let mut told = Vec::new();
    // When the step that comes next was begun: at the moment the one before it was over.
    let mut next_since = run.started_at;
    told.extend(run.started_at.map(|at| started(history, at)));
    for (step, kind) in steps_in_order(history) {
        let row = history.steps.iter().find(|row| row.step == step);
        if row.is_some_and(is_taken_over) {
            continue;
        }
        if let Some(at) = next_since.take() {
            let step = step.to_owned();
            told.push(EventData::StepStarted(StepStarted { at, step, kind }));
        }
        for approval in &history.approvals {
            if approval.step.as_deref() == Some(step) {
                told.extend(asked(approval, step));
            }
        }
        if let Some(row) = row.filter(|row| !row.inherited) {
            told.push(finished(row));
            next_since = leads_on(row.status).then_some(row.finished_at);
        }
    }
    told.extend(run.finished_at.map(|at| ended(run, at)));
    let numbered = told.into_iter().zip(1..);
    numbered.map(|(data, id)| Event { id, event: data.name(), data }).collect()
}

/// A kind's steps, and after them those of rows that an older version of it wrote.
fn steps_in_order(history: &History) -> Vec<(&str, StepKind)> {
    let planned = history.run.kind.steps();
    let mut former: Vec<&PastStep> = history
        .steps
        .iter()
        .filter(|row| !planned.iter().any(|step| step.id == row.step))
        .collect();
    former.sort_by(|a, b| (a.finished_at, &a.step).cmp(&(b.finished_at, &b.step)));
    let planned = planned.iter().map(|step| (step.id, step.kind));
    planned.chain(former.into_iter().map(|row| (row.step.as_str(), row.kind))).collect()
}

fn leads_on(status: StepStatus) -> bool {
    match status {
        StepStatus::Succeeded | StepStatus::Skipped => true,
        StepStatus::Failed | StepStatus::Canceled => false,
    }
}

fn is_taken_over(row: &PastStep) -> bool {
    row.inherited && leads_on(row.status)
}

fn started(history: &History, at: Timestamp) -> EventData {
    let taken_over = steps_in_order(history).into_iter().filter(|(step, _)| {
        history.steps.iter().any(|row| row.step == *step && is_taken_over(row))
    });
    EventData::RunStarted(RunStarted {
        at,
        kind: history.run.kind,
        resumes: history.run.resumes.map(|id| *id.as_uuid()),
        taken_over: taken_over.map(|(step, _)| step.to_owned()).collect(),
    })
}

fn asked(approval: &PastApproval, step: &str) -> Vec<EventData> {
    let requested = EventData::ApprovalRequested(ApprovalRequested {
        at: approval.created_at,
        step: step.to_owned(),
        approval_id: *approval.id.as_uuid(),
        scope: approval.scope,
        summary: approval.summary.clone(),
        intent_hash: approval.intent_hash.clone(),
        expires_at: approval.expires_at,
    });
    let decided = approval.decided_at.map(|at| {
        EventData::ApprovalDecided(ApprovalDecided {
            at,
            step: step.to_owned(),
            approval_id: *approval.id.as_uuid(),
            status: approval.status,
            decided_by: approval.decided_by.clone(),
            reason: approval.reason.clone(),
        })
    });
    [Some(requested), decided].into_iter().flatten().collect()
}

fn finished(row: &PastStep) -> EventData {
    EventData::StepFinished(StepFinished {
        at: row.finished_at,
        step: row.step.clone(),
        status: row.status,
        attempt: row.attempt,
        duration_ms: row.finished_at.as_millisecond() - row.started_at.as_millisecond(),
        error: row.error.clone(),
        output: row.output.as_ref().and_then(summary),
    })
}

fn ended(run: &Run, at: Timestamp) -> EventData {
    EventData::RunFinished(RunFinished {
        at,
        status: run.status,
        error_code: run.error_code,
        error: run.error.clone(),
        summary: run.summary.as_ref().and_then(summary),
    })
}

#[cfg(test)]
mod tests;
