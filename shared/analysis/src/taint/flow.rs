//! Follows values through each function until nothing new is learned, then says which reach a
//! sink. A branch whose condition is constant is followed one way only.

use std::{collections::BTreeSet, collections::HashMap, rc::Rc};

use regex::Regex;

use super::{
    calculate::{calculate, truth},
    env::Env,
    ir::{
        BlockId, Call, Checked, Const, End, Function, FunctionName, Key, Reg, Span, Step, Sym,
        Trust,
    },
    lower::{Lowered, is_constant_name},
    rule::Port,
    set::{Mask, TaintSet},
    value::{Arena, Label, LabelsId, Origin, TraceId, Value},
};
use crate::Clock;

/// Steps that are followed in one file, however often each.
const FOLLOWED_MAX: u64 = 2_000_000;

/// Label sets and path steps that are kept for one file, about 20 MB.
const ARENA_MAX: usize = 400_000;

/// How often one block is followed before its function is given up. Values settle after few
/// rounds; only a mistake in here could take longer.
const VISITS_MAX: u32 = 64;

/// Functions inside one another that are followed on the way; deeper calls are like unknown ones.
const CALLS_MAX: u32 = 12;

/// Steps between two looks at the clock.
const STEPS_PER_LOOK: u64 = 1024;

/// A value that reached a sink.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reached {
    pub(super) sink: usize,
    pub(super) span: Span,
    pub(super) confidence: u16,
    pub(super) trace: TraceId,
    pub(super) is_text: bool,
}

/// What a caller needs to know of a function.
#[derive(Debug, Default)]
struct Summary {
    returns: Option<Value>,
    /// Parameters that reach a sink in it, or in what it calls.
    sinks: Vec<ParameterSink>,
}

#[derive(Debug, Clone, Copy)]
struct ParameterSink {
    parameter: u16,
    mask: Mask,
    sink: usize,
    span: Span,
    trace: TraceId,
    is_text: bool,
}

#[derive(Clone)]
enum State {
    Untouched,
    Running,
    Done(Rc<Summary>),
}

pub(super) struct Flow<'a, 'c> {
    lowered: &'a mut Lowered<'c>,
    functions: Rc<Vec<Function>>,
    set: &'a TaintSet,
    active: Mask,
    clock: Clock<'a>,
    pub(super) arena: Arena,
    globals: HashMap<Sym, Value>,
    states: Vec<State>,
    calls: u32,
    left: u64,
    pub(super) reached: Vec<Reached>,
    /// Sinks that only harmless values reach, by rule.
    pub(super) harmless: Vec<(Span, usize)>,
    /// Sinks that something else may reach.
    pub(super) doubtful: BTreeSet<(Span, usize)>,
    pub(super) out_of_fuel: bool,
    pub(super) timed_out: bool,
}

/// One function being followed.
struct Frame {
    regs: Vec<Value>,
    summary: Summary,
    reporting: bool,
}

impl<'a, 'c> Flow<'a, 'c> {
    pub(super) fn new(
        lowered: &'a mut Lowered<'c>,
        set: &'a TaintSet,
        active: Mask,
        clock: Clock<'a>,
    ) -> Self {
        let functions = Rc::new(std::mem::take(&mut lowered.functions));
        let states = vec![State::Untouched; functions.len()];
        Self {
            lowered,
            functions,
            set,
            active,
            clock,
            arena: Arena::default(),
            globals: HashMap::new(),
            states,
            calls: 0,
            left: FOLLOWED_MAX,
            reached: Vec::new(),
            harmless: Vec::new(),
            doubtful: BTreeSet::new(),
            out_of_fuel: false,
            timed_out: false,
        }
    }

    pub(super) fn run(&mut self) {
        for index in 0..self.functions.len() {
            if self.stopped() {
                return;
            }
            self.summary(index);
        }
    }

    fn stopped(&self) -> bool {
        self.out_of_fuel || self.timed_out
    }

    /// `None` while the function is being followed, and when calls go too deep.
    fn summary(&mut self, index: usize) -> Option<Rc<Summary>> {
        match &self.states[index] {
            State::Done(summary) => return Some(Rc::clone(summary)),
            State::Running => return None,
            State::Untouched if self.calls >= CALLS_MAX => return None,
            State::Untouched => {}
        }
        self.states[index] = State::Running;
        self.calls += 1;
        let functions = Rc::clone(&self.functions);
        let summary = Rc::new(self.follow(&functions[index]));
        self.calls -= 1;
        self.states[index] = State::Done(Rc::clone(&summary));
        Some(summary)
    }

