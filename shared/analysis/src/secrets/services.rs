//! Tokens that say by their shape who issued them, and those that stand behind a service's name.
//!
//! Prefixes and lengths are facts, collected from the issuers' own pages and from the
//! configuration of gitleaks (MIT licence, Copyright (c) 2019 Zachary Rice); the expressions
//! are written anew.

use std::sync::OnceLock;

use domain::Severity::{self, Critical, High};

use super::{
    guard,
    patterns::{Pattern, Shape},
};

/// A token that is recognised wherever it stands.
const fn token(
    id: &'static str,
    what: &'static str,
    keywords: &'static [&'static str],
    shape: &'static str,
    severity: Severity,
) -> Pattern {
    Pattern {
        id,
        what,
        keywords,
        shape: Shape::Token(shape),
        guard: guard::random,
        severity,
        confidence: 0.9,
        spans_lines: false,
        compiled: OnceLock::new(),
    }
}

/// A value without a mark of its own, given to something that names the service: its keywords.
const fn named(
    id: &'static str,
    what: &'static str,
    keywords: &'static [&'static str],
    shape: &'static str,
) -> Pattern {
    Pattern {
        id,
        what,
        keywords,
        shape: Shape::Named(shape),
        guard: guard::named,
        severity: High,
        confidence: 0.75,
        spans_lines: false,
        compiled: OnceLock::new(),
    }
}

