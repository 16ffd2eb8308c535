//! Patterns for any password, key or token, whoever issued it: the last to be asked.

use std::sync::OnceLock;

use domain::Severity;

use super::{
    assignment, guard,
    patterns::{Pattern, Shape},
};

/// What a value may be assigned to.
const ASSIGNED: &[&str] = &[
    "passw",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "api_key",
    "apikey",
    "api-key",
    "access_key",
    "accesskey",
    "access-key",
    "auth_key",
    "authkey",
    "private_key",
    "privatekey",
    "encryption_key",
    "encryptionkey",
    "signing_key",
    "signingkey",
    "credential",
];

pub(super) static GENERAL: [Pattern; 3] = [
    Pattern {
        id: "secret.url-password",
        what: "A password in an address",
        keywords: &["://"],
        shape: Shape::Whole(
            r#"(?i)\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@\"'`<>]{1,80}:(?<value>[^\s:/@\"'`<>]{6,100})@(?<name>[a-z0-9.-]{1,120})"#,
        ),
        guard: guard::url_password,
        severity: Severity::High,
        confidence: 0.7,
        spans_lines: false,
        compiled: OnceLock::new(),
    },
    Pattern {
        id: "secret.hard-coded",
        what: "A hard-coded password, key or token",
        keywords: ASSIGNED,
        shape: Shape::Whole(
            r#"(?i)(?<name>[a-z0-9_.-]{0,60}(?:passw(?:or)?d|pwd|passphrase|secret|token|api_?-?key|access_?-?key|auth_?-?key|private_?-?key|encryption_?-?key|signing_?-?key|credential)[a-z0-9_.-]{0,30})[\"'\]]{0,2}[ \t]*(?::[ \t]*[&'a-z_<>\[\]]{1,30}[ \t]*|string[ \t]*)?(?:=|:=|=>|:)[ \t]*[brfu]{0,2}[\"'`](?<value>[^\"'`\r\n\\]{8,200})[\"'`]"#,
        ),
        guard: assignment::quoted,
        severity: Severity::High,
        confidence: 0.6,
        spans_lines: false,
        compiled: OnceLock::new(),
    },
    Pattern {
        id: "secret.hard-coded-setting",
        what: "A password, key or token in a settings file",
        keywords: ASSIGNED,
        shape: Shape::Whole(
            r#"(?i)^[ \t]*(?:export[ \t]+)?(?:-[ \t]+)?(?<name>[a-z0-9_.-]{0,60}(?:passw(?:or)?d|pwd|passphrase|secret|token|api_?-?key|access_?-?key|auth_?-?key|private_?-?key|encryption_?-?key|signing_?-?key|credential)[a-z0-9_.-]{0,30})[ \t]*[=:][ \t]*(?<value>[^\s\"'`#;,]{8,200})[ \t]*(?:#.*)?$"#,
        ),
        guard: assignment::unquoted,
        severity: Severity::High,
        confidence: 0.6,
        spans_lines: false,
        compiled: OnceLock::new(),
    },
];
