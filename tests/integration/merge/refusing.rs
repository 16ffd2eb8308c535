//! Nothing is merged that moved, failed its checks, or was not allowed exactly so.

use serde_json::json;
use store::approvals::{Decided, Decision};
use tests::github_server::{APP_LOGIN, Fault, Pull};

use super::place::{HEAD, NEWER, Place, SHOP, failed, state_of, succeeded};

#[tokio::test]
async fn a_head_that_moved_is_not_merged_whenever_it_moves() {
    let push = |place: &Place| place.github.change(SHOP, 7, |pull| pull.head = NEWER.to_owned());

    let place = Place::new().await;
    place.until_asked().await;
    place.approve(None).await;
    push(&place);
    assert_eq!(place.deliver().await, failed("head_moved", "merge"));
    let error = place.error().await;
    assert!(error.contains(HEAD) && error.contains(NEWER), "{error}");
    assert_eq!(place.github.merges(), []);

    let place = Place::unchecked("merge").await;
    place.github.check(HEAD, "build", 1, "success");
    place.deliver().await;
    push(&place);
    assert_eq!(place.deliver().await, failed("head_moved", "approve"));
    assert_eq!(place.approvals().await.len(), 0, "nobody is asked about what cannot be");

    let place = Place::new().await;
    let name = "UPDATE runs SET commit_sha = $1";
    place.sql.execute(name, &[&NEWER]).await.unwrap();
    assert_eq!(place.deliver().await, failed("head_moved", "plan"));
}

/// Says to the store what a webhook about a push says.
async fn arrived(place: &Place, head: &str) -> usize {
    let mut session = place.database.functions().session().await.unwrap();
    let tx = session.begin(place.org).await.unwrap();
    let run = store::runs::find(&tx, place.run).await.unwrap().unwrap();
    let head = head.parse().unwrap();
    let canceled = store::runs::supersede(&tx, run.repository.unwrap(), 7, &head).await.unwrap();
    tx.commit().await.unwrap();
    canceled
}

#[tokio::test]
async fn a_push_takes_back_the_question_about_the_head_before_it() {
    let asked = Place::new().await;
    asked.until_asked().await;
    assert_eq!(arrived(&asked, HEAD).await, 0, "the same head again is no news");
    assert_eq!(arrived(&asked, NEWER).await, 1);
    let (status, code, _) = asked.state().await;
    assert_eq!((status.as_str(), code.as_deref()), ("canceled", Some("superseded")));
    assert!(asked.error().await.contains(NEWER));
    let [approval] = asked.approvals().await.try_into().unwrap();
    assert_eq!(approval.status.as_str(), "canceled", "nobody is to decide about it any more");
    let (status, ..) = asked.deliver().await;
    assert_eq!((status.as_str(), asked.github.merge_calls()), ("canceled", 0));

    let polling = Place::unchecked("merge").await;
    polling.github.check(HEAD, "build", 1, "success");
    polling.deliver().await;
    assert_eq!(arrived(&polling, NEWER).await, 1, "it waits for checks of a head that is gone");

    let not_looked_yet = Place::new().await;
    assert_eq!(arrived(&not_looked_yet, NEWER).await, 0, "it will see the newer head");

    let approved = Place::new().await;
    approved.until_asked().await;
    approved.approve(None).await;
    assert_eq!(arrived(&approved, NEWER).await, 0, "it may be merged at this moment");
    assert_eq!(approved.deliver().await, succeeded());
}

#[tokio::test]
async fn nothing_is_merged_that_was_not_allowed() {
    let rejected = Place::new().await;
    rejected.until_asked().await;
    let asked = rejected.asked().await;
    let intent_hash = &asked.intent_hash;
    let no = Decision::Reject { intent_hash, reason: "not on a Friday", by: "ada" };
    let decided = rejected.decide(asked.id, no).await;
    assert!(matches!(decided, Decided::Rejected { .. }), "{decided:?}");
    let (status, code, _) = rejected.deliver().await;
    assert_eq!((status.as_str(), code.as_deref()), ("canceled", Some("approval_rejected")));
    assert_eq!(rejected.error().await, "rejected by ada: not on a Friday");

    let expired = Place::new().await;
    expired.until_asked().await;
    let late = "UPDATE approvals SET expires_at = clock_timestamp() - interval '1 second'";
    expired.sql.execute(late, &[]).await.unwrap();
    expired.come(Some("approval")).await;
    assert_eq!(expired.deliver().await, failed("approval_expired", "approve"));

    let stale = Place::new().await;
    stale.until_asked().await;
    let asked = stale.asked().await;
    let other = "0".repeat(64);
    let decision = Decision::Approve { intent_hash: &other, edited: None, by: "ada" };
    let decided = stale.decide(asked.id, decision).await;
    assert!(matches!(decided, Decided::Stale(_)), "{decided:?}");
    let (status, ..) = stale.deliver().await;
    assert_eq!(status, "waiting");

    for place in [rejected, expired, stale] {
        assert_eq!(place.github.merge_calls(), 0);
    }
}

