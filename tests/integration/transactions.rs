//! What a run costs the database: how many transactions, and how many of them write.
//!
//! Counted by Postgres itself, never timed. Transactions come from pg_stat_database, which only
//! knows them once their session has ended; those that write are known by the ids that only they
//! are given, which triggers collect.

use std::time::Duration;

use domain::{CommitSha, OrgId, RunKind, StepSpec};
use engine::{Deadline, Engine};
use lambda_runtime::{Context, LambdaEvent};
use queue::Sender;
use serde_json::{Value, json};
use startup::Secret;
use store::Database;
use tempfile::TempDir;
use tests::{
    TestDatabase,
    five_steps::{Broken, FiveSteps, Steps, request},
    git_server::GitServer,
    github,
};
use tokio_postgres::{Client, NoTls};

/// Request and claim; then each step writes once, and the last one finishes the run.
const AROUND_THE_STEPS: i64 = 2;
/// What may be asked beside that.
const READING_MAX: i64 = 1;

/// Autovacuum may look at the database meanwhile, and that counts too; not every time.
const LOOKS: usize = 5;

const LEASE: Duration = Duration::from_secs(60);
const TIME: Duration = Duration::from_secs(50);

/// Nobody listens on port 1: sending always fails, and costs no transaction.
const NO_QUEUE: &str = "http://127.0.0.1:1/000000000000/runs";

/// Counts what is done in a database, from outside of it.
struct Counter<'a> {
    database: &'a TestDatabase,
    sql: Client,
}

/// What some runs cost.
#[derive(Debug)]
struct Cost {
    /// Of one run among others, on a connection that stands.
    transactions: i64,
    writing: i64,
    runs: i64,
}

impl<'a> Counter<'a> {
    async fn of(database: &'a TestDatabase) -> Self {
        let name = database.name();
        let outside = database.owner_url().replace(name, "postgres");
        let (sql, connection) = tokio_postgres::connect(&outside, NoTls).await.unwrap();
        tokio::spawn(connection);
        let inside = database.sql().await;
        inside
            .batch_execute(
                "CREATE TABLE written (id xid8 NOT NULL);
                 CREATE FUNCTION note_writing() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
                 SET search_path = public AS $$
                 BEGIN
                     INSERT INTO written VALUES (pg_current_xact_id());
                     RETURN NULL;
                 END $$;
                 DO $$
                 DECLARE
                     target regclass;
                 BEGIN
                     FOR target IN
                         SELECT oid FROM pg_class
                         WHERE relnamespace = 'public'::regnamespace AND relname <> 'written'
                           AND relkind IN ('r', 'p') AND NOT relispartition
                     LOOP
                         EXECUTE format('CREATE TRIGGER note_writing
                             AFTER INSERT OR UPDATE OR DELETE ON %s
                             FOR EACH ROW EXECUTE FUNCTION note_writing()', target);
                     END LOOP;
                 END $$",
            )
            .await
            .unwrap();
        Self { database, sql }
    }

    /// All transactions so far, once every session has ended.
    async fn transactions(&self) -> i64 {
        let open = "SELECT count(*) FROM pg_stat_activity
                    WHERE datname = $1 AND backend_type = 'client backend'";
        let name = self.database.name();
        while self.sql.query_one(open, &[&name]).await.unwrap().get::<_, i64>(0) > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let done = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = $1";
        self.sql.query_one(done, &[&name]).await.unwrap().get(0)
    }

    /// Does a run, and two, each time on connections of its own: what the second one adds is the
    /// cost of a run.
    async fn cost_of(&self, work: impl AsyncFn(i64)) -> Cost {
        let (mut one, mut two, mut runs) = (i64::MAX, i64::MAX, 0);
        for _ in 0..LOOKS {
            for (least, count) in [(&mut one, 1), (&mut two, 2)] {
                let before = self.transactions().await;
                work(count).await;
                *least = (self.transactions().await - before).min(*least);
                runs += count;
            }
        }
        let inside = self.database.sql().await;
        let writing = "SELECT count(DISTINCT id) FROM written";
        let writing = inside.query_one(writing, &[]).await.unwrap().get(0);
        let ended = "SELECT count(*) FROM runs WHERE status = 'succeeded'";
        let ended: i64 = inside.query_one(ended, &[]).await.unwrap().get(0);
        assert_eq!(ended, runs, "not every run was done");
        Cost { transactions: two - one, writing, runs }
    }
}

impl Cost {
    fn check(&self, steps: &[StepSpec]) {
        let writing = AROUND_THE_STEPS + steps.len() as i64;
        assert!(self.transactions <= writing + READING_MAX, "{self:?}");
        // Fewer would mean that steps shared a commit, or that nothing was counted.
        assert_eq!(self.writing, writing * self.runs, "{self:?}");
        assert!(self.transactions >= writing, "{self:?}");
    }
}

async fn engine_costs(steps: Steps) -> Cost {
    let database = TestDatabase::create().await;
    let org = database.organization("acme").await;
    let counter = Counter::of(&database).await;
    counter
        .cost_of(async |runs| {
            let url = Secret::literal("DATABASE_URL", database.functions_url());
            let engine = Engine::new(url, Sender::new(Vec::new()), LEASE);
            for _ in 0..runs {
                let mut session = engine.session::<Broken>().await.unwrap();
                let run = request(&mut session, org).await;
                // There is no second connection.
                drop(session);
                let deadline = Deadline::after(TIME);
                engine::work_on(&engine, &FiveSteps(steps), org, run, deadline).await.unwrap();
            }
        })
        .await
}

#[tokio::test]
async fn five_steps_are_seven_commits() {
    assert_eq!(FiveSteps::STEPS.len(), 5);
    engine_costs(Steps::Pure).await.check(FiveSteps::STEPS);
}

#[tokio::test]
async fn effects_and_messages_cost_no_commit_of_their_own() {
    engine_costs(Steps::WithEffects).await.check(FiveSteps::STEPS);
}

/// Everything that a webhook and its analysis stand on.
struct Place {
    database: TestDatabase,
    org: OrgId,
    objects: TempDir,
    git: GitServer,
    base: CommitSha,
    head: CommitSha,
}

const REPOSITORY: i64 = 186_853_002;

impl Place {
    async fn new() -> Self {
        let git = GitServer::start().await;
        let repository = git.repository("small");
        let base = repository.commit_files(&[("a.py", "print(1)\n")], "main", &[]);
        let head = repository.commit_files(&[("a.py", "print(2)\n")], "change", &[&base]);
        let database = TestDatabase::create().await;
        let org = database.organization("acme").await;
        database.repository(org, REPOSITORY, &git.url("small")).await;
        Self { database, org, objects: tempfile::tempdir().unwrap(), git, base, head }
    }

