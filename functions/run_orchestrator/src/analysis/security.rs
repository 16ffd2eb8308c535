use std::{collections::HashMap, time::Instant};

use analysis::{Clock, Incomplete, IncompleteReason, Scan};
use domain::{ChangedFile, Finding, Fingerprint, Gate, LineRange, kinds::analysis::Fetched};
use serde::{Deserialize, Serialize};
use store::{
    Tx,
    dispositions::{self, Dismissed},
    findings::{self, Judged},
    runs::Fence,
};

use crate::memory::{COMMIT_TIME, Work, Written, blocking, output, snapshot, written};
use crate::{Deps, Error};
use engine::Deadline;

/// What the rules object to, before it is known what people have dismissed.
pub(crate) struct Found {
    scan: Scan,
    /// None: there is nothing to compare with, so all is new.
    changes: Option<Vec<ChangedFile>>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Output {
    pub(super) rules_version: String,
    /// By what the findings were sorted into deciding and others, and are judged.
    pub(super) gate: Gate,
    findings: usize,
    deciding: usize,
    pub(super) incomplete: Vec<Incomplete>,
}

pub(super) async fn work(deps: &Deps, work: &mut Work, deadline: Deadline) -> Result<Found, Error> {
    let snapshot = snapshot(deps, work).await?;
    let changes = output::<Fetched>(work, "fetch")?.changes;
    let stop = deadline.less(COMMIT_TIME);
    let scan = blocking(move || {
        let time_is_up = || Instant::now() >= stop;
        analysis::scan(&snapshot, &Clock::new(&time_is_up))
    })
    .await?;
    if misses_a_change(&scan.incomplete, changes.as_deref()) {
        return Err(Error::AnalyserTimedOut);
    }
    Ok(Found { scan, changes })
}

/// Whether something that could decide was not looked at: then there is no verdict to give.
fn misses_a_change(incomplete: &[Incomplete], changes: Option<&[ChangedFile]>) -> bool {
    incomplete.iter().filter(|missed| missed.reason == IncompleteReason::TimedOut).any(|missed| {
        changes.is_none_or(|changes| changes.iter().any(|file| file.path == missed.path))
    })
}

impl Found {
    pub(super) async fn write(
        &self,
        tx: &Tx<'_>,
        fence: &Fence,
        work: &Work,
    ) -> Result<Written, Error> {
        let gate = Gate::default();
        let dismissed = dispositions::list_dismissed(tx, work.memory.repository()?.id).await?;
        let judged = judged(&self.scan.findings, self.changes.as_deref(), &gate, dismissed);
        findings::insert_all(tx, fence, &judged).await?;
        let output = Output {
            rules_version: analysis::rules_version().to_owned(),
            gate,
            findings: judged.len(),
            deciding: judged.iter().filter(|finding| finding.deciding).count(),
            incomplete: self.scan.incomplete.clone(),
        };
        written("security", &output)
    }
}

/// Says of each finding whether it is new, dismissed, and counts.
pub(crate) fn judged(
    found: &[Finding],
    changes: Option<&[ChangedFile]>,
    gate: &Gate,
    dismissed: Vec<Dismissed>,
) -> Vec<Judged> {
    let by_path: Option<HashMap<&str, &ChangedFile>> =
        changes.map(|changes| changes.iter().map(|file| (file.path.as_str(), file)).collect());
    let dismissed: HashMap<Fingerprint, (String, String)> =
        dismissed.into_iter().map(|row| (row.fingerprint, (row.decided_by, row.reason))).collect();
    let judge = |finding: &Finding| {
        let new = by_path.as_ref().is_none_or(|files| {
            files.get(finding.path.as_str()).is_some_and(|file| file.lines.overlaps(finding.lines))
        });
        let changed = by_path.as_ref().and_then(|files| files.get(finding.path.as_str()));
        let mut finding = finding.clone();
        finding.demoted &= !changed.is_some_and(|file| wrote_its_own_exemption(file));
        let dismissed = dismissed.get(&finding.fingerprint).cloned();
        let deciding = new && dismissed.is_none() && gate.counts(&finding);
        Judged { finding, new, deciding, dismissed }
    };
    found.iter().map(judge).collect()
}

/// Whether the change touched the lines where a file may say that it is generated: a pull request
/// cannot exempt itself. What the file's name says still counts.
fn wrote_its_own_exemption(file: &ChangedFile) -> bool {
    let head = LineRange { first: 1, last: analysis::MARKER_LINES };
    file.lines.overlaps(head) && !analysis::is_demoted_by_name(&file.path)
}

#[cfg(test)]
mod tests {
    use domain::{Category, LineRanges, Severity, SnippetHash, VerificationType};

