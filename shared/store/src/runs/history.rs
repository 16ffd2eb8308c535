//! What has happened to a run, read as of one moment.
//!
//! One statement sees one snapshot. Read one after the other, a later step could be seen without
//! the decision that came before it, and who was told of the step would never hear of that.

use domain::{ApprovalId, ApprovalScope, ApprovalStatus, RunId, RunStatus, StepKind, StepStatus};
use jiff::Timestamp;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use tokio_postgres::Row;

use super::{COLUMNS, Run};
use crate::{
    StoreError, Tx,
    rows::{corrupt, parse},
};

#[derive(Debug, Clone)]
pub struct History {
    pub run: Run,
    /// Finished steps, in no order.
    pub steps: Vec<PastStep>,
    pub approvals: Vec<PastApproval>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct PastStep {
    #[serde(rename = "step_id")]
    pub step: String,
    pub kind: StepKind,
    pub status: StepStatus,
    pub attempt: i32,
    /// Done by the run that this one goes on from, and not by this one.
    pub inherited: bool,
    pub output: Option<Value>,
    pub error: Option<Value>,
    pub started_at: Timestamp,
    pub finished_at: Timestamp,
}

#[derive(Debug, Clone, Deserialize)]
pub struct PastApproval {
    pub id: ApprovalId,
    #[serde(rename = "step_id")]
    pub step: Option<String>,
    pub scope: ApprovalScope,
    #[serde(rename = "intent_summary")]
    pub summary: String,
    pub intent_hash: String,
    pub status: ApprovalStatus,
    pub expires_at: Option<Timestamp>,
    pub decided_at: Option<Timestamp>,
    pub decided_by: Option<String>,
    pub reason: Option<String>,
    pub created_at: Timestamp,
}

/// Steps that were taken over carry no lease; what a cancelation writes may carry none either.
const INHERITED: &str = "(s.lease_token = 0 AND s.status <> 'canceled')";

pub async fn history(tx: &Tx<'_>, run: RunId) -> Result<Option<History>, StoreError> {
    let row = tx
        .query_opt(
            &format!(
                "SELECT {COLUMNS},
                     (SELECT coalesce(jsonb_agg(to_jsonb(s) || jsonb_build_object('inherited', {INHERITED})), '[]')
                      FROM run_steps s WHERE s.run_id = r.id) AS steps,
                     (SELECT coalesce(jsonb_agg(to_jsonb(a)), '[]')
                      FROM approvals a WHERE a.run_id = r.id) AS approvals
                 FROM runs r WHERE r.id = $1"
            ),
            &[run.as_uuid()],
        )
        .await?;
    row.map(|row| {
        Ok(History {
            run: Run::try_from(&row)?,
            steps: listed(&row, "run_steps", "steps")?,
            approvals: listed(&row, "approvals", "approvals")?,
        })
    })
    .transpose()
}

fn listed<T: DeserializeOwned>(
    row: &Row,
    table: &'static str,
    column: &'static str,
) -> Result<Vec<T>, StoreError> {
    serde_json::from_value(row.get(column)).map_err(corrupt(table, column))
}

/// How far a history goes, for a few bytes: two that are equal are of the same history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    started: bool,
    over: bool,
    steps: i64,
    asked: i64,
    decided: i64,
}

pub async fn mark(tx: &Tx<'_>, run: RunId) -> Result<Option<Mark>, StoreError> {
    let row = tx
        .query_opt(
            &format!(
                "SELECT r.started_at IS NOT NULL AS started, r.finished_at IS NOT NULL AS over,
                     (SELECT count(*) FROM run_steps s
                      WHERE s.run_id = r.id AND NOT {INHERITED}) AS steps, a.asked, a.decided
                 FROM runs r,
                     LATERAL (SELECT count(*) AS asked,
                                     count(*) FILTER (WHERE status <> 'pending') AS decided
                              FROM approvals WHERE run_id = r.id) a
                 WHERE r.id = $1"
            ),
            &[run.as_uuid()],
        )
        .await?;
    Ok(row.map(|row| Mark {
        started: row.get("started"),
        over: row.get("over"),
        steps: row.get("steps"),
        asked: row.get("asked"),
        decided: row.get("decided"),
    }))
}

/// What other runs have to do with one.
#[derive(Debug, Clone, Default)]
pub struct Relatives {
    /// The run that goes on from this one.
    pub resumed_by: Option<RunId>,
    /// How many of its children are in which status.
    pub children: Vec<(RunStatus, i64)>,
}

pub async fn relatives(tx: &Tx<'_>, run: RunId) -> Result<Relatives, StoreError> {
    let rows = tx
        .query(
            "SELECT (SELECT n.id FROM runs n WHERE n.resumes = $1) AS resumed_by,
                    c.status, count(c.id) AS children
             FROM (SELECT $1::uuid AS id) r LEFT JOIN runs c ON c.parent_run_id = r.id
             GROUP BY c.status",
            &[run.as_uuid()],
        )
        .await?;
    let mut relatives = Relatives::default();
    for row in &rows {
        relatives.resumed_by = row.get::<_, Option<_>>("resumed_by").map(RunId::new);
        if row.get::<_, Option<&str>>("status").is_some() {
            relatives.children.push((parse(row, "runs", "status")?, row.get("children")));
        }
    }
    Ok(relatives)
}
