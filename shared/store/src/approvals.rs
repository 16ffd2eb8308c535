//! The `approvals` table: what people were asked to allow, and what they said.
//!
//! A decision locks the run and then the approval, as everything does that wakes a run, so it can
//! neither be missed by a run that is about to park nor be taken twice. What was decided stays.

use std::time::Duration;

use domain::{
    ApprovalId, ApprovalScope, ApprovalStatus, ErrorCode, Intent, InvalidPlan, OrgId, RunId,
    RunStatus, StepSpec, WaitingFor,
};
use faults::Mutation;
use jiff::Timestamp;
use serde_json::Value;
use tokio_postgres::Row;

use crate::{
    Page, StoreError, Tx,
    rows::parse,
    runs::{self, Closing, Fence, Run},
};

const COLUMNS: &str =
    "a.id, a.org_id, a.run_id, a.step_id, a.scope, a.intent_summary, a.intent_hash,
     a.plan, a.status, a.approved_plan, a.approved_hash, a.decided_at, a.decided_by, a.reason,
     a.expires_at, a.created_at,
     a.status = 'pending' AND coalesce(a.expires_at <= clock_timestamp(), false) AS is_late";

#[derive(Debug, Clone)]
pub struct Approval {
    pub id: ApprovalId,
    pub org: OrgId,
    pub run: RunId,
    pub step: String,
    /// What was asked.
    pub intent: Intent,
    pub intent_hash: String,
    pub status: ApprovalStatus,
    /// What was approved: the plan that was asked about, or an edited one.
    pub approved_plan: Option<Value>,
    pub approved_hash: Option<String>,
    pub decided_at: Option<Timestamp>,
    pub decided_by: Option<String>,
    pub reason: Option<String>,
    pub expires_at: Option<Timestamp>,
    /// It is pending, and its time is over by the database's clock.
    pub is_late: bool,
    pub created_at: Timestamp,
}

/// Asks, or finds what was asked before: a step asks once.
pub async fn request(
    tx: &Tx<'_>,
    fence: &Fence,
    step: &StepSpec,
    intent: &Intent,
    expires_in: Duration,
) -> Result<Approval, StoreError> {
    if let Some(asked) = find_for_step(tx, fence.run(), step.id).await? {
        return Ok(asked);
    }
    let row = tx
        .query_one(
            &format!(
                "INSERT INTO approvals AS a (org_id, project_id, run_id, step_id, scope,
                                             intent_summary, intent_hash, plan, expires_at, created_at)
                 SELECT r.org_id, r.project_id, r.id, $2, $3, $4, $5, $6,
                        clock_timestamp() + make_interval(secs => $7), clock_timestamp()
                 FROM runs r WHERE r.id = $1
                 RETURNING {COLUMNS}"
            ),
            &[
                fence.run().as_uuid(),
                &step.id,
                &intent.scope.as_str(),
                &intent.summary,
                &intent.hash(fence.run(), step.id),
                &intent.plan,
                &expires_in.as_secs_f64(),
            ],
        )
        .await?;
    Approval::try_from(&row)
}

pub async fn find(tx: &Tx<'_>, id: ApprovalId) -> Result<Option<Approval>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM approvals a WHERE a.id = $1");
    tx.query_opt(&sql, &[id.as_uuid()]).await?.as_ref().map(Approval::try_from).transpose()
}

pub async fn find_for_step(
    tx: &Tx<'_>,
    run: RunId,
    step: &str,
) -> Result<Option<Approval>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM approvals a WHERE a.run_id = $1 AND a.step_id = $2");
    let row = tx.query_opt(&sql, &[run.as_uuid(), &step]).await?;
    row.as_ref().map(Approval::try_from).transpose()
}

/// Which approvals a reader wants; what is `None` does not narrow.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    pub run: Option<RunId>,
    pub status: Option<ApprovalStatus>,
}

/// Oldest first: who has waited longest is answered first.
pub async fn list(tx: &Tx<'_>, filter: Filter, page: Page) -> Result<Vec<Approval>, StoreError> {
    let rows = tx
        .query(
            &format!(
                "SELECT {COLUMNS} FROM approvals a
                 WHERE ($1::uuid IS NULL OR (a.created_at, a.id) > (
                            SELECT c.created_at, c.id FROM approvals c WHERE c.id = $1))
                   AND ($3::uuid IS NULL OR a.run_id = $3)
                   AND ($4::text IS NULL OR a.status = $4)
                 ORDER BY a.created_at, a.id
                 LIMIT $2"
            ),
            &[
                &page.after,
                &page.limit,
                &filter.run.map(|id| *id.as_uuid()),
                &filter.status.map(ApprovalStatus::as_str),
            ],
        )
        .await?;
    rows.iter().map(Approval::try_from).collect()
}

/// What a person says. The hash proves that they saw what they decide about.
#[derive(Debug, Clone, Copy)]
pub enum Decision<'a> {
    Approve {
        intent_hash: &'a str,
        /// What is to be done instead, as far as the run's kind lets it be edited.
        edited: Option<&'a Value>,
        by: &'a str,
    },
    Reject {
        intent_hash: &'a str,
        reason: &'a str,
        by: &'a str,
    },
}

/// What came of it.
#[derive(Debug)]
pub enum Decided {
    /// Approved: the run is queued, and its message is to be sent.
    Approved {
        approval: Box<Approval>,
        run: Box<Run>,
    },
    /// Rejected: the run has ended, and a parent may have to be told.
    Rejected {
        approval: Box<Approval>,
        run: Box<Run>,
    },
    /// It was decided before, and that stays.
    Already(Box<Approval>),
    /// The decision is about something else than what is asked.
    Stale(Box<Approval>),
    /// Its time was over.
    Late(Box<Approval>),
    /// Nobody waits for it: the run is about to park, or has ended.
    NotWaiting(RunStatus),
    Unacceptable(InvalidPlan),
}

