//! Rules to begin with.

use std::sync::OnceLock;

use serde::Serialize;

use super::{CustomRule, RuleFile};

const YAML: &str = include_str!("../../rules/templates.yml");

/// A rule that works as it is, and is meant to be changed.
#[derive(Debug)]
pub struct Template {
    pub rule: CustomRule,
    /// The rule as a file of its own.
    pub yaml: String,
}

/// The templates, in the order in which people meet them.
pub fn templates() -> &'static [Template] {
    static TEMPLATES: OnceLock<Vec<Template>> = OnceLock::new();
    TEMPLATES.get_or_init(|| {
        let file = RuleFile::read(YAML).expect("the templates are constant and a test reads each");
        let template = |rule: CustomRule| {
            let yaml = to_yaml(std::slice::from_ref(&rule));
            Template { rule, yaml }
        };
        file.rules.into_iter().map(template).collect()
    })
}

#[derive(Serialize)]
struct File<'a> {
    rules: &'a [CustomRule],
}

/// A file that [`RuleFile::read`] takes.
pub fn to_yaml(rules: &[CustomRule]) -> String {
    serde_saphyr::to_string(&File { rules }).expect("text, numbers and lists are always YAML")
}
