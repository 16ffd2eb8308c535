//! A merge from the request to the merged head: a GitHub that keeps state and loses answers, a
//! real Postgres, the real orchestrator. Goal is that a head is merged once, after its checks have
//! passed and somebody has approved exactly that, or not at all.

use std::time::Duration;

use domain::{ApprovalId, OrgId, RunId, RunKind, kinds::merge::Input};
use lambda_runtime::{Context, LambdaEvent};
use queue::{Message, Queue, RunRequested};
use run_orchestrator::{Config, Deps, handle};
use serde_json::{Value, json};
use startup::Secret;
use store::{
    approvals::{self, Approval, Decided, Decision},
    runs::{self, NewRun},
};
use tempfile::TempDir;
use tests::{
    TestDatabase,
    function::Function,
    github_server::{APP_LOGIN, Fault, GitHubServer, Merged, Pull},
    queue_server::QueueServer,
};
use tokio_postgres::Client;
use uuid::Uuid;

use crate::api::world::World;

const KEY: &str = include_str!("../../shared/clients/src/github/tests/throwaway_key.pem");
const SHOP: &str = "acme/repository-1";
const HEAD: &str = "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1";
const NEWER: &str = "b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2";
/// Nobody listens on port 1: every message stays in the outbox, and tests deliver by hand.
const NO_QUEUE: &str = "http://127.0.0.1:1/000000000000";

/// A repository with pull request 7, and an Assay that shares it.
struct Place {
    database: TestDatabase,
    sql: Client,
    github: GitHubServer,
    deps: Deps,
    objects: TempDir,
    org: OrgId,
    run: RunId,
}

/// Where a run is: its status, its error code, and its steps with theirs.
type State = (String, Option<String>, Vec<String>);

impl Place {
    /// A merge was asked for; the pull request's head has one check, which has passed.
    async fn new() -> Self {
        let place = Self::unchecked("merge").await;
        place.github.check(HEAD, "build", 0, "success");
        place
    }

    async fn unchecked(method: &str) -> Self {
        let database = TestDatabase::create().await;
        let sql = database.sql().await;
        let github = GitHubServer::start().await;
        github.open(SHOP, 7, "Add a cart", HEAD);
        let objects = tempfile::tempdir().unwrap();
        let deps = Deps::new(config(&database, &objects, github.url())).unwrap();
        let org = database.organization("acme").await;
        let run = request(&database, &sql, org, method).await;
        Self { database, sql, github, deps, objects, org, run }
    }

    /// Hands the run's message to the orchestrator, at the time that the run waits for.
    async fn deliver(&self) -> State {
        self.come(None).await;
        hand_over(&self.deps, self.org, self.run).await;
        self.state().await
    }

    /// The time comes that the run waits for, if it waits for one and nobody else can end that.
    async fn come(&self, waiting_for: Option<&str>) {
        let due = "UPDATE runs SET wake_at = clock_timestamp() - interval '1 second'
                   WHERE id = $1 AND wake_at IS NOT NULL
                     AND ($2::text IS NOT DISTINCT FROM waiting_for OR waiting_for = 'timer')";
        self.sql.execute(due, &[self.run.as_uuid(), &waiting_for]).await.unwrap();
    }

    /// All times that the run knows are so much longer ago.
    async fn pass(&self, minutes: i32) {
        for change in [
            "UPDATE runs SET started_at = started_at - make_interval(mins => $2) WHERE id = $1",
            "UPDATE run_steps SET started_at = started_at - make_interval(mins => $2),
                 finished_at = finished_at - make_interval(mins => $2) WHERE run_id = $1",
        ] {
            self.sql.execute(change, &[self.run.as_uuid(), &minutes]).await.unwrap();
        }
    }

