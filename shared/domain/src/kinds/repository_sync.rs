//! Looks at a repository's default branch, and keeps a manifest version when it changed. Its
//! steps leave the same as those of an analysis.

use super::{StepKind, StepSpec};

pub(super) const STEPS: &[StepSpec] =
    &[StepSpec::new("fetch", StepKind::Work), StepSpec::new("manifest", StepKind::Work)];
