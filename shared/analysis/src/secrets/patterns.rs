//! What a pattern is, and those whose shape needs more than a prefix. Each was written from the
//! issuer's own description of its format.

use std::sync::OnceLock;

use domain::Severity;
use regex::Regex;

use super::{
    context::CONTEXT,
    general::GENERAL,
    guard::{self, Candidate},
    issuers::ISSUERS,
    kept::KEPT,
};

/// How far a secret of several lines is followed.
const BLOCK_BYTES_MAX: usize = 8 * 1024;

/// Groups of an expression that hold a secret: one for each kind of quotes around it.
pub(super) const VALUES: [&str; 5] = ["value", "single", "backtick", BARE, "turned"];

/// The one without quotes.
pub(super) const BARE: &str = "bare";

pub(super) struct Pattern {
    pub(super) id: &'static str,
    /// Completes "… in the code".
    pub(super) what: &'static str,
    /// In lower case; the pattern is tried on lines that hold one of them in any case.
    pub(super) keywords: &'static [&'static str],
    pub(super) shape: Shape,
    /// Whether this is a real one.
    pub(super) guard: fn(&Candidate<'_>) -> bool,
    pub(super) severity: Severity,
    pub(super) confidence: f64,
    /// How many bytes beyond its first line the secret, or what shows it, may lie.
    pub(super) reach: usize,
    /// Compiled when a keyword first occurs: all of them together would take seconds.
    pub(super) compiled: OnceLock<Regex>,
}

