//! Rules as they come in: read, checked and run over their examples, off the thread that serves.

use analysis::{CustomRule, RuleFile, RuleProblems};
use serde_json::Value;

use crate::problem::{Checks, Problem};

/// One rule, or a text with any number of them.
pub(super) enum Rule {
    Object(Value),
    Yaml(String),
}

/// A rule that may be kept.
pub(super) struct Accepted {
    pub(super) rule: CustomRule,
    /// The rule as the table keeps it.
    pub(super) config: Value,
}

impl Rule {
    pub(super) fn of(rule: Option<Value>, yaml: Option<String>) -> Result<Self, Problem> {
        match (rule, yaml) {
            (Some(rule), None) => Ok(Self::Object(rule)),
            (None, Some(yaml)) => Ok(Self::Yaml(yaml)),
            (None, None) | (Some(_), Some(_)) => {
                Err(Problem::field("body", "send either `rule`, an object, or `yaml`, a text"))
            }
        }
    }

    /// Where in the request the rule stands.
    pub(super) fn field(&self) -> &'static str {
        match self {
            Self::Object(_) => "rule",
            Self::Yaml(_) => "yaml",
        }
    }

    pub(super) fn read(self) -> Result<RuleFile, RuleProblems> {
        match self {
            Self::Object(rule) => RuleFile::of_value(rule),
            Self::Yaml(yaml) => RuleFile::read(&yaml),
        }
    }
}

impl Accepted {
    pub(super) fn of(rule: CustomRule) -> Self {
        let config = rule.to_value();
        Self { rule, config }
    }
}

/// Exactly one rule, which keeps to its examples.
pub(super) async fn accepted(written: Rule) -> Result<Accepted, Problem> {
    let field = written.field();
    let mut file = accepted_file(written).await?;
    match (file.rules.pop(), file.rules.len()) {
        (Some(rule), 0) => Ok(Accepted::of(rule)),
        (_, others) => {
            let detail = format!("expected one rule, not {}: import them", others + 1);
            Err(Problem::field(field, detail))
        }
    }
}

/// Rules that keep to their examples.
pub(super) async fn accepted_file(written: Rule) -> Result<RuleFile, Problem> {
    let field = written.field();
    let read = blocking(move || {
        let file = written.read()?;
        file.try_examples()?;
        Ok(file)
    });
    read.await?.map_err(|problems| refused(field, problems))
}

/// Reading a rule takes processor time, and what reads it is not all ours.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(Problem::bug)
}

fn refused(field: &str, RuleProblems(problems): RuleProblems) -> Problem {
    let mut checks = Checks::default();
    for problem in &problems {
        let at = match (field, problem.at.as_str()) {
            ("rule", at) if !at.is_empty() => format!("rule.{at}"),
            (field, _) => field.to_owned(),
        };
        // A path into YAML is no path into the request, so it is part of what is told.
        let told = match field {
            "yaml" => problem.to_string(),
            _ => format!("{}; {}", problem.problem, problem.remedy),
        };
        checks.require(false, &at, told);
    }
    match checks.done() {
        Err(problem) => problem,
        Ok(()) => Problem::field(field, "it cannot be accepted"),
    }
}
