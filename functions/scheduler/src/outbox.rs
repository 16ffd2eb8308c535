use faults::Mutation;
use queue::Queue;

use crate::{Error, Round};

/// How many messages are taken at once.
const BATCH: i32 = 50;

/// Sends messages whose sender did not finish. What does not go was pushed back when it was
/// taken, and is due again later.
pub(crate) async fn sweep(round: &mut Round<'_>) -> Result<u64, Error> {
    let mut session = round.deps.session().await?;
    let mut total = 0;
    while !round.is_over() {
        let tx = session.begin_unscoped().await?;
        let due = tx.take_due_outbox(BATCH).await?;
        tx.commit().await?;
        faults::point("sweep.outbox_taken");

        let mut sent = Vec::new();
        for message in &due {
            if round.is_over() {
                break;
            }
            let Some(queue) = Queue::named(&message.queue) else { continue };
            if round.send(queue, &message.body, message.traceparent.as_deref()).await
                || faults::mutated(Mutation::ForgetUnsent)
            {
                sent.push(message.id);
            }
        }
        faults::point("sweep.outbox_sent");
        if !sent.is_empty() {
            let tx = session.begin_unscoped().await?;
            tx.settle_outbox(&sent).await?;
            tx.commit().await?;
            faults::point("sweep.outbox_settled");
        }
        total += sent.len() as u64;
        if due.len() < BATCH as usize {
            break;
        }
    }
    Ok(total)
}
