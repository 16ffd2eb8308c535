//! Messages: written down with what they announce, sent after the commit.

use std::time::Duration;

use queue::{Queue, wake_up};
use serde_json::Value;
use store::{
    StoreError, Tx,
    outbox::{self, Outgoing, Unsent},
    runs::Run,
};

use crate::Engine;

/// What was committed and is to be sent.
pub(crate) struct ToSend {
    pub(crate) unsent: Unsent,
    pub(crate) delay: Duration,
}

impl From<Unsent> for ToSend {
    fn from(unsent: Unsent) -> Self {
        Self { unsent, delay: Duration::ZERO }
    }
}

pub(crate) async fn write_down(
    tx: &Tx<'_>,
    run: &Run,
    queue: Queue,
    body: &Value,
    delay: Duration,
) -> Result<ToSend, StoreError> {
    let traceparent = run.traceparent.as_deref();
    let outgoing = Outgoing { org: run.org, queue: queue.as_str(), body, traceparent };
    let unsent = if delay.is_zero() {
        outbox::insert(tx, &outgoing).await?
    } else {
        outbox::insert_delayed(tx, &outgoing, delay).await?
    };
    Ok(ToSend { unsent, delay })
}

/// Writes down that someone is to look at a run.
pub(crate) async fn write_wake_up(
    tx: &Tx<'_>,
    run: &Run,
    delay: Duration,
) -> Result<ToSend, StoreError> {
    let (queue, body) = wake_up(run.kind, run.org, run.id);
    write_down(tx, run, queue, &body, delay).await
}

/// Sends what was committed. Its outbox row stays until the receiver, or the sweeper, knows that
/// it went; so no failure here is the run's, and none of it costs a commit.
pub(crate) async fn send(engine: &Engine, messages: Vec<ToSend>) {
    for ToSend { unsent, delay } in messages {
        let Some(queue) = Queue::named(&unsent.queue) else { continue };
        let traceparent = unsent.traceparent.as_deref();
        let sent = engine.sender.send_later(queue, &unsent.body, traceparent, delay).await;
        if let Err(error) = sent {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(error, queue = unsent.queue, "a message stays in the outbox");
        }
    }
}
