//! The `runs` table: requests, claims and endings of durable work.
//!
//! A worker claims a run and gets a lease token. Whatever it wants to commit, it first asks for
//! a [`Fence`] with that token in the same transaction; writing a step or an ending demands the
//! fence, so a worker that lost its lease cannot write by mistake. Only the database's clock
//! decides about leases.

mod ending;
mod family;
mod history;
mod lease;
pub mod merges;
mod resume;

use domain::{
    CommitSha, ErrorCode, OrgId, ProjectId, RepositoryId, RunId, RunKind, RunStatus,
    ScanScheduleId, WaitingFor,
};
use jiff::Timestamp;
use serde_json::Value;
use tokio_postgres::Row;

use crate::{
    StoreError, Tx,
    page::{Page, follows},
    rows::{parse, parse_opt},
};

pub(crate) use ending::{Closing, close};
pub use ending::{
    abandon_children, cancel, fail, hand_on, park, park_until_decided, retry_later, succeed,
    supersede,
};
pub use family::{count_open_children, list_children, list_latest, wake_parent};
pub(crate) use family::{lock, lock_parent};
pub use history::{History, Mark, PastApproval, PastStep, Relatives, history, mark, relatives};
pub use lease::{CLAIMS_MAX, Claim, Fence, Lease, behind_fence, claim, fence, name_commit};
pub use resume::{Resumed, resume};

/// The same commit asked for again within this window is the same run (spec/dossier, 1.2).
pub const SAME_COMMIT_WINDOW_HOURS: i32 = 6;

const COLUMNS: &str =
    "r.id, r.org_id, r.project_id, r.repository_id, r.kind, r.status, r.event_type, r.ref,
     r.commit_sha, r.pull_request, r.input, r.summary, r.error_code, r.error, r.last_error,
     r.attempts, r.traceparent, r.parent_run_id, r.resumes, r.origin_id, r.schedule_id,
     r.waiting_for, r.wake_at, r.created_at, r.started_at, r.finished_at";

/// A run to be requested.
#[derive(Debug, Clone)]
pub struct NewRun {
    pub id: RunId,
    pub org: OrgId,
    pub project: Option<ProjectId>,
    pub repository: Option<RepositoryId>,
    pub kind: RunKind,
    pub idempotency_key: String,
    pub event_type: String,
    pub git_ref: Option<String>,
    pub commit: Option<CommitSha>,
    pub pull_request: Option<i32>,
    pub input: Value,
    pub traceparent: Option<String>,
    /// The run that begins this one and waits for it.
    pub parent: Option<RunId>,
    pub schedule: Option<ScanScheduleId>,
}

#[derive(Debug, Clone)]
pub struct Run {
    pub id: RunId,
    pub org: OrgId,
    pub project: Option<ProjectId>,
    pub repository: Option<RepositoryId>,
    pub kind: RunKind,
    pub status: RunStatus,
    pub event_type: String,
    pub git_ref: Option<String>,
    pub commit: Option<CommitSha>,
    pub pull_request: Option<i32>,
    pub input: Value,
    pub summary: Option<Value>,
    pub error_code: Option<ErrorCode>,
    pub error: Option<String>,
    /// The last thing that went wrong and was retried.
    pub last_error: Option<String>,
    pub attempts: i32,
    pub traceparent: Option<String>,
    pub parent: Option<RunId>,
    /// The failed run that this one goes on from.
    pub resumes: Option<RunId>,
    /// The first of the runs that went on from one another. What is done outside is done in its
    /// name, so that a resumed step finds again what a failed one has already done.
    pub origin: RunId,
    pub schedule: Option<ScanScheduleId>,
    pub waiting_for: Option<WaitingFor>,
    /// Not before then: the next poll, the next attempt, or the end of someone's time to decide.
    pub wake_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inserted {
    New(RunId),
    /// The same request was made before and is this run.
    Existing(RunId),
}

impl Inserted {
    pub fn run(self) -> RunId {
        match self {
            Self::New(run) | Self::Existing(run) => run,
        }
    }
}

pub async fn insert(tx: &Tx<'_>, run: &NewRun) -> Result<Inserted, StoreError> {
    let row = tx
        .query_opt(
            "INSERT INTO runs (id, org_id, project_id, repository_id, kind, idempotency_key,
                               event_type, ref, commit_sha, pull_request, input, traceparent,
                               parent_run_id, schedule_id)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
             ON CONFLICT (org_id, kind, idempotency_key) DO NOTHING
             RETURNING id",
            &[
                run.id.as_uuid(),
                run.org.as_uuid(),
                &run.project.map(|id| *id.as_uuid()),
                &run.repository.map(|id| *id.as_uuid()),
                &run.kind.as_str(),
                &run.idempotency_key,
                &run.event_type,
                &run.git_ref,
                &run.commit.as_ref().map(CommitSha::as_str),
                &run.pull_request,
                &run.input,
                &run.traceparent,
                &run.parent.map(|id| *id.as_uuid()),
                &run.schedule.map(|id| *id.as_uuid()),
            ],
        )
        .await?;
    if row.is_some() {
        return Ok(Inserted::New(run.id));
    }
    let row = tx
        .query_one(
            "SELECT id FROM runs WHERE org_id = $1 AND kind = $2 AND idempotency_key = $3",
            &[run.org.as_uuid(), &run.kind.as_str(), &run.idempotency_key],
        )
        .await?;
    Ok(Inserted::Existing(RunId::new(row.get("id"))))
}

