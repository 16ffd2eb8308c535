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
use crate::{
    Clock,
    excerpt::normalised,
    symbols::SymbolCollector,
    tree::{Stopped, walk},
};

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
    let names = described(set, text, tree, clock, kept.iter().map(|((span, _), ..)| *span))?;
    let flows = kept.iter().map(|((span, rule), reached, path)| {
        let (symbol, normalised) = names.get(span).cloned().unwrap_or_default();
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

/// Enclosing symbol and normalised code of each sink.
fn described(
    set: &TaintSet,
    text: &str,
    tree: &Tree,
    clock: Clock,
    spans: impl Iterator<Item = Span>,
) -> Result<BTreeMap<Span, (String, String)>, Stopped> {
    let mut open: BTreeMap<Span, Option<(Option<usize>, String)>> =
        spans.map(|span| (span, None)).collect();
    if open.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut collector = SymbolCollector::new(set.language, text);
    walk(tree, clock, |cursor, depth| {
        collector.enter(cursor, depth);
        let node = cursor.node();
        let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let span = Span { start: place(node.start_byte()), end: place(node.end_byte()) };
        if let Some(empty) = open.get_mut(&span).filter(|entry| entry.is_none()) {
            *empty = Some((collector.enclosing(), normalised(node, text)));
        }
    })?;
    let symbols = collector.finish();
    let named = open.into_iter().map(|(span, found)| {
        let (symbol, normalised) = found.unwrap_or_default();
        let symbol = symbol.map(|index| symbols[index].name.clone());
        (span, (symbol.unwrap_or_default(), normalised))
    });
    Ok(named.collect())
}
