//! Rules of the customer's own: kept, changed, switched on and off. How they are tried before
//! they are kept says `trial`, how they come and go as files `exchange`.

mod exchange;
mod trial;
mod written;

use axum::{Json, extract::State, http::StatusCode, http::header, response::IntoResponse};
use domain::{AnalysisId, CustomRuleId, RepositoryId, RuleType, Scope, Severity};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{
    analyses,
    custom_rules::{self, Content, StoredRule, Updated},
    repositories,
};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    Deps,
    auth::{Caller, Tenant},
    extract::{Body, Filter, Id},
    paging::{Asked, List},
    problem::{MEDIA_TYPE, Problem, ProblemDocument},
    words::{RuleTypeWord, SeverityWord},
};
use written::{Accepted, Rule, accepted};

/// Together with a repository's own they are what one run takes.
const RULES_PER_ORGANIZATION_MAX: i64 = 200;
const RULES_PER_REPOSITORY_MAX: i64 = 100;

pub(crate) fn routes() -> OpenApiRouter<Deps> {
    OpenApiRouter::new()
        .routes(routes!(create_rule, list_rules))
        .routes(routes!(get_rule, change_rule, delete_rule))
        .routes(routes!(toggle_rule))
        .routes(routes!(list_rules_of_analysis))
        .merge(trial::routes())
        .merge(exchange::routes())
}

/// A rule of the customer's own.
#[derive(Serialize, ToSchema)]
#[schema(as = CustomRule)]
struct RuleView {
    id: Uuid,
    /// Null: it holds for every repository of the organisation.
    repository_id: Option<Uuid>,
    /// The id that its author gave it. Its findings are called `custom.` and this.
    name: String,
    description: Option<String>,
    #[schema(value_type = RuleTypeWord)]
    r#type: RuleType,
    #[schema(value_type = SeverityWord)]
    severity: Severity,
    enabled: bool,
    /// Counts the changes of its content.
    version: i32,
    /// The whole rule as it is written.
    #[schema(value_type = Object)]
    rule: Value,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl From<StoredRule> for RuleView {
    fn from(row: StoredRule) -> Self {
        Self {
            id: *row.id.as_uuid(),
            repository_id: row.repository.map(|id| *id.as_uuid()),
            rule: row.written(),
            name: row.name,
            description: row.description,
            r#type: row.rule_type,
            severity: row.severity,
            enabled: row.enabled,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// A rule to be kept; as `rule` or as `yaml`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateRule {
    /// Left out or null: it holds for every repository of the organisation.
    #[schema(value_type = Option<Uuid>)]
    repository_id: Option<RepositoryId>,
    /// The rule, in the words of docs/custom-rules.md.
    #[schema(value_type = Option<Object>)]
    rule: Option<Value>,
    /// The same as YAML.
    #[schema(max_length = 262_144)]
    yaml: Option<String>,
}

/// Keep a rule. It is checked and run over its own examples first.
#[utoipa::path(post, path = "/v1/rules", tag = "rules", request_body = CreateRule,
    responses(
        (status = 201, description = "It runs from the next analysis on.", body = RuleView,
         headers(("Location" = String))),
        (status = 404, description = "The organisation has no such repository.",
         body = ProblemDocument, content_type = MEDIA_TYPE),
        (status = 409, description = "There is a rule of this name, or as many as there may be.",
         body = ProblemDocument, content_type = MEDIA_TYPE)))]
async fn create_rule(
    State(deps): State<Deps>,
    caller: Caller,
    Body(wanted): Body<CreateRule>,
) -> Result<impl IntoResponse, Problem> {
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Write).await?;
    let owner = owner(&tenant, wanted.repository_id).await?;
    let Accepted { rule, config } = accepted(Rule::of(wanted.rule, wanted.yaml)?).await?;
    custom_rules::lock(&tenant.tx, tenant.org).await?;
    check_room(&tenant, owner, 1).await?;
    let row = custom_rules::insert(&tenant.tx, tenant.org, owner, &content(&rule, &config)).await?;
    let row = row.ok_or_else(|| name_taken(&rule.head.id))?;
    audit(&tenant, "rule.created", &row).await?;
    tenant.commit().await?;
    let location = format!("/v1/rules/{}", row.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(RuleView::from(row))))
}

