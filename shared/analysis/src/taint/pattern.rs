//! ast-grep patterns in taint rules: tried once for each file, before the code is lowered.

use std::{collections::HashMap, ops::Range};

use ast_grep_core::{Matcher, Pattern};
use domain::Language;
use tree_sitter::Tree;

use crate::{
    Clock,
    grammar::Grammar,
    tree::{Matching, Stopped, walk},
};

/// Steps that all patterns together may take in one file.
const PATTERN_STEPS_MAX: u64 = 2_000_000;

/// Where a pattern matched: index of the pattern, and what its variables stood for.
#[derive(Debug)]
pub(super) struct Hit {
    pub(super) pattern: usize,
    pub(super) captures: Vec<(String, Range<usize>)>,
}

pub(super) struct Patterns {
    compiled: Vec<Pattern>,
    by_kind: Vec<Vec<usize>>,
}

#[derive(Default)]
pub(super) struct Hits {
    /// By the bytes of the matched node.
    pub(super) at: HashMap<(usize, usize), Vec<Hit>>,
    pub(super) out_of_fuel: bool,
}

/// Whether a rule may use the pattern in this language.
pub(super) fn check(language: Language, pattern: &str) -> Result<(), String> {
    match compile(language, pattern)?.potential_kinds() {
        None => Err(format!("`{pattern}` matches anything")),
        Some(_) => Ok(()),
    }
}

fn compile(language: Language, pattern: &str) -> Result<Pattern, String> {
    let parsed = Pattern::try_new(pattern, Grammar(language))
        .map_err(|error| format!("`{pattern}` is no {language} pattern: {error}"))?;
    if parsed.has_error() {
        return Err(format!("`{pattern}` does not parse as {language}"));
    }
    Ok(parsed)
}

impl Patterns {
    pub(super) fn new(language: Language, texts: &[String]) -> Result<Self, String> {
        let kinds = Grammar(language).tree_sitter().node_kind_count();
        let mut by_kind = vec![Vec::new(); kinds];
        let mut compiled = Vec::new();
        for (index, text) in texts.iter().enumerate() {
            let pattern = compile(language, text)?;
            match pattern.potential_kinds() {
                Some(wanted) => {
                    for kind in wanted.iter().filter(|kind| *kind < kinds) {
                        by_kind[kind].push(index);
                    }
                }
                None => by_kind.iter_mut().for_each(|waiting| waiting.push(index)),
            }
            compiled.push(pattern);
        }
        Ok(Self { compiled, by_kind })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.compiled.is_empty()
    }

    pub(super) fn find(
        &self,
        language: Language,
        text: &str,
        tree: &Tree,
        clock: Clock,
    ) -> Result<Hits, Stopped> {
        let mut hits = Hits::default();
        if self.is_empty() {
            return Ok(hits);
        }
        let matching = Matching::new(language, text, tree.clone());
        let mut fuel = PATTERN_STEPS_MAX;
        // Nodes of the tree that the patterns know, not of the one it was copied from.
        walk(matching.tree(), clock, |cursor, _| {
            let node = cursor.node();
            let waiting = self.by_kind.get(usize::from(node.kind_id()));
            for pattern in waiting.map_or(&[][..], Vec::as_slice) {
                if fuel == 0 {
                    return;
                }
                let captures = matching.captures(&self.compiled[*pattern], node, &mut fuel);
                if let Some(Some(captures)) = captures {
                    let bytes = (node.start_byte(), node.end_byte());
                    hits.at.entry(bytes).or_default().push(Hit { pattern: *pattern, captures });
                }
            }
        })?;
        hits.out_of_fuel = fuel == 0;
        Ok(hits)
    }
}
