//! From what reached a sink to what a reader is told: one flow for each sink and rule.

use std::{collections::BTreeMap, ops::Range};

use tree_sitter::Tree;

use super::{
    Flowed, PATH_STEPS_MAX, TaintOutcome,
    flow::{Flow, Reached},
    ir::Span,
    set::TaintSet,
    value::TraceId,
};
use crate::{Clock, symbols::described, tree::Stopped};

pub(super) fn outcome(
    set: &TaintSet,
    flow: &Flow<'_, '_>,
    text: &str,
    tree: &Tree,
    clock: Clock,
) -> Result<TaintOutcome, Stopped> {
    let mut best: BTreeMap<(Span, usize), Reached> = BTreeMap::new();
    for reached in &flow.reached {
        let key = (reached.span, set.sinks[reached.sink].rule);
        let known = best.entry(key).or_insert(*reached);
        if known.confidence < reached.confidence {
            *known = *reached;
        }
    }
    let paths: Vec<((Span, usize), Reached, Vec<Span>)> =
        best.into_iter().map(|(key, reached)| (key, reached, path(flow, reached))).collect();
    // A string on its way to a call is told where it arrives.
    let passed = |span: Span, rule: usize| {
        paths.iter().any(|((other, of), reached, path)| {
            *of == rule
                && !reached.is_text
                && (within(span, *other) || path.iter().any(|step| within(span, *step)))
        })
    };
    let told = |span: Span, rule: usize| {
        let id = &set.rules[rule].info.id;
        paths
            .iter()
            .any(|((other, of), ..)| *other == span && set.rules[*of].supersedes.contains(id))
    };
    let kept: Vec<_> = paths
        .iter()
        .filter(|((span, rule), ..)| !told(*span, *rule))
        .filter(|((span, rule), reached, _)| !reached.is_text || !passed(*span, *rule))
        .collect();
    let sinks = kept.iter().map(|((span, _), ..)| span.bytes());
    let names = described(set.language, text, tree, clock, sinks)?;
    let flows = kept.iter().map(|((span, rule), reached, path)| {
        let (symbol, normalised) =
            names.get(&(span.bytes().start, span.bytes().end)).cloned().unwrap_or_default();
        Flowed {
            rule: *rule,
            bytes: span.bytes(),
            confidence: f64::from(reached.confidence) / 1000.0,
            path: path.iter().map(|span| span.bytes()).collect(),
            symbol,
            normalised,
        }
    });
    let mut harmless: Vec<(Range<usize>, usize)> = flow
        .harmless
        .iter()
        .filter(|key| !flow.doubtful.contains(key))
        .map(|(span, rule)| (span.bytes(), *rule))
        .collect();
    harmless.sort_by_key(|(bytes, rule)| (bytes.start, bytes.end, *rule));
    harmless.dedup();
    Ok(TaintOutcome { flows: flows.collect(), harmless, ..TaintOutcome::default() })
}

fn within(inner: Span, outer: Span) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

/// Source, steps and sink. The sink stands last even where the last step is the same line.
fn path(flow: &Flow<'_, '_>, reached: Reached) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut at: TraceId = reached.trace;
    while at != 0 {
        let stop = flow.arena.stop(at);
        spans.push(stop.span);
        at = stop.before;
    }
    spans.reverse();
    if spans.len() >= PATH_STEPS_MAX {
        let half = PATH_STEPS_MAX / 2;
        spans.drain(half..spans.len() + half - PATH_STEPS_MAX + 1);
    }
    if spans.last() != Some(&reached.span) {
        spans.push(reached.span);
    }
    spans
}
