//! What an analysis does, step by step, and what each step leaves in `run_steps.output`:
//!
//! | step | output |
//! |---|---|
//! | fetch | [`Fetched`](domain::kinds::analysis::Fetched) |
//! | manifest | [`ManifestKept`](domain::kinds::analysis::ManifestKept) |
//! | parse | the coverage |
//! | security | `rules_version`, `gate`, `findings`, `deciding`, `fixed`, `since_previous`, `policy`, `incomplete` |
//! | formal | [`FormalSummary`](domain::FormalSummary) |
//! | verdict | `analysis_id`, `verdict`, `counts`, `insight` |

pub(crate) mod baseline;
pub(crate) mod fetch;
mod formal;
mod insight;
mod manifest;
mod parse;
pub(crate) mod policy;
pub(crate) mod rules;
pub(crate) mod security;
pub(crate) mod verdict;

use domain::StepSpec;
use engine::Deadline;
use store::{Tx, runs::Fence};

use crate::{
    Deps, Error, examine,
    memory::{Work, Written},
};

/// A step that was worked on and of which nothing is written yet.
pub(crate) enum Prepared {
    Fetch(fetch::Found),
    Manifest(manifest::Found),
    Parse(parse::Found),
    Security(security::Found),
    Formal(formal::Found),
    Verdict(insight::Found),
}

/// Whether the results of the files that a step examines have to be read before.
pub(crate) async fn wants_to_read(
    step: &'static StepSpec,
    deps: &Deps,
    work: &mut Work,
) -> Result<bool, Error> {
    match step.id {
        "parse" | "security" => {
            rules::ready(work).await?;
            let head = policy::narrowed(deps, work).await?;
            let base = policy::compared_base(deps, work).await?;
            examine::wants_to_read(work, std::iter::once(head).chain(base)).await
        }
        _ => Ok(false),
    }
}

/// Works on a step without writing to the database.
pub(crate) async fn prepare(
    step: &'static StepSpec,
    deps: &Deps,
    work: &mut Work,
    deadline: Deadline,
) -> Result<Prepared, Error> {
    match step.id {
        "fetch" => fetch::work(deps, work, deadline).await.map(Prepared::Fetch),
        "manifest" => manifest::work(deps, work).await.map(Prepared::Manifest),
        "parse" => parse::work(deps, work, deadline).await.map(Prepared::Parse),
        "security" => security::work(deps, work, deadline).await.map(Prepared::Security),
        "formal" => formal::work(deps, work, deadline).await.map(Prepared::Formal),
        "verdict" => insight::work(deps, work, deadline).await.map(Prepared::Verdict),
        unknown => Err(Error::UnknownStep(unknown)),
    }
}

impl Prepared {
    /// Writes the effects, behind the fence.
    pub(crate) async fn write(
        &self,
        tx: &Tx<'_>,
        fence: &Fence,
        work: &Work,
    ) -> Result<Written, Error> {
        match self {
            Self::Fetch(found) => found.write(tx, fence).await,
            Self::Manifest(found) => found.write(tx, work).await,
            Self::Parse(found) => found.write(tx, fence, work).await,
            Self::Security(found) => found.write(tx, fence, work).await,
            Self::Formal(found) => found.write(tx, fence, work).await,
            Self::Verdict(seen) => verdict::write(tx, fence, work, seen).await,
        }
    }
}
