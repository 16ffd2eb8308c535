//! What a pattern is, and the list of all.

use std::sync::OnceLock;

use domain::Severity;
use regex::Regex;

use super::{
    context::CONTEXT, general::GENERAL, guard::Candidate, issuers::issuers, kept::KEPT,
    specific::SPECIFIC,
};

/// How far a secret of several lines is followed.
pub(super) const BLOCK_BYTES_MAX: usize = 8 * 1024;

/// Groups of an expression that hold a secret: one for each kind of quotes around it.
pub(super) const VALUES: [&str; 5] = ["value", "single", "backtick", BARE, "turned"];

/// The one without quotes.
pub(super) const BARE: &str = "bare";

pub(super) struct Pattern {
    pub(super) id: &'static str,
    /// Completes "… in the code".
    pub(super) what: &'static str,
    /// In lower case; the pattern is tried on lines that hold one of them in any case.
    pub(super) keywords: &'static [&'static str],
    pub(super) shape: Shape,
    /// Whether this is a real one.
    pub(super) guard: fn(&Candidate<'_>) -> bool,
    pub(super) severity: Severity,
    pub(super) confidence: f64,
    /// How many bytes beyond its first line the secret, or what shows it, may lie.
    pub(super) reach: usize,
    /// Compiled when a keyword first occurs: all of them together would take seconds.
    pub(super) compiled: OnceLock<Regex>,
}

/// How the text around and in a secret looks.
pub(super) enum Shape {
    /// The whole expression. Its group `value`, or one of the others in [`VALUES`], is the secret;
    /// a group `name` is shown to the guard.
    Whole(&'static str),
    /// A value that is recognised wherever it stands alone.
    Token(&'static str),
    /// A value assigned to something whose name holds one of the keywords.
    Named(&'static str),
}

impl Pattern {
    /// A secret that only what stands around it gives away.
    pub(super) const fn whole(
        id: &'static str,
        what: &'static str,
        keywords: &'static [&'static str],
        shape: &'static str,
        guard: fn(&Candidate<'_>) -> bool,
        (severity, confidence): (Severity, f64),
        reach: usize,
    ) -> Self {
        let shape = Shape::Whole(shape);
        let compiled = OnceLock::new();
        Self { id, what, keywords, shape, guard, severity, confidence, reach, compiled }
    }

    /// The expression, ready to run.
    pub(super) fn regex(&self) -> &Regex {
        self.compiled.get_or_init(|| {
            Regex::new(&self.expression()).expect("patterns are constant and a test compiles each")
        })
    }

    fn expression(&self) -> String {
        match self.shape {
            Shape::Whole(expression) => expression.to_owned(),
            Shape::Token(value) => {
                // What follows a dot is the end of a name: `logo.ico-…`.
                format!("(?:^|[^A-Za-z0-9_.-])(?<value>{value})(?:[^A-Za-z0-9_-]|$)")
            }
            Shape::Named(value) => format!(
                "(?<name>(?i-u:[a-z0-9_.-]{{0,40}}(?:{})[a-z0-9_.-]{{0,40}}))[\"'\\]]{{0,2}}[ \\t]*\
                 (?::=|=>|=|:|,)[ \\t]*[\"'`]?(?<value>{value})(?:[^A-Za-z0-9_+/=-]|$)",
                self.keywords.join("|").replace('.', r"\."),
            ),
        }
    }
}

/// All patterns, the specific before the general.
pub(super) fn all() -> &'static [&'static Pattern] {
    static ALL: OnceLock<Vec<&'static Pattern>> = OnceLock::new();
    ALL.get_or_init(|| {
        let own = SPECIFIC.iter().chain(issuers()).chain(&KEPT);
        own.chain(&CONTEXT).chain(&GENERAL).collect()
    })
}
