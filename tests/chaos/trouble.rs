//! Faults from outside: signals, lost connections, a server that is full, busy or gone.

use std::{sync::Arc, time::Duration};

use rustix::process::Signal;
use tokio::time::Instant;
use tokio_postgres::Client;

use crate::{trial::dice, world::World};

/// How often it is drawn whether something happens.
const TICK: Duration = Duration::from_millis(250);
/// For how long all connections are taken.
const CROWD: Duration = Duration::from_secs(2);
/// For how long rows of runs are locked at most.
const LOCK_MS_MAX: u64 = 3000;

/// Makes trouble until the storm is over.
pub(crate) async fn make(world: Arc<World>) {
    let until = Instant::now() + world.trial.storm;
    let crashing = tokio::spawn(crash(Arc::clone(&world), until));
    let trouble = world.trial.trouble;
    let mut dice = dice(world.trial.seed, "trouble");
    let per_tick = TICK.as_secs_f64();
    while Instant::now() < until {
        tokio::time::sleep(TICK).await;
        let mut happens = |rate: f64| dice.f64() < rate * per_tick;
        let (kill, stop, terminate) =
            (happens(trouble.kill), happens(trouble.stop), happens(trouble.terminate));
        let (cut, silence) = (happens(trouble.cut), happens(trouble.blackhole));
        let silence_idle = happens(trouble.blackhole_idle);
        let (crowd, lock) = (happens(trouble.crowd), happens(trouble.lock));
        if kill {
            kill_any(&world, &mut dice);
        }
        if stop {
            let length = dice.u64(trouble.stop_ms / 4..=trouble.stop_ms);
            stop_any(&world, &mut dice, Duration::from_millis(length));
        }
        if terminate {
            terminate_any(&world).await;
        }
        if cut {
            world.wire.cut();
        }
        if silence {
            world.wire.fall_silent();
        }
        if silence_idle {
            world.wire.fall_silent_when_idle();
        }
        if lock {
            let length = Duration::from_millis(dice.u64(200..=LOCK_MS_MAX));
            tokio::spawn(lock_some(Arc::clone(&world), length));
        }
        if crowd {
            take_all_connections(&world).await;
        }
    }
    crashing.await.unwrap();
}

fn kill_any(world: &World, dice: &mut fastrand::Rng) {
    let living = &world.nursery.living;
    if living.any(dice).is_some_and(|id| living.signal(id, Signal::KILL)) {
        world.tally.add("external kills");
    }
}

/// As Lambda freezes a function between two invocations, only in the middle of one.
fn stop_any(world: &Arc<World>, dice: &mut fastrand::Rng, length: Duration) {
    let living = &world.nursery.living;
    let Some(id) = living.any(dice).filter(|id| living.signal(*id, Signal::STOP)) else { return };
    world.tally.add("processes stopped");
    let world = Arc::clone(world);
    tokio::spawn(async move {
        tokio::time::sleep(length).await;
        world.nursery.living.signal(id, Signal::CONT);
    });
}

async fn terminate_any(world: &World) {
    let Some(sql) = world.sql().await else { return };
    let query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                 WHERE datname = current_database() AND usename = 'assay_app'
                 ORDER BY random() LIMIT 1";
    // The server may go away meanwhile.
    if sql.query(query, &[]).await.is_ok_and(|rows| !rows.is_empty()) {
        world.tally.add("backends terminated");
    }
}

/// Every connection there is, so that nobody gets a new one; those who had one have lost it.
pub(crate) async fn take_all_connections(world: &World) {
    world.wire.cut();
    let mut taken: Vec<Client> = Vec::new();
    for _ in 0..world.trial.connections {
        let Some(client) = world.sql().await else { break };
        taken.push(client);
    }
    world.tally.add("times without a free connection");
    tokio::time::sleep(CROWD).await;
}

async fn lock_some(world: Arc<World>, length: Duration) {
    let Some(mut sql) = world.sql().await else { return };
    let Ok(tx) = sql.transaction().await else { return };
    let query = "SELECT 1 FROM runs WHERE status IN ('queued', 'running')
                 ORDER BY random() LIMIT 3 FOR UPDATE SKIP LOCKED";
    if tx.query(query, &[]).await.is_ok_and(|rows| !rows.is_empty()) {
        world.tally.add("rows locked");
        tokio::time::sleep(length).await;
    }
}

/// Pulls the plug as often as the trial says, spread over the storm.
async fn crash(world: Arc<World>, until: Instant) {
    let crashes = world.trial.trouble.crashes;
    let mut dice = dice(world.trial.seed, "crashes");
    let room = world.trial.storm / (crashes + 1);
    for _ in 0..crashes {
        let pause = room.mul_f64(0.5 + 0.5 * dice.f64());
        tokio::time::sleep(pause).await;
        if Instant::now() > until {
            return;
        }
        world.cluster.stop_immediately().await;
        tokio::time::sleep(Duration::from_millis(dice.u64(0..1500))).await;
        world.cluster.start(world.trial.durability(), world.trial.connections).await;
        world.tally.add("Postgres crashed");
    }
}
