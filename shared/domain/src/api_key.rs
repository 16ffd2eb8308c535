//! API keys: `asy_`, thirty base62 characters, six of checksum.
//!
//! The checksum is the CRC32 of the thirty in base62, so a mistyped or invented key is refused
//! before a database is asked, and secret scanners can tell a key from noise.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::terms::terms;

const PREFIX: &str = "asy_";
const SECRET_LENGTH: usize = 30;
const CHECKSUM_LENGTH: usize = 6;
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

terms! {
    /// What a key may do. Ordered: each includes the ones before it.
    Scope ("scope") { Read = "read", Write = "write", Admin = "admin" }
}

/// A key in the clear: shown once at creation, afterwards only its hash exists.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

impl ApiKey {
    /// Bytes of randomness that [`ApiKey::generate`] wants: two for each character, so that the
    /// bias of reducing 65,536 values to 62 stays below 0.1 %.
    pub const ENTROPY_BYTES: usize = SECRET_LENGTH * 2;

    pub fn generate(entropy: &[u8; Self::ENTROPY_BYTES]) -> Self {
        let secret: String = entropy
            .chunks_exact(2)
            .map(|pair| base62(usize::from(u16::from_be_bytes([pair[0], pair[1]])) % 62))
            .collect();
        let checksum = checksum(&secret);
        Self(format!("{PREFIX}{secret}{checksum}"))
    }

    /// Reads a key as a caller sent it.
    pub fn parse(text: &str) -> Result<Self, InvalidApiKey> {
        let body = text.strip_prefix(PREFIX).ok_or(InvalidApiKey)?;
        if body.len() != SECRET_LENGTH + CHECKSUM_LENGTH || !body.is_ascii() {
            return Err(InvalidApiKey);
        }
        let (secret, sum) = body.split_at(SECRET_LENGTH);
        if checksum(secret) != sum || !secret.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(InvalidApiKey);
        }
        Ok(Self(text.to_owned()))
    }

    /// What is stored: 178 bits of randomness need no slow hash.
    pub fn hash(&self) -> String {
        hex::encode(Sha256::digest(self.0.as_bytes()))
    }

    /// The first eight characters, by which people tell their keys apart.
    pub fn prefix(&self) -> &str {
        &self.0[..8]
    }

    /// The whole key. Only for showing it once.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey({}…)", self.prefix())
    }
}

fn base62(digit: usize) -> char {
    char::from(BASE62[digit])
}

fn checksum(secret: &str) -> String {
    let mut rest = crc32fast::hash(secret.as_bytes()) as usize;
    let mut digits = ['0'; CHECKSUM_LENGTH];
    for digit in digits.iter_mut().rev() {
        *digit = base62(rest % 62);
        rest /= 62;
    }
    digits.iter().collect()
}

#[derive(Debug, thiserror::Error)]
#[error("this is not an Assay API key; it should look like asy_ followed by 36 letters and digits")]
pub struct InvalidApiKey;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_one_github_publishes() {
        // A revoked public example of the same scheme.
        assert_eq!(checksum("zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ"), "0mLq17");
    }

    #[test]
    fn a_generated_key_parses_and_any_changed_character_is_refused() {
        let key = ApiKey::generate(&[7; ApiKey::ENTROPY_BYTES]);
        assert_eq!(ApiKey::parse(key.reveal()).unwrap(), key);
        for index in 0..key.reveal().len() {
            let mut bytes = key.reveal().as_bytes().to_vec();
            bytes[index] = if bytes[index] == b'x' { b'y' } else { b'x' };
            let changed = String::from_utf8(bytes).unwrap();
            assert!(ApiKey::parse(&changed).is_err(), "{changed}");
        }
    }

    #[test]
    fn a_key_never_shows_in_debug_output() {
        let key = ApiKey::generate(&[9; ApiKey::ENTROPY_BYTES]);
        assert!(!format!("{key:?}").contains(&key.reveal()[8..]));
    }

    #[test]
    fn a_wider_scope_includes_the_narrower() {
        assert!(Scope::Read < Scope::Write && Scope::Write < Scope::Admin);
    }
}