    fn follow(&mut self, function: &Function) -> Summary {
        let order = order(function);
        let mut position = vec![usize::MAX; function.blocks.len()];
        for (place, block) in order.iter().enumerate() {
            position[*block as usize] = place;
        }
        let mut before: Vec<Option<Env>> = vec![None; function.blocks.len()];
        let mut visits = vec![0_u32; function.blocks.len()];
        let mut frame = Frame {
            regs: vec![Value::UNKNOWN; function.steps.len()],
            summary: Summary::default(),
            reporting: false,
        };
        before[0] = Some(Env::default());
        let mut open = BTreeSet::from([position[0]]);
        while let Some(place) = open.pop_first() {
            let block = order[place];
            visits[block as usize] += 1;
            self.out_of_fuel |= visits[block as usize] > VISITS_MAX;
            if self.stopped() {
                return frame.summary;
            }
            let Some(mut env) = before[block as usize].clone() else { continue };
            self.block(function, block, &mut env, &mut frame);
            for next in self.next(function, block, &frame) {
                let mut entering = env.clone();
                self.check(function, next, &mut entering, &frame);
                let changed = match &mut before[next as usize] {
                    Some(known) => known.join(&entering, &mut self.arena),
                    empty => {
                        *empty = Some(entering);
                        true
                    }
                };
                if changed {
                    open.insert(position[next as usize]);
                }
            }
        }
        self.report(function, &order, before, &mut frame);
        frame.summary
    }

    /// The last round, with all that was learned.
    fn report(
        &mut self,
        function: &Function,
        order: &[BlockId],
        before: Vec<Option<Env>>,
        frame: &mut Frame,
    ) {
        frame.reporting = true;
        frame.summary = Summary::default();
        let mut reached = vec![false; before.len()];
        let mut before = before;
        for block in order {
            if let Some(mut env) = before[*block as usize].take() {
                reached[*block as usize] = true;
                self.block(function, *block, &mut env, frame);
            }
        }
        for (block, _) in function.blocks.iter().zip(reached).filter(|(_, reached)| !reached) {
            for step in block.first..block.last {
                self.never(function, step);
            }
        }
    }

    /// Sinks in code that never runs.
    fn never(&mut self, function: &Function, step: Reg) {
        let span = function.spans[step as usize];
        let sinks = function.steps[step as usize].sinks();
        self.harmless.extend(sinks.into_iter().map(|sink| (span, self.set.sinks[sink].rule)));
    }

    fn next(&self, function: &Function, block: BlockId, frame: &Frame) -> Vec<BlockId> {
        match &function.blocks[block as usize].end {
            End::Goto(next) => vec![*next],
            End::Branch { condition, yes, no } => {
                let constant = frame.regs[*condition as usize].constant;
                match constant
                    .and_then(|constant| truth(constant, |word| self.lowered.book.text(word)))
                {
                    Some(true) => vec![*yes],
                    Some(false) => vec![*no],
                    None => vec![*yes, *no],
                }
            }
            End::Any(all) => all.clone(),
            End::Return(_) | End::Stop => Vec::new(),
        }
    }

    /// What the condition in front of a block says of variables.
    fn check(&mut self, function: &Function, block: BlockId, env: &mut Env, frame: &Frame) {
        for checked in &function.blocks[block as usize].checked {
            if self.holds(checked, frame) {
                env.clean(checked.slot, checked.key, checked.mask, &mut self.arena);
            }
        }
    }

    fn holds(&self, checked: &Checked, frame: &Frame) -> bool {
        match checked.trust {
            Trust::Always => true,
            Trust::Against(reg) => {
                frame.regs.get(reg as usize).is_some_and(|value| value.labels == 0)
            }
            Trust::Function(name, argument) => self.local(name).is_some_and(|index| {
                let vouches = &self.functions[index].vouches;
                vouches.iter().any(|(one, _)| *one == argument)
            }),
        }
    }

    fn local(&self, name: FunctionName) -> Option<usize> {
        let by_name = &self.lowered.by_name;
        by_name.get(&name).copied()
    }

    fn block(&mut self, function: &Function, block: BlockId, env: &mut Env, frame: &mut Frame) {
        let of = &function.blocks[block as usize];
        for step in of.first..of.last {
            self.left = self.left.saturating_sub(1);
            self.out_of_fuel |= self.left == 0 || self.arena.size() > ARENA_MAX;
            if self.left.is_multiple_of(STEPS_PER_LOOK) {
                self.timed_out |= self.clock.is_up();
            }
            if self.stopped() {
                return;
            }
            let value = self.step(function, step, env, frame);
            frame.regs[step as usize] = value;
        }
        if let End::Return(Some(value)) = of.end {
            let value = frame.regs[value as usize];
            let joined = match frame.summary.returns {
                Some(before) => self.arena.join(before, value),
                None => value,
            };
            frame.summary.returns = Some(joined);
        }
    }

