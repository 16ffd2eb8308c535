use std::sync::Arc;

use axum::{
    Extension, Json,
    http::header,
    response::{Html, IntoResponse},
};
use utoipa::openapi::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::Deps;

/// The page has no script, no picture and no foreign address; its style stands in it.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const CACHE: &str = "public, max-age=300";

pub(crate) fn routes() -> OpenApiRouter<Deps> {
    OpenApiRouter::new().routes(routes!(start_page)).routes(routes!(document))
}

/// What this is, for people.
#[utoipa::path(get, path = "/", tag = "service", security(()),
    responses((status = 200, description = "A page.", body = String, content_type = "text/html")))]
async fn start_page() -> impl IntoResponse {
    let headers = [(header::CONTENT_SECURITY_POLICY, POLICY), (header::CACHE_CONTROL, CACHE)];
    (headers, Html(include_str!("start_page.html")))
}

/// This document.
#[utoipa::path(get, path = "/openapi.json", tag = "service", security(()),
    responses((status = 200, description = "An OpenAPI 3.1 document.", body = Object)))]
async fn document(Extension(document): Extension<Arc<OpenApi>>) -> impl IntoResponse {
    ([(header::CACHE_CONTROL, CACHE)], Json((*document).clone()))
}
