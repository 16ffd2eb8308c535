//! One module a resource: what it shows, what it takes, and its handlers.

mod analyses;
mod attestations;
mod audit;
mod badges;
mod findings;
mod health;
mod keys;
mod merges;
mod pages;
mod public_keys;
mod repositories;
mod requests;
mod runs;
mod schedules;
mod search;

use utoipa_axum::router::OpenApiRouter;

use crate::{Deps, openapi};

pub(crate) fn all() -> OpenApiRouter<Deps> {
    OpenApiRouter::with_openapi(openapi::begin())
        .merge(repositories::routes())
        .merge(requests::routes())
        .merge(runs::routes())
        .merge(schedules::routes())
        .merge(merges::routes())
        .merge(analyses::routes())
        .merge(findings::routes())
        .merge(search::routes())
        .merge(attestations::routes())
        .merge(public_keys::routes())
        .merge(badges::routes())
        .merge(keys::routes())
        .merge(audit::routes())
        .merge(health::routes())
        .merge(pages::routes())
}
