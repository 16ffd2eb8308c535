//! From a verdict to an attestation that strangers can check, and a badge.

mod scene;

use attestor::{Error, handle};
use domain::{Classify, ErrorKind, Fingerprint, Tier};
use queue::AttestRequested;

use scene::{Examined, FAILED_PR, PASSED_PR, PASSED_PUSH, Scene, commit};

#[tokio::test]
async fn a_verdict_becomes_an_attestation_that_a_stranger_can_check() {
    let scene = Scene::new().await;
    let made = scene.attested(PASSED_PR).await;
    let report = scene.verified(&made).await;
    assert!(report.valid, "{:?}", report.checks);

    let said = report.attestation.unwrap();
    assert_eq!(said.repository, "git+https://github.com/acme/widget");
    assert_eq!(said.commits, [commit(0xa1).to_string()]);
    assert_eq!(said.levels, ["ASSAY_VERDICT_PASSED", "ASSAY_TIER_BRONZE"]);
    assert_eq!(said.verifier, "https://assay.example.com/verifier/v1");
    // The columns are a projection of what was signed.
    assert_eq!((said.tier, said.passed), (Some(made.tier), made.passed));
    assert_eq!((said.attestation_hash, said.key_id), (made.hash.clone(), made.key_id.clone()));
    assert_eq!(said.expires_at, Some(made.expires_at));
    assert_eq!((made.kind.as_str(), made.parent), ("pr", None));
    assert_eq!(made.evidence["coverage"], 0.9);

    let (token, shown) = scene.badge().await;
    assert_eq!(shown.id, made.id);
    assert_eq!(token.len(), 22);
}

#[tokio::test]
async fn the_same_message_twice_signs_once() {
    let scene = Scene::new().await;
    let (run, analysis) = scene.examined(PASSED_PR).await;
    let deps = scene.deps();
    handle(&deps, scene.message(run)).await.unwrap();
    let first = scene.attestation(analysis).await.unwrap();
    let badge = scene.badge().await.0;

    handle(&deps, scene.message(run)).await.unwrap();
    assert_eq!(scene.attestation(analysis).await.unwrap().id, first.id);
    assert_eq!(scene.badge().await.0, badge);
    assert_eq!(scene.count("verification_attestations").await, 1);
}

#[tokio::test]
async fn each_attestation_names_the_one_before_it() {
    let scene = Scene::new().await;
    let first = scene.attested(PASSED_PR).await;
    let second = scene.attested(Examined { commit: 0xb2, ..PASSED_PR }).await;
    assert_eq!(second.parent, Some(first.id));

    let said = scene.verified(&second).await.attestation.unwrap();
    assert_eq!(said.inputs.len(), 2);
    assert_eq!(said.inputs[1], first.hash, "the parent's hash is signed");
    // Two in a row.
    assert_eq!(second.evidence["clean_runs"], 2);
    assert_eq!(scene.badge().await.1.id, second.id);
    assert_eq!(scene.count("signing_keys").await, 1);
}

#[tokio::test]
async fn attestors_that_meet_make_one_chain() {
    const MEETING: u8 = 3;
    let scene = Scene::new().await;
    scene.attested(PASSED_PR).await;
    let mut messages = Vec::new();
    for commit in 1..=MEETING {
        let (run, _) = scene.examined(Examined { commit, ..PASSED_PR }).await;
        // Each delivered twice.
        messages.extend([scene.message(run); 2]);
    }
    let (one, two) = (scene.deps(), scene.deps());
    let work = messages
        .iter()
        .enumerate()
        .map(|(number, message)| handle(if number % 2 == 0 { &one } else { &two }, *message));
    for outcome in futures_util::future::join_all(work).await {
        // Who lost too often says so, and is delivered again.
        if let Err(error) = outcome {
            assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
        }
    }
    for message in messages {
        handle(&one, message).await.unwrap();
    }

    let sql = scene.database.sql().await;
    let chain = sql
        .query_one(
            "WITH RECURSIVE chain AS (
                 SELECT id FROM verification_attestations WHERE parent_attestation_id IS NULL
                 UNION ALL
                 SELECT t.id FROM verification_attestations t
                 JOIN chain ON t.parent_attestation_id = chain.id)
             SELECT count(*) FROM chain",
            &[],
        )
        .await
        .unwrap();
    assert_eq!(chain.get::<_, i64>(0), i64::from(MEETING) + 1);
    assert_eq!(scene.count("verification_attestations").await, i64::from(MEETING) + 1);
    assert_eq!(scene.count("verification_badges").await, 1);
}

