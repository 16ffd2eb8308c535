//! Tokens that say by their shape who issued them, and those that stand behind a service's name.
//!
//! Prefixes and lengths are facts, collected from the issuers' own pages and from the
//! configuration of gitleaks (MIT licence, Copyright (c) 2019 Zachary Rice); the expressions
//! are written anew.

use std::sync::OnceLock;

use domain::Severity::{self, Critical, High, Low};

use super::{
    guard::{self, Candidate},
    patterns::{Pattern, Shape},
};

/// Name, what it is, keywords, and how the value looks.
type Row = (&'static str, &'static str, &'static [&'static str], &'static str);

/// All of them.
pub(super) fn issuers() -> &'static [Pattern] {
    static ALL: OnceLock<Vec<Pattern>> = OnceLock::new();
    ALL.get_or_init(|| {
        let tokens = TOKENS.iter().map(|(id, what, keywords, shape, severity)| {
            let row = (*id, *what, *keywords, *shape);
            pattern(row, Shape::Token, guard::random, (*severity, 0.9))
        });
        let named = NAMED.iter().map(|row| pattern(*row, Shape::Named, guard::named, (High, 0.75)));
        tokens.chain(named).collect()
    })
}

fn pattern(
    (id, what, keywords, shape): Row,
    of: fn(&'static str) -> Shape,
    guard: fn(&Candidate<'_>) -> bool,
    (severity, confidence): (Severity, f64),
) -> Pattern {
    let (shape, compiled) = (of(shape), OnceLock::new());
    Pattern { id, what, keywords, shape, guard, severity, confidence, reach: 0, compiled }
}

macro_rules! uuid {
    () => {
        "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    };
}

/// Tokens that are recognised wherever they stand.
#[rustfmt::skip]
const TOKENS: &[(&str, &str, &[&str], &str, Severity)] = &[
    ("secret.1password-secret-key", "A 1Password secret key", &["a3-"], r"A3-[A-Z0-9]{6}-[A-Z0-9]{11}-[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{5}", Critical),
    ("secret.1password-service-token", "A 1Password service account token", &["ops_eyj"], r"ops_eyJ[A-Za-z0-9+/]{250,2000}", Critical),
    ("secret.adobe-secret", "An Adobe client secret", &["p8e-"], r"p8e-[A-Za-z0-9]{32}", High),
    ("secret.age-key", "An age key", &["age-secret-key-1"], r"AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}", Critical),
    ("secret.airtable-token", "An Airtable token", &["airtable"], r"pat[A-Za-z0-9]{14}\.[a-f0-9]{64}", High),
    ("secret.alibaba-access-key", "An Alibaba Cloud access key id", &["ltai"], r"LTAI[A-Za-z0-9]{20}", High),
    ("secret.amazon-mws-token", "An Amazon MWS token", &["amzn.mws."], concat!(r"amzn\.mws\.", uuid!()), High),
    ("secret.artifactory-key", "An Artifactory API key", &["akcp"], r"AKCp[A-Za-z0-9]{69}", Critical),
    ("secret.artifactory-reference-token", "An Artifactory reference token", &["cmvmd"], r"cmVmd[A-Za-z0-9]{59}", Critical),
    ("secret.atlassian-token", "An Atlassian API token", &["atatt3"], r"ATATT3[A-Za-z0-9_=-]{186}", Critical),
    ("secret.aws-bedrock-key", "An Amazon Bedrock API key", &["absk"], r"ABSK[A-Za-z0-9+/]{109,269}", Critical),
    ("secret.azure-client-secret", "A Microsoft Entra client secret", &["q~"], r"[A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}", Critical),
    ("secret.bitbucket-app-password", "A Bitbucket app password", &["atbb"], r"ATBB[A-Za-z0-9]{32}", High),
    ("secret.braintree-token", "A Braintree access token", &["access_token$production$"], r"access_token\$production\$[a-z0-9]{16}\$[a-f0-9]{32}", Critical),
    ("secret.buildkite-token", "A Buildkite token", &["bkua_"], r"bkua_[a-f0-9]{40}", High),
    ("secret.circleci-token", "A CircleCI token", &["ccipat_", "ccipra_"], r"CCIP(?:AT|RA)_[A-Za-z0-9]{22}_[a-f0-9]{40}", High),
    ("secret.clickhouse-key", "A ClickHouse Cloud key", &["4b1d"], r"4b1d[A-Za-z0-9]{38}", High),
    ("secret.clojars-token", "A Clojars token", &["clojars_"], r"CLOJARS_[a-z0-9]{60}", Critical),
    ("secret.cloudflare-origin-key", "A Cloudflare origin CA key", &["v1.0-"], r"v1\.0-[a-f0-9]{24}-[a-f0-9]{146}", Critical),
    ("secret.contentful-token", "A Contentful management token", &["cfpat-"], r"CFPAT-[A-Za-z0-9_-]{43}", High),
    ("secret.crates-io-token", "A crates.io token", &["cio"], r"cio[A-Za-z0-9]{32}", Critical),
    ("secret.defined-networking-token", "A Defined Networking token", &["dnkey-"], r"dnkey-[A-Za-z0-9_=-]{26}-[A-Za-z0-9_=-]{52}", High),
    ("secret.discord-webhook", "A Discord webhook address", &["/api/webhooks/"], r"https://(?:canary\.|ptb\.)?discord(?:app)?\.com/api/webhooks/[0-9]{17,20}/[A-Za-z0-9_-]{60,80}", High),
    ("secret.docker-token", "A Docker Hub token", &["dckr_pat_", "dckr_oat_"], r"dckr_[po]at_[A-Za-z0-9_-]{27,32}", Critical),
    ("secret.doppler-token", "A Doppler token", &["dp.pt.", "dp.ct.", "dp.sa.", "dp.scim.", "dp.audit."], r"dp\.(?:pt|ct|sa|scim|audit)\.[A-Za-z0-9]{40,44}", Critical),
    ("secret.dropbox-token", "A Dropbox token", &["sl."], r"sl\.[A-Za-z0-9_-]{130,152}", High),
    ("secret.duffel-token", "A Duffel token", &["duffel_live_"], r"duffel_live_[A-Za-z0-9_=-]{43}", High),
    ("secret.dynatrace-token", "A Dynatrace token", &["dt0c01.", "dt0s01."], r"dt0[cs]01\.[A-Z0-9]{24}\.[A-Z0-9]{64}", High),
    ("secret.easypost-key", "An EasyPost key", &["ezak"], r"EZAK[A-Za-z0-9]{54}", High),
    ("secret.facebook-page-token", "A Facebook page token", &["eaam", "eaac"], r"EAA[MC][A-Za-z0-9]{100,300}", High),
    ("secret.figma-token", "A Figma token", &["figd_"], r"figd_[A-Za-z0-9_-]{40}", High),
    ("secret.flutterwave-key", "A Flutterwave key", &["flwseck-"], r"FLWSECK-[a-h0-9]{32}-X", Critical),
    ("secret.fly-token", "A Fly.io token", &["fo1_", "fm1a_", "fm1r_", "fm2_"], r"(?:fo1_[A-Za-z0-9_-]{43}|fm(?:1[ar]|2)_[A-Za-z0-9+/]{100,800})", Critical),
    ("secret.frame-io-token", "A Frame.io token", &["fio-u-"], r"fio-u-[A-Za-z0-9_=-]{64}", High),
    ("secret.gitlab-agent-token", "A GitLab agent token", &["glagent-"], r"glagent-[A-Za-z0-9_-]{50}", Critical),
    ("secret.gitlab-oauth-secret", "A GitLab application secret", &["gloas-"], r"gloas-[A-Za-z0-9_-]{64}", Critical),
    ("secret.gitlab-trigger-token", "A GitLab pipeline trigger token", &["glptt-"], r"glptt-[a-f0-9]{40}", High),
    ("secret.gitlab-job-token", "A GitLab job token", &["glcbt-"], r"glcbt-[A-Za-z0-9]{1,5}_[A-Za-z0-9_-]{20}", High),
    ("secret.gitlab-feed-token", "A GitLab feed, mail or feature flag token", &["glft-", "glimt-", "glffct-"], r"gl(?:ft|imt|ffct)-[A-Za-z0-9_-]{20,25}", High),
    ("secret.google-access-token", "A Google access token", &["ya29."], r"ya29\.[A-Za-z0-9_-]{50,300}", High),
    ("secret.grafana-cloud-token", "A Grafana Cloud token", &["glc_"], r"glc_[A-Za-z0-9+/]{32,400}", High),
    ("secret.grafana-key", "A Grafana API key", &["eyjrijoi"], r"eyJrIjoi[A-Za-z0-9+/]{60,400}={0,2}", High),
    ("secret.grafana-service-token", "A Grafana service account token", &["glsa_"], r"glsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}", High),
    ("secret.groq-key", "A Groq API key", &["gsk_"], r"gsk_[A-Za-z0-9]{52}", High),
    ("secret.harness-token", "A Harness token", &["pat.", "sat."], r"[ps]at\.[A-Za-z0-9_-]{22}\.[0-9a-f]{24}\.[A-Za-z0-9]{20}", High),
    ("secret.heroku-key", "A Heroku API key", &["hrku-"], r"HRKU-AA[A-Za-z0-9_-]{58}", Critical),
    ("secret.hubspot-token", "A HubSpot token", &["pat-na1-", "pat-eu1-"], concat!(r"pat-(?:na|eu)1-", uuid!()), High),
    ("secret.infracost-key", "An Infracost key", &["ico-"], r"ico-[A-Za-z0-9]{32}", High),
    ("secret.intra42-secret", "An Intra42 client secret", &["s-s4t2"], r"s-s4t2(?:ud|af)-[a-f0-9]{64}", High),
    ("secret.langsmith-key", "A LangSmith key", &["lsv2_"], r"lsv2_(?:pt|sk)_[a-f0-9]{32}_[a-f0-9]{10}", High),
    ("secret.linear-key", "A Linear API key", &["lin_api_"], r"lin_api_[A-Za-z0-9]{40}", High),
    ("secret.mailchimp-key", "A Mailchimp key", &["-us"], r"[a-f0-9]{32}-us[0-9]{1,2}", High),
    ("secret.mailgun-key", "A Mailgun key", &["key-"], r"key-[a-f0-9]{32}", High),
    ("secret.mapbox-secret-token", "A Mapbox secret or temporary token", &["sk.eyj", "tk.eyj"], r"[st]k\.eyJ[A-Za-z0-9_-]{30,200}\.[A-Za-z0-9_-]{22}", High),
    ("secret.maxmind-key", "A MaxMind licence key", &["_mmk"], r"[A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk", High),
    ("secret.new-relic-key", "A New Relic key", &["nrak-", "nrii-"], r"(?:NRAK-[A-Z0-9]{27}|NRII-[A-Za-z0-9-]{32})", High),
    ("secret.netlify-token", "A Netlify token", &["nfp_"], r"nfp_[A-Za-z0-9]{36,40}", Critical),
    ("secret.notion-token", "A Notion token", &["ntn_"], r"ntn_[0-9]{11}[A-Za-z0-9]{35}", High),
    ("secret.nuget-key", "A NuGet key", &["oy2"], r"oy2[a-z0-9]{43}", Critical),
    ("secret.nvidia-key", "An NVIDIA API key", &["nvapi-"], r"nvapi-[A-Za-z0-9_-]{60,70}", High),
    ("secret.octopus-key", "An Octopus Deploy key", &["api-"], r"API-[A-Z0-9]{26}", High),
    ("secret.openshift-token", "An OpenShift token", &["sha256~"], r"sha256~[A-Za-z0-9_-]{43}", Critical),
    ("secret.perplexity-key", "A Perplexity key", &["pplx-"], r"pplx-[A-Za-z0-9]{48}", High),
    ("secret.plaid-token", "A Plaid access token", &["access-production-"], concat!(r"access-production-", uuid!()), Critical),
    ("secret.planetscale-token", "A PlanetScale token or password", &["pscale_tkn_", "pscale_pw_", "pscale_oauth_"], r"pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_=.-]{32,64}", Critical),
    ("secret.postman-key", "A Postman key", &["pmak-"], r"PMAK-[a-f0-9]{24}-[a-f0-9]{34}", High),
    ("secret.prefect-key", "A Prefect key", &["pnu_"], r"pnu_[A-Za-z0-9]{36}", High),
    ("secret.pulumi-token", "A Pulumi token", &["pul-"], r"pul-[a-f0-9]{40}", Critical),
    ("secret.razorpay-key", "A live Razorpay key id", &["rzp_live_"], r"rzp_live_[A-Za-z0-9]{14}", High),
    ("secret.readme-key", "A ReadMe key", &["rdme_"], r"rdme_[a-z0-9]{70}", High),
    ("secret.replicate-token", "A Replicate token", &["r8_"], r"r8_[A-Za-z0-9]{37}", High),
    ("secret.rubygems-key", "A RubyGems key", &["rubygems_"], r"rubygems_[a-f0-9]{48}", Critical),
    ("secret.scalingo-token", "A Scalingo token", &["tk-us-"], r"tk-us-[A-Za-z0-9_-]{48}", Critical),
    ("secret.brevo-key", "A Brevo (Sendinblue) key", &["xkeysib-"], r"xkeysib-[a-f0-9]{64}-[A-Za-z0-9]{16}", Critical),
    ("secret.sentry-token", "A Sentry token", &["sntryu_", "sntrys_"], r"(?:sntryu_[a-f0-9]{64}|sntrys_eyJ[A-Za-z0-9+/=_]{80,400})", High),
    ("secret.settlemint-token", "A SettleMint token", &["sm_aat_", "sm_pat_", "sm_sat_"], r"sm_[aps]at_[A-Za-z0-9]{16}", High),
    ("secret.shippo-token", "A live Shippo token", &["shippo_live_"], r"shippo_live_[a-f0-9]{40}", High),
    ("secret.sonar-token", "A SonarQube token", &["squ_", "sqp_", "sqa_"], r"sq[upa]_[a-f0-9]{40}", High),
    ("secret.sourcegraph-token", "A Sourcegraph token", &["sgp_"], r"sgp_(?:[a-f0-9]{16}_|local_)?[a-f0-9]{40}", High),
    ("secret.sourcegraph-licence-token", "A Sourcegraph licence token", &["slk_", "sgd_"], r"(?:slk|sgd)_[a-f0-9]{64}", High),
    ("secret.gitlab-scim-token", "A GitLab SCIM token", &["glsoat-"], r"glsoat-[A-Za-z0-9_-]{20}", Critical),
    ("secret.aws-session-token", "An AWS session token", &["fwogzxivyxdz", "iqojb3jpz2lu"], r"(?:FwoGZXIvYXdz|IQoJb3JpZ2lu)[A-Za-z0-9+/]{100,1500}={0,2}", High),
    ("secret.square-token", "A Square token", &["eaaa", "sq0atp-", "sq0csp-"], r"(?:EAAA[A-Za-z0-9_-]{60}|sq0atp-[A-Za-z0-9_-]{22}|sq0csp-[A-Za-z0-9_-]{43})", Critical),
    ("secret.stripe-test-key", "A Stripe key for tests", &["k_test_"], r"[sr]k_test_[A-Za-z0-9]{20,200}", Low),
    ("secret.supabase-token", "A Supabase token", &["sbp_", "sb_secret_"], r"(?:sbp_[a-f0-9]{40}|sb_secret_[A-Za-z0-9_-]{31})", Critical),
    ("secret.tailscale-key", "A Tailscale key", &["tskey-"], r"tskey-(?:auth|api|client|scim|webhook)-[A-Za-z0-9]{8,20}-[A-Za-z0-9]{20,40}", Critical),
    ("secret.teams-webhook", "A Microsoft Teams webhook address", &["webhook.office.com"], r"https://[a-z0-9]{1,40}\.webhook\.office\.com/webhookb2/[0-9a-f-]{36}@[0-9a-f-]{36}/IncomingWebhook/[a-z0-9]{32}/[0-9a-f-]{36}", High),
    ("secret.terraform-token", "A Terraform Cloud token", &[".atlasv1."], r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,70}", Critical),
    ("secret.twilio-key", "A Twilio API key", &["twilio"], r"SK[0-9a-f]{32}", High),
    ("secret.typeform-token", "A Typeform token", &["tfp_"], r"tfp_[A-Za-z0-9_.-]{59}", High),
    ("secret.xai-key", "An xAI key", &["xai-"], r"xai-[A-Za-z0-9]{80}", High),
    ("secret.yandex-key", "A Yandex Cloud API key", &["aqvn"], r"AQVN[A-Za-z0-9_-]{35,38}", High),
    ("secret.adafruit-key", "An Adafruit IO key", &["aio_"], r"aio_[A-Za-z0-9]{28}", High),
    ("secret.azure-devops-token", "An Azure DevOps token", &["azdo"], r"[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4}", Critical),
    ("secret.dependency-track-key", "A Dependency-Track key", &["odt_"], r"odt_[A-Za-z0-9]{32,40}", High),
    ("secret.doppler-service-token", "A Doppler service token", &["dp.st."], r"dp\.st\.(?:[a-z0-9_-]{2,35}\.)?[A-Za-z0-9]{40,44}", Critical),
    ("secret.gitlab-runner-token", "A GitLab runner registration token", &["gr1348941"], r"GR1348941[A-Za-z0-9_-]{20}", Critical),
    ("secret.jina-key", "A Jina key", &["jina_"], r"jina_[a-f0-9]{32}[A-Za-z0-9_-]{28}", High),
    ("secret.new-relic-licence", "A New Relic licence or admin key", &["nral", "nraa-", "nriq-", "nrra-"], r"(?:[a-f0-9]{36}NRAL|NRAA-[a-f0-9]{27}|NRIQ-[A-Za-z0-9_-]{32}|NRRA-[a-f0-9]{42})", High),
    ("secret.pixie-key", "A Pixie key", &["px-api-", "px-dep-"], concat!(r"px-(?:api|dep)-", uuid!()), High),
    ("secret.salesforce-session", "A Salesforce session", &["00d"], r"00D[A-Za-z0-9]{12}![A-Za-z0-9._]{90,120}", Critical),
    ("secret.tavily-key", "A Tavily key", &["tvly-"], r"tvly-(?:dev-)?[A-Za-z0-9]{32}", High),
    ("secret.teams-webhook-old", "A Microsoft Teams webhook address", &["outlook.office.com/webhook/"], r"https://outlook\.office\.com/webhook/[0-9a-f-]{36}@[0-9a-f-]{36}/IncomingWebhook/[a-z0-9]{32}/[0-9a-f-]{36}", High),
    ("secret.twitch-stream-key", "A Twitch stream key", &["live_"], r"live_[0-9]{8,12}_[A-Za-z0-9]{30}", High),
    ("secret.vault-batch-token", "A HashiCorp Vault token", &["s.caesi"], r"s\.CAESI[A-Za-z0-9_-]{60,180}", Critical),
    ("secret.vault-recovery-token", "A HashiCorp Vault recovery token", &["hvr."], r"hvr\.(?:[A-Za-z0-9]{24}|[A-Za-z0-9_-]{90,200})", Critical),
];

/// Values without a mark of their own, given to something that names the service: its keywords.
#[rustfmt::skip]
const NAMED: &[Row] = &[
    ("secret.azure-devops-old-token", "An Azure DevOps token", &["azure_devops", "azuredevops", "azdo_pat", "ado_pat", "vsts_token", "vsts_pat"], r"[a-z2-7]{52}"),
    ("secret.algolia-key", "An Algolia key", &["algolia"], r"[a-f0-9]{32}"),
    ("secret.cloudflare-token", "A Cloudflare token", &["cloudflare"], r"[A-Za-z0-9_-]{40}"),
    ("secret.codeclimate-token", "A Code Climate token", &["codeclimate", "cc_test_reporter"], r"[a-f0-9]{64}"),
    ("secret.github-client-secret", "A GitHub application secret", &["github_secret", "github_client_secret", "githubclientsecret"], r"[a-f0-9]{40}"),
    ("secret.heroku-uuid-key", "A Heroku API key", &["heroku"], r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"),
    ("secret.jenkins-token", "A Jenkins token", &["jenkins"], r"11[a-f0-9]{32}"),
    ("secret.postmark-token", "A Postmark token", &["postmark"], uuid!()),
    ("secret.sauce-key", "A Sauce Labs key", &["sauce"], uuid!()),
    ("secret.sonar-login", "A SonarQube token", &["sonar.login", "sonarlogin", "sonar_login", "sonar_token", "sonar.token"], r"[a-f0-9]{40}"),
    ("secret.datadog-key", "A Datadog key", &["datadog", "dd_api_key", "dd_app_key"], r"[a-f0-9]{40}|[a-f0-9]{32}"),
    ("secret.sourcegraph-old-token", "A Sourcegraph token", &["sourcegraph"], r"[a-f0-9]{40}"),
    ("secret.facebook-app-token", "A Facebook app's token", &["facebook", "fb_app"], r"[0-9]{13,17}(?:\||%7C)[A-Za-z0-9_-]{27,40}"),
    ("secret.facebook-secret", "A Facebook app secret", &["facebook"], r"[a-f0-9]{32}"),
    ("secret.okta-token", "An Okta token", &["okta"], r"00[A-Za-z0-9_-]{40}"),
    ("secret.snyk-token", "A Snyk token", &["snyk"], uuid!()),
    ("secret.twilio-auth-token", "A Twilio auth token", &["twilio"], r"[a-f0-9]{32}"),
];
