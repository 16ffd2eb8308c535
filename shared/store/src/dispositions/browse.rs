//! Decisions as people page through them.

use domain::{Fingerprint, Ground, RepositoryId};
use jiff::Timestamp;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::{Page, StoreError, Tx, page::follows, rows::parse_opt};

/// Decisions about one finding that are shown; nobody argues longer.
const HISTORY_MAX: i64 = 200;

const COLUMNS: &str =
    "d.id, d.repo_id, d.fingerprint, coalesce(d.lineage, d.fingerprint) AS lineage,
     d.disposition, d.ground, d.reason, d.owner, d.decided_by, d.rule_id, d.file_path,
     d.expires_at, coalesce(d.expires_at <= now(), false) AS expired, d.created_at";

/// One decision, as it was made.
#[derive(Debug, Clone)]
pub struct Decided {
    pub id: Uuid,
    pub repository: RepositoryId,
    pub fingerprint: Fingerprint,
    pub lineage: Fingerprint,
    /// `false`: reopened.
    pub dismisses: bool,
    pub ground: Option<Ground>,
    pub reason: String,
    pub owner: Option<String>,
    pub decided_by: String,
    pub rule: Option<String>,
    pub path: Option<String>,
    pub expires_at: Option<Timestamp>,
    pub expired: bool,
    pub decided_at: Timestamp,
}

/// What has become of a dismissal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Active,
    Expired,
    Reopened,
}

impl Standing {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Expired => "expired",
            Self::Reopened => "reopened",
        }
    }
}

impl Decided {
    pub fn standing(&self) -> Standing {
        match (self.dismisses, self.expired) {
            (false, _) => Standing::Reopened,
            (true, false) => Standing::Active,
            (true, true) => Standing::Expired,
        }
    }
}

/// Which decisions a reader wants; what is `None` does not narrow.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter<'a> {
    pub repository: Option<RepositoryId>,
    pub standing: Option<Standing>,
    pub ground: Option<Ground>,
    /// Who answers for it, or who decided where nobody else was named.
    pub owner: Option<&'a str>,
    pub rule: Option<&'a str>,
}

/// Of each finding the decision that counts, the newest first.
pub async fn list(
    tx: &Tx<'_>,
    filter: &Filter<'_>,
    page: Page,
) -> Result<Vec<Decided>, StoreError> {
    let rows = tx
        .query(
            &format!(
                "SELECT {COLUMNS} FROM finding_dispositions d
                 WHERE {}
                   AND NOT EXISTS (
                       SELECT FROM finding_dispositions later
                       WHERE later.repo_id = d.repo_id
                         AND coalesce(later.lineage, later.fingerprint)
                             = coalesce(d.lineage, d.fingerprint)
                         AND (later.created_at, later.id) > (d.created_at, d.id))
                   AND ($3::uuid IS NULL OR d.repo_id = $3)
                   AND ($4::text IS NULL OR $4 = CASE
                        WHEN d.disposition = 'reopened' THEN 'reopened'
                        WHEN d.expires_at <= now() THEN 'expired' ELSE 'active' END)
                   AND ($5::text IS NULL OR d.ground = $5)
                   AND ($6::text IS NULL OR coalesce(d.owner, d.decided_by) = $6)
                   AND ($7::text IS NULL OR d.rule_id = $7)
                 ORDER BY d.created_at DESC, d.id DESC
                 LIMIT $2",
                follows("finding_dispositions", "d")
            ),
            &[
                &page.after,
                &page.limit,
                &filter.repository.map(|id| *id.as_uuid()),
                &filter.standing.map(Standing::as_str),
                &filter.ground.map(Ground::as_str),
                &filter.owner,
                &filter.rule,
            ],
        )
        .await?;
    rows.iter().map(Decided::try_from).collect()
}

/// Everything that was decided about one finding, the newest first.
pub async fn history(
    tx: &Tx<'_>,
    repository: RepositoryId,
    lineage: &Fingerprint,
    fingerprint: &Fingerprint,
) -> Result<Vec<Decided>, StoreError> {
    let rows = tx
        .query(
            &format!(
                "SELECT {COLUMNS} FROM finding_dispositions d
                 WHERE d.repo_id = $1 AND coalesce(d.lineage, d.fingerprint) IN ($2, $3)
                 ORDER BY d.created_at DESC, d.id DESC LIMIT $4"
            ),
            &[repository.as_uuid(), &lineage.as_str(), &fingerprint.as_str(), &HISTORY_MAX],
        )
        .await?;
    rows.iter().map(Decided::try_from).collect()
}

impl TryFrom<&Row> for Decided {
    type Error = StoreError;

    fn try_from(row: &Row) -> Result<Self, Self::Error> {
        Ok(Self {
            id: row.get("id"),
            repository: RepositoryId::new(row.get("repo_id")),
            fingerprint: Fingerprint::stored(row.get("fingerprint")),
            lineage: Fingerprint::stored(row.get("lineage")),
            dismisses: row.get::<_, &str>("disposition") == "dismissed",
            ground: parse_opt(row, "finding_dispositions", "ground")?,
            reason: row.get("reason"),
            owner: row.get("owner"),
            decided_by: row.get("decided_by"),
            rule: row.get("rule_id"),
            path: row.get("file_path"),
            expires_at: row.get("expires_at"),
            expired: row.get("expired"),
            decided_at: row.get("created_at"),
        })
    }
}
