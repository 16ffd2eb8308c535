//! GitHub, as far as it answers: an App's tokens, pull requests, their checks and their merging.
//!
//! It keeps state and refuses what GitHub's documentation says that it refuses; the objects are
//! the published ones with what differs put in. What goes wrong is ordered by the test.

mod reports;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{Path, Query, Request, State},
    http::StatusCode,
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, patch, post, put},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;

use crate::github;

const TOKEN: &str = "ghs_test";
/// What people see when the App does something.
pub const APP_LOGIN: &str = "octoapp[bot]";

#[derive(Clone)]
pub struct GitHubServer {
    url: String,
    world: World,
}

type World = Arc<Mutex<Known>>;

#[derive(Default)]
struct Known {
    pulls: BTreeMap<(String, i32), Pull>,
    checks: Vec<Check>,
    /// Check runs that were made through the API.
    published: Vec<Value>,
    /// What files hold, by repository, commit and path.
    files: BTreeMap<(String, String, String), String>,
    /// Where the histories of two commits part; those of others, at the first of them.
    partings: BTreeMap<(String, String), String>,
    merges: Vec<Merged>,
    merge_calls: usize,
    faults: VecDeque<Fault>,
    reports: reports::Reports,
}

/// A pull request, open and ready unless a test changes it.
#[derive(Debug, Clone)]
pub struct Pull {
    pub title: String,
    pub head: String,
    pub open: bool,
    pub draft: bool,
    pub conflicts: bool,
    /// The merge commit, and who made it.
    merged: Option<(String, String)>,
}

/// A check that is in progress for some polls and then ends.
struct Check {
    commit: String,
    name: String,
    polls_left: usize,
    conclusion: String,
}

/// A merge that was done through the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    pub pull_request: i32,
    pub head: String,
    pub method: String,
    pub title: Option<String>,
    pub message: Option<String>,
    pub commit: String,
}

/// What happens to one call that merges; a call without a fault goes well.
#[derive(Debug, Clone, Copy)]
pub enum Fault {
    /// It is done, and the answer is a bad gateway's.
    ReplyLost,
    /// It is done, and the answer takes this long.
    Slow(Duration),
    /// It is not done, and this is the answer.
    Refuses(u16, &'static str),
}

impl GitHubServer {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let world = World::default();
        let router = Router::new()
            .route("/app", get(app))
            .route("/app/installations/{id}/access_tokens", post(token))
            .route("/repos/{owner}/{name}/compare/{basehead}", get(compare))
            .route("/repos/{owner}/{name}/contents/{*path}", get(contents))
            .route("/repos/{owner}/{name}/pulls/{number}", get(pull))
            .route("/repos/{owner}/{name}/pulls/{number}/merge", put(merge))
            .route("/repos/{owner}/{name}/commits/{sha}/check-runs", get(reports::check_runs))
            .route("/repos/{owner}/{name}/commits/{sha}/status", get(status))
            .route("/repos/{owner}/{name}/check-runs", post(reports::publish))
            .route("/repos/{owner}/{name}/check-runs/{id}", patch(reports::update_check))
            .route(
                "/repos/{owner}/{name}/issues/{number}/comments",
                get(reports::comments).post(reports::comment),
            )
            .route(
                "/repos/{owner}/{name}/issues/comments/{id}",
                patch(reports::update_comment).delete(reports::delete_comment),
            )
            .route(
                "/repos/{owner}/{name}/pulls/{number}/reviews",
                get(reports::reviews).post(reports::review),
            )
            .route(
                "/repos/{owner}/{name}/pulls/{number}/comments",
                get(reports::remarks).post(reports::remark),
            )
            .route("/repos/{owner}/{name}/pulls/{number}/files", get(reports::files))
            .layer(middleware::from_fn(authenticated))
            .with_state(Arc::clone(&world));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, world }
    }

    /// For `GITHUB_API_URL`.
    pub fn url(&self) -> &str {
        &self.url
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.world.lock().unwrap()
    }

    pub fn open(&self, repository: &str, number: i32, title: &str, head: &str) {
        let pull = Pull {
            title: title.to_owned(),
            head: head.to_owned(),
            open: true,
            draft: false,
            conflicts: false,
            merged: None,
        };
        self.known().pulls.insert((repository.to_owned(), number), pull);
    }

    /// Where the histories of two commits part.
    pub fn part(&self, base: &str, head: &str, at: &str) {
        let pair = (base.to_owned(), head.to_owned());
        self.known().partings.insert(pair, at.to_owned());
    }

    /// What a file holds at a commit.
    pub fn file(&self, repository: &str, commit: &str, path: &str, text: &str) {
        let at = [repository, commit, path].map(str::to_owned);
        self.known().files.insert(at.into(), text.to_owned());
    }

    /// Changes a pull request, as its author does.
    pub fn change(&self, repository: &str, number: i32, change: impl FnOnce(&mut Pull)) {
        change(self.known().pulls.get_mut(&(repository.to_owned(), number)).unwrap());
    }

    /// Someone merges it without us.
    pub fn merge_as(&self, repository: &str, number: i32, login: &str) -> String {
        let mut known = self.known();
        let pull = known.pulls.get_mut(&(repository.to_owned(), number)).unwrap();
        pull.merge(login)
    }

    /// A check of a commit that is listed as in progress `polls` times and then has ended.
    pub fn check(&self, commit: &str, name: &str, polls: usize, conclusion: &str) {
        self.known().checks.push(Check {
            commit: commit.to_owned(),
            name: name.to_owned(),
            polls_left: polls,
            conclusion: conclusion.to_owned(),
        });
    }

    /// What happens to the next call that merges, after those that were ordered before.
    pub fn order(&self, fault: Fault) {
        self.known().faults.push_back(fault);
    }

    pub fn merges(&self) -> Vec<Merged> {
        self.known().merges.clone()
    }

    /// How often a merge was asked for, done or not.
    pub fn merge_calls(&self) -> usize {
        self.known().merge_calls
    }

    /// The check runs that were made through the API.
    pub fn published(&self) -> Vec<Value> {
        self.known().published.clone()
    }
}

