//! How far files can be relied on, as it was computed when their commits were examined.

mod history;

use axum::{Json, extract::State};
use domain::{CommitSha, ProjectId, RepositoryId, RiskLevel, Scope, TrustScoreId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{
    repositories,
    trust_scores::{self, Score},
};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    Deps,
    auth::{Caller, Tenant},
    extract::{Body, Filter, Id},
    paging::{Asked, List},
    problem::{Checks, Problem},
    words::{LanguageWord, RiskLevelWord},
};

/// Most files that one question may be about.
const BATCH_MAX: usize = 200;
/// Longest path, as Linux has it.
const PATH_BYTES_MAX: usize = 4096;

pub(crate) fn routes() -> OpenApiRouter<Deps> {
    OpenApiRouter::new()
        .routes(routes!(list_trust_scores))
        .routes(routes!(get_trust_score))
        .routes(routes!(get_trust_score_of_file))
        .routes(routes!(get_trust_scores_of_files))
        .merge(history::routes())
}

/// How much evidence there is that a file can be relied on.
#[derive(Serialize, ToSchema)]
#[schema(as = TrustScore)]
struct ScoreView {
    id: Uuid,
    repository_id: Uuid,
    run_id: Option<Uuid>,
    path: String,
    commit: String,
    /// 0 to 100. What could not be measured takes no part.
    score: f64,
    #[schema(value_type = RiskLevelWord)]
    risk_level: RiskLevel,
    /// 0.0 to 1.0: how much of what a score stands on was there.
    confidence: f64,
    /// What the plain formula gives, with its stand-ins for what was not measured.
    formula_score: f64,
    /// Deciding findings that the change brought into the file; null when it was compared with
    /// nothing.
    introduced: Option<i32>,
    /// Scores of different methods cannot be compared.
    method: String,
    computed_at: Timestamp,
}

impl From<&Score> for ScoreView {
    fn from(score: &Score) -> Self {
        Self {
            id: *score.id.as_uuid(),
            repository_id: *score.repository.as_uuid(),
            run_id: score.run.map(|id| *id.as_uuid()),
            path: score.path.clone(),
            commit: score.commit.to_string(),
            score: score.score,
            risk_level: score.risk_level,
            confidence: score.confidence,
            formula_score: score.formula_score,
            introduced: score.introduced,
            method: score.method.clone(),
            computed_at: score.computed_at,
        }
    }
}

/// A score with all that it stands on.
#[derive(Serialize, ToSchema)]
struct TrustScoreDetail {
    #[serde(flatten)]
    score: ScoreView,
    #[serde(flatten)]
    evidence: EvidenceView,
    /// Always null: no claim is made about who or what wrote code.
    ai_probability: Option<f64>,
}

/// What a score was computed from.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = TrustEvidence)]
struct EvidenceView {
    #[schema(value_type = LanguageWord)]
    language: String,
    lines: u32,
    /// Why the risk is at that level.
    risk_reasons: Vec<String>,
    /// Their points add up to the score.
    factors: Vec<FactorView>,
    /// Names of the factors that take no part.
    not_measured: Vec<String>,
    formula: FormulaView,
}

/// One of the five things that make a score.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = TrustFactor)]
struct FactorView {
    /// `complexity`, `pattern`, `history`, `verification` or `quality`.
    name: String,
    /// 0.0 to 1.0, more is better. Null: not measured.
    value: Option<f64>,
    /// As the formula has it; the five add up to 1.
    weight: f64,
    /// Its weight among those that were measured.
    share: f64,
    points: f64,
    /// Why it was not measured.
    not_measured: Option<String>,
    parts: Vec<PartView>,
}

/// One thing that was looked at for a factor.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = TrustPart)]
struct PartView {
    name: String,
    /// Within its factor.
    weight: f64,
    /// 0.0 to 1.0, as the factor uses it. Null: it does not apply.
    value: Option<f64>,
    /// How often it was seen.
    count: u64,
    /// Among how many.
    of: Option<u64>,
    note: String,
    /// Where it was seen; the first twenty.
    places: Vec<PlaceView>,
}

#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = TrustPlace)]
struct PlaceView {
    line: u32,
    /// The rule that found it, if a rule did.
    rule: Option<String>,
}

/// What the plain formula gives.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = TrustFormula)]
struct FormulaView {
    score: f64,
    #[schema(value_type = RiskLevelWord)]
    risk_level: String,
    /// Factors that it has only a stand-in for.
    assumed: Vec<String>,
}

fn detail(score: &Score) -> Result<Json<TrustScoreDetail>, Problem> {
    let evidence = serde_json::from_value(score.factors.clone()).map_err(Problem::bug)?;
    Ok(Json(TrustScoreDetail { score: ScoreView::from(score), evidence, ai_probability: None }))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct TrustScoreFilter {
    #[param(value_type = Option<Uuid>)]
    repository_id: Option<RepositoryId>,
    #[param(value_type = Option<Uuid>)]
    project_id: Option<ProjectId>,
    #[param(max_length = 4096)]
    path: Option<String>,
    /// The full name of a commit.
    #[param(max_length = 64)]
    commit: Option<String>,
    #[param(inline, value_type = Option<RiskLevelWord>)]
    risk_level: Option<RiskLevel>,
    /// `next_cursor` of the page before.
    cursor: Option<Uuid>,
    /// At most this many; 50 unless told, 200 at most.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// List trust scores.
#[utoipa::path(get, path = "/v1/trust-scores", tag = "trust", params(TrustScoreFilter),
    responses((status = 200, description = "The newest first, the files of one commit by path.",
               body = List<ScoreView>)))]
