//! The `verification_attestations` table: what was signed, byte for byte. No row ever changes.

use domain::{AnalysisId, AttestationId, CommitSha, OrgId, RepositoryId, Tier};
use jiff::Timestamp;
use serde_json::Value;
use tokio_postgres::Row;

use crate::{StoreError, Tx, rows::parse};

pub(crate) const COLUMNS: &str =
    "t.id, t.repo_id, t.analysis_id, t.attestation_type, t.repo_full_name, t.ref, t.commit_sha,
     t.scope, t.evidence, t.tier, t.passed, t.key_id, t.attestation_hash, t.parent_attestation_id,
     t.expires_at, t.expires_at <= now() AS expired, t.created_at";

/// An attestation without its bytes.
#[derive(Debug, Clone)]
pub struct Attestation {
    pub id: AttestationId,
    pub repository: RepositoryId,
    pub analysis: AnalysisId,
    /// `pr`, `commit` or `release`.
    pub kind: String,
    pub repository_name: String,
    pub git_ref: Option<String>,
    pub commit: String,
    pub scope: Value,
    pub evidence: Value,
    pub tier: Tier,
    pub passed: bool,
    pub key_id: String,
    /// Hex sha256 of the signed payload.
    pub hash: String,
    pub parent: Option<AttestationId>,
    pub expires_at: Timestamp,
    /// By the database's clock, at the time of reading.
    pub expired: bool,
    pub created_at: Timestamp,
}

pub async fn find(tx: &Tx<'_>, id: AttestationId) -> Result<Option<Attestation>, StoreError> {
    find_where(tx, "t.id = $1", id.as_uuid()).await
}

pub async fn find_by_analysis(
    tx: &Tx<'_>,
    analysis: AnalysisId,
) -> Result<Option<Attestation>, StoreError> {
    find_where(tx, "t.analysis_id = $1", analysis.as_uuid()).await
}

async fn find_where(
    tx: &Tx<'_>,
    condition: &str,
    id: &uuid::Uuid,
) -> Result<Option<Attestation>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM verification_attestations t WHERE {condition}");
    tx.query_opt(&sql, &[id]).await?.as_ref().map(Attestation::try_from).transpose()
}

/// The DSSE envelope exactly as it was signed.
pub async fn find_envelope(tx: &Tx<'_>, id: AttestationId) -> Result<Option<Vec<u8>>, StoreError> {
    let sql = "SELECT envelope FROM verification_attestations WHERE id = $1";
    Ok(tx.query_opt(sql, &[id.as_uuid()]).await?.map(|row| row.get("envelope")))
}

/// The statement with the details, which the envelope names among its inputs.
pub async fn find_detail(tx: &Tx<'_>, id: AttestationId) -> Result<Option<Vec<u8>>, StoreError> {
    let sql = "SELECT detail FROM verification_attestations WHERE id = $1";
    Ok(tx.query_opt(sql, &[id.as_uuid()]).await?.map(|row| row.get("detail")))
}

/// The end of a repository's chain: the attestation that has no successor.
pub async fn find_newest(
    tx: &Tx<'_>,
    repository: RepositoryId,
) -> Result<Option<Attestation>, StoreError> {
    find_where(
        tx,
        "t.repo_id = $1 AND NOT EXISTS (
             SELECT FROM verification_attestations successor
             WHERE successor.repo_id = t.repo_id AND successor.parent_attestation_id = t.id)
         ORDER BY t.created_at DESC, t.id DESC LIMIT 1",
        repository.as_uuid(),
    )
    .await
}

/// What was signed, to be kept.
#[derive(Debug, Clone)]
pub struct NewAttestation<'a> {
    pub id: AttestationId,
    pub org: OrgId,
    pub repository: RepositoryId,
    pub analysis: AnalysisId,
    /// `pr`, `commit` or `release`.
    pub kind: &'a str,
    pub repository_name: &'a str,
    pub git_ref: Option<&'a str>,
    pub commit: &'a CommitSha,
    pub scope: &'a Value,
    pub evidence: &'a Value,
    pub tier: Tier,
    pub passed: bool,
    pub key_id: &'a str,
    pub envelope: &'a [u8],
    pub detail: &'a [u8],
    /// Base64, as the envelope has it.
    pub signature: &'a str,
    pub hash: &'a str,
    pub parent: Option<AttestationId>,
    pub expires_at: Timestamp,
}

/// Appends to the repository's chain. `false`: the analysis is attested already, or another
/// attestation followed the same parent first.
pub async fn insert(tx: &Tx<'_>, new: &NewAttestation<'_>) -> Result<bool, StoreError> {
    let written = tx
        .execute(
            "INSERT INTO verification_attestations
                 (id, org_id, repo_id, analysis_id, attestation_type, repo_full_name, ref,
                  commit_sha, scope, evidence, tier, passed, key_id, envelope, detail, signature,
                  attestation_hash, parent_attestation_id, expires_at, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
                     $18, $19, clock_timestamp())
             ON CONFLICT DO NOTHING",
            &[
                new.id.as_uuid(),
                new.org.as_uuid(),
                new.repository.as_uuid(),
                new.analysis.as_uuid(),
                &new.kind,
                &new.repository_name,
                &new.git_ref,
                &new.commit.as_str(),
                new.scope,
                new.evidence,
                &new.tier.as_str(),
                &new.passed,
                &new.key_id,
                &new.envelope,
                &new.detail,
                &new.signature,
                &new.hash,
                &new.parent.map(|id| *id.as_uuid()),
                &new.expires_at,
            ],
        )
        .await?;
    Ok(written == 1)
}

impl TryFrom<&Row> for Attestation {
    type Error = StoreError;

    // `get` panics on a missing column or a wrong SQL type: both are bugs in this file.
    fn try_from(row: &Row) -> Result<Self, Self::Error> {
        Ok(Self {
            id: AttestationId::new(row.get("id")),
            repository: RepositoryId::new(row.get("repo_id")),
            analysis: AnalysisId::new(row.get("analysis_id")),
            kind: row.get("attestation_type"),
            repository_name: row.get("repo_full_name"),
            git_ref: row.get("ref"),
            commit: row.get("commit_sha"),
            scope: row.get("scope"),
            evidence: row.get("evidence"),
            tier: parse(row, "verification_attestations", "tier")?,
            passed: row.get("passed"),
            key_id: row.get("key_id"),
            hash: row.get("attestation_hash"),
            parent: row.get::<_, Option<_>>("parent_attestation_id").map(AttestationId::new),
            expires_at: row.get("expires_at"),
            expired: row.get("expired"),
            created_at: row.get("created_at"),
        })
    }
}
