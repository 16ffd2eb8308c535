//! Secrets whose shape needs more than a prefix, or a check of their own. Each was written from
//! the issuer's own description of its format.

use domain::Severity::{Critical, High, Medium};

use super::{
    guard,
    patterns::{BLOCK_BYTES_MAX, Pattern},
};

/// Name, what it is, keywords, expression, guard, severity with confidence, and reach.
#[rustfmt::skip]
pub(super) static SPECIFIC: [Pattern; 26] = [
    Pattern::whole("secret.anthropic-key", "An Anthropic API key", &["sk-ant-"], r#"(?-u:\b)(?<value>sk-ant-[a-z]+[0-9]{2}-[A-Za-z0-9_-]{93}AA)(?:[^A-Za-z0-9_-]|$)"#, guard::random, (Critical, 0.95), 0),
    Pattern::whole("secret.assay-key", "An Assay API key", &["asy_"], r#"(?-u:\b)(?<value>asy_[A-Za-z0-9]{36})(?-u:\b)"#, guard::checksummed, (Critical, 0.99), 0),
    Pattern::whole("secret.aws-access-key", "An AWS access key id", &["akia", "asia"], r#"(?-u:\b)(?<value>(?:AKIA|ASIA)[A-Z2-7]{16})(?-u:\b)"#, guard::random, (High, 0.9), 0),
    Pattern::whole("secret.azure-storage-key", "An Azure storage account key", &["accountkey="], r#"(?i)AccountKey=(?<value>[A-Za-z0-9/+]{86}==)"#, guard::azure_key, (Critical, 0.95), 0),
    Pattern::whole("secret.databricks-token", "A Databricks token", &["dapi"], r#"(?-u:\b)(?<value>dapi[a-f0-9]{32}(?:-[0-9])?)(?-u:\b)"#, guard::random, (High, 0.9), 0),
    Pattern::whole("secret.digitalocean-token", "A DigitalOcean token", &["dop_v1_", "doo_v1_", "dor_v1_"], r#"(?-u:\b)(?<value>do[por]_v1_[a-f0-9]{64})(?-u:\b)"#, guard::random, (Critical, 0.95), 0),
    Pattern::whole("secret.discord-token", "A Discord bot token", &["discord", "bot"], r#"(?-u:\b)(?<value>[MNO][A-Za-z0-9]{22,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40})"#, guard::discord, (High, 0.95), 0),
    Pattern::whole("secret.github-token", "A GitHub token", &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"], r#"(?-u:\b)(?<value>gh[pousr]_[A-Za-z0-9]{36})(?-u:\b)"#, guard::checksummed, (Critical, 0.99), 0),
    Pattern::whole("secret.github-fine-grained-token", "A GitHub fine-grained token", &["github_pat_"], r#"(?-u:\b)(?<value>github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59})(?-u:\b)"#, guard::random, (Critical, 0.95), 0),
    Pattern::whole("secret.gitlab-token", "A GitLab token", &["glpat-", "gldt-", "glrt-"], r#"(?-u:\b)(?<value>gl(?:pat|dt|rt)-[A-Za-z0-9_-]{20,64})"#, guard::random, (Critical, 0.9), 0),
    Pattern::whole("secret.google-api-key", "A Google API key", &["aiza"], r#"(?-u:\b)(?<value>AIza[A-Za-z0-9_-]{35})(?:[^A-Za-z0-9_-]|$)"#, guard::random, (High, 0.9), 0),
    Pattern::whole("secret.google-oauth-secret", "A Google OAuth client secret", &["gocspx-"], r#"(?-u:\b)(?<value>GOCSPX-[A-Za-z0-9_-]{28})"#, guard::random, (High, 0.95), 0),
    Pattern::whole("secret.hugging-face-token", "A Hugging Face token", &["hf_"], r#"(?-u:\b)(?<value>hf_[A-Za-z]{34})(?-u:\b)"#, guard::random, (High, 0.9), 0),
    Pattern::whole("secret.json-web-token", "A signed JSON web token", &["eyj"], r#"(?-u:\b)(?<value>eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{20,})"#, guard::web_token, (Medium, 0.7), 0),
    Pattern::whole("secret.npm-token", "An npm token", &["npm_"], r#"(?-u:\b)(?<value>npm_[A-Za-z0-9]{36})(?-u:\b)"#, guard::random, (Critical, 0.95), 0),
    Pattern::whole("secret.openai-key", "An OpenAI API key", &["t3blbkfj"], r#"(?-u:\b)(?<value>sk-(?:[a-z]+-)?[A-Za-z0-9_-]{20,80}T3BlbkFJ[A-Za-z0-9_-]{20,80})"#, guard::random, (Critical, 0.98), 0),
    Pattern::whole("secret.private-key", "A private key", &["private key"], r#"(?<value>-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----(?:[A-Za-z0-9+/=\\:,. \t\r\n"'`();-]{40,}?-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----|[A-Za-z0-9+/=\\:,. \t\r\n"'`();]{40,}))"#, guard::private_key, (Critical, 0.95), BLOCK_BYTES_MAX),
    Pattern::whole("secret.pypi-token", "A PyPI token", &["pypi-ageichlwas5vcmc"], r#"(?-u:\b)(?<value>pypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,250})"#, guard::random, (Critical, 0.99), 0),
    Pattern::whole("secret.sendgrid-key", "A SendGrid API key", &["sg."], r#"(?-u:\b)(?<value>SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43})(?:[^A-Za-z0-9_-]|$)"#, guard::random, (Critical, 0.95), 0),
    Pattern::whole("secret.shopify-token", "A Shopify token", &["shpat_", "shpca_", "shppa_", "shpss_"], r#"(?-u:\b)(?<value>shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32})(?-u:\b)"#, guard::random, (Critical, 0.95), 0),
    Pattern::whole("secret.slack-token", "A Slack token", &["xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xoxe", "xapp-"], r#"(?-u:\b)(?<value>(?:xox[abeprs]|xapp|xoxe\.xox[bp])-[0-9A-Za-z]+-[0-9A-Za-z/+-]{20,250})"#, guard::slack, (Critical, 0.9), 0),
    Pattern::whole("secret.slack-webhook", "A Slack webhook address", &["hooks.slack.com"], r#"(?<value>https://hooks\.slack\.com/services/T[A-Z0-9]{7,12}/B[A-Z0-9]{7,12}/[A-Za-z0-9]{20,28})"#, guard::random, (High, 0.9), 0),
    Pattern::whole("secret.stripe-key", "A live Stripe key", &["k_live_"], r#"(?-u:\b)(?<value>[sr]k_live_[A-Za-z0-9]{20,200})(?-u:\b)"#, guard::random, (Critical, 0.95), 0),
    Pattern::whole("secret.stripe-webhook-secret", "A Stripe webhook secret", &["whsec_"], r#"(?-u:\b)(?<value>whsec_[A-Za-z0-9+/]{32,64}=*)"#, guard::random, (High, 0.85), 0),
    Pattern::whole("secret.telegram-token", "A Telegram bot token", &[":aa"], r#"(?-u:\b)(?<value>[0-9]{8,10}:AA[A-Za-z0-9_-]{33})(?:[^A-Za-z0-9_-]|$)"#, guard::random, (High, 0.9), 0),
    Pattern::whole("secret.vault-token", "A HashiCorp Vault token", &["hvs.", "hvb."], r#"(?-u:\b)(?<value>hv[sb]\.(?:[A-Za-z0-9_-]{90,300}|[A-Za-z0-9]{24}))(?:[^A-Za-z0-9_-]|$)"#, guard::random, (Critical, 0.9), 0),
];
