//! DSSE: what exactly is signed, and the envelope it travels in.

use domain::{Classify, ErrorKind};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{KeyId, PublicKey, Signer, SignerError, base64};

/// How an in-toto statement is announced.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// The largest envelope that is stored or read.
pub const ENVELOPE_BYTES_MAX: usize = 1024 * 1024;

/// More signatures than anyone needs; each costs the reader a curve operation.
const SIGNATURES_MAX: usize = 16;

/// A payload and who signed it. The payload's bytes are kept as they were signed: whoever
/// verifies an envelope must go on with these bytes and parse nothing twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    pub payload_type: String,
    pub payload: Vec<u8>,
    pub signatures: Vec<Signature>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// A hint that nobody signed: it may choose among trusted keys and never prove anything.
    pub key_id: Option<String>,
    pub bytes: Vec<u8>,
}

/// Pre-authentication encoding: lengths keep type and payload apart.
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut encoded =
        format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    encoded.extend_from_slice(payload);
    encoded
}

/// What an attestation is known by: the hex sha256 of its payload.
///
/// Never of the signature: ECDSA allows a second valid signature for the same payload.
pub fn attestation_hash(payload: &[u8]) -> String {
    hex::encode(Sha256::digest(payload))
}

/// Signs an in-toto statement.
pub async fn sign(signer: &Signer, statement: Vec<u8>) -> Result<Envelope, SignerError> {
    let bytes = signer.sign(&pae(PAYLOAD_TYPE, &statement)).await?;
    let key_id = signer.public_key().key_id();
    Ok(Envelope {
        payload_type: PAYLOAD_TYPE.to_owned(),
        payload: statement,
        signatures: vec![Signature { key_id: Some(key_id.as_str().to_owned()), bytes }],
    })
}

impl Envelope {
    pub fn parse(json: &[u8]) -> Result<Self, EnvelopeError> {
        if json.len() > ENVELOPE_BYTES_MAX {
            return Err(EnvelopeError::TooLarge { bytes: json.len(), max: ENVELOPE_BYTES_MAX });
        }
        serde_json::from_slice::<WireEnvelope>(json)?.try_into()
    }

    /// The one way in which we write an envelope; its bytes are what is stored and served.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(&WireEnvelope::from(self)).expect("strings always serialise")
    }

    pub fn attestation_hash(&self) -> String {
        attestation_hash(&self.payload)
    }

    /// The payload, if `key` signed it.
    pub fn verify(&self, key: &PublicKey) -> Result<&[u8], SignatureRefused> {
        let key_id = key.key_id();
        let mut candidates =
            self.signatures.iter().filter(|signature| signature.may_be_by(&key_id)).peekable();
        if candidates.peek().is_none() {
            return Err(SignatureRefused::OtherKey { wanted: key_id, named: self.key_names() });
        }
        let message = pae(&self.payload_type, &self.payload);
        if candidates.any(|signature| key.verifies(&message, &signature.bytes)) {
            Ok(&self.payload)
        } else {
            Err(SignatureRefused::DoesNotMatch)
        }
    }

    fn key_names(&self) -> String {
        let names: Vec<_> =
            self.signatures.iter().filter_map(|signature| signature.key_id.as_deref()).collect();
        names.join(", ")
    }
}

impl Signature {
    fn may_be_by(&self, key_id: &KeyId) -> bool {
        self.key_id.as_deref().is_none_or(|named| named.is_empty() || named == key_id.as_str())
    }
}

/// The envelope as JSON; fields we do not know are ignored, as the specification asks.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireEnvelope {
    payload: String,
    payload_type: String,
    signatures: Vec<WireSignature>,
}

#[derive(Serialize, Deserialize)]
struct WireSignature {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    keyid: Option<String>,
    sig: String,
}

impl From<&Envelope> for WireEnvelope {
    fn from(envelope: &Envelope) -> Self {
        let signatures = envelope.signatures.iter().map(|signature| WireSignature {
            keyid: signature.key_id.clone(),
            sig: base64::encode(&signature.bytes),
        });
        Self {
            payload: base64::encode(&envelope.payload),
            payload_type: envelope.payload_type.clone(),
            signatures: signatures.collect(),
        }
    }
}

impl TryFrom<WireEnvelope> for Envelope {
    type Error = EnvelopeError;

