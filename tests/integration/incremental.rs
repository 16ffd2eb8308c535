//! What was examined is not examined again, and in how many parts it is examined makes no
//! difference. A real git server, the real orchestrator, a real Postgres.

mod eviction;
mod packages;
mod shards;

use domain::{CommitSha, OrgId, RunId, RunKind, kinds};
use serde_json::{Value, json};
use store::runs::{self, NewRun};
use uuid::Uuid;

use crate::scans::place::Place;

/// Flawed, clean, broken, no code, no text, a test, a secret: a file of each sort.
fn code() -> Vec<(String, String)> {
    let secret = format!("KEY = 'AKIA{}'\n", "Q3EGR7LZW5YTX2KP");
    [
        ("src/app.py", "import os\n\n\ndef run(text):\n    os.system(text)\n    eval(text)\n"),
        ("src/broken.py", "def broken(:\n    eval(text)\n"),
        ("src/clean.go", "package main\n\nfunc add(a, b int) int { return a + b }\n"),
        ("src/keys.py", &secret),
        ("src/logo.bin", "\0\u{1}"),
        ("src/page.js", "document.getElementById('a').innerHTML = location.hash;\n"),
        ("tests/app.py", "import pickle\n\n\ndef read(data):\n    return pickle.loads(data)\n"),
        ("NOTES.md", "Nothing to see.\n"),
        ("src/huge.py", &"x = eval(text)\n".repeat(80_000)),
    ]
    .map(|(path, text)| (path.to_owned(), text.to_owned()))
    .into()
}

/// Has a commit analysed to the end by an instance of its own.
async fn analyse(place: &Place, org: OrgId, commit: &CommitSha, base: Option<&CommitSha>) -> RunId {
    let id = RunId::new(Uuid::now_v7());
    let input = kinds::analysis::Input { base_sha: base.cloned(), pr_title: None };
    let query = "SELECT id, project_id FROM repositories WHERE org_id = $1";
    let row = place.sql.query_one(query, &[org.as_uuid()]).await.unwrap();
    let mut session = place.world.database.functions().session().await.unwrap();
    let tx = session.begin(org).await.unwrap();
    let run = NewRun {
        id,
        org,
        project: Some(domain::ProjectId::new(row.get("project_id"))),
        repository: Some(domain::RepositoryId::new(row.get("id"))),
        kind: RunKind::Analysis,
        idempotency_key: id.to_string(),
        event_type: "manual".to_owned(),
        git_ref: None,
        commit: Some(commit.clone()),
        pull_request: None,
        input: json!(input),
        traceparent: None,
        parent: None,
        schedule: None,
    };
    runs::insert(&tx, &run).await.unwrap();
    tx.commit().await.unwrap();
    place.deliver_to(org, id).await;
    assert_eq!(place.status(id).await, "succeeded");
    id
}

/// How many files were known, and how many were not.
async fn reuse(place: &Place, run: RunId) -> (i64, i64) {
    let query = "SELECT (output #>> '{reuse,hits}')::bigint, (output #>> '{reuse,misses}')::bigint
                 FROM run_steps WHERE run_id = $1 AND step_id IN ('security', 'join')";
    let row = place.sql.query_one(query, &[run.as_uuid()]).await.unwrap();
    (row.get(0), row.get(1))
}

/// All that an analysis says of the code: its coverage, what could not be finished, and each
/// finding with everything but its own name and date, in the order in which people page.
async fn said(place: &Place, run: RunId) -> String {
    let query = "SELECT jsonb_build_array(a.coverage, a.counts, a.verdict, a.metadata,
                     (SELECT jsonb_agg(to_jsonb(f) - '{id,analysis_id,org_id,repo_id,created_at}'::text[]
                                       ORDER BY f.file_path, f.line_start, f.fingerprint)
                      FROM findings f WHERE f.analysis_id = a.id))::text
                 FROM analyses a WHERE a.run_id = $1";
    place.sql.query_one(query, &[run.as_uuid()]).await.unwrap().get(0)
}

async fn kept(place: &Place) -> i64 {
    place.world.count("file_results").await
}

#[tokio::test]
async fn a_push_examines_what_it_changed_and_says_what_a_first_look_would_say() {
    let (place, fresh) = tokio::join!(Place::empty(), Place::empty());
    let mut code = code();
    let all = code.len() as i64;
    let first = place.commit(&code, &[]);
    let run = analyse(&place, place.org, &first, None).await;
    assert_eq!((reuse(&place, run).await, kept(&place).await), ((0, all), all));
    let cold = said(&place, run).await;
    for part in ["eval", "\"file_too_large\"", "\"binary\""] {
        assert!(cold.contains(part), "{part}: {cold}");
    }

    let again = analyse(&place, place.org, &first, None).await;
    assert_eq!((reuse(&place, again).await, kept(&place).await), ((all, 0), all));
    assert_eq!(said(&place, again).await, cold);

    // One is changed, one is moved to where tests are, one is gone.
    code[0].1.push_str("\n\ndef more(text):\n    exec(text)\n");
    code[5].0 = "tests/page.js".to_owned();
    code.remove(7);
    code.sort();
    let second = place.commit(&code, &[&first]);
    let run = analyse(&place, place.org, &second, Some(&first)).await;
    assert_eq!(reuse(&place, run).await, (all - 3, 2));

    let known = [fresh.commit(&self::code(), &[]), fresh.commit(&code, &[])];
    let first_look = analyse(&fresh, fresh.org, &known[1], Some(&known[0])).await;
    assert_eq!(reuse(&fresh, first_look).await, (0, all - 1));
    assert_eq!(said(&place, run).await, said(&fresh, first_look).await);
}

