//! A queue that confirms whatever it is sent, and remembers it. It knows nothing of receiving.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{Json, Router, body::Bytes, extract::State, http::StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use uuid::Uuid;

pub struct QueueServer {
    address: SocketAddr,
    sent: Sent,
}

/// The name of a queue and the message that it was sent.
type Sent = Arc<Mutex<Vec<(String, Value)>>>;

impl QueueServer {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let sent = Sent::default();
        let router = Router::new().fallback(confirm).with_state(Arc::clone(&sent));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, sent }
    }

    /// For `AWS_ENDPOINT_URL`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn url(&self, queue: &str) -> String {
        format!("http://{}/000000000000/{queue}", self.address)
    }

    /// Everything that was sent so far, in order.
    pub fn sent(&self) -> Vec<(String, Value)> {
        self.sent.lock().unwrap().clone()
    }
}

/// Answers `SendMessage` in SQS' JSON protocol.
async fn confirm(State(sent): State<Sent>, body: Bytes) -> (StatusCode, Json<Value>) {
    let request: Value = serde_json::from_slice(&body).unwrap();
    let (url, message) = (request["QueueUrl"].as_str(), request["MessageBody"].as_str());
    let queue = url.unwrap().rsplit('/').next().unwrap().to_owned();
    let message = serde_json::from_str(message.unwrap()).unwrap();
    sent.lock().unwrap().push((queue, message));
    (StatusCode::OK, Json(json!({ "MessageId": Uuid::now_v7() })))
}
