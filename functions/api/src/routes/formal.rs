use axum::{Json, extract::State};
use domain::{AnalysisId, FormalResultId, FormalSummary, FormalVerdict, Scope};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{
    analyses::{self, Metadata},
    formal_results::{self, FormalResult},
};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    Deps,
    auth::Caller,
    extract::{Filter, Id},
    paging::{Asked, List},
    problem::Problem,
    words::FormalVerdictWord,
};

pub(crate) fn routes() -> OpenApiRouter<Deps> {
    OpenApiRouter::new().routes(routes!(list_formal_results)).routes(routes!(get_formal_result))
}

/// One check of one function.
#[derive(Serialize, ToSchema)]
#[schema(as = FormalResult)]
struct FormalResultView {
    id: Uuid,
    analysis_id: Uuid,
    language: String,
    path: String,
    function: String,
    line: u32,
    /// What could go wrong, such as `division_by_zero`.
    check: String,
    #[schema(value_type = FormalVerdictWord)]
    verdict: FormalVerdict,
    /// Why it is unknown; null for every other verdict.
    reason: Option<String>,
    /// Hex sha256 of the question that the solver was asked; null if it did not take one.
    query_hash: Option<String>,
    /// What the whole function took.
    duration_ms: f64,
    /// Inputs for which it goes wrong.
    counterexample: Option<Vec<InputView>>,
    /// The counterexample as a program of the function's language, where it can be written as one.
    test: Option<String>,
    created_at: Timestamp,
}

/// What an input is when the check fails.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = FormalInput)]
struct InputView {
    name: String,
    value: String,
}

/// One check with the question that decided it.
#[derive(Serialize, ToSchema)]
struct FormalResultDetail {
    #[serde(flatten)]
    result: FormalResultView,
    /// In SMT-LIB 2, without `check-sat`. Null if there is none, or it is too long to be kept.
    query: Option<String>,
}

/// The checks of an analysis, and how they came out altogether.
#[derive(Serialize, ToSchema)]
struct FormalResults {
    /// Null until the checks are made, and for analyses that make none.
    summary: Option<SummaryView>,
    #[serde(flatten)]
    results: List<FormalResultView>,
}

/// How many checks came out how, and what was not looked at.
#[derive(Serialize, ToSchema)]
#[schema(as = FormalSummary)]
struct SummaryView {
    proved: u32,
    refuted: u32,
    caller_dependent: u32,
    unknown: u32,
    /// The share of all checks that are proved, 0.0 to 1.0.
    proved_ratio: f64,
    /// Functions whose checks were all looked at.
    functions: u32,
    /// Functions that could not be read, or not wholly.
    functions_incomplete: u32,
    /// Functions that nobody looked at because the time of the run was over.
    functions_skipped: u32,
    /// Files that name what the change touched, so may call it, and were not read with it because
    /// they are too many.
    callers_unread: u32,
    /// Results that are kept; the rest is only counted.
    kept: u32,
    /// Why the solver did not answer; null: it did, or was never needed.
    solver_unavailable: Option<String>,
    /// Why checks are unknown and functions incomplete, the most frequent first.
    reasons: Vec<ReasonView>,
}

/// A reason, and how often it was met.
#[derive(Serialize, ToSchema)]
#[schema(as = FormalReason)]
struct ReasonView {
    reason: String,
    count: u32,
}

impl From<FormalSummary> for SummaryView {
    fn from(summary: FormalSummary) -> Self {
        let mut reasons: Vec<ReasonView> = summary
            .reasons
            .iter()
            .map(|(reason, count)| ReasonView { reason: reason.clone(), count: *count })
            .collect();
        reasons.sort_by_key(|reason| std::cmp::Reverse(reason.count));
        Self {
            proved: summary.proved,
            refuted: summary.refuted,
            caller_dependent: summary.caller_dependent,
            unknown: summary.unknown,
            proved_ratio: summary.proved_ratio(),
            functions: summary.functions,
            functions_incomplete: summary.functions_incomplete,
            functions_skipped: summary.functions_skipped,
            callers_unread: summary.callers_unread,
            kept: summary.kept,
            solver_unavailable: summary.solver_unavailable,
            reasons,
        }
    }
}

impl From<FormalResult> for FormalResultView {
    fn from(result: FormalResult) -> Self {
        let inputs = result.counterexample.and_then(|inputs| serde_json::from_value(inputs).ok());
        Self {
            id: *result.id.as_uuid(),
            analysis_id: *result.analysis.as_uuid(),
            language: result.language,
            path: result.path,
            function: result.function,
            line: result.line,
            check: result.check,
            verdict: result.verdict,
            reason: result.reason,
            query_hash: result.query_hash,
            duration_ms: result.duration_ms,
            counterexample: inputs,
            test: result.test,
            created_at: result.created_at,
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct FormalFilter {
    #[param(inline, value_type = Option<FormalVerdictWord>)]
    verdict: Option<FormalVerdict>,
    /// What could go wrong, such as `division_by_zero`.
    #[param(max_length = 64)]
    check: Option<String>,
    /// A file, or a folder with everything in it.
    #[param(max_length = 4096)]
    path: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<Uuid>,
    /// At most this many; 50 unless told, 200 at most.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// List what the formal checks of an analysis said.
#[utoipa::path(get, path = "/v1/analyses/{id}/formal", tag = "findings",
    params(("id" = Uuid, Path), FormalFilter),
    responses((status = 200, description = "Refutations first, proofs last.",
               body = FormalResults)))]
async fn list_formal_results(
    State(deps): State<Deps>,
    caller: Caller,
    Id(id): Id<AnalysisId>,
    Filter(wanted): Filter<FormalFilter>,
) -> Result<Json<FormalResults>, Problem> {
    let asked = Asked::new(wanted.cursor, wanted.limit)?;
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Read).await?;
    let Some(analysis) = analyses::find(&tenant.tx, id).await? else {
        return Err(Problem::not_found("analysis"));
    };
    let filter = formal_results::Filter {
        verdict: wanted.verdict,
        check: wanted.check.as_deref(),
        path: wanted.path.as_deref(),
    };
    let rows = formal_results::list(&tenant.tx, id, &filter, asked.page()).await?;
    tenant.commit().await?;
    let metadata = serde_json::from_value::<Metadata>(analysis.metadata).ok();
    let results = asked.list(rows, |row| *row.id.as_uuid(), FormalResultView::from);
    let summary = metadata.and_then(|metadata| metadata.formal).map(SummaryView::from);
    Ok(Json(FormalResults { summary, results }))
}

/// Get one check with the question that decided it.
#[utoipa::path(get, path = "/v1/formal/{id}", tag = "findings", params(("id" = Uuid, Path)),
    responses((status = 200, description = "The check.", body = FormalResultDetail)))]
async fn get_formal_result(
    State(deps): State<Deps>,
    caller: Caller,
    Id(id): Id<FormalResultId>,
) -> Result<Json<FormalResultDetail>, Problem> {
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Read).await?;
    let found = formal_results::find(&tenant.tx, id).await?;
    let mut result = found.ok_or_else(|| Problem::not_found("formal result"))?;
    tenant.commit().await?;
    let query = result.query.take();
    Ok(Json(FormalResultDetail { result: result.into(), query }))
}
