use std::time::Instant;

use analysis::Clock;
use domain::Coverage;
use store::{Tx, analyses, runs::Fence};

use crate::memory::{COMMIT_TIME, Work, Written, blocking, snapshot, written};
use crate::{Deps, Error};
use engine::Deadline;

pub(crate) struct Found(Coverage);

pub(super) async fn work(deps: &Deps, work: &mut Work, deadline: Deadline) -> Result<Found, Error> {
    let snapshot = snapshot(deps, work).await?;
    let stop = deadline.less(COMMIT_TIME);
    let parsed = blocking(move || {
        let time_is_up = || Instant::now() >= stop;
        analysis::parse(&snapshot, &Clock::new(&time_is_up))
    })
    .await?;
    Ok(Found(parsed.coverage))
}

impl Found {
    pub(super) async fn write(&self, tx: &Tx<'_>, fence: &Fence) -> Result<Written, Error> {
        analyses::set_coverage(tx, fence, &self.0).await?;
        written("parse", &self.0)
    }
}
