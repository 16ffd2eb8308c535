//! Scans of a whole branch, which fan out into child runs and join what these found.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::json;
use tokio_postgres::Client;

use crate::{api::call, history::Violations, instance::Slot, load::SHARDS, world::World};

/// A pause before a scan that was not accepted is asked for again.
const PAUSE: Duration = Duration::from_millis(300);

/// Scans that were accepted.
#[derive(Debug, Default)]
pub(crate) struct Accepted(AtomicUsize);

/// Asks for the scan of each branch until it is accepted.
pub(crate) async fn pursue(world: Arc<World>, until: Instant) {
    let mut person = Slot::new(&world.nursery, "api");
    for number in 0..world.trial.load.scans {
        let wanted = json!({ "repository_id": world.shop, "branch": format!("scan-{number}") });
        while Instant::now() < until {
            let answer = call(&world, &mut person, "/v1/scans", &wanted).await;
            if answer.is_some_and(|(status, _)| status == 202) {
                world.scans.0.fetch_add(1, Ordering::Relaxed);
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
    person.retire().await;
}

/// Scans that nobody has accepted yet.
pub(crate) fn open(world: &World) -> u64 {
    (world.trial.load.scans - world.scans.0.load(Ordering::Relaxed)) as u64
}

/// Statements that count what must not be there, and what it would mean; `$1` is how many shards
/// a scan has.
const NEVER: &[(&str, &str)] = &[
    (
        "SELECT count(*) FROM runs r WHERE r.kind = 'codebase_scan' AND r.status <> 'succeeded'
             AND r.error_code IS DISTINCT FROM 'max_attempts_exceeded' AND $1::bigint > 0
             AND NOT EXISTS (SELECT FROM runs c WHERE c.parent_run_id = r.id
                                AND c.error_code = 'max_attempts_exceeded')",
        "scans that did not succeed",
    ),
    (
        "SELECT count(*) FROM runs r WHERE r.kind = 'codebase_scan' AND r.status = 'succeeded'
             AND $1 <> (SELECT count(*) FROM runs c
                        WHERE c.parent_run_id = r.id AND c.status = 'succeeded')",
        "scans whose shards are not all there, once each",
    ),
    (
        "SELECT count(*) FROM runs r WHERE r.kind = 'codebase_scan' AND r.status = 'succeeded'
             AND $1::bigint > 0
             AND (1 <> (SELECT count(*) FROM artifacts a WHERE a.run_id = r.id)
                  OR 1 <> (SELECT count(*) FROM codebase_scans s
                           WHERE s.run_id = r.id AND s.status = 'completed'))",
        "scans without exactly one report",
    ),
    (
        "SELECT count(*) FROM artifacts a JOIN run_steps s
             ON s.run_id = a.run_id AND s.step_id = 'report'
         WHERE a.xmin <> s.xmin AND $1::bigint > 0",
        "reports committed apart from their step",
    ),
    (
        "SELECT count(*) FROM findings f JOIN analyses a ON a.id = f.analysis_id
         JOIN runs r ON r.id = a.run_id AND r.kind = 'codebase_scan'
         WHERE $1::bigint > 0 AND NOT EXISTS (
             SELECT FROM run_steps s JOIN runs c ON c.id = s.run_id
             WHERE c.parent_run_id = r.id AND s.step_id = 'scan' AND s.xmin = f.xmin)",
        "findings committed apart from their shard",
    ),
];

pub(crate) async fn check(world: &World, sql: &Client) -> Violations {
    let mut violations = Violations::new();
    let shards = i64::try_from(SHARDS).expect("there are few");
    for (query, meaning) in NEVER {
        let count: i64 = sql.query_one(*query, &[&shards]).await.unwrap().get(0);
        if count > 0 {
            violations.push(format!("{count} {meaning}"));
        }
    }
    let query = "SELECT count(*), count(DISTINCT (SELECT count(*) FROM findings f
                     JOIN analyses a ON a.id = f.analysis_id WHERE a.run_id = r.id))
                         FILTER (WHERE r.status = 'succeeded')
                 FROM runs r WHERE r.kind = 'codebase_scan'";
    let row = sql.query_one(query, &[]).await.unwrap();
    let (count, kinds): (i64, i64) = (row.get(0), row.get(1));
    if count != world.trial.load.scans as i64 {
        violations.push(format!("{} scans became {count} runs", world.trial.load.scans));
    }
    if kinds > 1 {
        violations.push("scans of the same flaws found different numbers of them".to_owned());
    }
    violations
}
