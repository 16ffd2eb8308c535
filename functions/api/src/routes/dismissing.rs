//! Dismissing findings, and taking that back.

use axum::{Json, extract::State};
use domain::{FindingId, Ground, Scope};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use store::{
    dispositions::{self, Decision},
    findings::{Dismissal, Shown},
};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::findings::{FindingView, find};
use crate::{
    Deps,
    auth::{Caller, Tenant},
    extract::{Body, Id, check_text},
    problem::{Checks, MEDIA_TYPE, Problem, ProblemDocument},
    words::GroundWord,
};

/// As the database's column allows.
const REASON_CHARS_MAX: usize = 2000;
/// As the database's column allows.
const OWNER_CHARS_MAX: usize = 255;
/// How findings say that the repository's policy dismissed them.
const BY_POLICY: &str = "policy:";

pub(crate) fn routes() -> OpenApiRouter<Deps> {
    OpenApiRouter::new().routes(routes!(dismiss_finding)).routes(routes!(reopen_finding))
}

/// The finding, while nobody else decides about it.
async fn find_alone(tenant: &Tenant<'_>, id: FindingId) -> Result<Shown, Problem> {
    let finding = find(tenant, id).await?;
    dispositions::lock(&tenant.tx, finding.repository, &finding.lineage).await?;
    find(tenant, id).await
}

fn is_by_policy(dismissal: &Dismissal) -> bool {
    dismissal.by.as_deref().is_some_and(|by| by.starts_with(BY_POLICY))
}

fn dismissed_already(dismissal: &Dismissal) -> String {
    let by = dismissal.by.as_deref().unwrap_or("someone");
    match (is_by_policy(dismissal), dismissal.until) {
        (true, _) => format!("the repository lives with the finding ({by}): change that there"),
        (false, Some(until)) => {
            format!("the finding is dismissed by {by} until {until}: reopen it to decide anew")
        }
        (false, None) => format!("the finding is dismissed by {by}: reopen it to decide anew"),
    }
}

/// Why a finding is to be lived with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DismissFinding {
    /// `other` unless told.
    #[serde(default = "other")]
    #[schema(value_type = GroundWord, required = false)]
    ground: Ground,
    /// In people's own words.
    #[schema(min_length = 1, max_length = 2000)]
    reason: String,
    /// Who answers for it, when that is not who decides.
    #[schema(min_length = 1, max_length = 255)]
    owner: Option<String>,
    /// When it counts again by itself.
    expires_at: Option<Timestamp>,
}

fn other() -> Ground {
    Ground::Other
}

/// Dismiss a finding: from now on it does not decide, wherever it appears in its repository.
///
/// Verdicts that were given stay as they were given.
#[utoipa::path(post, path = "/v1/findings/{id}/dismiss", tag = "findings",
    params(("id" = Uuid, Path)), request_body = DismissFinding,
    responses(
        (status = 200, description = "It is dismissed.", body = FindingView),
        (status = 409, description = "It is dismissed already: reopen it to decide anew.",
         body = ProblemDocument, content_type = MEDIA_TYPE)))]
async fn dismiss_finding(
    State(deps): State<Deps>,
    caller: Caller,
    Id(id): Id<FindingId>,
    Body(wanted): Body<DismissFinding>,
) -> Result<Json<FindingView>, Problem> {
    let mut checks = Checks::default();
    check_text(&mut checks, "reason", &wanted.reason, 1, REASON_CHARS_MAX);
    if let Some(owner) = &wanted.owner {
        check_text(&mut checks, "owner", owner, 1, OWNER_CHARS_MAX);
    }
    checks.done()?;
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Write).await?;
    let finding = find_alone(&tenant, id).await?;
    if let Some(dismissal) = finding.dismissal {
        return Err(Problem::conflict(dismissed_already(&dismissal)));
    }
    let by = tenant.actor();
    let decision = Decision {
        ground: Some(wanted.ground),
        owner: wanted.owner.as_deref(),
        ..decision(&tenant, &finding, &wanted.reason, &by)
    };
    if !dispositions::dismiss(&tenant.tx, &decision, wanted.expires_at).await? {
        return Err(Problem::field("expires_at", "it lies in the past"));
    }
    let details = json!({
        "fingerprint": finding.fingerprint,
        "lineage": finding.lineage,
        "ground": wanted.ground,
        "owner": wanted.owner,
        "expires_at": wanted.expires_at,
    });
    tenant.audit("finding.dismissed", "finding", *id.as_uuid(), &details).await?;
    let finding = find(&tenant, id).await?;
    tenant.commit().await?;
    Ok(Json(finding.into()))
}

/// Why a finding counts again.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReopenFinding {
    #[schema(min_length = 1, max_length = 2000)]
    reason: String,
}

/// Take a dismissal back.
#[utoipa::path(post, path = "/v1/findings/{id}/reopen", tag = "findings",
    params(("id" = Uuid, Path)), request_body = ReopenFinding,
    responses(
        (status = 200, description = "It counts again.", body = FindingView),
        (status = 409, description = "It is not dismissed.", body = ProblemDocument,
         content_type = MEDIA_TYPE)))]
async fn reopen_finding(
    State(deps): State<Deps>,
    caller: Caller,
    Id(id): Id<FindingId>,
    Body(wanted): Body<ReopenFinding>,
) -> Result<Json<FindingView>, Problem> {
    check_reason(&wanted.reason)?;
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Write).await?;
    let finding = find_alone(&tenant, id).await?;
    match &finding.dismissal {
        None => return Err(Problem::conflict("the finding is not dismissed")),
        Some(dismissal) if is_by_policy(dismissal) => {
            return Err(Problem::conflict(dismissed_already(dismissal)));
        }
        Some(_) => {}
    }
    let by = tenant.actor();
    dispositions::reopen(&tenant.tx, &decision(&tenant, &finding, &wanted.reason, &by)).await?;
    let details = json!({ "fingerprint": finding.fingerprint, "lineage": finding.lineage });
    tenant.audit("finding.reopened", "finding", *id.as_uuid(), &details).await?;
    let finding = find(&tenant, id).await?;
    tenant.commit().await?;
    Ok(Json(finding.into()))
}

fn check_reason(reason: &str) -> Result<(), Problem> {
    let mut checks = Checks::default();
    check_text(&mut checks, "reason", reason, 1, REASON_CHARS_MAX);
    checks.done()
}

fn decision<'a>(
    tenant: &Tenant<'_>,
    finding: &'a Shown,
    reason: &'a str,
    decided_by: &'a str,
) -> Decision<'a> {
    Decision {
        org: tenant.org,
        repository: finding.repository,
        fingerprint: &finding.fingerprint,
        lineage: &finding.lineage,
        rule: &finding.rule,
        path: &finding.path,
        ground: None,
        reason,
        owner: None,
        decided_by,
    }
}