async fn list_trust_scores(
    State(deps): State<Deps>,
    caller: Caller,
    Filter(wanted): Filter<TrustScoreFilter>,
) -> Result<Json<List<ScoreView>>, Problem> {
    let asked = Asked::new(wanted.cursor, wanted.limit)?;
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Read).await?;
    let filter = trust_scores::Filter {
        repository: wanted.repository_id,
        project: wanted.project_id,
        path: wanted.path.as_deref(),
        commit: wanted.commit.as_deref(),
        risk_level: wanted.risk_level,
    };
    let rows = trust_scores::list(&tenant.tx, &filter, asked.page()).await?;
    tenant.commit().await?;
    Ok(Json(asked.list(rows, |row| *row.id.as_uuid(), |row| ScoreView::from(&row))))
}

/// Get a trust score with its evidence.
#[utoipa::path(get, path = "/v1/trust-scores/{id}", tag = "trust", params(("id" = Uuid, Path)),
    responses((status = 200, description = "The score.", body = TrustScoreDetail)))]
async fn get_trust_score(
    State(deps): State<Deps>,
    caller: Caller,
    Id(id): Id<TrustScoreId>,
) -> Result<Json<TrustScoreDetail>, Problem> {
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Read).await?;
    let score = trust_scores::find(&tenant.tx, id).await?;
    tenant.commit().await?;
    detail(&score.ok_or_else(|| Problem::not_found("trust score"))?)
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct FileFilter {
    #[param(max_length = 4096)]
    path: String,
    /// The full name of a commit; the newest score of the file unless told.
    #[param(max_length = 64, value_type = Option<String>)]
    commit: Option<CommitSha>,
}

async fn know_repository(tenant: &Tenant<'_>, id: RepositoryId) -> Result<(), Problem> {
    let found = repositories::find(&tenant.tx, id).await?;
    found.map(drop).ok_or_else(|| Problem::not_found("repository"))
}

/// Get the trust score of a file, at a commit or the newest.
#[utoipa::path(get, path = "/v1/repositories/{id}/trust-score", tag = "trust",
    params(("id" = Uuid, Path), FileFilter),
    responses((status = 200, description = "The score.", body = TrustScoreDetail)))]
async fn get_trust_score_of_file(
    State(deps): State<Deps>,
    caller: Caller,
    Id(id): Id<RepositoryId>,
    Filter(wanted): Filter<FileFilter>,
) -> Result<Json<TrustScoreDetail>, Problem> {
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Read).await?;
    know_repository(&tenant, id).await?;
    let found = match &wanted.commit {
        Some(commit) => {
            let paths = [wanted.path.clone()];
            trust_scores::list_at(&tenant.tx, id, commit, &paths).await?
        }
        None => trust_scores::list_of_file(&tenant.tx, id, &wanted.path, 1).await?,
    };
    tenant.commit().await?;
    detail(found.first().ok_or_else(|| Problem::not_found("trust score"))?)
}

/// Which files of which commit.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Batch {
    #[schema(value_type = String)]
    commit: CommitSha,
    #[schema(min_items = 1, max_items = 200)]
    paths: Vec<String>,
}

/// The scores that there are, and the files that have none.
#[derive(Serialize, ToSchema)]
struct BatchResult {
    items: Vec<ScoreView>,
    missing: Vec<String>,
}

/// Get the trust scores of many files of one commit. Changes nothing.
#[utoipa::path(post, path = "/v1/repositories/{id}/trust-scores", tag = "trust",
    params(("id" = Uuid, Path)), request_body = Batch,
    responses((status = 200, description = "By path.", body = BatchResult)))]
async fn get_trust_scores_of_files(
    State(deps): State<Deps>,
    caller: Caller,
    Id(id): Id<RepositoryId>,
    Body(wanted): Body<Batch>,
) -> Result<Json<BatchResult>, Problem> {
    let mut checks = Checks::default();
    let fits = (1..=BATCH_MAX).contains(&wanted.paths.len());
    checks.require(fits, "paths", format!("expected 1 to {BATCH_MAX} paths"));
    let short =
        wanted.paths.iter().all(|path| path.len() <= PATH_BYTES_MAX && !path.contains('\0'));
    checks.require(short, "paths", format!("expected paths of at most {PATH_BYTES_MAX} bytes"));
    checks.done()?;
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Read).await?;
    know_repository(&tenant, id).await?;
    let found = trust_scores::list_at(&tenant.tx, id, &wanted.commit, &wanted.paths).await?;
    tenant.commit().await?;
    let mut missing = wanted.paths;
    missing.retain(|path| found.iter().all(|score| score.path != *path));
    missing.sort_unstable();
    missing.dedup();
    Ok(Json(BatchResult { items: found.iter().map(ScoreView::from).collect(), missing }))
}
