use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use domain::{Classify, ErrorKind};
use faults::Mutation;
use tracing::Instrument;

use crate::Message;

/// A message as it came in, with the trace it belongs to.
#[derive(Debug)]
pub struct Received<M> {
    pub message: M,
    pub traceparent: Option<String>,
}

/// SQS always sends an id. An empty one in our answer would fail the whole batch unnoticed, so
/// its absence fails the batch in the open.
#[derive(Debug, thiserror::Error)]
#[error("an SQS record came without a message id")]
pub struct EmptyMessageId;

/// Handles each message in turn; the answer lists those that SQS must deliver again.
pub async fn work_off<M, E>(
    event: SqsEvent,
    handle: impl AsyncFn(Received<M>) -> Result<(), E>,
) -> Result<SqsBatchResponse, EmptyMessageId>
where
    M: Message,
    E: Classify,
{
    let mut response = SqsBatchResponse::default();
    for record in event.records {
        let id = record.message_id.clone().filter(|id| !id.is_empty()).ok_or(EmptyMessageId)?;
        let again = match parse::<M>(&record) {
            Ok(received) => {
                let span = tracing::info_span!(
                    "message",
                    queue = M::QUEUE.as_str(),
                    run.id = %received.message.run(),
                    org.id = %received.message.org(),
                    trace.id = received.traceparent.as_deref().and_then(|t| t.get(3..35)),
                );
                let outcome = handle(received).instrument(span.clone()).await;
                span.in_scope(|| outcome.is_err_and(|error| should_retry(&error)))
            }
            Err(_) if faults::mutated(Mutation::FailBatch) => return Err(EmptyMessageId),
            Err(error) => {
                // Delivering it again would not make it readable.
                tracing::error!(%error, message.id = %id, "dropped a message that is not ours");
                false
            }
        };
        if again {
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = id;
            response.batch_item_failures.push(failure);
        }
    }
    Ok(response)
}

fn parse<M: Message>(record: &SqsMessage) -> serde_json::Result<Received<M>> {
    let message = serde_json::from_str(record.body.as_deref().unwrap_or_default())?;
    let traceparent = record
        .message_attributes
        .get("traceparent")
        .and_then(|attribute| attribute.string_value.clone())
        .filter(|text| text.parse::<domain::TraceParent>().is_ok());
    Ok(Received { message, traceparent })
}

fn should_retry(error: &impl Classify) -> bool {
    // As `dyn Error` the log shows the whole chain of causes, not only the last one.
    let chain: &dyn std::error::Error = error;
    match error.kind() {
        ErrorKind::Unavailable if faults::mutated(Mutation::AckUnavailable) => false,
        // The next attempt may find the world changed; after the last one SQS keeps it in the DLQ.
        ErrorKind::Conflict | ErrorKind::Unavailable | ErrorKind::Bug => {
            tracing::warn!(error = chain, "message will be delivered again");
            true
        }
        ErrorKind::Invalid | ErrorKind::NotFound => {
            tracing::error!(error = chain, "message can never succeed");
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RunRequested;

    #[derive(Debug, thiserror::Error)]
    #[error("failed")]
    struct Failed(ErrorKind);

    impl Classify for Failed {
        fn kind(&self) -> ErrorKind {
            self.0
        }
    }

    const IDS: &str = r#""org_id":"0190a5b0-0000-7000-8000-000000000001","run_id":"0190a5b0-0000-7000-8000-000000000002""#;

    fn event(id: &str, body: &str) -> SqsEvent {
        let event = serde_json::json!({ "Records": [{ "messageId": id, "body": body }] });
        serde_json::from_value(event).unwrap()
    }

    #[tokio::test]
    async fn only_what_may_succeed_later_comes_back() {
        let body = format!(r#"{{"type":"run_requested",{IDS}}}"#);
        let cases = [
            ("fine", None, false),
            ("busy", Some(ErrorKind::Unavailable), true),
            ("raced", Some(ErrorKind::Conflict), true),
            ("broken", Some(ErrorKind::Bug), true),
            ("gone", Some(ErrorKind::NotFound), false),
            ("refused", Some(ErrorKind::Invalid), false),
        ];
        for (id, outcome, comes_back) in cases {
            let response = work_off(event(id, &body), async |_: Received<RunRequested>| {
                outcome.map_or(Ok(()), |kind| Err(Failed(kind)))
            })
            .await
            .unwrap();
            assert_eq!(response.batch_item_failures.len() == 1, comes_back, "{id}");
        }
    }

    #[tokio::test]
    async fn a_message_that_is_not_ours_is_dropped_and_never_handled() {
        for body in ["", "null", "{}", &format!(r#"{{"type":"attest_requested",{IDS}}}"#)] {
            let response = work_off(event("poison", body), async |_: Received<RunRequested>| {
                Err::<(), _>(Failed(ErrorKind::Bug))
            })
            .await
            .unwrap();
            assert!(response.batch_item_failures.is_empty(), "{body}");
        }
    }

    #[tokio::test]
    async fn a_record_without_an_id_fails_the_batch() {
        let outcome =
            work_off(event("", "{}"), async |_: Received<RunRequested>| Ok::<_, Failed>(())).await;
        assert!(outcome.is_err());
    }
}
