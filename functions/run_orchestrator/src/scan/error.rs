use domain::{Classify, ErrorCode, ErrorKind, RunId, RunStatus};
use store::artifacts::WriteError;

/// What only a scan can fail of.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    #[error(
        "{failed} of {all} shards did not succeed; the first is run {run}, which {ended}: \
         resume the scan to do only those again"
    )]
    Child { failed: usize, all: usize, run: RunId, ended: Ended },
    #[error("{missing} of the scan's shards are gone: begin a new scan")]
    ChildrenGone { missing: usize },
    #[error("the shard wants the files up to number {end}, and the snapshot has {files}")]
    OutOfRange { end: usize, files: usize },
    #[error("the report cannot be kept")]
    Report(#[from] WriteError),
}

/// How a shard ended that did not succeed.
#[derive(Debug)]
pub struct Ended {
    pub(super) status: RunStatus,
    pub(super) code: Option<ErrorCode>,
    pub(super) error: Option<String>,
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.status {
            RunStatus::Canceled => f.write_str("was canceled")?,
            RunStatus::Queued
            | RunStatus::Running
            | RunStatus::Waiting
            | RunStatus::Succeeded
            | RunStatus::Failed => write!(f, "{}", self.status)?,
        }
        if let Some(code) = self.code {
            write!(f, " with {code}")?;
        }
        match &self.error {
            Some(error) => write!(f, " ({error})"),
            None => Ok(()),
        }
    }
}

impl ScanError {
    /// What a run that fails of this error is marked with.
    pub(crate) fn code(&self) -> ErrorCode {
        match self {
            Self::Child { .. } | Self::ChildrenGone { .. } => ErrorCode::ChildFailed,
            Self::OutOfRange { .. } | Self::Report(_) => ErrorCode::UnknownError,
        }
    }
}

impl Classify for ScanError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Child { .. } | Self::ChildrenGone { .. } | Self::OutOfRange { .. } => {
                ErrorKind::Invalid
            }
            Self::Report(error) => error.kind(),
        }
    }
}
