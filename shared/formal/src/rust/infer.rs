//! What a function's own code says about types that are not written down.
//!
//! A function is lowered until nothing new is learnt: a literal whose type other code decides is
//! a variable of the first pass and an integer of the next, or unknown if it went where its type
//! cannot be seen.

use std::collections::HashMap;

use super::{
    Lowering,
    types::{I32, Kind, Ty},
};
use crate::ir::IntType;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Slot {
    Open,
    Known(IntType),
    Same(u32),
    /// It went where its type is not seen.
    Escaped,
}

/// What the passes before have shown, by where it stands in the file.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Facts {
    /// Literals; none if their type stays unknown.
    literals: HashMap<usize, Option<IntType>>,
    /// Locals and loops without a type of their own.
    pub(super) types: HashMap<usize, Ty>,
}

/// What one pass learns.
#[derive(Debug, Default)]
pub(super) struct Infer {
    pub(super) before: Facts,
    slots: Vec<Slot>,
    literals: HashMap<usize, u32>,
    types: HashMap<usize, Ty>,
    /// No pass comes after this one: what is still open is unknown.
    is_last: bool,
}

impl Infer {
    pub(super) fn after_pass(before: Facts, is_last: bool) -> Self {
        Self { before, is_last, ..Self::default() }
    }

    pub(super) fn literal(&mut self, at: usize) -> Ty {
        match self.before.literals.get(&at) {
            Some(Some(ty)) => return Ty::Int(*ty),
            Some(None) => return Ty::Unknown,
            None if self.is_last => return Ty::Unknown,
            None => {}
        }
        if let Some(known) = self.literals.get(&at) {
            return Ty::IntVar(*known);
        }
        let slot = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
        self.slots.push(Slot::Open);
        self.literals.insert(at, slot);
        Ty::IntVar(slot)
    }

    fn root(&self, mut slot: u32) -> u32 {
        while let Some(Slot::Same(next)) = self.slots.get(slot as usize) {
            slot = *next;
        }
        slot
    }

    fn set(&mut self, slot: u32, to: Slot) {
        let root = self.root(slot) as usize;
        match (self.slots.get(root).copied(), to) {
            (Some(Slot::Known(one)), Slot::Known(two)) if one != two => {
                self.slots[root] = Slot::Escaped;
            }
            (Some(Slot::Open), _) => self.slots[root] = to,
            // Where its type was seen once, it is that one.
            _ => {}
        }
    }

    fn same(&mut self, one: u32, two: u32) {
        let (one, two) = (self.root(one), self.root(two));
        if one == two {
            return;
        }
        let first = self.slots[one as usize];
        self.slots[one as usize] = Slot::Same(two);
        if first != Slot::Open {
            self.set(two, first);
        }
    }

    /// Both are of one type.
    pub(super) fn unify(&mut self, one: &Ty, two: &Ty) {
        match (one, two) {
            (Ty::Ref { to, .. }, other) | (other, Ty::Ref { to, .. }) => self.unify(to, other),
            (Ty::IntVar(one), Ty::IntVar(two)) => self.same(*one, *two),
            (Ty::IntVar(slot), Ty::Int(ty)) | (Ty::Int(ty), Ty::IntVar(slot)) => {
                self.set(*slot, Slot::Known(*ty));
            }
            (Ty::Option(one), Ty::Option(two)) | (Ty::Sequence(one, _), Ty::Sequence(two, _)) => {
                self.unify(one, two);
            }
            (Ty::Result(one, first), Ty::Result(two, second)) => {
                self.unify(one, two);
                self.unify(first, second);
            }
            (Ty::Tuple(ones), Ty::Tuple(twos)) => {
                for (one, two) in ones.iter().zip(twos) {
                    self.unify(one, two);
                }
            }
            (Ty::Never, _) | (_, Ty::Never) => {}
            (Ty::Unknown, other) | (other, Ty::Unknown) => self.escape(other),
            (one, two) => {
                if one != two {
                    self.escape(one);
                    self.escape(two);
                }
            }
        }
    }

    /// It goes where nobody sees what type is wanted of it.
    pub(super) fn escape(&mut self, ty: &Ty) {
        match ty {
            Ty::IntVar(slot) => self.set(*slot, Slot::Escaped),
            Ty::Option(of) | Ty::Sequence(of, _) | Ty::Ref { to: of, .. } => self.escape(of),
            Ty::Result(value, error) => {
                self.escape(value);
                self.escape(error);
            }
            Ty::Tuple(parts) => parts.iter().for_each(|part| self.escape(part)),
            Ty::Unknown
            | Ty::Never
            | Ty::Bool
            | Ty::Int(_)
            | Ty::Char
            | Ty::Float { .. }
            | Ty::Text { .. }
            | Ty::Struct(_)
            | Ty::Enum(_) => {}
        }
    }

