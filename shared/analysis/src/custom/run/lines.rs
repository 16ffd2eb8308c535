//! Regular expressions, line by line.

use std::ops::Range;

use super::{Fuel, Job, Place, Places, TRIES_PER_LOOK};
use crate::{
    IncompleteReason,
    custom::{compile::Pattern, needed::Needed},
};

/// Bytes that a regular expression of the smallest class reads for the price of one step.
const BYTES_PER_STEP: u64 = 16;

/// Bytes that are searched for words for the price of one step.
const SEARCHED_PER_STEP: u64 = 256;

/// A longer line is no line that somebody wrote. Its beginning is looked at.
const LINE_BYTES_MAX: usize = 16 * 1024;

impl Job<'_> {
    /// The first match of each line.
    pub(super) fn lines(&self, pattern: &Pattern, most: usize, fuel: &mut Fuel<'_>) -> Places {
        let mut places = Vec::new();
        let weight = pattern.weight();
        let numbers = match &pattern.needed {
            Some(needed) if self.takes_words => {
                if !fuel.burn(self.target.text.len() as u64 / SEARCHED_PER_STEP) {
                    return (places, Some(IncompleteReason::OutOfFuel));
                }
                with_words(needed, self.target.text, &self.lines)
            }
            Some(_) | None => (0..self.lines.len()).collect(),
        };
        for (tried, number) in numbers.into_iter().enumerate() {
            if tried.is_multiple_of(TRIES_PER_LOOK) && self.clock.is_up() {
                return (places, Some(IncompleteReason::TimedOut));
            }
            let line = &self.lines[number];
            let end = line.end.min(line.start + LINE_BYTES_MAX);
            let text = &self.target.text[line.start..self.target.text.floor_char_boundary(end)];
            if !fuel.burn(1 + text.len() as u64 * weight / BYTES_PER_STEP) {
                return (places, Some(IncompleteReason::OutOfFuel));
            }
            let Some(found) = pattern.find.regex.find(text) else { continue };
            if pattern.unless.as_ref().is_some_and(|unless| unless.regex.is_match(text)) {
                continue;
            }
            if places.len() == most {
                return (places, Some(IncompleteReason::TooMany));
            }
            let bytes = line.start + found.start()..line.start + found.end();
            places.push(Place { bytes, normalised: squeezed(text), edit: None });
        }
        (places, None)
    }
}

/// Each line without its end.
pub(super) fn lines_of(text: &str) -> Vec<Range<usize>> {
    let mut at = 0;
    text.split_inclusive('\n')
        .map(|line| {
            let start = at;
            at += line.len();
            let line = line.strip_suffix('\n').unwrap_or(line);
            start..start + line.strip_suffix('\r').unwrap_or(line).len()
        })
        .collect()
}

/// A line without its layout, so that reindenting does not change what names a match.
pub(super) fn squeezed(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The lines on which one of these words begins.
fn with_words(needed: &Needed, text: &str, lines: &[Range<usize>]) -> Vec<usize> {
    let mut numbers = Vec::new();
    let mut end = 0;
    for place in needed.places(text) {
        if place >= end {
            let number = lines.partition_point(|line| line.start <= place) - 1;
            end = lines.get(number + 1).map_or(usize::MAX, |next| next.start);
            numbers.push(number);
        }
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_without_the_words_are_not_tried() {
        let needed = Needed::of(r"(?:sleep|wait)\s*\(", true).unwrap();
        let text = "sleep sleep(1)\nnothing\r\n\nSLEEP(2)\nslee\np wait";
        assert_eq!(with_words(&needed, text, &lines_of(text)), [0, 3, 5]);
        assert_eq!(with_words(&needed, "", &lines_of("")), [0_usize; 0]);
    }
}
