//! For each fault the rule that withstands it: with the rule broken, the same trial must go red.
//!
//! The numbers are those of the faults in the list (1 to 16).

use std::time::Duration;

use faults::Mutation;

use crate::trial::{Load, RelayFaults, Strikes, Trial, Trouble, WireFaults};

pub(crate) struct Control {
    pub(crate) name: &'static str,
    /// Which faults it is about.
    pub(crate) faults: &'static [u8],
    pub(crate) breaks: Breaks,
    /// What the trial is, with all rules kept.
    trial: fn(Trial) -> Trial,
}

/// What is broken.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Breaks {
    Rule(Mutation),
    /// Postgres answers before the disk has it.
    Durability,
}

/// Runs in a control's trial.
const RUNS: usize = 10;
const SEED: u64 = 1;

pub(crate) const ALL: &[Control] = &[
    Control {
        name: "no_outbox",
        faults: &[1, 2],
        breaks: Breaks::Rule(Mutation::NoOutbox),
        trial: |quiet| Trial {
            strikes: Strikes { kill_at: Some(("finish.after_commit", 1)), ..Strikes::default() },
            ..storm(quiet, 12)
        },
    },
    Control {
        name: "effects_apart",
        faults: &[1],
        breaks: Breaks::Rule(Mutation::EffectsApart),
        trial: |quiet| Trial {
            strikes: Strikes { kill_at: Some(("step.effects_written", 3)), ..Strikes::default() },
            ..storm(quiet, 12)
        },
    },
    Control {
        name: "no_fence",
        faults: &[3],
        breaks: Breaks::Rule(Mutation::NoFence),
        trial: |quiet| Trial {
            strikes: Strikes {
                stall_at: Some(("step.prepared", 0.35)),
                stall_ms: 7000,
                ..Strikes::default()
            },
            trouble: Trouble { stop: 0.3, stop_ms: 7000, ..Trouble::default() },
            // One writes too late when another has the run and stands still in the same step, so
            // there must always be another.
            workers: 8,
            ..storm(quiet, 12)
        },
    },
    Control {
        name: "trust_commit",
        faults: &[4, 6],
        breaks: Breaks::Rule(Mutation::TrustCommit),
        trial: |quiet| Trial {
            wire: WireFaults { lose_commit: 0.15, lose_reply: 0.1, ..WireFaults::default() },
            trouble: Trouble { terminate: 1.0, ..Trouble::default() },
            ..storm(quiet, 12)
        },
    },
    Control {
        name: "claim_always",
        faults: &[7],
        breaks: Breaks::Rule(Mutation::ClaimAlways),
        trial: |quiet| Trial {
            strikes: Strikes {
                stall_at: Some(("step.prepared", 0.3)),
                stall_ms: 3000,
                ..Strikes::default()
            },
            relay: RelayFaults { duplicate: 1.0, late: 0.3, ..RelayFaults::default() },
            lease_s: 8,
            visibility_s: 10,
            ..storm(quiet, 10)
        },
    },
    Control {
        name: "forget_unsent",
        faults: &[8],
        breaks: Breaks::Rule(Mutation::ForgetUnsent),
        trial: |quiet| Trial {
            load: Load { healthy: 20, ..quiet.load.clone() },
            relay: RelayFaults { refuse: 0.5, ..RelayFaults::default() },
            // A message is lost when it is refused twice: each of them has to be sent in the storm.
            abates: false,
            ..quiet
        },
    },
    Control {
        name: "no_sweep",
        faults: &[2, 9],
        breaks: Breaks::Rule(Mutation::NoSweep),
        trial: |quiet| Trial {
            receives_max: 1,
            trouble: Trouble { kill: 1.5, ..Trouble::default() },
            ..storm(quiet, 8)
        },
    },
    Control {
        name: "fail_batch",
        faults: &[10],
        breaks: Breaks::Rule(Mutation::FailBatch),
        trial: |quiet| Trial {
            load: Load { poison: 3, ..quiet.load.clone() },
            batch: 5,
            calm: Duration::from_secs(20),
            ..quiet
        },
    },
    Control {
        name: "never_give_up",
        faults: &[11],
        breaks: Breaks::Rule(Mutation::NeverGiveUp),
        trial: |quiet| Trial {
            load: Load { deadly: 1, healthy: 3, ..quiet.load.clone() },
            lease_s: 1,
            visibility_s: 2,
            calm: Duration::from_secs(60),
            ..quiet
        },
    },
    Control {
        name: "no_recycle_timeout",
        faults: &[12],
        breaks: Breaks::Rule(Mutation::NoRecycleTimeout),
        trial: |quiet| Trial {
            load: Load {
                healthy: 6,
                senders: 1,
                pause: Duration::from_millis(2500),
                ..quiet.load.clone()
            },
            trouble: Trouble { blackhole_idle: 1.5, ..Trouble::default() },
            answers_in_time: true,
            ..storm(quiet, 16)
        },
    },
    Control {
        name: "second_session",
        faults: &[13],
        breaks: Breaks::Rule(Mutation::SecondSession),
        trial: |quiet| Trial { calm: Duration::from_secs(25), ..quiet },
    },
    Control {
        name: "ack_unavailable",
        faults: &[4, 14],
        breaks: Breaks::Rule(Mutation::AckUnavailable),
        trial: |quiet| Trial {
            load: Load { pause: Duration::from_millis(500), ..quiet.load.clone() },
            trouble: Trouble { crowd: 1.0, terminate: 1.0, ..Trouble::default() },
            // The scheduler would bring back what the queue was told to forget.
            scheduler: false,
            ..storm(quiet, 12)
        },
    },
    Control {
        name: "fail_on_conflict",
        faults: &[15],
        breaks: Breaks::Rule(Mutation::FailOnConflict),
        trial: |quiet| Trial {
            trouble: Trouble { conflict: 0.15, lock: 0.5, ..Trouble::default() },
            ..storm(quiet, 10)
        },
    },
    Control {
        name: "decide_unlocked",
        faults: &[16],
        breaks: Breaks::Rule(Mutation::DecideUnlocked),
        trial: |quiet| Trial {
            load: Load { healthy: 0, merges: 12, canceled: true, ..quiet.load.clone() },
            ..quiet
        },
    },
    Control {
        name: "asynchronous_commit",
        faults: &[5],
        breaks: Breaks::Durability,
        trial: |quiet| Trial {
            trouble: Trouble { crashes: 3, ..Trouble::default() },
            ..storm(quiet, 15)
        },
    },
];

/// The same with faults for so many seconds.
fn storm(quiet: Trial, seconds: u64) -> Trial {
    Trial { storm: Duration::from_secs(seconds), ..quiet }
}

impl Control {
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        ALL.iter().find(|control| control.name == name)
    }

    /// The trial with all rules kept: it must be green.
    pub(crate) fn kept(&self) -> Trial {
        (self.trial)(Trial::quiet(&format!("{} kept", self.name), SEED, RUNS))
    }

    /// The same with the rule broken: it must be red.
    pub(crate) fn broken(&self) -> Trial {
        let mut trial = (self.trial)(Trial::quiet(&format!("{} broken", self.name), SEED, RUNS));
        match self.breaks {
            Breaks::Rule(mutation) => trial.mutations.push(mutation),
            Breaks::Durability => trial.synchronous = false,
        }
        trial
    }
}
