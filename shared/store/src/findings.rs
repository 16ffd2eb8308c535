//! The `findings` table: what an analysis objects to, with the evidence to check it.
//!
//! Rows are written once, all of an analysis in one statement, and never changed but for their
//! dismissal.

mod browse;
mod import;
mod known;
mod observed;
mod proof;

use domain::{Finding, FindingId, Fingerprint, Ground, LineRange, RunId, Severity, SnippetHash};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio_postgres::Row;

use crate::{
    StoreError, Tx,
    rows::{corrupt, parse},
    runs::Fence,
};

pub use browse::{Dismissal, Filter, Shown, Tags, find, list};
pub use import::{Added, Foreign, hold_back, import};
pub use known::{Continued, Known, carry_on, list_known, list_previous};
pub use observed::{Observed, list_observed};
pub use proof::{Input, Proof};

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
    /// The fingerprint under which it was first known, where that is another one.
    pub lineage: Option<Fingerprint>,
    /// Someone lived with it until this dismissal ended.
    pub expired: Option<Expired>,
    /// What shows that it is so, where a formal check found it.
    pub proof: Option<Proof>,
}

/// A dismissal that was, as a finding's `metadata` keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expired {
    pub by: String,
    #[serde(default)]
    pub owner: Option<String>,
    #[serde(default)]
    pub ground: Option<Ground>,
    pub reason: String,
    pub at: Timestamp,
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
                                   confidence, verification_type, verification_proof, state,
                                   deciding, metadata, dismissed, dismissed_by, dismissed_reason,
                                   trail, lineage)
             SELECT a.org_id, a.id, a.repo_id, f.rule_id, f.fingerprint, f.category, f.severity,
                    f.title, f.description, f.file_path, f.line_start, f.line_end, f.code_snippet,
                    f.snippet_hash, f.fix_suggestion, f.fix_diff, f.confidence,
                    f.verification_type, f.verification_proof, f.state, f.deciding, f.metadata,
                    f.dismissed, f.dismissed_by, f.dismissed_reason, f.trail, f.lineage
             FROM runs r
             JOIN analyses a ON a.run_id = coalesce(r.parent_run_id, r.id),
             jsonb_to_recordset($2) AS f (
                 rule_id text, fingerprint text, category text, severity text, title text,
                 description text, file_path text, line_start integer, line_end integer,
                 code_snippet text, snippet_hash text, fix_suggestion text, fix_diff text,
                 confidence double precision, verification_type text, verification_proof text,
                 state text, deciding boolean, metadata jsonb, dismissed boolean,
                 dismissed_by text, dismissed_reason text, trail text, lineage text)
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
        trail,
        fix_suggestion,
        fix_diff,
        cwe,
        owasp,
        demoted,
    } = &judged.finding;
    let (dismissed_by, dismissed_reason) = judged.dismissed.clone().unzip();
    let mut metadata = json!({ "cwe": cwe, "owasp": owasp, "demoted": demoted });
    if let Some(expired) = &judged.expired {
        metadata["dismissal_expired"] = json!(expired);
    }
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
        "verification_proof": judged.proof.as_ref().map(Proof::text),
        "state": if judged.new { "new" } else { "existing" },
        "deciding": judged.deciding,
        "metadata": metadata,
        "dismissed": judged.dismissed.is_some(),
        "dismissed_by": dismissed_by,
        "dismissed_reason": dismissed_reason,
        "trail": trail,
        "lineage": judged.lineage,
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
    /// Its dismissal ended before this analysis.
    pub expired: bool,
    pub count: u32,
}

pub async fn tally(tx: &Tx<'_>, run: RunId) -> Result<Vec<Tally>, StoreError> {
    let rows = tx
        .query(
            "SELECT f.severity, f.state = 'new' AS new, f.deciding, f.dismissed,
                    f.metadata ? 'dismissal_expired' AS expired, count(*) AS count
             FROM findings f JOIN analyses a ON a.id = f.analysis_id
             WHERE a.run_id = $1 GROUP BY 1, 2, 3, 4, 5",
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
                expired: row.get("expired"),
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
    /// The fingerprint under which it was first known.
    pub lineage: Fingerprint,
    /// The lines as they stand in the file; a secret's value is masked.
    pub snippet: Option<String>,
    pub fix_suggestion: Option<String>,
    pub fix_diff: Option<String>,
    pub proof: Option<Proof>,
    pub deciding: bool,
    pub expired: Option<Expired>,
}

/// The new findings of a run's analysis that nobody dismissed, those that count first and of these
/// the gravest; the order is the same at every call.
pub async fn list_new(tx: &Tx<'_>, run: RunId, at_most: i64) -> Result<Vec<Stored>, StoreError> {
    let of = format!("f.state = 'new' AND NOT f.dismissed ORDER BY f.deciding DESC, {BY_GRAVITY}");
    list_stored(tx, run, &of, at_most).await
}

/// All findings of a run's analysis that nobody dismissed, the gravest first; the order is the same
/// at every call.
pub async fn list_open(tx: &Tx<'_>, run: RunId, at_most: i64) -> Result<Vec<Stored>, StoreError> {
    list_stored(tx, run, &format!("NOT f.dismissed ORDER BY {BY_GRAVITY}"), at_most).await
}

const BY_GRAVITY: &str = "array_position('{critical,high,medium,low,info}'::text[], f.severity),
     f.file_path, f.line_start, f.fingerprint";

async fn list_stored(
    tx: &Tx<'_>,
    run: RunId,
    of: &str,
    at_most: i64,
) -> Result<Vec<Stored>, StoreError> {
    let rows = tx
        .query(
            &format!(
                "SELECT f.id, f.rule_id, f.severity, f.title, f.description, f.file_path,
                        f.line_start, f.line_end, f.snippet_hash, f.fingerprint,
                        coalesce(f.lineage, f.fingerprint) AS lineage, f.code_snippet,
                        f.fix_suggestion, f.fix_diff, f.verification_proof, f.deciding,
                        f.metadata -> 'dismissal_expired' AS expired
                 FROM findings f JOIN analyses a ON a.id = f.analysis_id
                 WHERE a.run_id = $1 AND {of}
                 LIMIT $2"
            ),
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
            lineage: Fingerprint::stored(row.get("lineage")),
            snippet: row.get("code_snippet"),
            fix_suggestion: row.get("fix_suggestion"),
            fix_diff: row.get("fix_diff"),
            proof: Proof::stored(row)?,
            deciding: row.get("deciding"),
            expired: row
                .get::<_, Option<Value>>("expired")
                .map(serde_json::from_value)
                .transpose()
                .map_err(corrupt("findings", "metadata"))?,
        })
    }
}
