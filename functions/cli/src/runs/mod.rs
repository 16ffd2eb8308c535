//! `assay runs`: looking at durable work, and operating it.

mod change;
mod events;
mod find;
mod list;
mod model;
mod progress;
mod show;
mod watch;

use std::io;

use clap::{Args, Subcommand};

use crate::{
    Error, Exit,
    api::{Api, Connection},
};

/// Look at runs, and operate them
#[derive(Debug, Args)]
#[command(after_long_help = "\
An ID may be shortened to any beginning or ending of it that only one run has; of runs made in the
same minute the endings differ sooner.

Environment:
  ASSAY_API_URL  the API's base URL; --api names another one
  ASSAY_API_KEY  a key of the organisation: scope read to look, write to change
  NO_COLOR       no colours, if set

Exit codes:
  0  done; of watch: the run succeeded
  1  the API refused the change; of watch: the run failed or was canceled
  2  the API cannot be reached, or the call makes no sense")]
pub struct RunsArguments {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    command: RunsCommand,
}

#[derive(Debug, Subcommand)]
enum RunsCommand {
    List(list::ListArguments),
    Show(show::ShowArguments),
    Watch(watch::WatchArguments),
    Retry(change::RetryArguments),
    Cancel(change::CancelArguments),
    Dead(list::DeadArguments),
}

pub(crate) fn run(
    arguments: &RunsArguments,
    program: &str,
    out: &mut impl io::Write,
) -> Result<Exit, Error> {
    let api = Api::connect(&arguments.connection, program)?;
    match &arguments.command {
        RunsCommand::List(arguments) => list::list(arguments, &api, out),
        RunsCommand::Show(arguments) => show::run(arguments, &api, out),
        RunsCommand::Watch(arguments) => watch::run(arguments, &api, out),
        RunsCommand::Retry(arguments) => change::retry(arguments, &api, out),
        RunsCommand::Cancel(arguments) => change::cancel(arguments, &api, out),
        RunsCommand::Dead(arguments) => list::dead(arguments, &api, out),
    }
}
