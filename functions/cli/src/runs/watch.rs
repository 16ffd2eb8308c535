//! `assay runs watch`: a run while it goes on.

mod live;

use std::io::{self, IsTerminal};

use clap::Args;

use super::{
    events::{Event, Events},
    find::find,
    model::{Detail, is_over},
    progress::{Progress, Said},
};
use crate::{Error, Exit, Trouble, api::Api, words::shown};
use live::Live;

/// Watch a run until it has ended
#[derive(Debug, Args)]
#[command(after_long_help = "\
On a terminal every step is a line that changes; in a pipe every event is a line of its own. A
connection that breaks is made again, and goes on where it broke.

Examples:
    assay runs watch 0198c0de-1a2b

  Let a pipeline wait for a verdict (exit code 0 only when the run succeeded):
    assay runs watch \"$RUN_ID\" --json > events.ndjson")]
pub(crate) struct WatchArguments {
    /// The run: its id, or enough of it
    #[arg(value_name = "ID")]
    run: String,

    /// Print every event as a line of JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(
    arguments: &WatchArguments,
    api: &Api,
    out: &mut impl io::Write,
) -> Result<Exit, Error> {
    let id = find(api, &arguments.run)?;
    let mut detail: Detail = api.get(&format!("/v1/runs/{id}"))?;
    let mut progress = Progress::of(&detail);
    let live = !arguments.json && io::stdout().is_terminal();
    let mut live = live.then(|| Live::new(&id, &progress));
    let mut events = Events::of(api, &id);
    while !progress.is_over() {
        let Some(event) = events.next()? else { break };
        progress.apply(&event);
        match &mut live {
            Some(live) => live.show(&progress),
            None if arguments.json => json(&event, out)?,
            None => line(&event, out)?,
        }
    }
    if !progress.is_over() {
        // The stream is over, so the run is too, and its row says how.
        detail = api.get(&format!("/v1/runs/{id}"))?;
        progress.end(&detail.run);
    }
    if let Some(live) = live {
        live.close(&progress);
    }
    match progress.status.as_str() {
        "succeeded" => Ok(Exit::Yes),
        status if is_over(status) => Ok(Exit::No),
        status => {
            let what =
                format!("the API tells no more of the run, although it is {}", shown(status));
            Err(Trouble::new(what, api.command(&format!("show {id}"))).into())
        }
    }
}

fn json(event: &Event, out: &mut impl io::Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, event)?;
    writeln!(out)?;
    // Whoever reads the pipe reads it now.
    out.flush()
}

fn line(event: &Event, out: &mut impl io::Write) -> io::Result<()> {
    let said = Said::of(event);
    let at = said.at.map(|at| format!("{at:.3}")).unwrap_or_default();
    let line = format!("{at:<24}  {:<13}  {}", shown(&event.name), said.told());
    writeln!(out, "{}", line.trim())?;
    out.flush()
}
