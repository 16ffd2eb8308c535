use clients::{AddressRefused, git::GitError, github::GitHubError};
use domain::{Classify, ErrorCode, ErrorKind};
use objects::ObjectsError;
use startup::SecretError;
use store::StoreError;

/// Longest error text that a row keeps.
const TOLD_CHARS_MAX: usize = 2_000;

/// Why a sync did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error(transparent)]
    Objects(#[from] ObjectsError),
    #[error("PRIVATE_GIT_HOSTS is no list of hosts")]
    GitHosts(#[source] AddressRefused),
    #[error("the commit cannot be fetched")]
    Git(#[from] GitError),
    #[error("GitHub gives no access to the repository")]
    GitHub(#[from] GitHubError),
    #[error("the installation through which the repository is reached is suspended or gone")]
    Suspended,
    #[error("the run names no {0}")]
    Incomplete(&'static str),
    #[error("reading the repository broke down")]
    Panicked,
    #[error("the manifest cannot be written down")]
    Manifest(#[source] serde_json::Error),
}

impl Error {
    /// The code that a run ends with, if trying again cannot help.
    pub(crate) fn ending(&self) -> Option<ErrorCode> {
        let code = match self {
            Self::Git(error) => error.code(),
            Self::GitHub(_) | Self::Suspended => ErrorCode::RepositoryForbidden,
            Self::Store(_)
            | Self::Secret(_)
            | Self::Objects(_)
            | Self::GitHosts(_)
            | Self::Incomplete(_)
            | Self::Panicked
            | Self::Manifest(_) => ErrorCode::UnknownError,
        };
        match self.kind() {
            ErrorKind::Invalid | ErrorKind::NotFound => Some(code),
            ErrorKind::Conflict | ErrorKind::Unavailable | ErrorKind::Bug => None,
        }
    }

    /// The error with its causes, as a row keeps it for people. No error of ours holds a secret.
    pub(crate) fn told(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        text.chars().take(TOLD_CHARS_MAX).collect()
    }
}

impl Classify for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Store(error) => error.kind(),
            Self::Secret(error) => error.kind(),
            Self::Objects(error) => error.kind(),
            Self::Git(error) => error.kind(),
            Self::GitHub(error) => error.kind(),
            // The same code would break in the same way again.
            Self::Suspended | Self::Incomplete(_) | Self::Panicked => ErrorKind::Invalid,
            Self::GitHosts(_) | Self::Manifest(_) => ErrorKind::Bug,
        }
    }
}
