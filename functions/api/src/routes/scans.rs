//! Scans of all the code of a branch.

use axum::{Json, extract::State, http::StatusCode};
use domain::{
    CodebaseScanId, RepositoryId, RunId, RunKind, Scope,
    kinds::codebase_scan::{Input, Sharded},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{
    codebase_scans, run_steps,
    runs::{self, NewRun},
};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

mod trends;
mod view;

use view::{ScanDetail, ScanResults, ScanView, ShardProgress};

use super::{
    repositories::check_ref,
    requests::{new_run, open_repository},
};
use crate::{
    Deps, announce,
    auth::{Caller, Tenant},
    extract::{Body, Filter, Id},
    observe::Trace,
    paging::{Asked, List},
    problem::{Checks, MEDIA_TYPE, Problem, ProblemDocument},
};

/// What a scan's own status can be; its run knows more.
const STATUSES: [&str; 4] = ["pending", "running", "completed", "failed"];

pub(crate) fn routes() -> OpenApiRouter<Deps> {
    OpenApiRouter::new()
        .routes(routes!(request_scan, list_scans))
        .routes(routes!(get_scan))
        .merge(trends::routes())
}

/// Which code to scan.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RequestScan {
    #[schema(value_type = Uuid)]
    repository_id: RepositoryId,
    /// The repository's default branch unless told.
    #[schema(max_length = 255)]
    branch: Option<String>,
}

/// The scan that was asked for, and the run that does it.
#[derive(Serialize, ToSchema)]
struct AcceptedScan {
    scan_id: Uuid,
    run_id: Uuid,
    /// It had been asked for before, and this is the same scan.
    deduplicated: bool,
}

fn accepted(
    scan: CodebaseScanId,
    run: RunId,
    deduplicated: bool,
) -> (StatusCode, Json<AcceptedScan>) {
    let answer = AcceptedScan { scan_id: *scan.as_uuid(), run_id: *run.as_uuid(), deduplicated };
    (StatusCode::ACCEPTED, Json(answer))
}

/// Scan all the code of a branch. While a scan of the same branch that was asked for here is open,
/// asking again is the same scan.
#[utoipa::path(post, path = "/v1/scans", tag = "scans", request_body = RequestScan,
    responses(
        (status = 202, description = "It is scanned soon.", body = AcceptedScan),
        (status = 404, description = "The organisation has no such repository.",
         body = ProblemDocument, content_type = MEDIA_TYPE),
        (status = 409, description = "The repository is disabled, archived or suspended.",
         body = ProblemDocument, content_type = MEDIA_TYPE)))]
async fn request_scan(
    State(deps): State<Deps>,
    caller: Caller,
    Trace(trace): Trace,
    Body(wanted): Body<RequestScan>,
) -> Result<(StatusCode, Json<AcceptedScan>), Problem> {
    if let Some(branch) = &wanted.branch {
        let mut checks = Checks::default();
        check_ref(&mut checks, "branch", branch);
        checks.done()?;
    }
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Write).await?;
    let repository = open_repository(&tenant, wanted.repository_id).await?;
    let branch = wanted.branch.unwrap_or_else(|| repository.default_branch.clone());
    let open = codebase_scans::find_open_manual(&tenant.tx, repository.id, &branch).await?;
    if let Some((scan, run)) = open {
        tenant.commit().await?;
        return Ok(accepted(scan, run, true));
    }
    let input = Input { branch: Some(branch.clone()), ..Input::default() };
    let input = serde_json::to_value(input).map_err(Problem::bug)?;
    let run = NewRun {
        git_ref: Some(format!("refs/heads/{branch}")),
        ..new_run(&tenant, &repository, RunKind::CodebaseScan, input, trace.as_str())
    };
    runs::insert(&tenant.tx, &run).await?;
    let scan = codebase_scans::request(&tenant.tx, run.id).await?;
    let unsent =
        announce::write_down(&tenant, &announce::analysis(tenant.org, run.id), &trace).await?;
    let details = json!({ "repository_id": repository.id, "branch": branch, "scan_id": scan });
    tenant.audit("scan.requested", "run", *run.id.as_uuid(), &details).await?;
    tenant.commit().await?;
    announce::send(&deps, &mut session, &unsent).await;
    Ok(accepted(scan, run.id, false))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ScanFilter {
    #[param(value_type = Option<Uuid>)]
    repository_id: Option<RepositoryId>,
    branch: Option<String>,
    /// `pending`, `running`, `completed` or `failed`.
    status: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<Uuid>,
    /// At most this many; 50 unless told, 200 at most.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// List scans.
#[utoipa::path(get, path = "/v1/scans", tag = "scans", params(ScanFilter),
    responses((status = 200, description = "Newest first.", body = List<ScanView>)))]
async fn list_scans(
    State(deps): State<Deps>,
    caller: Caller,
    Filter(wanted): Filter<ScanFilter>,
) -> Result<Json<List<ScanView>>, Problem> {
    let asked = Asked::new(wanted.cursor, wanted.limit)?;
    let mut checks = Checks::default();
    let known = wanted.status.as_deref().is_none_or(|status| STATUSES.contains(&status));
    checks.require(known, "status", format!("expected one of {}", STATUSES.join(", ")));
    checks.done()?;
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Read).await?;
    let filter = codebase_scans::Filter {
        repository: wanted.repository_id,
        branch: wanted.branch.as_deref(),
        status: wanted.status.as_deref(),
    };
    let rows = codebase_scans::list(&tenant.tx, &filter, asked.page()).await?;
    tenant.commit().await?;
    Ok(Json(asked.list(rows, |row| *row.id.as_uuid(), |row| ScanView::from(&row))))
}

/// Get a scan with its progress and, once it is completed, its results.
#[utoipa::path(get, path = "/v1/scans/{id}", tag = "scans", params(("id" = Uuid, Path)),
    responses((status = 200, description = "The scan.", body = ScanDetail)))]
async fn get_scan(
    State(deps): State<Deps>,
    caller: Caller,
    Id(id): Id<CodebaseScanId>,
) -> Result<Json<ScanDetail>, Problem> {
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Read).await?;
    let scan = codebase_scans::find(&tenant.tx, id).await?;
    let scan = scan.ok_or_else(|| Problem::not_found("scan"))?;
    let shards = match scan.run {
        Some(run) => progress(&tenant, run).await?,
        None => None,
    };
    tenant.commit().await?;
    Ok(Json(ScanDetail {
        scan: ScanView::from(&scan),
        analysis_id: scan.analysis.map(|id| *id.as_uuid()),
        shards,
        results: scan.results.map(ScanResults::from),
    }))
}

/// How far each shard is, or the run that went on from it.
async fn progress(tenant: &Tenant<'_>, run: RunId) -> Result<Option<ShardProgress>, Problem> {
    let outputs = run_steps::list_outputs(&tenant.tx, &[run], "shard").await?;
    let Some(output) = outputs.into_iter().next() else { return Ok(None) };
    let sharded: Sharded = serde_json::from_value(output).map_err(Problem::bug)?;
    let shards = runs::list_latest(&tenant.tx, &sharded.shards).await?;
    let statuses = shards.iter().map(|shard| shard.status);
    Ok(Some(ShardProgress::of(sharded.shards.len(), statuses)))
}
