//! What is kept stays small: by age, by number, by size.

use domain::OrgId;
use store::file_results::{self, Key, RESULT_BYTES_MAX, UNUSED_DAYS_MAX};
use tests::{TestDatabase, function::Function};
use tokio_postgres::Client;

/// As many results as one of the 256 parts of an organisation's may have.
const PART_MAX: i64 = 1_000;

struct Place {
    database: TestDatabase,
    sql: Client,
    org: OrgId,
}

impl Place {
    async fn new() -> Self {
        let database = TestDatabase::create().await;
        let org = database.organization("acme").await;
        let sql = database.sql().await;
        Self { database, sql, org }
    }

    async fn keep(&self, results: Vec<(Key, &[u8])>) {
        let mut session = self.database.functions().session().await.unwrap();
        let tx = session.begin(self.org).await.unwrap();
        file_results::keep(&tx, self.org, results).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// As if results had been used so many days ago.
    async fn age(&self, keys: &str, days: i32) -> u64 {
        let sql =
            format!("UPDATE file_results SET used_on = current_date - $1::integer WHERE {keys}");
        self.sql.execute(&sql, &[&days]).await.unwrap()
    }

    async fn count(&self, which: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM file_results WHERE {which}");
        self.sql.query_one(&sql, &[]).await.unwrap().get(0)
    }
}

fn key(part: u8, number: u8) -> Key {
    let mut key = [0; 32];
    (key[0], key[31]) = (part, number);
    key
}

#[tokio::test]
async fn of_too_many_the_longest_unused_are_forgotten_by_whoever_adds_to_them() {
    let place = Place::new().await;
    // One part is full, and another organisation's is beyond that.
    let other = place.database.organization("other").await;
    let fill = "INSERT INTO file_results (org_id, key, result, used_on)
                SELECT $1, decode(lpad(to_hex(n), 62, '0'), 'hex'), 'x', current_date - n % 20
                FROM generate_series(1, $2::integer) AS n";
    let fill = fill.replace("decode(", "'\\x07'::bytea || decode(");
    for (org, count) in [(place.org, 1_000), (other, 1_200)] {
        place.sql.execute(&fill, &[org.as_uuid(), &count]).await.unwrap();
    }
    let ours = format!("org_id = '{}'", place.org);
    place.keep(vec![(key(8, 1), b"x")]).await;
    assert_eq!(place.count(&ours).await, PART_MAX + 1, "another part is not looked at");

    let new: Vec<(Key, &[u8])> = (0..7).map(|n| (key(7, 200 + n), &b"new"[..])).collect();
    // Numbers count up to 1,000 in the last two bytes, so that these are none of them.
    let new: Vec<(Key, &[u8])> = new
        .into_iter()
        .map(|(mut key, result)| {
            key[1] = 1;
            (key, result)
        })
        .collect();
    place.keep(new).await;
    assert_eq!(place.count(&ours).await, PART_MAX + 1);
    assert_eq!(place.count(&format!("{ours} AND result = 'new'")).await, 7);
    let oldest = "used_on = current_date - 19";
    assert_eq!(place.count(&format!("{ours} AND {oldest}")).await, 50 - 7);
    assert_eq!(place.count(&format!("NOT {ours}")).await, 1_200);
}

#[tokio::test]
async fn what_nobody_asked_for_in_a_month_is_swept_away() {
    let place = Place::new().await;
    let other = place.database.organization("other").await;
    place.keep((0..5).map(|n| (key(n, n), &b"x"[..])).collect()).await;
    let copy = "INSERT INTO file_results SELECT $1, key, result, used_on FROM file_results";
    place.sql.execute(copy, &[other.as_uuid()]).await.unwrap();
    assert_eq!(place.age("key < '\\x02'", UNUSED_DAYS_MAX + 1).await, 4);
    assert_eq!(place.age("key >= '\\x02' AND key < '\\x03'", UNUSED_DAYS_MAX).await, 2);

    let queues = tests::queue_server::QueueServer::start().await;
    let queue = |name: &str| queues.url(name);
    let settings = [
        ("DATABASE_URL", place.database.functions_url()),
        ("RUNS_QUEUE_URL", queue("runs")),
        ("EMBED_QUEUE_URL", queue("embed")),
        ("SYNC_QUEUE_URL", queue("sync")),
        ("ATTEST_QUEUE_URL", queue("attest")),
        ("NOTIFY_QUEUE_URL", queue("notify")),
        ("AWS_ENDPOINT_URL", queues.endpoint()),
        ("GITHUB_API_URL", "https://api.github.com".to_owned()),
        ("RUST_LOG", "error".to_owned()),
    ];
    let settings: Vec<(&str, &str)> =
        settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let scheduler = Function::start("scheduler", &settings).await;
    let swept = scheduler.invoke(serde_json::json!({})).await.unwrap();
    assert_eq!(swept["results_forgotten"], 4, "{swept}");
    assert_eq!(place.count("key < '\\x02'").await, 0);
    assert_eq!(place.count("true").await, 6);
}

#[tokio::test]
async fn a_use_is_noted_once_a_week() {
    let place = Place::new().await;
    place.keep(vec![(key(1, 1), b"x"), (key(2, 2), b"x")]).await;
    place.age("key < '\\x02'", 7).await;
    place.age("key >= '\\x02'", 6).await;
    let mut session = place.database.functions().session().await.unwrap();
    let tx = session.begin(place.org).await.unwrap();
    let keys = [key(1, 1), key(2, 2), key(3, 3)];
    let mut found = file_results::list(&tx, place.org, &keys).await.unwrap();
    found.sort_by_key(|kept| kept.key);
    assert_eq!(found.iter().map(|kept| kept.fades).collect::<Vec<_>>(), [true, false]);
    file_results::note_use(&tx, place.org, &[key(1, 1)]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(place.count("used_on = current_date").await, 1);
}

#[tokio::test]
async fn what_is_too_large_is_not_kept_and_what_is_kept_twice_is_kept_once() {
    let place = Place::new().await;
    let (large, full) = (vec![b'x'; RESULT_BYTES_MAX + 1], vec![b'x'; RESULT_BYTES_MAX]);
    place.keep(vec![(key(1, 1), &large), (key(2, 2), &full), (key(2, 2), &full)]).await;
    assert_eq!(place.count("true").await, 1);
    place.age("true", 5).await;
    // The same again is no write.
    place.keep(vec![(key(2, 2), &full)]).await;
    assert_eq!(place.count("used_on < current_date").await, 1);
    place.keep(vec![(key(2, 2), b"other")]).await;
    assert_eq!(place.count("used_on = current_date AND result = 'other'").await, 1);
}

#[tokio::test]
async fn writers_of_the_same_results_in_any_order_do_not_lock_each_other_out() {
    let place = Place::new().await;
    let keys: Vec<Key> = (0..=255).map(|n| key(n, n)).collect();
    let rounds = (0..6).map(async |round: usize| {
        let database = place.database.functions();
        let mut session = database.session().await.unwrap();
        for turn in 0..10 {
            let mut mine = keys.clone();
            mine.rotate_left(round * 40 + turn);
            let text = format!("{round} {turn}");
            let tx = session.begin(place.org).await.unwrap();
            let results = mine.iter().map(|key| (*key, text.as_bytes())).collect();
            file_results::keep(&tx, place.org, results).await.unwrap();
            file_results::note_use(&tx, place.org, &mine).await.unwrap();
            tx.commit().await.unwrap();
        }
    });
    futures_util::future::join_all(rounds).await;
    assert_eq!(place.count("true").await, 256);
}
