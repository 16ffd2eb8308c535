//! What a merge does, step by step, and what each step leaves:
//!
//! | step | output |
//! |---|---|
//! | plan | [`Plan`](domain::kinds::merge::Plan): exactly what is to be done |
//! | checks | [`Checked`](domain::kinds::merge::Checked): what spoke for it |
//! | approve | [`Allowed`](domain::kinds::Allowed): what was approved, and by whom |
//! | merge | [`Merged`](domain::kinds::merge::Merged) |
//!
//! GitHub's merge takes no idempotency key. That it is done once nevertheless rests on two things:
//! GitHub merges a pull request once, and only while its head is the commit that we name; and
//! every attempt looks at the pull request before it calls. A worker that dies between the call
//! and the commit of the step, or whose answer is lost, leaves a merged pull request behind, which
//! the next attempt finds, and takes for the success that it was.

mod approve;
mod checks;
mod error;
mod perform;
mod plan;

use clients::github::GitHub;
use domain::{StepSpec, kinds::merge::Plan};
use engine::Outcome;
use store::{
    StoreError, Tx, approvals,
    runs::{self, Fence, Run},
};

pub use error::MergeError;

use crate::{
    Deps, Error,
    memory::{Work, Written, written},
    worker::Prepared,
};

/// Whether someone was asked already; then nothing may change any more what they were asked.
pub(crate) async fn is_asked(tx: &Tx<'_>, run: &Run) -> Result<bool, StoreError> {
    Ok(approvals::find_for_step(tx, run.id, "approve").await?.is_some())
}

/// Works on a step without writing to the database.
pub(crate) async fn prepare(
    step: &'static StepSpec,
    deps: &Deps,
    work: &Work,
) -> Result<Outcome<Prepared>, Error> {
    match step.id {
        "plan" => {
            let plan = plan::work(&access(deps, work).await?, work).await?;
            Ok(Outcome::Write(Prepared::MergePlan(plan)))
        }
        "checks" => checks::work(&access(deps, work).await?, work).await,
        "approve" => approve::work(deps, work).await,
        "merge" => perform::work(&access(deps, work).await?, work).await.map(Outcome::Done),
        unknown => Err(Error::UnknownStep(unknown)),
    }
}

/// Writes the plan; the run is about its head from now on.
pub(crate) async fn write(tx: &Tx<'_>, fence: &Fence, plan: &Plan) -> Result<Written, Error> {
    runs::name_commit(tx, fence, &plan.head_sha).await?;
    written("plan", plan)
}

/// GitHub, with the rights of the installation that shares the repository with us.
struct Access<'a> {
    github: &'a GitHub,
    installation: i64,
}

async fn access<'a>(deps: &'a Deps, work: &Work) -> Result<Access<'a>, Error> {
    let repository = work.memory.repository()?;
    if repository.suspended {
        return Err(Error::Suspended);
    }
    let github = deps.github().await?;
    match (github, repository.github_installation) {
        (Some(github), Some(installation)) => Ok(Access { github, installation }),
        (None, _) | (_, None) => Err(MergeError::NoApp.into()),
    }
}
