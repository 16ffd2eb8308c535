//! `assay runs list` and `assay runs dead`.

use std::io;

use clap::{Args, builder::PossibleValuesParser};
use domain::{ErrorCode, RunKind, RunStatus};
use serde_json::Value;

use super::{
    find::find,
    model::{Detail, Page, Run},
};
use crate::{
    Error, Exit, Trouble,
    api::Api,
    words::{Cell, Ink, ago, excerpt, now, span, table},
};

/// As many as the API puts on a page.
const PAGE_MAX: u32 = 200;
const ABOUT_CHARS_MAX: usize = 100;
const ERROR_CHARS_MAX: usize = 500;

/// List runs, newest first
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  The newest twenty:
    assay runs list

  Analyses that wait for an approval, a timer or their children:
    assay runs list --status waiting --kind analysis

  What became of the parts of a scan:
    assay runs list --parent 0198c0de-1a2b --limit 500

  The ids of what failed, for a script:
    assay runs list --status failed --limit 500 --json | jq -r '.[].id'")]
pub(crate) struct ListArguments {
    /// Only runs that are in this state
    #[arg(long, value_parser = words(RunStatus::ALL.iter().map(|status| status.as_str())))]
    status: Option<String>,

    /// Only runs of this kind
    #[arg(long, value_parser = words(RunKind::ALL.iter().map(|kind| kind.as_str())))]
    kind: Option<String>,

    /// Only runs that failed with this code
    #[arg(long, value_name = "CODE", value_parser = words(ErrorCode::ALL.iter().map(|code| code.as_str())))]
    error_code: Option<String>,

    /// Only the parts of this run: its id, or enough of it
    #[arg(long, value_name = "ID")]
    parent: Option<String>,

    /// At most this many
    #[arg(long, value_name = "N", default_value_t = 20,
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,

    /// Print what the API answered, as one JSON list
    #[arg(long)]
    json: bool,
}

/// List the runs that were given up, with what went wrong last and how to go on
#[derive(Debug, Args)]
#[command(after_long_help = "\
A run is given up (error code max_attempts_exceeded) when it was begun several times and never
finished another step: it ended its workers, or something it needs kept failing.

Examples:
  What died lately, and why:
    assay runs dead

  Go on with all of them, once the cause is mended:
    assay runs dead --json | jq -r '.[].id' | xargs -n1 assay runs retry")]
pub(crate) struct DeadArguments {
    /// At most this many
    #[arg(long, value_name = "N", default_value_t = 20,
          value_parser = clap::value_parser!(u32).range(1..=2000))]
    limit: u32,

    /// Print what the API answered, as one JSON list
    #[arg(long)]
    json: bool,
}

fn words(words: impl Iterator<Item = &'static str>) -> PossibleValuesParser {
    PossibleValuesParser::new(words.collect::<Vec<_>>())
}

pub(super) fn list(
    arguments: &ListArguments,
    api: &Api,
    out: &mut impl io::Write,
) -> Result<Exit, Error> {
    let mut filter = String::new();
    let parent = arguments.parent.as_ref().map(|parent| find(api, parent)).transpose()?;
    for (name, value) in [
        ("status", &arguments.status),
        ("kind", &arguments.kind),
        ("error_code", &arguments.error_code),
        ("parent_run_id", &parent),
    ] {
        if let Some(value) = value {
            filter += &format!("&{name}={value}");
        }
    }
    let (found, is_whole) = newest(api, &filter, arguments.limit)?;
    if arguments.json {
        return json(&found, out);
    }
    let rows = runs(api, found)?;
    if rows.is_empty() {
        writeln!(out, "no such runs")?;
        return Ok(Exit::Yes);
    }
    let (header, now) = (["ID", "KIND", "STATUS", "CREATED", "TOOK", "ABOUT"], now());
    let rows: Vec<Vec<Cell>> = rows.iter().map(|run| row(run, now)).collect();
    table(out, &header, &rows)?;
    tell_more(is_whole, arguments.limit, out)?;
    Ok(Exit::Yes)
}

