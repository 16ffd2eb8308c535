//! `assay verify`.

use std::{io, path::PathBuf};

use clap::Args;
use signing::{BUNDLE_BYTES_MAX, Check, CommitSha, Expected, Outcome, PublicKey, Report, Summary};

use crate::{
    Error, Exit, InputError, input,
    words::{now, shown},
};

/// A public key in PEM form is 178 bytes.
const KEY_BYTES_MAX: usize = 64 * 1024;
/// As much as Assay stores of a detail statement.
const DETAIL_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Check an attestation: is it genuine, does it still hold, is it about this commit?
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  Is the checked-out commit the one that was examined?
    assay verify --key public-key.pem --commit \"$(git rev-parse HEAD)\" widget.dsse.json

  Let a pipeline stop unless the commit passed:
    assay verify --key public-key.pem --commit \"$SHA\" --require-passed widget.sigstore.json

  Is this the evidence that was signed?
    assay verify --key public-key.pem --detail detail.json widget.dsse.json

Where the key comes from:
  Take it once from the key history that Assay publishes, and keep it. A key that is sent along
  with an attestation proves nothing, so assay never takes one from there.

Exit codes:
  0  valid: every check that was asked for holds
  1  invalid: at least one check failed; its line says what differs
  2  a file cannot be read, or the call makes no sense

A genuine attestation of a commit that did NOT pass is valid, since it is true. Ask for
--require-passed where a pass is what you need.")]
pub struct VerifyArguments {
    /// A DSSE envelope (*.dsse.json) or Sigstore bundle (*.sigstore.json); - reads standard input
    file: PathBuf,

    /// The public key to trust, in PEM form
    #[arg(long, value_name = "PEM")]
    key: PathBuf,

    /// The commit it must be about, as all 40 or 64 digits
    #[arg(long, value_name = "SHA")]
    commit: Option<CommitSha>,

    /// The detail statement it must have been signed with
    #[arg(long, value_name = "FILE")]
    detail: Option<PathBuf>,

    /// Refuse a genuine attestation of a commit that did not pass
    #[arg(long)]
    require_passed: bool,

    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &VerifyArguments, out: &mut impl io::Write) -> Result<Exit, Error> {
    let pem = input::read(&arguments.key, KEY_BYTES_MAX)?;
    let key = PublicKey::from_pem(&String::from_utf8_lossy(&pem))
        .map_err(|source| InputError::Key { path: arguments.key.clone(), source })?;
    let document = input::read(&arguments.file, BUNDLE_BYTES_MAX)?;
    let detail =
        arguments.detail.as_ref().map(|path| input::read(path, DETAIL_BYTES_MAX)).transpose()?;

    let expected = Expected {
        now: now(),
        commit: arguments.commit.as_ref(),
        detail: detail.as_deref(),
        passed: arguments.require_passed,
    };
    let report = signing::verify(&document, &key, &expected);
    if arguments.json {
        let json = serde_json::to_string_pretty(&report).map_err(io::Error::from)?;
        writeln!(out, "{json}")?;
    } else {
        print(&report, out)?;
    }
    Ok(if report.valid { Exit::Yes } else { Exit::No })
}

fn print(report: &Report, out: &mut impl io::Write) -> io::Result<()> {
    for check in &report.checks {
        print_check(check, out)?;
    }
    writeln!(out)?;
    match (&report.attestation, report.valid) {
        (Some(summary), true) => {
            writeln!(out, "\x1b[32;1mvalid\x1b[0m")?;
            print_summary(summary, out)
        }
        (Some(summary), false) => {
            writeln!(out, "\x1b[31;1mnot valid\x1b[0m, although the signature is genuine")?;
            print_summary(summary, out)
        }
        (None, _) => writeln!(out, "\x1b[31;1mnot valid\x1b[0m: believe nothing of it"),
    }
}

fn print_check(check: &Check, out: &mut impl io::Write) -> io::Result<()> {
    let mark = match check.outcome {
        Outcome::Passed => "\x1b[32m✓\x1b[0m",
        Outcome::Failed => "\x1b[31m✗\x1b[0m",
        Outcome::NotChecked => "\x1b[2m–\x1b[0m",
    };
    writeln!(out, "{mark} {:<10} {}", check.check.as_str(), shown(&check.message))
}

fn print_summary(summary: &Summary, out: &mut impl io::Write) -> io::Result<()> {
    let verdict = if summary.passed { "\x1b[32mpassed\x1b[0m" } else { "\x1b[31mfailed\x1b[0m" };
    let tier = summary.tier.map_or("unknown", |tier| tier.as_str());
    let Summary { verifier, engine_version, rules_version, .. } = summary;
    let lines = [
        ("repository", shown(&summary.repository)),
        ("commit", shown(&summary.commits.join(", "))),
        ("verdict", format!("{verdict} ({})", shown(&summary.levels.join(", ")))),
        ("tier", tier.to_owned()),
        ("examined", format!("{} by {}", summary.examined_at, shown(verifier))),
        ("with", shown(&format!("engine {engine_version}, rules {rules_version}"))),
        ("hash", summary.attestation_hash.clone()),
    ];
    for (name, value) in lines {
        writeln!(out, "  {name:<10} {value}")?;
    }
    Ok(())
}
