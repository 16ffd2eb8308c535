//! The `trust_score_cache` table: how far each file of a commit can be relied on.
//!
//! A score is computed once for a file at a commit and never changes: what is computed again for
//! the same commit finds it and leaves it.

use domain::{CommitSha, ProjectId, RepositoryId, RiskLevel, RunId, TrustScoreId};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio_postgres::Row;

use crate::{
    Page, StoreError, Tx,
    codebase_scans::Trust,
    rows::{corrupt, parse},
    runs::Fence,
};

const COLUMNS: &str = "t.id, t.repo_id, t.run_id, t.file_path, t.commit_sha, t.score,
     t.formula_score, t.risk_level, t.confidence, t.introduced, t.method, t.factors, t.computed_at";

/// A score to be kept.
#[derive(Debug, Clone)]
pub struct NewScore {
    pub path: String,
    pub score: f64,
    pub formula_score: f64,
    pub risk_level: RiskLevel,
    pub confidence: f64,
    /// Deciding findings that the change brought in; None: it was compared with nothing.
    pub introduced: Option<u32>,
    pub method: String,
    /// The whole document, with the evidence of each factor.
    pub factors: Value,
}

#[derive(Debug, Clone)]
pub struct Score {
    pub id: TrustScoreId,
    pub repository: RepositoryId,
    pub run: Option<RunId>,
    pub path: String,
    pub commit: CommitSha,
    pub score: f64,
    pub formula_score: f64,
    pub risk_level: RiskLevel,
    pub confidence: f64,
    pub introduced: Option<i32>,
    pub method: String,
    pub factors: Value,
    pub computed_at: Timestamp,
}

/// Keeps the scores of the run's commit, and answers how many there were not yet.
pub async fn insert_all(
    tx: &Tx<'_>,
    fence: &Fence,
    scores: &[NewScore],
) -> Result<u64, StoreError> {
    if scores.is_empty() {
        return Ok(0);
    }
    let rows = Value::Array(scores.iter().map(row_of).collect());
    tx.execute(
        "INSERT INTO trust_score_cache (org_id, repo_id, run_id, commit_sha, file_path, score,
                                        formula_score, risk_level, confidence, introduced, method,
                                        factors)
         SELECT r.org_id, r.repository_id, r.id, r.commit_sha, s.file_path, s.score,
                s.formula_score, s.risk_level, s.confidence, s.introduced, s.method, s.factors
         FROM runs r, jsonb_to_recordset($2) AS s (
             file_path text, score double precision, formula_score double precision,
             risk_level text, confidence double precision, introduced integer, method text,
             factors jsonb)
         WHERE r.id = $1
         ORDER BY s.file_path
         ON CONFLICT (repo_id, file_path, commit_sha) DO NOTHING",
        &[fence.run().as_uuid(), &rows],
    )
    .await
}

fn row_of(score: &NewScore) -> Value {
    let NewScore {
        path,
        score,
        formula_score,
        risk_level,
        confidence,
        introduced,
        method,
        factors,
    } = score;
    json!({
        "file_path": path,
        "score": score,
        "formula_score": formula_score,
        "risk_level": risk_level,
        "confidence": confidence,
        "introduced": introduced,
        "method": method,
        "factors": factors,
    })
}

/// How earlier changes turned out: how many there were, and how many brought no deciding finding.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Record {
    pub changes: u32,
    pub clean: u32,
}

/// What is known of a file before a commit, and of the other files of its folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    pub path: String,
    pub file: Record,
    pub folder: Record,
}

