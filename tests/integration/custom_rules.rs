//! Rules of a customer, from the API and the command line to the findings of real runs: a real
//! git server, the real orchestrator, a real Postgres.

mod keeping;
mod program;
mod running;
mod trying;
