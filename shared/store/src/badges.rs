//! The `verification_badges` table: one badge a repository, opened by its token.
//!
//! What a badge shows is read from its attestation at the same moment, so it can neither outlive
//! nor contradict it.

use domain::{AttestationId, BadgeId};

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

/// Strikes a repository's badge for an attestation, or moves the badge that it has.
///
/// Once a badge shows the default branch only the default branch moves it: whoever may open a
/// pull request must not choose what strangers see. `token` is used only for a first badge.
pub async fn strike(
    tx: &Tx<'_>,
    attestation: AttestationId,
    token: &str,
) -> Result<(), StoreError> {
    const OF_DEFAULT_BRANCH: &str = "t.attestation_type = 'commit'
         AND t.ref IN (r.default_branch, 'refs/heads/' || r.default_branch)";
    tx.execute(
        &format!(
            "INSERT INTO verification_badges AS b (org_id, repo_id, attestation_id, repo_full_name,
                                                   token, tier, passed, expires_at)
             SELECT t.org_id, t.repo_id, t.id, t.repo_full_name, $2, t.tier, t.passed, t.expires_at
             FROM verification_attestations t WHERE t.id = $1
             ON CONFLICT (repo_id) DO UPDATE
             SET attestation_id = excluded.attestation_id, tier = excluded.tier,
                 repo_full_name = excluded.repo_full_name, passed = excluded.passed,
                 expires_at = excluded.expires_at
             WHERE EXISTS (SELECT FROM verification_attestations t
                           JOIN repositories r ON r.id = t.repo_id
                           WHERE t.id = excluded.attestation_id AND {OF_DEFAULT_BRANCH})
                OR NOT EXISTS (SELECT FROM verification_attestations t
                               JOIN repositories r ON r.id = t.repo_id
                               WHERE t.id = b.attestation_id AND {OF_DEFAULT_BRANCH})"
        ),
        &[attestation.as_uuid(), &token],
    )
    .await?;
    Ok(())
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
