//! The `verification_badges` table: one badge a repository, opened by its token.
//!
//! What a badge shows is read from its attestation at the same moment, so it can neither outlive
//! nor contradict it.

use domain::BadgeId;

use crate::{
    StoreError, Tx,
    attestations::{self, Attestation},
};

#[derive(Debug, Clone)]
pub struct Badge {
    pub id: BadgeId,
    /// A name that the `shields` crate knows, such as `flat`.
    pub style: String,
    /// The repository is private: its badge tells strangers no more than the tier.
    pub private: bool,
    pub attestation: Attestation,
}

pub async fn find_by_token(tx: &Tx<'_>, token: &str) -> Result<Option<Badge>, StoreError> {
    let sql = format!(
        "SELECT {}, b.id AS badge_id, b.style, r.private
         FROM verification_badges b
         JOIN verification_attestations t ON t.id = b.attestation_id
         JOIN repositories r ON r.id = b.repo_id
         WHERE b.token = $1",
        attestations::COLUMNS
    );
    let Some(row) = tx.query_opt(&sql, &[&token]).await? else { return Ok(None) };
    Ok(Some(Badge {
        id: BadgeId::new(row.get("badge_id")),
        style: row.get("style"),
        private: row.get("private"),
        attestation: Attestation::try_from(&row)?,
    }))
}

/// Counts a view. Views at the same moment count once: nobody waits for a counter.
pub async fn count_view(tx: &Tx<'_>, badge: BadgeId) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE verification_badges SET view_count = view_count + 1, last_viewed_at = now()
         WHERE id = (SELECT b.id FROM verification_badges b WHERE b.id = $1
                     FOR NO KEY UPDATE SKIP LOCKED)",
        &[badge.as_uuid()],
    )
    .await?;
    Ok(())
}
