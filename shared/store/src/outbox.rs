//! The `outbox` table: messages that must be sent.
//!
//! A row is written with what it announces, in one transaction, and goes only after the queue
//! has confirmed the message; see `queue::send`.

use std::time::Duration;

use domain::{OrgId, RunId};
use serde_json::Value;
use tokio_postgres::Row;

use crate::{StoreError, Tx, session::Values};

/// A message to be written down.
#[derive(Debug, Clone)]
pub struct Outgoing<'a> {
    pub org: OrgId,
    /// The queue's short name, such as `runs`.
    pub queue: &'a str,
    pub body: &'a Value,
    pub traceparent: Option<&'a str>,
}

/// A message that was written down and not yet confirmed.
#[derive(Debug, Clone)]
pub struct Unsent {
    pub id: i64,
    pub org: OrgId,
    pub queue: String,
    pub body: Value,
    pub traceparent: Option<String>,
    /// How often the sweeper has taken it.
    pub tries: i32,
}

impl From<&Row> for Unsent {
    fn from(row: &Row) -> Self {
        Self {
            id: row.get("id"),
            org: OrgId::new(row.get("org_id")),
            queue: row.get("queue"),
            body: row.get("body"),
            traceparent: row.get("traceparent"),
            tries: row.get("tries"),
        }
    }
}

const INSERT: &str = "INSERT INTO outbox (org_id, queue, body, traceparent)
                      VALUES ($1, $2, $3, $4)
                      RETURNING id, org_id, queue, body, traceparent, tries";

pub async fn insert(tx: &Tx<'_>, message: &Outgoing<'_>) -> Result<Unsent, StoreError> {
    let values: Values<'_> =
        &[message.org.as_uuid(), &message.queue, message.body, &message.traceparent];
    Ok(Unsent::from(&tx.query_one(INSERT, values).await?))
}

/// Writes the last thing of a transaction down and commits, in one round trip.
pub async fn insert_and_commit(tx: Tx<'_>, message: &Outgoing<'_>) -> Result<Unsent, StoreError> {
    let values: Values<'_> =
        &[message.org.as_uuid(), &message.queue, message.body, &message.traceparent];
    Ok(Unsent::from(&tx.commit_with(INSERT, values).await?))
}

/// Writes a message down that is to be sent no sooner than after `delay`.
pub async fn insert_delayed(
    tx: &Tx<'_>,
    message: &Outgoing<'_>,
    delay: Duration,
) -> Result<Unsent, StoreError> {
    let unsent = insert(tx, message).await?;
    tx.execute(
        "UPDATE outbox SET next_at = next_at + make_interval(secs => $2) WHERE id = $1",
        &[&unsent.id, &delay.as_secs_f64()],
    )
    .await?;
    Ok(unsent)
}

/// Forgets the messages about a run that have come in through `queue`: who receives a message
/// knows that it was sent, so its sender need not write that down.
///
/// One that its sender holds at this moment is left to that sender; see "Order of locks" in [`crate`].
pub async fn received(tx: &Tx<'_>, queue: &str, run: RunId) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM outbox WHERE id IN (
             SELECT id FROM outbox WHERE run_id = $2 AND queue = $1 FOR UPDATE SKIP LOCKED)",
        &[&queue, run.as_uuid()],
    )
    .await?;
    Ok(())
}

/// Forgets messages that the queue has confirmed. One that is held is being received or sent
/// again; whoever holds it forgets it.
pub async fn delete(tx: &Tx<'_>, sent: &[i64]) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM outbox WHERE id IN (
             SELECT id FROM outbox WHERE id = ANY ($1) FOR UPDATE SKIP LOCKED)",
        &[&sent],
    )
    .await?;
    Ok(())
}
