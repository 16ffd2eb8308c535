//! Pull requests: what they are about, and merging them.

use domain::{CommitSha, kinds::merge::MergeMethod};
use reqwest::Method;
use serde::{Deserialize, Serialize};

use super::{GitHub, GitHubError, repository_path, send_for};

/// How GitHub begins refusals that pass by themselves: a merge of the same base, or an earlier
/// attempt at this one, is under way. They have the status of refusals that do not (405).
const PASSING: [&str; 2] = ["Base branch was modified", "Merge already in progress"];

/// A pull request as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequest {
    pub number: i32,
    pub title: String,
    pub open: bool,
    pub draft: bool,
    pub merged: bool,
    /// None while GitHub has not tried yet.
    pub mergeable: Option<bool>,
    pub head: CommitSha,
    /// The branch as people name it, such as `octocat:new-topic`.
    pub head_label: String,
    pub base_ref: String,
    /// Until it is merged, the commit of a trial.
    pub merge_commit: Option<CommitSha>,
    /// The login of who merged it.
    pub merged_by: Option<String>,
}

/// What is to be merged, and how.
#[derive(Debug, Clone, Copy)]
pub struct Merge<'a> {
    /// The only head that is merged.
    pub head: &'a CommitSha,
    pub method: MergeMethod,
    /// None: GitHub's own. A rebase has neither title nor message.
    pub commit_title: Option<&'a str>,
    pub commit_message: Option<&'a str>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MergeOutcome {
    /// The head is merged, by this call.
    Merged { commit: CommitSha },
    /// The head was merged before this call.
    AlreadyMerged { commit: CommitSha, by: Option<String> },
    /// The pull request has another head by now, merged or not.
    HeadMoved { head: CommitSha },
    /// GitHub will not merge this head, however often it is asked.
    Refused { reason: String },
}

#[derive(Deserialize)]
struct Answer {
    number: i32,
    title: String,
    state: String,
    #[serde(default)]
    draft: bool,
    #[serde(default)]
    merged: bool,
    #[serde(default)]
    mergeable: Option<bool>,
    head: Branch,
    base: Branch,
    #[serde(default)]
    merge_commit_sha: Option<CommitSha>,
    #[serde(default)]
    merged_by: Option<Account>,
}

#[derive(Deserialize)]
struct Branch {
    #[serde(default)]
    label: Option<String>,
    r#ref: String,
    sha: CommitSha,
}

#[derive(Deserialize)]
struct Account {
    login: String,
}

impl From<Answer> for PullRequest {
    fn from(answer: Answer) -> Self {
        Self {
            number: answer.number,
            title: answer.title,
            open: answer.state == "open",
            draft: answer.draft,
            merged: answer.merged,
            mergeable: answer.mergeable,
            head: answer.head.sha,
            head_label: answer.head.label.unwrap_or(answer.head.r#ref),
            base_ref: answer.base.r#ref,
            merge_commit: answer.merge_commit_sha,
            merged_by: answer.merged_by.map(|account| account.login),
        }
    }
}

impl GitHub {
    pub async fn pull_request(
        &self,
        installation: i64,
        repository: &str,
        number: i32,
    ) -> Result<PullRequest, GitHubError> {
        let path = format!("{}/pulls/{number}", repository_path(repository)?);
        let request = self.request_as(Some(installation), Method::GET, &path).await?;
        Ok(send_for::<Answer>(request).await?.into())
    }

    /// Merges `merge.head` and nothing else, once, however often it is called.
    ///
    /// The call has no idempotency key. Two properties of it stand in for one: a pull request is
    /// merged at most once, and with the `sha` that we name GitHub merges that head or nothing.
    /// So the pull request is looked at before the call, and again after a refusal: found merged
    /// with our head, an earlier attempt did it and its answer was lost, or someone else did what
    /// we were about to do. Whether the answer of this call is lost decides nothing either: it
    /// ends as an error that passes, and the next attempt looks first.
    pub async fn merge(
        &self,
        installation: i64,
        repository: &str,
        number: i32,
        merge: &Merge<'_>,
    ) -> Result<MergeOutcome, GitHubError> {
        let found = self.pull_request(installation, repository, number).await?;
        if let Some(outcome) = settled(found, merge.head)? {
            return Ok(outcome);
        }
        let refused = match self.put_merge(installation, repository, number, merge).await {
            Ok(commit) => return Ok(MergeOutcome::Merged { commit }),
            Err(GitHubError::Refused { status: 405 | 422, message }) => {
                let passing = PASSING.iter().any(|beginning| message.starts_with(beginning));
                (message, passing)
            }
            // The head moved while we called, or GitHub is not sure of it yet.
            Err(GitHubError::Conflict { message }) => (message, true),
            Err(error) => return Err(error),
        };
        let (reason, passing) = refused;
        let found = self.pull_request(installation, repository, number).await?;
        let undecided = found.mergeable.is_none();
        match settled(found, merge.head)? {
            Some(outcome) => Ok(outcome),
            None if passing || undecided => Err(GitHubError::Conflict { message: reason }),
            None => Ok(MergeOutcome::Refused { reason }),
        }
    }

    async fn put_merge(
        &self,
        installation: i64,
        repository: &str,
        number: i32,
        merge: &Merge<'_>,
    ) -> Result<CommitSha, GitHubError> {
        #[derive(Serialize)]
        struct Body<'a> {
            sha: &'a CommitSha,
            merge_method: MergeMethod,
            #[serde(skip_serializing_if = "Option::is_none")]
            commit_title: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            commit_message: Option<&'a str>,
        }
        #[derive(Deserialize)]
        struct Done {
            sha: CommitSha,
        }
        let path = format!("{}/pulls/{number}/merge", repository_path(repository)?);
        let request = self.request_as(Some(installation), Method::PUT, &path).await?;
        let body = Body {
            sha: merge.head,
            merge_method: merge.method,
            commit_title: merge.commit_title,
            commit_message: merge.commit_message,
        };
        Ok(send_for::<Done>(request.json(&body)).await?.sha)
    }
}

/// What a pull request says of the merge of `head`. None: nothing yet, so it can be tried.
fn settled(found: PullRequest, head: &CommitSha) -> Result<Option<MergeOutcome>, GitHubError> {
    let refused = |reason: &str| Some(MergeOutcome::Refused { reason: reason.to_owned() });
    Ok(if found.head != *head {
        Some(MergeOutcome::HeadMoved { head: found.head })
    } else if found.merged {
        let message = "the pull request is merged, and its merge commit is not known yet";
        let commit = found
            .merge_commit
            .ok_or_else(|| GitHubError::Conflict { message: message.to_owned() })?;
        Some(MergeOutcome::AlreadyMerged { commit, by: found.merged_by })
    } else if !found.open {
        refused("the pull request is closed")
    } else if found.draft {
        refused("the pull request is a draft")
    } else {
        None
    })
}
