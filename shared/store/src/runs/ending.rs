//! How a run stops being worked on: for good, or until something happens.

use std::time::Duration;

use domain::{
    ApprovalId, CommitSha, ErrorCode, RepositoryId, RunId, RunStatus, StepSpec, WaitingFor,
};
use serde_json::Value;
use uuid::Uuid;

use super::{COLUMNS, Fence, Run, lock};
use crate::{StoreError, Tx};

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
/// [`retry_later`] it notes no trouble; claims since the last finished step keep counting, so that
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

/// Gives the lease back after a passing trouble; nobody may claim before the delay is over.
pub async fn retry_later(
    tx: &Tx<'_>,
    fence: &Fence,
    error: &str,
    delay: Duration,
) -> Result<(), StoreError> {
    one(tx
        .execute(
            "UPDATE runs SET status = 'queued', leased_until = NULL, last_error = $2,
                 wake_at = clock_timestamp() + make_interval(secs => $3),
                 updated_at = clock_timestamp()
             WHERE id = $1",
            &[fence.run.as_uuid(), &error, &delay.as_secs_f64()],
        )
        .await?)
}

/// Parks the run: whoever makes come true what it waits for queues it again. With a time, it
/// also wakes by itself. Having waited counts as progress.
pub async fn park(
    tx: &Tx<'_>,
    fence: &Fence,
    what: WaitingFor,
    wake_in: Option<Duration>,
) -> Result<(), StoreError> {
    one(tx
        .execute(
            "UPDATE runs SET status = 'waiting', waiting_for = $2, leased_until = NULL,
                 wake_at = clock_timestamp() + make_interval(secs => $3),
                 claims_since_progress = 0, updated_at = clock_timestamp()
             WHERE id = $1",
            &[fence.run.as_uuid(), &what.as_str(), &wake_in.map(|time| time.as_secs_f64())],
        )
        .await?)
}

/// Parks the run until someone decides, or until the time to decide is over.
pub async fn park_until_decided(
    tx: &Tx<'_>,
    fence: &Fence,
    approval: ApprovalId,
) -> Result<(), StoreError> {
    one(tx
        .execute(
            "UPDATE runs r SET status = 'waiting', waiting_for = 'approval', leased_until = NULL,
                 wake_at = a.expires_at, claims_since_progress = 0,
                 updated_at = clock_timestamp()
             FROM approvals a
             WHERE r.id = $1 AND a.id = $2 AND a.run_id = r.id AND a.status = 'pending'",
            &[fence.run.as_uuid(), approval.as_uuid()],
        )
        .await?)
}

/// Ends a run that has not ended, and all that it has begun. `None`: there is no such run, or it
/// has ended already.
///
/// Whoever holds a lease of theirs loses it with the status.
pub async fn cancel(tx: &Tx<'_>, run: RunId) -> Result<Option<Run>, StoreError> {
    if !lock(tx, run).await? {
        return Ok(None);
    }
    let closing = Closing { code: None, error: "the run was canceled" };
    let closed = close(tx, &[run], &closing).await?;
    Ok(closed.into_iter().find(|closed| closed.id == run))
}

/// Cancels the open runs of a pull request that examine or would merge another head than `head`, and
/// answers how many there were.
///
/// A merge that is approved is not taken back: it may be done at this moment, and merges the head that
/// it names or nothing.
pub async fn supersede(
    tx: &Tx<'_>,
    repository: RepositoryId,
    pull_request: i32,
    head: &CommitSha,
) -> Result<usize, StoreError> {
    let rows = tx
        .query(
            "SELECT id FROM runs
             WHERE repository_id = $1 AND pull_request = $2 AND commit_sha <> $3
               AND kind IN ('analysis', 'merge') AND finished_at IS NULL
               AND NOT EXISTS (SELECT FROM approvals a
                               WHERE a.run_id = runs.id AND a.status = 'approved')
             ORDER BY id",
            &[repository.as_uuid(), &pull_request, &head.as_str()],
        )
        .await?;
    if rows.is_empty() {
        return Ok(0);
    }
    let older: Vec<RunId> = rows.iter().map(|row| RunId::new(row.get("id"))).collect();
    let error = format!("a newer head of the pull request arrived: {head}");
    let closing = Closing { code: Some(ErrorCode::Superseded), error: &error };
    Ok(close(tx, &older, &closing).await?.len())
}

/// Cancels the open children of a run that has ended badly: nobody waits for them any more.
pub async fn abandon_children(tx: &Tx<'_>, parent: RunId) -> Result<(), StoreError> {
    let rows = tx
        .query(
            "SELECT id FROM runs WHERE parent_run_id = $1
               AND finished_at IS NULL ORDER BY id",
            &[parent.as_uuid()],
        )
        .await?;
    if rows.is_empty() {
        return Ok(());
    }
    let children: Vec<RunId> = rows.iter().map(|row| RunId::new(row.get("id"))).collect();
    let closing = Closing { code: None, error: "the run that it is part of has ended" };
    close(tx, &children, &closing).await?;
    Ok(())
}

