//! Forward symbolic execution with merging at joins.
//!
//! Two modes. `Over` covers every run: loops it cannot unroll are widened, so what never goes
//! wrong here is proved. `Under` takes only runs that exist: loops are unrolled a few times and
//! then given up, so what goes wrong here may be real.

mod expr;
mod flow;
mod invariant;
mod read;
mod state;

use std::collections::{BTreeSet, HashSet};

pub(crate) use expr::{bits, float_to_int, float2, int_to_float, single};
pub(crate) use flow::PASS;
use invariant::Invariants;
pub(crate) use state::carried;
use state::{Frame, State, Value, merge_all};

use crate::{
    Clock,
    exceptions::{LEAVES, is_caught},
    ir::{Check, CheckKind, Expr, Label, Program, Read, Site, Source, Stmt},
    symbol::{Key, Kind, Part},
    term::{Term, Terms},
};

/// Calls within calls that are followed; deeper ones are unknown.
pub const INLINE_DEPTH_MAX: usize = 4;

/// Terms of one execution; more is answered with [`Stopped::TooLarge`].
const TERMS_MAX: usize = 200_000;

/// Invariants that the paths of all obligations hold together; more is too large as well.
const FACTS_MAX: usize = 1_000_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Over,
    Under,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stopped {
    TimedOut,
    TooLarge,
}

/// A check at one point of one path.
#[derive(Debug, Clone)]
pub(crate) struct Obligation {
    pub(crate) site: Site,
    pub(crate) kind: CheckKind,
    pub(crate) line: u32,
    pub(crate) function: usize,
    pub(crate) path: Vec<Term>,
    pub(crate) violation: Term,
    /// Unknown calls that came before and returned.
    pub(crate) passed: state::Passed,
    /// Something before it, under the same handler, may have raised.
    pub(crate) risky: bool,
    /// A check that hangs on what callers pass has failed before, and was caught.
    pub(crate) thrown: bool,
}

/// Why an execution leaves a block other than at its end.
#[derive(Debug, Clone, PartialEq)]
enum Exit {
    Break(Label),
    Return(Option<Value>),
    /// An exception by its name; empty: any.
    Throw(String),
}

#[derive(Default)]
struct Outcome {
    next: Option<State>,
    exits: Vec<(Exit, State)>,
}

/// An unknown call: its name, and what was given to it.
pub(crate) struct UnknownCall {
    pub(crate) callee: String,
    pub(crate) arguments: Vec<Value>,
}

pub(crate) struct Exec<'a> {
    program: &'a Program,
    mode: Mode,
    clock: Clock<'a>,
    pub(crate) terms: Terms,
    pub(crate) obligations: Vec<Obligation>,
    pub(crate) unknown_calls: Vec<UnknownCall>,
    /// What may end the function, or does, other than by a check.
    pub(crate) unchecked: BTreeSet<String>,
    /// Fields whose only value was taken for granted.
    pub(crate) assumed: BTreeSet<usize>,
    /// What holds of the values that were read, wherever they go.
    pub(crate) invariants: Invariants,
    /// A loop was widened or given up, so the two modes differ.
    pub(crate) cut: bool,
    /// Float terms that hold single precision.
    single: HashSet<Term>,
    /// Exceptions that the handlers around the present point catch, innermost last.
    handlers: Vec<Vec<String>>,
    /// Functions whose bodies are being executed, innermost last.
    calls: Vec<usize>,
    context: Vec<u32>,
    abstracted: u32,
    /// Invariants that the obligations hold, all together.
    facts: usize,
    stopped: Option<Stopped>,
}

impl<'a> Exec<'a> {
    pub(crate) fn new(program: &'a Program, mode: Mode, clock: Clock<'a>) -> Self {
        Self {
            program,
            mode,
            clock,
            terms: Terms::default(),
            obligations: Vec::new(),
            unknown_calls: Vec::new(),
            unchecked: BTreeSet::new(),
            assumed: BTreeSet::new(),
            invariants: Invariants::default(),
            cut: false,
            single: HashSet::new(),
            handlers: Vec::new(),
            calls: Vec::new(),
            context: Vec::new(),
            abstracted: 0,
            facts: 0,
            stopped: None,
        }
    }

