//! Runs five-step workflows on DBOS for a while, and tells how fast in one line of JSON:
//! `dbos-peer <database URL> <concurrency> <seconds> [effects]`. The database is made if there is
//! none. With `effects` each step inserts a row and a message. DBOS for Rust has no transactional
//! step (README of 0.5.0), so they are committed on their own, and can happen twice.

use std::{
    error::Error,
    sync::Arc,
    time::{Duration, Instant},
};

use dbos::{Config, DBOS};
use sqlx::{PgPool, postgres::PgPoolOptions};

const USAGE: &str = "usage: dbos-peer <database URL> <concurrency> <seconds> [effects]";
const STEPS: u32 = 5;
/// Done before the clock starts, for each that will run at once.
const WARM_UP: usize = 6;
/// More than the bench's concurrency, so that no workflow waits for a connection.
const CONNECTIONS: u32 = 20;

async fn five_steps(steps: u32) -> dbos::Result<u32> {
    let mut sum = 0;
    for number in 0..steps {
        sum += dbos::step("step", move || async move { Ok::<u32, dbos::Error>(number) }).await?;
    }
    Ok(sum)
}

/// The effect and its message, in one statement and so in one commit.
const EFFECT: &str = "WITH effect AS (INSERT INTO effects (step) VALUES ($1))
                      INSERT INTO messages (body) VALUES ($1)";
const TABLES: [&str; 2] = [
    "CREATE TABLE IF NOT EXISTS effects (id bigserial PRIMARY KEY, step text NOT NULL)",
    "CREATE TABLE IF NOT EXISTS messages (id bigserial PRIMARY KEY, body text NOT NULL)",
];

async fn five_steps_with_effects(sql: PgPool, steps: u32) -> dbos::Result<u32> {
    let mut sum = 0;
    for number in 0..steps {
        let sql = sql.clone();
        let step = move || {
            let sql = sql.clone();
            async move {
                let row = sqlx::query(EFFECT).bind(format!("step {number}"));
                row.execute(&sql).await.map_err(|error| dbos::Error::Config(error.to_string()))?;
                Ok::<u32, dbos::Error>(number)
            }
        };
        sum += dbos::step("step", step).await?;
    }
    Ok(sum)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (url, concurrency, seconds, effects) = match arguments.as_slice() {
        [url, concurrency, seconds] => (url, concurrency, seconds, false),
        [url, concurrency, seconds, word] if word == "effects" => (url, concurrency, seconds, true),
        _ => return Err(USAGE.into()),
    };
    let concurrency: usize = concurrency.parse().map_err(|_| USAGE)?;
    let time = Duration::try_from_secs_f64(seconds.parse().map_err(|_| USAGE)?)?;

    let config = Config {
        app_version: Some("1".to_owned()),
        max_connections: CONNECTIONS,
        ..Config::new("bench", url)
    };
    let dbos = DBOS::new(config);
    let pure = dbos.register_workflow("five_steps", five_steps)?;
    // DBOS makes the database when it is launched, so this one connects when it is used.
    let sql = PgPoolOptions::new().max_connections(CONNECTIONS).connect_lazy(url)?;
    let its_sql = sql.clone();
    let with_effects = dbos.register_workflow("five_steps_with_effects", move |steps: u32| {
        five_steps_with_effects(its_sql.clone(), steps)
    })?;
    dbos.launch().await?;
    for table in TABLES {
        sqlx::query(table).execute(&sql).await?;
    }
    let workflow = if effects { with_effects } else { pure };
    let lanes = Arc::new(tokio::sync::Barrier::new(concurrency));
    let workflow = Arc::new(workflow);
    let running: Vec<_> = (0..concurrency)
        .map(|_| {
            let (workflow, lanes) = (Arc::clone(&workflow), Arc::clone(&lanes));
            tokio::spawn(async move {
                for _ in 0..WARM_UP {
                    workflow.run(STEPS).await?;
                }
                lanes.wait().await;
                let began = Instant::now();
                let mut took = Vec::new();
                while began.elapsed() < time {
                    let start = Instant::now();
                    workflow.run(STEPS).await?;
                    took.push(start.elapsed());
                }
                Ok::<_, dbos::Error>((took, began.elapsed()))
            })
        })
        .collect();
    let (mut took, mut elapsed) = (Vec::new(), Duration::ZERO);
    for lane in running {
        let (lane, time) = lane.await??;
        took.extend(lane);
        elapsed = elapsed.max(time);
    }
    dbos.shutdown().await;
    println!("{}", report(took, elapsed, concurrency * WARM_UP));
    Ok(())
}

fn report(mut took: Vec<Duration>, elapsed: Duration, warm_up: usize) -> serde_json::Value {
    took.sort_unstable();
    let at =
        |percent: usize| took.get(took.len() * percent / 100).map(|took| took.as_secs_f64() * 1e3);
    serde_json::json!({
        "workflows": took.len(),
        "warm_up": warm_up,
        "steps_per_second": took.len() as f64 * f64::from(STEPS) / elapsed.as_secs_f64(),
        "p50_ms": at(50),
        "p99_ms": at(99),
    })
}