#[tokio::test]
async fn with_another_rule_every_file_is_examined_anew_and_without_it_none_is() {
    let place = Place::empty().await;
    let commit = place.commit(&code(), &[]);
    let all = code().len() as i64;
    let run = analyse(&place, place.org, &commit, None).await;
    let without = said(&place, run).await;

    let rule = json!({
        "id": "no-run", "type": "pattern", "severity": "high", "message": "It is not done here.",
        "pattern": "def run",
    });
    let made = place.world.post("/v1/rules", &place.key, &json!({ "rule": rule })).await;
    assert_eq!(made.status, 201, "{}", made.json());
    for known in [0, all] {
        let run = analyse(&place, place.org, &commit, None).await;
        assert_eq!(reuse(&place, run).await, (known, all - known));
        assert!(said(&place, run).await.contains("custom.no-run"));
    }
    place.sql.execute("UPDATE custom_rules SET enabled = false", &[]).await.unwrap();
    let run = analyse(&place, place.org, &commit, None).await;
    assert_eq!(reuse(&place, run).await, (all, 0));
    assert_eq!(said(&place, run).await, without);
}

#[tokio::test]
async fn what_is_kept_and_cannot_be_read_is_found_out_anew_and_replaced() {
    let place = Place::empty().await;
    let commit = place.commit(&code(), &[]);
    let all = code().len() as i64;
    let run = analyse(&place, place.org, &commit, None).await;
    let (cold, whole) = (said(&place, run).await, contents(&place).await);

    let damages = [
        "result = '\\x'",
        "result = set_byte(result, length(result) - 2, 0)",
        // Well-formed, and of another file.
        "result = (SELECT result FROM file_results ORDER BY key LIMIT 1)",
        "result = convert_to('{\"coverage\": {}}', 'UTF8')",
    ];
    for damage in damages {
        let sql = format!("UPDATE file_results SET {damage} WHERE key > '\\x40'");
        let damaged = place.sql.execute(&sql, &[]).await.unwrap();
        assert!(damaged > 0);
        let run = analyse(&place, place.org, &commit, None).await;
        assert_eq!(said(&place, run).await, cold, "{damage}");
        let (hits, misses) = reuse(&place, run).await;
        assert!(misses > 0 && hits + misses == all, "{damage}: {hits} {misses}");
        assert_eq!(contents(&place).await, whole, "{damage}");
    }
}

async fn contents(place: &Place) -> Vec<(Vec<u8>, Vec<u8>)> {
    let rows = place.sql.query("SELECT key, result FROM file_results ORDER BY key", &[]);
    rows.await.unwrap().iter().map(|row| (row.get(0), row.get(1))).collect()
}

#[tokio::test]
async fn an_organisation_gets_nothing_of_what_another_one_keeps() {
    let place = Place::empty().await;
    let commit = place.commit(&code(), &[]);
    let all = code().len() as i64;
    analyse(&place, place.org, &commit, None).await;
    let other = place.world.database.organization("other").await;
    place.world.database.repository(other, 2, &place.server.url("shop")).await;
    let run = analyse(&place, other, &commit, None).await;
    assert_eq!((reuse(&place, run).await, kept(&place).await), ((0, all), 2 * all));

    let sql = place.world.database.sql_as_functions().await;
    let seen = async || -> i64 {
        let row = sql.query_one("SELECT count(*) FROM file_results", &[]).await.unwrap();
        row.get(0)
    };
    assert_eq!(seen().await, 0);
    let scope = "SELECT set_config('assay.org_id', $1, false)";
    sql.execute(scope, &[&other.to_string()]).await.unwrap();
    assert_eq!(seen().await, all);
}

#[tokio::test]
async fn no_secret_and_no_code_that_was_not_objected_to_is_kept() {
    let place = Place::empty().await;
    let commit = place.commit(&code(), &[]);
    let run = analyse(&place, place.org, &commit, None).await;
    let found: Value = serde_json::from_str(&said(&place, run).await).unwrap();
    let secrets = found[4].as_array().unwrap().iter();
    assert_eq!(secrets.filter(|one| one["category"] == "secret").count(), 1);
    for (_, result) in contents(&place).await {
        let text = String::from_utf8_lossy(&result).into_owned();
        for part in ["Q3EGR7LZW5YTX2KP", "func add", "Nothing to see"] {
            assert!(!text.contains(part), "{text}");
        }
    }
}
