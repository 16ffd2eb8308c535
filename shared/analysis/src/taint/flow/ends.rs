//! Where values come in, and where they arrive.

use regex::Regex;

use super::{Flow, Frame, ParameterSink, Reached};
use crate::taint::{
    ir::{Function, Reg, Span, Sym},
    lower::is_constant_name,
    set::Mask,
    value::{Label, Origin, TraceId, Value},
};

impl Flow<'_, '_> {
    pub(super) fn parameter(&mut self, index: u16, span: Span) -> Value {
        let trace = self.arena.step(0, span);
        let label = Label { origin: Origin::Parameter(index), mask: self.active, trace };
        Value { labels: self.arena.add(vec![label]), ..Value::KNOWN }
    }

    pub(super) fn global(&self, name: Sym) -> Value {
        match (self.lowered.constants.get(&name), self.globals.get(&name)) {
            (Some(constant), _) => Value::is(*constant),
            (None, Some(value)) => *value,
            // What is written in capitals is a constant of another file.
            (None, None) if is_constant_name(self.lowered.book.text(name)) => Value::KNOWN,
            (None, None) => Value::UNKNOWN,
        }
    }

    /// What one function was called with means nothing to the others.
    pub(super) fn store_global(&mut self, name: Sym, value: Value, span: Span) {
        let own = self.arena.labels(value.labels).iter();
        let lasting: Vec<Label> =
            own.copied().filter(|label| matches!(label.origin, Origin::Site(_))).collect();
        let from_caller = self.arena.labels(value.labels).len() > lasting.len();
        let labels = self.arena.add(lasting);
        let vague = if from_caller { Mask::MAX } else { value.vague };
        let value = self.arena.stepped(Value { labels, vague, constant: None, ..value }, span);
        let value = match self.globals.get(&name) {
            Some(before) => self.arena.join(*before, value),
            None => value,
        };
        self.globals.insert(name, value);
    }

    pub(super) fn source(&mut self, of: Value, source: usize, span: Span) -> Value {
        let kind = self.set.sources[source];
        let site = self.arena.site_at(span, source, kind.confidence);
        let trace = self.arena.step(0, span);
        let label = Label { origin: Origin::Site(site), mask: kind.mask & self.active, trace };
        // What comes from strangers is all that matters about the value from here on.
        let labels = self.arena.add(vec![label]);
        let labels = self.arena.union(labels, of.labels);
        Value { labels, vague: of.vague, ..Value::KNOWN }
    }

    pub(super) fn sinks(
        &mut self,
        sinks: &[usize],
        value: Value,
        span: Span,
        frame: &mut Frame,
        is_text: bool,
    ) {
        if !frame.reporting {
            return;
        }
        for sink in sinks {
            let rule = self.set.sinks[*sink].rule;
            let bit = 1 << rule;
            let begins = value.begins.map(|begins| self.lowered.book.text(begins));
            let is_safe = |regex: &Regex| begins.is_some_and(|text| regex.is_match(text));
            if self.set.sinks[*sink].unless_begins.as_ref().is_some_and(is_safe) {
                self.harmless.push((span, rule));
                continue;
            }
            let labels = self.arena.labels(value.labels).to_vec();
            let feared: Vec<_> = labels.into_iter().filter(|label| label.mask & bit != 0).collect();
            if feared.is_empty() && value.vague & bit == 0 {
                self.harmless.push((span, rule));
            } else {
                self.doubtful.insert((span, rule));
            }
            for label in feared {
                self.arrive(label, label.trace, *sink, span, is_text, frame);
            }
        }
    }

    pub(super) fn arrive(
        &mut self,
        label: Label,
        trace: TraceId,
        sink: usize,
        span: Span,
        is_text: bool,
        frame: &mut Frame,
    ) {
        match label.origin {
            Origin::Site(site) => {
                let confidence = self.arena.site(site).confidence;
                self.reached.push(Reached { sink, span, confidence, trace, is_text });
            }
            Origin::Parameter(parameter) => {
                let mask = 1 << self.set.sinks[sink].rule;
                let new = ParameterSink { parameter, mask, sink, span, trace, is_text };
                let known = |one: &ParameterSink| {
                    (one.parameter, one.sink, one.span) == (parameter, sink, span)
                };
                if !frame.summary.sinks.iter().any(known) {
                    frame.summary.sinks.push(new);
                }
            }
        }
    }

    /// Sinks in code that never runs.
    pub(super) fn never(&mut self, function: &Function, step: Reg) {
        let span = function.spans[step as usize];
        let sinks = function.steps[step as usize].sinks();
        self.harmless.extend(sinks.into_iter().map(|sink| (span, self.set.sinks[sink].rule)));
    }
}
