//! Mending what rules found: a rewrite is shown only after it was tried.
//!
//! An edited file must still parse, its finding must be gone, and nothing new may appear. What
//! passes is a unified diff that `git apply` takes.

use std::{collections::BTreeMap, ops::Range};

use domain::Language;
use similar::TextDiff;

use super::{asked_for, without_superseded};
use crate::{
    Asked, Clock, CustomRules, custom,
    excerpt::Lines,
    rules::{self, Edit, Match, Ruleset},
    tree::Parsers,
};

/// How often each rule matches.
type Tally = BTreeMap<usize, usize>;

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
    /// For each match of built-in rules the diff that mends it, where there is one.
    pub(super) fn of_rules(
        &self,
        asked: &Asked,
        ruleset: &Ruleset,
        matches: &[Match],
    ) -> Vec<Option<String>> {
        let before = tally(matches.iter().map(|found| found.rule));
        let edits: Vec<_> = matches.iter().map(|found| found.edit.as_ref()).collect();
        self.diffs(&edits, |text, mended, parsers| {
            let outcome = rules::run(ruleset, self.language, text, parsers, self.clock);
            let outcome = asked_for(asked, ruleset, outcome);
            let is_whole = outcome.stopped.is_none() && outcome.out_of_fuel.is_empty();
            let left = without_superseded(ruleset, outcome.matches);
            let mended = mended.iter().map(|index| matches[*index].rule);
            is_whole && tally(left.iter().map(|found| found.rule)) == without(&before, mended)
        })
    }

    /// For each match of a customer's rules the diff that mends it, where there is one.
    pub(super) fn of_custom(
        &self,
        rules: &CustomRules,
        outcome: &custom::Outcome,
    ) -> Vec<Option<String>> {
        let found = &outcome.found;
        let edits: Vec<_> = found.iter().map(|found| found.edit.as_ref()).collect();
        if edits.iter().all(Option::is_none) {
            return vec![None; edits.len()];
        }
        let before = tally(found.iter().map(|found| found.rule));
        let builtin = self.builtin(self.text, &mut Parsers::default());
        self.diffs(&edits, |text, mended, parsers| {
            let target = custom::Target { path: self.path, language: Some(self.language), text };
            let after = custom::run(rules, target, parsers, self.clock);
            let left = tally(after.found.iter().map(|found| found.rule));
            let expected = without(&before, mended.iter().map(|index| found[*index].rule));
            let new = self.builtin(text, parsers);
            let is_no_worse = |(rule, count): (&usize, &usize)| builtin.get(rule) >= Some(count);
            after.incomplete == outcome.incomplete
                && left == expected
                && new.iter().all(is_no_worse)
        })
    }

    fn builtin(&self, text: &str, parsers: &mut Parsers) -> Tally {
        let ruleset = rules::ruleset(self.language);
        let outcome = rules::run(ruleset, self.language, text, parsers, self.clock);
        tally(outcome.matches.iter().map(|found| found.rule))
    }

    /// For each edit the diff that makes it, if `holds` of the text in which it was made: it is
    /// told which of the edits were.
    fn diffs(
        &self,
        edits: &[Option<&Edit>],
        holds: impl Fn(&str, &[usize], &mut Parsers) -> bool,
    ) -> Vec<Option<String>> {
        let mut diffs = vec![None; edits.len()];
        let wanted = Self::apart(edits);
        if wanted.is_empty() {
            return diffs;
        }
        let works = |some: &[usize]| {
            let text = self.edited(edits, some);
            Parsers::default().keeping(&text, |parsers| {
                let tree = parsers.parse(self.language, &text, self.clock);
                let parses = tree.is_ok_and(|tree| !tree.root_node().has_error());
                parses && holds(&text, some, parsers)
            })
        };
        let kept = match works(&wanted) {
            true => wanted,
            false if wanted.len() == 1 => Vec::new(),
            false => wanted.into_iter().take(ALONE_MAX).filter(|one| works(&[*one])).collect(),
        };
        for index in kept {
            diffs[index] = edits[index].and_then(|edit| self.diff(edit));
        }
        diffs
    }

    fn edited(&self, edits: &[Option<&Edit>], some: &[usize]) -> String {
        let mut text = self.text.to_owned();
        // From the end, so that the places before stay where they are.
        for edit in some.iter().rev().filter_map(|index| edits[*index]) {
            text.replace_range(edit.bytes.clone(), &edit.text);
        }
        text
    }

    /// Where there are edits, without those that touch an earlier one.
    fn apart(edits: &[Option<&Edit>]) -> Vec<usize> {
        let mut wanted: Vec<(usize, &Edit)> =
            edits.iter().enumerate().filter_map(|(index, edit)| Some((index, (*edit)?))).collect();
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

fn tally(rules: impl Iterator<Item = usize>) -> Tally {
    let mut counts = Tally::new();
    for rule in rules {
        *counts.entry(rule).or_default() += 1;
    }
    counts
}

/// What is left when one match of each of these rules is gone.
fn without(before: &Tally, mended: impl Iterator<Item = usize>) -> Tally {
    let mut left = before.clone();
    for rule in mended {
        if let Some(count) = left.get_mut(&rule) {
            *count -= 1;
        }
    }
    left.retain(|_, count| *count > 0);
    left
}
