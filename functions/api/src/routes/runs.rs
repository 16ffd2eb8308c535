use axum::{Json, extract::State};
use domain::{AnalysisId, ErrorCode, RepositoryId, RunId, RunKind, RunStatus, Scope};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use store::{
    analyses,
    run_steps::{self, Step},
    runs::{self, Run},
};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    Deps,
    auth::Caller,
    extract::{Filter, Id},
    paging::{Asked, List},
    problem::{MEDIA_TYPE, Problem, ProblemDocument},
    words::{ErrorCodeWord, RunKindWord, RunStatusWord, StepStatusWord},
};

/// As much of a text in a step's output as is shown.
const OUTPUT_TEXT_CHARS_MAX: usize = 200;

pub(crate) fn routes() -> OpenApiRouter<Deps> {
    OpenApiRouter::new()
        .routes(routes!(list_runs))
        .routes(routes!(get_run))
        .routes(routes!(cancel_run))
}

/// A piece of durable work.
#[derive(Serialize, ToSchema)]
#[schema(as = Run)]
struct RunView {
    id: Uuid,
    #[schema(value_type = RunKindWord)]
    kind: RunKind,
    #[schema(value_type = RunStatusWord)]
    status: RunStatus,
    /// What asked for it: `pull_request`, `push`, `manual` or `schedule`.
    event_type: String,
    repository_id: Option<Uuid>,
    r#ref: Option<String>,
    commit: Option<String>,
    pull_request: Option<i32>,
    #[schema(value_type = Option<ErrorCodeWord>)]
    error_code: Option<ErrorCode>,
    error: Option<String>,
    /// The last thing that went wrong and was tried again.
    last_error: Option<String>,
    attempts: i32,
    created_at: Timestamp,
    started_at: Option<Timestamp>,
    finished_at: Option<Timestamp>,
    /// From its start to its end.
    duration_ms: Option<i64>,
}

impl From<&Run> for RunView {
    fn from(run: &Run) -> Self {
        Self {
            id: *run.id.as_uuid(),
            kind: run.kind,
            status: run.status,
            event_type: run.event_type.clone(),
            repository_id: run.repository.map(|id| *id.as_uuid()),
            r#ref: run.git_ref.clone(),
            commit: run.commit.as_ref().map(ToString::to_string),
            pull_request: run.pull_request,
            error_code: run.error_code,
            error: run.error.clone(),
            last_error: run.last_error.clone(),
            attempts: run.attempts,
            created_at: run.created_at,
            started_at: run.started_at,
            finished_at: run.finished_at,
            duration_ms: between(run.started_at, run.finished_at),
        }
    }
}

fn between(start: Option<Timestamp>, end: Option<Timestamp>) -> Option<i64> {
    Some(end?.as_millisecond() - start?.as_millisecond())
}

/// A run with its steps.
#[derive(Serialize, ToSchema)]
struct RunDetail {
    #[serde(flatten)]
    run: RunView,
    /// What the run learned, once it has begun to.
    analysis_id: Option<Uuid>,
    /// In the order in which they are done; those still to come are `pending`.
    steps: Vec<StepView>,
}

/// A step of a run.
#[derive(Serialize, ToSchema)]
#[schema(as = Step)]
struct StepView {
    step: String,
    #[schema(value_type = StepStatusWord)]
    status: &'static str,
    attempt: Option<i32>,
    started_at: Option<Timestamp>,
    finished_at: Option<Timestamp>,
    duration_ms: Option<i64>,
    /// What went wrong, when something did.
    #[schema(value_type = Option<Object>)]
    error: Option<Value>,
    /// Numbers and short texts of what the step made; a list is shown as its length.
    #[schema(value_type = Option<Object>)]
    output: Option<Map<String, Value>>,
}

impl From<Step> for StepView {
    fn from(step: Step) -> Self {
        Self {
            step: step.step,
            status: step.status.as_str(),
            attempt: Some(step.attempt),
            started_at: Some(step.started_at),
            finished_at: Some(step.finished_at),
            duration_ms: between(Some(step.started_at), Some(step.finished_at)),
            error: step.error,
            output: step.output.as_ref().and_then(summary),
        }
    }
}

