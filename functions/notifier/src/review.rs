//! Suggestions beside the code: only on lines that the change touched, and none that stands there
//! from a push before.

use std::collections::HashMap;

use clients::github::{Review, Suggestion};
use domain::{ChangedFile, RunStatus};
use store::findings::Stored;

use crate::{
    check::annotations_max,
    markdown::{code, counted, words},
    report::Ending,
    suggestion::Replacement,
};

/// Suggestions of one review; nobody takes over more at once.
const SUGGESTIONS_MAX: usize = 50;
const NAME: &str = "assay:review";

/// What is suggested for the findings that count. `None`: nothing, or nothing that has not been
/// suggested. `standing` are the remarks that we made before.
pub fn review(ending: &Ending, standing: &[String]) -> Option<Review> {
    if ending.run.status != RunStatus::Succeeded || ending.run.pull_request.is_none() {
        return None;
    }
    let files: HashMap<&str, &ChangedFile> =
        ending.changes.as_ref()?.iter().map(|file| (file.path.as_str(), file)).collect();
    let suggestions: Vec<Suggestion> = ending
        .new
        .iter()
        .filter(|finding| finding.deciding)
        .filter(|finding| !standing.iter().any(|remark| remark.starts_with(&mark(finding))))
        .filter_map(|finding| suggestion(finding, files.get(finding.path.as_str())?))
        .take(SUGGESTIONS_MAX.min(annotations_max(ending)))
        .collect();
    let count = u32::try_from(suggestions.len()).ok().filter(|count| *count > 0)?;
    Some(Review {
        name: NAME.to_owned(),
        head: ending.run.commit.clone()?,
        body: format!("{}, to be taken over as it stands.", counted(count, "suggestion")),
        suggestions,
    })
}

/// By which a remark is known again on the next push.
fn mark(finding: &Stored) -> String {
    format!("<!-- assay:finding {} -->", finding.lineage.as_str())
}

fn suggestion(finding: &Stored, file: &ChangedFile) -> Option<Suggestion> {
    let replacement = Replacement::of(finding.fix_diff.as_deref()?)?;
    if !replacement.is_inside(file) {
        return None;
    }
    let fix = finding.fix_suggestion.as_deref().map(words).unwrap_or_default();
    let body = format!(
        "{}\n**{}** ({}): {fix}\n\n{}\nRule {}",
        mark(finding),
        words(&finding.title),
        finding.severity,
        replacement.block(),
        code(&finding.rule)
    );
    Some(Suggestion { path: finding.path.clone(), lines: replacement.lines, body })
}

#[cfg(test)]
mod tests {
    use domain::{LineRange, LineRanges};

    use super::*;
    use crate::sample::failed;

    #[test]
    fn what_counts_and_was_touched_gets_its_fix_suggested() {
        let review = review(&failed(), &[]).unwrap();
        let [suggestion] = &review.suggestions[..] else { panic!("{review:?}") };
        assert_eq!(
            (suggestion.path.as_str(), suggestion.lines),
            ("a.py", LineRange { first: 3, last: 4 })
        );
        insta::assert_snapshot!(format!("{}\n---\n{}", review.body, suggestion.body));
    }

    #[test]
    fn nothing_is_suggested_twice_nor_outside_the_difference() {
        let ending = failed();
        let said = review(&ending, &[]).unwrap().suggestions.remove(0).body;
        assert_eq!(review(&ending, &[said]), None);
        // One line too few.
        let lines = LineRanges::new(vec![LineRange { first: 4, last: 9 }]);
        let elsewhere = vec![ChangedFile { path: "a.py".into(), renamed_from: None, lines }];
        assert_eq!(review(&Ending { changes: Some(elsewhere), ..failed() }, &[]), None);
        assert_eq!(review(&Ending { changes: None, ..failed() }, &[]), None);
    }
}
