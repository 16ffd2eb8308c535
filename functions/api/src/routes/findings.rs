use axum::{Json, extract::State};
use domain::{AnalysisId, Category, FindingId, Scope, Severity, VerificationType};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{
    analyses,
    dispositions::{self, Decision},
    findings::{self, Shown},
};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    Deps,
    auth::{Caller, Tenant},
    extract::{Body, Filter, Id, check_text},
    paging::{Asked, List},
    problem::{Checks, MEDIA_TYPE, Problem, ProblemDocument},
    words::{CategoryWord, SeverityWord, VerificationWord},
};

/// As the database's column allows.
const REASON_CHARS_MAX: usize = 2000;

pub(crate) fn routes() -> OpenApiRouter<Deps> {
    OpenApiRouter::new()
        .routes(routes!(list_findings))
        .routes(routes!(get_finding))
        .routes(routes!(dismiss_finding))
        .routes(routes!(reopen_finding))
}

/// One place in the code that a rule objects to, with the evidence to check it.
#[derive(Serialize, ToSchema)]
#[schema(as = Finding)]
struct FindingView {
    id: Uuid,
    analysis_id: Uuid,
    repository_id: Uuid,
    rule: String,
    /// Names the finding across pushes; it stays the same when lines shift.
    fingerprint: String,
    #[schema(value_type = CategoryWord)]
    category: Category,
    #[schema(value_type = SeverityWord)]
    severity: Severity,
    title: String,
    description: Option<String>,
    path: String,
    line_start: u32,
    line_end: u32,
    snippet: Option<String>,
    /// The sha256 of the snippet in its canonical form.
    snippet_hash: String,
    fix_suggestion: Option<String>,
    fix_diff: Option<String>,
    /// 0.0 to 1.0: how often a match of this rule is right.
    confidence: f64,
    /// By which kind of check it was made.
    #[schema(value_type = VerificationWord)]
    verification: VerificationType,
    verification_proof: Option<String>,
    /// `new` in lines that the change touched, else `existing`.
    state: String,
    /// Whether it counted for the verdict when that was given.
    deciding: bool,
    /// Test, fixture, generated and vendored code is reported and does not decide.
    demoted: bool,
    cwe: Vec<String>,
    owasp: Vec<String>,
    dismissed: bool,
    /// Who dismissed it and why, while that holds.
    dismissal: Option<DismissalView>,
    created_at: Timestamp,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Dismissal)]
struct DismissalView {
    by: Option<String>,
    reason: Option<String>,
    /// Null: until someone reopens it.
    expires_at: Option<Timestamp>,
}

impl From<Shown> for FindingView {
    fn from(finding: Shown) -> Self {
        Self {
            id: *finding.id.as_uuid(),
            analysis_id: *finding.analysis.as_uuid(),
            repository_id: *finding.repository.as_uuid(),
            rule: finding.rule,
            fingerprint: finding.fingerprint.as_str().to_owned(),
            category: finding.category,
            severity: finding.severity,
            title: finding.title,
            description: finding.description,
            path: finding.path,
            line_start: finding.lines.first,
            line_end: finding.lines.last,
            snippet: finding.snippet,
            snippet_hash: finding.snippet_hash.as_str().to_owned(),
            fix_suggestion: finding.fix_suggestion,
            fix_diff: finding.fix_diff,
            confidence: finding.confidence,
            verification: finding.verification,
            verification_proof: finding.verification_proof,
            state: finding.state,
            deciding: finding.deciding,
            demoted: finding.tags.demoted,
            cwe: finding.tags.cwe,
            owasp: finding.tags.owasp,
            dismissed: finding.dismissal.is_some(),
            dismissal: finding.dismissal.map(|dismissal| DismissalView {
                by: dismissal.by,
                reason: dismissal.reason,
                expires_at: dismissal.until,
            }),
            created_at: finding.created_at,
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct FindingFilter {
    #[param(inline, value_type = Option<SeverityWord>)]
    severity: Option<Severity>,
    #[param(inline)]
    state: Option<FindingState>,
    /// The id of a rule.
    #[param(max_length = 255)]
    rule: Option<String>,
    /// A file, or a folder with everything in it.
    #[param(max_length = 4096)]
    path: Option<String>,
    dismissed: Option<bool>,
    /// `next_cursor` of the page before.
    cursor: Option<Uuid>,
    /// At most this many; 50 unless told, 200 at most.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum FindingState {
    New,
    Existing,
}

impl FindingState {
    fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Existing => "existing",
        }
    }
}

/// List the findings of an analysis.
#[utoipa::path(get, path = "/v1/analyses/{id}/findings", tag = "findings",
    params(("id" = Uuid, Path), FindingFilter),
    responses((status = 200, description = "The gravest first.", body = List<FindingView>)))]
