//! What calls do with values: functions of the file by their summaries, others by their look.

use std::rc::Rc;

use domain::Language;

use super::{Flow, Frame, Summary, bind};
use crate::taint::{
    PATH_STEPS_MAX,
    env::Env,
    ir::{Call, Const, Key, Span, Sym},
    rule::Port,
    set::Mask,
    value::{Label, LabelsId, Origin, TraceId, Value},
};

impl Flow<'_, '_> {
    pub(super) fn call(
        &mut self,
        call: &Call,
        span: Span,
        env: &mut Env,
        frame: &mut Frame,
    ) -> Value {
        let receiver = call.receiver.map(|receiver| frame.regs[receiver.reg as usize]);
        let arguments: Vec<Value> = call
            .arguments
            .iter()
            .map(|argument| frame.regs[argument.operand.reg as usize])
            .collect();
        for used in &call.sinks {
            let inputs: Vec<_> =
                used.inputs.iter().map(|input| frame.regs[*input as usize]).collect();
            let all = self.union(&inputs);
            self.sinks(&[used.sink], all, span, frame, false);
        }
        let local = call.function.and_then(|name| self.local(name));
        let summary = local.and_then(|index| Some((index, self.summary(index)?)));
        let result = match summary {
            // Rows of a query, a file's content: what a sink gives is not what it was given.
            _ if !call.sinks.is_empty() => Value::UNKNOWN,
            Some((index, summary)) => self.apply(index, &summary, call, &arguments, span, frame),
            None => self.unknown_call(call, receiver, &arguments),
        };
        let result = match local {
            Some(index) => {
                self.through_fields(index, call, receiver, &arguments, result, span, env)
            }
            None => result,
        };
        if local.is_none()
            && let Some(element) = self.in_order(call, &arguments, span, env)
        {
            return element;
        }
        self.carry(call, receiver, &arguments, result, span, env);
        let result = self.carried(call, receiver, &arguments, result);
        self.arena.cleaned(result, call.clean)
    }

    pub(super) fn unknown_call(
        &mut self,
        call: &Call,
        receiver: Option<Value>,
        arguments: &[Value],
    ) -> Value {
        if let Some(constant) = self.character(call, receiver, arguments) {
            return Value::is(constant);
        }
        if call.harmless {
            return Value::KNOWN;
        }
        let mut all: Vec<Value> = arguments.to_vec();
        all.extend(receiver);
        let union = self.union(&all);
        let vague = match call.pure && !all.is_empty() {
            true => union.vague,
            // What is looked up under a fixed name was put there by the program.
            false if self.looks_up(call, arguments) => 0,
            false => Mask::MAX,
        };
        Value { vague, constant: None, begins: self.beginning(call, receiver, arguments), ..union }
    }

    fn looks_up(&self, call: &Call, arguments: &[Value]) -> bool {
        self.set.language == Language::Java
            && call.receiver.is_some()
            && !arguments.is_empty()
            && arguments.iter().all(|argument| argument.constant.is_some())
    }

    /// What a method puts into its object, and what it gives out of it. Fields are not told apart.
    #[expect(clippy::too_many_arguments, reason = "as many as a call has sides")]
    fn through_fields(
        &mut self,
        index: usize,
        call: &Call,
        receiver: Option<Value>,
        arguments: &[Value],
        result: Value,
        span: Span,
        env: &mut Env,
    ) -> Value {
        let (Some(object), Some(slot)) = (receiver, call.receiver.and_then(|one| one.slot)) else {
            return result;
        };
        let function = &self.functions[index];
        let (reads, writes) = (function.reads_fields, function.writes_fields);
        if writes {
            let given = self.union(arguments);
            let given = self.arena.stepped(given, span);
            env.set_part(slot, Key::Any, given, &mut self.arena);
        }
        match reads && object.labels != 0 {
            true => Value { constant: None, ..self.arena.join(result, object) },
            false => result,
        }
    }

    /// What `"…".format()` and the like begin with.
    pub(super) fn beginning(
        &self,
        call: &Call,
        receiver: Option<Value>,
        arguments: &[Value],
    ) -> Option<Sym> {
        let first = || arguments.first()?.begins;
        match self.lowered.book.text(call.name) {
            "format" | "formatted" => receiver.and_then(|one| one.begins).or_else(first),
            "Sprintf" | "String" | "str" => first(),
            "concat" | "rstrip" | "trimEnd" | "toString" | "encode" | "append" => receiver?.begins,
            _ => None,
        }
    }

    /// `"ABC".charAt(1)`
    pub(super) fn character(
        &mut self,
        call: &Call,
        receiver: Option<Value>,
        arguments: &[Value],
    ) -> Option<Const> {
        if self.lowered.book.text(call.name) != "charAt" {
            return None;
        }
        let Some(Const::Int(at)) = arguments.first()?.constant else { return None };
        self.letter_at(receiver?, usize::try_from(at).ok()?)
    }

