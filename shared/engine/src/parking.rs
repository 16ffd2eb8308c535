//! Runs that wait: for a time, for their children, for a person.

use std::time::Duration;

use domain::{ApprovalStatus, ErrorCode, Intent, StepSpec, WaitingFor, kinds::Allowed};
use store::{
    Session, StoreError,
    approvals::{self, Approval},
    runs,
};

use crate::{
    Engine, Work, Worker, Written, ending,
    messages::{self, write_wake_up},
};

/// How long a person has to decide.
pub const APPROVAL_TIME: Duration = Duration::from_hours(7 * 24);

/// Parks the run until its step is to be asked again.
pub(crate) async fn wait<M, E: From<StoreError>>(
    engine: &Engine,
    session: &mut Session,
    work: &Work<M>,
    time: Duration,
) -> Result<(), E> {
    let run = work.run();
    let tx = session.begin(run.org).await?;
    let Some(fence) = runs::fence(&tx, &work.lease).await? else { return Ok(()) };
    runs::park(&tx, &fence, WaitingFor::Timer, Some(time)).await?;
    let wake_up = write_wake_up(&tx, run, time).await?;
    faults::point("park.before_commit");
    tx.commit().await?;
    faults::point("park.after_commit");
    tracing::info!(seconds = time.as_secs(), "parked until the next look");
    messages::send(engine, vec![wake_up]).await;
    Ok(())
}

/// Parks the run if one of its children is open; whoever ends the last of them queues it.
pub(crate) async fn children_are_over<M>(
    session: &mut Session,
    work: &Work<M>,
) -> Result<bool, StoreError> {
    let run = work.run();
    let tx = session.begin(run.org).await?;
    let Some(fence) = runs::fence(&tx, &work.lease).await? else { return Ok(false) };
    // The fence holds our row, and no child can end without it: the count stays true.
    let open = runs::count_open_children(&tx, run.id).await?;
    if open == 0 {
        return Ok(true);
    }
    runs::park(&tx, &fence, WaitingFor::Children, None).await?;
    faults::point("park.before_commit");
    tx.commit().await?;
    faults::point("park.after_commit");
    tracing::info!(open, "parked until its children are over");
    Ok(false)
}

/// Asks a person, or reads what they said. `None`: the run is parked, or over.
pub(crate) async fn ask<W: Worker>(
    engine: &Engine,
    worker: &W,
    session: &mut Session,
    work: &Work<W::Memory>,
    step: &'static StepSpec,
    intent: &Intent,
) -> Result<Option<Written>, W::Error> {
    let run = work.run();
    let tx = session.begin(run.org).await?;
    let Some(fence) = runs::fence(&tx, &work.lease).await? else { return Ok(None) };
    let approval = approvals::request(&tx, &fence, step, intent, APPROVAL_TIME).await?;
    let (code, told) = match approval.status {
        ApprovalStatus::Approved => return Ok(Some(allowed(&approval))),
        ApprovalStatus::Pending if !approval.is_late => {
            runs::park_until_decided(&tx, &fence, approval.id).await?;
            faults::point("park.before_commit");
            tx.commit().await?;
            faults::point("park.after_commit");
            tracing::info!(scope = %intent.scope, "parked until someone decides");
            return Ok(None);
        }
        ApprovalStatus::Pending | ApprovalStatus::Expired => {
            approvals::expire(&tx, &fence, approval.id).await?;
            (ErrorCode::ApprovalExpired, format!("nobody decided about {} in time", intent.scope))
        }
        // Whoever rejects or cancels ends the run with it, so these find no run to work on.
        ApprovalStatus::Rejected | ApprovalStatus::Canceled => {
            (ErrorCode::ApprovalRejected, approval.reason.unwrap_or_default())
        }
    };
    let to_send = ending::fail(worker, &tx, &fence, work, code, &told).await?;
    faults::point("fail.before_commit");
    tx.commit().await?;
    faults::point("fail.after_commit");
    tracing::warn!(code = %code, told, "the run failed");
    ending::count("failed");
    messages::send(engine, to_send).await;
    Ok(None)
}

/// What the approval step leaves: exactly what was allowed, by whom, and where to look it up.
fn allowed(approval: &Approval) -> Written {
    let allowed = Allowed {
        approval_id: approval.id,
        run: approval.run,
        step: approval.step.clone(),
        intent: Intent {
            plan: approval.approved_plan.clone().unwrap_or_default(),
            ..approval.intent.clone()
        },
        intent_hash: approval.approved_hash.clone().unwrap_or_default(),
        approved_by: approval.decided_by.clone().unwrap_or_default(),
        approved_at: approval.decided_at,
    };
    Written::output(&allowed).unwrap_or_default()
}
