//! Values as expressions of the IR, and how they are kept, chosen and forgotten.

use super::Lowering;
use crate::{
    emit::Emit,
    ir::{Cmp, Expr, IntType, Kind, Kinds, Read, Slots, Stmt, Type, Var},
};

/// The integers that a double holds, and the sums of two of them, exactly.
pub(super) const SAFE: IntType = IntType { bits: Some(54), signed: true };

pub(super) const INT32: IntType = IntType::signed(32);
pub(super) const UINT32: IntType = IntType::unsigned(32);

/// The longest array or string that there may be.
pub(super) const LENGTH_MAX: i128 = (1 << 32) - 1;

/// What a value may be, and what it is if it is that. A string is a number that its content
/// alone has, with a length.
#[derive(Debug, Clone)]
pub(super) struct Value {
    pub(super) kinds: Kinds,
    tag: Expr,
    bool: Expr,
    int: Expr,
    float: Expr,
    sequence: Expr,
}

impl Value {
    fn empty(kinds: Kinds) -> Self {
        let tag = kinds.single().map_or(0, Kind::number);
        Self {
            kinds,
            tag: Expr::Int(tag),
            bool: Expr::Bool(false),
            int: Expr::Int(0),
            float: Expr::Float(0.0),
            sequence: Expr::Null,
        }
    }

    /// Of a kind that says all about it that is modelled.
    pub(super) fn plain(kind: Kind) -> Self {
        Self::empty(Kinds::of(kind))
    }

    pub(super) fn undefined() -> Self {
        Self::plain(Kind::Undefined)
    }

    pub(super) fn object() -> Self {
        Self::plain(Kind::Object)
    }

    pub(super) fn bool(value: Expr) -> Self {
        Self { bool: value, ..Self::plain(Kind::Bool) }
    }

    pub(super) fn int(value: Expr) -> Self {
        Self { int: value, ..Self::plain(Kind::Int) }
    }

    pub(super) fn bigint(value: Expr) -> Self {
        Self { int: value, ..Self::plain(Kind::BigInt) }
    }

    pub(super) fn float(value: Expr) -> Self {
        Self { float: value, ..Self::plain(Kind::Float) }
    }

    /// A literal number: as an integer where it is one.
    pub(super) fn number(value: f64) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "whole and small enough")]
        let whole = value as i128;
        let exact = value.fract() == 0.0 && SAFE.contains(whole);
        if exact && (whole != 0 || value.is_sign_positive()) {
            return Self::int(Expr::Int(whole));
        }
        Self::float(Expr::Float(value))
    }

    pub(super) fn string(content: Expr, length: Expr) -> Self {
        let sequence = Expr::New(Some(Box::new(length)));
        Self { int: content, sequence, ..Self::plain(Kind::Str) }
    }

    pub(super) fn array(length: Expr) -> Self {
        Self { sequence: Expr::New(Some(Box::new(length))), ..Self::plain(Kind::Array) }
    }

    pub(super) fn of_slots(slots: Slots, kinds: Kinds) -> Self {
        let tag = match kinds.single() {
            Some(kind) => Expr::Int(kind.number()),
            None => Expr::Var(slots.tag),
        };
        Self {
            kinds,
            tag,
            bool: Expr::Var(slots.bool),
            int: Expr::Var(slots.int),
            float: Expr::Var(slots.float),
            sequence: Expr::Var(slots.sequence),
        }
    }

    /// The same value, known to be one of these.
    pub(super) fn narrowed(&self, kinds: Kinds) -> Self {
        let kinds = self.kinds.and(kinds);
        let tag = kinds.single().map_or_else(|| self.tag.clone(), |kind| Expr::Int(kind.number()));
        Self { kinds, tag, ..self.clone() }
    }

    pub(super) fn is(&self, kind: Kind) -> Expr {
        self.is_one_of(Kinds::of(kind))
    }

    pub(super) fn is_one_of(&self, kinds: Kinds) -> Expr {
        let (inside, outside) = (self.kinds.and(kinds), self.kinds.without(kinds));
        if inside.is_empty() {
            return Expr::Bool(false);
        }
        if outside.is_empty() {
            return Expr::Bool(true);
        }
        let tag = || self.tag.clone();
        let own = |kinds: Kinds| {
            kinds
                .iter()
                .map(|kind| Expr::cmp(Cmp::Eq, tag(), Expr::Int(kind.number())))
                .reduce(Expr::or)
                .unwrap_or(Expr::Bool(false))
        };
        if inside.iter().count() <= outside.iter().count() {
            own(inside)
        } else {
            own(outside).not()
        }
    }

    /// For a tag that may be any number.
    pub(super) fn tag_within(&self, least: i128, most: i128) -> Expr {
        let above = Expr::cmp(Cmp::Le, Expr::Int(least), self.tag.clone());
        above.and(Expr::cmp(Cmp::Le, self.tag.clone(), Expr::Int(most)))
    }

    pub(super) fn has_tag(&self, kind: Kind) -> Expr {
        Expr::cmp(Cmp::Eq, self.tag.clone(), Expr::Int(kind.number()))
    }

    pub(super) fn is_nullish(&self) -> Expr {
        self.is_one_of(Kinds::NULLISH)
    }

    pub(super) fn is_only(&self, kind: Kind) -> bool {
        self.kinds == Kinds::of(kind)
    }

    pub(super) fn as_bool(&self) -> Expr {
        self.bool.clone()
    }

    /// What an integer, a bigint or the content of a string is.
    pub(super) fn as_int(&self) -> Expr {
        self.int.clone()
    }

    pub(super) fn as_float(&self) -> Expr {
        self.float.clone()
    }

    pub(super) fn as_sequence(&self) -> Expr {
        self.sequence.clone()
    }

    pub(super) fn length(&self) -> Expr {
        if let Expr::New(Some(length)) = &self.sequence {
            return (**length).clone();
        }
        Expr::Len(Box::new(self.sequence.clone()))
    }

    /// What unknown code is given of it.
    pub(super) fn parts(&self) -> Vec<Expr> {
        let has = |kinds: Kinds| !self.kinds.and(kinds).is_empty();
        let mut parts = Vec::new();
        if self.kinds.single().is_none() {
            parts.push(self.tag.clone());
        }
        if has(Kinds::of(Kind::Bool)) {
            parts.push(self.bool.clone());
        }
        if has(INTEGERS) {
            parts.push(self.int.clone());
        }
        if has(Kinds::of(Kind::Float)) {
            parts.push(self.float.clone());
        }
        if has(SEQUENCES) {
            parts.push(self.sequence.clone());
        }
        parts
    }
}

