//! The `formal_results` table: what the formal checks of an analysis said. Rows are written once,
//! all of an analysis in one statement, and never changed.

use domain::{AnalysisId, FormalResultId, FormalVerdict};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use tokio_postgres::Row;

use crate::{
    Page, StoreError, Tx,
    rows::{corrupt, parse},
    runs::Fence,
};

/// Longest question that is kept, in characters; of a longer one only the hash is.
pub const QUERY_CHARS_MAX: usize = 16 * 1024;

/// Longest test that is kept, in characters.
pub const TEST_CHARS_MAX: usize = 8 * 1024;

/// One check as it is written down.
#[derive(Debug, Clone, Serialize)]
pub struct NewResult {
    pub language: String,
    pub file_path: String,
    pub function_name: String,
    pub line: u32,
    pub check_kind: &'static str,
    pub verdict: FormalVerdict,
    pub reason: Option<String>,
    pub query_hash: Option<String>,
    pub query: Option<String>,
    pub duration_ms: f64,
    pub counterexample: Option<Value>,
    pub test: Option<String>,
}

/// Writes the results of the run's analysis in the order in which they are to be read.
pub async fn insert_all(
    tx: &Tx<'_>,
    fence: &Fence,
    results: &[NewResult],
) -> Result<(), StoreError> {
    if results.is_empty() {
        return Ok(());
    }
    let rows = serde_json::to_value(results).map_err(corrupt("formal_results", "query"))?;
    let written = tx
        .execute(
            "INSERT INTO formal_results (org_id, analysis_id, place, language, file_path,
                                         function_name, line, check_kind, verdict, reason,
                                         query_hash, query, duration_ms, counterexample, test)
             SELECT a.org_id, a.id, f.place - 1, f.language, f.file_path, f.function_name, f.line,
                    f.check_kind, f.verdict, f.reason, f.query_hash, f.query, f.duration_ms,
                    nullif(f.counterexample, 'null'), f.test
             FROM analyses a,
             ROWS FROM (jsonb_to_recordset($2) AS (
                 language text, file_path text, function_name text, line integer,
                 check_kind text, verdict text, reason text, query_hash text, query text,
                 duration_ms double precision, counterexample jsonb, test text))
             WITH ORDINALITY AS f (
                 language, file_path, function_name, line, check_kind, verdict, reason,
                 query_hash, query, duration_ms, counterexample, test, place)
             WHERE a.run_id = $1",
            &[fence.run().as_uuid(), &rows],
        )
        .await?;
    // Without the analysis' row the statement writes nothing and says nothing.
    if written == results.len() as u64 { Ok(()) } else { Err(StoreError::ChangedMeanwhile) }
}

/// A result as a reader sees it.
#[derive(Debug, Clone)]
pub struct FormalResult {
    pub id: FormalResultId,
    pub analysis: AnalysisId,
    pub language: String,
    pub path: String,
    pub function: String,
    pub line: u32,
    pub check: String,
    pub verdict: FormalVerdict,
    pub reason: Option<String>,
    pub query_hash: Option<String>,
    /// Only of a single result, and if it is short enough to be kept.
    pub query: Option<String>,
    pub duration_ms: f64,
    /// A list of names and values.
    pub counterexample: Option<Value>,
    pub test: Option<String>,
    pub created_at: Timestamp,
}

const COLUMNS: &str = "f.id, f.analysis_id, f.language, f.file_path, f.function_name, f.line,
     f.check_kind, f.verdict, f.reason, f.query_hash, f.duration_ms, f.counterexample, f.test,
     f.created_at";

/// Which results a reader wants; what is `None` does not narrow.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter<'a> {
    pub verdict: Option<FormalVerdict>,
    pub check: Option<&'a str>,
    /// A file, or a folder with everything in it.
    pub path: Option<&'a str>,
}

/// Refutations first. The questions are left out: they are the bulk of it.
pub async fn list(
    tx: &Tx<'_>,
    analysis: AnalysisId,
    filter: &Filter<'_>,
    page: Page,
) -> Result<Vec<FormalResult>, StoreError> {
    let rows = tx
        .query(
            &format!(
                "SELECT {COLUMNS}, NULL::text AS query FROM formal_results f
                 WHERE f.analysis_id = $3
                   AND f.place > CASE WHEN $1::uuid IS NULL THEN -1
                       ELSE (SELECT c.place FROM formal_results c WHERE c.id = $1) END
                   AND ($4::text IS NULL OR f.verdict = $4)
                   AND ($5::text IS NULL OR f.check_kind = $5)
                   AND ($6::text IS NULL OR f.file_path = $6
                        OR starts_with(f.file_path, rtrim($6, '/') || '/'))
                 ORDER BY f.place LIMIT $2"
            ),
            &[
                &page.after,
                &page.limit,
                analysis.as_uuid(),
                &filter.verdict.map(FormalVerdict::as_str),
                &filter.check,
                &filter.path,
            ],
        )
        .await?;
    rows.iter().map(FormalResult::try_from).collect()
}

pub async fn find(tx: &Tx<'_>, id: FormalResultId) -> Result<Option<FormalResult>, StoreError> {
    let sql = format!("SELECT {COLUMNS}, f.query FROM formal_results f WHERE f.id = $1");
    tx.query_opt(&sql, &[id.as_uuid()]).await?.as_ref().map(FormalResult::try_from).transpose()
}

impl TryFrom<&Row> for FormalResult {
    type Error = StoreError;

    fn try_from(row: &Row) -> Result<Self, Self::Error> {
        Ok(Self {
            id: FormalResultId::new(row.get("id")),
            analysis: AnalysisId::new(row.get("analysis_id")),
            language: row.get("language"),
            path: row.get("file_path"),
            function: row.get("function_name"),
            line: u32::try_from(row.get::<_, i32>("line"))
                .map_err(corrupt("formal_results", "line"))?,
            check: row.get("check_kind"),
            verdict: parse(row, "formal_results", "verdict")?,
            reason: row.get("reason"),
            query_hash: row.get("query_hash"),
            query: row.get("query"),
            duration_ms: row.get("duration_ms"),
            counterexample: row.get("counterexample"),
            test: row.get("test"),
            created_at: row.get("created_at"),
        })
    }
}
