//! The methods of slices, arrays, vectors and texts.

use tree_sitter::Node;

use super::{
    Lowering,
    types::{Kind, Ty, USIZE},
    value::Value,
};
use crate::{
    emit::Emit,
    ir::{CheckKind, Cmp, Expr, IntOp, Source, Stmt, Type, Var},
};

impl<'a> Lowering<'a> {
    /// A method of a sequence or text. `place` is where it is kept, if it can be changed.
    pub(super) fn sequence_method(
        &mut self,
        of: &Value,
        place: Option<&(Ty, Vec<Var>)>,
        name: &str,
        given: &[Node<'a>],
        at: u32,
    ) -> Option<Value> {
        let length = of.length()?;
        let element = of.ty.element().cloned().unwrap_or(Ty::Char);
        let is_text = matches!(of.ty.bare(), Ty::Text { .. });
        let there = Expr::cmp(Cmp::Lt, Expr::Int(0), length.clone());
        Some(match (name, given) {
            ("len", []) => Value::int(length, USIZE),
            ("is_empty", []) => Value::bool(there.not()),
            ("first" | "last", []) if !is_text => self.perhaps_element(there, of, &element),
            ("get", [index]) if super::index::bounds(*index).is_none() && !is_text => {
                let index = self.number_of(*index)?;
                let there = Expr::cmp(Cmp::Lt, index, length);
                self.perhaps_element(there, of, &element)
            }
            ("swap", [one, two]) if !is_text => {
                let (one, two) = (self.number_of(*one)?, self.number_of(*two)?);
                let above = |index| Expr::cmp(Cmp::Le, length.clone(), index);
                self.check(CheckKind::IndexOutOfBounds, at, above(one).or(above(two)));
                Value::unit()
            }
            ("split_at" | "split_at_mut", [middle]) if !is_text => {
                let middle = self.number_of(*middle)?;
                let above = Expr::cmp(Cmp::Lt, length.clone(), middle.clone());
                self.check(CheckKind::IndexOutOfBounds, at, above);
                let rest = Expr::int2(IntOp::Sub, length, middle.clone());
                let part = Ty::Sequence(Box::new(element), Kind::Slice);
                let leaves = vec![made(middle), made(rest)];
                let value = Value { ty: Ty::Tuple(vec![part.clone(), part]), leaves };
                self.keep(value)
            }
            ("copy_from_slice" | "clone_from_slice", [other]) => {
                let other = self.expr(*other, None).length();
                match other {
                    Some(other) => {
                        let same = Expr::cmp(Cmp::Eq, length, other);
                        self.check(CheckKind::Assertion, at, same.not());
                    }
                    None => self.unknown_check(CheckKind::Assertion, at, "a length"),
                }
                Value::unit()
            }
            ("binary_search", [wanted]) => {
                self.expr(*wanted, Some(&element));
                let found = self.below(length.clone(), false);
                let other = self.below(length, true);
                let known = self.opaque(&Ty::Bool, "whether a value is found").leaf();
                let size = Ty::Int(USIZE);
                Value { ty: Ty::result(size.clone(), size), leaves: vec![known, found, other] }
            }
            _ => {
                let changed = self.changing_method(of, place, name, given, at);
                return changed.or_else(|| self.plain_method(of, name, given));
            }
        })
    }

    /// Methods that change how long a vector or text is.
    fn changing_method(
        &mut self,
        of: &Value,
        place: Option<&(Ty, Vec<Var>)>,
        name: &str,
        given: &[Node<'a>],
        at: u32,
    ) -> Option<Value> {
        let length = of.length()?;
        let element = of.ty.element().cloned().unwrap_or(Ty::Char);
        let is_text = matches!(of.ty.bare(), Ty::Text { .. });
        let there = Expr::cmp(Cmp::Lt, Expr::Int(0), length.clone());
        Some(match (name, given) {
            ("pop", []) if !is_text => {
                let popped = self.perhaps_element(there.clone(), of, &element);
                let popped = self.keep(popped);
                let shorter = Expr::int2(IntOp::Sub, length, Expr::Int(1));
                let shorter = Stmt::Assign(*place?.1.first()?, made(shorter));
                self.block.push(Stmt::If(there, vec![shorter], Vec::new()));
                popped
            }
            ("push" | "push_back", [value]) if !is_text => {
                let value = self.expr(*value, Some(&element).filter(|ty| **ty != Ty::Never));
                if value.is_never() {
                    return Some(value);
                }
                self.grown(place, &value.ty);
                self.resized(place, Expr::int2(IntOp::Add, length, Expr::Int(1)))
            }
            ("push_str", [value]) => {
                let other = self.expr(*value, None).length();
                match other {
                    Some(other) => self.resized(place, Expr::int2(IntOp::Add, length, other)),
                    None => self.any_length(place),
                }
            }
            ("clear", []) => self.resized(place, Expr::Int(0)),
            ("truncate", [to]) => {
                let to = self.number_of(*to)?;
                let length = self.kept(length);
                let least = self.extreme(true, to, length, USIZE).leaf();
                self.resized(place, least)
            }
            ("remove" | "swap_remove", [index]) if !is_text => {
                let index = self.number_of(*index)?;
                self.check(
                    CheckKind::IndexOutOfBounds,
                    at,
                    Expr::cmp(Cmp::Le, length.clone(), index),
                );
                self.resized(place, Expr::int2(IntOp::Sub, length, Expr::Int(1)));
                self.element(of, &element)
            }
            ("insert", [index, value]) if !is_text => {
                let index = self.number_of(*index)?;
                let value = self.expr(*value, Some(&element).filter(|ty| **ty != Ty::Never));
                self.grown(place, &value.ty);
                self.check(
                    CheckKind::IndexOutOfBounds,
                    at,
                    Expr::cmp(Cmp::Lt, length.clone(), index),
                );
                self.resized(place, Expr::int2(IntOp::Add, length, Expr::Int(1)))
            }
            _ => return None,
        })
    }

    fn number_of(&mut self, node: Node<'a>) -> Option<Expr> {
        let hint = Ty::Int(USIZE);
        let value = self.expr(node, Some(&hint));
        if !matches!(value.ty.bare(), Ty::Int(_) | Ty::IntVar(_)) {
            self.escape(&value.ty);
            return Some(self.opaque(&hint, "an index of unknown type").leaf());
        }
        Some(self.as_index(value))
    }

    fn perhaps_element(&mut self, there: Expr, of: &Value, element: &Ty) -> Value {
        let element = if *element == Ty::Never { Ty::Unknown } else { element.clone() };
        let inner = self.element(of, &element);
        let mut leaves = vec![there];
        leaves.extend(inner.leaves);
        Value { ty: Ty::option(inner.ty), leaves }
    }

    /// What is put into a vector says what it holds.
    fn grown(&mut self, place: Option<&(Ty, Vec<Var>)>, element: &Ty) {
        if let Some((ty, _)) = place
            && let Ty::Sequence(own, _) = ty.bare()
        {
            self.unify(&own.clone(), element);
        }
        self.put_in = Some(Ty::Sequence(Box::new(element.clone()), Kind::Vec));
    }

    fn resized(&mut self, place: Option<&(Ty, Vec<Var>)>, length: Expr) -> Value {
        if let Some(var) = place.and_then(|(_, vars)| vars.first()) {
            // Nothing is longer than a sequence can be: memory ends before.
            let length = self.kept(length);
            self.block.push(Stmt::Assign(*var, made(length)));
        }
        Value::unit()
    }

    fn any_length(&mut self, place: Option<&(Ty, Vec<Var>)>) -> Value {
        if let Some((ty, vars)) = place.cloned() {
            self.forget(&ty, &vars, "the length of a sequence");
        }
        Value::unit()
    }

    /// A number below `length`, or up to it.
    pub(super) fn below(&mut self, length: Expr, up_to: bool) -> Expr {
        let raw = self.opaque(&Ty::Int(USIZE), "a place in a sequence").leaf();
        let (cmp, last) = match up_to {
            true => (Cmp::Le, length.clone()),
            false => (Cmp::Lt, Expr::int2(IntOp::Sub, length.clone(), Expr::Int(1))),
        };
        let var = self.variable("", Type::Int(USIZE));
        let inside = Expr::cmp(cmp, raw.clone(), length);
        let (yes, no) = (vec![Stmt::Assign(var, raw)], vec![Stmt::Assign(var, last)]);
        self.block.push(Stmt::If(inside, yes, no));
        Expr::Var(var)
    }

    /// `text.parse::<i32>()`.
    pub(super) fn parsed(&mut self, of: &Value, to: &Ty) -> Value {
        let known = self.opaque(&Ty::Bool, "whether a text can be read").leaf();
        let source = match of.leaves.first() {
            Some(Expr::Var(var)) => Source::Within(*var),
            _ => Source::Opaque("what a text says".to_owned()),
        };
        let value = self.read(to, &source);
        let mut leaves = vec![known];
        leaves.extend(value.leaves);
        Value { ty: Ty::result(to.clone(), Ty::Unknown), leaves }
    }
}

/// A sequence of this length.
pub(super) fn made(length: Expr) -> Expr {
    Expr::New(Some(Box::new(length)))
}
