//! Loops, exceptions and calls.

use std::collections::BTreeSet;

use crate::{
    exceptions::{ANYTHING, CONTEXT, Caught, is_caught},
    exec::{
        Exec, Exit, INLINE_DEPTH_MAX, Mode, Outcome, UnknownCall,
        state::{Frame, State, Value, merge_all},
    },
    ir::{Direction, Expr, Handler, Loop, Read, Site, Stmt, Var, walk},
    symbol::{Key, Kind, Part, Symbol},
    term::{Sort, Term},
};

/// Passes of a loop whose condition is known each time.
const EXACT_PASSES_MAX: u32 = 40;

/// Passes of any other loop when a refutation is looked for.
const UNROLLED_PASSES: u32 = 3;

/// Marks a pass of a loop in a context; what is left is its number.
pub(crate) const PASS: u32 = 1 << 31;

/// The pass that stands for all: no run has it.
const WIDENED: u32 = u32::MAX;

impl Exec<'_> {
    pub(super) fn run_loop(&mut self, state: State, own: &Loop) -> Outcome {
        let mut outcome = Outcome::default();
        let mut over = Vec::new();
        let mut present = Some(state);
        let (mut pass, mut unknown) = (0, 0);
        let is_endless = own.condition == Expr::Bool(true);
        while let Some(state) = present.take() {
            if self.stopped() {
                break;
            }
            self.context.push(PASS | pass);
            let before = self.block(state.clone(), &own.before);
            outcome.exits.extend(before.exits);
            let condition =
                before.next.as_ref().map(|state| self.eval(state, &own.condition).term());
            let known = condition.and_then(|condition| self.terms.as_bool(condition));
            // What only its body leaves goes on as one that may have left already.
            let known = known.filter(|_| !is_endless || outcome.exits.is_empty());
            let exact = known.is_some() && pass < EXACT_PASSES_MAX;
            unknown += u32::from(known.is_none());
            let go_on = exact
                || (self.mode == Mode::Under
                    && unknown <= UNROLLED_PASSES
                    && pass < EXACT_PASSES_MAX);
            if let (true, Some(inside), Some(condition)) = (go_on, before.next, condition) {
                let (next, left) = self.pass(inside, own, condition, &mut outcome);
                over.extend(left);
                present = next;
            } else if condition.is_some() {
                self.cut = true;
                self.context.pop();
                if self.mode == Mode::Over {
                    over.extend(self.widened(state, own, &mut outcome));
                }
                break;
            }
            self.context.pop();
            pass += 1;
        }
        outcome.next = merge_all(&mut self.terms, over);
        outcome
    }

    /// One pass: the state after it, and the one that did not enter it.
    fn pass(
        &mut self,
        state: State,
        own: &Loop,
        condition: Term,
        outcome: &mut Outcome,
    ) -> (Option<State>, Option<State>) {
        let (mut inside, mut left) = (state.clone(), state);
        inside.assume(&mut self.terms, condition);
        let opposite = self.terms.not(condition);
        left.assume(&mut self.terms, opposite);
        let left = (self.terms.as_bool(condition) != Some(true)).then_some(left);
        if self.terms.as_bool(condition) == Some(false) {
            return (None, left);
        }
        let body = self.block(inside, &own.body);
        outcome.exits.extend(body.exits);
        let Some(end) = body.next else { return (None, left) };
        let step = self.block(end, &own.step);
        outcome.exits.extend(step.exits);
        (step.next, left)
    }

    /// Any pass at all: what the loop assigns may be anything its counter allows.
    fn widened(&mut self, mut state: State, own: &Loop, outcome: &mut Outcome) -> Option<State> {
        let start = own.counter.and_then(|(var, _)| state.get(var)).map(Value::term);
        for var in self.assigned(own) {
            let key = self.abstract_key();
            let reason = "a variable that a loop changes";
            let value = self.read(self.ty(var), key, Kind::Opaque, &Read::opaque(reason), reason);
            state.set(var, value);
        }
        if let (Some((var, direction)), Some(start)) = (own.counter, start)
            && let Some(now) = state.get(var).map(Value::term)
        {
            let fact = match direction {
                Direction::Up => self.terms.le(start, now),
                Direction::Down => self.terms.le(now, start),
            };
            state.assume(&mut self.terms, fact);
        }
        self.context.push(WIDENED);
        let before = self.block(state, &own.before);
        outcome.exits.extend(before.exits);
        let mut left = None;
        if let Some(inside) = before.next {
            let condition = self.eval(&inside, &own.condition).term();
            // The state after the pass is one of those that the widened state stands for.
            (_, left) = self.pass(inside, own, condition, outcome);
        }
        self.context.pop();
        left
    }

    fn assigned(&self, own: &Loop) -> BTreeSet<Var> {
        let mut assigned = BTreeSet::new();
        let mut globals = false;
        for block in [&own.before, &own.body, &own.step] {
            walk(block, &mut |stmt| match stmt {
                Stmt::Assign(var, _) | Stmt::Read(var, ..) => {
                    assigned.insert(*var);
                }
                Stmt::Call { to, .. } => {
                    assigned.extend(*to);
                    globals = true;
                }
                Stmt::Opaque { clobbers, .. } => globals |= clobbers,
                Stmt::Clobber => globals = true,
                Stmt::Check(_)
                | Stmt::Condition { .. }
                | Stmt::Dereferenced(_)
                | Stmt::Assume(_)
                | Stmt::If(..)
                | Stmt::Scope(..)
                | Stmt::Break(_)
                | Stmt::Loop(_)
                | Stmt::Return(_)
                | Stmt::Throw(_)
                | Stmt::Try { .. } => {}
            });
        }
        if globals {
            let changing = self.program.globals.iter().enumerate();
            assigned.extend(
                changing
                    .filter(|(_, global)| global.constant.is_none())
                    .map(|(at, _)| Var::global(at)),
            );
        }
        assigned
    }

    pub(super) fn run_try(
        &mut self,
        state: State,
        body: &[Stmt],
        handlers: &[Handler],
        finally: &[Stmt],
    ) -> Outcome {
        let mut caught: Vec<String> =
            handlers.iter().flat_map(|handler| handler.catches.iter().cloned()).collect();
        if handlers.iter().any(|handler| handler.catches.is_empty()) {
            caught.push("Throwable".to_owned());
        }
        // Present even if it names nothing: what is thrown has to reach `finally`.
        self.handlers.push(caught);
        let mut tried = self.block(state, body);
        let depth = self.handlers.len();
        self.handlers.pop();
        // Behind the handlers it does not matter any more what raised under them.
        let ends = tried.exits.iter_mut().map(|(_, state)| state);
        for state in tried.next.iter_mut().chain(ends) {
            state.risky.retain(|around| *around < depth);
        }

        let mut outcome = Outcome { next: None, exits: Vec::new() };
        let mut ends: Vec<State> = tried.next.into_iter().collect();
        let mut entering: Vec<Vec<State>> = vec![Vec::new(); handlers.len()];
        for (exit, state) in tried.exits {
            match exit {
                Exit::Throw(name) => {
                    if let Some(left) = self.distribute(&name, state, handlers, &mut entering) {
                        outcome.exits.push((Exit::Throw(name), left));
                    }
                }
                other @ (Exit::Break(_) | Exit::Return(_)) => outcome.exits.push((other, state)),
            }
        }
        // An exception out of a handler still has to pass through `finally`.
        if !finally.is_empty() {
            self.handlers.push(Vec::new());
        }
        for (handler, states) in handlers.iter().zip(entering) {
            let Some(state) = merge_all(&mut self.terms, states) else { continue };
            let handled = self.block(state, &handler.body);
            ends.extend(handled.next);
            outcome.exits.extend(handled.exits);
        }
        if !finally.is_empty() {
            self.handlers.pop();
        }
        outcome.next = merge_all(&mut self.terms, ends);
        let outcome = self.run_finally(outcome, finally);
        self.drop_uncaught(outcome)
    }

    /// Sends an exception to the handlers that take it; what none surely takes is left.
    fn distribute(
        &mut self,
        name: &str,
        mut state: State,
        handlers: &[Handler],
        entering: &mut [Vec<State>],
    ) -> Option<State> {
        for (handler, states) in handlers.iter().zip(entering) {
            let caught = match handler.catches.as_slice() {
                [] => Caught::Yes,
                names => names.iter().map(|by| is_caught(name, by)).max().unwrap_or(Caught::No),
            };
            match caught {
                Caught::Yes => {
                    states.push(state);
                    return None;
                }
                Caught::Maybe => {
                    let takes = self.abstract_bool("which exception it is");
                    let mut taken = state.clone();
                    taken.assume(&mut self.terms, takes);
                    states.push(taken);
                    let opposite = self.terms.not(takes);
                    state.assume(&mut self.terms, opposite);
                }
                Caught::No => {}
            }
        }
        Some(state)
    }

    fn run_finally(&mut self, outcome: Outcome, finally: &[Stmt]) -> Outcome {
        if finally.is_empty() {
            return outcome;
        }
        let mut after = Outcome::default();
        if let Some(state) = outcome.next {
            let done = self.block(state, finally);
            after.next = done.next;
            after.exits.extend(done.exits);
        }
        let mut open = outcome.exits;
        while let Some((exit, state)) = open.pop() {
            // Exits of one kind go through together.
            let (same, others): (Vec<_>, Vec<_>) =
                open.into_iter().partition(|(other, _)| *other == exit);
            open = others;
            let states = std::iter::once(state).chain(same.into_iter().map(|(_, state)| state));
            let Some(state) = merge_all(&mut self.terms, states) else { continue };
            let done = self.block(state, finally);
            after.exits.extend(done.next.map(|state| (exit, state)));
            after.exits.extend(done.exits);
        }
        after
    }

    /// An exception that leaves the outermost `try` ends the function.
    fn drop_uncaught(&self, mut outcome: Outcome) -> Outcome {
        if self.handlers.is_empty() {
            outcome.exits.retain(|(exit, _)| !matches!(exit, Exit::Throw(_)));
        }
        outcome
    }

    pub(super) fn call(
        &mut self,
        mut state: State,
        to: Option<Var>,
        function: usize,
        arguments: &[Expr],
        site: Site,
    ) -> Outcome {
        let callee = &self.program.functions[function];
        let given: Vec<Value> =
            arguments.iter().map(|argument| self.eval(&state, argument)).collect();
        let follow = self.calls.len() <= INLINE_DEPTH_MAX && !self.calls.contains(&function);
        let (true, Ok(body)) = (follow, &callee.body) else {
            let callee = callee.name.clone();
            if let Some(to) = to {
                self.read_into(
                    &mut state,
                    to,
                    site,
                    &Read::opaque(format!("the result of {callee}")),
                );
            }
            return self.leave_unknown(state, callee, given, site, &[], false, true);
        };
        let outer = std::mem::take(&mut state.frame);
        for (parameter, value) in callee.parameters.iter().zip(given) {
            state.set(*parameter, value);
        }
        self.context.push(site);
        self.calls.push(function);
        let outcome = self.block(state, body);
        self.calls.pop();
        self.context.pop();

        let mut after = Outcome::default();
        let mut back = Vec::new();
        let ended = outcome.next.map(|state| (None, state));
        let mut exits = Vec::new();
        for (exit, state) in outcome.exits {
            match exit {
                Exit::Return(value) => exits.push((value, state)),
                Exit::Throw(name) => {
                    after.exits.push((Exit::Throw(name), State { frame: outer.clone(), ..state }));
                }
                Exit::Break(_) => {}
            }
        }
        for (value, mut state) in ended.into_iter().chain(exits) {
            state.frame = Frame::clone(&outer);
            if let (Some(to), Some(value)) = (to, value) {
                state.set(to, value);
            }
            back.push(state);
        }
        after.next = merge_all(&mut self.terms, back);
        after
    }

    pub(super) fn unknown_call(&mut self, state: State, stmt: &Stmt) -> Outcome {
        let Stmt::Opaque { callee, site, arguments, throws, external, clobbers } = stmt else {
            return Outcome { next: Some(state), exits: Vec::new() };
        };
        let given = arguments.iter().map(|argument| self.eval(&state, argument)).collect();
        self.leave_unknown(state, callee.clone(), given, *site, throws, *external, *clobbers)
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one statement, taken apart once")]
    fn leave_unknown(
        &mut self,
        mut state: State,
        callee: String,
        arguments: Vec<Value>,
        site: Site,
        throws: &[String],
        external: bool,
        clobbers: bool,
    ) -> Outcome {
        if clobbers {
            self.clobber(&mut state);
        }
        let mut exits = Vec::new();
        let first = throws.first().map_or("", String::as_str);
        self.may_leave(first, || callee.clone());
        if !self.handlers.is_empty() {
            let key = Key { context: self.context.clone(), site, part: Part::Throws };
            let raises = throws.first().is_some_and(|name| name == ANYTHING);
            let kind = match raises {
                _ if external => Kind::External,
                true => Kind::Raises,
                false => Kind::Assumed,
            };
            let handles = |by: &String| by != CONTEXT;
            if raises && self.handlers.iter().flatten().any(handles) {
                state.risky.insert(self.handlers.len());
            }
            let about = format!("whether {callee} throws");
            let symbol = Symbol { key, sort: Sort::Bool, kind, low: None, high: None, about };
            let thrown = self.terms.symbol(symbol);
            let mut raised = state.clone();
            raised.assume(&mut self.terms, thrown);
            let name = throws.first().cloned().unwrap_or_default();
            exits.push((Exit::Throw(name), raised));
            let opposite = self.terms.not(thrown);
            state.assume(&mut self.terms, opposite);
        }
        // What throws by a known contract does not refuse anything else.
        let by_contract = throws.first().is_some_and(|name| name != ANYTHING);
        if !by_contract && !arguments.is_empty() {
            state.passed.insert(u32::try_from(self.unknown_calls.len()).unwrap_or(u32::MAX));
            self.unknown_calls.push(UnknownCall { callee, arguments });
        }
        Outcome { next: Some(state), exits }
    }
}
