//! Assignments.

use tree_sitter::Node;

use super::{Lowering, children, line, types::Ty, value::Value};

impl<'a> Lowering<'a> {
    pub(super) fn assignment(&mut self, node: Node<'a>) -> Value {
        let (Some(left), Some(right)) =
            (node.child_by_field_name("left"), node.child_by_field_name("right"))
        else {
            return Value::unknown();
        };
        let hint = self.place(left).map(|(ty, _)| ty);
        let value = self.expr(right, hint.as_ref().filter(|ty| **ty != Ty::Never));
        if value.is_never() {
            return value;
        }
        self.store(left, value);
        Value::unit()
    }

    /// Sets a place.
    pub(super) fn store(&mut self, left: Node<'a>, value: Value) {
        if left.kind() == "tuple_expression" {
            let value = self.keep(value);
            for (at, part) in children(left).into_iter().enumerate() {
                let own = self.field_of(&value, &at.to_string());
                self.store(part, own.unwrap_or_else(Value::unknown));
            }
            return;
        }
        if let Some((ty, vars)) = self.place(left) {
            let learns = self.local(self.text(left)).and_then(|local| local.learns);
            if let Some(place) = learns {
                self.infer.gets(place, &value.ty);
            }
            self.put(&ty, &vars, value);
            return;
        }
        self.escape(&value.ty);
        match left.kind() {
            "identifier" | "self" => {}
            "index_expression" | "field_expression" | "unary_expression" => {
                self.element_set(left);
            }
            _ => self.forget_mentioned(left, "an assignment to several places"),
        }
    }

    /// What setting an element checks.
    pub(super) fn element_set(&mut self, left: Node<'a>) {
        if left.kind() == "index_expression" {
            self.index(left);
        } else if let Some(inner) = left.child_by_field_name("value").or(left.named_child(0))
            && self.place(inner).is_none()
        {
            self.element_set(inner);
        }
    }

    pub(super) fn compound(&mut self, node: Node<'a>) -> Value {
        let (Some(left), Some(right), Some(operator)) = (
            node.child_by_field_name("left"),
            node.child_by_field_name("right"),
            node.child_by_field_name("operator"),
        ) else {
            return Value::unknown();
        };
        let operator = self.text(operator).trim_end_matches('=');
        let known = self.place(left);
        let hint = known.as_ref().map(|(ty, _)| ty.bare().clone());
        let shifts = matches!(operator, "<<" | ">>");
        let hint = hint.filter(|ty| !shifts && matches!(ty, Ty::Int(_) | Ty::Float { .. }));
        let two = self.expr(right, hint.as_ref());
        if two.is_never() {
            return two;
        }
        match known {
            Some((ty, vars)) => {
                let one = Value::of(ty.clone(), &vars);
                let value = self.operation(operator, one, two, line(node));
                self.put(&ty, &vars, value);
            }
            None => {
                let two = self.keep(two);
                let one = match left.kind() {
                    "index_expression" => self.index(left),
                    _ => {
                        self.element_set(left);
                        Value::unknown()
                    }
                };
                self.operation(operator, one, two, line(node));
            }
        }
        Value::unit()
    }
}
