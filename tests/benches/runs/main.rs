//! Durable steps a second, beside what the same Postgres can do at all and beside DBOS.
//!
//! A workflow is five steps. Ours is asked for in one transaction with its outbox row (as a
//! webhook does), claimed, and worked through by the crate `engine`; each worker has a thread and
//! one connection, as a function has in Lambda. DBOS runs as it comes, in a process of its own.
//! Every round measures pgbench (one-row inserts, one commit each, prepared), DBOS, DBOS with
//! steps that insert a row and a message themselves (committed on their own: it has no step in a
//! transaction), ours with steps that only leave an output, and ours with steps that also insert a row (of
//! webhook_deliveries, with its foreign keys and row-level security) and an outbox row in the
//! same transaction. Only ratios within a round say anything on a shared machine; medians and
//! ranges over the rounds are printed.
//!
//! Settings: `BENCH_DATABASE_URL` (a superuser's, else TEST_DATABASE_URL) names a server that
//! syncs and that nobody else uses meanwhile; `PGBENCH` the program, if it is not on PATH;
//! `BENCH_ROUNDS` and `BENCH_SECONDS` (a cell) are 5 and 3. DBOS is built once by
//! `cargo build --release --manifest-path tests/peers/dbos/Cargo.toml`.
//! Run it on an idle machine: `cargo bench -p tests --bench runs`.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench: panicking and printing are the report"
)]

mod ours;
mod peers;
mod server;
mod table;

use std::time::Duration;

use server::Server;
use table::{Cell, Table};
use tests::five_steps::Steps;

const CONCURRENCIES: [usize; 2] = [1, 8];
const ROUNDS: usize = 5;
const CELL: Duration = Duration::from_secs(3);

/// What each round measures, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Contender {
    Pgbench,
    Dbos,
    DbosWithEffects,
    Pure,
    WithEffects,
}

impl Contender {
    const ALL: [Self; 5] =
        [Self::Pgbench, Self::Dbos, Self::DbosWithEffects, Self::Pure, Self::WithEffects];

    fn name(self) -> &'static str {
        match self {
            Self::Pgbench => "pgbench insert",
            Self::Dbos => "DBOS, five steps",
            Self::DbosWithEffects => "DBOS, effect + message",
            Self::Pure => "ours, five steps",
            Self::WithEffects => "ours, effect + outbox",
        }
    }
}

fn main() {
    let url = setting("BENCH_DATABASE_URL").or_else(|| setting("TEST_DATABASE_URL")).expect(
        "BENCH_DATABASE_URL is not set: name a Postgres with fsync on, as its superuser, such as \
         postgres://postgres@127.0.0.1:5432/postgres",
    );
    let rounds = number("BENCH_ROUNDS").unwrap_or(ROUNDS);
    let cell = number("BENCH_SECONDS").map_or(CELL, |seconds| Duration::from_secs(seconds as u64));
    let mut server = Server::open(&url);
    let pgbench = peers::Pgbench::prepare(&mut server);
    let dbos = peers::Dbos::prepare(&mut server);
    let ours = ours::Ours::prepare(&mut server);

    println!("{}; {rounds} rounds, {} s a cell", server.version(), cell.as_secs());
    println!("nobody sends: ours leaves outbox rows where they are, DBOS has none");
    let mut table = Table::default();
    for round in 1..=rounds {
        for concurrency in CONCURRENCIES {
            for contender in Contender::ALL {
                let mut measured = || match contender {
                    Contender::Pgbench => pgbench.run(&mut server, concurrency, cell),
                    Contender::Dbos => dbos.run(&mut server, Steps::Pure, concurrency, cell),
                    Contender::DbosWithEffects => {
                        dbos.run(&mut server, Steps::WithEffects, concurrency, cell)
                    }
                    Contender::Pure => ours.run(&mut server, Steps::Pure, concurrency, cell),
                    Contender::WithEffects => {
                        ours.run(&mut server, Steps::WithEffects, concurrency, cell)
                    }
                };
                table.add(Cell { round, concurrency, contender, measured: measured() });
            }
        }
        eprintln!("round {round} of {rounds} done");
    }
    for concurrency in CONCURRENCIES {
        table.print(concurrency);
    }
    table.judge();
    for database in [peers::Pgbench::DATABASE, peers::Dbos::DATABASE, ours.database()] {
        server.drop(database);
    }
}

#[expect(clippy::disallowed_methods, reason = "the functions' settings are not a bench's")]
fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

fn number(name: &str) -> Option<usize> {
    let text = setting(name)?;
    let number = text.parse().ok().filter(|number| *number > 0);
    Some(number.unwrap_or_else(|| panic!("{name} is `{text}`: give a whole number above 0")))
}
