//! The report for people.

use std::{cmp::Reverse, collections::BTreeMap, io};

use analysis::Located;
use domain::{Severity, UnanalysedReason};

use super::{
    frame,
    judge::{Bar, Judged, Outcome, State},
    notices,
};
use crate::words::{Ink, excerpt, shown};

/// Files that are named of one reason; the JSON names all.
const NAMED_MAX: usize = 10;
const TITLE_CHARS_MAX: usize = 60;
/// Longer fixes are read in a diff viewer.
const FIX_LINES_MAX: usize = 20;

pub(super) fn print(outcome: &Outcome, out: &mut impl io::Write) -> io::Result<()> {
    let is_new = |judged: &&Judged| judged.state == State::New;
    let (mut code, mut other) = (Vec::new(), Vec::new());
    for judged in outcome.findings.iter().filter(is_new) {
        let list = if judged.located.finding.demoted { &mut other } else { &mut code };
        list.push(&judged.located);
    }
    // Stable: findings of one severity stay sorted by path and line.
    code.sort_by_key(|located| Reverse(located.finding.severity));
    for located in &code {
        writeln!(out, "{}", frame::of(located))?;
        fix(located.finding.fix_diff.as_deref().unwrap_or_default(), out)?;
        writeln!(out)?;
    }
    demoted(&other, out)?;
    verdict(outcome, &code, out)?;
    beside(outcome, &other, out)?;
    expired(outcome, out)?;
    looked_at(outcome, out)?;
    gaps(outcome, out)
}

/// The lines that a fix takes away and puts in; the JSON has the diff that `git apply` takes.
fn fix(diff: &str, out: &mut impl io::Write) -> io::Result<()> {
    let changes = diff.lines().skip_while(|line| !line.starts_with("@@"));
    for line in changes.filter(|line| line.starts_with(['-', '+'])).take(FIX_LINES_MAX) {
        let ink = if line.starts_with('-') { Ink::Red } else { Ink::Green };
        writeln!(out, "      {}", ink.on(&shown(&line.replace('\t', "    "))))?;
    }
    Ok(())
}

/// Findings in tests and the like, a line each: they decide nothing.
fn demoted(findings: &[&Located], out: &mut impl io::Write) -> io::Result<()> {
    if findings.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "{}",
        Ink::Bold.on("In test, generated or vendored code, where nothing decides:")
    )?;
    for located in findings {
        let finding = &located.finding;
        let place = format!("{}:{}", shown(&finding.path), finding.lines.first);
        let severity = ink(finding.severity).on(&format!("{:<8}", finding.severity));
        let title = excerpt(&finding.title, TITLE_CHARS_MAX);
        writeln!(out, "  {severity} {place}  {title}  {}", Ink::Grey.on(&finding.rule))?;
    }
    writeln!(out)
}

fn ink(severity: Severity) -> Ink {
    match severity {
        Severity::Critical | Severity::High => Ink::Red,
        Severity::Medium => Ink::Yellow,
        Severity::Low | Severity::Info => Ink::Grey,
    }
}

fn verdict(outcome: &Outcome, code: &[&Located], out: &mut impl io::Write) -> io::Result<()> {
    let kind = if outcome.has_baseline { "new finding" } else { "finding" };
    let told = match code.len() {
        0 => format!("no {kind}s"),
        count => format!("{}: {}", counted(count, kind), by_severity(code)),
    };
    let deciding = outcome.deciding();
    let least = match (outcome.bar, deciding) {
        (Bar::Severity(None), _) => "none decides".to_owned(),
        (Bar::Severity(Some(Severity::Critical)), count) => {
            format!("{count} critical enough to decide")
        }
        (Bar::Severity(Some(least)), 0) => format!("none {least} or worse"),
        (Bar::Severity(Some(least)), count) => format!("{count} {least} or worse"),
        (Bar::Gate(_), 0) => "no more than the policy lets through".to_owned(),
        (Bar::Gate(_), count) => format!("{count} of which the policy lets fewer through"),
    };
    let word = match deciding {
        0 => Ink::Green.on("passed"),
        _ => Ink::Red.on("failed"),
    };
    if code.is_empty() {
        writeln!(out, "{word}  {told}")
    } else {
        writeln!(out, "{word}  {told}; {least}")
    }
}