/// Why runs are canceled.
pub(crate) struct Closing<'a> {
    pub(crate) code: Option<ErrorCode>,
    pub(crate) error: &'a str,
}

/// Cancels these runs as far as they are open, with their descendants, their open steps, and
/// what people were still to decide. The parents of `runs` must be locked.
pub(crate) async fn close(
    tx: &Tx<'_>,
    runs: &[RunId],
    closing: &Closing<'_>,
) -> Result<Vec<Run>, StoreError> {
    let mut closed = Vec::new();
    let mut generation: Vec<Uuid> = runs.iter().map(|run| *run.as_uuid()).collect();
    // Parents before children and siblings by their ids, as everywhere.
    while !generation.is_empty() {
        let rows = tx
            .query(
                &format!(
                    "WITH held AS (
                         SELECT id FROM runs WHERE id = ANY ($1) AND finished_at IS NULL
                         ORDER BY id FOR NO KEY UPDATE
                     )
                     UPDATE runs r SET status = 'canceled', error_code = $2,
                         -- Canceled by hand is no error of the run's.
                         error = CASE WHEN $2::text IS NOT NULL THEN $3 END,
                         leased_until = NULL, wake_at = NULL, waiting_for = NULL,
                         finished_at = clock_timestamp(), updated_at = clock_timestamp()
                     FROM held WHERE r.id = held.id
                     RETURNING {COLUMNS}"
                ),
                &[&generation, &closing.code.map(ErrorCode::as_str), &closing.error],
            )
            .await?;
        let ended: Vec<Run> = rows.iter().map(Run::try_from).collect::<Result<_, _>>()?;
        let ids: Vec<Uuid> = ended.iter().map(|run| *run.id.as_uuid()).collect();
        let children = tx
            .query(
                "SELECT id FROM runs WHERE parent_run_id = ANY ($1)
                   AND finished_at IS NULL ORDER BY id",
                &[&ids],
            )
            .await?;
        generation = children.iter().map(|row| row.get("id")).collect();
        closed.extend(ended);
    }
    tell(tx, &closed, closing.error).await?;
    Ok(closed)
}

/// What was begun for these runs is not left looking as if someone worked on it.
async fn tell(tx: &Tx<'_>, closed: &[Run], error: &str) -> Result<(), StoreError> {
    let ids: Vec<Uuid> = closed.iter().map(|run| *run.id.as_uuid()).collect();
    let steps: Vec<(Uuid, &StepSpec)> = closed
        .iter()
        .flat_map(|run| run.kind.steps().iter().map(|step| (*run.id.as_uuid(), step)))
        .collect();
    let of: Vec<Uuid> = steps.iter().map(|(run, _)| *run).collect();
    let names: Vec<&str> = steps.iter().map(|(_, step)| step.id).collect();
    let kinds: Vec<&str> = steps.iter().map(|(_, step)| step.kind.as_str()).collect();
    tx.execute(
        "INSERT INTO run_steps (run_id, org_id, step_id, step_name, kind, status, attempt,
                                lease_token, started_at, finished_at)
         SELECT r.id, r.org_id, s.step, s.step, s.kind, 'canceled', 0, r.lease_token,
                clock_timestamp(), clock_timestamp()
         FROM unnest($1::uuid[], $2::text[], $3::text[]) WITH ORDINALITY AS s (run, step, kind, place)
         JOIN runs r ON r.id = s.run
         ORDER BY s.place
         ON CONFLICT (run_id, step_id) DO NOTHING",
        &[&of, &names, &kinds],
    )
    .await?;
    tx.execute(
        "UPDATE approvals SET status = 'canceled', decided_at = clock_timestamp(), reason = $2
         WHERE run_id = ANY ($1) AND status = 'pending'",
        &[&ids, &error],
    )
    .await?;
    tx.execute(
        "UPDATE analyses SET status = 'failed', error_message = $2,
             completed_at = clock_timestamp(), updated_at = clock_timestamp()
         WHERE run_id = ANY ($1) AND status IN ('pending', 'running')",
        &[&ids, &error],
    )
    .await?;
    tx.execute(
        "UPDATE codebase_scans SET status = 'failed', error_message = $2,
             completed_at = clock_timestamp()
         WHERE run_id = ANY ($1) AND status IN ('pending', 'running')",
        &[&ids, &error],
    )
    .await?;
    Ok(())
}

fn one(touched: u64) -> Result<(), StoreError> {
    if touched == 1 { Ok(()) } else { Err(StoreError::ChangedMeanwhile) }
}

impl Run {
    /// Whether someone may still work on it.
    pub fn is_open(&self) -> bool {
        matches!(self.status, RunStatus::Queued | RunStatus::Running | RunStatus::Waiting)
    }
}
