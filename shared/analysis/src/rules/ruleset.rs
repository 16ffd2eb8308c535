//! All rules of one language, ready to run: found by keyword, then by node kind.

use std::{collections::BTreeSet, sync::OnceLock};

use aho_corasick::AhoCorasick;
use ast_grep_config::{DeserializeEnv, RuleCore};
use ast_grep_core::Matcher;
use domain::Language;

use super::{
    RuleInfo, builtin, envelope::Envelope, imports::Imports, names::words, rewrite::CompiledRewrite,
};
use crate::grammar::Grammar;

pub(crate) struct Ruleset {
    pub(crate) rules: Vec<Compiled>,
    keywords: AhoCorasick,
    /// Rules by the index of the keyword they wait for.
    waiting: Vec<Vec<usize>>,
    pub(crate) kind_count: usize,
}

/// A rule that is compiled when a file first holds one of its keywords: most never are.
pub(crate) struct Compiled {
    pub(crate) info: RuleInfo,
    pub(crate) supersedes: Vec<String>,
    grammar: Grammar,
    envelope: Envelope,
    ready: OnceLock<Ready>,
}

/// What a rule needs to run.
pub(crate) struct Ready {
    pub(crate) matcher: RuleCore,
    /// Ids of the node kinds that can match at all.
    pub(crate) kinds: Vec<usize>,
    pub(super) rewrites: Vec<CompiledRewrite>,
}

/// The built-in rules of a language, compiled on first use.
pub(crate) fn ruleset(language: Language) -> &'static Ruleset {
    static RULESETS: [OnceLock<Ruleset>; Language::ALL.len()] =
        [const { OnceLock::new() }; Language::ALL.len()];
    RULESETS[language as usize].get_or_init(|| {
        Ruleset::of(builtin::envelopes(language), language)
            .expect("the words of the built-in rules are few and constant")
    })
}

impl Ruleset {
    /// Takes rules that nobody has tried yet, and says which of them is wrong.
    #[cfg(test)]
    pub(crate) fn compile(envelopes: &[Envelope], language: Language) -> Result<Self, String> {
        for envelope in envelopes.iter().filter(|rule| rule.languages.contains(&language)) {
            Ready::new(envelope, Grammar(language))?;
        }
        Self::of(envelopes, language)
    }

    pub(super) fn of(envelopes: &[Envelope], language: Language) -> Result<Self, String> {
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
            rules.push(Compiled::new(envelope, grammar));
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

    /// Adds the places of names that stand for something with a keyword in it.
    pub(super) fn add_hidden(&self, imports: &Imports, text: &str, hits: &mut [Vec<usize>]) {
        for (name, meaning) in imports.hidden() {
            let mut rules = self.waiting_for(meaning);
            let told = self.waiting_for(name);
            rules.retain(|rule| !told.contains(rule));
            if rules.is_empty() {
                continue;
            }
            let places: Vec<usize> = words(text, name).collect();
            for rule in rules {
                hits[rule].extend(&places);
                hits[rule].sort_unstable();
            }
        }
    }

    /// Rules with a keyword in this text.
    fn waiting_for(&self, text: &str) -> BTreeSet<usize> {
        let found = self.keywords.find_overlapping_iter(text);
        found.flat_map(|found| self.waiting[found.pattern().as_usize()].iter().copied()).collect()
    }
}

impl Compiled {
    fn new(envelope: &Envelope, grammar: Grammar) -> Self {
        Self {
            info: envelope.info(),
            supersedes: envelope.supersedes.clone(),
            grammar,
            envelope: envelope.clone(),
            ready: OnceLock::new(),
        }
    }

    pub(crate) fn ready(&self) -> &Ready {
        self.ready.get_or_init(|| {
            Ready::new(&self.envelope, self.grammar)
                .expect("the built-in rules are constant and a test compiles each")
        })
    }
}

impl Ready {
    pub(super) fn new(envelope: &Envelope, grammar: Grammar) -> Result<Self, String> {
        let kind_count = grammar.tree_sitter().node_kind_count();
        let matcher = envelope
            .core()
            .get_matcher(DeserializeEnv::new(grammar))
            .map_err(|error| format!("{} ({}): {}", envelope.id, grammar.0, chain(&error)))?;
        let kinds = match matcher.potential_kinds() {
            Some(kinds) => kinds.iter().filter(|kind| *kind < kind_count).collect(),
            None => (0..kind_count).collect(),
        };
        let rewrites = CompiledRewrite::all(envelope, grammar)?;
        Ok(Self { matcher, kinds, rewrites })
    }
}

/// An error with all its causes: ast-grep's outermost message alone names no place.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
