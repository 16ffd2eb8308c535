//! Findings as evidence about their files.

use domain::{Category, LineRange, RunId, Severity, VerificationType};
use serde_json::Value;
use tokio_postgres::Row;

use crate::{
    StoreError, Tx,
    rows::{corrupt, parse},
};

/// A finding without anything that people read.
#[derive(Debug, Clone)]
pub struct Observed {
    pub path: String,
    pub rule: String,
    pub category: Category,
    pub severity: Severity,
    pub confidence: f64,
    pub verification: VerificationType,
    pub cwe: Vec<String>,
    pub lines: LineRange,
    pub deciding: bool,
    pub dismissed: bool,
    pub demoted: bool,
}

/// The findings of a run's analysis in some files, in the order of these; a part of a scan looks at
/// that of its parent.
pub async fn list_observed(
    tx: &Tx<'_>,
    run: RunId,
    paths: &[&str],
) -> Result<Vec<Observed>, StoreError> {
    let rows = tx
        .query(
            "SELECT f.file_path, f.rule_id, f.category, f.severity, f.confidence,
                    f.verification_type, f.line_start, f.line_end, f.deciding, f.dismissed,
                    coalesce(f.metadata -> 'cwe', '[]') AS cwe,
                    coalesce((f.metadata ->> 'demoted')::boolean, false) AS demoted
             FROM runs r
             JOIN analyses a ON a.run_id = coalesce(r.parent_run_id, r.id)
             JOIN findings f ON f.analysis_id = a.id
             WHERE r.id = $1 AND f.file_path = ANY ($2)
             ORDER BY f.file_path, f.line_start, f.rule_id, f.fingerprint",
            &[run.as_uuid(), &paths],
        )
        .await?;
    rows.iter().map(Observed::try_from).collect()
}

impl TryFrom<&Row> for Observed {
    type Error = StoreError;

    fn try_from(row: &Row) -> Result<Self, Self::Error> {
        let line = |column: &'static str| {
            u32::try_from(row.get::<_, i32>(column)).map_err(corrupt("findings", column))
        };
        let cwe = serde_json::from_value(row.get::<_, Value>("cwe"))
            .map_err(corrupt("findings", "metadata"))?;
        Ok(Self {
            path: row.get("file_path"),
            rule: row.get("rule_id"),
            category: parse(row, "findings", "category")?,
            severity: parse(row, "findings", "severity")?,
            confidence: row.get("confidence"),
            verification: parse(row, "findings", "verification_type")?,
            cwe,
            lines: LineRange { first: line("line_start")?, last: line("line_end")? },
            deciding: row.get("deciding"),
            dismissed: row.get("dismissed"),
            demoted: row.get("demoted"),
        })
    }
}
