//! The `findings` table: what an analysis objects to, with the evidence to check it.
//!
//! Rows are written once, all of an analysis in one statement, and never changed but for their
//! dismissal.

mod browse;

use domain::{Finding, FindingId, Fingerprint, LineRange, RunId, Severity, SnippetHash};
use serde_json::{Value, json};
use tokio_postgres::Row;

use crate::{
    StoreError, Tx,
    rows::{corrupt, parse},
    runs::Fence,
};

pub use browse::{Dismissal, Filter, Shown, Tags, find, list};

/// A finding together with what it means for its analysis.
#[derive(Debug, Clone)]
pub struct Judged {
    pub finding: Finding,
    /// It stands in lines that the change touched.
    pub new: bool,
    /// It counts for the verdict.
    pub deciding: bool,
    /// Who decided to live with it, and why.
    pub dismissed: Option<(String, String)>,
}

/// Writes the findings of the run's analysis; a part of a scan writes into that of its parent.
pub async fn insert_all(tx: &Tx<'_>, fence: &Fence, findings: &[Judged]) -> Result<(), StoreError> {
    if findings.is_empty() {
        return Ok(());
    }
    let rows = Value::Array(findings.iter().map(row_of).collect());
    let written = tx
        .execute(
            "INSERT INTO findings (org_id, analysis_id, repo_id, rule_id, fingerprint, category,
                                   severity, title, description, file_path, line_start, line_end,
                                   code_snippet, snippet_hash, fix_suggestion, fix_diff,
                                   confidence, verification_type, state, deciding, metadata,
                                   dismissed, dismissed_by, dismissed_reason)
             SELECT a.org_id, a.id, a.repo_id, f.rule_id, f.fingerprint, f.category, f.severity,
                    f.title, f.description, f.file_path, f.line_start, f.line_end, f.code_snippet,
                    f.snippet_hash, f.fix_suggestion, f.fix_diff, f.confidence,
                    f.verification_type, f.state, f.deciding, f.metadata, f.dismissed,
                    f.dismissed_by, f.dismissed_reason
             FROM runs r
             JOIN analyses a ON a.run_id = coalesce(r.parent_run_id, r.id),
             jsonb_to_recordset($2) AS f (
                 rule_id text, fingerprint text, category text, severity text, title text,
                 description text, file_path text, line_start integer, line_end integer,
                 code_snippet text, snippet_hash text, fix_suggestion text, fix_diff text,
                 confidence double precision, verification_type text, state text,
                 deciding boolean, metadata jsonb, dismissed boolean, dismissed_by text,
                 dismissed_reason text)
             WHERE r.id = $1",
            &[fence.run().as_uuid(), &rows],
        )
        .await?;
    // Without the analysis' row the statement writes nothing and says nothing.
    if written == findings.len() as u64 { Ok(()) } else { Err(StoreError::ChangedMeanwhile) }
}

fn row_of(judged: &Judged) -> Value {
    let Finding {
        rule,
        category,
        severity,
        confidence,
        verification,
        title,
        description,
        path,
        lines,
        snippet,
        snippet_hash,
        fingerprint,
        fix_suggestion,
        fix_diff,
        cwe,
        owasp,
        demoted,
    } = &judged.finding;
    let (dismissed_by, dismissed_reason) = judged.dismissed.clone().unzip();
    json!({
        "rule_id": rule,
        "fingerprint": fingerprint,
        "category": category,
        "severity": severity,
        "title": plain(title),
        "description": plain(description),
        "file_path": path,
        "line_start": lines.first,
        "line_end": lines.last,
        "code_snippet": plain(snippet),
        "snippet_hash": snippet_hash,
        "fix_suggestion": fix_suggestion,
        "fix_diff": fix_diff.as_deref().map(plain),
        "confidence": confidence,
        "verification_type": verification,
        "state": if judged.new { "new" } else { "existing" },
        "deciding": judged.deciding,
        "metadata": { "cwe": cwe, "owasp": owasp, "demoted": demoted },
        "dismissed": judged.dismissed.is_some(),
        "dismissed_by": dismissed_by,
        "dismissed_reason": dismissed_reason,
    })
}

/// Postgres has no text with a zero character, source code may.
fn plain(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// How many findings of the run's analysis there are of each sort.
#[derive(Debug, Clone, Copy)]
pub struct Tally {
    pub severity: Severity,
    pub new: bool,
    pub deciding: bool,
    pub dismissed: bool,
    pub count: u32,
}

pub async fn tally(tx: &Tx<'_>, run: RunId) -> Result<Vec<Tally>, StoreError> {
    let rows = tx
        .query(
            "SELECT f.severity, f.state = 'new' AS new, f.deciding, f.dismissed, count(*) AS count
             FROM findings f JOIN analyses a ON a.id = f.analysis_id
             WHERE a.run_id = $1 GROUP BY 1, 2, 3, 4",
            &[run.as_uuid()],
        )
        .await?;
    rows.iter()
        .map(|row| {
            Ok(Tally {
                severity: parse(row, "findings", "severity")?,
                new: row.get("new"),
                deciding: row.get("deciding"),
                dismissed: row.get("dismissed"),
                count: u32::try_from(row.get::<_, i64>("count"))
                    .map_err(corrupt("findings", "count"))?,
            })
        })
        .collect()
}

/// A finding as a reader of an analysis sees it.
#[derive(Debug, Clone)]
pub struct Stored {
    pub id: FindingId,
    pub rule: String,
    pub severity: Severity,
    pub title: String,
    pub description: Option<String>,
    pub path: String,
    pub lines: LineRange,
    pub snippet_hash: SnippetHash,
    pub fingerprint: Fingerprint,
    pub fix_suggestion: Option<String>,
    pub deciding: bool,
}

/// The new findings of a run's analysis that nobody dismissed, the gravest first; the order is
/// the same at every call.
pub async fn list_new(tx: &Tx<'_>, run: RunId, at_most: i64) -> Result<Vec<Stored>, StoreError> {
    let rows = tx
        .query(
            "SELECT f.id, f.rule_id, f.severity, f.title, f.description, f.file_path,
                    f.line_start, f.line_end, f.snippet_hash, f.fingerprint, f.fix_suggestion,
                    f.deciding
             FROM findings f JOIN analyses a ON a.id = f.analysis_id
             WHERE a.run_id = $1 AND f.state = 'new' AND NOT f.dismissed
             ORDER BY f.deciding DESC,
                      array_position('{critical,high,medium,low,info}'::text[], f.severity),
                      f.file_path, f.line_start, f.fingerprint
             LIMIT $2",
            &[run.as_uuid(), &at_most],
        )
        .await?;
    rows.iter().map(Stored::try_from).collect()
}

impl TryFrom<&Row> for Stored {
    type Error = StoreError;

    fn try_from(row: &Row) -> Result<Self, Self::Error> {
        let line = |column: &'static str| {
            u32::try_from(row.get::<_, i32>(column)).map_err(corrupt("findings", column))
        };
        Ok(Self {
            id: FindingId::new(row.get("id")),
            rule: row.get("rule_id"),
            severity: parse(row, "findings", "severity")?,
            title: row.get("title"),
            description: row.get("description"),
            path: row.get("file_path"),
            lines: LineRange { first: line("line_start")?, last: line("line_end")? },
            snippet_hash: SnippetHash::stored(row.get("snippet_hash")),
            fingerprint: Fingerprint::stored(row.get("fingerprint")),
            fix_suggestion: row.get("fix_suggestion"),
            deciding: row.get("deciding"),
        })
    }
}
