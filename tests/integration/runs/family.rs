//! Runs that begin others and wait for them, and what is canceled with them.

use std::time::Duration;

use domain::{
    ApprovalScope, ApprovalStatus, Intent, RunId, RunKind, RunStatus, StepStatus, WaitingFor,
};
use serde_json::json;
use store::{
    approvals, run_steps,
    runs::{self, Lease, NewRun},
};
use uuid::Uuid;

use super::Place;

impl Place {
    pub(super) async fn run_of_kind(&self, kind: RunKind, parent: Option<RunId>) -> RunId {
        let id = RunId::new(Uuid::now_v7());
        let run = NewRun {
            id,
            org: self.org,
            project: Some(self.project().await),
            repository: Some(self.repository),
            kind,
            idempotency_key: id.to_string(),
            event_type: "manual".to_owned(),
            git_ref: None,
            commit: None,
            pull_request: None,
            input: json!({}),
            traceparent: None,
            parent,
            schedule: None,
        };
        let mut session = self.database.functions().session().await.unwrap();
        let tx = session.begin(self.org).await.unwrap();
        runs::insert(&tx, &run).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    async fn park(&self, lease: &Lease, what: WaitingFor) {
        let mut session = self.database.functions().session().await.unwrap();
        let tx = session.begin(self.org).await.unwrap();
        let fence = runs::fence(&tx, lease).await.unwrap().unwrap();
        runs::park(&tx, &fence, what, None).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Ends a child as the engine does; whether its parent was woken by that.
    async fn end_child(&self, child: RunId) -> bool {
        let lease = self.lease(child).await;
        let mut session = self.database.functions().session().await.unwrap();
        let tx = session.begin(self.org).await.unwrap();
        let fence = runs::fence(&tx, &lease).await.unwrap().unwrap();
        runs::succeed(&tx, &fence, &json!({})).await.unwrap();
        let woken = runs::wake_parent(&tx, &lease.run).await.unwrap();
        tx.commit().await.unwrap();
        woken.is_some()
    }
}

#[tokio::test]
async fn the_last_child_to_end_wakes_its_parent_and_no_other_does() {
    let place = Place::new().await;
    for _ in 0..10 {
        let parent = place.run_of_kind(RunKind::CodebaseScan, None).await;
        let lease = place.lease(parent).await;
        let mut children = Vec::new();
        for _ in 0..3 {
            children.push(place.run_of_kind(RunKind::ScanShard, Some(parent)).await);
        }
        place.park(&lease, WaitingFor::Children).await;
        assert!(!place.end_child(children[0]).await, "two are open");
        let (one, other) = tokio::join!(place.end_child(children[1]), place.end_child(children[2]));
        assert!(one ^ other, "one of two that end at once is the last");
        let parent = place.find(parent).await;
        assert_eq!((parent.status, parent.waiting_for), (RunStatus::Queued, None));
    }
}

#[tokio::test]
async fn a_canceled_run_takes_its_children_steps_and_open_questions_along() {
    let place = Place::new().await;
    let parent = place.run_of_kind(RunKind::Merge, None).await;
    let child = place.run_of_kind(RunKind::ScanShard, Some(parent)).await;
    let lease = place.lease(parent).await;
    let mut session = place.database.functions().session().await.unwrap();
    let tx = session.begin(place.org).await.unwrap();
    let fence = runs::fence(&tx, &lease).await.unwrap().unwrap();
    let approve = RunKind::Merge.steps().iter().find(|step| step.approval.is_some()).unwrap();
    let intent = Intent {
        scope: ApprovalScope::RepoMerge,
        summary: "Merge it".to_owned(),
        plan: json!({ "head_sha": "a" }),
    };
    let day = Duration::from_hours(24);
    let asked = approvals::request(&tx, &fence, approve, &intent, day).await.unwrap();
    runs::park_until_decided(&tx, &fence, asked.id).await.unwrap();
    tx.commit().await.unwrap();

    let tx = session.begin(place.org).await.unwrap();
    let canceled = runs::cancel(&tx, parent).await.unwrap().expect("it was open");
    assert_eq!((canceled.status, canceled.error_code), (RunStatus::Canceled, None));
    assert!(runs::cancel(&tx, parent).await.unwrap().is_none(), "over is over");
    let steps = run_steps::list(&tx, parent).await.unwrap();
    let ids: Vec<&str> = steps.iter().map(|step| step.step.as_str()).collect();
    assert_eq!(ids, ["plan", "checks", "approve", "merge"]);
    assert!(steps.iter().all(|step| step.status == StepStatus::Canceled));
    let asked = approvals::find(&tx, asked.id).await.unwrap().unwrap();
    assert_eq!(asked.status, ApprovalStatus::Canceled);
    tx.commit().await.unwrap();
    assert_eq!(place.find(child).await.status, RunStatus::Canceled);
}

#[tokio::test]
async fn a_step_asks_once_however_often_it_is_begun() {
    let place = Place::new().await;
    let run = place.run_of_kind(RunKind::Merge, None).await;
    let lease = place.lease(run).await;
    let mut session = place.database.functions().session().await.unwrap();
    let tx = session.begin(place.org).await.unwrap();
    let fence = runs::fence(&tx, &lease).await.unwrap().unwrap();
    let step = &RunKind::Merge.steps()[2];
    let ask = |summary: &str| Intent {
        scope: ApprovalScope::RepoMerge,
        summary: summary.to_owned(),
        plan: json!({}),
    };
    let day = Duration::from_hours(24);
    let first = approvals::request(&tx, &fence, step, &ask("one"), day).await.unwrap();
    let second = approvals::request(&tx, &fence, step, &ask("two"), day).await.unwrap();
    assert_eq!(first.id, second.id);
    assert_eq!(second.intent.summary, "one", "the question stands as it was asked");
}