    async fn state(&self) -> State {
        let run = "SELECT status, error_code FROM runs WHERE id = $1";
        let run = self.sql.query_one(run, &[self.run.as_uuid()]).await.unwrap();
        let steps = "SELECT step_id || ' ' || status FROM run_steps WHERE run_id = $1
                     ORDER BY finished_at, step_id";
        let steps = self.sql.query(steps, &[self.run.as_uuid()]).await.unwrap();
        (run.get(0), run.get(1), steps.iter().map(|step| step.get(0)).collect())
    }

    async fn error(&self) -> String {
        let query = "SELECT error FROM runs WHERE id = $1";
        self.sql.query_one(query, &[self.run.as_uuid()]).await.unwrap().get(0)
    }

    async fn output(&self, step: &str) -> Value {
        let query = "SELECT output FROM run_steps WHERE run_id = $1 AND step_id = $2";
        self.sql.query_one(query, &[self.run.as_uuid(), &step]).await.unwrap().get(0)
    }

    async fn approvals(&self) -> Vec<Approval> {
        let mut session = self.database.functions().session().await.unwrap();
        let tx = session.begin(self.org).await.unwrap();
        let filter = approvals::Filter { run: Some(self.run), status: None };
        approvals::list(&tx, filter, store::Page { after: None, limit: 10 }).await.unwrap()
    }

    /// What is asked; nothing was merged before.
    async fn asked(&self) -> Approval {
        assert_eq!(self.github.merge_calls(), 0, "merged before anyone was asked");
        let [asked] = self.approvals().await.try_into().unwrap();
        asked
    }

    async fn decide(&self, id: ApprovalId, decision: Decision<'_>) -> Decided {
        let mut session = self.database.functions().session().await.unwrap();
        let tx = session.begin(self.org).await.unwrap();
        let decided = approvals::decide(&tx, id, decision).await.unwrap().unwrap();
        tx.commit().await.unwrap();
        decided
    }

    async fn approve(&self, edited: Option<&Value>) {
        let asked = self.asked().await;
        let intent_hash = &asked.intent_hash;
        let decision = Decision::Approve { intent_hash, edited, by: "ada" };
        let decided = self.decide(asked.id, decision).await;
        assert!(matches!(decided, Decided::Approved { .. }), "{decided:?}");
    }

    /// Begins the run and goes on until someone is asked.
    async fn until_asked(&self) {
        let state = self.deliver().await;
        assert_eq!(state, state_of("waiting", None, &["plan succeeded", "checks succeeded"]));
    }
}

fn event(org_id: OrgId, run_id: RunId) -> Value {
    let body = RunRequested { org_id, run_id }.body().to_string();
    json!({ "Records": [{ "messageId": "m", "body": body }] })
}

async fn hand_over(deps: &Deps, org: OrgId, run: RunId) {
    let event = serde_json::from_value(event(org, run)).unwrap();
    let answer = handle(deps, LambdaEvent::new(event, Context::default())).await.unwrap();
    assert!(answer.batch_item_failures.is_empty(), "what went wrong was written down");
}

fn state_of(status: &str, code: Option<&str>, steps: &[&str]) -> State {
    let steps = steps.iter().map(|step| (*step).to_owned()).collect();
    (status.to_owned(), code.map(str::to_owned), steps)
}

/// The state of a run whose last begun step is `failed`, after those that went well.
fn failed(code: &str, step: &str) -> State {
    let steps = ["plan", "checks", "approve", "merge"];
    let at = steps.iter().position(|one| *one == step).unwrap();
    let mut told: Vec<String> = steps[..at].iter().map(|s| format!("{s} succeeded")).collect();
    told.push(format!("{step} failed"));
    ("failed".to_owned(), Some(code.to_owned()), told)
}

fn succeeded() -> State {
    let steps = ["plan succeeded", "checks succeeded", "approve succeeded", "merge succeeded"];
    state_of("succeeded", None, &steps)
}

