//! The `run_steps` table: a row is a step that is done, and never done again.

use domain::{RunId, StepKind, StepSpec, StepStatus};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    Session, StoreError, Tx,
    outbox::Unsent,
    rows::parse,
    runs::{Fence, Lease, Run},
    session::Values,
};

/// A finished step, as it is written.
#[derive(Debug, Clone)]
pub struct Finished<'a> {
    pub step: &'static StepSpec,
    pub status: StepStatus,
    /// How often it was begun since the step before it was finished.
    pub attempt: i32,
    pub output: Option<&'a Value>,
    pub error: Option<&'a Value>,
    /// By the worker's clock; for people, never for decisions.
    pub started_at: Timestamp,
    /// To be sent after the commit: the queue's short name and the body.
    pub messages: &'a [(&'static str, Value)],
    /// With the last step: what the run ends with.
    pub summary: Option<&'a Value>,
}

/// A finished step, as it is read.
#[derive(Debug, Clone)]
pub struct Step {
    pub step: String,
    pub kind: StepKind,
    pub status: StepStatus,
    pub attempt: i32,
    pub output: Option<Value>,
    pub error: Option<Value>,
    pub started_at: Timestamp,
    pub finished_at: Timestamp,
}

const FINISH: &str =
    "SELECT finish_step($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";

/// Whether the transaction is behind the fence already, or the statement has to see to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fenced {
    Yes,
    NotYet,
}

/// Records a step behind its fence, with its messages and, if it is the last, the run's ending.
pub async fn finish(
    tx: &Tx<'_>,
    fence: &Fence,
    run: &Run,
    done: &Finished<'_>,
) -> Result<Vec<Unsent>, StoreError> {
    let row = values(run, fence.token, Fenced::Yes, done, async |values| {
        tx.query_one(FINISH, values).await
    });
    let ids: Option<Vec<i64>> = row.await?.get(0);
    // The fence holds the row, so the lease cannot be lost any more.
    ids.map(|ids| unsent(run, done, ids)).ok_or(StoreError::ChangedMeanwhile)
}

/// Records a step as [`finish`] does and commits, in one round trip.
pub async fn finish_and_commit(
    tx: Tx<'_>,
    fence: &Fence,
    run: &Run,
    done: &Finished<'_>,
) -> Result<Vec<Unsent>, StoreError> {
    let row = values(run, fence.token, Fenced::Yes, done, async |values| {
        tx.commit_with(FINISH, values).await
    });
    let ids: Option<Vec<i64>> = row.await?.get(0);
    ids.map(|ids| unsent(run, done, ids)).ok_or(StoreError::ChangedMeanwhile)
}

/// Commits a step that has no effects of its own: fence, row and messages in one statement, which
/// is one round trip. `None`: the lease is lost, and nothing was written.
pub async fn finish_at_once(
    session: &Session,
    lease: &Lease,
    done: &Finished<'_>,
) -> Result<Option<Vec<Unsent>>, StoreError> {
    let run = &lease.run;
    let row = values(run, lease.token, Fenced::NotYet, done, async |values| {
        session.ask(FINISH, values).await
    });
    let ids: Option<Vec<i64>> = row.await?.get(0);
    Ok(ids.map(|ids| unsent(run, done, ids)))
}

async fn values<T>(
    run: &Run,
    token: i64,
    fenced: Fenced,
    done: &Finished<'_>,
    then: impl AsyncFnOnce(Values<'_>) -> T,
) -> T {
    let messages = (!done.messages.is_empty()).then(|| {
        let listed = done.messages.iter();
        Value::Array(listed.map(|(queue, body)| json!({"queue": queue, "body": body})).collect())
    });
    then(&[
        run.org.as_uuid(),
        run.id.as_uuid(),
        &token,
        &(fenced == Fenced::Yes),
        &run.resumes.is_some(),
        &done.step.id,
        &done.step.kind.as_str(),
        &done.status.as_str(),
        &done.attempt,
        &done.output,
        &done.error,
        &done.started_at,
        &messages,
        &run.traceparent,
        &done.summary,
    ])
    .await
}

fn unsent(run: &Run, done: &Finished<'_>, ids: Vec<i64>) -> Vec<Unsent> {
    let described = ids.into_iter().zip(done.messages).map(|(id, (queue, body))| Unsent {
        id,
        org: run.org,
        queue: (*queue).to_owned(),
        body: body.clone(),
        traceparent: run.traceparent.clone(),
        tries: 0,
    });
    described.collect()
}

pub async fn list(tx: &Tx<'_>, run: RunId) -> Result<Vec<Step>, StoreError> {
    let rows = tx
        .query(
            "SELECT step_id, kind, status, attempt, output, error, started_at, finished_at
             FROM run_steps WHERE run_id = $1 ORDER BY finished_at, started_at, step_id",
            &[run.as_uuid()],
        )
        .await?;
    rows.iter()
        .map(|row| {
            Ok(Step {
                step: row.get("step_id"),
                kind: parse(row, "run_steps", "kind")?,
                status: parse(row, "run_steps", "status")?,
                attempt: row.get("attempt"),
                output: row.get("output"),
                error: row.get("error"),
                started_at: row.get("started_at"),
                finished_at: row.get("finished_at"),
            })
        })
        .collect()
}

/// What the step of this name left in each of these runs, in their order; of a run in which it was
/// not done there is nothing.
pub async fn list_outputs(
    tx: &Tx<'_>,
    runs: &[RunId],
    step: &str,
) -> Result<Vec<Value>, StoreError> {
    let ids: Vec<_> = runs.iter().map(|run| *run.as_uuid()).collect();
    let rows = tx
        .query(
            "SELECT s.output FROM unnest($1::uuid[]) WITH ORDINALITY AS r (id, place)
             JOIN run_steps s ON s.run_id = r.id
             WHERE s.step_id = $2 AND s.status = 'succeeded' ORDER BY r.place",
            &[&ids, &step],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get::<_, Option<Value>>("output").unwrap_or_default()).collect())
}