/// Whatever stands between the approval and the merge, and however it was changed.
#[tokio::test]
async fn a_plan_that_is_not_the_approved_one_is_not_carried_out() {
    let changes = [
        ("approve", "{intent,plan,method}", "\"squash\""),
        ("approve", "{intent,plan,pull_request}", "8"),
        ("approve", "{intent,plan,commit_message}", "null"),
        ("approve", "{intent_hash}", "\"00\""),
        ("plan", "{head_sha}", "\"b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2\""),
        ("plan", "{full_name}", "\"acme/other\""),
    ];
    for (step, path, value) in changes {
        let place = Place::new().await;
        place.until_asked().await;
        place.approve(None).await;
        // GitHub has to fail once, so that the run stops between its two last steps.
        place.github.order(Fault::Refuses(500, "Server Error"));
        let (status, _, steps) = place.deliver().await;
        assert_eq!((status.as_str(), steps.len()), ("queued", 3));
        let change = format!(
            "UPDATE run_steps SET output = jsonb_set(output, '{path}', '{value}')
             WHERE step_id = '{step}'"
        );
        assert_eq!(place.sql.execute(&change, &[]).await.unwrap(), 1);
        assert_eq!(place.deliver().await, failed("plan_changed", "merge"), "{step} {path}");
        assert_eq!(place.github.merges(), [], "{step} {path}");
    }
}

#[tokio::test]
async fn checks_decide_whether_anyone_is_asked() {
    let place = Place::unchecked("merge").await;
    for (name, conclusion) in [("test", "failure"), ("lint", "timed_out"), ("build", "success")] {
        place.github.check(HEAD, name, 0, conclusion);
    }
    assert_eq!(place.deliver().await, failed("checks_failed", "checks"));
    assert_eq!(place.error().await, "these checks did not pass: lint, test");
    assert_eq!(place.approvals().await.len(), 0);

    let slow = Place::unchecked("merge").await;
    slow.github.check(HEAD, "build", 1_000, "success");
    let planned = state_of("waiting", None, &["plan succeeded"]);
    assert_eq!(slow.deliver().await, planned);
    slow.pass(9).await;
    assert_eq!(slow.deliver().await, planned, "nine minutes are not ten");
    slow.pass(1).await;
    assert_eq!(slow.deliver().await, failed("checks_timed_out", "checks"));
    assert_eq!(slow.error().await, "these checks were not over in time: build");
    assert_eq!(slow.approvals().await.len(), 0);

    let unchecked = Place::unchecked("merge").await;
    assert_eq!(unchecked.deliver().await, planned, "some may be about to begin");
    unchecked.pass(1).await;
    unchecked.until_asked().await;
    let asked = unchecked.asked().await;
    assert!(asked.intent.summary.ends_with("no check speaks for it."), "{}", asked.intent.summary);

    // Green when it was asked, red when it was approved.
    let turned = Place::new().await;
    turned.until_asked().await;
    turned.approve(None).await;
    turned.github.check(HEAD, "nightly", 0, "failure");
    assert_eq!(turned.deliver().await, failed("checks_failed", "merge"));
    assert_eq!(turned.github.merge_calls(), 0);
}

#[tokio::test]
async fn what_cannot_be_merged_is_not_asked_about() {
    type Change = fn(&mut Pull);
    let changes: [(&str, Change); 3] = [
        ("it is closed", |pull| pull.open = false),
        ("it is a draft", |pull| pull.draft = true),
        ("it conflicts with its base", |pull| pull.conflicts = true),
    ];
    for (reason, change) in changes {
        let place = Place::new().await;
        place.github.change(SHOP, 7, change);
        assert_eq!(place.deliver().await, failed("merge_refused", "plan"), "{reason}");
        assert!(place.error().await.ends_with(reason), "{}", place.error().await);
        assert_eq!(place.approvals().await.len(), 0);
    }
    let merged = Place::new().await;
    merged.github.merge_as(SHOP, 7, "ada");
    assert_eq!(merged.deliver().await, failed("merge_refused", "plan"));

    let suspended = Place::new().await;
    let suspend = "UPDATE installations SET suspended_at = now()";
    suspended.sql.execute(suspend, &[]).await.unwrap();
    assert_eq!(suspended.deliver().await, failed("repository_forbidden", "plan"));
}

#[tokio::test]
async fn refusals_that_pass_are_tried_again_and_others_are_not() {
    let place = Place::new().await;
    place.until_asked().await;
    place.approve(None).await;
    let moving = "Base branch was modified. Review and try the merge again.";
    place.github.order(Fault::Refuses(405, moving));
    place.github.order(Fault::Refuses(405, "Merge already in progress"));
    for attempt in 0..2 {
        let (status, ..) = place.deliver().await;
        assert_eq!(status, "queued", "attempt {attempt}");
    }
    assert_eq!(place.deliver().await, succeeded());
    assert_eq!((place.github.merges().len(), place.github.merge_calls()), (1, 3));

    let place = Place::new().await;
    place.until_asked().await;
    place.approve(None).await;
    let never = "Merge commits are not allowed on this repository.";
    place.github.order(Fault::Refuses(405, never));
    assert_eq!(place.deliver().await, failed("merge_refused", "merge"));
    assert!(place.error().await.ends_with(never), "{}", place.error().await);
    assert_eq!(place.github.merge_calls(), 1);
}

#[tokio::test]
async fn a_head_that_someone_else_merged_meanwhile_is_merged_but_not_by_us() {
    for (login, by_us) in [("ada", false), (APP_LOGIN, true)] {
        let place = Place::new().await;
        place.until_asked().await;
        place.approve(None).await;
        let commit = place.github.merge_as(SHOP, 7, login);
        // A check that fails after the merge does not undo it.
        place.github.check(HEAD, "after", 0, "failure");
        assert_eq!(place.deliver().await, succeeded());
        let output = json!({ "merge_commit_sha": commit, "merged_by_us": by_us });
        assert_eq!(place.output("merge").await, output);
        assert_eq!(place.github.merge_calls(), 0);
    }
}
