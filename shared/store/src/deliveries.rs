//! The `webhook_deliveries` table: events that came in, each counted once.
//!
//! A row is written in the transaction that does what the event asks for. So a row means
//! "processed", not "seen", and a redelivery of an event that was lost on the way is a new one.

use domain::{OrgId, RunId};
use tokio_postgres::Row;

use crate::{StoreError, Tx};

#[derive(Debug, Clone)]
pub struct NewDelivery<'a> {
    pub org: OrgId,
    pub source: &'a str,
    /// As numbered by its sender; a redelivery keeps the number.
    pub id: &'a str,
    pub event: &'a str,
    pub repo_owner: Option<&'a str>,
    pub repo_name: Option<&'a str>,
    pub run: Option<RunId>,
    /// Why nothing was to be done, when nothing was.
    pub ignored_reason: Option<&'a str>,
}

#[derive(Debug, Clone)]
pub struct Delivery {
    pub run: Option<RunId>,
    pub ignored_reason: Option<String>,
}

impl From<&Row> for Delivery {
    fn from(row: &Row) -> Self {
        Self {
            run: row.get::<_, Option<_>>("run_id").map(RunId::new),
            ignored_reason: row.get("ignored_reason"),
        }
    }
}

/// `false`: the same delivery was processed before, or is being processed now.
pub async fn insert(tx: &Tx<'_>, new: &NewDelivery<'_>) -> Result<bool, StoreError> {
    let inserted = tx
        .execute(
            "INSERT INTO webhook_deliveries
                 (org_id, source, delivery_id, event, repo_owner, repo_name, run_id, ignored_reason)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (org_id, source, delivery_id) DO NOTHING",
            &[
                new.org.as_uuid(),
                &new.source,
                &new.id,
                &new.event,
                &new.repo_owner,
                &new.repo_name,
                &new.run.map(|run| *run.as_uuid()),
                &new.ignored_reason,
            ],
        )
        .await?;
    Ok(inserted == 1)
}

pub async fn find(tx: &Tx<'_>, source: &str, id: &str) -> Result<Option<Delivery>, StoreError> {
    let row = tx
        .query_opt(
            "SELECT run_id, ignored_reason FROM webhook_deliveries
             WHERE source = $1 AND delivery_id = $2",
            &[&source, &id],
        )
        .await?;
    Ok(row.as_ref().map(Delivery::from))
}