fn by_severity(findings: &[&Located]) -> String {
    let mut counts: BTreeMap<Reverse<Severity>, usize> = BTreeMap::new();
    for located in findings {
        *counts.entry(Reverse(located.finding.severity)).or_default() += 1;
    }
    let each = counts.iter().map(|(Reverse(severity), count)| format!("{count} {severity}"));
    each.collect::<Vec<_>>().join(", ")
}

/// Findings that are there and not in the list above, and those that are gone.
fn beside(outcome: &Outcome, demoted: &[&Located], out: &mut impl io::Write) -> io::Result<()> {
    let of = |state| outcome.findings.iter().filter(|judged| judged.state == state).count();
    let of_off_rules = outcome.policy.off.values().sum::<u32>() as usize;
    let told = [
        (demoted.len(), "in test, generated or vendored code"),
        (of(State::Known), "known from the baseline"),
        (of(State::Dismissed), "dismissed in the baseline"),
        (of(State::Ignored), "ignored by the policy"),
        (of_off_rules, "of rules that the policy turns off"),
        (outcome.gone.len(), "of the baseline gone: write it anew to forget them"),
        (outcome.foreign, "of the baseline from other tools, compared with nothing"),
    ];
    for (count, what) in told.into_iter().filter(|(count, _)| *count > 0) {
        writeln!(out, "        {count} {what}")?;
    }
    Ok(())
}

/// Entries of the policy that hold no longer: their findings count again.
fn expired(outcome: &Outcome, out: &mut impl io::Write) -> io::Result<()> {
    for entry in outcome.policy.ignores.iter().filter(|entry| entry.expired) {
        let Some(day) = entry.expires else { continue };
        let count = counted(entry.findings as usize, "finding");
        let reason = excerpt(&entry.reason, TITLE_CHARS_MAX);
        let word = Ink::Yellow.on("expired");
        writeln!(out, "{word} on {day}, line {} of the policy: {count}: {reason}", entry.line)?;
    }
    Ok(())
}

fn looked_at(outcome: &Outcome, out: &mut impl io::Write) -> io::Result<()> {
    let coverage = &outcome.coverage;
    let languages: Vec<String> =
        coverage.languages.iter().map(|(language, files)| format!("{language} {files}")).collect();
    let languages = match languages.is_empty() {
        true => String::new(),
        false => format!(" ({})", languages.join(", ")),
    };
    writeln!(
        out,
        "parsed  {} of {}{languages}: {}, {}, {}",
        coverage.analysed,
        counted(coverage.files as usize, "file"),
        counted(coverage.lines as usize, "line"),
        counted(coverage.functions as usize, "function"),
        counted(outcome.rules, "rule"),
    )
}

/// Everything that a clean report says nothing about.
fn gaps(outcome: &Outcome, out: &mut impl io::Write) -> io::Result<()> {
    let mut by_reason: BTreeMap<UnanalysedReason, Vec<&str>> = BTreeMap::new();
    for file in &outcome.coverage.unanalysed {
        by_reason.entry(file.reason).or_default().push(&file.path);
    }
    for (reason, paths) in &by_reason {
        let (_, what) = sarif::unanalysed(*reason);
        writeln!(out, "        {} {what}", counted(paths.len(), "file"))?;
        if reason.is_gap() {
            names(paths.iter().map(|path| shown(path)), out)?;
        }
    }
    let partly: Vec<String> = outcome
        .coverage
        .problems
        .iter()
        .map(|problem| {
            format!("{}: {}", shown(&problem.path), sarif::problem(problem.line, problem.errors))
        })
        .chain(
            outcome
                .incomplete
                .iter()
                .map(|one| format!("{}: {}", shown(&one.path), notices::incomplete(one).1)),
        )
        .collect();
    if !partly.is_empty() {
        writeln!(out, "{} in part", Ink::Yellow.on("only"))?;
        names(partly.into_iter(), out)?;
    }
    if !outcome.unreadable.is_empty() {
        writeln!(out, "{} read", Ink::Yellow.on("cannot be"))?;
        let named =
            |one: &super::examine::Unreadable| format!("{}: {}", shown(&one.path), one.reason);
        names(outcome.unreadable.iter().map(named), out)?;
    }
    Ok(())
}

fn names(names: impl ExactSizeIterator<Item = String>, out: &mut impl io::Write) -> io::Result<()> {
    let more = names.len().saturating_sub(NAMED_MAX);
    for name in names.take(NAMED_MAX) {
        writeln!(out, "          {name}")?;
    }
    if more > 0 {
        writeln!(out, "          and {more} more, which --json names")?;
    }
    Ok(())
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
