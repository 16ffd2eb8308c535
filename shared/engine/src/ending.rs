//! How an attempt ends without finishing the run: with a failure, later, or elsewhere.

use std::time::Duration;

use domain::{Classify, ErrorCode, ErrorKind, StepStatus};
use queue::DELAY_MAX;
use serde_json::json;
use store::{
    Session, StoreError, Tx, run_steps,
    run_steps::Finished,
    runs::{self, Fence, Run},
};

use crate::{
    Engine, Failure, Work, Worker,
    messages::{self, ToSend, write_down, write_wake_up},
    work::Begun,
};

/// Longest error text that a row keeps.
const TOLD_CHARS_MAX: usize = 2_000;

/// Passes the run on to the next invocation, which has all its time again.
pub(crate) async fn hand_on<M, E: From<StoreError>>(
    engine: &Engine,
    session: &mut Session,
    work: &Work<M>,
) -> Result<(), E> {
    let run = work.run();
    let tx = session.begin(run.org).await?;
    let Some(fence) = runs::fence(&tx, &work.lease).await? else { return Ok(()) };
    runs::hand_on(&tx, &fence).await?;
    let wake_up = write_wake_up(&tx, run, Duration::ZERO).await?;
    faults::point("hand_on.before_commit");
    tx.commit().await?;
    faults::point("hand_on.after_commit");
    tracing::info!("too little time for another step: handed on");
    messages::send(engine, vec![wake_up]).await;
    Ok(())
}

/// Ends the run with a code, or plans another attempt. `Err`: neither could be written down, so
/// the message has to come again.
pub(crate) async fn give_up<W: Worker>(
    engine: &Engine,
    worker: &W,
    work: &Work<W::Memory>,
    error: W::Error,
) -> Result<(), W::Error> {
    let told = told(&error);
    match write_end(engine, worker, work, &error, &told).await {
        Ok(to_send) => {
            messages::send(engine, to_send).await;
            Ok(())
        }
        Err(unwritten) => {
            let unwritten: &dyn std::error::Error = &unwritten;
            tracing::error!(error = unwritten, "a step failed, and that could not be written down");
            Err(error)
        }
    }
}

async fn write_end<W: Worker>(
    engine: &Engine,
    worker: &W,
    work: &Work<W::Memory>,
    error: &W::Error,
    told: &str,
) -> Result<Vec<ToSend>, W::Error> {
    let mut session = engine.session::<W::Error>().await?;
    let tx = session.begin(work.run().org).await?;
    let Some(fence) = runs::fence(&tx, &work.lease).await? else {
        tracing::info!(told, "a step failed, and another worker does this run already");
        return Ok(Vec::new());
    };
    match retry_after(error.kind(), work.attempt(), fastrand::f64()) {
        Some(delay) => {
            runs::retry_later(&tx, &fence, told, delay).await?;
            let wake_up = write_wake_up(&tx, work.run(), delay).await?;
            faults::point("retry.before_commit");
            tx.commit().await?;
            faults::point("retry.after_commit");
            let seconds = delay.as_secs();
            tracing::warn!(told, seconds, "a step failed and is tried again later");
            Ok(vec![wake_up])
        }
        None => {
            let code = error.code();
            let to_send = fail(worker, &tx, &fence, work, code, told).await?;
            faults::point("fail.before_commit");
            tx.commit().await?;
            faults::point("fail.after_commit");
            tracing::error!(code = %code, told, "the run failed");
            count("failed");
            Ok(to_send)
        }
    }
}

/// Writes that the run failed, and at which step.
pub(crate) async fn fail<W: Worker>(
    worker: &W,
    tx: &Tx<'_>,
    fence: &Fence,
    work: &Work<W::Memory>,
    code: ErrorCode,
    told: &str,
) -> Result<Vec<ToSend>, StoreError> {
    let run = work.run();
    if let Some(step) = work.next_step() {
        let failed = Finished {
            step,
            status: StepStatus::Failed,
            attempt: work.attempt(),
            output: None,
            error: Some(&json!({ "code": code, "message": told })),
            started_at: Begun::now(step).at,
            messages: &[],
            summary: None,
        };
        run_steps::finish(tx, fence, run, &failed).await?;
    }
    runs::fail(tx, fence, code, told).await?;
    after_failing(worker, tx, run, told).await
}

