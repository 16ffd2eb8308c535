use domain::{
    ApprovalScope, Intent,
    kinds::merge::{Checked, Plan},
};
use engine::Outcome;

use super::{access, plan::mergeable};
use crate::{
    Deps, Error,
    memory::{Work, output},
    worker::Prepared,
};

/// Undecided checks that the summary names; there may be many, and the step before lists them.
const NAMED_MAX: usize = 5;

/// Asks, once it is sure that the question still makes sense.
pub(super) async fn work(deps: &Deps, work: &Work) -> Result<Outcome<Prepared>, Error> {
    let plan: Plan = output(work, "plan")?;
    let checked: Checked = output(work, "checks")?;
    // Whoever was asked gets to decide or lets it expire; the last step looks again anyway.
    if !work.memory.is_asked {
        let access = access(deps, work).await?;
        let pull = access.read(&plan.full_name, plan.pull_request).await?;
        mergeable(&pull, Some(&plan.head_sha))?;
    }
    Ok(Outcome::Ask(Intent {
        scope: ApprovalScope::RepoMerge,
        summary: summary(&plan, &checked),
        plan: output(work, "plan")?,
    }))
}

/// One sentence for whoever decides.
fn summary(plan: &Plan, checked: &Checked) -> String {
    let Plan { full_name, pull_request, title, base_ref, head_sha, method, .. } = plan;
    let mut passed = match checked.passed {
        0 => "no check speaks for it".to_owned(),
        1 => "1 check passed".to_owned(),
        count => format!("{count} checks passed"),
    };
    let undecided = &checked.undecided;
    if !undecided.is_empty() {
        let named: Vec<&str> = undecided.iter().take(NAMED_MAX).map(String::as_str).collect();
        let more = if undecided.len() > NAMED_MAX { ", …" } else { "" };
        passed = format!("{passed}, {} undecided ({}{more})", undecided.len(), named.join(", "));
    }
    format!(
        "Merge pull request #{pull_request} of {full_name} (“{title}”, head {}) into {base_ref} by \
         the method {method}; {passed}.",
        head_sha.short()
    )
}

#[cfg(test)]
mod tests {
    use domain::{RepositoryId, kinds::merge::MergeMethod};

    use super::*;

    #[test]
    fn whoever_decides_reads_what_happens_and_what_speaks_for_it() {
        let plan = Plan {
            repository: RepositoryId::new("0190a5b0-0000-7000-8000-000000000001".parse().unwrap()),
            full_name: "acme/shop".into(),
            pull_request: 7,
            head_sha: "a".repeat(40).parse().unwrap(),
            base_ref: "main".into(),
            title: "Add a cart".into(),
            method: MergeMethod::Squash,
            commit_title: None,
            commit_message: None,
        };
        let begin = "Merge pull request #7 of acme/shop (“Add a cart”, head aaaaaaaaaaaa) into \
                     main by the method squash; ";
        let many = |count: usize| (0..count).map(|n| format!("c{n}")).collect::<Vec<_>>();
        let cases = [
            (0, vec![], "no check speaks for it."),
            (1, vec![], "1 check passed."),
            (2, many(1), "2 checks passed, 1 undecided (c0)."),
            (0, many(6), "no check speaks for it, 6 undecided (c0, c1, c2, c3, c4, …)."),
        ];
        for (passed, undecided, end) in cases {
            let text = summary(&plan, &Checked { passed, undecided });
            assert_eq!(text, format!("{begin}{end}"));
        }
    }
}
