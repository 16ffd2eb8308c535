//! A rule as its author writes it: the words of the YAML, the API and the table.

pub(super) mod check;

use domain::{Category, Language, RuleType, Severity};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A rule that was read, and of which nothing more is known than that its fields fit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CustomRule {
    #[serde(flatten)]
    pub head: Head,
    #[serde(flatten)]
    pub body: Body,
    #[serde(skip_serializing_if = "Examples::is_empty")]
    pub examples: Examples,
}

/// What rules of every type have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    pub id: String,
    #[serde(rename = "type")]
    pub rule_type: RuleType,
    /// The first line of the message, unless told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What is wrong with the code, and why that matters.
    pub message: String,
    /// For those who keep the rules; a finding does not show it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default = "medium")]
    pub severity: Severity,
    /// 0.0 to 1.0: how often a match is right. Below 0.5 a finding never decides.
    #[serde(default = "likely")]
    pub confidence: f64,
    #[serde(default = "correctness")]
    pub category: Category,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cwe: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owasp: Vec<String>,
    /// None: every text file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<Language>,
    /// Only these files, written as in `.gitignore`. None: all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// Not these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<String>,
    #[serde(default = "yes")]
    pub enabled: bool,
    /// What to do instead, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

fn medium() -> Severity {
    Severity::Medium
}

fn likely() -> f64 {
    0.8
}

fn correctness() -> Category {
    Category::Correctness
}

fn yes() -> bool {
    true
}

/// What a rule looks for; which of these it is, its type says.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Body {
    Pattern(PatternBody),
    Ast(AstBody),
    /// Sources, sinks, sanitizers and propagators, as they were written.
    Semantic(Map<String, Value>),
    Composite(CompositeBody),
}

/// A regular expression that is tried on every line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PatternBody {
    pub pattern: String,
    /// A line that this matches too is left alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unless: Option<String>,
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub case_sensitive: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_true(flag: &bool) -> bool {
    *flag
}

/// What ast-grep understands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AstBody {
    pub rule: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub constraints: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub utils: Option<Value>,
    /// Variables for `rewrite`; without one it has no effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transform: Option<Value>,
    /// How a match is mended: what ast-grep calls `fix`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rewrite: Option<Value>,
}

/// Conditions that must hold within one reach of the code. Exactly one of the three is given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompositeBody {
    #[serde(default)]
    pub scope: Reach,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub all: Option<Vec<Condition>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub any: Option<Vec<Condition>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not: Option<Box<Condition>>,
}

/// The part of a file within which conditions are held against each other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    Line,
    Function,
    /// A class, struct, enum, interface, trait or record.
    Class,
    #[default]
    File,
}

/// One condition. Exactly one of `all`, `any`, `not`, `pattern`, `ast` and `path` is given.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Condition {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub all: Option<Vec<Self>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub any: Option<Vec<Self>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not: Option<Box<Self>>,
    /// A regular expression that matches a line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// Of `pattern`; true unless told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case_sensitive: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ast: Option<AstBody>,
    /// A glob that the file's path matches, written as in `.gitignore`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

/// Little files that show what the rule does: each bad one has a match, no good one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Examples {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bad: Vec<Example>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub good: Vec<Example>,
}

impl Examples {
    pub(super) fn is_empty(&self) -> bool {
        self.bad.is_empty() && self.good.is_empty()
    }
}

/// Code in the rule's first language, or a file with its path.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Example {
    Code(String),
    File { path: String, code: String },
}

impl CustomRule {
    /// What the findings of this rule are called.
    pub fn finding_id(&self) -> String {
        format!("{}{}", super::ID_PREFIX, self.head.id)
    }

    pub fn to_value(&self) -> Value {
        serde_json::to_value(self).expect("a rule is text, numbers and lists all the way down")
    }
}
