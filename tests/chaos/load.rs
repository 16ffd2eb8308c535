//! What comes in: pull requests as GitHub tells of them, again and again until they are taken.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use domain::CommitSha;
use serde_json::{Value, json};
use tests::{
    git_server::{GitRepository, GitServer},
    github,
};
use tokio::net::TcpListener;

use crate::{
    instance::{Ended, Slot},
    tally::Tally,
    trial::{Load, dice},
};

/// GitHub's numbers of the repositories.
pub(crate) const SHOP: i64 = 1;
/// Its pull requests are merged; it is shared by an installation of our App.
pub(crate) const WARES: i64 = 3;
/// Its git server takes connections and never says a word.
pub(crate) const MUTE: i64 = 2;

/// Shards of a scanned branch: each is given five hundred files.
pub(crate) const SHARDS: usize = 3;
const SCANNED_FILES: usize = 1_001;

/// What Lambda gives the intake.
const TIME: Duration = Duration::from_secs(10);
/// A pause before a delivery that was not taken is made again.
const PAUSE: Duration = Duration::from_millis(300);

const FUNCTION_URL_EVENT: &str = include_str!("../fixtures/events/webhook_intake.json");

/// How a run has to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Expected {
    Succeeds,
    Fails(&'static str),
}

pub(crate) struct Delivery {
    pub(crate) id: String,
    pub(crate) expected: Expected,
    payload: Value,
}

/// What became of the deliveries: the ids that were answered with a 2xx, and the run they named.
#[derive(Debug, Default)]
pub(crate) struct Taken(pub(crate) Mutex<BTreeMap<String, String>>);

/// Git servers with what is examined.
pub(crate) struct Sources {
    server: GitServer,
    mute: String,
}

impl Sources {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mute = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            let mut held = Vec::new();
            while let Ok((connection, _)) = listener.accept().await {
                held.push(connection);
            }
        });
        Self { server: GitServer::start().await, mute }
    }

    /// The repositories by GitHub's numbers, and where they are cloned from.
    pub(crate) fn clone_urls(&self) -> [(i64, String); 3] {
        let mute = format!("http://{}/mute", self.mute);
        [(SHOP, self.server.url("shop")), (MUTE, mute), (WARES, self.server.url("shop"))]
    }

    /// For `PRIVATE_GIT_HOSTS`.
    pub(crate) fn hosts(&self) -> String {
        format!("{},{}", self.server.address(), self.mute)
    }

    /// All deliveries of a trial, in the order in which they are made.
    pub(crate) fn deliveries(&self, load: &Load, seed: u64) -> Vec<Delivery> {
        let git = self.server.repository("shop");
        let flaw = "import os\nos.system(input())\n";
        let base = git.commit_files(&[("a.py", flaw)], "main", &[]);
        let mut numbers = 1..;
        let mut deliveries = Vec::new();
        let mut add = |repository, head: &CommitSha, expected| {
            let number = numbers.next().expect("there are enough numbers");
            let payload = github::pull_request(repository, number, head.as_str(), base.as_str());
            let id = format!("{seed}-{number}");
            deliveries.push(Delivery { id, expected, payload });
        };
        for number in 0..load.healthy {
            add(SHOP, &change(&git, &base, number, flaw), Expected::Succeeds);
        }
        for number in 0..load.missing {
            let missing = format!("{number:040x}").replace('0', "d").parse().unwrap();
            add(SHOP, &missing, Expected::Fails("commit_not_found"));
        }
        for number in 0..load.deadly {
            let head = format!("{number:040x}").replace('0', "e").parse().unwrap();
            add(MUTE, &head, Expected::Fails("max_attempts_exceeded"));
        }
        for number in 0..load.scans {
            scanned(&git, number, flaw);
        }
        dice(seed, "order").shuffle(&mut deliveries);
        deliveries
    }
}

/// A commit like no other, with one flaw of its own beside the old one.
fn change(git: &GitRepository, base: &CommitSha, number: usize, flaw: &str) -> CommitSha {
    let own = format!("# change {number}\n{flaw}");
    git.commit_files(&[("a.py", flaw), ("b.py", &own)], &format!("change-{number}"), &[base])
}

/// A branch with as many files as make several shards, and a flaw in the first and the last.
fn scanned(git: &GitRepository, number: usize, flaw: &str) {
    let names: Vec<String> =
        (0..SCANNED_FILES - 2).map(|file| format!("text/{file:04}.txt")).collect();
    let text = format!("scan {number}\n");
    let mut files: Vec<(&str, &str)> =
        names.iter().map(|name| (name.as_str(), text.as_str())).collect();
    files.extend([("a.py", flaw), ("z.py", flaw)]);
    git.commit_files(&files, &format!("scan-{number}"), &[]);
}

impl Delivery {
    /// As a function URL hands it over.
    fn event(&self) -> Value {
        let mut event: Value = serde_json::from_str(FUNCTION_URL_EVENT).unwrap();
        let body = self.payload.to_string();
        event["headers"]["x-github-event"] = json!("pull_request");
        event["headers"]["x-github-delivery"] = json!(self.id);
        event["headers"]["x-hub-signature-256"] = json!(github::signature(body.as_bytes()));
        event["body"] = json!(body);
        event
    }

    /// Delivers it once; the answer, if it was a 2xx.
    pub(crate) async fn attempt(&self, slot: &mut Slot) -> Option<Value> {
        let Ended::Answered(Ok(answer)) = slot.invoke(self.event(), TIME).await else {
            return None;
        };
        let taken = answer["statusCode"].as_u64().is_some_and(|status| status / 100 == 2);
        let body = answer["body"].as_str().unwrap_or_default();
        taken.then(|| serde_json::from_str(body).unwrap_or_default())
    }
}

/// Delivers everything, like GitHub and whoever asks it to deliver again.
pub(crate) async fn deliver(
    slots: Vec<Slot>,
    deliveries: Arc<Vec<Delivery>>,
    taken: Arc<Taken>,
    load: Load,
    seed: u64,
    until: Instant,
    tally: Arc<Tally>,
) {
    let queue = Arc::new(Mutex::new((0..deliveries.len()).rev().collect::<Vec<usize>>()));
    let mut senders = Vec::new();
    for (number, mut slot) in slots.into_iter().enumerate() {
        let (deliveries, taken) = (Arc::clone(&deliveries), Arc::clone(&taken));
        let (queue, tally) = (Arc::clone(&queue), Arc::clone(&tally));
        let mut dice = dice(seed, &format!("sender {number}"));
        senders.push(tokio::spawn(async move {
            loop {
                let Some(next) = queue.lock().unwrap().pop() else { break };
                let delivery = &deliveries[next];
                while Instant::now() < until {
                    if let Some(answer) = delivery.attempt(&mut slot).await {
                        let run = answer["run_id"].as_str().unwrap_or_default().to_owned();
                        taken.0.lock().unwrap().insert(delivery.id.clone(), run);
                        break;
                    }
                    tally.add("deliveries refused");
                    tokio::time::sleep(PAUSE).await;
                }
                if dice.f64() < load.again {
                    tally.add("deliveries repeated");
                    delivery.attempt(&mut slot).await;
                }
                tokio::time::sleep(load.pause).await;
            }
            slot.retire().await;
        }));
    }
    for sender in senders {
        sender.await.unwrap();
    }
}
