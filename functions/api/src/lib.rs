//! The HTTP edge: the JSON API, badges and a page that says what this is.
//!
//! A request becomes one transaction of the organisation whose key it carries; see `auth`.
//! What a route answers is written at the route, and the document at `/openapi.json` is made of
//! the same words, so the two cannot drift apart.

mod announce;
mod auth;
mod badge_image;
mod clone_url;
mod config;
mod extract;
mod observe;
mod openapi;
mod packing;
mod paging;
mod problem;
mod public_url;
mod routes;
mod words;

use std::sync::Arc;

use axum::{Extension, Router, extract::DefaultBodyLimit, middleware};
use queue::{Queue, Sender};
use startup::ExposeSecret;
use store::{Database, Session};
use tokio::sync::OnceCell;

use crate::problem::{Kind, Problem};

pub use config::Config;
pub use routes::WAIT_SECONDS_MAX;

/// What every handler may use.
#[derive(Clone)]
pub struct Deps(Arc<Inner>);

struct Inner {
    config: Config,
    database: OnceCell<Database>,
    sender: Sender,
}

impl Deps {
    /// Connects to nothing yet: the first request that needs the database does.
    pub fn new(config: Config) -> Self {
        let sender = Sender::new([
            (Queue::Runs, config.runs_queue_url.clone()),
            (Queue::Sync, config.sync_queue_url.clone()),
        ]);
        Self(Arc::new(Inner { config, database: OnceCell::new(), sender }))
    }

    pub(crate) async fn session(&self) -> Result<Session, Problem> {
        let database = self.0.database.get_or_try_init(|| self.open()).await?;
        Ok(database.session().await?)
    }

    async fn open(&self) -> Result<Database, Problem> {
        let url = self.0.config.database_url.reveal().await?;
        Ok(Database::open(url.expose_secret())?)
    }

    pub(crate) fn config(&self) -> &Config {
        &self.0.config
    }

    pub(crate) fn sender(&self) -> &Sender {
        &self.0.sender
    }
}

pub fn router(deps: Deps) -> Router {
    let (router, document) = routes::all().split_for_parts();
    let document = Arc::new(openapi::finish(document));
    router
        .fallback(no_such_route)
        .method_not_allowed_fallback(no_such_method)
        .layer(Extension(document))
        .layer(DefaultBodyLimit::max(extract::BODY_BYTES_MAX))
        .layer(middleware::from_fn(observe::observe))
        .with_state(deps)
}

async fn no_such_route() -> Problem {
    Problem::new(Kind::NotFound, "there is no such route; /openapi.json lists those there are")
}

async fn no_such_method() -> Problem {
    Problem::new(Kind::MethodNotAllowed, "the Allow header lists the methods of this path")
}
