//! What a trial is made of: the load, the faults, and the rules that are broken.
//!
//! Everything random is drawn from the seed, in streams of their own, so that one seed is one
//! plan. When things meet still depends on the machine.

use std::time::Duration;

use faults::Mutation;

use crate::cluster::Durability;

/// One trial's conditions.
#[derive(Debug, Clone)]
pub(crate) struct Trial {
    pub(crate) name: String,
    pub(crate) seed: u64,
    pub(crate) load: Load,
    /// How many instances of the run orchestrator there are.
    pub(crate) workers: usize,
    /// Most messages that one invocation is handed.
    pub(crate) batch: usize,
    pub(crate) lease_s: u32,
    pub(crate) visibility_s: u32,
    /// After so many receives a message goes to the dead-letter queue.
    pub(crate) receives_max: u32,
    pub(crate) strikes: Strikes,
    pub(crate) relay: RelayFaults,
    pub(crate) wire: WireFaults,
    pub(crate) trouble: Trouble,
    pub(crate) mutations: Vec<Mutation>,
    /// Faults come during this time; what is left over must settle after it.
    pub(crate) storm: Duration,
    /// Whether faults end with the storm. If not, all has to settle under those that come from
    /// inside, on however slow a machine.
    pub(crate) abates: bool,
    /// When nothing moves for so long after the storm, what is left over is stuck.
    pub(crate) calm: Duration,
    /// `synchronous_commit` of the cluster.
    pub(crate) synchronous: bool,
    /// Connections that Postgres has to give.
    pub(crate) connections: usize,
    /// Without it, only the queue brings back what was interrupted.
    pub(crate) scheduler: bool,
    /// An invocation that hits its time limit is a violation by itself.
    pub(crate) answers_in_time: bool,
}

/// What is asked of Assay.
#[derive(Debug, Clone, Default)]
pub(crate) struct Load {
    /// Pull requests that succeed.
    pub(crate) healthy: usize,
    /// Pull requests whose commit does not exist: their runs must fail, and say why.
    pub(crate) missing: usize,
    /// Pull requests that kill whoever works on them.
    pub(crate) deadly: usize,
    /// Pull requests that are to be merged.
    pub(crate) merges: usize,
    /// Each merge is approved and canceled in the same moment.
    pub(crate) canceled: bool,
    /// Branches that are scanned as a whole.
    pub(crate) scans: usize,
    /// Whether the shop is synced again and again.
    pub(crate) syncs: bool,
    /// Messages that nobody can read.
    pub(crate) poison: usize,
    /// Of the accepted deliveries so many are sent once more.
    pub(crate) again: f64,
    /// How many deliveries are under way at once.
    pub(crate) senders: usize,
    /// How long a sender waits before its next delivery.
    pub(crate) pause: Duration,
}

/// Faults at the named points, inside the functions.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Strikes {
    /// Each new instance dies at the next point of the table, in turn.
    pub(crate) in_turn: bool,
    pub(crate) kill: f64,
    pub(crate) stall: f64,
    pub(crate) stall_ms: u64,
    /// Stands still here, with this probability.
    pub(crate) stall_at: Option<(&'static str, f64)>,
    /// Every second instance dies here, on this pass.
    pub(crate) kill_at: Option<(&'static str, u32)>,
}

/// Faults between the functions and the queues.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RelayFaults {
    /// The message is not taken, and the sender is told so.
    pub(crate) refuse: f64,
    /// The message is taken, and the sender hears nothing.
    pub(crate) swallow: f64,
    pub(crate) duplicate: f64,
    /// The message is taken now and seen seconds later, after others.
    pub(crate) late: f64,
}

/// Faults between the functions and the database.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct WireFaults {
    /// COMMIT arrives, its reply does not.
    pub(crate) lose_reply: f64,
    /// The connection breaks before COMMIT arrives.
    pub(crate) lose_commit: f64,
    /// Some other reply is lost.
    pub(crate) lose_any: f64,
}

