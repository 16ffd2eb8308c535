//! The rules of runs on a real Postgres: who may claim, who may write, and how a run ends.

mod family;
mod locks;
mod resume;

use std::time::Duration;

use domain::{CommitSha, ErrorCode, OrgId, RepositoryId, RunId, RunKind, RunStatus, StepStatus};
use jiff::Timestamp;
use serde_json::json;
use store::{
    Database, analyses,
    run_steps::{self, Finished},
    runs::{self, CLAIMS_MAX, Claim, Lease, NewRun},
};
use tests::TestDatabase;
use tokio_postgres::Client;
use uuid::Uuid;

const LEASE_SECONDS: i32 = 60;

/// A database with one organisation and one repository.
struct Place {
    database: TestDatabase,
    org: OrgId,
    repository: RepositoryId,
}

impl Place {
    async fn new() -> Self {
        let database = TestDatabase::create().await;
        let org = database.organization("acme").await;
        let repository = database.repository(org, 1, "https://example.com/a.git").await;
        Self { database, org, repository }
    }

    async fn run(&self) -> RunId {
        self.run_of(None, &"a".repeat(40)).await
    }

    async fn run_of(&self, pull_request: Option<i32>, commit: &str) -> RunId {
        let project = self.project().await;
        let id = RunId::new(Uuid::now_v7());
        let run = NewRun {
            id,
            org: self.org,
            project: Some(project),
            repository: Some(self.repository),
            kind: RunKind::Analysis,
            idempotency_key: id.to_string(),
            event_type: "manual".to_owned(),
            git_ref: None,
            commit: Some(commit.parse().unwrap()),
            pull_request,
            input: json!({ "pr_title": "A change" }),
            traceparent: None,
            parent: None,
            schedule: None,
        };
        let mut session = self.database.functions().session().await.unwrap();
        let tx = session.begin(self.org).await.unwrap();
        assert_eq!(runs::insert(&tx, &run).await.unwrap(), runs::Inserted::New(id));
        tx.commit().await.unwrap();
        id
    }

    async fn project(&self) -> domain::ProjectId {
        let sql = self.database.sql().await;
        let query = "SELECT project_id FROM repositories WHERE id = $1";
        let row = sql.query_one(query, &[self.repository.as_uuid()]).await.unwrap();
        domain::ProjectId::new(row.get(0))
    }

    async fn claim(&self, run: RunId) -> Claim {
        claim(&self.database.functions(), self.org, run).await
    }

    async fn lease(&self, run: RunId) -> Lease {
        match self.claim(run).await {
            Claim::Won(lease) => *lease,
            other @ (Claim::NotDue | Claim::Exhausted(_)) => panic!("{other:?}"),
        }
    }

    /// As if the worker had been silent for longer than its lease.
    async fn expire(&self, run: RunId) {
        let sql = self.database.sql().await;
        let expire = "UPDATE runs SET leased_until = clock_timestamp() - interval '1 second'
                      WHERE id = $1 AND status = 'running'";
        assert_eq!(sql.execute(expire, &[run.as_uuid()]).await.unwrap(), 1);
    }

    async fn find(&self, run: RunId) -> runs::Run {
        let mut session = self.database.functions().session().await.unwrap();
        let tx = session.begin(self.org).await.unwrap();
        runs::find(&tx, run).await.unwrap().unwrap()
    }

    /// Writes a step as a worker does. `false`: the fence refused it.
    async fn finish_step(&self, lease: &Lease, step: &str) -> bool {
        let mut session = self.database.functions().session().await.unwrap();
        let tx = session.begin(self.org).await.unwrap();
        let Some(fence) = runs::fence(&tx, lease).await.unwrap() else { return false };
        run_steps::finish_and_commit(tx, &fence, &lease.run, &finished(step)).await.unwrap();
        true
    }
}

fn finished(step: &str) -> Finished<'static> {
    let step = RunKind::Analysis.steps().iter().find(|spec| spec.id == step);
    Finished {
        step: step.expect("a step of an analysis"),
        status: StepStatus::Succeeded,
        attempt: 1,
        output: None,
        error: None,
        started_at: Timestamp::UNIX_EPOCH,
        messages: &[],
        summary: None,
    }
}

async fn claim(database: &Database, org: OrgId, run: RunId) -> Claim {
    let mut session = database.session().await.unwrap();
    let tx = session.begin(org).await.unwrap();
    let claim = runs::claim(&tx, run, LEASE_SECONDS).await.unwrap();
    tx.commit().await.unwrap();
    claim
}