fn config(database: &TestDatabase, objects: &TempDir, github_api_url: &str) -> Config {
    let queues = [Queue::Runs, Queue::Embed, Queue::Attest, Queue::Notify];
    Config {
        database_url: Secret::literal("DATABASE_URL", database.functions_url()),
        lease: Duration::from_secs(60),
        objects_url: format!("file://{}", objects.path().display()),
        queue_urls: queues.map(|queue| (queue, format!("{NO_QUEUE}/{queue}"))).to_vec(),
        private_git_hosts: String::new(),
        github_api_url: github_api_url.to_owned(),
        github_app: Some(("12345".to_owned(), Secret::literal("GITHUB_APP_PRIVATE_KEY", KEY))),
    }
}

/// A run that is to merge pull request 7 of a repository that the App's installation shares.
async fn request(database: &TestDatabase, sql: &Client, org: OrgId, method: &str) -> RunId {
    let repository = database.repository(org, 1, "https://example.com/a.git").await;
    let install = "WITH made AS (
             INSERT INTO installations (org_id, github_installation_id, account_type, account_login)
             VALUES ($1, 42, 'Organization', 'acme') RETURNING id)
         UPDATE repositories SET installation_id = made.id FROM made";
    sql.execute(install, &[org.as_uuid()]).await.unwrap();
    let mut session = database.functions().session().await.unwrap();
    let tx = session.begin(org).await.unwrap();
    let known = store::repositories::find(&tx, repository).await.unwrap().unwrap();
    let id = RunId::new(Uuid::now_v7());
    let run = NewRun {
        id,
        org,
        project: Some(known.project),
        repository: Some(repository),
        kind: RunKind::Merge,
        idempotency_key: id.to_string(),
        event_type: "manual".to_owned(),
        git_ref: None,
        commit: None,
        pull_request: Some(7),
        input: json!(Input { method: method.parse().unwrap() }),
        traceparent: None,
        parent: None,
        schedule: None,
    };
    runs::insert(&tx, &run).await.unwrap();
    tx.commit().await.unwrap();
    id
}

fn merged(method: &str, title: Option<&str>, message: Option<&str>, commit: &Value) -> Merged {
    Merged {
        pull_request: 7,
        head: HEAD.to_owned(),
        method: method.to_owned(),
        title: title.map(str::to_owned),
        message: message.map(str::to_owned),
        commit: commit.as_str().unwrap().to_owned(),
    }
}

#[tokio::test]
async fn a_head_is_merged_once_after_its_checks_and_its_approval() {
    let place = Place::unchecked("merge").await;
    place.github.check(HEAD, "build", 2, "success");
    place.github.check(HEAD, "lint", 0, "skipped");
    for look in 0..2 {
        let state = place.deliver().await;
        assert_eq!(state, state_of("waiting", None, &["plan succeeded"]), "look {look}");
        assert_eq!(place.approvals().await.len(), 0, "asked before the checks were over");
    }
    place.until_asked().await;
    place.deliver().await;
    let asked = place.asked().await;
    assert_eq!(
        asked.intent.summary,
        "Merge pull request #7 of acme/repository-1 (“Add a cart”, head a1a1a1a1a1a1) into \
         master by the method merge; 1 check passed, 1 undecided (lint)."
    );
    assert_eq!(asked.intent.plan, place.output("plan").await);
    assert_eq!(asked.intent.plan["head_sha"], HEAD);

    place.approve(None).await;
    assert_eq!(place.deliver().await, succeeded());
    let output = place.output("merge").await;
    let title = "Merge pull request #7 from octocat:new-topic";
    let expected = merged("merge", Some(title), Some("Add a cart"), &output["merge_commit_sha"]);
    assert_eq!(place.github.merges(), [expected]);
    assert_eq!(output["merged_by_us"], true);
    let allowed = place.output("approve").await;
    assert_eq!(allowed["approved_by"], "ada");
    assert_eq!(allowed["approval_id"], asked.id.to_string());
    let run = "SELECT commit_sha, summary FROM runs WHERE id = $1";
    let run = place.sql.query_one(run, &[place.run.as_uuid()]).await.unwrap();
    assert_eq!((run.get::<_, &str>(0), run.get::<_, Value>(1)), (HEAD, output));

    assert_eq!(place.deliver().await, succeeded(), "a second message is nobody's work");
    assert_eq!(place.github.merge_calls(), 1);
}

