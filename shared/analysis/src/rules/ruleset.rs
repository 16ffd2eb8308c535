//! All rules of one language, ready to run: found by keyword, then by node kind.

use std::sync::OnceLock;

use aho_corasick::AhoCorasick;
use ast_grep_config::{DeserializeEnv, RuleCore};
use ast_grep_core::Matcher;
use domain::Language;

use super::{RuleInfo, builtin, envelope::Envelope};
use crate::grammar::Grammar;

pub(crate) struct Ruleset {
    pub(crate) rules: Vec<Compiled>,
    keywords: AhoCorasick,
    /// Rules by the index of the keyword they wait for.
    waiting: Vec<Vec<usize>>,
    pub(crate) kind_count: usize,
}

pub(crate) struct Compiled {
    pub(crate) info: RuleInfo,
    pub(crate) matcher: RuleCore,
    pub(crate) supersedes: Vec<String>,
    /// Ids of the node kinds that can match at all.
    pub(crate) kinds: Vec<usize>,
}

/// The built-in rules of a language, compiled on first use.
pub(crate) fn ruleset(language: Language) -> &'static Ruleset {
    static RULESETS: [OnceLock<Ruleset>; Language::ALL.len()] =
        [const { OnceLock::new() }; Language::ALL.len()];
    RULESETS[language as usize].get_or_init(|| {
        Ruleset::compile(builtin::envelopes(), language)
            .expect("the built-in rules are constant and a test compiles each")
    })
}

impl Ruleset {
    pub(crate) fn compile(envelopes: &[Envelope], language: Language) -> Result<Self, String> {
        let grammar = Grammar(language);
        let kind_count = grammar.tree_sitter().node_kind_count();
        let mut rules = Vec::new();
        let mut words: Vec<&str> = Vec::new();
        let mut waiting: Vec<Vec<usize>> = Vec::new();
        for envelope in envelopes.iter().filter(|rule| rule.languages.contains(&language)) {
            for keyword in &envelope.keywords {
                let index = words.iter().position(|word| word == keyword).unwrap_or_else(|| {
                    words.push(keyword);
                    waiting.push(Vec::new());
                    words.len() - 1
                });
                waiting[index].push(rules.len());
            }
            rules.push(Compiled::new(envelope, grammar, kind_count)?);
        }
        let keywords = AhoCorasick::new(words).map_err(|error| error.to_string())?;
        Ok(Self { rules, keywords, waiting, kind_count })
    }

    /// Where in the text each rule's keywords begin, sorted.
    pub(crate) fn hits(&self, text: &str) -> Vec<Vec<usize>> {
        let mut hits = vec![Vec::new(); self.rules.len()];
        for found in self.keywords.find_overlapping_iter(text) {
            for rule in &self.waiting[found.pattern().as_usize()] {
                hits[*rule].push(found.start());
            }
        }
        for positions in &mut hits {
            positions.sort_unstable();
        }
        hits
    }
}

impl Compiled {
    fn new(envelope: &Envelope, grammar: Grammar, kind_count: usize) -> Result<Self, String> {
        let info = envelope.info();
        let matcher = envelope
            .core()
            .get_matcher(DeserializeEnv::new(grammar))
            .map_err(|error| format!("{} ({}): {}", info.id, grammar.0, chain(&error)))?;
        let kinds = match matcher.potential_kinds() {
            Some(kinds) => kinds.iter().filter(|kind| *kind < kind_count).collect(),
            None => (0..kind_count).collect(),
        };
        Ok(Self { info, matcher, supersedes: envelope.supersedes.clone(), kinds })
    }
}

/// An error with all its causes: ast-grep's outermost message alone names no place.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
