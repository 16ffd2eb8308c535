//! Rules as files: templates to begin with, export and import.

use analysis::{
    CustomRule, RuleFile,
    custom::{templates, to_yaml},
};
use axum::{
    Json,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use domain::{Language, RepositoryId, RuleType, Scope, Severity};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::custom_rules::{self, StoredRule, Updated};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{
    audit, check_room, content, name_taken, owner,
    written::{Accepted, Rule, accepted_file},
};
use crate::{
    Deps,
    auth::{Caller, Tenant},
    extract::{Body, Filter},
    problem::{MEDIA_TYPE, Problem, ProblemDocument},
    words::{LanguageWord, RuleTypeWord, SeverityWord},
};

const YAML: &str = "application/yaml";

pub(super) fn routes() -> OpenApiRouter<Deps> {
    OpenApiRouter::new()
        .routes(routes!(list_rule_templates))
        .routes(routes!(export_rules))
        .routes(routes!(import_rules))
}

/// Rules to begin with.
#[derive(Serialize, ToSchema)]
struct RuleTemplates {
    items: Vec<TemplateView>,
}

/// A rule that works as it is, and is meant to be changed.
#[derive(Serialize, ToSchema)]
#[schema(as = RuleTemplate)]
struct TemplateView {
    name: &'static str,
    title: &'static str,
    message: &'static str,
    #[schema(value_type = RuleTypeWord)]
    r#type: RuleType,
    #[schema(value_type = SeverityWord)]
    severity: Severity,
    #[schema(value_type = Vec<LanguageWord>)]
    languages: &'static [Language],
    /// What `POST /v1/rules` takes as `rule`.
    #[schema(value_type = Object)]
    rule: Value,
    /// The same as a file.
    yaml: &'static str,
}

/// List rules to begin with, each with examples of what it finds and what it leaves alone.
#[utoipa::path(get, path = "/v1/rules/templates", tag = "rules",
    responses((status = 200, description = "All of them.", body = RuleTemplates)))]
async fn list_rule_templates(
    State(deps): State<Deps>,
    caller: Caller,
) -> Result<Json<RuleTemplates>, Problem> {
    let mut session = deps.session().await?;
    caller.enter(&mut session, Scope::Read).await?.commit().await?;
    let view = |template: &'static analysis::custom::Template| {
        let head = &template.rule.head;
        TemplateView {
            name: &head.id,
            title: head.title.as_deref().unwrap_or(&head.message),
            message: &head.message,
            r#type: head.rule_type,
            severity: head.severity,
            languages: &head.languages,
            rule: template.rule.to_value(),
            yaml: &template.yaml,
        }
    };
    Ok(Json(RuleTemplates { items: templates().iter().map(view).collect() }))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ExportFilter {
    /// The repository's own rules; otherwise the organisation's.
    #[param(value_type = Option<Uuid>)]
    repository_id: Option<RepositoryId>,
}

/// Export rules as a YAML file that can be imported.
#[utoipa::path(get, path = "/v1/rules/export", tag = "rules", params(ExportFilter),
    responses(
        (status = 200, description = "The rules, by name.", body = String, content_type = YAML),
        (status = 404, description = "The organisation has no such repository.",
         body = ProblemDocument, content_type = MEDIA_TYPE)))]
async fn export_rules(
    State(deps): State<Deps>,
    caller: Caller,
    Filter(wanted): Filter<ExportFilter>,
) -> Result<Response, Problem> {
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Read).await?;
    let owner = owner(&tenant, wanted.repository_id).await?;
    let rows = custom_rules::list_all(&tenant.tx, owner).await?;
    tenant.commit().await?;
    let read = |row: &StoredRule| RuleFile::of_value(row.written()).map(|file| file.rules);
    let rules: Result<Vec<Vec<CustomRule>>, _> = rows.iter().map(read).collect();
    let yaml = to_yaml(&rules.map_err(Problem::bug)?.concat());
    let headers = [
        (header::CONTENT_TYPE, YAML),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"assay-rules.yml\""),
    ];
    Ok((headers, yaml).into_response())
}

