//! What a secret looks like: the names it is kept under, and the shapes it has.
//!
//! The tables lean to the safe side: a bundle that hides too much is read with a shrug, one that
//! shows too much is a leak.

use std::sync::LazyLock;

use regex::Regex;

/// A name under which a secret is kept, in lower case and without separators.
pub(crate) struct SecretName {
    text: &'static str,
    /// It must be a whole word of the name; otherwise it may be any part of it.
    word: bool,
    /// A number under it is a secret too. Elsewhere it counts tokens or names a fence.
    pub(crate) numbers: bool,
}

const fn part(text: &'static str) -> SecretName {
    SecretName { text, word: false, numbers: false }
}

const fn word(text: &'static str) -> SecretName {
    SecretName { text, word: true, numbers: false }
}

const fn password(text: &'static str) -> SecretName {
    SecretName { text, word: false, numbers: true }
}

static NAMES: [SecretName; 25] = [
    password("password"),
    password("passwd"),
    password("passphrase"),
    part("secret"),
    part("credential"),
    part("authorization"),
    part("apikey"),
    part("accesskey"),
    part("accountkey"),
    part("authkey"),
    part("encryptionkey"),
    part("privatekey"),
    part("signingkey"),
    part("accesstoken"),
    part("authtoken"),
    part("refreshtoken"),
    part("sessiontoken"),
    part("connectionstring"),
    word("auth"),
    word("cookie"),
    word("cookies"),
    word("dsn"),
    word("jwt"),
    word("token"),
    word("tokens"),
];

/// The row of the table that a name matches: `apiKey`, `X-Api-Key` and `api_key` are the same.
pub(crate) fn secret_name(name: &str) -> Option<&'static SecretName> {
    let words = words(name);
    let whole = words.concat();
    NAMES.iter().find(|row| {
        if row.word { words.iter().any(|word| word == row.text) } else { whole.contains(row.text) }
    })
}

/// In lower case, cut at separators and where a capital begins.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = '_';
    for character in name.chars() {
        let begins = character.is_uppercase() && !before.is_uppercase();
        if !character.is_alphanumeric() || begins {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| character.is_alphanumeric()) {
            word.extend(character.to_lowercase());
        }
        before = character;
    }
    words
}

/// The shape of a secret in a text. The group `secret` is what is hidden.
pub(crate) struct Pattern {
    pub(crate) regex: LazyLock<Regex>,
    /// Looks at what the group holds: whether it is one after all.
    pub(crate) guard: fn(&str) -> bool,
}

macro_rules! patterns {
    ($( $(#[doc = $doc:literal])* $regex:literal $(if $guard:expr)? ; )+) => {
        [ $( Pattern {
            regex: LazyLock::new(|| {
                Regex::new($regex).expect("every pattern is compiled by a test")
            }),
            guard: patterns!(@guard $($guard)?),
        } ),+ ]
    };
    (@guard) => { |_| true };
    (@guard $guard:expr) => { $guard };
}

/// Each lets what surrounds a secret stand, so that a reader sees what it was.
pub(crate) static PATTERNS: [Pattern; 19] = patterns! {
    /// A private key in PEM, whole.
    r"(?<secret>-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----(?s:.*?)-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----)";
    /// A private key in PEM whose end was cut off.
    r"(?<secret>-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----(?:(?:\s|\\[nrt])*[A-Za-z0-9+/=]{16,})*)";
    /// A user and a password in a URL.
    r#"://(?<secret>[^\s/?#"'<>`]*:[^\s/?#"'<>`]*)@"#;
    /// A token alone in a URL. Who logs in to ssh as `git` is no secret.
    r#"(?i)https?://(?<secret>[^\s/?#"'<>`:@]+)@"#;
    /// A header with a scheme.
    r#"(?i)authorization[\\"']*\s*[:=]\s*[\\"']*(?:basic|bearer|token|digest|negotiate|apikey|aws4-hmac-sha256)\s+(?<secret>[^\s"'\\]+)"#;
    /// A header with nothing but the credential.
    r#"(?i)authorization[\\"']*\s*[:=]\s*[\\"']*(?<secret>[A-Za-z0-9._~+/=-]{16,})"#;
    /// A bearer token anywhere.
    r"(?i)bearer\s+(?<secret>[A-Za-z0-9._~+/=-]{8,})" if looks_random;
    /// GitHub: personal, OAuth, user, server and refresh tokens.
    r"(?<secret>gh[pousr]_[A-Za-z0-9]{16,})";
    r"(?<secret>github_pat_[A-Za-z0-9_]{16,})";
    /// Our own keys.
    r"(?<secret>asy_[A-Za-z0-9]{16,})";
    /// AWS: the id of a key. The key itself has no shape but its name.
    r"(?<secret>(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16,})";
    /// A JSON web token.
    r"(?<secret>eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?)";
    /// GitLab, npm, PyPI.
    r"(?<secret>(?:gl(?:pat|dt|rt)-|npm_|pypi-)[A-Za-z0-9_-]{16,})";
    /// Slack.
    r"(?<secret>xox[abeoprs]-[A-Za-z0-9-]{10,})";
    /// Stripe, and whoever names keys in the same way.
    r"(?<secret>(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,})";
    /// OpenAI, Anthropic; Google.
    r"(?<secret>sk-(?:ant-|proj-)?[A-Za-z0-9_-]{20,}|AIza[A-Za-z0-9_-]{30,})";
    /// A variable of a shell or of an environment file.
    r#"(?:[A-Z0-9]+_)*(?:PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|CREDENTIALS?|(?:API|ACCESS|PRIVATE|AUTH|SECRET)_?KEY)(?:_[A-Z0-9]+)*=[\\"']*(?<secret>[^\s"'\\;&]+)"#;
    /// A field of JSON that is itself in a string.
    r#"(?i)\\*"[\w.-]*(?:passw(?:or)?d|passphrase|secret|token|credential|(?:api|access|private|auth)[_-]?key)[\w.-]*\\*"\s*:\s*\\*"(?<secret>(?:[^"\\]|\\[^"\\])+)"#;
    /// An argument of a command.
    r#"(?i)--(?:password|passwd|passphrase|secret|token|(?:api|access|private|auth|secret)-?key)[ =][\\"']*(?<secret>[^\s"'\\]+)"#;
};

/// A word of prose after "bearer" is none of this.
fn looks_random(text: &str) -> bool {
    text.len() >= 24 || text.bytes().any(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles_and_has_its_group() {
        for pattern in &PATTERNS {
            let groups: Vec<&str> = pattern.regex.capture_names().flatten().collect();
            assert_eq!(groups, ["secret"], "{}", pattern.regex.as_str());
        }
    }

    #[test]
    fn names_are_read_however_they_are_written() {
        let secret = [
            "password",
            "DB_PASSWORD",
            "userPasswd",
            "client_secret",
            "apiKey",
            "X-Api-Key",
            "APIKey",
            "aws.secret-access-key",
            "Authorization",
            "Set-Cookie",
            "githubToken",
            "token",
            "refresh_token",
            "privateKeyPem",
            "DSN",
        ];
        for name in secret {
            assert!(secret_name(name).is_some(), "{name}");
        }
        let plain = [
            "",
            "key",
            "logical_key",
            "idempotency_key",
            "key_id",
            "public_key",
            "snapshot_hash",
            "author",
            "tokenizer",
            "path",
            "lines",
            "status",
        ];
        for name in plain {
            assert!(secret_name(name).is_none(), "{name}");
        }
    }
}
