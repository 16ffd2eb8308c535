//! Runs that begin other runs and wait for them.
//!
//! Whoever ends a child and whoever parks a parent hold the parent's row, so neither can miss the
//! other: the parent sees that its last child is over, or the child sees that its parent waits.

use domain::RunId;
use uuid::Uuid;

use super::{COLUMNS, Run};
use crate::{StoreError, Tx};

/// Locks a run's row, so that nobody claims, parks or ends it meanwhile, and its parent's before
/// it. `false`: there is no such run.
pub(crate) async fn lock(tx: &Tx<'_>, run: RunId) -> Result<bool, StoreError> {
    let sql = "SELECT parent_run_id FROM runs WHERE id = $1";
    let Some(row) = tx.query_opt(sql, &[run.as_uuid()]).await? else { return Ok(false) };
    if let Some(parent) = row.get::<_, Option<Uuid>>("parent_run_id") {
        lock_parent(tx, RunId::new(parent)).await?;
    }
    lock_row(tx, run).await?;
    Ok(true)
}

/// A parent is locked before its children.
pub(crate) async fn lock_parent(tx: &Tx<'_>, parent: RunId) -> Result<(), StoreError> {
    lock_row(tx, parent).await
}

async fn lock_row(tx: &Tx<'_>, run: RunId) -> Result<(), StoreError> {
    tx.query_opt("SELECT 1 FROM runs WHERE id = $1 FOR NO KEY UPDATE", &[run.as_uuid()]).await?;
    Ok(())
}

/// Queues the parent of a child that has just ended, if it waits and no other child is open.
/// The parent must be locked, as a child's fence or its cancelation does.
pub async fn wake_parent(tx: &Tx<'_>, child: &Run) -> Result<Option<Run>, StoreError> {
    let Some(parent) = child.parent else { return Ok(None) };
    let row = tx
        .query_opt(
            &format!(
                "UPDATE runs r SET status = 'queued', waiting_for = NULL, wake_at = NULL,
                     updated_at = clock_timestamp()
                 WHERE r.id = $1 AND r.status = 'waiting' AND r.waiting_for = 'children'
                   AND NOT EXISTS (
                       SELECT FROM runs c WHERE c.parent_run_id = r.id
                         AND c.finished_at IS NULL)
                 RETURNING {COLUMNS}"
            ),
            &[parent.as_uuid()],
        )
        .await?;
    row.as_ref().map(Run::try_from).transpose()
}

pub async fn count_open_children(tx: &Tx<'_>, parent: RunId) -> Result<i64, StoreError> {
    let row = tx
        .query_one(
            "SELECT count(*) AS open FROM runs
             WHERE parent_run_id = $1 AND finished_at IS NULL",
            &[parent.as_uuid()],
        )
        .await?;
    Ok(row.get("open"))
}

/// In the order in which they were begun.
pub async fn list_children(tx: &Tx<'_>, parent: RunId) -> Result<Vec<Run>, StoreError> {
    let rows = tx
        .query(
            &format!(
                "SELECT {COLUMNS} FROM runs r WHERE r.parent_run_id = $1
                 ORDER BY r.created_at, r.id"
            ),
            &[parent.as_uuid()],
        )
        .await?;
    rows.iter().map(Run::try_from).collect()
}

/// Each of these runs, or the last one that went on from it, in the order of `origins`.
pub async fn list_latest(tx: &Tx<'_>, origins: &[RunId]) -> Result<Vec<Run>, StoreError> {
    let ids: Vec<Uuid> = origins.iter().map(|run| *run.as_uuid()).collect();
    let rows = tx
        .query(
            &format!(
                "SELECT {COLUMNS} FROM unnest($1::uuid[]) WITH ORDINALITY AS o (id, place)
                 CROSS JOIN LATERAL (
                     SELECT * FROM runs l WHERE l.id = o.id OR l.origin_id = o.id
                     ORDER BY l.created_at DESC, l.id DESC LIMIT 1
                 ) r
                 ORDER BY o.place"
            ),
            &[&ids],
        )
        .await?;
    rows.iter().map(Run::try_from).collect()
}
