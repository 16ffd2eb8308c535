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

pub(super) static GENERAL: [Pattern; 11] = [
    Pattern {
        id: "secret.password-hash",
        what: "A password's hash",
        keywords: &["$1$", "$2a$", "$2b$", "$2y$", "$5$", "$6$"],
        shape: Shape::Whole(
            r#"(?:^|[^A-Za-z0-9$])(?<value>\$(?:1\$[./A-Za-z0-9]{1,8}\$[./A-Za-z0-9]{22}|2[aby]\$[0-9]{2}\$[./A-Za-z0-9]{53}|5\$(?:rounds=[0-9]{1,9}\$)?[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{43}|6\$(?:rounds=[0-9]{1,9}\$)?[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{86}))(?:[^./A-Za-z0-9]|$)"#,
        ),
        guard: guard::password_hash,
        severity: Severity::Medium,
        confidence: 0.7,
        spans_lines: false,
        compiled: OnceLock::new(),
    },
    Pattern {
        id: "secret.encoded-private-key",
        what: "A private key in base64",
        keywords: &["ls0tls1crudjti"],
        shape: Shape::Whole(r#"(?<value>LS0tLS1CRUdJTi[A-Za-z0-9+/]{40,}={0,2})"#),
        guard: guard::encoded_private_key,
        severity: Severity::Critical,
        confidence: 0.95,
        spans_lines: false,
        compiled: OnceLock::new(),
    },
    Pattern {
        id: "secret.wireguard-key",
        what: "A WireGuard key",
        keywords: &["privatekey", "presharedkey"],
        shape: Shape::Whole(
            r#"(?i:PrivateKey|PresharedKey)[ \t]*=[ \t]*(?<value>[A-Za-z0-9+/]{43}=)"#,
        ),
        guard: guard::random,
        severity: Severity::Critical,
        confidence: 0.9,
        spans_lines: false,
        compiled: OnceLock::new(),
    },
    Pattern {
        id: "secret.azure-shared-access-key",
        what: "An Azure shared access key",
        keywords: &["sharedaccesskey=", "azconfig.io"],
        shape: Shape::Whole(r#"(?:SharedAccessKey|Secret)=(?<value>[A-Za-z0-9+/]{42,44}=?)"#),
        guard: guard::random,
        severity: Severity::Critical,
        confidence: 0.9,
        spans_lines: false,
        compiled: OnceLock::new(),
    },
    Pattern {
        id: "secret.netrc-password",
        what: "A password for a machine",
        keywords: &["machine "],
        shape: Shape::Whole(
            r#"machine[ \t]+[^ \t]{1,80}[ \t]+login[ \t]+[^ \t]{1,80}[ \t]+password[ \t]+(?<value>[^ \t\r\n\"']{6,100})"#,
        ),
        guard: guard::password,
        severity: Severity::High,
        confidence: 0.8,
        spans_lines: false,
        compiled: OnceLock::new(),
    },
    Pattern {
        id: "secret.connection-string-password",
        what: "A password in a connection string",
        keywords: &["server=", "data source=", "initial catalog=", "uid=", "user id="],
        shape: Shape::Whole(
            r#"(?i)(?:server|data source|initial catalog|user id|uid)[ \t]*=[^\r\n]{1,200};[ \t]*(?:password|pwd)[ \t]*=[ \t]*(?<value>[^;\"'\s{}$%<>]{6,100})"#,
        ),
        guard: guard::password,
        severity: Severity::High,
        confidence: 0.75,
        spans_lines: false,
        compiled: OnceLock::new(),
    },
    Pattern {
        id: "secret.authorization-header",
        what: "A credential in a header",
        keywords: &["authorization"],
        shape: Shape::Whole(
            r#"(?i)authorization[\"']?[ \t]*[:=,][ \t]*[\"']?(?:basic|bearer|token|ssws)[ \t]+(?<value>[A-Za-z0-9+/=_.~-]{20,400})(?:[^A-Za-z0-9+/=_.~-]|$)"#,
        ),
        guard: guard::header_value,
        severity: Severity::High,
        confidence: 0.7,
        spans_lines: false,
        compiled: OnceLock::new(),
    },
    Pattern {
        id: "secret.token-in-query",
        what: "A token in an address",
        keywords: &["token=", "api_key=", "apikey=", "client_secret="],
        shape: Shape::Whole(
            r#"(?i)[?&](?:access_token|auth_token|token|api_?key|client_secret)=(?<value>[A-Za-z0-9_.~-]{20,200})(?:[^A-Za-z0-9_.~-]|$)"#,
        ),
        guard: guard::header_value,
        severity: Severity::High,
        confidence: 0.7,
        spans_lines: false,
        compiled: OnceLock::new(),
    },
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
