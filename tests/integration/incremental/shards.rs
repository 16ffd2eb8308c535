//! The Python standard library as one process examines it, and as 1, 2, 3 and 7 shards do.

use std::{path::Path, process::Command};

use analysis::Clock;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{reuse, said};
use crate::scans::place::{Place, id};

/// Of so many files one is taken: a scan of all takes minutes without optimisation.
/// `STDLIB_EVERY=1` takes all of them.
const EVERY: usize = 40;

/// Modules of the standard library, and what lies beside them: tests, data, broken code.
fn standard_library() -> Vec<(String, Vec<u8>)> {
    let code = "import sysconfig; print(sysconfig.get_path('stdlib'))";
    let python = Command::new("python3").args(["-c", code]).output().unwrap();
    let folder = String::from_utf8(python.stdout).unwrap();
    let folder = Path::new(folder.trim());
    assert!(folder.is_dir(), "python3 has no standard library at {}", folder.display());
    let mut files = Vec::new();
    add(folder, folder, &mut files);
    files.sort();
    #[expect(clippy::disallowed_methods, reason = "tests have no settings of their own")]
    let every = std::env::var("STDLIB_EVERY").map_or(EVERY, |every| every.parse().unwrap());
    files.into_iter().step_by(every).collect()
}

fn add(folder: &Path, root: &Path, files: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_symlink() || ["site-packages", "__pycache__"].contains(&name) {
            continue;
        }
        if path.is_dir() {
            add(&path, root, files);
        } else if !name.ends_with(".a") && !name.ends_with(".so") {
            let inside = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            files.push((inside, std::fs::read(&path).unwrap()));
        }
    }
}

/// A scan of the branch, in so many parts.
async fn scan(place: &Place, shards: usize) -> Uuid {
    let (scan, run) = place.request().await;
    let wish = "UPDATE runs SET input = input || jsonb_build_object('shards', $2::bigint)
                WHERE id = $1";
    place.sql.execute(wish, &[run.as_uuid(), &(shards as i64)]).await.unwrap();
    place.work().await;
    assert_eq!(place.status(run).await, "succeeded");
    assert_eq!(place.shards(run).await.len(), shards);
    scan
}

/// The report, the findings as people page through them, and what was added up: without names
/// and dates, which are new each time, and without how the work was divided.
async fn result(place: &Place, scan: Uuid) -> Vec<String> {
    let shown = place.scan(scan).await;
    let run = domain::RunId::new(id(&shown["run_id"]));
    let analysis = shown["analysis_id"].as_str().unwrap();
    let report = id(&shown["results"]["report_artifact_id"]);
    let artifact = place.get(&format!("/v1/artifacts/{report}")).await;
    let text = artifact["content"]["markdown"].as_str().unwrap().replace(analysis, "[analysis]");
    let cited: Vec<&Value> =
        artifact["citations"].as_array().unwrap().iter().map(|one| &one["payload"]).collect();
    let query = "SELECT (output - '{shards,reuse}'::text[])::text FROM run_steps
                 WHERE run_id = $1 AND step_id = 'join'";
    let joined: String = place.sql.query_one(query, &[run.as_uuid()]).await.unwrap().get(0);
    let mut paged = Vec::new();
    let mut next = Some(format!("/v1/analyses/{analysis}/findings?limit=100"));
    while let Some(page) = next {
        let page = place.get(&page).await;
        for finding in page["items"].as_array().unwrap() {
            let shown = ["path", "line_start", "rule", "fingerprint", "severity"];
            let shown = shown.map(|field| &finding[field]);
            assert!(shown.iter().all(|field| !field.is_null()), "{finding}");
            paged.push(json!(shown));
        }
        let cursor = page["next_cursor"].as_str();
        next = cursor
            .map(|cursor| format!("/v1/analyses/{analysis}/findings?limit=100&cursor={cursor}"));
    }
    vec![said(place, run).await, text, json!(cited).to_string(), joined, json!(paged).to_string()]
}

