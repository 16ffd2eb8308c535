//! Conditions of JavaScript: what counts as true.

use tree_sitter::Node;

use super::{Lowering, value::Value};
use crate::{
    emit::Emit,
    ir::{Cmp, Expr, Kind, Stmt},
    syntax::{each, line},
};

/// What a condition is, if it can be said at once.
pub(super) fn known(condition: &Expr) -> Option<bool> {
    if let Expr::Bool(value) = condition { Some(*value) } else { None }
}

/// Both, with what can be said at once already said.
pub(super) fn both(one: Expr, two: Expr) -> Expr {
    match (one, two) {
        (Expr::Bool(false), _) | (_, Expr::Bool(false)) => Expr::Bool(false),
        (Expr::Bool(true), other) | (other, Expr::Bool(true)) => other,
        (one, two) => one.and(two),
    }
}

pub(super) fn one_of(one: Expr, two: Expr) -> Expr {
    match (one, two) {
        (Expr::Bool(true), _) | (_, Expr::Bool(true)) => Expr::Bool(true),
        (Expr::Bool(false), other) | (other, Expr::Bool(false)) => other,
        (one, two) => one.or(two),
    }
}

impl Lowering<'_> {
    /// A condition that decides where to go.
    pub(super) fn truth(&mut self, node: Node<'_>) -> Expr {
        self.depth += 1;
        let truth = if self.depth > super::DEPTH_MAX {
            self.failed = Some("it is nested too deeply".to_owned());
            Expr::Bool(false)
        } else {
            self.truth_inner(node)
        };
        self.depth -= 1;
        truth
    }

    fn truth_inner(&mut self, node: Node<'_>) -> Expr {
        let part = |field: &str| node.child_by_field_name(field);
        let operator = part("operator").map(|operator| self.text(operator)).unwrap_or_default();
        match (node.kind(), operator) {
            ("parenthesized_expression", _) => {
                if let Some(inner) = node.named_child(0).filter(|it| !it.is_extra()) {
                    return self.truth(inner);
                }
            }
            ("unary_expression", "!") => {
                if let Some(argument) = part("argument") {
                    return self.truth(argument).not();
                }
            }
            ("binary_expression", "&&" | "||") => {
                if let (Some(left), Some(right)) = (part("left"), part("right")) {
                    return self.short_circuit(left, right, operator == "&&");
                }
            }
            _ => {}
        }
        let value = self.expr(node);
        let truth = self.truth_of(&value);
        let compares = matches!(operator, "==" | "===" | "!=" | "!==" | "<" | "<=" | ">" | ">=");
        // What only a declared type decides is a guard, not a mistake.
        if compares && known(&truth).is_none() && self.is_about_locals(node) {
            let site = self.site();
            let condition = truth.clone();
            self.block.push(Stmt::Condition { site, line: line(node), condition });
        }
        truth
    }

    fn short_circuit(&mut self, left: Node<'_>, right: Node<'_>, and: bool) -> Expr {
        let one = self.truth(left);
        let one = self.keep_bool(one);
        let (and_first, or_first) = (one.clone(), one.clone());
        let result = if and {
            self.either(
                and_first,
                |own| Value::bool(own.truth(right)),
                |_| Value::bool(false.into()),
            )
        } else {
            self.either(or_first, |_| Value::bool(true.into()), |own| Value::bool(own.truth(right)))
        };
        result.as_bool()
    }

    fn is_about_locals(&self, node: Node<'_>) -> bool {
        let (mut local, mut other) = (false, false);
        each(node, &mut |inner| match inner.kind() {
            "identifier" => {
                let known = self.local(self.text(inner));
                local |= known.is_some_and(|known| !known.is_shared);
            }
            "call_expression"
            | "member_expression"
            | "subscript_expression"
            | "assignment_expression"
            | "augmented_assignment_expression"
            | "update_expression"
            | "new_expression"
            | "await_expression" => other = true,
            "unary_expression" => other |= self.text(inner).starts_with("typeof"),
            _ => {}
        });
        local && !other
    }

    /// Whether a value counts as true.
    pub(super) fn truth_of(&mut self, value: &Value) -> Expr {
        let value = &self.keep(value.clone());
        let not_zero = |number: Expr| Expr::cmp(Cmp::Eq, number, Expr::Int(0)).not();
        value
            .kinds
            .iter()
            .map(|kind| {
                let truth = match kind {
                    Kind::Undefined | Kind::Null => Expr::Bool(false),
                    Kind::Bool => value.as_bool(),
                    Kind::Int | Kind::BigInt => not_zero(value.as_int()),
                    Kind::Float => {
                        let float = || Box::new(value.as_float());
                        let zero = Box::new(Expr::Float(0.0));
                        let number = Expr::CmpFloat(Cmp::Eq, float(), float());
                        both(number, Expr::CmpFloat(Cmp::Eq, float(), zero).not())
                    }
                    Kind::Str => not_zero(value.length()),
                    Kind::Array | Kind::Object | Kind::Function | Kind::Symbol => Expr::Bool(true),
                };
                both(value.is(kind), truth)
            })
            .fold(Expr::Bool(false), one_of)
    }
}

impl From<bool> for Expr {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}
