//! Mending what rules found: a rewrite is shown only after it was tried.
//!
//! An edited file must still parse, its finding must be gone, and nothing new may appear. What
//! passes is a unified diff that `git apply` takes.

use std::{collections::BTreeMap, ops::Range};

use domain::Language;
use similar::TextDiff;

use crate::{
    Clock,
    excerpt::Lines,
    rules::{self, Edit, Match, Ruleset},
    tree::Parsers,
};

use super::without_superseded;

/// When the edits of a file do not work together, this many are tried alone.
const ALONE_MAX: usize = 8;

/// Edits of one file that are tried.
const EDITS_MAX: usize = 100;

/// Lines around a change, as git shows them.
const CONTEXT_LINES: u32 = 3;

/// A longer diff is nothing that anybody takes over at a glance.
const DIFF_BYTES_MAX: usize = 16 * 1024;

pub(super) struct Mending<'a> {
    pub(super) path: &'a str,
    pub(super) language: Language,
    pub(super) text: &'a str,
    pub(super) lines: &'a Lines<'a>,
    /// Secrets: a diff quotes its neighbourhood, and must quote none of them.
    pub(super) masks: &'a [Range<usize>],
    pub(super) clock: Clock<'a>,
}

impl Mending<'_> {
    /// For each match the diff that mends it, where there is one.
    pub(super) fn diffs(&self, ruleset: &Ruleset, matches: &[Match]) -> Vec<Option<String>> {
        let mut diffs = vec![None; matches.len()];
        let wanted = self.apart(matches);
        if wanted.is_empty() {
            return diffs;
        }
        let before = tally(matches);
        let works = |edits: &[usize]| self.works(ruleset, matches, edits, before.clone());
        let kept = match works(&wanted) {
            true => wanted,
            false if wanted.len() == 1 => Vec::new(),
            false => wanted.into_iter().take(ALONE_MAX).filter(|one| works(&[*one])).collect(),
        };
        for index in kept {
            diffs[index] = matches[index].edit.as_ref().and_then(|edit| self.diff(edit));
        }
        diffs
    }

    /// The matches that have edits, without those whose edit touches an earlier one.
    fn apart(&self, matches: &[Match]) -> Vec<usize> {
        let mut wanted: Vec<(usize, &Edit)> = matches
            .iter()
            .enumerate()
            .filter_map(|(index, found)| Some((index, found.edit.as_ref()?)))
            .collect();
        wanted.sort_by_key(|(_, edit)| edit.bytes.start);
        let mut end = 0;
        wanted.retain(|(_, edit)| {
            let free = edit.bytes.start >= end;
            if free {
                end = edit.bytes.end.max(edit.bytes.start + 1);
            }
            free
        });
        wanted.into_iter().take(EDITS_MAX).map(|(index, _)| index).collect()
    }

    fn works(
        &self,
        ruleset: &Ruleset,
        matches: &[Match],
        edits: &[usize],
        mut expected: BTreeMap<usize, usize>,
    ) -> bool {
        let mut text = self.text.to_owned();
        // From the end, so that the places before stay where they are.
        for index in edits.iter().rev() {
            if let Some(edit) = &matches[*index].edit {
                text.replace_range(edit.bytes.clone(), &edit.text);
            }
            if let Some(count) = expected.get_mut(&matches[*index].rule) {
                *count -= 1;
            }
        }
        expected.retain(|_, count| *count > 0);
        Parsers::default().keeping(&text, |parsers| {
            let tree = parsers.parse(self.language, &text, self.clock);
            let parses = tree.is_ok_and(|tree| !tree.root_node().has_error());
            parses && {
                let outcome = rules::run(ruleset, self.language, &text, parsers, self.clock);
                outcome.stopped.is_none()
                    && outcome.out_of_fuel.is_empty()
                    && tally(&without_superseded(ruleset, outcome.matches)) == expected
            }
        })
    }

    fn diff(&self, edit: &Edit) -> Option<String> {
        let quoted = self.neighbourhood(&edit.bytes);
        let tells = |mask: &Range<usize>| mask.start < quoted.end && quoted.start < mask.end;
        // Such names would have to be quoted, and are nobody's.
        let plain = |at: char| !at.is_control() && !matches!(at, '"' | '\\');
        if self.masks.iter().any(tells) || !self.path.chars().all(plain) {
            return None;
        }
        let mut after = self.text.to_owned();
        after.replace_range(edit.bytes.clone(), &edit.text);
        // Not `from_lines`, which takes a lone carriage return for the end of a line.
        let old: Vec<&str> = self.text.split_inclusive('\n').collect();
        let new: Vec<&str> = after.split_inclusive('\n').collect();
        let diff = TextDiff::configure().newline_terminated(true).diff_slices(&old, &new);
        let path = self.path;
        let shown = diff
            .unified_diff()
            .context_radius(CONTEXT_LINES as usize)
            .header(&format!("a/{path}"), &format!("b/{path}"))
            .to_string();
        (shown.len() <= DIFF_BYTES_MAX).then_some(shown)
    }

    /// The bytes that a diff of `changed` shows.
    fn neighbourhood(&self, changed: &Range<usize>) -> Range<usize> {
        let lines = self.lines.around(changed);
        let first = self.lines.bytes(lines.first.saturating_sub(CONTEXT_LINES));
        first.start..self.lines.bytes(lines.last.saturating_add(CONTEXT_LINES)).end
    }
}

fn tally(matches: &[Match]) -> BTreeMap<usize, usize> {
    let mut counts = BTreeMap::new();
    for found in matches {
        *counts.entry(found.rule).or_default() += 1;
    }
    counts
}
