//! Two questions a check. Can it go wrong in anything the code may do? If not, it is proved.
//! Can it go wrong in a run that exists, and does that run fail in the interpreter? Then it is
//! refuted. Everything else is unknown, with its reason.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::{
    Clock,
    exec::{Exec, Mode, Obligation, Stopped, carried},
    interp::{self, Inputs},
    ir::{CheckKind, Program, Site},
    smt::{Concrete, Query, model},
    solver::{Answer, Solver},
    symbol::{Kind, Part, SymbolId},
    term::Term,
    verdict::{Checked, Counterexample, Reasons, Report, Unknown, Verdict},
};

/// What one question may cost.
pub const QUERY_TIME_MAX: Duration = Duration::from_millis(50);

/// Points of one check that are looked at; loops and merged paths can make many.
const INSTANCES_MAX: usize = 64;

/// Checks one function. `clock` is the budget of the function.
pub fn check(
    program: &Program,
    function: usize,
    solver: &mut dyn Solver,
    clock: Clock<'_>,
) -> Report {
    let mut report = Report {
        function,
        checks: Vec::new(),
        incomplete: None,
        assumptions: Vec::new(),
        reasons: Reasons::new(),
        queries: 0,
    };
    if let Err(reason) = &program.functions[function].body {
        report.incomplete = Some(Unknown::NotLowered(reason.clone()));
        return report;
    }
    let mut over = Checker::new(program, function, Mode::Over, solver, clock);
    if let Err(stopped) = over.exec.run(function) {
        report.incomplete = Some(stopped.into());
        return report;
    }
    let open = over.prove(&mut report);
    report.queries += over.queries;
    report.reasons = over.reasons();
    let assumed = over.exec.assumed.iter();
    report.assumptions = assumed.map(|field| program.globals[*field].name.clone()).collect();
    let cut = over.exec.cut;
    if cut && !open.is_empty() {
        let solver = over.solver;
        let mut under = Checker::new(program, function, Mode::Under, solver, clock);
        match under.exec.run(function) {
            Ok(()) => under.refute_all(&open, true, &mut report),
            Err(stopped) => report.checks.extend(
                open.into_iter()
                    .map(|check| Checked { verdict: Verdict::Unknown(stopped.into()), ..check }),
            ),
        }
        report.queries += under.queries;
    } else {
        let before = over.queries;
        over.refute_all(&open, cut, &mut report);
        report.queries += over.queries - before;
    }
    report.checks.sort_by_key(|check| (check.line, check.site, check.kind));
    report
}

impl From<Stopped> for Unknown {
    fn from(stopped: Stopped) -> Self {
        match stopped {
            Stopped::TimedOut => Self::TimedOut,
            Stopped::TooLarge => Self::TooLarge,
        }
    }
}

struct Checker<'a, 's> {
    program: &'a Program,
    function: usize,
    exec: Exec<'a>,
    solver: &'s mut dyn Solver,
    clock: Clock<'a>,
    queries: u32,
}

impl<'a, 's> Checker<'a, 's> {
    fn new(
        program: &'a Program,
        function: usize,
        mode: Mode,
        solver: &'s mut dyn Solver,
        clock: Clock<'a>,
    ) -> Self {
        Self { program, function, exec: Exec::new(program, mode, clock), solver, clock, queries: 0 }
    }

    fn by_site(&self) -> BTreeMap<(Site, CheckKind), Vec<Obligation>> {
        let mut sites: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for obligation in &self.exec.obligations {
            sites.entry((obligation.site, obligation.kind)).or_default().push(obligation.clone());
        }
        sites
    }

    /// Writes what is proved, and conditions that are constant; gives back what is open.
    fn prove(&mut self, report: &mut Report) -> Vec<Checked> {
        let mut open = Vec::new();
        for ((site, kind), instances) in self.by_site() {
            let first = &instances[0];
            let own = first.function == self.function;
            let mut checked = Checked {
                site,
                kind,
                line: first.line,
                function: first.function,
                verdict: Verdict::Proved,
                query: None,
            };
            if matches!(kind, CheckKind::ConstantCondition | CheckKind::NullCheckAfterDereference) {
                if own && let Some(found) = self.constant(&instances) {
                    checked.verdict = found;
                    report.checks.push(checked);
                }
                continue;
            }
            let mut failed = None;
            for instance in &instances {
                let (answer, query) = self.ask(&with(&instance.path, instance.violation));
                checked.query = query.or(checked.query);
                if answer != Answer::Unsat {
                    failed = Some(answer);
                    break;
                }
            }
            match failed {
                Some(_) => open.push(checked),
                // What a callee proves for one caller's values says nothing about the callee.
                None if own => report.checks.push(checked),
                None => {}
            }
        }
        open
    }

    fn ask(&mut self, assertions: &[Term]) -> (Answer, Option<Query>) {
        let all = self.exec.terms.all(assertions);
        match self.exec.terms.as_bool(all) {
            Some(true) => return (Answer::Sat(Vec::new()), None),
            Some(false) => return (Answer::Unsat, None),
            None => {}
        }
        if self.clock.is_up() {
            return (Answer::Unknown, None);
        }
        let query = Query::new(&self.exec.terms, assertions);
        self.queries += 1;
        (self.solver.ask(&query, QUERY_TIME_MAX), Some(query))
    }

