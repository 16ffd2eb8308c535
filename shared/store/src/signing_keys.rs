//! The `signing_keys` table: the published history of public keys. It belongs to no tenant.

use jiff::Timestamp;
use tokio_postgres::Row;

use crate::{StoreError, Tx, Unscoped};

const COLUMNS: &str = "key_id, algorithm, purpose, public_key_pem, valid_from, retired_at";

/// More keys than there will ever be.
const KEYS_MAX: usize = 1000;

#[derive(Debug, Clone)]
pub struct SigningKey {
    /// OpenSSH fingerprint, `SHA256:…`.
    pub key_id: String,
    pub algorithm: String,
    /// `attestation` or `checkpoint`.
    pub purpose: String,
    pub public_key_pem: String,
    pub valid_from: Timestamp,
    pub retired_at: Option<Timestamp>,
}

/// Every key there was, newest first.
pub async fn list(unscoped: &Unscoped<'_>) -> Result<Vec<SigningKey>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM signing_keys ORDER BY valid_from DESC, key_id LIMIT {KEYS_MAX}"
    );
    Ok(unscoped.query(&sql, &[]).await?.iter().map(SigningKey::from).collect())
}

pub async fn find(tx: &Tx<'_>, key_id: &str) -> Result<Option<SigningKey>, StoreError> {
    let row = tx
        .query_opt(&format!("SELECT {COLUMNS} FROM signing_keys WHERE key_id = $1"), &[&key_id])
        .await?;
    Ok(row.as_ref().map(SigningKey::from))
}

/// Publishes a key, unless it is published already, and tells whether it may still be used.
pub async fn publish(
    tx: &Tx<'_>,
    key_id: &str,
    public_key_pem: &str,
) -> Result<Published, StoreError> {
    tx.execute(
        "INSERT INTO signing_keys (key_id, algorithm, public_key_pem)
         VALUES ($1, 'ecdsa-p256-sha256', $2)
         ON CONFLICT (key_id) DO NOTHING",
        &[&key_id, &public_key_pem],
    )
    .await?;
    let retired = tx
        .query_opt("SELECT FROM signing_keys WHERE key_id = $1 AND retired_at <= now()", &[&key_id])
        .await?;
    Ok(if retired.is_some() { Published::Retired } else { Published::Current })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    Current,
    /// Nothing may be signed with it any more.
    Retired,
}

impl From<&Row> for SigningKey {
    // `get` panics on a missing column or a wrong SQL type: both are bugs in this file.
    fn from(row: &Row) -> Self {
        Self {
            key_id: row.get("key_id"),
            algorithm: row.get("algorithm"),
            purpose: row.get("purpose"),
            public_key_pem: row.get("public_key_pem"),
            valid_from: row.get("valid_from"),
            retired_at: row.get("retired_at"),
        }
    }
}
