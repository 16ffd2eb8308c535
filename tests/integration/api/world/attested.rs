//! What is signed and shown to strangers.

use domain::{OrgId, RepositoryId, Tier};
use serde_json::json;
use signing::Envelope;
use uuid::Uuid;

use super::{World, commit};

impl World {
    /// An attestation with a genuine signature.
    pub(crate) async fn attestation(
        &self,
        org: OrgId,
        repository: RepositoryId,
        analysis: Uuid,
        tier: Tier,
        passed: bool,
    ) -> Uuid {
        let id = Uuid::now_v7();
        let payload = json!({ "analysis": analysis, "tier": tier, "passed": passed });
        let envelope = signing::sign(&self.signer, payload.to_string().into_bytes()).await.unwrap();
        let key = self.signer.public_key();
        self.sql(&format!(
            "INSERT INTO signing_keys (key_id, algorithm, public_key_pem)
             VALUES ('{}', 'ecdsa-p256-sha256', '{}') ON CONFLICT DO NOTHING",
            key.key_id(),
            key.to_pem(),
        ))
        .await;
        self.database
            .sql()
            .await
            .execute(
                "INSERT INTO verification_attestations (id, org_id, repo_id, analysis_id,
                     attestation_type, repo_full_name, ref, commit_sha, tier, passed, key_id,
                     envelope, detail, signature, attestation_hash, parent_attestation_id,
                     expires_at, created_at)
                 VALUES ($1, $2, $3, $4, 'commit', 'acme/widget', 'refs/heads/main', $5, $6, $7, $8,
                     $9, $10, 'signature', $11,
                     (SELECT id FROM verification_attestations WHERE repo_id = $3
                      ORDER BY created_at DESC LIMIT 1),
                     now() + interval '7 days', clock_timestamp())",
                &[
                    &id,
                    org.as_uuid(),
                    repository.as_uuid(),
                    &analysis,
                    &commit(analysis),
                    &tier.as_str(),
                    &passed,
                    &key.key_id().as_str(),
                    &envelope.to_json(),
                    &b"{\"detail\": true}".as_slice(),
                    &envelope.attestation_hash(),
                ],
            )
            .await
            .unwrap();
        id
    }

    pub(super) async fn badge(
        &self,
        org: OrgId,
        repository: RepositoryId,
        attestation: Uuid,
    ) -> String {
        let token = Uuid::now_v7().simple().to_string()[..22].to_owned();
        // The columns beside the attestation lie on purpose: a badge must not read them.
        self.sql(&format!(
            "INSERT INTO verification_badges (org_id, repo_id, attestation_id, repo_full_name,
                                              token, tier, passed, expires_at)
             VALUES ('{org}', '{repository}', '{attestation}', 'acme/widget', '{token}', 'platinum',
                     true, now() + interval '10 years')"
        ))
        .await;
        token
    }

    /// Whether an envelope was signed by the world's key.
    pub(crate) fn is_genuine(&self, envelope: &[u8]) -> bool {
        Envelope::parse(envelope).unwrap().verify(self.signer.public_key()).is_ok()
    }
}