#[tokio::test]
async fn any_number_of_shards_gives_byte_for_byte_what_one_process_gives() {
    let mut files = standard_library();
    assert!(files.len() > 40, "{} files", files.len());
    // Two rules object to the same line: their order must not depend on who wrote first.
    let twice = "import hashlib, pickle\nx = eval(pickle.loads(hashlib.md5(input()).digest()))\n";
    files.push(("zz/twice.py".to_owned(), twice.as_bytes().to_vec()));
    files.sort();
    let mut expected: Option<Vec<String>> = None;
    for shards in [1, 2, 3, 7] {
        let place = Place::empty().await;
        let folder = tempfile::tempdir().unwrap();
        for (path, bytes) in &files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        let commit = place.git.commit(folder.path(), "main", &[]);
        let scan_id = scan(&place, shards).await;
        let found = result(&place, scan_id).await;
        if expected.is_none() {
            // The same as one look at everything, without the orchestrator.
            place.assert_complete(scan_id).await;
            one_process(&place, &commit, scan_id).await;
        }
        let first = expected.get_or_insert_with(|| found.clone());
        for (one, other) in found.iter().zip(first) {
            assert_eq!(one, other, "{shards} shards");
        }

        if shards == 3 {
            // Known already, and cut differently; what goes on from the scan before does so, too.
            let run = async |scan| domain::RunId::new(id(&place.scan(scan).await["run_id"]));
            let (again, once_more) = (scan(&place, 5).await, scan(&place, 2).await);
            let (after, last) = (run(again).await, run(once_more).await);
            assert_eq!(said(&place, after).await, said(&place, last).await);
            let changes = place.scan(again).await["results"]["changes"].clone();
            let all = place.scan(scan_id).await["findings_count"].clone();
            assert_eq!(
                (&changes["new"], &changes["persisting"], &changes["fixed"]),
                (&json!(0), &all, &json!(0))
            );
            let (hits, misses) = reuse(&place, after).await;
            let kept = super::kept(&place).await;
            assert_eq!((hits, hits + misses), (kept, files.len() as i64));
        }
    }
}

const POLICY: &str = "version: 1
exclude: [/b]
rules:
  - rule: python.injection.eval
    severity: low
  - rule: secret.aws-access-key
    severity: off
    reason: an example
ignore:
  - path: /c
    rule: python.*
    reason: nobody runs it
  - path: /d
    reason: it was lived with once
    expires: 2020-01-01
  - path: /nowhere
    reason: it is gone
";

#[tokio::test]
async fn a_policy_does_in_every_shard_what_it_does_in_one() {
    let flawed = "import os\n\n\ndef run(text):\n    os.system(text)\n    eval(text)\n";
    let mut files: Vec<(String, String)> = ["a", "b", "c", "d", "e"]
        .iter()
        .flat_map(|folder| (0..3).map(move |n| (format!("{folder}/{n}.py"), flawed.to_owned())))
        .collect();
    files.push((".assay.yml".to_owned(), POLICY.to_owned()));
    files.sort();
    let mut expected: Option<Vec<String>> = None;
    for shards in [1, 4, 16] {
        let place = Place::empty().await;
        place.commit(&files, &[]);
        let scan = scan(&place, shards).await;
        let found = result(&place, scan).await;
        let first = expected.get_or_insert_with(|| found.clone());
        for (one, other) in found.iter().zip(first) {
            assert_eq!(one, other, "{shards} shards");
        }
    }
    let said = &expected.unwrap()[0];
    assert!(said.contains("nobody runs it") && said.contains("\"policy\""), "{said}");
}

/// The rows of the findings are those of [`analysis::scan`] over the whole snapshot.
async fn one_process(place: &Place, commit: &domain::CommitSha, scan: Uuid) {
    let whole = place.snapshot(commit).await;
    let scanned = analysis::scan(&whole, &Clock::new(&|| false));
    let mut expected: Vec<Value> = scanned
        .findings
        .iter()
        .map(|one| {
            json!([
                one.path,
                one.lines.first,
                one.lines.last,
                one.rule,
                one.fingerprint,
                one.snippet.replace('\0', "\u{fffd}"),
                one.snippet_hash,
                one.fix_diff,
                one.confidence,
                one.title,
                one.demoted
            ])
        })
        .collect();
    let query = "SELECT jsonb_build_array(f.file_path, f.line_start, f.line_end, f.rule_id,
                     f.fingerprint, f.code_snippet, f.snippet_hash, f.fix_diff, f.confidence,
                     f.title, f.metadata -> 'demoted')
                 FROM findings f JOIN analyses a ON a.id = f.analysis_id
                 JOIN codebase_scans s ON s.run_id = a.run_id WHERE s.id = $1";
    let rows = place.sql.query(query, &[&scan]).await.unwrap();
    let mut found: Vec<Value> = rows.iter().map(|row| row.get(0)).collect();
    for rows in [&mut expected, &mut found] {
        rows.sort_by_key(Value::to_string);
    }
    assert!(!found.is_empty());
    assert_eq!(found, expected);
}
