//! The unknowns of a query: where each comes from decides what an answer about it is worth.

use std::collections::HashMap;

use crate::term::Sort;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SymbolId(pub(crate) u32);

/// Names a read in one execution: the calls and passes of loops around it, and its place. The
/// interpreter makes the same keys, so a model can be replayed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) context: Vec<u32>,
    pub(crate) site: u32,
    pub(crate) part: Part,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Part {
    Value,
    Null,
    Length,
    Throws,
    /// Something that no run reads: a widened loop variable, an operation that is not modelled.
    Abstract,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// From outside the program.
    External,
    /// Callers choose it, and may never choose this.
    Parameter,
    /// Whether something unknown throws, or is null: assumed not to be so when a refutation is
    /// looked for elsewhere. Never refutes itself.
    Assumed,
    /// Whether an operation raises of which only its run knows. As [`Kind::Assumed`], and what
    /// fails must fail whichever way it goes.
    Raises,
    /// Not modelled. A refutation must hold whatever it is.
    Opaque,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Symbol {
    pub(crate) key: Key,
    pub(crate) sort: Sort,
    pub(crate) kind: Kind,
    pub(crate) low: Option<i128>,
    pub(crate) high: Option<i128>,
    /// The parameter, or why it is not modelled.
    pub(crate) about: String,
}

#[derive(Debug, Default)]
pub(crate) struct Symbols {
    all: Vec<Symbol>,
    known: HashMap<Key, SymbolId>,
}

impl Symbols {
    pub(crate) fn intern(&mut self, symbol: Symbol) -> SymbolId {
        if let Some(id) = self.known.get(&symbol.key) {
            return *id;
        }
        let id = SymbolId(u32::try_from(self.all.len()).unwrap_or(u32::MAX));
        self.known.insert(symbol.key.clone(), id);
        self.all.push(symbol);
        id
    }

    pub(crate) fn get(&self, id: SymbolId) -> &Symbol {
        &self.all[id.0 as usize]
    }
}
