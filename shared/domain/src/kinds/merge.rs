//! Merges a pull request: plans it, waits until the checks have passed, asks a person, and then
//! does exactly what was approved.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{InvalidPlan, StepKind, StepSpec};
use crate::{ApprovalScope, CommitSha, RepositoryId, terms::terms};

/// The checks come before the approval, so that nobody is asked about what would not be merged.
pub(super) const STEPS: &[StepSpec] = &[
    StepSpec::new("plan", StepKind::Work),
    StepSpec::new("checks", StepKind::ExternalPoll),
    StepSpec::approval("approve", ApprovalScope::RepoMerge),
    StepSpec::new("merge", StepKind::Tool),
];

/// Longest title of a merge commit; GitHub cuts longer ones off in its lists.
pub const COMMIT_TITLE_CHARS_MAX: usize = 256;
/// Longest message of a merge commit.
pub const COMMIT_MESSAGE_CHARS_MAX: usize = 16_384;

terms! {
    /// How GitHub merges (REST API, "Merge a pull request", `merge_method`).
    MergeMethod ("merge method") {
        Merge = "merge",
        Squash = "squash",
        Rebase = "rebase",
    }
}

/// The `input` of a merge; which pull request it is, the run itself says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    pub method: MergeMethod,
}

/// Exactly what will be done: what `plan` leaves, and what a person approves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    pub repository: RepositoryId,
    pub full_name: String,
    pub pull_request: i32,
    /// Only this commit is merged: GitHub refuses when the head has moved.
    pub head_sha: CommitSha,
    pub base_ref: String,
    pub title: String,
    pub method: MergeMethod,
    /// None: GitHub's own.
    pub commit_title: Option<String>,
    pub commit_message: Option<String>,
}

impl Plan {
    /// Title and message of the commit that is made, unless whoever approves words them anew.
    ///
    /// They are part of the plan: GitHub's own would be read from the pull request when it is
    /// merged, and its author can change them after the approval. A rebase makes no such commit.
    pub fn wording(
        method: MergeMethod,
        pull_request: i32,
        title: &str,
        head_label: &str,
        head: &CommitSha,
    ) -> (Option<String>, Option<String>) {
        let (begin, end, message) = match method {
            MergeMethod::Merge => (
                format!("Merge pull request #{pull_request} from {head_label}"),
                String::new(),
                title.to_owned(),
            ),
            MergeMethod::Squash => {
                (title.to_owned(), format!(" (#{pull_request})"), format!("Squashed from {head}"))
            }
            MergeMethod::Rebase => return (None, None),
        };
        let room = COMMIT_TITLE_CHARS_MAX - end.chars().count();
        let one_line = begin.replace(char::is_control, " ");
        let begin: String = one_line.trim().chars().take(room).collect();
        (Some(begin + &end), Some(message.chars().take(COMMIT_MESSAGE_CHARS_MAX).collect()))
    }
}

/// What `checks` leaves: what spoke for the head when someone was asked to approve it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// 0: nobody checks this repository's commits.
    pub passed: usize,
    /// Checks that were skipped or neutral: they speak neither for it nor against it.
    pub undecided: Vec<String>,
}

/// What `merge` leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merged {
    pub merge_commit_sha: CommitSha,
    /// Whether it was merged as our App; otherwise someone else had merged the same head.
    pub merged_by_us: bool,
}

