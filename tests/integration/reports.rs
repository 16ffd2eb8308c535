//! What GitHub shows of an analysis, told by the deployed notifier: everything, once, and as it
//! stands now.

use serde_json::{Value, json};

use crate::shop::{PULL_REQUEST, REPOSITORY, Shop};

const CLEAN: &str = "def add(a, b):\n    return a + b\n";
const FLAW: &str =
    "import yaml\n\n\ndef read(text):\n    return yaml.load(text, Loader=yaml.Loader)\n";
const MENDED: &str = "import yaml\n\n\ndef read(text):\n    return yaml.safe_load(text)\n";

/// Functions that each evaluate what they are given.
fn flaws(count: usize) -> String {
    (0..count).map(|n| format!("def f{n}(text):\n    return eval(text)\n\n\n")).collect()
}

fn marked<'a>(comments: &'a [Value], login: &str) -> Vec<&'a str> {
    let own = comments.iter().filter(|comment| comment["user"]["login"] == login);
    own.map(|comment| comment["body"].as_str().unwrap()).collect()
}

const US: &str = tests::github_server::APP_LOGIN;

#[tokio::test]
async fn a_pull_request_has_one_comment_that_tells_of_its_newest_head() {
    let shop = Shop::new().await;
    let base = shop.git.commit_files(&[("app.py", CLEAN)], "main", &[]);
    // Who copies our mark is not us, and is left alone.
    shop.github.say(REPOSITORY, PULL_REQUEST, "mallory", "<!-- assay:summary 0 -->\nAll is well");
    let flawed = shop.git.commit_files(&[("app.py", CLEAN), ("a.py", FLAW)], "change", &[&base]);
    let first = shop.push(&flawed, &base).await;
    first.told().await;
    let comments = shop.github.comments(REPOSITORY, PULL_REQUEST);
    let ours = marked(&comments, US);
    assert_eq!(ours.len(), 1, "{ours:?}");
    assert!(
        ours[0].contains("## Assay: failed") && ours[0].contains("<code>a.py:5</code>"),
        "{}",
        ours[0]
    );
    assert!(ours[0].contains(&format!("/v1/analyses/{}", first.analysis["id"].as_str().unwrap())));

    let mended = shop.git.commit_files(&[("app.py", CLEAN), ("a.py", MENDED)], "change", &[&base]);
    let second = shop.push(&mended, &base).await;
    second.told().await;
    // The message about the first comes once more, late.
    assert!(!shop.notify(first.run).await);
    let comments = shop.github.comments(REPOSITORY, PULL_REQUEST);
    let ours = marked(&comments, US);
    assert_eq!(ours.len(), 1, "{ours:?}");
    assert!(ours[0].contains("## Assay: passed"), "{}", ours[0]);
    assert!(
        ours[0].contains("Since the push before: 0 new, 1 fixed, 0 persisting."),
        "{}",
        ours[0]
    );
    assert!(ours[0].contains(&mended.as_str()[..12]), "{}", ours[0]);
    assert_eq!(marked(&comments, "mallory"), ["<!-- assay:summary 0 -->\nAll is well"]);
}

#[tokio::test]
async fn two_comments_of_ours_become_one() {
    let shop = Shop::new().await;
    let base = shop.git.commit_files(&[("app.py", CLEAN)], "main", &[]);
    let flawed = shop.git.commit_files(&[("app.py", CLEAN), ("a.py", FLAW)], "change", &[&base]);
    let push = shop.push(&flawed, &base).await;
    // As two workers leave it that looked at the same moment and found none.
    for _ in 0..2 {
        shop.github.say(REPOSITORY, PULL_REQUEST, US, "<!-- assay:summary 0 -->\nan older word");
    }
    push.told().await;
    let comments = shop.github.comments(REPOSITORY, PULL_REQUEST);
    assert_eq!(comments.len(), 1, "{comments:#?}");
    assert_eq!(comments[0]["id"], 1, "the first stays where it is");
    assert!(comments[0]["body"].as_str().unwrap().contains("## Assay: failed"));
}

