//! `assay runs watch`: a run while it goes on.

mod live;

use std::io::{self, IsTerminal};

use clap::Args;

use super::{
    events::{Event, Events, Heard},
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
    let path = format!("/v1/runs/{id}");
    let detail: Detail = api.get(&path)?;
    let mut progress = Progress::of(&detail);
    let mut screen = Screen::new(arguments.json, &id, &progress);
    let mut events = Events::of(api, &id);
    while !progress.is_over() {
        match events.next()? {
            Heard::Event(event) => {
                progress.apply(&event);
                screen.event(&event, &progress, out)?;
            }
            Heard::Pause => {
                // Events do not tell of waiting. If the row is not to be had now, it is next time.
                let detail = api.get::<Detail>(&path).ok();
                if let Some(detail) = detail.filter(|detail| !detail.run.is_over()) {
                    progress.refresh(&detail.run);
                    screen.state(&progress, out)?;
                }
                events.pause();
            }
            Heard::End => {
                // The stream is over, so the run is too, and its row says how.
                let detail: Detail = api.get(&path)?;
                progress.refresh(&detail.run);
                break;
            }
        }
    }
    screen.close(&progress);
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

/// Where it is shown.
enum Screen {
    /// A line a step, on a terminal.
    Live(Box<Live>),
    /// A line an event, and one for each state that only the run's row tells.
    Lines(String),
    Json,
}

impl Screen {
    fn new(json: bool, id: &str, progress: &Progress) -> Self {
        if json {
            Self::Json
        } else if io::stdout().is_terminal() {
            Self::Live(Box::new(Live::new(id, progress)))
        } else {
            Self::Lines(String::new())
        }
    }

    fn event(
        &mut self,
        event: &Event,
        progress: &Progress,
        out: &mut impl io::Write,
    ) -> io::Result<()> {
        match self {
            Self::Live(live) => {
                live.show(progress);
                return Ok(());
            }
            Self::Lines(last) => {
                last.clear();
                let said = Said::of(event);
                let at = said.at.map(|at| format!("{at:.3}")).unwrap_or_default();
                let line = format!("{at:<24}  {:<18}  {}", shown(&event.name), said.line());
                writeln!(out, "{}", line.trim())?;
            }
            Self::Json => {
                serde_json::to_writer(&mut *out, event)?;
                writeln!(out)?;
            }
        }
        // Whoever reads the pipe reads it now.
        out.flush()
    }

    fn state(&mut self, progress: &Progress, out: &mut impl io::Write) -> io::Result<()> {
        match self {
            Self::Live(live) => live.show(progress),
            Self::Lines(last) => {
                let state = format!("{} {}", shown(&progress.status), progress.told);
                // That it runs or is queued as before is no news.
                if *last != state && !progress.told.is_empty() {
                    writeln!(out, "{:<24}  {}", "", state.trim())?;
                    out.flush()?;
                    *last = state;
                }
            }
            // Events only: a state has no position among them.
            Self::Json => {}
        }
        Ok(())
    }

    fn close(self, progress: &Progress) {
        if let Self::Live(live) = self {
            live.close(progress);
        }
    }
}
