//! What tells a real credential from something that only looks like one.

use base64::{Engine, engine::general_purpose};

/// Bits a character below which a token of random characters is improbable.
const TOKEN_ENTROPY_MIN: f64 = 3.3;

/// Words that people write where a credential would stand.
const PLACEHOLDERS: [&str; 19] = [
    "example",
    "changeme",
    "change_me",
    "change-me",
    "placeholder",
    "dummy",
    "sample",
    "your",
    "xxxx",
    "****",
    "....",
    "redacted",
    "insert",
    "replace",
    "fake",
    "notreal",
    "todo",
    "12345678",
    "abcdefgh",
];

/// Text that stands for a value which is elsewhere.
const REFERENCES: [&str; 14] = [
    "${",
    "$(",
    "{{",
    "}}",
    "#{",
    "%(",
    "<%",
    "os.environ",
    "process.env",
    "getenv",
    "secretref",
    "vault:",
    "arn:aws",
    "secretsmanager",
];

pub(super) fn is_placeholder(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    PLACEHOLDERS.iter().chain(&REFERENCES).any(|word| lower.contains(word))
        || (value.starts_with('<') && value.ends_with('>'))
        || value.starts_with('$')
        || longest_run(value) * 2 > value.len()
}

/// A token that is random enough and no placeholder.
pub(super) fn random(_path: &str, _name: &str, value: &str) -> bool {
    !is_placeholder(value) && entropy(value) >= TOKEN_ENTROPY_MIN
}

/// A value that only its name gives away: random, and the name not that of a thing about it.
pub(super) fn named(path: &str, name: &str, value: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let about =
        ["sha", "hash", "digest", "checksum", "commit", "revision", "version", "etag", "url"];
    !about.iter().any(|word| lower.contains(word)) && random(path, name, value) && has_digit(value)
}

/// Letters of both cases and digits, as base64 of random bytes has them and paths have not.
pub(super) fn mixed(_path: &str, _name: &str, value: &str) -> bool {
    let has = |is: fn(&u8) -> bool| value.bytes().any(|byte| is(&byte));
    !is_placeholder(value)
        && entropy(value) > 4.0
        && has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_lowercase)
        && has_digit(value)
}

fn has_digit(value: &str) -> bool {
    value.bytes().any(|byte| byte.is_ascii_digit())
}

/// GitHub's scheme is that of our own keys: thirty characters and their CRC32 in base62.
pub(super) fn checksummed(_path: &str, _name: &str, value: &str) -> bool {
    let body = value.rsplit('_').next().unwrap_or(value);
    domain::ApiKey::parse(&format!("asy_{body}")).is_ok()
}

/// The header of a JSON web token is JSON that names an algorithm, and the token is signed.
pub(super) fn web_token(_path: &str, _name: &str, value: &str) -> bool {
    let header = value.split('.').next().unwrap_or_default();
    let decoded = general_purpose::URL_SAFE_NO_PAD.decode(header).unwrap_or_default();
    decoded.starts_with(b"{") && contains(&decoded, b"\"alg\"") && entropy(value) > 4.0
}

/// The first part of a Discord bot token is the bot's number in base64.
pub(super) fn discord(_path: &str, _name: &str, value: &str) -> bool {
    let head = value.split('.').next().unwrap_or_default();
    let number = general_purpose::STANDARD_NO_PAD.decode(head).unwrap_or_default();
    number.len() >= 17 && number.iter().all(u8::is_ascii_digit)
}

/// A storage key is 64 random bytes.
pub(super) fn azure_key(_path: &str, _name: &str, value: &str) -> bool {
    general_purpose::STANDARD.decode(value).is_ok_and(|key| key.len() == 64) && entropy(value) > 4.0
}

/// A key's body, and not a string that only mentions its header.
pub(super) fn private_key(_path: &str, _name: &str, value: &str) -> bool {
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

/// A password in its own field: with letters and something else, and no placeholder.
pub(super) fn password(_path: &str, _name: &str, value: &str) -> bool {
    let letters = value.bytes().any(|byte| byte.is_ascii_alphabetic());
    let others = value.bytes().any(|byte| !byte.is_ascii_alphabetic() && byte != b'_');
    letters && others && !is_placeholder(value) && entropy(value) > 2.5
}

/// A credential that a program sends: random, with digits, no word and no name of a variable.
pub(super) fn header_value(_path: &str, _name: &str, value: &str) -> bool {
    let cased = value.bytes().any(|byte| byte.is_ascii_uppercase())
        || value.bytes().all(|byte| byte.is_ascii_hexdigit());
    !is_placeholder(value) && has_digit(value) && cased && entropy(value) > TOKEN_ENTROPY_MIN
}

/// A hash of a password. It begins like a reference to a variable, so it is no [`random`] one.
pub(super) fn password_hash(_path: &str, _name: &str, value: &str) -> bool {
    longest_run(value) < 6 && entropy(value) > 4.0
}

/// The text behind it is a private key's header; certificates look the same otherwise.
pub(super) fn encoded_private_key(_path: &str, _name: &str, value: &str) -> bool {
    // Sixteen groups of four characters hold the longest header.
    let head = value.get(..64).or_else(|| value.get(..40)).unwrap_or_default();
    let decoded = general_purpose::STANDARD_NO_PAD.decode(head).unwrap_or_default();
    contains(&decoded, b"PRIVATE KEY")
}

/// A password in a URL: for a real host, and not the one everybody uses on a laptop.
pub(super) fn url_password(_path: &str, host: &str, value: &str) -> bool {
    const USUAL: [&str; 9] =
        ["password", "postgres", "secret", "admin", "root", "guest", "user", "test", "pass"];
    let host = host.to_ascii_lowercase();
    let local = host == "localhost"
        || host.starts_with("127.")
        || ["example.com", "example.org", "example.net"].iter().any(|end| host.ends_with(end))
        || !host.contains('.');
    let lower = value.to_ascii_lowercase();
    let usual = USUAL.iter().any(|word| lower == *word) || lower == "hostname";
    !local && !usual && !is_placeholder(value) && entropy(value) > 2.3
}

/// Shannon entropy in bits a character.
pub(super) fn entropy(value: &str) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in value.bytes() {
        counts[usize::from(byte)] += 1;
    }
    let total = value.len() as f64;
    let shares = counts.iter().filter(|count| **count > 0).map(|count| f64::from(*count) / total);
    shares.map(|share| -share * share.log2()).sum()
}

fn longest_run(value: &str) -> usize {
    let bytes = value.as_bytes();
    bytes.chunk_by(|one, next| one == next).map(<[u8]>::len).max().unwrap_or(0)
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