/// The newest results of each file that are not about `commit`.
pub async fn list_history(
    tx: &Tx<'_>,
    repository: RepositoryId,
    commit: &CommitSha,
    paths: &[&str],
    newest: i64,
) -> Result<Vec<History>, StoreError> {
    const COUNTED: &str = "count(*) AS changes, count(*) FILTER (WHERE introduced = 0) AS clean";
    const EARLIER: &str = "FROM trust_score_cache t
         WHERE t.repo_id = $1 AND t.commit_sha <> $2 AND t.introduced IS NOT NULL";
    let rows = tx
        .query(
            &format!(
                "SELECT w.path, f.changes, f.clean, d.changes AS folder_changes,
                        d.clean AS folder_clean
                 FROM unnest($3::text[]) AS w (path)
                 CROSS JOIN LATERAL (
                     SELECT {COUNTED} FROM (
                         SELECT t.introduced {EARLIER} AND t.file_path = w.path
                         ORDER BY t.computed_at DESC LIMIT $4) newest) f
                 CROSS JOIN LATERAL (
                     SELECT {COUNTED} FROM (
                         SELECT t.introduced {EARLIER} AND t.file_path <> w.path
                           AND t.folder = regexp_replace(w.path, '[^/]*$', '')
                         ORDER BY t.computed_at DESC, t.id LIMIT $4) newest) d"
            ),
            &[repository.as_uuid(), &commit.as_str(), &paths, &newest],
        )
        .await?;
    let count = |row: &Row, column: &'static str| {
        u32::try_from(row.get::<_, i64>(column)).map_err(corrupt("trust_score_cache", column))
    };
    rows.iter()
        .map(|row| {
            Ok(History {
                path: row.get("path"),
                file: Record { changes: count(row, "changes")?, clean: count(row, "clean")? },
                folder: Record {
                    changes: count(row, "folder_changes")?,
                    clean: count(row, "folder_clean")?,
                },
            })
        })
        .collect()
}

pub async fn find(tx: &Tx<'_>, id: TrustScoreId) -> Result<Option<Score>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM trust_score_cache t WHERE t.id = $1");
    tx.query_opt(&sql, &[id.as_uuid()]).await?.as_ref().map(Score::try_from).transpose()
}

/// The scores of some files at one commit, by path.
pub async fn list_at(
    tx: &Tx<'_>,
    repository: RepositoryId,
    commit: &CommitSha,
    paths: &[String],
) -> Result<Vec<Score>, StoreError> {
    let rows = tx
        .query(
            &format!(
                "SELECT {COLUMNS} FROM trust_score_cache t
                 WHERE t.repo_id = $1 AND t.commit_sha = $2 AND t.file_path = ANY ($3)
                 ORDER BY t.file_path"
            ),
            &[repository.as_uuid(), &commit.as_str(), &paths],
        )
        .await?;
    rows.iter().map(Score::try_from).collect()
}

/// Which scores a reader wants; what is `None` does not narrow.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter<'a> {
    pub repository: Option<RepositoryId>,
    pub project: Option<ProjectId>,
    pub path: Option<&'a str>,
    pub commit: Option<&'a str>,
    pub risk_level: Option<RiskLevel>,
}

/// The newest commit first, its files by path.
pub async fn list(tx: &Tx<'_>, filter: &Filter<'_>, page: Page) -> Result<Vec<Score>, StoreError> {
    let rows = tx
        .query(
            &format!(
                "SELECT {COLUMNS} FROM trust_score_cache t
                 LEFT JOIN trust_score_cache c ON c.id = $1
                 WHERE ($1::uuid IS NULL OR t.computed_at < c.computed_at
                        OR (t.computed_at = c.computed_at
                            AND (t.file_path, t.id) > (c.file_path, c.id)))
                   AND ($3::uuid IS NULL OR t.repo_id = $3)
                   AND ($4::uuid IS NULL
                        OR t.repo_id IN (SELECT r.id FROM repositories r WHERE r.project_id = $4))
                   AND ($5::text IS NULL OR t.file_path = $5)
                   AND ($6::text IS NULL OR t.commit_sha = $6)
                   AND ($7::text IS NULL OR t.risk_level = $7)
                 ORDER BY t.computed_at DESC, t.file_path, t.id
                 LIMIT $2"
            ),
            &[
                &page.after,
                &page.limit,
                &filter.repository.map(|id| *id.as_uuid()),
                &filter.project.map(|id| *id.as_uuid()),
                &filter.path,
                &filter.commit,
                &filter.risk_level.map(RiskLevel::as_str),
            ],
        )
        .await?;
    rows.iter().map(Score::try_from).collect()
}

/// The scores of one file, the newest first, without its evidence. All are of the newest one's
/// method.
pub async fn list_of_file(
    tx: &Tx<'_>,
    repository: RepositoryId,
    path: &str,
    newest: i64,
) -> Result<Vec<Score>, StoreError> {
    let rows = tx
        .query(
            &format!(
                "SELECT {COLUMNS} FROM trust_score_cache t
                 WHERE t.repo_id = $1 AND t.file_path = $2
                   AND t.method = (SELECT n.method FROM trust_score_cache n
                                   WHERE n.repo_id = $1 AND n.file_path = $2
                                   ORDER BY n.computed_at DESC, n.id DESC LIMIT 1)
                 ORDER BY t.computed_at DESC, t.id DESC
                 LIMIT $3"
            ),
            &[repository.as_uuid(), &path, &newest],
        )
        .await?;
    rows.iter().map(Score::try_from).collect()
}

