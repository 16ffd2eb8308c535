//! Conditions of Python: what counts as true.

use tree_sitter::Node;

use super::{Lowering, each, line, value::Value};
use crate::{
    emit::Emit,
    ir::{Cmp, Expr, Read, Stmt, Tag, Type},
};

impl Lowering<'_> {
    /// A condition that decides where to go.
    pub(super) fn truth(&mut self, node: Node<'_>) -> Expr {
        let part = |field: &str| node.child_by_field_name(field);
        match node.kind() {
            "parenthesized_expression" => {
                if let Some(inner) = node.named_child(0) {
                    return self.truth(inner);
                }
            }
            "not_operator" => {
                if let Some(argument) = part("argument") {
                    return self.truth(argument).not();
                }
            }
            "boolean_operator" => {
                if let (Some(left), Some(operator), Some(right)) =
                    (part("left"), part("operator"), part("right"))
                {
                    return self.short_circuit(left, right, self.text(operator) == "and");
                }
            }
            _ => {}
        }
        let value = self.expr(node);
        let truth = self.truth_of(&value);
        if node.kind() == "comparison_operator" && self.is_about_locals(node) {
            let site = self.site();
            let condition = truth.clone();
            self.block.push(Stmt::Condition { site, line: line(node), condition });
        }
        truth
    }

    fn short_circuit(&mut self, left: Node<'_>, right: Node<'_>, and: bool) -> Expr {
        let one = self.truth(left);
        self.short_circuited(and, one, |own| own.truth(right))
    }

    pub(super) fn is_about_locals(&self, node: Node<'_>) -> bool {
        let (mut local, mut other) = (false, false);
        each(node, &mut |inner| {
            match inner.kind() {
                "identifier" => local |= self.locals.contains_key(self.text(inner)),
                "call" | "named_expression" | "attribute" | "subscript" => other = true,
                _ => {}
            }
            true
        });
        local && !other
    }

    /// Whether a value counts as true.
    pub(super) fn truth_of(&mut self, value: &Value) -> Expr {
        match value {
            Value::One(Tag::Bool, value) => value.clone(),
            Value::One(Tag::None, _) => Expr::Bool(false),
            Value::One(Tag::Int, value) => Expr::cmp(Cmp::Eq, value.clone(), Expr::Int(0)).not(),
            Value::One(Tag::Float, value) => {
                let zero = Box::new(Expr::Float(0.0));
                Expr::CmpFloat(Cmp::Eq, Box::new(value.clone()), zero).not()
            }
            Value::One(Tag::Str | Tag::Tuple | Tag::List, value) => {
                let length = Expr::Len(Box::new(value.clone()));
                Expr::cmp(Cmp::Lt, Expr::Int(0), length)
            }
            Value::One(Tag::Object, _) => {
                self.may_raise("the truth of an object");
                self.unknown_truth("the truth of an object")
            }
            Value::Any(_) => {
                self.may_raise("the truth of an object");
                let result = self.variable("", Type::Bool);
                self.read_into(result, Read::opaque("the truth of an object"));
                for tag in Tag::ALL.into_iter().filter(|tag| *tag != Tag::Object) {
                    let is = value.is(tag);
                    let inner = Value::One(tag, value.as_type(tag));
                    self.branch(
                        is,
                        |own| {
                            let truth = own.truth_of(&inner);
                            own.block.push(Stmt::Assign(result, truth));
                        },
                        |_| {},
                    );
                }
                Expr::Var(result)
            }
        }
    }

    pub(super) fn unknown_truth(&mut self, reason: &str) -> Expr {
        let result = self.variable("", Type::Bool);
        self.read_into(result, Read::opaque(reason));
        Expr::Var(result)
    }
}
