//! `assay scan`: the engine that judges pull requests, over files of this machine.
//!
//! Reads, and writes only the reports that were asked for. What it says depends on the files and
//! the arguments alone: not on the number of threads, the clock or the user.

mod baseline;
mod examine;
mod files;
mod frame;
mod judge;
mod notices;
mod own;
mod packages;
mod policy;
mod progress;
mod report;
mod select;
mod written;

use std::{fs, io, num::NonZeroUsize, path::PathBuf, str::FromStr};

use anstream::adapter::strip_bytes;
use clap::Args;
use domain::{Severity, UnknownTerm};

use crate::{Error, Exit, Trouble};
pub(crate) use files::root_of;
use judge::{Bar, Outcome};
pub(crate) use own::text as rules_text;
pub(crate) use policy::today;
pub(crate) use select::nearest;

/// Standard output or input, as in other tools.
const STANDARD: &str = "-";

/// Search code for security flaws and secrets.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  Look at everything below this folder that git does not ignore:
    assay scan

  Look at two folders, and fail for medium findings too:
    assay scan src lib --fail-on medium

  Look at what is about to be committed, as it is staged:
    assay scan --staged

  Look at what a branch changes, as it lies in the folder:
    git diff --relative --name-only --diff-filter=d main... | assay scan --files-from -

  Accept what is there today, and fail for what comes after:
    assay scan --write-baseline assay-baseline.json
    assay scan --baseline assay-baseline.json

  Show the findings in GitHub's security tab (then upload the file):
    assay scan --sarif assay.sarif --fail-on never

  Look with rules of your own, too:
    assay scan --rules team-rules.yml

  Look for one kind of flaw, outside generated code:
    assay scan --rule 'python.injection.*' --exclude '*_pb2.py'

What decides:
  A finding that is at least as severe as --fail-on says, likely to be right (a confidence of 0.5
  or more), neither in test, generated nor vendored code, and not in the baseline. All others
  are reported and do not decide. Where the repository has a policy (.assay.yml), it says what is
  looked at and ignored, and its gate decides unless --fail-on is given.

What is read:
  Files up to 1 MiB, in every language for secrets, in Python, JavaScript, TypeScript, Go, Java
  and Rust for flaws. Symbolic links are not followed, .git and what .gitignore names are passed
  over. The report says what else was not read. No code is executed and nothing leaves the machine.

Exit codes:
  0  no finding decides
  1  at least one finding decides
  2  there is no answer: a file or an argument is wrong
  3  no finding decides, but something could not be looked at to the end (only with --strict)")]
pub struct ScanArguments {
    /// Files and folders [default: the folder you are in]
    paths: Vec<PathBuf>,

    /// Look at the files that FILE lists, one a line; - reads the list from standard input
    #[arg(long, value_name = "FILE")]
    files_from: Option<PathBuf>,

    /// Look at what the next commit changes, as it is staged
    #[arg(long, conflicts_with_all = ["paths", "files_from", "root"])]
    staged: bool,

    /// What findings' paths are relative to [default: the repository around the first path]
    #[arg(long, value_name = "FOLDER")]
    root: Option<PathBuf>,

    /// Report only what rules with this name find; * stands for anything. May be repeated
    #[arg(long, value_name = "RULE")]
    rule: Vec<String>,

    /// Also look with the rules of your own in this YAML file (docs/custom-rules.md). May be
    /// repeated
    #[arg(long, value_name = "FILE")]
    rules: Vec<PathBuf>,

    /// Pass over these files; written as in .gitignore. May be repeated
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,

    /// Look at what .gitignore names, too
    #[arg(long)]
    no_ignore: bool,

    /// The least severity that decides: info, low, medium, high, critical, or never [default: the
    /// policy's gate, or high without a policy]
    #[arg(long, value_name = "SEVERITY")]
    fail_on: Option<FailOn>,

    /// The policy that holds [default: the repository's .assay.yml, if there is one]
    #[arg(long, value_name = "FILE", conflicts_with = "no_policy")]
    policy: Option<PathBuf>,

    /// Scan as if the repository had no policy
    #[arg(long)]
    no_policy: bool,

    /// Findings that are known; only others decide. What --write-baseline wrote, or SARIF
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,

    /// Write what was found to FILE, as a baseline for later
    #[arg(long, value_name = "FILE")]
    write_baseline: Option<PathBuf>,

