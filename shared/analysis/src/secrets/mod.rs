//! Secrets in any text: a keyword first, then a pattern, then a proof that it is no accident.
//!
//! The automaton of keywords is the only part built up front; a pattern's regex is compiled
//! when one of its keywords first occurs. What leaves this module is a place, never a value.

mod assignment;
mod context;
mod general;
mod guard;
mod issuers;
mod kept;
mod patterns;
mod specific;

use std::{ops::Range, sync::OnceLock};

use aho_corasick::AhoCorasick;
use domain::{Category, Severity};
use sha2::{Digest, Sha256};

use crate::{Asked, RuleInfo, excerpt::Lines};
use guard::Candidate;
use patterns::{BARE, Pattern, VALUES, all};

/// How much text in front of a match its guard may look at.
const BEFORE_BYTES_MAX: usize = 400;

/// What decides about secrets, as it was written; see `rules_version`.
pub(crate) const SOURCES: [&str; 9] = [
    include_str!("assignment.rs"),
    include_str!("context.rs"),
    include_str!("general.rs"),
    include_str!("guard.rs"),
    include_str!("guard/encoded.rs"),
    include_str!("guard/words.rs"),
    include_str!("issuers.rs"),
    include_str!("kept.rs"),
    include_str!("patterns.rs"),
];

/// Secrets of one pattern that are kept from one file, and tries at one that reaches far.
const FOUND_MAX: usize = 100;
const BLOCKS_MAX: usize = 500;

/// A pattern that reaches no further is tried wherever its keyword stands.
const NEAR_BYTES: usize = 600;

/// Where a secret stands, and which pattern says so.
pub(crate) struct Secret {
    pub(crate) info: &'static RuleInfo,
    pub(crate) value: Range<usize>,
}

/// What a finding may carry of the value: enough to recognise it again, too little to use it.
/// Layout does not count: a key of many lines stays the same when it is indented anew.
pub(crate) fn digest(secret: &Secret, text: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(secret.info.id.as_bytes());
    hash.update([0]);
    let value = text.get(secret.value.clone()).unwrap_or_default();
    value.split_whitespace().for_each(|part| hash.update(part));
    hex::encode(hash.finalize())
}

/// Every secret of a file, in its order; where patterns overlap, the more specific one, and one
/// that is asked for in any case. Beside them the patterns that were given up because there is
/// too much of them.
pub(crate) fn search(
    path: &str,
    text: &str,
    lines: &Lines<'_>,
    asked: &Asked,
) -> (Vec<Secret>, Vec<&'static RuleInfo>) {
    let mut search = Search { path, text, asked, found: Vec::new() };
    let mut lines_of: Vec<Vec<Range<usize>>> = vec![Vec::new(); all().len()];
    let automaton = automaton();
    for hit in automaton.keywords.find_overlapping_iter(text) {
        let line = lines.line_at(hit.start());
        for index in &automaton.waiting[hit.pattern().as_usize()] {
            if lines_of[*index].last() != Some(&line) {
                lines_of[*index].push(line.clone());
            }
        }
    }
    let mut too_many = Vec::new();
    for (index, lines) in lines_of.iter().enumerate() {
        let tries = if all()[index].reach > NEAR_BYTES { BLOCKS_MAX } else { usize::MAX };
        // One more than is kept shows that there are more.
        let end = search.found.len() + FOUND_MAX + 1;
        for line in lines.iter().take(tries) {
            search.line(index, line, end);
        }
        let more = search.found.len() == end;
        if more {
            search.found.pop();
        }
        if more || lines.len() > tries {
            too_many.push(&infos_by_pattern()[index]);
        }
    }
    too_many.retain(|info: &&RuleInfo| asked.takes(&info.id));
    search.found.sort_by_key(|secret| secret.value.start);
    (search.found, too_many)
}

struct Search<'a> {
    path: &'a str,
    text: &'a str,
    asked: &'a Asked,
    found: Vec<Secret>,
}

