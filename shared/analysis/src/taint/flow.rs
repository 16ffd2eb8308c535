//! Follows values through each function until nothing new is learned, then says which reach a
//! sink. A branch whose condition is constant is followed one way only.

mod begins;
mod branches;
mod calls;
mod ends;
mod lists;
mod order;

use std::{collections::BTreeSet, collections::HashMap, rc::Rc};

use order::order;

use super::{
    calculate::{calculate, truth},
    env::Env,
    ir::{BlockId, Call, Const, End, Function, FunctionName, Operator, Reg, Span, Step, Sym},
    lower::Lowered,
    set::{Mask, TaintSet},
    value::{Arena, TraceId, Value},
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
        self.all_functions();
        // What a function put into a field was not there yet when those before it were followed.
        if self.globals.values().any(|value| value.labels != 0) {
            self.states = vec![State::Untouched; self.functions.len()];
            (self.reached, self.harmless) = (Vec::new(), Vec::new());
            self.doubtful = BTreeSet::new();
            self.all_functions();
        }
    }

    fn all_functions(&mut self) {
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
            Step::GetPart { slot, key } => {
                let whole = env.load(*slot, &mut self.arena);
                match self.letter(whole, *key) {
                    Some(letter) => Value::is(letter),
                    None => env.get_part(*slot, *key, &mut self.arena),
                }
            }
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
                let all = self.put_together(&values, *begins);
                self.sinks(sinks, all, span, frame, true);
                let sent = sources.iter().fold(all, |all, source| self.sent(all, *source, span));
                Value { begins: all.begins, ..sent }
            }
            Step::Calculate { operator, left, right } => {
                let (left, right) = (value(frame, *left), value(frame, *right));
                let result = calculate(*operator, left, right, &mut self.arena, |word| {
                    self.lowered.book.text(word)
                });
                match *operator == Operator::Add && result.begins.is_none() {
                    true => Value { begins: self.beginning_of_sum(left, right), ..result },
                    false => result,
                }
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

    /// A text that is put together.
    fn put_together(&mut self, values: &[Value], begins: Option<Sym>) -> Value {
        let all = self.union(values);
        match begins {
            Some(begins) => Value { begins: Some(self.beginning_of_text(begins, values)), ..all },
            None => all,
        }
    }

    /// Another source where the text carries something that is of its kind.
    fn sent(&mut self, all: Value, source: usize, span: Span) -> Value {
        let mask = self.set.sources[source].mask & self.active;
        let labels = self.arena.labels(all.labels);
        match all.vague & mask != 0 || labels.iter().any(|label| label.mask & mask != 0) {
            true => self.source(all, source, span),
            false => all,
        }
    }

    fn union(&mut self, values: &[Value]) -> Value {
        let all = values.iter().fold(Value::KNOWN, |all, value| self.arena.join(all, *value));
        match values {
            [only] => *only,
            _ => Value { constant: None, begins: None, ..all },
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
