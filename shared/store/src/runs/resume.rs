//! Going on where a failed run stopped.
//!
//! What has ended stays as it ended, so going on is a new run that inherits the finished steps
//! with their outputs. The failed step's row comes along too, so that attempts go on counting.

use domain::{RunId, RunStatus};
use uuid::Uuid;

use super::{COLUMNS, Run, find};
use crate::{StoreError, Tx, repositories};

/// What came of asking to go on.
#[derive(Debug)]
pub enum Resumed {
    /// The runs to be queued: the new one first, then children that have to be done again.
    New(Vec<Run>),
    /// Someone asked before, and this is what goes on.
    Existing(Box<Run>),
    /// Only a failed run can be gone on from.
    NotFailed(RunStatus),
    /// It is part of another run, and that one has to go on.
    PartOf(RunId),
    /// This run was begun meanwhile, is not over, and does the same.
    Meanwhile(RunId),
}

/// Makes the run that goes on from `failed`. `None`: there is no such run.
///
/// It holds the repository's lock, as whoever asks for a scan, a merge or an analysis does.
pub async fn resume(tx: &Tx<'_>, failed: RunId) -> Result<Option<Resumed>, StoreError> {
    let Some(run) = find(tx, failed).await? else { return Ok(None) };
    if let Some(repository) = run.repository {
        repositories::find_locked(tx, repository).await?;
    }
    if run.status != RunStatus::Failed {
        return Ok(Some(Resumed::NotFailed(run.status)));
    }
    if let Some(parent) = run.parent {
        return Ok(Some(Resumed::PartOf(parent)));
    }
    if let Some(known) = find_next(tx, failed).await? {
        return Ok(Some(Resumed::Existing(Box::new(known))));
    }
    if let Some(other) = find_open_same(tx, failed).await? {
        return Ok(Some(Resumed::Meanwhile(other)));
    }
    let Some(next) = go_on(tx, failed, Uuid::now_v7(), None).await? else {
        let known = find_next(tx, failed).await?.ok_or(StoreError::ChangedMeanwhile)?;
        return Ok(Some(Resumed::Existing(Box::new(known))));
    };
    let mut runs = vec![next];
    let children = tx
        .query(
            "SELECT id FROM runs
             WHERE parent_run_id = $1 AND status <> 'succeeded' ORDER BY created_at, id",
            &[failed.as_uuid()],
        )
        .await?;
    for child in &children {
        let parent = Some(runs[0].id);
        let from = RunId::new(child.get("id"));
        runs.extend(go_on(tx, from, Uuid::now_v7(), parent).await?);
    }
    Ok(Some(Resumed::New(runs)))
}

/// The run that goes on from `failed`, if somebody asked for it before.
async fn find_next(tx: &Tx<'_>, failed: RunId) -> Result<Option<Run>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM runs r WHERE r.resumes = $1");
    tx.query_opt(&sql, &[failed.as_uuid()]).await?.as_ref().map(Run::try_from).transpose()
}

/// A run that is not over and does what `failed` was to do: scans the branch, merges the pull request,
/// examines the commit, or syncs the repository.
async fn find_open_same(tx: &Tx<'_>, failed: RunId) -> Result<Option<RunId>, StoreError> {
    let row = tx
        .query_opt(
            "SELECT o.id FROM runs f
             JOIN runs o ON o.repository_id = f.repository_id AND o.kind = f.kind AND o.id <> f.id
               AND o.finished_at IS NULL AND o.parent_run_id IS NULL
             LEFT JOIN codebase_scans fs ON fs.run_id = f.id
             LEFT JOIN codebase_scans os ON os.run_id = o.id
             WHERE f.id = $1
               AND CASE f.kind
                   WHEN 'codebase_scan' THEN os.branch = fs.branch
                   WHEN 'merge' THEN o.pull_request = f.pull_request
                   WHEN 'analysis' THEN o.commit_sha = f.commit_sha
                        AND o.pull_request IS NOT DISTINCT FROM f.pull_request
                   ELSE true END
             ORDER BY o.created_at DESC LIMIT 1",
            &[failed.as_uuid()],
        )
        .await?;
    Ok(row.map(|row| RunId::new(row.get("id"))))
}

/// `None`: another request was faster.
async fn go_on(
    tx: &Tx<'_>,
    failed: RunId,
    id: Uuid,
    parent: Option<RunId>,
) -> Result<Option<Run>, StoreError> {
    let row = tx
        .query_opt(
            &format!(
                "INSERT INTO runs AS r (
                     id, org_id, project_id, repository_id, kind, idempotency_key, event_type, ref,
                     commit_sha, pull_request, input, traceparent, parent_run_id, resumes, origin_id)
                 SELECT $2, f.org_id, f.project_id, f.repository_id, f.kind, 'resume:' || f.id,
                        f.event_type, f.ref, f.commit_sha, f.pull_request, f.input, f.traceparent,
                        $3, f.id, coalesce(f.origin_id, f.id)
                 FROM runs f WHERE f.id = $1
                 ON CONFLICT DO NOTHING
                 RETURNING {COLUMNS}"
            ),
            &[failed.as_uuid(), &id, &parent.map(|id| *id.as_uuid())],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let from_to: [&(dyn tokio_postgres::types::ToSql + Sync); 2] = [failed.as_uuid(), &id];
    tx.execute(
        "INSERT INTO run_steps (run_id, org_id, step_id, step_name, kind, status, attempt,
                                lease_token, input, output, error, started_at, finished_at)
         SELECT $2, org_id, step_id, step_name, kind, status, attempt, 0, input, output, error,
                started_at, finished_at
         FROM run_steps WHERE run_id = $1 AND status IN ('succeeded', 'skipped', 'failed')",
        &from_to,
    )
    .await?;
    // What the finished steps wrote elsewhere belongs to the run that goes on with it.
    tx.execute(
        "UPDATE analyses SET run_id = $2, status = 'running', error_message = NULL,
             completed_at = NULL, updated_at = clock_timestamp() WHERE run_id = $1",
        &from_to,
    )
    .await?;
    tx.execute(
        "UPDATE codebase_scans SET run_id = $2, status = 'running', error_message = NULL,
             completed_at = NULL WHERE run_id = $1",
        &from_to,
    )
    .await?;
    Ok(Some(Run::try_from(&row)?))
}
