//! When a repository's branches are scanned.

use axum::{Json, extract::State, http::StatusCode, http::header, response::IntoResponse};
use domain::{CatchUp, RepositoryId, ScanScheduleId, Scope, SkipReason};
use jiff::Timestamp;
use schedule::{Part, Schedule};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{
    repositories,
    scan_schedules::{self, ScanSchedule, Settings},
};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::repositories::check_ref;
use crate::{
    Deps,
    auth::{Caller, Tenant},
    extract::{Body, Filter, Id},
    paging::{Asked, List},
    problem::{Checks, MEDIA_TYPE, Problem, ProblemDocument},
    words::{CatchUpWord, SkipReasonWord},
};

/// Enough for a schedule of each branch that lives long; a scan is not cheap.
const SCHEDULES_PER_REPOSITORY_MAX: i64 = 20;
/// Fires that an answer shows.
const FIRES_SHOWN: usize = 5;

pub(crate) fn routes() -> OpenApiRouter<Deps> {
    OpenApiRouter::new().routes(routes!(create_schedule, list_schedules)).routes(routes!(
        get_schedule,
        change_schedule,
        delete_schedule
    ))
}

/// When a branch is scanned.
#[derive(Serialize, ToSchema)]
#[schema(as = ScanSchedule)]
struct ScheduleView {
    id: Uuid,
    repository_id: Uuid,
    branch: String,
    /// Five fields: minute, hour, day of month, month, day of week (1 is Monday).
    cron: String,
    /// The zone by whose clocks the expression is read, as the IANA database spells it.
    time_zone: String,
    enabled: bool,
    #[schema(value_type = CatchUpWord)]
    catch_up: CatchUp,
    /// Null while it is disabled.
    next_run_at: Option<Timestamp>,
    /// The next five fires as the clocks of the zone show them; none while it is disabled.
    next_fires: Vec<String>,
    /// The newest fire that was run.
    last_run_at: Option<Timestamp>,
    /// The newest fire that was not run.
    last_skipped_at: Option<Timestamp>,
    /// Why it was not: `overlap`, the run before it was not over; `late`, it was noticed too
    /// late and nothing is to be caught up with; `unreadable`, its zone is no longer known.
    #[schema(value_type = Option<SkipReasonWord>)]
    last_skip_reason: Option<SkipReason>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl From<ScanSchedule> for ScheduleView {
    fn from(row: ScanSchedule) -> Self {
        let next_fires = next_fires(&row);
        let (last_skipped_at, last_skip_reason) = row.last_skipped.unzip();
        Self {
            id: *row.id.as_uuid(),
            repository_id: *row.repository.as_uuid(),
            branch: row.branch,
            cron: row.expression,
            time_zone: row.time_zone,
            enabled: row.enabled,
            catch_up: row.catch_up,
            next_run_at: row.next_run_at,
            next_fires,
            last_run_at: row.last_run_at,
            last_skipped_at,
            last_skip_reason,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

fn next_fires(row: &ScanSchedule) -> Vec<String> {
    let Some(first) = row.next_run_at else { return Vec::new() };
    let Ok(schedule) = Schedule::parse(&row.expression, &row.time_zone) else { return Vec::new() };
    let fires = std::iter::once(first).chain(schedule.fires_after(first));
    let local = |fire| schedule.local(fire).strftime("%FT%T%:z").to_string();
    fires.take(FIRES_SHOWN).map(local).collect()
}

/// A branch to be scanned again and again.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateSchedule {
    #[schema(value_type = Uuid)]
    repository_id: RepositoryId,
    /// Five fields: minute, hour, day of month, month, day of week (1 is Monday), such as
    /// `30 4 * * 1-5`; or `@daily`. At most every five minutes.
    #[schema(max_length = 100)]
    cron: String,
    /// A name of the IANA database, such as `Europe/Berlin`.
    #[serde(default = "utc")]
    #[schema(default = "UTC", max_length = 64)]
    time_zone: String,
    /// The repository's default branch unless told.
    branch: Option<String>,
    #[serde(default = "enabled")]
    #[schema(default = true)]
    enabled: bool,
    /// What becomes of fires that nobody saw to in time: `latest`, the newest of them is run once;
    /// `skip`, none is.
    #[serde(default = "latest")]
    #[schema(value_type = CatchUpWord, default = "latest")]
    catch_up: CatchUp,
}

fn utc() -> String {
    "UTC".to_owned()
}

fn enabled() -> bool {
    true
}

fn latest() -> CatchUp {
    CatchUp::Latest
}

/// Reads both parts of a schedule, so that a caller learns at once what is wrong with either.
fn read(cron: &str, time_zone: &str, branch: Option<&str>) -> Result<Schedule, Problem> {
    let mut checks = Checks::default();
    if let Some(branch) = branch {
        check_ref(&mut checks, "branch", branch);
    }
    let parsed = Schedule::parse(cron, time_zone);
    if let Err(error) = &parsed {
        let field = match error.part() {
            Part::Expression => "cron",
            Part::Zone => "time_zone",
        };
        checks.require(false, field, error.to_string());
        let zone_alone = Schedule::parse("@daily", time_zone);
        if let (Part::Expression, Err(error)) = (error.part(), zone_alone) {
            checks.require(false, "time_zone", error.to_string());
        }
    }
    checks.done()?;
    parsed.map_err(Problem::bug)
}

/// The first fire from now on, by the database's clock.
async fn next_run(tenant: &Tenant<'_>, schedule: &Schedule) -> Result<Timestamp, Problem> {
    let now = scan_schedules::clock(&tenant.tx).await?;
    schedule.next_after(now).ok_or_else(|| Problem::field("cron", "it never fires again"))
}

/// Scan a branch again and again.
#[utoipa::path(post, path = "/v1/schedules", tag = "schedules", request_body = CreateSchedule,
    responses(
        (status = 201, description = "It is scanned when its time comes.", body = ScheduleView,
         headers(("Location" = String))),
        (status = 404, description = "The organisation has no such repository.",
         body = ProblemDocument, content_type = MEDIA_TYPE),
        (status = 409,
         description = "There is such a schedule, or as many as a repository may have.",
         body = ProblemDocument, content_type = MEDIA_TYPE)))]
async fn create_schedule(
    State(deps): State<Deps>,
    caller: Caller,
    Body(wanted): Body<CreateSchedule>,
) -> Result<impl IntoResponse, Problem> {
    let schedule = read(&wanted.cron, &wanted.time_zone, wanted.branch.as_deref())?;
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Write).await?;
    // Locked, or two callers at once would both be the last that is allowed.
    let repository = repositories::find_locked(&tenant.tx, wanted.repository_id)
        .await?
        .ok_or_else(|| Problem::not_found("repository"))?;
    if scan_schedules::count(&tenant.tx, repository.id).await? >= SCHEDULES_PER_REPOSITORY_MAX {
        let detail = format!(
            "a repository has at most {SCHEDULES_PER_REPOSITORY_MAX} schedules: change or delete one"
        );
        return Err(Problem::conflict(detail));
    }
    let next = next_run(&tenant, &schedule).await?;
    let new = Settings {
        branch: wanted.branch.as_deref().unwrap_or(&repository.default_branch),
        expression: schedule.expression(),
        time_zone: schedule.zone_name(),
        enabled: wanted.enabled,
        catch_up: wanted.catch_up,
        next_run_at: wanted.enabled.then_some(next),
    };
    if let Some(same) = scan_schedules::find_same(&tenant.tx, repository.id, &new).await? {
        let detail = format!("the branch is scanned at these times already: /v1/schedules/{same}");
        return Err(Problem::conflict(detail));
    }
    let row = scan_schedules::insert(&tenant.tx, tenant.org, repository.id, &new).await?;
    audit(&tenant, "schedule.created", &row).await?;
    tenant.commit().await?;
    let location = format!("/v1/schedules/{}", row.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(ScheduleView::from(row))))
}

