//! Checks functions one by one, each for as long as it may take, and keeps what comes of them.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use analysis::syntax_tree;
use domain::{ChangedFile, FormalSummary, FormalVerdict, Language, SourceFile};
use formal::{
    Answer, Clock, NoSolver, Query, Report, Solver, Source, Unknown, Verdict,
    ir::{CheckKind, Program},
};
use policy::Formal;
use sha2::{Digest, Sha256};
use solver::Z3;
use store::formal_results::TEST_CHARS_MAX;

use super::group::{Focus, groups, touched_and_callers};

/// One check of one function, with what is to be kept of it.
#[derive(Debug, Clone)]
pub(super) struct Outcome {
    pub(super) language: Language,
    pub(super) path: String,
    pub(super) function: String,
    pub(super) line: u32,
    /// The line as it stands in the file.
    pub(super) text: String,
    pub(super) kind: CheckKind,
    pub(super) verdict: FormalVerdict,
    pub(super) reason: Option<String>,
    pub(super) query: Option<String>,
    pub(super) inputs: Option<Vec<(String, String)>>,
    pub(super) test: Option<String>,
    /// File and name of the function that was checked; it goes wrong in it or in one that it calls.
    checked: (String, String),
    /// What the whole function took.
    pub(super) took: Duration,
    /// The base fails in the same way.
    pub(super) existing: bool,
}

impl Outcome {
    /// The rendered test, unless it is too long to be kept.
    pub(super) fn kept_test(&self) -> Option<String> {
        self.test.clone().filter(|test| test.chars().count() <= TEST_CHARS_MAX)
    }
}

#[derive(Debug, Default)]
pub(super) struct Examined {
    pub(super) summary: FormalSummary,
    pub(super) outcomes: Vec<Outcome>,
}

pub(super) struct Examiner {
    solver: Limited,
    /// What one function may take.
    function_time: Duration,
    stop: Instant,
}

/// A solver that takes as long for a question as the repository's policy says.
struct Limited {
    solver: Box<dyn Solver>,
    query_time: Duration,
}

impl Solver for Limited {
    fn ask(&mut self, query: &Query, _: Duration) -> Answer {
        self.solver.ask(query, self.query_time)
    }
}

pub(super) fn hash(query: &str) -> String {
    hex::encode(Sha256::digest(query))
}

impl Examiner {
    pub(super) fn new(z3_path: Option<&str>, limits: Formal, stop: Instant) -> Self {
        let solver: Box<dyn Solver> = match z3_path {
            Some(path) => Box::new(Z3::new(path)),
            None => Box::new(NoSolver),
        };
        let time = |ms: u32| Duration::from_millis(ms.into());
        let solver = Limited { solver, query_time: time(limits.query_timeout_ms) };
        Self { solver, function_time: time(limits.function_timeout_ms), stop }
    }

    pub(super) fn examine(
        &mut self,
        files: &[SourceFile],
        changes: Option<&[ChangedFile]>,
        base: Option<&[SourceFile]>,
    ) -> Examined {
        let mut examined = Examined::default();
        for language in Language::ALL.iter().copied() {
            let (groups, unread) = groups(language, files, changes, base);
            examined.summary.callers_unread += unread;
            for group in groups {
                let first = examined.outcomes.len();
                self.check_group(language, &group, &touched_and_callers, &mut examined);
                if changes.is_some() && base.is_some() {
                    self.mark_existing(language, &group, &mut examined.outcomes[first..]);
                }
            }
        }
        examined
    }