    /// Executes one function for all its parameters.
    pub(crate) fn run(&mut self, function: usize) -> Result<(), Stopped> {
        // Term 0 is something, so that unused parts of nodes may point to it.
        self.terms.bool(false);
        let own = &self.program.functions[function];
        let Ok(body) = &own.body else { return Ok(()) };
        let mut state = State { frame: Frame::default(), ..State::default() };
        for (index, global) in self.program.globals.iter().enumerate() {
            let value = match &global.constant {
                Some(constant) => self.eval(&state, constant),
                None => self.global_value(index, "a field that others may have set"),
            };
            state.globals.push(value);
        }
        for (index, parameter) in own.parameters.iter().enumerate() {
            let variable = &own.variables[parameter.0 as usize];
            let site = u32::try_from(index).unwrap_or(u32::MAX);
            let read =
                Read { source: Source::External, range: None, nullable: true, length_min: 0 };
            let value = self.read(
                variable.ty,
                Key { context: vec![], site, part: Part::Value },
                Kind::Parameter,
                &read,
                &variable.name,
            );
            state.set(*parameter, value);
        }
        self.calls.push(function);
        self.block(state, body);
        self.calls.pop();
        self.stopped.map_or(Ok(()), Err)
    }

    fn stopped(&mut self) -> bool {
        if self.stopped.is_none() {
            if self.terms.len() > TERMS_MAX || self.facts > FACTS_MAX {
                self.stopped = Some(Stopped::TooLarge);
            } else if self.clock.is_up() {
                self.stopped = Some(Stopped::TimedOut);
            }
        }
        self.stopped.is_some()
    }

    fn block(&mut self, state: State, block: &[Stmt]) -> Outcome {
        let mut outcome = Outcome { next: Some(state), exits: Vec::new() };
        for stmt in block {
            let Some(state) = outcome.next.take() else { break };
            if self.stopped() || state.is_dead(&mut self.terms) {
                break;
            }
            let then = self.stmt(state, stmt);
            outcome.next = then.next;
            outcome.exits.extend(then.exits);
        }
        outcome
    }

    fn stmt(&mut self, mut state: State, stmt: &Stmt) -> Outcome {
        match stmt {
            Stmt::Assign(var, expr) => {
                let value = self.eval(&state, expr);
                state.set(*var, value);
            }
            Stmt::Read(var, site, read) => self.read_into(&mut state, *var, *site, read),
            Stmt::Check(check) => return self.check(state, check),
            Stmt::Condition { site, line, condition } => {
                self.condition(&state, *site, *line, condition);
            }
            Stmt::Dereferenced(var) => {
                state.frame.dereferenced.insert(*var);
            }
            Stmt::Assume(fact) => {
                let fact = self.eval(&state, fact).term();
                self.invariants.insert(&self.terms, fact);
            }
            Stmt::If(condition, yes, no) => return self.branch(state, condition, yes, no),
            Stmt::Scope(label, body) => {
                let outcome = self.block(state, body);
                return self.leave(outcome, *label);
            }
            Stmt::Break(label) => return exit(Exit::Break(*label), state),
            Stmt::Loop(own) => return self.run_loop(state, own),
            Stmt::Return(value) => {
                let value = value.as_ref().map(|value| self.eval(&state, value));
                return exit(Exit::Return(value), state);
            }
            Stmt::Throw(name) => return self.throw(state, name),
            Stmt::Try { body, handlers, finally } => {
                return self.run_try(state, body, handlers, finally);
            }
            Stmt::Call { to, function, arguments, site } => {
                return self.call(state, *to, *function, arguments, *site);
            }
            Stmt::Opaque { .. } => return self.unknown_call(state, stmt),
            Stmt::Clobber => self.clobber(&mut state),
        }
        Outcome { next: Some(state), exits: Vec::new() }
    }

