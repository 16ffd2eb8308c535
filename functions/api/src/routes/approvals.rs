//! What people are asked to allow, and what they say.

use axum::{Json, extract::State};
use domain::{ApprovalId, ApprovalScope, ApprovalStatus, RunId, Scope};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{
    api_keys,
    approvals::{self, Approval, Decided, Decision},
};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::run_changes::wake_parent;
use crate::{
    Deps, announce,
    auth::{Caller, Tenant},
    extract::{Body, Filter, Id, check_text},
    paging::{Asked, List},
    problem::{Checks, MEDIA_TYPE, Problem, ProblemDocument},
    words::{ApprovalScopeWord, ApprovalStatusWord},
};

/// Whoever gives a reason is heard, and does not write a book.
const REASON_CHARS_MAX: usize = 2_000;
const SHA256_HEX_CHARS: usize = 64;

pub(crate) fn routes() -> OpenApiRouter<Deps> {
    OpenApiRouter::new()
        .routes(routes!(list_approvals))
        .routes(routes!(get_approval))
        .routes(routes!(approve))
        .routes(routes!(reject))
}

/// A question to a person: whether exactly this may happen.
#[derive(Serialize, ToSchema)]
#[schema(as = Approval)]
struct ApprovalView {
    id: Uuid,
    run_id: Uuid,
    step: String,
    #[schema(value_type = ApprovalScopeWord)]
    scope: ApprovalScope,
    #[schema(value_type = ApprovalStatusWord)]
    status: ApprovalStatus,
    /// What will happen, in a sentence.
    summary: String,
    /// What will happen, as the step that does it reads it.
    #[schema(value_type = Object)]
    plan: Value,
    /// Hex sha256 over run, step, scope, summary and plan. A decision names it, to prove what it is
    /// about.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    intent_hash: String,
    /// Whoever has not decided by then lets the run fail.
    expires_at: Option<Timestamp>,
    /// It is pending, but its time is over: it can no longer be decided.
    overdue: bool,
    /// What was approved: the plan, or an edited one.
    #[schema(value_type = Option<Object>)]
    approved_plan: Option<Value>,
    approved_hash: Option<String>,
    decided_at: Option<Timestamp>,
    /// The name of the key that decided, and its id.
    decided_by: Option<String>,
    /// Why it was rejected, or need not be decided any more.
    reason: Option<String>,
    created_at: Timestamp,
}

impl From<Approval> for ApprovalView {
    fn from(approval: Approval) -> Self {
        Self {
            id: *approval.id.as_uuid(),
            run_id: *approval.run.as_uuid(),
            step: approval.step,
            scope: approval.intent.scope,
            status: approval.status,
            summary: approval.intent.summary,
            plan: approval.intent.plan,
            intent_hash: approval.intent_hash,
            expires_at: approval.expires_at,
            overdue: approval.is_late,
            approved_plan: approval.approved_plan,
            approved_hash: approval.approved_hash,
            decided_at: approval.decided_at,
            decided_by: approval.decided_by,
            reason: approval.reason,
            created_at: approval.created_at,
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ApprovalFilter {
    #[param(inline, value_type = Option<ApprovalStatusWord>)]
    status: Option<ApprovalStatus>,
    #[param(value_type = Option<Uuid>)]
    run_id: Option<RunId>,
    /// `next_cursor` of the page before.
    cursor: Option<Uuid>,
    /// At most this many; 50 unless told, 200 at most.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// List what people were asked to allow.
#[utoipa::path(get, path = "/v1/approvals", tag = "approvals", params(ApprovalFilter),
    responses((status = 200, description = "Oldest first: who waits longest is answered first.",
               body = List<ApprovalView>)))]
async fn list_approvals(
    State(deps): State<Deps>,
    caller: Caller,
    Filter(wanted): Filter<ApprovalFilter>,
) -> Result<Json<List<ApprovalView>>, Problem> {
    let asked = Asked::new(wanted.cursor, wanted.limit)?;
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Read).await?;
    let filter = approvals::Filter { run: wanted.run_id, status: wanted.status };
    let rows = approvals::list(&tenant.tx, filter, asked.page()).await?;
    tenant.commit().await?;
    Ok(Json(asked.list(rows, |row| *row.id.as_uuid(), ApprovalView::from)))
}

/// Get what someone is asked to allow, with the plan in full.
#[utoipa::path(get, path = "/v1/approvals/{id}", tag = "approvals", params(("id" = Uuid, Path)),
    responses((status = 200, description = "The approval.", body = ApprovalView)))]
async fn get_approval(
    State(deps): State<Deps>,
    caller: Caller,
    Id(id): Id<ApprovalId>,
) -> Result<Json<ApprovalView>, Problem> {
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Read).await?;
    let approval = approvals::find(&tenant.tx, id).await?;
    tenant.commit().await?;
    let approval = approval.ok_or_else(|| Problem::not_found("approval"))?;
    Ok(Json(ApprovalView::from(approval)))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Approve {
    /// The `intent_hash` of what was read and is approved.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    intent_hash: String,
    /// What is to be done instead, as far as the kind of run lets its plan be edited.
    #[schema(value_type = Option<Object>)]
    plan: Option<Value>,
}

