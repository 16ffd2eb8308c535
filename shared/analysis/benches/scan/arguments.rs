use std::path::PathBuf;

use clap::Parser;

use crate::Work;

/// Measures parsing, rules and everything over code, in processor time.
#[derive(Debug, Parser)]
pub(crate) struct Arguments {
    /// A folder with code, such as an unpacked source distribution of Django; several may be named.
    #[arg(long = "corpus", value_name = "FOLDER")]
    pub(crate) corpora: Vec<PathBuf>,
    /// Bandit's program, to measure beside ours.
    #[arg(long, value_name = "PROGRAM")]
    pub(crate) bandit: Option<PathBuf>,
    /// Ruff's program, for its rules that come from Bandit.
    #[arg(long, value_name = "PROGRAM")]
    pub(crate) ruff: Option<PathBuf>,
    #[arg(long, default_value_t = 5)]
    pub(crate) rounds: usize,
    /// Rounds in which the peers take part: Bandit takes minutes.
    #[arg(long, default_value_t = 5)]
    pub(crate) peer_rounds: usize,

    /// What this process is to do, when the bench starts itself.
    #[arg(long, hide = true)]
    pub(crate) work: Option<Work>,
    #[arg(hide = true)]
    pub(crate) paths: Vec<PathBuf>,
    /// Cargo passes it.
    #[arg(long, hide = true)]
    bench: bool,
}
