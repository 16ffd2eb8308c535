//! Words that stand where a credential would, and are none.

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
pub(super) const USUAL: [&str; 16] = [
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

/// Chance does not count this far.
const COUNT_BYTES_MAX: usize = 8;

pub(in crate::secrets) fn is_placeholder(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    PLACEHOLDERS.iter().chain(&REFERENCES).any(|word| lower.contains(word))
        || (value.starts_with('<') && value.ends_with('>'))
        || value.starts_with('$')
        || is_filled_in(value)
        || super::longest_run(value) * 2 > value.len()
        || longest_count(value) >= COUNT_BYTES_MAX
}

/// The longest stretch in which each character is the one after its neighbour.
fn longest_count(value: &str) -> usize {
    let follows = |one: &u8, next: &u8| one.is_ascii_alphanumeric() && one + 1 == *next;
    value.as_bytes().chunk_by(follows).map(<[u8]>::len).max().unwrap_or(0)
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

/// `required|min:8` and `invalid` say something about a password.
pub(in crate::secrets) fn is_state(lower: &str) -> bool {
    let first = lower.split(|at: char| !at.is_ascii_alphanumeric()).next().unwrap_or_default();
    STATES.contains(&first)
}
