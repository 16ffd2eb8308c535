//! Formal checks of a pull request, from its commits to the tables: what is proved, what is
//! refuted and whether that is new, and what is said when there is no solver.

use std::time::Duration;

use domain::{FormalSummary, OrgId, RunId, RunKind, kinds};
use lambda_runtime::{Context, LambdaEvent};
use queue::{Message, RunRequested};
use run_orchestrator::{Config, Deps, handle};
use serde_json::json;
use sha2::{Digest, Sha256};
use startup::Secret;
use store::runs::{self, NewRun};
use tests::{TestDatabase, git_server::GitServer};
use tokio_postgres::Client;
use uuid::Uuid;

const BASE: &str = "\
def old():
    return 10 // int(input())


def share(total: int, count: int):
    if count == 0:
        return 0
    return total // count


def untouched(n: int):
    return 10 // n
";

const HEAD: &str = "\
def old():
    text = 'still the same'
    return 10 // int(input())


def share(total: int, count: int):
    return total // count


def untouched(n: int):
    return 10 // n


def fresh():
    parts = int(input())
    return 10 // parts


def guarded(n: int):
    if n > 0:
        return 10 // n
    return other() // 7
";

/// As much time as there is, so that a busy machine changes no verdict.
const POLICY: &str = "\
version: 1
formal:
  query_timeout_ms: 200
  function_timeout_ms: 2000
";

/// The analysis of a pull request that turns [`BASE`] into [`HEAD`].
struct Analysed {
    sql: Client,
    summary: FormalSummary,
}

/// Function, line, verdict, and whether a test was rendered.
type Row = (String, i32, String, bool);

async fn analyse(z3_path: Option<String>) -> Analysed {
    analyse_change(BASE, HEAD, z3_path).await
}

async fn analyse_change(before: &str, after: &str, z3_path: Option<String>) -> Analysed {
    let server = GitServer::start().await;
    let git = server.repository("shop");
    let files = |code| [(".assay.yml", POLICY), ("shop/share.py", code)];
    let base = git.commit_files(&files(before), "main", &[]);
    let head = git.commit_files(&files(after), "change", &[&base]);
    let database = TestDatabase::create().await;
    let org = database.organization("acme").await;
    let repository = database.repository(org, 1, &server.url("shop")).await;
    let objects = tempfile::tempdir().unwrap();
    let deps = Deps::new(Config {
        database_url: Secret::literal("DATABASE_URL", database.functions_url()),
        lease: Duration::from_secs(60),
        objects_url: format!("file://{}", objects.path().display()),
        queue_urls: Vec::new(),
        private_git_hosts: server.address().to_string(),
        github_api_url: "https://api.github.com".to_owned(),
        github_app: None,
        z3_path,
    })
    .unwrap();

    let id = RunId::new(Uuid::now_v7());
    let mut session = database.functions().session().await.unwrap();
    let tx = session.begin(org).await.unwrap();
    let repository = store::repositories::find(&tx, repository).await.unwrap().unwrap();
    let run = NewRun {
        id,
        org,
        project: Some(repository.project),
        repository: Some(repository.id),
        kind: RunKind::Analysis,
        idempotency_key: id.to_string(),
        event_type: "pull_request".to_owned(),
        git_ref: Some("refs/pull/7/head".to_owned()),
        commit: Some(head),
        pull_request: Some(7),
        input: json!(kinds::analysis::Input { base_sha: Some(base), pr_title: None }),
        traceparent: None,
        parent: None,
        schedule: None,
    };
    runs::insert(&tx, &run).await.unwrap();
    tx.commit().await.unwrap();
    deliver(&deps, org, id).await;

    let sql = database.sql().await;
    let row = "SELECT metadata -> 'formal' FROM analyses WHERE status = 'completed'";
    let summary = sql.query_one(row, &[]).await.unwrap().get(0);
    Analysed { summary: serde_json::from_value(summary).unwrap(), sql }
}

async fn deliver(deps: &Deps, org: OrgId, run: RunId) {
    let body = RunRequested { org_id: org, run_id: run }.body().to_string();
    let event = json!({ "Records": [{ "messageId": "m", "body": body }] });
    let event = LambdaEvent::new(serde_json::from_value(event).unwrap(), Context::default());
    let response = handle(deps, event).await.unwrap();
    assert!(response.batch_item_failures.is_empty());
}

impl Analysed {
    async fn results(&self) -> Vec<Row> {
        let sql = "SELECT function_name, line, verdict, test IS NOT NULL FROM formal_results
                   WHERE check_kind = 'division_by_zero' ORDER BY line";
        let rows = self.sql.query(sql, &[]).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3))).collect()
    }

    /// Line, state and whether it decides, of the findings that formal checks made.
    async fn findings(&self) -> Vec<(i32, String, bool)> {
        let sql = "SELECT line_start, state, deciding FROM findings
                   WHERE rule_id = 'python.formal.division-by-zero' ORDER BY 1";
        let rows = self.sql.query(sql, &[]).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
    }
}

fn z3() -> Option<String> {
    let path = startup::required("Z3_PATH")
        .expect("Z3_PATH names the z3 program: run `cargo local test`, or see docs/formal.md");
    Some(path)
}

fn row(function: &str, line: i32, verdict: &str, test: bool) -> Row {
    (function.to_owned(), line, verdict.to_owned(), test)
}

