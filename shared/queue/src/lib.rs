//! SQS: the only crate that speaks to queues.
//!
//! Postgres is the truth, a message is a hint: it carries ids, and everything it means can be
//! read from rows. [`Sender`] sends what an outbox row says; [`work_off`] handles a batch and
//! tells SQS which messages to deliver again.

mod messages;
mod send;
mod work_off;

pub use messages::{
    AttestRequested, EmbedRequested, Message, NotifyRequested, Queue, RunRequested, SyncRequested,
    wake_up,
};
pub use send::{DELAY_MAX, QueueError, Sender};
pub use work_off::{EmptyMessageId, Received, work_off};
