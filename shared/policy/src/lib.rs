//! A repository's own policy, `.assay.yml`: what is looked at, which rules hold, which findings
//! are lived with, and what a pull request may carry.
//!
//! Pure. [`Policy::parse`] refuses what it does not know, says where and what to write instead;
//! [`Judge`] applies a policy to findings and counts everything it does. Whose policy holds is
//! the caller's question: never that of the commit that is judged, if that is someone's change.

mod apply;
mod decode;
mod limits;
mod node;
mod notes;
mod patterns;
mod problem;
mod read;
mod source;

use std::collections::BTreeSet;

use domain::{Gate, Language, Severity};
use jiff::civil::Date;
use serde::{Serialize, Serializer};
use serde_json::Value;
use sha2::{Digest, Sha256};

pub use apply::{Judge, Ruling};
pub use limits::*;
pub use notes::notes;
pub use patterns::{Paths, RuleName};
pub use problem::{Broken, Problem, unread};
pub use source::{Held, of_bytes, standing};

/// The only version there is.
pub const VERSION: u64 = 1;

/// What a repository asks for. Serialised it is a policy again, with every default written out.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Policy {
    version: u64,
    /// None: all that are parsed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub languages: Option<BTreeSet<Language>>,
    /// Empty: everything.
    pub include: Paths,
    pub exclude: Paths,
    pub gate: Gate,
    /// In the order of the file: the last that fits a rule holds.
    pub rules: Vec<RuleOverride>,
    /// In the order of the file: the first that fits a finding and has not expired holds.
    pub ignore: Vec<Ignore>,
    pub custom_rules: Vec<CustomRule>,
    pub formal: Formal,
    /// Whether a pull request without findings is commented on.
    pub comment_on_pass: bool,
    /// Most findings that are shown beside the code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_inline_comments: Option<u32>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            version: VERSION,
            languages: None,
            include: Paths::default(),
            exclude: Paths::default(),
            gate: Gate::default(),
            rules: Vec::new(),
            ignore: Vec::new(),
            custom_rules: Vec::new(),
            formal: Formal::default(),
            comment_on_pass: false,
            max_inline_comments: None,
        }
    }
}

/// How much a rule's findings weigh in this repository.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RuleOverride {
    pub rule: RuleName,
    #[serde(serialize_with = "weight")]
    pub severity: Option<Severity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// `None` is a rule that is off.
#[expect(clippy::ref_option, reason = "serde passes a reference")]
fn weight<S: Serializer>(severity: &Option<Severity>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(severity.map_or(OFF, Severity::as_str))
}

/// In place of a severity: the rule is not asked.
const OFF: &str = "off";

/// Findings that the repository lives with, for a reason.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ignore {
    /// Empty: wherever it is.
    #[serde(skip_serializing_if = "Paths::is_empty")]
    pub path: Paths,
    /// None: whatever it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<RuleName>,
    pub reason: String,
    /// The last day on which it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<Date>,
    /// Where it stands in the file.
    #[serde(skip)]
    pub line: u32,
}

/// A rule that is written into the policy. What it means is the analyser's.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct CustomRule {
    pub rule: Value,
    /// Where it stands in the file.
    #[serde(skip)]
    pub line: u32,
}

/// The proofs: whether they are tried, and how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Formal {
    pub enabled: bool,
    /// For one question to the solver.
    pub query_timeout_ms: u32,
    /// For all questions about one function.
    pub function_timeout_ms: u32,
}

impl Default for Formal {
    fn default() -> Self {
        Self { enabled: true, query_timeout_ms: 50, function_timeout_ms: 500 }
    }
}

impl Policy {
    /// Reads the bytes of an `.assay.yml`.
    pub fn parse(bytes: &[u8]) -> Result<Self, Broken> {
        read::policy(bytes)
    }
}

/// Names a policy by its bytes, in hex.
pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

#[cfg(test)]
mod schema;
#[cfg(test)]
mod tests;
