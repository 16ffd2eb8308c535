//! Credentials whose bytes can be looked into.

use base64::{Engine, engine::general_purpose};

use super::{Candidate, entropy, is_literal, is_placeholder};

/// Shorter values are switches and names.
const ENTRY_BYTES_MIN: usize = 6;

/// The header of a JSON web token is JSON that names an algorithm, and the token is signed.
pub(in crate::secrets) fn web_token(it: &Candidate<'_>) -> bool {
    let value = it.value;
    let header = value.split('.').next().unwrap_or_default();
    let decoded = general_purpose::URL_SAFE_NO_PAD.decode(header).unwrap_or_default();
    decoded.starts_with(b"{") && contains(&decoded, b"\"alg\"") && entropy(value) > 4.0
}

/// The first part of a Discord bot token is the bot's number in base64.
pub(in crate::secrets) fn discord(it: &Candidate<'_>) -> bool {
    let value = it.value;
    let head = value.split('.').next().unwrap_or_default();
    let number = general_purpose::STANDARD_NO_PAD.decode(head).unwrap_or_default();
    number.len() >= 17 && number.iter().all(u8::is_ascii_digit)
}

/// A storage key is 64 random bytes.
pub(in crate::secrets) fn azure_key(it: &Candidate<'_>) -> bool {
    let value = it.value;
    general_purpose::STANDARD.decode(value).is_ok_and(|key| key.len() == 64) && entropy(value) > 4.0
}

/// A key's body, and not a string that only mentions its header.
pub(in crate::secrets) fn private_key(it: &Candidate<'_>) -> bool {
    let value = it.value;
    let body = value.splitn(3, "-----").nth(2).unwrap_or_default();
    let digits: String = body
        .lines()
        .filter(|line| !line.contains(':'))
        .flat_map(str::chars)
        .filter(|character| matches!(character, 'A'..='Z' | 'a'..='z' | '0'..='9' | '+' | '/'))
        .take(200)
        .collect();
    digits.len() >= 40 && entropy(&digits) > 4.0 && !is_placeholder(&digits)
}

/// The text behind it is a private key's header; certificates look the same otherwise.
pub(in crate::secrets) fn encoded_private_key(it: &Candidate<'_>) -> bool {
    let value = it.value;
    // Sixteen groups of four characters hold the longest header.
    let head = value.get(..64).or_else(|| value.get(..40)).unwrap_or_default();
    let decoded = general_purpose::STANDARD_NO_PAD.decode(head).unwrap_or_default();
    contains(&decoded, b"PRIVATE KEY")
}

/// `account:password` in base64.
pub(in crate::secrets) fn encoded_login(it: &Candidate<'_>) -> bool {
    let Some(login) = text(it.value) else { return false };
    let Some((account, password)) = login.split_once(':') else { return false };
    let is_plain = login.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    is_plain && !account.is_empty() && password.len() >= 4 && is_literal(password)
}

/// Lines of names with values in base64, one of which stands for something.
pub(in crate::secrets) fn encoded_entries(it: &Candidate<'_>) -> bool {
    let value = |line: &'_ str| {
        let value = line.split_once(':').map_or(line, |(_, value)| value);
        let bare =
            value.trim_matches(|mark: char| mark.is_whitespace() || "\"',|>+-".contains(mark));
        bare.to_owned()
    };
    it.value.lines().map(value).filter(|value| value.len() >= ENTRY_BYTES_MIN).any(|value| {
        match general_purpose::STANDARD.decode(value) {
            Err(_) => false,
            Ok(bytes) => match std::str::from_utf8(&bytes) {
                Err(_) => bytes.len() >= ENTRY_BYTES_MIN,
                Ok(text) => {
                    let text = text.trim();
                    text.len() >= ENTRY_BYTES_MIN
                        && !is_placeholder(text)
                        && text
                            .bytes()
                            .all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace())
                }
            },
        }
    })
}

fn text(encoded: &str) -> Option<String> {
    let bytes = general_purpose::STANDARD_NO_PAD.decode(encoded.trim_end_matches('=')).ok()?;
    String::from_utf8(bytes).ok()
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
