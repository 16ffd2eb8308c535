//! A run: one piece of durable work, from request to result.
//!
//! ```text
//! queued ──▶ running ──▶ succeeded | failed
//!    │         │  ▲
//!    │         ▼  │
//!    │       waiting      (parked: an approval, a timer, children)
//!    └─────────┴──────▶ canceled
//! ```

use serde::{Deserialize, Serialize};

use crate::{Classify, CommitSha, ErrorKind, RunId, terms::terms};

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
    /// What a run does; a kind fixes its steps.
    RunKind ("run kind") {
        /// Examines one commit, of a pull request or of a branch.
        Analysis = "analysis",
        /// Brings a repository's manifest up to date.
        RepositorySync = "repository_sync",
    }
}

impl RunKind {
    /// The step ids in the order in which they are done.
    pub fn steps(self) -> &'static [&'static str] {
        match self {
            Self::Analysis => &["fetch", "manifest", "parse", "security", "verdict"],
            Self::RepositorySync => &["fetch", "manifest"],
        }
    }

    /// The first step that `done` does not contain.
    pub fn next_step(self, done: &[&str]) -> Option<&'static str> {
        self.steps().iter().copied().find(|step| !done.contains(step))
    }
}

/// What an analysis is asked beside its commit: the `input` of its run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnalysisInput {
    /// The commit that the change starts from; without one every line counts as new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_sha: Option<CommitSha>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pr_title: Option<String>,
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
        UnknownError = "unknown_error",
    }
}

impl RunStatus {
    pub fn may_become(self, next: Self) -> bool {
        match self {
            Self::Queued => matches!(next, Self::Running | Self::Failed | Self::Canceled),
            // To running: an expired lease is taken over. To queued: given back after a passing trouble.
            Self::Running => true,
            Self::Waiting => matches!(next, Self::Running | Self::Failed | Self::Canceled),
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
    use super::{
        RunKind,
        RunStatus::{self, Canceled, Failed, Queued, Running, Succeeded, Waiting},
    };

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

    #[test]
    fn steps_follow_each_other_and_end() {
        assert_eq!(RunKind::Analysis.next_step(&[]), Some("fetch"));
        assert_eq!(RunKind::Analysis.next_step(&["fetch", "manifest"]), Some("parse"));
        assert_eq!(RunKind::Analysis.next_step(RunKind::Analysis.steps()), None);
    }
}
