use axum::{Json, extract::State};
use bundling::{pretty_json, unified_diff};
use domain::{ArtifactId, ArtifactKind, CitationSource, Content, ProjectId, RunId, Scope};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{
    artifacts::{self, Artifact, Summary},
    projects,
};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    Deps,
    auth::{Caller, Tenant},
    extract::{Filter, Id, check_text},
    paging::{Asked, List},
    problem::{Checks, Kind, MEDIA_TYPE, Problem, ProblemDocument},
    words::{ArtifactKindWord, CitationSourceWord},
};

/// Longest difference that is sent: as JSON within Lambda's JSON it may grow to four times this.
const DIFF_BYTES_MAX: usize = 1280 * 1024;
/// As long as a key may be.
const KEY_PREFIX_CHARS_MAX: usize = 200;

pub(crate) fn routes() -> OpenApiRouter<Deps> {
    OpenApiRouter::new()
        .routes(routes!(list_artifacts))
        .routes(routes!(get_artifact))
        .routes(routes!(list_artifact_versions))
        .routes(routes!(diff_artifact))
}

/// One version of a document, without what it says.
#[derive(Serialize, ToSchema)]
#[schema(as = ArtifactSummary)]
struct SummaryView {
    id: Uuid,
    project_id: Uuid,
    /// Which run wrote it.
    run_id: Option<Uuid>,
    #[schema(value_type = ArtifactKindWord)]
    kind: ArtifactKind,
    /// Tells the documents of one kind apart.
    logical_key: String,
    /// Counts from 1 for each kind and key, without a gap.
    version: i32,
    /// `markdown` or `json`.
    format: String,
    citation_count: i64,
    created_at: Timestamp,
}

impl From<Summary> for SummaryView {
    fn from(summary: Summary) -> Self {
        Self {
            id: *summary.id.as_uuid(),
            project_id: *summary.project.as_uuid(),
            run_id: summary.run.map(|id| *id.as_uuid()),
            kind: summary.kind,
            logical_key: summary.key.as_str().to_owned(),
            version: summary.version,
            format: summary.format,
            citation_count: summary.citations,
            created_at: summary.created_at,
        }
    }
}

/// One version of a document. It never changes.
#[derive(Serialize, ToSchema)]
#[schema(as = Artifact)]
struct ArtifactView {
    #[serde(flatten)]
    summary: SummaryView,
    /// Of a text: its words in `markdown`, beside whatever else is kept. Otherwise any JSON.
    #[schema(value_type = Value)]
    content: Value,
    /// What `[[n]](citation:n)` in the text leads to.
    citations: Vec<CitationView>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Citation)]
struct CitationView {
    number: u32,
    #[schema(value_type = CitationSourceWord)]
    source_type: CitationSource,
    /// An id, or `path:line`.
    source_ref: String,
    #[schema(value_type = Object)]
    payload: Value,
}

impl From<Artifact> for ArtifactView {
    fn from(artifact: Artifact) -> Self {
        let citations = artifact.citations.into_iter().map(|citation| CitationView {
            number: citation.number,
            source_type: citation.source,
            source_ref: citation.reference,
            payload: citation.payload,
        });
        Self {
            summary: SummaryView::from(artifact.summary),
            content: artifact.content.to_value(),
            citations: citations.collect(),
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ArtifactFilter {
    #[param(inline, value_type = Option<ArtifactKindWord>)]
    kind: Option<ArtifactKind>,
    /// How the logical key begins.
    #[param(max_length = 200)]
    key_prefix: Option<String>,
    /// The run that wrote the newest version.
    #[param(value_type = Option<Uuid>)]
    run_id: Option<RunId>,
    /// `next_cursor` of the page before.
    cursor: Option<Uuid>,
    /// At most this many; 50 unless told, 200 at most.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// What a key may begin with, so that the database is not asked for what it cannot hold.
pub(super) fn check_prefix(prefix: Option<&str>) -> Result<(), Problem> {
    let mut checks = Checks::default();
    if let Some(prefix) = prefix {
        check_text(&mut checks, "key_prefix", prefix, 1, KEY_PREFIX_CHARS_MAX);
    }
    checks.done()
}

/// List the newest version of each artifact of a project.
#[utoipa::path(get, path = "/v1/projects/{id}/artifacts", tag = "artifacts",
    params(("id" = Uuid, Path), ArtifactFilter),
    responses((status = 200, description = "By kind and key.", body = List<SummaryView>)))]
async fn list_artifacts(
    State(deps): State<Deps>,
    caller: Caller,
    Id(id): Id<ProjectId>,
    Filter(wanted): Filter<ArtifactFilter>,
) -> Result<Json<List<SummaryView>>, Problem> {
    let asked = Asked::new(wanted.cursor, wanted.limit)?;
    check_prefix(wanted.key_prefix.as_deref())?;
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Read).await?;
    projects::find(&tenant.tx, id).await?.ok_or_else(|| Problem::not_found("project"))?;
    let filter = artifacts::Filter {
        kind: wanted.kind.as_ref(),
        key_prefix: wanted.key_prefix.as_deref(),
        run: wanted.run_id,
    };
    let rows = artifacts::list(&tenant.tx, id, &filter, asked.page()).await?;
    tenant.commit().await?;
    Ok(Json(asked.list(rows, |row| *row.id.as_uuid(), SummaryView::from)))
}

async fn find(tenant: &Tenant<'_>, id: ArtifactId) -> Result<Artifact, Problem> {
    artifacts::find(&tenant.tx, id).await?.ok_or_else(|| Problem::not_found("artifact"))
}

/// Get one version of an artifact.
#[utoipa::path(get, path = "/v1/artifacts/{id}", tag = "artifacts", params(("id" = Uuid, Path)),
    responses((status = 200, description = "The version.", body = ArtifactView)))]
