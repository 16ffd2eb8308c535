//! Trust scores and summaries of changes, from the deployed function to the API: each is kept once
//! for a file at a commit and for a head, and what was given stays as it was given.

use domain::{CommitSha, OrgId, RepositoryId, RunId, RunKind, Scope, kinds};
use queue::{Message, RunRequested};
use serde_json::{Value, json};
use store::runs::{self, NewRun};
use tempfile::TempDir;
use tests::{
    function::Function,
    git_server::{GitRepository, GitServer},
    queue_server::QueueServer,
};
use tokio_postgres::Client;
use uuid::Uuid;

use crate::api::world::World;

const ORDERS: &str = "\"\"\"Orders.\"\"\"\n\n\ndef total(order, tax):\n    \
                      \"\"\"With tax.\"\"\"\n    return sum(order) * tax\n";
const TEST: &str =
    "from shop.orders import total\n\n\ndef test_total():\n    assert total([1], 2) == 2\n";

/// A repository, an Assay that knows it, and its function as it is deployed.
struct Place {
    world: World,
    sql: Client,
    git: GitRepository,
    org: OrgId,
    repository: RepositoryId,
    key: String,
    function: Function,
    _server: GitServer,
    _objects: TempDir,
    _queues: QueueServer,
}

impl Place {
    async fn new() -> Self {
        let world = World::create().await;
        let server = GitServer::start().await;
        let git = server.repository("shop");
        let org = world.database.organization("acme").await;
        let repository = world.database.repository(org, 1, &server.url("shop")).await;
        let (_, key) = world.key(org, &[Scope::Read]).await;
        let (objects, queues) = (tempfile::tempdir().unwrap(), QueueServer::start().await);
        let settings = [
            ("DATABASE_URL", world.database.functions_url()),
            ("RUN_LEASE_SECONDS", "60".to_owned()),
            ("OBJECTS_URL", format!("file://{}", objects.path().display())),
            ("RUNS_QUEUE_URL", queues.url("runs")),
            ("EMBED_QUEUE_URL", queues.url("embed")),
            ("ATTEST_QUEUE_URL", queues.url("attest")),
            ("NOTIFY_QUEUE_URL", queues.url("notify")),
            ("AWS_ENDPOINT_URL", queues.endpoint()),
            ("GITHUB_API_URL", "https://api.github.com".to_owned()),
            ("PRIVATE_GIT_HOSTS", server.address().to_string()),
            ("RUST_LOG", "warn".to_owned()),
        ];
        let settings: Vec<(&str, &str)> =
            settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let function = Function::start("run_orchestrator", &settings).await;
        let sql = world.database.sql().await;
        Self {
            world,
            sql,
            git,
            org,
            repository,
            key,
            function,
            _server: server,
            _objects: objects,
            _queues: queues,
        }
    }

    /// Has a head of pull request 7 examined, and gives its verdict.
    async fn examine(&self, head: &CommitSha, base: Option<&CommitSha>) -> String {
        let run = self.request(head, base).await;
        let body = RunRequested { org_id: self.org, run_id: run }.body().to_string();
        let event = json!({ "Records": [{ "messageId": "m", "body": body }] });
        self.function.invoke(event).await.unwrap();
        let query = "SELECT verdict FROM analyses WHERE run_id = $1";
        self.sql.query_one(query, &[run.as_uuid()]).await.unwrap().get(0)
    }

    async fn request(&self, head: &CommitSha, base: Option<&CommitSha>) -> RunId {
        let id = RunId::new(Uuid::now_v7());
        let title = base.map(|_| "fix: Count once".to_owned());
        let input = kinds::analysis::Input { base_sha: base.cloned(), pr_title: title };
        let mut session = self.world.database.functions().session().await.unwrap();
        let tx = session.begin(self.org).await.unwrap();
        let repository = store::repositories::find(&tx, self.repository).await.unwrap().unwrap();
        let run = NewRun {
            id,
            org: self.org,
            project: Some(repository.project),
            repository: Some(self.repository),
            kind: RunKind::Analysis,
            idempotency_key: id.to_string(),
            event_type: "pull_request".to_owned(),
            git_ref: Some("refs/pull/7/head".to_owned()),
            commit: Some(head.clone()),
            pull_request: base.map(|_| 7),
            input: json!(input),
            traceparent: None,
            parent: None,
            schedule: None,
        };
        runs::insert(&tx, &run).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self.world.get(path, &self.key).await;
        assert_eq!(answer.status, 200, "{path}: {}", String::from_utf8_lossy(&answer.bytes));
        answer.json()
    }