/// How the text around and in a secret looks.
pub(super) enum Shape {
    /// The whole expression. Its group `value`, or one of the others in [`VALUES`], is the secret;
    /// a group `name` is shown to the guard.
    Whole(&'static str),
    /// A value that is recognised wherever it stands alone.
    Token(&'static str),
    /// A value assigned to something whose name holds one of the keywords.
    Named(&'static str),
}

impl Pattern {
    /// A secret that only what stands around it gives away.
    pub(super) const fn whole(
        id: &'static str,
        what: &'static str,
        keywords: &'static [&'static str],
        shape: &'static str,
        guard: fn(&Candidate<'_>) -> bool,
        (severity, confidence): (Severity, f64),
        reach: usize,
    ) -> Self {
        let shape = Shape::Whole(shape);
        let compiled = OnceLock::new();
        Self { id, what, keywords, shape, guard, severity, confidence, reach, compiled }
    }

    /// The expression, ready to run.
    pub(super) fn regex(&self) -> &Regex {
        self.compiled.get_or_init(|| {
            Regex::new(&self.expression()).expect("patterns are constant and a test compiles each")
        })
    }

    fn expression(&self) -> String {
        match self.shape {
            Shape::Whole(expression) => expression.to_owned(),
            Shape::Token(value) => {
                // What follows a dot is the end of a name: `logo.ico-…`.
                format!("(?:^|[^A-Za-z0-9_.-])(?<value>{value})(?:[^A-Za-z0-9_-]|$)")
            }
            Shape::Named(value) => format!(
                "(?<name>(?i-u:[a-z0-9_.-]{{0,40}}(?:{})[a-z0-9_.-]{{0,40}}))[\"'\\]]{{0,2}}[ \\t]*\
                 (?::=|=>|=|:|,)[ \\t]*[\"'`]?(?<value>{value})(?:[^A-Za-z0-9_+/=-]|$)",
                self.keywords.join("|").replace('.', r"\."),
            ),
        }
    }
}

/// All patterns, the specific before the general.
pub(super) fn all() -> &'static [&'static Pattern] {
    static ALL: OnceLock<Vec<&'static Pattern>> = OnceLock::new();
    ALL.get_or_init(|| {
        let own = SPECIFIC.iter().chain(&ISSUERS).chain(&KEPT);
        own.chain(&CONTEXT).chain(&GENERAL).collect()
    })
}

static SPECIFIC: [Pattern; 26] = [
    Pattern {
        id: "secret.anthropic-key",
        what: "An Anthropic API key",
        keywords: &["sk-ant-"],
        shape: Shape::Whole(
            r#"(?-u:\b)(?<value>sk-ant-[a-z]+[0-9]{2}-[A-Za-z0-9_-]{93}AA)(?:[^A-Za-z0-9_-]|$)"#,
        ),
        guard: guard::random,
        severity: Severity::Critical,
        confidence: 0.95,
        reach: 0,
        compiled: OnceLock::new(),
    },
    Pattern {
        id: "secret.assay-key",
        what: "An Assay API key",
        keywords: &["asy_"],
        shape: Shape::Whole(r#"(?-u:\b)(?<value>asy_[A-Za-z0-9]{36})(?-u:\b)"#),
        guard: guard::checksummed,
        severity: Severity::Critical,
        confidence: 0.99,
        reach: 0,
        compiled: OnceLock::new(),
    },
    Pattern {
        id: "secret.aws-access-key",
        what: "An AWS access key id",
        keywords: &["akia", "asia"],
        shape: Shape::Whole(r#"(?-u:\b)(?<value>(?:AKIA|ASIA)[A-Z2-7]{16})(?-u:\b)"#),
        guard: guard::random,
        severity: Severity::High,
        confidence: 0.9,
        reach: 0,
        compiled: OnceLock::new(),
    },
    Pattern {
        id: "secret.azure-storage-key",
        what: "An Azure storage account key",
        keywords: &["accountkey="],
        shape: Shape::Whole(r#"(?i)AccountKey=(?<value>[A-Za-z0-9/+]{86}==)"#),
        guard: guard::azure_key,
        severity: Severity::Critical,
        confidence: 0.95,
        reach: 0,
        compiled: OnceLock::new(),
    },
    Pattern {
        id: "secret.databricks-token",
        what: "A Databricks token",
        keywords: &["dapi"],
        shape: Shape::Whole(r#"(?-u:\b)(?<value>dapi[a-f0-9]{32}(?:-[0-9])?)(?-u:\b)"#),
        guard: guard::random,
        severity: Severity::High,
        confidence: 0.9,
        reach: 0,
        compiled: OnceLock::new(),
    },
    Pattern {
        id: "secret.digitalocean-token",
        what: "A DigitalOcean token",
        keywords: &["dop_v1_", "doo_v1_", "dor_v1_"],
        shape: Shape::Whole(r#"(?-u:\b)(?<value>do[por]_v1_[a-f0-9]{64})(?-u:\b)"#),
        guard: guard::random,
        severity: Severity::Critical,
        confidence: 0.95,
        reach: 0,
        compiled: OnceLock::new(),
    },
    Pattern {
        id: "secret.discord-token",
        what: "A Discord bot token",
        keywords: &["discord", "bot"],
        shape: Shape::Whole(
            r#"(?-u:\b)(?<value>[MNO][A-Za-z0-9]{22,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40})"#,
        ),
        guard: guard::discord,
        severity: Severity::High,
        confidence: 0.95,
        reach: 0,
        compiled: OnceLock::new(),
    },
    Pattern {
        id: "secret.github-token",
        what: "A GitHub token",
        keywords: &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"],
        shape: Shape::Whole(r#"(?-u:\b)(?<value>gh[pousr]_[A-Za-z0-9]{36})(?-u:\b)"#),
        guard: guard::checksummed,
        severity: Severity::Critical,
        confidence: 0.99,
        reach: 0,
        compiled: OnceLock::new(),
    },
    Pattern {
        id: "secret.github-fine-grained-token",
        what: "A GitHub fine-grained token",
        keywords: &["github_pat_"],
        shape: Shape::Whole(
            r#"(?-u:\b)(?<value>github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59})(?-u:\b)"#,
        ),
        guard: guard::random,
        severity: Severity::Critical,
        confidence: 0.95,
        reach: 0,
        compiled: OnceLock::new(),
    },
    Pattern {
        id: "secret.gitlab-token",
        what: "A GitLab token",
        keywords: &["glpat-", "gldt-", "glrt-"],
        shape: Shape::Whole(r#"(?-u:\b)(?<value>gl(?:pat|dt|rt)-[A-Za-z0-9_-]{20,64})"#),
        guard: guard::random,
        severity: Severity::Critical,
        confidence: 0.9,
        reach: 0,
        compiled: OnceLock::new(),
    },
    Pattern {
        id: "secret.google-api-key",
        what: "A Google API key",
        keywords: &["aiza"],
        shape: Shape::Whole(r#"(?-u:\b)(?<value>AIza[A-Za-z0-9_-]{35})(?:[^A-Za-z0-9_-]|$)"#),
        guard: guard::random,
        severity: Severity::High,
        confidence: 0.9,
        reach: 0,
        compiled: OnceLock::new(),
    },
    Pattern {
        id: "secret.google-oauth-secret",
        what: "A Google OAuth client secret",
        keywords: &["gocspx-"],
        shape: Shape::Whole(r#"(?-u:\b)(?<value>GOCSPX-[A-Za-z0-9_-]{28})"#),
        guard: guard::random,
        severity: Severity::High,
        confidence: 0.95,
        reach: 0,
        compiled: OnceLock::new(),
    },
    Pattern {
        id: "secret.hugging-face-token",
        what: "A Hugging Face token",
        keywords: &["hf_"],
        shape: Shape::Whole(r#"(?-u:\b)(?<value>hf_[A-Za-z]{34})(?-u:\b)"#),
        guard: guard::random,
        severity: Severity::High,
        confidence: 0.9,
        reach: 0,
        compiled: OnceLock::new(),
    },
    Pattern {
        id: "secret.json-web-token",
        what: "A signed JSON web token",
        keywords: &["eyj"],
        shape: Shape::Whole(
            r#"(?-u:\b)(?<value>eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{20,})"#,
        ),
        guard: guard::web_token,
        severity: Severity::Medium,
        confidence: 0.7,
        reach: 0,
        compiled: OnceLock::new(),
    },
    Pattern {
        id: "secret.npm-token",
        what: "An npm token",
        keywords: &["npm_"],
        shape: Shape::Whole(r#"(?-u:\b)(?<value>npm_[A-Za-z0-9]{36})(?-u:\b)"#),
        guard: guard::random,
        severity: Severity::Critical,
        confidence: 0.95,
        reach: 0,
        compiled: OnceLock::new(),
    },
    Pattern {
        id: "secret.openai-key",
        what: "An OpenAI API key",
        keywords: &["t3blbkfj"],
        shape: Shape::Whole(
            r#"(?-u:\b)(?<value>sk-(?:[a-z]+-)?[A-Za-z0-9_-]{20,80}T3BlbkFJ[A-Za-z0-9_-]{20,80})"#,
        ),
        guard: guard::random,
        severity: Severity::Critical,
        confidence: 0.98,
        reach: 0,
        compiled: OnceLock::new(),
    },
    Pattern {
        id: "secret.private-key",
        what: "A private key",
        keywords: &["private key"],
        shape: Shape::Whole(
            r#"(?<value>-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----(?:[A-Za-z0-9+/=\\:,. \t\r\n"'`();-]{40,}?-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----|[A-Za-z0-9+/=\\:,. \t\r\n"'`();]{40,}))"#,
        ),
        guard: guard::private_key,
        severity: Severity::Critical,
        confidence: 0.95,
        reach: BLOCK_BYTES_MAX,
        compiled: OnceLock::new(),
    },
    Pattern {
        id: "secret.pypi-token",
        what: "A PyPI token",
        keywords: &["pypi-ageichlwas5vcmc"],
        shape: Shape::Whole(r#"(?-u:\b)(?<value>pypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,250})"#),
        guard: guard::random,
        severity: Severity::Critical,
        confidence: 0.99,
        reach: 0,
        compiled: OnceLock::new(),
    },
    Pattern {
        id: "secret.sendgrid-key",
        what: "A SendGrid API key",
        keywords: &["sg."],
        shape: Shape::Whole(
            r#"(?-u:\b)(?<value>SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43})(?:[^A-Za-z0-9_-]|$)"#,
        ),
        guard: guard::random,
        severity: Severity::Critical,
        confidence: 0.95,
        reach: 0,
        compiled: OnceLock::new(),
    },
    Pattern {
        id: "secret.shopify-token",
        what: "A Shopify token",
        keywords: &["shpat_", "shpca_", "shppa_", "shpss_"],
        shape: Shape::Whole(r#"(?-u:\b)(?<value>shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32})(?-u:\b)"#),
        guard: guard::random,
        severity: Severity::Critical,
        confidence: 0.95,
        reach: 0,
        compiled: OnceLock::new(),
    },
    Pattern {
        id: "secret.slack-token",
        what: "A Slack token",
        keywords: &["xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xoxe", "xapp-"],
        shape: Shape::Whole(
            r#"(?-u:\b)(?<value>(?:xox[abeprs]|xapp|xoxe\.xox[bp])-[0-9A-Za-z]+-[0-9A-Za-z/+-]{20,250})"#,
        ),
        guard: guard::slack,
        severity: Severity::Critical,
        confidence: 0.9,
        reach: 0,
        compiled: OnceLock::new(),
    },
    Pattern {
        id: "secret.slack-webhook",
        what: "A Slack webhook address",
        keywords: &["hooks.slack.com"],
        shape: Shape::Whole(
            r#"(?<value>https://hooks\.slack\.com/services/T[A-Z0-9]{7,12}/B[A-Z0-9]{7,12}/[A-Za-z0-9]{20,28})"#,
        ),
        guard: guard::random,
        severity: Severity::High,
        confidence: 0.9,
        reach: 0,
        compiled: OnceLock::new(),
    },
    Pattern {
        id: "secret.stripe-key",
        what: "A live Stripe key",
        keywords: &["k_live_"],
        shape: Shape::Whole(r#"(?-u:\b)(?<value>[sr]k_live_[A-Za-z0-9]{20,200})(?-u:\b)"#),
        guard: guard::random,
        severity: Severity::Critical,
        confidence: 0.95,
        reach: 0,
        compiled: OnceLock::new(),
    },
    Pattern {
        id: "secret.stripe-webhook-secret",
        what: "A Stripe webhook secret",
        keywords: &["whsec_"],
        shape: Shape::Whole(r#"(?-u:\b)(?<value>whsec_[A-Za-z0-9+/]{32,64}=*)"#),
        guard: guard::random,
        severity: Severity::High,
        confidence: 0.85,
        reach: 0,
        compiled: OnceLock::new(),
    },
    Pattern {
        id: "secret.telegram-token",
        what: "A Telegram bot token",
        keywords: &[":aa"],
        shape: Shape::Whole(
            r#"(?-u:\b)(?<value>[0-9]{8,10}:AA[A-Za-z0-9_-]{33})(?:[^A-Za-z0-9_-]|$)"#,
        ),
        guard: guard::random,
        severity: Severity::High,
        confidence: 0.9,
        reach: 0,
        compiled: OnceLock::new(),
    },
    Pattern {
        id: "secret.vault-token",
        what: "A HashiCorp Vault token",
        keywords: &["hvs.", "hvb."],
        shape: Shape::Whole(
            r#"(?-u:\b)(?<value>hv[sb]\.(?:[A-Za-z0-9_-]{90,300}|[A-Za-z0-9]{24}))(?:[^A-Za-z0-9_-]|$)"#,
        ),
        guard: guard::random,
        severity: Severity::Critical,
        confidence: 0.9,
        reach: 0,
        compiled: OnceLock::new(),
    },
];
