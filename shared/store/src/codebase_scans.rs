//! The `codebase_scans` table: one row a scan of all the code of a branch.
//!
//! What a row says about its run is copied in SQL. A run that goes on from a failed one takes the
//! row over, so a scan keeps its id however often it is resumed.

use std::collections::BTreeMap;

use domain::{
    AnalysisId, ArtifactId, CodebaseScanId, CommitSha, ErrorCode, RepositoryId, RiskLevel, RunId,
    RunStatus, Severity,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_postgres::Row;

use crate::{
    StoreError, Tx,
    page::{Page, follows},
    rows::{corrupt, parse_opt},
    runs::Fence,
};

const COLUMNS: &str =
    "s.id, s.repo_id, s.run_id, s.branch, s.status, s.triggered_by, s.files_scanned,
     s.findings_count, s.results, s.error_message, s.started_at, s.completed_at, s.created_at,
     r.status AS run_status, r.error_code, r.commit_sha, a.id AS analysis_id";

const FROM: &str = "codebase_scans s LEFT JOIN runs r ON r.id = s.run_id
     LEFT JOIN analyses a ON a.run_id = s.run_id";

/// The columns that a run knows about its scan.
const FROM_RUN: &str = "r.org_id, r.repository_id, r.id,
     coalesce($2, r.input ->> 'branch', p.default_branch),
     CASE r.event_type WHEN 'schedule' THEN 'schedule' WHEN 'manual' THEN 'manual' ELSE 'api' END
     FROM runs r JOIN repositories p ON p.id = r.repository_id
     WHERE r.id = $1 AND r.kind = 'codebase_scan'";

#[derive(Debug, Clone)]
pub struct CodebaseScan {
    pub id: CodebaseScanId,
    pub repository: RepositoryId,
    /// The newest run that works on it.
    pub run: Option<RunId>,
    pub run_status: Option<RunStatus>,
    pub error_code: Option<ErrorCode>,
    pub branch: String,
    pub commit: Option<CommitSha>,
    /// Under which its findings are kept, once it has fetched the code.
    pub analysis: Option<AnalysisId>,
    /// `pending`, `running`, `completed` or `failed`.
    pub status: String,
    /// `manual`, `schedule` or `api`.
    pub triggered_by: String,
    /// Files that were parsed; 0 until it is complete.
    pub files_scanned: i32,
    pub findings_count: i32,
    pub results: Option<Results>,
    pub error_message: Option<String>,
    pub started_at: Option<Timestamp>,
    pub completed_at: Option<Timestamp>,
    pub created_at: Timestamp,
}

/// What a scan ends with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// All files of the commit.
    pub files: u32,
    /// Files that were parsed.
    pub analysed: u32,
    pub shards: usize,
    /// Every severity is named.
    pub findings: BTreeMap<Severity, u32>,
    /// Of the findings, those that people live with.
    pub dismissed: u32,
    /// Files that were not read, whatever for.
    pub unanalysed: usize,
    /// Places where a rule, or all of them, did not come to an end.
    pub incomplete: usize,
    /// None: no scan of this branch was completed before.
    pub changes: Option<Changes>,
    /// None: it is older than the scores of scans.
    #[serde(default)]
    pub trust: Option<Trust>,
    pub report: ArtifactId,
}

/// What a scan finds that the one before did not, and the reverse; a finding that moves is the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// The scan of the same branch that was completed last.
    pub since: CodebaseScanId,
    pub new: u32,
    pub persisting: u32,
    pub fixed: u32,
    /// Not found again, in files that this scan did not read to the end.
    pub not_checked: u32,
}

/// How far the files of a scan can be relied on, by their trust scores.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Trust {
    /// Files with a score, by their risk; every level is named.
    pub files: BTreeMap<RiskLevel, u32>,
    /// The mean of their scores, to a tenth. None: no file has one.
    pub mean: Option<f64>,
    /// The file with the lowest score, and that score.
    pub lowest: Option<(String, f64)>,
}

