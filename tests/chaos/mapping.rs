//! Lambda's event-source mapping: receives, invokes, and deletes what was not reported back.

use std::{sync::Arc, time::Duration};

use aws_sdk_sqs::types::Message;
use serde_json::Value;
use tokio::sync::watch;

use crate::{
    instance::{Ended, Slot},
    queues,
    trial::dice,
    world::World,
};

/// What an invocation is given. A step is begun only with twenty seconds left.
const TIME: Duration = Duration::from_secs(30);
/// Too little for any step, so that the run is handed on.
const SHORT_TIME: Duration = Duration::from_secs(15);
/// How many invocations are given too little, in a storm.
const SHORT: f64 = 0.05;
/// By then whoever works on a deadly run has claimed it, and hangs.
const DEADLY_AFTER: Duration = Duration::from_millis(1200);

/// Works off a queue until told to stop.
pub(crate) async fn work(
    world: Arc<World>,
    (queue, function): (&'static str, &'static str),
    number: usize,
    stop: watch::Receiver<bool>,
) {
    let mut slot = Slot::new(&world.nursery, function);
    let mut dice = dice(world.trial.seed, &format!("{function} {number}"));
    while !*stop.borrow() {
        let at_most = world.trial.batch;
        let messages = world.queues.receive(queue, at_most).await;
        if messages.is_empty() {
            continue;
        }
        let is_short = world.is_stormy() && dice.f64() < SHORT;
        let mut time = if is_short { SHORT_TIME } else { TIME };
        if world.is_deadly(&messages).await {
            world.tally.add("deadly messages");
            time = DEADLY_AFTER;
        }
        let ended = slot.invoke(queues::event(&messages), time).await;
        if let Ended::Answered(Ok(response)) = &ended {
            let failed = failures(response);
            for message in &messages {
                if !failed.contains(&message.message_id().unwrap_or_default()) {
                    world.queues.delete(queue, message).await;
                }
            }
        }
    }
    slot.retire().await;
}

/// The ids that the function reported back.
fn failures(response: &Value) -> Vec<&str> {
    response["batchItemFailures"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|failure| failure["itemIdentifier"].as_str())
        .collect()
}

/// Takes what other functions would, remembers about which run it was, and as they do forgets that
/// it was still to be sent.
pub(crate) async fn sink(world: Arc<World>, name: &'static str, stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        for message in world.queues.receive(name, 10).await {
            if let Some(run) = run_of(&message) {
                // As every receiver without a database: the message comes again.
                if !world.forget(name, &run).await {
                    continue;
                }
                world.told.lock().unwrap().insert((name, run));
            }
            world.queues.delete(name, &message).await;
        }
    }
}

pub(crate) fn run_of(message: &Message) -> Option<String> {
    let body: Value = serde_json::from_str(message.body()?).ok()?;
    body["run_id"].as_str().map(str::to_owned)
}