/// The same through the API, as people and their programs go the way.
#[tokio::test]
async fn from_the_request_to_the_merged_head_everything_can_be_done_through_the_api() {
    let world = World::create().await;
    let tenant = world.tenant("acme", 1).await;
    let github = GitHubServer::start().await;
    github.open(SHOP, 7, "Add a cart", HEAD);
    github.check(HEAD, "build", 0, "success");
    let objects = tempfile::tempdir().unwrap();
    let deps = Deps::new(config(&world.database, &objects, github.url())).unwrap();

    let wanted = json!({ "repository_id": tenant.repository, "pull_request": 7, "head_sha": HEAD });
    let accepted = world.post("/v1/merges", &tenant.key, &wanted).await.json();
    let run: RunId = accepted["run_id"].as_str().unwrap().parse().unwrap();
    hand_over(&deps, tenant.org, run).await;

    let listed = world.get(&format!("/v1/approvals?run_id={run}"), &tenant.key).await.json();
    let asked = &listed["items"][0];
    assert_eq!((&asked["scope"], &asked["status"]), (&json!("repo.merge"), &json!("pending")));
    let path = format!("/v1/approvals/{}/approve", asked["id"].as_str().unwrap());
    let stale = json!({ "intent_hash": "0".repeat(64) });
    let refused = world.post(&path, &tenant.key, &stale).await;
    assert_eq!(refused.problem(), (409, "conflict".to_owned()));
    hand_over(&deps, tenant.org, run).await;
    assert_eq!(github.merge_calls(), 0);

    let mut plan = asked["plan"].clone();
    plan["method"] = json!("rebase");
    let approval = json!({ "intent_hash": asked["intent_hash"], "plan": plan });
    let refused = world.post(&path, &tenant.key, &approval).await;
    assert_eq!(refused.problem().0, 400, "a rebase has no title: {}", refused.json());
    plan["commit_title"] = json!(null);
    plan["commit_message"] = json!(null);
    let approval = json!({ "intent_hash": asked["intent_hash"], "plan": plan });
    let approved = world.post(&path, &tenant.key, &approval).await.json();
    assert_eq!(approved["status"], "approved", "{approved}");
    hand_over(&deps, tenant.org, run).await;

    let shown = world.get(&format!("/v1/runs/{run}"), &tenant.key).await.json();
    assert_eq!((&shown["status"], &shown["commit"]), (&json!("succeeded"), &json!(HEAD)));
    let [done] = github.merges().try_into().unwrap();
    assert_eq!(done, merged("rebase", None, None, &json!(done.commit)));
}

#[tokio::test]
async fn what_was_edited_and_approved_is_what_is_merged() {
    let place = Place::new().await;
    place.until_asked().await;
    let asked = place.asked().await;
    let mut edited = asked.intent.plan.clone();
    edited["head_sha"] = json!(NEWER);
    let decision = |edited| Decision::Approve {
        intent_hash: &asked.intent_hash,
        edited: Some(edited),
        by: "ada",
    };
    let decided = place.decide(asked.id, decision(&edited)).await;
    assert!(matches!(decided, Decided::Unacceptable(_)), "{decided:?}");
    edited["head_sha"] = json!(HEAD);
    edited["method"] = json!("squash");
    edited["commit_title"] = json!("cart: Add a cart");
    edited["commit_message"] = json!(null);
    place.approve(Some(&edited)).await;
    assert_eq!(place.deliver().await, succeeded());
    let commit = place.output("merge").await["merge_commit_sha"].take();
    let expected = merged("squash", Some("cart: Add a cart"), None, &commit);
    assert_eq!(place.github.merges(), [expected]);
}

