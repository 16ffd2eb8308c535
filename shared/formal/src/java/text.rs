//! Strings by their lengths, and random numbers by their bounds.

use super::{
    Lowering,
    expr::Typed,
    library::Length,
    types::{INT, Ty},
};
use crate::ir::{CheckKind, Cmp, Expr, IntOp, Read, Source, Stmt};

/// The most that a random number of a bounded range can be, if the bound is not known.
const BOUND_MAX: i128 = (1 << 31) - 2;

impl Lowering<'_> {
    pub(super) fn char_at(&mut self, receiver: Expr, arguments: Vec<Typed>, at: u32) -> Typed {
        let Some(index) = arguments.into_iter().next() else {
            return (Expr::Null, Ty::Unknown);
        };
        let index = self.coerced(index, &Ty::Int(INT), at);
        let below = Expr::cmp(Cmp::Lt, index.clone(), Expr::Int(0));
        let above = Expr::cmp(Cmp::Le, Expr::Len(Box::new(receiver.clone())), index);
        let thrown = Some("StringIndexOutOfBoundsException");
        self.check(CheckKind::IndexOutOfBounds, at, below.or(above), thrown);
        let read = self.part_of(&receiver, "the contents of a string");
        let ty = Ty::named("char");
        (self.read(&ty, read), ty)
    }

    /// From an index on, to the end or to before another one; both may be the length.
    pub(super) fn substring(&mut self, receiver: Expr, arguments: Vec<Typed>, at: u32) -> Typed {
        let int = Ty::Int(INT);
        let length = Expr::Len(Box::new(receiver));
        let mut ends = arguments.into_iter().map(|index| {
            let index = self.coerced(index, &int, at);
            self.keep(index, &int)
        });
        let from = ends.next().unwrap_or(Expr::Int(0));
        let to = ends.next().unwrap_or_else(|| length.clone());
        let below = Expr::cmp(Cmp::Lt, from.clone(), Expr::Int(0));
        let above = Expr::cmp(Cmp::Lt, length, to.clone());
        let crossed = Expr::cmp(Cmp::Lt, to.clone(), from.clone());
        let thrown = Some("StringIndexOutOfBoundsException");
        self.check(CheckKind::IndexOutOfBounds, at, below.or(above).or(crossed), thrown);
        let count = Expr::int2(IntOp::Sub, to, from);
        (Expr::New(Some(Box::new(count))), Ty::named("String"))
    }

    /// `nextInt(bound)`: from 0 to below the bound.
    pub(super) fn bounded(&mut self, arguments: Vec<Typed>) -> Typed {
        if !matches!(arguments.as_slice(), [(Expr::Int(1..), _)]) {
            self.may_throw("nextInt", "IllegalArgumentException");
        }
        let most = match arguments.first() {
            Some((Expr::Int(bound), _)) if *bound > 0 => bound - 1,
            _ => BOUND_MAX,
        };
        let source = match arguments.as_slice() {
            [(Expr::Int(bound), _)] if *bound > 0 => Source::External,
            _ => Source::Opaque("a random number below a bound".to_owned()),
        };
        let read = Read { source, range: Some((0, most)), nullable: false, length_min: 0 };
        (self.read(&Ty::Int(INT), read), Ty::Int(INT))
    }

    /// What an answer about a text says of its length.
    pub(super) fn assume_about(&mut self, name: &str, answer: &Expr, of: &Expr, given: &[Typed]) {
        let Some((first, ty)) = given.first() else { return };
        let length = |of: &Expr| Expr::Len(Box::new(of.clone()));
        let fact = match (name, ty.is_string(), given.len()) {
            ("startsWith" | "endsWith" | "contains", true, 1) => {
                answer.clone().not().or(Expr::cmp(Cmp::Le, length(first), length(of)))
            }
            ("equals" | "equalsIgnoreCase", true, 1) => {
                let same = Expr::cmp(Cmp::Eq, length(first), length(of));
                answer.clone().not().or(first.clone().is_null().not().and(same))
            }
            ("indexOf" | "lastIndexOf", true, 1) => {
                let end = Expr::int2(IntOp::Add, answer.clone(), length(first));
                let missing = Expr::cmp(Cmp::Lt, answer.clone(), Expr::Int(0));
                missing.or(Expr::cmp(Cmp::Le, end, length(of)))
            }
            // Of a character, or from an index on: a text of no letters is found at the end.
            ("indexOf" | "lastIndexOf", true, _) => Expr::cmp(Cmp::Le, answer.clone(), length(of)),
            ("indexOf" | "lastIndexOf", false, _) => Expr::cmp(Cmp::Lt, answer.clone(), length(of)),
            _ => return,
        };
        self.block.push(Stmt::Assume(fact));
    }

    /// How long a text is that was made of another, if both are there.
    pub(super) fn assume_length(&mut self, fact: Length, made: &Expr, of: &Expr) {
        let length = |of: &Expr| Expr::Len(Box::new(of.clone()));
        let (made, of) = (length(made), length(of));
        self.block.push(Stmt::Assume(match fact {
            Length::NotEmptied => {
                Expr::cmp(Cmp::Eq, of, Expr::Int(0)).or(Expr::cmp(Cmp::Lt, Expr::Int(0), made))
            }
            Length::AtLeast => Expr::cmp(Cmp::Le, of, made),
            Length::AtMost => Expr::cmp(Cmp::Le, made, of),
            Length::Same => Expr::cmp(Cmp::Eq, made, of),
        }));
    }
}
