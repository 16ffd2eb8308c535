//! What changes do: facts, and words made of them.

use axum::{
    Json,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use domain::{DiffSummaryId, RepositoryId, RiskLevel, Scope};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{
    diff_summaries::{self, Summary},
    repositories,
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
    words::{LanguageWord, RiskLevelWord},
};

const MARKDOWN: &str = "text/markdown; charset=utf-8";
/// Changes that a changelog names unless told; and at most.
const CHANGELOG: (u32, u32) = (100, 500);

pub(crate) fn routes() -> OpenApiRouter<Deps> {
    OpenApiRouter::new()
        .routes(routes!(list_diff_summaries))
        .routes(routes!(get_diff_summary))
        .routes(routes!(get_pr_description))
        .routes(routes!(get_changelog))
}

/// What a change does, in words.
#[derive(Serialize, ToSchema)]
#[schema(as = DiffSummary)]
struct SummaryView {
    id: Uuid,
    repository_id: Uuid,
    run_id: Option<Uuid>,
    /// Null for a commit that was pushed to a branch.
    pull_request: Option<i32>,
    head: String,
    base: String,
    title: String,
    /// One line in the words of Conventional Commits.
    changelog: String,
    #[schema(value_type = RiskLevelWord)]
    risk_level: RiskLevel,
    /// Who found the words: `assay`, or the name of a model. Facts are always ours.
    worded_by: String,
    computed_at: Timestamp,
}

impl From<&Summary> for SummaryView {
    fn from(summary: &Summary) -> Self {
        Self {
            id: *summary.id.as_uuid(),
            repository_id: *summary.repository.as_uuid(),
            run_id: summary.run.map(|id| *id.as_uuid()),
            pull_request: summary.pull_request,
            head: summary.head.to_string(),
            base: summary.base.to_string(),
            title: summary.title.clone(),
            changelog: summary.changelog.clone(),
            risk_level: summary.risk_level,
            worded_by: summary.worded_by.clone(),
            computed_at: summary.computed_at,
        }
    }
}

/// A summary with the facts that its words are made of.
#[derive(Serialize, ToSchema)]
struct DiffSummaryDetail {
    #[serde(flatten)]
    summary: SummaryView,
    /// Markdown.
    description: String,
    /// Functions and types that differ.
    changes: Vec<SymbolView>,
    risk: RiskView,
    #[serde(flatten)]
    facts: FactsView,
}

/// What is known of a change beside its symbols and its risk.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = DiffFacts)]
struct FactsView {
    method: String,
    /// As its author called it.
    given_title: Option<String>,
    /// A word of Conventional Commits, such as `feat`.
    kind: String,
    scope: Option<String>,
    totals: TotalsView,
    files: Vec<FileView>,
    components: Vec<ComponentView>,
    /// What callers may have to change for.
    breaking: Vec<BreakView>,
    labels: Vec<String>,
    /// Files in a language we parse whose symbols could not be compared.
    not_compared: Vec<String>,
}

#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = DiffTotals)]
struct TotalsView {
    files: u32,
    lines_added: u64,
    lines_removed: u64,
    symbols_added: u32,
    symbols_changed: u32,
    symbols_removed: u32,
}

#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = DiffFile)]
struct FileView {
    path: String,
    /// `added`, `modified`, `renamed` or `deleted`.
    state: String,
    renamed_from: Option<String>,
    /// What the file is for, going by its name, such as `code`, `test` or `dependencies`.
    kind: String,
    #[schema(value_type = Option<LanguageWord>)]
    language: Option<String>,
    lines_added: u32,
    lines_removed: u32,
}

#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = DiffSymbol)]
struct SymbolView {
    path: String,
    /// At the head; where it stood at the base when it was removed.
    line: u32,
    /// Qualified by what encloses it.
    name: String,
    /// `function` or `type`.
    kind: String,
    /// `added`, `removed`, `signature` for what callers see, `body` for what they do not, `moved`.
    state: String,
    /// Seen from outside, by the rules of its language.
    public: bool,
    /// It is test code, in a file of its own or beside the product's.
    test: bool,
    /// Its signature at the base.
    before: Option<String>,
    /// And at the head.
    after: Option<String>,
    moved_from: Option<String>,
}

/// A part of the repository that the change touches.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = DiffComponent)]
struct ComponentView {
    /// Its folder; empty for the repository itself.
    path: String,
    /// The file that makes it a package.
    manifest: Option<String>,
    files: u32,
}

#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = BreakingChange)]
struct BreakView {
    /// `removed`, `signature`, `hidden`, `moved`, `member` or `module`.
    kind: String,
    path: String,
    line: u32,
    symbol: String,
    reason: String,
    before: Option<String>,
    after: Option<String>,
}

#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = DiffRisk)]
struct RiskView {
    #[schema(value_type = RiskLevelWord)]
    level: String,
    /// The gravest first.
    reasons: Vec<ReasonView>,
}

#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = RiskReason)]
struct ReasonView {
    /// Such as `findings` or `breaking_changes`.
    code: String,
    #[schema(value_type = RiskLevelWord)]
    level: String,
    text: String,
    /// What it stands on; the first five.
    named: Vec<String>,
    count: u64,
}

fn detail(summary: Summary) -> Result<Json<DiffSummaryDetail>, Problem> {
    fn read<T: serde::de::DeserializeOwned>(json: Value) -> Result<T, Problem> {
        serde_json::from_value(json).map_err(Problem::bug)
    }
    let view = SummaryView::from(&summary);
    Ok(Json(DiffSummaryDetail {
        summary: view,
        description: summary.description,
        changes: read(summary.changes)?,
        risk: read(summary.risk_assessment)?,
        facts: read(summary.facts)?,
    }))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DiffSummaryFilter {
    #[param(value_type = Option<Uuid>)]
    repository_id: Option<RepositoryId>,
    pull_request: Option<i32>,
    /// The full name of the head.
    #[param(max_length = 64)]
    commit: Option<String>,
    #[param(inline, value_type = Option<RiskLevelWord>)]
    risk_level: Option<RiskLevel>,
    /// `next_cursor` of the page before.
    cursor: Option<Uuid>,
    /// At most this many; 50 unless told, 200 at most.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// List summaries of changes: one for each head that was examined.
#[utoipa::path(get, path = "/v1/diff-summaries", tag = "changes", params(DiffSummaryFilter),
    responses((status = 200, description = "Newest first.", body = List<SummaryView>)))]
async fn list_diff_summaries(
    State(deps): State<Deps>,
    caller: Caller,
    Filter(wanted): Filter<DiffSummaryFilter>,
) -> Result<Json<List<SummaryView>>, Problem> {
    let asked = Asked::new(wanted.cursor, wanted.limit)?;
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Read).await?;
    let filter = diff_summaries::Filter {
        repository: wanted.repository_id,
        pull_request: wanted.pull_request,
        commit: wanted.commit.as_deref(),
        risk_level: wanted.risk_level,
    };
    let rows = diff_summaries::list(&tenant.tx, &filter, asked.page()).await?;
    tenant.commit().await?;
    Ok(Json(asked.list(rows, |row| *row.id.as_uuid(), |row| SummaryView::from(&row))))
}

