//! A rule held to what its author showed.

use domain::Language;

use super::{
    CustomRule, CustomRules,
    problem::Flaw,
    run::{Target, run},
    written::Example,
};
use crate::{Clock, tree::Parsers};

/// What is wrong with a rule by its own examples.
pub(super) fn flaws(rule: &CustomRule) -> Vec<Flaw> {
    let Ok(rules) = one(rule) else { return Vec::new() };
    // Code without a path shows what is looked for, not where.
    let anywhere = {
        let mut rule = rule.clone();
        rule.head.files.clear();
        rule.head.exclude.clear();
        one(&rule).unwrap_or_default()
    };
    let mut parsers = Parsers::default();
    let mut flaws = Vec::new();
    let lists = [("bad", &rule.examples.bad, true), ("good", &rule.examples.good, false)];
    for (name, list, wanted) in lists {
        for (index, example) in list.iter().enumerate() {
            let path = default_path(rule);
            let (rules, path, text) = match example {
                Example::Code(code) => (&anywhere, path, code),
                Example::File { path, code } => (&rules, path.as_str(), code),
            };
            let language = Language::of_path(path);
            let outcome =
                run(rules, Target { path, language, text }, &mut parsers, Clock::unlimited());
            let at = format!("examples.{name}[{index}]");
            if !outcome.incomplete.is_empty() {
                let remedy = "make the rule cheaper, or the example smaller";
                flaws.push(Flaw::new(at, "the rule does not come to an end over it", remedy));
            } else if outcome.found.is_empty() == wanted {
                let told =
                    if wanted { "the rule does not match it" } else { "the rule matches it" };
                flaws.push(Flaw::new(at, told, "mend the rule or the example"));
            }
        }
    }
    flaws
}

fn one(rule: &CustomRule) -> Result<CustomRules, super::RuleProblems> {
    let mut rule = rule.clone();
    rule.head.enabled = true;
    CustomRules::compile(&[rule])
}

/// What code without a path would be called.
fn default_path(rule: &CustomRule) -> &'static str {
    match rule.head.languages.first() {
        Some(Language::Python) => "example.py",
        Some(Language::JavaScript) => "example.js",
        Some(Language::TypeScript) => "example.ts",
        Some(Language::Tsx) => "example.tsx",
        Some(Language::Go) => "example.go",
        Some(Language::Java) => "Example.java",
        Some(Language::Rust) => "example.rs",
        None => "example.txt",
    }
}
