use domain::{Classify, ErrorKind};

use crate::SnapshotError;

#[derive(Debug, thiserror::Error)]
pub enum ObjectsError {
    #[error("`{0}` names no object store; expected s3://bucket[/prefix] or file:///folder")]
    UnknownUrl(String),
    #[error("cannot make the folder `{folder}`; check that its parent is writable")]
    Folder { folder: String, source: std::io::Error },
    #[error("`{0}` is no key of an object")]
    BadKey(String),
    #[error("the object `{key}` has {bytes} bytes, {bytes_max} are allowed")]
    TooLarge { key: String, bytes: u64, bytes_max: u64 },
    #[error("the object `{key}` was altered: its sha256 is {found}, stored was {expected}")]
    Altered { key: String, expected: String, found: String },
    #[error("the object `{key}` is no snapshot")]
    Snapshot { key: String, source: SnapshotError },
    #[error("the object store failed")]
    Store(#[from] object_store::Error),
}

impl Classify for ObjectsError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::UnknownUrl(_)
            | Self::Folder { .. }
            | Self::TooLarge { .. }
            | Self::Snapshot { .. } => ErrorKind::Invalid,
            Self::BadKey(_) | Self::Altered { .. } => ErrorKind::Bug,
            Self::Store(object_store::Error::NotFound { .. }) => ErrorKind::NotFound,
            // Refused credentials are here too: once a person has repaired them, a retry succeeds.
            Self::Store(_) => ErrorKind::Unavailable,
        }
    }
}
