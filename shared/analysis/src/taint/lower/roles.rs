//! What the rules make of a value: a source, a sink, something harmless.

use tree_sitter::Node;

use super::{Lowerer, Lowering};
use crate::taint::{
    book::NOWHERE,
    ir::{Reg, Step},
    set::Role,
};

impl<'tree> Lowerer<'_, 'tree> {
    /// The value with what the rules say of its path.
    pub(super) fn sourced(&mut self, value: Lowering, node: Node<'_>) -> Lowering {
        if value.path == NOWHERE || self.book.roles(value.path).sources.is_empty() {
            return value;
        }
        let sources = self.book.roles(value.path).sources.clone();
        let mut reg = value.reg;
        for source in sources {
            reg = self.emit(Step::Source { of: reg, source }, node);
        }
        // A source is no longer the variable that it was read from.
        Lowering { reg, slot: None, ..value }
    }

    /// What patterns say of a node that was just lowered.
    pub(super) fn patterned(&mut self, value: Lowering, node: Node<'tree>) -> Lowering {
        let bytes = (node.start_byte(), node.end_byte());
        let hits = self.hits;
        let mut reg = value.reg;
        for hit in hits.at.get(&bytes).into_iter().flatten() {
            match self.set.pattern_roles[hit.pattern] {
                Role::Source(source) => reg = self.emit(Step::Source { of: reg, source }, node),
                Role::Clean(mask) => reg = self.emit(Step::Clean { of: reg, mask }, node),
                Role::Sink(sink) | Role::AssignSink(sink) => {
                    let named = &self.set.sinks[sink].inputs.focus;
                    let of_variable = hit.captures.iter().filter(|(name, _)| {
                        named.is_empty()
                            || named.iter().any(|one| one.trim_start_matches('$') == name)
                    });
                    let mut parts: Vec<Reg> = of_variable
                        .filter_map(|(_, at)| self.focus.get(&(at.start, at.end)).copied())
                        .collect();
                    if parts.is_empty() && named.is_empty() {
                        parts.push(reg);
                    }
                    let value = self.emit(Step::Union(parts), node);
                    if self.fits(sink, node) {
                        self.emit(Step::Sink { value, sinks: vec![sink] }, node);
                    }
                }
                Role::Guard(_) | Role::Carry(..) => {}
            }
        }
        if self.wanted.contains(&bytes) {
            self.focus.insert(bytes, reg);
        }
        Lowering { reg, slot: value.slot.filter(|_| reg == value.reg), ..value }
    }

    /// Whether the sink's conditions about its own text hold, and its rule is wanted.
    pub(super) fn fits(&self, sink: usize, node: Node<'_>) -> bool {
        let sink = &self.set.sinks[sink];
        let text = self.text_of(node);
        self.active & (1 << sink.rule) != 0
            && sink.only_if.as_ref().is_none_or(|regex| regex.is_match(text))
            && !sink.unless.as_ref().is_some_and(|regex| regex.is_match(text))
            && !sink.unless_before.as_ref().is_some_and(|regex| regex.is_match(self.before(node)))
    }

    /// The code of the function around a place, up to the place.
    fn before(&self, node: Node<'_>) -> &str {
        let is_function = |kind: &str| {
            kind.contains("function") || kind.contains("method_decl") || kind == "method_definition"
        };
        let mut at = node;
        while let Some(outer) = at.parent() {
            if is_function(at.kind()) {
                break;
            }
            at = outer;
        }
        self.text.get(at.start_byte()..node.start_byte()).unwrap_or_default()
    }
}
