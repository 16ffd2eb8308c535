//! The loop: claim, work, commit, send.

use std::time::{Duration, Instant};

use domain::{ErrorCode, OrgId, RunKind, StepStatus};
use jiff::Timestamp;
use queue::{Message, NotifyRequested, Queue, RunRequested};
use serde_json::json;
use store::{
    Session, Tx, analyses,
    outbox::{self, Outgoing, Unsent},
    repositories, run_steps,
    run_steps::Finished,
    runs::{self, Claim, Fence},
};

use crate::{
    Deadline, Deps, Error,
    steps::{self, Prepared, Work},
};

/// A step is begun only with this much time left; the next invocation has all of it again.
const STEP_TIME_MIN: Duration = Duration::from_secs(20);

/// Does as much of a run as the time allows. `Ok`: nobody needs to send this message again.
pub(crate) async fn work_on(
    deps: &Deps,
    message: RunRequested,
    deadline: Deadline,
) -> Result<(), Error> {
    let mut session = deps.session().await?;
    let Some(mut work) = claim(deps, &mut session, message).await? else { return Ok(()) };
    startup::count("assay.runs.claimed", 1, &[("kind", work.run().kind.as_str())]);
    let outcome = do_steps(deps, &mut session, &mut work, deadline).await;
    // The connection may be what failed, and there is only one: a new one is asked for.
    drop(session);
    match outcome {
        Ok(()) => Ok(()),
        Err(error) => {
            let told = error.told();
            let ended = give_up(deps, &work, error.ending(), &told).await;
            if ended.is_err() {
                tracing::error!(told, "a step failed, and that could not be written down");
            }
            // The queue's edge logs what comes back from here, and asks for the message again.
            if ended? { Ok(()) } else { Err(error) }
        }
    }
}

/// `None`: there is nothing to do, or nothing any more.
async fn claim(
    deps: &Deps,
    session: &mut Session,
    message: RunRequested,
) -> Result<Option<Work>, Error> {
    let lease_seconds = i32::try_from(deps.lease.as_secs()).unwrap_or(i32::MAX);
    let tx = session.begin(message.org_id).await?;
    match runs::claim(&tx, message.run_id, lease_seconds).await? {
        Claim::NotDue => {
            tracing::info!("nothing to do: the run is held by another worker, or over");
            Ok(None)
        }
        Claim::Exhausted => {
            let run = runs::find(&tx, message.run_id).await?;
            let (told, traceparent) =
                run.map(|run| (run.error, run.traceparent)).unwrap_or_default();
            let told = told.unwrap_or_default();
            analyses::fail(&tx, message.run_id, &told).await?;
            let notify = NotifyRequested { org_id: message.org_id, run_id: message.run_id };
            let unsent = vec![write_down(&tx, &notify, traceparent.as_deref()).await?];
            tx.commit().await?;
            tracing::error!(told, "the run failed");
            count_finished("failed");
            send(deps, session, message.org_id, unsent).await;
            Ok(None)
        }
        Claim::Won(lease) if lease.run.kind != RunKind::Analysis => {
            // Not committed, so it was never claimed.
            tracing::error!(kind = %lease.run.kind, "a run of another kind came to the wrong queue");
            Ok(None)
        }
        Claim::Won(lease) => {
            let done = run_steps::list(&tx, lease.run.id).await?;
            let repository = match lease.run.repository {
                Some(id) => repositories::find(&tx, id).await?,
                None => None,
            };
            tx.commit().await?;
            Ok(Some(Work::new(*lease, done, repository)))
        }
    }
}

async fn do_steps(
    deps: &Deps,
    session: &mut Session,
    work: &mut Work,
    deadline: Deadline,
) -> Result<(), Error> {
    let mut is_first = true;
    while let Some(step) = work.next_step() {
        if deadline.remaining() < STEP_TIME_MIN {
            return hand_on(deps, session, work).await;
        }
        let begun = Begun::now(step);
        let prepared = match steps::prepare(step, deps, work, deadline).await {
            // It had only the time that other steps left; alone it may succeed.
            Err(Error::AnalyserTimedOut) if !is_first => {
                return hand_on(deps, session, work).await;
            }
            outcome => outcome?,
        };
        is_first = false;
        let Some(unsent) = commit(session, work, &begun, prepared).await? else {
            tracing::info!(step, "the lease is lost: another worker does this run");
            return Ok(());
        };
        let took = begun.instant.elapsed();
        startup::measure("assay.step.duration", took, &[("step", step)]);
        tracing::info!(step, duration_ms = took.as_millis() as u64, "step done");
        send(deps, session, work.run().org, unsent).await;
    }
    count_finished("succeeded");
    Ok(())
}

/// A step that was begun.
struct Begun {
    step: &'static str,
    at: Timestamp,
    instant: Instant,
}

impl Begun {
    #[expect(clippy::disallowed_methods, reason = "for people: no decision hangs on it")]
    fn now(step: &'static str) -> Self {
        Self { step, at: Timestamp::now(), instant: Instant::now() }
    }
}

