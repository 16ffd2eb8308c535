//! Who signs: a key file on this machine, or a key that never leaves AWS KMS.

use std::{fmt, path::PathBuf, str::FromStr};

use domain::{Classify, ErrorKind};
use p256::{
    SecretKey,
    ecdsa::{Signature, SigningKey, signature::Signer as _},
    elliptic_curve::Generate,
    pkcs8::{EncodePrivateKey, LineEnding},
};

use crate::{KmsKey, PublicKey};

/// Where the signing key is, as a setting names it: `kms:<key arn>` or `file:<path>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignerSetting {
    Kms(String),
    File(PathBuf),
}

impl FromStr for SignerSetting {
    type Err = InvalidSignerSetting;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some(("kms", key)) if !key.is_empty() => Ok(Self::Kms(key.to_owned())),
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(path.into())),
            _ => Err(InvalidSignerSetting(text.chars().take(100).collect())),
        }
    }
}

impl fmt::Display for SignerSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kms(key) => write!(f, "kms:{key}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("`{0}` names no signing key; expected kms:<key arn> or file:<path to a PKCS#8 PEM file>")]
pub struct InvalidSignerSetting(String);

impl Classify for InvalidSignerSetting {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Invalid
    }
}

/// A closed enum, for there are two signers and both are real.
#[derive(Debug)]
pub enum Signer {
    Local(LocalKey),
    Kms(KmsKey),
}

impl Signer {
    /// Reads the key file, or asks KMS for the public key: a wrong setting fails here, at start,
    /// and not at the first signature.
    pub async fn open(setting: &SignerSetting) -> Result<Self, SignerError> {
        match setting {
            SignerSetting::File(path) => LocalKey::read(path).map(Self::Local),
            SignerSetting::Kms(key) => KmsKey::open(key).await.map(Self::Kms),
        }
    }

    pub fn public_key(&self) -> &PublicKey {
        match self {
            Self::Local(key) => &key.public,
            Self::Kms(key) => key.public_key(),
        }
    }

    /// Signs with ECDSA P-256 over SHA-256 and answers DER.
    pub async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignerError> {
        match self {
            Self::Local(key) => Ok(key.sign(message)),
            Self::Kms(key) => key.sign(message).await,
        }
    }
}

/// A private key in this process.
pub struct LocalKey {
    secret: SigningKey,
    public: PublicKey,
}

impl LocalKey {
    pub fn generate() -> Self {
        SigningKey::generate().into()
    }

    /// Reads `-----BEGIN PRIVATE KEY-----`, as `openssl genpkey` writes it.
    pub fn from_pem(pem: &str) -> Result<Self, SignerError> {
        // The parser's own error may quote the text, so it is not carried on.
        let secret = SecretKey::from_pem(pem.trim()).map_err(|_| SignerError::NotAKey)?;
        Ok(SigningKey::from(secret).into())
    }

    pub fn read(path: &std::path::Path) -> Result<Self, SignerError> {
        let pem = std::fs::read_to_string(path)
            .map_err(|source| SignerError::Unreadable { path: path.to_owned(), source })?;
        Self::from_pem(&pem)
    }

    pub fn to_pem(&self) -> String {
        let pem = self.secret.to_pkcs8_pem(LineEnding::LF);
        pem.expect("a P-256 key always has a PEM form").to_string()
    }

    /// Deterministic (RFC 6979): the same statement gives the same envelope.
    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let signature: Signature = self.secret.sign(message);
        signature.to_der().as_bytes().to_vec()
    }
}

impl From<SigningKey> for LocalKey {
    fn from(secret: SigningKey) -> Self {
        let public = (*secret.verifying_key()).into();
        Self { secret, public }
    }
}

impl fmt::Debug for LocalKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LocalKey({})", self.public.key_id())
    }
}

#[derive(Debug, thiserror::Error)]
pub enum SignerError {
    #[error("cannot read the signing key {}; make one with `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256`", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("the signing key is not a P-256 private key in PKCS#8 PEM form")]
    NotAKey,
    #[error("KMS did not answer")]
    KmsUnavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("KMS refused the key {key}")]
    KmsRefused { key: String, source: Box<dyn std::error::Error + Send + Sync> },
    #[error("the KMS key {key} is not an ECC_NIST_P256 key for SIGN_VERIFY")]
    KmsWrongKey { key: String },
    #[error(
        "the KMS key {key} returned a signature that does not verify; does its endpoint hash a DIGEST again?"
    )]
    KmsWrongSignature { key: String },
}

impl Classify for SignerError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::KmsUnavailable(_) => ErrorKind::Unavailable,
            // A wrong setting is ours to mend: the messages wait for it and are not dropped.
            Self::Unreadable { .. }
            | Self::NotAKey
            | Self::KmsRefused { .. }
            | Self::KmsWrongKey { .. }
            | Self::KmsWrongSignature { .. } => ErrorKind::Bug,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_names_one_of_two_places() {
        for text in ["kms:arn:aws:kms:eu-west-1:111122223333:key/1", "file:/tmp/key.pem"] {
            assert_eq!(text.parse::<SignerSetting>().unwrap().to_string(), text);
        }
        for text in ["", "kms:", "file:", "/tmp/key.pem", "vault:x", "KMS:x"] {
            let error = text.parse::<SignerSetting>().unwrap_err().to_string();
            assert!(error.contains("kms:<key arn>"), "{error}");
        }
    }

    #[tokio::test]
    async fn a_missing_file_says_which_and_what_to_do() {
        let setting = "file:/nowhere/key.pem".parse().unwrap();
        let error = Signer::open(&setting).await.unwrap_err();
        assert!(error.to_string().contains("/nowhere/key.pem; make one with"), "{error}");
        assert_eq!(error.kind(), ErrorKind::Bug);
    }

    #[tokio::test]
    async fn a_key_file_signs_what_its_public_key_verifies() {
        let made = LocalKey::generate();
        let path = std::env::temp_dir().join(format!("assay-signer-{}.pem", std::process::id()));
        std::fs::write(&path, made.to_pem()).unwrap();
        let signer = Signer::open(&SignerSetting::File(path.clone())).await;
        std::fs::remove_file(path).unwrap();

        let signer = signer.unwrap();
        assert_eq!(signer.public_key(), &made.public);
        let signature = signer.sign(b"message").await.unwrap();
        assert!(signer.public_key().verifies(b"message", &signature));
        assert!(!signer.public_key().verifies(b"massage", &signature));
    }

    #[test]
    fn a_secret_never_shows() {
        let key = LocalKey::generate();
        let debug = format!("{key:?}");
        assert_eq!(debug, format!("LocalKey({})", key.public.key_id()));

        let broken = key.to_pem().replace("BEGIN PRIVATE KEY-----\nM", "BEGIN PRIVATE KEY-----\nX");
        let error = LocalKey::from_pem(&broken).unwrap_err();
        assert_eq!(error.to_string(), SignerError::NotAKey.to_string());
    }
}
