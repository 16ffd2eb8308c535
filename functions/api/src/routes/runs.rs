use axum::{Json, extract::State};
use domain::{
    AnalysisId, ErrorCode, RepositoryId, RunId, RunKind, RunStatus, Scope, StepKind, StepStatus,
    WaitingFor,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use store::{
    analyses,
    run_steps::{self, Step},
    runs::{self, Relatives, Run},
};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    Deps,
    auth::Caller,
    extract::{Filter, Id},
    paging::{Asked, List},
    problem::Problem,
    words::{
        ErrorCodeWord, RunKindWord, RunStatusWord, StepKindWord, StepStatusWord, WaitingForWord,
    },
};

/// As much of a text in a step's output as is shown.
const OUTPUT_TEXT_CHARS_MAX: usize = 200;

pub(crate) fn routes() -> OpenApiRouter<Deps> {
    OpenApiRouter::new().routes(routes!(list_runs)).routes(routes!(get_run))
}

/// A piece of durable work.
#[derive(Serialize, ToSchema)]
#[schema(as = Run)]
pub(super) struct RunView {
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
    /// How often a worker took it.
    attempts: i32,
    /// What it waits for, while it waits.
    #[schema(value_type = Option<WaitingForWord>)]
    waiting_for: Option<WaitingFor>,
    /// Nobody works on it before: the next attempt or look, or the end of someone's time to decide.
    wake_at: Option<Timestamp>,
    /// The run that it is part of, and that waits for it.
    parent_run_id: Option<Uuid>,
    /// The failed run that it goes on from.
    resumes: Option<Uuid>,
    schedule_id: Option<Uuid>,
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
            waiting_for: run.waiting_for,
            wake_at: run.wake_at,
            parent_run_id: run.parent.map(|id| *id.as_uuid()),
            resumes: run.resumes.map(|id| *id.as_uuid()),
            schedule_id: run.schedule.map(|id| *id.as_uuid()),
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
    /// The run that goes on from this one.
    resumed_by: Option<Uuid>,
    /// The runs that it has begun.
    children: Children,
    /// In the order in which they are done; those still to come are `pending`.
    steps: Vec<StepView>,
}

/// How many runs are part of another, and how they are.
#[derive(Default, Serialize, ToSchema)]
struct Children {
    total: i64,
    /// Queued, running or waiting.
    open: i64,
    succeeded: i64,
    failed: i64,
    canceled: i64,
}

impl Children {
    fn of(relatives: &Relatives) -> Self {
        let mut counts = Self::default();
        for (status, count) in &relatives.children {
            counts.total += count;
            match status {
                RunStatus::Queued | RunStatus::Running | RunStatus::Waiting => counts.open += count,
                RunStatus::Succeeded => counts.succeeded += count,
                RunStatus::Failed => counts.failed += count,
                RunStatus::Canceled => counts.canceled += count,
            }
        }
        counts
    }
}

/// A step of a run.
#[derive(Serialize, ToSchema)]
#[schema(as = Step)]
struct StepView {
    step: String,
    #[schema(value_type = StepKindWord)]
    kind: StepKind,
    #[schema(value_type = StepStatusWord)]
    status: &'static str,
    /// How often it was begun, over all runs that went on from one another.
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
            kind: step.kind,
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
pub(super) fn summary(output: &Value) -> Option<Map<String, Value>> {
    let short = |value: &Value| match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        Value::String(text) => json!(text.chars().take(OUTPUT_TEXT_CHARS_MAX).collect::<String>()),
        Value::Array(items) => json!(items.len()),
        Value::Object(fields) => json!(fields.len()),
    };
    Some(output.as_object()?.iter().map(|(name, value)| (name.clone(), short(value))).collect())
}

/// The steps that are over, in the order in which they ended, and those still to come.
fn steps(run: &Run, done: Vec<Step>) -> Vec<StepView> {
    let open = !run.status.is_terminal();
    // A run that goes on from a failed one has the row of the step that failed, and does it again.
    let (again, over): (Vec<Step>, Vec<Step>) =
        done.into_iter().partition(|step| open && step.status == StepStatus::Failed);
    let to_come = run
        .kind
        .steps()
        .iter()
        .filter(|spec| open && !over.iter().any(|step| step.step == spec.id));
    let pending: Vec<StepView> = to_come
        .map(|spec| {
            let failed = again.iter().find(|step| step.step == spec.id);
            StepView {
                step: spec.id.to_owned(),
                kind: spec.kind,
                status: "pending",
                attempt: failed.map(|step| step.attempt),
                started_at: None,
                finished_at: None,
                duration_ms: None,
                error: failed.and_then(|step| step.error.clone()),
                output: None,
            }
        })
        .collect();
    over.into_iter().map(StepView::from).chain(pending).collect()
}

fn detail(
    run: &Run,
    analysis: Option<AnalysisId>,
    relatives: &Relatives,
    done: Vec<Step>,
) -> RunDetail {
    RunDetail {
        run: RunView::from(run),
        analysis_id: analysis.map(|id| *id.as_uuid()),
        resumed_by: relatives.resumed_by.map(|id| *id.as_uuid()),
        children: Children::of(relatives),
        steps: steps(run, done),
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
    #[param(inline, value_type = Option<ErrorCodeWord>)]
    error_code: Option<ErrorCode>,
    /// Only the runs that this one has begun.
    #[param(value_type = Option<Uuid>)]
    parent_run_id: Option<RunId>,
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
        error_code: wanted.error_code,
        parent: wanted.parent_run_id,
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
    let relatives = runs::relatives(&tenant.tx, id).await?;
    tenant.commit().await?;
    Ok(Json(detail(&run, analysis.map(|analysis| analysis.id), &relatives, steps)))
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
