//! Scores of one file over time, and of all files counted.

use axum::{Json, extract::State};
use domain::{ProjectId, RepositoryId, Scope, Trend};
use serde::{Deserialize, Serialize};
use store::{
    projects,
    trust_scores::{self, Stats},
};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{ScoreView, know_repository};
use crate::{
    Deps,
    auth::Caller,
    extract::{Filter, Id},
    problem::Problem,
    words::TrendWord,
};

/// Most scores of one file that are looked back on.
const HISTORY_MAX: u32 = 100;

pub(super) fn routes() -> OpenApiRouter<Deps> {
    OpenApiRouter::new()
        .routes(routes!(get_trust_history))
        .routes(routes!(get_trust_stats))
        .routes(routes!(get_trust_stats_of_project))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct HistoryFilter {
    #[param(max_length = 4096)]
    path: String,
    /// At most this many of the newest; 100 unless told, 100 at most.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// The scores of a file, and which way they go.
#[derive(Serialize, ToSchema)]
struct TrustHistory {
    path: String,
    /// Newest first; all by one method.
    items: Vec<ScoreView>,
    /// The newer half beside the older one. Null: fewer than four scores have no direction.
    #[schema(value_type = Option<TrendWord>)]
    trend: Option<Trend>,
}

/// Get the trust scores of a file over time.
#[utoipa::path(get, path = "/v1/repositories/{id}/trust-history", tag = "trust",
    params(("id" = Uuid, Path), HistoryFilter),
    responses((status = 200, description = "Newest first.", body = TrustHistory)))]
async fn get_trust_history(
    State(deps): State<Deps>,
    caller: Caller,
    Id(id): Id<RepositoryId>,
    Filter(wanted): Filter<HistoryFilter>,
) -> Result<Json<TrustHistory>, Problem> {
    let limit = wanted.limit.unwrap_or(HISTORY_MAX);
    if !(1..=HISTORY_MAX).contains(&limit) {
        return Err(Problem::field("limit", format!("expected 1 to {HISTORY_MAX}")));
    }
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Read).await?;
    know_repository(&tenant, id).await?;
    let found = trust_scores::list_of_file(&tenant.tx, id, &wanted.path, i64::from(limit)).await?;
    tenant.commit().await?;
    let scores: Vec<f64> = found.iter().map(|score| score.score).collect();
    let items = found.iter().map(ScoreView::from).collect();
    Ok(Json(TrustHistory { path: wanted.path, items, trend: Trend::of(&scores) }))
}

/// The newest score of each file, counted.
#[derive(Serialize, ToSchema)]
struct TrustStats {
    files: i64,
    /// Null without files, as are the next two.
    mean: Option<f64>,
    lowest: Option<f64>,
    highest: Option<f64>,
    risk_levels: ByRiskLevel,
}

/// Files by the level of their risk.
#[derive(Serialize, ToSchema)]
struct ByRiskLevel {
    low: i64,
    medium: i64,
    high: i64,
    critical: i64,
}

impl From<Stats> for TrustStats {
    fn from(stats: Stats) -> Self {
        let Stats { files, mean, lowest, highest, low, medium, high, critical } = stats;
        let risk_levels = ByRiskLevel { low, medium, high, critical };
        Self { files, mean, lowest, highest, risk_levels }
    }
}

/// Count the files of a repository by their newest trust score.
#[utoipa::path(get, path = "/v1/repositories/{id}/trust-stats", tag = "trust",
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "The counts.", body = TrustStats)))]
async fn get_trust_stats(
    State(deps): State<Deps>,
    caller: Caller,
    Id(id): Id<RepositoryId>,
) -> Result<Json<TrustStats>, Problem> {
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Read).await?;
    know_repository(&tenant, id).await?;
    let stats = trust_scores::stats(&tenant.tx, Some(id), None).await?;
    tenant.commit().await?;
    Ok(Json(stats.into()))
}

/// Count the files of a project by their newest trust score.
#[utoipa::path(get, path = "/v1/projects/{id}/trust-stats", tag = "trust",
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "The counts.", body = TrustStats)))]
async fn get_trust_stats_of_project(
    State(deps): State<Deps>,
    caller: Caller,
    Id(id): Id<ProjectId>,
) -> Result<Json<TrustStats>, Problem> {
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Read).await?;
    projects::find(&tenant.tx, id).await?.ok_or_else(|| Problem::not_found("project"))?;
    let stats = trust_scores::stats(&tenant.tx, None, Some(id)).await?;
    tenant.commit().await?;
    Ok(Json(stats.into()))
}
