//! Functions that the language itself has.

use tree_sitter::Node;

use super::{
    Lowering, PANIC,
    types::{INT, Ty},
    uses::CAPACITY,
    value::{Parts, Typed},
};
use crate::ir::{CheckKind, Cmp, Expr, IntOp, Read, Stmt};

impl Lowering<'_> {
    pub(super) fn builtin(
        &mut self,
        name: &str,
        given: &[Node<'_>],
        at: u32,
    ) -> Option<Vec<Typed>> {
        let first = given.first().copied();
        Some(match name {
            "len" | "cap" => vec![self.measure(name == "cap", first?)],
            "make" => vec![self.make(given, at)],
            "new" => {
                let ty = self.ty(first?);
                let parts = Parts::Made(Vec::new());
                vec![Typed { value: Expr::New(None), ty: Ty::Ptr(Box::new(ty)), parts }]
            }
            "append" => vec![self.append(given)],
            "min" | "max" => vec![self.extreme(name == "min", given)],
            "panic" => {
                self.expr(first?, None);
                self.block.push(Stmt::Throw(PANIC.to_owned()));
                Vec::new()
            }
            "copy" => {
                for one in given {
                    self.expr(*one, None);
                }
                self.forget_elements();
                let read = self.any_length();
                vec![Typed::new(self.read(&INT, read), INT)]
            }
            "delete" | "clear" | "close" | "print" | "println" => {
                for one in given {
                    self.expr(*one, None);
                }
                self.forget_elements();
                Vec::new()
            }
            _ => return None,
        })
    }

    fn measure(&mut self, capacity: bool, of: Node<'_>) -> Typed {
        let of = self.expr(of, None);
        let of = self.named(of);
        let known = match (capacity, self.under(&of.ty)) {
            (true, Ty::Slice(_)) => self.capacity(&of),
            _ => self.length(&of),
        };
        let value = match known {
            Some(length) => length,
            None => {
                let inside = self.part_of(&of.value, "the length of a sequence");
                let read = Read { source: inside.source, ..self.any_length() };
                self.read(&INT, read)
            }
        };
        Typed::new(value, INT)
    }

    fn make(&mut self, given: &[Node<'_>], at: u32) -> Typed {
        let Some((ty, sizes)) = given.split_first() else { return Typed::unknown() };
        let ty = self.ty(*ty);
        let mut lowered = Vec::new();
        for size in sizes {
            let size = self.expr(*size, Some(&INT));
            let size = self.coerced_number(size);
            let size = self.keep(size);
            let negative = Self::less(&size.value, &Expr::Int(0));
            if !matches!(size.value, Expr::Int(_)) {
                self.check(CheckKind::NegativeArraySize, at, negative, true);
            }
            lowered.push(size);
        }
        if !matches!(self.under(&ty), Ty::Slice(_)) {
            return Typed::new(Expr::New(None), ty);
        }
        let length = lowered.first().map_or(Expr::Int(0), |size| size.value.clone());
        let capacity = lowered.last().cloned().unwrap_or_else(|| Typed::int(0));
        let parts = Parts::Made(vec![(CAPACITY.to_owned(), capacity)]);
        Typed { value: Expr::New(Some(Box::new(length))), ty, parts }
    }

    fn coerced_number(&mut self, value: Typed) -> Typed {
        let is_int = self.under(&value.ty).int().is_some();
        if is_int { value } else { self.coerced(value, &INT) }
    }

    /// A slice that is longer by what is appended.
    fn append(&mut self, given: &[Node<'_>]) -> Typed {
        let Some((of, more)) = given.split_first() else { return Typed::unknown() };
        let of = self.expr(*of, None);
        let of = self.named(of);
        let Some(mut length) = self.length(&of) else {
            for one in more {
                self.expr(*one, None);
            }
            return self.opaque(&of.ty.clone(), "a slice of unknown type");
        };
        for one in more {
            let spread = one.kind() == "variadic_argument";
            let inner = if spread { one.named_child(0).unwrap_or(*one) } else { *one };
            let value = self.expr(inner, None);
            let by = match spread {
                false => Expr::Int(1),
                true => {
                    let value = self.named(value);
                    match self.length(&value) {
                        Some(length) => length,
                        None => {
                            let read = self.any_length();
                            self.read(&INT, read)
                        }
                    }
                }
            };
            length = Expr::int2(IntOp::Add, length, by);
        }
        let length = self.temporary(Typed::new(length, INT)).value;
        // Appending nothing to nothing leaves nothing.
        let empty = Expr::cmp(Cmp::Eq, length.clone(), Expr::Int(0));
        let some = Expr::New(Some(Box::new(length)));
        let value = match more.iter().any(|one| one.kind() != "variadic_argument") {
            true => some,
            false => self.choose(empty, of.value, some, &of.ty),
        };
        Typed::new(value, of.ty)
    }

    fn extreme(&mut self, least: bool, given: &[Node<'_>]) -> Typed {
        let mut best: Option<Typed> = None;
        for one in given {
            let value = self.expr(*one, None);
            let Some(former) = best.take() else {
                best = Some(self.keep(value));
                continue;
            };
            let ty = if former.ty.is_constant() { value.ty.clone() } else { former.ty.clone() };
            let ty = if ty == Ty::ConstInt { INT } else { ty };
            if !matches!(self.under(&ty), Ty::Int { .. }) {
                best = Some(self.opaque(&ty, "the least of several values"));
                continue;
            }
            let one = self.coerced(former, &ty).value;
            let two = self.coerced(value, &ty);
            let two = self.keep(two).value;
            let less = Self::less(&one, &two);
            let (yes, no) = if least { (one, two) } else { (two, one) };
            let value = self.choose(less, yes, no, &ty);
            best = Some(Typed::new(value, ty));
        }
        best.unwrap_or_else(Typed::unknown)
    }
}
