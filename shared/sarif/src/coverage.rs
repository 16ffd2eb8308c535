//! What was not looked at, in words and as notices.

use std::collections::BTreeMap;

use domain::{Coverage, UnanalysedReason};

use crate::{Notice, NoticeLevel};

/// Notices of one kind that name their file; of more the number is told.
const NOTICES_MAX: usize = 500;

/// The reason as an id, and what it says about a number of files.
pub fn unanalysed(reason: UnanalysedReason) -> (&'static str, &'static str) {
    match reason {
        UnanalysedReason::TooLarge => ("too-large", "larger than 1 MiB, not read"),
        UnanalysedReason::Binary => ("binary", "binary, not read"),
        UnanalysedReason::NotUtf8 => ("not-utf8", "not UTF-8, not read"),
        UnanalysedReason::Generated => {
            ("generated", "made by a program, searched for secrets only")
        }
        UnanalysedReason::Vendored => {
            ("vendored", "copied from elsewhere, searched for secrets only")
        }
        UnanalysedReason::UnknownLanguage => {
            ("unknown-language", "in no language that is parsed, searched for secrets only")
        }
        UnanalysedReason::TooDeep => ("too-deep", "nested too deeply, searched for secrets only"),
        UnanalysedReason::NotAFile => {
            ("not-a-file", "symbolic links or special files, not followed")
        }
        UnanalysedReason::TimedOut => ("timed-out", "not finished in time"),
        UnanalysedReason::Policy => ("policy", "left out by the policy, not read"),
    }
}

/// What a file that parsed only in part may have.
pub fn problem(line: u32, errors: u32) -> String {
    match errors {
        1 => format!("a syntax error in line {line}; findings around it may be missing"),
        _ => format!(
            "{errors} syntax errors, the first in line {line}; findings around them may be missing"
        ),
    }
}

/// What a coverage has to say. Files that nobody expects to be analysed are counted; those that may
/// hide something are named.
pub fn coverage_notices(coverage: &Coverage) -> Vec<Notice<'_>> {
    let mut by_reason: BTreeMap<UnanalysedReason, Vec<&str>> = BTreeMap::new();
    for file in &coverage.unanalysed {
        by_reason.entry(file.reason).or_default().push(&file.path);
    }
    let mut all = Vec::new();
    for (reason, paths) in by_reason {
        let (id, what) = unanalysed(reason);
        let title = "Files that were not analysed";
        if reason.is_gap() {
            all.extend(capped(paths.into_iter().map(|path| Notice {
                id,
                title,
                level: NoticeLevel::Warning,
                text: what.into(),
                path: Some(path),
                line: None,
                rule: None,
            })));
        } else {
            let text = format!("{} files: {what}", paths.len()).into();
            let level = NoticeLevel::Note;
            all.push(Notice { id, title, level, text, path: None, line: None, rule: None });
        }
    }
    all.extend(capped(coverage.problems.iter().map(|one| Notice {
        id: "syntax-errors",
        title: "Files that parsed only in part",
        level: NoticeLevel::Warning,
        text: problem(one.line, one.errors).into(),
        path: Some(&one.path),
        line: Some(one.line),
        rule: None,
    })));
    all
}

/// The first of many notices of one kind, and how many more there are.
pub fn capped<'a>(notices: impl ExactSizeIterator<Item = Notice<'a>>) -> Vec<Notice<'a>> {
    let more = notices.len().saturating_sub(NOTICES_MAX);
    let mut kept: Vec<Notice<'a>> = notices.take(NOTICES_MAX).collect();
    if let (1.., Some(last)) = (more, kept.last()) {
        let text = format!("{more} more of the kind").into();
        kept.push(Notice { text, path: None, line: None, rule: None, ..last.clone() });
    }
    kept
}