    /// Checks those functions of a group that `wanted` names, in its order.
    fn check_group(
        &mut self,
        language: Language,
        group: &[Focus<'_>],
        wanted: &dyn Fn(&Program, &[&Focus<'_>]) -> Vec<usize>,
        into: &mut Examined,
    ) {
        let stop = self.stop;
        let time_is_up = || Instant::now() >= stop;
        let clock = analysis::Clock::new(&time_is_up);
        let mut parsed = Vec::new();
        for focus in group {
            match syntax_tree(language, focus.text, &clock) {
                Some(tree) => parsed.push((focus, tree)),
                None if !focus.context => {
                    let reason = "the time of the run was over before the file was read";
                    *into.summary.reasons.entry(reason.to_owned()).or_default() += 1;
                }
                None => {}
            }
        }
        let sources: Vec<Source<'_>> = parsed
            .iter()
            .map(|(focus, tree)| Source { path: focus.path, language, text: focus.text, tree })
            .collect();
        let program = formal::lower(language, &sources);
        let read: Vec<&Focus<'_>> = parsed.iter().map(|(focus, _)| *focus).collect();
        for index in wanted(&program, &read) {
            if Instant::now() >= stop {
                into.summary.functions_skipped += 1;
                continue;
            }
            let (report, took) = self.check(&program, index);
            keep(language, &program, &sources, report, took, into);
        }
    }

    fn check(&mut self, program: &Program, index: usize) -> (Report, Duration) {
        let begun = Instant::now();
        let until = self.stop.min(begun + self.function_time);
        let time_is_up = || Instant::now() >= until;
        let report = formal::check(program, index, &mut self.solver, Clock::new(&time_is_up));
        (report, begun.elapsed())
    }

    /// Says of each refutation whether the base is refuted at the same line of the same function:
    /// with all files of the group as they were.
    fn mark_existing(&mut self, language: Language, group: &[Focus<'_>], fresh: &mut [Outcome]) {
        let refuted = |one: &Outcome| one.verdict == FormalVerdict::Refuted;
        let checked: HashSet<(String, String)> =
            fresh.iter().filter(|one| refuted(one)).map(|one| one.checked.clone()).collect();
        if checked.is_empty() {
            return;
        }
        let before: Vec<Focus<'_>> = group.iter().filter_map(Focus::before).collect();
        let same = |program: &Program, read: &[&Focus<'_>]| -> Vec<usize> {
            let known = |index: &usize| {
                let function = &program.functions[*index];
                checked.contains(&(read[function.file].path.to_owned(), function.name.clone()))
            };
            (0..program.functions.len()).filter(known).collect()
        };
        let mut examined = Examined::default();
        self.check_group(language, &before, &same, &mut examined);
        let known: HashSet<_> =
            examined.outcomes.iter().filter(|one| refuted(one)).map(identity).collect();
        for one in fresh {
            one.existing = known.contains(&identity(one));
        }
    }
}

fn identity(outcome: &Outcome) -> (String, String, CheckKind, String) {
    let text = outcome.text.split_whitespace().collect::<Vec<_>>().join(" ");
    (outcome.path.clone(), outcome.function.clone(), outcome.kind, text)
}

/// Takes over what one function's report says.
fn keep(
    language: Language,
    program: &Program,
    sources: &[Source<'_>],
    report: Report,
    took: Duration,
    into: &mut Examined,
) {
    let mut note = |unknown: &Unknown| {
        if let Unknown::SolverUnavailable(why) = unknown {
            into.summary.solver_unavailable.get_or_insert_with(|| why.clone());
        }
        *into.summary.reasons.entry(unknown.to_string()).or_default() += 1;
    };
    match &report.incomplete {
        Some(unknown) => {
            note(unknown);
            into.summary.functions_incomplete += 1;
        }
        None => into.summary.functions += 1,
    }
    let assumed = report.assumptions.join(", ");
    for found in report.checks {
        let function = &program.functions[found.function];
        let source = &sources[function.file];
        let seen = |one: &Outcome| {
            one.line == found.line && one.kind == found.kind && one.path == source.path
        };
        // Another caller may have shown the same of it already.
        if found.function != report.function && into.outcomes.iter().any(seen) {
            continue;
        }
        let (verdict, reason, example) = match found.verdict {
            Verdict::Proved if !assumed.is_empty() => {
                let reason = format!("it assumes that nobody else assigns to {assumed}");
                (FormalVerdict::Unknown, Some(reason), None)
            }
            Verdict::Proved => (FormalVerdict::Proved, None, None),
            Verdict::Refuted(example) => (FormalVerdict::Refuted, None, Some(example)),
            Verdict::CallerDependent(example) => {
                (FormalVerdict::CallerDependent, None, Some(example))
            }
            Verdict::Unknown(unknown) => {
                note(&unknown);
                (FormalVerdict::Unknown, Some(unknown.to_string()), None)
            }
        };
        let caller = &program.functions[report.function];
        let test = example.as_ref().and_then(|example| {
            let path = sources[caller.file].path;
            formal::test_program(path, caller, found.kind, found.line, example)
        });
        into.outcomes.push(Outcome {
            language,
            path: source.path.to_owned(),
            function: function.name.clone(),
            line: found.line,
            text: line(source.text, found.line).to_owned(),
            kind: found.kind,
            verdict,
            reason,
            query: found.query.map(|query| query.script),
            inputs: example.map(|example| example.inputs),
            test,
            checked: (sources[caller.file].path.to_owned(), caller.name.clone()),
            took,
            existing: false,
        });
    }
}

fn line(text: &str, number: u32) -> &str {
    text.lines().nth(number.saturating_sub(1) as usize).unwrap_or_default()
}
