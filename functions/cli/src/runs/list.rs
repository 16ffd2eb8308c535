//! `assay runs list` and `assay runs dead`.

use std::io;

use clap::{Args, builder::PossibleValuesParser};
use domain::{ErrorCode, RunKind, RunStatus};
use serde_json::Value;

use super::model::{Page, Run};
use crate::{
    Error, Exit, Trouble,
    api::Api,
    words::{Cell, Ink, ago, excerpt, now, span, table},
};

/// As many as the API puts on a page.
const PAGE_MAX: u32 = 200;
/// How many failed runs `dead` looks through at most.
const FAILED_MAX: usize = 2000;
const TROUBLE_CHARS_MAX: usize = 100;

/// List runs, newest first
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  The newest twenty:
    assay runs list

  Analyses that wait for an approval, a timer or their children:
    assay runs list --status waiting --kind analysis

  The ids of what failed, for a script:
    assay runs list --status failed --limit 500 --json | jq -r '.[].id'")]
pub(crate) struct ListArguments {
    /// Only runs that are in this state
    #[arg(long, value_parser = words(RunStatus::ALL.iter().map(|status| status.as_str())))]
    status: Option<String>,

    /// Only runs of this kind
    #[arg(long, value_parser = words(RunKind::ALL.iter().map(|kind| kind.as_str())))]
    kind: Option<String>,

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
    for (name, value) in [("status", &arguments.status), ("kind", &arguments.kind)] {
        if let Some(value) = value {
            filter += &format!("&{name}={value}");
        }
    }
    let limit = arguments.limit as usize;
    let mut found: Vec<Value> = Vec::new();
    let is_whole = pages(api, &filter, arguments.limit.min(PAGE_MAX), |items| {
        found.extend(items);
        found.len() < limit
    })?;
    let is_whole = is_whole && found.len() <= limit;
    found.truncate(limit);
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
    if !is_whole {
        let more = format!("the newest {limit}; there are more: --limit {}", limit * 5);
        writeln!(out, "{}", Ink::Grey.on(&more))?;
    }
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
        (Ink::Plain, excerpt(&about, TROUBLE_CHARS_MAX)),
    ]
}

pub(super) fn dead(
    arguments: &DeadArguments,
    api: &Api,
    out: &mut impl io::Write,
) -> Result<Exit, Error> {
    let limit = arguments.limit as usize;
    let (mut found, mut seen) = (Vec::new(), 0);
    let is_dead =
        |item: &Value| item["error_code"].as_str() == Some(ErrorCode::MaxAttemptsExceeded.as_str());
    let is_whole = pages(api, "&status=failed", PAGE_MAX, |items| {
        seen += items.len();
        found.extend(items.into_iter().filter(is_dead));
        found.len() < limit && seen < FAILED_MAX
    })?;
    let is_whole = is_whole && found.len() <= limit;
    found.truncate(limit);
    if arguments.json {
        return json(&found, out);
    }
    let dead = runs(api, found)?;
    if dead.is_empty() && is_whole {
        writeln!(out, "no run was given up")?;
    }
    let now = now();
    for run in &dead {
        let died = run.finished_at.unwrap_or(run.created_at);
        let heading = format!("{}  {}", run.id, run.kind);
        writeln!(out, "{}  {}", Ink::Bold.on(&heading), run.subject())?;
        writeln!(out, "  given up    {}, after {} claims", ago(died, now), run.attempts)?;
        let last = run.last_error.as_deref().or(run.error.as_deref()).unwrap_or("not recorded");
        writeln!(out, "  last error  {}", Ink::Red.on(&excerpt(last, 500)))?;
        writeln!(out, "  go on       {}\n", api.command(&format!("retry {}", run.id)))?;
    }
    if !is_whole {
        let told = format!("the newest {} of {seen} failed runs that were looked at", dead.len());
        writeln!(out, "{}", Ink::Grey.on(&told))?;
    }
    Ok(Exit::Yes)
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
