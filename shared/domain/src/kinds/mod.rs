//! What runs do. A kind is one file here: its steps, what goes in, what each step leaves, and
//! which step needs whose approval.

pub mod analysis;
pub mod codebase_scan;
pub mod merge;
pub mod repository_sync;
pub mod scan_shard;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{ApprovalId, RunId, canonical_sha256, terms::terms};

terms! {
    /// What a run does; a kind fixes its steps.
    RunKind ("run kind") {
        /// Examines one commit, of a pull request or of a branch.
        Analysis = "analysis",
        /// Brings a repository's manifest up to date.
        RepositorySync = "repository_sync",
        /// Examines all the code of a branch, in shards.
        CodebaseScan = "codebase_scan",
        /// Examines some of the files of a codebase scan.
        ScanShard = "scan_shard",
        /// Merges a pull request, once its checks have passed and someone has approved.
        Merge = "merge",
    }
}

terms! {
    /// In which way a step does its work.
    StepKind ("step kind") {
        /// Reads, computes and writes to the database.
        Work = "work",
        Llm = "llm",
        /// Changes something outside, with a key that makes a repetition harmless.
        Tool = "tool",
        Sandbox = "sandbox",
        /// Waits for a time or for other runs.
        Wait = "wait",
        /// Waits for a person.
        Approval = "approval",
        /// Asks something outside again and again until it is so.
        ExternalPoll = "external_poll",
    }
}

terms! {
    /// What a person can allow. Whatever has a scope never happens without approval.
    ApprovalScope ("approval scope") {
        RepoPush = "repo.push",
        RepoMerge = "repo.merge",
        RepoDelete = "repo.delete",
        InfraProvision = "infra.provision",
        InfraDelete = "infra.delete",
        DeployProduction = "deploy.production",
    }
}

/// One step of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepSpec {
    /// Unique within its kind; finished steps are found again by it.
    pub id: &'static str,
    pub kind: StepKind,
    /// What must be allowed for the run to get past this step.
    pub approval: Option<ApprovalScope>,
}

impl StepSpec {
    const fn new(id: &'static str, kind: StepKind) -> Self {
        Self { id, kind, approval: None }
    }

    const fn approval(id: &'static str, scope: ApprovalScope) -> Self {
        Self { id, kind: StepKind::Approval, approval: Some(scope) }
    }
}

impl RunKind {
    /// The steps in the order in which they are done.
    pub fn steps(self) -> &'static [StepSpec] {
        match self {
            Self::Analysis => analysis::STEPS,
            Self::RepositorySync => repository_sync::STEPS,
            Self::CodebaseScan => codebase_scan::STEPS,
            Self::ScanShard => scan_shard::STEPS,
            Self::Merge => merge::STEPS,
        }
    }

    /// The first step that `done` does not contain.
    pub fn next_step<'a>(
        self,
        done: impl IntoIterator<Item = &'a str> + Clone,
    ) -> Option<&'static StepSpec> {
        self.steps().iter().find(|step| !done.clone().into_iter().any(|id| id == step.id))
    }

    /// Whether `step` is the one that ends the run.
    pub fn is_last(self, step: &str) -> bool {
        self.steps().last().is_some_and(|last| last.id == step)
    }
}

/// What someone is asked to allow: exactly this, and nothing else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    pub scope: ApprovalScope,
    /// For the person who decides: one sentence that says what will happen.
    pub summary: String,
    /// What will happen, as the step that does it reads it.
    pub plan: Value,
}

impl Intent {
    /// Hex sha256 over what is asked, and where: an approval given to one step of one run is
    /// worth nothing anywhere else.
    pub fn hash(&self, run: RunId, step: &str) -> String {
        canonical_sha256(&json!({
            "run": run,
            "step": step,
            "scope": self.scope,
            "summary": self.summary,
            "plan": self.plan,
        }))
    }
}

/// What an approval step leaves: what was allowed, by whom, and where that stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Allowed {
    pub approval_id: ApprovalId,
    /// The run that asked; a run that goes on from it inherits the answer.
    pub run: RunId,
    pub step: String,
    /// With the plan as it was approved, which may be an edited one.
    pub intent: Intent,
    pub intent_hash: String,
    pub approved_by: String,
    pub approved_at: Option<Timestamp>,
}

impl Allowed {
    /// The plan, if it is what was approved to the letter. What has the effect asks this last.
    pub fn plan(&self) -> Option<&Value> {
        (self.intent.hash(self.run, &self.step) == self.intent_hash).then_some(&self.intent.plan)
    }
}

/// An edited plan that changes what must not be changed, or is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPlan {
    #[error("the plan cannot be read: {0}")]
    Unreadable(String),
    #[error("`{0}` cannot be edited: reject this plan and start anew")]
    Fixed(&'static str),
    #[error("`{field}` {problem}")]
    Refused { field: &'static str, problem: String },
}

impl RunKind {
    /// Whether a person may approve `edited` in place of `plan`; answers it as it will be kept.
    pub fn edit_plan(self, plan: &Value, edited: &Value) -> Result<Value, InvalidPlan> {
        match self {
            Self::Merge => merge::edit_plan(plan, edited),
            Self::Analysis | Self::RepositorySync | Self::CodebaseScan | Self::ScanShard => {
                Err(InvalidPlan::Fixed("plan"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn steps_follow_each_other_and_end() {
        let next =
            |done: &[&str]| RunKind::Analysis.next_step(done.iter().copied()).map(|step| step.id);
        assert_eq!(next(&[]), Some("fetch"));
        assert_eq!(next(&["fetch", "manifest"]), Some("parse"));
        let all: Vec<&str> = RunKind::Analysis.steps().iter().map(|step| step.id).collect();
        assert_eq!(next(&all), None);
        assert!(RunKind::Analysis.is_last("verdict") && !RunKind::Analysis.is_last("fetch"));
    }

    #[test]
    fn every_kind_has_steps_with_ids_of_their_own_and_asks_only_in_approval_steps() {
        for kind in RunKind::ALL {
            let ids: BTreeSet<&str> = kind.steps().iter().map(|step| step.id).collect();
            assert!(!ids.is_empty() && ids.len() == kind.steps().len(), "{kind}");
            for step in kind.steps() {
                assert_eq!(step.kind == StepKind::Approval, step.approval.is_some(), "{kind}");
            }
        }
    }

    #[test]
    fn an_approval_is_bound_to_what_it_allows_and_where() {
        let intent = Intent {
            scope: ApprovalScope::RepoMerge,
            summary: "merge".into(),
            plan: json!({"head": "a"}),
        };
        let run = |n| RunId::new(uuid::Uuid::from_u128(n));
        let hash = intent.hash(run(1), "approve");
        assert_eq!(hash.len(), 64);
        assert_eq!(hash, intent.clone().hash(run(1), "approve"));
        assert_ne!(hash, intent.hash(run(2), "approve"));
        assert_ne!(hash, intent.hash(run(1), "deploy"));
        let other = Intent { plan: json!({"head": "b"}), ..intent.clone() };
        assert_ne!(hash, other.hash(run(1), "approve"));
        let other = Intent { scope: ApprovalScope::RepoPush, ..intent };
        assert_ne!(hash, other.hash(run(1), "approve"));
    }
}
