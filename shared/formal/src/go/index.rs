//! Elements and slices of sequences, and type assertions.

use tree_sitter::Node;

use super::{
    Lowering,
    types::{INT, Ty},
    uses::{CAPACITY, index_of},
    value::{Parts, Typed},
};
use crate::{
    ir::{CheckKind, Cmp, Expr, IntOp, Read},
    syntax::line,
};

impl Lowering<'_> {
    /// `of[index]`, checked.
    pub(super) fn element(&mut self, node: Node<'_>) -> Typed {
        let (Some(operand), Some(index)) =
            (node.child_by_field_name("operand"), node.child_by_field_name("index"))
        else {
            return Typed::unknown();
        };
        let of = self.expr(operand, None);
        let of = if self.has_effects(index) { self.keep(of) } else { self.named(of) };
        let under = self.under(&of.ty);
        let own = index_of(node, self.source);
        if let Ty::Map(_, value) = under {
            self.expr(index, None);
            let followed = own.and_then(|own| self.followed(&of.parts, &own));
            return followed.unwrap_or_else(|| self.map_value(&of, &value));
        }
        let index = self.expr(index, Some(&INT));
        let at = line(node);
        let target = under.target().map(|target| self.under(target));
        let of_sequence = under.sequence().or_else(|| {
            // Only a pointer to an array can be indexed.
            target.as_ref().filter(|target| target.is_array()).and_then(Ty::sequence)
        });
        let byte = super::types::basic("byte").filter(|_| under == Ty::Str);
        let Some(element) = byte.or_else(|| of_sequence.map(|(_, element)| element.clone())) else {
            return Typed::unknown();
        };
        if target.is_some() {
            self.dereference(&of.value, at);
        }
        if matches!(under, Ty::Slice(_)) {
            self.dereference(&of.value, at);
        }
        self.bounds(&of, index, at);
        if let Some(followed) = own.and_then(|own| self.followed(&of.parts, &own)) {
            return followed;
        }
        let read = self.part_of(&of.value, "the contents of a sequence");
        let value = self.read(&element, read);
        Typed::new(value, element)
    }

    fn bounds(&mut self, of: &Typed, index: Typed, at: u32) {
        let index = self.number(index);
        let violation = match self.length(of) {
            Some(length) => {
                let below = Self::less(&index, &Expr::Int(0));
                below.or(Expr::cmp(Cmp::Le, length, index))
            }
            None => self.read(&Ty::Bool, Read::opaque("the length of an array")),
        };
        self.check(CheckKind::IndexOutOfBounds, at, violation, true);
    }

    /// An index may be of any integer type.
    fn number(&mut self, index: Typed) -> Expr {
        match self.under(&index.ty).is_integer() {
            true => index.value,
            false => self.coerced(index, &INT).value,
        }
    }

    /// What a map has for a key: nothing, which is zero, or one of its values.
    pub(super) fn map_value(&mut self, of: &Typed, ty: &Ty) -> Typed {
        let Some(zero) = super::value::zero(&self.under(ty)) else {
            let read = self.part_of(&of.value, "the contents of a map");
            return Typed::new(self.read(ty, read), ty.clone());
        };
        let read = self.part_of(&of.value, "whether a map has a key");
        let there = self.read(&Ty::Bool, Read { nullable: false, ..read });
        let read = self.part_of(&of.value, "the contents of a map");
        let value = self.read(ty, read);
        let there = there.and(of.value.clone().is_null().not());
        let value = self.choose(there, value, zero, ty);
        Typed::new(value, ty.clone())
    }

    /// `of[start:end:capacity]`.
    pub(super) fn sliced(&mut self, node: Node<'_>) -> Typed {
        let Some(operand) = node.child_by_field_name("operand") else { return Typed::unknown() };
        let of = self.expr(operand, None);
        let of = self.named(of);
        let mut given = |field: &str| {
            let value = node.child_by_field_name(field).map(|it| self.expr(it, Some(&INT)));
            value.map(|value| {
                let is_number = self.under(&value.ty).is_integer();
                let ty = if is_number { value.ty.clone().settled() } else { INT };
                let number = self.number(value);
                self.temporary(Typed::new(number, ty)).value
            })
        };
        let (start, end) = (given("start"), given("end"));
        let most = given("capacity");
        let at = line(node);
        let under = self.under(&of.ty);
        let target = under.target().map(|target| self.under(target));
        let array = [Some(&under), target.as_ref()].into_iter().flatten().find(|ty| ty.is_array());
        let array = array.and_then(Ty::sequence).map(|(_, element)| element.clone());
        let ty = match array {
            Some(element) => Ty::Slice(Box::new(element)),
            None if matches!(under, Ty::Str | Ty::Slice(_)) => of.ty.clone(),
            None => return Typed::unknown(),
        };
        if target.is_some() {
            self.dereference(&of.value, at);
        }
        let length = self.length(&of);
        let Some(length) = length else {
            let violation = self.read(&Ty::Bool, Read::opaque("the length of an array"));
            self.check(CheckKind::IndexOutOfBounds, at, violation, true);
            return self.opaque(&ty, "a slice of an array");
        };
        let is_slice = matches!(self.under(&of.ty), Ty::Slice(_));
        let room = if is_slice { self.capacity(&of) } else { Some(length.clone()) };
        let room = match room {
            Some(room) => room,
            None => self.some_room(&of, &length),
        };
        let start = start.unwrap_or(Expr::Int(0));
        // Without an end it is the length, which is never too much.
        let high = end.unwrap_or(length);
        let limit = most.clone().unwrap_or_else(|| room.clone());
        let violation = Self::less(&start, &Expr::Int(0))
            .or(Self::less(&high, &start))
            .or(Self::less(&limit, &high))
            .or(most.as_ref().map_or(Expr::Bool(false), |most| Self::less(&room, most)));
        self.check(CheckKind::IndexOutOfBounds, at, violation, true);
        let length = Expr::int2(IntOp::Sub, high, start.clone());
        let capacity = Typed::new(Expr::int2(IntOp::Sub, limit, start), INT);
        let parts = match self.under(&ty) == Ty::Str {
            true => Parts::Unknown,
            false => Parts::Made(vec![(CAPACITY.to_owned(), self.temporary(capacity))]),
        };
        Typed { value: Expr::New(Some(Box::new(length))), ty, parts }
    }

    /// The capacity of a slice that is not followed: at least its length.
    fn some_room(&mut self, of: &Typed, length: &Expr) -> Expr {
        let read = self.part_of(&of.value, "the capacity of a slice");
        let most = crate::ir::LengthBits::Word.length_max();
        let room = self.read(&INT, Read { range: Some((0, most)), ..read });
        let less = Self::less(&room, length);
        self.choose(less, length.clone(), room, &INT)
    }

    /// `x.(T)` panics if `x` is nothing or something else; which it is, is not known.
    pub(super) fn assertion(&mut self, node: Node<'_>) -> Typed {
        let (Some(operand), Some(ty)) =
            (node.child_by_field_name("operand"), node.child_by_field_name("type"))
        else {
            return Typed::unknown();
        };
        let of = self.expr(operand, None);
        let of = self.named(of);
        let is_interface = matches!(self.under(&of.ty), Ty::Interface | Ty::Error);
        if is_interface {
            self.dereference(&of.value, line(node));
        }
        let ty = self.ty(ty);
        let read = self.part_of(&of.value, "the contents of an interface");
        let value = self.read(&ty, read);
        Typed::new(value, ty)
    }
}