    fn step(&mut self, function: &Function, at: Reg, env: &mut Env, frame: &mut Frame) -> Value {
        let span = function.spans[at as usize];
        let value = |frame: &Frame, reg: Reg| {
            frame.regs.get(reg as usize).copied().unwrap_or(Value::UNKNOWN)
        };
        match &function.steps[at as usize] {
            Step::Known(constant) => constant.map_or(Value::KNOWN, Value::is),
            Step::Unknown => Value::UNKNOWN,
            Step::Parameter(index) => self.parameter(*index, span),
            Step::Load(slot) => env.load(*slot, &mut self.arena),
            Step::Store { slot, value: from } => {
                let stored = self.arena.stepped(value(frame, *from), span);
                env.store(*slot, stored);
                stored
            }
            Step::Global(name) => self.global(*name),
            Step::StoreGlobal { name, value: from } => {
                self.store_global(*name, value(frame, *from), span);
                Value::KNOWN
            }
            Step::GetPart { slot, key } => env.get_part(*slot, *key, &mut self.arena),
            Step::SetPart { slot, key, value: from } => {
                let stored = self.arena.stepped(value(frame, *from), span);
                env.set_part(*slot, *key, stored, &mut self.arena);
                Value::KNOWN
            }
            Step::Part(of) => Value { constant: None, begins: None, ..value(frame, *of) },
            Step::Union(parts) => {
                let values: Vec<_> = parts.iter().map(|part| value(frame, *part)).collect();
                self.union(&values)
            }
            Step::Text { parts, sinks, sources, begins } => {
                let values: Vec<_> = parts.iter().map(|part| value(frame, *part)).collect();
                let mut all = self.union(&values);
                let begins = begins.or(all.begins);
                self.sinks(sinks, all, span, frame, true);
                for source in sources {
                    let mask = self.set.sources[*source].mask & self.active;
                    let labels = self.arena.labels(all.labels);
                    if all.vague & mask != 0 || labels.iter().any(|label| label.mask & mask != 0) {
                        all = self.source(all, *source, span);
                    }
                }
                Value { begins, ..all }
            }
            Step::Calculate { operator, left, right } => {
                let (left, right) = (value(frame, *left), value(frame, *right));
                calculate(*operator, left, right, &mut self.arena, |word| {
                    self.lowered.book.text(word)
                })
            }
            Step::Not(of) => {
                let of = value(frame, *of);
                let constant =
                    of.constant.and_then(|one| truth(one, |word| self.lowered.book.text(word)));
                Value { constant: constant.map(|truth| Const::Bool(!truth)), ..Value::KNOWN }
            }
            Step::Source { of, source } => self.source(value(frame, *of), *source, span),
            Step::Clean { of, mask } => self.arena.cleaned(value(frame, *of), *mask),
            Step::Call(call) => self.call(call, span, env, frame),
            Step::Sink { value: of, sinks } => {
                let of = value(frame, *of);
                self.sinks(sinks, of, span, frame, false);
                of
            }
        }
    }

    fn parameter(&mut self, index: u16, span: Span) -> Value {
        let trace = self.arena.step(0, span);
        let label = Label { origin: Origin::Parameter(index), mask: self.active, trace };
        Value { labels: self.arena.add(vec![label]), ..Value::KNOWN }
    }

    fn global(&self, name: Sym) -> Value {
        match (self.lowered.constants.get(&name), self.globals.get(&name)) {
            (Some(constant), _) => Value::is(*constant),
            (None, Some(value)) => *value,
            // What is written in capitals is a constant of another file.
            (None, None) if is_constant_name(self.lowered.book.text(name)) => Value::KNOWN,
            (None, None) => Value::UNKNOWN,
        }
    }

