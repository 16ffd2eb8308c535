//! The step that judges: rules and secret patterns over every file, as findings.

mod custom;
mod fix;
mod flows;
mod nil;

use std::{collections::HashMap, ops::Range};

use domain::{
    Finding, Fingerprint, Language, LineRange, Snapshot, SourceFile, UnanalysedReason,
    VerificationType,
};
use serde::{Deserialize, Serialize};

use crate::{
    Asked, Clock, CustomRules, RuleInfo,
    excerpt::{Lines, merged},
    is_demoted_by_name,
    package::{Package, Packages},
    place::Place,
    rules::{self, Match, Outcome, Ruleset},
    secrets::{self, Secret},
    taint,
    test_code::test_modules,
    trail,
    tree::{Parsers, Stopped},
};
use fix::Mending;

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scan {
    /// Sorted by path, line and rule.
    pub findings: Vec<Finding>,
    /// Where a clean result proves nothing. Sorted by path.
    pub incomplete: Vec<Incomplete>,
}

/// A file, or one rule on a file, that was not looked at to the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incomplete {
    pub path: String,
    /// `None`: no rule was finished.
    pub rule: Option<String>,
    pub reason: IncompleteReason,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncompleteReason {
    TimedOut,
    /// The rule took more steps than one rule may.
    OutOfFuel,
    /// The rule matched more often in this file than is kept.
    TooMany,
    /// Nested too deeply to be matched safely; secrets were still searched.
    TooDeep,
    /// A rule of the customer's own that this version cannot run.
    Unusable,
}

/// Runs every built-in rule and secret pattern.
pub fn scan(snapshot: &Snapshot, clock: &Clock) -> Scan {
    scan_with(snapshot, CustomRules::none(), clock)
}

/// Runs every built-in rule and secret pattern, and the rules of a customer.
pub fn scan_with(snapshot: &Snapshot, custom: &CustomRules, clock: &Clock) -> Scan {
    let mut scan = Scan::default();
    let mut parsers = Parsers::default();
    let packages = Packages::of(&snapshot.files);
    for file in &snapshot.files {
        let around = packages.around(file);
        let demand = Demand { custom, asked: &Asked::default(), around };
        parsers.reading(file, around, *clock, |parsers| {
            scan_file(file, demand, parsers, *clock, &mut scan);
        });
    }
    // Stable: findings that agree in all three stay in the order of the file.
    scan.findings.sort_by(|one, other| {
        (&one.path, one.lines.first, &one.rule).cmp(&(&other.path, other.lines.first, &other.rule))
    });
    scan.incomplete.sort_by(|one, other| (&one.path, &one.rule).cmp(&(&other.path, &other.rule)));
    scan
}

/// What a file is examined with, beside the built-in rules, and for.
#[derive(Clone, Copy)]
pub(crate) struct Demand<'a> {
    pub(crate) custom: &'a CustomRules,
    pub(crate) asked: &'a Asked,
    /// The files that it is read together with.
    pub(crate) around: Option<&'a Package<'a>>,
}

