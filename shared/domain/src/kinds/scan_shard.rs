//! Examines some of the files of a codebase scan, as a child of its run.

use serde::{Deserialize, Serialize};

use super::{StepKind, StepSpec};
use crate::CommitSha;

pub(super) const STEPS: &[StepSpec] = &[StepSpec::new("scan", StepKind::Work)];

/// The `input` of a shard: a range of the snapshot's files, which are sorted by path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    pub commit: CommitSha,
    /// The first file, counted from zero.
    pub first: usize,
    pub count: usize,
    /// The hash of the set of the customer's own rules by which the whole scan goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<String>,
}
