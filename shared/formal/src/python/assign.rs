//! Assignments of Python, to names, elements, attributes, and several at once.

use tree_sitter::Node;

use super::{Lowering, children, infer::innermost, value::Value};
use crate::ir::Tag;

impl Lowering<'_> {
    pub(super) fn assignment(&mut self, node: Node<'_>) {
        let (Some(left), Some(right)) =
            (node.child_by_field_name("left"), node.child_by_field_name("right"))
        else {
            // An annotation without a value.
            return;
        };
        let mut targets = vec![left];
        let mut inner = right;
        while inner.kind() == "assignment" {
            targets.extend(inner.child_by_field_name("left"));
            let Some(right) = inner.child_by_field_name("right") else { return };
            inner = right;
        }
        if let [target] = targets.as_slice()
            && self.several(*target, inner)
        {
            return;
        }
        let value = self.expr(innermost(right));
        let value = if targets.len() > 1 { self.keep(value) } else { value };
        for target in targets {
            self.store(target, &value);
        }
    }

    /// `a, b = x, y`: all values first.
    fn several(&mut self, target: Node<'_>, value: Node<'_>) -> bool {
        let is_list = matches!(target.kind(), "pattern_list" | "tuple_pattern");
        if !is_list || !matches!(value.kind(), "expression_list" | "tuple") {
            return false;
        }
        let (targets, values) = (children(target), children(value));
        let splat = |node: &Node<'_>| node.kind().contains("splat");
        if targets.len() != values.len() || targets.iter().chain(&values).any(splat) {
            return false;
        }
        let values: Vec<Value> = values
            .into_iter()
            .map(|value| {
                let value = self.expr(value);
                self.keep(value)
            })
            .collect();
        for (target, value) in targets.into_iter().zip(values) {
            self.store(target, &value);
        }
        true
    }

    pub(super) fn store(&mut self, target: Node<'_>, value: &Value) {
        match target.kind() {
            "identifier" => {
                let name = self.text(target);
                self.store_name(name, value);
            }
            "subscript" => self.store_element(target),
            "attribute" => {
                if let Some(object) = target.child_by_field_name("object") {
                    let of = self.expr(object);
                    self.none_check(&of, object, "AttributeError");
                    self.may_raise("an assignment to an attribute");
                    // A property's setter runs code of its own.
                    if self.text(object) != "self" {
                        self.forget_lists("an assignment to an attribute");
                    }
                }
            }
            "pattern_list" | "tuple_pattern" | "list_pattern" => {
                self.none_check(value, target, "TypeError");
                self.may_raise("unpacking");
                for part in children(target) {
                    let part = part
                        .named_child(0)
                        .filter(|_| part.kind().contains("splat"))
                        .unwrap_or(part);
                    let inner = self.any("an element of an unpacked value");
                    self.store(part, &inner);
                }
            }
            "parenthesized_expression" => {
                if let Some(inner) = target.named_child(0) {
                    self.store(inner, value);
                }
            }
            other => {
                self.failed =
                    Some(format!("an assignment to {} is not lowered", other.replace('_', " ")));
            }
        }
    }

    pub(super) fn augmented(&mut self, node: Node<'_>) {
        let part = |field: &str| node.child_by_field_name(field);
        let (Some(left), Some(operator), Some(right)) =
            (part("left"), part("operator"), part("right"))
        else {
            return;
        };
        let one = self.expr(left);
        let one = self.keep_if_bound(one, right);
        let two = self.expr(right);
        let operator = self.text(operator).trim_end_matches('=');
        let maybe_list = !matches!(
            one.tag(),
            Some(Tag::Int | Tag::Bool | Tag::Float | Tag::Str | Tag::Tuple | Tag::None)
        );
        let value = self.binary(operator, one, two, node);
        let value = self.keep(value);
        if maybe_list {
            // A list grows in place, under all of its names.
            self.forget_lists("a list that grew");
        }
        self.store(left, &value);
    }

    pub(super) fn delete(&mut self, node: Node<'_>) {
        let targets = match node.named_child(0) {
            Some(list) if list.kind() == "expression_list" => children(list),
            Some(one) => vec![one],
            None => Vec::new(),
        };
        for target in targets {
            self.may_raise("a deletion");
            match target.kind() {
                "identifier" => {
                    let value = self.any("a variable that was deleted");
                    self.store_name(self.text(target), &value);
                }
                "subscript" => {
                    self.store_element(target);
                    self.forget_lists("a deleted element");
                }
                _ => {
                    self.forget_lists("a deleted attribute");
                }
            }
        }
    }
}
