//! A repository whose verdicts are given, and signed with a key of its own.

use attestor::{Config, Deps, handle};
use domain::{
    AnalysisId, Category, Coverage, Finding, Fingerprint, LineRange, OrgId, ProjectId,
    RepositoryId, RunId, RunKind, Severity, SnippetHash, Unanalysed, UnanalysedReason, Verdict,
    VerificationType,
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

pub(super) const LEASE_SECONDS: i32 = 60;
pub(super) const COMMIT_OBJECT: &str =
    "ef621954a87c9347142d5bdab48e759afc51a64c524e5dfe1fce8f51eafebd26";

/// One repository, and the key with which its verdicts are signed.
pub(super) struct Scene {
    pub(super) database: TestDatabase,
    pub(super) org: OrgId,
    pub(super) project: ProjectId,
    pub(super) repository: RepositoryId,
    pub(super) key_file: NamedTempFile,
}

/// A verdict to be given: `findings` of this severity, each of which decides.
#[derive(Clone, Copy)]
pub(super) struct Examined {
    pub(super) pull_request: Option<i32>,
    pub(super) commit: u8,
    pub(super) verdict: Verdict,
    pub(super) findings: u32,
    pub(super) severity: Severity,
}

pub(super) const PASSED_PR: Examined = Examined {
    pull_request: Some(7),
    commit: 0xa1,
    verdict: Verdict::Passed,
    findings: 0,
    severity: Severity::Low,
};
pub(super) const PASSED_PUSH: Examined = Examined { pull_request: None, ..PASSED_PR };
pub(super) const FAILED_PR: Examined =
    Examined { verdict: Verdict::Failed, findings: 2, severity: Severity::Critical, ..PASSED_PR };

impl Scene {
    pub(super) async fn new() -> Self {
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

    pub(super) fn deps(&self) -> Deps {
        let config = Config {
            database_url: Secret::literal("DATABASE_URL", ""),
            signing_key: SignerSetting::File(self.key_file.path().to_owned()),
            public_url: "https://assay.example.com/".to_owned(),
        };
        Deps::with_database(config, self.database.functions())
    }

    pub(super) fn message(&self, run_id: RunId) -> AttestRequested {
        AttestRequested { org_id: self.org, run_id }
    }

    /// A run whose analysis came to this verdict.
    pub(super) async fn examined(&self, examined: Examined) -> (RunId, AnalysisId) {
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

    pub(super) async fn run(&self, examined: Examined) -> RunId {
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
    pub(super) async fn attested(&self, examined: Examined) -> Attestation {
        let (run, analysis) = self.examined(examined).await;
        handle(&self.deps(), self.message(run)).await.unwrap();
        self.attestation(analysis).await.expect("it was attested")
    }

    pub(super) async fn attestation(&self, analysis: AnalysisId) -> Option<Attestation> {
        let database = self.database.functions();
        let mut session = database.session().await.unwrap();
        let tx = session.begin(self.org).await.unwrap();
        attestations::find_by_analysis(&tx, analysis).await.unwrap()
    }

    /// What a stranger does with the downloads: the key comes from the published history.
    pub(super) async fn verified(&self, attestation: &Attestation) -> Report {
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

    pub(super) async fn detail(&self, attestation: &Attestation) -> Value {
        let database = self.database.functions();
        let mut session = database.session().await.unwrap();
        let tx = session.begin(self.org).await.unwrap();
        let detail = attestations::find_detail(&tx, attestation.id).await.unwrap().unwrap();
        serde_json::from_slice(&detail).unwrap()
    }

    /// The repository's badge: its token, and the attestation that it shows.
    pub(super) async fn badge(&self) -> (String, Attestation) {
        let sql = self.database.sql().await;
        let row = sql.query_one("SELECT token FROM verification_badges", &[]).await.unwrap();
        let token: String = row.get(0);
        let database = self.database.functions();
        let mut session = database.session().await.unwrap();
        let tx = session.begin(self.org).await.unwrap();
        let badge = badges::find_by_token(&tx, &token).await.unwrap().unwrap();
        (token, badge.attestation)
    }

    pub(super) async fn count(&self, table: &str) -> i64 {
        let sql = self.database.sql().await;
        sql.query_one(&format!("SELECT count(*) FROM {table}"), &[]).await.unwrap().get(0)
    }
}

pub(super) fn commit(byte: u8) -> CommitSha {
    format!("{byte:02x}").repeat(20).parse().unwrap()
}

pub(super) fn judged(severity: Severity, number: u32) -> Judged {
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
