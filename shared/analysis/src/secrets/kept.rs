//! Credentials in the form in which tools keep them: cluster manifests, logins of registries,
//! key files, lists of passwords.

use domain::Severity::{Critical, High, Medium};

use super::{guard, patterns::Pattern};

/// A manifest is followed this far, from its kind to its data or back.
const MANIFEST: usize = 4 * 1024;

pub(super) static KEPT: [Pattern; 9] = [
    // Base64 hides nothing. Tools write the kind before the data, and clusters the data first.
    Pattern::whole(
        "secret.cluster-secret",
        "A secret of a cluster",
        &["kind:", "kind\":"],
        r#"^[ \t{-]*["']?kind["']?[ \t]*:[ \t]*["']?[Ss]ecret["']?,?[ \t\r]*\n(?:[^-\r\n][^\r\n]*\r?\n|\r?\n)*?[ \t]*["']?data["']?[ \t]*:[ \t{]*\r?\n(?<value>(?:[ \t]+["']?[A-Za-z0-9._-]+["']?[ \t]*:[ \t]*(?:[|>][+-]?[ \t]*\r?\n[ \t]+)?["']?[A-Za-z0-9+/]{4,}={0,2}["']?,?[ \t]*(?:\r?\n|$))+)"#,
        guard::encoded_entries,
        (High, 0.8),
        MANIFEST,
    ),
    Pattern::whole(
        "secret.cluster-secret-data-first",
        "A secret of a cluster",
        &["data:", "data\":"],
        r#"^[ \t]*["']?data["']?[ \t]*:[ \t{]*\r?\n(?<value>(?:[ \t]+["']?[A-Za-z0-9._-]+["']?[ \t]*:[ \t]*(?:[|>][+-]?[ \t]*\r?\n[ \t]+)?["']?[A-Za-z0-9+/]{4,}={0,2}["']?,?[ \t]*\r?\n)+)(?:[^-\r\n][^\r\n]*\r?\n|\r?\n)*?[ \t]*["']?kind["']?[ \t]*:[ \t]*["']?[Ss]ecret(?:[^A-Za-z]|$)"#,
        guard::encoded_entries,
        (High, 0.8),
        MANIFEST,
    ),
    Pattern::whole(
        "secret.registry-login",
        "A login for a registry",
        &["\"auth\"", "_auth"],
        r#"(?:"auth"[ \t]*:[ \t]*"|(?:^|[:\s])_auth[ \t]*=[ \t]*["']?)(?<value>[A-Za-z0-9+/]{12,600}={0,2})(?:[^A-Za-z0-9+/=]|$)"#,
        guard::encoded_login,
        (Critical, 0.85),
        0,
    ),
    Pattern::whole(
        "secret.package-source-password",
        "A password for a source of packages",
        &["cleartextpassword"],
        r#"(?i)key[ \t]*=[ \t]*["']ClearTextPassword["'][ \t]+value[ \t]*=[ \t]*(?:"(?<value>[^"\s]{6,})"|'(?<single>[^'\s]{6,})')"#,
        guard::literal_of_tool,
        (High, 0.8),
        0,
    ),
    Pattern::whole(
        "secret.gem-server-login",
        "A login for a server of gems",
        &["bundle_", "bundle config"],
        r#"(?:(?-u:\b)BUNDLE_[A-Z0-9]+(?:_{2,3}[A-Z0-9]+)+["']?[ \t]*[:=][ \t]*|bundle config(?:[ \t]+set)?(?:[ \t]+--[a-z]+)*[ \t]+[a-z0-9-]+(?:\.[a-z0-9-]+)+[ \t]+)["']?(?<value>[A-Za-z0-9._~-]{3,80}:[A-Za-z0-9._~-]{4,200})(?:["'\s;]|$)"#,
        guard::login,
        (High, 0.8),
        0,
    ),
    Pattern::whole(
        "secret.password-list",
        "A password for a database",
        &[":5432:"],
        r#"^[a-z0-9.*-]{1,120}:5432:[^:\s]{1,80}:[^:\s]{1,80}:(?<value>[^\s:]{6,100})[ \t]*$"#,
        guard::literal,
        (High, 0.85),
        0,
    ),
    Pattern::whole(
        "secret.putty-key",
        "A private key",
        &["putty-user-key-file-"],
        r#"PuTTY-User-Key-File-[23]:[^\r\n]{1,80}\s+Encryption: none\s(?s:.)*?Private-Lines: [0-9]{1,3}\s+(?<value>[A-Za-z0-9+/=\r\n]{40,})"#,
        guard::mixed,
        (Critical, 0.95),
        MANIFEST,
    ),
    Pattern::whole(
        "secret.shared-access-signature",
        "A signed address of a storage account",
        &["sig="],
        r#"[?&;]sig=(?<value>[A-Za-z0-9%]{43,70}%3[Dd])"#,
        guard::random,
        (High, 0.8),
        0,
    ),
    Pattern::whole(
        "secret.apache-password-hash",
        "A password's hash",
        &["$apr1$", "$argon2", "$y$"],
        r#"(?<value>\$(?:apr1\$[./A-Za-z0-9]{1,8}\$[./A-Za-z0-9]{22}|argon2(?:id|i|d)\$v=[0-9]{1,3}\$[a-z0-9=,]{5,60}\$[A-Za-z0-9+/]{11,88}\$[A-Za-z0-9+/]{22,172}|y\$[./A-Za-z0-9]{1,8}\$[./A-Za-z0-9]{1,86}\$[./A-Za-z0-9]{43}))(?:[^./A-Za-z0-9]|$)"#,
        guard::password_hash,
        (Medium, 0.7),
        0,
    ),
];
