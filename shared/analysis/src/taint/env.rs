//! What variables hold at one point of a function.

use super::{
    ir::{Const, Key, Slot},
    value::{Arena, Value},
};

/// The variable as a whole, or one of its parts. Ordered so that a variable's parts follow it.
type Place = (Slot, u64);

const WHOLE: u64 = 0;
const ANY: u64 = 1;
/// How many elements a list has, as far as each was added in turn.
const LENGTH: u64 = u64::MAX;

fn part(key: Key) -> u64 {
    match key {
        Key::Any => ANY,
        Key::Named(name) => u64::from(name) + 2,
        // Sections are never the last word, which would be taken for the length.
        Key::Under(section, name) => (u64::from(section) + 1) << 32 | u64::from(name),
    }
}

/// Only what is known or feared has an entry: a variable without one holds anything harmless.
#[derive(Debug, Clone, Default)]
pub(super) struct Env {
    entries: Vec<(Place, Value)>,
}

impl Env {
    fn find(&self, place: Place) -> Result<usize, usize> {
        self.entries.binary_search_by_key(&place, |(own, _)| *own)
    }

    fn at(&self, place: Place) -> Option<Value> {
        self.find(place).ok().map(|index| self.entries[index].1)
    }

    fn put(&mut self, place: Place, value: Value) {
        match self.find(place) {
            Ok(index) => self.entries[index].1 = value,
            Err(index) => self.entries.insert(index, (place, value)),
        }
    }

    fn parts(&self, slot: Slot) -> &[(Place, Value)] {
        let first = self.entries.partition_point(|(place, _)| *place <= (slot, WHOLE));
        let last = self.entries.partition_point(|(place, _)| *place <= (slot, u64::MAX));
        &self.entries[first..last]
    }

    fn whole(&self, slot: Slot) -> Value {
        self.at((slot, WHOLE)).unwrap_or(Value::UNKNOWN)
    }

    /// The variable with everything in it.
    pub(super) fn load(&self, slot: Slot, arena: &mut Arena) -> Value {
        let whole = self.whole(slot);
        let parts = self.parts(slot);
        parts
            .iter()
            .fold(whole, |all, (_, value)| Value { constant: None, ..arena.join(all, *value) })
    }

    pub(super) fn store(&mut self, slot: Slot, value: Value) {
        if !self.parts(slot).is_empty() {
            self.entries.retain(|(place, _)| place.0 != slot || place.1 == WHOLE);
        }
        self.put((slot, WHOLE), value);
    }

    pub(super) fn get_part(&self, slot: Slot, key: Key, arena: &mut Arena) -> Value {
        let whole = Value { constant: None, ..self.whole(slot) };
        match key {
            Key::Any => Value { constant: None, ..self.load(slot, arena) },
            Key::Named(_) | Key::Under(..) => {
                let base = self.at((slot, part(key))).unwrap_or(whole);
                match self.at((slot, ANY)) {
                    Some(any) => arena.join(base, any),
                    None => base,
                }
            }
        }
    }

    pub(super) fn set_part(&mut self, slot: Slot, key: Key, value: Value, arena: &mut Arena) {
        let value = match key {
            Key::Named(_) | Key::Under(..) => value,
            Key::Any => match self.at((slot, ANY)) {
                Some(old) => arena.join(old, value),
                None => value,
            },
        };
        self.put((slot, part(key)), value);
    }

    /// The number of elements, where each has the name of its place.
    pub(super) fn length(&self, slot: Slot) -> Option<usize> {
        let counted = match self.at((slot, LENGTH)) {
            Some(length) => length.constant,
            None => match self.at((slot, WHOLE))?.constant? {
                Const::EmptyList => Some(Const::Int(0)),
                Const::Int(_) | Const::Bool(_) | Const::Text(_) => None,
            },
        };
        match counted? {
            Const::Int(length) => usize::try_from(length).ok(),
            Const::Bool(_) | Const::Text(_) | Const::EmptyList => None,
        }
    }

    pub(super) fn set_length(&mut self, slot: Slot, length: usize) {
        let length = i64::try_from(length).ok().map(Const::Int);
        self.put((slot, LENGTH), Value { constant: length, ..Value::KNOWN });
    }

    /// Elements may have changed places: each may be any.
    pub(super) fn disorder(&mut self, slot: Slot, arena: &mut Arena) {
        if self.length(slot).is_some() {
            let all = Value { constant: None, begins: None, ..self.load(slot, arena) };
            self.put((slot, ANY), all);
            self.put((slot, LENGTH), Value::KNOWN);
        }
    }

    /// The variable, or that part of it, without what the rules of `mask` fear.
    pub(super) fn clean(&mut self, slot: Slot, key: Option<Key>, mask: u64, arena: &mut Arena) {
        match key {
            Some(key) => {
                let value = self.get_part(slot, key, arena);
                let value = arena.cleaned(value, mask);
                self.put((slot, part(key)), value);
            }
            None => {
                let value = arena.cleaned(self.whole(slot), mask);
                for (place, part) in &mut self.entries {
                    if place.0 == slot {
                        *part = arena.cleaned(*part, mask);
                    }
                }
                self.put((slot, WHOLE), value);
            }
        }
    }

    /// What a place holds that has no entry.
    fn absent(&self, place: Place) -> Value {
        match place.1 {
            WHOLE => Value::UNKNOWN,
            // A part that nobody set is what the whole is.
            _ => Value { constant: None, ..self.whole(place.0) },
        }
    }

    /// Takes in what holds on another way to the same point; whether that says anything new.
    pub(super) fn join(&mut self, other: &Self, arena: &mut Arena) -> bool {
        let mut changed = false;
        let mut all = Vec::with_capacity(self.entries.len().max(other.entries.len()));
        let (mut mine, mut others) = (&*self.entries, &*other.entries);
        let next = |entries: &[(Place, Value)]| entries.first().map(|(place, _)| *place);
        while let Some(place) = next(mine).into_iter().chain(next(others)).min() {
            let old = take(&mut mine, place).unwrap_or_else(|| self.absent(place));
            let added = take(&mut others, place).unwrap_or_else(|| other.absent(place));
            if old == added {
                all.push((place, old));
                continue;
            }
            let new = arena.join(old, added);
            // Kept as it was, if nothing was added: labels must not be renamed without reason.
            let differs = arena.differs(old, new);
            changed |= differs;
            all.push((place, if differs { new } else { old }));
        }
        self.entries = all;
        changed
    }
}

/// The value of a place, if it is the next that has one.
fn take(entries: &mut &[(Place, Value)], place: Place) -> Option<Value> {
    let ((own, value), rest) = entries.split_first()?;
    if *own != place {
        return None;
    }
    *entries = rest;
    Some(*value)
}
