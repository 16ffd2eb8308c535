//! Scans of the same branch one after the other: what goes on, what is new and gone, how it goes from
//! scan to scan, and how far each file can be relied on. In three shards each, so that what moves from
//! file to file also moves from shard to shard.

use domain::CommitSha;
use serde_json::{Value, json};

use super::place::{FILES, Place, SHARDS, files, id};

const FLAW: &str = "import os\n\n\ndef start(text):\n    os.system(text)\n";

impl Place {
    /// Commits, scans in as many shards as it takes, and answers the scan as the API shows it.
    async fn scanned(
        &self,
        code: &[(String, String)],
        parent: &[&CommitSha],
    ) -> (CommitSha, Value) {
        let commit = self.commit(code, parent);
        let (scan, _) = self.request().await;
        assert_eq!(self.work().await, 2 + SHARDS);
        (commit, self.assert_complete(scan).await)
    }

    /// The findings of a scan in one file.
    async fn found_in(&self, scan: &Value, path: &str) -> Vec<Value> {
        let analysis = scan["analysis_id"].as_str().unwrap();
        let list =
            self.get(&format!("/v1/analyses/{analysis}/findings?path={path}&limit=200")).await;
        list["items"].as_array().unwrap().clone()
    }
}

fn counts(scan: &Value) -> [u64; 4] {
    let changes = &scan["results"]["changes"];
    ["new", "persisting", "fixed", "not_checked"].map(|of| changes[of].as_u64().unwrap())
}

#[tokio::test]
async fn a_finding_goes_on_in_a_file_that_moved_to_another_shard_and_stays_dismissed() {
    let place = Place::empty().await;
    let mut code = files(FILES);
    code[1].1 = FLAW.to_owned();
    let (first, before) = place.scanned(&code, &[]).await;
    assert_eq!(before["results"]["changes"], json!(null));
    let all = before["findings_count"].as_u64().unwrap();
    let [flaw] = &place.found_in(&before, "src/f0001.py").await[..] else { panic!("one flaw") };
    assert_eq!(flaw["state"], "new", "nothing was there to compare with");
    let dismissal = json!({ "reason": "only started by us", "owner": "team-shop" });
    let dismiss = format!("/v1/findings/{}/dismiss", flaw["id"].as_str().unwrap());
    assert_eq!(place.world.post(&dismiss, &place.key, &dismissal).await.status, 200);

    // Into a file of the last shard, forty lines further down.
    code[1].1 = "NUMBER_1 = 1\n".to_owned();
    code[999].1 = format!("{}{FLAW}", "# moved\n".repeat(40));
    code[2].1 = "def run(text):\n    eval(text)\n".to_owned();
    let (_, after) = place.scanned(&code, &[&first]).await;
    assert_eq!(counts(&after), [1, all, 0, 0]);
    let [moved] = &place.found_in(&after, "src/f0999.py").await[..] else { panic!("one flaw") };
    assert_ne!(moved["fingerprint"], flaw["fingerprint"]);
    assert_eq!(
        (&moved["lineage"], &moved["state"], &moved["dismissed"]),
        (&flaw["fingerprint"], &json!("existing"), &json!(true))
    );
    assert_eq!(moved["dismissal"]["owner"], "team-shop");
    let [eval] = &place.found_in(&after, "src/f0002.py").await[..] else { panic!("one flaw") };
    assert_eq!((&eval["state"], &eval["dismissed"]), (&json!("new"), &json!(false)));
    assert_eq!(after["results"]["dismissed"], 1);
    let kept = "SELECT (counts ->> 'new')::bigint, (counts ->> 'existing')::bigint
                FROM analyses WHERE id = $1";
    let kept = place.sql.query_one(kept, &[&id(&after["analysis_id"])]).await.unwrap();
    assert_eq!((kept.get::<_, i64>(0), kept.get::<_, i64>(1)), (1, all as i64));
}