/// Adds the findings of one file, and gives for each where exactly it stands.
pub(crate) fn scan_file(
    file: &SourceFile,
    Demand { custom, asked, around }: Demand<'_>,
    parsers: &mut Parsers,
    clock: Clock,
    scan: &mut Scan,
) -> Vec<Exact> {
    let (language, text, demoted, is_own) = match Place::of(file) {
        Place::Code { language, text, demoted } => (Some(language), text, demoted, true),
        Place::Text { text, demoted, reason } => {
            (None, text, demoted, reason == UnanalysedReason::UnknownLanguage)
        }
        Place::Unread(_) => return Vec::new(),
    };
    if clock.is_up() {
        scan.incomplete.push(incomplete(file, None, IncompleteReason::TimedOut));
        return Vec::new();
    }
    let lines = Lines::new(text);
    let (secrets, too_many) = secrets::search(&file.path, text, &lines, asked);
    for info in too_many {
        scan.incomplete.push(incomplete(file, Some(&info.id), IncompleteReason::TooMany));
    }
    let masks = merged(secrets.iter().map(|secret| secret.value.clone()).collect());
    let first = scan.findings.len();
    let (seen, exact) = (HashMap::new(), Vec::new());
    let mut report = Report { file, asked, lines, masks, demoted, seen, exact, scan };
    for secret in secrets.iter().filter(|secret| asked.takes(&secret.info.id)) {
        report.secret(secret, text);
    }
    if let Some(language) = language {
        report.rules(language, text, parsers, clock);
        let is_followed = language == Language::Go && !is_demoted_by_name(&file.path);
        if is_followed && crate::nil::is_asked_for(asked) {
            report.nil(around, text, parsers, clock);
        }
    }
    if is_own {
        report.custom(custom, language, text, parsers, clock);
    }
    let exact = report.exact;
    let Some(language) = language else { return exact };
    let found = &mut scan.findings[first..];
    if !found.is_empty() {
        let tests = test_modules(language, text, parsers, clock);
        for finding in &mut *found {
            let within = |test: &LineRange| {
                test.first <= finding.lines.first && finding.lines.last <= test.last
            };
            finding.demoted |= tests.iter().any(within);
        }
        trail::lay(language, text, parsers, clock, found, &exact);
    }
    exact
}

/// Where in its lines a finding stands.
pub(crate) struct Exact {
    pub(crate) bytes: Range<usize>,
    pub(crate) columns: Option<(u32, u32)>,
    pub(crate) marks: Vec<Range<usize>>,
}

fn incomplete(file: &SourceFile, rule: Option<&str>, reason: IncompleteReason) -> Incomplete {
    Incomplete { path: file.path.clone(), rule: rule.map(str::to_owned), reason }
}

/// Turns the matches of one file into findings.
struct Report<'a> {
    file: &'a SourceFile,
    asked: &'a Asked,
    lines: Lines<'a>,
    /// Secrets must not show in any snippet, whichever rule it belongs to.
    masks: Vec<Range<usize>>,
    demoted: bool,
    /// How often a combination of rule, symbol and tokens has occurred.
    seen: HashMap<(String, String, String), u32>,
    /// One for each finding of this file.
    exact: Vec<Exact>,
    scan: &'a mut Scan,
}

