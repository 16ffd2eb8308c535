//! Findings that somebody accepted: a file of ours, or a SARIF log.

use std::path::Path;

use domain::{Fingerprint, Sighting, Trail};
use serde::{Deserialize, Serialize, de::IgnoredAny};

use super::judge::{Judged, Outcome};
use crate::{Error, Trouble, input};

const FORMAT: &str = "assay-baseline/1";

/// What is known of before.
#[derive(Debug, Default)]
pub(super) struct Baseline {
    pub(super) known: Vec<Known>,
    /// Results of other tools: nothing of ours can be equal to them.
    pub(super) foreign: usize,
}

/// One accepted finding. Fingerprint and trail count; the rest is for people who read the file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Known {
    pub(super) path: String,
    pub(super) line: u32,
    pub(super) rule: String,
    pub(super) title: String,
    pub(super) fingerprint: Fingerprint,
    /// By which it is known again in another file, or by another rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) trail: Option<Trail>,
    /// Test code and the like, which does not vouch for any other.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) demoted: bool,
    /// Why it does not matter; added by hand, and kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) dismissed: Option<String>,
    /// Whether this scan does not look where it is, or for what it is.
    #[serde(skip)]
    pub(super) is_outside: bool,
}

impl Known {
    pub(super) fn sighting(&self) -> Sighting<'_> {
        Sighting {
            rule: &self.rule,
            path: &self.path,
            fingerprint: &self.fingerprint,
            trail: self.trail.as_ref(),
            demoted: self.demoted,
            touched: false,
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: String,
    rules_version: String,
    findings: Vec<Known>,
}

/// Tells our files from SARIF logs.
#[derive(Deserialize)]
struct Probe {
    format: Option<IgnoredAny>,
}

pub(super) fn read(path: &Path) -> Result<Baseline, Error> {
    let bytes = input::read(path, sarif::BYTES_MAX)?;
    let wrong = |what: String| {
        let what = format!("{}: {what}", path.display());
        Trouble::new(what, "write a new one with --write-baseline, or name a SARIF 2.1.0 log")
    };
    let is_ours = serde_json::from_slice::<Probe>(&bytes).is_ok_and(|probe| probe.format.is_some());
    if !is_ours {
        let read = sarif::read(&bytes).map_err(|error| wrong(error.to_string()))?;
        return Ok(of_sarif(read));
    }
    let mut json = serde_json::Deserializer::from_slice(&bytes);
    let file: File = serde_path_to_error::deserialize(&mut json)
        .map_err(|error| wrong(format!("{}: {}", error.path(), error.inner())))?;
    if file.format != FORMAT {
        return Err(wrong(format!("format: expected {FORMAT}, found {}", file.format)).into());
    }
    Ok(Baseline { known: file.findings, foreign: 0 })
}

fn of_sarif(read: sarif::Read) -> Baseline {
    let mut baseline = Baseline::default();
    for imported in read.findings {
        if !imported.is_own {
            baseline.foreign += 1;
            continue;
        }
        let finding = imported.finding;
        baseline.known.push(Known {
            path: finding.path,
            line: finding.lines.first,
            rule: finding.rule,
            title: finding.title,
            fingerprint: finding.fingerprint,
            trail: finding.trail,
            demoted: finding.demoted,
            dismissed: imported.suppressed,
            is_outside: false,
        });
    }
    baseline
}

/// Everything that was found, as a baseline. Reasons for dismissals are taken over, and so is
/// what this scan did not look for.
pub(super) fn written(outcome: &Outcome, rules_version: String) -> String {
    let known = |judged: &Judged| {
        let finding = &judged.located.finding;
        Known {
            path: finding.path.clone(),
            line: finding.lines.first,
            rule: finding.rule.clone(),
            title: finding.title.clone(),
            fingerprint: finding.fingerprint.clone(),
            trail: finding.trail.clone(),
            demoted: finding.demoted,
            dismissed: judged.dismissed.clone(),
            is_outside: false,
        }
    };
    let mut findings: Vec<Known> = outcome.findings.iter().map(known).collect();
    findings.extend(outcome.outside.iter().cloned());
    findings.sort();
    let file = File { format: FORMAT.to_owned(), rules_version, findings };
    serde_json::to_string_pretty(&file).expect("text and numbers can be written as JSON")
}