    /// Write a SARIF 2.1.0 log to FILE; - prints it instead of the report
    #[arg(long, value_name = "FILE")]
    sarif: Option<PathBuf>,

    /// Print the result as JSON instead of the report
    #[arg(long)]
    json: bool,

    /// Exit with 3 when something could not be looked at to the end
    #[arg(long)]
    strict: bool,

    /// Files that are read at a time [default: one for each core]
    #[arg(long, value_name = "NUMBER")]
    threads: Option<NonZeroUsize>,

    /// Print without colours; setting NO_COLOR does the same
    #[arg(long)]
    no_color: bool,
}

impl ScanArguments {
    fn prints_sarif(&self) -> bool {
        self.sarif.as_deref() == Some(STANDARD.as_ref())
    }
}

/// From which severity on a finding decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FailOn(Option<Severity>);

impl FromStr for FailOn {
    type Err = UnknownTerm;

    fn from_str(word: &str) -> Result<Self, UnknownTerm> {
        match word {
            "never" => Ok(Self(None)),
            word => {
                word.parse().map(|severity| Self(Some(severity))).map_err(|error: UnknownTerm| {
                    UnknownTerm { expected: format!("{}, never", error.expected), ..error }
                })
            }
        }
    }
}

pub(crate) fn run(arguments: &ScanArguments, out: &mut impl io::Write) -> Result<Exit, Error> {
    if arguments.prints_sarif() && arguments.json {
        let next = "write one of them to a file: --sarif FILE --json";
        return Err(Trouble::new("--sarif - and --json both print to standard output", next).into());
    }
    let mut known = arguments.baseline.as_deref().map(baseline::read).transpose()?;
    let mut files = files::list(arguments)?;
    let policy = policy::held(arguments, &files.root)?;
    files.narrow(&policy);
    let rules = select::Rules::of(&arguments.rule, own::rules(&arguments.rules, &policy)?)?;
    for known in known.iter_mut().flat_map(|baseline| &mut baseline.known) {
        let is_looked_for = rules.contains(&known.rule) && policy.asks(&known.rule);
        known.is_outside = !files.cover(&known.path, &policy) || !is_looked_for;
    }
    let mut found = examine::all(files, arguments.threads, &rules);
    let ruled = policy::rule(&policy, &mut found);
    let bar = Bar::of(arguments.fail_on, &policy);
    let outcome = Outcome::of(found, rules.list().len(), known, bar, ruled);

    if let Some(path) = &arguments.write_baseline {
        write(path, &baseline::written(&outcome, rules.version()))?;
    }
    if let Some(path) = arguments.sarif.as_ref().filter(|_| !arguments.prints_sarif()) {
        write(path, &written::sarif(&outcome, &rules))?;
    }
    let exit = exit(&outcome, arguments);
    match print(&outcome, &rules, arguments, out) {
        // A reader who has seen enough does not change the answer.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(exit),
        Err(error) => Err(error.into()),
        Ok(()) => Ok(exit),
    }
}

fn print(
    outcome: &Outcome,
    rules: &select::Rules,
    arguments: &ScanArguments,
    out: &mut impl io::Write,
) -> io::Result<()> {
    if arguments.prints_sarif() {
        return writeln!(out, "{}", written::sarif(outcome, rules));
    }
    if arguments.json {
        return writeln!(out, "{}", written::json(outcome, rules)?);
    }
    let mut report = Vec::new();
    report::print(outcome, &mut report)?;
    if arguments.no_color {
        report = strip_bytes(&report).into_vec();
    }
    out.write_all(&report)
}

fn exit(outcome: &Outcome, arguments: &ScanArguments) -> Exit {
    // Whoever writes a baseline accepts what is in it.
    if outcome.deciding() > 0 && arguments.write_baseline.is_none() {
        Exit::No
    } else if arguments.strict && !outcome.is_complete() {
        Exit::Incomplete
    } else {
        Exit::Yes
    }
}

fn write(path: &PathBuf, text: &str) -> Result<(), Trouble> {
    fs::write(path, format!("{text}\n")).map_err(|error| {
        Trouble::new(
            format!("cannot write {}: {error}", path.display()),
            "name a file in a folder that exists and that you may write to",
        )
    })
}