    async fn text(&self, path: &str) -> String {
        let answer = self.world.get(path, &self.key).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header(http::header::CONTENT_TYPE), "text/markdown; charset=utf-8");
        String::from_utf8(answer.bytes.to_vec()).unwrap()
    }

    async fn score(&self, path: &str, commit: &CommitSha) -> Value {
        let repository = self.repository;
        let query = format!("trust-score?path={path}&commit={commit}");
        self.get(&format!("/v1/repositories/{repository}/{query}")).await
    }

    /// What GitHub is told of the one run that there is.
    async fn check(&self) -> String {
        let id: Uuid = self.sql.query_one("SELECT id FROM runs", &[]).await.unwrap().get(0);
        let mut session = self.world.database.functions().session().await.unwrap();
        let tx = session.begin(self.org).await.unwrap();
        let run = runs::find(&tx, RunId::new(id)).await.unwrap().unwrap();
        let analysis = store::analyses::find_by_run(&tx, run.id).await.unwrap();
        let ending = notifier::Ending { run, analysis, new: Vec::new() };
        notifier::check_run(&ending, None).unwrap().summary
    }

    async fn summaries(&self) -> Vec<Value> {
        let listed = self.get("/v1/diff-summaries?pull_request=7").await;
        listed["items"].as_array().unwrap().clone()
    }
}

fn orders(body: &str) -> String {
    format!("{ORDERS}\n\ndef refund(order):\n    return {body}\n")
}

#[tokio::test]
async fn a_new_head_makes_new_entries_and_leaves_the_old_ones() {
    let place = Place::new().await;
    let commit = |text: &str, branch: &str, parents: &[&CommitSha]| {
        let files = [("shop/orders.py", text), ("tests/test_orders.py", TEST)];
        place.git.commit_files(&files, branch, parents)
    };
    let base = commit(ORDERS, "main", &[]);
    let flawed = commit(&orders("eval(order)"), "change", &[&base]);
    assert_eq!(place.examine(&flawed, Some(&base)).await, "failed");

    let first = place.score("shop/orders.py", &flawed).await;
    let points: f64 =
        first["factors"].as_array().unwrap().iter().map(|it| it["points"].as_f64().unwrap()).sum();
    assert!((points - first["score"].as_f64().unwrap()).abs() < 1e-6, "{first:#}");
    assert_eq!((&first["introduced"], &first["ai_probability"]), (&json!(1), &json!(null)));
    assert_eq!(first["not_measured"], json!(["history"]), "nothing is known of earlier changes");
    let pattern = &first["factors"][1];
    assert_eq!(pattern["name"], "pattern");
    let eval = &pattern["parts"][0];
    assert_eq!((&eval["name"], &eval["count"]), (&json!("code_evaluation"), &json!(1)));
    assert_eq!(eval["places"][0]["line"], 10);
    assert!(eval["places"][0]["rule"].as_str().unwrap().contains("eval"), "{eval}");
    let listed = place.get(&format!("/v1/trust-scores?commit={flawed}")).await;
    assert_eq!(listed["items"].as_array().unwrap().len(), 1, "only what changed is scored");

    let told = place.summaries().await;
    assert_eq!(told.len(), 1);
    let path = format!("/v1/diff-summaries/{}", told[0]["id"].as_str().unwrap());
    let detail = place.get(&path).await;
    assert_eq!(detail["head"], flawed.as_str());
    assert_eq!(detail["changelog"], "fix(shop): Count once");
    assert_eq!(detail["changes"][0]["name"], "refund");
    assert_eq!(detail["changes"][0]["state"], "added");
    assert_eq!(detail["risk"]["level"], "high", "{:#}", detail["risk"]);
    assert_eq!(detail["risk"]["reasons"][0]["code"], "findings");
    let description = place.text(&format!("{path}/pr-description")).await;
    assert!(description.starts_with("# Add refund in shop\n"), "{description}");
    let check = place.check().await;
    assert!(check.contains("\nRisk of the change: high (1 new finding counts"), "{check}");
    assert!(
        check.contains("\nTrust: 1 of 1 files scored; the lowest is `shop/orders.py`"),
        "{check}"
    );

    // The same head once more: the very same entries.
    assert_eq!(place.examine(&flawed, Some(&base)).await, "failed");
    assert_eq!(place.score("shop/orders.py", &flawed).await, first);
    assert_eq!(place.summaries().await, told);

    let mended = commit(&orders("sum(order)"), "change", &[&flawed]);
    assert_eq!(place.examine(&mended, Some(&base)).await, "passed");
    let second = place.score("shop/orders.py", &mended).await;
    assert!(second["score"].as_f64() > first["score"].as_f64(), "{second:#}");
    assert_eq!(second["introduced"], 0);
    assert_eq!(place.score("shop/orders.py", &flawed).await, first, "the old one is kept");
    let both = place.summaries().await;
    assert_eq!(both.len(), 2);
    assert_eq!((&both[0]["head"], &both[1]), (&json!(mended.as_str()), &told[0]));
    assert_eq!(both[0]["risk_level"], "low");

    let changelog = format!("/v1/repositories/{}/changelog", place.repository);
    let changelog = place.text(&changelog).await;
    assert_eq!(changelog.matches("fix(shop): Count once (#7)").count(), 1, "{changelog}");
}