    fn try_from(wire: WireEnvelope) -> Result<Self, Self::Error> {
        if !(1..=SIGNATURES_MAX).contains(&wire.signatures.len()) {
            return Err(EnvelopeError::SignatureCount(wire.signatures.len()));
        }
        let decode = |field, text: &str| {
            base64::decode(text).map_err(|source| EnvelopeError::NotBase64 { field, source })
        };
        let signatures = wire.signatures.iter().map(|signature| {
            let bytes = decode("sig", &signature.sig)?;
            Ok(Signature { key_id: signature.keyid.clone(), bytes })
        });
        Ok(Self {
            payload: decode("payload", &wire.payload)?,
            payload_type: wire.payload_type,
            signatures: signatures.collect::<Result<_, EnvelopeError>>()?,
        })
    }
}

#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    #[error("it has {bytes} bytes; at most {max} are read")]
    TooLarge { bytes: usize, max: usize },
    #[error("it is not a DSSE envelope: {0}")]
    NotAnEnvelope(#[from] serde_json::Error),
    #[error("it is not a Sigstore bundle of version 0.3: {0}")]
    NotABundle(&'static str),
    #[error("`{field}` is not base64: {source}")]
    NotBase64 { field: &'static str, source: ::base64::DecodeError },
    #[error("it carries {0} signatures; expected 1 to {SIGNATURES_MAX}")]
    SignatureCount(usize),
}

impl Classify for EnvelopeError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::TooLarge { .. }
            | Self::NotAnEnvelope(_)
            | Self::NotABundle(_)
            | Self::NotBase64 { .. }
            | Self::SignatureCount(_) => ErrorKind::Invalid,
        }
    }
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureRefused {
    #[error("it names the signing key {named}, and the given key is {wanted}")]
    OtherKey { wanted: KeyId, named: String },
    #[error("the signature does not match the payload and the given key")]
    DoesNotMatch,
}

impl Classify for SignatureRefused {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::OtherKey { .. } | Self::DoesNotMatch => ErrorKind::Invalid,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example::{local_key, signer};

