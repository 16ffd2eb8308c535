//! How the findings of a branch go from scan to scan.

use axum::{Json, extract::State};
use domain::{RepositoryId, Scope};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::codebase_scans::{self, CodebaseScan, Results};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::view::{FindingCounts, ScanChanges};
use crate::{
    Deps,
    auth::Caller,
    extract::{Filter, Id},
    paging::Asked,
    problem::{MEDIA_TYPE, Problem, ProblemDocument},
};

pub(super) fn routes() -> OpenApiRouter<Deps> {
    OpenApiRouter::new().routes(routes!(get_trends))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct TrendsFilter {
    /// The repository's default branch unless told.
    #[param(max_length = 255)]
    branch: Option<String>,
    /// The newest so many completed scans; 50 unless told, 200 at most.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// The completed scans of a branch, as they follow one another.
#[derive(Serialize, ToSchema)]
struct ScanTrends {
    branch: String,
    /// How many more findings are open in the newest of these scans than in the oldest; null with
    /// fewer than two.
    open_change: Option<i64>,
    /// The oldest first.
    scans: Vec<ScanPoint>,
}

/// One completed scan.
#[derive(Serialize, ToSchema)]
struct ScanPoint {
    scan_id: Uuid,
    commit: Option<String>,
    completed_at: Option<Timestamp>,
    /// All files of the commit.
    files: u32,
    /// Findings that nobody lives with.
    open: u32,
    dismissed: u32,
    /// Open and dismissed ones.
    findings: FindingCounts,
    /// Null for the first completed scan of the branch.
    changes: Option<ScanChanges>,
    /// The mean of the files' trust scores.
    trust_mean: Option<f64>,
}

impl ScanPoint {
    fn of(scan: CodebaseScan) -> Option<Self> {
        let results: Results = scan.results?;
        let all: u32 = results.findings.values().sum();
        Some(Self {
            scan_id: *scan.id.as_uuid(),
            commit: scan.commit.as_ref().map(ToString::to_string),
            completed_at: scan.completed_at,
            files: results.files,
            open: all.saturating_sub(results.dismissed),
            dismissed: results.dismissed,
            findings: FindingCounts::from(&results),
            changes: results.changes.map(ScanChanges::from),
            trust_mean: results.trust.and_then(|trust| trust.mean),
        })
    }
}

/// How the findings of a branch go from one completed scan to the next.
#[utoipa::path(get, path = "/v1/repositories/{id}/scan-trends", tag = "scans",
    params(("id" = Uuid, Path), TrendsFilter),
    responses(
        (status = 200, description = "The oldest first.", body = ScanTrends),
        (status = 404, description = "The organisation has no such repository.",
         body = ProblemDocument, content_type = MEDIA_TYPE)))]
async fn get_trends(
    State(deps): State<Deps>,
    caller: Caller,
    Id(id): Id<RepositoryId>,
    Filter(wanted): Filter<TrendsFilter>,
) -> Result<Json<ScanTrends>, Problem> {
    let asked = Asked::new(None, wanted.limit)?;
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Read).await?;
    let repository = store::repositories::find(&tenant.tx, id).await?;
    let repository = repository.ok_or_else(|| Problem::not_found("repository"))?;
    let branch = wanted.branch.unwrap_or(repository.default_branch);
    let newest =
        codebase_scans::list_completed(&tenant.tx, repository.id, &branch, asked.limit()).await?;
    tenant.commit().await?;
    let scans: Vec<ScanPoint> = newest.into_iter().rev().filter_map(ScanPoint::of).collect();
    let open_change = match &scans[..] {
        [oldest, .., newest] => Some(i64::from(newest.open) - i64::from(oldest.open)),
        [] | [_] => None,
    };
    Ok(Json(ScanTrends { branch, open_change, scans }))
}