#[tokio::test]
async fn an_answer_that_is_lost_does_not_merge_twice() {
    let place = Place::new().await;
    place.until_asked().await;
    place.approve(None).await;
    place.github.order(Fault::ReplyLost);
    let (status, ..) = place.deliver().await;
    assert_eq!(status, "queued", "GitHub failed, as far as we know");
    assert_eq!(place.deliver().await, succeeded());
    let [merge] = place.github.merges().try_into().unwrap();
    let output = json!({ "merge_commit_sha": merge.commit, "merged_by_us": true });
    assert_eq!(place.output("merge").await, output);
    assert_eq!(place.github.merge_calls(), 1);
}

/// The deployed binary, killed when GitHub has merged and we have not heard of it.
#[tokio::test]
async fn a_worker_that_dies_between_the_merge_and_its_commit_has_merged_once() {
    let place = Place::new().await;
    place.until_asked().await;
    place.approve(None).await;
    place.github.order(Fault::Slow(Duration::from_secs(60)));
    let queues = QueueServer::start().await;
    let function = start(&place, &queues).await;
    let answer = function.begin(event(place.org, place.run));
    while place.github.merges().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    function.kill().await;
    drop(answer);
    let steps = ["plan succeeded", "checks succeeded", "approve succeeded"];
    assert_eq!(place.state().await, state_of("running", None, &steps), "nothing was committed");

    let expire = "UPDATE runs SET leased_until = clock_timestamp() - interval '1 second'";
    place.sql.execute(expire, &[]).await.unwrap();
    let successor = start(&place, &queues).await;
    let answer = successor.invoke(event(place.org, place.run)).await.unwrap();
    assert_eq!(answer["batchItemFailures"], json!([]));
    assert_eq!(place.state().await, succeeded());
    let [merge] = place.github.merges().try_into().unwrap();
    let output = json!({ "merge_commit_sha": merge.commit, "merged_by_us": true });
    assert_eq!(place.output("merge").await, output);
    assert_eq!(place.github.merge_calls(), 1, "it looked before it called");
}

async fn start(place: &Place, queues: &QueueServer) -> Function {
    let settings = [
        ("DATABASE_URL", place.database.functions_url()),
        ("RUN_LEASE_SECONDS", "60".to_owned()),
        ("OBJECTS_URL", format!("file://{}", place.objects.path().display())),
        ("RUNS_QUEUE_URL", queues.url("runs")),
        ("EMBED_QUEUE_URL", queues.url("embed")),
        ("ATTEST_QUEUE_URL", queues.url("attest")),
        ("NOTIFY_QUEUE_URL", queues.url("notify")),
        ("AWS_ENDPOINT_URL", queues.endpoint()),
        ("GITHUB_API_URL", place.github.url().to_owned()),
        ("GITHUB_APP_ID", "12345".to_owned()),
        ("GITHUB_APP_PRIVATE_KEY", KEY.to_owned()),
        ("RUST_LOG", "warn".to_owned()),
    ];
    let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Function::start("run_orchestrator", &settings).await
}

#[tokio::test]
async fn a_head_that_moved_is_not_merged_whenever_it_moves() {
    let push = |place: &Place| place.github.change(SHOP, 7, |pull| pull.head = NEWER.to_owned());

    let place = Place::new().await;
    place.until_asked().await;
    place.approve(None).await;
    push(&place);
    assert_eq!(place.deliver().await, failed("head_moved", "merge"));
    let error = place.error().await;
    assert!(error.contains(HEAD) && error.contains(NEWER), "{error}");
    assert_eq!(place.github.merges(), []);

    let place = Place::unchecked("merge").await;
    place.github.check(HEAD, "build", 1, "success");
    place.deliver().await;
    push(&place);
    assert_eq!(place.deliver().await, failed("head_moved", "approve"));
    assert_eq!(place.approvals().await.len(), 0, "nobody is asked about what cannot be");

    let place = Place::new().await;
    let name = "UPDATE runs SET commit_sha = $1";
    place.sql.execute(name, &[&NEWER]).await.unwrap();
    assert_eq!(place.deliver().await, failed("head_moved", "plan"));
}