impl Pull {
    fn merge(&mut self, login: &str) -> String {
        let commit =
            hex::encode(Sha256::digest(format!("merge of {}", self.head)))[..40].to_owned();
        self.merged = Some((commit.clone(), login.to_owned()));
        self.open = false;
        commit
    }

    fn json(&self, number: i32) -> Value {
        let mut pull = github::answer("pulls/get", 200);
        pull["number"] = json!(number);
        pull["title"] = json!(self.title);
        pull["state"] = json!(if self.open { "open" } else { "closed" });
        pull["draft"] = json!(self.draft);
        pull["head"]["sha"] = json!(self.head);
        pull["merged"] = json!(self.merged.is_some());
        // A merged pull request is never tried again, so it stays unknown.
        pull["mergeable"] = json!(self.open.then_some(!self.conflicts));
        let (commit, login) = match &self.merged {
            Some((commit, login)) => (json!(commit), json!({ "login": login })),
            None => (json!(null), json!(null)),
        };
        pull["merge_commit_sha"] = commit;
        pull["merged_by"] = login;
        pull
    }
}

/// What GitHub tells of a failure.
fn told(status: u16, message: &str) -> Response {
    (StatusCode::from_u16(status).unwrap(), Json(json!({ "message": message }))).into_response()
}

/// The App's own calls want its signed token; all others the token of an installation.
async fn authenticated(request: Request, next: Next) -> Response {
    let header = request.headers().get("authorization").and_then(|value| value.to_str().ok());
    let token = header.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    let good = match request.uri().path().starts_with("/app") {
        true => token.starts_with("eyJ") && token.split('.').count() == 3,
        false => token == TOKEN,
    };
    if good { next.run(request).await } else { told(401, "Bad credentials") }
}

async fn app() -> Json<Value> {
    Json(github::answer("apps/get-authenticated", 200))
}

async fn token() -> (StatusCode, Json<Value>) {
    let token = json!({ "token": TOKEN, "expires_at": "2099-01-01T00:00:00Z" });
    (StatusCode::CREATED, Json(token))
}

type Numbered = Path<(String, String, i32)>;

