//! Reading pull requests and their checks, and merging: goal is that a head is merged once or not
//! at all, whatever GitHub answers, and that nothing unknown is taken for passed.

use domain::kinds::merge::MergeMethod;

use super::*;
use crate::github::Checks;

const PUBLISHED: &str = include_str!("../../../../../tests/fixtures/github/rest.jsonl");
const WEBHOOKS: &str = include_str!("../../../../../tests/fixtures/github/examples.jsonl");

/// The example that GitHub published for the answer of an operation.
fn published(operation: &str, status: u16) -> Value {
    let mut examples = PUBLISHED.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    examples
        .find(|one| one["operation"] == operation && one["status"] == status)
        .unwrap_or_else(|| panic!("no example of {operation} {status}"))["body"]
        .take()
}

/// A GitHub that answers reads as published, unless `answer` knows better.
fn github(answer: impl Fn(&Request) -> Option<Vec<u8>> + Send + Sync + 'static) -> GitHub {
    let address = server(move |request| {
        let as_published = || {
            let operation = match request.path.rsplit('/').next().unwrap() {
                "app" => "apps/get-authenticated",
                "check-runs" => "checks/list-for-ref",
                "status" => "repos/get-combined-status-for-ref",
                "merge" => "pulls/merge",
                _ => "pulls/get",
            };
            json_answer("200 OK", &published(operation, 200))
        };
        answer(request).unwrap_or_else(as_published)
    });
    client(address, AddressGuard::public_only())
}

const HEAD: &str = "6dcb09b5b57875f334f61aebed695e2e4193db5e";

#[tokio::test]
async fn published_answers_are_understood() {
    let github = github(|_| None);
    let pull = github.pull_request(1, "octocat/Hello-World", 1347).await.unwrap();
    assert_eq!((pull.number, pull.title.as_str()), (1347, "Amazing new feature"));
    assert_eq!(
        (pull.open, pull.draft, pull.merged, pull.mergeable),
        (true, false, false, Some(true))
    );
    assert_eq!(pull.head.as_str(), HEAD);
    assert_eq!((pull.head_label.as_str(), pull.base_ref.as_str()), ("octocat:new-topic", "master"));
    assert_eq!(pull.merged_by.as_deref(), Some("octocat"));
    assert_eq!(github.app_login().await.unwrap(), "octoapp[bot]");

    let checks = github.checks(1, "octocat/Hello-World", &pull.head).await.unwrap();
    let undecided = vec!["mighty_readme".to_owned()];
    assert_eq!(checks, Checks::Passed { count: 2, undecided });

    let merge = Merge {
        head: &pull.head,
        method: MergeMethod::Merge,
        commit_title: None,
        commit_message: None,
    };
    let outcome = github.merge(1, "octocat/Hello-World", 1347, &merge).await.unwrap();
    assert_eq!(outcome, MergeOutcome::Merged { commit: HEAD.parse().unwrap() });
}

/// What webhooks carry are the same objects, captured from real repositories.
#[tokio::test]
async fn what_real_repositories_look_like_is_understood() {
    let payloads: Vec<Value> = WEBHOOKS
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["payload"].take())
        .collect();
    let objects = |name: &str| -> Vec<Value> {
        payloads.iter().map(|one| one[name].clone()).filter(|one| one["id"].is_number()).collect()
    };
    let pulls = objects("pull_request");
    assert_eq!(pulls.len(), 29);
    for pull in pulls {
        let (open, draft) = (pull["state"] == "open", pull["draft"] == true);
        let github = github(move |_| Some(json_answer("200 OK", &pull)));
        let read = github.pull_request(1, "octo/shop", 1).await.unwrap();
        assert_eq!((read.open, read.draft, read.merged), (open, draft, false));
    }
    let runs = objects("check_run");
    assert_eq!(runs.len(), 9);
    for run in runs {
        let (name, said) = (run["name"].as_str().unwrap().to_owned(), run["conclusion"].clone());
        let page = json!({ "total_count": 1, "check_runs": [run] });
        let checks = checks_of(page, json!({ "total_count": 0, "statuses": [] })).await.unwrap();
        let names = vec![name];
        let expected = match said.as_str() {
            None => Checks::Pending { names },
            Some("failure") => Checks::Failed { names },
            Some("success") => Checks::Passed { count: 1, undecided: vec![] },
            Some("neutral") => Checks::Passed { count: 0, undecided: names },
            Some(other) => panic!("a new conclusion among the examples: {other}"),
        };
        assert_eq!(checks, expected);
    }
}

