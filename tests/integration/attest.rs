//! From a verdict to an attestation that strangers can check, and a badge.

use attestor::{Config, Deps, Error, handle};
use domain::{
    AnalysisId, Category, Classify, Coverage, ErrorKind, Finding, Fingerprint, LineRange, OrgId,
    ProjectId, RepositoryId, RunId, RunKind, Severity, SnippetHash, Tier, Unanalysed,
    UnanalysedReason, Verdict, VerificationType,
};
use queue::AttestRequested;
use serde_json::{Value, json};
use signing::{CommitSha, Expected, LocalKey, PublicKey, Report, SignerSetting};
use startup::Secret;
use store::{
    analyses::{self, Completion, Counts, Metadata},
    attestations::{self, Attestation},
    badges, findings,
    findings::Judged,
    runs::{self, Claim, NewRun},
    signing_keys,
};
use tempfile::NamedTempFile;
use tests::TestDatabase;
use uuid::Uuid;

const LEASE_SECONDS: i32 = 60;
const COMMIT_OBJECT: &str = "ef621954a87c9347142d5bdab48e759afc51a64c524e5dfe1fce8f51eafebd26";

/// One repository, and the key with which its verdicts are signed.
struct Scene {
    database: TestDatabase,
    org: OrgId,
    project: ProjectId,
    repository: RepositoryId,
    key_file: NamedTempFile,
}

/// A verdict to be given: `findings` of this severity, each of which decides.
#[derive(Clone, Copy)]
struct Examined {
    pull_request: Option<i32>,
    commit: u8,
    verdict: Verdict,
    findings: u32,
    severity: Severity,
}

const PASSED_PR: Examined = Examined {
    pull_request: Some(7),
    commit: 0xa1,
    verdict: Verdict::Passed,
    findings: 0,
    severity: Severity::Low,
};
const PASSED_PUSH: Examined = Examined { pull_request: None, ..PASSED_PR };
const FAILED_PR: Examined =
    Examined { verdict: Verdict::Failed, findings: 2, severity: Severity::Critical, ..PASSED_PR };

impl Scene {
    async fn new() -> Self {
        let database = TestDatabase::create().await;
        let org = database.organization("acme").await;
        let repository = database.repository(org, 1, "https://github.com/acme/widget.git").await;
        let sql = database.sql().await;
        let project = sql
            .query_one("SELECT project_id FROM repositories", &[])
            .await
            .map(|row| ProjectId::new(row.get(0)))
            .unwrap();
        let key_file = NamedTempFile::new().unwrap();
        std::fs::write(key_file.path(), LocalKey::generate().to_pem()).unwrap();
        Self { database, org, project, repository, key_file }
    }

    fn deps(&self) -> Deps {
        let config = Config {
            database_url: Secret::literal("DATABASE_URL", ""),
            signing_key: SignerSetting::File(self.key_file.path().to_owned()),
            public_url: "https://assay.example.com/".to_owned(),
        };
        Deps::with_database(config, self.database.functions())
    }

    fn message(&self, run_id: RunId) -> AttestRequested {
        AttestRequested { org_id: self.org, run_id }
    }

    /// A run whose analysis came to this verdict.
    async fn examined(&self, examined: Examined) -> (RunId, AnalysisId) {
        let run = self.run(examined).await;
        let database = self.database.functions();
        let mut session = database.session().await.unwrap();
        let tx = session.begin(self.org).await.unwrap();
        let Claim::Won(lease) = runs::claim(&tx, run, LEASE_SECONDS).await.unwrap() else {
            panic!("nobody else is here to claim it");
        };
        let fence = runs::fence(&tx, &lease).await.unwrap().unwrap();
        analyses::insert(&tx, &fence, Some(COMMIT_OBJECT)).await.unwrap();
        let skipped = Unanalysed { path: "big.js".to_owned(), reason: UnanalysedReason::TooLarge };
        let coverage = Coverage {
            files: 10,
            analysed: 9,
            lines: 1000,
            unanalysed: vec![skipped],
            ..Coverage::default()
        };
        analyses::set_coverage(&tx, &fence, &coverage).await.unwrap();
        let judged: Vec<_> = (0..examined.findings).map(|n| judged(examined.severity, n)).collect();
        findings::insert_all(&tx, &fence, &judged).await.unwrap();
        let done = Completion {
            verdict: Some(examined.verdict),
            counts: &Counts::default(),
            rules_version: "2026.08",
            metadata: &Metadata { incomplete: json!([]), ..Metadata::default() },
        };
        let analysis = analyses::complete(&tx, &fence, &done).await.unwrap();
        tx.commit().await.unwrap();
        (run, analysis)
    }

