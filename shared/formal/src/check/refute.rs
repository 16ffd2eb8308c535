//! From a model of a failing check to a refutation, or the reason why it is none.

use std::collections::{BTreeMap, BTreeSet};

use super::{Checker, with};
use crate::{
    example::{self, Shown},
    exec::{Obligation, carried},
    interp::{self, Inputs},
    ir::CheckKind,
    smt::{Concrete, Query, model},
    solver::Answer,
    symbol::{Kind, Part, SymbolId},
    term::Term,
    verdict::{Counterexample, Unknown, Verdict},
};

impl Checker<'_, '_> {
    /// Unknown calls return: nothing is built on a throw that nobody has seen.
    pub(super) fn pins(&mut self, roots: &[Term]) -> Vec<Term> {
        let mut all = roots.to_vec();
        all.extend(self.exec.invariants.about(&self.exec.terms, roots));
        let throws: Vec<Term> = self
            .exec
            .terms
            .reachable(&all, false)
            .into_iter()
            .filter(|term| matches!(self.kind_of(*term), Some(Kind::Assumed | Kind::Raises)))
            .collect();
        throws.into_iter().map(|term| self.exec.terms.not(term)).collect()
    }

    /// What an assumption keeps from going wrong.
    pub(super) fn assumed(&self, formula: &[Term]) -> String {
        let mut all = formula.to_vec();
        all.extend(self.exec.invariants.about(&self.exec.terms, formula));
        let support = self.exec.terms.support(&all, false);
        let is_pinned =
            |id: &&SymbolId| self.is(**id, Kind::Assumed) || self.is(**id, Kind::Raises);
        let found = support.iter().find(is_pinned);
        let about = found.map(|id| self.exec.terms.symbols.get(*id).about.clone());
        about.unwrap_or_default()
    }

    pub(super) fn kind_of(&self, term: Term) -> Option<Kind> {
        let id = self.exec.terms.symbol_of(term)?;
        Some(self.exec.terms.symbols.get(id).kind)
    }

    pub(super) fn refute(&mut self, instance: &Obligation) -> (Verdict, Option<Query>) {
        let formula = with(&instance.path, instance.violation);
        let mut assertions = self.pins(&formula);
        assertions.extend(formula.iter().copied());
        let (answer, query) = self.ask(&assertions);
        let values = match answer {
            Answer::Sat(values) => values,
            Answer::Unsat => {
                let only = self.assumed(&formula);
                return (Verdict::Unknown(Unknown::NotModelled(only)), query);
            }
            Answer::Unknown if self.clock.is_up() => {
                return (Verdict::Unknown(Unknown::TimedOut), query);
            }
            Answer::Unknown => return (Verdict::Unknown(Unknown::SolverGaveUp), query),
            Answer::Unavailable(why) => {
                return (Verdict::Unknown(Unknown::SolverUnavailable(why)), query);
            }
        };
        if instance.risky {
            let why = "an operation that may have raised".to_owned();
            return (Verdict::Unknown(Unknown::MayBeRefused(why)), query);
        }
        let found = model(&self.exec.terms, &values);
        if let Some(unknown) = self.rests_on_unknown(instance, &formula, &found) {
            return (Verdict::Unknown(unknown), query);
        }
        let run = interp::run(self.program, self.function, &self.inputs(&found));
        if !run.violated.contains(&(instance.site, instance.kind)) {
            return (Verdict::Unknown(Unknown::NotReplayed), query);
        }
        let mut example = self.example(&found);
        if self.takes_for_granted(&formula) {
            example.arguments = None;
        }
        if self.is_callers_choice(instance) {
            return (Verdict::CallerDependent(example), query);
        }
        (Verdict::Refuted(example), query)
    }

