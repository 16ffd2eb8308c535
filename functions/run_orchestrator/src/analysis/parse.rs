use std::sync::Arc;

use engine::Deadline;
use store::{Tx, analyses, runs::Fence};

use super::policy::narrowed;
use crate::examine::{self, Examined, examine};
use crate::memory::{COMMIT_TIME, Work, Written, written};
use crate::{Deps, Error};

pub(crate) struct Found(Arc<Examined>);

/// Each file is parsed once, so what the rules say about it is found out, too.
pub(super) async fn work(deps: &Deps, work: &mut Work, deadline: Deadline) -> Result<Found, Error> {
    let snapshot = narrowed(deps, work).await?;
    let (examined, _) = examine(work, &snapshot, deadline.less(COMMIT_TIME)).await?;
    Ok(Found(examined))
}

impl Found {
    pub(super) async fn write(
        &self,
        tx: &Tx<'_>,
        fence: &Fence,
        work: &Work,
    ) -> Result<Written, Error> {
        examine::keep(tx, work.run().org, &[&self.0]).await?;
        analyses::set_coverage(tx, fence, &self.0.coverage).await?;
        written("parse", &self.0.coverage)
    }
}
