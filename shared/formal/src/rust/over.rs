//! What a `for` goes over.

use tree_sitter::Node;

use super::{
    Lowering, children,
    index::{Bounds, bounds},
    literal,
    types::{Ty, USIZE},
    value::Value,
};
use crate::{
    emit::Emit,
    ir::{Cmp, Direction, Expr, IntOp, IntType, Stmt, Type, Var},
};

/// A loop's counter, and what tells whether it goes on.
pub(super) struct Counter {
    pub(super) var: Var,
    pub(super) condition: Expr,
    pub(super) step: i128,
    pub(super) direction: Direction,
}

/// What a `for` goes over.
pub(super) struct Over {
    pub(super) counter: Option<Counter>,
    /// What the pattern stands for in one pass, made at its start.
    pub(super) item: Item,
}

pub(super) enum Item {
    /// A number: the counter, or what is just below it.
    Number(Expr, Ty),
    /// An element of a sequence, with its index if that is asked for.
    Element {
        of: Value,
        element: Ty,
        index: Option<Expr>,
    },
    /// A part of a sequence that is as long as this.
    Part {
        element: Ty,
        low: Expr,
        high: Expr,
    },
    Any(Ty),
}

/// Methods that go over the same elements in a way of their own.
const WRAPPERS: &[&str] = &[
    "iter",
    "iter_mut",
    "into_iter",
    "enumerate",
    "rev",
    "cloned",
    "copied",
    "by_ref",
    "step_by",
    "windows",
    "chunks",
    "chunks_exact",
    "chars",
    "bytes",
    "lines",
    "split",
    "split_whitespace",
    "skip",
    "take",
    "zip",
    "char_indices",
    "peekable",
];

impl<'a> Lowering<'a> {
    pub(super) fn item(&mut self, item: Item) -> Value {
        match item {
            Item::Number(value, ty) => {
                let vars = self.variables("", &ty);
                self.assign(&vars, vec![value]);
                Value::of(ty, &vars)
            }
            Item::Element { of, element, index } => {
                let value = self.element_once(&of, &element);
                match index {
                    None => value,
                    Some(index) => {
                        let index = self.number(index, USIZE);
                        let mut leaves = index.leaves;
                        leaves.extend(value.leaves);
                        Value { ty: Ty::Tuple(vec![Ty::Int(USIZE), value.ty]), leaves }
                    }
                }
            }
            Item::Part { element, low, high } => {
                let length = self.opaque(&Ty::Int(USIZE), "the length of a part").leaf();
                let length = self.extreme(false, length, low, USIZE).leaf();
                let length = self.extreme(true, length, high, USIZE).leaf();
                let leaves = vec![Expr::New(Some(Box::new(length)))];
                let value = Value { ty: Self::slice_of(element), leaves };
                self.keep(value)
            }
            Item::Any(ty) => self.opaque(&ty, "an element of what is gone over"),
        }
    }

    /// What a `for` goes over, evaluated once.
    pub(super) fn over(&mut self, node: Node<'a>) -> Over {
        if let Some(over) = self.range(node) {
            return over;
        }
        let (base, wrapped) = self.peeled(node);
        if let ([("step_by", step)], Some(mut over)) =
            (wrapped.as_slice(), self.stepped(base, &wrapped))
        {
            let known = step.and_then(|it| literal::integer(self.text(it)));
            if let (Some((step, _)), Some(counter)) =
                (known.filter(|(step, _)| *step > 0), &mut over.counter)
            {
                counter.step = step;
                return over;
            }
        }
        if let ([("rev", _)], Some(over)) = (wrapped.as_slice(), self.reversed(base, &wrapped)) {
            return over;
        }
        let value = match self.place(base) {
            Some((ty, vars)) => {
                let value = Value::of(ty, &vars);
                self.keep(value)
            }
            None => self.expr(base, None),
        };
        let value = self.keep(value).bare();
        let names: Vec<&str> = wrapped.iter().map(|(name, _)| *name).collect();
        let given: Vec<Node<'a>> = wrapped.iter().filter_map(|(_, given)| *given).collect();
        self.over_value(value, &names, &given)
    }