/// Notes that a scan was asked for.
pub async fn request(tx: &Tx<'_>, run: RunId) -> Result<CodebaseScanId, StoreError> {
    let row = tx
        .query_opt(
            &format!(
                "INSERT INTO codebase_scans (status, org_id, repo_id, run_id, branch, triggered_by)
                 SELECT 'pending', {FROM_RUN} RETURNING id"
            ),
            &[run.as_uuid(), &None::<&str>],
        )
        .await?;
    row.map(|row| CodebaseScanId::new(row.get("id"))).ok_or(StoreError::ChangedMeanwhile)
}

/// Opens the scan of a run whose code was fetched, whether or not somebody noted it before.
/// `branch` is the one that was looked up, when the run did not name one.
pub async fn begin(tx: &Tx<'_>, fence: &Fence, branch: Option<&str>) -> Result<(), StoreError> {
    let written = tx
        .execute(
            &format!(
                "INSERT INTO codebase_scans (status, started_at, org_id, repo_id, run_id, branch,
                                             triggered_by)
                 SELECT 'running', r.started_at, {FROM_RUN}
                 ON CONFLICT (run_id) DO UPDATE
                 SET status = 'running', started_at = excluded.started_at,
                     branch = excluded.branch"
            ),
            &[fence.run().as_uuid(), &branch],
        )
        .await?;
    if written == 1 { Ok(()) } else { Err(StoreError::ChangedMeanwhile) }
}

pub async fn complete(
    tx: &Tx<'_>,
    fence: &Fence,
    results: &Results,
) -> Result<CodebaseScanId, StoreError> {
    let Results { analysed, findings, .. } = results;
    let count = |count: u32| i32::try_from(count).unwrap_or(i32::MAX);
    let json = serde_json::to_value(results).map_err(corrupt("codebase_scans", "results"))?;
    let row = tx
        .query_opt(
            "UPDATE codebase_scans
             SET status = 'completed', files_scanned = $2, findings_count = $3, results = $4,
                 completed_at = clock_timestamp()
             WHERE run_id = $1 RETURNING id",
            &[
                fence.run().as_uuid(),
                &count(*analysed),
                &count(findings.values().sum::<u32>()),
                &json,
            ],
        )
        .await?;
    row.map(|row| CodebaseScanId::new(row.get("id"))).ok_or(StoreError::ChangedMeanwhile)
}

/// Notes that the scan of a run will not be completed, even if it never began.
///
/// It demands no fence: a run that was given up or canceled has no lease any more.
pub async fn fail(tx: &Tx<'_>, run: RunId, error: &str) -> Result<(), StoreError> {
    tx.execute(
        &format!(
            "INSERT INTO codebase_scans (status, error_message, completed_at, started_at, org_id,
                                         repo_id, run_id, branch, triggered_by)
             SELECT 'failed', $3::text, clock_timestamp(), r.started_at, {FROM_RUN}
             ON CONFLICT (run_id) DO UPDATE
             SET status = 'failed', error_message = excluded.error_message,
                 completed_at = excluded.completed_at
             WHERE codebase_scans.status <> 'completed'"
        ),
        &[run.as_uuid(), &None::<&str>, &error],
    )
    .await?;
    Ok(())
}

/// A scan that somebody asked for and that is not over, and its run. Callers hold the repository's
/// lock, or else two of them find nothing at once.
pub async fn find_open_manual(
    tx: &Tx<'_>,
    repository: RepositoryId,
    branch: &str,
) -> Result<Option<(CodebaseScanId, RunId)>, StoreError> {
    let row = tx
        .query_opt(
            "SELECT s.id, r.id AS run_id FROM codebase_scans s JOIN runs r ON r.id = s.run_id
             WHERE s.repo_id = $1 AND s.branch = $2 AND s.triggered_by = 'manual'
               AND r.finished_at IS NULL
             ORDER BY s.created_at DESC LIMIT 1",
            &[repository.as_uuid(), &branch],
        )
        .await?;
    Ok(row.map(|row| (CodebaseScanId::new(row.get("id")), RunId::new(row.get("run_id")))))
}

pub async fn find(tx: &Tx<'_>, id: CodebaseScanId) -> Result<Option<CodebaseScan>, StoreError> {
    let row = tx
        .query_opt(&format!("SELECT {COLUMNS} FROM {FROM} WHERE s.id = $1"), &[id.as_uuid()])
        .await?;
    row.as_ref().map(CodebaseScan::try_from).transpose()
}