/// Writes a step with all its effects. `None`: the lease is lost and nothing was written.
async fn commit(
    session: &mut Session,
    work: &mut Work,
    begun: &Begun,
    prepared: Prepared,
) -> Result<Option<Vec<Unsent>>, Error> {
    let tx = session.begin(work.run().org).await?;
    let Some(fence) = runs::fence(&tx, &work.lease).await? else { return Ok(None) };
    let written = prepared.write(&tx, &fence, work).await?;
    let done = Finished {
        step: begun.step,
        status: StepStatus::Succeeded,
        output: Some(&written.output),
        error: None,
        started_at: begun.at,
    };
    run_steps::insert(&tx, &fence, &done).await?;
    let mut unsent = Vec::new();
    for (queue, body) in &written.messages {
        unsent.push(write_body_down(&tx, work.run().org, *queue, body, work.traceparent()).await?);
    }
    if let Some(summary) = &written.summary {
        runs::succeed(&tx, &fence, summary).await?;
    }
    tx.commit().await?;
    work.done(begun.step, written.output);
    Ok(Some(unsent))
}

/// Passes the run on to the next invocation, which has all its time again.
async fn hand_on(deps: &Deps, session: &mut Session, work: &Work) -> Result<(), Error> {
    let run = work.run();
    let tx = session.begin(run.org).await?;
    let Some(fence) = runs::fence(&tx, &work.lease).await? else { return Ok(()) };
    runs::hand_on(&tx, &fence).await?;
    let next = RunRequested { org_id: run.org, run_id: run.id };
    let unsent = vec![write_down(&tx, &next, work.traceparent()).await?];
    tx.commit().await?;
    tracing::info!("too little time for another step: handed on");
    send(deps, session, run.org, unsent).await;
    Ok(())
}

/// Ends the run with a code, or else gives it back. `false`: it is to be tried again.
async fn give_up(
    deps: &Deps,
    work: &Work,
    ending: Option<ErrorCode>,
    told: &str,
) -> Result<bool, Error> {
    let mut session = deps.session().await?;
    let tx = session.begin(work.run().org).await?;
    let Some(fence) = runs::fence(&tx, &work.lease).await? else {
        tracing::info!(told, "a step failed, and another worker does this run already");
        return Ok(true);
    };
    let Some(code) = ending else {
        runs::release(&tx, &fence, told).await?;
        tx.commit().await?;
        return Ok(false);
    };
    let unsent = vec![fail(&tx, &fence, work, code, told).await?];
    tx.commit().await?;
    tracing::error!(code = %code, told, "the run failed");
    count_finished("failed");
    send(deps, &mut session, work.run().org, unsent).await;
    Ok(true)
}

async fn fail(
    tx: &Tx<'_>,
    fence: &Fence,
    work: &Work,
    code: ErrorCode,
    told: &str,
) -> Result<Unsent, Error> {
    let run = work.run();
    if let Some(step) = work.next_step() {
        let failed = Finished {
            step,
            status: StepStatus::Failed,
            output: None,
            error: Some(&json!({ "code": code, "message": told })),
            started_at: Begun::now(step).at,
        };
        run_steps::insert(tx, fence, &failed).await?;
    }
    runs::fail(tx, fence, code, told).await?;
    analyses::fail(tx, run.id, told).await?;
    let notify = NotifyRequested { org_id: run.org, run_id: run.id };
    write_down(tx, &notify, work.traceparent()).await
}

async fn write_down<M: Message>(
    tx: &Tx<'_>,
    message: &M,
    traceparent: Option<&str>,
) -> Result<Unsent, Error> {
    write_body_down(tx, message.org(), M::QUEUE, &message.body(), traceparent).await
}

async fn write_body_down(
    tx: &Tx<'_>,
    org: OrgId,
    queue: Queue,
    body: &serde_json::Value,
    traceparent: Option<&str>,
) -> Result<Unsent, Error> {
    let outgoing = Outgoing { org, queue: queue.as_str(), body, traceparent };
    Ok(outbox::insert(tx, &outgoing).await?)
}

/// Sends what was committed, and forgets what the queue has confirmed. What does not go stays
/// written down, and the scheduler sends it; so no failure here is the run's.
async fn send(deps: &Deps, session: &mut Session, org: OrgId, unsent: Vec<Unsent>) {
    let mut sent = Vec::new();
    for message in &unsent {
        let Some(queue) = Queue::named(&message.queue) else { continue };
        match deps.sender.send(queue, &message.body, message.traceparent.as_deref()).await {
            Ok(()) => sent.push(message.id),
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                queue = message.queue,
                "a message stays in the outbox"
            ),
        }
    }
    if sent.is_empty() {
        return;
    }
    if let Err(error) = forget(session, org, &sent).await {
        let error: &dyn std::error::Error = &error;
        tracing::warn!(error, "messages that were sent stay in the outbox and go twice");
    }
}

async fn forget(session: &mut Session, org: OrgId, sent: &[i64]) -> Result<(), Error> {
    let tx = session.begin(org).await?;
    outbox::delete(&tx, sent).await?;
    Ok(tx.commit().await?)
}

fn count_finished(status: &str) {
    startup::count("assay.runs.finished", 1, &[("status", status)]);
}
