//! What tells a real credential from something that only looks like one.

mod encoded;
mod words;

pub(super) use encoded::{
    azure_key, discord, encoded_entries, encoded_login, encoded_private_key, private_key, web_token,
};
use words::USUAL;
pub(super) use words::{is_placeholder, is_state};

/// What a pattern matched, and where.
pub(super) struct Candidate<'a> {
    pub(super) path: &'a str,
    /// The pattern's group `name`, empty without one.
    pub(super) name: &'a str,
    pub(super) value: &'a str,
    /// Whether it stands there without quotes, where the pattern takes both.
    pub(super) is_bare: bool,
    /// Some text in front of the match, back to the start of a line.
    pub(super) before: &'a str,
}

/// Bits a character below which a token of random characters is improbable.
const TOKEN_ENTROPY_MIN: f64 = 3.3;

pub(super) fn slack(it: &Candidate<'_>) -> bool {
    !is_switched_off("", it.value) && random(it)
}

/// A value of a form that its issuer has switched off for good: nobody can do anything with it.
/// The name is in lower case.
///
/// npm's first tokens were UUIDs; in December 2025 all that were not granular were revoked.
/// Slack's bots had a number and a key until 2018. Only legacy custom bots and classic apps kept
/// that, of which the ones were switched off in March 2025 and the others in 2026.
pub(super) fn is_switched_off(name: &str, value: &str) -> bool {
    let bot = value.strip_prefix("xoxb-");
    let is_bot_of_old = bot.is_some_and(|rest| rest.split('-').count() == 2);
    is_bot_of_old || name.contains("npm") && is_uuid(value)
}

fn is_uuid(value: &str) -> bool {
    let lengths = value.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12])
        && value.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
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

/// The value of a field that a tool reads a password from: any, weak ones included.
pub(super) fn literal_of_tool(it: &Candidate<'_>) -> bool {
    let filled_in = it.value.starts_with('%') && it.value.ends_with('%');
    let sealed = it.value.starts_with("eyJ");
    !filled_in && !sealed && is_literal(it.value)
}

/// `account:password`.
pub(super) fn login(it: &Candidate<'_>) -> bool {
    let Some((account, password)) = it.value.split_once(':') else { return false };
    !is_placeholder(account) && is_literal(password)
}

/// A password for HTTP's basic scheme. Some services take their token there.
pub(super) fn basic_password(it: &Candidate<'_>) -> bool {
    let name = it.value.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    is_literal(it.value) && !name && !it.value.contains(['(', '{'])
}

/// What follows `Authorization`: a scheme, if any, and what it asks for.
pub(super) fn authorization(it: &Candidate<'_>) -> bool {
    let scheme = it.name.trim().to_ascii_lowercase();
    match scheme.as_str() {
        "basic" => encoded_login(it),
        "negotiate" | "ntlm" | "digest" | "hawk" | "aws4-hmac-sha256" => false,
        _ => it.value.len() >= 20 && header_value(it),
    }
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
