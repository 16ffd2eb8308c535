//! Rules that follow values: read, and put into sets for the taint engine.

use std::panic::{AssertUnwindSafe, catch_unwind};

use domain::Language;
use serde_json::{Map, Value};

use super::{
    limits,
    problem::Flaw,
    read::typed,
    run::{Found, Target, Way},
};
use crate::{
    Clock, IncompleteReason, RuleInfo,
    taint::{self, RULES_PER_SET_MAX, TaintBody, TaintRule, TaintSet},
    tree::{Parsers, Stopped},
};

const SEE: &str = "docs/custom-rules.md says what an entry may be";

/// A rule that the taint engine takes, and what its regular expressions count for.
pub(super) fn read(body: &Map<String, Value>, info: RuleInfo) -> Result<(TaintRule, u64), Flaw> {
    if info.languages.is_empty() {
        let remedy = "values are followed in parsed languages only: name them";
        return Err(Flaw::new("languages", "it is missing", remedy));
    }
    let weight = limits::semantic(body)?;
    let body: TaintBody = typed(Value::Object(body.clone()), "")?;
    let languages = info.languages.clone();
    let id = info.id.clone();
    // Patterns are ast-grep's, which is not ours.
    let made = catch_unwind(AssertUnwindSafe(|| {
        let rule = TaintRule::new(info, Vec::new(), &body).map_err(|error| error.to_string())?;
        for language in &languages {
            TaintSet::new(std::slice::from_ref(&rule), *language)?;
        }
        Ok(rule)
    }));
    let made = made.unwrap_or_else(|_| Err("ast-grep breaks down over it".to_owned()));
    let rule = made.map_err(|told: String| {
        let told = told.strip_prefix(&format!("{id}: ")).unwrap_or(&told);
        match told.split_once(": ") {
            Some((place, reason)) => Flaw::new(place, reason, SEE),
            None => Flaw::new("", told, SEE),
        }
    })?;
    Ok((rule, weight))
}

/// Rules that are followed together.
pub(super) struct FlowSet {
    language: Language,
    set: TaintSet,
    /// For each rule of the set its index among all rules.
    rules: Vec<usize>,
}

/// Puts rules together, by language. A set takes a number of rules, so there may be several.
pub(super) fn sets(rules: &[(usize, &TaintRule)]) -> Result<Vec<FlowSet>, String> {
    let mut sets = Vec::new();
    for language in Language::ALL {
        let own = rules.iter().filter(|(_, rule)| rule.info.languages.contains(language));
        let own: Vec<(usize, &TaintRule)> = own.copied().collect();
        for part in own.chunks(RULES_PER_SET_MAX) {
            let members: Vec<TaintRule> = part.iter().map(|(_, rule)| (*rule).clone()).collect();
            sets.push(FlowSet {
                language: *language,
                set: TaintSet::new(&members, *language)?,
                rules: part.iter().map(|(index, _)| *index).collect(),
            });
        }
    }
    Ok(sets)
}

impl FlowSet {
    /// What the rules of the set that look at this file find, and which were not finished.
    pub(super) fn run(
        &self,
        concerns: impl Fn(usize) -> bool,
        target: Target<'_>,
        parsers: &mut Parsers,
        clock: Clock,
    ) -> (Vec<Found>, Vec<(usize, IncompleteReason)>) {
        let concerned = |rule: &usize| concerns(self.rules[*rule]);
        if target.language != Some(self.language)
            || !(0..self.rules.len()).any(|one| concerned(&one))
        {
            return (Vec::new(), Vec::new());
        }
        let tree = || parsers.parse(self.language, target.text, clock);
        let outcome = taint::run(&self.set, target.text, tree, clock);
        let (missed, reason) = match outcome.stopped {
            Some(Stopped::TimedOut) => {
                ((0..self.rules.len()).collect(), IncompleteReason::TimedOut)
            }
            Some(Stopped::TooDeep) => ((0..self.rules.len()).collect(), IncompleteReason::TooDeep),
            None if outcome.too_deep => (outcome.unfinished, IncompleteReason::TooDeep),
            None => (outcome.unfinished, IncompleteReason::OutOfFuel),
        };
        let missed: Vec<usize> = missed;
        let missed = missed.into_iter().filter(|rule| concerned(rule));
        let flows = outcome.flows.into_iter().filter(|flow| concerned(&flow.rule));
        let found = flows.map(|flow| Found {
            rule: self.rules[flow.rule],
            bytes: flow.bytes,
            symbol: flow.symbol,
            normalised: flow.normalised,
            way: Some(Way { path: flow.path, confidence: flow.confidence }),
            edit: None,
        });
        (found.collect(), missed.map(|rule| (self.rules[rule], reason)).collect())
    }
}
