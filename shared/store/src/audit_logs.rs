//! The `audit_logs` table: who changed what. Rows are only ever added.

use domain::{ApiKeyId, OrgId};
use jiff::Timestamp;
use serde_json::Value;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::{
    StoreError, Tx,
    page::{Page, follows},
};

/// As much of a user agent as is kept.
const USER_AGENT_CHARS_MAX: usize = 512;

/// Something that was done, to be written in the transaction that does it.
#[derive(Debug, Clone)]
pub struct NewEntry<'a> {
    pub org: OrgId,
    pub api_key: ApiKeyId,
    /// What was done, such as `finding.dismissed`.
    pub action: &'a str,
    pub resource_type: &'a str,
    pub resource: Uuid,
    /// Never a secret, never a request's body.
    pub details: &'a Value,
    pub ip_address: Option<&'a str>,
    pub user_agent: Option<&'a str>,
}

#[derive(Debug, Clone)]
pub struct Entry {
    pub id: Uuid,
    pub api_key: Option<ApiKeyId>,
    pub action: String,
    pub resource_type: Option<String>,
    pub resource: Option<Uuid>,
    pub details: Value,
    pub ip_address: Option<String>,
    pub user_agent: Option<String>,
    pub created_at: Timestamp,
}

pub async fn insert(tx: &Tx<'_>, entry: &NewEntry<'_>) -> Result<(), StoreError> {
    let user_agent: Option<String> =
        entry.user_agent.map(|text| text.chars().take(USER_AGENT_CHARS_MAX).collect());
    tx.execute(
        "INSERT INTO audit_logs (org_id, api_key_id, action, resource_type, resource_id, details,
                                 ip_address, user_agent, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, clock_timestamp())",
        &[
            entry.org.as_uuid(),
            entry.api_key.as_uuid(),
            &entry.action,
            &entry.resource_type,
            &entry.resource,
            entry.details,
            &entry.ip_address,
            &user_agent,
        ],
    )
    .await?;
    Ok(())
}

/// Which entries a reader wants; what is `None` does not narrow.
#[derive(Debug, Clone, Default)]
pub struct Filter<'a> {
    pub action: Option<&'a str>,
    pub resource: Option<Uuid>,
    pub api_key: Option<ApiKeyId>,
}

/// Newest first.
pub async fn list(tx: &Tx<'_>, filter: &Filter<'_>, page: Page) -> Result<Vec<Entry>, StoreError> {
    let rows = tx
        .query(
            &format!(
                "SELECT id, api_key_id, action, resource_type, resource_id, details, ip_address,
                    user_agent, created_at
             FROM audit_logs
             WHERE {}
               AND ($3::text IS NULL OR action = $3)
               AND ($4::uuid IS NULL OR resource_id = $4)
               AND ($5::uuid IS NULL OR api_key_id = $5)
             ORDER BY created_at DESC, id DESC
             LIMIT $2",
                follows("audit_logs", "audit_logs")
            ),
            &[
                &page.after,
                &page.limit,
                &filter.action,
                &filter.resource,
                &filter.api_key.map(|id| *id.as_uuid()),
            ],
        )
        .await?;
    Ok(rows.iter().map(Entry::from).collect())
}

impl From<&Row> for Entry {
    // `get` panics on a missing column or a wrong SQL type: both are bugs in this file.
    fn from(row: &Row) -> Self {
        Self {
            id: row.get("id"),
            api_key: row.get::<_, Option<_>>("api_key_id").map(ApiKeyId::new),
            action: row.get("action"),
            resource_type: row.get("resource_type"),
            resource: row.get("resource_id"),
            details: row.get("details"),
            ip_address: row.get("ip_address"),
            user_agent: row.get("user_agent"),
            created_at: row.get("created_at"),
        }
    }
}
