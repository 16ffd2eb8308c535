//! How a rule is written down.

use std::collections::{BTreeSet, HashMap};

use ast_grep_config::{SerializableRule, SerializableRuleCore, Transformation};
use domain::{Category, Language, Severity};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{RuleInfo, rewrite::Rewrite};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleFile {
    /// Utilities that every rule of the file may name in `matches`.
    #[serde(default)]
    pub(crate) utils: HashMap<String, SerializableRule>,
    pub(crate) rules: Vec<Envelope>,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub(crate) struct Envelope {
    pub(crate) id: String,
    pub(crate) languages: Vec<Language>,
    severity: Severity,
    confidence: f64,
    category: Category,
    cwe: Vec<String>,
    owasp: Vec<String>,
    title: String,
    message: String,
    fix: Option<String>,
    /// One of these stands in the text of every node that the rule matches. A file without any
    /// is not parsed for this rule, so a wrong word here silences the rule.
    pub(crate) keywords: Vec<String>,
    /// Rules that say less about the same code: where this one matches, they keep silent.
    #[serde(default)]
    pub(crate) supersedes: Vec<String>,
    rule: SerializableRule,
    constraints: Option<HashMap<String, SerializableRule>>,
    transform: Option<HashMap<String, Transformation>>,
    #[serde(default)]
    pub(crate) utils: HashMap<String, SerializableRule>,
    /// How to mend a match, where that can be said.
    #[serde(default)]
    pub(crate) rewrite: Vec<Rewrite>,
    #[cfg_attr(not(test), expect(dead_code, reason = "read by the test of every rule"))]
    pub(crate) examples: Examples,
}

/// Complete little files: each bad one must be matched by exactly this rule, no good one.
#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
#[cfg_attr(not(test), expect(dead_code, reason = "read by the test of every rule"))]
pub(crate) struct Examples {
    pub(crate) bad: Vec<String>,
    pub(crate) good: Vec<String>,
}

impl RuleFile {
    pub(crate) fn parse(yaml: &str) -> Result<Self, String> {
        ast_grep_config::from_str(yaml).map_err(|error| error.to_string())
    }

    /// The rules, each with those of the file's utilities that it needs.
    pub(crate) fn into_envelopes(self) -> impl Iterator<Item = Envelope> {
        let shared = self.utils;
        self.rules.into_iter().map(move |mut envelope| {
            envelope.take_needed(&shared);
            envelope
        })
    }
}

/// Names that a rule object mentions in `matches`, at any depth.
fn needed(rule: &impl Serialize) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut open = vec![serde_json::to_value(rule).unwrap_or_default()];
    while let Some(value) = open.pop() {
        match value {
            Value::Object(fields) => {
                names.extend(fields.get("matches").and_then(Value::as_str).map(str::to_owned));
                open.extend(fields.into_iter().map(|(_, field)| field));
            }
            Value::Array(items) => open.extend(items),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    names
}

impl Envelope {
    /// Copies the utilities that the rule refers to, directly or through one another. All of
    /// them would do as well, but each costs its regular expressions once more at start-up.
    fn take_needed(&mut self, shared: &HashMap<String, SerializableRule>) {
        let mut open = needed(&self.rule);
        open.extend(needed(&self.constraints));
        open.extend(needed(&self.utils));
        open.extend(needed(&self.rewrite));
        while let Some(name) = open.pop_first() {
            if let (Some(rule), false) = (shared.get(&name), self.utils.contains_key(&name)) {
                open.extend(needed(rule));
                self.utils.insert(name, rule.clone());
            }
        }
    }

    pub(crate) fn info(&self) -> RuleInfo {
        RuleInfo {
            id: self.id.clone(),
            languages: self.languages.clone(),
            severity: self.severity,
            confidence: self.confidence,
            category: self.category,
            cwe: self.cwe.clone(),
            owasp: self.owasp.clone(),
            title: self.title.clone(),
            message: self.message.clone(),
            fix: self.fix.clone(),
        }
    }

    /// The part that ast-grep understands.
    pub(crate) fn core(&self) -> SerializableRuleCore {
        SerializableRuleCore {
            rule: self.rule.clone(),
            constraints: self.constraints.clone(),
            utils: (!self.utils.is_empty()).then(|| self.utils.clone()),
            transform: self.transform.clone(),
        }
    }
}