/// Faults from outside; rates are per second.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Trouble {
    pub(crate) kill: f64,
    pub(crate) stop: f64,
    /// For how long a process is stopped at most.
    pub(crate) stop_ms: u64,
    pub(crate) terminate: f64,
    pub(crate) cut: f64,
    /// All connections fall silent, whatever they are at.
    pub(crate) blackhole: f64,
    /// Only those fall silent that were idle for a second, as while a function is frozen.
    pub(crate) blackhole_idle: f64,
    /// Takes every connection that Postgres has to give, for a while.
    pub(crate) crowd: f64,
    /// Locks the rows of open runs for a while.
    pub(crate) lock: f64,
    /// The chance that a write is answered with a serialization failure, a deadlock or a lock
    /// timeout.
    pub(crate) conflict: f64,
    /// How often Postgres is stopped with `-m immediate` and started again.
    pub(crate) crashes: u32,
}

impl Trial {
    pub(crate) fn durability(&self) -> Durability {
        if self.synchronous { Durability::Synchronous } else { Durability::Asynchronous }
    }

    /// A trial without any fault.
    pub(crate) fn quiet(name: &str, seed: u64, healthy: usize) -> Self {
        Self {
            name: name.to_owned(),
            seed,
            load: Load { healthy, senders: 2, ..Load::default() },
            workers: 3,
            batch: 1,
            lease_s: 2,
            visibility_s: 4,
            receives_max: 1000,
            strikes: Strikes::default(),
            relay: RelayFaults::default(),
            wire: WireFaults::default(),
            trouble: Trouble::default(),
            mutations: Vec::new(),
            storm: Duration::from_secs(2),
            abates: true,
            calm: Duration::from_secs(40),
            synchronous: true,
            // Few enough that all of them can be taken.
            connections: 60,
            scheduler: true,
            answers_in_time: false,
        }
    }

    /// Everything at once, in a mixture that the seed decides.
    pub(crate) fn stormy(seed: u64, runs: usize) -> Self {
        let mut dice = dice(seed, "trial");
        let mut up_to = |most: f64| most * (0.3 + 0.7 * dice.f64());
        let odd = (runs / 20).max(1);
        let load = Load {
            healthy: runs - (odd + 1).min(runs),
            missing: odd,
            deadly: 1,
            merges: (runs / 12).max(2),
            canceled: false,
            scans: (runs / 30).max(1),
            syncs: true,
            poison: 1 + runs / 30,
            again: 0.2,
            senders: 3,
            pause: Duration::ZERO,
        };
        let strikes = Strikes {
            in_turn: true,
            kill: up_to(0.01),
            stall: up_to(0.004),
            stall_ms: 9000,
            ..Strikes::default()
        };
        let relay = RelayFaults {
            refuse: up_to(0.15),
            swallow: up_to(0.1),
            duplicate: up_to(0.25),
            late: up_to(0.2),
        };
        let wire = WireFaults {
            lose_reply: up_to(0.02),
            lose_commit: up_to(0.02),
            lose_any: up_to(0.002),
        };
        let trouble = Trouble {
            kill: up_to(0.4),
            stop: up_to(0.3),
            stop_ms: 9000,
            terminate: up_to(0.4),
            cut: up_to(0.1),
            blackhole: up_to(0.03),
            blackhole_idle: up_to(0.1),
            crowd: up_to(0.05),
            lock: up_to(0.1),
            conflict: up_to(0.02),
            crashes: 2,
        };
        Self {
            load,
            workers: 4,
            batch: dice.usize(1..=3),
            receives_max: if dice.bool() { 3 } else { 1000 },
            strikes,
            relay,
            wire,
            trouble,
            // A healthy step must end within its lease on a busy machine, too, and those that stall
            // or are stopped must not.
            lease_s: 5,
            visibility_s: 7,
            storm: Duration::from_secs(10) + Duration::from_millis(1000) * runs as u32,
            calm: Duration::from_secs(90),
            ..Self::quiet(&format!("seed {seed}"), seed, 0)
        }
    }
}

/// A stream of chances of its own, named after what draws from it.
pub(crate) fn dice(seed: u64, stream: &str) -> fastrand::Rng {
    // FNV-1a, so that a stream stays the same from one version of Rust to the next.
    let name = stream.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    fastrand::Rng::with_seed(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ name)
}