/// Writes what follows from a run's failure, for its children, its parent, and whoever wants to
/// know.
pub(crate) async fn after_failing<W: Worker>(
    worker: &W,
    tx: &Tx<'_>,
    run: &Run,
    told: &str,
) -> Result<Vec<ToSend>, StoreError> {
    runs::abandon_children(tx, run.id).await?;
    let mut to_send = Vec::new();
    for (queue, body) in worker.failed(tx, run, told).await? {
        to_send.push(write_down(tx, run, queue, &body, Duration::ZERO).await?);
    }
    to_send.extend(wake_parent(tx, run).await?);
    Ok(to_send)
}

/// Queues the parent if this was the last child that it waits for.
pub(crate) async fn wake_parent(tx: &Tx<'_>, child: &Run) -> Result<Option<ToSend>, StoreError> {
    match runs::wake_parent(tx, child).await? {
        Some(parent) => Ok(Some(write_wake_up(tx, &parent, Duration::ZERO).await?)),
        None => Ok(None),
    }
}

/// When a step is tried again after a failure of this kind; never, if it cannot help.
///
/// The delay doubles with each attempt, and is spread over its upper half so that what failed
/// together does not come back together. `chance` is between 0 and 1.
fn retry_after(kind: ErrorKind, attempt: i32, chance: f64) -> Option<Duration> {
    let first = match kind {
        ErrorKind::Invalid | ErrorKind::NotFound => return None,
        // Someone else was faster, and is soon done.
        ErrorKind::Conflict => Duration::from_secs(1),
        // It needs time to come back.
        ErrorKind::Unavailable => Duration::from_secs(10),
        // A newer version, about to be deployed or rolled back, may understand it.
        ErrorKind::Bug => Duration::from_secs(60),
    };
    let doublings = u32::try_from(attempt.saturating_sub(1)).unwrap_or(0).min(16);
    let longest = first.saturating_mul(2_u32.saturating_pow(doublings)).min(DELAY_MAX);
    Some(longest.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0))
}

/// The error with its causes, as a row keeps it for people. No error of ours holds a secret.
fn told(error: &impl std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text.chars().take(TOLD_CHARS_MAX).collect()
}

pub(crate) fn count(status: &str) {
    startup::count("assay.runs.finished", 1, &[("status", status)]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_pass_is_tried_again_and_each_time_later() {
        let seconds = |kind, attempt, chance| {
            retry_after(kind, attempt, chance).map(|delay| delay.as_secs_f64())
        };
        assert_eq!(seconds(ErrorKind::Invalid, 1, 1.0), None);
        assert_eq!(seconds(ErrorKind::NotFound, 1, 1.0), None);
        let table = [
            (ErrorKind::Conflict, 1, 1.0),
            (ErrorKind::Conflict, 3, 4.0),
            (ErrorKind::Unavailable, 1, 10.0),
            (ErrorKind::Unavailable, 2, 20.0),
            (ErrorKind::Unavailable, 7, 640.0),
            (ErrorKind::Unavailable, 8, 900.0),
            (ErrorKind::Unavailable, i32::MAX, 900.0),
            (ErrorKind::Bug, 1, 60.0),
            (ErrorKind::Bug, 0, 60.0),
        ];
        for (kind, attempt, longest) in table {
            assert_eq!(seconds(kind, attempt, 1.0), Some(longest), "{kind:?} {attempt}");
            assert_eq!(seconds(kind, attempt, 0.0), Some(longest / 2.0), "{kind:?} {attempt}");
        }
    }
}