/// Takes a decision, or says why not; then nothing was changed. `None`: there is no such approval.
pub async fn decide(
    tx: &Tx<'_>,
    id: ApprovalId,
    decision: Decision<'_>,
) -> Result<Option<Decided>, StoreError> {
    let Some(asked) = find(tx, id).await? else { return Ok(None) };
    if !faults::mutated(Mutation::DecideUnlocked) {
        runs::lock(tx, asked.run).await?;
    }
    let Some(asked) = find(tx, id).await? else { return Ok(None) };
    let run = runs::find(tx, asked.run).await?.ok_or(StoreError::ChangedMeanwhile)?;
    let (Decision::Approve { intent_hash, .. } | Decision::Reject { intent_hash, .. }) = decision;
    let refused = if asked.status != ApprovalStatus::Pending {
        Some(Decided::Already(Box::new(asked.clone())))
    } else if asked.is_late {
        Some(Decided::Late(Box::new(asked.clone())))
    } else if asked.intent_hash != intent_hash {
        Some(Decided::Stale(Box::new(asked.clone())))
    } else if run.waiting_for != Some(WaitingFor::Approval) {
        Some(Decided::NotWaiting(run.status))
    } else {
        None
    };
    if let Some(refused) = refused {
        return Ok(Some(refused));
    }
    match decision {
        Decision::Approve { edited, by, .. } => approve(tx, &asked, &run, edited, by).await,
        Decision::Reject { reason, by, .. } => reject(tx, &asked, reason, by).await,
    }
    .map(Some)
}

async fn approve(
    tx: &Tx<'_>,
    asked: &Approval,
    run: &Run,
    edited: Option<&Value>,
    by: &str,
) -> Result<Decided, StoreError> {
    let plan = match edited {
        None => asked.intent.plan.clone(),
        Some(edited) => match run.kind.edit_plan(&asked.intent.plan, edited) {
            Ok(plan) => plan,
            Err(invalid) => return Ok(Decided::Unacceptable(invalid)),
        },
    };
    let approved = Intent { plan, ..asked.intent.clone() };
    let row = tx
        .query_one(
            &format!(
                "UPDATE approvals a
                 SET status = 'approved', approved_plan = $2, approved_hash = $3,
                     approved_at = clock_timestamp(), approved_by = $4,
                     decided_at = clock_timestamp(), decided_by = $4
                 WHERE a.id = $1 RETURNING {COLUMNS}"
            ),
            &[asked.id.as_uuid(), &approved.plan, &approved.hash(asked.run, &asked.step), &by],
        )
        .await?;
    tx.execute(
        "UPDATE runs SET status = 'queued', waiting_for = NULL, wake_at = NULL,
             updated_at = clock_timestamp()
         WHERE id = $1",
        &[asked.run.as_uuid()],
    )
    .await?;
    let approval = Box::new(Approval::try_from(&row)?);
    Ok(Decided::Approved { approval, run: Box::new(run.clone()) })
}

async fn reject(
    tx: &Tx<'_>,
    asked: &Approval,
    reason: &str,
    by: &str,
) -> Result<Decided, StoreError> {
    let row = tx
        .query_one(
            &format!(
                "UPDATE approvals a
                 SET status = 'rejected', decided_at = clock_timestamp(), decided_by = $2, reason = $3
                 WHERE a.id = $1 RETURNING {COLUMNS}"
            ),
            &[asked.id.as_uuid(), &by, &reason],
        )
        .await?;
    let error = format!("rejected by {by}: {reason}");
    let closing = Closing { code: Some(ErrorCode::ApprovalRejected), error: &error };
    let closed = runs::close(tx, &[asked.run], &closing).await?;
    let run = closed.into_iter().find(|closed| closed.id == asked.run);
    let run = Box::new(run.ok_or(StoreError::ChangedMeanwhile)?);
    Ok(Decided::Rejected { approval: Box::new(Approval::try_from(&row)?), run })
}

/// Writes down that nobody decided in time.
pub async fn expire(tx: &Tx<'_>, _fence: &Fence, id: ApprovalId) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE approvals SET status = 'expired', decided_at = clock_timestamp(),
             reason = 'nobody decided in time'
         WHERE id = $1 AND status = 'pending'",
        &[id.as_uuid()],
    )
    .await?;
    Ok(())
}

impl TryFrom<&Row> for Approval {
    type Error = StoreError;

    fn try_from(row: &Row) -> Result<Self, Self::Error> {
        Ok(Self {
            id: ApprovalId::new(row.get("id")),
            org: OrgId::new(row.get("org_id")),
            run: RunId::new(row.get("run_id")),
            step: row.get::<_, Option<_>>("step_id").unwrap_or_default(),
            intent: Intent {
                scope: parse::<ApprovalScope>(row, "approvals", "scope")?,
                summary: row.get("intent_summary"),
                plan: row.get("plan"),
            },
            intent_hash: row.get("intent_hash"),
            status: parse(row, "approvals", "status")?,
            approved_plan: row.get("approved_plan"),
            approved_hash: row.get("approved_hash"),
            decided_at: row.get("decided_at"),
            decided_by: row.get("decided_by"),
            reason: row.get("reason"),
            expires_at: row.get("expires_at"),
            is_late: row.get("is_late"),
            created_at: row.get("created_at"),
        })
    }
}
