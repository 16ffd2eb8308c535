//! Rules that customers write, of four types: a regular expression line by line, a syntax rule of
//! ast-grep, a taint rule, and conditions that must hold together.
//!
//! [`RuleFile::read`] takes YAML and says of everything that is wrong where it stands and what to
//! do; [`CustomRules`] runs what was accepted. A rule can be slow, so every rule has a number of
//! steps for each file, and all of them together have one too: a rule that runs out is named in
//! [`crate::Incomplete`] and costs the others nothing.

mod compile;
mod condition;
mod document;
mod examples;
mod foreign;
mod globs;
mod limits;
mod mend;
mod needed;
mod problem;
mod read;
mod run;
mod semantic;
mod templates;
mod written;

pub use compile::{CustomRules, rules_version_with};
pub use problem::{RuleProblem, RuleProblems};
pub use read::RuleFile;
pub(crate) use run::{Outcome, Target, run};
pub use templates::{Template, templates, to_yaml};
pub use written::{
    AstBody, Body, CompositeBody, Condition, CustomRule, Example, Examples, Head, PatternBody,
    Reach,
};

/// What the id of every finding of a customer's rule begins with, so that none is ever taken for
/// a built-in one.
pub const ID_PREFIX: &str = "custom.";

/// Stands for the path of what was not looked at in any file.
pub const EVERY_FILE: &str = "*";

/// A file of rules may be this long.
pub const RULE_FILE_BYTES_MAX: usize = 256 * 1024;

/// One rule may be this long, as JSON and with its examples: a run reads all of them.
pub const RULE_BYTES_MAX: usize = 64 * 1024;

/// Rules that one run takes: as many as organisation, repository and policy have together. Each
/// costs every file it looks at some time.
pub const RULES_MAX: usize = 350;

#[cfg(test)]
mod tests;