#[rustfmt::skip]
pub(super) static SERVICES: [Pattern; 94] = [
    token("secret.1password-secret-key", "A 1Password secret key", &["a3-"], r"A3-[A-Z0-9]{6}-[A-Z0-9]{11}-[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{5}", Critical),
    token("secret.1password-service-token", "A 1Password service account token", &["ops_eyj"], r"ops_eyJ[A-Za-z0-9+/]{250,2000}", Critical),
    token("secret.adobe-secret", "An Adobe client secret", &["p8e-"], r"p8e-[A-Za-z0-9]{32}", High),
    token("secret.age-key", "An age key", &["age-secret-key-1"], r"AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}", Critical),
    token("secret.airtable-token", "An Airtable token", &["airtable"], r"pat[A-Za-z0-9]{14}\.[a-f0-9]{64}", High),
    token("secret.alibaba-access-key", "An Alibaba Cloud access key id", &["ltai"], r"LTAI[A-Za-z0-9]{20}", High),
    token("secret.amazon-mws-token", "An Amazon MWS token", &["amzn.mws."], r"amzn\.mws\.[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", High),
    token("secret.artifactory-key", "An Artifactory API key", &["akcp"], r"AKCp[A-Za-z0-9]{69}", Critical),
    token("secret.artifactory-reference-token", "An Artifactory reference token", &["cmvmd"], r"cmVmd[A-Za-z0-9]{59}", Critical),
    token("secret.atlassian-token", "An Atlassian API token", &["atatt3"], r"ATATT3[A-Za-z0-9_=-]{186}", Critical),
    token("secret.aws-bedrock-key", "An Amazon Bedrock API key", &["absk"], r"ABSK[A-Za-z0-9+/]{109,269}", Critical),
    token("secret.azure-client-secret", "A Microsoft Entra client secret", &["q~"], r"[A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}", Critical),
    token("secret.bitbucket-app-password", "A Bitbucket app password", &["atbb"], r"ATBB[A-Za-z0-9]{32}", High),
    token("secret.braintree-token", "A Braintree access token", &["access_token$production$"], r"access_token\$production\$[a-z0-9]{16}\$[a-f0-9]{32}", Critical),
    token("secret.buildkite-token", "A Buildkite token", &["bkua_"], r"bkua_[a-f0-9]{40}", High),
    token("secret.circleci-token", "A CircleCI token", &["ccipat_", "ccipra_"], r"CCIP(?:AT|RA)_[A-Za-z0-9]{22}_[a-f0-9]{40}", High),
    token("secret.clickhouse-key", "A ClickHouse Cloud key", &["4b1d"], r"4b1d[A-Za-z0-9]{38}", High),
    token("secret.clojars-token", "A Clojars token", &["clojars_"], r"CLOJARS_[a-z0-9]{60}", Critical),
    token("secret.cloudflare-origin-key", "A Cloudflare origin CA key", &["v1.0-"], r"v1\.0-[a-f0-9]{24}-[a-f0-9]{146}", Critical),
    token("secret.contentful-token", "A Contentful management token", &["cfpat-"], r"CFPAT-[A-Za-z0-9_-]{43}", High),
    token("secret.crates-io-token", "A crates.io token", &["cio"], r"cio[A-Za-z0-9]{32}", Critical),
    token("secret.defined-networking-token", "A Defined Networking token", &["dnkey-"], r"dnkey-[A-Za-z0-9_=-]{26}-[A-Za-z0-9_=-]{52}", High),
    token("secret.discord-webhook", "A Discord webhook address", &["/api/webhooks/"], r"https://(?:canary\.|ptb\.)?discord(?:app)?\.com/api/webhooks/[0-9]{17,20}/[A-Za-z0-9_-]{60,80}", High),
    token("secret.docker-token", "A Docker Hub token", &["dckr_pat_", "dckr_oat_"], r"dckr_[po]at_[A-Za-z0-9_-]{27,32}", Critical),
    token("secret.doppler-token", "A Doppler token", &["dp.pt.", "dp.ct.", "dp.sa.", "dp.scim.", "dp.audit."], r"dp\.(?:pt|ct|sa|scim|audit)\.[A-Za-z0-9]{40,44}", Critical),
    token("secret.dropbox-token", "A Dropbox token", &["sl."], r"sl\.[A-Za-z0-9_-]{130,152}", High),
    token("secret.duffel-token", "A Duffel token", &["duffel_live_"], r"duffel_live_[A-Za-z0-9_=-]{43}", High),
    token("secret.dynatrace-token", "A Dynatrace token", &["dt0c01.", "dt0s01."], r"dt0[cs]01\.[A-Z0-9]{24}\.[A-Z0-9]{64}", High),
    token("secret.easypost-key", "An EasyPost key", &["ezak"], r"EZAK[A-Za-z0-9]{54}", High),
    token("secret.facebook-page-token", "A Facebook page token", &["eaam", "eaac"], r"EAA[MC][A-Za-z0-9]{100,300}", High),
    token("secret.figma-token", "A Figma token", &["figd_"], r"figd_[A-Za-z0-9_-]{40}", High),
    token("secret.flutterwave-key", "A Flutterwave key", &["flwseck-"], r"FLWSECK-[a-h0-9]{32}-X", Critical),
    token("secret.fly-token", "A Fly.io token", &["fo1_", "fm1a_", "fm1r_", "fm2_"], r"(?:fo1_[A-Za-z0-9_-]{43}|fm(?:1[ar]|2)_[A-Za-z0-9+/]{100,800})", Critical),
    token("secret.frame-io-token", "A Frame.io token", &["fio-u-"], r"fio-u-[A-Za-z0-9_=-]{64}", High),
    token("secret.gitlab-agent-token", "A GitLab agent token", &["glagent-"], r"glagent-[A-Za-z0-9_-]{50}", Critical),
    token("secret.gitlab-oauth-secret", "A GitLab application secret", &["gloas-"], r"gloas-[A-Za-z0-9_-]{64}", Critical),
    token("secret.gitlab-trigger-token", "A GitLab pipeline trigger token", &["glptt-"], r"glptt-[a-f0-9]{40}", High),
    token("secret.gitlab-job-token", "A GitLab job token", &["glcbt-"], r"glcbt-[A-Za-z0-9]{1,5}_[A-Za-z0-9_-]{20}", High),
    token("secret.gitlab-feed-token", "A GitLab feed, mail or feature flag token", &["glft-", "glimt-", "glffct-"], r"gl(?:ft|imt|ffct)-[A-Za-z0-9_-]{20,25}", High),
    token("secret.google-access-token", "A Google access token", &["ya29."], r"ya29\.[A-Za-z0-9_-]{50,300}", High),
    token("secret.grafana-cloud-token", "A Grafana Cloud token", &["glc_"], r"glc_[A-Za-z0-9+/]{32,400}", High),
    token("secret.grafana-service-token", "A Grafana service account token", &["glsa_"], r"glsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}", High),
    token("secret.groq-key", "A Groq API key", &["gsk_"], r"gsk_[A-Za-z0-9]{52}", High),
    token("secret.harness-token", "A Harness token", &["pat.", "sat."], r"[ps]at\.[A-Za-z0-9_-]{22}\.[0-9a-f]{24}\.[A-Za-z0-9]{20}", High),
    token("secret.heroku-key", "A Heroku API key", &["hrku-"], r"HRKU-AA[A-Za-z0-9_-]{58}", Critical),
    token("secret.hubspot-token", "A HubSpot token", &["pat-na1-", "pat-eu1-"], r"pat-(?:na|eu)1-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", High),
    token("secret.infracost-key", "An Infracost key", &["ico-"], r"ico-[A-Za-z0-9]{32}", High),
    token("secret.intra42-secret", "An Intra42 client secret", &["s-s4t2"], r"s-s4t2(?:ud|af)-[a-f0-9]{64}", High),
    token("secret.langsmith-key", "A LangSmith key", &["lsv2_"], r"lsv2_(?:pt|sk)_[a-f0-9]{32}_[a-f0-9]{10}", High),
    token("secret.linear-key", "A Linear API key", &["lin_api_"], r"lin_api_[A-Za-z0-9]{40}", High),
    token("secret.mailchimp-key", "A Mailchimp key", &["-us"], r"[a-f0-9]{32}-us[0-9]{1,2}", High),
    token("secret.mailgun-key", "A Mailgun key", &["key-"], r"key-[a-f0-9]{32}", High),
    token("secret.mapbox-secret-token", "A Mapbox secret token", &["sk.eyj"], r"sk\.eyJ[A-Za-z0-9_-]{50,200}\.[A-Za-z0-9_-]{22}", High),
    token("secret.maxmind-key", "A MaxMind licence key", &["_mmk"], r"[A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk", High),
    token("secret.new-relic-key", "A New Relic key", &["nrak-", "nrii-"], r"(?:NRAK-[A-Z0-9]{27}|NRII-[A-Za-z0-9-]{32})", High),
    token("secret.netlify-token", "A Netlify token", &["nfp_"], r"nfp_[A-Za-z0-9]{36,40}", Critical),
    token("secret.notion-token", "A Notion token", &["ntn_"], r"ntn_[0-9]{11}[A-Za-z0-9]{35}", High),
    token("secret.nuget-key", "A NuGet key", &["oy2"], r"oy2[a-z0-9]{43}", Critical),
    token("secret.nvidia-key", "An NVIDIA API key", &["nvapi-"], r"nvapi-[A-Za-z0-9_-]{60,70}", High),
    token("secret.octopus-key", "An Octopus Deploy key", &["api-"], r"API-[A-Z0-9]{26}", High),
    token("secret.openshift-token", "An OpenShift token", &["sha256~"], r"sha256~[A-Za-z0-9_-]{43}", Critical),
    token("secret.perplexity-key", "A Perplexity key", &["pplx-"], r"pplx-[A-Za-z0-9]{48}", High),
    token("secret.plaid-token", "A Plaid access token", &["access-production-"], r"access-production-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", Critical),
    token("secret.planetscale-token", "A PlanetScale token or password", &["pscale_tkn_", "pscale_pw_", "pscale_oauth_"], r"pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_=.-]{32,64}", Critical),
    token("secret.postman-key", "A Postman key", &["pmak-"], r"PMAK-[a-f0-9]{24}-[a-f0-9]{34}", High),
    token("secret.prefect-key", "A Prefect key", &["pnu_"], r"pnu_[A-Za-z0-9]{36}", High),
    token("secret.pulumi-token", "A Pulumi token", &["pul-"], r"pul-[a-f0-9]{40}", Critical),
    token("secret.razorpay-key", "A live Razorpay key id", &["rzp_live_"], r"rzp_live_[A-Za-z0-9]{14}", High),
    token("secret.readme-key", "A ReadMe key", &["rdme_"], r"rdme_[a-z0-9]{70}", High),
    token("secret.replicate-token", "A Replicate token", &["r8_"], r"r8_[A-Za-z0-9]{37}", High),
    token("secret.rubygems-key", "A RubyGems key", &["rubygems_"], r"rubygems_[a-f0-9]{48}", Critical),
    token("secret.scalingo-token", "A Scalingo token", &["tk-us-"], r"tk-us-[A-Za-z0-9_-]{48}", Critical),
    token("secret.brevo-key", "A Brevo (Sendinblue) key", &["xkeysib-"], r"xkeysib-[a-f0-9]{64}-[A-Za-z0-9]{16}", Critical),
    token("secret.sentry-token", "A Sentry token", &["sntryu_", "sntrys_"], r"(?:sntryu_[a-f0-9]{64}|sntrys_eyJ[A-Za-z0-9+/=_]{80,400})", High),
    token("secret.settlemint-token", "A SettleMint token", &["sm_aat_", "sm_pat_", "sm_sat_"], r"sm_[aps]at_[A-Za-z0-9]{16}", High),
    token("secret.shippo-token", "A live Shippo token", &["shippo_live_"], r"shippo_live_[a-f0-9]{40}", High),
    token("secret.sonar-token", "A SonarQube token", &["squ_", "sqp_", "sqa_"], r"sq[upa]_[a-f0-9]{40}", High),
    token("secret.sourcegraph-token", "A Sourcegraph token", &["sgp_"], r"sgp_(?:[a-f0-9]{16}_|local_)?[a-f0-9]{40}", High),
    token("secret.square-token", "A Square token", &["eaaa", "sq0atp-", "sq0csp-"], r"(?:EAAA[A-Za-z0-9_-]{60}|sq0atp-[A-Za-z0-9_-]{22}|sq0csp-[A-Za-z0-9_-]{43})", Critical),
    token("secret.supabase-token", "A Supabase token", &["sbp_", "sb_secret_"], r"(?:sbp_[a-f0-9]{40}|sb_secret_[A-Za-z0-9_-]{31})", Critical),
    token("secret.tailscale-key", "A Tailscale key", &["tskey-"], r"tskey-(?:auth|api|client|scim|webhook)-[A-Za-z0-9]{8,20}-[A-Za-z0-9]{20,40}", Critical),
    token("secret.teams-webhook", "A Microsoft Teams webhook address", &["webhook.office.com"], r"https://[a-z0-9]{1,40}\.webhook\.office\.com/webhookb2/[0-9a-f-]{36}@[0-9a-f-]{36}/IncomingWebhook/[a-z0-9]{32}/[0-9a-f-]{36}", High),
    token("secret.terraform-token", "A Terraform Cloud token", &[".atlasv1."], r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,70}", Critical),
    token("secret.twilio-key", "A Twilio API key", &["twilio"], r"SK[0-9a-f]{32}", High),
    token("secret.typeform-token", "A Typeform token", &["tfp_"], r"tfp_[A-Za-z0-9_.-]{59}", High),
    token("secret.xai-key", "An xAI key", &["xai-"], r"xai-[A-Za-z0-9]{80}", High),
    token("secret.yandex-key", "A Yandex Cloud API key", &["aqvn"], r"AQVN[A-Za-z0-9_-]{35,38}", High),
    named("secret.algolia-key", "An Algolia key", &["algolia"], r"[a-f0-9]{32}"),
    named("secret.cloudflare-token", "A Cloudflare token", &["cloudflare"], r"[A-Za-z0-9_-]{40}"),
    named("secret.datadog-key", "A Datadog key", &["datadog", "dd_api_key", "dd_app_key"], r"[a-f0-9]{40}|[a-f0-9]{32}"),
    named("secret.facebook-secret", "A Facebook app secret", &["facebook"], r"[a-f0-9]{32}"),
    named("secret.okta-token", "An Okta token", &["okta"], r"00[A-Za-z0-9_-]{40}"),
    named("secret.snyk-token", "A Snyk token", &["snyk"], r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
    named("secret.twilio-auth-token", "A Twilio auth token", &["twilio"], r"[a-f0-9]{32}"),
];
