//! The last resort: a string given to something that is called a password, key or token.

use super::guard::{entropy, is_placeholder};

/// Endings of names that hold something about a secret rather than the secret.
const ABOUT: [&str; 33] = [
    "address", "arn", "class", "cookie", "endpoint", "error", "expiry", "field", "file", "format",
    "hash", "header", "hint", "id", "key_name", "label", "length", "link", "message", "name",
    "param", "path", "pattern", "policy", "prefix", "regex", "text", "title", "tooltip", "ttl",
    "type", "uri", "url",
];

const TOKEN_BYTES_MIN: usize = 16;
const TOKEN_ENTROPY_MIN: f64 = 3.3;
const PASSWORD_ENTROPY_MIN: f64 = 2.5;

/// Files in which a value needs no quotes.
pub(super) fn is_settings_file(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let extension = name.rsplit('.').next().unwrap_or_default();
    name.starts_with(".env")
        || matches!(extension, "env" | "properties" | "ini" | "cfg" | "conf" | "yml" | "yaml")
}

pub(super) fn quoted(_path: &str, name: &str, value: &str) -> bool {
    is_secret(name, value)
}

pub(super) fn unquoted(path: &str, name: &str, value: &str) -> bool {
    is_settings_file(path) && !value.contains(['(', '{', '[', '!', '*']) && is_secret(name, value)
}

fn is_secret(name: &str, value: &str) -> bool {
    let name = name.to_ascii_lowercase().replace(['-', '.'], "_");
    if name.contains("public") || ABOUT.iter().any(|end| name.ends_with(end)) {
        return false;
    }
    if is_placeholder(value)
        || is_reference(value)
        || !value.bytes().all(|byte| byte.is_ascii_graphic())
    {
        return false;
    }
    let letters = value.bytes().any(|byte| byte.is_ascii_alphabetic());
    let digits = value.bytes().any(|byte| byte.is_ascii_digit());
    let is_password = name.contains("passw") || name.contains("pwd");
    if !(letters && (digits || is_password && has_symbol_within(value))) {
        return false;
    }
    if is_password {
        let path = value.contains('/') && is_words(value);
        return entropy(value) >= PASSWORD_ENTROPY_MIN && !path;
    }
    value.len() >= TOKEN_BYTES_MIN && entropy(value) >= TOKEN_ENTROPY_MIN && !is_words(value)
}

/// `super$ecret`, but not the `Password*` and `Wrong!` of forms.
fn has_symbol_within(value: &str) -> bool {
    let within = value.get(1..).unwrap_or_default();
    let at = within.find(['$', '!', '#', '^', '&', '*']);
    at.is_some_and(|at| within[at + 1..].starts_with(|next: char| next.is_ascii_alphabetic()))
}

/// A path, an address or a name that is looked up somewhere.
fn is_reference(value: &str) -> bool {
    value.contains("://") || value.starts_with(['/', '.', '@', '#', '%']) || value.contains("::")
}

/// Words joined by separators, such as `reset-token-v2`: long stretches of letters, few digits.
fn is_words(value: &str) -> bool {
    let separators = ['-', '_', '.', ':', '/', ' '];
    let words = value.split(separators).filter(|word| !word.is_empty());
    let plain = |word: &str| {
        let letters = word.trim_end_matches(|character: char| character.is_ascii_digit());
        let cased = letters.chars().skip(1).filter(char::is_ascii_uppercase).count();
        let shouted = letters.chars().all(|character| character.is_ascii_uppercase());
        letters.chars().all(char::is_alphabetic) && (shouted || cased * 5 <= letters.len())
    };
    value.contains(separators) && words.into_iter().all(plain)
}
