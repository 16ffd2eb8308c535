//! One module a resource: what it shows, what it takes, and its handlers.

mod analyses;
mod approvals;
mod artifacts;
mod attestations;
mod audit;
mod badges;
mod diff;
mod dismissals;
mod dismissing;
mod events;
mod exports;
mod findings;
mod formal;
mod health;
mod imports;
mod keys;
mod log;
mod merges;
mod pages;
mod public_keys;
mod repositories;
mod requests;
mod rules;
mod run_changes;
mod runs;
mod scans;
mod schedules;
mod search;
mod trust;

use utoipa_axum::router::OpenApiRouter;

use crate::{Deps, openapi};

pub use events::WAIT_SECONDS_MAX;

pub(crate) fn all() -> OpenApiRouter<Deps> {
    OpenApiRouter::with_openapi(openapi::begin())
        .merge(repositories::routes())
        .merge(requests::routes())
        .merge(runs::routes())
        .merge(run_changes::routes())
        .merge(events::routes())
        .merge(approvals::routes())
        .merge(scans::routes())
        .merge(schedules::routes())
        .merge(merges::routes())
        .merge(analyses::routes())
        .merge(findings::routes())
        .merge(dismissing::routes())
        .merge(dismissals::routes())
        .merge(imports::routes())
        .merge(log::routes())
        .merge(rules::routes())
        .merge(formal::routes())
        .merge(trust::routes())
        .merge(diff::routes())
        .merge(search::routes())
        .merge(attestations::routes())
        .merge(artifacts::routes())
        .merge(exports::routes())
        .merge(public_keys::routes())
        .merge(badges::routes())
        .merge(keys::routes())
        .merge(audit::routes())
        .merge(health::routes())
        .merge(pages::routes())
}