#[tokio::test]
async fn trends_show_what_became_of_the_findings_from_scan_to_scan() {
    let place = Place::empty().await;
    let trends = format!("/v1/repositories/{}/scan-trends", place.repository);
    let none = place.get(&trends).await;
    assert_eq!(none, json!({ "branch": "main", "open_change": null, "scans": [] }));

    let mut code = files(FILES);
    let (first, one) = place.scanned(&code, &[]).await;
    let all = one["findings_count"].as_u64().unwrap();
    let gone = place.found_in(&one, "src/f0000.py").await.len() as u64;
    assert!(gone >= 2, "there is something to mend");
    // What another tool found is no one's to have fixed.
    let sarif = json!({ "version": "2.1.0", "runs": [{
        "tool": { "driver": { "name": "other" } },
        "results": [{ "ruleId": "x", "message": { "text": "y" }, "locations": [{
            "physicalLocation": { "artifactLocation": { "uri": "src/f0003.py" },
                                  "region": { "startLine": 1 } } }] }],
    }] });
    let import = format!("/v1/analyses/{}/sarif", one["analysis_id"].as_str().unwrap());
    let imported = place.world.post(&import, &place.key, &sarif).await;
    assert_eq!(
        (imported.status.as_u16(), place.found_in(&one, "src/f0003.py").await.len()),
        (200, 1)
    );

    code[0].1 = "FIXED = True\n".to_owned();
    let (second, two) = place.scanned(&code, &[&first]).await;
    assert_eq!(counts(&two), [0, all - gone, gone, 0]);
    code[1].1 = FLAW.to_owned();
    // A file that nobody reads any more: what was found in it is neither there nor fixed.
    let unread = place.found_in(&two, "src/f0100.py").await.len() as u64;
    code[100].1 = format!("\0{}", code[100].1);
    let (_, three) = place.scanned(&code, &[&second]).await;
    assert_eq!(counts(&three), [1, all - gone - unread, 0, unread]);

    let shown = place.get(&trends).await;
    let points = shown["scans"].as_array().unwrap();
    let of = |field: &str| points.iter().map(|point| point[field].clone()).collect::<Vec<_>>();
    assert_eq!(of("scan_id"), [&one, &two, &three].map(|scan| scan["id"].clone()));
    assert_eq!(of("open"), [json!(all), json!(all - gone), json!(all - gone - unread + 1)]);
    assert_eq!(points[1]["changes"], two["results"]["changes"]);
    assert_eq!(points[2]["findings"], three["results"]["findings"]);
    assert_eq!(shown["open_change"], json!(1 - (gone + unread) as i64));
    let newest = place.get(&format!("{trends}?limit=2")).await;
    assert_eq!(newest["scans"], json!(points[1..]));
}

#[tokio::test]
async fn every_file_of_a_scan_has_a_score_and_says_what_it_came_from() {
    let place = Place::empty().await;
    let mut code = files(FILES);
    code.push(("README.md".to_owned(), "# Shop\n".to_owned()));
    code.push(("test_f0000.py".to_owned(), "def test_run():\n    assert run\n".to_owned()));
    let (commit, scan) = place.scanned(&code, &[]).await;
    let trust = &scan["results"]["trust"];
    assert_eq!(trust["files"], json!(FILES + 1), "{trust}");
    let by_risk: u64 = ["low", "medium", "high", "critical"]
        .map(|risk| trust[risk].as_u64().unwrap())
        .iter()
        .sum();
    assert_eq!(by_risk, FILES as u64 + 1);
    let query = "SELECT file_path, score FROM trust_score_cache
                 WHERE commit_sha = $1 ORDER BY score, file_path LIMIT 1";
    let lowest = place.sql.query_one(query, &[&commit.as_str()]).await.unwrap();
    assert_eq!(
        (&trust["lowest_path"], &trust["lowest"]),
        (&json!(lowest.get::<_, &str>(0)), &json!(lowest.get::<_, f64>(1)))
    );

    let score = async |path: &str| {
        let path = format!("/v1/repositories/{}/trust-score?path={path}", place.repository);
        place.get(&path).await
    };
    let (flawed, plain) = (score("src/f0000.py").await, score("src/f0001.py").await);
    assert_eq!((&flawed["commit"], &plain["commit"]), (&json!(commit), &json!(commit)));
    assert!(flawed["score"].as_f64() < plain["score"].as_f64(), "{flawed}\n{plain}");
    assert_ne!(flawed["risk_level"], "low", "it has an open high finding");
    let text = flawed.to_string();
    assert!(text.contains("test_f0000.py"), "its test stands in another shard: {text}");

    let report = scan["results"]["report_artifact_id"].as_str().unwrap();
    let report = place.get(&format!("/v1/artifacts/{report}")).await;
    let text = report["content"]["markdown"].as_str().unwrap();
    assert!(text.contains("## Trust") && text.contains("| risk | files |"), "{text}");
    // A scan is no change, so it is nobody's record.
    assert_eq!(place.world.count("trust_score_cache WHERE introduced IS NOT NULL").await, 0);
}
