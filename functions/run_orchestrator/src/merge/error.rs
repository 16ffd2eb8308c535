use clients::github::GitHubError;
use domain::{Classify, CommitSha, ErrorCode, ErrorKind};

/// Why a pull request is not merged.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    #[error("the repository is not reached through an installation of the GitHub App")]
    NoApp,
    #[error("cannot {doing}")]
    GitHub {
        doing: &'static str,
        #[source]
        source: GitHubError,
    },
    #[error("GitHub does not merge it: {0}")]
    Refused(String),
    #[error("its head is {found} by now, not {planned}: ask for a new merge to have that approved")]
    HeadMoved { planned: CommitSha, found: CommitSha },
    #[error("these checks did not pass: {}", .0.join(", "))]
    ChecksFailed(Vec<String>),
    #[error("these checks were not over in time: {}", .0.join(", "))]
    ChecksTimedOut(Vec<String>),
    #[error("what is to be done is not what was approved")]
    PlanChanged,
}

impl MergeError {
    pub(crate) fn code(&self) -> ErrorCode {
        match self {
            Self::NoApp | Self::GitHub { .. } => ErrorCode::RepositoryForbidden,
            Self::Refused(_) => ErrorCode::MergeRefused,
            Self::HeadMoved { .. } => ErrorCode::HeadMoved,
            Self::ChecksFailed(_) => ErrorCode::ChecksFailed,
            Self::ChecksTimedOut(_) => ErrorCode::ChecksTimedOut,
            Self::PlanChanged => ErrorCode::PlanChanged,
        }
    }
}

impl Classify for MergeError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::GitHub { source, .. } => source.kind(),
            Self::NoApp
            | Self::Refused(_)
            | Self::HeadMoved { .. }
            | Self::ChecksFailed(_)
            | Self::ChecksTimedOut(_)
            | Self::PlanChanged => ErrorKind::Invalid,
        }
    }
}
