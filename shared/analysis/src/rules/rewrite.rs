//! How a rule mends what it found: which part of the match, and what stands there afterwards.

use std::ops::Range;

use ast_grep_config::{DeserializeEnv, RuleCore, SerializableRule, SerializableRuleCore};
use regex::Regex;
use serde::{Deserialize, Serialize};
use tree_sitter::Node;

use super::envelope::Envelope;
use crate::{grammar::Grammar, tree::Matching};

/// One way to mend a match. Of a rule's rewrites the first that fits is taken.
#[derive(Deserialize, Serialize, Clone)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rewrite {
    /// The first node in the match, or the match itself, that this accepts; without it the match.
    pub(crate) at: Option<SerializableRule>,
    /// What to replace in that node's text; without it all of it.
    find: Option<String>,
    /// The replacement, with `$1` for the first group of `find`.
    with: String,
}

/// What a rewrite would change in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Edit {
    pub(crate) bytes: Range<usize>,
    pub(crate) text: String,
}

pub(super) struct CompiledRewrite {
    at: Option<RuleCore>,
    find: Option<Regex>,
    with: String,
}

impl CompiledRewrite {
    pub(super) fn all(envelope: &Envelope, grammar: Grammar) -> Result<Vec<Self>, String> {
        let id = &envelope.id;
        let compile = |rewrite: &Rewrite| {
            let core = |rule: &SerializableRule| SerializableRuleCore {
                rule: rule.clone(),
                constraints: None,
                utils: (!envelope.utils.is_empty()).then(|| envelope.utils.clone()),
                transform: None,
            };
            let at = rewrite.at.as_ref().map(|rule| {
                let matcher = core(rule).get_matcher(DeserializeEnv::new(grammar));
                matcher.map_err(|error| format!("{id}, rewrite: {}", super::ruleset::chain(&error)))
            });
            let find = rewrite
                .find
                .as_deref()
                .map(|find| Regex::new(find).map_err(|error| format!("{id}, rewrite: {error}")));
            let with = rewrite.with.clone();
            Ok(Self { at: at.transpose()?, find: find.transpose()?, with })
        };
        envelope.rewrite.iter().map(compile).collect()
    }

    /// `None` when this rewrite does not fit, or when the fuel ran out.
    pub(super) fn edit(
        &self,
        matching: &Matching,
        text: &str,
        matched: Node<'_>,
        fuel: &mut u64,
    ) -> Option<Edit> {
        let node = match &self.at {
            None => matched,
            Some(at) => first_within(matching, at, matched, fuel)?,
        };
        let bytes = node.byte_range();
        let before = text.get(bytes.clone())?;
        let after = match &self.find {
            None => self.with.clone(),
            Some(find) => find.replace(before, self.with.as_str()).into_owned(),
        };
        (after != before).then_some(Edit { bytes, text: after })
    }
}

fn first_within<'tree>(
    matching: &Matching,
    at: &RuleCore,
    matched: Node<'tree>,
    fuel: &mut u64,
) -> Option<Node<'tree>> {
    let mut cursor = matched.walk();
    loop {
        if matching.attempt(at, cursor.node(), fuel)? {
            return Some(cursor.node());
        }
        if cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return None;
            }
        }
    }
}
