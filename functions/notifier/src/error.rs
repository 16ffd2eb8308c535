use clients::github::GitHubError;
use domain::{Classify, ErrorKind};
use startup::SecretError;
use store::StoreError;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no such run")]
    NoSuchRun,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error("GitHub was not told")]
    GitHub(#[from] GitHubError),
}

impl Classify for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NoSuchRun => ErrorKind::NotFound,
            Self::Store(error) => error.kind(),
            Self::Secret(error) => error.kind(),
            Self::GitHub(error) => error.kind(),
        }
    }
}
