use std::time::Duration;

use domain::{Classify, CommitSha, ErrorKind};

use super::tarball::TarballError;
use crate::AddressRefused;

#[derive(Debug, thiserror::Error)]
pub enum GitHubError {
    #[error("`{0}` is no address of GitHub's API; expected something like https://api.github.com")]
    BadApiUrl(String),
    #[error("the App's private key is no RSA key in PEM form")]
    BadKey,
    #[error("this call needs a GitHub App; set its id and private key")]
    NoApp,
    #[error("`{0}` names no repository; expected owner/name")]
    BadRepository(String),
    #[error("GitHub's answer leads to an address that may not be called")]
    Address(#[from] AddressRefused),
    #[error("GitHub refused the call with {status}: {message}")]
    Refused { status: u16, message: String },
    #[error("GitHub does not find it, or the installation may not see it: {message}")]
    NotFound { message: String },
    #[error("GitHub reports a conflict: {message}")]
    Conflict { message: String },
    #[error("GitHub's rate limit is spent")]
    Throttled { retry_after: Option<Duration> },
    #[error("GitHub failed with {status}: {message}")]
    Failed { status: u16, message: String, retry_after: Option<Duration> },
    #[error("GitHub did not answer")]
    Unreachable(#[source] reqwest::Error),
    #[error("GitHub's answer is not understood")]
    Unreadable(#[source] serde_json::Error),
    #[error("GitHub's answer has more than {bytes_max} bytes")]
    TooLarge { bytes_max: u64 },
    #[error("the commit has more than {checks_max} checks, and not all of them can be looked at")]
    TooManyChecks { checks_max: usize },
    #[error("GitHub's archive of {commit} cannot be used")]
    Tarball { commit: CommitSha, source: TarballError },
}

impl GitHubError {
    /// How long to wait before the next attempt, when GitHub said so.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Throttled { retry_after } | Self::Failed { retry_after, .. } => *retry_after,
            Self::BadApiUrl(_)
            | Self::BadKey
            | Self::NoApp
            | Self::BadRepository(_)
            | Self::Address(_)
            | Self::Refused { .. }
            | Self::NotFound { .. }
            | Self::Conflict { .. }
            | Self::Unreachable(_)
            | Self::Unreadable(_)
            | Self::TooLarge { .. }
            | Self::TooManyChecks { .. }
            | Self::Tarball { .. } => None,
        }
    }
}

impl Classify for GitHubError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::BadApiUrl(_)
            | Self::BadKey
            | Self::NoApp
            | Self::BadRepository(_)
            | Self::Address(_)
            | Self::Refused { .. }
            | Self::TooLarge { .. }
            | Self::TooManyChecks { .. }
            | Self::Tarball { .. } => ErrorKind::Invalid,
            Self::NotFound { .. } => ErrorKind::NotFound,
            Self::Conflict { .. } => ErrorKind::Conflict,
            Self::Throttled { .. }
            | Self::Failed { .. }
            | Self::Unreachable(_)
            | Self::Unreadable(_) => ErrorKind::Unavailable,
        }
    }
}
