//! The loop: claim, work, commit, send.

use std::time::Duration;

use domain::{OrgId, RunId, StepKind, StepSpec, StepStatus};
use faults::Mutation;
use serde_json::json;
use store::{
    Session, StoreError, Tx, run_steps,
    run_steps::Finished,
    runs::{self, Claim, Fence},
};

use crate::{
    Deadline, Engine, Failure, Outcome, Work, Worker, Written, ending,
    messages::{self, ToSend},
    parking,
    work::Begun,
};

/// A step is begun only with this much time left; the next invocation has all of it again.
const STEP_TIME_MIN: Duration = Duration::from_secs(20);

/// Does as much of a run as the time allows. `Ok`: nobody needs to send this message again.
pub async fn work_on<W: Worker>(
    engine: &Engine,
    worker: &W,
    org: OrgId,
    run: RunId,
    deadline: Deadline,
) -> Result<(), W::Error> {
    let mut session = engine.session::<W::Error>().await?;
    let Some(mut work) = claim(engine, worker, &mut session, org, run).await? else {
        return Ok(());
    };
    startup::count("assay.runs.claimed", 1, &[("kind", work.run().kind.as_str())]);
    let outcome = do_steps(engine, worker, &mut session, &mut work, deadline).await;
    // The connection may be what failed, and there is only one: a new one is asked for.
    drop(session);
    match outcome {
        Ok(()) => Ok(()),
        Err(error) => ending::give_up(engine, worker, &work, error).await,
    }
}

/// `None`: there is nothing to do, or nothing any more.
async fn claim<W: Worker>(
    engine: &Engine,
    worker: &W,
    session: &mut Session,
    org: OrgId,
    run: RunId,
) -> Result<Option<Work<W::Memory>>, W::Error> {
    let tx = session.begin(org).await?;
    // Polled together, both go out at once, and the steps are read after the claim.
    let claimed = runs::claim(&tx, run, engine.lease_seconds());
    let (claim, steps) = tokio::try_join!(claimed, run_steps::list(&tx, run))?;
    match claim {
        Claim::NotDue => {
            // The message has come, so its row may go.
            tx.commit().await?;
            tracing::info!("nothing to do: the run is held by another worker, parked, or over");
            Ok(None)
        }
        Claim::Exhausted(run) => {
            let told = run.error.clone().unwrap_or_default();
            let to_send = ending::after_failing(worker, &tx, &run, &told).await?;
            faults::point("fail.before_commit");
            tx.commit().await?;
            faults::point("fail.after_commit");
            tracing::error!(told, "the run failed");
            ending::count("failed");
            messages::send(engine, to_send).await;
            Ok(None)
        }
        Claim::Won(lease) if !worker.does(lease.run.kind) => {
            // Not committed, so it was never claimed.
            tracing::error!(kind = %lease.run.kind, "a run of another kind came to the wrong queue");
            Ok(None)
        }
        Claim::Won(lease) => {
            let memory = worker.load(&tx, &lease.run).await?;
            faults::point("claim.before_commit");
            tx.commit().await?;
            faults::point("claim.after_commit");
            let planned = worker.steps(lease.run.kind);
            Ok(Some(Work::new(*lease, memory, planned, steps)))
        }
    }
}

async fn do_steps<W: Worker>(
    engine: &Engine,
    worker: &W,
    session: &mut Session,
    work: &mut Work<W::Memory>,
    deadline: Deadline,
) -> Result<(), W::Error> {
    while let Some(step) = work.next_step() {
        if deadline.remaining() < STEP_TIME_MIN {
            return ending::hand_on(engine, session, work).await;
        }
        if step.kind == StepKind::Wait && !parking::children_are_over(session, work).await? {
            return Ok(());
        }
        let begun = Begun::now(step);
        let outcome = match prepare(worker, session, work, step, deadline).await {
            // It had only the time that other steps left; alone it may succeed.
            Err(error) if error.wants_more_time() && work.has_progressed => {
                return ending::hand_on(engine, session, work).await;
            }
            outcome => outcome?,
        };
        faults::point("step.prepared");
        let prepared = match outcome {
            Outcome::Done(written) => Prepared::Done(written),
            Outcome::Write(prepared) => Prepared::Write(prepared),
            Outcome::Wait(time) => return parking::wait(engine, session, work, time).await,
            Outcome::Ask(intent) => {
                match parking::ask(engine, worker, session, work, step, &intent).await? {
                    Some(allowed) => Prepared::Done(allowed),
                    None => return Ok(()),
                }
            }
        };
        let _second = match faults::mutated(Mutation::SecondSession) {
            true => Some(engine.session::<W::Error>().await?),
            false => None,
        };
        let Some(to_send) = commit(worker, session, work, &begun, prepared).await? else {
            tracing::info!(step = step.id, "the lease is lost: another worker does this run");
            return Ok(());
        };
        let took = begun.took();
        startup::measure("assay.step.duration", took, &[("step", step.id)]);
        tracing::info!(step = step.id, duration_ms = took.as_millis() as u64, "step done");
        messages::send(engine, to_send).await;
        faults::point("step.after_send");
    }
    ending::count("succeeded");
    Ok(())
}