async fn checks_of(runs: Value, statuses: Value) -> Result<Checks, GitHubError> {
    let github = github(move |request| {
        let body = if request.path.ends_with("/status") { &statuses } else { &runs };
        Some(json_answer("200 OK", body))
    });
    github.checks(1, "octo/shop", &sha('a')).await
}

#[tokio::test]
async fn a_commit_has_passed_only_when_nothing_says_otherwise() {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let run =
        |status: &str, conclusion: Option<&str>| (status.to_owned(), conclusion.map(str::to_owned));
    let done = |conclusion: &str| run("completed", Some(conclusion));
    let failed = Checks::Failed { names: names(&["run 0"]) };
    let pending = Checks::Pending { names: names(&["run 0"]) };
    let cases = [
        (vec![], vec![], Checks::None),
        (vec![done("success")], vec![], Checks::Passed { count: 1, undecided: vec![] }),
        (vec![], vec!["success"], Checks::Passed { count: 1, undecided: vec![] }),
        (
            vec![done("skipped"), done("success")],
            vec!["success"],
            Checks::Passed { count: 2, undecided: names(&["run 0"]) },
        ),
        (vec![done("failure")], vec!["success"], failed.clone()),
        (vec![done("cancelled")], vec![], failed.clone()),
        (vec![done("timed_out")], vec![], failed.clone()),
        (vec![done("action_required")], vec![], failed.clone()),
        (vec![done("stale")], vec![], failed.clone()),
        (vec![done("startup_failure")], vec![], failed.clone()),
        (vec![done("of a kind yet to be invented")], vec![], failed.clone()),
        (vec![run("completed", None)], vec![], failed.clone()),
        (vec![run("queued", None)], vec!["success"], pending.clone()),
        (vec![run("in_progress", None)], vec![], pending.clone()),
        (vec![run("waiting", None)], vec![], pending.clone()),
        (vec![done("failure"), run("queued", None)], vec!["pending"], failed),
        (vec![done("success")], vec!["pending"], Checks::Pending { names: names(&["ci/0"]) }),
        (
            vec![done("success")],
            vec!["error", "failure", "success"],
            Checks::Failed { names: names(&["ci/0", "ci/1"]) },
        ),
    ];
    for (runs, statuses, expected) in cases {
        let told = format!("{runs:?} {statuses:?}");
        let runs: Vec<Value> = (0..)
            .zip(runs)
            .map(|(id, (status, conclusion))| {
                json!({ "id": id, "name": format!("run {id}"), "status": status, "conclusion": conclusion })
            })
            .collect();
        let statuses: Vec<Value> = (0..)
            .zip(statuses)
            .map(|(id, state)| json!({ "id": id, "context": format!("ci/{id}"), "state": state }))
            .collect();
        let runs = json!({ "total_count": runs.len(), "check_runs": runs });
        let statuses =
            json!({ "state": "pending", "total_count": statuses.len(), "statuses": statuses });
        assert_eq!(checks_of(runs, statuses).await.unwrap(), expected, "{told}");
    }
}

