//! What people decided about a finding, through the binaries that are deployed: it stays with the
//! finding wherever that goes, ends when it should, and its record is never changed.

use domain::CommitSha;
use serde_json::{Value, json};

use crate::shop::{Push, Shop};

const CLEAN: &str = "def add(a, b):\n    return a + b\n";
const EVAL: &str = "python.injection.eval";
const SHELL: &str = "python.injection.subprocess-shell";
const PICKLE: &str = "python.deserialization.pickle";

/// Three flaws in a file that the pull request adds.
const FLAWS: &str = "import pickle
import subprocess


def listing(name):
    return subprocess.run('ls ' + name, shell=True)


def result(text):
    return eval(text)


def read(data):
    return pickle.loads(data)
";

/// The same with two of them mended.
const MENDED: &str = "import json
import subprocess


def listing(name):
    return subprocess.run(['ls', name])


def result(text):
    return eval(text)


def read(data):
    return json.loads(data)
";

/// Below forty other lines.
fn moved(text: &str) -> String {
    format!("{}{text}", "# Nothing to see here.\n".repeat(40))
}

async fn dismiss(shop: &Shop, finding: &Value, body: &Value) -> Value {
    let path = format!("/v1/findings/{}/dismiss", finding["id"].as_str().unwrap());
    let answer = shop.post(&path, body).await;
    assert_eq!(answer.status, 200, "{}", answer.json());
    answer.json()
}

fn delta(new: u32, fixed: u32, persisting: u32) -> Value {
    json!({ "new": new, "fixed": fixed, "persisting": persisting })
}

/// `files` on top of `base`, as the head of the pull request.
fn head(shop: &Shop, base: &CommitSha, files: &[(&str, &str)]) -> CommitSha {
    let files = [&[("app.py", CLEAN)], files].concat();
    shop.git.commit_files(&files, "change", &[base])
}

fn is(push: &Push<'_>, verdict: &str, base: Value, previous: Value) {
    let found = (push.verdict(), push.counts("since_base"), push.counts("since_previous"));
    assert_eq!(found, (verdict, base, previous), "{:#?}", push.analysis);
}

/// Path, line and weight of each annotation, in the order of the lines.
fn annotations(check: &Value) -> Vec<(String, u64, String)> {
    let shown = check["output"]["annotations"].as_array().into_iter().flatten();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut shown: Vec<_> = shown
        .map(|one| {
            assert_eq!(one["start_line"], one["end_line"], "{one}");
            let line = one["start_line"].as_u64().unwrap();
            (text(&one["path"]), line, text(&one["annotation_level"]))
        })
        .collect();
    shown.sort();
    shown
}

fn beside(lines: &[u64]) -> Vec<(String, u64, String)> {
    lines.iter().map(|line| ("tools.py".to_owned(), *line, "failure".to_owned())).collect()
}

/// Goal (acceptance 4 of the engine, first half): from the webhook to what GitHub shows, three flaws
/// fail a pull request with an annotation beside each of them, and the fix pushed afterwards passes.
#[tokio::test]
async fn three_flaws_fail_with_three_annotations_and_the_fix_pushed_afterwards_passes() {
    let shop = Shop::new().await;
    let base = shop.git.commit_files(&[("app.py", CLEAN)], "main", &[]);
    let flawed = head(&shop, &base, &[("tools.py", FLAWS)]);
    let push = shop.push_by_webhook(&flawed, &base).await;
    is(&push, "failed", delta(3, 0, 0), json!(null));
    let check = push.told().await;
    assert_eq!(
        (&check["conclusion"], &check["head_sha"], &check["name"]),
        (&json!("failure"), &json!(flawed), &json!("Assay"))
    );
    assert_eq!(annotations(&check), beside(&[6, 10, 14]));

    let fixed = MENDED.replace("eval(text)", "json.loads(text)");
    let fix =
        shop.git.commit_files(&[("app.py", CLEAN), ("tools.py", &fixed)], "change", &[&flawed]);
    let push = shop.push_by_webhook(&fix, &base).await;
    is(&push, "passed", delta(0, 0, 0), delta(0, 3, 0));
    let check = push.told().await;
    assert_eq!(
        (&check["conclusion"], &check["head_sha"]),
        (&json!("success"), &json!(fix)),
        "{check:#}"
    );
    assert_eq!(annotations(&check), []);
}

