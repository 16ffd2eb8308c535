//! What a repository's own policy, `.assay.yml`, did to one analysis.
//!
//! Only the facts: they are stored with the analysis, shown to people and attested. How the file
//! is read and what it means is the `policy` crate's.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{CommitSha, UnanalysedReason, terms::terms};

/// Where a repository keeps its policy.
pub const POLICY_PATH: &str = ".assay.yml";

terms! {
    PolicyState ("policy state") {
        /// There is no such file, so the defaults hold.
        Absent = "absent",
        Applied = "applied",
        /// The file says nothing that can be followed, so the defaults hold.
        Broken = "broken",
    }
}

/// The policy as it stands in the commit whose word counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicySource {
    /// None: there is no commit to read it from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<CommitSha>,
    /// None: there is no such file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Why it is there and cannot be read as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread: Option<UnanalysedReason>,
    /// Whether the change that is examined would make it another one.
    #[serde(default)]
    pub edited: bool,
    /// What would be wrong with that one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposed_problem: Option<PolicyProblem>,
}

/// What is wrong with a policy, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyProblem {
    /// Counted from 1.
    pub line: u32,
    /// In characters, counted from 1.
    pub column: u32,
    pub message: String,
    /// What to write instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// The line with a mark under what is meant, as plain text.
    pub frame: String,
}

/// What became of one `ignore` entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IgnoreFacts {
    /// Where the entry stands.
    pub line: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    pub reason: String,
    /// Its last day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Date>,
    /// Whether that day is over: then the findings count again.
    pub expired: bool,
    /// How many findings it is about.
    pub findings: u32,
}

/// What the policy did, with nothing left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyFacts {
    pub state: PolicyState,
    /// The commit that the policy was read from.
    #[serde(default)]
    pub commit: Option<CommitSha>,
    /// Hex, over the file's bytes.
    #[serde(default)]
    pub sha256: Option<String>,
    #[serde(default)]
    pub problem: Option<PolicyProblem>,
    /// Whether the change that is examined edits the policy, which counts only once it is merged.
    #[serde(default)]
    pub edited: bool,
    /// What would be wrong with the policy once it is merged.
    #[serde(default)]
    pub proposed_problem: Option<PolicyProblem>,
    /// Files that were not looked at; the coverage names them.
    #[serde(default)]
    pub excluded: u32,
    /// Findings that are not shown because their rule is off, by rule.
    #[serde(default)]
    pub off: BTreeMap<String, u32>,
    /// Findings that are shown with another severity than their rule's.
    #[serde(default)]
    pub reweighted: u32,
    /// Every entry, in the order of the file.
    #[serde(default)]
    pub ignores: Vec<IgnoreFacts>,
    /// Whether a pull request without findings is commented on.
    #[serde(default)]
    pub comment_on_pass: bool,
    /// Most findings that are shown beside the code; none: as many as there is room for.
    #[serde(default)]
    pub max_inline_comments: Option<u32>,
}

impl Default for PolicyFacts {
    fn default() -> Self {
        Self {
            state: PolicyState::Absent,
            commit: None,
            sha256: None,
            problem: None,
            edited: false,
            proposed_problem: None,
            excluded: 0,
            off: BTreeMap::new(),
            reweighted: 0,
            ignores: Vec::new(),
            comment_on_pass: false,
            max_inline_comments: None,
        }
    }
}

impl PolicyFacts {
    /// Adds what the same policy did to other files of the same commit.
    pub fn add(&mut self, other: &Self) {
        self.excluded += other.excluded;
        self.reweighted += other.reweighted;
        for (rule, count) in &other.off {
            *self.off.entry(rule.clone()).or_default() += count;
        }
        for (own, other) in self.ignores.iter_mut().zip(&other.ignores) {
            own.findings += other.findings;
        }
    }

    /// How many findings count no longer because the policy says so.
    pub fn ignored(&self) -> u32 {
        self.ignores.iter().filter(|entry| !entry.expired).map(|entry| entry.findings).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_policy_did_to_parts_adds_up_to_the_whole() {
        let entry = |expired, findings| IgnoreFacts {
            line: 3,
            path: None,
            rule: Some("a.b".into()),
            reason: "known".into(),
            expires: None,
            expired,
            findings,
        };
        let part = PolicyFacts {
            state: PolicyState::Applied,
            excluded: 2,
            off: BTreeMap::from([("a.c".into(), 1)]),
            reweighted: 3,
            ignores: vec![entry(false, 4), entry(true, 5)],
            ..PolicyFacts::default()
        };
        let mut whole = part.clone();
        whole.add(&part);
        assert_eq!((whole.excluded, whole.off["a.c"], whole.reweighted), (4, 2, 6));
        assert_eq!((whole.ignores[0].findings, whole.ignores[1].findings), (8, 10));
        assert_eq!(whole.ignored(), 8, "what has expired counts again");
    }

    #[test]
    fn an_analysis_from_before_there_were_policies_has_none() {
        let facts: PolicyFacts = serde_json::from_str(r#"{"state": "absent"}"#).unwrap();
        assert_eq!(facts, PolicyFacts::default());
    }
}
