//! The taint rules that come with Assay.

use std::{collections::HashMap, sync::OnceLock};

use domain::{Category, Language, Severity};
use serde::Deserialize;
use serde_json::Value;

use super::{
    rule::{TaintBody, TaintRule},
    set::{RULES_PER_SET_MAX, TaintSet},
};
use crate::{RuleInfo, rules::Examples};

macro_rules! rule_files {
    ($($path:literal),+ $(,)?) => {
        [$(($path, include_str!(concat!("../../rules/", $path)))),+]
    };
}

const FILES: [(&str, &str); 5] = rule_files![
    "go/taint.yml",
    "java/taint.yml",
    "javascript/taint.yml",
    "python/taint.yml",
    "rust/taint.yml",
];

/// The rule files as they were written.
pub(crate) fn texts() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|(_, text)| *text)
}

/// Every built-in taint rule.
pub(crate) fn infos() -> impl Iterator<Item = RuleInfo> {
    (0..FILES.len()).flat_map(|file| file_rules(file).iter().map(|(rule, _)| rule.info.clone()))
}

/// The built-in rules of a language, compiled on first use.
pub(crate) fn taint_set(language: Language) -> &'static TaintSet {
    static SETS: [OnceLock<TaintSet>; Language::ALL.len()] =
        [const { OnceLock::new() }; Language::ALL.len()];
    SETS[language as usize].get_or_init(|| {
        let rules: Vec<TaintRule> =
            file_rules(file(language)).iter().map(|(rule, _)| rule.clone()).collect();
        TaintSet::new(&rules, language)
            .expect("the built-in rules are constant and a test compiles each")
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TaintFile {
    /// Entries that several rules share, by name.
    #[serde(default)]
    groups: HashMap<String, Vec<Value>>,
    rules: Vec<Envelope>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    id: String,
    languages: Vec<Language>,
    severity: Severity,
    confidence: f64,
    category: Category,
    cwe: Vec<String>,
    owasp: Vec<String>,
    title: String,
    message: String,
    fix: String,
    #[serde(default)]
    supersedes: Vec<String>,
    #[serde(default)]
    replaces: Vec<String>,
    #[serde(default)]
    yields_to: Vec<String>,
    sources: Vec<Value>,
    sinks: Vec<Value>,
    #[serde(default)]
    sanitizers: Vec<Value>,
    #[serde(default)]
    propagators: Vec<Value>,
    examples: Examples,
}

pub(super) fn parse(yaml: &str) -> Result<Vec<(TaintRule, Examples)>, String> {
    let file: TaintFile = ast_grep_config::from_str(yaml).map_err(|error| error.to_string())?;
    let count = file.rules.len();
    if count > RULES_PER_SET_MAX {
        return Err(format!("{count} rules are more than the {RULES_PER_SET_MAX} that fit"));
    }
    file.rules.into_iter().map(|envelope| envelope.rule(&file.groups)).collect()
}

impl Envelope {
    fn rule(self, groups: &HashMap<String, Vec<Value>>) -> Result<(TaintRule, Examples), String> {
        let body = TaintBody {
            sources: expanded(self.sources, groups)?,
            sinks: expanded(self.sinks, groups)?,
            sanitizers: expanded(self.sanitizers, groups)?,
            propagators: expanded(self.propagators, groups)?,
        };
        let info = RuleInfo {
            id: self.id,
            languages: self.languages,
            severity: self.severity,
            confidence: self.confidence,
            category: self.category,
            cwe: self.cwe,
            owasp: self.owasp,
            title: self.title,
            message: self.message,
            fix: Some(self.fix),
        };
        let mut rule =
            TaintRule::new(info, self.supersedes, &body).map_err(|error| error.to_string())?;
        rule.replaces = self.replaces;
        rule.yields_to = self.yields_to;
        Ok((rule, self.examples))
    }
}

/// Puts the entries of a group where `{use: group}` stands.
fn expanded(
    entries: Vec<Value>,
    groups: &HashMap<String, Vec<Value>>,
) -> Result<Vec<Value>, String> {
    let mut all = Vec::new();
    for entry in entries {
        match entry.get("use").and_then(Value::as_str) {
            Some(name) => match groups.get(name) {
                Some(group) => all.extend(group.iter().cloned()),
                None => return Err(format!("there is no group `{name}`")),
            },
            None => all.push(entry),
        }
    }
    Ok(all)
}

fn file(language: Language) -> usize {
    match language {
        Language::Go => 0,
        Language::Java => 1,
        Language::JavaScript | Language::TypeScript | Language::Tsx => 2,
        Language::Python => 3,
        Language::Rust => 4,
    }
}

/// Read when the first file of the language is looked at.
pub(super) fn file_rules(file: usize) -> &'static [(TaintRule, Examples)] {
    static RULES: [OnceLock<Vec<(TaintRule, Examples)>>; FILES.len()] =
        [const { OnceLock::new() }; FILES.len()];
    RULES[file].get_or_init(|| {
        let (name, yaml) = FILES[file];
        let parsed = parse(yaml).map_err(|error| format!("rules/{name}: {error}"));
        parsed.expect("the rule files are constant and a test reads each")
    })
}

#[cfg(test)]
pub(crate) fn all() -> impl Iterator<Item = &'static (TaintRule, Examples)> {
    (0..FILES.len()).flat_map(file_rules)
}

/// Whether a taint rule tells what the other rule would, where both apply.
#[cfg(test)]
pub(crate) fn stands_for(taint: &str, other: &str) -> bool {
    let rule = all().map(|(rule, _)| rule).find(|rule| rule.info.id == taint);
    rule.is_some_and(|rule| {
        rule.supersedes.iter().chain(&rule.replaces).chain(&rule.yields_to).any(|one| one == other)
    })
}

/// Every example of every rule, with its language.
#[cfg(test)]
pub(crate) fn examples() -> impl Iterator<Item = (Language, &'static str)> {
    all().flat_map(|(rule, examples)| {
        let texts = examples.bad.iter().chain(&examples.good);
        texts.map(|text| (rule.info.languages[0], text.as_str()))
    })
}
