//! Schedules: days whose clocks are changed, hours without a scheduler, two schedulers at once,
//! people who change their minds meanwhile. Slots come by a clock that the test moves; whatever
//! needs several processes or the queue uses the deployed binary and the database's clock.

mod api;
mod binary;
mod outage;
mod slots;

use domain::{CatchUp, OrgId, RepositoryId, ScanScheduleId};
use jiff::Timestamp;
use schedule::Schedule;
use scheduler::{Config, Deps, start_scans};
use serde_json::Value;
use startup::Secret;
use store::{
    Database,
    scan_schedules::{self, ScanSchedule, Settings},
};
use tests::TestDatabase;
use tokio_postgres::Client;

/// A repository, and a scheduler without queues: what it would send stays in the outbox.
struct Place {
    database: TestDatabase,
    functions: Database,
    sql: Client,
    org: OrgId,
    repository: RepositoryId,
    scheduler: Deps,
}

/// What the run of a slot says about it.
#[derive(Debug, PartialEq, Eq)]
struct Begun {
    slot: Timestamp,
    missed: u64,
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

impl Place {
    async fn new() -> Self {
        let database = TestDatabase::create().await;
        let org = database.organization("acme").await;
        let repository = database.repository(org, 1, "https://example.com/a.git").await;
        let sql = database.sql().await;
        // A new repository is due to be synced at once, which is not what is tested here.
        sql.execute("UPDATE repositories SET next_sync_at = NULL", &[]).await.unwrap();
        let scheduler = Deps::new(Config {
            database_url: Secret::literal("DATABASE_URL", database.functions_url()),
            queue_urls: Vec::new(),
            github_api_url: "https://api.github.com".to_owned(),
            github_app: None,
        });
        let functions = database.functions();
        Self { database, functions, sql, org, repository, scheduler }
    }

    /// A schedule that was made at a moment.
    async fn schedule(
        &self,
        expression: &str,
        time_zone: &str,
        catch_up: CatchUp,
        made: Timestamp,
    ) -> ScanScheduleId {
        let read = Schedule::parse(expression, time_zone).unwrap();
        let new = Settings {
            branch: "main",
            expression,
            time_zone,
            enabled: true,
            catch_up,
            next_run_at: read.next_after(made),
        };
        let mut session = self.functions.session().await.unwrap();
        let tx = session.begin(self.org).await.unwrap();
        let row = scan_schedules::insert(&tx, self.org, self.repository, &new).await.unwrap();
        tx.commit().await.unwrap();
        row.id
    }

    async fn stored(&self, id: ScanScheduleId) -> ScanSchedule {
        let mut session = self.functions.session().await.unwrap();
        let tx = session.begin(self.org).await.unwrap();
        scan_schedules::find(&tx, id).await.unwrap().expect("it is there")
    }

    /// A minute of the scheduler, when the clock shows `now`; how many scans it began.
    async fn tick(&self, now: Timestamp) -> u64 {
        start_scans(&self.scheduler, now).await.unwrap()
    }

    /// The runs that a schedule began, in the order of their slots, each checked to be whole.
    async fn begun(&self, id: ScanScheduleId) -> Vec<Begun> {
        let rows = self
            .sql
            .query(
                "SELECT r.idempotency_key, r.kind, r.event_type, r.ref, r.input, r.repository_id,
                        r.project_id IS NOT NULL AS has_project,
                        (SELECT count(*) FROM outbox o
                         WHERE o.body ->> 'run_id' = r.id::text AND o.queue = 'runs') AS messages,
                        (SELECT count(*) FROM codebase_scans s
                         WHERE s.run_id = r.id AND s.triggered_by = 'schedule'
                           AND s.branch = 'main') AS scans
                 FROM runs r WHERE r.schedule_id = $1 ORDER BY r.input ->> 'fire_at'",
                &[id.as_uuid()],
            )
            .await
            .unwrap();
        rows.iter()
            .map(|row| {
                let input: Value = row.get("input");
                let slot = at(input["fire_at"].as_str().unwrap());
                assert_eq!(row.get::<_, &str>("kind"), "codebase_scan");
                assert_eq!(row.get::<_, &str>("event_type"), "schedule");
                assert_eq!(row.get::<_, &str>("ref"), "refs/heads/main");
                assert_eq!(input["branch"], "main");
                let key = format!("schedule:{id}:{slot}");
                assert_eq!(row.get::<_, &str>("idempotency_key"), key);
                assert_eq!(row.get::<_, uuid::Uuid>("repository_id"), *self.repository.as_uuid());
                assert!(row.get::<_, bool>("has_project"));
                assert_eq!(row.get::<_, i64>("messages"), 1, "nobody is told of {slot}");
                assert_eq!(row.get::<_, i64>("scans"), 1, "nobody would see the scan of {slot}");
                Begun { slot, missed: input["missed"].as_u64().unwrap_or(0) }
            })
            .collect()
    }

    /// Ends every run, as workers do.
    async fn finish_runs(&self) {
        self.change(
            "UPDATE runs SET status = 'succeeded', finished_at = now() WHERE status = 'queued'",
        )
        .await;
    }

    async fn change(&self, statement: &str) {
        self.sql.batch_execute(statement).await.unwrap();
    }

    async fn count(&self, from: &str) -> i64 {
        self.sql.query_one(&format!("SELECT count(*) FROM {from}"), &[]).await.unwrap().get(0)
    }
}
