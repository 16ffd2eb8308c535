//! How fast a function starts, how much it holds and how large its package is.
//!
//! Takes the binaries that are in `target/lambda/*/bootstrap` (`cargo lambda build --release`),
//! starts each a number of times under a Lambda runtime API of our own, and prints the time from
//! the start of the process to its first poll. Run it on an idle machine:
//! `cargo bench --bench cold_start`.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench: panicking and printing are the report"
)]

use std::{io::Write, path::Path, time::Duration};

use flate2::{Compression, write::DeflateEncoder};
use tests::function::Function;

const STARTS: usize = 30;

/// Enough for every function's `Config`; nothing is contacted before the first event.
const SETTINGS: &[(&str, &str)] = &[
    ("DATABASE_URL", "postgres://assay_app@127.0.0.1:1/assay?sslmode=disable"),
    ("MIGRATOR_DATABASE_URL", "postgres://postgres@127.0.0.1:1/assay?sslmode=disable"),
    ("GITHUB_WEBHOOK_SECRET", "a secret for measuring only"),
    ("GITHUB_API_URL", "https://api.github.com"),
    ("RUNS_QUEUE_URL", "http://127.0.0.1:1/000000000000/runs"),
    ("EMBED_QUEUE_URL", "http://127.0.0.1:1/000000000000/embed"),
    ("SYNC_QUEUE_URL", "http://127.0.0.1:1/000000000000/sync"),
    ("ATTEST_QUEUE_URL", "http://127.0.0.1:1/000000000000/attest"),
    ("NOTIFY_QUEUE_URL", "http://127.0.0.1:1/000000000000/notify"),
    ("OBJECTS_URL", "file:///tmp"),
    ("PUBLIC_URL", "https://assay.example.com"),
    ("RUN_LEASE_SECONDS", "150"),
    (
        "SIGNING_KEY",
        "kms:arn:aws:kms:eu-west-1:000000000000:key/00000000-0000-0000-0000-000000000000",
    ),
    ("RUST_LOG", "error"),
];

#[tokio::main]
async fn main() {
    let lambda = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/lambda");
    let mut names: Vec<String> = std::fs::read_dir(&lambda)
        .expect("no target/lambda: run `cargo lambda build --release` first")
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| lambda.join(name).join("bootstrap").exists())
        .collect();
    names.sort();
    println!("| function | zip MB | first poll, median ms | slowest ms | RSS MB |");
    println!("|---|---:|---:|---:|---:|");
    for name in names {
        let binary = lambda.join(&name).join("bootstrap");
        let (mut times, mut resident) = (Vec::new(), 0);
        for _ in 0..STARTS {
            let function = Function::start_binary(binary.clone(), &name, SETTINGS).await;
            match tokio::time::timeout(Duration::from_secs(5), function.cold_start()).await {
                Ok(time) => times.push(time),
                Err(_) => panic!("{name} never asked for an event; see its log above"),
            }
            resident = resident.max(function.resident_bytes());
            function.kill().await;
        }
        times.sort_unstable();
        println!(
            "| {name} | {:.2} | {:.1} | {:.1} | {:.1} |",
            zipped(&binary) as f64 / 1e6,
            times[STARTS / 2].as_secs_f64() * 1e3,
            times[STARTS - 1].as_secs_f64() * 1e3,
            resident as f64 / 1e6,
        );
    }
}

/// The size of the package: a zip of one deflated file, headers left out.
fn zipped(binary: &Path) -> usize {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&std::fs::read(binary).unwrap()).unwrap();
    encoder.finish().unwrap().len()
}
