//! Ours: runs of five steps, done by the crate `engine` exactly as a function does them.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use domain::OrgId;
use engine::{Deadline, Engine};
use queue::Sender;
use startup::Secret;
use tests::{
    TestDatabase,
    five_steps::{Broken, FiveSteps, Steps, request},
};
use tokio::sync::Barrier;

use crate::{server::Server, table::Measured};

/// Each claim holds longer than any cell.
const LEASE: Duration = Duration::from_secs(150);
const TIME: Duration = Duration::from_secs(110);
/// Done before the clock starts, by each worker.
const WARM_UP: usize = 6;
const FORMER_RUNS: usize = 10_000;

pub(crate) struct Ours {
    database: TestDatabase,
    /// One a worker, as runs that go on at once mostly belong to different tenants.
    orgs: Vec<OrgId>,
}

impl Ours {
    pub(crate) fn prepare(server: &mut Server) -> Self {
        server.wait_for(async {
            let database = TestDatabase::create_at(server.url()).await;
            let mut orgs = Vec::new();
            for lane in 0..crate::CONCURRENCIES.into_iter().max().unwrap_or(1) {
                orgs.push(database.organization(&format!("acme-{lane}")).await);
            }
            let ours = Self { database, orgs };
            ours.remember().await;
            ours
        })
    }

    pub(crate) fn database(&self) -> &str {
        self.database.name()
    }

    pub(crate) fn run(
        &self,
        server: &mut Server,
        steps: Steps,
        workers: usize,
        time: Duration,
    ) -> Measured {
        let ((mut took, elapsed, workflows), counted) = server.count(self.database.name(), || {
            let lanes = self.run_lanes(steps, workers, time);
            let elapsed = lanes.iter().map(|(_, elapsed)| *elapsed).max().unwrap_or_default();
            let took: Vec<Duration> = lanes.into_iter().flat_map(|(took, _)| took).collect();
            let workflows = took.len() + workers * WARM_UP;
            ((took, elapsed, workflows), workflows)
        });
        server.wait_for(self.check_and_tidy(steps, workflows));
        took.sort_unstable();
        let at = |percent: usize| took[took.len() * percent / 100].as_secs_f64() * 1e3;
        let per_second = took.len() as f64 / elapsed.as_secs_f64();
        Measured {
            steps_per_second: Some(per_second * FiveSteps::STEPS.len() as f64),
            commits_per_second: per_second * counted.writes,
            latency: Some((at(50), at(99))),
            counted,
        }
    }
}

impl Ours {
    /// Each worker has a thread with a runtime of its own, as every function has in Lambda.
    fn run_lanes(
        &self,
        steps: Steps,
        workers: usize,
        time: Duration,
    ) -> Vec<(Vec<Duration>, Duration)> {
        let start = Arc::new(Barrier::new(workers));
        std::thread::scope(|scope| {
            let running: Vec<_> = self.orgs[..workers]
                .iter()
                .map(|org| {
                    let start = Arc::clone(&start);
                    scope.spawn(move || {
                        let lane = Lane::new(&self.database.functions_url(), *org, steps);
                        let mut runtime = tokio::runtime::Builder::new_current_thread();
                        runtime.enable_all().build().unwrap().block_on(lane.run(start, time))
                    })
                })
                .collect();
            running.into_iter().map(|lane| lane.join().unwrap()).collect()
        })
    }

    /// All that was begun is done to the end. What was announced goes, as its receivers would
    /// have deleted it.
    async fn check_and_tidy(&self, steps: Steps, workflows: usize) {
        let sql = self.database.sql().await;
        let counted = "SELECT (SELECT count(*) FROM runs),
                              (SELECT count(*) FROM runs WHERE status = 'succeeded'),
                              (SELECT count(*) FROM run_steps WHERE status = 'succeeded'),
                              (SELECT count(*) FROM webhook_deliveries),
                              (SELECT count(*) FROM outbox)";
        let row = sql.query_one(counted, &[]).await.unwrap();
        let [runs, succeeded, done, effects, messages]: [i64; 5] =
            std::array::from_fn(|column| row.get(column));
        assert_eq!((succeeded, done), (runs, runs * 5), "runs did not end, or not well");
        let wanted = if steps == Steps::Pure { 0 } else { workflows as i64 * 5 };
        assert_eq!((effects, messages), (wanted, wanted), "effects and messages");
        sql.batch_execute("TRUNCATE webhook_deliveries, outbox").await.unwrap();
    }

    /// Runs of former days, so that tables and indexes are as those of a system in use.
    async fn remember(&self) {
        let sql = self.database.sql().await;
        sql.batch_execute(&format!(
            "INSERT INTO runs (id, org_id, kind, idempotency_key, event_type, status, created_at,
                               started_at, finished_at)
             SELECT gen_random_uuid(), o.id, 'analysis', n::text, 'push', 'succeeded',
                    now() - n * interval '1 minute', now(), now()
             FROM organizations o, generate_series(1, {FORMER_RUNS} / {}) n;
             INSERT INTO run_steps (run_id, org_id, step_id, step_name, status, lease_token,
                                    output, started_at)
             SELECT id, org_id, s, s, 'succeeded', 1, '{{}}', now()
             FROM runs, unnest('{{fetch,manifest,parse,security,verdict}}'::text[]) s",
            self.orgs.len(),
        ))
        .await
        .unwrap();
        sql.batch_execute("VACUUM ANALYZE").await.unwrap();
    }
}

/// One worker, and who asks it for work; both on the worker's connection.
struct Lane {
    org: OrgId,
    engine: Engine,
    worker: FiveSteps,
}

impl Lane {
    fn new(url: &str, org: OrgId, steps: Steps) -> Self {
        let secret = Secret::literal("DATABASE_URL", url);
        // It knows no queue, so messages stay in the outbox.
        let engine = Engine::new(secret, Sender::new(Vec::new()), LEASE);
        Self { org, engine, worker: FiveSteps(steps) }
    }

    async fn run(self, start: Arc<Barrier>, time: Duration) -> (Vec<Duration>, Duration) {
        for _ in 0..WARM_UP {
            self.workflow().await;
        }
        start.wait().await;
        let began = Instant::now();
        let mut took = Vec::new();
        while began.elapsed() < time {
            let start = Instant::now();
            self.workflow().await;
            took.push(start.elapsed());
        }
        let elapsed = began.elapsed();
        (took, elapsed)
    }

    /// From the request to the finished run.
    async fn workflow(&self) {
        let mut session = self.engine.session::<Broken>().await.unwrap();
        let run = request(&mut session, self.org).await;
        // There is no second connection.
        drop(session);
        let deadline = Deadline::after(TIME);
        engine::work_on(&self.engine, &self.worker, self.org, run, deadline).await.unwrap();
    }
}