/// The newest score of each file, counted.
#[derive(Debug, Clone, PartialEq)]
pub struct Stats {
    pub files: i64,
    /// None without files, as are the next two.
    pub mean: Option<f64>,
    pub lowest: Option<f64>,
    pub highest: Option<f64>,
    pub low: i64,
    pub medium: i64,
    pub high: i64,
    pub critical: i64,
}

pub async fn stats(
    tx: &Tx<'_>,
    repository: Option<RepositoryId>,
    project: Option<ProjectId>,
) -> Result<Stats, StoreError> {
    let row = tx
        .query_one(
            "SELECT count(*) AS files, avg(score) AS mean, min(score) AS lowest,
                    max(score) AS highest,
                    count(*) FILTER (WHERE risk_level = 'low') AS low,
                    count(*) FILTER (WHERE risk_level = 'medium') AS medium,
                    count(*) FILTER (WHERE risk_level = 'high') AS high,
                    count(*) FILTER (WHERE risk_level = 'critical') AS critical
             FROM (SELECT DISTINCT ON (t.repo_id, t.file_path) t.score, t.risk_level
                   FROM trust_score_cache t
                   WHERE ($1::uuid IS NULL OR t.repo_id = $1)
                     AND ($2::uuid IS NULL
                          OR t.repo_id IN (SELECT r.id FROM repositories r
                                           WHERE r.project_id = $2))
                   ORDER BY t.repo_id, t.file_path, t.computed_at DESC, t.id DESC) newest",
            &[&repository.map(|id| *id.as_uuid()), &project.map(|id| *id.as_uuid())],
        )
        .await?;
    Ok(Stats {
        files: row.get("files"),
        mean: row.get("mean"),
        lowest: row.get("lowest"),
        highest: row.get("highest"),
        low: row.get("low"),
        medium: row.get("medium"),
        high: row.get("high"),
        critical: row.get("critical"),
    })
}

/// The scores of all files of a commit, counted.
pub async fn summarize(
    tx: &Tx<'_>,
    repository: RepositoryId,
    commit: &CommitSha,
) -> Result<Trust, StoreError> {
    let rows = tx
        .query(
            "WITH scored AS (
                 SELECT file_path, score, risk_level FROM trust_score_cache
                 WHERE repo_id = $1 AND commit_sha = $2
             ), lowest AS (SELECT * FROM scored ORDER BY score, file_path LIMIT 1)
             SELECT s.risk_level, count(*) AS files, l.file_path, l.score,
                    round((SELECT avg(score) FROM scored)::numeric, 1)::double precision AS mean
             FROM scored s, lowest l
             GROUP BY s.risk_level, l.file_path, l.score",
            &[repository.as_uuid(), &commit.as_str()],
        )
        .await?;
    let mut trust =
        Trust { files: RiskLevel::ALL.iter().map(|risk| (*risk, 0)).collect(), ..Trust::default() };
    for row in &rows {
        let risk = parse(row, "trust_score_cache", "risk_level")?;
        let files = u32::try_from(row.get::<_, i64>("files"));
        trust.files.insert(risk, files.map_err(corrupt("trust_score_cache", "risk_level"))?);
        trust.mean = row.get("mean");
        trust.lowest = Some((row.get("file_path"), row.get("score")));
    }
    Ok(trust)
}

impl TryFrom<&Row> for Score {
    type Error = StoreError;

    // `get` panics on a missing column or a wrong SQL type: both are bugs in this file.
    fn try_from(row: &Row) -> Result<Self, Self::Error> {
        Ok(Self {
            id: TrustScoreId::new(row.get("id")),
            repository: RepositoryId::new(row.get("repo_id")),
            run: row.get::<_, Option<_>>("run_id").map(RunId::new),
            path: row.get("file_path"),
            commit: parse(row, "trust_score_cache", "commit_sha")?,
            score: row.get("score"),
            formula_score: row.get("formula_score"),
            risk_level: parse(row, "trust_score_cache", "risk_level")?,
            confidence: row.get("confidence"),
            introduced: row.get("introduced"),
            method: row.get("method"),
            factors: row.get("factors"),
            computed_at: row.get("computed_at"),
        })
    }
}
