//! What a trial must leave behind, whatever happened: read from the tables when all is settled.

use std::collections::{BTreeMap, BTreeSet};

use domain::RunKind;
use tokio_postgres::Client;

use crate::{
    load::{Delivery, Expected},
    world::World,
};

/// A sentence for each rule that the history breaks.
pub(crate) type Violations = Vec<String>;

/// Of so many healthy runs one may be given up: five workers in a row can die on it by chance.
const GIVEN_UP_OF: usize = 20;

/// Statements that count what must not be there, and what it would mean; `{steps}` is how many an
/// analysis has.
const NEVER: &[(&str, &str)] = &[
    (
        "SELECT count(*) FROM runs WHERE status IN ('queued', 'running', 'waiting')",
        "runs that never ended",
    ),
    ("SELECT count(*) FROM outbox", "messages left in the outbox"),
    (
        "SELECT count(*) FROM chaos.claims WHERE from_the_living",
        "leases taken from the living",
    ),
    ("SELECT count(*) FROM chaos.cuts", "leases cut short"),
    (
        "SELECT count(*) FROM chaos.claims WHERE token <= before",
        "claims whose token did not grow",
    ),
    (
        "SELECT count(*) FROM chaos.steps WHERE token IS DISTINCT FROM current",
        "steps committed under a lease that was lost",
    ),
    (
        "SELECT count(*) FROM (SELECT token, lag(token) OVER (PARTITION BY run_id ORDER BY at) AS last
                               FROM chaos.steps) s WHERE last > token",
        "steps of an older lease after those of a newer one",
    ),
    (
        "SELECT count(*) FROM (SELECT 1 FROM chaos.steps GROUP BY run_id, step_id
                               HAVING count(*) > 1) s",
        "steps that were done twice",
    ),
    (
        "SELECT count(*) FROM runs r WHERE r.kind = 'analysis' AND r.status = 'succeeded' AND {steps} <> (
             SELECT count(*) FROM run_steps s WHERE s.run_id = r.id AND s.status = 'succeeded')",
        "analyses that succeeded without all their steps",
    ),
    (
        "SELECT count(*) FROM (SELECT 1 FROM analyses WHERE run_id IS NOT NULL
                               GROUP BY run_id HAVING count(*) > 1) a",
        "runs with more than one analysis",
    ),
    (
        "SELECT count(*) FROM analyses a WHERE a.status <> 'failed' AND NOT EXISTS (
             SELECT FROM run_steps s WHERE s.run_id = a.run_id AND s.step_id = 'fetch')",
        "analyses without the step that makes them",
    ),
    (
        "SELECT count(*) FROM run_steps s WHERE s.step_id = 'fetch' AND s.status = 'succeeded'
             AND EXISTS (SELECT FROM runs r WHERE r.id = s.run_id AND r.kind = 'analysis')
             AND NOT EXISTS (SELECT FROM analyses a WHERE a.run_id = s.run_id)",
        "fetch steps without their analysis",
    ),
    (
        "SELECT count(*) FROM analyses a JOIN runs r ON r.id = a.run_id AND r.kind = 'analysis'
         WHERE EXISTS (SELECT FROM findings f WHERE f.analysis_id = a.id)
           AND NOT EXISTS (
             SELECT FROM run_steps s WHERE s.run_id = a.run_id AND s.step_id = 'security')",
        "findings without the step that makes them",
    ),
    (
        "SELECT count(*) FROM run_steps s JOIN analyses a ON a.run_id = s.run_id
         WHERE s.step_id = 'security' AND s.status = 'succeeded'
           AND (s.output ->> 'findings')::integer IS DISTINCT FROM (
             SELECT count(*) FROM findings f WHERE f.analysis_id = a.id)",
        "security steps whose findings are not there",
    ),
    // Rows of one transaction carry its number.
    (
        "SELECT count(*) FROM findings f JOIN analyses a ON a.id = f.analysis_id
         JOIN run_steps s ON s.run_id = a.run_id AND s.step_id = 'security'
         WHERE f.xmin <> s.xmin",
        "findings committed apart from their step",
    ),
    (
        "SELECT count(*) FROM project_manifests m JOIN run_steps s
             ON s.step_id = 'manifest' AND s.output ->> 'manifest_id' = m.id::text
            AND (s.output ->> 'changed')::boolean
         WHERE m.xmin <> s.xmin",
        "manifests committed apart from their step",
    ),
    (
        "SELECT count(*) FROM (SELECT 1 FROM project_manifests GROUP BY repository_id
                               HAVING count(*) <> max(version)) m",
        "repositories whose manifests have gaps",
    ),
    (
        "SELECT count(*) FROM project_manifests m WHERE NOT EXISTS (
             SELECT FROM run_steps s WHERE s.step_id = 'manifest' AND s.status = 'succeeded'
                AND s.output ->> 'hash' = m.hash)",
        "manifests without the step that makes them",
    ),
    (
        "SELECT count(*) FROM runs WHERE kind = 'repository_sync' AND status <> 'succeeded'
             AND error_code IS DISTINCT FROM 'max_attempts_exceeded'",
        "syncs that did not succeed",
    ),
    ("SELECT count(*) FROM approvals WHERE status = 'pending'", "questions left open"),
    (
        "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()",
        "deadlocks: two of our own transactions waited for each other",
    ),
    (
        "SELECT count(*) FROM (SELECT 1 FROM artifacts GROUP BY project_id, kind, logical_key
                               HAVING count(*) <> max(version)) a",
        "artifacts whose versions have gaps",
    ),
];

