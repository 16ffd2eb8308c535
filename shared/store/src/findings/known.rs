//! Findings of analyses before, as far as it takes to know them again.

use domain::{AnalysisId, Fingerprint, RunId, Sighting, Trail};
use serde_json::{Value, json};
use tokio_postgres::Row;

use super::Expired;
use crate::{StoreError, Tx, runs::Fence};

/// A finding of another analysis, as far as it takes to know it again.
#[derive(Debug, Clone)]
pub struct Known {
    pub rule: String,
    pub path: String,
    pub fingerprint: Fingerprint,
    pub trail: Option<Trail>,
    /// The fingerprint under which it was first known.
    pub lineage: Fingerprint,
    pub demoted: bool,
}

impl<'a> From<&'a Known> for Sighting<'a> {
    fn from(known: &'a Known) -> Self {
        Self {
            rule: &known.rule,
            path: &known.path,
            fingerprint: &known.fingerprint,
            trail: known.trail.as_ref(),
            demoted: known.demoted,
            touched: false,
        }
    }
}

/// What our rules and patterns found in the newest complete analysis of the same pull request before
/// this run's, in the order of the files. None: there is no such analysis.
pub async fn list_previous(tx: &Tx<'_>, run: RunId) -> Result<Option<Vec<Known>>, StoreError> {
    let previous = tx
        .query_opt(
            "SELECT p.id
             FROM analyses a
             JOIN analyses p ON p.repo_id = a.repo_id AND p.pr_number = a.pr_number
             WHERE a.run_id = $1 AND p.kind = 'pull_request' AND p.status = 'completed'
               AND (p.created_at, p.id) < (a.created_at, a.id)
             ORDER BY p.created_at DESC, p.id DESC LIMIT 1",
            &[run.as_uuid()],
        )
        .await?;
    let Some(previous) = previous else { return Ok(None) };
    list_known(tx, AnalysisId::new(previous.get("id"))).await.map(Some)
}

/// What our rules and patterns found in an analysis, in the order of the files.
pub async fn list_known(tx: &Tx<'_>, analysis: AnalysisId) -> Result<Vec<Known>, StoreError> {
    let rows = tx
        .query(
            "SELECT rule_id, file_path, fingerprint, trail,
                    coalesce(lineage, fingerprint) AS lineage,
                    coalesce((metadata ->> 'demoted')::boolean, false) AS demoted
             FROM findings WHERE analysis_id = $1 AND verification_type <> 'formal'
               AND NOT metadata ? 'tool'
             ORDER BY file_path, line_start, rule_id, fingerprint",
            &[analysis.as_uuid()],
        )
        .await?;
    Ok(rows.iter().map(Known::from).collect())
}

impl From<&Row> for Known {
    fn from(row: &Row) -> Self {
        Self {
            rule: row.get("rule_id"),
            path: row.get("file_path"),
            fingerprint: Fingerprint::stored(row.get("fingerprint")),
            trail: row.get::<_, Option<String>>("trail").map(Trail::stored),
            lineage: Fingerprint::stored(row.get("lineage")),
            demoted: row.get("demoted"),
        }
    }
}

/// A finding that was seen before.
#[derive(Debug, Clone, PartialEq)]
pub struct Continued<'a> {
    pub fingerprint: &'a Fingerprint,
    /// The fingerprint under which it was first known, where that is another one.
    pub lineage: Option<&'a Fingerprint>,
    /// Who decided to live with it under an earlier name, and why.
    pub dismissed: Option<(&'a str, &'a str)>,
    /// Someone lived with it under an earlier name, until this dismissal ended.
    pub expired: Option<Expired>,
}

/// Notes in the run's analysis which findings go on. What was decided about a finding under its
/// present name stands.
pub async fn carry_on(
    tx: &Tx<'_>,
    fence: &Fence,
    continued: &[Continued<'_>],
) -> Result<(), StoreError> {
    if continued.is_empty() {
        return Ok(());
    }
    let rows: Vec<Value> = continued.iter().map(row_of).collect();
    let written = tx
        .execute(
            "UPDATE findings f SET
                 state = 'existing', deciding = false,
                 lineage = coalesce(f.lineage, c.lineage),
                 dismissed = f.dismissed OR c.dismissed_by IS NOT NULL,
                 dismissed_by = coalesce(f.dismissed_by, c.dismissed_by),
                 dismissed_reason = coalesce(f.dismissed_reason, c.dismissed_reason),
                 metadata = coalesce(c.metadata, '{}') || f.metadata
             FROM analyses a, jsonb_to_recordset($2) AS c (
                 fingerprint text, lineage text, dismissed_by text, dismissed_reason text,
                 metadata jsonb)
             WHERE a.run_id = $1 AND f.analysis_id = a.id AND f.fingerprint = c.fingerprint",
            &[fence.run().as_uuid(), &Value::Array(rows)],
        )
        .await?;
    if written == continued.len() as u64 { Ok(()) } else { Err(StoreError::ChangedMeanwhile) }
}

fn row_of(continued: &Continued<'_>) -> Value {
    let Continued { fingerprint, lineage, dismissed, expired } = continued;
    let (dismissed_by, dismissed_reason) = dismissed.unzip();
    json!({
        "fingerprint": fingerprint,
        "lineage": lineage,
        "dismissed_by": dismissed_by,
        "dismissed_reason": dismissed_reason,
        "metadata": expired.as_ref().map(|expired| json!({ "dismissal_expired": expired })),
    })
}
