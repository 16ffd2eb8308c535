//! The `citations` table: what a version of an artifact stands on. Rows are only ever added.

use domain::{ArtifactId, Citation};
use serde_json::{Value, json};
use tokio_postgres::Row;

use crate::{
    StoreError, Tx,
    rows::{corrupt, parse},
};

/// The numbers of the citations whose source does not exist, or is another organisation's.
///
/// A place in the code is checked for its form only: the commit is not in the database.
pub(crate) async fn missing(tx: &Tx<'_>, citations: &[Citation]) -> Result<Vec<u32>, StoreError> {
    if citations.is_empty() {
        return Ok(Vec::new());
    }
    let rows = tx
        .query(
            "SELECT c.number
             FROM jsonb_to_recordset($1) AS c (number integer, source_type text, source_ref text)
             WHERE NOT CASE c.source_type
                 WHEN 'finding' THEN EXISTS (SELECT FROM findings s WHERE s.id = c.source_ref::uuid)
                 WHEN 'chunk' THEN EXISTS (SELECT FROM chunks s WHERE s.id = c.source_ref::uuid)
                 WHEN 'run' THEN EXISTS (SELECT FROM runs s WHERE s.id = c.source_ref::uuid)
                 WHEN 'artifact' THEN EXISTS (SELECT FROM artifacts s WHERE s.id = c.source_ref::uuid)
                 WHEN 'path' THEN true
                 ELSE false END
             ORDER BY c.number",
            &[&as_rows(citations)],
        )
        .await?;
    rows.iter().map(number).collect()
}

pub(crate) async fn insert_all(
    tx: &Tx<'_>,
    artifact: ArtifactId,
    citations: &[Citation],
) -> Result<(), StoreError> {
    if citations.is_empty() {
        return Ok(());
    }
    let written = tx
        .execute(
            "INSERT INTO citations (org_id, artifact_id, number, source_type, source_ref, payload)
             SELECT a.org_id, a.id, c.number, c.source_type, c.source_ref, c.payload
             FROM artifacts a, jsonb_to_recordset($2) AS c (
                 number integer, source_type text, source_ref text, payload jsonb)
             WHERE a.id = $1",
            &[artifact.as_uuid(), &as_rows(citations)],
        )
        .await?;
    // Without the artifact's row the statement writes nothing and says nothing.
    if written == citations.len() as u64 { Ok(()) } else { Err(StoreError::ChangedMeanwhile) }
}

fn as_rows(citations: &[Citation]) -> Value {
    let rows = citations.iter().map(|citation| {
        json!({
            "number": citation.number,
            "source_type": citation.source,
            "source_ref": citation.reference,
            "payload": citation.payload,
        })
    });
    Value::Array(rows.collect())
}

/// Of several versions at once, each with its citations in the order of their numbers.
pub async fn list(
    tx: &Tx<'_>,
    artifacts: &[ArtifactId],
) -> Result<Vec<(ArtifactId, Citation)>, StoreError> {
    let ids: Vec<_> = artifacts.iter().map(|id| *id.as_uuid()).collect();
    let rows = tx
        .query(
            "SELECT artifact_id, number, source_type, source_ref, payload FROM citations
             WHERE artifact_id = ANY ($1) ORDER BY artifact_id, number",
            &[&ids],
        )
        .await?;
    rows.iter()
        .map(|row| {
            let citation = Citation {
                number: number(row)?,
                source: parse(row, "citations", "source_type")?,
                reference: row.get("source_ref"),
                payload: row.get("payload"),
            };
            Ok((ArtifactId::new(row.get("artifact_id")), citation))
        })
        .collect()
}

fn number(row: &Row) -> Result<u32, StoreError> {
    u32::try_from(row.get::<_, i32>("number")).map_err(corrupt("citations", "number"))
}
