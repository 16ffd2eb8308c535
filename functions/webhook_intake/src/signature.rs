//! GitHub's signature: `X-Hub-Signature-256: sha256=<hex HMAC of the raw body>`.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

const SCHEME: &str = "sha256=";

/// Whether one of the comma-separated `secrets` made `header` for exactly these bytes.
///
/// Several secrets are valid at once while one is being replaced. All of them are tried, each
/// compared in constant time, so the time taken tells nothing about which is near.
pub(crate) fn is_valid(secrets: &str, header: &str, body: &[u8]) -> bool {
    let mut claimed = [0; 32];
    let Some(digits) = header.strip_prefix(SCHEME) else { return false };
    if hex::decode_to_slice(digits, &mut claimed).is_err() {
        return false;
    }
    let secrets = secrets.split(',').map(str::trim).filter(|secret| !secret.is_empty());
    secrets.fold(false, |valid, secret| valid | made_by(secret, &claimed, body))
}

fn made_by(secret: &str, claimed: &[u8; 32], body: &[u8]) -> bool {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of every length");
    mac.update(body);
    mac.verify_slice(claimed).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example in GitHub's documentation, "Validating webhook deliveries".
    const SECRET: &str = "It's a Secret to Everybody";
    const BODY: &[u8] = b"Hello, World!";
    const SIGNATURE: &str =
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

    #[test]
    fn the_published_signature_is_valid_for_its_body_only() {
        assert!(is_valid(SECRET, SIGNATURE, BODY));
        assert!(!is_valid(SECRET, SIGNATURE, b"Hello, World?"));
        assert!(!is_valid(SECRET, SIGNATURE, b"Hello, World!\n"));
        assert!(!is_valid("another", SIGNATURE, BODY));
    }

    #[test]
    fn any_of_several_secrets_is_enough() {
        for secrets in ["new, It's a Secret to Everybody", "It's a Secret to Everybody,old"] {
            assert!(is_valid(secrets, SIGNATURE, BODY), "{secrets}");
        }
        // No secret at all must not mean that everything is welcome.
        for secrets in ["", ",", " , "] {
            let empty = "sha256=b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad";
            assert!(!is_valid(secrets, empty, b""), "{secrets:?}");
        }
    }

    #[test]
    fn what_is_no_sha256_signature_is_refused() {
        let digits = &SIGNATURE[SCHEME.len()..];
        let headers = [
            "",
            "sha256=",
            digits,
            &format!("sha1={digits}"),
            "sha1=01dc10d0c83e72ed246219cdd91669667fe2ca59",
            &format!("sha256={digits}00"),
            &format!("sha256={}", &digits[..62]),
            &format!("sha256={}", digits.replace('7', "g")),
            &format!("sha256= {digits}"),
        ];
        for header in headers {
            assert!(!is_valid(SECRET, header, BODY), "{header}");
        }
    }

    #[test]
    fn every_flipped_bit_of_a_signature_is_noticed() {
        let valid = hex::decode(&SIGNATURE[SCHEME.len()..]).unwrap();
        for bit in 0..256 {
            let mut wrong = valid.clone();
            wrong[bit / 8] ^= 1 << (bit % 8);
            assert!(!is_valid(SECRET, &format!("{SCHEME}{}", hex::encode(wrong)), BODY), "{bit}");
        }
    }
}
