//! `cargo local redrive` on the deployed stack: nothing is lost, and nothing foreign is touched.

use std::{path::PathBuf, process::Output, time::Duration};

use aws_sdk_sqs::{
    Client,
    config::{BehaviorVersion, Credentials, Region},
};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use serde_json::{Value, json};
use tokio::process::Command;
use uuid::Uuid;

const PATIENCE: Duration = Duration::from_secs(300);

struct DeadLetters {
    sqs: Client,
    /// Those of the attest queue.
    url: String,
    state: PathBuf,
}

impl DeadLetters {
    fn open() -> Self {
        #[expect(clippy::disallowed_methods, reason = "tests have no settings of their own")]
        let path = std::env::var("ASSAY_STACK")
            .expect("ASSAY_STACK is not set: run `cargo local test`, or `cargo local up` and name .local/state.json");
        let text = std::fs::read_to_string(&path).unwrap();
        let state: Value = serde_json::from_str(&text).unwrap();
        let url = state["stack"]["outputs"]["AttestDlqUrl"].as_str().unwrap().to_owned();
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_https();
        let config = aws_sdk_sqs::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .endpoint_url(state["endpoint"]["url"].as_str().unwrap())
            .credentials_provider(Credentials::new("test", "test", None, None, "the local stack"))
            .http_client(http)
            .build();
        Self { sqs: Client::from_conf(config), url, state: path.into() }
    }

    async fn put(&self, body: &str) -> String {
        let sent = self.sqs.send_message().queue_url(&self.url).message_body(body).send();
        sent.await.unwrap().message_id.unwrap()
    }

    /// Deletes one message, whatever else lies there.
    async fn remove(&self, id: &str) {
        let received = self.sqs.receive_message().queue_url(&self.url).max_number_of_messages(10);
        let received = received.visibility_timeout(1).send().await.unwrap();
        let message = received.messages().iter().find(|message| message.message_id() == Some(id));
        let handle = message.and_then(|message| message.receipt_handle()).unwrap();
        let deleted = self.sqs.delete_message().queue_url(&self.url).receipt_handle(handle);
        deleted.send().await.unwrap();
    }

    /// The program behind `cargo local`.
    async fn redrive(&self, arguments: &[&str]) -> String {
        let test = std::env::current_exe().unwrap();
        let binary = test.parent().and_then(|deps| deps.parent()).unwrap().join("local");
        assert!(self.state.exists());
        let child = Command::new(binary).arg("redrive").args(arguments).output();
        let output: Output = tokio::time::timeout(PATIENCE, child).await.unwrap().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        text
    }
}

#[tokio::test]
async fn what_was_given_up_is_shown_moved_back_and_what_is_foreign_stays() {
    let letters = DeadLetters::open();
    let run = Uuid::now_v7();
    // Of a run that does not exist: the attestor finds nothing to do and drops it.
    let ours = json!({ "type": "attest_requested", "org_id": Uuid::now_v7(), "run_id": run });
    letters.put(&ours.to_string()).await;
    let foreign = letters.put("a postcard").await;
    // What is as old as the call itself may be what the call has sent.
    tokio::time::sleep(Duration::from_millis(50)).await;

    let dry = letters.redrive(&["attest", "--dry-run"]).await;
    assert!(dry.contains(&run.to_string()) && dry.contains("its run is gone"), "{dry}");
    assert!(dry.contains(&foreign) && dry.contains("left where it is"), "{dry}");
    assert!(dry.contains("nothing was moved"), "{dry}");

    let moved = letters.redrive(&["attest"]).await;
    assert!(moved.contains(&run.to_string()) && moved.contains("1 moved"), "{moved}");
    let after = letters.redrive(&["attest", "--dry-run"]).await;
    assert!(!after.contains(&run.to_string()) && after.contains(&foreign), "{after}");
    letters.remove(&foreign).await;
}
