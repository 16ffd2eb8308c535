//! `assay runs retry` and `assay runs cancel`.

use std::io;

use clap::Args;

use super::{
    find::find,
    model::{Detail, Run, Step},
};
use crate::{
    Error, Exit,
    api::{Answer, Api, problem},
    words::{Ink, shown},
};

/// Go on with a failed run, from the step that failed
#[derive(Debug, Args)]
#[command(after_long_help = "\
A run that ended stays as it is. Going on makes a new run, which takes over every step that was
finished and does the failed one and those after it again. What an earlier attempt did outside is
found and not done twice.

Examples:
  Go on with what failed, and watch it:
    assay runs retry 0198c0de-1a2b && assay runs watch <the id that it prints>")]
pub(crate) struct RetryArguments {
    /// The failed run: its id, or enough of it
    #[arg(value_name = "ID")]
    run: String,

    /// Print the new run as the API answered it, as JSON
    #[arg(long)]
    json: bool,
}

/// Cancel a run that has not ended, with everything that it started
#[derive(Debug, Args)]
#[command(after_long_help = "\
Canceled is final: the run and its children stop before their next step, and approvals that they
wait for are withdrawn. What earlier steps did stays done.

Examples:
    assay runs cancel 0198c0de-1a2b")]
pub(crate) struct CancelArguments {
    /// The run: its id, or enough of it
    #[arg(value_name = "ID")]
    run: String,

    /// Print the run as the API answered it, as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn retry(
    arguments: &RetryArguments,
    api: &Api,
    out: &mut impl io::Write,
) -> Result<Exit, Error> {
    let id = find(api, &arguments.run)?;
    let answer = api.post(&format!("/v1/runs/{id}/retry"))?;
    if !matches!(answer.status, 200 | 201) {
        return refused(api, &answer, out);
    }
    if arguments.json {
        return json(&answer, out);
    }
    let is_new = answer.status == 201;
    let new: Run = read(api, answer)?;
    let new: Detail = api.get(&format!("/v1/runs/{}", new.id))?;
    let goes_on = if is_new { "goes on" } else { "was asked for before, and goes on" };
    writeln!(out, "run {id} {goes_on} as {}", Ink::Bold.on(&new.run.id))?;
    if new.run.is_over() {
        let status = Ink::of_status(&new.run.status).on(&new.run.status);
        writeln!(
            out,
            "  {:<11} {status}: {}",
            "by now",
            api.command(&format!("show {}", new.run.id))
        )?;
        return Ok(Exit::Yes);
    }
    let (kept, again): (Vec<&Step>, Vec<&Step>) = new.steps.iter().partition(|step| step.is_done());
    tell(out, "taken over", &kept)?;
    tell(out, "runs again", &again)?;
    writeln!(out, "  {:<11} {}", "watch it", api.command(&format!("watch {}", new.run.id)))?;
    Ok(Exit::Yes)
}

fn tell(out: &mut impl io::Write, what: &str, steps: &[&Step]) -> io::Result<()> {
    let names: Vec<String> = steps.iter().map(|step| shown(&step.step)).collect();
    let names = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
    writeln!(out, "  {what:<11} {names}")
}

pub(super) fn cancel(
    arguments: &CancelArguments,
    api: &Api,
    out: &mut impl io::Write,
) -> Result<Exit, Error> {
    let id = find(api, &arguments.run)?;
    let answer = api.post(&format!("/v1/runs/{id}/cancel"))?;
    if answer.status != 200 {
        return refused(api, &answer, out);
    }
    if arguments.json {
        return json(&answer, out);
    }
    let run: Run = read(api, answer)?;
    writeln!(out, "run {} is {}", run.id, Ink::of_status(&run.status).on(&run.status))?;
    Ok(Exit::Yes)
}

/// A change that does not fit the run's present state is an answer; anything else is trouble.
fn refused(api: &Api, answer: &Answer, out: &mut impl io::Write) -> Result<Exit, Error> {
    if answer.status != 409 {
        return Err(api.refused(answer).into());
    }
    writeln!(out, "{}", Ink::Yellow.on(&problem(answer)))?;
    Ok(Exit::No)
}

fn read(api: &Api, answer: Answer) -> Result<Run, Error> {
    Ok(serde_json::from_value(answer.body).map_err(|error| api.odd(&error.to_string()))?)
}

fn json(answer: &Answer, out: &mut impl io::Write) -> Result<Exit, Error> {
    serde_json::to_writer_pretty(&mut *out, &answer.body).map_err(io::Error::from)?;
    writeln!(out)?;
    Ok(Exit::Yes)
}
