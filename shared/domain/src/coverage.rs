//! What was looked at, and what was not: a clean report over unread code proves nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Language, terms::terms};

terms! {
    /// Why a file was never looked at.
    UnanalysedReason ("reason") {
        /// Coverages that were stored before it was named like the error code say `too_large`.
        #[serde(alias = "too_large")]
        TooLarge = "file_too_large",
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
        /// The repository's own policy leaves it out.
        Policy = "policy",
    }
}

impl UnanalysedReason {
    /// Whether code may have been missed. Nobody expects a picture or a library's copy to be parsed.
    pub fn is_gap(self) -> bool {
        match self {
            Self::TooLarge | Self::NotUtf8 | Self::TooDeep | Self::TimedOut => true,
            Self::Binary
            | Self::Generated
            | Self::Vendored
            | Self::UnknownLanguage
            | Self::NotAFile
            | Self::Policy => false,
        }
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
    /// Coverages that were stored before they were counted have none.
    #[serde(default)]
    pub imports: u32,
    #[serde(default)]
    pub calls: u32,
    /// Files by language.
    pub languages: BTreeMap<Language, u32>,
    pub problems: Vec<ParseProblem>,
    pub unanalysed: Vec<Unanalysed>,
}

impl Coverage {
    /// Adds what others looked at: other files of the same commit, which come later by path.
    pub fn add(&mut self, other: Self) {
        let Self {
            files,
            analysed,
            lines,
            functions,
            classes,
            imports,
            calls,
            languages,
            problems,
            unanalysed,
        } = other;
        self.files = self.files.saturating_add(files);
        self.analysed = self.analysed.saturating_add(analysed);
        self.lines = self.lines.saturating_add(lines);
        self.functions = self.functions.saturating_add(functions);
        self.classes = self.classes.saturating_add(classes);
        self.imports = self.imports.saturating_add(imports);
        self.calls = self.calls.saturating_add(calls);
        for (language, files) in languages {
            *self.languages.entry(language).or_default() += files;
        }
        self.problems.extend(problems);
        self.unanalysed.extend(unanalysed);
    }

    /// Share of the files in a known language that were parsed, 0.0 to 1.0.
    ///
    /// Files without a grammar are not counted: no one expects a picture to be parsed. Code that
    /// the repository's policy leaves out is: nobody raises this share by looking away.
    pub fn ratio(&self) -> f64 {
        let missed = self
            .unanalysed
            .iter()
            .filter(|file| file.reason != UnanalysedReason::UnknownLanguage)
            .filter(|file| file.reason != UnanalysedReason::Binary)
            .filter(|file| file.reason != UnanalysedReason::NotAFile)
            .filter(|file| {
                file.reason != UnanalysedReason::Policy || Language::of_path(&file.path).is_some()
            })
            .count();
        let expected = f64::from(self.analysed) + missed as f64;
        if expected == 0.0 { 0.0 } else { f64::from(self.analysed) / expected }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorCode;

    #[test]
    fn code_that_a_policy_leaves_out_is_missed_and_pictures_are_not() {
        let left_out =
            |path: &str| Unanalysed { path: path.into(), reason: UnanalysedReason::Policy };
        let coverage = Coverage {
            files: 4,
            analysed: 3,
            unanalysed: vec![left_out("gen/a.py"), left_out("docs/a.png")],
            ..Coverage::default()
        };
        assert!((coverage.ratio() - 0.75).abs() < f64::EPSILON);
    }

    #[test]
    fn a_file_that_is_too_large_has_one_name_and_is_known_by_its_old_one() {
        let reason = |word: &str| serde_json::from_str::<UnanalysedReason>(word).unwrap();
        for word in ["\"file_too_large\"", "\"too_large\""] {
            assert_eq!(reason(word), UnanalysedReason::TooLarge);
        }
        assert_eq!(UnanalysedReason::TooLarge.as_str(), ErrorCode::FileTooLarge.as_str());
    }

    #[test]
    fn nothing_is_lost_when_coverages_are_added() {
        let one = Coverage {
            files: 2,
            analysed: 1,
            lines: 10,
            functions: 3,
            classes: 1,
            imports: 4,
            calls: 5,
            languages: BTreeMap::from([(Language::Go, 1)]),
            problems: vec![ParseProblem { path: "a.go".into(), line: 1, errors: 1 }],
            unanalysed: vec![Unanalysed { path: "b.png".into(), reason: UnanalysedReason::Binary }],
        };
        let mut sum = one.clone();
        sum.add(one.clone());
        assert_eq!((sum.files, sum.analysed, sum.lines), (4, 2, 20));
        assert_eq!((sum.functions, sum.classes, sum.languages[&Language::Go]), (6, 2, 2));
        assert_eq!((sum.imports, sum.calls), (8, 10));
        assert_eq!((sum.problems.len(), sum.unanalysed.len()), (2, 2));
        sum = Coverage::default();
        sum.add(one.clone());
        assert_eq!(sum, one);
    }
}
