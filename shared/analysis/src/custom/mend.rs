//! How a rule of a customer mends what it found: ast-grep's `fix` with its `transform`. Nobody has
//! tried yet whether the result works.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ast_grep_config::{
    DenyUnknownKeys, Fixer, GlobalRules, RuleConfig, RuleCore, SerializableRuleConfig,
};
use domain::Language;
use serde_json::json;
use tree_sitter::Node;

use super::{problem::Flaw, read::typed, written::AstBody};
use crate::{
    grammar::Grammar,
    rules::{self, Edit},
    tree::Matching,
};

const SEE: &str = "https://ast-grep.github.io/reference/yaml/fix.html says what it may be";

pub(super) struct Mend {
    /// The rule once more, with the variables that only the replacement needs.
    matcher: RuleCore,
    fixer: Fixer,
}

impl Mend {
    pub(super) fn new(body: &AstBody, language: Language) -> Result<Option<Self>, Flaw> {
        let Some(rewrite) = &body.rewrite else { return Ok(None) };
        let AstBody { rule, constraints, utils, transform, rewrite: _ } = body;
        let core = json!({
            "rule": rule, "constraints": constraints, "utils": utils, "transform": transform,
        });
        let config = SerializableRuleConfig {
            core: typed(core, "")?,
            fix: Some(typed(rewrite.clone(), "rewrite")?),
            rewriters: None,
            id: String::new(),
            language: Grammar(language),
            message: String::new(),
            note: None,
            severity: ast_grep_config::Severity::Hint,
            labels: None,
            files: None,
            ignores: None,
            url: None,
            metadata: None,
            unknown_keys: DenyUnknownKeys,
        };
        // ast-grep is not ours, and what it is given here was written by anybody.
        let compiled = catch_unwind(AssertUnwindSafe(|| {
            RuleConfig::try_from(config, &GlobalRules::default())
                .map_err(|error| rules::chain(&error))
        }));
        let compiled = compiled.unwrap_or_else(|_| Err("ast-grep breaks down over it".to_owned()));
        let wrong = |told| Flaw::new("rewrite", format!("for {language}: {told}"), SEE);
        let RuleConfig { matcher, fixer, .. } = compiled.map_err(wrong)?;
        // Of several ways to mend, the first is the one that its author prefers.
        Ok(fixer.into_iter().next().map(|fixer| Self { matcher, fixer }))
    }

    /// What would mend the match at this node; nothing where the fuel runs out over it.
    pub(super) fn edit(
        &self,
        matching: &Matching,
        text: &str,
        node: Node<'_>,
        fuel: &mut u64,
    ) -> Option<Edit> {
        let (bytes, after) = matching.replacement(&self.matcher, &self.fixer, node, fuel)?;
        (text.get(bytes.clone())? != after).then_some(Edit { bytes, text: after })
    }
}
