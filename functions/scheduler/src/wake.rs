use std::collections::BTreeMap;

use domain::{OrgId, RunId};
use store::{RunToWake, runs};

use crate::{Error, Round};

/// How many runs one sweep asks for.
const BATCH: i32 = 200;

/// Asks again for runs whose message may be lost. Nothing is written down first: a run that is
/// still not worked on is found again.
pub(crate) async fn sweep(round: &mut Round<'_>) -> Result<u64, Error> {
    let mut session = round.deps.session().await?;
    let tx = session.begin_unscoped().await?;
    let found = tx.runs_to_wake(BATCH).await?;
    tx.commit().await?;
    faults::point("sweep.wake_read");

    let mut asked: BTreeMap<OrgId, Vec<RunId>> = BTreeMap::new();
    let mut total = 0;
    for run in &found {
        if round.is_over() {
            break;
        }
        if ask(round, run).await {
            asked.entry(run.org).or_default().push(run.run);
            total += 1;
        }
    }
    faults::point("sweep.wake_sent");
    for (org, asked) in &asked {
        let tx = session.begin(*org).await?;
        runs::note_wake_up(&tx, asked).await?;
        tx.commit().await?;
    }
    Ok(total)
}

async fn ask(round: &mut Round<'_>, run: &RunToWake) -> bool {
    let (queue, body) = queue::wake_up(run.kind, run.org, run.run);
    round.send(queue, &body, run.traceparent.as_deref()).await
}
