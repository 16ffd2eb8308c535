//! What tells a real credential from something that only looks like one.

use base64::{Engine, engine::general_purpose};

/// What a pattern matched, and where.
pub(super) struct Candidate<'a> {
    pub(super) path: &'a str,
    /// The pattern's group `name`, empty without one.
    pub(super) name: &'a str,
    pub(super) value: &'a str,
    /// Some text in front of the match, back to the start of a line.
    pub(super) before: &'a str,
}

/// Bits a character below which a token of random characters is improbable.
const TOKEN_ENTROPY_MIN: f64 = 3.3;

/// Words that people write where a credential would stand.
const PLACEHOLDERS: [&str; 21] = [
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
    "abcdefg",
    "a1b2c3",
    "1a2b3c",
];

/// Text that stands for a value which is elsewhere.
const REFERENCES: [&str; 13] = [
    "${",
    "$(",
    "{{",
    "}}",
    "#{",
    "<%",
    "os.environ",
    "process.env",
    "getenv",
    "secretref",
    "vault:",
    "arn:aws",
    "secretsmanager",
];

/// Passwords of documentation, which nobody means.
const USUAL: [&str; 16] = [
    "password",
    "passwd",
    "passw0rd",
    "mypassword",
    "mypass",
    "postgres",
    "secret",
    "admin",
    "root",
    "guest",
    "user",
    "username",
    "test",
    "testing",
    "pass",
    "hostname",
];

/// What a comparison with a password, or a sentence about one, names instead of a password.
const STATES: [&str; 60] = [
    "all",
    "any",
    "ascii",
    "basic",
    "bearer",
    "blank",
    "boolean",
    "bytes",
    "changed",
    "cleartext",
    "confirm",
    "correct",
    "current",
    "default",
    "disabled",
    "empty",
    "enabled",
    "encrypted",
    "expired",
    "false",
    "file",
    "forgotten",
    "function",
    "good",
    "hashed",
    "hidden",
    "incorrect",
    "input",
    "invalid",
    "missing",
    "must",
    "none",
    "null",
    "number",
    "object",
    "optional",
    "plain",
    "plaintext",
    "prompt",
    "protected",
    "random",
    "required",
    "reset",
    "same",
    "short",
    "strict",
    "string",
    "strong",
    "stored",
    "text",
    "token",
    "true",
    "undefined",
    "unknown",
    "unset",
    "valid",
    "verified",
    "weak",
    "wrong",
    "xtext",
];

pub(super) fn is_placeholder(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    PLACEHOLDERS.iter().chain(&REFERENCES).any(|word| lower.contains(word))
        || (value.starts_with('<') && value.ends_with('>'))
        || value.starts_with('$')
        || is_filled_in(value)
        || longest_run(value) * 2 > value.len()
}

/// `{name}` or `%(name)s`: a program writes the value there.
fn is_filled_in(value: &str) -> bool {
    let name_ends = |rest: &str, ends: &[&str]| {
        let name = |character: char| character.is_ascii_alphanumeric() || "_.".contains(character);
        let tail = rest.trim_start_matches(name);
        tail.len() < rest.len() && ends.iter().any(|end| tail.starts_with(end))
    };
    let mut parts = value.match_indices(['{', '%']).map(|(at, _)| &value[at..]);
    parts.any(|part| match part.strip_prefix('{') {
        Some(rest) => name_ends(rest, &["}", ":"]),
        None => part.strip_prefix("%(").is_some_and(|rest| name_ends(rest, &[")s", ")d", ")r"])),
    })
}

/// A value that bears its issuer's mark, or name, and fails that issuer's own check: somebody made
/// it up. The name is in lower case.
pub(super) fn is_made_up(name: &str, value: &str) -> bool {
    const CHECKED: [&str; 7] = ["ghp_", "gho_", "ghu_", "ghr_", "hvs.", "hvb.", "hvr."];
    let old_vault = name.contains("vault")
        && ["s.", "b.", "r."].iter().any(|mark| value.starts_with(mark))
        && value.len() != 26;
    let aws = name.ends_with("secret_access_key") && value.len() != 40;
    old_vault || aws || CHECKED.iter().any(|mark| value.starts_with(mark))
}

/// Where a password must stand: any literal that is none of documentation's.
pub(super) fn literal(it: &Candidate<'_>) -> bool {
    is_literal(it.value)
}

pub(super) fn is_literal(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let begins = |first: char| first.is_ascii_alphanumeric() || "!#&*+?@^_~`=".contains(first);
    value.starts_with(begins)
        && value.bytes().all(|byte| byte.is_ascii_graphic())
        && value.bytes().any(|byte| byte.is_ascii_alphabetic())
        && !value.contains("::")
        && !value.ends_with(['(', ':'])
        && !USUAL.contains(&lower.as_str())
        && !is_state(&lower)
        && !is_placeholder(value)
}

/// `required|min:8` and `invalid` say something about a password.
pub(super) fn is_state(lower: &str) -> bool {
    let first = lower.split(|at: char| !at.is_ascii_alphanumeric()).next().unwrap_or_default();
    STATES.contains(&first)
}

/// The value of an option: of a program that takes nothing but passwords there any literal, of
/// others what looks like a password, or random.
pub(super) fn option(it: &Candidate<'_>) -> bool {
    let metavariable = it.value.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    if metavariable || !is_literal(it.value) || it.value.contains(['(', '[', '{']) {
        return false;
    }
    let name = it.name.to_ascii_lowercase();
    if name.contains("psexec") || name.contains("sshpass") {
        return true;
    }
    let of_word = name.contains("pass");
    if of_word {
        password(it) && !is_name(it.value)
    } else {
        it.value.len() >= 16 && header_value(it)
    }
}

