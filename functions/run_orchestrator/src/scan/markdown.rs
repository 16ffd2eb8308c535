//! The report of a scan, as people read it.
//!
//! Paths and branches are named by whoever wrote the code, so they are escaped: none of them can
//! begin a heading, a link, or a citation of its own.

use std::fmt::Write;

use analysis::{Incomplete, IncompleteReason};
use domain::{
    AnalysisId, Citation, CitationSource, CommitSha, Coverage, LineRange, PolicyFacts, RiskLevel,
    Severity, UnanalysedReason,
};
use serde_json::json;
use store::{
    codebase_scans::{Changes, Trust},
    findings::{Stored, Tally},
};

/// As much of a path as the report shows.
const PATH_CHARS_MAX: usize = 300;
/// Most lines of each list of what was not read; their number is always told, and all of them
/// stand in the analysis.
const LISTED_MAX: usize = 100;

/// All that a report tells.
pub(super) struct Scanned<'a> {
    pub(super) full_name: &'a str,
    pub(super) branch: &'a str,
    pub(super) commit: &'a CommitSha,
    pub(super) analysis: AnalysisId,
    pub(super) tallies: &'a [Tally],
    /// The gravest findings that nobody dismissed, the gravest first; each is cited.
    pub(super) worst: &'a [Stored],
    pub(super) changes: Option<&'a Changes>,
    pub(super) trust: &'a Trust,
    pub(super) coverage: &'a Coverage,
    pub(super) incomplete: &'a [Incomplete],
    pub(super) policy: &'a PolicyFacts,
}

pub(super) fn report(scanned: &Scanned<'_>) -> (String, Vec<Citation>) {
    let mut text = String::new();
    heading(&mut text, scanned);
    numbers(&mut text, scanned);
    let citations = worst(&mut text, scanned);
    trust(&mut text, scanned.trust);
    not_read(&mut text, scanned);
    policy(&mut text, scanned);
    (text, citations)
}

/// Writing to a string cannot fail.
macro_rules! line {
    ($text:expr, $($words:tt)*) => { let _ = writeln!($text, $($words)*); };
}

fn heading(text: &mut String, scanned: &Scanned<'_>) {
    let Scanned { full_name, branch, commit, coverage, .. } = scanned;
    line!(text, "# Scan of {}, branch {}\n", escaped(full_name), escaped(branch));
    line!(
        text,
        "Commit `{commit}`: {} files, {} of them parsed, {} lines of code.\n",
        coverage.files,
        coverage.analysed,
        coverage.lines
    );
}

fn numbers(text: &mut String, scanned: &Scanned<'_>) {
    line!(text, "## Findings\n\n| severity | open | dismissed |\n|---|---:|---:|");
    for severity in Severity::ALL.iter().rev() {
        let count = |dismissed: bool| -> u32 {
            let same = |tally: &&Tally| tally.severity == *severity && tally.dismissed == dismissed;
            scanned.tallies.iter().filter(same).map(|tally| tally.count).sum()
        };
        line!(text, "| {severity} | {} | {} |", count(false), count(true));
    }
    line!(text, "");
    match scanned.changes {
        Some(Changes { since, new, persisting, fixed, not_checked }) => {
            line!(
                text,
                "Since scan `{since}`: {new} new, {persisting} persisting, {fixed} fixed, and \
                 {not_checked} in files that were not read this time.\n"
            );
        }
        None => {
            line!(text, "No scan of this branch was completed before.\n");
        }
    }
}

