//! Organisations with something of everything, and a way to ask the API about it.

use std::time::{Duration, Instant};

use api::{Config, Deps, router};
use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
};
use domain::{
    ApiKey, ApiKeyId, CommitSha, OrgId, ProjectId, RepositoryId, RunId, Scope, Snapshot,
    SourceFile, Tier,
};
use http::{HeaderMap, Method, Request, StatusCode, header};
use objects::Objects;
use queue::EmbedRequested;
use serde_json::{Value, json};
use signing::{Envelope, LocalKey, Signer};
use startup::Secret;
use store::api_keys;
use tests::TestDatabase;
use tower::ServiceExt;
use uuid::Uuid;

use super::waiting::Waiting;

/// Nobody listens on port 1: sending always fails, and what was to be sent stays in the outbox.
const NO_QUEUE: &str = "http://127.0.0.1:1/000000000000/queue";

pub(crate) struct World {
    pub(crate) database: TestDatabase,
    router: Router,
    signer: Signer,
}

/// An organisation and the ids of what it has: one of everything.
pub(crate) struct Tenant {
    pub(crate) org: OrgId,
    /// A key that may do anything, in the clear.
    pub(crate) key: String,
    pub(crate) key_id: ApiKeyId,
    pub(crate) repository: RepositoryId,
    pub(crate) project: ProjectId,
    /// It has succeeded, with steps, an analysis, findings and an attestation.
    pub(crate) run: Uuid,
    /// It is queued.
    pub(crate) open_run: Uuid,
    /// Runs that somebody has to do something about, if asked for.
    pub(crate) waiting: Option<Waiting>,
    pub(crate) analysis: Uuid,
    /// Gravest first, as the API lists them.
    pub(crate) findings: Vec<Uuid>,
    /// A refuted check of the analysis.
    pub(crate) formal_result: Uuid,
    pub(crate) trust_score: Uuid,
    pub(crate) diff_summary: Uuid,
    pub(crate) attestation: Uuid,
    /// The run's report, which cites the first finding.
    pub(crate) artifact: Uuid,
    /// The run's.
    pub(crate) scan: Uuid,
    pub(crate) schedule: Uuid,
    /// A rule of the repository's own, which the analysis ran.
    pub(crate) rule: Uuid,
    pub(crate) badge_token: String,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes)
            .unwrap_or_else(|_| panic!("not JSON: {}", String::from_utf8_lossy(&self.bytes)))
    }

    pub(crate) fn header(&self, name: header::HeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The code of the problem that this is.
    pub(crate) fn problem(&self) -> (u16, String) {
        assert_eq!(self.header(header::CONTENT_TYPE), "application/problem+json");
        let document = self.json();
        assert_eq!(document["status"], self.status.as_u16(), "{document}");
        for field in ["type", "title", "detail"] {
            assert!(document[field].as_str().is_some_and(|text| !text.is_empty()), "{document}");
        }
        (self.status.as_u16(), document["code"].as_str().unwrap().to_owned())
    }
}

pub(crate) fn request(method: Method, path: &str, key: Option<&str>) -> http::request::Builder {
    let request = Request::builder().method(method).uri(path);
    match key {
        Some(key) => request.header(header::AUTHORIZATION, format!("Bearer {key}")),
        None => request,
    }
}

pub(crate) async fn send(router: &Router, request: Request<Body>) -> Answer {
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap();
    Answer { status: parts.status, headers: parts.headers, bytes }
}

/// A request with a JSON body.
pub(crate) fn json_request(method: Method, path: &str, key: &str, body: &Value) -> Request<Body> {
    let request = request(method, path, Some(key)).header(header::CONTENT_TYPE, "application/json");
    request.body(Body::from(body.to_string())).unwrap()
}

impl World {
    pub(crate) async fn create() -> Self {
        let database = TestDatabase::create().await;
        let router = router(Deps::new(config(database.functions_url())));
        Self { database, router, signer: Signer::Local(LocalKey::generate()) }
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        send(&self.router, request).await
    }

    /// Another instance of the function, with a connection of its own.
    pub(crate) fn instance(&self) -> Router {
        router(Deps::new(config(self.database.functions_url())))
    }

