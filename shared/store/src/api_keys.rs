//! The `api_keys` table: hashes of keys; a key itself is never here.

use domain::{ApiKey, ApiKeyId, OrgId, Scope};
use jiff::Timestamp;
use tokio_postgres::Row;

use crate::{
    StoreError, Tx,
    page::{Page, follows},
    rows::corrupt,
};

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

/// What is known about a key once it has been handed out.
#[derive(Debug, Clone)]
pub struct KeyRecord {
    pub id: ApiKeyId,
    pub name: String,
    pub prefix: String,
    pub scopes: Vec<Scope>,
    pub expires_at: Option<Timestamp>,
    pub expired: bool,
    pub revoked_at: Option<Timestamp>,
    pub last_used_at: Option<Timestamp>,
    pub created_at: Timestamp,
}

const COLUMNS: &str =
    "id, name, key_prefix, scopes, expires_at, revoked_at, last_used_at, created_at,
     coalesce(expires_at <= now(), false) AS expired";

pub async fn find(tx: &Tx<'_>, key: ApiKeyId) -> Result<Option<KeyRecord>, StoreError> {
    let row = tx
        .query_opt(&format!("SELECT {COLUMNS} FROM api_keys WHERE id = $1"), &[key.as_uuid()])
        .await?;
    row.as_ref().map(KeyRecord::try_from).transpose()
}

/// Newest first, revoked and expired ones included.
pub async fn list(tx: &Tx<'_>, page: Page) -> Result<Vec<KeyRecord>, StoreError> {
    let rows = tx
        .query(
            &format!(
                "SELECT {COLUMNS} FROM api_keys
                 WHERE {}
                 ORDER BY created_at DESC, id DESC
                 LIMIT $2",
                follows("api_keys", "api_keys")
            ),
            &[&page.after, &page.limit],
        )
        .await?;
    rows.iter().map(KeyRecord::try_from).collect()
}

/// Makes a key useless from now on. `false`: there is no such key, or it is revoked already.
pub async fn revoke(tx: &Tx<'_>, key: ApiKeyId) -> Result<bool, StoreError> {
    let touched = tx
        .execute(
            "UPDATE api_keys SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL",
            &[key.as_uuid()],
        )
        .await?;
    Ok(touched == 1)
}

impl TryFrom<&Row> for KeyRecord {
    type Error = StoreError;

    fn try_from(row: &Row) -> Result<Self, Self::Error> {
        let scopes: Vec<&str> = row.get("scopes");
        let scopes = scopes
            .into_iter()
            .map(|word| word.parse().map_err(corrupt("api_keys", "scopes")))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            id: ApiKeyId::new(row.get("id")),
            name: row.get("name"),
            prefix: row.get("key_prefix"),
            scopes,
            expires_at: row.get("expires_at"),
            expired: row.get("expired"),
            revoked_at: row.get("revoked_at"),
            last_used_at: row.get("last_used_at"),
            created_at: row.get("created_at"),
        })
    }
}
