//! The `installations` table: where GitHub says that an organisation has installed us.

use domain::{InstallationId, OrgId};
use serde_json::Value;

use crate::{StoreError, Tx};

#[derive(Debug, Clone)]
pub struct Reported<'a> {
    pub github_installation: i64,
    pub account_type: &'a str,
    pub account_login: &'a str,
    pub permissions: &'a Value,
    pub events: &'a Value,
    pub suspended: bool,
}

/// Writes what GitHub reported last; an uninstalled installation that reports again is back.
pub async fn upsert(
    tx: &Tx<'_>,
    org: OrgId,
    reported: &Reported<'_>,
) -> Result<InstallationId, StoreError> {
    let row = tx
        .query_one(
            "INSERT INTO installations (org_id, github_installation_id, account_type, account_login,
                                        permissions, events, suspended_at)
             VALUES ($1, $2, $3, $4, $5, $6, CASE WHEN $7 THEN now() END)
             ON CONFLICT (github_installation_id) DO UPDATE SET
                 account_type = excluded.account_type,
                 account_login = excluded.account_login,
                 permissions = excluded.permissions,
                 events = excluded.events,
                 suspended_at = CASE WHEN $7 THEN coalesce(installations.suspended_at, now()) END,
                 deleted_at = NULL,
                 updated_at = now()
             RETURNING id",
            &[
                org.as_uuid(),
                &reported.github_installation,
                &reported.account_type,
                &reported.account_login,
                reported.permissions,
                reported.events,
                &reported.suspended,
            ],
        )
        .await?;
    Ok(InstallationId::new(row.get("id")))
}

/// Marks an installation as gone. Its repositories stay, and their events are ignored.
pub async fn delete(tx: &Tx<'_>, id: InstallationId) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE installations SET deleted_at = coalesce(deleted_at, now()), updated_at = now()
         WHERE id = $1",
        &[id.as_uuid()],
    )
    .await?;
    Ok(())
}
