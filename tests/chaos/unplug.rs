//! The plug is pulled during many concurrent webhooks: a 2xx is a promise that outlives it.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::watch;

use crate::{
    cluster::Durability,
    history::Violations,
    instance::Slot,
    load::Delivery,
    progress::Line,
    trial::Trial,
    world::{Place, World},
};

/// Connections beside those of the intake's instances, which have one each.
const OTHER_CONNECTIONS: usize = 40;
/// The plug is pulled when this part of the webhooks is answered.
const PULL_AFTER: f64 = 0.4;
const PATIENCE: Duration = Duration::from_secs(180);

pub(crate) struct Unplugged {
    /// Webhooks that were answered with a 2xx before the plug was pulled, and after.
    pub(crate) before: usize,
    pub(crate) after: usize,
    /// Attempts that were not answered with a 2xx, and made again.
    pub(crate) refused: u64,
    pub(crate) violations: Violations,
}

pub(crate) async fn pull(
    place: &Place<'_>,
    webhooks: usize,
    durability: Durability,
    line: &Line,
) -> Unplugged {
    let mut trial = Trial::quiet(&format!("unplug {durability:?}"), 1, webhooks);
    trial.synchronous = durability == Durability::Synchronous;
    trial.connections = webhooks + OTHER_CONNECTIONS;
    trial.lease_s = 10;
    trial.visibility_s = 12;
    let world = World::make(place, trial.clone()).await;
    line.say("unplug: preparing commits");
    let deliveries = Arc::new(world.sources.deliveries(&trial.load, trial.seed));
    let answered = Arc::new(AtomicUsize::new(0));
    let until = Instant::now() + PATIENCE;
    let mut senders = Vec::new();
    let next = Arc::new(AtomicUsize::new(0));
    // All at once, each in an instance of its own, as Lambda does it.
    for _ in 0..webhooks {
        let sender = send(
            Arc::clone(&world),
            Arc::clone(&deliveries),
            Arc::clone(&next),
            Arc::clone(&answered),
            until,
        );
        senders.push(tokio::spawn(sender));
    }
    let wanted = (webhooks as f64 * PULL_AFTER) as usize;
    while answered.load(Ordering::Relaxed) < wanted && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    line.say("unplug: pulling the plug");
    world.cluster.stop_immediately().await;
    let before = answered.load(Ordering::Relaxed);
    world.cluster.start(durability, world.trial.connections).await;
    for sender in senders {
        sender.await.unwrap();
    }
    let mut violations = promises(&world).await;
    if violations.is_empty() {
        violations.extend(finish(&world, &deliveries, until, line).await);
    }
    world.queues.remove().await;
    Unplugged {
        before,
        after: answered.load(Ordering::Relaxed) - before,
        refused: world.tally.get("deliveries refused"),
        violations,
    }
}

async fn send(
    world: Arc<World>,
    deliveries: Arc<Vec<Delivery>>,
    next: Arc<AtomicUsize>,
    answered: Arc<AtomicUsize>,
    until: Instant,
) {
    let mut slot = Slot::new(&world.nursery, "webhook_intake");
    while let Some(delivery) = deliveries.get(next.fetch_add(1, Ordering::Relaxed)) {
        while Instant::now() < until {
            if let Some(answer) = delivery.attempt(&mut slot).await {
                let run = answer["run_id"].as_str().unwrap_or_default().to_owned();
                world.taken.0.lock().unwrap().insert(delivery.id.clone(), run);
                answered.fetch_add(1, Ordering::Relaxed);
                break;
            }
            world.tally.add("deliveries refused");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    slot.retire().await;
}

/// Every 2xx is in the table, and is exactly one run.
async fn promises(world: &World) -> Violations {
    let sql = world.sql().await.expect("Postgres is up again");
    let query = "SELECT d.delivery_id, count(r.id), min(r.id::text) FROM webhook_deliveries d
                 LEFT JOIN runs r ON r.idempotency_key = 'github:' || d.delivery_id
                 GROUP BY d.delivery_id";
    let rows = sql.query(query, &[]).await.unwrap();
    let stored: BTreeMap<String, (i64, Option<String>)> =
        rows.iter().map(|row| (row.get(0), (row.get(1), row.get(2)))).collect();
    let taken = world.taken.0.lock().unwrap();
    let mut violations = Violations::new();
    for (delivery, run) in taken.iter() {
        match stored.get(delivery) {
            None => violations.push(format!("delivery {delivery} was taken and is lost")),
            Some((1, Some(stored))) if stored == run => {}
            Some(other) => violations.push(format!("delivery {delivery} ({run}) became {other:?}")),
        }
    }
    violations
}

/// The runs are worked off, each of them once.
async fn finish(
    world: &Arc<World>,
    deliveries: &[Delivery],
    until: Instant,
    line: &Line,
) -> Violations {
    let (stop, stopped) = watch::channel(false);
    let mut parts = crate::stage::open_for_work(world, &stopped);
    crate::stage::settle(world, deliveries, until, line).await;
    stop.send_replace(true);
    for part in parts.drain(..) {
        part.await.unwrap();
    }
    crate::history::check(world, deliveries).await
}
