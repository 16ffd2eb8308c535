use std::time::Duration;

use clients::github::Checks;
use domain::kinds::merge::{Checked, Plan};
use engine::Outcome;
use jiff::Timestamp;

use super::{Access, MergeError};
use crate::{
    Error,
    memory::{Work, output, written},
    worker::Prepared,
};

/// How long checks may take, from the moment that the plan is made.
const TIME_MAX: Duration = Duration::from_mins(10);
/// A commit that nobody has begun to check after this long is checked by nobody.
const BEGINNING_TIME_MAX: Duration = Duration::from_mins(1);
/// Between the first two looks; later ones are further apart, up to the longest.
const PAUSE_MIN: Duration = Duration::from_secs(15);
const PAUSE_MAX: Duration = Duration::from_mins(1);

/// Looks whether the checks of the head are over.
pub(super) async fn work(access: &Access<'_>, work: &Work) -> Result<Outcome<Prepared>, Error> {
    let plan: Plan = output(work, "plan")?;
    let checks = access.checks(&plan).await?;
    match judge(checks, waited(work))? {
        Looked::Over(checked) => Ok(Outcome::Done(written("checks", &checked)?)),
        Looked::NotYet(pause) => Ok(Outcome::Wait(pause)),
    }
}

impl Access<'_> {
    pub(super) async fn checks(&self, plan: &Plan) -> Result<Checks, Error> {
        let doing = "read the checks";
        let checks = self.github.checks(self.installation, &plan.full_name, &plan.head_sha).await;
        Ok(checks.map_err(|source| MergeError::GitHub { doing, source })?)
    }
}

/// A run that goes on from a failed one inherits its plan, and has its own ten minutes.
#[expect(clippy::disallowed_methods, reason = "minutes of waiting bear a clock that is a bit off")]
fn waited(work: &Work) -> Duration {
    let since = work.finished_at("plan").max(work.run().started_at);
    let waited = since.map(|since| Timestamp::now().duration_since(since)).unwrap_or_default();
    waited.try_into().unwrap_or_default()
}

#[derive(Debug, PartialEq, Eq)]
enum Looked {
    Over(Checked),
    NotYet(Duration),
}

fn judge(checks: Checks, waited: Duration) -> Result<Looked, MergeError> {
    let (names, longest) = match checks {
        Checks::Failed { names } => return Err(MergeError::ChecksFailed(names)),
        Checks::Passed { count, undecided } => {
            return Ok(Looked::Over(Checked { passed: count, undecided }));
        }
        Checks::Pending { names } => (names, TIME_MAX),
        Checks::None if waited >= BEGINNING_TIME_MAX => {
            return Ok(Looked::Over(Checked { passed: 0, undecided: Vec::new() }));
        }
        Checks::None => (Vec::new(), BEGINNING_TIME_MAX),
    };
    if waited >= longest {
        return Err(MergeError::ChecksTimedOut(names));
    }
    let pause = (waited / 2).clamp(PAUSE_MIN, PAUSE_MAX);
    // The last look is at the end of the time, not before it and not after it.
    Ok(Looked::NotYet(pause.min(longest - waited)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn looks_are_further_and_further_apart_until_the_time_is_over() {
        let pending = || Checks::Pending { names: vec!["build".into()] };
        let mut at = seconds(0);
        let mut looks = Vec::new();
        let error = loop {
            match judge(pending(), at) {
                Ok(Looked::NotYet(pause)) => at += pause,
                Ok(Looked::Over(checked)) => panic!("{checked:?}"),
                Err(error) => break error,
            }
            looks.push(at.as_secs());
        };
        assert_eq!(looks[..5], [15, 30, 45, 67, 101]);
        assert_eq!((looks.last(), looks.len()), (Some(&600), 14));
        assert!(matches!(error, MergeError::ChecksTimedOut(names) if names == ["build"]));
    }

    #[test]
    fn what_failed_is_named_at_once_and_what_passed_ends_the_wait_even_late() {
        let failed = Checks::Failed { names: vec!["lint".into(), "test".into()] };
        let error = judge(failed, seconds(0)).unwrap_err();
        assert_eq!(error.to_string(), "these checks did not pass: lint, test");
        let passed = Checks::Passed { count: 2, undecided: vec!["skipped".into()] };
        let checked = Checked { passed: 2, undecided: vec!["skipped".into()] };
        assert_eq!(judge(passed, seconds(9_999)).unwrap(), Looked::Over(checked));
    }

    #[test]
    fn a_commit_without_checks_is_given_a_minute_to_get_some() {
        let pauses: Vec<_> = [0, 15, 50].map(|at| judge(Checks::None, seconds(at)).unwrap()).into();
        let expected = [15, 15, 10].map(|pause| Looked::NotYet(seconds(pause)));
        assert_eq!(pauses, expected);
        let unchecked = Checked { passed: 0, undecided: Vec::new() };
        assert_eq!(judge(Checks::None, seconds(60)).unwrap(), Looked::Over(unchecked));
    }
}
