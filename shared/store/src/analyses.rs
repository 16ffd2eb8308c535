//! The `analyses` table: what was learned about one commit.
//!
//! An examined commit has one row, written step by step under the lease of its run. Most of its
//! columns are the run's own, so they are copied in SQL and cannot disagree with it.

use domain::{
    AnalysisId, AttestationId, CommitSha, Coverage, FormalSummary, Gate, OrgId, PolicyFacts,
    ProjectId, RepositoryId, RunId, Verdict,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_postgres::Row;

use crate::{
    Page, StoreError, Tx,
    page::follows,
    rows::{corrupt, parse_opt},
    runs::Fence,
};

const COLUMNS: &str = "id, org_id, project_id, repo_id, run_id, kind, pr_number, pr_title, ref,
     head_sha, base_sha, commit_object_sha256, status, verdict, rules_version, counts, coverage,
     metadata, error_message, started_at, completed_at, created_at";

/// The columns that a run knows about its analysis. `repo_id` and `head_sha` are the run's too,
/// and a run without them examines no commit.
const FROM_RUN: &str = "r.org_id, r.project_id, r.repository_id, r.id,
     CASE WHEN r.kind = 'codebase_scan' THEN 'project'
          WHEN r.pull_request IS NULL THEN 'commit' ELSE 'pull_request' END,
     r.pull_request, r.input ->> 'pr_title', r.ref, r.commit_sha, r.input ->> 'base_sha',
     r.started_at
     FROM runs r WHERE r.id = $1 AND r.kind IN ('analysis', 'codebase_scan')
       AND r.project_id IS NOT NULL AND r.repository_id IS NOT NULL AND r.commit_sha IS NOT NULL";

/// What an analysis keeps beside its columns: by what it was judged, and what it did not see.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Metadata {
    #[serde(default)]
    pub gate: Gate,
    /// Files and rules that the scan did not finish, as the analyser lists them.
    #[serde(default)]
    pub incomplete: Value,
    /// What the formal checks came to; none where none were made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub formal: Option<FormalSummary>,
    /// What the repository's own policy did; none where it was not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyFacts>,
    /// What is told of the change and of its files beside the verdict.
    #[serde(default)]
    pub insight: Insight,
}

/// Sentences about an analysis that decide nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Insight {
    /// How risky the change is; none without a base.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<String>,
    /// How far its files can be relied on; none when none was scored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust: Option<String>,
}

/// How many findings an analysis has, for whoever does not want to read them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Findings that counted for the verdict, by severity; every severity is named.
    pub deciding: std::collections::BTreeMap<domain::Severity, u32>,
    /// Findings that the base does not have.
    pub new: u32,
    pub existing: u32,
    pub dismissed: u32,
    /// Findings that count again because their dismissal expired.
    #[serde(default)]
    pub expired: u32,
    pub total: u32,
    /// Against the base. None: there was nothing to compare with.
    #[serde(default)]
    pub since_base: Option<Delta>,
    /// Against the analysis of the same pull request before.
    #[serde(default)]
    pub since_previous: Option<Delta>,
}

/// What became of the findings between two commits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delta {
    pub new: u32,
    pub fixed: u32,
    pub persisting: u32,
}

#[derive(Debug, Clone)]
pub struct Analysis {
    pub id: AnalysisId,
    pub org: OrgId,
    pub project: ProjectId,
    pub repository: Option<RepositoryId>,
    pub run: Option<RunId>,
    /// `pull_request`, `commit` or `project`.
    pub kind: String,
    pub pull_request: Option<i32>,
    pub title: Option<String>,
    pub git_ref: Option<String>,
    pub head: Option<CommitSha>,
    pub base: Option<CommitSha>,
    pub commit_object_sha256: Option<String>,
    /// `pending`, `running`, `completed` or `failed`.
    pub status: String,
    pub verdict: Option<Verdict>,
    pub rules_version: Option<String>,
    /// Empty until the analysis is complete.
    pub counts: Value,
    pub coverage: Option<Coverage>,
    pub metadata: Value,
    pub error_message: Option<String>,
    pub started_at: Option<Timestamp>,
    pub completed_at: Option<Timestamp>,
    pub created_at: Timestamp,
}

