//! Two questions a check. Can it go wrong in anything the code may do? If not, it is proved.
//! Can it go wrong in a run that exists, and does that run fail in the interpreter? Then it is
//! refuted. Everything else is unknown, with its reason.

mod refute;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::{
    Clock,
    exec::{Exec, Mode, Obligation, Stopped},
    interp::{self},
    ir::{CheckKind, Program, Site},
    smt::{Query, model},
    solver::{Answer, Solver},
    symbol::Kind,
    term::Term,
    verdict::{Checked, Reasons, Report, Unknown, Verdict},
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
        unchecked: BTreeSet::new(),
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
    report.unchecked = std::mem::take(&mut over.exec.unchecked);
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
        let mut assertions = assertions.to_vec();
        assertions.extend(self.exec.invariants.about(&self.exec.terms, &assertions));
        let query = Query::new(&self.exec.terms, &assertions);
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
                if instance.path.contains(&self.exec.terms.not(other)) {
                    continue;
                }
                let (answer, _) = self.ask(&with(&instance.path, other));
                if let Answer::Unavailable(why) = answer {
                    return Some(Verdict::Unknown(Unknown::SolverUnavailable(why)));
                }
                always &= answer == Answer::Unsat;
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
            let values = match self.ask(&assertions).0 {
                Answer::Sat(values) => values,
                Answer::Unavailable(why) => {
                    return Some(Verdict::Unknown(Unknown::SolverUnavailable(why)));
                }
                Answer::Unsat | Answer::Unknown => continue,
            };
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
                // Even to write a question down takes time.
                if self.clock.is_up() {
                    best.verdict = Verdict::Unknown(Unknown::TimedOut);
                    break;
                }
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

    fn reasons(&self) -> Reasons {
        let mut reasons = Reasons::new();
        // One after the other, they mostly stand behind the same facts.
        let mut roots = Vec::new();
        let mut before: &[Term] = &[];
        for Obligation { path, violation, .. } in &self.exec.obligations {
            let same = before.iter().zip(path).take_while(|(one, two)| one == two).count();
            roots.extend_from_slice(&path[same..]);
            roots.push(*violation);
            before = path;
        }
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
