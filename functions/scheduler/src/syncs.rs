use domain::RunKind;
use serde_json::json;
use store::{DueSync, Session, outbox::Unsent, repositories, runs};

use crate::{
    Error, Round,
    slots::{self, Owner},
};

/// How many repositories one sweep starts to sync.
const BATCH: i32 = 100;

/// Requests a sync of every repository whose time has come.
pub(crate) async fn sweep(round: &mut Round<'_>) -> Result<u64, Error> {
    let mut session = round.deps.session().await?;
    let tx = session.begin_unscoped().await?;
    let due = tx.due_repository_syncs(BATCH).await?;
    tx.commit().await?;

    let mut started = 0;
    for slot in due {
        if round.is_over() {
            break;
        }
        let Some(unsent) = begin(&mut session, slot).await? else { continue };
        started += 1;
        slots::announce(round, &mut session, &unsent).await?;
    }
    Ok(started)
}

/// Writes the run down and moves the slot on, together. `None`: another scheduler was faster, or
/// the sync before this one is not over.
async fn begin(session: &mut Session, slot: DueSync) -> Result<Option<Unsent>, Error> {
    let tx = session.begin(slot.org).await?;
    let Some(project) = repositories::take_sync_slot(&tx, slot.repository, slot.due_at).await?
    else {
        return Ok(None);
    };
    if runs::find_open_sync(&tx, slot.repository).await?.is_some() {
        tx.commit().await?;
        return Ok(None);
    }
    let owner = Owner { org: slot.org, project, repository: slot.repository };
    let key = format!("repository:{}:{}", slot.repository, slot.due_at.as_microsecond());
    let run = slots::run(owner, RunKind::RepositorySync, key, json!({}));
    let unsent = slots::write_down(&tx, &run).await?;
    tx.commit().await?;
    Ok(unsent)
}