/// Opens the analysis of a run whose commit was fetched.
pub async fn insert(
    tx: &Tx<'_>,
    fence: &Fence,
    commit_object_sha256: Option<&str>,
) -> Result<AnalysisId, StoreError> {
    let row = tx
        .query_opt(
            &format!(
                "INSERT INTO analyses (status, commit_object_sha256, org_id, project_id, repo_id,
                                       run_id, kind, pr_number, pr_title, ref, head_sha, base_sha,
                                       started_at)
                 SELECT 'running', $2::text, {FROM_RUN}
                 RETURNING id"
            ),
            &[fence.run().as_uuid(), &commit_object_sha256],
        )
        .await?
        .ok_or(StoreError::ChangedMeanwhile)?;
    Ok(AnalysisId::new(row.get("id")))
}

pub async fn set_coverage(
    tx: &Tx<'_>,
    fence: &Fence,
    coverage: &Coverage,
) -> Result<(), StoreError> {
    let coverage = serde_json::to_value(coverage).map_err(corrupt("analyses", "coverage"))?;
    tx.execute(
        "UPDATE analyses SET coverage = $2, updated_at = clock_timestamp() WHERE run_id = $1",
        &[fence.run().as_uuid(), &coverage],
    )
    .await?;
    Ok(())
}

/// What an analysis ends with.
#[derive(Debug, Clone)]
pub struct Completion<'a> {
    /// None for a scan of all the code, which judges no change.
    pub verdict: Option<Verdict>,
    pub counts: &'a Counts,
    pub rules_version: &'a str,
    pub metadata: &'a Metadata,
}

pub async fn complete(
    tx: &Tx<'_>,
    fence: &Fence,
    done: &Completion<'_>,
) -> Result<AnalysisId, StoreError> {
    let counts = serde_json::to_value(done.counts).map_err(corrupt("analyses", "counts"))?;
    let metadata = serde_json::to_value(done.metadata).map_err(corrupt("analyses", "metadata"))?;
    let row = tx
        .query_opt(
            "UPDATE analyses
             SET status = 'completed', verdict = $2, counts = $3, rules_version = $4,
                 metadata = metadata || $5, completed_at = clock_timestamp(),
                 updated_at = clock_timestamp()
             WHERE run_id = $1 RETURNING id",
            &[
                fence.run().as_uuid(),
                &done.verdict.map(Verdict::as_str),
                &counts,
                &done.rules_version,
                &metadata,
            ],
        )
        .await?
        .ok_or(StoreError::ChangedMeanwhile)?;
    Ok(AnalysisId::new(row.get("id")))
}

/// Notes that the analysis of a run will not come to a verdict, even if it never began.
///
/// It demands no fence: a run that was given up or canceled has no lease any more.
pub async fn fail(tx: &Tx<'_>, run: RunId, error: &str) -> Result<(), StoreError> {
    tx.execute(
        &format!(
            "INSERT INTO analyses (status, error_message, completed_at, org_id, project_id, repo_id,
                                   run_id, kind, pr_number, pr_title, ref, head_sha, base_sha,
                                   started_at)
             SELECT 'failed', $2::text, clock_timestamp(), {FROM_RUN}
             ON CONFLICT (run_id) DO UPDATE
             SET status = 'failed', error_message = excluded.error_message,
                 completed_at = excluded.completed_at, updated_at = clock_timestamp()
             WHERE analyses.status <> 'completed'"
        ),
        &[run.as_uuid(), &error],
    )
    .await?;
    Ok(())
}

pub async fn find_by_run(tx: &Tx<'_>, run: RunId) -> Result<Option<Analysis>, StoreError> {
    let row = tx
        .query_opt(&format!("SELECT {COLUMNS} FROM analyses WHERE run_id = $1"), &[run.as_uuid()])
        .await?;
    row.as_ref().map(Analysis::try_from).transpose()
}

