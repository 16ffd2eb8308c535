//! What GitHub keeps of reports: check runs, the talk of a pull request, and its reviews.

use std::{collections::BTreeMap, ops::RangeInclusive};

use axum::{
    Json,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{APP_LOGIN, GitHubServer, Known, OfCommit, World, first, per_page, told};
use crate::github;

/// Most annotations of one request ("Create a check run", `output.annotations`).
const ANNOTATIONS_MAX: usize = 50;
/// Most characters of a comment.
const COMMENT_CHARS_MAX: usize = 65_536;

type Key = (String, i32);
type Hunk = (String, RangeInclusive<u64>);

#[derive(Default)]
pub(super) struct Reports {
    comments: Vec<(Key, Value)>,
    reviews: Vec<(Key, Value)>,
    remarks: Vec<(Key, Value)>,
    /// Lines of a pull request's difference, by file: what its list of files shows.
    differences: BTreeMap<Key, Vec<Hunk>>,
    /// Lines of it on which no remark is taken after all.
    closed: BTreeMap<Key, Vec<Hunk>>,
    next_id: u64,
    writes: usize,
    /// Writes that are done and whose answer is a bad gateway's, by their number.
    lost: Vec<usize>,
}

impl GitHubServer {
    /// The comments of a pull request.
    pub fn comments(&self, repository: &str, number: i32) -> Vec<Value> {
        of(&self.known().reports.comments, repository, number)
    }

    /// Someone says something.
    pub fn say(&self, repository: &str, number: i32, login: &str, body: &str) {
        let reports = &mut self.known().reports;
        let mut comment = github::answer("issues/create-comment", 201);
        comment["id"] = reports.id();
        comment["user"]["login"] = json!(login);
        comment["body"] = json!(body);
        reports.comments.push(((repository.to_owned(), number), comment));
    }

    pub fn reviews(&self, repository: &str, number: i32) -> Vec<Value> {
        of(&self.known().reports.reviews, repository, number)
    }

    /// What reviews remark on lines.
    pub fn remarks(&self, repository: &str, number: i32) -> Vec<Value> {
        of(&self.known().reports.remarks, repository, number)
    }

    /// Lines on which remarks are taken; without any they are taken nowhere.
    pub fn differs(&self, repository: &str, number: i32, path: &str, lines: RangeInclusive<u64>) {
        let key = (repository.to_owned(), number);
        let differences = &mut self.known().reports.differences;
        differences.entry(key).or_default().push((path.to_owned(), lines));
    }

    /// Lines that the difference shows and that take no remark, as when the list of files is of a
    /// newer head.
    pub fn closes(&self, repository: &str, number: i32, path: &str, lines: RangeInclusive<u64>) {
        let key = (repository.to_owned(), number);
        self.known().reports.closed.entry(key).or_default().push((path.to_owned(), lines));
    }

    /// The next but `after` of all writes of reports is done, and its answer is lost.
    pub fn lose_answer(&self, after: usize) {
        let reports = &mut self.known().reports;
        let lost = reports.writes + after;
        reports.lost.push(lost);
    }

    /// Calls that changed a report.
    pub fn writes(&self) -> usize {
        self.known().reports.writes
    }
}

fn of(all: &[(Key, Value)], repository: &str, number: i32) -> Vec<Value> {
    let key = (repository.to_owned(), number);
    all.iter().filter(|(of, _)| *of == key).map(|(_, value)| value.clone()).collect()
}

impl Reports {
    fn id(&mut self) -> Value {
        self.next_id += 1;
        json!(self.next_id)
    }

    /// Counts what was done, and may lose the answer to it.
    fn written(&mut self, answer: impl IntoResponse) -> Response {
        let this = self.writes;
        self.writes += 1;
        match self.lost.contains(&this) {
            true => told(502, "Server Error"),
            false => answer.into_response(),
        }
    }
}

/// Adds the annotations of a request to those that are kept; more than one may carry are refused.
fn annotate(kept: &mut Value, sent: &mut Value) -> bool {
    let Value::Array(sent) = sent["output"]["annotations"].take() else { return true };
    if sent.len() > ANNOTATIONS_MAX {
        return false;
    }
    if !kept["output"]["annotations"].is_array() {
        kept["output"]["annotations"] = json!([]);
    }
    let all = kept["output"]["annotations"].as_array_mut().unwrap();
    all.extend(sent);
    kept["output"]["annotations_count"] = json!(all.len());
    true
}

pub(super) async fn check_runs(
    State(world): State<World>,
    Path((_, _, sha)): OfCommit,
    Query(wanted): Query<BTreeMap<String, String>>,
) -> Json<Value> {
    let known = &mut *world.lock().unwrap();
    let mut runs = known.published.clone();
    runs.retain(|run| run["head_sha"] == sha.as_str());
    for (id, check) in (1_000..).zip(known.checks.iter_mut().filter(|check| check.commit == sha)) {
        let mut run = github::answer("checks/list-for-ref", 200)["check_runs"][0].take();
        run["id"] = json!(id);
        run["name"] = json!(check.name);
        run["head_sha"] = json!(sha);
        run["external_id"] = json!("");
        let over = check.polls_left == 0;
        check.polls_left = check.polls_left.saturating_sub(1);
        run["status"] = json!(if over { "completed" } else { "in_progress" });
        run["conclusion"] = json!(over.then_some(&check.conclusion));
        runs.push(run);
    }
    if let Some(name) = wanted.get("check_name") {
        runs.retain(|run| run["name"] == name.as_str());
    }
    let total = runs.len();
    let page: Vec<Value> = runs.into_iter().skip(first(&wanted)).take(per_page(&wanted)).collect();
    Json(json!({ "total_count": total, "check_runs": page }))
}

pub(super) async fn publish(State(world): State<World>, Json(mut sent): Json<Value>) -> Response {
    let Known { published, reports, .. } = &mut *world.lock().unwrap();
    let mut run = sent.clone();
    run["id"] = json!(published.len() + 1);
    run["output"]["annotations"] = json!(null);
    if !annotate(&mut run, &mut sent) {
        return told(422, "Invalid request.");
    }
    published.push(run.clone());
    reports.written((StatusCode::CREATED, Json(run)))
}

pub(super) async fn update_check(
    State(world): State<World>,
    Path((_, _, id)): Path<(String, String, u64)>,
    Json(mut sent): Json<Value>,
) -> Response {
    let Known { published, reports, .. } = &mut *world.lock().unwrap();
    let Some(run) = published.iter_mut().find(|run| run["id"] == id) else {
        return told(404, "Not Found");
    };
    if !annotate(run, &mut sent) {
        return told(422, "Invalid request.");
    }
    for field in ["status", "conclusion"] {
        if !sent[field].is_null() {
            run[field] = sent[field].take();
        }
    }
    for field in ["title", "summary"] {
        run["output"][field] = sent["output"][field].take();
    }
    let answer = run.clone();
    reports.written(Json(answer))
}

type Numbered = Path<(String, String, i32)>;
type Wanted = Query<BTreeMap<String, String>>;

fn page(all: Vec<Value>, wanted: &BTreeMap<String, String>) -> Json<Value> {
    Json(all.into_iter().skip(first(wanted)).take(per_page(wanted)).collect())
}

pub(super) async fn comments(
    State(world): State<World>,
    Path((owner, name, number)): Numbered,
    Query(wanted): Wanted,
) -> Json<Value> {
    let known = world.lock().unwrap();
    page(of(&known.reports.comments, &format!("{owner}/{name}"), number), &wanted)
}

pub(super) async fn comment(
    State(world): State<World>,
    Path((owner, name, number)): Numbered,
    Json(sent): Json<Value>,
) -> Response {
    let reports = &mut world.lock().unwrap().reports;
    if sent["body"].as_str().is_none_or(|body| body.chars().count() > COMMENT_CHARS_MAX) {
        return told(422, "Validation Failed");
    }
    let mut comment = github::answer("issues/create-comment", 201);
    comment["id"] = reports.id();
    comment["user"]["login"] = json!(APP_LOGIN);
    comment["body"] = sent["body"].clone();
    reports.comments.push(((format!("{owner}/{name}"), number), comment.clone()));
    reports.written((StatusCode::CREATED, Json(comment)))
}

pub(super) async fn update_comment(
    State(world): State<World>,
    Path((_, _, id)): Path<(String, String, u64)>,
    Json(sent): Json<Value>,
) -> Response {
    let reports = &mut world.lock().unwrap().reports;
    let Some((_, comment)) = reports.comments.iter_mut().find(|(_, known)| known["id"] == id)
    else {
        return told(404, "Not Found");
    };
    comment["body"] = sent["body"].clone();
    let answer = comment.clone();
    reports.written(Json(answer))
}

pub(super) async fn delete_comment(
    State(world): State<World>,
    Path((_, _, id)): Path<(String, String, u64)>,
) -> Response {
    let reports = &mut world.lock().unwrap().reports;
    let before = reports.comments.len();
    reports.comments.retain(|(_, comment)| comment["id"] != id);
    if reports.comments.len() == before {
        return told(404, "Not Found");
    }
    reports.written(StatusCode::NO_CONTENT)
}

pub(super) async fn reviews(
    State(world): State<World>,
    Path((owner, name, number)): Numbered,
    Query(wanted): Wanted,
) -> Json<Value> {
    let known = world.lock().unwrap();
    page(of(&known.reports.reviews, &format!("{owner}/{name}"), number), &wanted)
}

pub(super) async fn remarks(
    State(world): State<World>,
    Path((owner, name, number)): Numbered,
    Query(wanted): Wanted,
) -> Json<Value> {
    let known = world.lock().unwrap();
    page(of(&known.reports.remarks, &format!("{owner}/{name}"), number), &wanted)
}

/// The files of the difference, each hunk as lines that stay as they are.
pub(super) async fn files(
    State(world): State<World>,
    Path((owner, name, number)): Numbered,
    Query(wanted): Wanted,
) -> Json<Value> {
    let known = world.lock().unwrap();
    let mut patches: BTreeMap<&str, String> = BTreeMap::new();
    let key = (format!("{owner}/{name}"), number);
    for (path, lines) in known.reports.differences.get(&key).into_iter().flatten() {
        let (first, count) = (lines.start(), lines.clone().count());
        let patch = patches.entry(path).or_default();
        patch.push_str(&format!("@@ -{first},{count} +{first},{count} @@ def f():\n"));
        patch.push_str(&" code\n".repeat(count));
    }
    let file = |(path, patch): (&str, String)| {
        let mut file = github::answer("pulls/list-files", 200)[0].take();
        (file["filename"], file["patch"]) = (json!(path), json!(patch.trim_end()));
        file
    };
    page(patches.into_iter().map(file).collect(), &wanted)
}

impl Reports {
    /// Whether a remark is on lines of one hunk, and on the new side of it.
    fn takes(&self, key: &Key, draft: &Value) -> bool {
        let last = draft["line"].as_u64().unwrap();
        let first = draft["start_line"].as_u64().unwrap_or(last);
        let among = |hunks: &BTreeMap<Key, Vec<Hunk>>| {
            hunks.get(key).into_iter().flatten().any(|(path, lines)| {
                draft["path"] == path.as_str() && lines.contains(&first) && lines.contains(&last)
            })
        };
        draft["side"] == "RIGHT" && among(&self.differences) && !among(&self.closed)
    }

    fn keep_remark(&mut self, key: &Key, draft: &Value) -> Value {
        let mut remark = github::answer("pulls/create-review-comment", 201);
        remark["id"] = self.id();
        remark["user"]["login"] = json!(APP_LOGIN);
        for field in ["path", "body", "line", "start_line"] {
            remark[field] = draft[field].clone();
        }
        self.remarks.push((key.clone(), remark.clone()));
        remark
    }
}

/// As GitHub words it, which names no remark.
fn unprocessable() -> Response {
    let line = "Pull request review thread line must be part of the diff";
    let answer = json!({ "message": "Unprocessable Entity", "errors": [line] });
    (StatusCode::UNPROCESSABLE_ENTITY, Json(answer)).into_response()
}

pub(super) async fn remark(
    State(world): State<World>,
    Path((owner, name, number)): Numbered,
    Json(sent): Json<Value>,
) -> Response {
    let reports = &mut world.lock().unwrap().reports;
    let key = (format!("{owner}/{name}"), number);
    if !reports.takes(&key, &sent) {
        return unprocessable();
    }
    let remark = reports.keep_remark(&key, &sent);
    reports.written((StatusCode::CREATED, Json(remark)))
}

pub(super) async fn review(
    State(world): State<World>,
    Path((owner, name, number)): Numbered,
    Json(sent): Json<Value>,
) -> Response {
    let reports = &mut world.lock().unwrap().reports;
    let key = (format!("{owner}/{name}"), number);
    let drafts = sent["comments"].as_array().cloned().unwrap_or_default();
    if !drafts.iter().all(|draft| reports.takes(&key, draft)) {
        return unprocessable();
    }
    let mut review = github::answer("pulls/create-review", 200);
    review["id"] = reports.id();
    review["user"]["login"] = json!(APP_LOGIN);
    review["body"] = sent["body"].clone();
    review["commit_id"] = sent["commit_id"].clone();
    review["state"] = json!("COMMENTED");
    for draft in drafts {
        reports.keep_remark(&key, &draft);
    }
    reports.reviews.push((key, review.clone()));
    reports.written(Json(review))
}
