use std::fmt;

use domain::{OrgId, RunId, RunKind};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

/// The queues, by the short names that outbox rows carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Queue {
    Runs,
    Embed,
    Sync,
    Attest,
    Notify,
}

impl Queue {
    pub const ALL: [Self; 5] = [Self::Runs, Self::Embed, Self::Sync, Self::Attest, Self::Notify];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Runs => "runs",
            Self::Embed => "embed",
            Self::Sync => "sync",
            Self::Attest => "attest",
            Self::Notify => "notify",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|queue| queue.as_str() == name)
    }
}

impl fmt::Display for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What travels in a queue: ids only, so that it is never stale.
pub trait Message: Serialize + DeserializeOwned {
    const QUEUE: Queue;

    fn org(&self) -> OrgId;
    fn run(&self) -> RunId;

    /// The message as an outbox row keeps it.
    fn body(&self) -> Value {
        serde_json::to_value(self).expect("ids always serialise")
    }
}

macro_rules! messages {
    ($( $(#[$meta:meta])* $name:ident = $tag:literal => $queue:ident ),+ $(,)?) => { $(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(try_from = "Written", into = "Written")]
        pub struct $name {
            pub org_id: OrgId,
            pub run_id: RunId,
        }

        impl Message for $name {
            const QUEUE: Queue = Queue::$queue;
            fn org(&self) -> OrgId { self.org_id }
            fn run(&self) -> RunId { self.run_id }
        }

        impl TryFrom<Written> for $name {
            type Error = AnotherMessage;

            fn try_from(written: Written) -> Result<Self, Self::Error> {
                if written.r#type == $tag {
                    Ok(Self { org_id: written.org_id, run_id: written.run_id })
                } else {
                    Err(AnotherMessage { expected: $tag, found: written.r#type })
                }
            }
        }

        impl From<$name> for Written {
            fn from(message: $name) -> Self {
                Self { r#type: $tag.to_owned(), org_id: message.org_id, run_id: message.run_id }
            }
        }
    )+ };
}

/// A message as it is written: what it is, and about what.
#[derive(Serialize, Deserialize)]
struct Written {
    r#type: String,
    org_id: OrgId,
    run_id: RunId,
}

#[derive(Debug, thiserror::Error)]
#[error("expected a message of type `{expected}`, found `{found}`")]
pub struct AnotherMessage {
    expected: &'static str,
    found: String,
}

messages! {
    /// A run wants its next steps done.
    RunRequested = "run_requested" => Runs,
    /// A run's snapshot is to be indexed.
    EmbedRequested = "embed_requested" => Embed,
    /// A repository is to be synced by this run.
    SyncRequested = "sync_requested" => Sync,
    /// A run's verdict is to be signed.
    AttestRequested = "attest_requested" => Attest,
    /// A run's ending is to be told.
    NotifyRequested = "notify_requested" => Notify,
}

/// The message that makes someone look at a run of this kind, and where it goes.
pub fn wake_up(kind: RunKind, org_id: OrgId, run_id: RunId) -> (Queue, Value) {
    match kind {
        RunKind::Analysis | RunKind::CodebaseScan | RunKind::ScanShard | RunKind::Merge => {
            (RunRequested::QUEUE, RunRequested { org_id, run_id }.body())
        }
        RunKind::RepositorySync => (SyncRequested::QUEUE, SyncRequested { org_id, run_id }.body()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = r#"{"type":"run_requested","org_id":"0190a5b0-0000-7000-8000-000000000001","run_id":"0190a5b0-0000-7000-8000-000000000002"}"#;

    #[test]
    fn a_message_reads_back_what_it_wrote() {
        let message: RunRequested = serde_json::from_str(BODY).unwrap();
        assert_eq!(message.body(), serde_json::from_str::<Value>(BODY).unwrap());
    }

    #[test]
    fn a_message_of_another_type_is_refused() {
        assert!(serde_json::from_str::<AttestRequested>(BODY).is_err());
    }

    #[test]
    fn every_queue_is_found_by_its_name() {
        for queue in Queue::ALL {
            assert_eq!(Queue::named(queue.as_str()), Some(queue));
        }
        assert_eq!(Queue::named("nobody"), None);
    }
}
