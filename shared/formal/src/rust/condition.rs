//! Comparisons, and conditions that decide where to go.

use tree_sitter::Node;

use super::{
    Lowering,
    arithmetic::is_literal,
    children, each, line,
    types::Ty,
    value::{Value, conjunction, payload},
};
use crate::{
    emit::Emit,
    ir::{Cmp, Expr, Stmt, Type},
};

impl<'a> Lowering<'a> {
    pub(super) fn comparison(&mut self, operator: &str, left: Node<'a>, right: Node<'a>) -> Expr {
        if matches!(operator, "==" | "!=") {
            let equal = self.compared(left, right);
            return if operator == "==" { equal } else { equal.not() };
        }
        let Some((one, two)) = self.sides(left, right) else { return Expr::Bool(false) };
        let turned = matches!(operator, ">" | ">=");
        let cmp = if matches!(operator, "<" | ">") { Cmp::Lt } else { Cmp::Le };
        let (one, two) = if turned { (two, one) } else { (one, two) };
        match (one.ty.bare(), two.ty.bare()) {
            (Ty::Int(_) | Ty::IntVar(_) | Ty::Char, Ty::Int(_) | Ty::IntVar(_) | Ty::Char) => {
                Expr::cmp(cmp, one.leaf(), two.leaf())
            }
            (Ty::Float { .. }, Ty::Float { .. }) => {
                Expr::CmpFloat(cmp, Box::new(one.leaf()), Box::new(two.leaf()))
            }
            _ => self.opaque(&Ty::Bool, "a comparison of unknown parts").leaf(),
        }
    }

    /// Whether both sides are equal.
    pub(super) fn compared(&mut self, left: Node<'a>, right: Node<'a>) -> Expr {
        match self.sides(left, right) {
            Some((one, two)) => self.equal(&one, &two),
            None => Expr::Bool(false),
        }
    }

    /// Both sides of a comparison; none if one never comes to an end.
    pub(super) fn sides(&mut self, left: Node<'a>, right: Node<'a>) -> Option<(Value, Value)> {
        let one = self.expr(left, None);
        let one = self.keep_if_effects(one, right);
        let own = one.ty.bare().clone();
        let two = self.expr(right, Some(&own).filter(|own| **own != Ty::Unknown && !own.is_unit()));
        let one = match (&one.ty, two.ty.bare()) {
            (Ty::Unknown, Ty::Int(_) | Ty::Float { .. }) if is_literal(left) => {
                let own = two.ty.bare().clone();
                self.expr(left, Some(&own))
            }
            _ => one,
        };
        if one.is_never() || two.is_never() {
            return None;
        }
        self.unify(&one.ty, &two.ty);
        Some((one, two))
    }

