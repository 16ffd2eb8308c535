//! A repository's own policy, through the binaries that are deployed: it does what it says, it is
//! the base's, and nobody exempts himself.

mod command;
mod world;

use serde_json::json;

use crate::{
    openapi::get_as_documented,
    scans::place::{Place, id},
    shop::Asked,
};
use world::World;

const FLAW: &str = "import os\n\n\ndef run(text):\n    os.system('ls ' + text)\n";
const CLEAN: &str = "def add(a, b):\n    return a + b\n";

/// Goal (acceptance 5 of the engine): whatever a pull request writes into its own policy, its
/// finding decides, and it is told when its policy counts.
#[tokio::test]
async fn a_pull_request_cannot_exempt_itself() {
    let world = World::new().await;
    let of_base = "version: 1\nrules:\n  - {rule: python.cryptography.*, severity: low}\n";
    let exempting = [
        "version: 1\nignore:\n  - {path: new.py, reason: trust me}\n",
        "version: 1\nexclude: [new.py]\n",
        "version: 1\nlanguages: [go]\n",
        "version: 1\nrules:\n  - {rule: '*', severity: off}\n",
        "version: 1\ngate: {critical_max: 9, high_max: 9, medium_max: 99, confidence_min: 1}\n",
    ];
    for (policy, number) in [None, Some(of_base)].into_iter().zip(0..) {
        let branch = format!("main{number}");
        let mut files = vec![("old.py", CLEAN)];
        files.extend(policy.map(|text| (".assay.yml", text)));
        let base = world.git.commit_files(&files, &branch, &[]);
        for text in exempting {
            let files = [("old.py", CLEAN), ("new.py", FLAW), (".assay.yml", text)];
            let head = world.git.commit_files(&files, "change", &[&base]);
            let told = world.pull_request(&head, &base).await;
            assert_eq!((told.verdict.as_str(), &told.deciding()[..]), ("failed", &["new.py"][..]));
            assert_eq!(told.check["conclusion"], "failure", "{text}");
            assert_eq!(told.annotated(), ["new.py"], "{text}");
            let summary = told.summary();
            assert!(
                summary.contains("the policy of this pull request takes effect after it is merged")
                    && summary.contains(&base.as_str()[..12]),
                "{summary}"
            );
            assert_eq!(told.policy["edited"], true);
            assert_eq!(told.policy["commit"], base.as_str());
            let state = if policy.is_some() { "applied" } else { "absent" };
            assert_eq!(told.policy["state"], state);
            let sha256 = policy.map(|text| policy::sha256(text.as_bytes()));
            assert_eq!(told.policy["sha256"], json!(sha256));
        }
    }

    // Deleting it is an edit, too; and one that would be wrong is told before it is merged.
    let strict = [("old.py", FLAW), (".assay.yml", "version: 1\ngate: {medium_max: 0}\n")];
    let base = world.git.commit_files(&strict, "main", &[]);
    let head = world.git.commit_files(&[("old.py", FLAW)], "change", &[&base]);
    let told = world.pull_request(&head, &base).await;
    assert_eq!(
        (&told.policy["edited"], &told.metadata["gate"]["medium_max"]),
        (&json!(true), &json!(0))
    );
    let wrong = [("old.py", FLAW), (".assay.yml", "version: 1\nignor: []\n")];
    let head = world.git.commit_files(&wrong, "change", &[&base]);
    let told = world.pull_request(&head, &base).await;
    let summary = told.summary();
    assert_eq!(told.policy["state"], "applied", "the base's holds: {summary}");
    assert!(summary.contains("line 2, column 1: a policy has no field `ignor`"), "{summary}");
    assert!(summary.contains("did you mean `ignore`?"), "{summary}");
}