#[tokio::test]
async fn every_page_of_the_checks_is_read_or_none_is_believed() {
    let green = Checks::Passed { count: 250, undecided: vec![] };
    let cases = [
        (250, 250, Ok(green)),
        (250, 251, Err(ErrorKind::Conflict)),
        (1001, 1001, Err(ErrorKind::Invalid)),
    ];
    for (listed, counted, expected) in cases {
        let github = github(move |request| {
            if request.path.ends_with("/status") {
                return Some(json_answer("200 OK", &json!({ "total_count": 0, "statuses": [] })));
            }
            let page = request.query.rsplit("page=").next().unwrap().parse::<usize>().unwrap();
            let rows: Vec<Value> = (1..=listed)
                .skip((page - 1) * 100)
                .take(100)
                .map(|id| json!({ "id": id, "name": "x", "status": "completed", "conclusion": "success" }))
                .collect();
            Some(json_answer("200 OK", &json!({ "total_count": counted, "check_runs": rows })))
        });
        let found = github.checks(1, "octo/shop", &sha('a')).await;
        assert_eq!(found.map_err(|error| error.kind()), expected, "{listed} of {counted}");
    }
}

/// A pull request on the other side, and what its merge is answered.
struct Pull {
    state: Value,
    merges: Vec<Value>,
    /// Status and body of the answer, and whether the merge is done nevertheless.
    answer: (&'static str, Value, bool),
    /// What the pull request becomes when its merge is asked for.
    meanwhile: Value,
}

impl Pull {
    fn respond(&mut self, request: &Request) -> Vec<u8> {
        if request.method == "GET" {
            assert_eq!(request.path, "/repos/octo/shop/pulls/7");
            return json_answer("200 OK", &self.state);
        }
        assert_eq!((&*request.method, &*request.path), ("PUT", "/repos/octo/shop/pulls/7/merge"));
        self.merges.push(serde_json::from_slice(&request.body).unwrap());
        let (status, body, done) = &self.answer;
        if *done {
            self.state["merged"] = json!(true);
            self.state["state"] = json!("closed");
            self.state["merge_commit_sha"] = json!(sha('f'));
            self.state["merged_by"] = json!({ "login": "octoapp[bot]" });
        }
        for (field, value) in self.meanwhile.as_object().unwrap() {
            self.state[field] = value.clone();
        }
        json_answer(status, body)
    }
}

/// What becomes of a merge of head `a`, and how often it was asked for.
async fn merged(
    change: Value,
    answer: (&'static str, Value, bool),
    meanwhile: Value,
) -> (Vec<Result<MergeOutcome, ErrorKind>>, Vec<Value>) {
    let mut state = published("pulls/get", 200);
    state["head"]["sha"] = json!(sha('a'));
    for (field, value) in change.as_object().unwrap() {
        state[field] = value.clone();
    }
    let pull = Arc::new(StdMutex::new(Pull { state, merges: Vec::new(), answer, meanwhile }));
    let theirs = Arc::clone(&pull);
    let github = github(move |request| Some(theirs.lock().unwrap().respond(request)));
    let head = sha('a');
    let merge = Merge {
        head: &head,
        method: MergeMethod::Squash,
        commit_title: Some("Add a cart (#7)"),
        commit_message: None,
    };
    let mut outcomes = Vec::new();
    for _ in 0..2 {
        let outcome = github.merge(1, "octo/shop", 7, &merge).await;
        outcomes.push(outcome.map_err(|error| error.kind()));
    }
    let merges = pull.lock().unwrap().merges.clone();
    (outcomes, merges)
}

fn already(by: &str) -> Result<MergeOutcome, ErrorKind> {
    Ok(MergeOutcome::AlreadyMerged { commit: sha('f'), by: Some(by.to_owned()) })
}

#[tokio::test]
async fn a_head_is_merged_once_even_when_the_answer_is_lost() {
    let done = published("pulls/merge", 200);
    let cases = [
        ("200 OK", done, Ok(MergeOutcome::Merged { commit: HEAD.parse().unwrap() })),
        ("502 Bad Gateway", json!({}), Err(ErrorKind::Unavailable)),
        // An earlier attempt is still at it, and is done when we look.
        (
            "405 Method Not Allowed",
            json!({ "message": "Merge already in progress" }),
            already("octoapp[bot]"),
        ),
        ("409 Conflict", published("pulls/merge", 409), already("octoapp[bot]")),
    ];
    for (status, body, first) in cases {
        let (outcomes, merges) = merged(json!({}), (status, body, true), json!({})).await;
        assert_eq!(outcomes, [first, already("octoapp[bot]")], "{status}");
        let asked = json!({
            "sha": sha('a'), "merge_method": "squash", "commit_title": "Add a cart (#7)",
        });
        assert_eq!(merges, [asked], "{status}");
    }
}

#[tokio::test]
async fn what_is_not_this_open_head_is_not_even_tried() {
    let by_another = json!({
        "merged": true, "state": "closed", "merge_commit_sha": sha('f'), "merged_by": { "login": "ada" },
    });
    let moved = json!({ "head": { "label": "o:x", "ref": "x", "sha": sha('b') } });
    let mut moved_and_merged = by_another.clone();
    moved_and_merged["head"] = moved["head"].clone();
    let refused = |reason: &str| Ok(MergeOutcome::Refused { reason: reason.to_owned() });
    let cases = [
        (by_another, already("ada")),
        (moved, Ok(MergeOutcome::HeadMoved { head: sha('b') })),
        (moved_and_merged, Ok(MergeOutcome::HeadMoved { head: sha('b') })),
        (json!({ "state": "closed" }), refused("the pull request is closed")),
        (json!({ "draft": true }), refused("the pull request is a draft")),
        (
            json!({ "merged": true, "state": "closed", "merge_commit_sha": null }),
            Err(ErrorKind::Conflict),
        ),
    ];
    for (change, expected) in cases {
        let answer = ("200 OK", published("pulls/merge", 200), true);
        let (outcomes, merges) = merged(change.clone(), answer, json!({})).await;
        assert_eq!(outcomes, [expected.clone(), expected], "{change}");
        assert_eq!(merges, Vec::<Value>::new(), "{change}");
    }
}

#[tokio::test]
async fn a_refusal_is_final_only_when_it_is() {
    let not_mergeable = published("pulls/merge", 405);
    let told = |message: &str| json!({ "message": message });
    let refused = |reason: &str| Ok(MergeOutcome::Refused { reason: reason.to_owned() });
    let moved = json!({ "head": { "label": "o:x", "ref": "x", "sha": sha('b') } });
    let cases = [
        (
            "405 Method Not Allowed",
            not_mergeable.clone(),
            json!({ "mergeable": false }),
            refused("Pull Request is not mergeable"),
        ),
        (
            "405 Method Not Allowed",
            told("Squash merges are not allowed on this repository."),
            json!({}),
            refused("Squash merges are not allowed on this repository."),
        ),
        (
            "422 Unprocessable Content",
            told("Validation Failed"),
            json!({}),
            refused("Validation Failed"),
        ),
        // GitHub does not know yet whether it can be merged, and says that it cannot.
        (
            "405 Method Not Allowed",
            not_mergeable,
            json!({ "mergeable": null }),
            Err(ErrorKind::Conflict),
        ),
        (
            "405 Method Not Allowed",
            told("Base branch was modified. Review and try the merge again."),
            json!({}),
            Err(ErrorKind::Conflict),
        ),
        ("409 Conflict", published("pulls/merge", 409), json!({}), Err(ErrorKind::Conflict)),
        (
            "409 Conflict",
            published("pulls/merge", 409),
            moved,
            Ok(MergeOutcome::HeadMoved { head: sha('b') }),
        ),
        (
            "403 Forbidden",
            told("Resource not accessible by integration"),
            json!({}),
            Err(ErrorKind::Invalid),
        ),
        ("500 Internal Server Error", json!({}), json!({}), Err(ErrorKind::Unavailable)),
    ];
    for (status, body, meanwhile, expected) in cases {
        let (outcomes, _) = merged(json!({}), (status, body.clone(), false), meanwhile).await;
        assert_eq!(outcomes[0], expected, "{status} {body}");
    }
}
