//! `Option` and `Result`: what unwrapping them checks, and what their methods give.

use tree_sitter::Node;

use super::{
    Lowering,
    types::Ty,
    value::{Value, payload},
};
use crate::ir::{CheckKind, Expr, Stmt, Type};

impl<'a> Lowering<'a> {
    fn held_by(&mut self, of: &Value, variant: &str) -> Value {
        let part = payload(&of.ty, variant).map(|(ty, range)| of.part(ty, range));
        part.unwrap_or_else(Value::unknown)
    }

    /// What is in an `Option` or `Result` that is fine.
    pub(super) fn content(&mut self, of: &Value) -> Value {
        let variant = if matches!(of.ty.bare(), Ty::Option(_)) { "Some" } else { "Ok" };
        self.held_by(of, variant)
    }

    /// A method of an `Option` or `Result`; none if it is not known. `asked` are the arguments
    /// as the code has them: closures are not lowered.
    pub(super) fn option_method(
        &mut self,
        of: &Value,
        name: &str,
        asked: &[Node<'a>],
        hint: Option<&Ty>,
        at: u32,
    ) -> Option<Value> {
        let of = &self.keep(of.clone()).bare();
        let there = of.leaf();
        let is_option = matches!(of.ty, Ty::Option(_));
        let value = self.content(of);
        Some(match name {
            "is_some" | "is_ok" => Value::bool(there),
            "is_none" | "is_err" => Value::bool(there.not()),
            "unwrap" | "expect" => {
                self.check(CheckKind::NullDereference, at, there.not());
                self.unwrapped(value, hint)
            }
            "unwrap_err" | "expect_err" => {
                self.check(CheckKind::NullDereference, at, there);
                let error = self.held_by(of, "Err");
                self.unwrapped(error, hint)
            }
            "is_some_and" | "is_ok_and" => {
                let found = self.closure(asked, &Ty::Bool).leaf();
                Value::bool(there.and(found))
            }
            "is_none_or" => {
                let found = self.closure(asked, &Ty::Bool).leaf();
                Value::bool(there.not().or(found))
            }
            "ok" if !is_option => {
                let mut leaves = vec![there];
                leaves.extend(value.leaves);
                Value { ty: Ty::option(value.ty), leaves }
            }
            "err" if !is_option => {
                let error = self.held_by(of, "Err");
                let mut leaves = vec![there.not()];
                leaves.extend(error.leaves);
                Value { ty: Ty::option(error.ty), leaves }
            }
            "ok_or" | "ok_or_else" if is_option => {
                let error = match name {
                    "ok_or" => self.expr(*asked.first()?, None),
                    _ => self.closure(asked, &Ty::Unknown),
                };
                let mut leaves = vec![there];
                leaves.extend(value.leaves);
                leaves.extend(error.leaves);
                Value { ty: Ty::result(value.ty, error.ty), leaves }
            }
            "as_ref" | "as_deref" | "copied" | "cloned" | "clone" | "iter" | "into_iter"
                if !name.ends_with("iter") =>
            {
                of.clone()
            }
            "map" | "inspect" | "map_err" | "context" | "with_context" => {
                self.mapped(of, name, asked, hint)
            }
            "and_then" | "filter" | "or_else" | "or" | "and" | "xor" | "zip" => {
                self.perhaps(of, name, asked, hint)?
            }
            _ => return self.or_another(of, name, asked, hint),
        })
    }

    /// What is there, or something else.
    fn or_another(
        &mut self,
        of: &Value,
        name: &str,
        asked: &[Node<'a>],
        hint: Option<&Ty>,
    ) -> Option<Value> {
        let (there, value) = (of.leaf(), self.content(of));
        Some(match name {
            "unwrap_or" => {
                let hint = Some(&value.ty).filter(|ty| **ty != Ty::Never).cloned();
                let other = self.expr(*asked.first()?, hint.as_ref());
                self.choose(there, value, other)
            }
            "unwrap_or_default" => {
                let zero = match value.ty.leaves().as_slice() {
                    [Type::Int(_)] => Some(Expr::Int(0)),
                    [Type::Bool] => Some(Expr::Bool(false)),
                    [Type::Float { .. }] => Some(Expr::Float(0.0)),
                    [Type::Ref] => Some(super::sequence::made(Expr::Int(0))),
                    _ => None,
                };
                let is_plain =
                    !matches!(value.ty.bare(), Ty::Enum(_) | Ty::Struct(_) | Ty::Option(_));
                let other = match zero.filter(|_| is_plain) {
                    Some(zero) => Value { ty: value.ty.clone(), leaves: vec![zero] },
                    None => self.opaque(&value.ty.clone(), "a default"),
                };
                self.choose(there, value, other)
            }
            "unwrap_or_else" => {
                let other = self.closure(asked, &value.ty.clone());
                self.choose(there, value, other)
            }
            "map_or" => {
                let other = self.expr(*asked.first()?, hint);
                let found = self.closure(asked.get(1..)?, &other.ty.clone());
                self.choose(there, found, other)
            }
            "map_or_else" => {
                let ty = hint.cloned().unwrap_or(Ty::Unknown);
                self.closure(asked, &ty)
            }
            _ => return None,
        })
    }

    /// What was unwrapped, of the type that is wanted if its own is not known.
    fn unwrapped(&mut self, value: Value, hint: Option<&Ty>) -> Value {
        match (&value.ty, hint) {
            (Ty::Unknown | Ty::Never, Some(hint)) if *hint != Ty::Never => {
                self.opaque(hint, "a value of unknown type")
            }
            (Ty::Never, _) => Value::unknown(),
            _ => value,
        }
    }

    /// What a closure gives back: anything.
    pub(super) fn closure(&mut self, asked: &[Node<'a>], ty: &Ty) -> Value {
        for node in asked {
            self.forget_mentioned(*node, "what a closure does");
        }
        self.escape(ty);
        self.opaque(ty, "what a closure gives")
    }

    fn mapped(&mut self, of: &Value, name: &str, asked: &[Node<'a>], hint: Option<&Ty>) -> Value {
        for node in asked {
            self.forget_mentioned(*node, "what a closure does");
        }
        let there = of.leaf();
        if name == "inspect" {
            return of.clone();
        }
        if name == "map" {
            let inner = hint.and_then(|hint| payload(hint, "Some").or(payload(hint, "Ok")));
            let inner = inner.map_or(Ty::Unknown, |(ty, _)| ty);
            let new = self.opaque(&inner, "what a closure gives");
            let mut leaves = vec![there];
            leaves.extend(new.leaves);
            if matches!(of.ty, Ty::Option(_)) {
                return Value { ty: Ty::option(new.ty), leaves };
            }
            let error = self.held_by(of, "Err");
            leaves.extend(error.leaves);
            return Value { ty: Ty::result(new.ty, error.ty), leaves };
        }
        let value = self.content(of);
        let mut leaves = vec![there];
        leaves.extend(value.leaves);
        Value { ty: Ty::result(value.ty, Ty::Unknown), leaves }
    }

    /// Results that are only there if this one is, or only if it is not.
    fn perhaps(
        &mut self,
        of: &Value,
        name: &str,
        asked: &[Node<'a>],
        hint: Option<&Ty>,
    ) -> Option<Value> {
        let there = of.leaf();
        if name == "or" {
            let other = self.expr(*asked.first()?, Some(&of.ty.clone()));
            let other = self.coerced(other, &of.ty.clone());
            return Some(self.choose(there, of.clone(), other));
        }
        if name == "filter" {
            let kept = self.closure(asked, &Ty::Bool).leaf();
            let mut leaves = of.leaves.clone();
            *leaves.first_mut()? = there.and(kept);
            return Some(Value { ty: of.ty.clone(), leaves });
        }
        for node in asked {
            self.forget_mentioned(*node, "what a closure does");
        }
        let hint = hint.filter(|hint| matches!(hint, Ty::Option(_) | Ty::Result(..)));
        let ty = match (hint, &of.ty) {
            (Some(hint), _) => hint.clone(),
            (None, Ty::Option(_)) => Ty::option(Ty::Unknown),
            (None, _) => Ty::result(Ty::Unknown, Ty::Unknown),
        };
        let mut found = self.opaque(&ty, "what a closure gives");
        let also = found.leaf();
        let known = match name {
            "and_then" | "zip" | "and" => there.and(also),
            "or_else" => there.or(also),
            _ => also,
        };
        *found.leaves.first_mut()? = known;
        Some(found)
    }

    /// `?`: goes on with what is there, and gives back the rest.
    pub(super) fn question(&mut self, node: Node<'a>, hint: Option<&Ty>) -> Value {
        let Some(inner) = node.named_child(0) else { return Value::unknown() };
        let wanted = hint.map(|hint| Ty::result(hint.clone(), Ty::Unknown));
        let wanted = wanted.filter(|_| is_conversion(self.text(inner)));
        let value = self.expr(inner, wanted.as_ref());
        if value.is_never() {
            return value;
        }
        let mut value = self.keep(value).bare();
        self.take_for_granted(inner, &mut value);
        let returns = self.signature.returns.clone();
        let (there, content) = if value.ty.is_perhaps() {
            let content = self.content(&value);
            (value.leaf(), self.unwrapped(content, hint))
        } else {
            let there = self.assumed("whether a call gave a value");
            (there, self.unknown_or(hint, "what a call gave"))
        };
        let left = self.nested(|own| {
            let mut back = own.opaque(&returns, "an error that is passed on");
            if let Some(first) = back.leaves.first_mut()
                && matches!(returns, Ty::Option(_) | Ty::Result(..))
            {
                *first = Expr::Bool(false);
            }
            own.give_back(back);
        });
        self.block.push(Stmt::If(there, Vec::new(), left));
        content
    }
}

/// Whether the type that is wanted decides what a call gives.
pub(super) fn is_conversion(code: &str) -> bool {
    code.ends_with(".try_into()") || code.ends_with(".parse()")
}