/// Goal (acceptance 4 of the engine, second half): what was dismissed stays dismissed, with who
/// answers for it and until when, after a rebase that moves it by forty lines and renames its file.
#[tokio::test]
async fn a_dismissal_survives_a_rebase_that_moves_and_renames() {
    let shop = Shop::new().await;
    let base = shop.git.commit_files(&[("app.py", CLEAN)], "main", &[]);
    let first = head(&shop, &base, &[("tools.py", FLAWS)]);
    let push = shop.push_by_webhook(&first, &base).await;
    is(&push, "failed", delta(3, 0, 0), json!(null));

    let eval = push.finding(EVAL).await;
    assert_eq!(eval["line_start"], 10);
    let why = json!({
        "ground": "mitigated", "reason": "the text is a constant of ours", "owner": "team-shop",
        "expires_at": "2999-01-01T00:00:00Z",
    });
    let dismissed = dismiss(&shop, &eval, &why).await;
    assert_eq!(dismissed["dismissal"]["owner"], "team-shop");

    // Mended, and the dismissed one still there.
    let mended = head(&shop, &base, &[("tools.py", MENDED)]);
    let mended = shop.push_by_webhook(&mended, &base).await;
    is(&mended, "passed", delta(1, 0, 0), delta(0, 2, 1));
    assert_eq!((mended.counts("dismissed"), mended.counts("total")), (json!(1), json!(1)));
    assert_eq!(mended.told().await["conclusion"], "success");

    // The base moved on, and so did the file.
    let later = shop.git.commit_files(&[("app.py", CLEAN), ("new.py", CLEAN)], "main", &[&base]);
    let text = moved(MENDED);
    let files = [("app.py", CLEAN), ("new.py", CLEAN), ("lib/helpers.py", text.as_str())];
    let rebased = shop.git.commit_files(&files, "change", &[&later]);
    let push = shop.push_by_webhook(&rebased, &later).await;
    is(&push, "passed", delta(1, 0, 0), delta(0, 0, 1));
    let found = push.finding(EVAL).await;
    assert_eq!((&found["path"], &found["line_start"]), (&json!("lib/helpers.py"), &json!(50)));
    assert_eq!((&found["dismissed"], &found["deciding"]), (&json!(true), &json!(false)));
    for field in ["by", "owner", "ground", "reason", "at", "expires_at"] {
        assert_eq!(found["dismissal"][field], dismissed["dismissal"][field], "{field}");
        assert!(!found["dismissal"][field].is_null(), "{field}: {found}");
    }
    assert_ne!(found["fingerprint"], eval["fingerprint"]);
    assert_eq!(found["lineage"], eval["lineage"]);
    let check = push.told().await;
    assert_eq!(check["conclusion"], "success");
    assert_eq!(annotations(&check), [], "{check:#}");

    // Merged, it is on the base: nobody has seen the move, and everybody knows the name.
    let next =
        shop.git.commit_files(&[&files[..], &[("more.py", CLEAN)]].concat(), "next", &[&rebased]);
    let push = shop.push(&next, &rebased).await;
    assert_eq!(push.finding(EVAL).await["dismissed"], true);
}

