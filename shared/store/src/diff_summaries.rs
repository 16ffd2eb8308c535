//! The `diff_summary_cache` table: what each head of a change does, as facts and in words.
//!
//! A new head makes a new row and leaves the old one. Facts never change: the functions may write
//! the words anew and nothing else.

use domain::{CommitSha, DiffSummaryId, RepositoryId, RiskLevel, RunId};
use jiff::Timestamp;
use serde_json::Value;
use tokio_postgres::Row;

use crate::{Page, StoreError, Tx, rows::parse, runs::Fence};

const COLUMNS: &str = "s.id, s.repo_id, s.run_id, s.pr_number, s.head_sha, s.base_sha, s.title,
     s.description, s.changelog, s.changes, s.risk_assessment, s.risk_level, s.facts, s.worded_by,
     s.computed_at";

/// A summary to be kept.
#[derive(Debug, Clone)]
pub struct NewSummary<'a> {
    pub base: &'a CommitSha,
    pub title: &'a str,
    /// Markdown.
    pub description: &'a str,
    pub changelog: &'a str,
    /// The symbols that changed.
    pub changes: &'a Value,
    pub risk_level: RiskLevel,
    pub risk_assessment: &'a Value,
    /// The other facts.
    pub facts: &'a Value,
}

#[derive(Debug, Clone)]
pub struct Summary {
    pub id: DiffSummaryId,
    pub repository: RepositoryId,
    pub run: Option<RunId>,
    pub pull_request: Option<i32>,
    pub head: CommitSha,
    pub base: CommitSha,
    pub title: String,
    pub description: String,
    pub changelog: String,
    pub changes: Value,
    pub risk_level: RiskLevel,
    pub risk_assessment: Value,
    pub facts: Value,
    /// `assay`, or the name of a model.
    pub worded_by: String,
    pub computed_at: Timestamp,
}

/// Keeps the summary of the run's commit; what is there already stays.
pub async fn insert(
    tx: &Tx<'_>,
    fence: &Fence,
    summary: &NewSummary<'_>,
) -> Result<bool, StoreError> {
    let written = tx
        .execute(
            "INSERT INTO diff_summary_cache (org_id, repo_id, run_id, pr_number, head_sha, base_sha,
                                             title, description, changelog, changes, risk_level,
                                             risk_assessment, facts)
             SELECT r.org_id, r.repository_id, r.id, r.pull_request, r.commit_sha, $2, $3, $4, $5,
                    $6, $7, $8, $9
             FROM runs r WHERE r.id = $1
             ON CONFLICT ON CONSTRAINT diff_summary_cache_change DO NOTHING",
            &[
                fence.run().as_uuid(),
                &summary.base.as_str(),
                &summary.title,
                &summary.description,
                &summary.changelog,
                &summary.changes,
                &summary.risk_level.as_str(),
                &summary.risk_assessment,
                &summary.facts,
            ],
        )
        .await?;
    Ok(written == 1)
}

pub async fn find(tx: &Tx<'_>, id: DiffSummaryId) -> Result<Option<Summary>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM diff_summary_cache s WHERE s.id = $1");
    tx.query_opt(&sql, &[id.as_uuid()]).await?.as_ref().map(Summary::try_from).transpose()
}

/// Which summaries a reader wants; what is `None` does not narrow.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter<'a> {
    pub repository: Option<RepositoryId>,
    pub pull_request: Option<i32>,
    pub commit: Option<&'a str>,
    pub risk_level: Option<RiskLevel>,
}

/// Newest first.
pub async fn list(
    tx: &Tx<'_>,
    filter: &Filter<'_>,
    page: Page,
) -> Result<Vec<Summary>, StoreError> {
    let rows = tx
        .query(
            &format!(
                "SELECT {COLUMNS} FROM diff_summary_cache s
                 LEFT JOIN diff_summary_cache c ON c.id = $1
                 WHERE ($1::uuid IS NULL OR (s.computed_at, s.id) < (c.computed_at, c.id))
                   AND ($3::uuid IS NULL OR s.repo_id = $3)
                   AND ($4::integer IS NULL OR s.pr_number = $4)
                   AND ($5::text IS NULL OR s.head_sha = $5)
                   AND ($6::text IS NULL OR s.risk_level = $6)
                 ORDER BY s.computed_at DESC, s.id DESC
                 LIMIT $2"
            ),
            &[
                &page.after,
                &page.limit,
                &filter.repository.map(|id| *id.as_uuid()),
                &filter.pull_request,
                &filter.commit,
                &filter.risk_level.map(RiskLevel::as_str),
            ],
        )
        .await?;
    rows.iter().map(Summary::try_from).collect()
}

/// The newest summary of each pull request and of each pushed commit, the newest first.
pub async fn list_latest(
    tx: &Tx<'_>,
    repository: RepositoryId,
    newest: i64,
) -> Result<Vec<Summary>, StoreError> {
    let rows = tx
        .query(
            &format!(
                "SELECT * FROM (
                     SELECT DISTINCT ON (s.pr_number, CASE WHEN s.pr_number IS NULL
                                                           THEN s.head_sha END) {COLUMNS}
                     FROM diff_summary_cache s WHERE s.repo_id = $1
                     ORDER BY s.pr_number, CASE WHEN s.pr_number IS NULL THEN s.head_sha END,
                              s.computed_at DESC, s.id DESC) latest
                 ORDER BY computed_at DESC, id DESC LIMIT $2"
            ),
            &[repository.as_uuid(), &newest],
        )
        .await?;
    rows.iter().map(Summary::try_from).collect()
}

impl TryFrom<&Row> for Summary {
    type Error = StoreError;

    // `get` panics on a missing column or a wrong SQL type: both are bugs in this file.
    fn try_from(row: &Row) -> Result<Self, Self::Error> {
        Ok(Self {
            id: DiffSummaryId::new(row.get("id")),
            repository: RepositoryId::new(row.get("repo_id")),
            run: row.get::<_, Option<_>>("run_id").map(RunId::new),
            pull_request: row.get("pr_number"),
            head: parse(row, "diff_summary_cache", "head_sha")?,
            base: parse(row, "diff_summary_cache", "base_sha")?,
            title: row.get("title"),
            description: row.get("description"),
            changelog: row.get("changelog"),
            changes: row.get("changes"),
            risk_level: parse(row, "diff_summary_cache", "risk_level")?,
            risk_assessment: row.get("risk_assessment"),
            facts: row.get("facts"),
            worded_by: row.get("worded_by"),
            computed_at: row.get("computed_at"),
        })
    }
}
