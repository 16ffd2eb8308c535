//! The `runs` table: requests, claims and endings of durable work.
//!
//! A worker claims a run and gets a lease token. Whatever it wants to commit, it first asks for
//! a [`Fence`] with that token in the same transaction; writing a step or an ending demands the
//! fence, so a worker that lost its lease cannot write by mistake. Only the database's clock
//! decides about leases.

mod lease;

use domain::{CommitSha, ErrorCode, OrgId, ProjectId, RepositoryId, RunId, RunKind, RunStatus};
use jiff::Timestamp;
use serde_json::Value;
use tokio_postgres::Row;

use crate::{
    StoreError, Tx,
    page::{Page, follows},
    rows::{parse, parse_opt},
};

pub use lease::{
    CLAIMS_MAX, Claim, Fence, Lease, claim, fail, fence, hand_on, name_commit, release, succeed,
};

/// The same commit asked for again within this window is the same run (spec/dossier, 1.2).
pub const SAME_COMMIT_WINDOW_HOURS: i32 = 6;

const COLUMNS: &str =
    "id, org_id, project_id, repository_id, kind, status, event_type, ref, commit_sha,
     pull_request, input, summary, error_code, error, last_error, attempts, traceparent,
     created_at, started_at, finished_at";

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
                               event_type, ref, commit_sha, pull_request, input, traceparent)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
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

/// Cancels the open runs of a pull request that examine an older head than `head`, and answers
/// how many there were.
pub async fn supersede(
    tx: &Tx<'_>,
    repository: RepositoryId,
    pull_request: i32,
    head: &CommitSha,
) -> Result<u64, StoreError> {
    let row = tx
        .query_one(
            "WITH canceled AS (
                 UPDATE runs
                 SET status = 'canceled', error_code = 'superseded',
                     finished_at = clock_timestamp(), leased_until = NULL, wake_at = NULL,
                     updated_at = clock_timestamp(),
                     error = 'a newer head of the pull request arrived: ' || $3
                 WHERE repository_id = $1 AND pull_request = $2 AND commit_sha <> $3
                   AND kind = 'analysis' AND status IN ('queued', 'running', 'waiting')
                 RETURNING id, error
             ), told AS (
                 -- What was begun is not left looking as if someone worked on it.
                 UPDATE analyses a
                 SET status = 'failed', error_message = c.error,
                     completed_at = clock_timestamp(), updated_at = clock_timestamp()
                 FROM canceled c WHERE a.run_id = c.id
             )
             SELECT count(*) AS canceled FROM canceled",
            &[repository.as_uuid(), &pull_request, &head.as_str()],
        )
        .await?;
    Ok(row.get::<_, i64>("canceled").unsigned_abs())
}

/// Notes that waiting runs were asked for again, so that the next sweep asks for others first.
pub async fn note_wake_up(tx: &Tx<'_>, runs: &[RunId]) -> Result<(), StoreError> {
    let ids: Vec<_> = runs.iter().map(|run| *run.as_uuid()).collect();
    tx.execute(
        "UPDATE runs SET updated_at = clock_timestamp() WHERE id = ANY ($1) AND status = 'queued'",
        &[&ids],
    )
    .await?;
    Ok(())
}

pub async fn find(tx: &Tx<'_>, run: RunId) -> Result<Option<Run>, StoreError> {
    let row = tx
        .query_opt(&format!("SELECT {COLUMNS} FROM runs WHERE id = $1"), &[run.as_uuid()])
        .await?;
    row.as_ref().map(Run::try_from).transpose()
}

/// Which runs a reader wants; what is `None` does not narrow.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    pub repository: Option<RepositoryId>,
    pub status: Option<RunStatus>,
    pub kind: Option<RunKind>,
}

/// Newest first.
pub async fn list(tx: &Tx<'_>, filter: Filter, page: Page) -> Result<Vec<Run>, StoreError> {
    let rows = tx
        .query(
            &format!(
                "SELECT {COLUMNS} FROM runs
                 WHERE {}
                   AND ($3::uuid IS NULL OR repository_id = $3)
                   AND ($4::text IS NULL OR status = $4)
                   AND ($5::text IS NULL OR kind = $5)
                 ORDER BY created_at DESC, id DESC
                 LIMIT $2",
                follows("runs", "runs")
            ),
            &[
                &page.after,
                &page.limit,
                &filter.repository.map(|id| *id.as_uuid()),
                &filter.status.map(RunStatus::as_str),
                &filter.kind.map(RunKind::as_str),
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
               AND status IN ('queued', 'running', 'waiting')
             ORDER BY created_at DESC LIMIT 1",
            &[repository.as_uuid()],
        )
        .await?;
    Ok(row.map(|row| RunId::new(row.get("id"))))
}

/// Ends a run that has not ended. `None`: there is no such run, or it has ended already.
///
/// Whoever holds its lease loses it with the status.
pub async fn cancel(tx: &Tx<'_>, run: RunId) -> Result<Option<Run>, StoreError> {
    let row = tx
        .query_opt(
            &format!(
                "UPDATE runs SET status = 'canceled', leased_until = NULL, wake_at = NULL,
                     finished_at = clock_timestamp(), updated_at = clock_timestamp()
                 WHERE id = $1 AND status IN ('queued', 'running', 'waiting')
                 RETURNING {COLUMNS}"
            ),
            &[run.as_uuid()],
        )
        .await?;
    row.as_ref().map(Run::try_from).transpose()
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
            created_at: row.get("created_at"),
            started_at: row.get("started_at"),
            finished_at: row.get("finished_at"),
        })
    }
}
