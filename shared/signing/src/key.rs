//! Public keys and their names.

use std::fmt;

use domain::{Classify, ErrorKind};
use p256::{
    ecdsa::{Signature, VerifyingKey, signature::hazmat::PrehashVerifier},
    pkcs8::{DecodePublicKey, EncodePublicKey, LineEnding},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::base64;

/// A P-256 key is 178 characters of PEM; what is much longer is something else.
const PEM_BYTES_MAX: usize = 16 * 1024;

/// The OpenSSH fingerprint of a key, `SHA256:…`.
///
/// It is the DSSE `keyid` and the bundle's hint because Go's verifiers refuse any other name that
/// is not empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyId(String);

impl KeyId {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An ECDSA P-256 key that others sign with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Reads `-----BEGIN PUBLIC KEY-----`, as `openssl pkey -pubout` writes it.
    pub fn from_pem(pem: &str) -> Result<Self, InvalidKey> {
        if pem.len() > PEM_BYTES_MAX {
            return Err(InvalidKey::NotPem);
        }
        if pem.contains("PRIVATE KEY-----") {
            return Err(InvalidKey::Private);
        }
        if !pem.contains("-----BEGIN PUBLIC KEY-----") {
            return Err(InvalidKey::NotPem);
        }
        VerifyingKey::from_public_key_pem(pem.trim()).map(Self).map_err(InvalidKey::NotP256)
    }

    /// Reads a DER SubjectPublicKeyInfo, as KMS answers it.
    pub fn from_der(der: &[u8]) -> Result<Self, InvalidKey> {
        VerifyingKey::from_public_key_der(der).map(Self).map_err(InvalidKey::NotP256)
    }

    pub fn to_pem(&self) -> String {
        self.0.to_public_key_pem(LineEnding::LF).expect("a P-256 key always has a PEM form")
    }

    pub fn key_id(&self) -> KeyId {
        const ALGORITHM: &[u8] = b"ecdsa-sha2-nistp256";
        const CURVE: &[u8] = b"nistp256";
        let point = self.0.to_sec1_point(false);

        let mut hash = Sha256::new();
        for part in [ALGORITHM, CURVE, point.as_bytes()] {
            hash.update((part.len() as u32).to_be_bytes());
            hash.update(part);
        }
        KeyId(format!("SHA256:{}", base64::encode_unpadded(&hash.finalize())))
    }

    /// Whether `signature`, DER or the 64 bytes of r and s, was made by this key over `message`.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let parsed = Signature::from_der(signature).or_else(|_| Signature::from_slice(signature));
        parsed.is_ok_and(|signature| {
            self.0.verify_prehash(&Sha256::digest(message), &signature).is_ok()
        })
    }
}

impl From<VerifyingKey> for PublicKey {
    fn from(key: VerifyingKey) -> Self {
        Self(key)
    }
}

#[derive(Debug, thiserror::Error)]
pub enum InvalidKey {
    #[error(
        "this is a private key: verification wants the public one, and the private one should not be here"
    )]
    Private,
    #[error(
        "this is not a public key in PEM form; it should begin with -----BEGIN PUBLIC KEY-----"
    )]
    NotPem,
    #[error("this is not an ECDSA P-256 public key")]
    NotP256(#[source] p256::pkcs8::spki::Error),
}

impl Classify for InvalidKey {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Private | Self::NotPem | Self::NotP256(_) => ErrorKind::Invalid,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with OpenSSL; the fingerprint is what `ssh-keygen -lf` prints for it.
    const PEM: &str = "-----BEGIN PUBLIC KEY-----\n\
        MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEPuGAFxo8TEhuMAwPbhYxSbyYP42V\n\
        275GO0HBy1p5X0ddZ8hIOh064yoytzZ69dJQKWB++tyUY0V7cmrNRWusbA==\n\
        -----END PUBLIC KEY-----\n";

    #[test]
    fn a_key_is_named_as_openssh_names_it() {
        let key = PublicKey::from_pem(PEM).unwrap();
        assert_eq!(key.key_id().as_str(), "SHA256:2n96hk3gfq/d4tTkW5GVTaLDc2C8Z9brmNZXAw6B2ys");
    }

    #[test]
    fn a_key_survives_its_pem_and_foreign_line_ends() {
        let key = PublicKey::from_pem(PEM).unwrap();
        assert_eq!(key.to_pem(), PEM);
        assert_eq!(PublicKey::from_pem(&PEM.replace('\n', "\r\n")).unwrap(), key);
        assert_eq!(PublicKey::from_pem(&format!("\n{PEM}\n")).unwrap(), key);
    }

    #[test]
    fn what_is_no_public_key_is_refused_with_what_it_is() {
        let ed25519 = "-----BEGIN PUBLIC KEY-----\n\
            MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n\
            -----END PUBLIC KEY-----\n";
        let cases = [
            (ed25519.to_owned(), "not an ECDSA P-256"),
            (PEM.replace("PUBLIC", "PRIVATE"), "private key"),
            (PEM.replace("PUBLIC KEY", "CERTIFICATE"), "should begin with"),
            (String::new(), "should begin with"),
            (PEM.repeat(200), "should begin with"),
            // A point that is not on the curve.
            (
                PEM.replace(
                    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEPuGA",
                    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEPuGB",
                ),
                "not an ECDSA P-256",
            ),
        ];
        for (pem, why) in cases {
            let error = PublicKey::from_pem(&pem).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