#[tokio::test]
async fn nothing_is_merged_that_was_not_allowed() {
    let rejected = Place::new().await;
    rejected.until_asked().await;
    let asked = rejected.asked().await;
    let intent_hash = &asked.intent_hash;
    let no = Decision::Reject { intent_hash, reason: "not on a Friday", by: "ada" };
    let decided = rejected.decide(asked.id, no).await;
    assert!(matches!(decided, Decided::Rejected { .. }), "{decided:?}");
    let (status, code, _) = rejected.deliver().await;
    assert_eq!((status.as_str(), code.as_deref()), ("canceled", Some("approval_rejected")));
    assert_eq!(rejected.error().await, "rejected by ada: not on a Friday");

    let expired = Place::new().await;
    expired.until_asked().await;
    let late = "UPDATE approvals SET expires_at = clock_timestamp() - interval '1 second'";
    expired.sql.execute(late, &[]).await.unwrap();
    expired.come(Some("approval")).await;
    assert_eq!(expired.deliver().await, failed("approval_expired", "approve"));

    let stale = Place::new().await;
    stale.until_asked().await;
    let asked = stale.asked().await;
    let other = "0".repeat(64);
    let decision = Decision::Approve { intent_hash: &other, edited: None, by: "ada" };
    let decided = stale.decide(asked.id, decision).await;
    assert!(matches!(decided, Decided::Stale(_)), "{decided:?}");
    let (status, ..) = stale.deliver().await;
    assert_eq!(status, "waiting");

    for place in [rejected, expired, stale] {
        assert_eq!(place.github.merge_calls(), 0);
    }
}

/// Whatever stands between the approval and the merge, and however it was changed.
#[tokio::test]
async fn a_plan_that_is_not_the_approved_one_is_not_carried_out() {
    let changes = [
        ("approve", "{intent,plan,method}", "\"squash\""),
        ("approve", "{intent,plan,pull_request}", "8"),
        ("approve", "{intent,plan,commit_message}", "null"),
        ("approve", "{intent_hash}", "\"00\""),
        ("plan", "{head_sha}", "\"b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2\""),
        ("plan", "{full_name}", "\"acme/other\""),
    ];
    for (step, path, value) in changes {
        let place = Place::new().await;
        place.until_asked().await;
        place.approve(None).await;
        // GitHub has to fail once, so that the run stops between its two last steps.
        place.github.order(Fault::Refuses(500, "Server Error"));
        let (status, _, steps) = place.deliver().await;
        assert_eq!((status.as_str(), steps.len()), ("queued", 3));
        let change = format!(
            "UPDATE run_steps SET output = jsonb_set(output, '{path}', '{value}')
             WHERE step_id = '{step}'"
        );
        assert_eq!(place.sql.execute(&change, &[]).await.unwrap(), 1);
        assert_eq!(place.deliver().await, failed("plan_changed", "merge"), "{step} {path}");
        assert_eq!(place.github.merges(), [], "{step} {path}");
    }
}