impl Report<'_> {
    fn secret(&mut self, secret: &Secret, text: &str) {
        let digest = secrets::digest(secret, text);
        let identity = (String::new(), digest);
        self.finding(secret.info, VerificationType::Secret, &secret.value, identity, None);
    }

    fn rules(&mut self, language: Language, text: &str, parsers: &mut Parsers, clock: Clock) {
        let ruleset = rules::ruleset(language);
        let outcome = rules::run(ruleset, language, text, parsers, clock);
        let outcome = asked_for(self.asked, ruleset, outcome);
        let out_of_fuel =
            outcome.out_of_fuel.iter().map(|rule| (*rule, IncompleteReason::OutOfFuel));
        let too_many = outcome.too_many.iter().map(|rule| (*rule, IncompleteReason::TooMany));
        for (rule, reason) in out_of_fuel.chain(too_many) {
            let id = Some(ruleset.rules[rule].info.id.as_str());
            self.scan.incomplete.push(incomplete(self.file, id, reason));
        }
        if let Some(stopped) = outcome.stopped {
            let reason = match stopped {
                Stopped::TimedOut => IncompleteReason::TimedOut,
                Stopped::TooDeep => IncompleteReason::TooDeep,
            };
            self.scan.incomplete.push(incomplete(self.file, None, reason));
        }
        let stopped = outcome.stopped.is_some();
        let mut followed = self.follow(language, text, parsers, clock, stopped);
        let set = taint::taint_set(language);
        let matches = without_superseded(ruleset, outcome.matches);
        let diffs = self.mending(language, text, clock).of_rules(self.asked, ruleset, &matches);
        let place = (language, text, clock);
        let told: Vec<_> = matches
            .iter()
            .map(|found| (ruleset.rules[found.rule].info.id.as_str(), found.bytes.clone()))
            .filter(|(id, bytes)| !flows::is_settled(set, &followed, id, bytes))
            .collect();
        flows::without_yielding(set, &mut followed.flows, &told);
        let fixes = self.inherited(&followed, ruleset, &matches, &diffs, place);
        for (found, diff) in matches.into_iter().zip(diffs) {
            let info = &ruleset.rules[found.rule].info;
            if !flows::is_settled(set, &followed, &info.id, &found.bytes) {
                let identity = (found.symbol, found.normalised);
                self.finding(info, VerificationType::Syntax, &found.bytes, identity, diff);
            }
        }
        self.flows(set, &followed.flows, fixes);
    }

    fn mending<'a>(&'a self, language: Language, text: &'a str, clock: Clock<'a>) -> Mending<'a> {
        let (path, lines, masks) = (&self.file.path, &self.lines, &self.masks);
        Mending { path, language, text, lines, masks, clock }
    }

    fn finding(
        &mut self,
        info: &RuleInfo,
        verification: VerificationType,
        bytes: &Range<usize>,
        (symbol, normalised): (String, String),
        fix_diff: Option<String>,
    ) {
        let path = &self.file.path;
        let key = (info.id.clone(), symbol, normalised);
        let occurrence = self.seen.get(&key).copied().unwrap_or_default();
        let fingerprint = Fingerprint::of(&info.id, path, &key.1, &key.2, occurrence);
        // How long a secret is, is part of the secret.
        let is_secret = verification == VerificationType::Secret;
        let trail = is_secret.then(|| trail::of_secret(&info.id, &key.2));
        self.seen.insert(key, occurrence + 1);
        let lines = self.lines.around(bytes);
        let snippet = self.lines.snippet(bytes, &self.masks);
        let columns = self.lines.columns(bytes).filter(|_| !is_secret);
        self.exact.push(Exact { bytes: bytes.clone(), columns, marks: snippet.marks });

        self.scan.findings.push(Finding {
            rule: info.id.clone(),
            category: info.category,
            severity: info.severity,
            confidence: info.confidence,
            verification,
            title: info.title.clone(),
            description: info.message.clone(),
            path: path.clone(),
            lines,
            snippet: snippet.text,
            snippet_hash: self.lines.hash(lines),
            fingerprint,
            trail,
            fix_suggestion: info.fix.clone(),
            fix_diff,
            cwe: info.cwe.clone(),
            owasp: info.owasp.clone(),
            demoted: self.demoted,
        });
    }
}

/// What the rules that are asked for have to say.
fn asked_for(asked: &Asked, ruleset: &Ruleset, mut outcome: Outcome) -> Outcome {
    let takes = |rule: usize| asked.takes(&ruleset.rules[rule].info.id);
    outcome.matches.retain(|found| takes(found.rule));
    outcome.out_of_fuel.retain(|rule| takes(*rule));
    outcome.too_many.retain(|rule| takes(*rule));
    outcome
}

/// Drops a match where a rule that says more about the same code matches too.
fn without_superseded(ruleset: &Ruleset, matches: Vec<Match>) -> Vec<Match> {
    let loud: Vec<(&[String], Range<usize>)> = matches
        .iter()
        .map(|found| (ruleset.rules[found.rule].supersedes.as_slice(), found.bytes.clone()))
        .filter(|(silences, _)| !silences.is_empty())
        .collect();
    let kept = matches.into_iter().filter(|found| {
        let id = &ruleset.rules[found.rule].info.id;
        !loud.iter().any(|(silences, bytes)| {
            bytes.start < found.bytes.end && found.bytes.start < bytes.end && silences.contains(id)
        })
    });
    kept.collect()
}

#[cfg(test)]
mod tests;
