//! Tables for people.

use std::collections::BTreeMap;

use faults::POINTS;

use crate::{stage::Judged, tally::Coverage};

/// With so many webhooks every point has to be passed, and with so many a process has to have died
/// at each.
const RUNS_FOR_ALL_POINTS: usize = 60;
const RUNS_FOR_ALL_KILLS: usize = 300;

/// Faults that are told in one line for all trials together.
pub(crate) struct Sum {
    faults: BTreeMap<&'static str, u64>,
    coverage: Coverage,
    trials: usize,
    runs: usize,
    violations: usize,
}

impl Sum {
    pub(crate) fn new() -> Self {
        Self {
            faults: BTreeMap::new(),
            coverage: Coverage::default(),
            trials: 0,
            runs: 0,
            violations: 0,
        }
    }

    pub(crate) fn headline() {
        println!(
            "{:<26} {:>5}  {:>12}  {:>6}  {:>5} {:>6} {:>5} {:>6} {:>7}  {:>10}",
            "trial",
            "runs",
            "ok/bad/open",
            "took s",
            "kills",
            "stalls",
            "stops",
            "wire",
            "queue",
            "violations"
        );
    }

    /// Prints a trial's row and keeps what counts for the end.
    pub(crate) fn add(&mut self, judged: &Judged) {
        let fault = |names: &[&str]| -> u64 {
            names.iter().filter_map(|name| judged.faults.get(name)).sum()
        };
        let load = &judged.trial.load;
        println!(
            "{:<26} {:>5}  {:>12}  {:>6.1}  {:>5} {:>6} {:>5} {:>6} {:>7}  {:>10}",
            judged.trial.name,
            load.healthy + load.missing + load.deadly,
            judged.ended,
            judged.took.as_secs_f64(),
            judged.coverage.kills + fault(&["external kills"]),
            judged.coverage.stalls,
            fault(&["processes stopped"]),
            fault(&[
                "COMMIT lost",
                "COMMIT reply lost",
                "other reply lost",
                "connections cut",
                "connections blackholed",
                "idle connections blackholed",
                "backends terminated",
            ]),
            fault(&["sends refused", "send replies lost", "messages duplicated", "messages late"]),
            judged.violations.len(),
        );
        for violation in &judged.violations {
            println!("    {violation}");
        }
        for (fault, count) in &judged.faults {
            *self.faults.entry(fault).or_default() += count;
        }
        self.coverage.add(&judged.coverage);
        self.trials += 1;
        self.runs += load.healthy + load.missing + load.deadly;
        self.violations += judged.violations.len();
    }

    /// Prints what all trials suffered; answers whether everything was as it must be.
    pub(crate) fn print(&self) -> bool {
        println!("\n{} trials, {} violations; what they suffered:", self.trials, self.violations);
        println!("  {:>7}  kills at a named point", self.coverage.kills);
        println!("  {:>7}  stalls at a named point", self.coverage.stalls);
        for (fault, count) in self.faults.iter().filter(|(_, count)| **count > 0) {
            println!("  {count:>7}  {fault}");
        }
        let missing = |seen: &std::collections::BTreeSet<String>| -> Vec<&str> {
            POINTS.iter().copied().filter(|point| !seen.contains(*point)).collect()
        };
        let (unpassed, unkilled) = (missing(&self.coverage.passed), missing(&self.coverage.killed));
        println!("points passed: {} of {}", POINTS.len() - unpassed.len(), POINTS.len());
        if !unpassed.is_empty() {
            println!("    never passed: {}", unpassed.join(", "));
        }
        println!("points killed at: {} of {}", POINTS.len() - unkilled.len(), POINTS.len());
        if !unkilled.is_empty() {
            println!("    never killed at: {}", unkilled.join(", "));
        }
        let wants_passed = self.runs >= RUNS_FOR_ALL_POINTS;
        let wants_killed = self.runs >= RUNS_FOR_ALL_KILLS;
        self.violations == 0
            && (unpassed.is_empty() || !wants_passed)
            && (unkilled.is_empty() || !wants_killed)
    }
}
