//! Findings of other tools, which join an analysis from outside.

use domain::{AnalysisId, RunStatus};
use serde_json::{Value, json};

use super::{Judged, row_of};
use crate::{StoreError, Tx, rows::parse_opt};

/// A finding, and the tool that found it.
#[derive(Debug, Clone)]
pub struct Foreign {
    pub judged: Judged,
    pub tool: String,
}

/// How many findings were added; those that were there already were not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Added {
    pub new: u32,
    pub existing: u32,
    pub dismissed: u32,
}

impl Added {
    pub fn all(self) -> u32 {
        self.new + self.existing
    }
}

/// How far the run of an analysis is. Until the transaction ends it comes to no verdict. None:
/// there is no such analysis, or no run of it any more.
pub async fn hold_back(tx: &Tx<'_>, analysis: AnalysisId) -> Result<Option<RunStatus>, StoreError> {
    let row = tx
        .query_opt(
            "SELECT r.status FROM analyses a JOIN runs r ON r.id = a.run_id
             WHERE a.id = $1 FOR NO KEY UPDATE OF r",
            &[analysis.as_uuid()],
        )
        .await?;
    row.map(|row| parse_opt(&row, "runs", "status")).transpose().map(Option::flatten)
}

/// Adds findings to an analysis, and to its counts if it is complete.
pub async fn import(
    tx: &Tx<'_>,
    analysis: AnalysisId,
    findings: &[Foreign],
) -> Result<Added, StoreError> {
    let rows: Vec<Value> = findings.iter().map(row).collect();
    let added = tx
        .query(
            "INSERT INTO findings (org_id, analysis_id, repo_id, rule_id, fingerprint, category,
                                   severity, title, description, file_path, line_start, line_end,
                                   code_snippet, snippet_hash, fix_suggestion, confidence,
                                   verification_type, state, deciding, metadata, dismissed,
                                   dismissed_by, dismissed_reason)
             SELECT a.org_id, a.id, a.repo_id, f.rule_id, f.fingerprint, f.category, f.severity,
                    f.title, f.description, f.file_path, f.line_start, f.line_end, f.code_snippet,
                    f.snippet_hash, f.fix_suggestion, f.confidence, f.verification_type, f.state,
                    f.deciding, f.metadata, f.dismissed, f.dismissed_by, f.dismissed_reason
             FROM analyses a,
             jsonb_to_recordset($2) AS f (
                 rule_id text, fingerprint text, category text, severity text, title text,
                 description text, file_path text, line_start integer, line_end integer,
                 code_snippet text, snippet_hash text, fix_suggestion text,
                 confidence double precision, verification_type text, state text,
                 deciding boolean, metadata jsonb, dismissed boolean, dismissed_by text,
                 dismissed_reason text)
             WHERE a.id = $1
             ON CONFLICT (analysis_id, fingerprint) DO NOTHING
             RETURNING state = 'new' AS new, dismissed",
            &[analysis.as_uuid(), &Value::Array(rows)],
        )
        .await?;
    let mut sum = Added::default();
    for row in &added {
        *if row.get("new") { &mut sum.new } else { &mut sum.existing } += 1;
        sum.dismissed += u32::from(row.get::<_, bool>("dismissed"));
    }
    count(tx, analysis, sum).await?;
    Ok(sum)
}

fn row(foreign: &Foreign) -> Value {
    let mut row = row_of(&foreign.judged);
    row["metadata"]["tool"] = json!(foreign.tool);
    row
}

/// An analysis that is not complete counts them itself.
async fn count(tx: &Tx<'_>, analysis: AnalysisId, added: Added) -> Result<(), StoreError> {
    let number = |count: u32| i64::from(count);
    tx.execute(
        "UPDATE analyses SET counts = counts || jsonb_build_object(
             'new', coalesce((counts ->> 'new')::bigint, 0) + $2::bigint,
             'existing', coalesce((counts ->> 'existing')::bigint, 0) + $3::bigint,
             'dismissed', coalesce((counts ->> 'dismissed')::bigint, 0) + $4::bigint,
             'total', coalesce((counts ->> 'total')::bigint, 0) + $2::bigint + $3::bigint)
         WHERE id = $1 AND status = 'completed'",
        &[
            analysis.as_uuid(),
            &number(added.new),
            &number(added.existing),
            &number(added.dismissed),
        ],
    )
    .await?;
    Ok(())
}
