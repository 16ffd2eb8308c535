//! Indexes and ranges of slices and texts.

use tree_sitter::Node;

use super::{
    Lowering, children, line,
    types::{Kind, Ty, USIZE},
    value::Value,
};
use crate::ir::{CheckKind, Cmp, Expr, IntOp, Source};

/// The ends of a range, and whether the second belongs to it.
pub(super) struct Bounds<'t> {
    pub(super) from: Option<Node<'t>>,
    pub(super) to: Option<Node<'t>>,
    pub(super) inclusive: bool,
}

pub(super) fn bounds(node: Node<'_>) -> Option<Bounds<'_>> {
    if node.kind() == "parenthesized_expression" {
        return bounds(node.named_child(0)?);
    }
    if node.kind() != "range_expression" {
        return None;
    }
    let mut cursor = node.walk();
    let (mut from, mut to, mut inclusive, mut behind) = (None, None, false, false);
    for part in node.children(&mut cursor) {
        match part.kind() {
            ".." => behind = true,
            "..=" | "..." => (behind, inclusive) = (true, true),
            _ if !part.is_named() || part.is_extra() => {}
            _ if behind => to = Some(part),
            _ => from = Some(part),
        }
    }
    Some(Bounds { from, to, inclusive })
}

impl<'a> Lowering<'a> {
    pub(super) fn index(&mut self, node: Node<'a>) -> Value {
        let parts = children(node);
        let [of, index] = parts.as_slice() else { return Value::unknown() };
        let (of, index) = (*of, *index);
        let value = match self.place(of) {
            Some((ty, vars)) => Value::of(ty, &vars),
            None => self.expr(of, None),
        };
        if value.is_never() {
            return value;
        }
        let at = line(node);
        let Some(length) = value.length() else {
            let index = self.expr(index, None);
            self.escape(&index.ty);
            self.unknown_check(CheckKind::IndexOutOfBounds, at, "what is indexed");
            return Value::unknown();
        };
        let value = self.keep_if_effects(value, index);
        if let Some(range) = bounds(index) {
            return self.slice(&value, length, &range, at);
        }
        let hint = Ty::Int(USIZE);
        let index = self.expr(index, Some(&hint));
        let Ty::Sequence(element, _) = value.ty.bare().clone() else { return Value::unknown() };
        if !matches!(index.ty.bare(), Ty::Int(_) | Ty::IntVar(_)) {
            self.escape(&index.ty);
            self.unknown_check(CheckKind::IndexOutOfBounds, at, "an index of unknown type");
            return self.element(&value, &element);
        }
        let index = self.as_index(index);
        self.check(CheckKind::IndexOutOfBounds, at, Expr::cmp(Cmp::Le, length, index));
        self.element(&value, &element)
    }

    /// An element: two reads of one may differ, so nothing is refuted by them.
    pub(super) fn element(&mut self, _: &Value, element: &Ty) -> Value {
        self.opaque(&there(element), "the contents of a sequence")
    }

    /// An element that is read once, and is as known as what it is part of.
    pub(super) fn element_once(&mut self, of: &Value, element: &Ty) -> Value {
        let source = match of.leaves.first() {
            Some(Expr::Var(var)) => Source::Within(*var),
            _ => Source::Opaque("the contents of a sequence".to_owned()),
        };
        self.read(&there(element), &source)
    }

    fn bound(&mut self, node: Option<Node<'a>>) -> Option<Expr> {
        let hint = Ty::Int(USIZE);
        let value = self.expr(node?, Some(&hint));
        Some(self.as_index(value))
    }

    fn slice(&mut self, of: &Value, length: Expr, range: &Bounds<'a>, at: u32) -> Value {
        let from = self.bound(range.from);
        let to = self.bound(range.to);
        let is_text = matches!(of.ty.bare(), Ty::Text { .. });
        let to = to.map(|to| match range.inclusive {
            true => Expr::int2(IntOp::Add, to, Expr::Int(1)),
            false => to,
        });
        let within = |own: &mut Self, bound: &Expr| {
            // A text can only be cut between its characters.
            let known = *bound == Expr::Int(0) || !is_text;
            let inside = match known {
                true => Expr::Bool(false),
                false => {
                    let inside = own.opaque(&Ty::Bool, "where the characters of a text end").leaf();
                    let end = Expr::cmp(Cmp::Eq, bound.clone(), length.clone());
                    let start = Expr::cmp(Cmp::Eq, bound.clone(), Expr::Int(0));
                    inside.and(end.or(start).not())
                }
            };
            let above = Expr::cmp(Cmp::Lt, length.clone(), bound.clone());
            if inside == Expr::Bool(false) { above } else { above.or(inside) }
        };
        let mut violation = Expr::Bool(false);
        let mut add = |one: Expr| {
            let all = std::mem::replace(&mut violation, Expr::Bool(false));
            violation = if all == Expr::Bool(false) { one } else { all.or(one) };
        };
        for bound in [&from, &to].into_iter().flatten() {
            if *bound != Expr::Int(0) {
                add(within(self, bound));
            }
        }
        if let (Some(from), Some(to)) = (&from, &to)
            && *from != Expr::Int(0)
        {
            add(Expr::cmp(Cmp::Lt, to.clone(), from.clone()));
        }
        self.check(CheckKind::IndexOutOfBounds, at, violation);
        let end = to.unwrap_or_else(|| length.clone());
        let size = match from {
            Some(Expr::Int(0)) | None => end,
            Some(from) => Expr::int2(IntOp::Sub, end, from),
        };
        let ty = match of.ty.element() {
            Some(element) => Ty::Sequence(Box::new(element.clone()), Kind::Slice),
            None => of.ty.bare().clone(),
        };
        let leaves = vec![Expr::New(Some(Box::new(size)))];
        let value = Value { ty, leaves };
        self.keep(value)
    }
}

/// The type of an element of a sequence that nothing was put into yet.
fn there(element: &Ty) -> Ty {
    if *element == Ty::Never { Ty::Unknown } else { element.clone() }
}
