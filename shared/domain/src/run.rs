//! A run: one piece of durable work, from request to result.
//!
//! ```text
//! queued ◀─▶ running ──▶ succeeded | failed
//!    │  ▲      │  ▲
//!    │  │      ▼  │
//!    │  └─── waiting      (parked: an approval, a timer, children)
//!    └─────────┴──────▶ canceled
//! ```

use crate::{Classify, ErrorKind, RunId, terms::terms};

terms! {
    RunStatus ("run status") {
        Queued = "queued",
        Running = "running",
        Waiting = "waiting",
        Succeeded = "succeeded",
        Failed = "failed",
        Canceled = "canceled",
    }
}

terms! {
    /// What a parked run waits for.
    WaitingFor ("reason to wait") {
        /// A person's decision.
        Approval = "approval",
        /// The runs that it has begun.
        Children = "children",
        /// A time, to ask something outside again.
        Timer = "timer",
    }
}

terms! {
    /// What became of asking a person.
    ApprovalStatus ("approval status") {
        Pending = "pending",
        Approved = "approved",
        Rejected = "rejected",
        /// Nobody decided in time.
        Expired = "expired",
        /// The run ended before anyone decided.
        Canceled = "canceled",
    }
}

terms! {
    StepStatus ("step status") {
        Succeeded = "succeeded",
        Failed = "failed",
        /// Not needed for this input; never to be read as passed.
        Skipped = "skipped",
        Canceled = "canceled",
    }
}

terms! {
    /// Why a run failed: the closed set that dashboards and retries may rely on.
    ErrorCode ("error code") {
        RepoTooLarge = "repo_too_large",
        TooManyFiles = "too_many_files",
        FileTooLarge = "file_too_large",
        GitFetchFailed = "git_fetch_failed",
        CommitNotFound = "commit_not_found",
        RepositoryForbidden = "repository_forbidden",
        AddressRefused = "address_refused",
        AnalyzerTimeout = "analyzer_timeout",
        AnalyzerFailed = "analyzer_failed",
        MaxAttemptsExceeded = "max_attempts_exceeded",
        Superseded = "superseded",
        /// Nobody decided in time.
        ApprovalExpired = "approval_expired",
        ApprovalRejected = "approval_rejected",
        /// What was to be done is no longer what was approved.
        PlanChanged = "plan_changed",
        /// One of the runs that this one waited for did not succeed.
        ChildFailed = "child_failed",
        ChecksFailed = "checks_failed",
        ChecksTimedOut = "checks_timed_out",
        /// The pull request got new commits meanwhile.
        HeadMoved = "head_moved",
        MergeRefused = "merge_refused",
        UnknownError = "unknown_error",
    }
}

impl RunStatus {
    pub fn may_become(self, next: Self) -> bool {
        match self {
            Self::Queued => matches!(next, Self::Running | Self::Failed | Self::Canceled),
            // To running: an expired lease is taken over. To queued: given back after a passing trouble.
            Self::Running => true,
            // To queued: what it waited for has come true.
            Self::Waiting => {
                matches!(next, Self::Queued | Self::Running | Self::Failed | Self::Canceled)
            }
            Self::Succeeded | Self::Failed | Self::Canceled => false,
        }
    }

    pub fn is_terminal(self) -> bool {
        Self::ALL.iter().all(|next| !self.may_become(*next))
    }
}

#[derive(Debug, thiserror::Error)]
#[error("run {run} is {from} and cannot become {to}")]
pub struct IllegalMove {
    pub run: RunId,
    pub from: RunStatus,
    pub to: RunStatus,
}

impl Classify for IllegalMove {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Conflict
    }
}

#[cfg(test)]
mod tests {
    use super::RunStatus::{self, Canceled, Failed, Queued, Running, Succeeded, Waiting};

    /// The whole table: a pair that is not listed must be refused.
    #[test]
    fn only_the_listed_moves_are_legal() {
        let legal = [
            (Queued, Running),
            (Queued, Failed),
            (Queued, Canceled),
            (Running, Queued),
            (Running, Running),
            (Running, Waiting),
            (Running, Succeeded),
            (Running, Failed),
            (Running, Canceled),
            (Waiting, Queued),
            (Waiting, Running),
            (Waiting, Failed),
            (Waiting, Canceled),
        ];
        for from in RunStatus::ALL {
            for to in RunStatus::ALL {
                assert_eq!(from.may_become(*to), legal.contains(&(*from, *to)), "{from} to {to}");
            }
        }
    }

    #[test]
    fn an_unknown_status_is_refused_with_the_words_that_are_known() {
        let error = "done".parse::<RunStatus>().unwrap_err().to_string();
        assert!(error.contains("`done`") && error.contains("succeeded"), "{error}");
    }
}
