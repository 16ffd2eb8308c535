//! The order in which rows are locked: nobody holds what another needs who holds what they need.
//!
//! Each test is the beginning of what once was a deadlock. The second transaction must come
//! through while the first is open; one that waits fails after `lock_timeout`.

use domain::{CommitSha, RunKind};
use serde_json::{Value, json};
use store::{
    Session,
    manifests::{self, Among, NewManifest},
    outbox::{self, Outgoing},
    repositories,
    runs::{self, Claim},
};

use super::{LEASE_SECONDS, Place};

#[tokio::test]
async fn noting_that_runs_were_asked_for_waits_for_none_of_them() {
    let place = Place::new().await;
    let parent = place.run_of_kind(RunKind::CodebaseScan, None).await;
    let child = place.run_of_kind(RunKind::ScanShard, Some(parent)).await;
    let lease = place.lease(child).await;
    let [mut worker, mut scheduler] = place.sessions().await;

    // A worker at a fence has the parent's row and comes for the child's next.
    let working = worker.begin(place.org).await.unwrap();
    let fence = runs::fence(&working, &lease).await.unwrap().expect("the lease is held");

    let noting = scheduler.begin(place.org).await.unwrap();
    runs::note_wake_up(&noting, &[child, parent]).await.unwrap();
    noting.commit().await.unwrap();

    runs::succeed(&working, &fence, &json!({})).await.unwrap();
    working.commit().await.unwrap();
}

#[tokio::test]
async fn a_claim_does_not_wait_for_the_sender_of_its_message() {
    let place = Place::new().await;
    let (old, new) = ("a".repeat(40), "b".repeat(40));
    let run = place.run_of(Some(7), &old).await;
    let body = json!({ "run_id": run });
    let unsent = place.announce(&body).await;
    let [mut intake, mut worker] = place.sessions().await;

    // A webhook settles what earlier ones have sent, and then cancels runs of an older head.
    let unscoped = intake.begin_unscoped().await.unwrap();
    unscoped.settle_outbox(&[unsent]).await.unwrap();
    let taking = unscoped.scope(place.org).await.unwrap();

    let claiming = worker.begin(place.org).await.unwrap();
    let claim = runs::claim(&claiming, run, LEASE_SECONDS).await.unwrap();
    assert!(matches!(claim, Claim::Won(_)), "{claim:?}");
    claiming.commit().await.unwrap();

    let head: CommitSha = new.parse().unwrap();
    assert_eq!(runs::supersede(&taking, place.repository, 7, &head).await.unwrap(), 1);
    taking.commit().await.unwrap();
    assert_eq!(place.unsent().await, 0, "the sender has forgotten its message");
}

#[tokio::test]
async fn a_sender_does_not_wait_for_the_claim_of_its_message() {
    let place = Place::new().await;
    let run = place.run_of(Some(7), &"a".repeat(40)).await;
    let unsent = place.announce(&json!({ "run_id": run })).await;
    let [mut worker, mut intake] = place.sessions().await;

    let claiming = worker.begin(place.org).await.unwrap();
    let claim = runs::claim(&claiming, run, LEASE_SECONDS).await.unwrap();
    assert!(matches!(claim, Claim::Won(_)), "{claim:?}");

    // Who has sent forgets, and so does whoever else received it; each could wait for the claim.
    let unscoped = intake.begin_unscoped().await.unwrap();
    unscoped.settle_outbox(&[unsent]).await.unwrap();
    let tx = unscoped.scope(place.org).await.unwrap();
    outbox::delete(&tx, &[unsent]).await.unwrap();
    outbox::received(&tx, "runs", run).await.unwrap();
    tx.commit().await.unwrap();

    claiming.commit().await.unwrap();
    assert_eq!(place.unsent().await, 0, "the receiver has forgotten it");
}

#[tokio::test]
async fn keeping_a_manifest_does_not_wait_for_a_webhook() {
    let place = Place::new().await;
    let (old, new) = ("a".repeat(40), "b".repeat(40));
    let run = place.run_of(Some(7), &old).await;
    let lease = place.lease(run).await;
    let [mut intake, mut worker] = place.sessions().await;

    // A webhook with a new head holds the repository, and comes for the runs of the old head.
    let taking = intake.begin(place.org).await.unwrap();
    assert!(repositories::find_locked(&taking, place.repository).await.unwrap().is_some());

    let working = worker.begin(place.org).await.unwrap();
    runs::fence(&working, &lease).await.unwrap().expect("the lease is held");
    let commit: CommitSha = old.parse().unwrap();
    let manifest = NewManifest {
        repository: place.repository,
        commit: &commit,
        data: &json!({}),
        hash: &"0".repeat(64),
    };
    let kept = manifests::keep(&working, &manifest, Among::All).await.unwrap();
    assert_eq!((kept.version, kept.made), (1, true));
    working.commit().await.unwrap();

    let head: CommitSha = new.parse().unwrap();
    assert_eq!(runs::supersede(&taking, place.repository, 7, &head).await.unwrap(), 1);
    taking.commit().await.unwrap();
}

impl Place {
    /// Two connections, as two functions have them.
    async fn sessions(&self) -> [Session; 2] {
        let database = self.database.functions();
        [database.session().await.unwrap(), database.session().await.unwrap()]
    }

    /// Writes a message of the queue `runs` down, as one that is still to be sent.
    async fn announce(&self, body: &Value) -> i64 {
        let mut session = self.database.functions().session().await.unwrap();
        let tx = session.begin(self.org).await.unwrap();
        let message = Outgoing { org: self.org, queue: "runs", body, traceparent: None };
        outbox::insert_and_commit(tx, &message).await.unwrap().id
    }

    async fn unsent(&self) -> i64 {
        let sql = self.database.sql().await;
        sql.query_one("SELECT count(*) FROM outbox", &[]).await.unwrap().get(0)
    }
}