/// Goal: every annotation arrives once, whatever breaks. Method: a change with more findings than
/// fit two requests, and each answer of GitHub lost in turn.
#[tokio::test]
async fn every_annotation_is_there_once_whatever_answer_is_lost() {
    let shop = Shop::new().await;
    let base = shop.git.commit_files(&[("app.py", CLEAN)], "main", &[]);
    // A rule keeps a hundred matches of one file.
    let files = [("app.py", CLEAN), ("a.py", &flaws(90)), ("b.py", &flaws(41))];
    let flawed = shop.git.commit_files(&files, "change", &[&base]);
    let writes_of_one_telling = 4;
    for lost in 0..writes_of_one_telling {
        let push = shop.push(&flawed, &base).await;
        shop.github.lose_answer(lost);
        assert!(shop.notify(push.run).await, "{lost}: what was not answered is told again");
        let check = push.told().await;
        let annotations = check["output"]["annotations"].as_array().unwrap();
        let mut places: Vec<String> = annotations
            .iter()
            .map(|one| format!("{}:{}", one["path"], one["start_line"]))
            .collect();
        assert_eq!(places.len(), 131, "{lost}");
        places.sort();
        places.dedup();
        assert_eq!(places.len(), 131, "{lost}: none twice");
        assert_eq!(
            (&check["status"], &check["conclusion"]),
            (&json!("completed"), &json!("failure"))
        );
        let comments = shop.github.comments(REPOSITORY, PULL_REQUEST);
        assert_eq!(comments.len(), 1, "{lost}");
        let body = comments[0]["body"].as_str().unwrap();
        assert_eq!(body.matches("<details>").count(), 10, "{body}");
        assert!(body.contains("121 findings more beside the code."), "{body}");
    }
}

#[tokio::test]
async fn fixes_are_suggested_once_for_a_head_and_only_where_the_change_is() {
    let shop = Shop::new().await;
    // One flaw was there before, in a line that the change leaves alone.
    let old = format!("{FLAW}\n\ndef other(text):\n    return text\n");
    let base = shop.git.commit_files(&[("app.py", &old)], "main", &[]);
    let touched = old.replace("return text", "return text + text");
    let files = [("app.py", touched.as_str()), ("a.py", FLAW)];
    let flawed = shop.git.commit_files(&files, "change", &[&base]);
    shop.github.differs(REPOSITORY, PULL_REQUEST, "a.py", 1..=5);
    shop.github.differs(REPOSITORY, PULL_REQUEST, "app.py", 9..=9);
    let push = shop.push(&flawed, &base).await;
    // Made, and nobody heard of it: the next attempt finds it.
    shop.github.lose_answer(2);
    assert!(shop.notify(push.run).await);
    push.told().await;
    let reviews = shop.github.reviews(REPOSITORY, PULL_REQUEST);
    assert_eq!(reviews.len(), 1, "{reviews:#?}");
    assert_eq!(
        (&reviews[0]["commit_id"], &reviews[0]["state"]),
        (&json!(flawed), &json!("COMMENTED"))
    );
    let remarks = shop.github.remarks(REPOSITORY, PULL_REQUEST);
    assert_eq!(remarks.len(), 1, "{remarks:#?}");
    assert_eq!((&remarks[0]["path"], &remarks[0]["line"]), (&json!("a.py"), &json!(5)));
    let body = remarks[0]["body"].as_str().unwrap();
    assert!(body.contains("```suggestion\n    return yaml."), "{body}");

    // The next head has it still: what stands beside the line is not said again.
    let files = [("app.py", touched.as_str()), ("a.py", FLAW), ("b.py", CLEAN)];
    let next = shop.git.commit_files(&files, "change", &[&base]);
    shop.push(&next, &base).await.told().await;
    assert_eq!(shop.github.reviews(REPOSITORY, PULL_REQUEST).len(), 1);
    assert_eq!(shop.github.remarks(REPOSITORY, PULL_REQUEST).len(), 1);
}

#[tokio::test]
async fn what_github_does_not_show_is_not_suggested_and_told_all_the_same() {
    let shop = Shop::new().await;
    let base = shop.git.commit_files(&[("app.py", CLEAN)], "main", &[]);
    let flawed = shop.git.commit_files(&[("app.py", CLEAN), ("a.py", FLAW)], "change", &[&base]);
    // Of the five lines that are new to us the pull request shows four.
    shop.github.differs(REPOSITORY, PULL_REQUEST, "a.py", 1..=4);
    let push = shop.push(&flawed, &base).await;
    assert_eq!(push.told().await["conclusion"], "failure");
    let comments = shop.github.comments(REPOSITORY, PULL_REQUEST);
    assert_eq!(comments.len(), 1);
    assert!(comments[0]["body"].as_str().unwrap().contains("+    return yaml."), "{comments:#?}");
    assert!(shop.github.reviews(REPOSITORY, PULL_REQUEST).is_empty());
}

