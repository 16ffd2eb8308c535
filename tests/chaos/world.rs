//! Everything a trial stands on: a database, queues, what lies between, and the functions.

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_sdk_sqs::types::Message;
use domain::{ApiKey, Scope};
use store::api_keys;
use tests::{TestDatabase, github, github_server::GitHubServer};
use tokio_postgres::Client;

use crate::{
    cluster::Cluster,
    instance::Nursery,
    load::{MUTE, SHOP, Sources, Taken, WARES},
    mapping::run_of,
    merges::{self, Wish},
    queues::Queues,
    relay::Relay,
    scans::Accepted,
    tally::Tally,
    trial::Trial,
    wire::Wire,
};

/// What a trial adds to its database.
const INSTRUMENTS: &str = include_str!("instruments.sql");

/// The functions' settings that are queues.
const QUEUES: [(&str, &str); 5] = [
    ("RUNS_QUEUE_URL", "runs"),
    ("EMBED_QUEUE_URL", "embed"),
    ("SYNC_QUEUE_URL", "sync"),
    ("ATTEST_QUEUE_URL", "attest"),
    ("NOTIFY_QUEUE_URL", "notify"),
];
/// How often a Postgres that is being restarted is asked.
const WEATHER_ATTEMPTS: u32 = 1500;

pub(crate) struct World {
    pub(crate) trial: Trial,
    pub(crate) cluster: Cluster,
    pub(crate) database: TestDatabase,
    pub(crate) queues: Queues,
    pub(crate) relay: Relay,
    pub(crate) wire: Wire,
    pub(crate) nursery: Arc<Nursery>,
    pub(crate) sources: Sources,
    pub(crate) taken: Arc<Taken>,
    /// Messages that the other functions' queues have seen, by queue and run.
    pub(crate) told: Mutex<BTreeSet<(&'static str, String)>>,
    pub(crate) github: GitHubServer,
    /// Our ids of the repositories that people ask about, and what opens the API.
    pub(crate) shop: String,
    pub(crate) wares: String,
    pub(crate) key: String,
    pub(crate) scans: Accepted,
    pub(crate) wishes: tokio::sync::Mutex<Vec<Wish>>,
    pub(crate) tally: Arc<Tally>,
}

/// Where things are.
pub(crate) struct Place<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) endpoint: &'a str,
    pub(crate) functions: &'a Path,
    pub(crate) logs: &'a Path,
}

impl World {
    pub(crate) async fn make(place: &Place<'_>, trial: Trial) -> Arc<Self> {
        place.cluster.start(trial.durability(), trial.connections).await;
        let database = TestDatabase::create_at(&place.cluster.url("postgres")).await;
        let sources = Sources::start().await;
        let Registered { shop, wares, key } = register(&database, &sources, trial.load.syncs).await;
        let github = GitHubServer::start().await;

        let tally = Arc::new(Tally::default());
        let prefix = format!("chaos-{}", uuid::Uuid::now_v7().simple());
        let queues =
            Queues::create(place.endpoint, &prefix, trial.visibility_s, trial.receives_max).await;
        let relay = Relay::start(queues.clone(), trial.seed, trial.relay, Arc::clone(&tally)).await;
        let address = place.cluster.address();
        let wire = Wire::start(address, trial.seed, trial.wire, Arc::clone(&tally)).await;

        let folder = place.logs.join(trial.name.replace(' ', "-"));
        // What an earlier trial of that name left there.
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(folder.join("objects")).unwrap();
        let through_wire =
            database.functions_url().replace(&address.to_string(), &wire.address().to_string());
        let mut settings = vec![
            ("DATABASE_URL", through_wire),
            ("RUN_LEASE_SECONDS", trial.lease_s.to_string()),
            ("OBJECTS_URL", format!("file://{}", folder.join("objects").display())),
            ("AWS_ENDPOINT_URL", relay.endpoint()),
            ("GITHUB_API_URL", github.url().to_owned()),
            ("GITHUB_WEBHOOK_SECRET", github::SECRET.to_owned()),
            ("PRIVATE_GIT_HOSTS", sources.hosts()),
            ("RUST_LOG", "info".to_owned()),
        ];
        let queue_settings =
            QUEUES.iter().map(|(name, queue)| (*name, queues.url(queue).to_owned()));
        settings.extend(queue_settings);
        let nursery = Nursery::new(
            trial.clone(),
            place.functions.to_owned(),
            settings,
            folder,
            Arc::clone(&tally),
        );
        let world = Self {
            trial,
            cluster: place.cluster.clone(),
            database,
            queues,
            relay,
            wire,
            nursery: Arc::new(nursery),
            sources,
            taken: Arc::default(),
            told: Mutex::default(),
            github,
            shop,
            wares,
            key,
            scans: Accepted::default(),
            wishes: tokio::sync::Mutex::default(),
            tally,
        };
        world.instrument().await;
        *world.wishes.lock().await = merges::wishes(&world);
        Arc::new(world)
    }

    /// A connection past the wire, as long as the server is up.
    pub(crate) async fn sql(&self) -> Option<Client> {
        self.cluster.connect(self.database.name()).await
    }