    /// Remembers a way out of the function that no check is about.
    fn may_leave(&mut self, thrown: &str, how: impl FnOnce() -> String) {
        let is_kept = self.handlers.iter().flatten().any(|by| is_caught(thrown, by).is_sure());
        if !is_kept && thrown != LEAVES {
            self.unchecked.insert(how());
        }
    }

    fn check(&mut self, mut state: State, check: &Check) -> Outcome {
        let violation = self.eval(&state, &check.violation).term();
        let fine = self.terms.not(violation);
        let caught = check.throws.as_ref().is_some_and(|name| {
            self.handlers.iter().flatten().any(|by| is_caught(name, by).is_sure())
        });
        if !caught {
            self.oblige(&state, check.site, check.kind, check.line, violation);
        }
        let Some(name) = &check.throws else {
            return Outcome { next: Some(state), exits: Vec::new() };
        };
        let mut exits = Vec::new();
        if !self.handlers.is_empty() && self.terms.as_bool(violation) != Some(false) {
            let mut thrown = state.clone();
            thrown.assume(&mut self.terms, violation);
            let data = self.terms.support(&[violation], true);
            let is_given = |id| self.terms.symbols.get(id).kind == Kind::Parameter;
            thrown.thrown |= data.into_iter().any(is_given);
            exits.push((Exit::Throw(name.clone()), thrown));
        }
        state.assume(&mut self.terms, fine);
        Outcome { next: Some(state), exits }
    }

    fn oblige(&mut self, state: &State, site: Site, kind: CheckKind, line: u32, violation: Term) {
        self.facts += state.path.len();
        self.obligations.push(Obligation {
            site,
            kind,
            line,
            function: self.calls.last().copied().unwrap_or_default(),
            path: state.path.clone(),
            violation,
            passed: state.passed.clone(),
            risky: !state.risky.is_empty(),
            thrown: state.thrown,
        });
    }

    fn condition(&mut self, state: &State, site: Site, line: u32, condition: &Expr) {
        let term = self.eval(state, condition).term();
        let inner = if let Expr::Not(inner) = condition { inner } else { condition };
        let checked = if let Expr::IsNull(of) = inner { Some(&**of) } else { None };
        let after =
            matches!(checked, Some(Expr::Var(var)) if state.frame.dereferenced.contains(var));
        let kind =
            if after { CheckKind::NullCheckAfterDereference } else { CheckKind::ConstantCondition };
        self.oblige(state, site, kind, line, term);
    }

    fn branch(&mut self, state: State, condition: &Expr, yes: &[Stmt], no: &[Stmt]) -> Outcome {
        let condition = self.eval(&state, condition).term();
        if let Some(value) = self.terms.as_bool(condition) {
            return self.block(state, if value { yes } else { no });
        }
        let (mut taken, mut other) = (state.clone(), state);
        taken.assume(&mut self.terms, condition);
        let opposite = self.terms.not(condition);
        other.assume(&mut self.terms, opposite);
        let (one, two) = (self.block(taken, yes), self.block(other, no));
        let exits = one.exits.into_iter().chain(two.exits).collect();
        Outcome { next: merge_all(&mut self.terms, one.next.into_iter().chain(two.next)), exits }
    }

    /// Joins what breaks to `label` with what reaches its end.
    fn leave(&mut self, outcome: Outcome, label: Label) -> Outcome {
        let (here, exits): (Vec<_>, Vec<_>) =
            outcome.exits.into_iter().partition(|(exit, _)| *exit == Exit::Break(label));
        let here = here.into_iter().map(|(_, state)| state);
        Outcome { next: merge_all(&mut self.terms, outcome.next.into_iter().chain(here)), exits }
    }

    fn throw(&mut self, state: State, name: &str) -> Outcome {
        self.may_leave(name, || format!("an exception is raised: {name}"));
        if self.handlers.is_empty() {
            return Outcome::default();
        }
        exit(Exit::Throw(name.to_owned()), state)
    }
}

fn exit(exit: Exit, state: State) -> Outcome {
    Outcome { next: None, exits: vec![(exit, state)] }
}