pub(super) fn edit_plan(plan: &Value, edited: &Value) -> Result<Value, InvalidPlan> {
    let read = |value: &Value| {
        serde_json::from_value::<Plan>(value.clone())
            .map_err(|error| InvalidPlan::Unreadable(error.to_string()))
    };
    let (plan, edited) = (read(plan)?, read(edited)?);
    let fixed = [
        ("repository", plan.repository == edited.repository),
        ("full_name", plan.full_name == edited.full_name),
        ("pull_request", plan.pull_request == edited.pull_request),
        ("head_sha", plan.head_sha == edited.head_sha),
        ("base_ref", plan.base_ref == edited.base_ref),
        ("title", plan.title == edited.title),
    ];
    if let Some((field, _)) = fixed.into_iter().find(|(_, same)| !same) {
        return Err(InvalidPlan::Fixed(field));
    }
    let texts = [
        ("commit_title", &edited.commit_title, COMMIT_TITLE_CHARS_MAX, ""),
        ("commit_message", &edited.commit_message, COMMIT_MESSAGE_CHARS_MAX, "\n\t"),
    ];
    for (field, text, most, may_have) in texts {
        let Some(text) = text else { continue };
        let refuse = |problem: String| Err(InvalidPlan::Refused { field, problem });
        if edited.method == MergeMethod::Rebase {
            // What is approved and then ignored was not approved.
            return refuse("is not used by a rebase: leave it null".to_owned());
        }
        if text.trim().is_empty() {
            return refuse("is empty: give a text, or null for GitHub's own".to_owned());
        }
        if text.chars().count() > most {
            return refuse(format!("is longer than {most} characters"));
        }
        if text.chars().any(|one| one.is_control() && !may_have.contains(one)) {
            return refuse("has control characters".to_owned());
        }
    }
    serde_json::to_value(edited).map_err(|error| InvalidPlan::Unreadable(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        Plan {
            repository: RepositoryId::new(uuid::Uuid::from_u128(1)),
            full_name: "acme/shop".into(),
            pull_request: 7,
            head_sha: "a".repeat(40).parse().unwrap(),
            base_ref: "main".into(),
            title: "Add a cart".into(),
            method: MergeMethod::Merge,
            commit_title: None,
            commit_message: None,
        }
    }

    fn edit(change: impl FnOnce(&mut Plan)) -> Result<Value, InvalidPlan> {
        let mut edited = plan();
        change(&mut edited);
        let value = |plan: &Plan| serde_json::to_value(plan).unwrap();
        edit_plan(&value(&plan()), &value(&edited))
    }

    #[test]
    fn how_it_is_merged_may_be_edited_and_what_is_merged_may_not() {
        assert!(edit(|plan| plan.method = MergeMethod::Squash).is_ok());
        assert!(edit(|plan| plan.commit_title = Some("Add the cart (#7)".into())).is_ok());
        let head = edit(|plan| plan.head_sha = "b".repeat(40).parse().unwrap());
        assert_eq!(head, Err(InvalidPlan::Fixed("head_sha")));
        assert_eq!(edit(|plan| plan.base_ref = "x".into()), Err(InvalidPlan::Fixed("base_ref")));
        assert!(edit(|plan| plan.method = MergeMethod::Rebase).is_ok());
        assert!(edit(|plan| plan.commit_message = Some("One.\n\n\tTwo.".into())).is_ok());
        for title in ["x".repeat(257), " ".to_owned(), "two\nlines".to_owned()] {
            let refused = edit(|plan| plan.commit_title = Some(title));
            assert!(matches!(refused, Err(InvalidPlan::Refused { field: "commit_title", .. })));
        }
        let ignored = edit(|plan| {
            plan.method = MergeMethod::Rebase;
            plan.commit_message = Some("Nobody will read this.".into());
        });
        assert!(matches!(ignored, Err(InvalidPlan::Refused { field: "commit_message", .. })));
        let unknown = serde_json::json!({ "method": "merge", "force": true });
        assert!(matches!(edit_plan(&unknown, &unknown), Err(InvalidPlan::Unreadable(_))));
    }
    #[test]
    fn the_commit_is_worded_in_the_plan() {
        let head = "a".repeat(40).parse().unwrap();
        let wording = |method, title: &str| Plan::wording(method, 7, title, "ada:cart", &head);
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            wording(MergeMethod::Merge, "Add a cart"),
            (some("Merge pull request #7 from ada:cart"), some("Add a cart"))
        );
        let squashed = some(&format!("Squashed from {head}"));
        assert_eq!(
            wording(MergeMethod::Squash, "Add\na cart\n"),
            (some("Add a cart (#7)"), squashed)
        );
        assert_eq!(wording(MergeMethod::Rebase, "Add a cart"), (None, None));
        let (long, _) = wording(MergeMethod::Squash, &"ü".repeat(300));
        let long = long.unwrap();
        assert!(long.chars().count() == COMMIT_TITLE_CHARS_MAX && long.ends_with("ü (#7)"));
        // What we propose can be approved as it is.
        for method in MergeMethod::ALL {
            let (commit_title, commit_message) = wording(*method, "Add a cart");
            let plan = Plan { method: *method, commit_title, commit_message, ..plan() };
            let value = serde_json::to_value(&plan).unwrap();
            assert_eq!(edit_plan(&value, &value), Ok(value.clone()));
        }
    }
}