/// Which scans a reader wants; what is `None` does not narrow.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter<'a> {
    pub repository: Option<RepositoryId>,
    pub branch: Option<&'a str>,
    pub status: Option<&'a str>,
}

/// Newest first.
pub async fn list(
    tx: &Tx<'_>,
    filter: &Filter<'_>,
    page: Page,
) -> Result<Vec<CodebaseScan>, StoreError> {
    let rows = tx
        .query(
            &format!(
                "SELECT {COLUMNS} FROM {FROM}
                 WHERE {}
                   AND ($3::uuid IS NULL OR s.repo_id = $3)
                   AND ($4::text IS NULL OR s.branch = $4)
                   AND ($5::text IS NULL OR s.status = $5)
                 ORDER BY s.created_at DESC, s.id DESC
                 LIMIT $2",
                follows("codebase_scans", "s")
            ),
            &[
                &page.after,
                &page.limit,
                &filter.repository.map(|id| *id.as_uuid()),
                &filter.branch,
                &filter.status,
            ],
        )
        .await?;
    rows.iter().map(CodebaseScan::try_from).collect()
}

/// The newest completed scans of a branch, the newest first.
pub async fn list_completed(
    tx: &Tx<'_>,
    repository: RepositoryId,
    branch: &str,
    newest: i64,
) -> Result<Vec<CodebaseScan>, StoreError> {
    let rows = tx
        .query(
            &format!(
                "SELECT {COLUMNS} FROM {FROM}
                 WHERE s.repo_id = $1 AND s.branch = $2 AND s.status = 'completed'
                 ORDER BY s.completed_at DESC, s.id DESC LIMIT $3"
            ),
            &[repository.as_uuid(), &branch, &newest],
        )
        .await?;
    rows.iter().map(CodebaseScan::try_from).collect()
}

/// The scan of the same branch as the run's that was completed last, and its analysis. None: none was.
pub async fn find_last(
    tx: &Tx<'_>,
    run: RunId,
) -> Result<Option<(CodebaseScanId, AnalysisId)>, StoreError> {
    let row = tx
        .query_opt(
            "SELECT l.id, a.id AS analysis_id
             FROM codebase_scans t
             JOIN codebase_scans l ON l.repo_id = t.repo_id AND l.branch = t.branch
                 AND l.status = 'completed' AND l.id <> t.id
             JOIN analyses a ON a.run_id = l.run_id
             WHERE t.run_id = $1
             ORDER BY l.completed_at DESC, l.id DESC LIMIT 1",
            &[run.as_uuid()],
        )
        .await?;
    Ok(row.map(|row| (CodebaseScanId::new(row.get("id")), AnalysisId::new(row.get("analysis_id")))))
}

impl TryFrom<&Row> for CodebaseScan {
    type Error = StoreError;

    // `get` panics on a missing column or a wrong SQL type: both are bugs in this file.
    fn try_from(row: &Row) -> Result<Self, Self::Error> {
        let results = row
            .get::<_, Option<Value>>("results")
            .map(|json| serde_json::from_value(json).map_err(corrupt("codebase_scans", "results")))
            .transpose()?;
        Ok(Self {
            id: CodebaseScanId::new(row.get("id")),
            repository: RepositoryId::new(row.get("repo_id")),
            run: row.get::<_, Option<_>>("run_id").map(RunId::new),
            run_status: parse_opt(row, "runs", "run_status")?,
            error_code: parse_opt(row, "runs", "error_code")?,
            branch: row.get("branch"),
            commit: parse_opt(row, "runs", "commit_sha")?,
            analysis: row.get::<_, Option<_>>("analysis_id").map(AnalysisId::new),
            status: row.get("status"),
            triggered_by: row.get("triggered_by"),
            files_scanned: row.get("files_scanned"),
            findings_count: row.get("findings_count"),
            results,
            error_message: row.get("error_message"),
            started_at: row.get("started_at"),
            completed_at: row.get("completed_at"),
            created_at: row.get("created_at"),
        })
    }
}
