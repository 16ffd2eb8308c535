//! One trial from its beginning to its judgement.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use store::runs::CLAIMS_MAX;
use tokio::{sync::watch, task::JoinHandle};

use crate::{
    history::{self, Violations},
    instance::{Ended, Slot},
    load::{self, Delivery},
    mapping, merges,
    progress::Line,
    scans,
    tally::Coverage,
    trial::{Trial, dice},
    trouble,
    world::{Place, World},
};

/// The scheduler's minute.
const MINUTE: Duration = Duration::from_secs(1);
/// What the scheduler is given.
const SWEEP_TIME: Duration = Duration::from_secs(20);
/// How often two schedulers are up at once.
const SECOND_SCHEDULER: f64 = 0.3;
/// How often it is looked whether all is settled.
const LOOK: Duration = Duration::from_millis(500);
/// Everything must look settled for so many looks in a row: a message may be between two places.
const LOOKS: u32 = 3;
/// Whatever still moves, it is not waited for longer than so many times a trial's storm and calm.
const PATIENCE: u32 = 10;

/// What a trial came to.
pub(crate) struct Judged {
    pub(crate) trial: Trial,
    pub(crate) violations: Violations,
    pub(crate) faults: std::collections::BTreeMap<&'static str, u64>,
    pub(crate) coverage: Coverage,
    pub(crate) ended: String,
    pub(crate) took: Duration,
}

pub(crate) async fn play(place: &Place<'_>, trial: Trial, line: &Line) -> Judged {
    let began = Instant::now();
    line.say(&format!("{}: preparing", trial.name));
    let world = World::make(place, trial.clone()).await;
    let deliveries = Arc::new(world.sources.deliveries(&trial.load, trial.seed));
    let (stop, stopped) = watch::channel(false);
    let parts = open_for_work(&world, &stopped);
    let until = Instant::now() + (trial.storm + trial.calm) * PATIENCE;
    let sending = tokio::spawn(send(Arc::clone(&world), Arc::clone(&deliveries), until));
    let merging = tokio::spawn(merges::pursue(Arc::clone(&world), until));
    let scanning = tokio::spawn(scans::pursue(Arc::clone(&world), until));
    let storm = Instant::now();
    trouble::make(Arc::clone(&world)).await;
    if let Some(left) = trial.storm.checked_sub(storm.elapsed()) {
        tokio::time::sleep(left).await;
    }
    if trial.abates {
        world.calm().await;
    }
    settle(&world, &deliveries, until, line).await;
    sending.abort();
    merging.abort();
    scanning.abort();
    stop.send_replace(true);
    for part in parts {
        // A part that panicked must not look like one that had nothing to say.
        part.await.unwrap();
    }
    let violations = history::check(&world, &deliveries).await;
    let ended = endings(&world).await;
    world.queues.remove().await;
    Judged {
        violations,
        faults: faults(&world).await,
        coverage: Coverage::read(&world.nursery.record()),
        ended,
        took: began.elapsed(),
        trial,
    }
}

/// Starts all who work off queues, and the scheduler.
pub(crate) fn open_for_work(
    world: &Arc<World>,
    stopped: &watch::Receiver<bool>,
) -> Vec<JoinHandle<()>> {
    let mut parts = Vec::new();
    for number in 0..world.trial.workers {
        let runs = ("runs", "run_orchestrator");
        parts.push(tokio::spawn(mapping::work(Arc::clone(world), runs, number, stopped.clone())));
    }
    if world.trial.load.syncs {
        let syncs = ("sync", "syncer");
        parts.push(tokio::spawn(mapping::work(Arc::clone(world), syncs, 0, stopped.clone())));
    }
    for name in ["embed", "attest", "notify"] {
        parts.push(tokio::spawn(mapping::sink(Arc::clone(world), name, stopped.clone())));
    }
    parts.push(tokio::spawn(tick(Arc::clone(world), stopped.clone())));
    parts
}

