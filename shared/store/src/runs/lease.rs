//! Claiming a run, and what only the holder of its lease may write.

use domain::{CommitSha, ErrorCode, RunId, RunStatus};
use serde_json::Value;

use super::{COLUMNS, Run};
use crate::{StoreError, Tx};

/// Claims without a finished step after which a run is given up.
pub const CLAIMS_MAX: i32 = 5;

/// What came of asking for a run.
#[derive(Debug)]
pub enum Claim {
    Won(Box<Lease>),
    /// Another worker holds it, it is parked, or it has ended: nothing to do.
    NotDue,
    /// It was claimed too often without a finished step and has now failed.
    Exhausted,
}

/// The right to work on a run until someone else claims it.
#[derive(Debug)]
pub struct Lease {
    pub run: Run,
    token: i64,
}

impl Lease {
    pub fn token(&self) -> i64 {
        self.token
    }
}

/// Claims a run that is queued, whose lease has expired, or whose time to wake has come.
///
/// Whoever asks has its message, so the outbox need not send that again: a sender can leave its
/// row to the receiver, and pays one commit instead of two.
pub async fn claim(tx: &Tx<'_>, run: RunId, lease_seconds: i32) -> Result<Claim, StoreError> {
    tx.execute(
        "DELETE FROM outbox WHERE body ->> 'run_id' = $1 AND queue IN ('runs', 'sync')",
        &[&run.to_string()],
    )
    .await?;
    let row = tx
        .query_opt(
            &format!(
                "UPDATE runs SET
                     status = CASE WHEN claims_since_progress >= $3 THEN 'failed' ELSE 'running' END,
                     error_code = CASE WHEN claims_since_progress >= $3
                                       THEN 'max_attempts_exceeded' END,
                     error = CASE WHEN claims_since_progress >= $3
                                  THEN 'gave up after ' || claims_since_progress ||
                                       ' attempts without progress' ||
                                       coalesce(': ' || last_error, '') END,
                     finished_at = CASE WHEN claims_since_progress >= $3 THEN clock_timestamp() END,
                     leased_until = CASE WHEN claims_since_progress < $3
                                         THEN clock_timestamp() + make_interval(secs => $2) END,
                     started_at = coalesce(started_at, clock_timestamp()),
                     lease_token = lease_token + 1,
                     claims_since_progress = claims_since_progress + 1,
                     attempts = attempts + 1,
                     wake_at = NULL,
                     updated_at = clock_timestamp()
                 WHERE id = $1
                   AND (status = 'queued'
                        OR (status = 'running' AND leased_until < clock_timestamp())
                        OR (status = 'waiting' AND wake_at <= clock_timestamp()))
                 RETURNING {COLUMNS}, lease_token"
            ),
            &[run.as_uuid(), &f64::from(lease_seconds), &CLAIMS_MAX],
        )
        .await?;
    let Some(row) = row else { return Ok(Claim::NotDue) };
    let claimed = Run::try_from(&row)?;
    if claimed.status == RunStatus::Failed {
        return Ok(Claim::Exhausted);
    }
    Ok(Claim::Won(Box::new(Lease { run: claimed, token: row.get("lease_token") })))
}

/// Proof that, in this transaction, the lease still holds and nobody can take it.
#[derive(Debug)]
pub struct Fence {
    run: RunId,
}

impl Fence {
    pub fn run(&self) -> RunId {
        self.run
    }
}

/// Locks the run's row if the lease is still the current one. `None`: it was lost, stop.
///
/// An expired lease that nobody took may still commit; the token decides, not the clock.
pub async fn fence(tx: &Tx<'_>, lease: &Lease) -> Result<Option<Fence>, StoreError> {
    let row = tx
        .query_opt(
            "SELECT 1 FROM runs WHERE id = $1 AND lease_token = $2 AND status = 'running'
             FOR NO KEY UPDATE",
            &[lease.run.id.as_uuid(), &lease.token],
        )
        .await?;
    Ok(row.map(|_| Fence { run: lease.run.id }))
}

/// Names the commit that the run turned out to be about: a sync learns it only by looking.
/// Once named, it stays.
pub async fn name_commit(tx: &Tx<'_>, fence: &Fence, commit: &CommitSha) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE runs SET commit_sha = $2 WHERE id = $1 AND commit_sha IS NULL",
        &[fence.run.as_uuid(), &commit.as_str()],
    )
    .await?;
    Ok(())
}

/// Ends the run well.
pub async fn succeed(tx: &Tx<'_>, fence: &Fence, summary: &Value) -> Result<(), StoreError> {
    one(tx
        .execute(
            "UPDATE runs SET status = 'succeeded', summary = $2, leased_until = NULL,
             finished_at = clock_timestamp(), updated_at = clock_timestamp()
         WHERE id = $1",
            &[fence.run.as_uuid(), summary],
        )
        .await?)
}

/// Ends the run badly; `error` is for people and must hold no secret.
pub async fn fail(
    tx: &Tx<'_>,
    fence: &Fence,
    code: ErrorCode,
    error: &str,
) -> Result<(), StoreError> {
    one(tx
        .execute(
            "UPDATE runs SET status = 'failed', error_code = $2, error = $3, leased_until = NULL,
             finished_at = clock_timestamp(), updated_at = clock_timestamp()
         WHERE id = $1",
            &[fence.run.as_uuid(), &code.as_str(), &error],
        )
        .await?)
}

/// Gives the lease back at a step boundary because the worker's own time ends. Unlike
/// [`release`] it notes no trouble; claims since the last finished step keep counting, so that
/// handing on without ever working ends too.
pub async fn hand_on(tx: &Tx<'_>, fence: &Fence) -> Result<(), StoreError> {
    one(tx
        .execute(
            "UPDATE runs SET status = 'queued', leased_until = NULL,
                 updated_at = clock_timestamp()
             WHERE id = $1",
            &[fence.run.as_uuid()],
        )
        .await?)
}

/// Gives the lease back after a passing trouble, so that the next message may claim at once.
pub async fn release(tx: &Tx<'_>, fence: &Fence, error: &str) -> Result<(), StoreError> {
    one(tx
        .execute(
            "UPDATE runs SET status = 'queued', leased_until = NULL, last_error = $2,
             updated_at = clock_timestamp()
         WHERE id = $1",
            &[fence.run.as_uuid(), &error],
        )
        .await?)
}

fn one(touched: u64) -> Result<(), StoreError> {
    if touched == 1 { Ok(()) } else { Err(StoreError::ChangedMeanwhile) }
}
