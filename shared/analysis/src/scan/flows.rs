//! What following values adds to what single places look like, and what it takes away.

use std::ops::Range;

use domain::{Language, VerificationType};

use super::{IncompleteReason, Report, incomplete};
use crate::{
    Clock,
    rules::{Match, Ruleset},
    taint::{self, Flowed, TaintOutcome, TaintSet},
    tree::{Parsers, Stopped},
};

/// Longer code is quoted by its beginning.
const QUOTE_CHARS_MAX: usize = 80;

/// Superseded fixes that are tried on the flow of the same place.
const FIXES_MAX: usize = 20;

impl Report<'_> {
    /// Follows values through the file. Says where that was not done to the end, unless
    /// `already_stopped` says so for all rules.
    pub(super) fn follow(
        &mut self,
        language: Language,
        text: &str,
        parsers: &mut Parsers,
        clock: Clock,
        already_stopped: bool,
    ) -> TaintOutcome {
        let set = taint::taint_set(language);
        let mut outcome = taint::run(set, text, || parsers.parse(language, text, clock), clock);
        let takes = |rule: usize| self.asked.takes(&set.rules[rule].info.id);
        let (told, untold) = outcome.flows.into_iter().partition(|flow| takes(flow.rule));
        let untold: Vec<Flowed> = untold;
        outcome.flows = told;
        // What is known to be harmless stays known, whoever knows it: unless another rule, which
        // nobody asks, knows better.
        outcome.harmless.retain(|(sink, _)| {
            let ends_here =
                |flow: &Flowed| flow.bytes.start < sink.end && sink.start < flow.bytes.end;
            !untold.iter().any(ends_here)
        });
        outcome.finished.retain(|rule| takes(*rule));
        outcome.unfinished.retain(|rule| takes(*rule));
        let reason =
            if outcome.too_deep { IncompleteReason::TooDeep } else { IncompleteReason::OutOfFuel };
        for rule in &outcome.unfinished {
            let id = set.rules[*rule].info.id.as_str();
            self.scan.incomplete.push(incomplete(self.file, Some(id), reason));
        }
        if let (Some(stopped), false) = (outcome.stopped, already_stopped) {
            let reason = match stopped {
                Stopped::TimedOut => IncompleteReason::TimedOut,
                Stopped::TooDeep => IncompleteReason::TooDeep,
            };
            self.scan.incomplete.push(incomplete(self.file, None, reason));
        }
        outcome
    }

    /// Reports each flow, with the fix of a finding that it stands for.
    pub(super) fn flows(&mut self, set: &TaintSet, flows: &[Flowed], fixes: Vec<Option<String>>) {
        for (flow, fix) in flows.iter().zip(fixes) {
            let info = &set.rules[flow.rule].info;
            let identity = (flow.symbol.clone(), flow.normalised.clone());
            self.finding(info, VerificationType::Taint, &flow.bytes, identity, fix);
            self.tell_way(&flow.path, flow.confidence);
        }
    }

    /// Adds to the latest finding how the value got there.
    pub(super) fn tell_way(&mut self, path: &[Range<usize>], confidence: f64) {
        let way = taint::explain(path, |bytes| (self.lines.around(bytes).first, self.quote(bytes)));
        if let Some(finding) = self.scan.findings.last_mut() {
            finding.confidence *= confidence;
            finding.description = format!("{}\n\n{way}", finding.description);
        }
    }

    /// The code of a step on one line; nothing where a secret stands in it.
    pub(super) fn quote(&self, bytes: &Range<usize>) -> Option<String> {
        let hidden = |mask: &Range<usize>| mask.start < bytes.end && bytes.start < mask.end;
        if self.masks.iter().any(hidden) {
            return None;
        }
        let text = std::str::from_utf8(&self.file.bytes).ok()?.get(bytes.clone())?;
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ").replace('`', "'");
        let mut short: String = words.chars().take(QUOTE_CHARS_MAX).collect();
        if short.len() < words.len() {
            short.push('…');
        }
        Some(short)
    }

    /// For each flow the fix of a match that it supersedes, if the flow is gone after it, too.
    pub(super) fn inherited(
        &self,
        outcome: &TaintOutcome,
        ruleset: &Ruleset,
        matches: &[Match],
        diffs: &[Option<String>],
        (language, text, clock): (Language, &str, Clock),
    ) -> Vec<Option<String>> {
        let set = taint::taint_set(language);
        let mut tried = 0;
        let fix = |flow: &Flowed| {
            let supersedes = &set.rules[flow.rule].supersedes;
            let index = matches.iter().enumerate().position(|(index, found)| {
                diffs[index].is_some()
                    && found.bytes.start < flow.bytes.end
                    && flow.bytes.start < found.bytes.end
                    && supersedes.contains(&ruleset.rules[found.rule].info.id)
            })?;
            tried += 1;
            if tried > FIXES_MAX {
                return None;
            }
            let edit = matches[index].edit.as_ref()?;
            let mut after = text.to_owned();
            after.replace_range(edit.bytes.clone(), &edit.text);
            let mut parsers = Parsers::default();
            let left = taint::run(set, &after, || parsers.parse(language, &after, clock), clock);
            let takes = |flow: &&Flowed| self.asked.takes(&set.rules[flow.rule].info.id);
            let count = left.flows.iter().filter(takes).count();
            let fewer = count < outcome.flows.len() && left.stopped.is_none();
            fewer.then(|| diffs[index].clone()).flatten()
        };
        outcome.flows.iter().map(fix).collect()
    }
}

/// Whether a finding about a single place says nothing beside what following values says: it is
/// told as a flow, or nothing harmful arrives there.
pub(super) fn is_settled(
    set: &TaintSet,
    outcome: &TaintOutcome,
    id: &str,
    bytes: &Range<usize>,
) -> bool {
    let here = |other: &Range<usize>| other.start < bytes.end && bytes.start < other.end;
    // A chain of calls says more than the harmless call that it begins with.
    let holds = |sink: &Range<usize>| sink.start <= bytes.start && bytes.end <= sink.end;
    let about = |rule: usize| {
        let rule = &set.rules[rule];
        rule.supersedes.iter().chain(&rule.replaces).any(|one| one == id)
    };
    let replaced = |rule: &usize| set.rules[*rule].replaces.iter().any(|one| one == id);
    outcome.finished.iter().any(replaced)
        || outcome.flows.iter().any(|flow| about(flow.rule) && flow.path.iter().any(here))
        || outcome.harmless.iter().any(|(sink, rule)| {
            let yields = set.rules[*rule].yields_to.iter().any(|one| one == id);
            (yields || about(*rule)) && holds(sink)
        })
}

/// Leaves out the flows whose sink a rule tells that tells it by its look alone.
pub(super) fn without_yielding(
    set: &TaintSet,
    flows: &mut Vec<Flowed>,
    told: &[(&str, Range<usize>)],
) {
    flows.retain(|flow| {
        let yields_to = &set.rules[flow.rule].yields_to;
        !told.iter().any(|(id, bytes)| {
            let here = bytes.start < flow.bytes.end && flow.bytes.start < bytes.end;
            here && yields_to.iter().any(|one| one == id)
        })
    });
}
