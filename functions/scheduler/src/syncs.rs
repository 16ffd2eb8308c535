use domain::{RunId, RunKind, TraceParent};
use queue::{Message, SyncRequested};
use serde_json::json;
use store::{
    DueSync, Session,
    outbox::{self, Outgoing, Unsent},
    repositories,
    runs::{self, Inserted, NewRun},
};
use uuid::Uuid;

use crate::{Error, Round};

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
        let Some(unsent) = request(&mut session, slot).await? else { continue };
        started += 1;
        if round.send(SyncRequested::QUEUE, &unsent.body, unsent.traceparent.as_deref()).await {
            round.forget(&mut session, slot.org, unsent.id).await?;
        }
    }
    Ok(started)
}

/// Writes the run down and moves the slot on, together. `None`: another scheduler was faster, or
/// the sync before this one is not over.
async fn request(session: &mut Session, slot: DueSync) -> Result<Option<Unsent>, Error> {
    let tx = session.begin(slot.org).await?;
    let Some(project) = repositories::take_sync_slot(&tx, slot.repository, slot.due_at).await?
    else {
        return Ok(None);
    };
    if runs::find_open_sync(&tx, slot.repository).await?.is_some() {
        tx.commit().await?;
        return Ok(None);
    }
    let id = Uuid::now_v7();
    let traceparent = TraceParent::begin(id.as_bytes()).to_string();
    let run = NewRun {
        id: RunId::new(id),
        org: slot.org,
        project: Some(project),
        repository: Some(slot.repository),
        kind: RunKind::RepositorySync,
        // A slot is one run, however many schedulers see it.
        idempotency_key: format!("repository:{}:{}", slot.repository, slot.due_at.as_microsecond()),
        event_type: "schedule".to_owned(),
        git_ref: None,
        commit: None,
        pull_request: None,
        input: json!({}),
        traceparent: Some(traceparent),
    };
    let inserted = runs::insert(&tx, &run).await?;
    let unsent = match inserted {
        Inserted::New(run_id) => {
            let message = SyncRequested { org_id: slot.org, run_id };
            let outgoing = Outgoing {
                org: slot.org,
                queue: SyncRequested::QUEUE.as_str(),
                body: &message.body(),
                traceparent: run.traceparent.as_deref(),
            };
            Some(outbox::insert(&tx, &outgoing).await?)
        }
        Inserted::Existing(_) => None,
    };
    tx.commit().await?;
    Ok(unsent)
}