#[tokio::test]
async fn a_change_is_proved_or_refuted_and_what_the_base_has_too_is_not_new() {
    let analysed = analyse(z3()).await;
    let expected = [
        row("old", 3, "refuted", false),
        row("share", 7, "caller_dependent", true),
        row("fresh", 16, "refuted", false),
        row("guarded", 21, "proved", false),
        row("guarded", 22, "proved", false),
    ];
    assert_eq!(analysed.results().await, expected, "and nothing of what was not touched");
    let findings = [(3, "existing".to_owned(), false), (16, "new".to_owned(), true)];
    assert_eq!(analysed.findings().await, findings, "what depends on callers is no finding");
    let sql = "SELECT verification_proof FROM findings WHERE line_start = 16";
    let proof: String = analysed.sql.query_one(sql, &[]).await.unwrap().get(0);
    let proof: serde_json::Value = serde_json::from_str(&proof).unwrap();
    let kept = "SELECT jsonb_build_object('inputs', counterexample, 'test', test)
                FROM formal_results WHERE line = 16 AND verdict = 'refuted'";
    let kept: serde_json::Value = analysed.sql.query_one(kept, &[]).await.unwrap().get(0);
    assert_eq!(proof, kept, "the finding shows what was found out");

    let summary = &analysed.summary;
    assert_eq!((summary.solver_unavailable.as_deref(), summary.functions_skipped), (None, 0));
    assert!(summary.proved > 0 && summary.refuted == 2, "{summary:?}");
    assert_eq!(summary.kept, summary.checks());
}

#[tokio::test]
async fn a_function_that_nobody_touched_is_checked_when_what_it_calls_changes() {
    let before = "def parts():
    return 2


def nothing():
    return 0


def split():
    return 10 // parts()


def always():
    return 10 // nothing()


def alone():
    return 10 // int('0')
";
    let after = before
        .replace("return 2", "return 0")
        .replace("return 0\n\n\ndef split", "return 1 - 1\n\n\ndef split");
    let analysed = analyse_change(before, &after, z3()).await;
    let findings = [(10, "new".to_owned(), true), (14, "existing".to_owned(), false)];
    assert_eq!(analysed.findings().await, findings);
    let looked_at: Vec<String> = analysed.results().await.into_iter().map(|row| row.0).collect();
    assert_eq!(looked_at, ["split", "always"], "who calls nothing that changed is left alone");
}

#[tokio::test]
async fn a_change_is_followed_to_the_callers_of_its_callers_as_far_as_calls_are() {
    let mut before = "def parts():\n    return 2\n\n\n".to_owned();
    let mut callee = "parts".to_owned();
    for far in 1..=7 {
        before.push_str(&format!("def far{far}():\n    return {callee}()\n\n\n"));
        callee = format!("far{far}");
    }
    before.push_str("def split():\n    return 10 // far2()\n\n\n");
    before.push_str("def apart():\n    return 10 // int('1')\n");
    let after = before.replace("return 2", "return 1 - 1");
    let analysed = analyse_change(&before, &after, z3()).await;
    assert_eq!(analysed.findings().await, [(34, "new".to_owned(), true)]);
    let looked_at: Vec<String> = analysed.results().await.into_iter().map(|row| row.0).collect();
    assert_eq!(looked_at, ["split"], "who calls nothing that changed is left alone");
    // The code of the module itself is one of them.
    assert_eq!(analysed.summary.functions, 8, "the touched ones, and five calls away from it");
}

#[tokio::test]
async fn each_result_is_kept_with_its_question_and_its_counterexample() {
    let analysed = analyse(z3()).await;
    let sql = "SELECT query, query_hash, counterexample, test, duration_ms FROM formal_results
               WHERE function_name = 'share' AND check_kind = 'division_by_zero'";
    let row = analysed.sql.query_one(sql, &[]).await.unwrap();
    let (query, hash): (String, String) = (row.get(0), row.get(1));
    assert!(query.contains("declare-const"), "{query}");
    assert_eq!(hash, hex::encode(Sha256::digest(&query)));
    let inputs: serde_json::Value = row.get(2);
    let count = inputs.as_array().unwrap().iter().find(|input| input["name"] == "count").unwrap();
    assert_eq!(count["value"], "0");
    let test: String = row.get(3);
    assert!(test.contains("runpy.run_path(\"shop/share.py\")"), "{test}");
    assert!(test.contains("except ZeroDivisionError"), "{test}");
    assert!(row.get::<_, f64>(4) > 0.0);
}

#[tokio::test]
async fn without_a_solver_nothing_fails_and_it_is_said() {
    for z3_path in [None, Some("/nonexistent/z3".to_owned())] {
        let analysed = analyse(z3_path).await;
        let told = analysed.summary.solver_unavailable.clone();
        assert!(told.is_some_and(|told| !told.is_empty()), "{:?}", analysed.summary);
        assert_eq!((analysed.summary.refuted, analysed.findings().await), (0, Vec::new()));
        for (function, line, verdict, _) in analysed.results().await {
            // That 7 is not 0 takes no solver.
            let expected = if line == 22 { "proved" } else { "unknown" };
            assert_eq!(verdict, expected, "{function}");
        }
        let sql = "SELECT count(*) FROM formal_results
                   WHERE verdict = 'unknown' AND reason LIKE '%no solver%'";
        let said: i64 = analysed.sql.query_one(sql, &[]).await.unwrap().get(0);
        assert!(said >= 4, "{said}");
    }
}