async fn pull(State(world): State<World>, Path((owner, name, number)): Numbered) -> Response {
    match world.lock().unwrap().pulls.get(&(format!("{owner}/{name}"), number)) {
        Some(pull) => Json(pull.json(number)).into_response(),
        None => told(404, "Not Found"),
    }
}

async fn compare(
    State(world): State<World>,
    Path((_, _, basehead)): Path<(String, String, String)>,
) -> Json<Value> {
    let (base, head) = basehead.split_once("...").unwrap();
    let parting = world.lock().unwrap().partings.get(&(base.to_owned(), head.to_owned())).cloned();
    let mut answer = github::answer("repos/compare-commits-with-basehead", 200);
    answer["merge_base_commit"]["sha"] = json!(parting.unwrap_or_else(|| base.to_owned()));
    Json(answer)
}

/// A file's bytes, for whoever asks for them raw.
async fn contents(
    State(world): State<World>,
    Path((owner, name, path)): Path<(String, String, String)>,
    Query(wanted): Query<BTreeMap<String, String>>,
) -> Response {
    let at = (format!("{owner}/{name}"), wanted.get("ref").cloned().unwrap_or_default(), path);
    match world.lock().unwrap().files.get(&at) {
        Some(text) => text.clone().into_response(),
        None => told(404, "Not Found"),
    }
}

#[derive(serde::Deserialize)]
struct Asked {
    sha: Option<String>,
    merge_method: Option<String>,
    commit_title: Option<String>,
    commit_message: Option<String>,
}

async fn merge(
    State(world): State<World>,
    Path((owner, name, number)): Numbered,
    Json(asked): Json<Asked>,
) -> Response {
    let (answer, slow) = {
        let known = &mut *world.lock().unwrap();
        known.merge_calls += 1;
        match known.faults.pop_front() {
            Some(Fault::Refuses(status, message)) => return told(status, message),
            Some(Fault::ReplyLost) => {
                known.merge(&(format!("{owner}/{name}"), number), asked);
                return told(502, "Server Error");
            }
            Some(Fault::Slow(time)) => {
                (known.merge(&(format!("{owner}/{name}"), number), asked), time)
            }
            None => (known.merge(&(format!("{owner}/{name}"), number), asked), Duration::ZERO),
        }
    };
    tokio::time::sleep(slow).await;
    answer
}

impl Known {
    fn merge(&mut self, which: &(String, i32), asked: Asked) -> Response {
        let Some(pull) = self.pulls.get_mut(which) else { return told(404, "Not Found") };
        let method = asked.merge_method.unwrap_or_else(|| "merge".to_owned());
        if !matches!(method.as_str(), "merge" | "squash" | "rebase") {
            return told(422, "Invalid request.");
        }
        if !pull.open || pull.conflicts {
            return told(405, "Pull Request is not mergeable");
        }
        if pull.draft {
            return told(405, "Pull Request is still a draft");
        }
        if asked.sha.is_some_and(|sha| sha != pull.head) {
            return told(409, "Head branch was modified. Review and try the merge again.");
        }
        let commit = pull.merge(APP_LOGIN);
        let mut answer = github::answer("pulls/merge", 200);
        answer["sha"] = json!(commit);
        self.merges.push(Merged {
            pull_request: which.1,
            head: pull.head.clone(),
            method,
            title: asked.commit_title,
            message: asked.commit_message,
            commit,
        });
        Json(answer).into_response()
    }
}

type OfCommit = Path<(String, String, String)>;

fn per_page(wanted: &BTreeMap<String, String>) -> usize {
    wanted.get("per_page").map_or(30, |text| text.parse().unwrap())
}

/// How many rows come before the page that is asked for.
fn first(wanted: &BTreeMap<String, String>) -> usize {
    let page: usize = wanted.get("page").map_or(1, |text| text.parse().unwrap());
    (page - 1) * per_page(wanted)
}

/// Nobody reports commit statuses here; GitHub then says `pending`.
async fn status(Path((_, _, sha)): OfCommit) -> Json<Value> {
    let mut status = github::answer("repos/get-combined-status-for-ref", 200);
    status["sha"] = json!(sha);
    status["state"] = json!("pending");
    status["statuses"] = json!([]);
    status["total_count"] = json!(0);
    Json(status)
}
