//! The last resort: a string given to something that is called a password, key or token.

use std::sync::LazyLock;

use domain::Language;
use regex::Regex;

use super::guard::{
    Candidate, entropy, is_literal, is_made_up, is_placeholder, is_state, is_switched_off,
};

/// Endings of names that hold something about a secret rather than the secret.
const ABOUT: [&str; 43] = [
    "address",
    "arn",
    "changed",
    "class",
    "confirmation",
    "cookie",
    "endpoint",
    "error",
    "expired",
    "expiry",
    "field",
    "file",
    "format",
    "hash",
    "header",
    "help",
    "hint",
    "id",
    "input",
    "key_name",
    "label",
    "length",
    "link",
    "message",
    "name",
    "param",
    "path",
    "pattern",
    "placeholder",
    "policy",
    "prefix",
    "regex",
    "reset",
    "rules",
    "strength",
    "text",
    "title",
    "tooltip",
    "ttl",
    "type",
    "uri",
    "url",
    "validator",
];

/// Folders and files that hold what a program says in people's languages.
const TRANSLATIONS: [&str; 9] =
    ["locale", "locales", "i18n", "l10n", "lang", "langs", "messages", "strings", "translations"];

/// Endings of files, other than programs, in which a value needs no quotes.
const SETTINGS: [&str; 30] = [
    "adoc",
    "bash",
    "bat",
    "cfg",
    "cmd",
    "cnf",
    "conf",
    "config",
    "env",
    "example",
    "ini",
    "log",
    "md",
    "netrc",
    "npmrc",
    "properties",
    "ps1",
    "pypirc",
    "rst",
    "service",
    "sh",
    "tfvars",
    "toml",
    "txt",
    "local",
    "yaml",
    "yml",
    "zsh",
    "dist",
    "sample",
];

/// Words in the names of keys that open nothing: they find, order or sign for everybody.
const PLAIN_KEYS: [&str; 27] = [
    "anon",
    "cache",
    "checksum",
    "composite",
    "content",
    "digest",
    "dedup",
    "etag",
    "file",
    "finger",
    "foreign",
    "group",
    "hash",
    "i18n",
    "index",
    "integrity",
    "lookup",
    "map",
    "object",
    "partition",
    "primary",
    "publishable",
    "row",
    "sha",
    "site",
    "sort",
    "storage",
];

/// Bits a character of random letters of both cases and digits.
const KEY_ENTROPY_MIN: f64 = 3.9;
const PASSWORD_BYTES_MIN: usize = 8;
const TOKEN_BYTES_MIN: usize = 16;
const TOKEN_ENTROPY_MIN: f64 = 3.3;
const PASSWORD_ENTROPY_MIN: f64 = 2.5;

/// Files in which a value needs no quotes.
pub(super) fn takes_bare_values(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    match name.rsplit_once('.') {
        Some((_, extension)) => {
            SETTINGS.contains(&extension.to_ascii_lowercase().as_str()) || name.starts_with(".env")
        }
        None => Language::of_path(path).is_none(),
    }
}

pub(super) fn quoted(it: &Candidate<'_>) -> bool {
    is_secret(it) || is_password_of_account(it)
}

pub(super) fn unquoted(it: &Candidate<'_>) -> bool {
    let is_expression = it.value.contains(['(', '{', '[', '*']) || it.value.starts_with('!');
    takes_bare_values(it.path) && !is_expression && quoted(it)
}

/// An element of a settings file. What is sealed there is no secret.
pub(super) fn element(it: &Candidate<'_>) -> bool {
    let sealed = it.value.starts_with("eyJ") || it.value.starts_with('{');
    let marked =
        it.value.bytes().any(|byte| !byte.is_ascii_alphanumeric() && !b"-_./:".contains(&byte));
    let chosen = is_password(&plain(it.name)) && marked && is_literal(it.value);
    !sealed && !is_about(&plain(it.name)) && (chosen || is_secret(it))
}

fn plain(name: &str) -> String {
    name.to_ascii_lowercase().replace(['-', '.'], "_")
}

fn is_about(name: &str) -> bool {
    name.contains("public") || ABOUT.iter().any(|end| name.ends_with(end))
}

fn is_password(name: &str) -> bool {
    name.contains("passw") || name.contains("pwd") || name.ends_with("pass")
}

fn is_secret(it: &Candidate<'_>) -> bool {
    // Quotes within quotes: a string that holds another language's string.
    let (name, value) = (plain(it.name), it.value.trim_matches(['"', '\'']));
    if is_about(&name)
        || is_field(value)
        || is_placeholder(value)
        || is_made_up(&name, value)
        || is_switched_off(&name, value)
        || is_reference(value)
        || !value.bytes().all(|byte| byte.is_ascii_graphic())
    {
        return false;
    }
    let letters = value.bytes().any(|byte| byte.is_ascii_alphabetic());
    let digits = value.bytes().any(|byte| byte.is_ascii_digit());
    let is_password = is_password(&name);
    if !(letters && (digits || is_password && has_symbol_within(value))) {
        return false;
    }
    if is_password {
        let path = value.contains('/') && is_words(value);
        let long = value.len() >= PASSWORD_BYTES_MIN;
        return long && entropy(value) >= PASSWORD_ENTROPY_MIN && !path;
    }
    value.len() >= TOKEN_BYTES_MIN && entropy(value) >= TOKEN_ENTROPY_MIN && !is_words(value)
}

