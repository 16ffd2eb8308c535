use clients::{AddressRefused, git::GitError, github::GitHubError};
use domain::{Classify, ErrorCode, ErrorKind};
use engine::Failure;
use objects::ObjectsError;
use startup::SecretError;
use store::StoreError;

use crate::{merge::MergeError, scan::ScanError};

/// Why a step, or everything before the first one, did not succeed.
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
    #[error("the analyser broke down")]
    AnalyserPanicked,
    #[error("the analyser did not end in time")]
    AnalyserTimedOut,
    #[error("the step `{step}` left something that this version does not understand")]
    Output {
        step: &'static str,
        #[source]
        source: serde_json::Error,
    },
    #[error(transparent)]
    Merge(#[from] MergeError),
    #[error(transparent)]
    Scan(#[from] ScanError),
    #[error("this version does not know the step `{0}`")]
    UnknownStep(&'static str),
}

impl Failure for Error {
    fn code(&self) -> ErrorCode {
        match self {
            Self::Git(error) => error.code(),
            Self::Merge(error) => error.code(),
            Self::Scan(error) => error.code(),
            Self::GitHub(_) | Self::Suspended => ErrorCode::RepositoryForbidden,
            Self::AnalyserPanicked => ErrorCode::AnalyzerFailed,
            Self::AnalyserTimedOut => ErrorCode::AnalyzerTimeout,
            Self::Store(_)
            | Self::Secret(_)
            | Self::Objects(_)
            | Self::GitHosts(_)
            | Self::Incomplete(_)
            | Self::Output { .. }
            | Self::UnknownStep(_) => ErrorCode::UnknownError,
        }
    }

    fn wants_more_time(&self) -> bool {
        matches!(self, Self::AnalyserTimedOut)
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
            Self::Merge(error) => error.kind(),
            Self::Scan(error) => error.kind(),
            // The same code would break in the same way again.
            Self::Suspended
            | Self::Incomplete(_)
            | Self::AnalyserPanicked
            | Self::AnalyserTimedOut => ErrorKind::Invalid,
            // A newer version, about to be deployed or rolled back, may understand it.
            Self::GitHosts(_) | Self::Output { .. } | Self::UnknownStep(_) => ErrorKind::Bug,
        }
    }
}
