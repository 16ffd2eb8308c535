use std::{collections::BTreeMap, time::Duration};

use aws_sdk_sqs::{
    Client,
    config::{retry::RetryConfig, timeout::TimeoutConfig},
    types::MessageAttributeValue,
};
use aws_smithy_http_client::tls::{self, rustls_provider::CryptoMode};
use domain::{Classify, ErrorKind};
use serde_json::Value;
use tokio::sync::OnceCell;

use crate::Queue;

/// A sender waits this long at most; the sweeper sends later what did not go.
const SEND_TIMEOUT: Duration = Duration::from_secs(2);

/// Longest time that SQS holds a message back (API reference, SendMessage, DelaySeconds).
pub const DELAY_MAX: Duration = Duration::from_mins(15);

/// Sends messages. Cheap to make: it connects when it is first used.
pub struct Sender {
    urls: BTreeMap<Queue, String>,
    client: OnceCell<Client>,
}

impl Sender {
    pub fn new(urls: impl IntoIterator<Item = (Queue, String)>) -> Self {
        Self { urls: urls.into_iter().collect(), client: OnceCell::new() }
    }

    /// Sends one message. When this returns `Ok`, the queue has confirmed it.
    pub async fn send(
        &self,
        queue: Queue,
        body: &Value,
        traceparent: Option<&str>,
    ) -> Result<(), QueueError> {
        self.send_later(queue, body, traceparent, Duration::ZERO).await
    }

    /// Sends a message that nobody receives before `delay` is over, rounded up to a second so that
    /// it never comes too soon. More than [`DELAY_MAX`] is cut to it.
    pub async fn send_later(
        &self,
        queue: Queue,
        body: &Value,
        traceparent: Option<&str>,
        delay: Duration,
    ) -> Result<(), QueueError> {
        let url = self.urls.get(&queue).ok_or(QueueError::NoSuchQueue(queue))?;
        let client = self.client.get_or_init(connect).await;
        let mut request = client.send_message().queue_url(url).message_body(body.to_string());
        if !delay.is_zero() {
            let seconds = delay.min(DELAY_MAX).as_secs_f64().ceil();
            request = request.delay_seconds(seconds as i32);
        }
        if let Some(traceparent) = traceparent {
            let value = MessageAttributeValue::builder()
                .data_type("String")
                .string_value(traceparent)
                .build()
                .map_err(|error| QueueError::Refused(Box::new(error)))?;
            request = request.message_attributes("traceparent", value);
        }
        // The SDK's own timeouts do not cover resolving credentials.
        match tokio::time::timeout(SEND_TIMEOUT, request.send()).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(QueueError::Refused(Box::new(error))),
            Err(_) => Err(QueueError::TimedOut(queue)),
        }
    }
}

async fn connect() -> Client {
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(CryptoMode::Ring))
        .build_https();
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(1))
        .operation_timeout(SEND_TIMEOUT)
        .build();
    let config = aws_config::from_env()
        .http_client(http)
        .retry_config(RetryConfig::standard().with_max_attempts(2))
        .timeout_config(timeouts)
        .load()
        .await;
    Client::new(&config)
}

#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    #[error("no address is configured for the {0} queue")]
    NoSuchQueue(Queue),
    #[error("the {0} queue did not answer in time")]
    TimedOut(Queue),
    #[error("the queue refused the message")]
    Refused(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Classify for QueueError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NoSuchQueue(_) => ErrorKind::Bug,
            Self::TimedOut(_) | Self::Refused(_) => ErrorKind::Unavailable,
        }
    }
}
