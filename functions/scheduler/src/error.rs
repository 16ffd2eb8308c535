use clients::github::GitHubError;
use domain::{Classify, ErrorKind};
use startup::SecretError;
use store::StoreError;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error("the deliveries that GitHub made cannot be looked through")]
    GitHub(#[from] GitHubError),
    #[error("the input of a run cannot be written")]
    Input(#[source] serde_json::Error),
}

impl Classify for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Store(error) => error.kind(),
            Self::Secret(error) => error.kind(),
            Self::GitHub(error) => error.kind(),
            Self::Input(_) => ErrorKind::Bug,
        }
    }
}