/// A name or a path in a program or shell: words joined by marks.
fn is_name(value: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphabetic() || b"-_./:".contains(&byte);
    value.bytes().all(word)
}

/// A literal that a password is compared with.
pub(super) fn compared(it: &Candidate<'_>) -> bool {
    let kind = it.value.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    let label = it.value.starts_with(|first: char| first.is_ascii_uppercase()) && is_name(it.value);
    !kind && !label && is_literal(it.value)
}

/// A password that a sentence tells; also a weak one, which is told because it is the default.
pub(super) fn stated(it: &Candidate<'_>) -> bool {
    let lower = it.value.to_ascii_lowercase();
    let usual = USUAL.contains(&lower.as_str()) && lower != "password";
    let begins = it.value.starts_with(|first: char| first.is_ascii_alphanumeric());
    begins && (usual || is_literal(it.value)) && !it.value.ends_with(['.', ','])
}

/// A password that nobody would choose for an example, though the host is one's own.
pub(super) fn strong(it: &Candidate<'_>) -> bool {
    let has = |is: fn(&u8) -> bool| it.value.bytes().any(|byte| is(&byte));
    !is_placeholder(it.value)
        && has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_lowercase)
        && has_digit(it.value)
        && entropy(it.value) > 2.8
        || has(|byte| b"!@)".contains(byte)) && has_digit(it.value) && is_literal(it.value)
}

/// A token that is random enough and no placeholder.
pub(super) fn random(it: &Candidate<'_>) -> bool {
    let value = it.value;
    !is_placeholder(value) && entropy(value) >= TOKEN_ENTROPY_MIN
}

/// A value that only its name gives away: random, and the name not that of a thing about it.
pub(super) fn named(it: &Candidate<'_>) -> bool {
    let lower = it.name.to_ascii_lowercase();
    let about =
        ["sha", "hash", "digest", "checksum", "commit", "revision", "version", "etag", "url"];
    !about.iter().any(|word| lower.contains(word)) && random(it) && has_digit(it.value)
}

/// Letters of both cases and digits, as base64 of random bytes has them and paths have not.
pub(super) fn mixed(it: &Candidate<'_>) -> bool {
    let value = it.value;
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
pub(super) fn checksummed(it: &Candidate<'_>) -> bool {
    let value = it.value;
    let body = value.rsplit('_').next().unwrap_or(value);
    domain::ApiKey::parse(&format!("asy_{body}")).is_ok()
}

/// The header of a JSON web token is JSON that names an algorithm, and the token is signed.
pub(super) fn web_token(it: &Candidate<'_>) -> bool {
    let value = it.value;
    let header = value.split('.').next().unwrap_or_default();
    let decoded = general_purpose::URL_SAFE_NO_PAD.decode(header).unwrap_or_default();
    decoded.starts_with(b"{") && contains(&decoded, b"\"alg\"") && entropy(value) > 4.0
}

/// The first part of a Discord bot token is the bot's number in base64.
pub(super) fn discord(it: &Candidate<'_>) -> bool {
    let value = it.value;
    let head = value.split('.').next().unwrap_or_default();
    let number = general_purpose::STANDARD_NO_PAD.decode(head).unwrap_or_default();
    number.len() >= 17 && number.iter().all(u8::is_ascii_digit)
}

/// A storage key is 64 random bytes.
pub(super) fn azure_key(it: &Candidate<'_>) -> bool {
    let value = it.value;
    general_purpose::STANDARD.decode(value).is_ok_and(|key| key.len() == 64) && entropy(value) > 4.0
}

/// A key's body, and not a string that only mentions its header.
pub(super) fn private_key(it: &Candidate<'_>) -> bool {
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

/// A password in its own field: with letters and something else, and no placeholder.
pub(super) fn password(it: &Candidate<'_>) -> bool {
    let value = it.value;
    let letters = value.bytes().any(|byte| byte.is_ascii_alphabetic());
    let others = value.bytes().any(|byte| !byte.is_ascii_alphabetic() && byte != b'_');
    letters && others && !is_placeholder(value) && entropy(value) > 2.5
}

/// A credential that a program sends: random, with digits, no word and no name of a variable.
pub(super) fn header_value(it: &Candidate<'_>) -> bool {
    let value = it.value;
    let cased = value.bytes().any(|byte| byte.is_ascii_uppercase())
        || value.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    !is_placeholder(value)
        && !is_made_up("", value)
        && has_digit(value)
        && cased
        && entropy(value) > TOKEN_ENTROPY_MIN
}

/// A hash of a password. It begins like a reference to a variable, so it is no [`random`] one.
pub(super) fn password_hash(it: &Candidate<'_>) -> bool {
    let value = it.value;
    longest_run(value) < 6 && entropy(value) > 4.0
}

/// The text behind it is a private key's header; certificates look the same otherwise.
pub(super) fn encoded_private_key(it: &Candidate<'_>) -> bool {
    let value = it.value;
    // Sixteen groups of four characters hold the longest header.
    let head = value.get(..64).or_else(|| value.get(..40)).unwrap_or_default();
    let decoded = general_purpose::STANDARD_NO_PAD.decode(head).unwrap_or_default();
    contains(&decoded, b"PRIVATE KEY")
}

/// A password in a URL: for a real host, and not the one everybody uses on a laptop.
pub(super) fn url_password(it: &Candidate<'_>) -> bool {
    let (host, value) = (it.name, it.value);
    let host = host.to_ascii_lowercase();
    let local = host == "localhost"
        || host.starts_with("127.")
        || ["example.com", "example.org", "example.net"].iter().any(|end| host.ends_with(end))
        || !host.contains('.');
    let lower = value.to_ascii_lowercase();
    let usual = USUAL.contains(&lower.as_str());
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