async fn send(world: Arc<World>, deliveries: Arc<Vec<Delivery>>, until: Instant) {
    let trial = &world.trial;
    for number in 0..trial.load.poison {
        let texts = ["", "null", "{}", "not JSON", r#"{"type":"run_requested"}"#];
        let text = texts.get(number % texts.len()).filter(|text| !text.is_empty());
        let url = world.queues.url("runs");
        world.queues.send(url, text.unwrap_or(&"?"), None, 0).await;
        world.tally.add("unreadable messages");
    }
    let slots =
        (0..trial.load.senders).map(|_| Slot::new(&world.nursery, "webhook_intake")).collect();
    load::deliver(
        slots,
        deliveries,
        Arc::clone(&world.taken),
        trial.load.clone(),
        trial.seed,
        until,
        Arc::clone(&world.tally),
    )
    .await;
}

/// EventBridge Scheduler: once a "minute", and now and then twice at the same time.
async fn tick(world: Arc<World>, stop: watch::Receiver<bool>) {
    let mut slots =
        [Slot::new(&world.nursery, "scheduler"), Slot::new(&world.nursery, "scheduler")];
    let mut dice = dice(world.trial.seed, "scheduler");
    while !*stop.borrow() {
        tokio::time::sleep(MINUTE).await;
        let [first, second] = &mut slots;
        if !world.trial.scheduler {
            // Only time passes.
        } else if dice.f64() < SECOND_SCHEDULER {
            tokio::join!(sweep(first), sweep(second));
        } else {
            sweep(first).await;
        }
        if let Some(sql) = world.sql().await {
            // Postgres may be going down; a second later it is asked again.
            let _ = sql.execute("SELECT chaos.hurry()", &[]).await;
        }
    }
    for slot in &mut slots {
        slot.retire().await;
    }
}

async fn sweep(slot: &mut Slot) -> Ended {
    slot.invoke(serde_json::json!({}), SWEEP_TIME).await
}

/// Waits until nothing is under way any more.
///
/// How long that takes is the machine's affair: it is waited for as long as something moves, until
/// patience ends, and what has not moved for the looks of a whole calm is stuck.
pub(crate) async fn settle(world: &World, deliveries: &[Delivery], until: Instant, line: &Line) {
    let looks_max = world.trial.calm.as_millis() / LOOK.as_millis();
    let (mut settled, mut still, mut last) = (0, 0, None);
    while settled < LOOKS && still < looks_max && Instant::now() < until {
        tokio::time::sleep(LOOK).await;
        let open = open(world, deliveries).await;
        line.say(&format!("{}: {open} still open", world.trial.name));
        settled = if open == 0 { settled + 1 } else { 0 };
        let moved = moved(world).await;
        still = if moved == last { still + 1 } else { 0 };
        last = moved;
    }
}

/// Numbers of which one changes whenever something gets on; none while Postgres is away. A run that
/// is claimed again and again gets on until it has to be given up.
async fn moved(world: &World) -> Option<[u64; 7]> {
    let query = "SELECT (SELECT count(*) FROM run_steps), (SELECT count(*) FROM outbox),
                        count(*) FILTER (WHERE finished_at IS NOT NULL),
                        coalesce(sum(least(claims_since_progress, $1)), 0)
                 FROM runs";
    let row = world.sql().await?.query_one(query, &[&CLAIMS_MAX]).await.ok()?;
    let count = |column| u64::try_from(row.get::<_, i64>(column)).unwrap_or_default();
    let taken = world.taken.0.lock().unwrap().len() as u64;
    let undecided = merges::open(world).await;
    Some([count(0), count(1), count(2), count(3), taken, scans::open(world), undecided])
}

/// Deliveries, runs, messages and invocations that are under way.
async fn open(world: &World, deliveries: &[Delivery]) -> u64 {
    let Some(sql) = world.sql().await else { return 1 };
    let query = "SELECT (SELECT count(*) FROM runs
                         WHERE status IN ('queued', 'running', 'waiting'))
                      + (SELECT count(*) FROM outbox)";
    let Ok(row) = sql.query_one(query, &[]).await else { return 1 };
    let rows = u64::try_from(row.get::<_, i64>(0)).unwrap_or_default();
    let taken = world.taken.0.lock().unwrap().len();
    let mut waiting = 0;
    for name in crate::queues::NAMES {
        waiting += world.queues.waiting(name).await;
    }
    rows + waiting
        + world.nursery.busy() as u64
        + scans::open(world)
        + merges::open(world).await
        + (deliveries.len() - taken) as u64
}

async fn endings(world: &World) -> String {
    let Some(sql) = world.sql().await else { return String::new() };
    let query = "SELECT count(*) FILTER (WHERE status = 'succeeded'),
                        count(*) FILTER (WHERE status IN ('failed', 'canceled')),
                        count(*) FILTER (WHERE status NOT IN ('succeeded', 'failed', 'canceled'))
                 FROM runs";
    let row = sql.query_one(query, &[]).await.unwrap();
    let count = |column| row.get::<_, i64>(column);
    format!("{}/{}/{}", count(0), count(1), count(2))
}

async fn faults(world: &World) -> std::collections::BTreeMap<&'static str, u64> {
    let mut faults = world.tally.counts();
    let mut dead = 0;
    for name in crate::queues::NAMES {
        dead += world.queues.dead(name).await;
    }
    faults.insert("messages in dead-letter queues", dead);
    if let Some(sql) = world.sql().await {
        let query = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM chaos.conflicts";
        let conflicts: i64 = sql.query_one(query, &[]).await.unwrap().get(0);
        faults.insert("conflicts", u64::try_from(conflicts).unwrap_or_default());
    }
    faults
}