    /// What a refutation would rest on that is not known to be so.
    pub(super) fn rests_on_unknown(
        &mut self,
        instance: &Obligation,
        formula: &[Term],
        found: &BTreeMap<SymbolId, Concrete>,
    ) -> Option<Unknown> {
        let support = self.exec.terms.support(formula, false);
        let opaque = support.iter().find(|id| self.is(**id, Kind::Opaque)).copied();
        if let Some(opaque) = opaque {
            // With everything else as the model has it: does it fail whatever the unknown is?
            let all = self.exec.terms.all(formula);
            let mut assertions = vec![self.exec.terms.not(all)];
            for id in support {
                let Some(value) = found.get(&id).filter(|_| !self.is(id, Kind::Opaque)) else {
                    continue;
                };
                let term = self.exec.terms.symbol_term(id);
                let value = self.constant_term(*value);
                assertions.push(self.exec.terms.eq(term, value));
            }
            if self.ask(&assertions).0 != Answer::Unsat {
                let about = self.exec.terms.symbols.get(opaque).about.clone();
                return Some(Unknown::NotModelled(about));
            }
        }
        if let Some(unknown) = self.hangs_on_presence(instance, found) {
            return Some(unknown);
        }
        if let Some(unknown) = self.hangs_on_raising(instance, formula, found) {
            return Some(unknown);
        }
        let data = self.exec.terms.support(&[instance.violation], true);
        instance.passed.iter().find_map(|call| {
            let call = &self.exec.unknown_calls[*call as usize];
            let given: BTreeSet<SymbolId> = carried(&self.exec.terms, &call.arguments);
            (!given.is_disjoint(&data)).then(|| Unknown::MayBeRefused(call.callee.clone()))
        })
    }

    /// Whether something that no argument brings is taken to be there, such as a field.
    fn takes_for_granted(&self, formula: &[Term]) -> bool {
        let support = self.exec.terms.support(formula, false);
        support.into_iter().any(|id| {
            let is_throw = self.exec.terms.symbols.get(id).key.part == Part::Throws;
            self.is(id, Kind::Assumed) && !is_throw
        })
    }

    /// Whether what is asked itself hangs on something unknown that is taken to be there.
    fn hangs_on_presence(
        &mut self,
        instance: &Obligation,
        found: &BTreeMap<SymbolId, Concrete>,
    ) -> Option<Unknown> {
        let asked = self.exec.terms.support(&[instance.violation], false);
        let assumed = asked.iter().find(|id| self.is(**id, Kind::Assumed)).copied()?;
        let support = self.exec.terms.support(&with(&instance.path, instance.violation), false);
        let free = |own: &Self, id| asked.contains(&id) && own.is(id, Kind::Assumed);
        if !self.holds_otherwise(instance, support, found, free) {
            return None;
        }
        Some(Unknown::NotModelled(self.exec.terms.symbols.get(assumed).about.clone()))
    }

    /// Whether it only fails if some operation raises, or does not.
    fn hangs_on_raising(
        &mut self,
        instance: &Obligation,
        formula: &[Term],
        found: &BTreeMap<SymbolId, Concrete>,
    ) -> Option<Unknown> {
        let support = self.exec.terms.support(formula, false);
        let raising = support.iter().find(|id| self.is(**id, Kind::Raises)).copied()?;
        let free = |own: &Self, id| own.is(id, Kind::Raises) || own.is(id, Kind::Opaque);
        if !self.holds_otherwise(instance, support, found, free) {
            return None;
        }
        Some(Unknown::NotModelled(self.exec.terms.symbols.get(raising).about.clone()))
    }

    /// Whether it may hold on the same way with the values found, but for those that are `free`.
    fn holds_otherwise(
        &mut self,
        instance: &Obligation,
        support: impl IntoIterator<Item = SymbolId>,
        found: &BTreeMap<SymbolId, Concrete>,
        free: impl Fn(&Self, SymbolId) -> bool,
    ) -> bool {
        let fine = self.exec.terms.not(instance.violation);
        let mut assertions = with(&instance.path, fine);
        for id in support {
            let is_free = free(self, id);
            let Some(value) = found.get(&id).filter(|_| !is_free) else { continue };
            let term = self.exec.terms.symbol_term(id);
            let value = self.constant_term(*value);
            assertions.push(self.exec.terms.eq(term, value));
        }
        self.ask(&assertions).0 != Answer::Unsat
    }

