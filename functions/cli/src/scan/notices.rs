//! What rules did not finish, in words.

use analysis::{Incomplete, IncompleteReason};

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