#[tokio::test]
async fn once_it_is_on_the_base_a_policy_does_what_it_says_and_tells_it() {
    let world = World::new().await;
    let text = "version: 1
exclude: [gen]
gate: {high_max: 0, medium_max: 0}
rules:
  - {rule: python.cryptography.weak-hash, severity: off}
ignore:
  - {path: known.py, reason: \"the importer is replaced, see *ADR 7*\"}
  - {path: late.py, reason: until the move, expires: 2020-01-31}
formal: {enabled: false}
";
    let base = world.git.commit_files(&[(".assay.yml", text)], "main", &[]);
    let hash = "import hashlib\n\n\ndef digest(text):\n    return hashlib.md5(text)\n";
    let files = [
        (".assay.yml", text),
        ("gen/made.py", FLAW),
        ("known.py", FLAW),
        ("late.py", FLAW),
        ("hash.py", hash),
    ];
    let head = world.git.commit_files(&files, "change", &[&base]);
    let told = world.pull_request(&head, &base).await;

    assert_eq!((told.verdict.as_str(), &told.deciding()[..]), ("failed", &["late.py"][..]));
    assert_eq!(told.annotated(), ["late.py"]);
    let left_out = &told.coverage["unanalysed"];
    let expected = json!({ "path": "gen/made.py", "reason": "policy" });
    assert!(left_out.as_array().unwrap().contains(&expected), "{left_out}");
    let of = |path: &str| told.findings.iter().find(|finding| finding.path == path);
    let ignored = of("known.py").unwrap();
    let reason = "the importer is replaced, see *ADR 7*".to_owned();
    assert_eq!(ignored.dismissed, Some(("policy:.assay.yml:7".to_owned(), reason)));
    assert!(of("hash.py").is_none() && of("gen/made.py").is_none(), "{:#?}", told.findings);

    assert_eq!(told.policy["excluded"], 1);
    assert_eq!(told.policy["off"], json!({ "python.cryptography.weak-hash": 1 }));
    let ignores = told.policy["ignores"].as_array().unwrap();
    let counted: Vec<_> = ignores
        .iter()
        .map(|entry| (&entry["line"], &entry["findings"], &entry["expired"]))
        .collect();
    assert_eq!(
        counted,
        [(&json!(7), &json!(1), &json!(false)), (&json!(8), &json!(1), &json!(true))]
    );
    assert_eq!(told.metadata["gate"]["medium_max"], 0);
    let off = json!({ "the repository's policy turns formal checks off": 1 });
    assert_eq!(told.metadata["formal"]["reasons"], off);
    let summary = told.summary();
    for part in [
        "1 file left out, 1 finding ignored, 1 finding of rules that are off",
        "line 7: 1 finding (`known.py`): the importer is replaced, see \\*ADR 7\\*",
        "line 8 expired on 2020-01-31, 1 finding counts again: until the move",
    ] {
        assert!(summary.contains(part), "{part}: {summary}");
    }

    // The push that merges it is the branch itself.
    let asked = Asked { event: "push", commit: &head, base: None, pull_request: None };
    let told = world.examine(asked).await;
    assert_eq!(told.deciding(), ["late.py"]);
    assert_eq!((&told.policy["commit"], &told.policy["edited"]), (&json!(head), &json!(false)));
}

#[tokio::test]
async fn a_policy_that_is_wrong_lets_nothing_through_and_is_pointed_at() {
    let world = World::new().await;
    let text = "version: 1\nexclude: [new.py]\ngate:\n  higth_max: 9\n";
    let base = world.git.commit_files(&[(".assay.yml", text)], "main", &[]);
    let files = [(".assay.yml", text), ("new.py", FLAW)];
    let head = world.git.commit_files(&files, "change", &[&base]);
    let told = world.pull_request(&head, &base).await;
    assert_eq!((told.verdict.as_str(), &told.deciding()[..]), ("failed", &["new.py"][..]));
    assert_eq!((&told.policy["state"], &told.policy["edited"]), (&json!("broken"), &json!(false)));
    assert_eq!(told.metadata["gate"], json!(domain::Gate::default()));
    let summary = told.summary();
    for part in [
        "Assay's defaults held",
        "line 4, column 3: gate has no field `higth_max` (did you mean `high_max`?)",
        "4 |   higth_max: 9\n",
    ] {
        assert!(summary.contains(part), "{part}: {summary}");
    }

    // A link could lead anywhere, and is none.
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("lax.yml", folder.path().join(".assay.yml")).unwrap();
    std::fs::write(folder.path().join("lax.yml"), "version: 1\nexclude: ['*']\n").unwrap();
    let base = world.git.commit(folder.path(), "main", &[]);
    std::fs::write(folder.path().join("new.py"), FLAW).unwrap();
    let head = world.git.commit(folder.path(), "change", &[&base]);
    let told = world.pull_request(&head, &base).await;
    assert_eq!((told.verdict.as_str(), &told.policy["state"]), ("failed", &json!("broken")));
    assert!(told.summary().contains("it is a link or a submodule"), "{}", told.summary());
}

/// Goal: a branch that begins at an old commit of the base is judged by the base of today.
#[tokio::test]
async fn an_old_and_laxer_policy_of_the_base_helps_nobody() {
    let world = World::new().await;
    let lax = "version: 1\nignore:\n  - {path: new.py, reason: it was allowed once}\n";
    let strict = "version: 1\n";
    let old = world.git.commit_files(&[(".assay.yml", lax)], "main", &[]);
    let base = world.git.commit_files(&[(".assay.yml", strict)], "main", &[&old]);
    let files = [(".assay.yml", lax), ("new.py", FLAW)];
    let head = world.git.commit_files(&files, "change", &[&old]);

    world.github_knows(&base, &head, &old, Some(strict));
    let told = world.pull_request(&head, &base).await;
    assert_eq!((told.verdict.as_str(), &told.deciding()[..]), ("failed", &["new.py"][..]));
    assert_eq!(told.policy["commit"], base.as_str());
    assert_eq!(told.policy["sha256"], policy::sha256(strict.as_bytes()));
    assert_eq!(told.policy["edited"], false, "it has what it had where it began");

    // Nor does one that is gone from the base by now.
    let gone = world.git.commit_files(&[("old.py", CLEAN)], "main", &[&base]);
    world.github_knows(&gone, &head, &old, None);
    let told = world.pull_request(&head, &gone).await;
    assert_eq!((told.verdict.as_str(), &told.policy["state"]), ("failed", &json!("absent")));
}

#[tokio::test]
async fn a_commit_that_is_asked_for_by_itself_is_judged_by_the_default_branch() {
    let world = World::new().await;
    let lax = "version: 1\nexclude: ['*']\n";
    let strict = "version: 1\n";
    let main = world.git.commit_files(&[(".assay.yml", strict)], "main", &[]);
    world.github.file("acme/repository-1", main.as_str(), ".assay.yml", strict);
    let files = [(".assay.yml", lax), ("new.py", FLAW)];
    let other = world.git.commit_files(&files, "other", &[&main]);
    let asked = Asked { event: "manual", commit: &other, base: None, pull_request: None };
    let told = world.examine(asked).await;
    assert_eq!((told.verdict.as_str(), &told.deciding()[..]), ("failed", &["new.py"][..]));
    assert_eq!(told.policy["commit"], main.as_str());

    // Without GitHub the commit itself is fetched.
    world.sql.execute("UPDATE repositories SET installation_id = NULL", &[]).await.unwrap();
    let asked = Asked { event: "manual", commit: &other, base: None, pull_request: None };
    assert_eq!(world.examine_untold(asked).await, ("failed".to_owned(), json!(main)));

    // The base of this pull request was force-pushed away.
    let gone = "d".repeat(40).parse().unwrap();
    let (base, pull_request) = (Some(&gone), Some(7));
    let asked = Asked { event: "pull_request", commit: &other, base, pull_request };
    assert_eq!(world.examine_untold(asked).await, ("failed".to_owned(), json!(main)));
}

#[tokio::test]
async fn a_scan_follows_the_policy_of_the_commit_that_it_scans() {
    let place = Place::empty().await;
    let text = "version: 1\nexclude: [gen]\nignore:\n  - {path: known.py, reason: is replaced}\n";
    let mut files = vec![(".assay.yml".to_owned(), text.to_owned())];
    for path in ["a.py", "known.py", "gen/b.py"] {
        files.push((path.to_owned(), FLAW.to_owned()));
    }
    // More than one shard, so that what they did has to be added up.
    files.extend((0..600).map(|n| (format!("gen/f{n}.py"), CLEAN.to_owned())));
    place.commit(&files, &[]);
    let (scan, run) = place.request().await;
    place.work().await;
    assert_eq!(place.status(run).await, "succeeded");

    let found: Vec<String> =
        place.findings(scan).await.into_keys().map(|(path, ..)| path).collect();
    assert_eq!(found, ["a.py", "known.py"]);
    let shown = place.scan(scan).await;
    assert_eq!(shown["results"]["dismissed"], 1);
    assert_eq!(shown["results"]["unanalysed"], 601 + 1, "and the policy itself, in no language");
    let query = "SELECT a.metadata -> 'policy', d.content ->> 'markdown'
                 FROM analyses a JOIN artifacts d ON d.run_id = a.run_id WHERE a.run_id = $1";
    let row = place.sql.query_one(query, &[run.as_uuid()]).await.unwrap();
    let policy: serde_json::Value = row.get(0);
    assert_eq!((&policy["state"], &policy["excluded"]), (&json!("applied"), &json!(601)));
    assert_eq!(policy["ignores"][0]["findings"], 1);
    assert_eq!(policy["sha256"], policy::sha256(text.as_bytes()));
    let analysis = id(&shown["analysis_id"]);
    let path = "/v1/analyses/{id}";
    let analysis = get_as_documented(&place.world, path, analysis, &place.key).await;
    assert_eq!(analysis["policy"]["excluded"], 601);
    assert_eq!(analysis["policy"]["ignores"][0]["reason"], "is replaced");
    let report: String = row.get(1);
    assert!(report.contains("601 files left out, 1 finding ignored"), "{report}");
}