    const SPEC_ENVELOPE: &str = r#"{"payload": "aGVsbG8gd29ybGQ=",
 "payloadType": "http://example.com/HelloWorld",
 "signatures": [{"sig": "A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA=="}]}"#;

    async fn small() -> Envelope {
        sign(&signer(), b"{}".to_vec()).await.unwrap()
    }

    #[test]
    fn the_specifications_example_encodes_and_verifies() {
        assert_eq!(
            pae("http://example.com/HelloWorld", b"hello world"),
            b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
        );
        let signer = Signer::Local(local_key());
        let envelope = Envelope::parse(SPEC_ENVELOPE.as_bytes()).unwrap();
        // Its signature is the 64 bytes of r and s, and it names no key.
        assert_eq!(envelope.signatures[0].bytes.len(), 64);
        assert_eq!(envelope.verify(signer.public_key()).unwrap(), b"hello world");
    }

    #[tokio::test]
    async fn our_signature_is_the_specifications_in_der() {
        let signer = signer();
        let ours =
            signer.sign(&pae("http://example.com/HelloWorld", b"hello world")).await.unwrap();
        let spec = Envelope::parse(SPEC_ENVELOPE.as_bytes()).unwrap();
        let spec = p256::ecdsa::Signature::from_slice(&spec.signatures[0].bytes).unwrap();
        assert_eq!(ours, spec.to_der().as_bytes());
    }

    #[test]
    fn lengths_are_of_bytes_and_keep_the_parts_apart() {
        assert_eq!(pae("ü", "é!".as_bytes()), "DSSEv1 2 ü 3 é!".as_bytes());
        assert_ne!(pae("a 1", b"b"), pae("a", b"1 b"));
    }

    #[tokio::test]
    async fn an_envelope_is_what_its_json_says() {
        let envelope = small().await;
        assert_eq!(Envelope::parse(&envelope.to_json()).unwrap(), envelope);
        assert_eq!(
            envelope.attestation_hash(),
            // printf '{}' | sha256sum
            "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
        );
        let json: serde_json::Value = serde_json::from_slice(&envelope.to_json()).unwrap();
        assert_eq!(json["payloadType"], PAYLOAD_TYPE);
        // What `ssh-keygen -lf` prints for the key.
        assert_eq!(
            json["signatures"][0]["keyid"],
            "SHA256:f4AuBLdH4Lj/dIuwAUXXebzoI9B/cJ4iSQ3/qByIl4M"
        );
    }

    #[tokio::test]
    async fn both_alphabets_and_both_signature_forms_are_accepted() {
        let signer = signer();
        let envelope = small().await;
        let json = String::from_utf8(envelope.to_json()).unwrap();
        let text = base64::encode(&envelope.signatures[0].bytes);
        let url_safe = text.replace('+', "-").replace('/', "_");
        let raw = p256::ecdsa::Signature::from_der(&envelope.signatures[0].bytes).unwrap();
        let raw = base64::encode(&raw.to_bytes());
        for form in [url_safe.as_str(), url_safe.trim_end_matches('='), raw.as_str()] {
            let changed = Envelope::parse(json.replace(&text, form).as_bytes()).unwrap();
            assert_eq!(changed.verify(signer.public_key()), Ok(b"{}".as_slice()), "{form}");
        }
    }

    /// Every bit of one envelope, flipped. Only the name of the field `keyid` may change: without
    /// it the hint is gone, and a hint is no part of what was signed.
    #[tokio::test]
    async fn no_flipped_bit_is_accepted() {
        let signer = signer();
        let envelope = small().await;
        let json = envelope.to_json();
        let text = String::from_utf8(json.clone()).unwrap();
        let name = text.find("keyid").unwrap();

        let mut accepted = Vec::new();
        for index in 0..json.len() {
            for bit in 0..8 {
                let mut changed = json.clone();
                changed[index] ^= 1 << bit;
                let Ok(changed) = Envelope::parse(&changed) else { continue };
                if let Ok(payload) = changed.verify(signer.public_key()) {
                    assert_eq!(payload, b"{}");
                    accepted.push(index);
                }
            }
        }
        accepted.dedup();
        assert!(accepted.iter().all(|at| (name..name + 5).contains(at)), "{accepted:?}");
        assert!(!accepted.is_empty(), "the control: some flips must still parse and verify");
    }

    #[tokio::test]
    async fn no_changed_byte_of_payload_or_signature_is_accepted() {
        let signer = signer();
        let signed = small().await;
        for index in 0..signed.signatures[0].bytes.len() {
            for value in [0x01, 0x80, 0xff] {
                let mut changed = signed.clone();
                changed.signatures[0].bytes[index] ^= value;
                assert_eq!(
                    changed.verify(signer.public_key()),
                    Err(SignatureRefused::DoesNotMatch),
                    "signature byte {index}"
                );
            }
        }
        for value in 1..=u8::MAX {
            let mut changed = signed.clone();
            changed.payload[0] ^= value;
            assert_eq!(changed.verify(signer.public_key()), Err(SignatureRefused::DoesNotMatch));
        }
        let mut retyped = signed.clone();
        retyped.payload_type.push('x');
        assert_eq!(retyped.verify(signer.public_key()), Err(SignatureRefused::DoesNotMatch));
    }

    #[tokio::test]
    async fn another_key_is_told_by_name_and_refused_without_one() {
        let other = Signer::Local(crate::LocalKey::generate());
        let mut envelope = small().await;
        let error = envelope.verify(other.public_key()).unwrap_err();
        let message = error.to_string();
        assert!(message.contains("SHA256:f4AuBLdH"), "{message}");
        assert!(message.contains(other.public_key().key_id().as_str()), "{message}");

        envelope.signatures[0].key_id = None;
        assert_eq!(envelope.verify(other.public_key()), Err(SignatureRefused::DoesNotMatch));
        // Naming the verifier's key does not make a signature its own.
        envelope.signatures[0].key_id = Some(other.public_key().key_id().to_string());
        assert_eq!(envelope.verify(other.public_key()), Err(SignatureRefused::DoesNotMatch));
    }

    #[tokio::test]
    async fn one_good_signature_among_several_is_enough() {
        let mut envelope = small().await;
        let other = Signer::Local(crate::LocalKey::generate());
        let foreign = sign(&other, b"{}".to_vec()).await.unwrap();
        envelope.signatures.splice(0..0, foreign.signatures);
        for signer in [&other, &signer()] {
            assert!(envelope.verify(signer.public_key()).is_ok());
        }
    }
}
