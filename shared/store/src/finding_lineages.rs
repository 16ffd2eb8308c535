//! The `finding_lineages` table: what a fingerprint was called before its finding moved.

use std::collections::HashMap;

use domain::{Fingerprint, OrgId, RepositoryId};
use serde_json::json;

use crate::{StoreError, Tx};

/// For each of `fingerprints` that is a later one, the first under which its finding was known.
pub async fn find(
    tx: &Tx<'_>,
    repository: RepositoryId,
    fingerprints: &[&str],
) -> Result<HashMap<Fingerprint, Fingerprint>, StoreError> {
    let rows = tx
        .query(
            "SELECT fingerprint, lineage FROM finding_lineages
             WHERE repo_id = $1 AND fingerprint = ANY($2)",
            &[repository.as_uuid(), &fingerprints],
        )
        .await?;
    let row = |row: &tokio_postgres::Row| {
        (Fingerprint::stored(row.get("fingerprint")), Fingerprint::stored(row.get("lineage")))
    };
    Ok(rows.iter().map(row).collect())
}

/// Remembers later fingerprints of findings. What is known of a fingerprint stays.
pub async fn insert_all(
    tx: &Tx<'_>,
    org: OrgId,
    repository: RepositoryId,
    later: &[(&Fingerprint, &Fingerprint)],
) -> Result<(), StoreError> {
    if later.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = later
        .iter()
        .map(|(fingerprint, lineage)| json!({ "fingerprint": fingerprint, "lineage": lineage }))
        .collect();
    tx.execute(
        "INSERT INTO finding_lineages (org_id, repo_id, fingerprint, lineage)
         SELECT $1, $2, l.fingerprint, l.lineage
         FROM jsonb_to_recordset($3) AS l (fingerprint text, lineage text)
         ORDER BY l.fingerprint
         ON CONFLICT DO NOTHING",
        &[org.as_uuid(), repository.as_uuid(), &json!(rows)],
    )
    .await?;
    Ok(())
}
