//! What examining the file gave: how many of its units are without an open finding, and by how
//! many rules they were looked at.

use std::sync::OnceLock;

use domain::{Language, LineRange};

use super::{Facts, Measured, Observation, Observed, Part, Place};
use crate::read::contains;

const PASS_RATE: f64 = 0.7;
const CHECKS: f64 = 0.3;
/// So many checks are as good as more.
const CHECKS_ENOUGH: f64 = 10.0;

pub(super) fn measure(facts: &Facts, observed: &Observed) -> Measured {
    let open: Vec<&Observation> =
        observed.findings.iter().filter(|finding| finding.is_open()).collect();
    // What stands outside every function is one unit more.
    let units = facts.functions.len() + 1;
    let mut failing: Vec<usize> =
        open.iter().map(|finding| unit_of(&facts.functions, finding.lines)).collect();
    failing.sort_unstable();
    failing.dedup();
    let pass_rate = (units - failing.len()) as f64 / units as f64;
    let rules = if observed.unfinished { 0 } else { rules_for(facts.language) };
    let checks = (rules as f64 / CHECKS_ENOUGH).min(1.0);

    let mut places: Vec<Place> = open
        .iter()
        .map(|finding| Place { line: finding.lines.first, rule: Some(finding.rule.clone()) })
        .collect();
    places.sort_unstable();
    let ignored = observed.findings.len() - open.len();
    let pass_part = Part::new("pass_rate", PASS_RATE)
        .value(pass_rate)
        .counted(units - failing.len(), Some(units))
        .note(format!(
            "functions, and what is outside of them, without an open finding; {ignored} findings \
             are dismissed, demoted or too unsure to count"
        ))
        .at(places);
    let check_part = Part::new("checks", CHECKS)
        .value(checks)
        .counted(rules, None)
        .note("rules for the language that looked at the file; ten are enough");
    let value = PASS_RATE * pass_rate + CHECKS * checks;
    if rules == 0 {
        let reason = "no rule was finished on this file".to_owned();
        return Measured { value: Err(reason), formula: 0.0, parts: vec![pass_part, check_part] };
    }
    Measured { value: Ok(value), formula: value, parts: vec![pass_part, check_part] }
}

/// The innermost function around some lines; behind the last one stands what is in none.
fn unit_of(functions: &[LineRange], lines: LineRange) -> usize {
    let around = functions.iter().enumerate().filter(|(_, function)| contains(**function, lines));
    let innermost = around.min_by_key(|(_, function)| function.last - function.first);
    innermost.map_or(functions.len(), |(index, _)| index)
}

/// How many built-in rules look at a language.
fn rules_for(language: Language) -> usize {
    static COUNTS: OnceLock<Vec<usize>> = OnceLock::new();
    let counts = COUNTS.get_or_init(|| {
        let of = |language: &Language| {
            analysis::rules().iter().filter(|rule| rule.languages.contains(language)).count()
        };
        Language::ALL.iter().map(of).collect()
    });
    Language::ALL.iter().position(|one| *one == language).map_or(0, |index| counts[index])
}
