//! What was not looked at to the end, in words.

use analysis::{Incomplete, IncompleteReason};
use domain::UnanalysedReason;

/// The reason as an id, and what it says about a number of files.
pub(super) fn unanalysed(reason: UnanalysedReason) -> (&'static str, &'static str) {
    match reason {
        UnanalysedReason::TooLarge => ("too-large", "larger than 1 MiB, not read"),
        UnanalysedReason::Binary => ("binary", "binary, not read"),
        UnanalysedReason::NotUtf8 => ("not-utf8", "not UTF-8, not read"),
        UnanalysedReason::Generated => {
            ("generated", "made by a program, searched for secrets only")
        }
        UnanalysedReason::Vendored => {
            ("vendored", "copied from elsewhere, searched for secrets only")
        }
        UnanalysedReason::UnknownLanguage => {
            ("unknown-language", "in no language that is parsed, searched for secrets only")
        }
        UnanalysedReason::TooDeep => ("too-deep", "nested too deeply, searched for secrets only"),
        UnanalysedReason::NotAFile => {
            ("not-a-file", "symbolic links or special files, not followed")
        }
        UnanalysedReason::TimedOut => ("timed-out", "given up after 30 seconds"),
        UnanalysedReason::Policy => ("policy", "left out by the policy, not read"),
    }
}

/// The reason as an id, and in a sentence.
pub(super) fn incomplete(one: &Incomplete) -> (&'static str, String) {
    let rule = one.rule.as_deref().unwrap_or("every rule");
    match one.reason {
        IncompleteReason::TimedOut => ("timed-out", format!("{rule} ran out of time")),
        IncompleteReason::OutOfFuel => ("out-of-fuel", format!("{rule} took too many steps")),
        IncompleteReason::TooMany => {
            ("too-many", format!("{rule} found more than is kept of one file"))
        }
        IncompleteReason::TooDeep => {
            ("too-deep", "the code is nested too deeply for rules".to_owned())
        }
        IncompleteReason::Unusable => ("unusable", format!("{rule} cannot be run by this version")),
    }
}

pub(super) fn problem(line: u32, errors: u32) -> String {
    match errors {
        1 => format!("a syntax error in line {line}; findings around it may be missing"),
        _ => format!(
            "{errors} syntax errors, the first in line {line}; findings around them may be missing"
        ),
    }
}