/// A password beside the account that it opens may be a word, too.
fn is_password_of_account(it: &Candidate<'_>) -> bool {
    let name = plain(it.name);
    let label = it.value.starts_with(|first: char| first.is_ascii_uppercase())
        && it.value.bytes().skip(1).all(|byte| byte.is_ascii_lowercase());
    let tells_itself = it.value.to_ascii_lowercase().contains("pass") && it.value.len() < 14;
    is_password(&name)
        && !is_about(&name)
        && it.value.len() >= 6
        && !label
        && !tells_itself
        && !is_reference(it.value)
        && !is_documented(it.value)
        && is_literal(&it.value.replace(' ', "_"))
        && !is_translation(it.path)
        && follows_an_account(it.before)
}

/// Passwords by which specifications explain how to log in: RFC 7617's, RFC 7616's, and the one of
/// a comic that every guide quotes.
fn is_documented(value: &str) -> bool {
    const KNOWN: [&str; 3] = ["opensesame", "circleoflife", "correcthorsebatterystaple"];
    let letters = value.bytes().filter(u8::is_ascii_alphanumeric);
    let plain: Vec<u8> = letters.map(|byte| byte.to_ascii_lowercase()).collect();
    KNOWN.iter().any(|known| known.as_bytes() == plain)
}

/// A value that nothing but a generator of keys makes, given to something that is called a key.
pub(super) fn random_key(it: &Candidate<'_>) -> bool {
    let name = plain(it.name);
    let value = it.value.trim_end_matches('=');
    let has = |is: fn(&u8) -> bool| value.bytes().any(|byte| is(&byte));
    // Numbers of accounts and the like are joined to names of other things by these.
    let is_one = !value.contains(['_', '-']);
    let is_hex = value.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_mixed = has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase);
    let is_random = if is_hex {
        value.len() >= 32 && entropy(value) >= TOKEN_ENTROPY_MIN
    } else {
        is_mixed && entropy(value) >= KEY_ENTROPY_MIN
    };
    is_random
        && is_one
        && (!it.is_bare || takes_bare_values(it.path))
        && has(u8::is_ascii_digit)
        && !is_made_up(&name, value)
        && !is_about(&name)
        && !is_words(value)
        && !is_placeholder(value)
        && !PLAIN_KEYS.iter().any(|word| name.contains(word))
}

fn is_translation(path: &str) -> bool {
    path.split('/').any(|part| {
        let stem = part.split(['.', '_', '-']).next().unwrap_or(part);
        TRANSLATIONS.contains(&stem.to_ascii_lowercase().as_str())
    })
}

/// Whether a user's name was given a value, a literal one, shortly before.
fn follows_an_account(before: &str) -> bool {
    static ACCOUNT: LazyLock<Regex> = LazyLock::new(|| {
        let expression = r#"(?i)(?:user(?:_?-?name|_?-?id)?|login|account)["'\]]{0,2}[ \t]*(?:=>|:=|=|:)[ \t]*(?:"[^"\s]{2,60}"|'[^'\s]{2,60}'|[a-z][a-z0-9@_+-]{2,60}(?:[.@][a-z0-9._-]{1,60})?)[ \t]*(?:[,;#\r\n]|//|$)"#;
        Regex::new(expression).expect("the expression is constant and a test matches it")
    });
    ACCOUNT.is_match(before) && !before.contains("anonymous")
}

/// `new_password2`: the name of another field, as lists of fields and forms have it.
fn is_field(value: &str) -> bool {
    let stem = value.strip_suffix(|last: char| last.is_ascii_digit()).unwrap_or(value);
    let named = |byte: u8| byte.is_ascii_alphabetic() || b"-_.".contains(&byte);
    stem.bytes().all(named) && stem.to_ascii_lowercase().contains("passw")
}

/// `super$ecret`, but not the `Password*` and `Wrong!` of forms.
fn has_symbol_within(value: &str) -> bool {
    let within = value.get(1..).unwrap_or_default();
    let at = within.find(['$', '!', '#', '^', '&', '*']);
    at.is_some_and(|at| within[at + 1..].starts_with(|next: char| next.is_ascii_alphabetic()))
}

/// A path, an address or a name that is looked up somewhere.
fn is_reference(value: &str) -> bool {
    value.contains("://")
        || value.contains("::")
        || value.split_once('|').is_some_and(|(rule, _)| is_state(rule))
        || value.starts_with(['/', '.', '@', '#', '%'])
        || ["env.", "var.", "local.", "self.", "this."].iter().any(|start| value.starts_with(start))
}

/// Words joined by separators, such as `reset-token-v2`: long stretches of letters, few digits.
fn is_words(value: &str) -> bool {
    let separators = ['-', '_', '.', ':', '/', ' ', '#', '?', '=', '&'];
    let words = value.split(separators).filter(|word| !word.is_empty());
    let plain = |word: &str| {
        let letters = word.trim_end_matches(|character: char| character.is_ascii_digit());
        let cased = letters.chars().skip(1).filter(char::is_ascii_uppercase).count();
        let shouted = letters.chars().all(|character| character.is_ascii_uppercase());
        letters.chars().all(char::is_alphabetic) && (shouted || cased * 5 <= letters.len())
    };
    value.contains(separators) && words.into_iter().all(plain)
}
