//! Asking for a pull request to be merged.

use axum::{Json, extract::State, http::StatusCode};
use domain::{
    CommitSha, RepositoryId, RunKind, Scope,
    kinds::merge::{Input, MergeMethod},
};
use serde::Deserialize;
use serde_json::json;
use store::{
    repositories::Repository,
    runs::{
        self, NewRun,
        merges::{self, OpenMerge},
    },
};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::requests::{Accepted, accepted, new_run, open_repository};
use crate::{
    Deps, announce,
    auth::{Caller, Tenant},
    extract::Body,
    observe::Trace,
    problem::{Checks, MEDIA_TYPE, Problem, ProblemDocument},
    words::MergeMethodWord,
};

pub(crate) fn routes() -> OpenApiRouter<Deps> {
    OpenApiRouter::new().routes(routes!(request_merge))
}

/// Which pull request to merge, and how.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RequestMerge {
    #[schema(value_type = Uuid)]
    repository_id: RepositoryId,
    /// The pull request's number.
    #[schema(minimum = 1)]
    pull_request: i32,
    /// `merge` unless told.
    #[schema(value_type = Option<MergeMethodWord>)]
    method: Option<MergeMethod>,
    /// The head that is meant: with another one nothing is merged. Without, the one that the pull
    /// request has when the run begins.
    #[schema(value_type = Option<String>, pattern = "^([0-9a-f]{40}|[0-9a-f]{64})$")]
    head_sha: Option<CommitSha>,
}

/// Merge a pull request. The run waits until the checks of its head have passed, then for the
/// approval of exactly what it will do, and merges that head or nothing. While a merge of the same
/// head is open, asking again is the same run.
#[utoipa::path(post, path = "/v1/merges", tag = "runs", request_body = RequestMerge,
    responses(
        (status = 202, description = "It is looked at soon, and waits for approval.",
         body = Accepted),
        (status = 404, description = "The organisation has no such repository.",
         body = ProblemDocument, content_type = MEDIA_TYPE),
        (status = 409, description = "The repository is disabled, archived or suspended, or not \
         reached through a GitHub App; or another merge of the pull request is open.",
         body = ProblemDocument, content_type = MEDIA_TYPE)))]
async fn request_merge(
    State(deps): State<Deps>,
    caller: Caller,
    Trace(trace): Trace,
    Body(wanted): Body<RequestMerge>,
) -> Result<(StatusCode, Json<Accepted>), Problem> {
    let mut checks = Checks::default();
    checks.require(wanted.pull_request >= 1, "pull_request", "expected a number from 1 on");
    checks.done()?;
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Write).await?;
    let repository = open_repository(&tenant, wanted.repository_id).await?;
    if repository.github_installation.is_none() {
        return Err(Problem::conflict(
            "the repository is not reached through an installation of the GitHub App",
        ));
    }
    let open = merges::find_open(&tenant.tx, repository.id, wanted.pull_request).await?;
    if let Some(open) = open {
        same(&open, &wanted)?;
        tenant.commit().await?;
        return Ok(accepted(open.run, true));
    }
    let run = run(&tenant, &repository, &wanted, trace.as_str()).await?;
    runs::insert(&tenant.tx, &run).await?;
    let message = announce::analysis(tenant.org, run.id);
    let unsent = announce::write_down(&tenant, &message, &trace).await?;
    let details = json!({
        "repository_id": repository.id,
        "pull_request": wanted.pull_request,
        "head_sha": wanted.head_sha,
        "input": run.input,
    });
    tenant.audit("merge.requested", "run", *run.id.as_uuid(), &details).await?;
    tenant.commit().await?;
    announce::send(&deps, &mut session, &unsent).await;
    Ok(accepted(run.id, false))
}

/// Whether the merge that is open is the one that is wanted.
fn same(open: &OpenMerge, wanted: &RequestMerge) -> Result<(), Problem> {
    let same_method = wanted.method.is_none_or(|method| method == open.method);
    let same_head = wanted.head_sha.is_none() || wanted.head_sha == open.head;
    if same_method && same_head {
        return Ok(());
    }
    let head = open.head.as_ref().map_or("a head that it still looks for", CommitSha::as_str);
    Err(Problem::conflict(format!(
        "run {} is about to merge {head} by the method {}: cancel it first",
        open.run, open.method
    )))
}

/// A run whose key holds no time: of two callers that find nothing open, one makes it.
async fn run(
    tenant: &Tenant<'_>,
    repository: &Repository,
    wanted: &RequestMerge,
    traceparent: &str,
) -> Result<NewRun, Problem> {
    let earlier = merges::count(&tenant.tx, repository.id, wanted.pull_request).await?;
    let input = Input { method: wanted.method.unwrap_or(MergeMethod::Merge) };
    let input = serde_json::to_value(input).map_err(Problem::bug)?;
    Ok(NewRun {
        idempotency_key: format!("{}:{}:{earlier}", repository.id, wanted.pull_request),
        commit: wanted.head_sha.clone(),
        pull_request: Some(wanted.pull_request),
        ..new_run(tenant, repository, RunKind::Merge, input, traceparent)
    })
}
