//! What is wrong with a rule: where it stands, what it is, and what to do.

use std::fmt;

use serde::Serialize;

/// One thing that is wrong with a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleProblem {
    /// The rule's id, if that much can be read.
    pub rule: Option<String>,
    /// The field, such as `rules[2].rule.has.regex`; empty for the whole text.
    pub at: String,
    /// In the YAML it was read from, counted from 1.
    pub line: Option<u32>,
    pub problem: String,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for RuleProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        if let Some(rule) = &self.rule {
            write!(f, "rule `{rule}`: ")?;
        }
        if !self.at.is_empty() {
            write!(f, "{}: ", self.at)?;
        }
        write!(f, "{}; {}", self.problem, self.remedy)
    }
}

/// Everything that is wrong with some rules.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct RuleProblems(pub Vec<RuleProblem>);

impl fmt::Display for RuleProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for RuleProblems {}

/// Something wrong inside one rule, before it is known whose rule in which file that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Flaw {
    /// The field within the rule.
    pub(super) at: String,
    pub(super) problem: String,
    pub(super) remedy: String,
}

impl Flaw {
    pub(super) fn new(
        at: impl Into<String>,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { at: at.into(), problem: problem.into(), remedy: remedy.into() }
    }

    /// The same flaw of a field that stands below `parent`.
    pub(super) fn below(self, parent: &str) -> Self {
        Self { at: joined(parent, &self.at), ..self }
    }

    pub(super) fn of_rule(self, rule: Option<String>) -> RuleProblem {
        let Self { at, problem, remedy } = self;
        RuleProblem { rule, at, line: None, problem, remedy }
    }
}

pub(super) fn joined(parent: &str, field: &str) -> String {
    match (parent, field) {
        ("", field) => field.to_owned(),
        (parent, "") => parent.to_owned(),
        (parent, field) if field.starts_with('[') => format!("{parent}{field}"),
        (parent, field) => format!("{parent}.{field}"),
    }
}
