//! Secrets that only what stands around them gives away: a sentence, a comparison, an option of a
//! command, an element of a settings file.

use std::sync::OnceLock;

use domain::Severity::{self, Critical, High, Medium};

use super::{
    assignment,
    guard::{self, Candidate},
    patterns::{Pattern, Shape},
};

/// How far a command, an account or a block goes on below the line that it begins on.
const BLOCK: usize = 400;

const fn around(
    id: &'static str,
    what: &'static str,
    keywords: &'static [&'static str],
    shape: &'static str,
    guard: fn(&Candidate<'_>) -> bool,
    (severity, confidence): (Severity, f64),
    reach: usize,
) -> Pattern {
    let shape = Shape::Whole(shape);
    let compiled = OnceLock::new();
    Pattern { id, what, keywords, shape, guard, severity, confidence, reach, compiled }
}

pub(super) static CONTEXT: [Pattern; 19] = [
    around(
        "secret.kerberos-ticket",
        "A Kerberos ticket that can be cracked",
        &["$krb5asrep$", "$krb5tgs$"],
        r#"(?<value>\$krb5(?:asrep|tgs)\$(?:17|18|23)\$(?:[A-Za-z0-9_.@*$/:-]{3,200}[:$])?[a-f0-9]{24,32}\$[a-f0-9]{64,4096})"#,
        guard::password_hash,
        (Critical, 0.9),
        0,
    ),
    around(
        "secret.thingsboard-token",
        "A ThingsBoard device token",
        &["/telemetry", "/attributes"],
        r#"/api/v1/(?<value>[A-Za-z0-9]{20})/(?:telemetry|attributes)(?-u:\b)"#,
        guard::random,
        (High, 0.8),
        0,
    ),
    around(
        "secret.truenas-key",
        "A TrueNAS key",
        &["login_with_api_key", "truenas"],
        r#"(?i-u:login_with_api_key|truenas)[^}]{0,300}?[\"' =](?<value>[0-9]{1,4}-[A-Za-z0-9]{64})(?-u:\b)"#,
        guard::random,
        (High, 0.9),
        BLOCK,
    ),
    around(
        "secret.aws-secret-key",
        "An AWS secret access key",
        &["secret_access_key", "secretaccesskey", "secret-access-key", "aws_secret"],
        r#"(?i)(?:secret_?-?access_?-?key|aws_secret(?:_key)?)[\"']?[ \t]*(?:=|:|=>|,)[ \t]*[\"']?(?<value>[A-Za-z0-9/+]{40})(?:[^A-Za-z0-9/+=]|$)"#,
        guard::random,
        (Critical, 0.9),
        0,
    ),
    around(
        "secret.aws-secret-key-beside-id",
        "An AWS secret access key",
        &["akia", "asia"],
        r#"(?-u:\b)(?:AKIA|ASIA)[A-Z2-7]{16}(?-u:\b)(?:[^A-Za-z0-9/+][^#]{0,160}?)?["'`=: \t,](?<value>[A-Za-z0-9/+]{40})(?:[^A-Za-z0-9/+=]|$)"#,
        guard::mixed,
        (Critical, 0.85),
        BLOCK,
    ),
    around(
        "secret.netrc-password",
        "A password for a machine",
        &["machine "],
        r#"machine[ \t]+[^ \t]{1,80}\s+login\s+[^\s]{1,80}\s+password\s+(?<value>[^\s\"']{6,100})"#,
        guard::password,
        (High, 0.8),
        BLOCK,
    ),
    around(
        "secret.network-credential",
        "A password for a network account",
        &["networkcredential(", "directoryentry("],
        r#"(?:NetworkCredential|DirectoryEntry)\(\s*"[^"\r\n]{1,200}"\s*,\s*(?:"[^"\r\n]{1,200}"\s*,\s*)?"(?<value>[^"\r\n]{6,100})"\s*[,)]"#,
        guard::literal,
        (High, 0.75),
        BLOCK,
    ),
    around(
        "secret.connection-string-password",
        "A password in a connection string",
        &["server=", "data source=", "initial catalog=", "uid=", "user id="],
        r#"(?i)(?:server|data source|initial catalog|user id|uid)[ \t]*=[^\r\n]{1,200};[ \t\"'&+.]*(?:password|pwd)[ \t]*=[ \t]*(?<value>[^;\"'\s{}$%<>()]{6,100})"#,
        guard::literal,
        (High, 0.75),
        0,
    ),
    around(
        "secret.option-password",
        "A password given to a command",
        &[
            "psexec",
            "sshpass",
            "-password",
            "--passwd",
            "--pass",
            "--token",
            "--secret",
            "--api-key",
        ],
        r#"(?i)(?<name>--?(?:password|passwd|pass|secret|token|api-?key)(?:[ \t]+|=)|sshpass[ \t]+-p[ \t]*|psexec[^\r\n]{1,200}[ \t]-p[ \t]+)(?:"(?<value>[^"\r\n\\]{4,100})\\?"|'(?<single>[^'\r\n]{4,100})'|(?<bare>[^\s\"'`;|&,)\]>\\]{4,100}))"#,
        guard::option,
        (High, 0.65),
        0,
    ),
    around(
        "secret.basic-credential",
        "A password given to curl",
        &["curl"],
        r#"(?-u:\b)curl(?:\.exe)?(?:[^\r\n]|\\\r?\n){0,400}?\s(?:-u|-U|--user|--proxy-user)[ \t=]*(?:"[^":$\r\n]+:(?<value>[^"\r\n]{3,})"|'[^':\r\n]+:(?<single>[^'\r\n]{3,})'|[^\s:"'$<]+:(?<bare>[^\s"'`]{3,}))"#,
        guard::basic_password,
        (High, 0.75),
        BLOCK,
    ),
    around(
        "secret.header-token",
        "A credential in a header",
        &["-token", "-key", "-secret", "-auth", "-h ", "--header"],
        r#"(?i)(?:(?-u:\b)[a-z0-9-]{1,40}-(?:token|key|secret|auth)|(?:-H|--header)[ \t=]*[\"']?[a-z0-9_]{0,40}(?:token|key|secret|auth|session))[\"']?\]?[ \t]*[:,][ \t]*[\"']?(?<value>[a-z0-9+/=_.~-]{20,400})(?:[^a-z0-9+/=_.~-]|$)"#,
        guard::header_value,
        (High, 0.65),
        0,
    ),
    around(
        "secret.xml-attribute",
        "A password, key or token in a settings file",
        &["password\"", "passwd\"", "pwd\"", "secret\"", "token\"", "apikey\""],
        r#"(?i)(?:key|name)[ \t]*=[ \t]*"(?<name>[^"\s]{0,40}(?:passw(?:or)?d|pwd|secret|token|api_?key))"[ \t]+value[ \t]*=[ \t]*"(?<value>[^"\s]{6,200})""#,
        assignment::element,
        (High, 0.65),
        0,
    ),
    around(
        "secret.xml-element",
        "A password, key or token in a settings file",
        &["password>", "passwd>", "passphrase>", "secret>", "token>", "apikey>"],
        r#"(?i)<(?<name>[a-z0-9_.:-]{0,40}(?:passw(?:or)?d|passphrase|secret|token|api_?-?key))>[ \t]*(?<value>[^<>\s]{6,200})[ \t]*</"#,
        assignment::element,
        (High, 0.65),
        0,
    ),
    around(
        "secret.secure-string",
        "A password in the text of a script",
        &["asplaintext"],
        r#"(?i)ConvertTo-SecureString[ \t]+(?:-String[ \t]+)?(?:"(?<value>[^"\r\n$]{6,})"|'(?<single>[^'\r\n]{6,})')[^\r\n]*?-AsPlainText"#,
        guard::literal,
        (High, 0.75),
        0,
    ),
    around(
        "secret.mysql-password",
        "A password given to MySQL",
        &["mysql"],
        r#"(?-u:\b)mysql(?:dump|admin|import|show)?[ \t](?:[^\r\n]*?[ \t])?-p(?:"(?<value>[^"\r\n$]{6,})"|'(?<single>[^'\r\n]{6,})'|(?<bare>[^\s"'$<;|-][^\s"'$<;|]{5,}))"#,
        guard::password,
        (High, 0.7),
        0,
    ),
    around(
        "secret.login-call",
        "A password given to a login",
        &[
            "basicauth",
            "httpbasic",
            "passwordcredentials(",
            "getconnection(",
            "mysqli_connect(",
            "auth=(",
        ],
        r#"(?i)(?:(?:http_?)?basic_?auth(?:entication)?|UsernamePasswordCredentials|getConnection|mysqli_connect|(?-u:\b)auth=)\(\s*(?:(?:"[^"\r\n]+"|[a-z_][a-z0-9_.]*)\s*,\s*){1,2}"(?<value>[^"\r\n]{6,})"\s*[,)]|(?i:basic_?auth|mysqli_connect|(?-u:\b)auth=)\(\s*(?:'[^'\r\n]+'\s*,\s*){1,2}'(?<single>[^'\r\n]{6,})'\s*[,)]"#,
        guard::password,
        (High, 0.7),
        BLOCK,
    ),
    around(
        "secret.terraform-default",
        "A password, key or token as a default",
        &["variable \""],
        r#"variable[ \t]+"(?<name>[^"]{0,60}(?:password|token|secret|key)[^"]{0,20})"[ \t]*\{[^}]{0,300}?default[ \t]*=[ \t]*"(?<value>[^"\r\n]{8,200})""#,
        assignment::quoted,
        (High, 0.7),
        BLOCK,
    ),
    around(
        "secret.compared-password",
        "A password that the code compares with",
        &["password", "passwd", "passphrase", "pwd", "pass ==", "secret =", "secret !", "secret."],
        r#"(?i)(?:(?-u:\b)(?:[a-z0-9]+_)*(?:password|passwd|passphrase|pwd|pass|secret)[\"'\])]{0,3}(?:[ \t]*[!=]==?[ \t]*|\.equals\([ \t]*)(?:"(?<value>[^"\r\n]{4,60})"|'(?<single>[^'\r\n]{4,60})')|"(?<turned>[^"\r\n]{4,60})"\.equals\([ \t]*(?:[a-z0-9_]+\.)*(?:[a-z0-9]+_)*(?:password|passwd|passphrase|pwd|secret)(?:\(\))?[ \t]*\))"#,
        guard::compared,
        (High, 0.6),
        0,
    ),
    around(
        "secret.stated-password",
        "A password in a sentence",
        &["password is", "password for", "password was", "passphrase is", "following password"],
        r#"(?i)(?:(?-u:\b)pass(?:word|phrase)(?:[ \t]+for[ \t]+[^\r\n.]{1,60}?)?[ \t]+(?:is|was)[ \t]*:?[ \t]*(?:"(?<value>[^"\r\n\\]{4,60})"|'(?<single>[^'\r\n]{4,60})'|`(?<backtick>[^`\r\n]{4,60})`)|following password[^\r\n]{0,80}\s{1,20}(?<bare>[a-z0-9]{16,64})(?-u:\b))"#,
        guard::stated,
        (Medium, 0.55),
        BLOCK,
    ),
];
