//! The `finding_dispositions` table: what people decided about findings.
//!
//! A decision is about a finding's lineage in a repository, not about one analysis' row, so it
//! holds for the next push too. The newest decision counts, until it expires; none is changed or
//! removed. `findings.dismissed` is a projection of it for readers.

mod browse;

use domain::{Fingerprint, Ground, OrgId, RepositoryId};
use jiff::Timestamp;
use tokio_postgres::Row;

use crate::{StoreError, Tx, findings::Expired, rows::parse_opt};

pub use browse::{Decided, Filter, Standing, history, list};

/// A decision to be recorded.
#[derive(Debug, Clone)]
pub struct Decision<'a> {
    pub org: OrgId,
    pub repository: RepositoryId,
    pub fingerprint: &'a Fingerprint,
    /// Under which fingerprint the finding was first known.
    pub lineage: &'a Fingerprint,
    pub rule: &'a str,
    pub path: &'a str,
    /// None for what is reopened.
    pub ground: Option<Ground>,
    pub reason: &'a str,
    /// Who answers for it; none: who decides.
    pub owner: Option<&'a str>,
    /// Who decides, such as `api_key:0190…`.
    pub decided_by: &'a str,
}

/// A finding that people decided to live with.
#[derive(Debug, Clone)]
pub struct Dismissed {
    /// One of the fingerprints that the finding has or had; each has an entry of its own.
    pub fingerprint: Fingerprint,
    pub decided_by: String,
    pub owner: Option<String>,
    pub ground: Option<Ground>,
    pub reason: String,
    /// When it ended, if it has ended.
    pub expired_at: Option<Timestamp>,
    pub decided_at: Timestamp,
}

/// The findings of a repository whose newest decision dismisses them, also until a moment that
/// is past.
pub async fn list_dismissed(
    tx: &Tx<'_>,
    repository: RepositoryId,
) -> Result<Vec<Dismissed>, StoreError> {
    let rows = tx
        .query(
            "WITH newest AS (
                 SELECT DISTINCT ON (coalesce(lineage, fingerprint))
                        coalesce(lineage, fingerprint) AS lineage, disposition, decided_by, owner,
                        ground, reason, expires_at, created_at
                 FROM finding_dispositions WHERE repo_id = $1
                 ORDER BY coalesce(lineage, fingerprint), created_at DESC, id DESC),
             dismissed AS (SELECT * FROM newest WHERE disposition = 'dismissed'),
             named AS (
                 SELECT lineage AS fingerprint, d.* FROM dismissed d
                 UNION ALL
                 SELECT l.fingerprint, d.* FROM dismissed d
                 JOIN finding_lineages l ON l.repo_id = $1 AND l.lineage = d.lineage)
             SELECT fingerprint, decided_by, owner, ground, reason, created_at,
                    CASE WHEN expires_at <= now() THEN expires_at END AS expired_at
             FROM named ORDER BY fingerprint, created_at",
            &[repository.as_uuid()],
        )
        .await?;
    rows.iter().map(Dismissed::try_from).collect()
}

impl Dismissed {
    /// What is left of it when it is over.
    pub fn expired(&self) -> Option<Expired> {
        Some(Expired {
            by: self.decided_by.clone(),
            owner: self.owner.clone(),
            ground: self.ground,
            reason: self.reason.clone(),
            at: self.expired_at?,
        })
    }
}

impl TryFrom<&Row> for Dismissed {
    type Error = StoreError;

    fn try_from(row: &Row) -> Result<Self, Self::Error> {
        Ok(Self {
            fingerprint: Fingerprint::stored(row.get("fingerprint")),
            decided_by: row.get("decided_by"),
            owner: row.get("owner"),
            ground: parse_opt(row, "finding_dispositions", "ground")?,
            reason: row.get("reason"),
            expired_at: row.get("expired_at"),
            decided_at: row.get("created_at"),
        })
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
        "UPDATE findings SET dismissed = true, dismissed_by = $4, dismissed_reason = $5
         WHERE repo_id = $1 AND (lineage = $2 OR fingerprint IN ($2, $3))",
        &[
            decision.repository.as_uuid(),
            &decision.lineage.as_str(),
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
         WHERE repo_id = $1 AND (lineage = $2 OR fingerprint IN ($2, $3))",
        &[
            decision.repository.as_uuid(),
            &decision.lineage.as_str(),
            &decision.fingerprint.as_str(),
        ],
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
    let moved = (decision.lineage != decision.fingerprint).then(|| decision.lineage.as_str());
    let written = tx
        .execute(
            "INSERT INTO finding_dispositions
                 (org_id, repo_id, fingerprint, lineage, disposition, ground, reason, owner,
                  decided_by, rule_id, file_path, expires_at)
             SELECT $1, $2, $3, $4::text, $5, $6::text, $7, $8::text, $9, $10, $11, $12
             WHERE $12::timestamptz IS NULL OR $12 > now()",
            &[
                decision.org.as_uuid(),
                decision.repository.as_uuid(),
                &decision.fingerprint.as_str(),
                &moved,
                &disposition,
                &decision.ground.map(Ground::as_str),
                &decision.reason,
                &decision.owner,
                &decision.decided_by,
                &decision.rule,
                &decision.path,
                &expires_at,
            ],
        )
        .await?;
    Ok(written == 1)
}

/// Until the transaction ends nobody else decides about this finding: of two deciders the second
/// sees what the first decided.
pub async fn lock(
    tx: &Tx<'_>,
    repository: RepositoryId,
    lineage: &Fingerprint,
) -> Result<(), StoreError> {
    let key = format!("{repository}:{}", lineage.as_str());
    tx.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 12))", &[&key]).await?;
    Ok(())
}
