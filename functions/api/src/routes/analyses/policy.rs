use std::collections::BTreeMap;

use domain::{IgnoreFacts, PolicyFacts, PolicyProblem, PolicyState};
use jiff::civil::Date;
use serde::Serialize;
use serde_json::Value;
use store::analyses::Metadata;
use utoipa::ToSchema;

use crate::words::PolicyStateWord;

/// What the repository's `.assay.yml` did to an analysis.
#[derive(Serialize, ToSchema)]
#[schema(as = Policy)]
pub(super) struct PolicyView {
    #[schema(value_type = PolicyStateWord)]
    state: PolicyState,
    /// The commit that it was read from: never the change's own.
    commit: Option<String>,
    /// Of the file's bytes.
    sha256: Option<String>,
    /// Why the defaults held instead.
    problem: Option<PolicyProblemView>,
    /// The change edits it, which counts only once it is merged.
    edited: bool,
    /// What would be wrong with it then.
    proposed_problem: Option<PolicyProblemView>,
    /// Files that were left out; the coverage names them.
    excluded: u32,
    /// Findings that are not shown because their rule is off, by rule.
    off: BTreeMap<String, u32>,
    /// Findings of another severity than their rule's.
    reweighted: u32,
    /// Every entry, in the order of the file.
    ignores: Vec<IgnoreView>,
}

/// What is wrong, and where.
#[derive(Serialize, ToSchema)]
#[schema(as = PolicyProblem)]
struct PolicyProblemView {
    /// Counted from 1.
    line: u32,
    /// In characters, counted from 1.
    column: u32,
    message: String,
    /// What to write instead.
    help: Option<String>,
}

/// Findings that the repository lives with.
#[derive(Serialize, ToSchema)]
#[schema(as = PolicyIgnore)]
struct IgnoreView {
    /// Where the entry stands.
    line: u32,
    path: Option<String>,
    rule: Option<String>,
    reason: String,
    /// Its last day.
    #[schema(value_type = Option<String>, format = Date)]
    expires: Option<Date>,
    /// That day was over, so its findings counted.
    expired: bool,
    findings: u32,
}

impl PolicyView {
    /// `None`: the analysis is older than policies, or not complete.
    pub(super) fn of(metadata: &Value) -> Option<Self> {
        let metadata: Metadata = serde_json::from_value(metadata.clone()).ok()?;
        metadata.policy.map(Self::from)
    }
}

impl From<PolicyFacts> for PolicyView {
    fn from(facts: PolicyFacts) -> Self {
        Self {
            state: facts.state,
            commit: facts.commit.map(|commit| commit.to_string()),
            sha256: facts.sha256,
            problem: facts.problem.map(PolicyProblemView::from),
            edited: facts.edited,
            proposed_problem: facts.proposed_problem.map(PolicyProblemView::from),
            excluded: facts.excluded,
            off: facts.off,
            reweighted: facts.reweighted,
            ignores: facts.ignores.into_iter().map(IgnoreView::from).collect(),
        }
    }
}

impl From<PolicyProblem> for PolicyProblemView {
    fn from(PolicyProblem { line, column, message, help, frame: _ }: PolicyProblem) -> Self {
        Self { line, column, message, help }
    }
}

impl From<IgnoreFacts> for IgnoreView {
    fn from(entry: IgnoreFacts) -> Self {
        let IgnoreFacts { line, path, rule, reason, expires, expired, findings } = entry;
        Self { line, path, rule, reason, expires, expired, findings }
    }
}