/// Rules to be kept, all of them or none.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ImportRules {
    /// Left out or null: they hold for every repository of the organisation.
    #[schema(value_type = Option<Uuid>)]
    repository_id: Option<RepositoryId>,
    /// A list of rules, or an object with `rules`; also rules as ast-grep writes them.
    #[schema(max_length = 262_144)]
    yaml: String,
    /// Whether a rule takes the place of one with its name; otherwise that is refused.
    #[serde(default)]
    #[schema(default = false)]
    replace: bool,
}

/// What came of an import.
#[derive(Serialize, ToSchema)]
#[schema(as = ImportedRules)]
struct Imported {
    created: usize,
    changed: usize,
    /// They were there already, to the letter.
    unchanged: usize,
    /// What of the rules has no effect here.
    notes: Vec<String>,
    rules: Vec<ImportedRule>,
}

#[derive(Serialize, ToSchema)]
struct ImportedRule {
    id: Uuid,
    name: String,
}

/// Import rules from YAML. Each is checked and run over its own examples first.
#[utoipa::path(post, path = "/v1/rules/import", tag = "rules", request_body = ImportRules,
    responses(
        (status = 200, description = "All of them are kept.", body = Imported),
        (status = 404, description = "The organisation has no such repository.",
         body = ProblemDocument, content_type = MEDIA_TYPE),
        (status = 409, description = "There is a rule of a name, or as many as there may be.",
         body = ProblemDocument, content_type = MEDIA_TYPE)))]
async fn import_rules(
    State(deps): State<Deps>,
    caller: Caller,
    Body(wanted): Body<ImportRules>,
) -> Result<Json<Imported>, Problem> {
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Write).await?;
    let owner = owner(&tenant, wanted.repository_id).await?;
    let file = accepted_file(Rule::Yaml(wanted.yaml)).await?;
    custom_rules::lock(&tenant.tx, tenant.org).await?;
    let known = custom_rules::list_all(&tenant.tx, owner).await?;
    let mut imported =
        Imported { created: 0, changed: 0, unchanged: 0, notes: file.notes, rules: Vec::new() };
    let is_new = |rule: &&CustomRule| known.iter().all(|row| row.name != rule.head.id);
    let more = file.rules.iter().filter(is_new).count();
    check_room(&tenant, owner, i64::try_from(more).unwrap_or(i64::MAX)).await?;
    for rule in file.rules {
        let before = known.iter().find(|row| row.name == rule.head.id);
        let row = imported.take(&tenant, owner, Accepted::of(rule), before, wanted.replace).await?;
        imported.rules.push(ImportedRule { id: *row.id.as_uuid(), name: row.name });
    }
    tenant.commit().await?;
    Ok(Json(imported))
}

impl Imported {
    async fn take(
        &mut self,
        tenant: &Tenant<'_>,
        owner: Option<RepositoryId>,
        Accepted { rule, config }: Accepted,
        before: Option<&StoredRule>,
        replace: bool,
    ) -> Result<StoredRule, Problem> {
        let new = content(&rule, &config);
        let Some(before) = before else {
            let row = custom_rules::insert(&tenant.tx, tenant.org, owner, &new).await?;
            let row = row.ok_or_else(|| name_taken(&rule.head.id))?;
            self.created += 1;
            audit(tenant, "rule.created", &row).await?;
            return Ok(row);
        };
        if before.written() == config {
            self.unchanged += 1;
            return Ok(before.clone());
        }
        if !replace {
            let detail = format!("there is a rule `{}` already: send `replace`", rule.head.id);
            return Err(Problem::conflict(detail));
        }
        match custom_rules::update(&tenant.tx, before.id, &new).await? {
            Updated::Done(row) => {
                self.changed += 1;
                audit(tenant, "rule.changed", &row).await?;
                Ok(*row)
            }
            Updated::Gone => Err(Problem::not_found("rule")),
            Updated::NameTaken => Err(name_taken(&rule.head.id)),
        }
    }
}