fn row(run: &Run, now: jiff::Timestamp) -> Vec<Cell> {
    let took = run.took().map(span).unwrap_or_default();
    let mut about = run.subject();
    if let Some(waiting_for) = &run.waiting_for {
        about += &format!("  for {waiting_for}");
    }
    if let Some(code) = &run.error_code {
        about += &format!("  {code}");
    }
    vec![
        (Ink::Plain, run.id.clone()),
        (Ink::Plain, run.kind.clone()),
        (Ink::of_status(&run.status), run.status.clone()),
        (Ink::Grey, ago(run.created_at, now)),
        (Ink::Plain, took),
        (Ink::Plain, excerpt(&about, ABOUT_CHARS_MAX)),
    ]
}

pub(super) fn dead(
    arguments: &DeadArguments,
    api: &Api,
    out: &mut impl io::Write,
) -> Result<Exit, Error> {
    let filter = format!("&error_code={}", ErrorCode::MaxAttemptsExceeded);
    let (found, is_whole) = newest(api, &filter, arguments.limit)?;
    if arguments.json {
        return json(&found, out);
    }
    if found.is_empty() {
        writeln!(out, "no run was given up")?;
    }
    let now = now();
    for run in runs(api, found)? {
        let detail: Detail = api.get(&format!("/v1/runs/{}", run.id))?;
        let died = run.finished_at.unwrap_or(run.created_at);
        let heading = format!("{}  {}", run.id, run.kind);
        writeln!(out, "{}  {}", Ink::Bold.on(&heading), run.subject())?;
        writeln!(out, "  given up    {}, after {} claims", ago(died, now), run.attempts)?;
        let last = run.last_error.as_deref().or(run.error.as_deref()).unwrap_or("not recorded");
        writeln!(out, "  last error  {}", Ink::Red.on(&excerpt(last, ERROR_CHARS_MAX)))?;
        let (name, what) = match (detail.resumed_by, run.parent_run_id) {
            (Some(next), _) => ("went on as", next),
            (None, Some(parent)) => ("is part of", parent),
            (None, None) => ("go on", api.command(&format!("retry {}", run.id))),
        };
        writeln!(out, "  {name:<10}  {what}\n")?;
    }
    tell_more(is_whole, arguments.limit, out)?;
    Ok(Exit::Yes)
}

/// At most so many of the newest runs that the filter lets through, and whether they are all.
fn newest(api: &Api, filter: &str, limit: u32) -> Result<(Vec<Value>, bool), Trouble> {
    let most = limit as usize;
    let mut found: Vec<Value> = Vec::new();
    let is_whole = pages(api, filter, limit.min(PAGE_MAX), |items| {
        found.extend(items);
        found.len() < most
    })?;
    let is_whole = is_whole && found.len() <= most;
    found.truncate(most);
    Ok((found, is_whole))
}

fn tell_more(is_whole: bool, limit: u32, out: &mut impl io::Write) -> io::Result<()> {
    if is_whole {
        return Ok(());
    }
    let more = format!("the newest {limit}; there are more: --limit {}", limit.saturating_mul(5));
    writeln!(out, "{}", Ink::Grey.on(&more))
}

/// Hands out page after page, for as long as `take` wants more. Whether the end was reached.
fn pages(
    api: &Api,
    filter: &str,
    size: u32,
    mut take: impl FnMut(Vec<Value>) -> bool,
) -> Result<bool, Trouble> {
    let first = format!("/v1/runs?limit={size}{filter}");
    let mut path = first.clone();
    loop {
        let page: Page<Value> = api.get(&path)?;
        let wants_more = take(page.items);
        match page.next_cursor {
            None => return Ok(true),
            Some(_) if !wants_more => return Ok(false),
            Some(cursor) => path = format!("{first}&cursor={cursor}"),
        }
    }
}

fn runs(api: &Api, items: Vec<Value>) -> Result<Vec<Run>, Trouble> {
    let read = |item| serde_json::from_value(item).map_err(|error| api.odd(&error.to_string()));
    items.into_iter().map(read).collect()
}

fn json(items: &[Value], out: &mut impl io::Write) -> Result<Exit, Error> {
    serde_json::to_writer_pretty(&mut *out, items).map_err(io::Error::from)?;
    writeln!(out)?;
    Ok(Exit::Yes)
}