/// A step's output may hold every file of a commit; its summary fits on a screen.
fn summary(output: &Value) -> Option<Map<String, Value>> {
    let short = |value: &Value| match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        Value::String(text) => json!(text.chars().take(OUTPUT_TEXT_CHARS_MAX).collect::<String>()),
        Value::Array(items) => json!(items.len()),
        Value::Object(fields) => json!(fields.len()),
    };
    Some(output.as_object()?.iter().map(|(name, value)| (name.clone(), short(value))).collect())
}

fn detail(run: &Run, analysis: Option<AnalysisId>, done: Vec<Step>) -> RunDetail {
    let names: Vec<String> = done.iter().map(|step| step.step.clone()).collect();
    let open = !run.status.is_terminal();
    let to_come =
        run.kind.steps().iter().filter(|step| open && !names.iter().any(|n| n == step.id));
    let pending = to_come.map(|step| StepView {
        step: step.id.to_owned(),
        status: "pending",
        attempt: None,
        started_at: None,
        finished_at: None,
        duration_ms: None,
        error: None,
        output: None,
    });
    let pending: Vec<StepView> = pending.collect();
    RunDetail {
        run: RunView::from(run),
        analysis_id: analysis.map(|id| *id.as_uuid()),
        steps: done.into_iter().map(StepView::from).chain(pending).collect(),
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RunFilter {
    #[param(value_type = Option<Uuid>)]
    repository_id: Option<RepositoryId>,
    #[param(inline, value_type = Option<RunStatusWord>)]
    status: Option<RunStatus>,
    #[param(inline, value_type = Option<RunKindWord>)]
    kind: Option<RunKind>,
    /// `next_cursor` of the page before.
    cursor: Option<Uuid>,
    /// At most this many; 50 unless told, 200 at most.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// List runs.
#[utoipa::path(get, path = "/v1/runs", tag = "runs", params(RunFilter),
    responses((status = 200, description = "Newest first.", body = List<RunView>)))]
async fn list_runs(
    State(deps): State<Deps>,
    caller: Caller,
    Filter(wanted): Filter<RunFilter>,
) -> Result<Json<List<RunView>>, Problem> {
    let asked = Asked::new(wanted.cursor, wanted.limit)?;
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Read).await?;
    let filter = runs::Filter {
        repository: wanted.repository_id,
        status: wanted.status,
        kind: wanted.kind,
        ..runs::Filter::default()
    };
    let rows = runs::list(&tenant.tx, filter, asked.page()).await?;
    tenant.commit().await?;
    Ok(Json(asked.list(rows, |row| *row.id.as_uuid(), |row| RunView::from(&row))))
}

/// Get a run with its steps.
#[utoipa::path(get, path = "/v1/runs/{id}", tag = "runs", params(("id" = Uuid, Path)),
    responses((status = 200, description = "The run.", body = RunDetail)))]
async fn get_run(
    State(deps): State<Deps>,
    caller: Caller,
    Id(id): Id<RunId>,
) -> Result<Json<RunDetail>, Problem> {
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Read).await?;
    let run = runs::find(&tenant.tx, id).await?.ok_or_else(|| Problem::not_found("run"))?;
    let steps = run_steps::list(&tenant.tx, id).await?;
    let analysis = analyses::find_by_run(&tenant.tx, id).await?;
    tenant.commit().await?;
    Ok(Json(detail(&run, analysis.map(|analysis| analysis.id), steps)))
}

/// Cancel a run that has not ended.
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
    tenant.audit("run.canceled", "run", *id.as_uuid(), &json!({})).await?;
    tenant.commit().await?;
    Ok(Json(RunView::from(&run)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_shows_numbers_and_never_a_whole_list() {
        let output = json!({
            "files": 3, "changes": [1, 2], "hash": "ab", "long": "x".repeat(5000), "by": {"py": 1},
        });
        let short = summary(&output).unwrap();
        assert_eq!(short["files"], 3);
        assert_eq!(short["changes"], 2);
        assert_eq!(short["by"], 1);
        assert_eq!(short["long"].as_str().unwrap().len(), OUTPUT_TEXT_CHARS_MAX);
        assert!(summary(&json!([1])).is_none());
    }
}