    /// What one function was called with means nothing to the others.
    fn store_global(&mut self, name: Sym, value: Value, span: Span) {
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

    fn union(&mut self, values: &[Value]) -> Value {
        let all = values.iter().fold(Value::KNOWN, |all, value| self.arena.join(all, *value));
        match values {
            [only] => *only,
            _ => Value { constant: None, begins: None, ..all },
        }
    }

    fn source(&mut self, of: Value, source: usize, span: Span) -> Value {
        let kind = self.set.sources[source];
        let site = self.arena.site_at(span, source, kind.confidence);
        let trace = self.arena.step(0, span);
        let label = Label { origin: Origin::Site(site), mask: kind.mask & self.active, trace };
        // What comes from strangers is all that matters about the value from here on.
        let labels = self.arena.add(vec![label]);
        let labels = self.arena.union(labels, of.labels);
        Value { labels, vague: of.vague, ..Value::KNOWN }
    }

    fn call(&mut self, call: &Call, span: Span, env: &mut Env, frame: &mut Frame) -> Value {
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
        self.carry(call, receiver, &arguments, result, span, env);
        let result = self.carried(call, receiver, &arguments, result);
        self.arena.cleaned(result, call.clean)
    }

    fn unknown_call(&mut self, call: &Call, receiver: Option<Value>, arguments: &[Value]) -> Value {
        if let Some(constant) = self.character(call, receiver, arguments) {
            return Value::is(constant);
        }
        if call.harmless {
            return Value::KNOWN;
        }
        let mut all: Vec<Value> = arguments.to_vec();
        all.extend(receiver);
        let union = self.union(&all);
        let vague = if call.pure && !all.is_empty() { union.vague } else { Mask::MAX };
        Value { vague, constant: None, begins: self.beginning(call, receiver, arguments), ..union }
    }

    /// What `"…".format()` and the like begin with.
    fn beginning(&self, call: &Call, receiver: Option<Value>, arguments: &[Value]) -> Option<Sym> {
        let first = || arguments.first()?.begins;
        match self.lowered.book.text(call.name) {
            "format" | "formatted" => receiver.and_then(|one| one.begins).or_else(first),
            "Sprintf" | "String" | "str" => first(),
            "concat" | "rstrip" | "trimEnd" | "toString" | "encode" | "append" => receiver?.begins,
            _ => None,
        }
    }

    /// `"ABC".charAt(1)`
    fn character(
        &mut self,
        call: &Call,
        receiver: Option<Value>,
        arguments: &[Value],
    ) -> Option<Const> {
        let book = &mut self.lowered.book;
        if book.text(call.name) != "charAt" {
            return None;
        }
        let (Some(Const::Text(text)), Some(Const::Int(at))) =
            (receiver?.constant, arguments.first()?.constant)
        else {
            return None;
        };
        let at = usize::try_from(at).ok()?;
        let letter = book.text(text).get(at..at + 1)?;
        Some(Const::Text(book.word(letter)))
    }

    /// What goes in at one side of a call and comes out at another.
    fn port(
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

    fn carry(
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

    fn carried(
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
    fn apply(
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
    fn append(&mut self, before: TraceId, path: TraceId) -> TraceId {
        let mut spans = Vec::new();
        let mut at = path;
        while at != 0 && spans.len() < super::PATH_STEPS_MAX {
            let stop = self.arena.stop(at);
            spans.push(stop.span);
            at = stop.before;
        }
        spans.into_iter().rev().fold(before, |trace, span| self.arena.step(trace, span))
    }

    fn sinks(
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

    fn arrive(
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
}

/// The value of each parameter.
fn bind(function: &Function, call: &Call, arguments: &[Value]) -> Vec<Option<Value>> {
    let mut bound = vec![None; function.parameters.len()];
    let mut position = 0;
    for (argument, value) in call.arguments.iter().zip(arguments) {
        if let Some(keyword) = argument.keyword {
            let index = function.parameters.iter().position(|one| one.name == keyword);
            if let Some(place) = index.and_then(|index| bound.get_mut(index)) {
                *place = Some(*value);
            }
            continue;
        }
        if argument.spread {
            for place in bound.iter_mut().skip(position).filter(|place| place.is_none()) {
                *place = Some(*value);
            }
            continue;
        }
        if let Some(place) = bound.get_mut(position) {
            *place = Some(*value);
        }
        position += 1;
    }
    bound
}

/// Blocks so that each comes after those it is reached from, loops apart.
fn order(function: &Function) -> Vec<BlockId> {
    let next = |block: BlockId| -> Vec<BlockId> {
        match &function.blocks[block as usize].end {
            End::Goto(next) => vec![*next],
            End::Branch { yes, no, .. } => vec![*yes, *no],
            End::Any(all) => all.clone(),
            End::Return(_) | End::Stop => Vec::new(),
        }
    };
    let mut seen = vec![false; function.blocks.len()];
    let mut done = Vec::new();
    let mut open = vec![(0, next(0))];
    seen[0] = true;
    while let Some((block, left)) = open.last_mut() {
        match left.pop() {
            Some(inner) if !std::mem::replace(&mut seen[inner as usize], true) => {
                open.push((inner, next(inner)));
            }
            Some(_) => {}
            None => {
                done.push(*block);
                open.pop();
            }
        }
    }
    done.reverse();
    done
}
