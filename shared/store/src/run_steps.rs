//! The `run_steps` table: a row is a step that is done, and never done again.

use domain::{RunId, StepStatus};
use jiff::Timestamp;
use serde_json::Value;

use crate::{StoreError, Tx, rows::parse, runs::Fence};

/// A finished step, as it is written.
#[derive(Debug, Clone)]
pub struct Finished<'a> {
    pub step: &'a str,
    pub status: StepStatus,
    pub output: Option<&'a Value>,
    pub error: Option<&'a Value>,
    /// By the worker's clock; for people, never for decisions.
    pub started_at: Timestamp,
}

/// A finished step, as it is read.
#[derive(Debug, Clone)]
pub struct Step {
    pub step: String,
    pub status: StepStatus,
    pub attempt: i32,
    pub output: Option<Value>,
    pub error: Option<Value>,
    pub started_at: Timestamp,
    pub finished_at: Timestamp,
}

/// Records a step under the lease that did it; `_fence` proves that the lease still holds.
pub async fn insert(tx: &Tx<'_>, fence: &Fence, done: &Finished<'_>) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO run_steps (run_id, org_id, step_id, step_name, status, attempt, lease_token,
                                output, error, started_at, finished_at)
         SELECT r.id, r.org_id, $2, $2, $3, greatest(r.claims_since_progress, 1), r.lease_token,
                $4, $5, $6, greatest(clock_timestamp(), $6)
         FROM runs r WHERE r.id = $1",
        &[
            fence.run().as_uuid(),
            &done.step,
            &done.status.as_str(),
            &done.output,
            &done.error,
            &done.started_at,
        ],
    )
    .await?;
    tx.execute(
        "UPDATE runs SET claims_since_progress = 0, updated_at = clock_timestamp() WHERE id = $1",
        &[fence.run().as_uuid()],
    )
    .await?;
    Ok(())
}

pub async fn list(tx: &Tx<'_>, run: RunId) -> Result<Vec<Step>, StoreError> {
    let rows = tx
        .query(
            "SELECT step_id, status, attempt, output, error, started_at, finished_at
             FROM run_steps WHERE run_id = $1 ORDER BY finished_at, step_id",
            &[run.as_uuid()],
        )
        .await?;
    rows.iter()
        .map(|row| {
            Ok(Step {
                step: row.get("step_id"),
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
