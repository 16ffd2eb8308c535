//! The command line, and the few environment variables that count.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

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