/// The kinds whose values stand in the slot for integers.
pub(super) const INTEGERS: Kinds = Kinds::of(Kind::Int).with(Kind::BigInt).with(Kind::Str);

/// The kinds that have a length.
pub(super) const SEQUENCES: Kinds = Kinds::of(Kind::Str).with(Kind::Array);

impl Lowering<'_> {
    pub(super) fn put(&mut self, to: Slots, value: &Value) {
        let mut set = |var: Var, value: &Expr| {
            if *value != Expr::Var(var) {
                self.block.push(Stmt::Assign(var, value.clone()));
            }
        };
        set(to.tag, &value.tag);
        if value.kinds.contains(Kind::Bool) {
            set(to.bool, &value.bool);
        }
        if !value.kinds.and(INTEGERS).is_empty() {
            set(to.int, &value.int);
        }
        if value.kinds.contains(Kind::Float) {
            set(to.float, &value.float);
        }
        if !value.kinds.and(SEQUENCES).is_empty() {
            set(to.sequence, &value.sequence);
        }
    }

    /// Keeps a value that is computed now and used later, whatever happens to its parts.
    pub(super) fn keep(&mut self, value: Value) -> Value {
        let constant = |part: &Expr| {
            matches!(part, Expr::Int(_) | Expr::Bool(_) | Expr::Float(_) | Expr::Null)
        };
        if value.parts().iter().all(constant) {
            return value;
        }
        let slots = self.slots("");
        self.put(slots, &value);
        let kept = Value::of_slots(slots, value.kinds);
        // A constant stays one: what is computed from it can be said at once.
        let part = |own: Expr, kept: Expr| if constant(&own) { own } else { kept };
        Value {
            int: part(value.int, kept.int),
            bool: part(value.bool, kept.bool),
            float: part(value.float, kept.float),
            ..kept
        }
    }

    pub(super) fn keep_int(&mut self, value: Expr) -> Expr {
        self.keep(Value::bigint(value)).as_int()
    }

    pub(super) fn keep_bool(&mut self, value: Expr) -> Expr {
        self.keep(Value::bool(value)).as_bool()
    }

    /// One of two values, as a condition decides that is evaluated now.
    pub(super) fn either(
        &mut self,
        condition: Expr,
        yes: impl FnOnce(&mut Self) -> Value,
        no: impl FnOnce(&mut Self) -> Value,
    ) -> Value {
        let slots = self.slots("");
        let (mut one, mut two) = (Kinds::NONE, Kinds::NONE);
        self.branch(
            condition,
            |own| {
                let value = yes(own);
                one = value.kinds;
                own.put(slots, &value);
            },
            |own| {
                let value = no(own);
                two = value.kinds;
                own.put(slots, &value);
            },
        );
        Value::of_slots(slots, one.or(two))
    }

    pub(super) fn choose(&mut self, condition: Expr, yes: Expr, no: Expr) -> Expr {
        self.either(condition, |_| Value::bigint(yes), |_| Value::bigint(no)).as_int()
    }

    /// A sequence as a variable, so that what is read from it knows where it came from.
    pub(super) fn named(&mut self, sequence: Expr) -> Var {
        if let Expr::Var(var) = sequence {
            return var;
        }
        let var = self.variable("", Type::Ref);
        self.block.push(Stmt::Assign(var, sequence));
        var
    }

    pub(super) fn unknown_truth(&mut self, reason: &str) -> Expr {
        let result = self.variable("", Type::Bool);
        self.read_into(result, Read::opaque(reason));
        Expr::Var(result)
    }

    /// Somebody else ran who may hold any array and make it longer or shorter.
    pub(super) fn forget_arrays(&mut self, reason: &str) {
        let locals: Vec<(Slots, Kinds)> = self
            .locals
            .iter()
            .filter(|local| !local.is_own)
            .map(|local| (local.slots, local.kinds))
            .collect();
        let read = Read { nullable: false, ..Read::opaque(reason) };
        for (slots, kinds) in locals.into_iter().filter(|(_, kinds)| kinds.contains(Kind::Array)) {
            let is_array = Value::of_slots(slots, kinds).is(Kind::Array);
            let read = read.clone();
            self.branch(is_array, |own| own.read_into(slots.sequence, read), |_| {});
        }
    }
}
