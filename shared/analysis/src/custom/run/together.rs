//! Conditions that must hold together, over one file.

use std::{collections::HashSet, ops::Range};

use super::{Fuel, Grown, Job, PLACES_MAX, Place, TRIES_PER_LOOK, squeezed};
use crate::{
    IncompleteReason, Symbol, SymbolKind,
    custom::{
        condition::{Composed, Joint, Leaf, holds},
        written::Reach,
    },
};

impl Job<'_> {
    pub(super) fn together(
        &self,
        composed: &Composed,
        grown: Option<&Grown<'_>>,
        fuel: &mut Fuel<'_>,
    ) -> Result<Vec<Place>, IncompleteReason> {
        let mut leaves = Vec::new();
        for leaf in &composed.leaves {
            let (places, incomplete) = match leaf {
                Leaf::Path(globs) => {
                    leaves.push(globs.is_match(self.target.path).then(Vec::new));
                    continue;
                }
                Leaf::Lines(pattern) => self.lines(pattern, PLACES_MAX, fuel),
                Leaf::Nodes(trees) => {
                    match grown.and_then(|grown| Some((grown, trees.of(grown.language)?))) {
                        Some((grown, tree)) => {
                            self.nodes(grown, tree, trees.parts, PLACES_MAX, fuel)
                        }
                        None => (Vec::new(), None),
                    }
                }
            };
            match incomplete {
                Some(reason) => return Err(reason),
                None => leaves.push(Some(places)),
            }
        }
        self.judge(composed, grown, &leaves, fuel)
    }

    /// Holds the conditions against each other in every unit of the rule's reach.
    fn judge(
        &self,
        composed: &Composed,
        grown: Option<&Grown<'_>>,
        leaves: &[Option<Vec<Place>>],
        fuel: &mut Fuel<'_>,
    ) -> Result<Vec<Place>, IncompleteReason> {
        let mut known = HashSet::new();
        let mut places = Vec::new();
        for (number, unit) in self.units(composed.reach, grown).into_iter().enumerate() {
            if number.is_multiple_of(TRIES_PER_LOOK) && self.clock.is_up() {
                return Err(IncompleteReason::TimedOut);
            }
            if !fuel.burn(leaves.len() as u64) {
                return Err(IncompleteReason::OutOfFuel);
            }
            let Some(found) = within(&composed.root, leaves, composed, &unit) else { continue };
            let found = if found.is_empty() { vec![self.beginning(&unit)] } else { found };
            for place in found {
                // A function within a function is part of both.
                if known.insert((place.bytes.start, place.bytes.end)) {
                    places.push(place);
                }
            }
        }
        places.sort_by_key(|place| (place.bytes.start, place.bytes.end));
        Ok(places)
    }

    fn units(&self, reach: Reach, grown: Option<&Grown<'_>>) -> Vec<Range<usize>> {
        let of = |kind: SymbolKind| {
            let symbols = grown.map_or(&[][..], |grown| grown.symbols.as_slice());
            let unit = |symbol: &Symbol| {
                let line = |number: u32| self.lines.get(number as usize - 1);
                Some(line(symbol.lines.first)?.start..line(symbol.lines.last)?.end)
            };
            symbols.iter().filter(|symbol| symbol.kind == kind).filter_map(unit).collect()
        };
        match reach {
            Reach::Line => self.lines.clone(),
            Reach::Function => of(SymbolKind::Function),
            Reach::Class => of(SymbolKind::Type),
            Reach::File => std::iter::once(0..self.target.text.len()).collect(),
        }
    }

    /// Where a unit is reported in which conditions hold without a place: its first line. What
    /// names it is the symbol, or nothing where the whole file is meant.
    fn beginning(&self, unit: &Range<usize>) -> Place {
        let next = self.lines.partition_point(|line| line.start <= unit.start);
        let bytes = self.lines.get(next.saturating_sub(1)).cloned().unwrap_or(0..0);
        let text = self.target.text.get(bytes.clone()).unwrap_or_default();
        let normalised = if unit.len() == bytes.len() { squeezed(text) } else { String::new() };
        Place { bytes, normalised, edit: None }
    }
}

/// The places by which the conditions hold in one unit. A place belongs to where it begins.
fn within(
    root: &Joint,
    leaves: &[Option<Vec<Place>>],
    composed: &Composed,
    unit: &Range<usize>,
) -> Option<Vec<Place>> {
    holds(root, &mut |index| {
        let places = leaves[index].as_ref()?;
        if matches!(composed.leaves[index], Leaf::Path(_)) {
            return Some(Vec::new());
        }
        let begin = places.partition_point(|place| place.bytes.start < unit.start);
        let end = places.partition_point(|place| place.bytes.start <= unit.end);
        (begin < end).then(|| places[begin..end].to_vec())
    })
}
