//! The one comment of a pull request.

use clients::github::{COMMENT_CHARS_MAX, Comment};
use domain::{RunStatus, Verdict};
use store::findings::Stored;

use crate::{
    check::ANNOTATIONS_MAX,
    markdown::{block, code, words},
    report::{Ending, Outcome, beside, ended, inputs, language, link, not_checked},
};

/// Findings that are unfolded one by one; the others stand beside the code.
const FINDINGS_MAX: usize = 10;
/// Characters of a finding's code, and of its description, that are shown.
const PART_CHARS_MAX: usize = 1_500;
/// Characters of a patch or a test that are shown; a longer one is not, for half of it is of no use.
const WHOLE_CHARS_MAX: usize = 4_000;
/// Characters that the last lines may need.
const ENDING_CHARS: usize = 4_000;
const NAME: &str = "assay:summary";

/// What is said in the pull request. `None`: the run is about none, or has no ending that people
/// wait for.
pub fn comment(ending: &Ending, public_url: Option<&str>) -> Option<Comment> {
    ending.run.pull_request?;
    let head = ending.run.commit.as_ref()?;
    let (body, create) = match ending.run.status {
        RunStatus::Succeeded => {
            let outcome = Outcome::of(ending)?;
            (judged(&outcome, ending, public_url), is_worth_a_comment(&outcome))
        }
        // It takes the place of a verdict about another head; nobody needs it alone.
        RunStatus::Failed => {
            (format!("## Assay: not checked\n\n{}\n", not_checked(&ending.run)), false)
        }
        RunStatus::Queued | RunStatus::Running | RunStatus::Waiting | RunStatus::Canceled => {
            return None;
        }
    };
    let body = format!("{body}\n<sub>Commit <code>{}</code></sub>\n", head.short());
    // Ids of runs grow with time.
    Some(Comment { name: NAME.to_owned(), order: ending.run.id.to_string(), body, create })
}

/// A repository may ask for silence when there is nothing to do.
fn is_worth_a_comment(outcome: &Outcome<'_>) -> bool {
    let silent = outcome.metadata.policy.as_ref().is_some_and(|policy| !policy.comment_on_pass);
    !silent || outcome.verdict == Verdict::Failed || outcome.counts.new > 0
}

fn judged(outcome: &Outcome<'_>, ending: &Ending, public_url: Option<&str>) -> String {
    let mut text = format!("## Assay: {}\n\n{}.\n\n", outcome.verdict, outcome.title());
    text.push_str(&outcome.table(&ending.new));
    text.push('\n');
    let mut shown = 0;
    for finding in ending.new.iter().take(FINDINGS_MAX) {
        let told = details(finding);
        if text.chars().count() + told.chars().count() + ENDING_CHARS > COMMENT_CHARS_MAX {
            break;
        }
        text.push_str(&told);
        shown += 1;
    }
    if let Some(beside) = beside(shown, ending.new.len(), ANNOTATIONS_MAX) {
        text.push_str(&beside);
        text.push_str("\n\n");
    }
    text.push_str(&outcome.notes().join("\n\n"));
    text.push('\n');
    if let Some(link) = link(ending, public_url) {
        text.push_str(&format!("\n[All that was found]({link})\n"));
    }
    text
}

/// A finding that unfolds.
pub(crate) fn details(finding: &Stored) -> String {
    let place = format!("{}:{}", finding.path, finding.lines.first);
    let weight = if finding.deciding { "" } else { " (does not count)" };
    let mut text = format!(
        "<details><summary><b>{}</b>{weight} {} in {}</summary>\n\n",
        finding.severity,
        words(&finding.title),
        code(&place)
    );
    let mut paragraph = |part: String| {
        text.push_str(&part);
        text.push_str("\n\n");
    };
    if let Some(description) = &finding.description {
        paragraph(words(&cut(description)));
    }
    if let Some(ended) = ended(finding) {
        paragraph(words(&ended));
    }
    if let Some(snippet) = &finding.snippet {
        paragraph(block("", &cut(snippet)));
    }
    if let Some(proof) = &finding.proof {
        paragraph(format!("Found by symbolic execution: {}.", inputs(proof)));
        if let Some(test) = &proof.test {
            paragraph(whole(language(&finding.path), test));
        }
    }
    if let Some(fix) = &finding.fix_suggestion {
        paragraph(words(&cut(fix)));
    }
    if let Some(diff) = &finding.fix_diff {
        paragraph(whole("diff", diff));
    }
    paragraph(format!("Rule {}", code(&finding.rule)));
    text.push_str("</details>\n\n");
    text
}