async fn list_findings(
    State(deps): State<Deps>,
    caller: Caller,
    Id(id): Id<AnalysisId>,
    Filter(wanted): Filter<FindingFilter>,
) -> Result<Json<List<FindingView>>, Problem> {
    let asked = Asked::new(wanted.cursor, wanted.limit)?;
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Read).await?;
    if analyses::find(&tenant.tx, id).await?.is_none() {
        return Err(Problem::not_found("analysis"));
    }
    let filter = findings::Filter {
        severity: wanted.severity,
        state: wanted.state.map(FindingState::as_str),
        rule: wanted.rule.as_deref(),
        path: wanted.path.as_deref(),
        dismissed: wanted.dismissed,
    };
    let rows = findings::list(&tenant.tx, id, &filter, asked.page()).await?;
    tenant.commit().await?;
    Ok(Json(asked.list(rows, |row| *row.id.as_uuid(), FindingView::from)))
}

async fn find(tenant: &Tenant<'_>, id: FindingId) -> Result<Shown, Problem> {
    findings::find(&tenant.tx, id).await?.ok_or_else(|| Problem::not_found("finding"))
}

/// Get one finding.
#[utoipa::path(get, path = "/v1/findings/{id}", tag = "findings", params(("id" = Uuid, Path)),
    responses((status = 200, description = "The finding.", body = FindingView)))]
async fn get_finding(
    State(deps): State<Deps>,
    caller: Caller,
    Id(id): Id<FindingId>,
) -> Result<Json<FindingView>, Problem> {
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Read).await?;
    let finding = find(&tenant, id).await?;
    tenant.commit().await?;
    Ok(Json(finding.into()))
}

/// Why a finding is to be lived with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DismissFinding {
    #[schema(min_length = 1, max_length = 2000)]
    reason: String,
    /// When it counts again by itself.
    expires_at: Option<Timestamp>,
}

/// Dismiss a finding: from now on it does not decide, wherever it appears in its repository.
///
/// Verdicts that were given stay as they were given.
#[utoipa::path(post, path = "/v1/findings/{id}/dismiss", tag = "findings",
    params(("id" = Uuid, Path)), request_body = DismissFinding,
    responses((status = 200, description = "It is dismissed.", body = FindingView)))]
async fn dismiss_finding(
    State(deps): State<Deps>,
    caller: Caller,
    Id(id): Id<FindingId>,
    Body(wanted): Body<DismissFinding>,
) -> Result<Json<FindingView>, Problem> {
    check_reason(&wanted.reason)?;
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Write).await?;
    let finding = find(&tenant, id).await?;
    let by = tenant.actor();
    let decision = decision(&tenant, &finding, &wanted.reason, &by);
    if !dispositions::dismiss(&tenant.tx, &decision, wanted.expires_at).await? {
        return Err(Problem::field("expires_at", "it lies in the past"));
    }
    let details = json!({ "fingerprint": finding.fingerprint, "expires_at": wanted.expires_at });
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
    let finding = find(&tenant, id).await?;
    if finding.dismissal.is_none() {
        return Err(Problem::conflict("the finding is not dismissed"));
    }
    let by = tenant.actor();
    dispositions::reopen(&tenant.tx, &decision(&tenant, &finding, &wanted.reason, &by)).await?;
    let details = json!({ "fingerprint": finding.fingerprint });
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
        reason,
        decided_by,
    }
}