    pub(super) fn is(&self, id: SymbolId, kind: Kind) -> bool {
        self.exec.terms.symbols.get(id).kind == kind
    }

    pub(super) fn constant_term(&mut self, value: Concrete) -> Term {
        match value {
            Concrete::Bool(value) => self.exec.terms.bool(value),
            Concrete::Int(value) => self.exec.terms.int(value),
            Concrete::Float(value) => self.exec.terms.float(value),
        }
    }

    /// Whether it hangs on a parameter, and the path does not already make it fail.
    pub(super) fn is_callers_choice(&mut self, instance: &Obligation) -> bool {
        let data = match instance.kind {
            // An assertion behind a condition says what callers have to keep to.
            CheckKind::Assertion => {
                self.exec.terms.support(&with(&instance.path, instance.violation), false)
            }
            CheckKind::DivisionByZero
            | CheckKind::FloatDivisionByZero
            | CheckKind::IntegerOverflow
            | CheckKind::NarrowingConversion
            | CheckKind::IndexOutOfBounds
            | CheckKind::NegativeArraySize
            | CheckKind::NegativeExponent
            | CheckKind::TypeMismatch
            | CheckKind::NullDereference
            | CheckKind::ConstantCondition
            | CheckKind::NullCheckAfterDereference => {
                self.exec.terms.support(&[instance.violation], !self.program.has_choices)
            }
        };
        if !data.iter().any(|id| self.is(*id, Kind::Parameter)) {
            return false;
        }
        if instance.kind == CheckKind::Assertion || instance.thrown {
            return true;
        }
        let fine = self.exec.terms.not(instance.violation);
        if instance.path.contains(&instance.violation) {
            return false;
        }
        // Not even an unknown call that throws may lead here with another value.
        self.ask(&with(&instance.path, fine)).0 != Answer::Unsat
    }

    pub(super) fn inputs(&self, found: &BTreeMap<SymbolId, Concrete>) -> Inputs {
        found
            .iter()
            .map(|(id, value)| (self.exec.terms.symbols.get(*id).key.clone(), *value))
            .filter(|(key, _)| key.part != Part::Abstract)
            .collect()
    }

    pub(super) fn example(&self, found: &BTreeMap<SymbolId, Concrete>) -> Counterexample {
        let function = &self.program.functions[self.function];
        let is_own = |id: &SymbolId| {
            let key = &self.exec.terms.symbols.get(*id).key;
            key.context.is_empty() && (key.site as usize) < function.parameters.len()
        };
        let (own, others): (BTreeMap<_, _>, BTreeMap<_, _>) =
            found.iter().map(|(id, value)| (*id, *value)).partition(|(id, _)| is_own(id));
        let values = own.iter().map(|(id, value)| {
            let key = &self.exec.terms.symbols.get(*id).key;
            ((key.site, key.part), *value)
        });
        let shown = example::shown(function, &values.collect());
        let Some(Shown { parameters, arguments }) = shown else {
            return Counterexample { inputs: self.inputs_shown(found), arguments: None };
        };
        let mut inputs = parameters;
        let more = self.inputs_shown(&others);
        // A call alone does not bring what comes from elsewhere.
        let arguments = arguments.filter(|_| more.is_empty());
        inputs.extend(more);
        Counterexample { inputs, arguments }
    }

    fn inputs_shown(&self, found: &BTreeMap<SymbolId, Concrete>) -> Vec<(String, String)> {
        let shown = |(id, value): (&SymbolId, &Concrete)| {
            let symbol = self.exec.terms.symbols.get(*id);
            if !matches!(symbol.kind, Kind::External | Kind::Parameter) {
                return None;
            }
            let name = match symbol.key.part {
                Part::Null => format!("{} is null", symbol.about),
                Part::Length => format!("length of {}", symbol.about),
                Part::Value | Part::Throws => symbol.about.clone(),
                Part::Abstract => return None,
            };
            let value = match value {
                Concrete::Bool(value) => value.to_string(),
                Concrete::Int(value) => value.to_string(),
                Concrete::Float(value) => format!("{value:?}"),
            };
            Some((name, value))
        };
        found.iter().filter_map(shown).collect()
    }
}
