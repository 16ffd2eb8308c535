use std::fmt::Write as _;

use clients::github::{Annotation, AnnotationLevel, CheckRun, Conclusion};
use domain::{RunStatus, Severity, Verdict};
use store::findings::Stored;

use crate::{
    markdown::{block, code, words},
    report::{Ending, Outcome, beside, ended, inputs, language, link, not_checked},
};

/// Annotations of one check, 20 requests of GitHub's 50; a change with more findings is told so
/// in the summary.
pub const ANNOTATIONS_MAX: usize = 1_000;
/// Bytes of the summary that counterexamples may take; the rest is a few kilobytes, and GitHub takes
/// 65,535 in all.
const COUNTEREXAMPLES_BYTES_MAX: usize = 40_000;
/// How the check is called beside a commit.
const NAME: &str = "Assay";

/// What GitHub shows. `None`: the run is not over, or was canceled and nobody waits for it.
pub fn check_run(ending: &Ending, public_url: Option<&str>) -> Option<CheckRun> {
    let annotations_max = annotations_max(ending);
    let (conclusion, title, summary) = match ending.run.status {
        RunStatus::Succeeded => judged(ending, annotations_max)?,
        RunStatus::Failed => {
            (Conclusion::Neutral, "Not checked".to_owned(), not_checked(&ending.run))
        }
        RunStatus::Queued | RunStatus::Running | RunStatus::Waiting | RunStatus::Canceled => {
            return None;
        }
    };
    Some(CheckRun {
        name: NAME.to_owned(),
        head: ending.run.commit.clone()?,
        external_id: ending.run.id.to_string(),
        details_url: link(ending, public_url),
        conclusion,
        title,
        summary,
        annotations: ending.new.iter().take(annotations_max).map(annotation).collect(),
    })
}

/// A repository may ask for less.
pub(crate) fn annotations_max(ending: &Ending) -> usize {
    let policy = Outcome::of(ending).and_then(|outcome| outcome.metadata.policy);
    let wanted = policy.and_then(|policy| policy.max_inline_comments);
    wanted.map_or(ANNOTATIONS_MAX, |wanted| ANNOTATIONS_MAX.min(wanted as usize))
}

fn judged(ending: &Ending, annotations_max: usize) -> Option<(Conclusion, String, String)> {
    let outcome = Outcome::of(ending)?;
    let conclusion = match outcome.verdict {
        Verdict::Passed => Conclusion::Success,
        Verdict::Failed => Conclusion::Failure,
    };
    let mut summary = format!("{}\n{}\n", outcome.table(&ending.new), outcome.notes().join("\n\n"));
    if let Some(beside) = beside(annotations_max, ending.new.len(), annotations_max) {
        // Writing to a string cannot fail.
        let _ = writeln!(summary, "\n{beside}");
    }
    summary.push_str(&counterexamples(&ending.new));
    Some((conclusion, outcome.title(), summary))
}

/// What was refuted, with the inputs and the test that show it, as far as there is room.
fn counterexamples(new: &[Stored]) -> String {
    let mut text = String::new();
    for finding in new {
        let Some(proof) = &finding.proof else { continue };
        let place = code(&format!("{}:{}", finding.path, finding.lines.first));
        let mut one = format!("\n{} in {place}: {}\n", words(&finding.title), inputs(proof));
        if let Some(test) = &proof.test {
            one.push_str(&format!("\n{}", block(language(&finding.path), test)));
        }
        if text.len() + one.len() > COUNTEREXAMPLES_BYTES_MAX {
            text.push_str("\nThe other counterexamples stand beside the code.\n");
            break;
        }
        text.push_str(&one);
    }
    if text.is_empty() { text } else { format!("\n### Counterexamples\n{text}") }
}

fn annotation(finding: &Stored) -> Annotation {
    let level = match (finding.deciding, finding.severity) {
        (true, Severity::Critical | Severity::High) => AnnotationLevel::Failure,
        (true, Severity::Medium | Severity::Low) => AnnotationLevel::Warning,
        (true, Severity::Info) | (false, _) => AnnotationLevel::Notice,
    };
    let mut message = finding.description.clone().unwrap_or_default();
    for more in finding.fix_suggestion.clone().into_iter().chain(ended(finding)) {
        let _ = write!(message, "\n\n{more}");
    }
    let _ = write!(message, "\n\n{} ({})", finding.rule, finding.severity);
    Annotation {
        path: finding.path.clone(),
        start_line: finding.lines.first,
        end_line: finding.lines.last,
        level,
        title: finding.title.clone(),
        message: message.trim_start().to_owned(),
        details: details(finding),
    }
}

/// What is copied rather than read: the fix as a patch, and the test that fails.
fn details(finding: &Stored) -> Option<String> {
    let test = finding.proof.as_ref().and_then(|proof| proof.test.as_deref());
    let parts: Vec<&str> = finding.fix_diff.as_deref().into_iter().chain(test).collect();
    (!parts.is_empty()).then(|| parts.join("\n"))
}

#[cfg(test)]
mod tests;
