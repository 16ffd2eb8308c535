//! Assignments of JavaScript.

use tree_sitter::Node;

use super::{Lowering, access::inside, literal::literal, value::Value};
use crate::{
    ir::{Expr, Kind},
    syntax::{each, line},
};

impl Lowering<'_> {
    pub(super) fn assignment(&mut self, node: Node<'_>) -> Value {
        let (Some(left), Some(right)) =
            (node.child_by_field_name("left"), node.child_by_field_name("right"))
        else {
            return self.opaque(node);
        };
        let value = self.expr(right);
        if matches!(left.kind(), "object_pattern" | "array_pattern") {
            self.null_check(&value, right, "TypeError");
        }
        let value = self.keep(value);
        self.store(left, &value);
        value
    }

    pub(super) fn augmented(&mut self, node: Node<'_>) -> Value {
        let part = |field: &str| node.child_by_field_name(field);
        let (Some(left), Some(right)) = (part("left"), part("right")) else {
            return self.opaque(node);
        };
        let operator = part("operator").map(|operator| self.text(operator)).unwrap_or_default();
        let operator = operator.trim_end_matches('=');
        let one = self.expr(left);
        let value = if matches!(operator, "||" | "&&" | "??") {
            self.either_value(operator, one, right)
        } else {
            let one = self.keep_if_bound(one, right);
            let two = self.expr(right);
            self.arithmetic(operator, one, two, line(node))
        };
        let value = self.keep(value);
        self.store(left, &value);
        value
    }

    /// Keeps a value whose name the next operand sets anew.
    pub(super) fn keep_if_bound(&mut self, value: Value, next: Node<'_>) -> Value {
        let mut binds = false;
        each(next, &mut |inner| {
            binds |= matches!(
                inner.kind(),
                "assignment_expression" | "augmented_assignment_expression" | "update_expression"
            );
        });
        if binds { self.keep(value) } else { value }
    }

    /// `x++` and its like: the value before, or the one after.
    pub(super) fn update(&mut self, node: Node<'_>) -> Value {
        let Some(argument) = node.child_by_field_name("argument") else {
            return self.opaque(node);
        };
        let text = self.text(node);
        let one = self.expr(argument);
        let before = self.numeric(&one);
        let before = self.keep(before);
        let by = match before.is_only(Kind::BigInt) {
            true => Value::bigint(Expr::Int(1)),
            false => Value::int(Expr::Int(1)),
        };
        let operator = if text.contains("++") { "+" } else { "-" };
        let after = match before.kinds.contains(Kind::BigInt) && !before.is_only(Kind::BigInt) {
            true => {
                let (is_big, plain) = (before.is(Kind::BigInt), before.clone());
                let big = before.narrowed(crate::ir::Kinds::of(Kind::BigInt));
                let number = plain.narrowed(crate::ir::Kinds::NUMBER);
                self.either(
                    is_big,
                    |own| own.arithmetic(operator, big, Value::bigint(Expr::Int(1)), line(node)),
                    |own| own.arithmetic(operator, number, by, line(node)),
                )
            }
            false => self.arithmetic(operator, before.clone(), by, line(node)),
        };
        let after = self.keep(after);
        self.store(argument, &after);
        if text.starts_with(['+', '-']) { after } else { before }
    }

    pub(super) fn store(&mut self, target: Node<'_>, value: &Value) {
        match target.kind() {
            "identifier" | "shorthand_property_identifier_pattern" => {
                // A name of the file or of a function around: every read of it is unknown anyway.
                if let Some(local) = self.local_index(self.text(target)) {
                    self.store_local(local, value);
                    self.locals[local].element = None;
                }
            }
            "member_expression" => self.store_member(target),
            "subscript_expression" => self.store_element(target),
            "object_pattern" | "array_pattern" => self.take_apart(target, value),
            "parenthesized_expression" | "non_null_expression" => {
                if let Some(inner) = target.named_child(0) {
                    self.store(inner, value);
                }
            }
            "assignment_pattern" | "object_assignment_pattern" => {
                self.store_or_default(target, value);
            }
            "undefined" => {}
            other => {
                self.failed =
                    Some(format!("an assignment to a {} is not lowered", other.replace('_', " ")));
            }
        }
    }

    fn store_member(&mut self, target: Node<'_>) {
        let Some(object) = target.child_by_field_name("object") else { return };
        let of = self.expr(object);
        self.null_check(&of, object, "TypeError");
        self.may_raise("an assignment to a property");
        // A property's setter runs code of its own.
        if object.kind() != "this" {
            self.forget_arrays("an assignment to a property");
        }
    }

    /// `xs[i] = value` makes an array longer, unless there is an element already.
    fn store_element(&mut self, target: Node<'_>) {
        let parts = (target.child_by_field_name("object"), target.child_by_field_name("index"));
        let (Some(object), Some(index)) = parts else { return };
        let of = self.expr(object);
        let of = if self.is_plain_local(object) { of } else { self.keep(of) };
        let index_value = self.expr(index);
        let index_value = self.keep(index_value);
        self.null_check(&of, object, "TypeError");
        let stays = match of.is_only(Kind::Array) && index_value.is_only(Kind::Int) {
            true => inside(&of, &index_value),
            false => Expr::Bool(false),
        };
        self.branch(
            stays,
            |_| {},
            |own| {
                own.may_raise("an assignment to an element");
                own.forget_arrays("an assignment to an element");
            },
        );
    }

    /// Whether the value of a node can be said at once.
    pub(super) fn constant(&self, node: Node<'_>) -> Option<Value> {
        literal(node, self.source)
    }
}
