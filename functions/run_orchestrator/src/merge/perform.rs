use clients::github::{Checks, Merge, MergeOutcome};
use domain::{
    RunKind,
    kinds::{
        Allowed,
        merge::{Merged, Plan},
    },
};
use serde_json::Value;

use super::{Access, MergeError};
use crate::{
    Error,
    memory::{Work, Written, output, written},
};

/// Does what was approved, and nothing else.
pub(super) async fn work(access: &Access<'_>, work: &Work) -> Result<Written, Error> {
    let plan = approved(work)?;
    let pull = access.read(&plan.full_name, plan.pull_request).await?;
    // The approval may be days old. A merge that was done already stays done, whatever the
    // checks say now.
    if !pull.merged
        && let Checks::Failed { names } = access.checks(&plan).await?
    {
        return Err(MergeError::ChecksFailed(names).into());
    }
    let merged = access.merge(&plan).await?;
    let written = written("merge", &merged)?;
    Ok(Written { summary: Some(written.output.clone()), ..written })
}

/// The plan, if it is to the letter what was approved, and differs from what this run planned
/// only in what may be edited.
fn approved(work: &Work) -> Result<Plan, Error> {
    let planned: Value = output(work, "plan")?;
    let allowed: Allowed = output(work, "approve")?;
    let plan = allowed.plan().ok_or(MergeError::PlanChanged)?;
    let plan = RunKind::Merge.edit_plan(&planned, plan).map_err(|_| MergeError::PlanChanged)?;
    serde_json::from_value(plan).map_err(|source| Error::Output { step: "approve", source })
}

impl Access<'_> {
    async fn merge(&self, plan: &Plan) -> Result<Merged, Error> {
        let doing = "merge the pull request";
        let merge = Merge {
            head: &plan.head_sha,
            method: plan.method,
            commit_title: plan.commit_title.as_deref(),
            commit_message: plan.commit_message.as_deref(),
        };
        let outcome =
            self.github.merge(self.installation, &plan.full_name, plan.pull_request, &merge).await;
        match outcome.map_err(|source| MergeError::GitHub { doing, source })? {
            MergeOutcome::Merged { commit } => {
                Ok(Merged { merge_commit_sha: commit, merged_by_us: true })
            }
            MergeOutcome::AlreadyMerged { commit, by } => {
                let doing = "ask GitHub who we are";
                let us = self.github.app_login().await;
                let us = us.map_err(|source| MergeError::GitHub { doing, source })?;
                let merged_by_us = by.as_deref() == Some(us.as_str());
                Ok(Merged { merge_commit_sha: commit, merged_by_us })
            }
            MergeOutcome::HeadMoved { head } => {
                let planned = plan.head_sha.clone();
                Err(MergeError::HeadMoved { planned, found: head }.into())
            }
            MergeOutcome::Refused { reason } => Err(MergeError::Refused(reason).into()),
        }
    }
}
