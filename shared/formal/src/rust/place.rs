//! Places: locals and their parts, and what references lend of them.

use tree_sitter::Node;

use super::{
    Lowering, children,
    types::Ty,
    value::{Value, field},
};
use crate::ir::Var;

impl<'a> Lowering<'a> {
    /// Where a value is kept that an expression names, if it is.
    pub(super) fn place(&self, node: Node<'_>) -> Option<(Ty, Vec<Var>)> {
        match node.kind() {
            "identifier" | "self" => {
                let local = self.local(self.text(node))?;
                Some((local.ty.clone(), local.vars.clone()))
            }
            "parenthesized_expression" => self.place(node.named_child(0)?),
            "unary_expression" if self.text(node).starts_with('*') => {
                let (ty, vars) = self.place(node.named_child(0)?)?;
                Some((ty.behind(), vars))
            }
            "field_expression" => {
                let (ty, vars) = self.place(node.child_by_field_name("value")?)?;
                let name = self.text(node.child_by_field_name("field")?);
                let (ty, range) = field(&ty, name)?;
                Some((ty, vars.get(range)?.to_vec()))
            }
            _ => None,
        }
    }

    /// The local that a place is part of.
    pub(super) fn root(&self, node: Node<'a>) -> Option<&'a str> {
        match node.kind() {
            "identifier" | "self" => Some(self.text(node)),
            "parenthesized_expression" | "unary_expression" => self.root(node.named_child(0)?),
            "field_expression" => self.root(node.child_by_field_name("value")?),
            "index_expression" => self.root(node.named_child(0)?),
            _ => None,
        }
    }

    /// A place read as a whole; who takes what it lends may change it.
    pub(super) fn whole_place(&mut self, node: Node<'a>) -> Value {
        let Some((ty, vars)) = self.place(node) else { return Value::unknown() };
        let value = Value::of(ty.clone(), &vars);
        if !ty.lends() {
            return value;
        }
        let kept = self.keep(value);
        self.forget(&ty, &vars, "what was lent to be changed");
        kept
    }

    pub(super) fn field_access(&mut self, node: Node<'a>) -> Value {
        if self.place(node).is_some() {
            return self.whole_place(node);
        }
        let (Some(of), Some(name)) =
            (node.child_by_field_name("value"), node.child_by_field_name("field"))
        else {
            return Value::unknown();
        };
        if self.place(of).is_some() {
            return Value::unknown();
        }
        let of = self.expr(of, None);
        if of.is_never() {
            return of;
        }
        let name = self.text(name);
        self.field_of(&of, name).unwrap_or_else(Value::unknown)
    }

    /// `&` or `&mut`.
    pub(super) fn reference(&mut self, node: Node<'a>, hint: Option<&Ty>) -> Value {
        let Some(of) = node.child_by_field_name("value") else { return Value::unknown() };
        if self.text(node).starts_with("&raw ") {
            self.failed = Some("raw pointers are not lowered".to_owned());
        }
        let mutable = children(node).iter().any(|it| it.kind() == "mutable_specifier");
        let hint = hint.map(|hint| if let Ty::Ref { to, .. } = hint { to } else { hint }.clone());
        let value = match self.place(of) {
            Some((ty, vars)) => {
                let value = Value::of(ty.clone(), &vars);
                if mutable {
                    let kept = self.keep(value);
                    self.forget(&ty, &vars, "what was lent to be changed");
                    kept
                } else {
                    value
                }
            }
            None => {
                let value = self.expr(of, hint.as_ref());
                if mutable {
                    self.forget_root(of);
                }
                value
            }
        };
        if value.is_never() || value.ty == Ty::Unknown {
            return value;
        }
        let ty = Ty::Ref { mutable, to: Box::new(value.ty) };
        Value { ty, leaves: value.leaves }
    }

    /// Whatever the place that an element or part belongs to is, it may be changed.
    pub(super) fn forget_root(&mut self, node: Node<'a>) {
        let Some(root) = self.root(node) else { return };
        if let Some(local) = self.local(root).cloned()
            && !(matches!(local.ty.bare(), Ty::Sequence(..)) && node.kind() == "index_expression")
        {
            self.forget(&local.ty, &local.vars, "what was lent to be changed");
        }
    }
}