#[tokio::test]
async fn history_counts_once_there_is_enough_of_it() {
    let place = Place::new().await;
    let base = place.git.commit_files(&[("shop/orders.py", ORDERS)], "main", &[]);
    let bodies = ["eval(order)", "order[0]", "order[1]", "order[2]", "order[3]"];
    let mut heads = vec![base.clone()];
    for body in bodies {
        let files = [("shop/orders.py", orders(body))];
        let files = files.each_ref().map(|(path, text)| (*path, text.as_str()));
        let head = place.git.commit_files(&files, "change", &[&heads[heads.len() - 1]]);
        place.examine(&head, Some(&base)).await;
        heads.push(head);
    }
    let history = |score: &Value| score["factors"][2].clone();
    let third = history(&place.score("shop/orders.py", &heads[3]).await);
    assert_eq!(third["value"], json!(null), "two earlier changes prove nothing: {third}");
    let fourth = history(&place.score("shop/orders.py", &heads[4]).await);
    assert_eq!(fourth["value"], 0.6667, "the first of three had a flaw: {fourth}");
    let fifth = history(&place.score("shop/orders.py", &heads[5]).await);
    assert_eq!(fifth["value"], 0.75, "{fifth}");

    let path = format!("/v1/repositories/{}", place.repository);
    let scores = place.get(&format!("{path}/trust-history?path=shop/orders.py")).await;
    let items = scores["items"].as_array().unwrap();
    assert_eq!((items.len(), items[0]["commit"].as_str()), (5, Some(heads[5].as_str())));
    assert!(["improving", "stable"].contains(&scores["trend"].as_str().unwrap()), "{scores}");
    let few = place.get(&format!("{path}/trust-history?path=shop/orders.py&limit=3")).await;
    assert_eq!(few["trend"], json!(null));
    let stats = place.get(&format!("{path}/trust-stats")).await;
    assert_eq!((&stats["files"], &stats["mean"]), (&json!(1), &items[0]["score"]));

    let body = json!({ "commit": heads[5], "paths": ["shop/orders.py", "none.py", "none.py"] });
    let batch = place.world.post(&format!("{path}/trust-scores"), &place.key, &body).await.json();
    assert_eq!(batch["items"], json!([items[0]]));
    assert_eq!(batch["missing"], json!(["none.py"]));
}

#[tokio::test]
async fn without_a_base_every_file_has_a_score_and_nothing_is_summarised() {
    let place = Place::new().await;
    let files = [("a.py", ORDERS), ("b/c.go", "package b\n\nfunc F() {}\n"), ("d.md", "x\n")];
    let head = place.git.commit_files(&files, "main", &[]);
    place.examine(&head, None).await;
    let listed = place.get(&format!("/v1/trust-scores?repository_id={}", place.repository)).await;
    let items = listed["items"].as_array().unwrap();
    let paths: Vec<&str> = items.iter().map(|it| it["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["a.py", "b/c.go"]);
    assert!(items.iter().all(|it| it["introduced"].is_null()), "{listed}");
    let page = place.get("/v1/trust-scores?limit=1").await;
    let next = page["next_cursor"].as_str().unwrap();
    let rest = place.get(&format!("/v1/trust-scores?limit=1&cursor={next}")).await;
    assert_eq!((&rest["items"][0], &rest["next_cursor"]), (&items[1], &json!(null)));
    let summaries = place.get("/v1/diff-summaries").await;
    assert_eq!(summaries["items"], json!([]));

    let missing = format!("/v1/repositories/{}/trust-score?path=d.md", place.repository);
    let answer = place.world.get(&missing, &place.key).await;
    assert_eq!(answer.problem(), (404, "not_found".to_owned()));
}

#[tokio::test]
async fn what_was_given_cannot_be_changed_by_the_functions() {
    let place = Place::new().await;
    let base = place.git.commit_files(&[("a.py", ORDERS)], "main", &[]);
    let head = place.git.commit_files(&[("a.py", &orders("1"))], "change", &[&base]);
    place.examine(&head, Some(&base)).await;
    let sql = place.world.database.sql_as_functions().await;
    let org = place.org.to_string();
    sql.execute("SELECT set_config('assay.org_id', $1, false)", &[&org]).await.unwrap();
    for refused in [
        "UPDATE trust_score_cache SET score = 100",
        "UPDATE trust_score_cache SET factors = '{}'",
        "UPDATE diff_summary_cache SET changes = '[]'",
        "UPDATE diff_summary_cache SET facts = '{}'",
        "UPDATE diff_summary_cache SET risk_level = 'low'",
    ] {
        let error = sql.batch_execute(refused).await.expect_err(refused);
        let code = error.code().cloned();
        assert_eq!(
            code,
            Some(tokio_postgres::error::SqlState::INSUFFICIENT_PRIVILEGE),
            "{refused}"
        );
    }
    let worded = "UPDATE diff_summary_cache SET title = 'Better words', worded_by = 'a model'";
    assert_eq!(sql.execute(worded, &[]).await.unwrap(), 1, "words may be found anew");
    let told = place.summaries().await;
    assert_eq!(
        (&told[0]["title"], &told[0]["worded_by"]),
        (&json!("Better words"), &json!("a model"))
    );
}
