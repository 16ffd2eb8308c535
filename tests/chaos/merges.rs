//! Merges that people are asked about: each is decided once, and done once or not at all.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::json;
use tests::github_server::Fault;
use tokio_postgres::Client;

use crate::{
    api::call, history::Violations, instance::Slot, load::WARES, trial::dice, world::World,
};

/// How often it is looked whether someone is asked.
const LOOK: Duration = Duration::from_millis(300);
/// How many of GitHub's merges are done without an answer.
const REPLY_LOST: f64 = 0.3;

/// What people say when they are asked about a merge. Whatever it is, two of them say it at the
/// same moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Say {
    Approve,
    Reject,
    /// One approves, the other rejects.
    Disagree,
    /// One approves, the other cancels the run.
    Cancel,
}

/// A merge that someone wants.
pub(crate) struct Wish {
    number: i32,
    head: String,
    say: Say,
    /// The run, once it is known.
    run: Option<String>,
    decided: bool,
}

/// Opens a pull request for each merge that the trial wants.
pub(crate) fn wishes(world: &World) -> Vec<Wish> {
    let mut dice = dice(world.trial.seed, "merges");
    let says = [Say::Disagree, Say::Approve, Say::Cancel, Say::Reject, Say::Approve];
    (1..=world.trial.load.merges)
        .map(|number| {
            let head = format!("{number:040x}").replace('0', "a");
            let number = i32::try_from(number).expect("there are few");
            let name = format!("acme/repository-{WARES}");
            world.github.open(&name, number, "Add wares", &head);
            world.github.check(&head, "build", dice.usize(0..=1), "success");
            if dice.f64() < REPLY_LOST {
                world.github.order(Fault::ReplyLost);
            }
            let say = match world.trial.load.canceled {
                true => Say::Cancel,
                false => says[number as usize % says.len()],
            };
            Wish { number, head, say, run: None, decided: false }
        })
        .collect()
}

/// Asks for all merges, and decides about each when it is asked.
pub(crate) async fn pursue(world: Arc<World>, until: Instant) {
    let mut people = [Slot::new(&world.nursery, "api"), Slot::new(&world.nursery, "api")];
    loop {
        let mut open = false;
        let count = world.wishes.lock().await.len();
        for place in 0..count {
            let mut wishes = world.wishes.lock().await;
            let wish = &mut wishes[place];
            if wish.run.is_none() {
                wish.run = ask(&world, &mut people[0], wish.number).await;
            }
            if !wish.decided {
                wish.decided = decide(&world, &mut people, wish).await;
            }
            open |= !wish.decided;
        }
        if !open || Instant::now() > until {
            break;
        }
        tokio::time::sleep(LOOK).await;
    }
    for person in &mut people {
        person.retire().await;
    }
}

async fn ask(world: &World, person: &mut Slot, number: i32) -> Option<String> {
    let wanted = json!({ "repository_id": world.wares, "pull_request": number });
    let (status, answer) = call(world, person, "/v1/merges", &wanted).await?;
    (status == 202).then(|| answer["run_id"].as_str().map(str::to_owned))?
}

/// Answers whether there is nothing left to decide.
async fn decide(world: &World, people: &mut [Slot; 2], wish: &Wish) -> bool {
    let (Some(run), Some(sql)) = (&wish.run, world.sql().await) else { return false };
    let query = "SELECT r.status, a.id::text, a.intent_hash, a.status FROM runs r
                 LEFT JOIN approvals a ON a.run_id = r.id WHERE r.id::text = $1";
    let Ok(Some(row)) = sql.query_opt(query, &[run]).await else { return false };
    let (status, approval): (String, Option<String>) = (row.get(0), row.get(1));
    if ["succeeded", "failed", "canceled"].contains(&status.as_str()) {
        return true;
    }
    let Some(approval) = approval else { return false };
    let (hash, asked): (String, String) = (row.get(2), row.get(3));
    if asked != "pending" {
        return true;
    }
    let approve = (format!("/v1/approvals/{approval}/approve"), json!({ "intent_hash": hash }));
    let reject = (
        format!("/v1/approvals/{approval}/reject"),
        json!({ "intent_hash": hash, "reason": "not now" }),
    );
    let cancel = (format!("/v1/runs/{run}/cancel"), json!({}));
    let (first, second) = match wish.say {
        Say::Approve => (approve.clone(), approve),
        Say::Reject => (reject.clone(), reject),
        Say::Disagree => (approve, reject),
        Say::Cancel => (approve, cancel),
    };
    let [one, other] = people;
    let (one, other) = tokio::join!(
        call(world, one, &first.0, &first.1),
        call(world, other, &second.0, &second.1)
    );
    let accepted = [one, other].iter().flatten().filter(|(status, _)| *status == 200).count();
    if accepted > 1 && wish.say != Say::Cancel {
        world.tally.add("decisions accepted twice");
    }
    // It is looked again: an answer that was lost says nothing.
    false
}

/// Merges that nobody has asked for yet, or that are not decided.
pub(crate) async fn open(world: &World) -> u64 {
    world.wishes.lock().await.iter().filter(|wish| !wish.decided).count() as u64
}

/// Each merge is one run that ended as people said, and GitHub merged once what was approved.
pub(crate) async fn check(world: &World, sql: &Client) -> Violations {
    let mut violations = Violations::new();
    let query = "SELECT pull_request, status, error_code, id::text FROM runs WHERE kind = 'merge'";
    let mut runs: BTreeMap<i32, Vec<(String, Option<String>, String)>> = BTreeMap::new();
    for row in sql.query(query, &[]).await.unwrap() {
        runs.entry(row.get(0)).or_default().push((row.get(1), row.get(2), row.get(3)));
    }
    let merged = world.github.merges();
    for wish in world.wishes.lock().await.iter() {
        let number = wish.number;
        let times = merged.iter().filter(|merge| merge.pull_request == number).count();
        if merged.iter().any(|merge| merge.pull_request == number && merge.head != wish.head) {
            violations.push(format!("pull request {number} was merged at another head"));
        }
        let [(status, code, run)] = runs.get(&number).map(Vec::as_slice).unwrap_or_default() else {
            let count = runs.get(&number).map_or(0, Vec::len);
            violations.push(format!("the merge of pull request {number} is {count} runs"));
            continue;
        };
        let right = match (wish.say, status.as_str()) {
            (Say::Approve | Say::Disagree | Say::Cancel, "succeeded") => times == 1,
            (Say::Reject | Say::Disagree, "canceled") => {
                times == 0 && code.as_deref() == Some("approval_rejected")
            }
            // It may have been approved, and merged, a moment before.
            (Say::Cancel, "canceled") => times <= 1,
            _ => code.as_deref() == Some("max_attempts_exceeded") && times <= 1,
        };
        if !right {
            violations.push(format!(
                "merge {run} ({:?}) is {status} ({code:?}), and GitHub merged {times} times",
                wish.say
            ));
        }
    }
    let twice = world.tally.get("decisions accepted twice");
    if twice > 0 {
        violations.push(format!("{twice} approvals were decided twice"));
    }
    violations
}
