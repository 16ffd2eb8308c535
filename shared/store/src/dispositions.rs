//! The `finding_dispositions` table: what people decided about findings.
//!
//! A decision is about a fingerprint in a repository, not about one analysis' row, so it holds
//! for the next push too. The newest decision counts, until it expires. `findings.dismissed` is
//! a projection of it for readers.

use domain::{Fingerprint, OrgId, RepositoryId};
use jiff::Timestamp;
use tokio_postgres::Row;

use crate::{StoreError, Tx};

/// A decision to be recorded.
#[derive(Debug, Clone)]
pub struct Decision<'a> {
    pub org: OrgId,
    pub repository: RepositoryId,
    pub fingerprint: &'a Fingerprint,
    pub reason: &'a str,
    /// Who decided, such as `api_key:0190…`.
    pub decided_by: &'a str,
}

/// A finding that people decided to live with.
#[derive(Debug, Clone)]
pub struct Dismissed {
    pub fingerprint: Fingerprint,
    pub decided_by: String,
    pub reason: String,
}

/// The findings of a repository that are dismissed at this moment.
pub async fn list_dismissed(
    tx: &Tx<'_>,
    repository: RepositoryId,
) -> Result<Vec<Dismissed>, StoreError> {
    let rows = tx
        .query(
            "SELECT fingerprint, decided_by, reason
             FROM (SELECT DISTINCT ON (fingerprint) *
                   FROM finding_dispositions WHERE repo_id = $1
                   ORDER BY fingerprint, created_at DESC) newest
             WHERE disposition = 'dismissed' AND (expires_at IS NULL OR expires_at > now())",
            &[repository.as_uuid()],
        )
        .await?;
    Ok(rows.iter().map(Dismissed::from).collect())
}

impl From<&Row> for Dismissed {
    fn from(row: &Row) -> Self {
        Self {
            fingerprint: Fingerprint::stored(row.get("fingerprint")),
            decided_by: row.get("decided_by"),
            reason: row.get("reason"),
        }
    }
}

/// Dismisses a finding wherever it appears. `false`: `expires_at` has passed already.
pub async fn dismiss(
    tx: &Tx<'_>,
    decision: &Decision<'_>,
    expires_at: Option<Timestamp>,
) -> Result<bool, StoreError> {
    if !insert(tx, decision, "dismissed", expires_at).await? {
        return Ok(false);
    }
    tx.execute(
        "UPDATE findings SET dismissed = true, dismissed_by = $3, dismissed_reason = $4
         WHERE repo_id = $1 AND fingerprint = $2",
        &[
            decision.repository.as_uuid(),
            &decision.fingerprint.as_str(),
            &decision.decided_by,
            &decision.reason,
        ],
    )
    .await?;
    Ok(true)
}

/// Takes a dismissal back, wherever the finding appears.
pub async fn reopen(tx: &Tx<'_>, decision: &Decision<'_>) -> Result<(), StoreError> {
    insert(tx, decision, "reopened", None).await?;
    tx.execute(
        "UPDATE findings SET dismissed = false, dismissed_by = NULL, dismissed_reason = NULL
         WHERE repo_id = $1 AND fingerprint = $2",
        &[decision.repository.as_uuid(), &decision.fingerprint.as_str()],
    )
    .await?;
    Ok(())
}

async fn insert(
    tx: &Tx<'_>,
    decision: &Decision<'_>,
    disposition: &str,
    expires_at: Option<Timestamp>,
) -> Result<bool, StoreError> {
    let written = tx
        .execute(
            "INSERT INTO finding_dispositions
                 (org_id, repo_id, fingerprint, disposition, reason, decided_by, expires_at)
             SELECT $1, $2, $3, $4, $5, $6, $7
             WHERE $7::timestamptz IS NULL OR $7 > now()",
            &[
                decision.org.as_uuid(),
                decision.repository.as_uuid(),
                &decision.fingerprint.as_str(),
                &disposition,
                &decision.reason,
                &decision.decided_by,
                &expires_at,
            ],
        )
        .await?;
    Ok(written == 1)
}
