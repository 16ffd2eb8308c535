//! Everything at once, to be kept: a project's documents, and the evidence of a run.

use axum::{extract::State, http::HeaderMap, response::Response};
use bundling::{Bundle, redact};
use domain::{ArtifactKind, ProjectId, RunId, Scope};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use store::{Tx, artifacts, evidence::Evidence, projects};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Deps,
    auth::Caller,
    extract::{Filter, Id},
    packing::{FILE_BYTES_MAX, ZIP, add_artifacts, add_rows, download, problem},
    problem::{MEDIA_TYPE, Problem, ProblemDocument},
    routes::artifacts::check_prefix,
    words::ArtifactKindWord,
};

pub(crate) fn routes() -> OpenApiRouter<Deps> {
    OpenApiRouter::new().routes(routes!(export_project)).routes(routes!(download_audit_bundle))
}

#[derive(Deserialize, Serialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ExportFilter {
    #[param(inline, value_type = Option<ArtifactKindWord>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<ArtifactKind>,
    /// How the logical key begins.
    #[param(max_length = 200)]
    #[serde(skip_serializing_if = "Option::is_none")]
    key_prefix: Option<String>,
}

/// Export a project: the newest version of every artifact, with its citations.
///
/// A zip with `manifest.json`, the sha256 of every file. The same documents give the same bytes at
/// every call; the entity tag is the sha256 of the whole. Secrets are replaced by `[REDACTED]`.
#[utoipa::path(get, path = "/v1/projects/{id}/export", tag = "artifacts",
    params(("id" = Uuid, Path), ExportFilter),
    responses(
        (status = 200, description = "The zip.", body = Vec<u8>, content_type = ZIP),
        (status = 304, description = "It is still as `If-None-Match` knows it."),
        (status = 409, description = "Two documents would be the same file.",
         body = ProblemDocument, content_type = MEDIA_TYPE),
        (status = 422, description = "It is larger than what can be sent; narrow it.",
         body = ProblemDocument, content_type = MEDIA_TYPE)))]
async fn export_project(
    State(deps): State<Deps>,
    caller: Caller,
    Id(id): Id<ProjectId>,
    Filter(wanted): Filter<ExportFilter>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    check_prefix(wanted.key_prefix.as_deref())?;
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Read).await?;
    let project =
        projects::find(&tenant.tx, id).await?.ok_or_else(|| Problem::not_found("project"))?;
    let (kind, prefix) = (wanted.kind.as_ref(), wanted.key_prefix.as_deref());
    let ids = artifacts::list_newest_ids(&tenant.tx, id, kind, prefix).await?;
    let mut bundle = Bundle::new("manifest.json", FILE_BYTES_MAX);
    let hint = "narrow it by ?kind= or ?key_prefix=, or get the artifacts one by one";
    add_artifacts(&mut bundle, &tenant.tx, &ids).await.map_err(|problem| problem.hint(hint))?;
    tenant.commit().await?;

    let mut about = Map::new();
    about.insert(
        "project".to_owned(),
        redact(&json!({ "id": project.id, "slug": project.slug, "name": project.name })),
    );
    // What was left out because it was not asked for is told too.
    let narrowed = json!(wanted);
    if narrowed != json!({}) {
        about.insert("only".to_owned(), redact(&narrowed));
    }
    let packed = bundle.finish(about).map_err(|error| problem(error).hint(hint))?;
    Ok(download(&project.slug, packed, &headers))
}

/// A folder of an audit bundle.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Part {
    Steps,
    SandboxJobs,
    Approvals,
    Deployments,
    Artifacts,
    Children,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct BundleFilter {
    /// Only this folder; `run.json` and `repo.json` come with each.
    #[param(inline)]
    part: Option<Part>,
}

/// Download the evidence of a run: its rows in every table, and what it wrote.
///
/// A zip with `bundle.json`, the sha256 of every file. Once the run has ended, the same bytes come
/// at every call. Secrets are replaced by `[REDACTED]`; nothing is left out.
#[utoipa::path(get, path = "/v1/runs/{id}/audit-bundle", tag = "artifacts",
    params(("id" = Uuid, Path), BundleFilter),
    responses(
        (status = 200, description = "The zip.", body = Vec<u8>, content_type = ZIP),
        (status = 304, description = "It is still as `If-None-Match` knows it."),
        (status = 409, description = "Two documents would be the same file.",
         body = ProblemDocument, content_type = MEDIA_TYPE),
        (status = 422, description = "It is larger than what can be sent; narrow it.",
         body = ProblemDocument, content_type = MEDIA_TYPE)))]
async fn download_audit_bundle(
    State(deps): State<Deps>,
    caller: Caller,
    Id(id): Id<RunId>,
    Filter(wanted): Filter<BundleFilter>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Read).await?;
    let mut bundle = Bundle::new("bundle.json", FILE_BYTES_MAX);
    let hint = "narrow it by ?part=";
    let run = collect(&tenant.tx, id, wanted.part, &mut bundle)
        .await
        .map_err(|problem| problem.hint(hint))?;
    tenant.commit().await?;

    let mut about = Map::new();
    let named = json!({ "id": run["id"], "kind": run["kind"], "status": run["status"] });
    about.insert("run".to_owned(), named);
    if let Some(part) = wanted.part {
        about.insert("only".to_owned(), json!({ "part": part }));
    }
    let packed = bundle.finish(about).map_err(|error| problem(error).hint(hint))?;
    Ok(download(&format!("run-{id}"), packed, &headers))
}

/// Puts everything about a run into a bundle, and answers the run's row.
async fn collect(
    tx: &Tx<'_>,
    id: RunId,
    only: Option<Part>,
    bundle: &mut Bundle,
) -> Result<Value, Problem> {
    let evidence = Evidence::of(tx, id).await?;
    let run = evidence.run().await?.ok_or_else(|| Problem::not_found("run"))?;
    bundle.add_json("run.json", &redact(&run)).map_err(problem)?;
    if let Some(repository) = evidence.repository().await? {
        bundle.add_json("repo.json", &redact(&repository)).map_err(problem)?;
    }
    let wants = |part| only.is_none_or(|only| only == part);
    if wants(Part::Steps) {
        let rows = evidence.steps().await?;
        add_rows(bundle, "steps", &rows, "step_id").map_err(problem)?;
    }
    if wants(Part::SandboxJobs) {
        let rows = evidence.sandbox_jobs().await?;
        add_rows(bundle, "sandbox_jobs", &rows, "job_type").map_err(problem)?;
    }
    if wants(Part::Approvals) {
        let rows = evidence.approvals().await?;
        add_rows(bundle, "approvals", &rows, "scope").map_err(problem)?;
    }
    if wants(Part::Deployments) {
        let rows = evidence.deployments().await?;
        add_rows(bundle, "deployments", &rows, "provider").map_err(problem)?;
    }
    if wants(Part::Artifacts) {
        add_artifacts(bundle, tx, &artifacts::list_ids_of_run(tx, id).await?).await?;
    }
    if wants(Part::Children) {
        for child in evidence.children().await? {
            let path = format!("children/{}/run.json", child["id"].as_str().unwrap_or_default());
            bundle.add_json(&path, &redact(&child)).map_err(problem)?;
        }
    }
    Ok(run)
}
