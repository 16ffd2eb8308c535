//! Runs five-step workflows on DBOS for a while, and tells how fast in one line of JSON:
//! `dbos-peer <database URL> <concurrency> <seconds>`. The database is made if there is none.

use std::{
    error::Error,
    sync::Arc,
    time::{Duration, Instant},
};

use dbos::{Config, DBOS};

const USAGE: &str = "usage: dbos-peer <database URL> <concurrency> <seconds>";
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

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, concurrency, seconds] = arguments.as_slice() else { return Err(USAGE.into()) };
    let concurrency: usize = concurrency.parse().map_err(|_| USAGE)?;
    let time = Duration::try_from_secs_f64(seconds.parse().map_err(|_| USAGE)?)?;

    let config = Config {
        app_version: Some("1".to_owned()),
        max_connections: CONNECTIONS,
        ..Config::new("bench", url)
    };
    let dbos = DBOS::new(config);
    let workflow = dbos.register_workflow("five_steps", five_steps)?;
    dbos.launch().await?;
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
