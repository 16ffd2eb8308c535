//! Claiming a run, and the proof that a claim still holds.

use domain::{CommitSha, RunId, RunStatus};
use faults::Mutation;
use tokio_postgres::{Row, error::SqlState};

use super::{COLUMNS, Run, lock_parent};
use crate::{StoreError, Tx};

/// Claims without a finished step after which a run is given up.
pub const CLAIMS_MAX: i32 = 8;

/// What came of asking for a run.
#[derive(Debug)]
pub enum Claim {
    Won(Box<Lease>),
    /// Another worker holds it, it is parked, its time has not come, or it has ended.
    NotDue,
    /// It was claimed too often without a finished step and has now failed.
    Exhausted(Box<Run>),
}

/// The right to work on a run until someone else claims it.
#[derive(Debug)]
pub struct Lease {
    pub run: Run,
    /// Claims since the last finished step, this one included.
    pub attempt: i32,
    pub(crate) token: i64,
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
    if faults::mutated(Mutation::ClaimAlways) {
        let expire =
            "UPDATE runs SET leased_until = '-infinity' WHERE id = $1 AND status = 'running'";
        tx.execute(expire, &[run.as_uuid()]).await?;
    }
    let row = tx
        .query_opt(&claim_statement(), &[run.as_uuid(), &f64::from(lease_seconds), &claims_max()])
        .await?;
    claimed(row)
}

fn claims_max() -> i32 {
    if faults::mutated(Mutation::NeverGiveUp) { i32::MAX } else { CLAIMS_MAX }
}

fn claim_statement() -> String {
    format!(
        "WITH received AS (
             DELETE FROM outbox WHERE id IN (
                 SELECT id FROM outbox WHERE run_id = $1 AND queue IN ('runs', 'sync')
                 -- Who sends it may be waiting for the run.
                 FOR UPDATE SKIP LOCKED)
         ), parent AS (
             -- Locked before its child, since a claim that gives the child up is its ending.
             SELECT p.id FROM runs p
             WHERE p.id = (SELECT c.parent_run_id FROM runs c WHERE c.id = $1)
             FOR NO KEY UPDATE
         ), due AS (
             SELECT id, claims, claims >= $3 AS spent FROM (
                 SELECT r.id,
                        -- The last holder's finished steps are the progress.
                        CASE WHEN EXISTS (
                            SELECT FROM run_steps s
                            WHERE s.run_id = r.id AND s.lease_token = r.lease_token
                        ) THEN 0 ELSE r.claims_since_progress END AS claims
                 FROM runs r
                 -- Always so, and asked once before a run is looked for: that locks the parent.
                 WHERE (SELECT count(*) FROM parent) <= 1
                   AND r.id = $1
                   AND ((r.status = 'queued'
                         AND (r.wake_at IS NULL OR r.wake_at <= clock_timestamp()))
                        OR (r.status = 'running' AND r.leased_until < clock_timestamp())
                        OR (r.status = 'waiting' AND r.wake_at <= clock_timestamp()))
                 FOR NO KEY UPDATE
             ) found
         )
         UPDATE runs r SET
             status = CASE WHEN d.spent THEN 'failed' ELSE 'running' END,
             error_code = CASE WHEN d.spent THEN 'max_attempts_exceeded' END,
             error = CASE WHEN d.spent
                          THEN 'gave up after ' || d.claims || ' attempts without progress' ||
                               coalesce(': ' || r.last_error, '') END,
             finished_at = CASE WHEN d.spent THEN clock_timestamp() END,
             leased_until = CASE WHEN NOT d.spent
                                 THEN clock_timestamp() + make_interval(secs => $2) END,
             started_at = coalesce(r.started_at, clock_timestamp()),
             lease_token = r.lease_token + 1,
             claims_since_progress = d.claims + 1,
             attempts = r.attempts + 1,
             waiting_for = NULL,
             wake_at = NULL,
             updated_at = clock_timestamp()
         FROM due d WHERE r.id = d.id
         RETURNING {COLUMNS}, r.lease_token, r.claims_since_progress"
    )
}

fn claimed(row: Option<Row>) -> Result<Claim, StoreError> {
    let Some(row) = row else { return Ok(Claim::NotDue) };
    let claimed = Run::try_from(&row)?;
    if claimed.status == RunStatus::Failed {
        return Ok(Claim::Exhausted(Box::new(claimed)));
    }
    let (token, attempt) = (row.get("lease_token"), row.get("claims_since_progress"));
    Ok(Claim::Won(Box::new(Lease { run: claimed, attempt, token })))
}

/// Proof that, in this transaction, the lease still holds and nobody can take it.
#[derive(Debug)]
pub struct Fence {
    pub(super) run: RunId,
    pub(crate) token: i64,
}

impl Fence {
    pub fn run(&self) -> RunId {
        self.run
    }
}

/// Locks the run's row if the lease is still the current one. `None`: it was lost, stop.
///
/// An expired lease that nobody took may still commit; the token decides, not the clock. A parent
/// is locked before its child, here as everywhere, so that two endings never wait for each other.
pub async fn fence(tx: &Tx<'_>, lease: &Lease) -> Result<Option<Fence>, StoreError> {
    behind_fence(tx, lease, async |fence| Ok(fence)).await
}

/// Writes behind the fence, without waiting for it: what is asked meanwhile comes after the fence
/// on the connection, and when the lease is lost the fence fails and with it all that follows.
/// `None`: it was lost, nothing was written, and the transaction is good for nothing but dropping.
pub async fn behind_fence<T, E: From<StoreError>>(
    tx: &Tx<'_>,
    lease: &Lease,
    write: impl AsyncFnOnce(Fence) -> Result<T, E>,
) -> Result<Option<T>, E> {
    if let Some(parent) = lease.run.parent {
        lock_parent(tx, parent).await?;
    }
    let unfenced = faults::mutated(Mutation::NoFence);
    let fence = if unfenced { NO_FENCE } else { FENCE };
    let (held, written) = tx
        .ahead(fence, &[lease.run.id.as_uuid(), &lease.token], async || {
            write(Fence { run: lease.run.id, token: lease.token }).await
        })
        .await?;
    match held {
        Ok(()) => written.map(Some),
        Err(StoreError::Refused(error)) if error.code() == Some(&SqlState::DIVISION_BY_ZERO) => {
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// Fails where no such lease is held: dividing by nothing is what stops the statements that were
/// sent after this one without waiting for it.
const FENCE: &str = "SELECT 1 / count(*) FROM (
                         SELECT FROM runs WHERE id = $1 AND lease_token = $2 AND status = 'running'
                         FOR NO KEY UPDATE
                     ) held";
const NO_FENCE: &str = "SELECT 1 / count(*) FROM (
                            SELECT FROM runs WHERE id = $1 AND $2::bigint > 0 FOR NO KEY UPDATE
                        ) held";

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