    /// `"ABC"[1]`
    pub(super) fn letter(&mut self, of: Value, key: Key) -> Option<Const> {
        let Key::Named(name) = key else { return None };
        let at = self.lowered.book.text(name).parse().ok()?;
        self.letter_at(of, at)
    }

    fn letter_at(&mut self, of: Value, at: usize) -> Option<Const> {
        let Some(Const::Text(text)) = of.constant else { return None };
        let book = &mut self.lowered.book;
        let letter = book.text(text).get(at..at + 1)?;
        Some(Const::Text(book.word(letter)))
    }

    /// What goes in at one side of a call and comes out at another.
    pub(super) fn port(
        &mut self,
        port: Port,
        receiver: Option<Value>,
        arguments: &[Value],
        result: Value,
    ) -> Value {
        match port {
            Port::Argument(index) => arguments.get(index).copied().unwrap_or(Value::KNOWN),
            Port::Arguments => self.union(arguments),
            Port::Receiver => receiver.unwrap_or(Value::KNOWN),
            Port::Result => result,
        }
    }

    pub(super) fn carry(
        &mut self,
        call: &Call,
        receiver: Option<Value>,
        arguments: &[Value],
        result: Value,
        span: Span,
        env: &mut Env,
    ) {
        if let (true, Some(slot)) = (call.absorbs, call.receiver.and_then(|receiver| receiver.slot))
        {
            let all = self.union(arguments);
            let all = self.arena.stepped(all, span);
            env.set_part(slot, Key::Any, all, &mut self.arena);
        }
        for (mask, from, to) in &call.carries {
            let given = self.port(*from, receiver, arguments, result);
            let given = self.arena.cleaned(given, !mask);
            let given = self.arena.stepped(given, span);
            let operands: Vec<_> = match to {
                Port::Argument(index) => {
                    call.arguments.get(*index).map(|one| one.operand).into_iter().collect()
                }
                Port::Arguments => call.arguments.iter().map(|one| one.operand).collect(),
                Port::Receiver => call.receiver.into_iter().collect(),
                Port::Result => continue,
            };
            for slot in operands.into_iter().filter_map(|operand| operand.slot) {
                env.set_part(slot, Key::Any, given, &mut self.arena);
            }
        }
    }

    pub(super) fn carried(
        &mut self,
        call: &Call,
        receiver: Option<Value>,
        arguments: &[Value],
        result: Value,
    ) -> Value {
        let mut all = result;
        for (mask, from, to) in &call.carries {
            if *to == Port::Result {
                let given = self.port(*from, receiver, arguments, result);
                let given = self.arena.cleaned(given, !mask);
                all = self.arena.join(all, given);
            }
        }
        all
    }

    /// A call of a function whose summary is known.
    pub(super) fn apply(
        &mut self,
        index: usize,
        summary: &Summary,
        call: &Call,
        arguments: &[Value],
        span: Span,
        frame: &mut Frame,
    ) -> Value {
        let functions = Rc::clone(&self.functions);
        let bound = bind(&functions[index], call, arguments);
        let given = |parameter: u16| bound.get(usize::from(parameter)).copied().flatten();
        if frame.reporting {
            for sink in &summary.sinks {
                let Some(value) = given(sink.parameter) else { continue };
                for label in self.arena.labels(value.labels).to_vec() {
                    if label.mask & sink.mask != 0 {
                        let entered = self.arena.step(label.trace, span);
                        let trace = self.append(entered, sink.trace);
                        self.arrive(label, trace, sink.sink, sink.span, sink.is_text, frame);
                    }
                }
            }
        }
        let Some(returns) = summary.returns else { return Value::KNOWN };
        let mut result = Value { labels: 0, ..returns };
        for label in self.arena.labels(returns.labels).to_vec() {
            let (labels, vague): (LabelsId, Mask) = match label.origin {
                Origin::Site(_) => (self.arena.add(vec![label]), 0),
                Origin::Parameter(parameter) => match given(parameter) {
                    Some(value) => {
                        let through = self.arena.labels(value.labels).to_vec();
                        let through = through.into_iter().map(|outer| Label {
                            mask: outer.mask & label.mask,
                            trace: self.arena.step(outer.trace, span),
                            ..outer
                        });
                        let through = through.collect();
                        (self.arena.add(through), value.vague & label.mask)
                    }
                    None => (0, 0),
                },
            };
            result.labels = self.arena.union(result.labels, labels);
            result.vague |= vague;
        }
        result
    }

    /// The path through a function, put behind the path to it.
    pub(super) fn append(&mut self, before: TraceId, path: TraceId) -> TraceId {
        let mut spans = Vec::new();
        let mut at = path;
        while at != 0 && spans.len() < PATH_STEPS_MAX {
            let stop = self.arena.stop(at);
            spans.push(stop.span);
            at = stop.before;
        }
        spans.into_iter().rev().fold(before, |trace, span| self.arena.step(trace, span))
    }
}