#[tokio::test]
async fn a_failed_verdict_is_attested_as_failed_and_breaks_the_row() {
    let scene = Scene::new().await;
    scene.attested(PASSED_PR).await;
    let failed = scene.attested(Examined { commit: 0xb2, ..FAILED_PR }).await;
    assert!(!failed.passed);
    assert_eq!(failed.tier, Tier::None);
    let report = scene.verified(&failed).await;
    assert!(report.valid, "what was signed is true: {:?}", report.checks);
    assert_eq!(report.attestation.unwrap().levels, ["FAILED"]);

    let detail = scene.detail(&failed).await;
    let decided = &detail["predicate"]["attributes"][3];
    assert_eq!(decided["attribute"], "ASSAY_VERDICT_FAILED");
    assert_eq!(decided["evidence"]["annotations"]["count"], 2);
    let fingerprint = Fingerprint::of("python.injection.eval", "app.py", "", "eval(x)", 0);
    let named = &decided["evidence"]["annotations"]["findings"];
    assert!(named.to_string().contains(fingerprint.as_str()), "{named}");

    let after = scene.attested(Examined { commit: 0xc3, ..PASSED_PR }).await;
    assert_eq!(after.evidence["clean_runs"], 1);
}

#[tokio::test]
async fn a_pull_request_cannot_move_the_badge_of_the_default_branch() {
    let scene = Scene::new().await;
    scene.attested(FAILED_PR).await;
    let pushed = scene.attested(Examined { commit: 0xb2, ..PASSED_PUSH }).await;
    let (token, shown) = scene.badge().await;
    assert_eq!(shown.id, pushed.id, "the default branch takes the badge over");

    scene.attested(Examined { commit: 0xc3, ..FAILED_PR }).await;
    assert_eq!(scene.badge().await.1.id, pushed.id);

    let next = scene.attested(Examined { commit: 0xd4, ..PASSED_PUSH }).await;
    let (same_token, shown) = scene.badge().await;
    assert_eq!((shown.id, same_token), (next.id, token));
}

#[tokio::test]
async fn nothing_is_signed_with_a_retired_key() {
    let scene = Scene::new().await;
    scene.attested(PASSED_PR).await;
    let sql = scene.database.sql().await;
    sql.execute("UPDATE signing_keys SET retired_at = now()", &[]).await.unwrap();

    let (run, analysis) = scene.examined(Examined { commit: 0xb2, ..PASSED_PR }).await;
    let error = handle(&scene.deps(), scene.message(run)).await.unwrap_err();
    assert!(matches!(error, Error::RetiredKey(_)), "{error}");
    assert!(scene.attestation(analysis).await.is_none());
}

#[tokio::test]
async fn without_a_verdict_or_a_key_there_is_no_attestation() {
    let scene = Scene::new().await;
    let unfinished = scene.run(PASSED_PR).await;
    let error = handle(&scene.deps(), scene.message(unfinished)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);

    let (run, analysis) = scene.examined(PASSED_PR).await;
    let other = scene.database.organization("other").await;
    let foreign = AttestRequested { org_id: other, run_id: run };
    let error = handle(&scene.deps(), foreign).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "another tenant's run does not exist");

    std::fs::write(scene.key_file.path(), "not a key").unwrap();
    let error = handle(&scene.deps(), scene.message(run)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Bug, "the message waits until someone mends the setting");
    assert!(scene.attestation(analysis).await.is_none());
    assert_eq!(scene.count("signing_keys").await, 0);
}
