//! The head is merged once, whatever is lost or killed on the way.

use std::time::Duration;

use domain::RunId;
use run_orchestrator::Deps;
use serde_json::{Value, json};
use store::approvals::{Decided, Decision};
use tests::{
    github_server::{Fault, GitHubServer},
    queue_server::QueueServer,
};

use super::place::{
    HEAD, NEWER, Place, SHOP, config, event, hand_over, merged, start, state_of, succeeded,
};
use crate::api::world::World;

#[tokio::test]
async fn a_head_is_merged_once_after_its_checks_and_its_approval() {
    let place = Place::unchecked("merge").await;
    place.github.check(HEAD, "build", 2, "success");
    place.github.check(HEAD, "lint", 0, "skipped");
    for look in 0..2 {
        let state = place.deliver().await;
        assert_eq!(state, state_of("waiting", None, &["plan succeeded"]), "look {look}");
        assert_eq!(place.approvals().await.len(), 0, "asked before the checks were over");
    }
    place.until_asked().await;
    place.deliver().await;
    let asked = place.asked().await;
    assert_eq!(
        asked.intent.summary,
        "Merge pull request #7 of acme/repository-1 (“Add a cart”, head a1a1a1a1a1a1) into \
         master by the method merge; 1 check passed, 1 undecided (lint)."
    );
    assert_eq!(asked.intent.plan, place.output("plan").await);
    assert_eq!(asked.intent.plan["head_sha"], HEAD);

    place.approve(None).await;
    assert_eq!(place.deliver().await, succeeded());
    let output = place.output("merge").await;
    let title = "Merge pull request #7 from octocat:new-topic";
    let expected = merged("merge", Some(title), Some("Add a cart"), &output["merge_commit_sha"]);
    assert_eq!(place.github.merges(), [expected]);
    assert_eq!(output["merged_by_us"], true);
    let allowed = place.output("approve").await;
    assert_eq!(allowed["approved_by"], "ada");
    assert_eq!(allowed["approval_id"], asked.id.to_string());
    let run = "SELECT commit_sha, summary FROM runs WHERE id = $1";
    let run = place.sql.query_one(run, &[place.run.as_uuid()]).await.unwrap();
    assert_eq!((run.get::<_, &str>(0), run.get::<_, Value>(1)), (HEAD, output));

    assert_eq!(place.deliver().await, succeeded(), "a second message is nobody's work");
    assert_eq!(place.github.merge_calls(), 1);
}

/// The same through the API, as people and their programs go the way.
#[tokio::test]
async fn from_the_request_to_the_merged_head_everything_can_be_done_through_the_api() {
    let world = World::create().await;
    let tenant = world.tenant("acme", 1).await;
    let github = GitHubServer::start().await;
    github.open(SHOP, 7, "Add a cart", HEAD);
    github.check(HEAD, "build", 0, "success");
    let objects = tempfile::tempdir().unwrap();
    let deps = Deps::new(config(&world.database, &objects, github.url())).unwrap();

    let wanted = json!({ "repository_id": tenant.repository, "pull_request": 7, "head_sha": HEAD });
    let accepted = world.post("/v1/merges", &tenant.key, &wanted).await.json();
    let run: RunId = accepted["run_id"].as_str().unwrap().parse().unwrap();
    hand_over(&deps, tenant.org, run).await;

    let listed = world.get(&format!("/v1/approvals?run_id={run}"), &tenant.key).await.json();
    let asked = &listed["items"][0];
    assert_eq!((&asked["scope"], &asked["status"]), (&json!("repo.merge"), &json!("pending")));
    let path = format!("/v1/approvals/{}/approve", asked["id"].as_str().unwrap());
    let stale = json!({ "intent_hash": "0".repeat(64) });
    let refused = world.post(&path, &tenant.key, &stale).await;
    assert_eq!(refused.problem(), (409, "conflict".to_owned()));
    hand_over(&deps, tenant.org, run).await;
    assert_eq!(github.merge_calls(), 0);

    let mut plan = asked["plan"].clone();
    plan["method"] = json!("rebase");
    let approval = json!({ "intent_hash": asked["intent_hash"], "plan": plan });
    let refused = world.post(&path, &tenant.key, &approval).await;
    assert_eq!(refused.problem().0, 400, "a rebase has no title: {}", refused.json());
    plan["commit_title"] = json!(null);
    plan["commit_message"] = json!(null);
    let approval = json!({ "intent_hash": asked["intent_hash"], "plan": plan });
    let approved = world.post(&path, &tenant.key, &approval).await.json();
    assert_eq!(approved["status"], "approved", "{approved}");
    hand_over(&deps, tenant.org, run).await;

    let shown = world.get(&format!("/v1/runs/{run}"), &tenant.key).await.json();
    assert_eq!((&shown["status"], &shown["commit"]), (&json!("succeeded"), &json!(HEAD)));
    let [done] = github.merges().try_into().unwrap();
    assert_eq!(done, merged("rebase", None, None, &json!(done.commit)));
}

