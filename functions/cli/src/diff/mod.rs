//! `assay diff`: what a change does, as a pull request would be told, from two commits of a local
//! repository.

use std::{collections::BTreeMap, io, path::PathBuf};

use analysis::{Clock, Incomplete};
use clap::{Args, ValueEnum};
use domain::{Finding, Gate};
use insight::{
    Read,
    change::{Commits, Facts, Judged, Prose, assess, compare, word},
    trust::{self, Observation, Observed, TestNames, TrustScore, score},
};
use serde::Serialize;

use crate::{
    Error, Exit, Trouble,
    git::{Repository, Sides},
};

/// Say what a change does: symbols, risk, what it may break.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  What the current branch does, beside where it parted from main:
    assay diff main

  A description for a pull request, and a line for the changelog:
    assay diff main my-branch > description.md
    assay diff main my-branch --format changelog

  Every fact, and how far each changed file can be relied on:
    assay diff v1.0 v1.1 --exact --format json

What is said is computed from the two commits alone. Nothing is executed but git, and nothing
leaves the machine.")]
pub struct DiffArguments {
    /// The commit that the change starts from: a branch, a tag or a sha.
    base: String,
    /// The commit that it leads to.
    #[arg(default_value = "HEAD")]
    head: String,
    /// Compare with the base itself, not with where the histories parted.
    #[arg(long)]
    exact: bool,
    /// Where the repository is.
    #[arg(long, default_value = ".", value_name = "FOLDER")]
    repository: PathBuf,
    /// How its author calls the change.
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    #[arg(long, value_enum, default_value_t = Format::Markdown)]
    format: Format,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// Title and description.
    Markdown,
    /// One line in the words of Conventional Commits.
    Changelog,
    /// Facts, words and trust scores.
    Json,
}

/// All there is to say, for programs.
#[derive(Serialize)]
struct Document<'a> {
    prose: &'a Prose,
    facts: &'a Facts,
    /// By path. No history is known here.
    trust: BTreeMap<&'a str, TrustScore>,
}

pub(crate) fn run(arguments: &DiffArguments, out: &mut impl io::Write) -> Result<Exit, Error> {
    let repository = Repository(&arguments.repository);
    let sides = repository.compare(&arguments.base, &arguments.head, arguments.exact)?;
    let clock = Clock::unlimited();
    let found = analysis::scan(&changed(&sides), &clock);
    let commits = Commits { head: &sides.head, base: &sides.base, changes: &sides.changes };
    let judged = judge(&sides, &found.findings, &found.incomplete);
    let facts = assess(compare(&commits, &clock), &judged, arguments.title.as_deref());
    let prose = word(&facts);
    match arguments.format {
        Format::Markdown => write!(out, "# {}\n\n{}", prose.title, prose.description)?,
        Format::Changelog => writeln!(out, "{}", prose.changelog)?,
        Format::Json => {
            let trust = scores(&sides, &found.findings, &found.incomplete);
            let document = Document { prose: &prose, facts: &facts, trust };
            let text = serde_json::to_string_pretty(&document).map_err(|error| {
                Trouble::new(format!("the result cannot be written: {error}"), "report this")
            })?;
            writeln!(out, "{text}")?;
        }
    }
    Ok(Exit::Yes)
}

/// The changed files of the head.
fn changed(sides: &Sides) -> domain::Snapshot {
    let is_changed = |path: &str| sides.changes.iter().any(|change| change.path == path);
    let files = sides.head.files.iter().filter(|file| is_changed(&file.path)).cloned();
    domain::Snapshot { files: files.collect(), ..sides.head.clone() }
}

/// What would count for the verdict: findings in the lines that the change touched.
fn judge(sides: &Sides, found: &[Finding], incomplete: &[Incomplete]) -> Judged {
    let gate = Gate::default();
    let mut judged = Judged::default();
    for finding in found.iter().filter(|finding| gate.counts(finding)) {
        let change = sides.changes.iter().find(|change| change.path == finding.path);
        if change.is_some_and(|change| change.lines.overlaps(finding.lines)) {
            *judged.deciding.entry(finding.severity).or_insert(0) += 1;
        }
    }
    let unread = incomplete.iter().filter(|missed| missed.rule.is_none());
    judged.unread = unread.map(|missed| missed.path.clone()).collect();
    judged
}

fn scores<'a>(
    sides: &'a Sides,
    found: &[Finding],
    incomplete: &[Incomplete],
) -> BTreeMap<&'a str, TrustScore> {
    let tests = TestNames::of(sides.head.files.iter().map(|file| file.path.as_str()));
    let clock = Clock::unlimited();
    let files = sides.head.files.iter().filter(|file| !file.bytes.is_empty());
    let read = files.filter_map(|file| Some((file.path.as_str(), Read::of(file, &clock)?)));
    read.map(|(path, read)| {
        let own = found.iter().filter(|finding| finding.path == path);
        let observed = Observed {
            findings: own.map(observation).collect(),
            unfinished: incomplete.iter().any(|one| one.path == path && one.rule.is_none()),
            ..Observed::default()
        };
        (path, score(&trust::Facts::of(&read).among(&tests), &observed))
    })
    .collect()
}

fn observation(finding: &Finding) -> Observation {
    Observation {
        rule: finding.rule.clone(),
        category: finding.category,
        severity: finding.severity,
        confidence: finding.confidence,
        verification: finding.verification,
        cwe: finding.cwe.clone(),
        lines: finding.lines,
        dismissed: false,
        demoted: finding.demoted,
    }
}
