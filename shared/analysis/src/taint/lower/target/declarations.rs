//! Declarations of variables, and Go's assignments of lists to lists.

use tree_sitter::Node;

use super::{Lowerer, Lowering};
use crate::taint::{
    book::{NOWHERE, PathId, ROOT},
    ir::Step,
    shape::{Child, Shape},
};

impl<'tree> Lowerer<'_, 'tree> {
    pub(in crate::taint::lower) fn declaration(&mut self, node: Node<'tree>) {
        match node.kind() {
            "variable_declarator"
            | "var_spec"
            | "const_spec"
            | "resource"
            | "let_declaration"
            | "const_item"
            | "static_item" => self.declarator(node, None),
            _ => {
                let kind = self.child(node, Child::Type);
                for part in self.children(node) {
                    match part.kind() {
                        "variable_declarator" | "var_spec" | "const_spec" => {
                            self.declarator(part, kind)
                        }
                        "var_spec_list" => self.declaration(part),
                        _ => {}
                    }
                }
            }
        }
    }

    pub(super) fn declarator(&mut self, node: Node<'tree>, kind: Option<Node<'tree>>) {
        let target = self.child(node, Child::Name).or_else(|| self.child(node, Child::Pattern));
        let Some(target) = target else { return };
        let kind = self.child(node, Child::Type).or(kind);
        let value = match self.child(node, Child::Value) {
            Some(value) if self.now.is_module && self.shape(value) == Shape::Closure => {
                let name = self.word_of(target);
                self.defer(value, Some(name));
                return;
            }
            Some(list) if list.kind() == "expression_list" => {
                let first = list.named_child(0).unwrap_or(list);
                Some((self.expression(first), first))
            }
            Some(value) => Some((self.expression(value), value)),
            None => None,
        };
        let given = match value {
            Some((given, _)) => given,
            None => self.plain(Step::Known(None), node),
        };
        self.assign(target, given, true);
        if let Some((given, from)) = value {
            self.remember(target, from, given);
        }
        if let Some(kind) = kind
            && self.shape(target) == Shape::Name
        {
            let name = self.word_of(target);
            let path = self.type_path(kind);
            let path = self.more_special(given.path, path).unwrap_or(path);
            if let Some(slot) = self.lookup(name).filter(|_| path != NOWHERE) {
                self.now.slots[slot as usize].alias = path;
            }
            if self.now.is_module && self.language == domain::Language::Java && path != NOWHERE {
                let known = *self.fields.entry(name).or_insert(path);
                self.fields.insert(name, if known == path { path } else { ROOT });
            }
        }
    }

    /// `SecureRandom` where a `Random` was declared: what a class makes says more.
    fn more_special(&mut self, given: PathId, declared: PathId) -> Option<PathId> {
        if self.language != domain::Language::Java || given == NOWHERE || declared == NOWHERE {
            return None;
        }
        let mut class = given;
        if self.book.last(class) == self.book.call {
            let method = self.book.parent(class);
            if !self.book.text(self.book.last(method)).starts_with("getInstance") {
                return None;
            }
            class = self.book.parent(method);
        }
        let special = self.book.text(self.book.last(class));
        let general = self.book.text(self.book.last(declared));
        let fits = special != general && !general.is_empty() && special.ends_with(general);
        fits.then(|| self.book.dotted(special))
    }

    /// Go assigns lists to lists; a call may give several values.
    pub(super) fn go_assignment(
        &mut self,
        node: Node<'tree>,
        left: Node<'tree>,
        right: Node<'tree>,
        declares: bool,
    ) -> Lowering {
        let (targets, values) = (self.children(left), self.children(right));
        let lowered: Vec<Lowering> = values.iter().map(|value| self.expression(*value)).collect();
        for (index, target) in targets.iter().enumerate() {
            let value = match lowered.get(index) {
                Some(value) if lowered.len() == targets.len() => *value,
                _ => lowered.first().copied().unwrap_or(self.plain(Step::Unknown, node)),
            };
            // The error beside a value quotes it at most.
            let is_flag = index > 0 && lowered.len() == 1;
            let value = if is_flag { self.plain(Step::Known(None), node) } else { value };
            self.assign(*target, value, declares);
            let from = values.get(index).or(values.first()).copied();
            if let Some(from) = from {
                match is_flag {
                    // `_, ok := allowed[name]`
                    true => self.remember_facts(*target, from),
                    false => self.remember(*target, from, value),
                }
            }
        }
        self.plain(Step::Known(None), node)
    }
}
