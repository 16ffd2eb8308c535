//! Does runs: claims one by lease, does its next steps, and commits each together with its
//! effects, until the run is over, parked, handed on, or to be tried again later.
//!
//! ```text
//! message ─▶ claim ─▶ prepare ─▶ commit: fence, effects, step row, messages ─▶ send ─┐
//!                        ▲                                                           │
//!                        └───────────────────────── next step ───────────────────────┘
//! ```
//!
//! What the steps of a kind do, its [`Worker`] knows. A step first works without touching the
//! database, and then writes everything in one transaction behind the run's fence. Whatever is
//! interrupted before that commit leaves no trace, and whoever claims the run next begins with
//! the first step that has no row.

mod attempt;
mod deadline;
mod ending;
mod messages;
mod parking;
mod work;
mod worker;

use std::time::Duration;

use queue::Sender;
use startup::{ExposeSecret, Secret, SecretError};
use store::{Database, Session, StoreError};
use tokio::sync::OnceCell;

pub use attempt::work_on;
pub use deadline::Deadline;
pub use parking::APPROVAL_TIME;
pub use work::Work;
pub use worker::{Failure, Outcome, Worker, Written};

/// What doing runs stands on; made once, connected when first used.
pub struct Engine {
    database_url: Secret,
    database: OnceCell<Database>,
    sender: Sender,
    lease: Duration,
}

impl Engine {
    /// `lease` is how long a claim holds: longer than the function's timeout.
    pub fn new(database_url: Secret, sender: Sender, lease: Duration) -> Self {
        Self { database_url, database: OnceCell::new(), sender, lease }
    }

    /// The one connection. A second one is not to be had while this is held.
    pub async fn session<E>(&self) -> Result<Session, E>
    where
        E: From<StoreError> + From<SecretError>,
    {
        let open = async || {
            let url = self.database_url.reveal().await?;
            Ok::<_, E>(Database::open(url.expose_secret())?)
        };
        Ok(self.database.get_or_try_init(open).await?.session().await?)
    }

    pub(crate) fn lease_seconds(&self) -> i32 {
        i32::try_from(self.lease.as_secs()).unwrap_or(i32::MAX)
    }
}