    async fn run(&self, examined: Examined) -> RunId {
        let id = RunId::new(Uuid::now_v7());
        let run = NewRun {
            id,
            org: self.org,
            project: Some(self.project),
            repository: Some(self.repository),
            kind: RunKind::Analysis,
            idempotency_key: id.to_string(),
            event_type: "test".to_owned(),
            git_ref: examined.pull_request.is_none().then(|| "refs/heads/main".to_owned()),
            commit: Some(commit(examined.commit)),
            pull_request: examined.pull_request,
            input: json!({ "pr_title": "A change" }),
            traceparent: None,
            parent: None,
            schedule: None,
        };
        let database = self.database.functions();
        let mut session = database.session().await.unwrap();
        let tx = session.begin(self.org).await.unwrap();
        runs::insert(&tx, &run).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    /// Examined and attested.
    async fn attested(&self, examined: Examined) -> Attestation {
        let (run, analysis) = self.examined(examined).await;
        handle(&self.deps(), self.message(run)).await.unwrap();
        self.attestation(analysis).await.expect("it was attested")
    }

    async fn attestation(&self, analysis: AnalysisId) -> Option<Attestation> {
        let database = self.database.functions();
        let mut session = database.session().await.unwrap();
        let tx = session.begin(self.org).await.unwrap();
        attestations::find_by_analysis(&tx, analysis).await.unwrap()
    }

    /// What a stranger does with the downloads: the key comes from the published history.
    async fn verified(&self, attestation: &Attestation) -> Report {
        let database = self.database.functions();
        let mut session = database.session().await.unwrap();
        let tx = session.begin(self.org).await.unwrap();
        let id = attestation.id;
        let envelope = attestations::find_envelope(&tx, id).await.unwrap().unwrap();
        let detail = attestations::find_detail(&tx, id).await.unwrap().unwrap();
        let key = signing_keys::find(&tx, &attestation.key_id).await.unwrap().unwrap();
        let key = PublicKey::from_pem(&key.public_key_pem).unwrap();
        let expected = Expected {
            now: attestation.created_at,
            commit: Some(&attestation.commit.parse().unwrap()),
            detail: Some(&detail),
            passed: false,
        };
        signing::verify(&envelope, &key, &expected)
    }

    async fn detail(&self, attestation: &Attestation) -> Value {
        let database = self.database.functions();
        let mut session = database.session().await.unwrap();
        let tx = session.begin(self.org).await.unwrap();
        let detail = attestations::find_detail(&tx, attestation.id).await.unwrap().unwrap();
        serde_json::from_slice(&detail).unwrap()
    }

    /// The repository's badge: its token, and the attestation that it shows.
    async fn badge(&self) -> (String, Attestation) {
        let sql = self.database.sql().await;
        let row = sql.query_one("SELECT token FROM verification_badges", &[]).await.unwrap();
        let token: String = row.get(0);
        let database = self.database.functions();
        let mut session = database.session().await.unwrap();
        let tx = session.begin(self.org).await.unwrap();
        let badge = badges::find_by_token(&tx, &token).await.unwrap().unwrap();
        (token, badge.attestation)
    }

    async fn count(&self, table: &str) -> i64 {
        let sql = self.database.sql().await;
        sql.query_one(&format!("SELECT count(*) FROM {table}"), &[]).await.unwrap().get(0)
    }
}

fn commit(byte: u8) -> CommitSha {
    format!("{byte:02x}").repeat(20).parse().unwrap()
}

fn judged(severity: Severity, number: u32) -> Judged {
    let finding = Finding {
        rule: "python.injection.eval".to_owned(),
        category: Category::Injection,
        severity,
        confidence: 0.9,
        verification: VerificationType::Syntax,
        title: "eval of input".to_owned(),
        description: "It runs what it is given.".to_owned(),
        path: "app.py".to_owned(),
        lines: LineRange { first: number + 1, last: number + 1 },
        snippet: "eval(x)\n".to_owned(),
        snippet_hash: SnippetHash::of("eval(x)\n"),
        fingerprint: Fingerprint::of("python.injection.eval", "app.py", "", "eval(x)", number),
        trail: None,
        fix_suggestion: None,
        fix_diff: None,
        cwe: vec![],
        owasp: vec![],
        demoted: false,
    };
    Judged {
        finding,
        new: true,
        deciding: true,
        dismissed: None,
        lineage: None,
        expired: None,
        proof: None,
    }
}

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