/// Records a schedule as it is now, or was until now.
async fn audit(tenant: &Tenant<'_>, action: &str, row: &ScanSchedule) -> Result<(), Problem> {
    let details = json!({
        "repository_id": row.repository,
        "branch": row.branch,
        "cron": row.expression,
        "time_zone": row.time_zone,
        "enabled": row.enabled,
        "catch_up": row.catch_up,
    });
    tenant.audit(action, "schedule", *row.id.as_uuid(), &details).await
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ScheduleFilter {
    #[param(value_type = Option<Uuid>)]
    repository_id: Option<RepositoryId>,
    enabled: Option<bool>,
    /// `next_cursor` of the page before.
    cursor: Option<Uuid>,
    /// At most this many; 50 unless told, 200 at most.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// List schedules.
#[utoipa::path(get, path = "/v1/schedules", tag = "schedules", params(ScheduleFilter),
    responses((status = 200, description = "Newest first.", body = List<ScheduleView>)))]
async fn list_schedules(
    State(deps): State<Deps>,
    caller: Caller,
    Filter(wanted): Filter<ScheduleFilter>,
) -> Result<Json<List<ScheduleView>>, Problem> {
    let asked = Asked::new(wanted.cursor, wanted.limit)?;
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Read).await?;
    let filter =
        scan_schedules::Filter { repository: wanted.repository_id, enabled: wanted.enabled };
    let rows = scan_schedules::list(&tenant.tx, filter, asked.page()).await?;
    tenant.commit().await?;
    Ok(Json(asked.list(rows, |row| *row.id.as_uuid(), ScheduleView::from)))
}

