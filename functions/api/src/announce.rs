//! Asking for runs: commit first, then tell the queue.

use domain::{OrgId, RunId, TraceParent};
use queue::{Message, Queue, RunRequested, SyncRequested};
use store::{
    Session, StoreError,
    outbox::{self, Outgoing, Unsent},
    runs::Run,
};

use crate::{Deps, auth::Tenant, problem::Problem};

/// Writes down the message that a run wants, in the transaction that makes the run.
pub(crate) async fn write_down<M: Message>(
    tenant: &Tenant<'_>,
    message: &M,
    trace: &TraceParent,
) -> Result<Unsent, Problem> {
    let body = message.body();
    let outgoing = Outgoing {
        org: tenant.org,
        queue: M::QUEUE.as_str(),
        body: &body,
        traceparent: Some(trace.as_str()),
    };
    Ok(outbox::insert(&tenant.tx, &outgoing).await?)
}

/// Writes down that someone is to look at a run, in the transaction that makes it worth looking.
pub(crate) async fn wake_up(tenant: &Tenant<'_>, run: &Run) -> Result<Unsent, Problem> {
    let (queue, body) = queue::wake_up(run.kind, run.org, run.id);
    let traceparent = run.traceparent.as_deref();
    let outgoing = Outgoing { org: run.org, queue: queue.as_str(), body: &body, traceparent };
    Ok(outbox::insert(&tenant.tx, &outgoing).await?)
}

pub(crate) fn analysis(org_id: OrgId, run_id: RunId) -> RunRequested {
    RunRequested { org_id, run_id }
}

pub(crate) fn sync(org_id: OrgId, run_id: RunId) -> SyncRequested {
    SyncRequested { org_id, run_id }
}

/// Sends a message that is committed. Failing is no failure of the request: the row stays, and
/// the scheduler sends what is left.
pub(crate) async fn send(deps: &Deps, session: &mut Session, unsent: &Unsent) {
    let Some(queue) = Queue::named(&unsent.queue) else { return };
    let sent = deps.sender().send(queue, &unsent.body, unsent.traceparent.as_deref()).await;
    if let Err(error) = sent {
        let chain: &dyn std::error::Error = &error;
        tracing::warn!(error = chain, queue = queue.as_str(), "left in the outbox");
        return;
    }
    if let Err(error) = forget(session, unsent).await {
        let chain: &dyn std::error::Error = &error;
        tracing::warn!(error = chain, "sent, and may be sent again");
    }
}

pub(crate) async fn send_all(deps: &Deps, session: &mut Session, unsent: Vec<Unsent>) {
    for unsent in &unsent {
        send(deps, session, unsent).await;
    }
}

async fn forget(session: &mut Session, unsent: &Unsent) -> Result<(), StoreError> {
    let tx = session.begin(unsent.org).await?;
    outbox::delete(&tx, &[unsent.id]).await?;
    tx.commit().await
}