    pub(super) fn over_value(
        &mut self,
        value: Value,
        names: &[&'a str],
        given: &[Node<'a>],
    ) -> Over {
        let any = |ty: Ty| Over { counter: None, item: Item::Any(ty) };
        let plain = |names: &[&str]| {
            names.iter().all(|name| {
                matches!(*name, "iter" | "iter_mut" | "into_iter" | "cloned" | "copied" | "by_ref")
            })
        };
        let arguments = self.arguments(given, &[Ty::Int(USIZE)]);
        for (node, argument) in given.iter().zip(&arguments) {
            self.escape(&argument.ty);
            self.forget_mentioned(*node, "what a closure does");
        }
        let Some(length) = value.length() else { return any(Ty::Unknown) };
        match (value.ty.clone(), names) {
            (Ty::Sequence(element, _), _) if plain(names) => {
                self.each_element(value, length, *element, false)
            }
            (Ty::Sequence(element, _), [rest @ .., "enumerate"]) if plain(rest) => {
                self.each_element(value, length, *element, true)
            }
            (Ty::Sequence(element, _), ["windows" | "chunks_exact"]) => match arguments.first() {
                Some(size) if matches!(size.ty, Ty::Int(_)) => {
                    let size = size.leaf();
                    Over {
                        counter: None,
                        item: Item::Part { element: *element, low: size.clone(), high: size },
                    }
                }
                _ => any(Ty::Unknown),
            },
            (Ty::Sequence(element, _), ["chunks"]) => match arguments.first() {
                Some(size) if matches!(size.ty, Ty::Int(_)) => {
                    let (low, high) = (Expr::Int(1), size.leaf());
                    Over { counter: None, item: Item::Part { element: *element, low, high } }
                }
                _ => any(Ty::Unknown),
            },
            (Ty::Sequence(element, _), ["iter", "rev"]) => any(*element),
            (Ty::Text { .. }, ["chars"]) => any(Ty::Char),
            (Ty::Text { .. }, ["bytes"]) => any(Ty::Int(IntType::unsigned(8))),
            (Ty::Text { .. }, ["lines" | "split" | "split_whitespace"]) => {
                any(Ty::Text { owned: false })
            }
            _ => any(Ty::Unknown),
        }
    }

    pub(super) fn each_element(
        &mut self,
        of: Value,
        length: Expr,
        element: Ty,
        counted: bool,
    ) -> Over {
        let var = self.variable("", Type::Int(USIZE));
        self.block.push(Stmt::Assign(var, Expr::Int(0)));
        let condition = Expr::cmp(Cmp::Lt, Expr::Var(var), length);
        let index = counted.then_some(Expr::Var(var));
        let counter = Counter { var, condition, step: 1, direction: Direction::Up };
        Over { counter: Some(counter), item: Item::Element { of, element, index } }
    }

    /// What stands below `.iter().enumerate()` and its like, with these from the inside out.
    pub(super) fn peeled(&self, node: Node<'a>) -> (Node<'a>, Vec<(&'a str, Option<Node<'a>>)>) {
        let (mut node, mut wrapped) = (node, Vec::new());
        loop {
            let inner = match node.kind() {
                "parenthesized_expression" => node.named_child(0),
                "reference_expression" if wrapped.is_empty() => {
                    let of = node.child_by_field_name("value");
                    of.filter(|of| self.place(*of).is_some())
                }
                "call_expression" => {
                    let function = node.child_by_field_name("function");
                    let function = function.filter(|it| it.kind() == "field_expression");
                    let name = function.and_then(|it| it.child_by_field_name("field"));
                    let name = name.map(|it| self.text(it)).filter(|name| WRAPPERS.contains(name));
                    let given = node.child_by_field_name("arguments").map(children);
                    let given = given.unwrap_or_default();
                    match name {
                        Some(name) if given.len() < 2 => {
                            wrapped.push((name, given.first().copied()));
                            function.and_then(|it| it.child_by_field_name("value"))
                        }
                        _ => None,
                    }
                }
                _ => None,
            };
            match inner {
                Some(inner) => node = inner,
                None => break,
            }
        }
        wrapped.reverse();
        (node, wrapped)
    }

    /// Both ends of a range of integers, with their type, and whether the second belongs to it.
    pub(super) fn ends(&mut self, bounds: &Bounds<'a>) -> Option<(Expr, Expr, Ty)> {
        let (from, to) = (bounds.from?, bounds.to?);
        let one = self.expr(from, None);
        let own = one.ty.bare().clone();
        let hint = Some(&own).filter(|ty| matches!(ty, Ty::Int(_)));
        let two = self.expr(to, hint);
        self.unify(&one.ty, &two.ty);
        let ty = match (one.ty.bare(), two.ty.bare()) {
            (Ty::Int(one), Ty::Int(two)) if one == two => Ty::Int(*one),
            // The next pass knows.
            (Ty::IntVar(_), other @ (Ty::Int(_) | Ty::IntVar(_)))
            | (other @ Ty::Int(_), Ty::IntVar(_)) => other.clone(),
            _ => return None,
        };
        Some((self.kept(one.leaf()), self.kept(two.leaf()), ty))
    }

    /// `a..b`, `a..=b` or `a..`.
    pub(super) fn range(&mut self, node: Node<'a>) -> Option<Over> {
        let own = bounds(node)?;
        let any = |ty| Some(Over { counter: None, item: Item::Any(ty) });
        if own.to.is_none() {
            let from = own.from.map(|it| self.expr(it, None));
            // Whoever counts up is one more of the same type.
            return any(from.map_or(Ty::Unknown, |from| from.ty.bare().clone()));
        }
        let Some((from, to, ty)) = self.ends(&own) else { return any(Ty::Unknown) };
        let var = self.variable("", Type::Int(IntType::UNBOUNDED));
        self.block.push(Stmt::Assign(var, from));
        let cmp = if own.inclusive { Cmp::Le } else { Cmp::Lt };
        let condition = Expr::cmp(cmp, Expr::Var(var), to);
        let counter = Counter { var, condition, step: 1, direction: Direction::Up };
        Some(Over { counter: Some(counter), item: Item::Number(Expr::Var(var), ty) })
    }

    pub(super) fn stepped(
        &mut self,
        base: Node<'a>,
        wrapped: &[(&str, Option<Node<'a>>)],
    ) -> Option<Over> {
        if wrapped.first().is_some_and(|(name, _)| *name == "step_by") {
            self.range(base)
        } else {
            None
        }
    }

    /// `(a..b).rev()`: the counter stands one above the number.
    pub(super) fn reversed(
        &mut self,
        base: Node<'a>,
        wrapped: &[(&str, Option<Node<'a>>)],
    ) -> Option<Over> {
        if wrapped.first().is_none_or(|(name, _)| *name != "rev") {
            return None;
        }
        let own = bounds(base)?;
        let Some((from, to, ty)) = self.ends(&own) else {
            return Some(Over { counter: None, item: Item::Any(Ty::Unknown) });
        };
        let var = self.variable("", Type::Int(IntType::UNBOUNDED));
        let start = if own.inclusive { Expr::int2(IntOp::Add, to, Expr::Int(1)) } else { to };
        self.block.push(Stmt::Assign(var, start));
        let condition = Expr::cmp(Cmp::Lt, from, Expr::Var(var));
        let counter = Counter { var, condition, step: -1, direction: Direction::Down };
        let number = Expr::int2(IntOp::Sub, Expr::Var(var), Expr::Int(1));
        Some(Over { counter: Some(counter), item: Item::Number(number, ty) })
    }
}