    /// Whether a condition always comes out the same, at a place that is reached.
    fn constant(&mut self, instances: &[Obligation]) -> Option<Verdict> {
        let mut reached = None;
        for value in [true, false] {
            let mut always = true;
            for instance in instances {
                let condition = instance.violation;
                let other = if value { self.exec.terms.not(condition) } else { condition };
                let syntactic = instance.path.contains(&self.exec.terms.not(other));
                always &= syntactic || self.ask(&with(&instance.path, other)).0 == Answer::Unsat;
                if !always {
                    break;
                }
            }
            if always {
                reached = Some(value);
                break;
            }
        }
        let value = reached?;
        for instance in instances {
            let pins = self.pins(&instance.path);
            let mut assertions = instance.path.clone();
            assertions.extend(pins);
            let (Answer::Sat(values), _) = self.ask(&assertions) else { continue };
            let found = model(&self.exec.terms, &values);
            let run = interp::run(self.program, self.function, &self.inputs(&found));
            if run.conditions.contains(&(instance.site, value)) {
                let mut example = self.example(&found);
                example.inputs.insert(0, ("always".to_owned(), value.to_string()));
                return Some(Verdict::Refuted(example));
            }
        }
        None
    }

    fn refute_all(&mut self, open: &[Checked], cut: bool, report: &mut Report) {
        let sites = self.by_site();
        for check in open {
            let instances = sites.get(&(check.site, check.kind));
            let gone = if cut { Unknown::LoopCut } else { Unknown::SolverGaveUp };
            let mut best = Checked { verdict: Verdict::Unknown(gone), ..check.clone() };
            for instance in instances.into_iter().flatten().take(INSTANCES_MAX) {
                let (verdict, query) = self.refute(instance);
                if verdict.weight() > best.verdict.weight() {
                    best = Checked { verdict, query, ..best };
                }
                if matches!(best.verdict, Verdict::Refuted(_)) {
                    break;
                }
            }
            let own = check.function == self.function;
            if own || matches!(best.verdict, Verdict::Refuted(_)) {
                report.checks.push(best);
            }
        }
    }

    /// Unknown calls return: nothing is built on a throw that nobody has seen.
    fn pins(&mut self, roots: &[Term]) -> Vec<Term> {
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
    fn assumed(&self, formula: &[Term]) -> String {
        let support = self.exec.terms.support(formula, false);
        let found = support.iter().find(|id| self.is(**id, Kind::Assumed));
        let about = found.map(|id| self.exec.terms.symbols.get(*id).about.clone());
        about.unwrap_or_default()
    }

    fn kind_of(&self, term: Term) -> Option<Kind> {
        let id = self.exec.terms.symbol_of(term)?;
        Some(self.exec.terms.symbols.get(id).kind)
    }

    fn refute(&mut self, instance: &Obligation) -> (Verdict, Option<Query>) {
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
    fn rests_on_unknown(
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

    fn is(&self, id: SymbolId, kind: Kind) -> bool {
        self.exec.terms.symbols.get(id).kind == kind
    }

    fn constant_term(&mut self, value: Concrete) -> Term {
        match value {
            Concrete::Bool(value) => self.exec.terms.bool(value),
            Concrete::Int(value) => self.exec.terms.int(value),
            Concrete::Float(value) => self.exec.terms.float(value),
        }
    }

    /// Whether it hangs on a parameter, and the path does not already make it fail.
    fn is_callers_choice(&mut self, instance: &Obligation) -> bool {
        let data = self.exec.terms.support(&[instance.violation], true);
        if !data.iter().any(|id| self.is(*id, Kind::Parameter)) {
            return false;
        }
        let fine = self.exec.terms.not(instance.violation);
        if instance.path.contains(&instance.violation) {
            return false;
        }
        let mut assertions = self.pins(&instance.path);
        assertions.extend(with(&instance.path, fine));
        self.ask(&assertions).0 != Answer::Unsat
    }

    fn inputs(&self, found: &BTreeMap<SymbolId, Concrete>) -> Inputs {
        found
            .iter()
            .map(|(id, value)| (self.exec.terms.symbols.get(*id).key.clone(), *value))
            .filter(|(key, _)| key.part != Part::Abstract)
            .collect()
    }

    fn example(&self, found: &BTreeMap<SymbolId, Concrete>) -> Counterexample {
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

    fn reasons(&self) -> Reasons {
        let mut reasons = Reasons::new();
        let roots: Vec<Term> = self
            .exec
            .obligations
            .iter()
            .flat_map(|obligation| with(&obligation.path, obligation.violation))
            .collect();
        for id in self.exec.terms.support(&roots, false) {
            let symbol = self.exec.terms.symbols.get(id);
            if symbol.kind == Kind::Opaque {
                *reasons.entry(symbol.about.clone()).or_default() += 1;
            }
        }
        reasons
    }
}

fn with(path: &[Term], last: Term) -> Vec<Term> {
    let mut all = path.to_vec();
    all.push(last);
    all
}
