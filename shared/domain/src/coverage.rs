//! What was looked at, and what was not: a clean report over unread code proves nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Language, terms::terms};

terms! {
    /// Why a file was never looked at.
    UnanalysedReason ("reason") {
        TooLarge = "too_large",
        Binary = "binary",
        NotUtf8 = "not_utf8",
        Generated = "generated",
        Vendored = "vendored",
        /// Secrets are still searched in it; only the parser has no grammar.
        UnknownLanguage = "unknown_language",
        TooDeep = "too_deep",
        /// A symbolic link or a submodule: there is no content to read.
        NotAFile = "not_a_file",
        TimedOut = "timed_out",
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unanalysed {
    pub path: String,
    pub reason: UnanalysedReason,
}

/// A file that parsed only in part: findings inside the broken part may be missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParseProblem {
    pub path: String,
    /// Where the first syntax error stands.
    pub line: u32,
    pub errors: u32,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    pub files: u32,
    pub analysed: u32,
    pub lines: u64,
    pub functions: u32,
    pub classes: u32,
    /// Files by language.
    pub languages: BTreeMap<Language, u32>,
    pub problems: Vec<ParseProblem>,
    pub unanalysed: Vec<Unanalysed>,
}

impl Coverage {
    /// Share of the files in a known language that were parsed, 0.0 to 1.0.
    ///
    /// Files without a grammar are not counted: no one expects a picture to be parsed.
    pub fn ratio(&self) -> f64 {
        let missed = self
            .unanalysed
            .iter()
            .filter(|file| file.reason != UnanalysedReason::UnknownLanguage)
            .filter(|file| file.reason != UnanalysedReason::Binary)
            .filter(|file| file.reason != UnanalysedReason::NotAFile)
            .count();
        let expected = f64::from(self.analysed) + missed as f64;
        if expected == 0.0 { 0.0 } else { f64::from(self.analysed) / expected }
    }
}
