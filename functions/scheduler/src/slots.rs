//! What begins because its time has come: a slot becomes a run, which is written down together
//! with its message and with the next slot. The message is sent after the commit.

use domain::{OrgId, ProjectId, RepositoryId, RunId, RunKind, TraceParent};
use queue::Queue;
use serde_json::Value;
use store::{
    Session, Tx,
    outbox::{self, Outgoing, Unsent},
    runs::{self, Inserted, NewRun},
};
use uuid::Uuid;

use crate::{Error, Round};

/// What such a run says about its origin.
const EVENT_TYPE: &str = "schedule";

/// Whose slot it is, and of which repository.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Owner {
    pub(crate) org: OrgId,
    pub(crate) project: ProjectId,
    pub(crate) repository: RepositoryId,
}

/// The run of a slot. `key` names the slot: a slot is one run, however many schedulers see it.
pub(crate) fn run(owner: Owner, kind: RunKind, key: String, input: Value) -> NewRun {
    let id = Uuid::now_v7();
    NewRun {
        id: RunId::new(id),
        org: owner.org,
        project: Some(owner.project),
        repository: Some(owner.repository),
        kind,
        idempotency_key: key,
        event_type: EVENT_TYPE.to_owned(),
        git_ref: None,
        commit: None,
        pull_request: None,
        input,
        traceparent: Some(TraceParent::begin(id.as_bytes()).to_string()),
        parent: None,
        schedule: None,
    }
}

/// Writes a run and its message down. `None`: the slot has its run already.
pub(crate) async fn write_down(tx: &Tx<'_>, run: &NewRun) -> Result<Option<Unsent>, Error> {
    let Inserted::New(id) = runs::insert(tx, run).await? else { return Ok(None) };
    let (queue, body) = queue::wake_up(run.kind, run.org, id);
    let message = Outgoing {
        org: run.org,
        queue: queue.as_str(),
        body: &body,
        traceparent: run.traceparent.as_deref(),
    };
    Ok(Some(outbox::insert(tx, &message).await?))
}

/// Sends what is committed, and forgets it once the queue has confirmed it.
pub(crate) async fn announce(
    round: &mut Round<'_>,
    session: &mut Session,
    unsent: &Unsent,
) -> Result<(), Error> {
    faults::point("sweep.schedule_taken");
    let Some(queue) = Queue::named(&unsent.queue) else { return Ok(()) };
    if round.send(queue, &unsent.body, unsent.traceparent.as_deref()).await {
        let tx = session.begin(unsent.org).await?;
        outbox::delete(&tx, &[unsent.id]).await?;
        tx.commit().await?;
    }
    Ok(())
}