/// Goal: one remark that GitHub does not take costs the others nothing, whatever answer is lost.
/// Method: two fixes, of which one has no place, and each answer to their telling lost in turn.
#[tokio::test]
async fn one_suggestion_without_a_place_does_not_cost_the_others_theirs() {
    for lost in [None, Some(2), Some(3)] {
        let shop = Shop::new().await;
        let base = shop.git.commit_files(&[("app.py", CLEAN)], "main", &[]);
        let files = [("app.py", CLEAN), ("a.py", FLAW), ("b.py", FLAW)];
        let flawed = shop.git.commit_files(&files, "change", &[&base]);
        for path in ["a.py", "b.py"] {
            shop.github.differs(REPOSITORY, PULL_REQUEST, path, 1..=5);
        }
        shop.github.closes(REPOSITORY, PULL_REQUEST, "b.py", 1..=5);
        let push = shop.push(&flawed, &base).await;
        if let Some(lost) = lost {
            shop.github.lose_answer(lost);
            assert!(shop.notify(push.run).await, "what was not answered is told again");
        }
        push.told().await;
        push.told().await;
        let remarks = shop.github.remarks(REPOSITORY, PULL_REQUEST);
        let paths: Vec<&Value> = remarks.iter().map(|remark| &remark["path"]).collect();
        assert_eq!(paths, ["a.py"], "{lost:?}");
        let reviews = shop.github.reviews(REPOSITORY, PULL_REQUEST);
        assert_eq!(reviews.len(), 1, "{lost:?} {reviews:#?}");
        let body = reviews[0]["body"].as_str().unwrap();
        assert!(body.contains("<code>b.py:5</code>") && !body.contains("a.py"), "{body}");
        assert!(body.contains("+    return yaml."), "{body}");
    }
}

/// As Bandit writes it, cut to what is read.
fn log(results: &Value) -> Value {
    json!({ "version": "2.1.0", "runs": [{
        "tool": { "driver": { "name": "Bandit", "rules": [{
            "id": "B101",
            "shortDescription": { "text": "assert_used" },
            "properties": { "tags": ["security", "external/cwe/cwe-703"] },
        }] } },
        "results": results,
    }] })
}

fn result(path: &str, line: u32, level: &str) -> Value {
    json!({
        "ruleId": "B101", "ruleIndex": 0, "level": level, "message": { "text": "Use of assert." },
        "locations": [{ "physicalLocation": {
            "artifactLocation": { "uri": path },
            "region": { "startLine": line, "snippet": { "text": "assert x" } },
        } }],
    })
}

#[tokio::test]
async fn what_another_tool_found_joins_the_analysis_and_decides_only_when_asked() {
    let shop = Shop::new().await;
    let base = shop.git.commit_files(&[("app.py", CLEAN)], "main", &[]);
    let text = "def check(x):\n    assert x\n";
    let files = [("app.py", CLEAN), ("a.py", text)];
    let head = shop.git.commit_files(&files, "change", &[&base]);
    let push = shop.push(&head, &base).await;
    assert_eq!((push.verdict(), push.counts("total")), ("passed", json!(0)));
    let path = format!("/v1/analyses/{}/sarif", push.analysis["id"].as_str().unwrap());
    let results = json!([
        result("a.py", 2, "error"),
        result("app.py", 2, "warning"),
        result("../outside.py", 1, "error"),
        { "ruleId": "B101", "message": { "text": "nowhere" } },
    ]);
    let imported = shop.post(&path, &log(&results)).await;
    assert_eq!(imported.status, 200, "{}", imported.json());
    let imported = imported.json();
    assert_eq!((&imported["imported"], &imported["known"]), (&json!(2), &json!(0)), "{imported}");
    assert_eq!((&imported["tools"], &imported["skipped_count"]), (&json!(["Bandit"]), &json!(2)));
    assert_eq!(imported["skipped"][0]["at"], "runs[0].results[2]");
    let again = shop.post(&path, &log(&results)).await.json();
    assert_eq!((&again["imported"], &again["known"]), (&json!(0), &json!(2)));

    let found = push.findings("&tool=Bandit").await;
    let told: Vec<_> = found
        .iter()
        .map(|one| (one["path"].as_str().unwrap(), one["state"].as_str().unwrap()))
        .collect();
    assert_eq!(told, [("a.py", "new"), ("app.py", "existing")]);
    assert!(found.iter().all(|one| one["deciding"] == false && one["tool"] == "Bandit"));
    let analysis =
        shop.get(&format!("/v1/analyses/{}", push.analysis["id"].as_str().unwrap())).await;
    assert_eq!((&analysis["verdict"], &analysis["counts"]["total"]), (&json!("passed"), &json!(2)));
    let late = shop.post(&format!("{path}?decide=true"), &log(&results)).await;
    assert_eq!(late.problem(), (409, "conflict".to_owned()), "the verdict is given");

    // Asked in time, new findings decide. They are of another tool, so these are others.
    let mut results = log(&json!([result("a.py", 1, "error"), result("app.py", 1, "error")]));
    results["runs"][0]["tool"]["driver"]["name"] = json!("Gatekeeper");
    let judged = shop
        .judge_anew(&push, async || {
            let asked = shop.post(&format!("{path}?decide=true"), &results).await;
            assert_eq!(asked.status, 200, "{}", asked.json());
        })
        .await;
    assert_eq!((judged.verdict(), judged.counts("total")), ("failed", json!(4)));
    let deciding = judged.findings("&tool=Gatekeeper").await;
    let deciding: Vec<_> = deciding.iter().filter(|one| one["deciding"] == true).collect();
    assert_eq!(deciding.len(), 1, "what was there before does not: {deciding:#?}");

    // The next push does not take them for fixed.
    let push = shop.push(&head, &base).await;
    assert_eq!(push.counts("since_previous")["fixed"], 0);
}