/// Reads the history and says what is wrong with it.
pub(crate) async fn check(world: &World, deliveries: &[Delivery]) -> Violations {
    let Some(sql) = world.sql().await else {
        return vec!["Postgres is down".to_owned()];
    };
    let mut violations = Violations::new();
    let steps = RunKind::Analysis.steps().len().to_string();
    for (query, meaning) in NEVER {
        let query = query.replace("{steps}", &steps);
        let count: i64 = sql.query_one(&query, &[]).await.unwrap().get(0);
        if count > 0 {
            violations.push(format!("{count} {meaning}"));
        }
    }
    violations.extend(world.cluster.deadlocks(world.database.name()));
    violations.extend(check_deliveries(world, &sql, deliveries).await);
    violations.extend(check_findings(&sql).await);
    violations.extend(check_messages(world, &sql).await);
    violations.extend(crate::merges::check(world, &sql).await);
    violations.extend(crate::scans::check(world, &sql).await);
    for name in crate::queues::NAMES {
        let waiting = world.queues.waiting(name).await;
        if waiting > 0 {
            violations.push(format!("{waiting} messages still in the queue {name}"));
        }
    }
    if world.trial.answers_in_time {
        let late = world.tally.get("invocations timed out");
        if late > 0 {
            violations.push(format!("{late} invocations hung until their time was over"));
        }
    }
    violations
}

/// How a run is in the table.
struct Ran {
    id: String,
    status: String,
    error_code: Option<String>,
}

/// Each 2xx is in the table and is exactly one run, which ended as it had to.
async fn check_deliveries(world: &World, sql: &Client, deliveries: &[Delivery]) -> Violations {
    let mut violations = Violations::new();
    let taken = world.taken.0.lock().unwrap().clone();
    let rows =
        sql.query("SELECT delivery_id, run_id::text FROM webhook_deliveries", &[]).await.unwrap();
    let stored: BTreeMap<String, Option<String>> =
        rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let rows = sql
        .query(
            "SELECT idempotency_key, id::text, status, error_code FROM runs
             WHERE kind = 'analysis'",
            &[],
        )
        .await
        .unwrap();
    let mut runs: BTreeMap<String, Vec<Ran>> = BTreeMap::new();
    for row in &rows {
        let key: String = row.get(0);
        let id = key.strip_prefix("github:").unwrap_or(&key).to_owned();
        let ran = Ran { id: row.get(1), status: row.get(2), error_code: row.get(3) };
        runs.entry(id).or_default().push(ran);
    }

    let mut given_up = 0;
    for delivery in deliveries {
        let id = &delivery.id;
        let Some(named) = taken.get(id) else {
            violations.push(format!("delivery {id} was never taken"));
            continue;
        };
        match stored.get(id) {
            Some(Some(run)) if run == named => {}
            Some(run) => violations.push(format!("delivery {id} names {named}, its row {run:?}")),
            None => violations.push(format!("delivery {id} was taken and is not in the table")),
        }
        match runs.get(id).map(Vec::as_slice) {
            Some([ran]) if ran.id == *named => match ending(delivery.expected, ran) {
                Ok(()) => {}
                Err(_) if ran.error_code.as_deref() == Some("max_attempts_exceeded") => {
                    given_up += 1
                }
                Err(wrong) => violations.push(format!("run {} of delivery {id} {wrong}", ran.id)),
            },
            other => {
                let count = other.map_or(0, <[Ran]>::len);
                violations.push(format!("delivery {id} was taken and is {count} runs"));
            }
        }
    }
    let most = deliveries.len() / GIVEN_UP_OF;
    if given_up > most {
        violations.push(format!("{given_up} healthy runs were given up, more than {most}"));
    }
    let known: BTreeSet<&String> = deliveries.iter().map(|delivery| &delivery.id).collect();
    for id in runs.keys().filter(|id| !known.contains(id)) {
        violations.push(format!("a run came of nothing: {id}"));
    }
    violations
}

fn ending(expected: Expected, ran: &Ran) -> Result<(), String> {
    let right = match expected {
        Expected::Succeeds => ran.status == "succeeded",
        Expected::Fails(code) => ran.status == "failed" && ran.error_code.as_deref() == Some(code),
    };
    if right {
        return Ok(());
    }
    Err(format!("is {} ({:?}) and had to be {expected:?}", ran.status, ran.error_code))
}

/// The changes are alike, so their findings are as many, and there are some.
async fn check_findings(sql: &Client) -> Violations {
    let query = "SELECT DISTINCT (SELECT count(*) FROM findings f WHERE f.analysis_id = a.id)
                 FROM analyses a JOIN runs r ON r.id = a.run_id
                 WHERE r.status = 'succeeded' AND r.kind = 'analysis'";
    let counts: Vec<i64> =
        sql.query(query, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    match counts.as_slice() {
        [] => Vec::new(),
        [count] if *count >= 1 => Vec::new(),
        _ => vec![format!("analyses of the same flaws found {counts:?}")],
    }
}

/// Whatever follows a verdict was asked for, at least once.
async fn check_messages(world: &World, sql: &Client) -> Violations {
    let query = "SELECT id::text, status FROM runs WHERE kind = 'analysis'";
    let told = world.told.lock().unwrap().clone();
    let mut missing: BTreeMap<&str, u32> = BTreeMap::new();
    for row in sql.query(query, &[]).await.unwrap() {
        let (run, status): (String, String) = (row.get(0), row.get(1));
        let wanted: &[&str] = match status.as_str() {
            "succeeded" => &["embed", "attest", "notify"],
            "failed" => &["notify"],
            _ => &[],
        };
        for queue in wanted.iter().filter(|queue| !told.contains(&(**queue, run.clone()))) {
            *missing.entry(queue).or_default() += 1;
        }
    }
    missing
        .iter()
        .map(|(queue, count)| format!("{count} messages never came to the queue {queue}"))
        .collect()
}
