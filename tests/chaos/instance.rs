//! One place where instances of a function live, one after the other.

use std::{
    collections::BTreeMap,
    fs::OpenOptions,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use faults::POINTS;
use regex::bytes::Regex;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tests::function::{Answer, Function};

use crate::{tally::Tally, trial::Trial};

const APP_KEY: &str = include_str!("../../shared/clients/src/github/tests/throwaway_key.pem");

/// The functions that are run, each built with its feature `faults`.
const FUNCTIONS: [&str; 5] = ["webhook_intake", "run_orchestrator", "syncer", "scheduler", "api"];

/// Refuses functions that cannot be disturbed: every trial would be green.
pub(crate) fn assert_disturbable(binaries: &Path) {
    let marker = Regex::new("ASSAY_FAULTS").unwrap();
    for name in FUNCTIONS {
        let path = binaries.join(name);
        let binary =
            std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let found = marker.is_match(&binary);
        assert!(found, "{} was built without its feature `faults`", path.display());
    }
}

/// Points that few runs pass: an instance seldom lives to meet the one that is its turn.
const RARE: [&str; 5] = ["fail.", "retry.", "hand_on.", "park.", "approve."];
/// The chance that an instance dies at one of those.
const RARE_KILL: f64 = 0.2;

/// Processes that live now, for those who kill and stop from outside.
#[derive(Debug, Default)]
pub(crate) struct Living(Mutex<BTreeMap<u32, &'static str>>);

impl Living {
    /// One of them, by chance.
    pub(crate) fn any(&self, dice: &mut fastrand::Rng) -> Option<u32> {
        let living = self.0.lock().unwrap();
        let place = dice.usize(..living.len().max(1));
        living.keys().nth(place).copied()
    }

    /// Sends a signal to a process, if it still lives.
    pub(crate) fn signal(&self, id: u32, signal: Signal) -> bool {
        // Whoever ends a process takes it off this list, long before its number is used again.
        let living = self.0.lock().unwrap();
        let pid = i32::try_from(id).ok().and_then(Pid::from_raw);
        living.contains_key(&id) && pid.is_some_and(|pid| kill_process(pid, signal).is_ok())
    }
}

/// What all instances of a trial have in common.
pub(crate) struct Nursery {
    pub(crate) trial: Trial,
    pub(crate) binaries: PathBuf,
    /// What every function is told by its environment.
    pub(crate) settings: Vec<(&'static str, String)>,
    /// GitHub is known as our App only to who has to act as it.
    pub(crate) app: Vec<(&'static str, String)>,
    pub(crate) folder: PathBuf,
    pub(crate) living: Living,
    pub(crate) tally: Arc<Tally>,
    /// Whether faults are still wanted.
    pub(crate) stormy: std::sync::atomic::AtomicBool,
    born: AtomicUsize,
    /// Invocations under way; each may still send something.
    busy: AtomicUsize,
}

impl Nursery {
    pub(crate) fn new(
        trial: Trial,
        binaries: PathBuf,
        settings: Vec<(&'static str, String)>,
        folder: PathBuf,
        tally: Arc<Tally>,
    ) -> Self {
        Self {
            trial,
            binaries,
            settings,
            app: vec![
                ("GITHUB_APP_ID", "12345".to_owned()),
                ("GITHUB_APP_PRIVATE_KEY", APP_KEY.to_owned()),
            ],
            folder,
            living: Living::default(),
            tally,
            stormy: true.into(),
            born: AtomicUsize::new(0),
            busy: AtomicUsize::new(0),
        }
    }

    /// Where instances write down which points they pass.
    pub(crate) fn record(&self) -> PathBuf {
        self.folder.join("points")
    }

    pub(crate) fn busy(&self) -> usize {
        self.busy.load(Ordering::Relaxed)
    }

    pub(crate) fn is_stormy(&self) -> bool {
        self.stormy.load(Ordering::Relaxed)
    }

    /// What the next instance of `function` is to suffer.
    fn plan(&self, function: &str) -> Value {
        let born = self.born.fetch_add(1, Ordering::Relaxed);
        let strikes = self.trial.strikes;
        let mut faults = Vec::new();
        if self.is_stormy() {
            let own = points_of(function);
            if strikes.in_turn && !own.is_empty() {
                let turn = born + self.trial.seed as usize;
                let at = own[turn % own.len()];
                // The first pass of every point is soon; later ones find more under way.
                let pass = 1 + turn / own.len() % 2;
                faults.push(json!({ "at": at, "when": { "pass": pass }, "effect": "kill" }));
                let rare = |at: &&&str| RARE.iter().any(|prefix| at.starts_with(prefix));
                for at in own.iter().filter(rare) {
                    let when = json!({ "chance": RARE_KILL });
                    faults.push(json!({ "at": at, "when": when, "effect": "kill" }));
                }
            }
            if strikes.kill > 0.0 {
                let when = json!({ "chance": strikes.kill });
                faults.push(json!({ "at": null, "when": when, "effect": "kill" }));
            }
            if strikes.stall > 0.0 {
                let when = json!({ "chance": strikes.stall });
                let effect = json!({ "stall": strikes.stall_ms });
                faults.push(json!({ "at": null, "when": when, "effect": effect }));
            }
            if let Some((at, chance)) = strikes.stall_at.filter(|(at, _)| own.contains(at)) {
                let effect = json!({ "stall": strikes.stall_ms });
                faults.push(json!({ "at": at, "when": { "chance": chance }, "effect": effect }));
            }
            let kill_at =
                strikes.kill_at.filter(|(at, _)| own.contains(at) && born.is_multiple_of(2));
            if let Some((at, pass)) = kill_at {
                faults.push(json!({ "at": at, "when": { "pass": pass }, "effect": "kill" }));
            }
        }
        let mutations: Vec<String> =
            self.trial.mutations.iter().map(|mutation| format!("{mutation:?}")).collect();
        json!({
            "seed": self.trial.seed.wrapping_mul(1_000_003).wrapping_add(born as u64),
            "record": self.record(),
            "faults": faults,
            "mutations": mutations,
        })
    }

    async fn bear(&self, function: &'static str) -> Function {
        let plan = self.plan(function).to_string();
        let mut settings: Vec<(&str, &str)> =
            self.settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        if function == "run_orchestrator" {
            settings.extend(self.app.iter().map(|(name, value)| (*name, value.as_str())));
        }
        settings.push(("ASSAY_FAULTS", &plan));
        let log = self.folder.join(format!("{function}.log"));
        let log = OpenOptions::new().create(true).append(true).open(log).unwrap();
        let binary = self.binaries.join(function);
        let born = Function::start_logging(binary, function, &settings, Stdio::from(log)).await;
        if let Some(id) = born.id() {
            self.living.0.lock().unwrap().insert(id, function);
        }
        born
    }
}

/// The points that a function passes.
fn points_of(function: &str) -> Vec<&'static str> {
    let elsewhere = ["intake.", "sweep.", "approve."];
    let own = |point: &&str| match function {
        "webhook_intake" => point.starts_with("intake."),
        "scheduler" => point.starts_with("sweep."),
        "api" => point.starts_with("approve."),
        _ => !elsewhere.iter().any(|prefix| point.starts_with(prefix)),
    };
    POINTS.iter().copied().filter(own).collect()
}

/// Runs one event after the other, in an instance that is replaced when it dies.
pub(crate) struct Slot {
    nursery: Arc<Nursery>,
    function: &'static str,
    instance: Option<Function>,
}

/// How an invocation ended.
#[derive(Debug)]
pub(crate) enum Ended {
    Answered(Answer),
    Died,
    /// It took longer than it was given, and was killed as Lambda does.
    TimedOut,
}

impl Slot {
    pub(crate) fn new(nursery: &Arc<Nursery>, function: &'static str) -> Self {
        Self { nursery: Arc::clone(nursery), function, instance: None }
    }

    pub(crate) async fn invoke(&mut self, event: Value, time: Duration) -> Ended {
        if self.instance.is_none() {
            self.instance = Some(self.nursery.bear(self.function).await);
        }
        let instance = self.instance.as_mut().expect("it was just born");
        let id = instance.id();
        self.nursery.busy.fetch_add(1, Ordering::Relaxed);
        let answer = instance.begin_within(event, time);
        let ended = tokio::select! {
            answer = answer => answer.map_or(Ended::Died, Ended::Answered),
            () = instance.ended() => Ended::Died,
            () = tokio::time::sleep(time) => Ended::TimedOut,
        };
        self.nursery.busy.fetch_sub(1, Ordering::Relaxed);
        match &ended {
            Ended::Answered(_) => return ended,
            Ended::Died => self.nursery.tally.add("instances died"),
            Ended::TimedOut => self.nursery.tally.add("invocations timed out"),
        }
        if let Some(id) = id {
            self.nursery.living.0.lock().unwrap().remove(&id);
        }
        if let Some(instance) = self.instance.take() {
            instance.kill().await;
        }
        ended
    }

    /// Lets the instance go, as Lambda does with one that is not needed.
    pub(crate) async fn retire(&mut self) {
        if let Some(instance) = self.instance.take() {
            if let Some(id) = instance.id() {
                self.nursery.living.0.lock().unwrap().remove(&id);
            }
            instance.kill().await;
        }
    }
}
