use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Deps,
    problem::{MEDIA_TYPE, Problem, ProblemDocument},
};

pub(crate) fn routes() -> OpenApiRouter<Deps> {
    OpenApiRouter::new().routes(routes!(health))
}

/// How the service is.
#[derive(Serialize, ToSchema)]
struct Health {
    /// Always `ok`; otherwise the answer is a problem.
    status: &'static str,
    /// Always `reachable`; otherwise the answer is a problem.
    database: &'static str,
    version: &'static str,
}

/// Whether the service works, its database included.
#[utoipa::path(get, path = "/health", tag = "service", security(()),
    responses(
        (status = 200, description = "It works.", body = Health),
        (status = 503, description = "The database does not answer.", body = ProblemDocument,
         content_type = MEDIA_TYPE)))]
async fn health(State(deps): State<Deps>) -> Result<Json<Health>, Problem> {
    let mut session = deps.session().await?;
    session.begin_unscoped().await?.commit().await?;
    Ok(Json(Health { status: "ok", database: "reachable", version: env!("CARGO_PKG_VERSION") }))
}