/// The run that already examines, or recently examined, `commit` for the same pull request.
///
/// A failed or canceled run does not answer the question, so asking again makes a new one.
pub async fn find_recent_for_commit(
    tx: &Tx<'_>,
    repository: RepositoryId,
    commit: &CommitSha,
    pull_request: Option<i32>,
) -> Result<Option<RunId>, StoreError> {
    let row = tx
        .query_opt(
            "SELECT id FROM runs
             WHERE repository_id = $1 AND commit_sha = $2 AND kind = 'analysis'
               AND pull_request IS NOT DISTINCT FROM $3
               AND status NOT IN ('failed', 'canceled')
               AND created_at > now() - make_interval(hours => $4)
             ORDER BY created_at DESC LIMIT 1",
            &[repository.as_uuid(), &commit.as_str(), &pull_request, &SAME_COMMIT_WINDOW_HOURS],
        )
        .await?;
    Ok(row.map(|row| RunId::new(row.get("id"))))
}

/// Notes that runs were asked for again: until they are due anew, that is done less and less often.
///
/// A run that someone holds is not waited for: it is being worked on, and these are runs of many
/// families, in no order.
pub async fn note_wake_up(tx: &Tx<'_>, runs: &[RunId]) -> Result<(), StoreError> {
    let ids: Vec<_> = runs.iter().map(|run| *run.as_uuid()).collect();
    tx.execute(
        "UPDATE runs SET asked_at = clock_timestamp(),
             asks = CASE WHEN asked_at >= run_due_at(status, leased_until, wake_at, updated_at)
                         THEN asks + 1 ELSE 1 END
         WHERE id IN (SELECT id FROM runs WHERE id = ANY ($1) AND finished_at IS NULL
                      FOR NO KEY UPDATE SKIP LOCKED)",
        &[&ids],
    )
    .await?;
    Ok(())
}

pub async fn find(tx: &Tx<'_>, run: RunId) -> Result<Option<Run>, StoreError> {
    let row = tx
        .query_opt(&format!("SELECT {COLUMNS} FROM runs r WHERE r.id = $1"), &[run.as_uuid()])
        .await?;
    row.as_ref().map(Run::try_from).transpose()
}

/// Which runs a reader wants; what is `None` does not narrow.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    pub repository: Option<RepositoryId>,
    pub status: Option<RunStatus>,
    pub kind: Option<RunKind>,
    pub error_code: Option<ErrorCode>,
    pub parent: Option<RunId>,
}

/// Newest first.
pub async fn list(tx: &Tx<'_>, filter: Filter, page: Page) -> Result<Vec<Run>, StoreError> {
    let rows = tx
        .query(
            &format!(
                "SELECT {COLUMNS} FROM runs r
                 WHERE {}
                   AND ($3::uuid IS NULL OR r.repository_id = $3)
                   AND ($4::text IS NULL OR r.status = $4)
                   AND ($5::text IS NULL OR r.kind = $5)
                   AND ($6::text IS NULL OR r.error_code = $6)
                   AND ($7::uuid IS NULL OR r.parent_run_id = $7)
                 ORDER BY r.created_at DESC, r.id DESC
                 LIMIT $2",
                follows("runs", "r")
            ),
            &[
                &page.after,
                &page.limit,
                &filter.repository.map(|id| *id.as_uuid()),
                &filter.status.map(RunStatus::as_str),
                &filter.kind.map(RunKind::as_str),
                &filter.error_code.map(ErrorCode::as_str),
                &filter.parent.map(|id| *id.as_uuid()),
            ],
        )
        .await?;
    rows.iter().map(Run::try_from).collect()
}

/// The sync of a repository that is asked for and not yet over.
pub async fn find_open_sync(
    tx: &Tx<'_>,
    repository: RepositoryId,
) -> Result<Option<RunId>, StoreError> {
    let row = tx
        .query_opt(
            "SELECT id FROM runs
             WHERE repository_id = $1 AND kind = 'repository_sync'
               AND finished_at IS NULL
             ORDER BY created_at DESC LIMIT 1",
            &[repository.as_uuid()],
        )
        .await?;
    Ok(row.map(|row| RunId::new(row.get("id"))))
}

impl TryFrom<&Row> for Run {
    type Error = StoreError;

    // `get` panics on a missing column or a wrong SQL type: both are bugs in this file.
    fn try_from(row: &Row) -> Result<Self, Self::Error> {
        Ok(Self {
            id: RunId::new(row.get("id")),
            org: OrgId::new(row.get("org_id")),
            project: row.get::<_, Option<_>>("project_id").map(ProjectId::new),
            repository: row.get::<_, Option<_>>("repository_id").map(RepositoryId::new),
            kind: parse(row, "runs", "kind")?,
            status: parse(row, "runs", "status")?,
            event_type: row.get("event_type"),
            git_ref: row.get("ref"),
            commit: parse_opt(row, "runs", "commit_sha")?,
            pull_request: row.get("pull_request"),
            input: row.get("input"),
            summary: row.get("summary"),
            error_code: parse_opt(row, "runs", "error_code")?,
            error: row.get("error"),
            last_error: row.get("last_error"),
            attempts: row.get("attempts"),
            traceparent: row.get("traceparent"),
            parent: row.get::<_, Option<_>>("parent_run_id").map(RunId::new),
            resumes: row.get::<_, Option<_>>("resumes").map(RunId::new),
            origin: RunId::new(row.get::<_, Option<_>>("origin_id").unwrap_or(row.get("id"))),
            schedule: row.get::<_, Option<_>>("schedule_id").map(ScanScheduleId::new),
            waiting_for: parse_opt(row, "runs", "waiting_for")?,
            wake_at: row.get("wake_at"),
            created_at: row.get("created_at"),
            started_at: row.get("started_at"),
            finished_at: row.get("finished_at"),
        })
    }
}