/// Get one schedule.
#[utoipa::path(get, path = "/v1/schedules/{id}", tag = "schedules", params(("id" = Uuid, Path)),
    responses((status = 200, description = "The schedule.", body = ScheduleView)))]
async fn get_schedule(
    State(deps): State<Deps>,
    caller: Caller,
    Id(id): Id<ScanScheduleId>,
) -> Result<Json<ScheduleView>, Problem> {
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Read).await?;
    let row = scan_schedules::find(&tenant.tx, id).await?;
    let row = row.ok_or_else(|| Problem::not_found("schedule"))?;
    tenant.commit().await?;
    Ok(Json(row.into()))
}

/// What is to be changed; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeSchedule {
    #[schema(max_length = 100)]
    cron: Option<String>,
    #[schema(max_length = 64)]
    time_zone: Option<String>,
    branch: Option<String>,
    enabled: Option<bool>,
    #[schema(value_type = Option<CatchUpWord>)]
    catch_up: Option<CatchUp>,
}

impl ChangeSchedule {
    fn check(&self) -> Result<(), Problem> {
        let Self { cron, time_zone, branch, enabled, catch_up } = self;
        let mut checks = Checks::default();
        checks.require(
            cron.is_some()
                || time_zone.is_some()
                || branch.is_some()
                || enabled.is_some()
                || catch_up.is_some(),
            "body",
            "there is nothing to change in it",
        );
        checks.done()
    }
}

/// Change a schedule. With a new time, or enabled again, it begins anew: what it has missed
/// until then is forgotten.
#[utoipa::path(patch, path = "/v1/schedules/{id}", tag = "schedules",
    params(("id" = Uuid, Path)), request_body = ChangeSchedule,
    responses((status = 200, description = "As it is now.", body = ScheduleView)))]
async fn change_schedule(
    State(deps): State<Deps>,
    caller: Caller,
    Id(id): Id<ScanScheduleId>,
    Body(wanted): Body<ChangeSchedule>,
) -> Result<Json<ScheduleView>, Problem> {
    wanted.check()?;
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Write).await?;
    let row = find_locked(&tenant, id).await?;
    let cron = wanted.cron.as_deref().unwrap_or(&row.expression);
    let time_zone = wanted.time_zone.as_deref().unwrap_or(&row.time_zone);
    let schedule = read(cron, time_zone, wanted.branch.as_deref())?;
    let enabled = wanted.enabled.unwrap_or(row.enabled);
    let settings = Settings {
        branch: wanted.branch.as_deref().unwrap_or(&row.branch),
        expression: schedule.expression(),
        time_zone: schedule.zone_name(),
        enabled,
        catch_up: wanted.catch_up.unwrap_or(row.catch_up),
        next_run_at: next_after_change(&tenant, &row, &schedule, enabled).await?,
    };
    let row = scan_schedules::update(&tenant.tx, id, &settings).await?;
    let row = row.ok_or_else(|| Problem::not_found("schedule"))?;
    audit(&tenant, "schedule.changed", &row).await?;
    tenant.commit().await?;
    Ok(Json(row.into()))
}

async fn find_locked(tenant: &Tenant<'_>, id: ScanScheduleId) -> Result<ScanSchedule, Problem> {
    let row = scan_schedules::find_locked(&tenant.tx, id).await?;
    row.ok_or_else(|| Problem::not_found("schedule"))
}

/// A slot that is still to come, or that nobody has taken yet, stays while the times stay.
async fn next_after_change(
    tenant: &Tenant<'_>,
    row: &ScanSchedule,
    schedule: &Schedule,
    enabled: bool,
) -> Result<Option<Timestamp>, Problem> {
    let same = schedule.expression() == row.expression && schedule.zone_name() == row.time_zone;
    match row.next_run_at {
        _ if !enabled => Ok(None),
        Some(next) if same => Ok(Some(next)),
        _ => next_run(tenant, schedule).await.map(Some),
    }
}

/// Delete a schedule. The runs that it began stay.
#[utoipa::path(delete, path = "/v1/schedules/{id}", tag = "schedules",
    params(("id" = Uuid, Path)),
    responses((status = 204, description = "It is gone.")))]
async fn delete_schedule(
    State(deps): State<Deps>,
    caller: Caller,
    Id(id): Id<ScanScheduleId>,
) -> Result<StatusCode, Problem> {
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Write).await?;
    let row = find_locked(&tenant, id).await?;
    scan_schedules::delete(&tenant.tx, id).await?;
    audit(&tenant, "schedule.deleted", &row).await?;
    tenant.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
