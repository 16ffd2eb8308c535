use axum::{Json, extract::State};
use domain::{AnalysisId, Category, FindingId, Ground, Scope, Severity, VerificationType};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{
    analyses,
    findings::{self, Dismissal, Expired, Input, Proof, Shown},
};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    Deps,
    auth::{Caller, Tenant},
    extract::{Filter, Id},
    paging::{Asked, List},
    problem::Problem,
    words::{CategoryWord, GroundWord, SeverityWord, VerificationWord},
};

pub(crate) fn routes() -> OpenApiRouter<Deps> {
    OpenApiRouter::new().routes(routes!(list_findings)).routes(routes!(get_finding))
}

/// One place in the code that a rule objects to, with the evidence to check it.
#[derive(Serialize, ToSchema)]
#[schema(as = Finding)]
pub(super) struct FindingView {
    id: Uuid,
    analysis_id: Uuid,
    repository_id: Uuid,
    rule: String,
    /// Names the finding across pushes; it stays the same when lines shift.
    fingerprint: String,
    /// The fingerprint under which it was first known: it stays the same when the finding moves to
    /// another file, too, and is what dismissals are bound to.
    lineage: String,
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
    /// A unified diff that `git apply` takes, after which the finding is gone.
    fix_diff: Option<String>,
    /// 0.0 to 1.0: how often a match of this rule is right.
    confidence: f64,
    /// By which kind of check it was made.
    #[schema(value_type = VerificationWord)]
    verification: VerificationType,
    /// What shows that it is so; null unless a formal check found it.
    verification_proof: Option<ProofView>,
    /// `new` if the base, or the scan before, does not have it, else `existing`.
    state: String,
    /// Whether it counted for the verdict when that was given.
    deciding: bool,
    /// Test, fixture, generated and vendored code is reported and does not decide.
    demoted: bool,
    /// The tool whose log it was imported from; null if Assay found it.
    tool: Option<String>,
    cwe: Vec<String>,
    owasp: Vec<String>,
    dismissed: bool,
    /// Who dismissed it and why, while that holds.
    dismissal: Option<DismissalView>,
    /// A dismissal that was over when the finding was found.
    dismissal_expired: Option<ExpiredView>,
    created_at: Timestamp,
}

/// Inputs for which the code goes wrong, found by symbolic execution and run again.
#[derive(Serialize, ToSchema)]
#[schema(as = VerificationProof)]
struct ProofView {
    /// Empty: it goes wrong whenever it is reached.
    inputs: Vec<ProofInput>,
    /// A test in the function's language that succeeds where the code fails; null if it could not be
    /// rendered.
    test: Option<String>,
}

/// A parameter, with its value in the function's language.
#[derive(Serialize, ToSchema)]
struct ProofInput {
    name: String,
    value: String,
}

impl From<Proof> for ProofView {
    fn from(proof: Proof) -> Self {
        let inputs = proof.inputs.into_iter();
        let inputs = inputs.map(|Input { name, value }| ProofInput { name, value }).collect();
        Self { inputs, test: proof.test }
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = Dismissal)]
struct DismissalView {
    by: Option<String>,
    /// Who answers for it; who decided, unless someone else was named.
    owner: Option<String>,
    #[schema(value_type = Option<GroundWord>)]
    ground: Option<Ground>,
    reason: Option<String>,
    /// Null if it was the repository's policy.
    at: Option<Timestamp>,
    /// Null: until someone reopens it.
    expires_at: Option<Timestamp>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = ExpiredDismissal)]
struct ExpiredView {
    by: String,
    owner: String,
    #[schema(value_type = Option<GroundWord>)]
    ground: Option<Ground>,
    reason: String,
    expired_at: Timestamp,
}

impl From<Dismissal> for DismissalView {
    fn from(dismissal: Dismissal) -> Self {
        Self {
            owner: dismissal.owner.or_else(|| dismissal.by.clone()),
            by: dismissal.by,
            ground: dismissal.ground,
            reason: dismissal.reason,
            at: dismissal.at,
            expires_at: dismissal.until,
        }
    }
}

impl From<Expired> for ExpiredView {
    fn from(expired: Expired) -> Self {
        Self {
            owner: expired.owner.unwrap_or_else(|| expired.by.clone()),
            by: expired.by,
            ground: expired.ground,
            reason: expired.reason,
            expired_at: expired.at,
        }
    }
}

impl From<Shown> for FindingView {
    fn from(finding: Shown) -> Self {
        Self {
            id: *finding.id.as_uuid(),
            analysis_id: *finding.analysis.as_uuid(),
            repository_id: *finding.repository.as_uuid(),
            rule: finding.rule,
            fingerprint: finding.fingerprint.as_str().to_owned(),
            lineage: finding.lineage.as_str().to_owned(),
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
            verification_proof: finding.proof.map(ProofView::from),
            state: finding.state,
            deciding: finding.deciding,
            demoted: finding.tags.demoted,
            tool: finding.tags.tool,
            cwe: finding.tags.cwe,
            owasp: finding.tags.owasp,
            dismissed: finding.dismissal.is_some(),
            dismissal: finding.dismissal.map(DismissalView::from),
            dismissal_expired: finding.tags.dismissal_expired.map(ExpiredView::from),
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
    /// A tool whose log was imported.
    #[param(max_length = 255)]
    tool: Option<String>,
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
        tool: wanted.tool.as_deref(),
    };
    let rows = findings::list(&tenant.tx, id, &filter, asked.page()).await?;
    tenant.commit().await?;
    Ok(Json(asked.list(rows, |row| *row.id.as_uuid(), FindingView::from)))
}

pub(super) async fn find(tenant: &Tenant<'_>, id: FindingId) -> Result<Shown, Problem> {
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
