//! The `api_keys` table: hashes of keys; a key itself is never here.

use domain::{ApiKey, ApiKeyId, OrgId, Scope};
use jiff::Timestamp;

use crate::{StoreError, Tx};

pub async fn insert(
    tx: &Tx<'_>,
    org: OrgId,
    name: &str,
    key: &ApiKey,
    scopes: &[Scope],
    expires_at: Option<Timestamp>,
) -> Result<ApiKeyId, StoreError> {
    let scopes: Vec<&str> = scopes.iter().map(|scope| scope.as_str()).collect();
    let row = tx
        .query_one(
            "INSERT INTO api_keys (org_id, name, key_hash, key_prefix, scopes, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
            &[org.as_uuid(), &name, &key.hash(), &key.prefix(), &scopes, &expires_at],
        )
        .await?;
    Ok(ApiKeyId::new(row.get("id")))
}

/// Notes that a key was used; at most once a minute, so that reading stays reading.
pub async fn touch(tx: &Tx<'_>, key: ApiKeyId) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE api_keys SET last_used_at = now()
         WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')",
        &[key.as_uuid()],
    )
    .await?;
    Ok(())
}