fn worst(text: &mut String, scanned: &Scanned<'_>) -> Vec<Citation> {
    let open: u32 = scanned.tallies.iter().filter(|one| !one.dismissed).map(|one| one.count).sum();
    if scanned.worst.is_empty() {
        line!(text, "Nothing that was read is objected to.\n");
        return Vec::new();
    }
    line!(text, "## The gravest\n");
    let mut citations = Vec::new();
    for (number, finding) in (1..).zip(scanned.worst) {
        let Stored { id, rule, severity, title, path, lines, .. } = finding;
        line!(
            text,
            "{number}. **{severity}** {}: {} [[{number}]](citation:{number})",
            place(path, *lines),
            escaped(title)
        );
        citations.push(Citation {
            number,
            source: CitationSource::Finding,
            reference: id.to_string(),
            payload: json!({
                "rule": rule,
                "severity": severity,
                "path": shown(path),
                "lines": lines,
                "snippet_hash": finding.snippet_hash,
                "fingerprint": finding.fingerprint,
            }),
        });
    }
    let more = (open as usize).saturating_sub(scanned.worst.len());
    line!(text, "");
    if more > 0 {
        line!(text, "And {more} more, in analysis `{}`.\n", scanned.analysis);
    }
    citations
}

/// How far the files can be relied on; without any that has a score there is nothing to say.
fn trust(text: &mut String, trust: &Trust) {
    let (Some(mean), Some((path, score))) = (trust.mean, &trust.lowest) else { return };
    line!(text, "## Trust\n\n| risk | files |\n|---|---:|");
    for risk in RiskLevel::ALL.iter().rev() {
        line!(text, "| {risk} | {} |", trust.files.get(risk).copied().unwrap_or_default());
    }
    let path = escaped(&shown(path));
    line!(text, "\nOn average {mean:.1} of 100; the lowest is {path} with {score:.1}.\n");
}

/// A clean report over unread code proves nothing, so what was not read is told.
fn not_read(text: &mut String, scanned: &Scanned<'_>) {
    line!(text, "## Not read\n");
    let Coverage { unanalysed, .. } = scanned.coverage;
    if unanalysed.is_empty() && scanned.incomplete.is_empty() {
        line!(text, "Every file was read to its end.");
        return;
    }
    for reason in UnanalysedReason::ALL {
        let files = unanalysed.iter().filter(|file| file.reason == *reason);
        let paths: Vec<String> = files.map(|file| escaped(&shown(&file.path))).collect();
        list(text, scanned, &format!("{} files: {reason}", paths.len()), &paths);
    }
    let missed: Vec<String> = scanned.incomplete.iter().map(missed).collect();
    list(text, scanned, &format!("{} rules that were not finished", missed.len()), &missed);
}

/// What the repository asked for, if that changed anything.
fn policy(text: &mut String, scanned: &Scanned<'_>) {
    let notes = policy::notes(scanned.policy);
    if !notes.is_empty() {
        line!(text, "\n## The repository's policy\n\n{}", notes.join("\n\n"));
    }
}

fn missed(incomplete: &Incomplete) -> String {
    let rule = incomplete.rule.as_deref().unwrap_or("all rules");
    let reason = match incomplete.reason {
        IncompleteReason::TimedOut => "timed out",
        IncompleteReason::OutOfFuel => "took too many steps",
        IncompleteReason::TooMany => "matched too often",
        IncompleteReason::TooDeep => "nested too deeply",
        IncompleteReason::Unusable => "cannot be run by this version",
    };
    format!("{}: {} {reason}", escaped(&shown(&incomplete.path)), escaped(rule))
}

fn list(text: &mut String, scanned: &Scanned<'_>, title: &str, items: &[String]) {
    if items.is_empty() {
        return;
    }
    line!(text, "### {}\n", escaped(title));
    for item in items.iter().take(LISTED_MAX) {
        line!(text, "- {item}");
    }
    if items.len() > LISTED_MAX {
        let more = items.len() - LISTED_MAX;
        line!(text, "- and {more} more, in analysis `{}`", scanned.analysis);
    }
    line!(text, "");
}

fn place(path: &str, lines: LineRange) -> String {
    let path = escaped(&shown(path));
    if lines.first == lines.last {
        format!("{path}:{}", lines.first)
    } else {
        format!("{path}:{}-{}", lines.first, lines.last)
    }
}

fn shown(path: &str) -> String {
    let mut shown: String = path.chars().take(PATH_CHARS_MAX).collect();
    if shown.len() < path.len() {
        shown.push('…');
    }
    shown.replace('\0', "\u{fffd}")
}