    use super::*;

    fn finding(path: &str, line: u32) -> Finding {
        Finding {
            rule: "python.injection.eval".into(),
            category: Category::Injection,
            severity: Severity::High,
            confidence: 0.9,
            verification: VerificationType::Syntax,
            title: String::new(),
            description: String::new(),
            path: path.into(),
            lines: LineRange { first: line, last: line },
            snippet: String::new(),
            snippet_hash: SnippetHash::of(""),
            fingerprint: Fingerprint::of("rule", path, "", "", line),
            fix_suggestion: None,
            fix_diff: None,
            cwe: Vec::new(),
            owasp: Vec::new(),
            demoted: false,
        }
    }

    fn changed(path: &str, first: u32, last: u32) -> ChangedFile {
        let lines = LineRanges::new(vec![LineRange { first, last }]);
        ChangedFile { path: path.into(), renamed_from: None, lines }
    }

    fn judge(finding: Finding, changes: Option<&[ChangedFile]>, dismissed: bool) -> (bool, bool) {
        let dismissal = Dismissed {
            fingerprint: finding.fingerprint.clone(),
            decided_by: "ann".into(),
            reason: "a test key".into(),
        };
        let dismissed = if dismissed { vec![dismissal] } else { Vec::new() };
        let judged = judged(&[finding], changes, &Gate::default(), dismissed);
        (judged[0].new, judged[0].deciding)
    }

    #[test]
    fn only_what_the_change_touched_decides() {
        let changes = [changed("a.py", 3, 5)];
        let changes = Some(&changes[..]);
        assert_eq!(judge(finding("a.py", 4), changes, false), (true, true));
        assert_eq!(judge(finding("a.py", 6), changes, false), (false, false));
        assert_eq!(judge(finding("b.py", 4), changes, false), (false, false));
        assert_eq!(judge(finding("b.py", 4), None, false), (true, true), "no base: all is new");
        assert_eq!(judge(finding("b.py", 4), Some(&[]), false), (false, false), "nothing changed");
    }

    #[test]
    fn what_is_dismissed_demoted_or_doubtful_is_shown_and_does_not_decide() {
        assert_eq!(judge(finding("a.py", 1), None, true), (true, false));
        let demoted = Finding { demoted: true, ..finding("a.py", 1) };
        assert_eq!(judge(demoted, None, false), (true, false));
        let doubtful = Finding { confidence: 0.4, ..finding("a.py", 1) };
        assert_eq!(judge(doubtful, None, false), (true, false));
    }

    #[test]
    fn a_change_cannot_call_its_own_code_generated() {
        let demoted = |path: &str, line| Finding { demoted: true, ..finding(path, line) };
        let whole = |path: &str| [changed(path, 1, 40)];
        let body = [changed("a.py", 20, 40)];
        let cases = [
            (demoted("a.py", 30), &whole("a.py"), true),
            (demoted("a.py", 30), &body, false),
            (demoted("tests/a.py", 30), &whole("tests/a.py"), false),
        ];
        for (finding, changes, decides) in cases {
            let path = finding.path.clone();
            assert_eq!(judge(finding, Some(changes), false), (true, decides), "{path}");
        }
    }

    #[test]
    fn a_change_that_was_not_read_in_time_leaves_no_verdict() {
        let missed = |path: &str, reason| Incomplete { path: path.into(), rule: None, reason };
        let changes = [changed("a.py", 1, 9)];
        let cases = [
            (missed("a.py", IncompleteReason::TimedOut), Some(&changes[..]), true),
            (missed("b.py", IncompleteReason::TimedOut), Some(&changes[..]), false),
            (missed("b.py", IncompleteReason::TimedOut), None, true),
            (missed("a.py", IncompleteReason::TooDeep), None, false),
        ];
        for (missed, changes, misses) in cases {
            assert_eq!(
                misses_a_change(std::slice::from_ref(&missed), changes),
                misses,
                "{missed:?}"
            );
        }
    }
}
