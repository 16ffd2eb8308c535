//! Real queues of a trial's own, each with its dead-letter queue, over the real protocol.

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_sqs::{
    Client, Config,
    config::{BehaviorVersion, Credentials, Region, retry::RetryConfig},
    types::{Message, MessageAttributeValue, QueueAttributeName},
};
use aws_smithy_http_client::tls::{self, rustls_provider::CryptoMode};
use serde_json::{Value, json};

/// How long a receiver waits for a message.
const POLL_SECONDS: i32 = 1;

/// The queues by the short names that outbox rows carry.
pub(crate) const NAMES: [&str; 5] = ["runs", "embed", "sync", "attest", "notify"];

#[derive(Debug, Clone)]
pub(crate) struct Queues {
    client: Client,
    urls: BTreeMap<&'static str, Urls>,
}

#[derive(Debug, Clone)]
struct Urls {
    queue: String,
    dead: String,
}

impl Queues {
    /// `receives_max` counts for the queue of runs; what else waits there is only looked at.
    pub(crate) async fn create(
        endpoint: &str,
        prefix: &str,
        visibility_s: u32,
        receives_max: u32,
    ) -> Self {
        let client = client(endpoint);
        let mut urls = BTreeMap::new();
        for name in NAMES {
            let dead = create(&client, &format!("{prefix}-{name}-dead"), &[]).await;
            let arn = attribute(&client, &dead, QueueAttributeName::QueueArn).await;
            let receives = if name == "runs" { receives_max } else { 1000 };
            let redrive = json!({ "deadLetterTargetArn": arn, "maxReceiveCount": receives });
            let settings = [
                (QueueAttributeName::VisibilityTimeout, visibility_s.to_string()),
                (QueueAttributeName::RedrivePolicy, redrive.to_string()),
            ];
            let queue = create(&client, &format!("{prefix}-{name}"), &settings).await;
            urls.insert(name, Urls { queue, dead });
        }
        Self { client, urls }
    }

    pub(crate) fn url(&self, name: &str) -> &str {
        &self.urls[name].queue
    }

    pub(crate) async fn receive(&self, name: &str, at_most: usize) -> Vec<Message> {
        let received = self
            .client
            .receive_message()
            .queue_url(self.url(name))
            .max_number_of_messages(at_most as i32)
            .wait_time_seconds(POLL_SECONDS)
            .message_attribute_names("All")
            .send()
            .await;
        match received {
            Ok(received) => received.messages.unwrap_or_default(),
            // The endpoint is busy; ask again.
            Err(_) => {
                tokio::time::sleep(Duration::from_millis(200)).await;
                Vec::new()
            }
        }
    }

    pub(crate) async fn delete(&self, name: &str, message: &Message) {
        let receipt = message.receipt_handle().unwrap_or_default();
        // Whatever is not deleted comes again, which must do no harm.
        let _ = self
            .client
            .delete_message()
            .queue_url(self.url(name))
            .receipt_handle(receipt)
            .send()
            .await;
    }

    /// Sends to the address of a queue; answers the message's id.
    pub(crate) async fn send(
        &self,
        url: &str,
        body: &str,
        traceparent: Option<&str>,
        delay_s: i32,
    ) -> Option<String> {
        let mut request =
            self.client.send_message().queue_url(url).message_body(body).delay_seconds(delay_s);
        if let Some(traceparent) = traceparent {
            let value = MessageAttributeValue::builder()
                .data_type("String")
                .string_value(traceparent)
                .build()
                .unwrap();
            request = request.message_attributes("traceparent", value);
        }
        request.send().await.ok()?.message_id
    }

    /// Messages that wait, are being worked on, or wait for their time.
    pub(crate) async fn waiting(&self, name: &str) -> u64 {
        let attributes = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
            QueueAttributeName::ApproximateNumberOfMessagesDelayed,
        ];
        let mut sum = 0;
        for attribute in attributes {
            let text = self::attribute(&self.client, self.url(name), attribute).await;
            sum += text.parse::<u64>().unwrap_or_default();
        }
        sum
    }

    pub(crate) async fn dead(&self, name: &str) -> u64 {
        let attribute = QueueAttributeName::ApproximateNumberOfMessages;
        let text = self::attribute(&self.client, &self.urls[name].dead, attribute).await;
        text.parse().unwrap_or_default()
    }

    pub(crate) async fn remove(&self) {
        for urls in self.urls.values() {
            for url in [&urls.queue, &urls.dead] {
                // A queue that stays is only untidy.
                let _ = self.client.delete_queue().queue_url(url).send().await;
            }
        }
    }
}

fn client(endpoint: &str) -> Client {
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(CryptoMode::Ring))
        .build_https();
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(http)
        .endpoint_url(endpoint)
        .region(Region::new("eu-west-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "chaos"))
        .retry_config(RetryConfig::standard().with_max_attempts(3))
        .build();
    Client::from_conf(config)
}

async fn create(client: &Client, name: &str, settings: &[(QueueAttributeName, String)]) -> String {
    let mut request = client.create_queue().queue_name(name);
    for (setting, value) in settings {
        request = request.attributes(setting.clone(), value);
    }
    let created = request.send().await.unwrap_or_else(|error| panic!("queue {name}: {error:?}"));
    created.queue_url.expect("a created queue has an address")
}

async fn attribute(client: &Client, url: &str, name: QueueAttributeName) -> String {
    let answer =
        client.get_queue_attributes().queue_url(url).attribute_names(name.clone()).send().await;
    let answer = answer.ok().and_then(|answer| answer.attributes);
    answer.and_then(|mut attributes| attributes.remove(&name)).unwrap_or_default()
}

/// Messages as Lambda hands them to a function.
pub(crate) fn event(messages: &[Message]) -> Value {
    let records: Vec<Value> = messages
        .iter()
        .map(|message| {
            let attributes: serde_json::Map<String, Value> = message
                .message_attributes()
                .into_iter()
                .flatten()
                .map(|(name, value)| {
                    let value = json!({
                        "stringValue": value.string_value(), "dataType": value.data_type(),
                        "stringListValues": [], "binaryListValues": [],
                    });
                    (name.clone(), value)
                })
                .collect();
            json!({
                "messageId": message.message_id(),
                "receiptHandle": message.receipt_handle(),
                "body": message.body(),
                "attributes": {},
                "messageAttributes": attributes,
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:eu-west-1:000000000000:chaos",
                "awsRegion": "eu-west-1",
            })
        })
        .collect();
    json!({ "Records": records })
}
