//! Asking for a repository to be examined or synced.

use axum::{Json, extract::State, http::StatusCode};
use domain::{CommitSha, RepositoryId, RunId, RunKind, Scope, kinds::analysis};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{
    repositories::{self, Repository},
    runs::{self, NewRun},
};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    Deps, announce,
    auth::{Caller, Tenant},
    extract::{Body, Id},
    observe::Trace,
    problem::{Checks, MEDIA_TYPE, Problem, ProblemDocument},
};

/// What a run that is asked for through this API says about its origin.
const EVENT_TYPE: &str = "manual";
const REF_CHARS_MAX: usize = 255;

pub(crate) fn routes() -> OpenApiRouter<Deps> {
    OpenApiRouter::new().routes(routes!(request_analysis)).routes(routes!(request_sync))
}

/// Which commit to examine.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RequestAnalysis {
    /// The full name of the commit: 40 or 64 lowercase hex digits.
    #[schema(value_type = String, pattern = "^([0-9a-f]{40}|[0-9a-f]{64})$")]
    commit: CommitSha,
    /// The branch or tag it is on, such as `refs/heads/main`.
    #[schema(max_length = 255)]
    r#ref: Option<String>,
}

/// The run that does what was asked.
#[derive(Serialize, ToSchema)]
pub(super) struct Accepted {
    run_id: Uuid,
    /// It had been asked for before, and this is the same run.
    deduplicated: bool,
}

pub(super) type Answer = (StatusCode, Json<Accepted>);

pub(super) fn accepted(run: RunId, deduplicated: bool) -> Answer {
    (StatusCode::ACCEPTED, Json(Accepted { run_id: *run.as_uuid(), deduplicated }))
}

/// Examine a commit. The same commit asked for again within six hours is the same run.
#[utoipa::path(post, path = "/v1/repositories/{id}/analyses", tag = "repositories",
    params(("id" = Uuid, Path)), request_body = RequestAnalysis,
    responses(
        (status = 202, description = "It is examined soon.", body = Accepted),
        (status = 409, description = "The repository is disabled, archived or suspended.",
         body = ProblemDocument, content_type = MEDIA_TYPE)))]
async fn request_analysis(
    State(deps): State<Deps>,
    caller: Caller,
    Trace(trace): Trace,
    Id(id): Id<RepositoryId>,
    Body(wanted): Body<RequestAnalysis>,
) -> Result<Answer, Problem> {
    check_ref(wanted.r#ref.as_deref())?;
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Write).await?;
    let repository = open_repository(&tenant, id).await?;
    if let Some(run) = runs::find_recent_for_commit(&tenant.tx, id, &wanted.commit, None).await? {
        tenant.commit().await?;
        return Ok(accepted(run, true));
    }
    let input = serde_json::to_value(analysis::Input::default()).map_err(Problem::bug)?;
    let run = NewRun {
        git_ref: wanted.r#ref,
        commit: Some(wanted.commit.clone()),
        ..new_run(&tenant, &repository, RunKind::Analysis, input, trace.as_str())
    };
    runs::insert(&tenant.tx, &run).await?;
    let message = announce::analysis(tenant.org, run.id);
    let unsent = announce::write_down(&tenant, &message, &trace).await?;
    let details = json!({ "repository_id": id, "commit": wanted.commit });
    tenant.audit("analysis.requested", "run", *run.id.as_uuid(), &details).await?;
    tenant.commit().await?;
    announce::send(&deps, &mut session, &unsent).await;
    Ok(accepted(run.id, false))
}

fn check_ref(name: Option<&str>) -> Result<(), Problem> {
    let fine = |name: &str| {
        (1..=REF_CHARS_MAX).contains(&name.chars().count())
            && !name.contains(|c: char| c.is_whitespace() || c.is_control())
    };
    let mut checks = Checks::default();
    checks.require(name.is_none_or(fine), "ref", "expected a name such as refs/heads/main");
    checks.done()
}

/// Bring a repository's manifest up to date. While a sync is open, asking again is the same run.
#[utoipa::path(post, path = "/v1/repositories/{id}/sync", tag = "repositories",
    params(("id" = Uuid, Path)),
    responses(
        (status = 202, description = "It is synced soon.", body = Accepted),
        (status = 409, description = "The repository is disabled, archived or suspended.",
         body = ProblemDocument, content_type = MEDIA_TYPE)))]
async fn request_sync(
    State(deps): State<Deps>,
    caller: Caller,
    Trace(trace): Trace,
    Id(id): Id<RepositoryId>,
) -> Result<Answer, Problem> {
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Write).await?;
    let repository = open_repository(&tenant, id).await?;
    if let Some(run) = runs::find_open_sync(&tenant.tx, id).await? {
        tenant.commit().await?;
        return Ok(accepted(run, true));
    }
    let kind = RunKind::RepositorySync;
    let run = new_run(&tenant, &repository, kind, json!({}), trace.as_str());
    runs::insert(&tenant.tx, &run).await?;
    let message = announce::sync(tenant.org, run.id);
    let unsent = announce::write_down(&tenant, &message, &trace).await?;
    let details = json!({ "repository_id": id });
    tenant.audit("sync.requested", "run", *run.id.as_uuid(), &details).await?;
    tenant.commit().await?;
    announce::send(&deps, &mut session, &unsent).await;
    Ok(accepted(run.id, false))
}

/// The repository, if runs of it may be asked for; locked, so that two callers make one run.
pub(super) async fn open_repository(
    tenant: &Tenant<'_>,
    id: RepositoryId,
) -> Result<Repository, Problem> {
    let repository = repositories::find_locked(&tenant.tx, id)
        .await?
        .ok_or_else(|| Problem::not_found("repository"))?;
    let closed = [
        (!repository.enabled, "disabled: enable it with PATCH"),
        (repository.archived_at.is_some(), "archived"),
        (repository.suspended, "suspended: its GitHub App installation is gone or suspended"),
    ];
    match closed.into_iter().find(|(applies, _)| *applies) {
        Some((_, reason)) => Err(Problem::conflict(format!("the repository is {reason}"))),
        None => Ok(repository),
    }
}

pub(super) fn new_run(
    tenant: &Tenant<'_>,
    repository: &Repository,
    kind: RunKind,
    input: Value,
    traceparent: &str,
) -> NewRun {
    let id = RunId::new(Uuid::now_v7());
    NewRun {
        id,
        org: tenant.org,
        project: Some(repository.project),
        repository: Some(repository.id),
        kind,
        // The same request was looked for under the repository's lock; this one is new.
        idempotency_key: format!("{EVENT_TYPE}:{id}"),
        event_type: EVENT_TYPE.to_owned(),
        git_ref: None,
        commit: None,
        pull_request: None,
        input,
        traceparent: Some(traceparent.to_owned()),
        parent: None,
        schedule: None,
    }
}
