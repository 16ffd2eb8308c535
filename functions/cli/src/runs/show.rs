//! `assay runs show`.

use std::io;

use clap::Args;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::{
    find::find,
    model::{Detail, Step},
};
use crate::{
    Error, Exit,
    api::Api,
    words::{Cell, Ink, ago, excerpt, mark, now, shown, span, table},
};

const TROUBLE_CHARS_MAX: usize = 1000;
/// What a step left behind is shown in a line.
const OUTPUT_CHARS_MAX: usize = 100;

/// Show one run: its steps, what it waits for, and what went wrong
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
    assay runs show 0198c0de-1a2b

  Why did it fail?
    assay runs show 0198c0de-1a2b --json | jq '{error_code, error, last_error}'")]
pub(crate) struct ShowArguments {
    /// The run: its id, or enough of it
    #[arg(value_name = "ID")]
    run: String,

    /// Print what the API answered, as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(
    arguments: &ShowArguments,
    api: &Api,
    out: &mut impl io::Write,
) -> Result<Exit, Error> {
    let id = find(api, &arguments.run)?;
    let document: Value = api.get(&format!("/v1/runs/{id}"))?;
    if arguments.json {
        serde_json::to_writer_pretty(&mut *out, &document).map_err(io::Error::from)?;
        writeln!(out)?;
        return Ok(Exit::Yes);
    }
    let detail: Detail =
        serde_json::from_value(document).map_err(|error| api.odd(&error.to_string()))?;
    let now = now();
    heading(&detail, now, out)?;
    writeln!(out)?;
    steps(&detail.steps, out)?;
    hint(api, &detail, out)
}

fn heading(detail: &Detail, now: Timestamp, out: &mut impl io::Write) -> io::Result<()> {
    let Detail { run, resumed_by, children, .. } = detail;
    let status = Ink::of_status(&run.status).on(&run.status);
    writeln!(out, "{}  {}  {status}", Ink::Bold.on(&run.id), run.kind)?;
    let claims =
        if run.attempts > 1 { format!(", claimed {} times", run.attempts) } else { String::new() };
    let took = run.took().map(|took| format!("{}{claims}", span(took)));
    let until = run.wake_at.filter(|at| *at > now);
    let until = until.map(|at| format!("until {at:.0}, in {}", span(at.duration_since(now))));
    let (waits, again) = match &run.waiting_for {
        Some(what) => (Some(format!("{what} {}", until.unwrap_or_default())), None),
        None => (None, until),
    };
    let trouble = |text: &String| Ink::Red.on(&excerpt(text, TROUBLE_CHARS_MAX));
    // Of a run that was given up, the error ends with it.
    let is_told =
        |last: &String| run.error.as_ref().is_some_and(|error| error.contains(last.as_str()));
    let last = run.last_error.as_ref().filter(|last| !is_told(last));
    let lines = [
        ("about", Some(run.subject()).filter(|subject| !subject.is_empty())),
        ("asked by", Some(format!("{}, {}", shown(&run.event_type), ago(run.created_at, now)))),
        ("took", took),
        ("waits for", waits),
        ("not tried", again),
        ("part of", run.parent_run_id.clone()),
        ("has parts", (children.total > 0).then(|| children.told())),
        ("goes on from", run.resumes.clone()),
        ("went on as", resumed_by.clone()),
        ("error", run.error_code.as_ref().and(run.trouble()).as_ref().map(trouble)),
        ("last error", last.map(trouble)),
    ];
    for (name, value) in lines {
        if let Some(value) = value {
            writeln!(out, "  {name:<12} {value}")?;
        }
    }
    Ok(())
}

fn steps(steps: &[Step], out: &mut impl io::Write) -> io::Result<()> {
    if steps.is_empty() {
        return writeln!(out, "  no step was finished");
    }
    let rows: Vec<Vec<Cell>> = steps.iter().map(row).collect();
    table(out, &["  STEP", "STATUS", "ATTEMPT", "TOOK", ""], &rows)
}

fn row(step: &Step) -> Vec<Cell> {
    let ink = Ink::of_status(&step.status);
    let took = step.duration_ms.map(SignedDuration::from_millis).map(span);
    let left = match (step.trouble(), &step.output) {
        (Some(trouble), _) => (Ink::Red, excerpt(&trouble, TROUBLE_CHARS_MAX)),
        (None, Some(output)) => (Ink::Grey, excerpt(&summary(output), OUTPUT_CHARS_MAX)),
        (None, None) => (Ink::Plain, String::new()),
    };
    vec![
        (ink, format!("{} {}", mark(&step.status), shown(&step.step))),
        (ink, shown(&step.status)),
        (Ink::Plain, step.attempt.map(|attempt| attempt.to_string()).unwrap_or_default()),
        (Ink::Plain, took.unwrap_or_default()),
        left,
    ]
}

fn summary(output: &Map<String, Value>) -> String {
    let told = output.iter().filter(|(_, value)| !value.is_null());
    let told = told.map(|(name, value)| match value.as_str() {
        Some(text) => format!("{name}={text}"),
        None => format!("{name}={value}"),
    });
    told.collect::<Vec<_>>().join(" ")
}

/// What can be done with the run now.
fn hint(api: &Api, detail: &Detail, out: &mut impl io::Write) -> Result<Exit, Error> {
    let Detail { run, resumed_by, .. } = detail;
    let command = match (run.status.as_str(), resumed_by, &run.parent_run_id) {
        ("failed", Some(next), _) => format!("show {next}"),
        ("failed", None, Some(parent)) => format!("show {parent}"),
        ("failed", None, None) => format!("retry {}", run.id),
        _ if !run.is_over() => format!("watch {}", run.id),
        _ => return Ok(Exit::Yes),
    };
    let hint = format!("\n  next: {}", api.command(&command));
    writeln!(out, "{}", Ink::Grey.on(&hint))?;
    Ok(Exit::Yes)
}
