//! What a scan of all the code of a branch does, and what each step leaves:
//!
//! | kind | step | output |
//! |---|---|---|
//! | `codebase_scan` | fetch | [`Fetched`](domain::kinds::analysis::Fetched) |
//! | | shard | [`Sharded`](domain::kinds::codebase_scan::Sharded): the child runs |
//! | | join | [`join::Joined`]: what the shards found, added up |
//! | | report | the artifact, and the numbers in it |
//! | `scan_shard` | scan | [`part::Examined`] |
//!
//! The scan has one analysis, made by `fetch`; each shard writes its findings into it, in the
//! transaction that ends the shard. So what a shard found is there exactly once: a shard that
//! fails has written nothing, and a resumed scan takes the analysis over and does only what failed.

mod cut;
mod error;
mod fetch;
mod followed;
mod join;
mod markdown;
mod part;
mod report;
mod shard;

use domain::{RunKind, StepSpec};
use engine::{Deadline, Outcome};
use store::{Tx, runs::Fence};

pub use error::ScanError;

use crate::{
    Deps, Error,
    analysis::rules,
    examine,
    memory::{Work, Written},
    worker,
};

/// A step that was worked on and of which nothing is written yet.
pub(crate) enum Prepared {
    Fetch(fetch::Found),
    Shard(shard::Found),
    Join,
    Report,
    Part(part::Found),
}

/// Whether the results of a shard's files have to be read before they are examined.
pub(crate) async fn wants_to_read(deps: &Deps, work: &mut Work) -> Result<bool, Error> {
    rules::ready(work).await?;
    let part = part::files(deps, work).await?;
    examine::wants_to_read(work, [part]).await
}

/// Works on a step without writing to the database.
pub(crate) async fn prepare(
    step: &'static StepSpec,
    deps: &Deps,
    work: &mut Work,
    deadline: Deadline,
) -> Result<Outcome<worker::Prepared>, Error> {
    let prepared = match (work.run().kind, step.id) {
        (RunKind::CodebaseScan, "fetch") => {
            Prepared::Fetch(fetch::work(deps, work, deadline).await?)
        }
        (RunKind::CodebaseScan, "shard") => Prepared::Shard(shard::work(deps, work).await?),
        (RunKind::CodebaseScan, "join") => Prepared::Join,
        (RunKind::CodebaseScan, "report") => Prepared::Report,
        (RunKind::ScanShard, "scan") => Prepared::Part(part::work(deps, work, deadline).await?),
        (_, unknown) => return Err(Error::UnknownStep(unknown)),
    };
    Ok(Outcome::Write(worker::Prepared::Scan(prepared)))
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
            Self::Shard(found) => found.write(tx, fence, work).await,
            Self::Join => join::write(tx, fence, work).await,
            Self::Report => report::write(tx, fence, work).await,
            Self::Part(found) => found.write(tx, fence, work).await,
        }
    }
}