#[tokio::test]
async fn what_only_moved_is_not_new_and_a_copy_is() {
    let shop = Shop::new().await;
    let old = [("app.py", CLEAN), ("tools.py", FLAWS)];
    let base = shop.git.commit_files(&old, "main", &[]);
    let text = moved(FLAWS).replace("eval(text)", "eval(\n        text,\n    )");
    let push = shop.push(&head(&shop, &base, &[("other/place.py", &text)]), &base).await;
    is(&push, "passed", delta(0, 0, 3), json!(null));

    let copied = [("tools.py", FLAWS), ("copy.py", FLAWS)];
    let push = shop.push(&head(&shop, &base, &copied), &base).await;
    is(&push, "failed", delta(3, 0, 3), delta(3, 0, 3));
    let new = push.findings("&state=new").await;
    assert!(new.iter().all(|finding| finding["path"] == "copy.py"), "{new:#?}");

    let push = shop.push(&head(&shop, &base, &[("tools.py", MENDED)]), &base).await;
    is(&push, "passed", delta(0, 2, 1), delta(0, 5, 1));
}

#[tokio::test]
async fn a_dismissal_ends_on_its_day_and_the_finding_says_so() {
    let shop = Shop::new().await;
    let base = shop.git.commit_files(&[("app.py", CLEAN)], "main", &[]);
    let change = head(&shop, &base, &[("tools.py", "def result(text):\n    return eval(text)\n")]);
    let first = shop.push(&change, &base).await;
    let until = json!({
        "ground": "accepted_risk", "reason": "until the rewrite", "owner": "team-shop",
        "expires_at": "2999-01-01T00:00:00Z",
    });
    dismiss(&shop, &first.finding(EVAL).await, &until).await;
    let held = shop.push(&change, &base).await;
    assert_eq!((held.verdict(), held.counts("dismissed")), ("passed", json!(1)));

    shop.let_expire().await;
    let over = shop.push(&change, &base).await;
    assert_eq!((over.verdict(), over.counts("dismissed")), ("failed", json!(0)));
    assert_eq!(over.counts("expired"), 1);
    let found = over.finding(EVAL).await;
    assert_eq!((&found["dismissed"], &found["deciding"]), (&json!(false), &json!(true)));
    let expired = &found["dismissal_expired"];
    assert_eq!(
        (&expired["owner"], &expired["ground"]),
        (&json!("team-shop"), &json!("accepted_risk"))
    );
    let check = over.told().await;
    let told = format!("{}{}", check["output"]["summary"], check["output"]["annotations"]);
    assert_eq!(told.matches("Dismissal expired").count(), 2, "{told}");
    let standing = shop.get("/v1/dismissals?standing=expired").await;
    assert_eq!(standing["items"][0]["reason"], "until the rewrite");

    // Dismissed anew it holds again, and nothing is said of the old one.
    dismiss(&shop, &found, &json!({ "reason": "for good" })).await;
    let again = shop.push(&change, &base).await;
    assert_eq!((again.verdict(), again.counts("expired")), ("passed", json!(0)));
}