    fn intake(&self) -> webhook_intake::Deps {
        let url = self.database.functions_url();
        let config = webhook_intake::Config {
            database_url: Secret::literal("DATABASE_URL", url.clone()),
            github_secret: Secret::literal("GITHUB_WEBHOOK_SECRET", github::SECRET),
            runs_queue_url: NO_QUEUE.to_owned(),
        };
        webhook_intake::Deps::with_database(config, Database::open(&url).unwrap())
    }

    fn orchestrator(&self) -> run_orchestrator::Deps {
        run_orchestrator::Deps::new(run_orchestrator::Config {
            database_url: Secret::literal("DATABASE_URL", self.database.functions_url()),
            lease: LEASE,
            objects_url: format!("file://{}", self.objects.path().display()),
            queue_urls: Vec::new(),
            private_git_hosts: self.git.address().to_string(),
            github_api_url: "https://api.github.com".to_owned(),
            github_app: None,
            z3_path: None,
        })
        .unwrap()
    }

    /// A webhook about a pull request of its own; answers the run that it led to.
    async fn deliver(&self, intake: &webhook_intake::Deps, number: i64) -> String {
        let (head, base) = (self.head.as_str(), self.base.as_str());
        let payload = github::pull_request(REPOSITORY, number, head, base).to_string();
        let request = github::delivery(&format!("delivery-{number}"), "pull_request", payload);
        let response = webhook_intake::handle(intake, request).await;
        assert_eq!(response.status(), 202);
        let answer: Value = serde_json::from_slice(response.body().as_ref()).unwrap();
        answer["run_id"].as_str().unwrap().to_owned()
    }

    async fn analyse(&self, orchestrator: &run_orchestrator::Deps, run: &str) {
        let body = json!({ "type": "run_requested", "org_id": self.org, "run_id": run });
        let event = json!({ "Records": [{ "messageId": "m", "body": body.to_string() }] });
        let event = LambdaEvent::new(serde_json::from_value(event).unwrap(), Context::default());
        let response = run_orchestrator::handle(orchestrator, event).await.unwrap();
        assert!(response.batch_item_failures.is_empty());
    }
}

#[tokio::test]
async fn a_webhook_and_its_analysis_are_a_commit_a_step_and_two() {
    let place = Place::new().await;
    let counter = Counter::of(&place.database).await;
    let number = std::sync::atomic::AtomicI64::new(0);
    let cost = counter.cost_of(async |runs| {
        let (intake, orchestrator) = (place.intake(), place.orchestrator());
        for _ in 0..runs {
            let number = number.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let run = place.deliver(&intake, number + 1).await;
            place.analyse(&orchestrator, &run).await;
        }
    });
    cost.await.check(RunKind::Analysis.steps());
}