#[tokio::test]
async fn what_was_edited_and_approved_is_what_is_merged() {
    let place = Place::new().await;
    place.until_asked().await;
    let asked = place.asked().await;
    let mut edited = asked.intent.plan.clone();
    edited["head_sha"] = json!(NEWER);
    let decision = |edited| Decision::Approve {
        intent_hash: &asked.intent_hash,
        edited: Some(edited),
        by: "ada",
    };
    let decided = place.decide(asked.id, decision(&edited)).await;
    assert!(matches!(decided, Decided::Unacceptable(_)), "{decided:?}");
    edited["head_sha"] = json!(HEAD);
    edited["method"] = json!("squash");
    edited["commit_title"] = json!("cart: Add a cart");
    edited["commit_message"] = json!(null);
    place.approve(Some(&edited)).await;
    assert_eq!(place.deliver().await, succeeded());
    let commit = place.output("merge").await["merge_commit_sha"].take();
    let expected = merged("squash", Some("cart: Add a cart"), None, &commit);
    assert_eq!(place.github.merges(), [expected]);
}

#[tokio::test]
async fn an_answer_that_is_lost_does_not_merge_twice() {
    let place = Place::new().await;
    place.until_asked().await;
    place.approve(None).await;
    place.github.order(Fault::ReplyLost);
    let (status, ..) = place.deliver().await;
    assert_eq!(status, "queued", "GitHub failed, as far as we know");
    assert_eq!(place.deliver().await, succeeded());
    let [merge] = place.github.merges().try_into().unwrap();
    let output = json!({ "merge_commit_sha": merge.commit, "merged_by_us": true });
    assert_eq!(place.output("merge").await, output);
    assert_eq!(place.github.merge_calls(), 1);
}

/// The deployed binary, killed when GitHub has merged and we have not heard of it.
#[tokio::test]
async fn a_worker_that_dies_between_the_merge_and_its_commit_has_merged_once() {
    let place = Place::new().await;
    place.until_asked().await;
    place.approve(None).await;
    place.github.order(Fault::Slow(Duration::from_secs(60)));
    let queues = QueueServer::start().await;
    let function = start(&place, &queues).await;
    let answer = function.begin(event(place.org, place.run));
    while place.github.merges().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    function.kill().await;
    drop(answer);
    let steps = ["plan succeeded", "checks succeeded", "approve succeeded"];
    assert_eq!(place.state().await, state_of("running", None, &steps), "nothing was committed");

    let expire = "UPDATE runs SET leased_until = clock_timestamp() - interval '1 second'";
    place.sql.execute(expire, &[]).await.unwrap();
    let successor = start(&place, &queues).await;
    let answer = successor.invoke(event(place.org, place.run)).await.unwrap();
    assert_eq!(answer["batchItemFailures"], json!([]));
    assert_eq!(place.state().await, succeeded());
    let [merge] = place.github.merges().try_into().unwrap();
    let output = json!({ "merge_commit_sha": merge.commit, "merged_by_us": true });
    assert_eq!(place.output("merge").await, output);
    assert_eq!(place.github.merge_calls(), 1, "it looked before it called");
}
