//! Examines one commit. Its last two outputs name what only the analyser and the tables know, so
//! the orchestrator keeps their types.

use serde::{Deserialize, Serialize};

use super::{StepKind, StepSpec};
use crate::{ChangedFile, CommitSha, ManifestId, PolicySource};

pub(super) const STEPS: &[StepSpec] = &[
    StepSpec::new("fetch", StepKind::Work),
    StepSpec::new("manifest", StepKind::Work),
    StepSpec::new("parse", StepKind::Work),
    StepSpec::new("security", StepKind::Work),
    StepSpec::new("formal", StepKind::Work),
    StepSpec::new("verdict", StepKind::Work),
];

/// What an analysis is asked beside its commit: the `input` of its run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// The commit that the change starts from; without one every line counts as new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_sha: Option<CommitSha>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pr_title: Option<String>,
}

/// What `fetch` leaves, here and in the other kinds that fetch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fetched {
    pub commit: CommitSha,
    /// The branch whose head it is, when the run had to look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// With what the commit was compared: where its history parted from the base.
    #[serde(default)]
    pub base: Option<CommitSha>,
    /// Where the object store keeps the code; null when the code was not read again.
    pub snapshot_key: Option<String>,
    /// Where it keeps the files of the base that are not the same at the commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_key: Option<String>,
    /// The repository's policy that holds for what is fetched.
    #[serde(default)]
    pub policy: PolicySource,
    #[serde(default)]
    pub commit_object_sha256: Option<String>,
    #[serde(default)]
    pub files: usize,
    #[serde(default)]
    pub bytes: u64,
    /// Null: there is nothing to compare with, so all is new.
    #[serde(default)]
    pub changes: Option<Vec<ChangedFile>>,
}

/// What `manifest` leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestKept {
    pub manifest_id: Option<ManifestId>,
    pub version: Option<i32>,
    pub hash: Option<String>,
    /// Whether a version was made for it.
    pub changed: bool,
}