#[tokio::test]
async fn reopened_by_hand_it_counts_again_and_all_that_was_decided_is_kept() {
    let shop = Shop::new().await;
    let base = shop.git.commit_files(&[("app.py", CLEAN)], "main", &[]);
    let change = head(&shop, &base, &[("tools.py", FLAWS)]);
    let first = shop.push(&change, &base).await;
    let finding = first.finding(EVAL).await;
    let path = |what: &str| format!("/v1/findings/{}/{what}", finding["id"].as_str().unwrap());
    let dismissal = json!({ "ground": "false_positive", "reason": "no input" });
    dismiss(&shop, &finding, &dismissal).await;
    let again = shop.post(&path("dismiss"), &dismissal).await;
    assert_eq!(again.problem(), (409, "conflict".to_owned()));
    let why = json!({ "reason": "it is input after all" });
    assert_eq!(shop.post(&path("reopen"), &why).await.status, 200);
    assert_eq!(shop.post(&path("reopen"), &why).await.status, 409);
    let push = shop.push(&change, &base).await;
    assert_eq!(push.finding(EVAL).await["deciding"], true);

    let decisions = shop.get(&path("decisions")).await;
    let told: Vec<_> = decisions["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["standing"].as_str().unwrap(), one["reason"].as_str().unwrap()))
        .collect();
    assert_eq!(told, [("reopened", "it is input after all"), ("active", "no input")]);
    let logged = shop.get("/v1/audit-logs").await;
    let actions: Vec<_> =
        logged["items"].as_array().unwrap().iter().map(|one| &one["action"]).collect();
    assert_eq!(actions, ["finding.reopened", "finding.dismissed"]);
    let change = "UPDATE finding_dispositions SET decided_by = 'somebody else'";
    let refused = shop.world.database.sql().await.batch_execute(change).await.unwrap_err();
    assert!(refused.as_db_error().unwrap().message().contains("append-only"), "{refused}");
}

#[tokio::test]
async fn dismissals_are_listed_by_what_people_look_for() {
    let shop = Shop::new().await;
    let base = shop.git.commit_files(&[("app.py", CLEAN)], "main", &[]);
    let push = shop.push(&head(&shop, &base, &[("tools.py", FLAWS)]), &base).await;
    let grounds = [
        (EVAL, json!({ "ground": "false_positive", "reason": "a", "owner": "team-a" })),
        (
            SHELL,
            json!({ "ground": "accepted_risk", "reason": "b", "owner": "team-b",
                        "expires_at": "2999-01-01T00:00:00Z" }),
        ),
        (PICKLE, json!({ "reason": "c" })),
    ];
    for (rule, body) in &grounds {
        dismiss(&shop, &push.finding(rule).await, body).await;
    }
    let reopen = push.finding(PICKLE).await;
    let path = format!("/v1/findings/{}/reopen", reopen["id"].as_str().unwrap());
    assert_eq!(shop.post(&path, &json!({ "reason": "d" })).await.status, 200);
    let repository = shop.repository;
    let elsewhere = uuid::Uuid::now_v7();
    let cases = [
        (String::new(), &["d", "b", "a"][..]),
        ("?standing=active".into(), &["b", "a"]),
        ("?standing=reopened".into(), &["d"]),
        ("?standing=expired".into(), &[]),
        ("?ground=accepted_risk".into(), &["b"]),
        ("?owner=team-a".into(), &["a"]),
        (format!("?rule={SHELL}"), &["b"]),
        (format!("?repository_id={repository}&limit=1"), &["d"]),
        (format!("?repository_id={elsewhere}"), &[]),
    ];
    for (filter, expected) in cases {
        let listed = shop.get(&format!("/v1/dismissals{filter}")).await;
        let reasons: Vec<_> =
            listed["items"].as_array().unwrap().iter().map(|one| &one["reason"]).collect();
        assert_eq!(reasons, expected, "{filter}");
    }
    let first = shop.get("/v1/dismissals?limit=1").await;
    let next = format!("/v1/dismissals?cursor={}", first["next_cursor"].as_str().unwrap());
    assert_eq!(shop.get(&next).await["items"].as_array().unwrap().len(), 2);

    let unknown = format!("/v1/findings/{elsewhere}/dismiss");
    assert_eq!(shop.post(&unknown, &json!({ "reason": "x" })).await.problem().0, 404);
    let own = format!("/v1/findings/{}/dismiss", reopen["id"].as_str().unwrap());
    for wrong in [
        json!({ "reason": " " }),
        json!({ "reason": "x", "ground": "because" }),
        json!({ "reason": "x", "owner": "" }),
        json!({ "reason": "x", "expires_at": "2001-01-01T00:00:00Z" }),
        json!({ "reason": "x", "expires_at": "tomorrow" }),
        json!({}),
    ] {
        let answer = shop.post(&own, &wrong).await;
        assert_eq!(answer.problem().0, 400, "{wrong}");
    }
}