    pub(crate) async fn get(&self, path: &str, key: &str) -> Answer {
        self.send(request(Method::GET, path, Some(key)).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn get_public(&self, path: &str) -> Answer {
        self.send(request(Method::GET, path, None).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn send_json(
        &self,
        method: Method,
        path: &str,
        key: &str,
        body: &Value,
    ) -> Answer {
        self.send(json_request(method, path, key, body)).await
    }

    pub(crate) async fn post(&self, path: &str, key: &str, body: &Value) -> Answer {
        self.send_json(Method::POST, path, key, body).await
    }

    pub(crate) async fn sql(&self, statement: &str) {
        self.database.sql().await.batch_execute(statement).await.unwrap();
    }

    pub(crate) async fn count(&self, from: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM {from}");
        self.database.sql().await.query_one(&sql, &[]).await.unwrap().get(0)
    }

    pub(crate) async fn key(&self, org: OrgId, scopes: &[Scope]) -> (ApiKeyId, String) {
        let mut entropy = [0; ApiKey::ENTROPY_BYTES];
        for part in entropy.chunks_mut(16) {
            part.copy_from_slice(&Uuid::now_v7().as_bytes()[..part.len()]);
        }
        let key = ApiKey::generate(&entropy);
        let mut session = self.database.functions().session().await.unwrap();
        let tx = session.begin(org).await.unwrap();
        let id = api_keys::insert(&tx, org, "test", &key, scopes, None).await.unwrap();
        tx.commit().await.unwrap();
        (id, key.reveal().to_owned())
    }

    /// An organisation with one of everything; `number` keeps two of them apart.
    pub(crate) async fn tenant(&self, login: &str, number: i64) -> Tenant {
        let org = self.database.organization(login).await;
        let (key_id, key) = self.key(org, Scope::ALL).await;
        let url = format!("https://example.com/{login}.git");
        let repository = self.database.repository(org, number, &url).await;
        self.share(org, repository, number).await;
        let run = self.run(org, repository, "succeeded").await;
        self.steps(org, run).await;
        let analysis = self.analysis(org, repository, run).await;
        let findings = self.findings(org, repository, analysis).await;
        let formal_result = self.formal_result(org, analysis).await;
        self.index(org, run).await;
        let (trust_score, diff_summary) = self.insight(org, repository, run).await;
        let attestation = self.attestation(org, repository, analysis, Tier::None, false).await;
        let badge_token = self.badge(org, repository, attestation).await;
        let open_run = self.run(org, repository, "queued").await;
        let (project, artifact) = self.report(org, repository, run, findings[0]).await;
        let scan = self.scan(org, repository, run, artifact).await;
        let schedule = self.schedule(org, repository).await;
        let rule = self.rule(org, repository, analysis).await;
        Tenant {
            org,
            key,
            key_id,
            repository,
            project,
            run,
            open_run,
            waiting: None,
            analysis,
            findings,
            formal_result,
            trust_score,
            diff_summary,
            attestation,
            artifact,
            scan,
            schedule,
            rule,
            badge_token,
        }
    }

    /// As if an installation of the GitHub App shared the repository.
    pub(crate) async fn share(&self, org: OrgId, repository: RepositoryId, number: i64) {
        self.sql(&format!(
            "WITH made AS (
                 INSERT INTO installations (org_id, github_installation_id, account_type,
                                            account_login)
                 VALUES ('{org}', {number}, 'Organization', 'acme') RETURNING id)
             UPDATE repositories SET installation_id = made.id FROM made
             WHERE repositories.id = '{repository}'"
        ))
        .await;
    }

    pub(crate) async fn run(&self, org: OrgId, repository: RepositoryId, status: &str) -> Uuid {
        let id = Uuid::now_v7();
        let finished = if status == "succeeded" { "clock_timestamp()" } else { "NULL" };
        self.sql(&format!(
            "INSERT INTO runs (id, org_id, project_id, repository_id, kind, idempotency_key, status,
                               event_type, ref, commit_sha, created_at, started_at, finished_at)
             SELECT '{id}', org_id, project_id, id, 'analysis', '{id}', '{status}', 'push',
                    'refs/heads/main', '{commit}', clock_timestamp(), {finished}, {finished}
             FROM repositories WHERE id = '{repository}' AND org_id = '{org}'",
            commit = commit(id),
        ))
        .await;
        id
    }

    async fn schedule(&self, org: OrgId, repository: RepositoryId) -> Uuid {
        let id = Uuid::now_v7();
        self.sql(&format!(
            "INSERT INTO scan_schedules (id, org_id, repo_id, branch, cron_expression, time_zone,
                                         next_run_at, last_run_at, last_skipped_at,
                                         last_skip_reason, created_at)
             VALUES ('{id}', '{org}', '{repository}', 'main', '30 4 * * 1-5', 'Europe/Berlin',
                     now() + interval '1 hour', now() - interval '2 days',
                     now() - interval '1 day', 'overlap', clock_timestamp())"
        ))
        .await;
        id
    }

    async fn rule(&self, org: OrgId, repository: RepositoryId, analysis: Uuid) -> Uuid {
        let id = Uuid::now_v7();
        let rule = json!({
            "id": format!("rule-of-{org}"), "type": "pattern", "severity": "low",
            "message": "Leave it.", "pattern": "leave it",
        });
        let (set, hash) = (json!({ "rules": [rule] }), "b".repeat(64));
        self.sql(&format!(
            "INSERT INTO custom_rules (id, org_id, repo_id, name, rule_type, rule_config, severity,
                                       created_at)
             VALUES ('{id}', '{org}', '{repository}', 'rule-of-{org}', 'pattern', '{rule}', 'low',
                     clock_timestamp());
             INSERT INTO custom_rule_sets (org_id, hash, rules) VALUES ('{org}', '{hash}', '{set}');
             UPDATE analyses SET metadata = metadata || '{{\"custom_rules\": \"{hash}\"}}'
             WHERE id = '{analysis}'"
        ))
        .await;
        id
    }

