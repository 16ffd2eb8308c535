//! Patterns, which take a value apart.

use tree_sitter::Node;

use super::{Lowering, tokens, value::Value};
use crate::{
    ir::{Expr, Kind, Kinds},
    syntax::children,
};

impl Lowering<'_> {
    /// That the value is there was checked before, if anything is known of it.
    pub(super) fn take_apart(&mut self, pattern: Node<'_>, value: &Value) {
        self.may_raise("taking a value apart");
        if pattern.kind() == "object_pattern" {
            for part in children(pattern) {
                self.take_property(part);
            }
            return;
        }
        if !value.is_only(Kind::Array) {
            self.unknown_code("an iteration", Vec::new());
        }
        let value = self.keep(value.clone());
        for (place, part) in places(pattern) {
            if part.kind() == "rest_pattern" {
                let rest = self.some(Kinds::of(Kind::Array), "the length of an array");
                if let Some(target) = part.named_child(0) {
                    self.store(target, &rest);
                }
                continue;
            }
            let index = Value::int(Expr::Int(place));
            let element = self.indexed(&value, &index, pattern);
            self.store(part, &element);
        }
    }

    fn take_property(&mut self, part: Node<'_>) {
        let property = self.any("a property of an object");
        match part.kind() {
            "pair_pattern" => {
                let key = part.child_by_field_name("key");
                if let Some(key) = key.filter(|key| key.kind() == "computed_property_name") {
                    for inner in children(key) {
                        self.expr(inner);
                    }
                }
                if let Some(target) = part.child_by_field_name("value") {
                    self.store(target, &property);
                }
            }
            "rest_pattern" => {
                if let Some(target) = part.named_child(0) {
                    self.store(target, &Value::object());
                }
            }
            _ => self.store(part, &property),
        }
    }

    /// `target = value`, which is taken if there is nothing.
    pub(super) fn store_or_default(&mut self, pattern: Node<'_>, value: &Value) {
        let parts = (pattern.child_by_field_name("left"), pattern.child_by_field_name("right"));
        let (Some(left), Some(right)) = parts else { return };
        let value = self.keep(value.clone());
        let there = value.narrowed(Kinds::ALL.without(Kinds::of(Kind::Undefined)));
        let value = self.either(value.is(Kind::Undefined), |own| own.expr(right), |_| there);
        self.store(left, &value);
    }
}

/// The parts of an array's pattern with their places: commas count, whether or not there is a part.
fn places(pattern: Node<'_>) -> Vec<(i128, Node<'_>)> {
    let mut place = 0;
    let mut parts = Vec::new();
    for child in tokens(pattern) {
        if child.kind() == "," {
            place += 1;
        } else if child.is_named() && !child.is_extra() {
            parts.push((place, child));
        }
    }
    parts
}