/// What is of use only as a whole.
fn whole(kind: &str, text: &str) -> String {
    match text.chars().count() {
        count if count <= WHOLE_CHARS_MAX => block(kind, text),
        count => format!("({count} characters of {kind} stand beside the code.)"),
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(PART_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use domain::{FormalSummary, PolicyFacts, Severity};
    use serde_json::json;
    use store::analyses::{Counts, Metadata};

    use super::*;
    use crate::sample::{analysis, failed, finding, run};

    #[test]
    fn the_comment_says_it_all() {
        let comment = comment(&failed(), Some("https://assay.example.com/")).unwrap();
        assert_eq!((comment.name.as_str(), comment.create), (NAME, true));
        insta::assert_snapshot!(comment.body);
    }

    #[test]
    fn ten_findings_unfold_and_the_others_are_counted() {
        let new = vec![finding(Severity::High, true); 13];
        let body = comment(&Ending { new, ..failed() }, None).unwrap().body;
        assert_eq!(body.matches("<details>").count(), FINDINGS_MAX);
        assert!(body.contains("3 findings more beside the code."), "{body}");
    }

    #[test]
    fn it_never_grows_longer_than_github_takes() {
        let long = Stored {
            description: Some("<".repeat(5_000)),
            snippet: Some("`".repeat(5_000)),
            ..finding(Severity::High, true)
        };
        let body = comment(&Ending { new: vec![long; 20], ..failed() }, None).unwrap().body;
        assert!(body.chars().count() < COMMENT_CHARS_MAX - 100, "{}", body.chars().count());
        assert!(body.contains("Against the base"), "the rest is there: {body}");
        assert_eq!(body.matches("<details>").count(), body.matches("</details>").count());
    }

    #[test]
    fn who_asks_for_silence_hears_of_findings_only() {
        let ending = |new, comment_on_pass| {
            let policy = Some(PolicyFacts { comment_on_pass, ..PolicyFacts::default() });
            let mut analysis = analysis(Verdict::Passed, 0);
            analysis.metadata = json!(Metadata { policy, ..Metadata::default() });
            analysis.counts = json!(Counts { new, ..Counts::default() });
            let run = run(RunStatus::Succeeded);
            Ending { run, analysis: Some(analysis), new: Vec::new() }
        };
        for (new, comment_on_pass, creates) in
            [(0, true, true), (0, false, false), (1, false, true), (1, true, true)]
        {
            let comment = comment(&ending(new, comment_on_pass), None).unwrap();
            assert_eq!(comment.create, creates, "{new} {comment_on_pass}");
        }
    }

    #[test]
    fn it_says_what_the_formal_checks_did_not_look_at() {
        let mut analysis = analysis(Verdict::Passed, 0);
        let formal = FormalSummary {
            solver_unavailable: Some("no solver is installed".into()),
            proved: 3,
            unknown: 2,
            functions_skipped: 1,
            callers_unread: 4,
            ..FormalSummary::default()
        };
        analysis.metadata = json!(Metadata { formal: Some(formal), ..Metadata::default() });
        let run = run(RunStatus::Succeeded);
        let ending = Ending { run, analysis: Some(analysis), new: Vec::new() };
        let body = comment(&ending, None).unwrap().body;
        let told = "Formal checks: 3 proved, 0 refuted, 0 depend on the caller, 2 unknown. The solver \
                    did not answer: no solver is installed. 1 function not looked at, because the \
                    time was over. 4 files not read that may call what changed.";
        assert!(body.contains(told), "{body}");
    }

    #[test]
    fn a_run_that_broke_off_only_takes_back_what_was_said() {
        let ending = Ending { run: run(RunStatus::Failed), analysis: None, new: Vec::new() };
        let comment = comment(&ending, None).unwrap();
        assert!(!comment.create && comment.body.contains("not checked"), "{comment:?}");
    }
}
