//! The policy of the working tree, over what was found in it.

use std::{collections::HashMap, io, path::Path};

use ::policy::{BYTES_MAX, Held, Policy, Ruling, of_bytes};
use domain::{Fingerprint, POLICY_PATH, PolicyFacts, PolicySource, UnanalysedReason};
use jiff::{civil::Date, tz::TimeZone};

use super::{ScanArguments, examine::Found};
use crate::{Error, Trouble, input, words::now};

/// What the policy said about findings.
pub(super) struct Ruled {
    /// Why a finding is lived with.
    pub(super) ignored: HashMap<Fingerprint, String>,
    pub(super) facts: PolicyFacts,
}

/// The policy that was asked for, or else the one at the root, or else none. Whoever scans can
/// mend a policy that is wrong, so nothing is done with one.
pub(super) fn held(arguments: &ScanArguments, root: &Path) -> Result<Held, Error> {
    let own = root.join(POLICY_PATH);
    let path = match &arguments.policy {
        _ if arguments.no_policy => return Ok(Held::of(&PolicySource::default())),
        Some(path) => path.clone(),
        None if own.symlink_metadata().is_err_and(|error| is_missing(&error)) => {
            return Ok(Held::of(&PolicySource::default()));
        }
        None => own,
    };
    let bytes = input::read(&path, BYTES_MAX)?;
    if let Err(broken) = Policy::parse(&bytes) {
        let shown = path.display().to_string();
        let what = format!("the policy is wrong\n\n{}\n", broken.frames(&shown));
        let next = "mend it, or scan as if there were none: --no-policy";
        return Err(Trouble::new(what, next).into());
    }
    Ok(Held::of(&of_bytes(&bytes)))
}

fn is_missing(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
}

/// Takes out what rules found that are off, and says what is ignored.
pub(super) fn rule(held: &Held, found: &mut Found) -> Ruled {
    let mut judge = held.judge(today());
    let mut ignored = HashMap::new();
    found.findings.retain_mut(|located| match judge.rule(&mut located.finding) {
        Ruling::Off => false,
        Ruling::Stands => true,
        Ruling::Ignored(entry) => {
            ignored.insert(located.finding.fingerprint.clone(), entry.reason.clone());
            true
        }
    });
    let is_on = |rule: &Option<String>| rule.as_ref().is_none_or(|rule| held.asks(rule));
    found.incomplete.retain(|incomplete| is_on(&incomplete.rule));
    let left_out = found.coverage.unanalysed.iter();
    let left_out = left_out.filter(|file| file.reason == UnanalysedReason::Policy).count();
    let excluded = u32::try_from(left_out).unwrap_or(u32::MAX);
    Ruled { ignored, facts: PolicyFacts { excluded, ..judge.facts() } }
}

/// Entries end with a day in UTC, here as elsewhere.
pub(crate) fn today() -> Date {
    now().to_zoned(TimeZone::UTC).date()
}
