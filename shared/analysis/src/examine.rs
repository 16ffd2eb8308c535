//! Parsing and judging a file at a time, for callers who spread files over cores.

use std::{ops::Range, sync::Arc};

use domain::{Coverage, Finding, Language, SourceFile};
use serde::Serialize;
use tree_sitter::Tree;

use crate::{
    Asked, Clock, CustomRules, Incomplete, Package, Scan, Symbol, nil,
    parse::cover,
    scan::{Demand, Exact, scan_file},
    tree::Parsers,
};

/// Reads one file after another, each parsed once. One for each thread.
#[derive(Default)]
pub struct Examiner {
    parsers: Parsers,
    custom: Arc<CustomRules>,
    asked: Asked,
}

/// What there is to say about one file.
#[derive(Debug, Default, PartialEq)]
pub struct Examined {
    pub coverage: Coverage,
    /// Sorted by line and rule.
    pub findings: Vec<Located>,
    pub incomplete: Vec<Incomplete>,
}

/// A finding, and where in its lines it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Located {
    pub finding: Finding,
    /// Unknown for a secret, whose length is nobody's business, and in very long lines.
    pub columns: Option<Columns>,
    /// For each line of the snippet the bytes of it that the finding is about.
    pub marks: Vec<Range<usize>>,
}

/// Counted from 1 in UTF-16 code units, as editors and SARIF do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Columns {
    /// In the finding's first line.
    pub start: u32,
    /// In its last line, the first that is no longer part of it.
    pub end: u32,
}

impl Examiner {
    /// An examiner that also runs the rules of a customer.
    pub fn with_rules(custom: Arc<CustomRules>) -> Self {
        Self { custom, ..Self::default() }
    }

    /// The same examiner with no rules but these.
    pub fn asking(self, asked: Asked) -> Self {
        Self { asked, ..self }
    }

    /// Examines a file that nothing is known around.
    pub fn examine(&mut self, file: &SourceFile, clock: Clock) -> Examined {
        self.examine_within(file, None, clock)
    }

    /// The same as [`crate::parse()`] and [`crate::scan()`] give of this file in a snapshot, where
    /// `around` is the package that it belongs to there.
    pub fn examine_within(
        &mut self,
        file: &SourceFile,
        around: Option<&Package<'_>>,
        clock: Clock,
    ) -> Examined {
        self.examine_and(file, around, clock, |_, _| ()).0
    }

    /// The same, and what `look` makes of the file's tree and symbols where it has some.
    pub fn examine_and<T>(
        &mut self,
        file: &SourceFile,
        around: Option<&Package<'_>>,
        clock: Clock,
        look: impl FnOnce(Tree, Vec<Symbol>) -> T,
    ) -> (Examined, Option<T>) {
        let text = std::str::from_utf8(&file.bytes).unwrap_or_default();
        let around = around.filter(|_| nil::is_asked_for(&self.asked));
        self.parsers.reading(file, around, clock, |parsers| {
            let mut coverage = Coverage { files: 1, ..Coverage::default() };
            let symbols = cover(file, parsers, clock, &mut coverage);
            let mut scan = Scan::default();
            let demand = Demand { custom: &self.custom, asked: &self.asked, around };
            let exact = scan_file(file, demand, parsers, clock, &mut scan);
            let mut findings: Vec<Located> =
                scan.findings.into_iter().zip(exact).map(located).collect();
            findings.sort_by(|one, other| {
                let key = |of: &Located| of.finding.lines.first;
                (key(one), &one.finding.rule).cmp(&(key(other), &other.finding.rule))
            });
            scan.incomplete.sort_by(|one, other| one.rule.cmp(&other.rule));
            let looked = symbols.and_then(|symbols| {
                let language = Language::of_path(&file.path)?;
                Some(look(parsers.parse(language, text, clock).ok()?, symbols))
            });
            (Examined { coverage, findings, incomplete: scan.incomplete }, looked)
        })
    }
}

fn located((finding, exact): (Finding, Exact)) -> Located {
    let columns = exact.columns.map(|(start, end)| Columns { start, end });
    Located { finding, columns, marks: exact.marks }
}

#[cfg(test)]
mod tests {
    use domain::{CommitSha, Snapshot};

    use super::*;
    use crate::{parse, rules::examples, scan};

    /// Whatever is examined file by file must be what a whole snapshot gives.
    #[test]
    fn files_one_by_one_give_what_they_give_together() {
        let mut files: Vec<SourceFile> = examples()
            .enumerate()
            .map(|(index, (path, text))| SourceFile {
                path: format!("{index:04}/{path}"),
                bytes: text.into_bytes(),
            })
            .collect();
        let key = format!(
            "AWS = 'AKIA{}'  # \u{1f600}\nimport os; os.system('a' + b)\n",
            "Q3EGR7LZW5YTX2KP"
        );
        files.push(SourceFile { path: "z.py".to_owned(), bytes: key.into_bytes() });
        files.push(SourceFile { path: "z.rs".to_owned(), bytes: b"fn broken( {".to_vec() });
        files.push(SourceFile { path: "zz.bin".to_owned(), bytes: vec![0, 1] });
        let commit: CommitSha = "a".repeat(40).parse().unwrap();
        let snapshot = Snapshot { commit, files, left_out: Vec::new() };
        let clock = Clock::unlimited();
        let (parsed, scanned) = (parse(&snapshot, &clock), scan(&snapshot, &clock));

        let mut examiner = Examiner::default();
        let mut coverage = Coverage::default();
        let (mut findings, mut incomplete) = (Vec::new(), Vec::new());
        for file in &snapshot.files {
            let examined = examiner.examine(file, clock);
            coverage.add(examined.coverage);
            findings.extend(examined.findings);
            incomplete.extend(examined.incomplete);
        }
        assert!(findings.len() > 100, "{}", findings.len());
        assert_eq!(coverage, parsed.coverage);
        assert_eq!(incomplete, scanned.incomplete);
        for located in &findings {
            let lines: Vec<_> = located.finding.snippet.lines().collect();
            let marked = located
                .marks
                .iter()
                .zip(&lines)
                .any(|(mark, line)| !mark.is_empty() && line.get(mark.clone()).is_some());
            assert!(marked, "{located:?}");
        }
        let findings: Vec<_> = findings.into_iter().map(|located| located.finding).collect();
        assert_eq!(findings, scanned.findings);
    }
}
