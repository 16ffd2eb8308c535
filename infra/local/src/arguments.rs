//! The command line, and the few environment variables that count.

use std::{ffi::OsString, path::PathBuf};

use clap::{Args, Parser, Subcommand};

use crate::{chaos, solver};

/// Run Assay on this machine: the template that AWS gets, on a real Postgres and a local AWS endpoint.
///
/// Everything lives in one ignored folder, `.local/`. Nothing needs Docker.
#[derive(Debug, Parser)]
#[command(name = "cargo local", bin_name = "cargo local", version)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) environment: Environment,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start everything, deploy the template, and print the URLs. Safe to run twice.
    Up,
    /// Deliver a pull request with seeded flaws, and watch it become a signed verdict.
    Demo,
    /// Run everything that CI runs.
    Test,
    /// Run the fault suite: kill, freeze, cut off and crash everything, and look at what is left.
    Chaos {
        #[command(flatten)]
        arguments: chaos::Arguments,
    },
    /// Say what runs and where.
    Status,
    /// Print what the functions logged.
    Logs {
        /// One function, such as `run_orchestrator`; all of them otherwise.
        function: Option<String>,
        /// Keep printing until interrupted.
        #[arg(short, long)]
        follow: bool,
    },
    /// Open psql as the owner of the schema; what follows `--` is handed to it.
    Psql {
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Invoke a function and print its answer.
    Invoke {
        /// A function, such as `scheduler`.
        function: String,
        /// A file with the event; otherwise `tests/fixtures/events/<function>.json`.
        event: Option<PathBuf>,
    },
    /// Put z3 beside the bootstrap of run_orchestrator, before a deployment to AWS.
    Solver {
        /// What the functions are built for.
        #[arg(value_enum, default_value = "arm64")]
        architecture: solver::Architecture,
    },
    /// Look at runs and operate them: list, show, watch, retry, cancel, dead.
    ///
    /// Everything after `runs` is handed to the assay program: see `cargo local runs --help`.
    #[command(disable_help_flag = true)]
    Runs {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Measure what Assay finds against suites that others labelled.
    ///
    /// Everything after `score` is handed to the scorer: see `cargo local score --help`.
    #[command(disable_help_flag = true)]
    Score {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Check and try rules of your own: test, templates.
    ///
    /// Everything after `rules` is handed to the assay program: see `cargo local rules --help`.
    #[command(disable_help_flag = true)]
    Rules {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Move what lies in a dead-letter queue back to the queue that it came from.
    ///
    /// A message is a hint and the run's row is the truth, so a message too many does nothing:
    /// redriving is always safe. What is not one of our messages stays where it is. Each message is
    /// deleted only after the queue has confirmed its copy.
    #[command(after_long_help = "\
Examples:
  How many messages were given up, by queue:
    cargo local redrive

  Which ones, and what will come of moving them:
    cargo local redrive attest --dry-run

  Move ten of them, look at the logs, then move the rest:
    cargo local redrive attest --max 10")]
    Redrive {
        /// A queue, such as `runs`; without one, all are counted.
        queue: Option<String>,
        /// Only say what lies there.
        #[arg(long, requires = "queue")]
        dry_run: bool,
        /// At most this many messages.
        #[arg(long = "max", value_name = "N", default_value_t = 1000,
              value_parser = clap::value_parser!(u32).range(1..=10_000))]
        at_most: u32,
    },
    /// Stop everything. What the database and the endpoint hold is kept.
    Down,
    /// Stop everything and delete `.local/`.
    Clean {
        /// Keep what was installed, delete only data and logs.
        #[arg(long)]
        data: bool,
    },
}

/// What the surrounding environment may decide.
#[derive(Debug, Clone, Args)]
pub(crate) struct Environment {
    /// The owner's URL of a Postgres to use instead of the embedded one.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, global = true)]
    pub(crate) database_url: Option<String>,
    /// An AWS endpoint to use instead of the embedded one.
    #[arg(long, env = "AWS_ENDPOINT_URL", global = true)]
    pub(crate) aws_endpoint_url: Option<String>,
    /// The Python to make the virtual environment with.
    #[arg(long, env = "PYTHON", default_value = "python3", global = true)]
    pub(crate) python: PathBuf,
    /// What GitHub signs webhooks with; otherwise a random one, kept in `.local/webhook-secret`.
    #[arg(long, env = "GITHUB_WEBHOOK_SECRET", hide_env_values = true, global = true)]
    pub(crate) github_webhook_secret: Option<String>,
    /// A GitHub App's id, to let the functions act as that App.
    #[arg(long, env = "GITHUB_APP_ID", default_value = "", global = true)]
    pub(crate) github_app_id: String,
    /// A file with that App's private key (PEM).
    #[arg(long, env = "GITHUB_APP_PRIVATE_KEY_FILE", requires = "github_app_id", global = true)]
    pub(crate) github_app_private_key_file: Option<PathBuf>,
    /// Where GitHub's API is.
    #[arg(long, env = "GITHUB_API_URL", default_value = "https://api.github.com", global = true)]
    pub(crate) github_api_url: String,

    #[arg(long, env = "NO_COLOR", hide = true, global = true)]
    pub(crate) no_color: Option<String>,
    #[arg(long, env = "CARGO", default_value = "cargo", hide = true, global = true)]
    pub(crate) cargo: PathBuf,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Arguments;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }
}
