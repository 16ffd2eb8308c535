//! Scans of all the code of a branch.

use axum::{Json, extract::State, http::StatusCode};
use domain::{
    CodebaseScanId, ErrorCode, RepositoryId, RunId, RunKind, RunStatus, Scope, Severity,
    kinds::codebase_scan::{Input, Sharded},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{
    codebase_scans::{self, Changes, CodebaseScan, Results},
    run_steps,
    runs::{self, NewRun},
};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

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
    words::{ErrorCodeWord, RunStatusWord},
};

/// What a scan's own status can be; its run knows more.
const STATUSES: [&str; 4] = ["pending", "running", "completed", "failed"];

pub(crate) fn routes() -> OpenApiRouter<Deps> {
    OpenApiRouter::new().routes(routes!(request_scan, list_scans)).routes(routes!(get_scan))
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

/// A scan of all the code of a branch.
#[derive(Serialize, ToSchema)]
#[schema(as = Scan)]
struct ScanView {
    id: Uuid,
    repository_id: Uuid,
    /// The run that does it; after a retry, the newest one.
    run_id: Option<Uuid>,
    #[schema(value_type = Option<RunStatusWord>)]
    run_status: Option<RunStatus>,
    branch: String,
    /// The commit that the branch stood at when the scan began.
    commit: Option<String>,
    /// `pending`, `running`, `completed` or `failed`.
    status: String,
    /// `manual`, `schedule` or `api`.
    triggered_by: String,
    /// Files that were parsed; 0 until it is completed, as is the next.
    files_scanned: i32,
    findings_count: i32,
    #[schema(value_type = Option<ErrorCodeWord>)]
    error_code: Option<ErrorCode>,
    error: Option<String>,
    created_at: Timestamp,
    started_at: Option<Timestamp>,
    completed_at: Option<Timestamp>,
}

impl From<&CodebaseScan> for ScanView {
    fn from(scan: &CodebaseScan) -> Self {
        Self {
            id: *scan.id.as_uuid(),
            repository_id: *scan.repository.as_uuid(),
            run_id: scan.run.map(|id| *id.as_uuid()),
            run_status: scan.run_status,
            branch: scan.branch.clone(),
            commit: scan.commit.as_ref().map(ToString::to_string),
            status: scan.status.clone(),
            triggered_by: scan.triggered_by.clone(),
            files_scanned: scan.files_scanned,
            findings_count: scan.findings_count,
            error_code: scan.error_code,
            error: scan.error_message.clone(),
            created_at: scan.created_at,
            started_at: scan.started_at,
            completed_at: scan.completed_at,
        }
    }
}

/// A scan with how far it is, and what came of it.
#[derive(Serialize, ToSchema)]
struct ScanDetail {
    #[serde(flatten)]
    scan: ScanView,
    /// Under which its findings are listed, once it has fetched the code.
    analysis_id: Option<Uuid>,
    /// Null until the files are divided among shards.
    shards: Option<ShardProgress>,
    /// Null until it is completed.
    results: Option<ScanResults>,
}

/// How many shards there are, by how far each is.
#[derive(Debug, Default, PartialEq, Serialize, ToSchema)]
struct ShardProgress {
    total: usize,
    /// Queued or parked.
    waiting: usize,
    running: usize,
    succeeded: usize,
    failed: usize,
    canceled: usize,
}

impl ShardProgress {
    fn of(total: usize, statuses: impl Iterator<Item = RunStatus>) -> Self {
        let mut progress = Self { total, ..Self::default() };
        for status in statuses {
            let count = match status {
                RunStatus::Queued | RunStatus::Waiting => &mut progress.waiting,
                RunStatus::Running => &mut progress.running,
                RunStatus::Succeeded => &mut progress.succeeded,
                RunStatus::Failed => &mut progress.failed,
                RunStatus::Canceled => &mut progress.canceled,
            };
            *count += 1;
        }
        progress
    }
}

/// What came of a scan.
#[derive(Serialize, ToSchema)]
struct ScanResults {
    /// All files of the commit.
    files: u32,
    findings: FindingCounts,
    /// Of the findings, those that people live with.
    dismissed: u32,
    /// Files that were not read, whatever for; the analysis lists them.
    unanalysed: usize,
    /// Places where a rule, or all of them, did not come to an end.
    incomplete: usize,
    /// Null for the first completed scan of a branch.
    changes: Option<ScanChanges>,
    report_artifact_id: Uuid,
}

/// Findings by severity.
#[derive(Serialize, ToSchema)]
struct FindingCounts {
    critical: u32,
    high: u32,
    medium: u32,
    low: u32,
    info: u32,
}

/// What the scan found beside what the one before found; what moves within its file is the same.
#[derive(Serialize, ToSchema)]
struct ScanChanges {
    /// The scan of the same branch that was completed last.
    since_scan_id: Uuid,
    new: i64,
    persisting: i64,
    fixed: i64,
    /// Not found again, in files that were not read to the end this time.
    not_checked: i64,
}

impl From<Changes> for ScanChanges {
    fn from(changes: Changes) -> Self {
        let Changes { since, new, persisting, fixed, not_checked } = changes;
        Self { since_scan_id: *since.as_uuid(), new, persisting, fixed, not_checked }
    }
}

impl From<Results> for ScanResults {
    fn from(results: Results) -> Self {
        let of = |severity| results.findings.get(&severity).copied().unwrap_or_default();
        Self {
            files: results.files,
            findings: FindingCounts {
                critical: of(Severity::Critical),
                high: of(Severity::High),
                medium: of(Severity::Medium),
                low: of(Severity::Low),
                info: of(Severity::Info),
            },
            dismissed: results.dismissed,
            unanalysed: results.unanalysed,
            incomplete: results.incomplete,
            changes: results.changes.map(ScanChanges::from),
            report_artifact_id: *results.report.as_uuid(),
        }
    }
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