    pub(super) fn short_circuit(
        &mut self,
        left: Node<'a>,
        right: Node<'a>,
        is_and: bool,
        asks: bool,
    ) -> Expr {
        let lower = |own: &mut Self, node: Node<'a>| match asks {
            true => own.condition(node),
            false => {
                let value = own.expr(node, Some(&Ty::Bool));
                own.coerced(value, &Ty::Bool).leaf()
            }
        };
        let one = lower(self, left);
        let (mut block, two) = self.caught(|own| lower(own, right));
        if block.is_empty() {
            return if is_and { conjunction(one, two) } else { one.or(two) };
        }
        let var = self.variable("", Type::Bool);
        block.push(Stmt::Assign(var, two));
        let short = vec![Stmt::Assign(var, Expr::Bool(!is_and))];
        let (yes, no) = if is_and { (block, short) } else { (short, block) };
        self.block.push(Stmt::If(one, yes, no));
        Expr::Var(var)
    }

    /// A condition that decides where to go. Each comparison in it is asked whether it is
    /// constant, if it is about local variables and nothing else.
    pub(super) fn condition(&mut self, node: Node<'a>) -> Expr {
        let operator = node.child_by_field_name("operator").map(|it| self.text(it));
        match (node.kind(), operator) {
            ("parenthesized_expression", _) if children(node).len() == 1 => {
                return self.condition(children(node)[0]);
            }
            ("binary_expression", Some(and @ ("&&" | "||"))) => {
                let sides = (node.child_by_field_name("left"), node.child_by_field_name("right"));
                if let (Some(left), Some(right)) = sides {
                    return self.short_circuit(left, right, and == "&&", true);
                }
            }
            ("unary_expression", _) if self.text(node).starts_with('!') => {
                if let Some(inner) = node.named_child(0) {
                    return self.condition(inner).not();
                }
            }
            _ => {}
        }
        let value = self.expr(node, Some(&Ty::Bool));
        let value = self.coerced(value, &Ty::Bool).leaf();
        if node.kind() == "binary_expression" && self.is_about_locals(node) {
            let (site, condition) = (self.site(), value.clone());
            self.block.push(Stmt::Condition { site, line: line(node), condition });
        }
        value
    }

    pub(super) fn is_about_locals(&self, node: Node<'a>) -> bool {
        let (mut local, mut other) = (false, false);
        each(node, &mut |inner| {
            match inner.kind() {
                "identifier" | "self" => match self.local(self.text(inner)).is_some() {
                    true => local = true,
                    // A constant is another one in another build.
                    false => other = true,
                },
                "call_expression" | "macro_invocation" | "block" | "scoped_identifier"
                | "closure_expression" => other = true,
                _ => {}
            }
            true
        });
        local && !other
    }

    /// Whether both are equal; what is not modelled is unknown.
    pub(super) fn equal(&mut self, one: &Value, two: &Value) -> Expr {
        let unknown = "a comparison of unknown parts";
        match (one.ty.bare(), two.ty.bare()) {
            (Ty::Bool, Ty::Bool) => Expr::SameBool(Box::new(one.leaf()), Box::new(two.leaf())),
            (Ty::Int(_) | Ty::IntVar(_) | Ty::Char, Ty::Int(_) | Ty::IntVar(_) | Ty::Char) => {
                Expr::cmp(Cmp::Eq, one.leaf(), two.leaf())
            }
            (Ty::Float { .. }, Ty::Float { .. }) => {
                Expr::CmpFloat(Cmp::Eq, Box::new(one.leaf()), Box::new(two.leaf()))
            }
            (Ty::Text { .. } | Ty::Sequence(..), Ty::Text { .. } | Ty::Sequence(..)) => {
                let (Some(first), Some(second)) = (one.length(), two.length()) else {
                    return self.opaque(&Ty::Bool, unknown).leaf();
                };
                let same = self.opaque(&Ty::Bool, "the contents of a sequence").leaf();
                let empty = Expr::cmp(Cmp::Eq, first.clone(), Expr::Int(0));
                Expr::cmp(Cmp::Eq, first, second).and(same.or(empty))
            }
            (Ty::Tuple(ones), Ty::Tuple(twos)) if ones.len() == twos.len() => {
                let mut all = Expr::Bool(true);
                for at in 0..ones.len() {
                    let name = at.to_string();
                    if let (Some(first), Some(second)) =
                        (self.field_of(one, &name), self.field_of(two, &name))
                    {
                        all = conjunction(all, self.equal(&first, &second));
                    }
                }
                all
            }
            (Ty::Option(_), Ty::Option(_)) => {
                let same = Expr::SameBool(Box::new(one.leaf()), Box::new(two.leaf()));
                let inner = |value: &Value| {
                    payload(&value.ty, "Some").map(|(ty, range)| value.part(ty, range))
                };
                match (inner(one), inner(two)) {
                    (Some(first), Some(second)) if first.is_never() || second.is_never() => same,
                    (Some(first), Some(second)) => {
                        let inner = self.equal(&first, &second);
                        same.and(one.leaf().not().or(inner))
                    }
                    _ => same,
                }
            }
            (Ty::Enum(first), Ty::Enum(second))
                if first == second
                    && first.variants.iter().all(|it| it.fields.is_empty())
                    && first.name == "Ordering" =>
            {
                Expr::cmp(Cmp::Eq, one.leaf(), two.leaf())
            }
            _ => self.opaque(&Ty::Bool, unknown).leaf(),
        }
    }
}