async fn get_artifact(
    State(deps): State<Deps>,
    caller: Caller,
    Id(id): Id<ArtifactId>,
) -> Result<Json<ArtifactView>, Problem> {
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Read).await?;
    let artifact = find(&tenant, id).await?;
    tenant.commit().await?;
    Ok(Json(ArtifactView::from(artifact)))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct VersionFilter {
    /// `next_cursor` of the page before.
    cursor: Option<Uuid>,
    /// At most this many; 50 unless told, 200 at most.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// List all versions of the document that an artifact is one of.
#[utoipa::path(get, path = "/v1/artifacts/{id}/versions", tag = "artifacts",
    params(("id" = Uuid, Path), VersionFilter),
    responses((status = 200, description = "Newest first.", body = List<SummaryView>)))]
async fn list_artifact_versions(
    State(deps): State<Deps>,
    caller: Caller,
    Id(id): Id<ArtifactId>,
    Filter(wanted): Filter<VersionFilter>,
) -> Result<Json<List<SummaryView>>, Problem> {
    let asked = Asked::new(wanted.cursor, wanted.limit)?;
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Read).await?;
    let of = find(&tenant, id).await?.summary;
    let rows = artifacts::list_versions(&tenant.tx, &of, asked.page()).await?;
    tenant.commit().await?;
    Ok(Json(asked.list(rows, |row| *row.id.as_uuid(), SummaryView::from)))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DiffFilter {
    /// The version to compare with; the one before unless told.
    #[param(minimum = 1)]
    against: Option<i32>,
}

/// What changed between two versions.
#[derive(Serialize, ToSchema)]
#[schema(as = ArtifactDiff)]
struct DiffView {
    #[schema(value_type = ArtifactKindWord)]
    kind: ArtifactKind,
    logical_key: String,
    /// Null: there was none before.
    from_version: Option<i32>,
    to_version: i32,
    /// A unified diff; of JSON, with one value a line and sorted names. Empty: nothing changed.
    diff: String,
}

/// Compare a version of an artifact with another of the same key.
#[utoipa::path(get, path = "/v1/artifacts/{id}/diff", tag = "artifacts",
    params(("id" = Uuid, Path), DiffFilter),
    responses(
        (status = 200, description = "The difference.", body = DiffView),
        (status = 422, description = "It is larger than what can be sent.",
         body = ProblemDocument, content_type = MEDIA_TYPE)))]
async fn diff_artifact(
    State(deps): State<Deps>,
    caller: Caller,
    Id(id): Id<ArtifactId>,
    Filter(wanted): Filter<DiffFilter>,
) -> Result<Json<DiffView>, Problem> {
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Read).await?;
    let new = find(&tenant, id).await?;
    let against = wanted.against.unwrap_or(new.summary.version - 1);
    let old = artifacts::find_version(&tenant.tx, &new.summary, against).await?;
    if old.is_none() && wanted.against.is_some() {
        let detail = format!("there is no version {against} of `{}`", new.summary.key);
        return Err(Problem::field("against", detail));
    }
    tenant.commit().await?;

    let diff = difference(old.as_ref(), &new);
    if diff.len() > DIFF_BYTES_MAX {
        let detail = "the versions differ too much; get both and compare them";
        return Err(Problem::new(Kind::AnswerTooLarge, detail));
    }
    Ok(Json(DiffView {
        kind: new.summary.kind,
        logical_key: new.summary.key.as_str().to_owned(),
        from_version: old.map(|old| old.summary.version),
        to_version: new.summary.version,
        diff,
    }))
}

/// Two texts are compared as texts, and what is kept beside them as JSON; all else as JSON.
fn difference(old: Option<&Artifact>, new: &Artifact) -> String {
    let name = |version: i32, ending: &str| format!("{}.v{version}.{ending}", new.summary.key);
    let before = old.map_or(0, |old| old.summary.version);
    let compare = |ending, old: &str, new_text: &str| {
        let (from, to) = (name(before, ending), name(new.summary.version, ending));
        unified_diff(old, new_text, &from, &to)
    };
    let nothing = Content::markdown("");
    match (old.map_or(&nothing, |old| &old.content), &new.content) {
        (
            Content::Markdown { text: old, fields: old_fields },
            Content::Markdown { text, fields },
        ) => {
            let texts = compare("md", old, text);
            let json = |fields: &serde_json::Map<String, Value>| match fields.is_empty() {
                true => String::new(),
                false => pretty_json(&Value::Object(fields.clone())),
            };
            texts + &compare("json", &json(old_fields), &json(fields))
        }
        (Content::Markdown { text, .. }, Content::Json(new)) if text.is_empty() && before == 0 => {
            compare("json", "", &pretty_json(new))
        }
        (old, new) => compare("json", &as_json(old), &as_json(new)),
    }
}

fn as_json(content: &Content) -> String {
    pretty_json(&content.to_value())
}
