//! `assay policy check`: whether a policy can be followed, and what it means.

use std::{
    io,
    path::{Path, PathBuf},
};

use ::policy::{BYTES_MAX, Broken, CustomRule, Policy};
use analysis::{RuleFile, custom::ID_PREFIX};
use clap::{Args, Subcommand};
use domain::POLICY_PATH;

use crate::{
    Error, Exit, Trouble, input,
    scan::{nearest, root_of, today},
    words::{Ink, excerpt},
};

const REASON_CHARS_MAX: usize = 60;

/// Work with a repository's policy, .assay.yml.
#[derive(Debug, Args)]
pub struct PolicyArguments {
    #[command(subcommand)]
    command: PolicyCommand,
}

#[derive(Debug, Subcommand)]
enum PolicyCommand {
    Check(CheckArguments),
}

/// Say whether a policy can be followed, and where not.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Exit codes:
  0  the policy can be followed; what is odd about it is told
  1  it is wrong: every mistake is shown with its line and what to write instead
  2  there is no answer: the file cannot be read")]
struct CheckArguments {
    /// The policy [default: .assay.yml of the repository that you are in]
    file: Option<PathBuf>,

    /// Print the policy with every default written out, as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &PolicyArguments, out: &mut impl io::Write) -> Result<Exit, Error> {
    let PolicyCommand::Check(check) = &arguments.command;
    let path = match &check.file {
        Some(path) => path.clone(),
        None => own()?,
    };
    // One byte more than a policy may have: the reader says what is wrong with it.
    let bytes = input::read(&path, BYTES_MAX + 1)?;
    let policy = match Policy::parse(&bytes) {
        Ok(policy) => policy,
        Err(broken) => {
            writeln!(out, "{}", broken.frames(&path.display().to_string()))?;
            return Ok(Exit::No);
        }
    };
    let wrong = wrong_rules(&policy, &bytes);
    if !wrong.is_empty() {
        let shown = path.display().to_string();
        let frames: Vec<String> = wrong.iter().map(|one| one.frames(&shown)).collect();
        writeln!(out, "{}", frames.join("\n\n"))?;
        return Ok(Exit::No);
    }
    if check.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&policy).map_err(io::Error::from)?)?;
        return Ok(Exit::Yes);
    }
    writeln!(out, "{}  {} can be followed", Ink::Green.on("valid"), path.display())?;
    for odd in oddities(&policy) {
        writeln!(out, "{}  {odd}", Ink::Yellow.on("but"))?;
    }
    Ok(Exit::Yes)
}

fn own() -> Result<PathBuf, Trouble> {
    let here = std::fs::canonicalize(".").map_err(|error| {
        Trouble::new(format!("cannot read this folder: {error}"), "go to one that is there")
    })?;
    let path = root_of(&here)?.join(POLICY_PATH);
    Ok(path.strip_prefix(&here).map_or(path.clone(), Path::to_owned))
}

/// Rules of the policy's own that cannot be run.
fn wrong_rules(policy: &Policy, bytes: &[u8]) -> Vec<Broken> {
    let wrong = |entry: &CustomRule| {
        let problems = RuleFile::of_value(entry.rule.clone()).err()?;
        Some(Broken::at(bytes, entry.line, format!("the rule is wrong: {problems}")))
    };
    policy.custom_rules.iter().filter_map(wrong).collect()
}

/// What is no mistake, and most likely not what is meant.
fn oddities(policy: &Policy) -> Vec<String> {
    let mut odd = Vec::new();
    // A policy's own rules have names of their own.
    let own = policy.custom_rules.iter().filter_map(|rule| rule.rule.get("id")?.as_str());
    let own: Vec<String> = own.map(|id| format!("{ID_PREFIX}{id}")).collect();
    let named = policy.rules.iter().map(|entry| &entry.rule);
    for rule in named.chain(policy.ignore.iter().filter_map(|entry| entry.rule.as_ref())) {
        let is_known = analysis::rules().iter().any(|known| rule.fits(&known.id))
            || own.iter().any(|own| rule.fits(own));
        if !is_known {
            let name = rule.written();
            let ids = analysis::rules().iter().map(|known| known.id.as_str());
            let near = nearest(name, ids).join(", ");
            odd.push(format!("no built-in rule is called {name}; the closest are {near}"));
        }
    }
    for entry in policy.ignore.iter().filter(|entry| entry.is_over(today())) {
        if let Some(day) = entry.expires {
            let reason = excerpt(&entry.reason, REASON_CHARS_MAX);
            odd.push(format!("line {} expired on {day} and holds no longer: {reason}", entry.line));
        }
    }
    odd
}
