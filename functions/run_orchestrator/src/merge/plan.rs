use clients::github::PullRequest;
use domain::{
    CommitSha,
    kinds::merge::{Input, Plan},
};

use super::{Access, MergeError};
use crate::{
    Error,
    memory::{Work, input},
};

/// Reads the pull request, and words exactly what is to be done.
pub(super) async fn work(access: &Access<'_>, work: &Work) -> Result<Plan, Error> {
    let Input { method } = input(work)?;
    let number = work.run().pull_request.ok_or(Error::Incomplete("pull request"))?;
    let repository = work.memory.repository()?;
    let pull = access.read(&repository.full_name, number).await?;
    mergeable(&pull, work.run().commit.as_ref())?;
    let (commit_title, commit_message) =
        Plan::wording(method, number, &pull.title, &pull.head_label, &pull.head);
    Ok(Plan {
        repository: repository.id,
        full_name: repository.full_name.clone(),
        pull_request: number,
        head_sha: pull.head,
        base_ref: pull.base_ref,
        title: pull.title,
        method,
        commit_title,
        commit_message,
    })
}

impl Access<'_> {
    pub(super) async fn read(&self, full_name: &str, number: i32) -> Result<PullRequest, Error> {
        let doing = "read the pull request";
        let pull = self.github.pull_request(self.installation, full_name, number).await;
        Ok(pull.map_err(|source| MergeError::GitHub { doing, source })?)
    }
}

/// Refuses what nobody needs to be asked about, because it cannot be merged; `head` is the only
/// one that is meant, if one is named.
pub(super) fn mergeable(pull: &PullRequest, head: Option<&CommitSha>) -> Result<(), MergeError> {
    let reason = if pull.merged {
        "it is merged already"
    } else if !pull.open {
        "it is closed"
    } else if pull.draft {
        "it is a draft"
    } else if pull.mergeable == Some(false) {
        "it conflicts with its base"
    } else {
        return match head {
            Some(head) if *head != pull.head => {
                Err(MergeError::HeadMoved { planned: head.clone(), found: pull.head.clone() })
            }
            Some(_) | None => Ok(()),
        };
    };
    Err(MergeError::Refused(reason.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_open_ready_pull_request_with_the_head_that_is_meant_is_planned() {
        let (head, other): (CommitSha, CommitSha) =
            ("a".repeat(40).parse().unwrap(), "b".repeat(40).parse().unwrap());
        let ready = PullRequest {
            number: 7,
            title: "Add a cart".into(),
            open: true,
            draft: false,
            merged: false,
            mergeable: Some(true),
            head: head.clone(),
            head_label: "ada:cart".into(),
            base_ref: "main".into(),
            merge_commit: None,
            merged_by: None,
        };
        assert!(mergeable(&ready, None).is_ok() && mergeable(&ready, Some(&head)).is_ok());
        let unknown = PullRequest { mergeable: None, ..ready.clone() };
        assert!(mergeable(&unknown, None).is_ok(), "GitHub is still trying");
        let moved = mergeable(&ready, Some(&other)).unwrap_err();
        assert!(matches!(moved, MergeError::HeadMoved { .. }), "{moved}");
        let refused = [
            PullRequest { merged: true, open: false, ..ready.clone() },
            PullRequest { open: false, ..ready.clone() },
            PullRequest { draft: true, ..ready.clone() },
            PullRequest { mergeable: Some(false), ..ready.clone() },
        ];
        for pull in refused {
            let error = mergeable(&pull, Some(&head)).unwrap_err();
            assert!(matches!(error, MergeError::Refused(_)), "{error}");
        }
    }
}
