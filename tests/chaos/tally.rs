//! What happened, counted by kind.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Mutex,
};

/// Faults and other happenings of a trial, counted from everywhere at once.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    counts: Mutex<BTreeMap<&'static str, u64>>,
}

impl Tally {
    pub(crate) fn add(&self, what: &'static str) {
        *self.counts.lock().unwrap().entry(what).or_default() += 1;
    }

    pub(crate) fn counts(&self) -> BTreeMap<&'static str, u64> {
        self.counts.lock().unwrap().clone()
    }

    pub(crate) fn get(&self, what: &str) -> u64 {
        self.counts.lock().unwrap().get(what).copied().unwrap_or_default()
    }
}

/// Which named points were passed, and at which a process was killed or stood still.
#[derive(Debug, Default, Clone)]
pub(crate) struct Coverage {
    pub(crate) passed: BTreeSet<String>,
    pub(crate) killed: BTreeSet<String>,
    pub(crate) kills: u64,
    pub(crate) stalls: u64,
}

impl Coverage {
    /// Reads what the instances wrote down.
    pub(crate) fn read(record: &Path) -> Self {
        let mut coverage = Self::default();
        // No file: no instance passed any point.
        let text = std::fs::read_to_string(record).unwrap_or_default();
        for line in text.lines() {
            let Some((point, what)) = line.split_once(' ') else { continue };
            match what {
                "passed" => drop(coverage.passed.insert(point.to_owned())),
                "killed" => {
                    coverage.killed.insert(point.to_owned());
                    coverage.kills += 1;
                }
                "stalled" => coverage.stalls += 1,
                _ => {}
            }
        }
        coverage
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.passed.extend(other.passed.iter().cloned());
        self.killed.extend(other.killed.iter().cloned());
        self.kills += other.kills;
        self.stalls += other.stalls;
    }
}
