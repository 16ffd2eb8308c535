use axum::{Json, extract::State};
use domain::{FindingId, Ground, RepositoryId, Scope};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{
    dispositions::{self, Decided, Standing},
    findings,
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
    words::GroundWord,
};

pub(crate) fn routes() -> OpenApiRouter<Deps> {
    OpenApiRouter::new().routes(routes!(list_dismissals)).routes(routes!(list_decisions))
}

/// What somebody decided about a finding. It is never changed: who decides anew adds another.
#[derive(Serialize, ToSchema)]
#[schema(as = Decision)]
struct DecisionView {
    id: Uuid,
    repository_id: Uuid,
    /// Of the finding when it was decided about.
    fingerprint: String,
    /// The fingerprint under which the finding was first known: what the decision is bound to.
    lineage: String,
    /// `active`, `expired` or `reopened`.
    standing: &'static str,
    /// Null for what is reopened.
    #[schema(value_type = Option<GroundWord>)]
    ground: Option<Ground>,
    reason: String,
    /// Who answers for it; who decided, unless someone else was named.
    owner: String,
    decided_by: String,
    decided_at: Timestamp,
    expires_at: Option<Timestamp>,
    /// Where the finding stood. Null for decisions of earlier versions.
    rule: Option<String>,
    path: Option<String>,
}

impl From<Decided> for DecisionView {
    fn from(decided: Decided) -> Self {
        Self {
            id: decided.id,
            repository_id: *decided.repository.as_uuid(),
            fingerprint: decided.fingerprint.as_str().to_owned(),
            lineage: decided.lineage.as_str().to_owned(),
            standing: decided.standing().as_str(),
            ground: decided.ground,
            reason: decided.reason,
            owner: decided.owner.unwrap_or_else(|| decided.decided_by.clone()),
            decided_by: decided.decided_by,
            decided_at: decided.decided_at,
            expires_at: decided.expires_at,
            rule: decided.rule,
            path: decided.path,
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DismissalFilter {
    #[param(value_type = Option<Uuid>)]
    repository_id: Option<RepositoryId>,
    #[param(inline)]
    standing: Option<StandingWord>,
    #[param(inline, value_type = Option<GroundWord>)]
    ground: Option<Ground>,
    /// Who answers for it, or who decided where nobody else was named.
    #[param(max_length = 255)]
    owner: Option<String>,
    /// The id of a rule.
    #[param(max_length = 255)]
    rule: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<Uuid>,
    /// At most this many; 50 unless told, 200 at most.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum StandingWord {
    Active,
    Expired,
    Reopened,
}

impl From<StandingWord> for Standing {
    fn from(word: StandingWord) -> Self {
        match word {
            StandingWord::Active => Self::Active,
            StandingWord::Expired => Self::Expired,
            StandingWord::Reopened => Self::Reopened,
        }
    }
}

/// List what was decided about findings: of each finding the decision that counts.
#[utoipa::path(get, path = "/v1/dismissals", tag = "findings", params(DismissalFilter),
    responses((status = 200, description = "Newest first.", body = List<DecisionView>)))]
async fn list_dismissals(
    State(deps): State<Deps>,
    caller: Caller,
    Filter(wanted): Filter<DismissalFilter>,
) -> Result<Json<List<DecisionView>>, Problem> {
    let asked = Asked::new(wanted.cursor, wanted.limit)?;
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Read).await?;
    let filter = dispositions::Filter {
        repository: wanted.repository_id,
        standing: wanted.standing.map(Standing::from),
        ground: wanted.ground,
        owner: wanted.owner.as_deref(),
        rule: wanted.rule.as_deref(),
    };
    let rows = dispositions::list(&tenant.tx, &filter, asked.page()).await?;
    tenant.commit().await?;
    Ok(Json(asked.list(rows, |row| row.id, DecisionView::from)))
}

/// Everything that was decided about one finding.
#[derive(Serialize, ToSchema)]
struct Decisions {
    /// Newest first.
    items: Vec<DecisionView>,
}

/// List everything that was decided about one finding, wherever it appeared.
#[utoipa::path(get, path = "/v1/findings/{id}/decisions", tag = "findings",
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "Newest first.", body = Decisions)))]
async fn list_decisions(
    State(deps): State<Deps>,
    caller: Caller,
    Id(id): Id<FindingId>,
) -> Result<Json<Decisions>, Problem> {
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Read).await?;
    let finding = findings::find(&tenant.tx, id).await?;
    let finding = finding.ok_or_else(|| Problem::not_found("finding"))?;
    let (lineage, fingerprint) = (&finding.lineage, &finding.fingerprint);
    let rows = dispositions::history(&tenant.tx, finding.repository, lineage, fingerprint).await?;
    tenant.commit().await?;
    Ok(Json(Decisions { items: rows.into_iter().map(DecisionView::from).collect() }))
}