#[tokio::test]
async fn what_was_found_leaves_as_a_log_that_can_be_read_back() {
    let shop = Shop::new().await;
    let base = shop.git.commit_files(&[("app.py", CLEAN)], "main", &[]);
    let flaw = "import os\n\n\ndef show(name):\n    os.system('ls ' + name)\n";
    let other = "import pickle\n\n\ndef load(upload):\n    return pickle.loads(upload.read())\n";
    let broken = "def broken(:\n    return (\n";
    let files = [("app.py", CLEAN), ("a.py", flaw), ("b.py", other), ("c.py", broken)];
    let head = shop.git.commit_files(&files, "change", &[&base]);
    let push = shop.push(&head, &base).await;
    let path = format!("/v1/analyses/{}/sarif", push.analysis["id"].as_str().unwrap());
    shop.post(&path, &log(&json!([result("a.py", 2, "error")]))).await;

    let log = shop.get(&path).await;
    let run = &log["runs"][0];
    let told: Vec<_> = run["results"].as_array().unwrap().iter().map(told).collect();
    let found = push.findings("").await;
    let mut own: Vec<_> = found
        .iter()
        .filter(|one| one["tool"].is_null())
        .map(|one| (one["path"].clone(), one["line_start"].clone(), one["rule"].clone()))
        .collect();
    own.sort_by_key(|(path, line, rule)| (path.to_string(), line.as_u64(), rule.to_string()));
    assert_eq!(told, own);
    assert!(told.len() >= 2, "{log:#}");
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    assert!(told.iter().all(|(_, _, id)| rules.iter().any(|rule| rule["id"] == *id)));
    let known_by = &run["results"][0]["partialFingerprints"];
    assert!(known_by["assayTrail/v2"].is_string(), "wherever it moves: {known_by}");
    let said = &run["invocations"][0]["toolExecutionNotifications"][0];
    let place = &said["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
    assert_eq!((&said["descriptor"]["id"], place), (&json!("syntax-errors"), &json!("c.py")));

    // It is known for our own: nothing of it joins the analysis again.
    let again = shop.post(&path, &log).await.json();
    assert_eq!(again["imported"], 0, "{again}");
}

fn told(result: &Value) -> (Value, Value, Value) {
    let place = &result["locations"][0]["physicalLocation"];
    let (path, line) = (&place["artifactLocation"]["uri"], &place["region"]["startLine"]);
    (path.clone(), line.clone(), result["ruleId"].clone())
}

#[tokio::test]
async fn a_log_that_is_none_is_refused_with_what_is_wrong_and_where() {
    let shop = Shop::new().await;
    let base = shop.git.commit_files(&[("app.py", CLEAN)], "main", &[]);
    let push = shop.push(&base, &base).await;
    let path = format!("/v1/analyses/{}/sarif", push.analysis["id"].as_str().unwrap());
    let cases = [
        (json!({ "version": "1.0.0", "runs": [] }), "version"),
        (json!({ "version": "2.1.0", "runs": [{ "tool": {} }] }), "runs[0].tool"),
        (log(&json!([{ "level": 7 }])), "runs[0].results[0].level"),
        (log(&json!(vec![result("a.py", 2, "note"); 5_001])), "runs"),
    ];
    for (log, field) in cases {
        let answer = shop.post(&path, &log).await;
        assert_eq!(answer.problem().0, 400, "{field}");
        assert_eq!(answer.json()["errors"][0]["field"], field, "{}", answer.json());
    }
    let long = json!({ "version": "2.1.0", "runs": [], "properties": "x".repeat(5 << 20) });
    assert_eq!(shop.post(&path, &long).await.problem(), (413, "too_large".to_owned()));
    let nowhere = format!("/v1/analyses/{}/sarif", uuid::Uuid::now_v7());
    assert_eq!(shop.post(&nowhere, &log(&json!([]))).await.problem().0, 404);
}
