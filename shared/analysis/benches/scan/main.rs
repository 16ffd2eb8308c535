//! What finding costs: beside parsing alone, with half of the rules, and beside Bandit and Ruff.
//!
//! Every measurement is a process of its own, this program again or a peer, started in turns so
//! that a busy machine disturbs all alike. Counted is processor time, of the whole process.
//!
//! `cargo bench -p analysis --bench scan` measures code that is made the same way each time;
//! `-- --help` says how to name real code and the peers' programs.

mod arguments;
mod child;
mod generated;
mod process;
mod table;

use clap::Parser;

use arguments::Arguments;
use child::Work;

fn main() {
    let arguments = Arguments::parse();
    match &arguments.work {
        Some(work) => child::run(*work, &arguments.paths),
        None => table::run(&arguments),
    }
}
