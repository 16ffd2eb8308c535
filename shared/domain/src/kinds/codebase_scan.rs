//! Examines all the code of a branch: fetches it, has child runs examine a shard each, and joins
//! what they found into a report.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{StepKind, StepSpec};
use crate::{RunId, Unanalysed};

pub(super) const STEPS: &[StepSpec] = &[
    StepSpec::new("fetch", StepKind::Work),
    StepSpec::new("shard", StepKind::Work),
    StepSpec::new("join", StepKind::Wait),
    StepSpec::new("report", StepKind::Work),
];

/// The `input` of a codebase scan. The commit is the head of the branch when the scan begins,
/// unless the run names one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// None: the repository's default branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// In how many parts the files are cut, if somebody wants more or fewer than it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shards: Option<usize>,
    /// The slot of the schedule that asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fire_at: Option<Timestamp>,
    /// Slots before this one for which nobody was there.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub missed: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// What `shard` leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sharded {
    pub files: usize,
    /// The child runs, in the order of their files.
    pub shards: Vec<RunId>,
    /// What the commit contains and no shard is given to read.
    #[serde(default)]
    pub left_out: Vec<Unanalysed>,
    /// The hash of the set of the customer's own rules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<String>,
    /// Rules of theirs that cannot be run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unusable_rules: Vec<String>,
}
