//! What is known of values since they were read.

use std::collections::{BTreeSet, HashMap};

use crate::{
    symbol::SymbolId,
    term::{Term, Terms},
};

/// Invariants by the symbols that they are about.
#[derive(Debug, Default)]
pub(crate) struct Invariants {
    by_symbol: HashMap<SymbolId, BTreeSet<Term>>,
}

impl Invariants {
    pub(super) fn insert(&mut self, terms: &Terms, fact: Term) {
        for id in terms.support(&[fact], false) {
            self.by_symbol.entry(id).or_default().insert(fact);
        }
    }

    /// All that is known of what `terms` depend on, and of what that depends on in turn.
    pub(crate) fn about(&self, terms: &Terms, roots: &[Term]) -> Vec<Term> {
        let (mut found, mut seen) = (BTreeSet::new(), BTreeSet::new());
        if self.by_symbol.is_empty() {
            return Vec::new();
        }
        let mut open: Vec<SymbolId> = terms.support(roots, false).into_iter().collect();
        while let Some(id) = open.pop() {
            if !seen.insert(id) {
                continue;
            }
            for fact in self.by_symbol.get(&id).into_iter().flatten() {
                if found.insert(*fact) {
                    open.extend(terms.support(&[*fact], false));
                }
            }
        }
        found.into_iter().collect()
    }
}
