use axum::{Json, extract::State};
use domain::{RepositoryId, Scope};
use serde::{Deserialize, Serialize};
use store::{
    repositories,
    search::{self, HITS_MAX, Hit},
};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    Deps,
    auth::Caller,
    extract::{Filter, check_text},
    problem::{Checks, Problem},
};

/// One character says nothing, and a question is no document.
const QUESTION_CHARS: (usize, usize) = (2, 256);
const LIMIT_DEFAULT: usize = 10;

pub(crate) fn routes() -> OpenApiRouter<Deps> {
    OpenApiRouter::new().routes(routes!(search_chunks))
}

/// What was found, best first.
#[derive(Serialize, ToSchema)]
struct SearchResult {
    hits: Vec<HitView>,
}

/// A piece of an indexed file.
#[derive(Serialize, ToSchema)]
#[schema(as = Hit)]
struct HitView {
    chunk_id: Uuid,
    /// Null for what is no file of a repository.
    repository_id: Option<Uuid>,
    path: String,
    /// Qualified name of what is defined there; empty outside of any definition.
    name: String,
    line_start: u32,
    line_end: u32,
    /// A commit at which the path has these lines.
    commit: Option<String>,
    excerpt: String,
    /// 0.0 to 1.0, comparable within one search only.
    score: f32,
    /// What the words alone made of it (BM25); null when they did not bring it.
    lexical: Option<f32>,
    /// What likeness alone made of it; null when it did not bring it.
    semantic: Option<f32>,
}

impl From<Hit> for HitView {
    fn from(hit: Hit) -> Self {
        Self {
            chunk_id: *hit.chunk.as_uuid(),
            repository_id: hit.repository.map(|id| *id.as_uuid()),
            path: hit.path,
            name: hit.name,
            line_start: hit.lines.first,
            line_end: hit.lines.last,
            commit: hit.commit.as_ref().map(ToString::to_string),
            excerpt: hit.excerpt,
            score: hit.score,
            lexical: hit.lexical,
            semantic: hit.semantic,
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Question {
    /// Words, names of code, or both.
    #[param(min_length = 2, max_length = 256)]
    q: String,
    /// Only in this repository.
    #[param(value_type = Option<Uuid>)]
    repository_id: Option<RepositoryId>,
    /// At most this many; 10 unless told, 50 at most.
    #[param(minimum = 1, maximum = 50)]
    limit: Option<usize>,
}

impl Question {
    fn check(&self) -> Result<(), Problem> {
        let mut checks = Checks::default();
        check_text(&mut checks, "q", &self.q, QUESTION_CHARS.0, QUESTION_CHARS.1);
        checks.require(
            self.limit.is_none_or(|limit| (1..=HITS_MAX).contains(&limit)),
            "limit",
            format!("expected 1 to {HITS_MAX}"),
        );
        checks.done()
    }
}

/// Search the code that was indexed, by its words and by likeness.
#[utoipa::path(get, path = "/v1/search", tag = "search", params(Question),
    responses((status = 200, description = "The best hits.", body = SearchResult)))]
async fn search_chunks(
    State(deps): State<Deps>,
    caller: Caller,
    Filter(question): Filter<Question>,
) -> Result<Json<SearchResult>, Problem> {
    question.check()?;
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Read).await?;
    if let Some(id) = question.repository_id
        && repositories::find(&tenant.tx, id).await?.is_none()
    {
        return Err(Problem::not_found("repository"));
    }
    let query = chunking::search_query(&question.q);
    let limit = question.limit.unwrap_or(LIMIT_DEFAULT);
    let hits = search::search(&tenant.tx, &query, question.repository_id, limit).await?;
    tenant.commit().await?;
    Ok(Json(SearchResult { hits: hits.into_iter().map(HitView::from).collect() }))
}
