//! Between the functions and the queues: takes SendMessage in SQS' JSON protocol, passes it on to
//! the real queue, and now and then does something else.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    queues::Queues,
    tally::Tally,
    trial::{RelayFaults, dice},
};

/// Longer than any sender waits.
const SILENCE: Duration = Duration::from_secs(4);
/// A message that is told to wait longer waits only this long, since time is short here; but never
/// less than the run that it wakes (`chaos.hurry`): a message that comes too soon is in vain.
const DELAY_MAX_S: i32 = 3;
/// How much later than others a late message is seen, at most.
const LATE_MAX_S: i32 = 4;

pub(crate) struct Relay {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    queues: Queues,
    faults: Mutex<RelayFaults>,
    dice: Mutex<fastrand::Rng>,
    tally: Arc<Tally>,
}

impl Relay {
    pub(crate) async fn start(
        queues: Queues,
        seed: u64,
        faults: RelayFaults,
        tally: Arc<Tally>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let dice = Mutex::new(dice(seed, "relay"));
        let shared = Arc::new(Shared { queues, faults: Mutex::new(faults), dice, tally });
        let router = Router::new().fallback(take).with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, shared }
    }

    /// For `AWS_ENDPOINT_URL`.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on every message goes through.
    pub(crate) fn calm(&self) {
        *self.shared.faults.lock().unwrap() = RelayFaults::default();
    }
}

/// What happens to a message.
struct Fate {
    refuse: bool,
    swallow: bool,
    duplicate: bool,
    late_s: Option<i32>,
}

impl Shared {
    fn fate(&self) -> Fate {
        let faults = *self.faults.lock().unwrap();
        let mut dice = self.dice.lock().unwrap();
        let fate = Fate {
            refuse: dice.f64() < faults.refuse,
            swallow: dice.f64() < faults.swallow,
            duplicate: dice.f64() < faults.duplicate,
            late_s: (dice.f64() < faults.late).then(|| dice.i32(1..=LATE_MAX_S)),
        };
        let happened = [
            (fate.refuse, "sends refused"),
            (fate.swallow && !fate.refuse, "send replies lost"),
            (fate.duplicate && !fate.refuse, "messages duplicated"),
            (fate.late_s.is_some() && !fate.refuse, "messages late"),
        ];
        for (_, what) in happened.iter().filter(|(happened, _)| *happened) {
            self.tally.add(what);
        }
        fate
    }
}

async fn take(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, Json<Value>) {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    if target != Some("AmazonSQS.SendMessage") {
        shared.tally.add("unexpected calls");
        return refused();
    }
    let fate = shared.fate();
    if fate.refuse {
        return refused();
    }
    let request: Value = serde_json::from_slice(&body).unwrap();
    let url = request["QueueUrl"].as_str().unwrap_or_default();
    let text = request["MessageBody"].as_str().unwrap_or_default();
    let traceparent = request["MessageAttributes"]["traceparent"]["StringValue"].as_str();
    let wanted = request["DelaySeconds"].as_i64().unwrap_or_default();
    let delay = fate.late_s.unwrap_or(DELAY_MAX_S.min(wanted as i32));
    if fate.duplicate {
        shared.queues.send(url, text, traceparent, delay + LATE_MAX_S / 2).await;
    }
    let Some(id) = shared.queues.send(url, text, traceparent, delay).await else {
        return refused();
    };
    if fate.swallow {
        tokio::time::sleep(SILENCE).await;
    }
    (StatusCode::OK, Json(json!({ "MessageId": id })))
}

/// An error that senders do not try again by themselves.
fn refused() -> (StatusCode, Json<Value>) {
    let error = json!({ "__type": "com.amazonaws.sqs#InvalidMessageContents", "message": "no" });
    (StatusCode::BAD_REQUEST, Json(error))
}