#[tokio::test]
async fn checks_decide_whether_anyone_is_asked() {
    let place = Place::unchecked("merge").await;
    for (name, conclusion) in [("test", "failure"), ("lint", "timed_out"), ("build", "success")] {
        place.github.check(HEAD, name, 0, conclusion);
    }
    assert_eq!(place.deliver().await, failed("checks_failed", "checks"));
    assert_eq!(place.error().await, "these checks did not pass: lint, test");
    assert_eq!(place.approvals().await.len(), 0);

    let slow = Place::unchecked("merge").await;
    slow.github.check(HEAD, "build", 1_000, "success");
    let planned = state_of("waiting", None, &["plan succeeded"]);
    assert_eq!(slow.deliver().await, planned);
    slow.pass(9).await;
    assert_eq!(slow.deliver().await, planned, "nine minutes are not ten");
    slow.pass(1).await;
    assert_eq!(slow.deliver().await, failed("checks_timed_out", "checks"));
    assert_eq!(slow.error().await, "these checks were not over in time: build");
    assert_eq!(slow.approvals().await.len(), 0);

    let unchecked = Place::unchecked("merge").await;
    assert_eq!(unchecked.deliver().await, planned, "some may be about to begin");
    unchecked.pass(1).await;
    unchecked.until_asked().await;
    let asked = unchecked.asked().await;
    assert!(asked.intent.summary.ends_with("no check speaks for it."), "{}", asked.intent.summary);

    // Green when it was asked, red when it was approved.
    let turned = Place::new().await;
    turned.until_asked().await;
    turned.approve(None).await;
    turned.github.check(HEAD, "nightly", 0, "failure");
    assert_eq!(turned.deliver().await, failed("checks_failed", "merge"));
    assert_eq!(turned.github.merge_calls(), 0);
}

#[tokio::test]
async fn what_cannot_be_merged_is_not_asked_about() {
    type Change = fn(&mut Pull);
    let changes: [(&str, Change); 3] = [
        ("it is closed", |pull| pull.open = false),
        ("it is a draft", |pull| pull.draft = true),
        ("it conflicts with its base", |pull| pull.conflicts = true),
    ];
    for (reason, change) in changes {
        let place = Place::new().await;
        place.github.change(SHOP, 7, change);
        assert_eq!(place.deliver().await, failed("merge_refused", "plan"), "{reason}");
        assert!(place.error().await.ends_with(reason), "{}", place.error().await);
        assert_eq!(place.approvals().await.len(), 0);
    }
    let merged = Place::new().await;
    merged.github.merge_as(SHOP, 7, "ada");
    assert_eq!(merged.deliver().await, failed("merge_refused", "plan"));

    let suspended = Place::new().await;
    let suspend = "UPDATE installations SET suspended_at = now()";
    suspended.sql.execute(suspend, &[]).await.unwrap();
    assert_eq!(suspended.deliver().await, failed("repository_forbidden", "plan"));
}

#[tokio::test]
async fn refusals_that_pass_are_tried_again_and_others_are_not() {
    let place = Place::new().await;
    place.until_asked().await;
    place.approve(None).await;
    let moving = "Base branch was modified. Review and try the merge again.";
    place.github.order(Fault::Refuses(405, moving));
    place.github.order(Fault::Refuses(405, "Merge already in progress"));
    for attempt in 0..2 {
        let (status, ..) = place.deliver().await;
        assert_eq!(status, "queued", "attempt {attempt}");
    }
    assert_eq!(place.deliver().await, succeeded());
    assert_eq!((place.github.merges().len(), place.github.merge_calls()), (1, 3));

    let place = Place::new().await;
    place.until_asked().await;
    place.approve(None).await;
    let never = "Merge commits are not allowed on this repository.";
    place.github.order(Fault::Refuses(405, never));
    assert_eq!(place.deliver().await, failed("merge_refused", "merge"));
    assert!(place.error().await.ends_with(never), "{}", place.error().await);
    assert_eq!(place.github.merge_calls(), 1);
}

#[tokio::test]
async fn a_head_that_someone_else_merged_meanwhile_is_merged_but_not_by_us() {
    for (login, by_us) in [("ada", false), (APP_LOGIN, true)] {
        let place = Place::new().await;
        place.until_asked().await;
        place.approve(None).await;
        let commit = place.github.merge_as(SHOP, 7, login);
        // A check that fails after the merge does not undo it.
        place.github.check(HEAD, "after", 0, "failure");
        assert_eq!(place.deliver().await, succeeded());
        let output = json!({ "merge_commit_sha": commit, "merged_by_us": by_us });
        assert_eq!(place.output("merge").await, output);
        assert_eq!(place.github.merge_calls(), 0);
    }
}
