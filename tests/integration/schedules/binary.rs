//! The deployed scheduler, by the database's clock.

use std::collections::BTreeSet;

use domain::CatchUp;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tests::{function::Function, queue_server::QueueServer};

use super::Place;

/// Schedules that come due together: more than one look takes.
const SCHEDULES: usize = 130;

impl Place {
    async fn binary(&self, endpoint: &str) -> Function {
        let queue = |name: &str| format!("{endpoint}/000000000000/{name}");
        let settings = [
            ("DATABASE_URL", self.database.functions_url()),
            ("RUNS_QUEUE_URL", queue("runs")),
            ("EMBED_QUEUE_URL", queue("embed")),
            ("SYNC_QUEUE_URL", queue("sync")),
            ("ATTEST_QUEUE_URL", queue("attest")),
            ("NOTIFY_QUEUE_URL", queue("notify")),
            ("AWS_ENDPOINT_URL", endpoint.to_owned()),
            ("GITHUB_API_URL", "https://api.github.com".to_owned()),
            ("RUST_LOG", "error".to_owned()),
        ];
        let settings: Vec<(&str, &str)> =
            settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Function::start("scheduler", &settings).await
    }

    async fn now(&self) -> Timestamp {
        self.sql.query_one("SELECT now()", &[]).await.unwrap().get(0)
    }

    async fn due(&self, count: usize) {
        let made = self.now().await - SignedDuration::from_mins(12);
        for _ in 0..count {
            self.schedule("*/5 * * * *", "Europe/Berlin", CatchUp::Latest, made).await;
        }
    }
}

fn scans(swept: Result<Value, Value>) -> u64 {
    let swept = swept.unwrap();
    swept["scans_started"].as_u64().unwrap_or_else(|| panic!("{swept}"))
}

#[tokio::test]
async fn of_three_schedulers_at_once_one_begins_each_scan_and_the_queue_hears_of_it_once() {
    let place = Place::new().await;
    place.due(SCHEDULES).await;
    let queues = QueueServer::start().await;
    let endpoint = queues.endpoint();
    let one = place.binary(&endpoint).await;
    let (other, third) = (place.binary(&endpoint).await, place.binary(&endpoint).await);
    let answers =
        tokio::join!(one.invoke(json!({})), other.invoke(json!({})), third.invoke(json!({})));
    let begun = [scans(answers.0), scans(answers.1), scans(answers.2)];
    // Schedulers pass over what another holds; what they left to each other is found next time.
    let rest = scans(one.invoke(json!({})).await);
    assert_eq!(begun.iter().sum::<u64>() + rest, SCHEDULES as u64, "{begun:?} and {rest}");

    assert_eq!(place.count("runs").await, SCHEDULES as i64);
    let one_each = "(SELECT FROM runs GROUP BY schedule_id HAVING count(*) = 1) AS each";
    assert_eq!(place.count(one_each).await, SCHEDULES as i64);
    assert_eq!(place.count("scan_schedules WHERE next_run_at > now()").await, SCHEDULES as i64);
    let sent: Vec<String> =
        queues.sent().iter().map(|(_, body)| body["run_id"].as_str().unwrap().to_owned()).collect();
    let different: BTreeSet<&String> = sent.iter().collect();
    assert_eq!((sent.len(), different.len()), (SCHEDULES, SCHEDULES), "each run once");
    assert!(queues.sent().iter().all(|(queue, _)| queue == "runs"));
    assert_eq!(place.count("outbox").await, 0);
}

#[tokio::test]
async fn while_the_queue_is_down_a_slot_is_not_lost() {
    let place = Place::new().await;
    place.due(2).await;
    assert_eq!(scans(place.binary("http://127.0.0.1:1").await.invoke(json!({})).await), 2);
    assert_eq!((place.count("runs").await, place.count("outbox").await), (2, 2));

    place.change("UPDATE outbox SET next_at = now() - interval '1 second'").await;
    let queues = QueueServer::start().await;
    let swept = place.binary(&queues.endpoint()).await.invoke(json!({})).await.unwrap();
    assert_eq!((&swept["messages_sent"], &swept["scans_started"]), (&json!(2), &json!(0)));
    assert_eq!((queues.sent().len(), place.count("outbox").await), (2, 0));
}

#[tokio::test]
async fn by_the_databases_clock_only_what_has_come_is_begun() {
    let place = Place::new().await;
    let future = place.schedule("@yearly", "UTC", CatchUp::Latest, place.now().await).await;
    place.due(1).await;
    let queues = QueueServer::start().await;
    let scheduler = place.binary(&queues.endpoint()).await;
    assert_eq!(scans(scheduler.invoke(json!({})).await), 1);
    let come = "runs WHERE (input ->> 'fire_at')::timestamptz
                BETWEEN created_at - interval '5 minutes' AND created_at";
    assert_eq!(place.count(come).await, 1, "the newest of the slots that have come");
    assert_eq!(place.stored(future).await.last_run_at, None);
}