/// Steps that were written by someone who was not the newest holder of the lease.
async fn written_by_stale_workers(sql: &Client) -> i64 {
    let query = "SELECT count(*) FROM run_steps s JOIN runs r ON r.id = s.run_id
                 WHERE s.lease_token <> r.lease_token";
    sql.query_one(query, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn of_two_claimers_exactly_one_wins() {
    let place = Place::new().await;
    let (one, other) = (place.database.functions(), place.database.functions());
    for _ in 0..20 {
        let run = place.run().await;
        let claims = tokio::join!(claim(&one, place.org, run), claim(&other, place.org, run));
        match claims {
            (Claim::Won(lease), Claim::NotDue) | (Claim::NotDue, Claim::Won(lease)) => {
                assert_eq!((lease.run.id, lease.token()), (run, 1));
            }
            claims => panic!("{claims:?}"),
        }
    }
}

#[tokio::test]
async fn a_live_lease_is_not_taken_over_and_an_expired_one_is() {
    let place = Place::new().await;
    let run = place.run().await;
    let first = place.lease(run).await;
    assert!(matches!(place.claim(run).await, Claim::NotDue));
    place.expire(run).await;
    let second = place.lease(run).await;
    assert!(second.token() > first.token());
    assert_eq!(second.run.attempts, 2);
}

#[tokio::test]
async fn a_worker_that_lost_its_lease_writes_nothing() {
    let place = Place::new().await;
    let run = place.run().await;
    let stale = place.lease(run).await;
    place.expire(run).await;
    let current = place.lease(run).await;

    assert!(!place.finish_step(&stale, "fetch").await, "the stale worker was let through");
    assert!(place.finish_step(&current, "fetch").await);
    let sql = place.database.sql().await;
    assert_eq!(written_by_stale_workers(&sql).await, 0);

    // The control: what the stale worker would have written without a fence is seen.
    sql.execute(
        "INSERT INTO run_steps (run_id, org_id, step_id, step_name, status, lease_token, started_at)
         VALUES ($1, $2, 'manifest', 'manifest', 'succeeded', $3, now())",
        &[run.as_uuid(), place.org.as_uuid(), &stale.token()],
    )
    .await
    .unwrap();
    assert_eq!(written_by_stale_workers(&sql).await, 1, "this test could not see a stale write");
}

#[tokio::test]
async fn an_expired_lease_that_nobody_took_may_still_commit_and_holds_off_the_next() {
    let place = Place::new().await;
    let run = place.run().await;
    let lease = place.lease(run).await;
    place.expire(run).await;

    let database = place.database.functions();
    let mut session = database.session().await.unwrap();
    let tx = session.begin(place.org).await.unwrap();
    let fence = runs::fence(&tx, &lease).await.unwrap().expect("nobody took the lease");

    let next = tokio::spawn(claim_in_background(place.database.functions(), place.org, run));
    wait_until_someone_waits_for_a_lock(&place.database).await;
    assert!(!next.is_finished(), "the claim went past a worker that was writing");
    run_steps::finish_and_commit(tx, &fence, &lease.run, &finished("fetch")).await.unwrap();

    let steps = next.await.unwrap();
    assert_eq!(steps, ["fetch"], "whoever claims next sees what was written before");
}

/// Claims, and answers the steps that were done before.
async fn claim_in_background(database: Database, org: OrgId, run: RunId) -> Vec<String> {
    let mut session = database.session().await.unwrap();
    let tx = session.begin(org).await.unwrap();
    let claim = runs::claim(&tx, run, LEASE_SECONDS).await.unwrap();
    assert!(matches!(claim, Claim::Won(_)), "{claim:?}");
    let steps = run_steps::list(&tx, run).await.unwrap();
    steps.into_iter().map(|step| step.step).collect()
}

async fn wait_until_someone_waits_for_a_lock(database: &TestDatabase) {
    let sql = database.sql().await;
    let query = "SELECT count(*) FROM pg_stat_activity
                 WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while sql.query_one(query, &[]).await.unwrap().get::<_, i64>(0) == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_run_that_kills_its_workers_is_given_up() {
    let place = Place::new().await;
    let run = place.run().await;
    for _ in 0..CLAIMS_MAX {
        place.lease(run).await;
        place.expire(run).await;
    }
    assert!(matches!(place.claim(run).await, Claim::Exhausted(_)));
    assert!(matches!(place.claim(run).await, Claim::NotDue), "given up once and for all");
    let run = place.find(run).await;
    assert_eq!(run.status, RunStatus::Failed);
    assert_eq!(run.error_code, Some(ErrorCode::MaxAttemptsExceeded));
}

#[tokio::test]
async fn a_finished_step_starts_the_count_of_claims_again() {
    let place = Place::new().await;
    let run = place.run().await;
    for round in 0..CLAIMS_MAX * 2 {
        let lease = place.lease(run).await;
        if round == CLAIMS_MAX - 1 {
            assert!(place.finish_step(&lease, "fetch").await);
        }
        place.expire(run).await;
    }
    assert!(matches!(place.claim(run).await, Claim::Exhausted(_)));
    assert_eq!(place.find(run).await.attempts, CLAIMS_MAX * 2 + 1);
}

#[tokio::test]
async fn a_run_that_is_given_back_is_claimed_again() {
    let place = Place::new().await;
    let run = place.run().await;
    let lease = place.lease(run).await;
    let mut session = place.database.functions().session().await.unwrap();

    let tx = session.begin(place.org).await.unwrap();
    let fence = runs::fence(&tx, &lease).await.unwrap().unwrap();
    let delay = Duration::from_hours(1);
    runs::retry_later(&tx, &fence, "the git server did not answer", delay).await.unwrap();
    tx.commit().await.unwrap();
    let queued = place.find(run).await;
    assert_eq!(queued.status, RunStatus::Queued);
    assert_eq!(queued.last_error.as_deref(), Some("the git server did not answer"));
    assert_eq!(queued.error, None, "a passing trouble is not the run's ending");
    assert!(matches!(place.claim(run).await, Claim::NotDue), "not before its time");

    let later = "UPDATE runs SET wake_at = wake_at - interval '1 hour'";
    assert_eq!(place.database.sql().await.execute(later, &[]).await.unwrap(), 1);
    let lease = place.lease(run).await;
    let tx = session.begin(place.org).await.unwrap();
    let fence = runs::fence(&tx, &lease).await.unwrap().unwrap();
    runs::hand_on(&tx, &fence).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(place.lease(run).await.token(), 3);
}

#[tokio::test]
async fn what_is_over_stays_over() {
    let place = Place::new().await;
    let sql = place.database.sql().await;
    for (status, code) in [("succeeded", None), ("failed", Some(ErrorCode::CommitNotFound))] {
        let run = place.run().await;
        let lease = place.lease(run).await;
        let mut session = place.database.functions().session().await.unwrap();
        let tx = session.begin(place.org).await.unwrap();
        let fence = runs::fence(&tx, &lease).await.unwrap().unwrap();
        match code {
            None => runs::succeed(&tx, &fence, &json!({ "verdict": "passed" })).await.unwrap(),
            Some(code) => runs::fail(&tx, &fence, code, "it is gone").await.unwrap(),
        }
        tx.commit().await.unwrap();

        let ended = place.find(run).await;
        assert_eq!(ended.status.as_str(), status);
        assert_eq!(ended.error_code, code);
        assert!(ended.finished_at.is_some());
        assert!(matches!(place.claim(run).await, Claim::NotDue));
        assert!(!place.finish_step(&lease, "fetch").await, "{status}: a step came after the end");
        let revived = sql
            .execute(
                "UPDATE runs SET status = 'queued', finished_at = NULL WHERE id = $1",
                &[run.as_uuid()],
            )
            .await
            .unwrap_err();
        assert!(revived.as_db_error().unwrap().message().contains("stays so"), "{revived}");
    }
}

#[tokio::test]
async fn a_newer_head_cancels_what_examines_an_older_one() {
    let place = Place::new().await;
    let (old, new) = ("a".repeat(40), "b".repeat(40));
    let queued = place.run_of(Some(7), &old).await;
    let running = place.run_of(Some(7), &old).await;
    let ended = place.run_of(Some(7), &old).await;
    let newer = place.run_of(Some(7), &new).await;
    let elsewhere = place.run_of(Some(8), &old).await;
    let mut session = place.database.functions().session().await.unwrap();

    let lease = place.lease(running).await;
    let tx = session.begin(place.org).await.unwrap();
    let fence = runs::fence(&tx, &lease).await.unwrap().unwrap();
    analyses::insert(&tx, &fence, None).await.unwrap();
    tx.commit().await.unwrap();
    let ended_lease = place.lease(ended).await;
    let tx = session.begin(place.org).await.unwrap();
    let fence = runs::fence(&tx, &ended_lease).await.unwrap().unwrap();
    runs::succeed(&tx, &fence, &json!({})).await.unwrap();
    tx.commit().await.unwrap();

    let tx = session.begin(place.org).await.unwrap();
    let head: CommitSha = new.parse().unwrap();
    let canceled = runs::supersede(&tx, place.repository, 7, &head).await.unwrap();
    assert_eq!(canceled, 2);
    let analysis = analyses::find_by_run(&tx, running).await.unwrap().unwrap();
    assert_eq!(analysis.status, "failed", "nobody works on it any more");
    tx.commit().await.unwrap();

    for (run, status) in [
        (queued, RunStatus::Canceled),
        (running, RunStatus::Canceled),
        (ended, RunStatus::Succeeded),
        (newer, RunStatus::Queued),
        (elsewhere, RunStatus::Queued),
    ] {
        assert_eq!(place.find(run).await.status, status, "{run}");
    }
    assert_eq!(place.find(queued).await.error_code, Some(ErrorCode::Superseded));
    assert!(!place.finish_step(&lease, "manifest").await, "its worker went on");
}
