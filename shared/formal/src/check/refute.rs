//! From a model of a failing check to a refutation, or the reason why it is none.

use std::collections::{BTreeMap, BTreeSet};

use super::{Checker, with};
use crate::{
    exec::{Obligation, carried},
    interp::{self, Inputs},
    smt::{Concrete, Query, model},
    solver::Answer,
    symbol::{Kind, Part, SymbolId},
    term::Term,
    verdict::{Counterexample, Unknown, Verdict},
};

impl Checker<'_, '_> {
    /// Unknown calls return: nothing is built on a throw that nobody has seen.
    pub(super) fn pins(&mut self, roots: &[Term]) -> Vec<Term> {
        let throws: Vec<Term> = self
            .exec
            .terms
            .reachable(roots, false)
            .into_iter()
            .filter(|term| self.kind_of(*term).is_some_and(|kind| kind == Kind::Assumed))
            .collect();
        throws.into_iter().map(|term| self.exec.terms.not(term)).collect()
    }

    /// What an assumption keeps from going wrong.
    pub(super) fn assumed(&self, formula: &[Term]) -> String {
        let support = self.exec.terms.support(formula, false);
        let found = support.iter().find(|id| self.is(**id, Kind::Assumed));
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
        let found = model(&self.exec.terms, &values);
        if let Some(unknown) = self.rests_on_unknown(instance, &formula, &found) {
            return (Verdict::Unknown(unknown), query);
        }
        let run = interp::run(self.program, self.function, &self.inputs(&found));
        if !run.violated.contains(&(instance.site, instance.kind)) {
            return (Verdict::Unknown(Unknown::NotReplayed), query);
        }
        let example = self.example(&found);
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
        let data = self.exec.terms.support(&[instance.violation], true);
        instance.passed.iter().find_map(|call| {
            let call = &self.exec.unknown_calls[*call as usize];
            let given: BTreeSet<SymbolId> = carried(&self.exec.terms, &call.arguments);
            (!given.is_disjoint(&data)).then(|| Unknown::MayBeRefused(call.callee.clone()))
        })
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
        let data = self.exec.terms.support(&[instance.violation], true);
        if !data.iter().any(|id| self.is(*id, Kind::Parameter)) {
            return false;
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
        Counterexample { inputs: found.iter().filter_map(shown).collect() }
    }
}
