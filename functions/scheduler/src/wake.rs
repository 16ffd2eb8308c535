use std::collections::BTreeMap;

use domain::{OrgId, RunId, RunKind};
use queue::{Message, RunRequested, SyncRequested};
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
    for (org, asked) in &asked {
        let tx = session.begin(*org).await?;
        runs::note_wake_up(&tx, asked).await?;
        tx.commit().await?;
    }
    Ok(total)
}

async fn ask(round: &mut Round<'_>, run: &RunToWake) -> bool {
    let (org_id, run_id) = (run.org, run.run);
    let (queue, body) = match run.kind {
        RunKind::Analysis => (RunRequested::QUEUE, RunRequested { org_id, run_id }.body()),
        RunKind::RepositorySync => (SyncRequested::QUEUE, SyncRequested { org_id, run_id }.body()),
    };
    round.send(queue, &body, run.traceparent.as_deref()).await
}