    async fn steps(&self, org: OrgId, run: Uuid) {
        self.sql(&format!(
            "INSERT INTO run_steps (run_id, step_id, org_id, step_name, status, lease_token, output,
                                    error, started_at)
             SELECT '{run}', step, '{org}', step, 'succeeded', 1,
                    '{{\"files\": 3, \"changes\": [1, 2], \"snapshot_key\": \"snapshots/x\"}}',
                    NULL, clock_timestamp() - interval '20 milliseconds'
             FROM unnest('{{fetch,manifest,parse,security,verdict}}'::text[]) AS step"
        ))
        .await;
    }

    async fn analysis(&self, org: OrgId, repository: RepositoryId, run: Uuid) -> Uuid {
        let id = Uuid::now_v7();
        let counts = json!({
            "deciding": { "critical": 1, "high": 0, "medium": 0, "low": 0, "info": 0 },
            "new": 1, "existing": 2, "dismissed": 0, "total": 3,
        });
        let coverage = json!({
            "files": 3, "analysed": 2, "lines": 120, "functions": 4, "classes": 1,
            "languages": { "python": 2 },
            "problems": [{ "path": "broken.py", "line": 3, "errors": 1 }],
            "unanalysed": [{ "path": "logo.png", "reason": "binary" }],
        });
        self.sql(&format!(
            "INSERT INTO analyses (id, org_id, project_id, repo_id, run_id, kind, ref, head_sha,
                                   status, verdict, counts, coverage, rules_version, started_at,
                                   completed_at, created_at)
             SELECT '{id}', org_id, project_id, id, '{run}', 'commit', 'refs/heads/main',
                    '{commit}', 'completed', 'failed', '{counts}', '{coverage}', 'rules-1',
                    now(), now(), clock_timestamp()
             FROM repositories WHERE id = '{repository}' AND org_id = '{org}'",
            commit = commit(run),
        ))
        .await;
        id
    }

    async fn findings(&self, org: OrgId, repository: RepositoryId, analysis: Uuid) -> Vec<Uuid> {
        let rows =
            [("critical", "src/app.py", 12), ("high", "src/db.py", 7), ("low", "lib/x.go", 1)];
        let mut ids = Vec::new();
        for (index, (severity, path, line)) in rows.into_iter().enumerate() {
            let id = Uuid::now_v7();
            ids.push(id);
            self.sql(&format!(
                "INSERT INTO findings (id, org_id, analysis_id, repo_id, rule_id, fingerprint,
                     category, severity, title, description, file_path, line_start, line_end,
                     code_snippet, snippet_hash, fix_suggestion, confidence, verification_type,
                     state, deciding, metadata)
                 VALUES ('{id}', '{org}', '{analysis}', '{repository}', 'rule-{index}',
                     '{index:064x}', 'injection', '{severity}', 'Title', 'Description', '{path}',
                     {line}, {line}, 'eval(x)', '{index:064x}', 'Do not.', 0.9, 'ast', '{state}',
                     true, '{{\"cwe\": [\"CWE-95\"], \"owasp\": [\"A03:2021\"], \"demoted\": false}}')",
                state = if index == 0 { "new" } else { "existing" },
            ))
            .await;
        }
        ids
    }

    async fn formal_result(&self, org: OrgId, analysis: Uuid) -> Uuid {
        let id = Uuid::now_v7();
        let summary = json!({
            "solver_unavailable": null, "functions": 1, "functions_incomplete": 0,
            "functions_skipped": 0, "proved": 0, "refuted": 1, "caller_dependent": 0,
            "unknown": 0, "kept": 1, "reasons": { "the solver gave up": 2 },
        });
        self.sql(&format!(
            "INSERT INTO formal_results (id, org_id, analysis_id, place, language, file_path,
                                         function_name, line, check_kind, verdict, query_hash,
                                         query, duration_ms, counterexample, test)
             VALUES ('{id}', '{org}', '{analysis}', 0, 'python', 'src/app.py', 'share', 12,
                     'division_by_zero', 'refuted', '{hash}', '(assert true)', 1.5,
                     '[{{\"name\": \"count\", \"value\": \"0\"}}]', 'share(0)');
             UPDATE analyses SET metadata = metadata || '{{\"formal\": {summary}}}'
             WHERE id = '{analysis}'",
            hash = "a".repeat(64),
        ))
        .await;
        id
    }

    /// A score of `src/app.py` and a summary, as an analysis keeps them.
    async fn insight(&self, org: OrgId, repository: RepositoryId, run: Uuid) -> (Uuid, Uuid) {
        let (score, summary) = (Uuid::now_v7(), Uuid::now_v7());
        let part = json!({
            "name": "pass_rate", "weight": 0.7, "value": 0.5, "count": 1, "of": 2, "note": "units",
            "places": [{ "line": 12, "rule": "python.injection.eval" }, { "line": 13 }],
        });
        let factors = json!({
            "method": "1", "language": "python", "lines": 20, "score": 65.0, "risk_level": "medium",
            "risk_reasons": ["a score of 65.0, from 60 to 80"], "confidence": 0.8,
            "factors": [
                { "name": "verification", "value": 0.65, "weight": 0.25, "share": 1.0,
                  "points": 65.0, "not_measured": null, "parts": [part] },
                { "name": "history", "value": null, "weight": 0.25, "share": 0.0, "points": 0.0,
                  "not_measured": "unknown", "parts": [] },
            ],
            "not_measured": ["history"],
            "formula": { "score": 60.0, "risk_level": "medium", "assumed": ["history"] },
        });
        let changes = json!([{
            "path": "src/app.py", "line": 3, "name": "run", "kind": "function",
            "state": "signature", "public": true, "test": false, "before": "def run()", "after": "def run(a)",
            "moved_from": null,
        }]);
        let risk = json!({ "level": "medium", "reasons": [{
            "code": "breaking_changes", "level": "medium", "text": "1 change may break callers",
            "named": ["run in src/app.py"], "count": 1,
        }] });
        let facts = json!({
            "method": "1", "given_title": null, "kind": "chore", "scope": "src",
            "totals": { "files": 1, "lines_added": 1, "lines_removed": 1, "symbols_added": 0,
                        "symbols_changed": 1, "symbols_removed": 0 },
            "files": [{ "path": "src/app.py", "state": "modified", "kind": "code",
                        "language": "python", "lines_added": 1, "lines_removed": 1 }],
            "components": [{ "path": "src", "manifest": null, "files": 1 }],
            "breaking": [{ "kind": "signature", "path": "src/app.py", "line": 3, "symbol": "run",
                           "reason": "the new parameter `a` must be given",
                           "before": "def run()", "after": "def run(a)" }],
            "labels": ["breaking-change"], "not_compared": [],
        });
        self.sql(&format!(
            "INSERT INTO trust_score_cache (id, org_id, repo_id, run_id, file_path, commit_sha,
                                            score, formula_score, risk_level, confidence,
                                            introduced, factors)
             VALUES ('{score}', '{org}', '{repository}', '{run}', 'src/app.py', '{commit}', 65, 60,
                     'medium', 0.8, 1, $json${factors}$json$);
             INSERT INTO diff_summary_cache (id, org_id, repo_id, run_id, pr_number, head_sha,
                                             base_sha, title, description, changelog, changes,
                                             risk_level, risk_assessment, facts)
             VALUES ('{summary}', '{org}', '{repository}', '{run}', 7, '{commit}', '{base}',
                     'Change run in src', 'One file.', 'chore(src)!: change run',
                     $json${changes}$json$, 'medium', $json${risk}$json$, $json${facts}$json$)",
            commit = commit(run),
            base = "e".repeat(40),
        ))
        .await;
        (score, summary)
    }

    /// Indexes one file, as the embedder does.
    async fn index(&self, org: OrgId, run: Uuid) {
        let folder = tempfile::tempdir().unwrap();
        let objects = Objects::open(&format!("file://{}", folder.path().display())).unwrap();
        let text =
            "def greet(name):\n    \"\"\"Welcomes a visitor by name.\"\"\"\n    return name\n";
        let file = SourceFile { path: "src/greeting.py".into(), bytes: text.into() };
        let commit: CommitSha = commit(run).parse().unwrap();
        let snapshot = Snapshot { commit, files: vec![file], left_out: vec![] };
        objects.put_snapshot(org, &snapshot).await.unwrap();
        let deps = embedder::Deps::of(self.database.functions(), objects);
        let message = EmbedRequested { org_id: org, run_id: RunId::new(run) };
        let deadline = Instant::now() + Duration::from_secs(60);
        embedder::handle(&deps, message, deadline).await.unwrap();
    }

    /// An attestation with a genuine signature.
    pub(crate) async fn attestation(
        &self,
        org: OrgId,
        repository: RepositoryId,
        analysis: Uuid,
        tier: Tier,
        passed: bool,
    ) -> Uuid {
        let id = Uuid::now_v7();
        let payload = json!({ "analysis": analysis, "tier": tier, "passed": passed });
        let envelope = signing::sign(&self.signer, payload.to_string().into_bytes()).await.unwrap();
        let key = self.signer.public_key();
        self.sql(&format!(
            "INSERT INTO signing_keys (key_id, algorithm, public_key_pem)
             VALUES ('{}', 'ecdsa-p256-sha256', '{}') ON CONFLICT DO NOTHING",
            key.key_id(),
            key.to_pem(),
        ))
        .await;
        self.database
            .sql()
            .await
            .execute(
                "INSERT INTO verification_attestations (id, org_id, repo_id, analysis_id,
                     attestation_type, repo_full_name, ref, commit_sha, tier, passed, key_id,
                     envelope, detail, signature, attestation_hash, parent_attestation_id,
                     expires_at, created_at)
                 VALUES ($1, $2, $3, $4, 'commit', 'acme/widget', 'refs/heads/main', $5, $6, $7, $8,
                     $9, $10, 'signature', $11,
                     (SELECT id FROM verification_attestations WHERE repo_id = $3
                      ORDER BY created_at DESC LIMIT 1),
                     now() + interval '7 days', clock_timestamp())",
                &[
                    &id,
                    org.as_uuid(),
                    repository.as_uuid(),
                    &analysis,
                    &commit(analysis),
                    &tier.as_str(),
                    &passed,
                    &key.key_id().as_str(),
                    &envelope.to_json(),
                    &b"{\"detail\": true}".as_slice(),
                    &envelope.attestation_hash(),
                ],
            )
            .await
            .unwrap();
        id
    }

    async fn badge(&self, org: OrgId, repository: RepositoryId, attestation: Uuid) -> String {
        let token = Uuid::now_v7().simple().to_string()[..22].to_owned();
        // The columns beside the attestation lie on purpose: a badge must not read them.
        self.sql(&format!(
            "INSERT INTO verification_badges (org_id, repo_id, attestation_id, repo_full_name,
                                              token, tier, passed, expires_at)
             VALUES ('{org}', '{repository}', '{attestation}', 'acme/widget', '{token}', 'platinum',
                     true, now() + interval '10 years')"
        ))
        .await;
        token
    }

    /// Whether an envelope was signed by the world's key.
    pub(crate) fn is_genuine(&self, envelope: &[u8]) -> bool {
        Envelope::parse(envelope).unwrap().verify(self.signer.public_key()).is_ok()
    }
}

fn config(database_url: String) -> Config {
    Config {
        database_url: Secret::literal("DATABASE_URL", database_url),
        runs_queue_url: NO_QUEUE.to_owned(),
        sync_queue_url: NO_QUEUE.to_owned(),
        public_url: Some("https://assay.example".to_owned()),
        private_git_hosts: vec!["git.internal".to_owned()],
    }
}

/// A router whose database nobody runs.
pub(crate) fn without_database() -> Router {
    router(Deps::new(config("postgres://nobody@127.0.0.1:1/none?sslmode=disable".to_owned())))
}

/// A commit of its own for everything that wants one.
fn commit(of: Uuid) -> String {
    format!("{}{}", of.simple(), "0".repeat(8))
}