impl Search<'_> {
    /// Stops at `end` secrets in all: a line may hold thousands.
    fn line(&mut self, index: usize, line: &Range<usize>, end: usize) {
        if self.found.len() == end {
            return;
        }
        let pattern = all()[index];
        let region_end = match pattern.reach {
            0 => line.end,
            reach => self.text.floor_char_boundary(line.end + reach),
        };
        let region = &self.text[line.start..region_end];
        for found in pattern.regex().captures_iter(region) {
            let value = VALUES.iter().find_map(|group| Some((*group, found.name(group)?)));
            let (Some(whole), Some((group, value))) = (found.get(0), value) else { continue };
            // A block that begins on a later line has a keyword, and its turn, there.
            if line.start + whole.start() > line.end || self.found.len() == end {
                break;
            }
            let name = found.name("name").map_or("", |name| name.as_str());
            let start = line.start + whole.start();
            let candidate = Candidate {
                path: self.path,
                name,
                value: value.as_str(),
                is_bare: group == BARE,
                before: &self.text
                    [self.text.ceil_char_boundary(start.saturating_sub(BEFORE_BYTES_MAX))..start],
            };
            if (pattern.guard)(&candidate) {
                self.add(index, line.start + value.start()..line.start + value.end());
            }
        }
    }

    fn add(&mut self, index: usize, value: Range<usize>) {
        let info = &infos_by_pattern()[index];
        let is_asked = self.asked.takes(&info.id);
        let taken = |own: &Secret| {
            let overlaps = own.value.start < value.end && value.start < own.value.end;
            overlaps && (self.asked.takes(&own.info.id) || !is_asked)
        };
        if !self.found.iter().any(taken) {
            self.found.push(Secret { info, value });
        }
    }
}

struct Automaton {
    keywords: AhoCorasick,
    /// Patterns by the index of the keyword they wait for.
    waiting: Vec<Vec<usize>>,
}

fn automaton() -> &'static Automaton {
    static AUTOMATON: OnceLock<Automaton> = OnceLock::new();
    AUTOMATON.get_or_init(|| {
        let mut words: Vec<&str> = Vec::new();
        let mut waiting: Vec<Vec<usize>> = Vec::new();
        for (index, pattern) in all().iter().enumerate() {
            for keyword in pattern.keywords {
                let at = words.iter().position(|word| word == keyword).unwrap_or_else(|| {
                    words.push(keyword);
                    waiting.push(Vec::new());
                    words.len() - 1
                });
                waiting[at].push(index);
            }
        }
        let keywords = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .build(words)
            .expect("a few dozen short words fit any automaton");
        Automaton { keywords, waiting }
    })
}

pub(crate) fn infos() -> impl Iterator<Item = RuleInfo> {
    infos_by_pattern().iter().cloned()
}

fn infos_by_pattern() -> &'static [RuleInfo] {
    static INFOS: OnceLock<Vec<RuleInfo>> = OnceLock::new();
    INFOS.get_or_init(|| all().iter().map(|pattern| info(pattern)).collect())
}

fn info(pattern: &Pattern) -> RuleInfo {
    let message = match pattern.severity {
        Severity::Critical | Severity::High => {
            "Whoever can read this repository, now or in its history, can use this credential."
        }
        Severity::Info | Severity::Low | Severity::Medium => {
            "If this value is still valid, whoever can read this repository can use it."
        }
    };
    RuleInfo {
        id: pattern.id.to_owned(),
        languages: Vec::new(),
        severity: pattern.severity,
        confidence: pattern.confidence,
        category: Category::Secret,
        cwe: vec!["CWE-798".to_owned()],
        owasp: vec!["A07:2021".to_owned()],
        title: format!("{} in the code", pattern.what),
        message: message.to_owned(),
        fix: Some(
            "Revoke it first: removing the line leaves it in the history. Then read the new one \
             from the environment or a secret store."
                .to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests;