/// Whose the rules are, if the organisation has such a repository.
async fn owner(
    tenant: &Tenant<'_>,
    repository: Option<RepositoryId>,
) -> Result<Option<RepositoryId>, Problem> {
    let Some(id) = repository else { return Ok(None) };
    let repository = repositories::find(&tenant.tx, id).await?;
    repository.map(|found| Some(found.id)).ok_or_else(|| Problem::not_found("repository"))
}

async fn check_room(
    tenant: &Tenant<'_>,
    owner: Option<RepositoryId>,
    more: i64,
) -> Result<(), Problem> {
    let (most, whose) = match owner {
        None => (RULES_PER_ORGANIZATION_MAX, "an organisation"),
        Some(_) => (RULES_PER_REPOSITORY_MAX, "a repository"),
    };
    if more > 0 && custom_rules::count(&tenant.tx, owner).await? + more > most {
        let detail = format!("{whose} has at most {most} rules of its own: delete some");
        return Err(Problem::conflict(detail));
    }
    Ok(())
}

fn name_taken(name: &str) -> Problem {
    Problem::conflict(format!("there is a rule `{name}` already: change it, or take another id"))
}

fn content<'a>(rule: &'a analysis::CustomRule, config: &'a Value) -> Content<'a> {
    Content {
        name: &rule.head.id,
        description: rule.head.description.as_deref(),
        rule_type: rule.head.rule_type,
        config,
        severity: rule.head.severity,
        enabled: rule.head.enabled,
    }
}

/// Records a rule as it is now, or was until now.
async fn audit(tenant: &Tenant<'_>, action: &str, row: &StoredRule) -> Result<(), Problem> {
    let details = json!({
        "name": row.name,
        "repository_id": row.repository,
        "type": row.rule_type,
        "severity": row.severity,
        "enabled": row.enabled,
        "version": row.version,
        "sha256": domain::canonical_sha256(&row.config),
    });
    tenant.audit(action, "rule", *row.id.as_uuid(), &details).await
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RuleFilter {
    /// Only the repository's own.
    #[param(value_type = Option<Uuid>)]
    repository_id: Option<RepositoryId>,
    #[param(inline, value_type = Option<RuleTypeWord>)]
    r#type: Option<RuleType>,
    enabled: Option<bool>,
    /// `next_cursor` of the page before.
    cursor: Option<Uuid>,
    /// At most this many; 50 unless told, 200 at most.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// List the rules of the customer's own.
#[utoipa::path(get, path = "/v1/rules", tag = "rules", params(RuleFilter),
    responses((status = 200, description = "Newest first.", body = List<RuleView>)))]
async fn list_rules(
    State(deps): State<Deps>,
    caller: Caller,
    Filter(wanted): Filter<RuleFilter>,
) -> Result<Json<List<RuleView>>, Problem> {
    let asked = Asked::new(wanted.cursor, wanted.limit)?;
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Read).await?;
    let filter = custom_rules::Filter {
        repository: wanted.repository_id,
        rule_type: wanted.r#type,
        enabled: wanted.enabled,
    };
    let rows = custom_rules::list(&tenant.tx, filter, asked.page()).await?;
    tenant.commit().await?;
    Ok(Json(asked.list(rows, |row| *row.id.as_uuid(), RuleView::from)))
}

/// Get one rule.
#[utoipa::path(get, path = "/v1/rules/{id}", tag = "rules", params(("id" = Uuid, Path)),
    responses((status = 200, description = "The rule.", body = RuleView)))]
async fn get_rule(
    State(deps): State<Deps>,
    caller: Caller,
    Id(id): Id<CustomRuleId>,
) -> Result<Json<RuleView>, Problem> {
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Read).await?;
    let row = custom_rules::find(&tenant.tx, id).await?;
    let row = row.ok_or_else(|| Problem::not_found("rule"))?;
    tenant.commit().await?;
    Ok(Json(row.into()))
}

/// What the rule is to be instead, as `rule` or as `yaml`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeRule {
    /// The whole rule, in the words of docs/custom-rules.md.
    #[schema(value_type = Option<Object>)]
    rule: Option<Value>,
    /// The same as YAML.
    #[schema(max_length = 262_144)]
    yaml: Option<String>,
}