/// The words as they are, whatever they would mean in markdown (CommonMark 0.31, 2.4).
fn escaped(words: &str) -> String {
    let mut escaped = String::with_capacity(words.len());
    for character in words.chars() {
        if character.is_control() {
            escaped.push('\u{fffd}');
            continue;
        }
        // Left bare where it is harmless inside a line, so that paths stay readable.
        if character.is_ascii_punctuation() && !"/.-,:;'+=%@".contains(character) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use domain::{Content, FindingId, Fingerprint, PolicyState, SnippetHash, Unanalysed};

    use super::*;

    fn finding(path: &str) -> Stored {
        Stored {
            id: FindingId::new(uuid::Uuid::from_u128(7)),
            rule: "python.injection.eval".into(),
            severity: Severity::High,
            title: "Evaluates text as code".into(),
            description: None,
            path: path.into(),
            lines: LineRange { first: 3, last: 4 },
            snippet_hash: SnippetHash::of("eval(x)"),
            fingerprint: Fingerprint::of("rule", path, "", "", 0),
            lineage: Fingerprint::of("rule", path, "", "", 0),
            snippet: None,
            fix_suggestion: None,
            fix_diff: None,
            proof: None,
            deciding: true,
            expired: None,
        }
    }

    fn scanned(worst: &[Stored], coverage: &Coverage, open: u32) -> (String, Vec<Citation>) {
        let commit = "a".repeat(40).parse().unwrap();
        let tally = |dismissed: bool, count| Tally {
            severity: Severity::High,
            new: true,
            deciding: !dismissed,
            dismissed,
            expired: false,
            count,
        };
        let incomplete =
            Incomplete { path: "deep.js".into(), rule: None, reason: IncompleteReason::TooDeep };
        report(&Scanned {
            full_name: "acme/shop",
            branch: "main",
            commit: &commit,
            analysis: AnalysisId::new(uuid::Uuid::from_u128(1)),
            tallies: &[tally(false, open), tally(true, 3)],
            worst,
            changes: None,
            trust: &Trust::default(),
            coverage,
            incomplete: &[incomplete],
            policy: &PolicyFacts {
                excluded: 2,
                state: PolicyState::Applied,
                ..PolicyFacts::default()
            },
        })
    }

    #[test]
    fn what_the_code_names_itself_cannot_forge_the_report() {
        let hostile = [
            "x](citation:9).py",
            "[[1]](citation:1)",
            "a\n# Heading.py",
            "`<script>`|**b**.py",
            &"long/".repeat(2_000),
        ];
        let findings: Vec<Stored> = hostile.iter().map(|path| finding(path)).collect();
        let unanalysed = hostile
            .iter()
            .map(|path| Unanalysed { path: (*path).into(), reason: UnanalysedReason::TooLarge });
        let coverage =
            Coverage { files: 5, unanalysed: unanalysed.collect(), ..Coverage::default() };
        let (text, citations) = scanned(&findings, &coverage, 5);
        assert_eq!(Content::markdown(text.clone()).check(&citations), Ok(()));
        assert_eq!(citations.len(), hostile.len());
        assert!(!text.contains("\n# Heading") && text.contains("\\<script"), "{text}");
        assert_eq!(text.matches("](citation:").count(), hostile.len());
    }

    #[test]
    fn what_is_not_shown_is_counted() {
        let coverage = Coverage {
            files: 250,
            unanalysed: (0..250)
                .map(|n| Unanalysed { path: format!("{n}.png"), reason: UnanalysedReason::Binary })
                .collect(),
            ..Coverage::default()
        };
        let (text, citations) = scanned(&[finding("a/b.py")], &coverage, 40);
        assert_eq!(Content::markdown(text.clone()).check(&citations), Ok(()));
        for part in [
            "| high | 40 | 3 |",
            "1. **high** a/b.py:3-4: Evaluates text as code [[1]](citation:1)",
            "And 39 more",
            "250 files: binary",
            "- and 150 more",
            "deep.js: all rules nested too deeply",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
