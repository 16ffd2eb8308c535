//! What is known at one point of an execution, and how two such points become one.

use std::collections::BTreeSet;

use crate::{
    ir::{Type, Var},
    symbol::SymbolId,
    term::{Term, Terms},
};

/// Where an object comes from; decides what reading from it is worth. Later is worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin {
    Known,
    External,
    Parameter,
    Opaque,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value {
    Bool(Term),
    Int(Term),
    Float(Term),
    Ref { null: Term, length: Term, origin: Origin },
}

impl Value {
    /// The term that a boolean or number is.
    pub(crate) fn term(self) -> Term {
        match self {
            Self::Bool(term) | Self::Int(term) | Self::Float(term) => term,
            Self::Ref { null, .. } => null,
        }
    }

    pub(crate) fn terms(self) -> Vec<Term> {
        match self {
            Self::Bool(term) | Self::Int(term) | Self::Float(term) => vec![term],
            Self::Ref { null, length, .. } => vec![null, length],
        }
    }

    fn choose(terms: &mut Terms, condition: Term, yes: Self, no: Self) -> Self {
        match (yes, no) {
            (Self::Bool(yes), Self::Bool(no)) => Self::Bool(terms.ite(condition, yes, no)),
            (Self::Int(yes), Self::Int(no)) => Self::Int(terms.ite(condition, yes, no)),
            (Self::Float(yes), Self::Float(no)) => Self::Float(terms.ite(condition, yes, no)),
            (
                Self::Ref { null: one, length: first, origin },
                Self::Ref { null: two, length: second, origin: other },
            ) => {
                // The length of nothing does not matter, so it need not be chosen.
                let length = if terms.as_bool(one) == Some(true) {
                    second
                } else if terms.as_bool(two) == Some(true) {
                    first
                } else {
                    terms.ite(condition, first, second)
                };
                let null = terms.ite(condition, one, two);
                Self::Ref { null, length, origin: origin.max(other) }
            }
            // Only a lowering that mixes types gets here; the first value is as wrong as any.
            (yes, _) => yes,
        }
    }
}

/// The locals of one call.
#[derive(Debug, Clone, Default)]
pub(crate) struct Frame {
    pub(crate) values: Vec<Option<Value>>,
    pub(crate) dereferenced: BTreeSet<Var>,
}

/// An unknown call that returned, and what it was given: it may have refused other values.
pub(crate) type Passed = BTreeSet<u32>;

#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    /// What must hold for the execution to be here.
    pub(crate) path: Vec<Term>,
    pub(crate) frame: Frame,
    pub(crate) globals: Vec<Value>,
    pub(crate) passed: Passed,
    /// How many handlers stood around operations that may have raised.
    pub(crate) risky: BTreeSet<usize>,
    /// A check that hangs on what callers pass has failed, and was caught.
    pub(crate) thrown: bool,
}

impl State {
    pub(crate) fn assume(&mut self, terms: &mut Terms, fact: Term) {
        if terms.as_bool(fact) != Some(true) && !self.path.contains(&fact) {
            self.path.push(fact);
        }
    }

    /// Whether the path contradicts itself for all to see.
    pub(crate) fn is_dead(&self, terms: &mut Terms) -> bool {
        let last = self.path.last().copied();
        self.path.iter().any(|fact| terms.as_bool(*fact) == Some(false))
            || last.is_some_and(|last| {
                let opposite = terms.not(last);
                self.path.contains(&opposite)
            })
    }

    pub(crate) fn get(&self, var: Var) -> Option<Value> {
        match var.as_global() {
            Some(global) => self.globals.get(global).copied(),
            None => self.frame.values.get(var.0 as usize).copied().flatten(),
        }
    }

    pub(crate) fn set(&mut self, var: Var, value: Value) {
        self.frame.dereferenced.remove(&var);
        let slot = match var.as_global() {
            Some(global) => {
                if let Some(slot) = self.globals.get_mut(global) {
                    *slot = value;
                }
                return;
            }
            None => var.0 as usize,
        };
        if self.frame.values.len() <= slot {
            self.frame.values.resize(slot + 1, None);
        }
        self.frame.values[slot] = Some(value);
    }
}

/// Two states that exclude each other, as one that is either.
pub(crate) fn merge(terms: &mut Terms, one: State, two: State) -> State {
    let common = one.path.iter().zip(&two.path).take_while(|(one, two)| one == two).count();
    let only_one = terms.all(&one.path[common..]);
    let mut path = one.path[..common].to_vec();
    // `c and a` or `not c and b` says no more about the past than `c implies a` and back.
    let split = one.path.get(common).copied().zip(two.path.get(common).copied());
    let opposite = split.is_some_and(|(one, two)| terms.not(one) == two);
    let first = if opposite { common + 1 } else { common };
    let (rest_one, rest_two) = (
        terms.all(&one.path[first.min(one.path.len())..]),
        terms.all(&two.path[first.min(two.path.len())..]),
    );
    let condition = match split {
        Some((condition, _)) if opposite => {
            let fact = terms.ite(condition, rest_one, rest_two);
            if terms.as_bool(fact) != Some(true) {
                path.push(fact);
            }
            condition
        }
        _ => {
            let either = terms.or(rest_one, rest_two);
            if terms.as_bool(either) != Some(true) {
                path.push(either);
            }
            only_one
        }
    };
    let globals = one
        .globals
        .iter()
        .zip(&two.globals)
        .map(|(one, two)| Value::choose(terms, condition, *one, *two))
        .collect();
    let count = one.frame.values.len().max(two.frame.values.len());
    let values = (0..count)
        .map(|slot| {
            let of = |state: &State| state.frame.values.get(slot).copied().flatten();
            match (of(&one), of(&two)) {
                (Some(one), Some(two)) => Some(Value::choose(terms, condition, one, two)),
                // Declared on one side only, so nothing after the join reads it.
                (one, two) => one.or(two),
            }
        })
        .collect();
    let dereferenced =
        one.frame.dereferenced.intersection(&two.frame.dereferenced).copied().collect();
    let passed = one.passed.union(&two.passed).copied().collect();
    let risky = one.risky.union(&two.risky).copied().collect();
    State {
        path,
        frame: Frame { values, dereferenced },
        globals,
        passed,
        risky,
        thrown: one.thrown || two.thrown,
    }
}

pub(crate) fn merge_all(
    terms: &mut Terms,
    states: impl IntoIterator<Item = State>,
) -> Option<State> {
    states.into_iter().reduce(|one, two| merge(terms, one, two))
}

/// The value of a variable that was never set, which a lowering of valid code does not read.
pub(crate) fn zero(terms: &mut Terms, ty: Type) -> Value {
    match ty {
        Type::Bool => Value::Bool(terms.bool(false)),
        Type::Int(_) => Value::Int(terms.int(0)),
        Type::Float { .. } => Value::Float(terms.float(0.0)),
        Type::Ref => {
            Value::Ref { null: terms.bool(true), length: terms.int(0), origin: Origin::Known }
        }
    }
}

/// The symbols whose values a value carries, choices left out.
pub(crate) fn carried(terms: &Terms, values: &[Value]) -> BTreeSet<SymbolId> {
    let roots: Vec<Term> = values.iter().flat_map(|value| value.terms()).collect();
    terms.support(&roots, true)
}