/// Replace a rule. It is checked and run over its own examples first.
#[utoipa::path(patch, path = "/v1/rules/{id}", tag = "rules", params(("id" = Uuid, Path)),
    request_body = ChangeRule,
    responses(
        (status = 200, description = "As it is now.", body = RuleView),
        (status = 409, description = "Another rule has the name.", body = ProblemDocument,
         content_type = MEDIA_TYPE)))]
async fn change_rule(
    State(deps): State<Deps>,
    caller: Caller,
    Id(id): Id<CustomRuleId>,
    Body(wanted): Body<ChangeRule>,
) -> Result<Json<RuleView>, Problem> {
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Write).await?;
    let Accepted { rule, config } = accepted(Rule::of(wanted.rule, wanted.yaml)?).await?;
    custom_rules::lock(&tenant.tx, tenant.org).await?;
    let row = match custom_rules::update(&tenant.tx, id, &content(&rule, &config)).await? {
        Updated::Done(row) => *row,
        Updated::Gone => return Err(Problem::not_found("rule")),
        Updated::NameTaken => return Err(name_taken(&rule.head.id)),
    };
    audit(&tenant, "rule.changed", &row).await?;
    tenant.commit().await?;
    Ok(Json(row.into()))
}

/// Whether the rule is to run.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ToggleRule {
    enabled: bool,
}

/// Switch a rule on or off. A repository's rule that is off also switches off the organisation's
/// of the same name.
#[utoipa::path(post, path = "/v1/rules/{id}/toggle", tag = "rules", params(("id" = Uuid, Path)),
    request_body = ToggleRule,
    responses((status = 200, description = "As it is now.", body = RuleView)))]
async fn toggle_rule(
    State(deps): State<Deps>,
    caller: Caller,
    Id(id): Id<CustomRuleId>,
    Body(wanted): Body<ToggleRule>,
) -> Result<Json<RuleView>, Problem> {
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Write).await?;
    let row = custom_rules::set_enabled(&tenant.tx, id, wanted.enabled).await?;
    let row = row.ok_or_else(|| Problem::not_found("rule"))?;
    let action = if row.enabled { "rule.enabled" } else { "rule.disabled" };
    audit(&tenant, action, &row).await?;
    tenant.commit().await?;
    Ok(Json(row.into()))
}

/// Delete a rule. What it found stays.
#[utoipa::path(delete, path = "/v1/rules/{id}", tag = "rules", params(("id" = Uuid, Path)),
    responses((status = 204, description = "It is gone.")))]
async fn delete_rule(
    State(deps): State<Deps>,
    caller: Caller,
    Id(id): Id<CustomRuleId>,
) -> Result<StatusCode, Problem> {
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Write).await?;
    let row = custom_rules::find_locked(&tenant.tx, id).await?;
    let row = row.ok_or_else(|| Problem::not_found("rule"))?;
    custom_rules::delete(&tenant.tx, id).await?;
    audit(&tenant, "rule.deleted", &row).await?;
    tenant.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The rules that an analysis ran beside the built-in ones, as they were then.
#[derive(Serialize, ToSchema)]
#[schema(as = RulesOfAnalysis)]
struct RanView {
    /// Hex sha256 over the canonical form of the rules; null: it ran none.
    hash: Option<String>,
    #[schema(value_type = Vec<Object>)]
    rules: Vec<Value>,
}

/// Get the rules of the customer's own that an analysis stands on, as they were then.
#[utoipa::path(get, path = "/v1/analyses/{id}/rules", tag = "rules", params(("id" = Uuid, Path)),
    responses((status = 200, description = "The rules, by name.", body = RanView)))]
async fn list_rules_of_analysis(
    State(deps): State<Deps>,
    caller: Caller,
    Id(id): Id<AnalysisId>,
) -> Result<Json<RanView>, Problem> {
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Read).await?;
    if analyses::find(&tenant.tx, id).await?.is_none() {
        return Err(Problem::not_found("analysis"));
    }
    let set = custom_rules::find_set_of(&tenant.tx, id).await?;
    tenant.commit().await?;
    let (hash, mut document) = set.map_or((None, Value::Null), |(hash, set)| (Some(hash), set));
    let rules = document.get_mut("rules").map(Value::take).unwrap_or_default();
    let rules = rules.as_array().cloned().unwrap_or_default();
    Ok(Json(RanView { hash, rules }))
}
