//! What a caller may do with a run: cancel it, or go on with it when it has failed.

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{RunId, RunKind, RunStatus, Scope};
use serde_json::json;
use store::{
    analyses,
    outbox::Unsent,
    runs::{self, Resumed, Run},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::runs::RunView;
use crate::{
    Deps, announce,
    auth::{Caller, Tenant},
    extract::Id,
    problem::{MEDIA_TYPE, Problem, ProblemDocument},
};

pub(crate) fn routes() -> OpenApiRouter<Deps> {
    OpenApiRouter::new().routes(routes!(cancel_run)).routes(routes!(retry_run))
}

/// Cancel a run that has not ended, with the runs that are part of it. Steps that are done stay
/// done; those that are open are canceled, and nobody is asked for approval any more.
#[utoipa::path(post, path = "/v1/runs/{id}/cancel", tag = "runs", params(("id" = Uuid, Path)),
    responses(
        (status = 200, description = "It is canceled.", body = RunView),
        (status = 409, description = "It has ended already.", body = ProblemDocument,
         content_type = MEDIA_TYPE)))]
async fn cancel_run(
    State(deps): State<Deps>,
    caller: Caller,
    Id(id): Id<RunId>,
) -> Result<Json<RunView>, Problem> {
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Write).await?;
    let Some(run) = runs::cancel(&tenant.tx, id).await? else {
        let run = runs::find(&tenant.tx, id).await?;
        let run = run.ok_or_else(|| Problem::not_found("run"))?;
        return Err(Problem::conflict(format!("the run has ended already, as {}", run.status)));
    };
    if run.kind == RunKind::Analysis {
        analyses::fail(&tenant.tx, id, "the run was canceled").await?;
    }
    let unsent = wake_parent(&tenant, &run).await?;
    tenant.audit("run.canceled", "run", *id.as_uuid(), &json!({})).await?;
    tenant.commit().await?;
    announce::send_all(&deps, &mut session, unsent).await;
    Ok(Json(RunView::from(&run)))
}

/// Who waits for a run that has just ended hears of it.
pub(super) async fn wake_parent(tenant: &Tenant<'_>, run: &Run) -> Result<Vec<Unsent>, Problem> {
    match runs::wake_parent(&tenant.tx, run).await? {
        Some(parent) => Ok(vec![announce::wake_up(tenant, &parent).await?]),
        None => Ok(Vec::new()),
    }
}

/// Go on with a failed run from the step that failed. What has ended stays as it ended, so it is
/// a new run that goes on; it takes over the steps that are done. Asked again, it is the same run.
#[utoipa::path(post, path = "/v1/runs/{id}/retry", tag = "runs", params(("id" = Uuid, Path)),
    responses(
        (status = 200, description = "It was asked for before, and this run goes on from it.",
         body = RunView, headers(("Location" = String))),
        (status = 201, description = "This run goes on from it.", body = RunView,
         headers(("Location" = String))),
        (status = 409, description = "It has not failed, is part of another run, or another run \
         does the same by now.",
         body = ProblemDocument, content_type = MEDIA_TYPE)))]
async fn retry_run(
    State(deps): State<Deps>,
    caller: Caller,
    Id(id): Id<RunId>,
) -> Result<Response, Problem> {
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Write).await?;
    let resumed = runs::resume(&tenant.tx, id).await?.ok_or_else(|| Problem::not_found("run"))?;
    let (status, goes_on) = going_on(resumed)?;
    let run = goes_on.first().ok_or_else(|| Problem::not_found("run"))?;
    let mut unsent = Vec::new();
    if status == StatusCode::CREATED {
        for run in &goes_on {
            unsent.push(announce::wake_up(&tenant, run).await?);
        }
        tenant.audit("run.retried", "run", *id.as_uuid(), &json!({ "run_id": run.id })).await?;
    }
    tenant.commit().await?;
    announce::send_all(&deps, &mut session, unsent).await;
    let location = format!("/v1/runs/{}", run.id);
    Ok((status, [(header::LOCATION, location)], Json(RunView::from(run))).into_response())
}

/// The runs that go on, and whether they were made just now; or why none does.
fn going_on(resumed: Resumed) -> Result<(StatusCode, Vec<Run>), Problem> {
    let refused = match resumed {
        Resumed::New(runs) => return Ok((StatusCode::CREATED, runs)),
        Resumed::Existing(run) => return Ok((StatusCode::OK, vec![*run])),
        Resumed::NotFailed(status) => {
            let next = match status {
                RunStatus::Queued | RunStatus::Running | RunStatus::Waiting => {
                    "wait for its end, or cancel it"
                }
                RunStatus::Succeeded | RunStatus::Failed | RunStatus::Canceled => {
                    "ask for a new one where it was asked for"
                }
            };
            format!("only a failed run can be gone on with, and this one is {status}: {next}")
        }
        Resumed::PartOf(parent) => format!("it is part of run {parent}: go on with that one"),
        Resumed::Meanwhile(other) => {
            format!("run {other} does the same by now: wait for it, or cancel it first")
        }
    };
    Err(Problem::conflict(refused))
}