    /// A type that both are of, as far as both are known.
    pub(super) fn join(&mut self, one: &Ty, two: &Ty) -> Ty {
        match (one, two) {
            (Ty::Never, other) | (other, Ty::Never) => other.clone(),
            _ if one == two => one.clone(),
            (Ty::Ref { mutable, to }, Ty::Ref { mutable: other, to: second }) => {
                let to = Box::new(self.join(to, second));
                Ty::Ref { mutable: *mutable || *other, to }
            }
            (Ty::Ref { mutable: true, to }, other) | (other, Ty::Ref { mutable: true, to }) => {
                let to = Box::new(self.join(to, other));
                Ty::Ref { mutable: true, to }
            }
            (Ty::Ref { to, .. }, other) | (other, Ty::Ref { to, .. }) => self.join(to, other),
            (Ty::Option(one), Ty::Option(two)) => Ty::option(self.join(one, two)),
            (Ty::Result(one, first), Ty::Result(two, second)) => {
                let (value, error) = (self.join(one, two), self.join(first, second));
                Ty::result(value, error)
            }
            (Ty::Tuple(ones), Ty::Tuple(twos)) if ones.len() == twos.len() => {
                let parts = ones.iter().zip(twos);
                Ty::Tuple(parts.map(|(one, two)| self.join(one, two)).collect())
            }
            (Ty::Sequence(one, kind), Ty::Sequence(two, other)) => {
                let kind = if kind == other { *kind } else { Kind::Slice };
                Ty::Sequence(Box::new(self.join(one, two)), kind)
            }
            (Ty::Text { .. }, Ty::Text { .. }) => Ty::Text { owned: false },
            (Ty::IntVar(_), Ty::Int(ty)) | (Ty::Int(ty), Ty::IntVar(_)) => {
                self.unify(one, two);
                Ty::Int(*ty)
            }
            (Ty::IntVar(_), Ty::IntVar(_)) => {
                self.unify(one, two);
                one.clone()
            }
            _ => {
                self.unify(one, two);
                Ty::Unknown
            }
        }
    }

    /// Takes note of a value that a place without a declared type gets.
    pub(super) fn gets(&mut self, place: usize, ty: &Ty) {
        let known = self.types.get(&place).cloned().unwrap_or(Ty::Never);
        let joined = self.join(&known, ty);
        self.types.insert(place, joined);
    }

    /// What a place got in this pass.
    pub(super) fn learnt(&self, place: usize) -> Option<Ty> {
        self.types.get(&place).cloned()
    }

    fn solved(&self, ty: &Ty) -> Ty {
        let of = |ty: &Ty| Box::new(self.solved(ty));
        match ty {
            Ty::IntVar(slot) => self.integer(*slot).map_or(Ty::Unknown, Ty::Int),
            Ty::Option(inner) => Ty::Option(of(inner)),
            Ty::Result(value, error) => Ty::Result(of(value), of(error)),
            Ty::Sequence(element, kind) => Ty::Sequence(of(element), *kind),
            Ty::Tuple(parts) => Ty::Tuple(parts.iter().map(|part| self.solved(part)).collect()),
            Ty::Ref { mutable, to } => Ty::Ref { mutable: *mutable, to: of(to) },
            Ty::Unknown
            | Ty::Never
            | Ty::Bool
            | Ty::Int(_)
            | Ty::Char
            | Ty::Float { .. }
            | Ty::Text { .. }
            | Ty::Struct(_)
            | Ty::Enum(_) => ty.clone(),
        }
    }

    /// What nothing else decides is `i32`.
    fn integer(&self, slot: u32) -> Option<IntType> {
        match self.slots.get(self.root(slot) as usize)? {
            Slot::Open => Some(I32),
            Slot::Known(ty) => Some(*ty),
            Slot::Same(_) | Slot::Escaped => None,
        }
    }

    /// What is known after this pass.
    pub(super) fn after(self) -> Facts {
        let mut facts = self.before.clone();
        let found = self.literals.iter().map(|(at, slot)| (*at, self.integer(*slot)));
        facts.literals.extend(found);
        for (place, ty) in &self.types {
            facts.types.insert(*place, self.solved(ty));
        }
        facts
    }
}

impl Lowering<'_> {
    pub(super) fn unify(&mut self, one: &Ty, two: &Ty) {
        self.infer.unify(one, two);
    }

    pub(super) fn join(&mut self, one: &Ty, two: &Ty) -> Ty {
        self.infer.join(one, two)
    }

    pub(super) fn escape(&mut self, ty: &Ty) {
        self.infer.escape(ty);
    }

    /// What a place that stands at `place` gets in all, as far as the pass before knows.
    pub(super) fn learnt(&mut self, place: usize, own: &Ty) -> Ty {
        self.infer.gets(place, own);
        self.infer.before.types.get(&place).cloned().unwrap_or_else(|| own.clone())
    }
}
