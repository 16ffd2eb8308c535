use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use domain::{AttestationId, Verdict};
use signing::{Envelope, Signer};
use store::{
    Tx,
    attestations::{self, NewAttestation},
    badges,
    signing_keys::{self, Published},
};

use crate::{Error, record::Record};

/// A badge's token is its own permission, so it must not be guessed: 128 bits.
const TOKEN_BYTES: usize = 16;

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Written {
    Attested,
    /// Someone else wrote first; what was read is out of date, and nothing may be committed.
    Overtaken,
}

/// Key, attestation and badge, together or not at all.
pub(crate) async fn write(
    tx: &Tx<'_>,
    record: &Record,
    id: AttestationId,
    signer: &Signer,
    envelope: &Envelope,
    detail: &[u8],
) -> Result<Written, Error> {
    let key_id = signer.public_key().key_id();
    // Before the attestation, which refers to it.
    let published =
        signing_keys::publish(tx, key_id.as_str(), &signer.public_key().to_pem()).await?;
    if published == Published::Retired {
        return Err(Error::RetiredKey(key_id.to_string()));
    }
    let signature = envelope.signatures.first().map(|signature| signature.bytes.as_slice());
    let new = NewAttestation {
        id,
        org: record.repository.org,
        repository: record.repository.id,
        analysis: record.analysis.id,
        kind: record.kind(),
        repository_name: &record.repository.full_name,
        git_ref: record.analysis.git_ref.as_deref(),
        commit: &record.commit,
        scope: &record.scope(),
        evidence: &record.evidence(),
        tier: record.tier,
        passed: record.verdict == Verdict::Passed,
        key_id: key_id.as_str(),
        envelope: &envelope.to_json(),
        detail,
        signature: &BASE64_STANDARD.encode(signature.unwrap_or_default()),
        hash: &envelope.attestation_hash(),
        parent: record.previous.as_ref().map(|previous| previous.id),
        expires_at: record.expires_at,
    };
    if !attestations::insert(tx, &new).await? {
        return Ok(Written::Overtaken);
    }
    badges::strike(tx, id, &token()?).await?;
    Ok(Written::Attested)
}

fn token() -> Result<String, Error> {
    let mut bytes = [0; TOKEN_BYTES];
    getrandom::fill(&mut bytes).map_err(Error::Randomness)?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}
