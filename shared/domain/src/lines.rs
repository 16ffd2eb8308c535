use serde::{Deserialize, Serialize};

/// Lines `first..=last`, counted from 1 as editors do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LineRange {
    pub first: u32,
    pub last: u32,
}

/// The lines of one file that a change touched, sorted and disjoint.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LineRanges(Vec<LineRange>);

impl LineRanges {
    /// Sorts and merges what overlaps or touches.
    pub fn new(mut ranges: Vec<LineRange>) -> Self {
        ranges.retain(|range| range.first <= range.last);
        ranges.sort_unstable();
        let mut merged: Vec<LineRange> = Vec::with_capacity(ranges.len());
        for range in ranges {
            match merged.last_mut() {
                Some(before) if range.first <= before.last.saturating_add(1) => {
                    before.last = before.last.max(range.last);
                }
                _ => merged.push(range),
            }
        }
        Self(merged)
    }

    pub fn as_slice(&self) -> &[LineRange] {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn overlaps(&self, range: LineRange) -> bool {
        self.0.iter().any(|own| own.first <= range.last && range.first <= own.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(first: u32, last: u32) -> LineRange {
        LineRange { first, last }
    }

    #[test]
    fn touching_ranges_become_one_and_empty_ones_vanish() {
        let ranges = LineRanges::new(vec![range(7, 9), range(1, 2), range(3, 3), range(6, 5)]);
        assert_eq!(ranges.as_slice(), [range(1, 3), range(7, 9)]);
    }

    #[test]
    fn a_range_overlaps_when_one_line_is_shared() {
        let ranges = LineRanges::new(vec![range(4, 6)]);
        let cases = [(1, 3, false), (1, 4, true), (5, 5, true), (6, 9, true), (7, 9, false)];
        for (first, last, shared) in cases {
            assert_eq!(ranges.overlaps(range(first, last)), shared, "{first}..{last}");
        }
    }
}
