//! Values that no expression computes: what of them is known when they are read.

use super::{
    Lowering,
    truth::known,
    value::{INTEGERS, SAFE, SEQUENCES, Value},
};
use crate::{
    emit::Emit,
    ir::{Expr, Kind, Kinds, Read, Slots, Source, Type},
};

impl Lowering<'_> {
    /// A value of one of these kinds of which nothing else is known.
    pub(super) fn some(&mut self, kinds: Kinds, reason: &str) -> Value {
        self.read(kinds, &Source::Opaque(reason.to_owned()), None)
    }

    pub(super) fn any(&mut self, reason: &str) -> Value {
        self.some(Kinds::ALL, reason)
    }

    /// A value that is read from `source`; which kind it is of, only an outside source decides.
    pub(super) fn read(
        &mut self,
        kinds: Kinds,
        source: &Source,
        range: Option<(i128, i128)>,
    ) -> Value {
        let slots = self.slots("");
        self.read_slots(slots, kinds, source, range);
        Value::of_slots(slots, kinds)
    }

    pub(super) fn read_slots(
        &mut self,
        slots: Slots,
        kinds: Kinds,
        source: &Source,
        range: Option<(i128, i128)>,
    ) {
        let has = |all: Kinds| !kinds.and(all).is_empty();
        let read = |range| Read { source: source.clone(), range, nullable: false, length_min: 0 };
        if has(Kinds::of(Kind::Bool)) {
            self.read_into(slots.bool, read(None));
        }
        if has(INTEGERS) {
            let safe =
                if kinds.and(INTEGERS) == Kinds::of(Kind::Int) { SAFE.range() } else { None };
            self.read_into(slots.int, read(range.or(safe)));
        }
        if has(Kinds::of(Kind::Float)) {
            self.read_into(slots.float, read(None));
        }
        if has(SEQUENCES) {
            self.read_into(slots.sequence, read(None));
        }
        if kinds.single().is_none() {
            let numbers = || kinds.iter().map(Kind::number);
            let range = numbers().min().zip(numbers().max());
            self.read_into(slots.tag, read(range));
            let tag = Value::of_slots(slots, Kinds::ALL);
            self.assume(tag.is_one_of(kinds));
            self.assume_there(&tag.narrowed(kinds), source);
        }
    }

    /// What is not known is taken to be there where something else is refuted.
    fn assume_there(&mut self, value: &Value, source: &Source) {
        let missing = value.is_nullish();
        if matches!(source, Source::Opaque(_)) && known(&missing).is_none() {
            let var = self.variable("", Type::Ref);
            let read = Read { source: source.clone(), ..Read::opaque("") };
            self.read_into(var, read);
            let null = Expr::Var(var).is_null();
            self.assume(Expr::SameBool(Box::new(missing), Box::new(null)));
        }
    }
}