/// Allow it, as it was asked or with an edited plan. The run goes on and does exactly that.
#[utoipa::path(post, path = "/v1/approvals/{id}/approve", tag = "approvals",
    params(("id" = Uuid, Path)), request_body = Approve,
    responses(
        (status = 200, description = "It is approved, and the run goes on.", body = ApprovalView),
        (status = 409, description = "Nothing has happened: something else is asked by now, it was \
         decided before, its time is over, or the run does not wait for it.",
         body = ProblemDocument, content_type = MEDIA_TYPE)))]
async fn approve(
    State(deps): State<Deps>,
    caller: Caller,
    Id(id): Id<ApprovalId>,
    Body(wanted): Body<Approve>,
) -> Result<Json<ApprovalView>, Problem> {
    let mut checks = Checks::default();
    check_hash(&mut checks, &wanted.intent_hash);
    checks.done()?;
    decide(&deps, caller, id, Said::Approve(wanted)).await
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Reject {
    /// The `intent_hash` of what was read and is rejected.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    intent_hash: String,
    /// For whoever asked: why not.
    #[schema(min_length = 1, max_length = 2000)]
    reason: String,
}

/// Refuse it. The run ends as canceled, with the reason.
#[utoipa::path(post, path = "/v1/approvals/{id}/reject", tag = "approvals",
    params(("id" = Uuid, Path)), request_body = Reject,
    responses(
        (status = 200, description = "It is rejected, and the run is canceled.",
         body = ApprovalView),
        (status = 409, description = "Nothing has happened: something else is asked by now, it was \
         decided before, its time is over, or the run does not wait for it.",
         body = ProblemDocument, content_type = MEDIA_TYPE)))]
async fn reject(
    State(deps): State<Deps>,
    caller: Caller,
    Id(id): Id<ApprovalId>,
    Body(wanted): Body<Reject>,
) -> Result<Json<ApprovalView>, Problem> {
    let mut checks = Checks::default();
    check_hash(&mut checks, &wanted.intent_hash);
    check_text(&mut checks, "reason", &wanted.reason, 1, REASON_CHARS_MAX);
    checks.done()?;
    decide(&deps, caller, id, Said::Reject(wanted)).await
}

fn check_hash(checks: &mut Checks, hash: &str) {
    let is_hash = hash.len() == SHA256_HEX_CHARS
        && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    checks.require(is_hash, "intent_hash", "expected 64 lowercase hex digits, as the approval has");
}

/// What a person says, checked.
enum Said {
    Approve(Approve),
    Reject(Reject),
}

impl Said {
    fn by<'a>(&'a self, by: &'a str) -> Decision<'a> {
        match self {
            Self::Approve(Approve { intent_hash, plan }) => {
                Decision::Approve { intent_hash, edited: plan.as_ref(), by }
            }
            Self::Reject(Reject { intent_hash, reason }) => {
                Decision::Reject { intent_hash, reason: reason.trim(), by }
            }
        }
    }
}

/// Who decides, for people to recognise and for programs to look up.
async fn decider(tenant: &Tenant<'_>) -> Result<String, Problem> {
    let key = api_keys::find(&tenant.tx, tenant.key).await?;
    let name = key.map(|key| key.name).unwrap_or_default();
    Ok(format!("{name} ({})", tenant.actor()))
}

async fn decide(
    deps: &Deps,
    caller: Caller,
    id: ApprovalId,
    said: Said,
) -> Result<Json<ApprovalView>, Problem> {
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Write).await?;
    let by = decider(&tenant).await?;
    let decided = approvals::decide(&tenant.tx, id, said.by(&by)).await?;
    let (approval, unsent) = match decided.ok_or_else(|| Problem::not_found("approval"))? {
        Decided::Approved { approval, run } => {
            (*approval, vec![announce::wake_up(&tenant, &run).await?])
        }
        Decided::Rejected { approval, run } => (*approval, wake_parent(&tenant, &run).await?),
        Decided::Already(approval) => return Err(already(&approval)),
        Decided::Stale(approval) => return Err(stale(&approval)),
        Decided::Late(approval) => return Err(late(&approval)),
        Decided::NotWaiting(status) => {
            return Err(Problem::conflict(format!("the run does not wait for it: it is {status}")));
        }
        Decided::Unacceptable(invalid) => return Err(Problem::field("plan", invalid.to_string())),
    };
    let details = json!({
        "run_id": approval.run,
        "scope": approval.intent.scope,
        "intent_hash": approval.intent_hash,
        "approved_hash": approval.approved_hash,
        "reason": approval.reason,
    });
    let action = format!("approval.{}", approval.status);
    tenant.audit(&action, "approval", *id.as_uuid(), &details).await?;
    faults::point("approve.before_commit");
    tenant.commit().await?;
    faults::point("approve.after_commit");
    announce::send_all(deps, &mut session, unsent).await;
    Ok(Json(ApprovalView::from(approval)))
}

fn already(approval: &Approval) -> Problem {
    let by = approval.decided_by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
    let at = approval.decided_at.map(|at| format!(" at {at}")).unwrap_or_default();
    Problem::conflict(format!("it is {} already{by}{at}, and that stays", approval.status))
}

fn stale(approval: &Approval) -> Problem {
    Problem::conflict(format!(
        "what is asked has the intent_hash {}: read it, and decide about that",
        approval.intent_hash
    ))
}

fn late(approval: &Approval) -> Problem {
    let at = approval.expires_at.map(|at| format!(" at {at}")).unwrap_or_default();
    Problem::conflict(format!("its time was over{at}, and the run fails with approval_expired"))
}
