//! The plan: what happens at which point. A build with it is never deployed.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    path::PathBuf,
    sync::{Mutex, OnceLock},
    thread,
    time::Duration,
};

use rustix::process::{Signal, getpid, kill_process};
use serde::{Deserialize, Serialize};

use crate::{Mutation, POINTS};

/// What a process is told by `ASSAY_FAULTS`, as JSON.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// What chances are drawn from: the same seed strikes at the same passes.
    pub seed: u64,
    /// A file that each passed point is appended to, with what happened there.
    pub record: Option<PathBuf>,
    #[serde(default)]
    pub faults: Vec<Fault>,
    #[serde(default)]
    pub mutations: Vec<Mutation>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The name of a point; none stands for all of them.
    pub at: Option<String>,
    pub when: When,
    pub effect: Effect,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// On this pass of the point, counted from one.
    Pass(u32),
    /// On each pass with this probability.
    Chance(f64),
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// SIGKILL: no destructor runs, no connection is closed politely.
    Kill,
    /// Stands still for so many milliseconds, timers and all.
    Stall(u64),
}

#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    #[error("this is no plan of faults: {0}")]
    NotAPlan(#[from] serde_json::Error),
    #[error("`{0}` is not among the named points")]
    NoSuchPoint(String),
    #[error("cannot append to {}: {source}", path.display())]
    Record { path: PathBuf, source: std::io::Error },
}

struct Installed {
    plan: Plan,
    record: Option<File>,
    progress: Mutex<Progress>,
}

struct Progress {
    chances: fastrand::Rng,
    /// How often each point was passed, by its place in [`POINTS`].
    passes: Vec<u32>,
}

static INSTALLED: OnceLock<Installed> = OnceLock::new();

/// Takes the plan of this process; a second one is ignored.
pub fn install(text: &str) -> Result<(), InstallError> {
    let plan: Plan = serde_json::from_str(text)?;
    for name in plan.faults.iter().filter_map(|fault| fault.at.as_deref()) {
        if !POINTS.contains(&name) {
            return Err(InstallError::NoSuchPoint(name.to_owned()));
        }
    }
    let record = match &plan.record {
        Some(path) => {
            let file = OpenOptions::new().create(true).append(true).open(path);
            Some(file.map_err(|source| InstallError::Record { path: path.clone(), source })?)
        }
        None => None,
    };
    let chances = fastrand::Rng::with_seed(plan.seed);
    let progress = Mutex::new(Progress { chances, passes: vec![0; POINTS.len()] });
    let _ = INSTALLED.set(Installed { plan, record, progress });
    Ok(())
}

/// Passes a named point: notes it down, and does there what the plan says.
pub fn point(name: &'static str) {
    let place = POINTS.iter().position(|known| *known == name);
    let place = place.unwrap_or_else(|| panic!("`{name}` is missing from faults::POINTS"));
    let Some(installed) = INSTALLED.get() else { return };
    let effects = installed.passed(name, place);
    installed.note(name, "passed");
    for effect in effects {
        match effect {
            Effect::Kill => {
                installed.note(name, "killed");
                let killed = kill_process(getpid(), Signal::KILL);
                unreachable!("a process outlived its own SIGKILL: {killed:?}");
            }
            Effect::Stall(milliseconds) => {
                installed.note(name, "stalled");
                thread::sleep(Duration::from_millis(milliseconds));
            }
        }
    }
}

/// Whether the plan breaks this rule.
pub fn mutated(mutation: Mutation) -> bool {
    INSTALLED.get().is_some_and(|installed| installed.plan.mutations.contains(&mutation))
}

impl Installed {
    /// Counts the pass and tells what is due on it.
    fn passed(&self, name: &str, place: usize) -> Vec<Effect> {
        // A panic elsewhere leaves nothing half done in here.
        let mut progress = self.progress.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        progress.passes[place] += 1;
        let pass = progress.passes[place];
        self.plan
            .faults
            .iter()
            .filter(|fault| fault.at.as_deref().is_none_or(|at| at == name))
            .filter(|fault| match fault.when {
                When::Pass(wanted) => pass == wanted,
                When::Chance(chance) => progress.chances.f64() < chance,
            })
            .map(|fault| fault.effect)
            .collect()
    }

    /// One short write each, which other processes' lines do not tear.
    fn note(&self, name: &str, what: &str) {
        if let Some(mut record) = self.record.as_ref() {
            let line = format!("{name} {what}\n");
            // Coverage is counted from these lines: one that is missing makes the suite fail.
            let _ = record.write_all(line.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn installed(plan: &str) -> Installed {
        let plan: Plan = serde_json::from_str(plan).unwrap();
        let chances = fastrand::Rng::with_seed(plan.seed);
        let progress = Mutex::new(Progress { chances, passes: vec![0; POINTS.len()] });
        Installed { plan, record: None, progress }
    }

    #[test]
    fn a_fault_comes_on_its_pass_and_only_there() {
        let installed = installed(
            r#"{"seed":1,"faults":[{"at":"claim.after_commit","when":{"pass":2},"effect":"kill"}]}"#,
        );
        let place = POINTS.iter().position(|name| *name == "claim.after_commit").unwrap();
        let due: Vec<usize> =
            (0..4).map(|_| installed.passed("claim.after_commit", place).len()).collect();
        assert_eq!(due, [0, 1, 0, 0]);
        assert!(installed.passed("step.fenced", place + 3).is_empty());
    }

    #[test]
    fn a_seed_decides_all_chances() {
        let plan =
            r#"{"seed":7,"faults":[{"at":null,"when":{"chance":0.5},"effect":{"stall":1}}]}"#;
        let draw = || {
            let installed = installed(plan);
            (0..64).map(|_| installed.passed("step.fenced", 0).len()).collect::<Vec<_>>()
        };
        assert_eq!(draw(), draw());
        let struck = draw().iter().sum::<usize>();
        assert!((16..48).contains(&struck), "{struck} of 64 at one half");
    }

    #[test]
    fn a_plan_with_an_unknown_point_is_refused() {
        let plan = r#"{"seed":1,"faults":[{"at":"nowhere","when":{"pass":1},"effect":"kill"}]}"#;
        assert!(install(plan).unwrap_err().to_string().contains("nowhere"));
    }
}
