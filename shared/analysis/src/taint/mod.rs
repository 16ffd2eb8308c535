//! Follows strangers' data from where it comes in to where it does harm.
//!
//! A file's functions are lowered to steps over values ([`lower`]), and values are followed
//! through them ([`flow`]): across assignments, branches, loops and calls within the file. What
//! is not modelled carries everything on. Not followed: branches that constants exclude, and
//! values that were converted, compared with a fixed list or matched as a whole.

mod book;
mod builtin;
mod calculate;
mod env;
mod flow;
mod ir;
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a shape without an arm of its own is the union of its parts, as unknown nodes are"
)]
mod lower;
mod name;
mod pattern;
mod refused;
mod report;
mod rule;
mod set;
mod shape;
mod value;

use std::ops::Range;

use tree_sitter::Tree;

use crate::{Clock, tree::Stopped};

pub(crate) use builtin::{infos, taint_set, texts};
pub(crate) use rule::{TaintBody, TaintRule};
pub(crate) use set::{RULES_PER_SET_MAX, TaintSet};

/// Steps of a path that are shown; of a longer one, the first and the last.
const PATH_STEPS_MAX: usize = 24;

/// A value that strangers wrote and that arrived where it must not.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Flowed {
    /// Index into the set's rules.
    pub(crate) rule: usize,
    /// The sink.
    pub(crate) bytes: Range<usize>,
    /// Of the source, to be taken together with the rule's.
    pub(crate) confidence: f64,
    /// Source, steps and sink, in the order in which the value passes them.
    pub(crate) path: Vec<Range<usize>>,
    /// Path of the symbol around the sink.
    pub(crate) symbol: String,
    pub(crate) normalised: String,
}

/// What is known of a file.
#[derive(Debug, Default)]
pub(crate) struct TaintOutcome {
    /// In the order of the file; one for each sink and rule.
    pub(crate) flows: Vec<Flowed>,
    /// Sinks that nothing harmful reaches, with the index of the rule.
    pub(crate) harmless: Vec<(Range<usize>, usize)>,
    /// Rules that were asked and answered to the end.
    pub(crate) finished: Vec<usize>,
    /// Rules that were asked and not answered to the end.
    pub(crate) unfinished: Vec<usize>,
    pub(crate) stopped: Option<Stopped>,
    /// Nested more deeply than is told apart.
    pub(crate) too_deep: bool,
}

/// Follows the values of one file for all rules of the set; `tree` is asked for when a rule
/// could apply at all.
pub(crate) fn run(
    set: &TaintSet,
    text: &str,
    tree: impl FnOnce() -> Result<Tree, Stopped>,
    clock: Clock,
) -> TaintOutcome {
    let active = set.active(text);
    if active == 0 {
        return TaintOutcome::default();
    }
    match tree().and_then(|tree| follow(set, active, text, &tree, clock)) {
        Ok(outcome) => outcome,
        Err(stopped) => TaintOutcome { stopped: Some(stopped), ..TaintOutcome::default() },
    }
}

fn follow(
    set: &TaintSet,
    active: u64,
    text: &str,
    tree: &Tree,
    clock: Clock,
) -> Result<TaintOutcome, Stopped> {
    // Also makes sure that the tree is not too deep to be lowered.
    let hits = set.patterns.find(set.language, text, tree, clock)?;
    let mut lowered = lower::lower(set, active, text, tree.root_node(), &hits);
    let cut_short = lowered.too_long || hits.out_of_fuel;
    let too_deep = lowered.too_deep;
    let mut flow = flow::Flow::new(&mut lowered, set, active, clock);
    flow.run();
    if flow.timed_out {
        return Err(Stopped::TimedOut);
    }
    let mut outcome = report::outcome(set, &flow, text, tree, clock)?;
    let asked = (0..set.rules.len()).filter(|rule| active & (1 << rule) != 0).collect();
    match cut_short || too_deep || flow.out_of_fuel {
        true => outcome.unfinished = asked,
        false => outcome.finished = asked,
    }
    outcome.too_deep = too_deep;
    Ok(outcome)
}

/// The path in words, for whoever reads the finding.
pub(crate) fn explain(
    path: &[Range<usize>],
    quote: impl Fn(&Range<usize>) -> (u32, Option<String>),
) -> String {
    let mut text = String::from("How it gets there:");
    for (index, step) in path.iter().enumerate() {
        let (line, code) = quote(step);
        let role = match index {
            0 => "comes in",
            _ if index + 1 == path.len() => "arrives",
            _ => "passes",
        };
        text.push_str(&format!("\n{}. line {line} ({role})", index + 1));
        if let Some(code) = code {
            text.push_str(&format!(": `{code}`"));
        }
    }
    text
}

/// The examples of every built-in taint rule, with a path in the rule's language.
#[cfg(test)]
pub(crate) use builtin::{examples, stands_for};

#[cfg(test)]
mod tests;
