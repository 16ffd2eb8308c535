use domain::{Classify, CommitSha, ErrorCode, ErrorKind};

use crate::AddressRefused;

#[derive(Debug, thiserror::Error)]
pub enum GitError {
    #[error(transparent)]
    Address(#[from] AddressRefused),
    #[error("a git URL has no query and no fragment")]
    UnexpectedUrl,
    #[error("the repository does not exist or may not be read with these credentials")]
    Forbidden { status: u16 },
    #[error("the repository does not have the commit {0}; it may have been force-pushed away")]
    CommitNotFound(CommitSha),
    #[error("{0} names a commit by SHA-256, which is not supported yet")]
    UnsupportedObjectFormat(CommitSha),
    #[error("the repository has no branch that its HEAD points to")]
    NoDefaultBranch,
    #[error("the repository has no branch `{0}`; push it, or name another one")]
    BranchNotFound(String),
    #[error("the server redirects to `{to}`; register the repository under that address")]
    Redirected { to: String },
    #[error("the commit has more than {bytes_max} bytes")]
    TooLarge { bytes_max: u64 },
    #[error("the commit has more than {files_max} files")]
    TooManyFiles { files_max: usize },
    #[error("the commit holds a path that leads out of it: {0:?}")]
    UnsafePath(String),
    #[error("fetching took longer than {} seconds", limit.as_secs())]
    TimedOut { limit: std::time::Duration },
    #[error("the git server answered {status}")]
    ServerFailed { status: u16 },
    #[error("the git server did not answer")]
    Unreachable(#[source] reqwest::Error),
    #[error("the git server's answer is not understood")]
    Protocol(#[source] Box<gix::Error>),
    #[error("the local copy of the repository failed")]
    Local(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl GitError {
    /// What a run that fails of this error is marked with.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Address(_) | Self::UnexpectedUrl | Self::Redirected { .. } => {
                ErrorCode::AddressRefused
            }
            Self::Forbidden { .. } => ErrorCode::RepositoryForbidden,
            Self::CommitNotFound(_) | Self::BranchNotFound(_) => ErrorCode::CommitNotFound,
            Self::TooLarge { .. } => ErrorCode::RepoTooLarge,
            Self::TooManyFiles { .. } => ErrorCode::TooManyFiles,
            Self::UnsupportedObjectFormat(_)
            | Self::NoDefaultBranch
            | Self::UnsafePath(_)
            | Self::TimedOut { .. }
            | Self::ServerFailed { .. }
            | Self::Unreachable(_)
            | Self::Protocol(_)
            | Self::Local(_) => ErrorCode::GitFetchFailed,
        }
    }

    pub(super) fn local(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Local(Box::new(error))
    }
}

impl Classify for GitError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Address(_)
            | Self::UnexpectedUrl
            | Self::Forbidden { .. }
            | Self::UnsupportedObjectFormat(_)
            | Self::NoDefaultBranch
            | Self::Redirected { .. }
            | Self::TooLarge { .. }
            | Self::TooManyFiles { .. }
            | Self::UnsafePath(_) => ErrorKind::Invalid,
            Self::CommitNotFound(_) | Self::BranchNotFound(_) => ErrorKind::NotFound,
            // Another attempt may meet a better moment, or a server that was repaired.
            Self::TimedOut { .. }
            | Self::ServerFailed { .. }
            | Self::Unreachable(_)
            | Self::Protocol(_)
            | Self::Local(_) => ErrorKind::Unavailable,
        }
    }
}