pub async fn find(tx: &Tx<'_>, id: AnalysisId) -> Result<Option<Analysis>, StoreError> {
    let row = tx
        .query_opt(&format!("SELECT {COLUMNS} FROM analyses WHERE id = $1"), &[id.as_uuid()])
        .await?;
    row.as_ref().map(Analysis::try_from).transpose()
}

impl TryFrom<&Row> for Analysis {
    type Error = StoreError;

    // `get` panics on a missing column or a wrong SQL type: both are bugs in this file.
    fn try_from(row: &Row) -> Result<Self, Self::Error> {
        let coverage = row
            .get::<_, Option<Value>>("coverage")
            .map(|json| serde_json::from_value(json).map_err(corrupt("analyses", "coverage")))
            .transpose()?;
        Ok(Self {
            id: AnalysisId::new(row.get("id")),
            org: OrgId::new(row.get("org_id")),
            project: ProjectId::new(row.get("project_id")),
            repository: row.get::<_, Option<_>>("repo_id").map(RepositoryId::new),
            run: row.get::<_, Option<_>>("run_id").map(RunId::new),
            kind: row.get("kind"),
            pull_request: row.get("pr_number"),
            title: row.get("pr_title"),
            git_ref: row.get("ref"),
            head: parse_opt(row, "analyses", "head_sha")?,
            base: parse_opt(row, "analyses", "base_sha")?,
            commit_object_sha256: row.get("commit_object_sha256"),
            status: row.get("status"),
            verdict: parse_opt(row, "analyses", "verdict")?,
            rules_version: row.get("rules_version"),
            counts: row.get("counts"),
            coverage,
            metadata: row.get("metadata"),
            error_message: row.get("error_message"),
            started_at: row.get("started_at"),
            completed_at: row.get("completed_at"),
            created_at: row.get("created_at"),
        })
    }
}

/// Which analyses a reader wants; what is `None` does not narrow.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter<'a> {
    pub repository: Option<RepositoryId>,
    pub status: Option<&'a str>,
    pub verdict: Option<Verdict>,
    pub commit: Option<&'a str>,
    pub pull_request: Option<i32>,
}

/// Newest first.
pub async fn list(
    tx: &Tx<'_>,
    filter: &Filter<'_>,
    page: Page,
) -> Result<Vec<Analysis>, StoreError> {
    let rows = tx
        .query(
            &format!(
                "SELECT {COLUMNS} FROM analyses
                 WHERE {}
                   AND ($3::uuid IS NULL OR repo_id = $3)
                   AND ($4::text IS NULL OR status = $4)
                   AND ($5::text IS NULL OR verdict = $5)
                   AND ($6::text IS NULL OR head_sha = $6)
                   AND ($7::integer IS NULL OR pr_number = $7)
                 ORDER BY created_at DESC, id DESC
                 LIMIT $2",
                follows("analyses", "analyses")
            ),
            &[
                &page.after,
                &page.limit,
                &filter.repository.map(|id| *id.as_uuid()),
                &filter.status,
                &filter.verdict.map(Verdict::as_str),
                &filter.commit,
                &filter.pull_request,
            ],
        )
        .await?;
    rows.iter().map(Analysis::try_from).collect()
}

/// What came of an analysis.
#[derive(Debug, Clone, Default)]
pub struct Links {
    pub attestation: Option<AttestationId>,
    /// Of the repository's badge, which shows its newest attestation.
    pub badge_token: Option<String>,
}

pub async fn find_links(tx: &Tx<'_>, id: AnalysisId) -> Result<Links, StoreError> {
    let row = tx
        .query_opt(
            "SELECT t.id AS attestation_id, b.token
             FROM analyses a
             LEFT JOIN verification_attestations t ON t.analysis_id = a.id
             LEFT JOIN verification_badges b ON b.repo_id = a.repo_id
             WHERE a.id = $1",
            &[id.as_uuid()],
        )
        .await?;
    Ok(row.map_or_else(Links::default, |row| Links {
        attestation: row.get::<_, Option<_>>("attestation_id").map(AttestationId::new),
        badge_token: row.get("token"),
    }))
}