async fn find(deps: &Deps, caller: Caller, id: DiffSummaryId) -> Result<Summary, Problem> {
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Read).await?;
    let summary = diff_summaries::find(&tenant.tx, id).await?;
    tenant.commit().await?;
    summary.ok_or_else(|| Problem::not_found("summary"))
}

/// Get the summary of a change with its facts.
#[utoipa::path(get, path = "/v1/diff-summaries/{id}", tag = "changes", params(("id" = Uuid, Path)),
    responses((status = 200, description = "The summary.", body = DiffSummaryDetail)))]
async fn get_diff_summary(
    State(deps): State<Deps>,
    caller: Caller,
    Id(id): Id<DiffSummaryId>,
) -> Result<Json<DiffSummaryDetail>, Problem> {
    detail(find(&deps, caller, id).await?)
}

/// Get the description of a change for a pull request, as Markdown.
#[utoipa::path(get, path = "/v1/diff-summaries/{id}/pr-description", tag = "changes",
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "Title and description.", body = String,
               content_type = MARKDOWN)))]
async fn get_pr_description(
    State(deps): State<Deps>,
    caller: Caller,
    Id(id): Id<DiffSummaryId>,
) -> Result<Response, Problem> {
    let summary = find(&deps, caller, id).await?;
    let text = format!("# {}\n\n{}", summary.title, summary.description);
    Ok(([(header::CONTENT_TYPE, MARKDOWN)], text).into_response())
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ChangelogFilter {
    /// At most this many changes; 100 unless told, 500 at most.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// Get the changelog of a repository as Markdown: a line for the newest head of each change.
#[utoipa::path(get, path = "/v1/repositories/{id}/changelog", tag = "changes",
    params(("id" = Uuid, Path), ChangelogFilter),
    responses((status = 200, description = "Newest first.", body = String,
               content_type = MARKDOWN)))]
async fn get_changelog(
    State(deps): State<Deps>,
    caller: Caller,
    Id(id): Id<RepositoryId>,
    Filter(wanted): Filter<ChangelogFilter>,
) -> Result<Response, Problem> {
    let (default, max) = CHANGELOG;
    let limit = wanted.limit.unwrap_or(default);
    if !(1..=max).contains(&limit) {
        return Err(Problem::field("limit", format!("expected 1 to {max}")));
    }
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Read).await?;
    repositories::find(&tenant.tx, id).await?.ok_or_else(|| Problem::not_found("repository"))?;
    let latest = diff_summaries::list_latest(&tenant.tx, id, i64::from(limit)).await?;
    tenant.commit().await?;
    let lines: String = latest.iter().map(changelog_line).collect();
    Ok(([(header::CONTENT_TYPE, MARKDOWN)], format!("# Changelog\n\n{lines}")).into_response())
}

fn changelog_line(summary: &Summary) -> String {
    let day = summary.computed_at.strftime("%Y-%m-%d");
    let about = match summary.pull_request {
        Some(number) => format!("#{number}"),
        None => summary.head.short().to_owned(),
    };
    format!("- {day} {} ({about})\n", summary.changelog)
}
