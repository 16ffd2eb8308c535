//! Going on from a failed run.

use domain::{ErrorCode, RunId, RunStatus, StepStatus};
use serde_json::json;
use store::{
    run_steps::{self, Finished},
    runs::{self, Resumed, Run},
};

use super::{Place, finished};

impl Place {
    /// A run whose `fetch` is done and whose `manifest` has failed.
    async fn failed_in_its_second_step(&self) -> RunId {
        let run = self.run().await;
        let lease = self.lease(run).await;
        assert!(self.finish_step(&lease, "fetch").await);
        let mut session = self.database.functions().session().await.unwrap();
        let tx = session.begin(self.org).await.unwrap();
        let fence = runs::fence(&tx, &lease).await.unwrap().unwrap();
        let error = json!({ "code": "unknown_error" });
        let failed = Finished {
            status: StepStatus::Failed,
            attempt: 2,
            error: Some(&error),
            ..finished("manifest")
        };
        run_steps::finish(&tx, &fence, &lease.run, &failed).await.unwrap();
        runs::fail(&tx, &fence, ErrorCode::UnknownError, "it broke").await.unwrap();
        tx.commit().await.unwrap();
        run
    }

    async fn resume(&self, run: RunId) -> Resumed {
        let mut session = self.database.functions().session().await.unwrap();
        let tx = session.begin(self.org).await.unwrap();
        let resumed = runs::resume(&tx, run).await.unwrap().expect("the run is there");
        tx.commit().await.unwrap();
        resumed
    }

    async fn resumed(&self, run: RunId) -> Run {
        match self.resume(run).await {
            Resumed::New(mut runs) => runs.remove(0),
            other @ (Resumed::Existing(_)
            | Resumed::NotFailed(_)
            | Resumed::PartOf(_)
            | Resumed::Meanwhile(_)) => panic!("{other:?}"),
        }
    }

    /// Id, status and attempt of each step, in the order in which they were finished.
    async fn steps(&self, run: RunId) -> Vec<(String, StepStatus, i32)> {
        let mut session = self.database.functions().session().await.unwrap();
        let tx = session.begin(self.org).await.unwrap();
        let steps = run_steps::list(&tx, run).await.unwrap();
        steps.into_iter().map(|step| (step.step, step.status, step.attempt)).collect()
    }
}

#[tokio::test]
async fn only_the_failed_step_and_later_ones_are_done_again_and_attempts_go_on_counting() {
    let place = Place::new().await;
    let failed = place.failed_in_its_second_step().await;
    let next = place.resumed(failed).await;
    assert_eq!((next.status, next.resumes), (RunStatus::Queued, Some(failed)));
    assert_eq!(next.origin, failed, "the world outside knows it by its first run");

    let lease = place.lease(next.id).await;
    assert!(place.finish_step(&lease, "manifest").await);
    let expected = [("fetch", StepStatus::Succeeded, 1), ("manifest", StepStatus::Succeeded, 3)];
    let expected = expected.map(|(step, status, attempt)| (step.to_owned(), status, attempt));
    assert_eq!(place.steps(next.id).await, expected);

    let before = place.find(failed).await;
    assert_eq!((before.status, before.error.as_deref()), (RunStatus::Failed, Some("it broke")));
    assert_eq!(place.steps(failed).await[1].1, StepStatus::Failed, "what has ended stays");
}

#[tokio::test]
async fn a_failed_run_is_gone_on_from_once() {
    let place = Place::new().await;
    let failed = place.failed_in_its_second_step().await;
    let next = place.resumed(failed).await;
    let again = place.resume(failed).await;
    assert!(matches!(again, Resumed::Existing(existing) if existing.id == next.id));
    let open = place.resume(next.id).await;
    assert!(matches!(open, Resumed::NotFailed(RunStatus::Queued)), "{open:?}");
}

#[tokio::test]
async fn two_who_ask_at_once_get_the_same_run() {
    let place = Place::new().await;
    let failed = place.failed_in_its_second_step().await;
    let (one, other) = tokio::join!(place.resume(failed), place.resume(failed));
    let id = |resumed: &Resumed| match resumed {
        Resumed::New(runs) => (true, runs[0].id),
        Resumed::Existing(run) => (false, run.id),
        other @ (Resumed::NotFailed(_) | Resumed::PartOf(_) | Resumed::Meanwhile(_)) => {
            panic!("{other:?}")
        }
    };
    assert_eq!(id(&one).1, id(&other).1);
    assert!(id(&one).0 ^ id(&other).0, "one of them made it");
}

#[tokio::test]
async fn a_step_that_is_done_cannot_be_done_a_second_time() {
    let place = Place::new().await;
    let run = place.run().await;
    let lease = place.lease(run).await;
    assert!(place.finish_step(&lease, "fetch").await);
    let session = place.database.functions().session().await.unwrap();
    let again = run_steps::finish_at_once(&session, &lease, &finished("fetch")).await;
    let error = again.unwrap_err();
    let told = std::error::Error::source(&error).and_then(std::error::Error::source);
    assert!(told.unwrap().to_string().contains("run_steps_pkey"), "{error:?}");
    assert_eq!(place.steps(run).await.len(), 1);
}
