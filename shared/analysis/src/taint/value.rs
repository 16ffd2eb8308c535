//! What is known of a value: where it may come from, and whether all of it is known.

use std::collections::HashMap;

use super::{
    ir::{Const, Span, Sym},
    set::Mask,
};

/// Origins of one value that are told apart; further ones are counted to the last.
const LABELS_MAX: usize = 12;

/// Index of a set of labels; 0 is the empty one.
pub(super) type LabelsId = u32;
/// Index of the latest step on a path; 0 is its beginning.
pub(super) type TraceId = u32;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Origin {
    /// Whatever the caller passes.
    Parameter(u16),
    /// Index of a place where strangers' data comes in.
    Site(u32),
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Label {
    pub(super) origin: Origin,
    /// Rules to which it is still dangerous.
    pub(super) mask: Mask,
    pub(super) trace: TraceId,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Value {
    pub(super) labels: LabelsId,
    /// Rules for which nobody knows all that is in it.
    pub(super) vague: Mask,
    pub(super) constant: Option<Const>,
    /// The fixed text that it begins with, as far as one is known.
    pub(super) begins: Option<Sym>,
}

impl Value {
    pub(super) const KNOWN: Self = Self { labels: 0, vague: 0, constant: None, begins: None };
    pub(super) const UNKNOWN: Self = Self { vague: Mask::MAX, ..Self::KNOWN };

    pub(super) fn is(constant: Const) -> Self {
        let begins = match constant {
            Const::Text(text) => Some(text),
            Const::Int(_) | Const::Bool(_) | Const::EmptyList => None,
        };
        Self { constant: Some(constant), begins, ..Self::KNOWN }
    }
}

/// A step on the way from source to sink.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stop {
    pub(super) before: TraceId,
    pub(super) span: Span,
}

/// Where strangers' data comes in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Site {
    pub(super) confidence: u16,
}

/// All label sets and paths of one file.
pub(super) struct Arena {
    labels: Vec<Box<[Label]>>,
    stops: Vec<Stop>,
    sites: Vec<Site>,
    by_place: HashMap<(Span, usize), u32>,
}

impl Default for Arena {
    fn default() -> Self {
        let nowhere = Stop { before: 0, span: Span { start: 0, end: 0 } };
        Self {
            labels: vec![Box::new([])],
            stops: vec![nowhere],
            sites: Vec::new(),
            by_place: HashMap::new(),
        }
    }
}

impl Arena {
    pub(super) fn labels(&self, id: LabelsId) -> &[Label] {
        &self.labels[id as usize]
    }

    pub(super) fn stop(&self, id: TraceId) -> Stop {
        self.stops[id as usize]
    }

    pub(super) fn site(&self, index: u32) -> Site {
        self.sites[index as usize]
    }

    /// How much was kept so far: what memory a file may take is bounded by it.
    pub(super) fn size(&self) -> usize {
        self.labels.len() + self.stops.len()
    }

    pub(super) fn site_at(&mut self, span: Span, source: usize, confidence: u16) -> u32 {
        if let Some(known) = self.by_place.get(&(span, source)) {
            return *known;
        }
        let index = u32::try_from(self.sites.len()).unwrap_or(u32::MAX);
        self.sites.push(Site { confidence });
        self.by_place.insert((span, source), index);
        index
    }

    pub(super) fn step(&mut self, before: TraceId, span: Span) -> TraceId {
        // The same statement twice in a row says nothing new.
        if before != 0 && self.stop(before).span == span {
            return before;
        }
        self.stops.push(Stop { before, span });
        u32::try_from(self.stops.len() - 1).unwrap_or(0)
    }

    pub(super) fn add(&mut self, mut labels: Vec<Label>) -> LabelsId {
        labels.retain(|label| label.mask != 0);
        if labels.is_empty() {
            return 0;
        }
        self.labels.push(labels.into_boxed_slice());
        u32::try_from(self.labels.len() - 1).unwrap_or(0)
    }

    pub(super) fn union(&mut self, one: LabelsId, other: LabelsId) -> LabelsId {
        if one == other || other == 0 {
            return one;
        }
        if one == 0 || self.covers(other, one) {
            return other;
        }
        if self.covers(one, other) {
            return one;
        }
        let mut all = self.labels(one).to_vec();
        for label in self.labels(other) {
            let known = all.iter().position(|own| own.origin == label.origin);
            match known.or((all.len() >= LABELS_MAX).then_some(LABELS_MAX - 1)) {
                Some(index) => all[index].mask |= label.mask,
                None => all.push(*label),
            }
        }
        self.add(all)
    }

    /// Whether `one` says all that `other` says.
    fn covers(&self, one: LabelsId, other: LabelsId) -> bool {
        let own = self.labels(one);
        self.labels(other).iter().all(|label| {
            own.iter().any(|own| own.origin == label.origin && own.mask | label.mask == own.mask)
        })
    }

    pub(super) fn join(&mut self, one: Value, other: Value) -> Value {
        Value {
            labels: self.union(one.labels, other.labels),
            vague: one.vague | other.vague,
            constant: if one.constant == other.constant { one.constant } else { None },
            begins: if one.begins == other.begins { one.begins } else { None },
        }
    }

    /// Whether a further round of the same loop could learn something from the change.
    pub(super) fn differs(&self, old: Value, new: Value) -> bool {
        old.vague != new.vague
            || old.constant != new.constant
            || old.begins != new.begins
            || (old.labels != new.labels && !self.covers(old.labels, new.labels))
    }

    /// The value without what the rules of `mask` feared in it.
    pub(super) fn cleaned(&mut self, value: Value, mask: Mask) -> Value {
        let labels = self.map(value.labels, |label| Label { mask: label.mask & !mask, ..label });
        Value { labels, vague: value.vague & !mask, ..value }
    }

    /// The value after one more statement.
    pub(super) fn stepped(&mut self, value: Value, span: Span) -> Value {
        if value.labels == 0 {
            return value;
        }
        let mut labels = self.labels(value.labels).to_vec();
        for label in &mut labels {
            label.trace = self.step(label.trace, span);
        }
        Value { labels: self.add(labels), ..value }
    }

    fn map(&mut self, id: LabelsId, change: impl FnMut(Label) -> Label) -> LabelsId {
        if id == 0 {
            return 0;
        }
        let changed = self.labels(id).iter().copied().map(change).collect();
        self.add(changed)
    }
}