/// Works on a step, with what it wants to read first.
async fn prepare<W: Worker>(
    worker: &W,
    session: &mut Session,
    work: &mut Work<W::Memory>,
    step: &'static StepSpec,
    deadline: Deadline,
) -> Result<Outcome<W::Prepared>, W::Error> {
    if worker.wants_to_read(step, work).await? {
        let tx = session.begin(work.run().org).await?;
        // Dropped without a commit: there is nothing to commit, and nobody waits for its end.
        worker.read(&tx, work).await?;
    }
    worker.prepare(step, work, deadline).await
}

/// A step that is done and not yet committed.
enum Prepared<P> {
    Done(Written),
    Write(P),
}

/// Commits a step with all its effects. `None`: the lease is lost and nothing was written.
async fn commit<W: Worker>(
    worker: &W,
    session: &mut Session,
    work: &mut Work<W::Memory>,
    begun: &Begun,
    prepared: Prepared<W::Prepared>,
) -> Result<Option<Vec<ToSend>>, W::Error> {
    let (before_commit, after_commit) = match work.is_last(begun.step) {
        true => ("finish.before_commit", "finish.after_commit"),
        false => ("step.before_commit", "step.after_commit"),
    };
    let (written, to_send) = match prepared {
        // A child's ending has the effect that its parent may wake.
        Prepared::Done(written) if work.run().parent.is_none() => {
            faults::point(before_commit);
            let Some(to_send) = finish_at_once(session, work, begun, &written).await? else {
                return Ok(None);
            };
            (written, to_send)
        }
        prepared @ (Prepared::Done(_) | Prepared::Write(_)) => {
            let tx = session.begin(work.run().org).await?;
            let behind = runs::behind_fence(&tx, &work.lease, async |fence| {
                faults::point("step.fenced");
                let written = match prepared {
                    Prepared::Done(written) => written,
                    Prepared::Write(prepared) => worker.write(&tx, &fence, work, &prepared).await?,
                };
                Ok::<_, W::Error>((fence, written))
            });
            let Some((fence, written)) = behind.await? else { return Ok(None) };
            let tx = match faults::mutated(Mutation::EffectsApart) {
                true => {
                    tx.commit().await?;
                    session.begin(work.run().org).await?
                }
                false => tx,
            };
            faults::point("step.effects_written");
            faults::point(before_commit);
            let to_send = finish(tx, &fence, work, begun, &written).await?;
            (written, to_send)
        }
    };
    faults::point(after_commit);
    work.done(begun, written.output);
    Ok(Some(to_send))
}

async fn finish_at_once<M>(
    session: &Session,
    work: &Work<M>,
    begun: &Begun,
    written: &Written,
) -> Result<Option<Vec<ToSend>>, StoreError> {
    let unsent = described(work, begun, written, async |done| {
        run_steps::finish_at_once(session, &work.lease, done).await
    });
    Ok(unsent.await?.map(|unsent| unsent.into_iter().map(ToSend::from).collect()))
}

async fn finish<M>(
    tx: Tx<'_>,
    fence: &Fence,
    work: &Work<M>,
    begun: &Begun,
    written: &Written,
) -> Result<Vec<ToSend>, StoreError> {
    let run = work.run();
    let is_childs_end = run.parent.is_some() && work.is_last(begun.step);
    let (unsent, wake_up) = if is_childs_end {
        let unsent = described(work, begun, written, async |done| {
            run_steps::finish(&tx, fence, run, done).await
        })
        .await?;
        let wake_up = ending::wake_parent(&tx, run).await?;
        tx.commit().await?;
        (unsent, wake_up)
    } else {
        let unsent = described(work, begun, written, async |done| {
            run_steps::finish_and_commit(tx, fence, run, done).await
        });
        (unsent.await?, None)
    };
    Ok(unsent.into_iter().map(ToSend::from).chain(wake_up).collect())
}

/// Describes the finished step as the store writes it.
async fn described<M, T>(
    work: &Work<M>,
    begun: &Begun,
    written: &Written,
    then: impl AsyncFnOnce(&Finished<'_>) -> T,
) -> T {
    let messages: Vec<_> =
        written.messages.iter().map(|(queue, body)| (queue.as_str(), body.clone())).collect();
    let nothing = json!({});
    let is_last = work.is_last(begun.step);
    let summary = is_last.then(|| written.summary.as_ref().unwrap_or(&nothing));
    then(&Finished {
        step: begun.step,
        status: StepStatus::Succeeded,
        attempt: work.attempt(),
        output: Some(&written.output),
        error: None,
        started_at: begun.at,
        messages: &messages,
        summary,
    })
    .await
}