    pub(crate) fn is_stormy(&self) -> bool {
        self.nursery.is_stormy()
    }

    /// From now on nothing is disturbed any more.
    pub(crate) async fn calm(&self) {
        self.nursery.stormy.store(false, std::sync::atomic::Ordering::Relaxed);
        self.relay.calm();
        self.wire.calm();
        self.set_weather(0.0).await;
    }

    /// The chance of conflicts; without, nothing new begins by itself either.
    async fn set_weather(&self, conflict: f64) {
        for _ in 0..WEATHER_ATTEMPTS {
            if self.try_set_weather(conflict).await {
                return;
            }
            // It is being restarted.
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        panic!("Postgres does not come back: read its server.log");
    }

    async fn try_set_weather(&self, conflict: f64) -> bool {
        let Some(sql) = self.sql().await else { return false };
        let weather = sql.execute("UPDATE chaos.weather SET conflict = $1", &[&conflict]).await;
        let rest = "UPDATE repositories SET next_sync_at = NULL WHERE $1 = 0.0::float8";
        weather.is_ok() && sql.execute(rest, &[&conflict]).await.is_ok()
    }

    /// What a receiver does first: its message need not be sent any more. Whether it could.
    pub(crate) async fn forget(&self, queue: &str, run: &str) -> bool {
        let Some(sql) = self.sql().await else { return false };
        let forget = "DELETE FROM outbox WHERE queue = $1 AND body ->> 'run_id' = $2";
        sql.execute(forget, &[&queue, &run]).await.is_ok()
    }

    /// Whether one of these messages is about a run that kills its workers.
    pub(crate) async fn is_deadly(&self, messages: &[Message]) -> bool {
        if self.trial.load.deadly == 0 {
            return false;
        }
        let Some(sql) = self.sql().await else { return false };
        let runs: Vec<String> = messages.iter().filter_map(run_of).collect();
        let query = "SELECT count(*) FROM runs r JOIN repositories p ON p.id = r.repository_id
                     WHERE r.id::text = ANY ($1) AND p.github_id = $2
                       AND r.status IN ('queued', 'running')";
        let row = sql.query_one(query, &[&runs, &MUTE]).await;
        row.is_ok_and(|row| row.get::<_, i64>(0) > 0)
    }

    async fn instrument(&self) {
        let sql = self.sql().await.expect("Postgres has just been started");
        sql.batch_execute(INSTRUMENTS).await.unwrap();
        let shortened: i64 =
            sql.query_one("SELECT chaos.shorten_patience()", &[]).await.unwrap().get(0);
        assert!(shortened >= 3, "the sweeper's SQL is not what instruments.sql thinks it is");
        if self.trial.mutations.contains(&faults::Mutation::NoFence) {
            let unfenced: i64 = sql.query_one("SELECT chaos.unfence()", &[]).await.unwrap().get(0);
            assert_eq!(unfenced, 1, "the fence's SQL is not what instruments.sql thinks it is");
        }
        if self.trial.mutations.contains(&faults::Mutation::NoOutbox) {
            sql.execute("SELECT chaos.no_outbox()", &[]).await.unwrap();
        }
        let conflict = self.trial.trouble.conflict;
        sql.execute("UPDATE chaos.weather SET conflict = $1", &[&conflict]).await.unwrap();
        // What the trial stands on is not what it may lose.
        sql.execute("CHECKPOINT", &[]).await.unwrap();
    }
}

/// Our ids of two repositories, and a key of the API.
struct Registered {
    shop: String,
    wares: String,
    key: String,
}

/// Makes an organisation with its repositories.
async fn register(database: &TestDatabase, sources: &Sources, syncs: bool) -> Registered {
    let org = database.organization("acme").await;
    let (mut shop, mut wares) = (String::new(), String::new());
    for (number, url) in sources.clone_urls() {
        let repository = database.repository(org, number, &url).await;
        match number {
            SHOP => shop = repository.to_string(),
            WARES => wares = repository.to_string(),
            _ => {}
        }
    }
    let sql = database.sql().await;
    sql.execute(
        "WITH made AS (
             INSERT INTO installations (org_id, github_installation_id, account_type, account_login)
             VALUES ($1, 42, 'Organization', 'acme') RETURNING id)
         UPDATE repositories SET installation_id = made.id FROM made WHERE github_id = $2",
        &[org.as_uuid(), &WARES],
    )
    .await
    .unwrap();
    // A new repository is due to be synced at once.
    let unsynced = "UPDATE repositories SET next_sync_at = NULL WHERE github_id <> $1 OR NOT $2";
    sql.execute(unsynced, &[&SHOP, &syncs]).await.unwrap();

    let mut session = database.functions().session().await.unwrap();
    let tx = session.begin(org).await.unwrap();
    let key = ApiKey::generate(&[7; ApiKey::ENTROPY_BYTES]);
    api_keys::insert(&tx, org, "people", &key, Scope::ALL, None).await.unwrap();
    tx.commit().await.unwrap();
    Registered { shop, wares, key: key.reveal().to_owned() }
}
