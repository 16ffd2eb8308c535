//! The rules that say how a flow of nil is told.

use std::sync::OnceLock;

use domain::{Category, Language, Severity};
use serde::Deserialize;

use super::Care;
use crate::{Asked, RuleInfo, rules::Examples};

const TEXT: &str = include_str!("../../rules/go/nil.yml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    rules: Vec<Envelope>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    id: String,
    about: Care,
    severity: Severity,
    confidence: f64,
    category: Category,
    cwe: Vec<String>,
    owasp: Vec<String>,
    title: String,
    message: String,
    fix: String,
    examples: Examples,
}

struct Rule {
    care: Care,
    info: RuleInfo,
    #[cfg_attr(not(test), expect(dead_code, reason = "read by the test of every rule"))]
    examples: Examples,
}

/// The rule file as it was written.
pub(crate) fn texts() -> [&'static str; 1] {
    [TEXT]
}

pub(crate) fn infos() -> impl Iterator<Item = RuleInfo> {
    rules().iter().map(|rule| rule.info.clone())
}

/// Whether somebody wants to know.
pub(crate) fn is_asked_for(asked: &Asked) -> bool {
    rules().iter().any(|rule| asked.takes(&rule.info.id))
}

/// What is told of such a flow.
pub(crate) fn info(care: Care) -> &'static RuleInfo {
    let rule = rules().iter().find(|rule| rule.care == care);
    &rule.expect("a test sees that there is a rule for each kind").info
}

fn rules() -> &'static [Rule] {
    static RULES: OnceLock<Vec<Rule>> = OnceLock::new();
    RULES.get_or_init(|| {
        let file: RuleFile =
            ast_grep_config::from_str(TEXT).expect("the rule file is constant and a test reads it");
        file.rules.into_iter().map(Envelope::rule).collect()
    })
}

impl Envelope {
    fn rule(self) -> Rule {
        let info = RuleInfo {
            id: self.id,
            languages: vec![Language::Go],
            severity: self.severity,
            confidence: self.confidence,
            category: self.category,
            cwe: self.cwe,
            owasp: self.owasp,
            title: self.title,
            message: self.message.trim().to_owned(),
            fix: Some(self.fix.trim().to_owned()),
        };
        Rule { care: self.about, info, examples: self.examples }
    }
}

#[cfg(test)]
pub(crate) fn all() -> impl Iterator<Item = (&'static RuleInfo, &'static Examples)> {
    rules().iter().map(|rule| (&rule.info, &rule.examples))
}

/// Every example of every rule.
#[cfg(test)]
pub(crate) fn examples() -> impl Iterator<Item = &'static str> {
    all().flat_map(|(_, examples)| examples.bad.iter().chain(&examples.good).map(String::as_str))
}
