use std::{path::PathBuf, str::FromStr};

use clap::Parser;

/// The fault suite. `cargo local chaos` starts what it needs and fills the paths in.
#[derive(Debug, Parser)]
#[command(name = "chaos")]
pub(crate) struct Arguments {
    /// Webhooks in each trial; as many runs must come of them.
    #[arg(long, default_value_t = 60)]
    pub(crate) runs: usize,
    /// A seed, or several: `7`, `1..10` (both ends count).
    #[arg(long, default_value = "1")]
    pub(crate) seed: Seeds,
    /// Breaks one rule on purpose and wants to see red.
    #[arg(long, conflicts_with = "controls")]
    pub(crate) control: Vec<String>,
    /// Breaks every rule in turn, each beside the same trial with the rule kept.
    #[arg(long)]
    pub(crate) controls: bool,
    /// Only the trials with a broken rule, without their counterparts.
    #[arg(long)]
    pub(crate) without_counterparts: bool,
    /// Pulls the plug during this many concurrent webhooks, and nothing else.
    #[arg(long, value_name = "WEBHOOKS")]
    pub(crate) unplug: Option<usize>,

    /// The AWS endpoint with the real queues.
    #[arg(long, hide = true)]
    pub(crate) endpoint: String,
    /// The folder with `pg_ctl`.
    #[arg(long, hide = true)]
    pub(crate) postgres_bin: PathBuf,
    /// The folder of a Postgres cluster that may be crashed.
    #[arg(long, hide = true)]
    pub(crate) postgres_data: PathBuf,
    #[arg(long, hide = true)]
    pub(crate) postgres_port: u16,
    /// The functions, built with their feature `faults`.
    #[arg(long, hide = true)]
    pub(crate) functions: PathBuf,
    /// Where each trial leaves its logs.
    #[arg(long, hide = true)]
    pub(crate) logs: PathBuf,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Seeds {
    first: u64,
    last: u64,
}

impl Seeds {
    pub(crate) fn all(self) -> impl Iterator<Item = u64> {
        self.first..=self.last
    }
}

impl FromStr for Seeds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (first, last) = text.split_once("..").unwrap_or((text, text));
        let number = |text: &str| {
            let text = text.trim_start_matches('=');
            text.parse().map_err(|_| format!("`{text}` is no seed: write 7 or 1..10"))
        };
        let (first, last) = (number(first)?, number(last)?);
        if first > last {
            return Err(format!("there is no seed from {first} to {last}"));
        }
        Ok(Self { first, last })
    }
}
