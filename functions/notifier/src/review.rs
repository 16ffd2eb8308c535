//! Suggestions beside the code: only on lines that the pull request shows, and none that stands
//! there from a push before.

use clients::github::{Review, Reviewed, Shown, Suggestion};
use domain::RunStatus;
use store::findings::Stored;

use crate::{
    Error, Receiver,
    check::annotations_max,
    comment::details,
    markdown::{code, counted, words},
    report::Ending,
    suggestion::Replacement,
};

/// Suggestions of one review; nobody takes over more at once.
const SUGGESTIONS_MAX: usize = 50;
/// Characters of a review that stands for suggestions; GitHub takes some more.
const CHARS_MAX: usize = 60_000;
const NAME: &str = "assay:review";

/// What is suggested for the findings that count. `None`: nothing, or nothing that has not been
/// suggested. `standing` are the remarks that we made before.
fn review(ending: &Ending, standing: &[String], shown: &Shown) -> Option<Review> {
    let suggestions: Vec<Suggestion> = fixes(ending)
        .filter(|(finding, replacement)| shown.has(&finding.path, replacement.lines))
        .filter(|(finding, _)| !standing.iter().any(|remark| remark.starts_with(&mark(finding))))
        .map(|(finding, replacement)| suggestion(finding, &replacement))
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

/// What counts and can be mended by other lines in the place of some.
fn fixes(ending: &Ending) -> impl Iterator<Item = (&Stored, Replacement)> {
    let is_told = ending.run.status == RunStatus::Succeeded && ending.run.pull_request.is_some();
    let deciding = ending.new.iter().filter(move |finding| is_told && finding.deciding);
    deciding.filter_map(|finding| Some((finding, Replacement::of(finding.fix_diff.as_deref()?)?)))
}

/// By which a remark is known again on the next push.
fn mark(finding: &Stored) -> String {
    format!("<!-- assay:finding {} -->", finding.lineage.as_str())
}

fn suggestion(finding: &Stored, replacement: &Replacement) -> Suggestion {
    let fix = finding.fix_suggestion.as_deref().map(words).unwrap_or_default();
    let body = format!(
        "{}\n**{}** ({}): {fix}\n\n{}\nRule {}",
        mark(finding),
        words(&finding.title),
        finding.severity,
        replacement.block(),
        code(&finding.rule)
    );
    Suggestion { path: finding.path.clone(), lines: replacement.lines, body }
}

/// The same without remarks: says what was to be suggested where GitHub takes none.
fn told_instead(ending: &Ending, review: &Review, homeless: &[&Suggestion]) -> Review {
    let count = u32::try_from(homeless.len()).unwrap_or(u32::MAX);
    let mut body = format!(
        "{} for lines beside which GitHub takes no remark.\n\n",
        counted(count, "suggestion")
    );
    let is_homeless = |(finding, _): &(&Stored, Replacement)| {
        homeless.iter().any(|suggestion| suggestion.body.starts_with(&mark(finding)))
    };
    for (finding, _) in fixes(ending).filter(is_homeless) {
        let told = details(finding);
        if body.chars().count() + told.chars().count() > CHARS_MAX {
            body.push_str("The others stand in the check.\n");
            break;
        }
        body.push_str(&told);
    }
    Review { body, suggestions: Vec::new(), name: review.name.clone(), head: review.head.clone() }
}

impl Receiver<'_> {
    pub(crate) async fn suggest(&self, ending: &Ending, number: i32) -> Result<(), Error> {
        let Self { github, installation, repository } = *self;
        // Most have nothing to suggest, and then nobody is asked.
        if fixes(ending).next().is_none() {
            return Ok(());
        }
        let shown = github.shown_lines(installation, repository, number).await?;
        let standing = github.standing_remarks(installation, repository, number).await?;
        let Some(review) = review(ending, &standing, &shown) else { return Ok(()) };
        match github.publish_review(installation, repository, number, &review).await? {
            Reviewed::Made(id) => {
                tracing::info!(review.id = id, suggestions = review.suggestions.len(), "suggested");
            }
            Reviewed::Known(id) => tracing::info!(review.id = id, "suggested before"),
            Reviewed::Misplaced(reason) => {
                tracing::warn!(reason, "GitHub takes the suggestions not together");
                self.suggest_one_by_one(ending, number, &review).await?;
            }
            Reviewed::Refused(reason) => tracing::warn!(reason, "GitHub takes no suggestions"),
        }
        Ok(())
    }

    /// A review is taken as a whole or not at all, and the refusal does not say which remark is
    /// wrong. The next attempt finds those standing that were taken.
    async fn suggest_one_by_one(
        &self,
        ending: &Ending,
        number: i32,
        review: &Review,
    ) -> Result<(), Error> {
        let Self { github, installation, repository } = *self;
        let mut homeless = Vec::new();
        for one in &review.suggestions {
            let head = &review.head;
            match github.publish_remark(installation, repository, number, head, one).await? {
                Reviewed::Made(_) | Reviewed::Known(_) => {}
                Reviewed::Misplaced(_) | Reviewed::Refused(_) => homeless.push(one),
            }
        }
        tracing::info!(homeless = homeless.len(), "suggested one by one");
        if homeless.is_empty() {
            return Ok(());
        }
        let told = told_instead(ending, review, &homeless);
        match github.publish_review(installation, repository, number, &told).await? {
            Reviewed::Made(_) | Reviewed::Known(_) => {}
            Reviewed::Misplaced(reason) | Reviewed::Refused(reason) => {
                tracing::warn!(reason, "GitHub takes no review; the fixes stand in the check");
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use domain::LineRange;

    use super::*;
    use crate::sample::failed;

    fn shown(first: u32, last: u32) -> Shown {
        [("a.py".to_owned(), LineRange { first, last })].into_iter().collect()
    }

    #[test]
    fn what_counts_and_is_shown_gets_its_fix_suggested() {
        let review = review(&failed(), &[], &shown(1, 9)).unwrap();
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
        let said = review(&ending, &[], &shown(3, 4)).unwrap().suggestions.remove(0).body;
        assert_eq!(review(&ending, &[said], &shown(3, 4)), None);
        // One line too few.
        assert_eq!(review(&ending, &[], &shown(4, 9)), None);
        assert_eq!(review(&ending, &[], &Shown::default()), None);
    }

    #[test]
    fn what_has_no_place_beside_the_code_is_told_with_its_patch() {
        let ending = failed();
        let review = review(&ending, &[], &shown(1, 9)).unwrap();
        let homeless: Vec<&Suggestion> = review.suggestions.iter().collect();
        let told = told_instead(&ending, &review, &homeless);
        assert_eq!((told.suggestions.len(), &told.head), (0, &review.head));
        assert!(told.body.starts_with("1 suggestion for lines"), "{}", told.body);
        assert!(told.body.contains("+result = ast.literal_eval("), "{}", told.body);
        assert_eq!(told.body.matches("<details>").count(), 1, "{}", told.body);
    }
}
