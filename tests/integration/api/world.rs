//! Organisations with something of everything, and a way to ask the API about it.

mod attested;
mod examined;

use api::{Config, Deps, router};
use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
};
use domain::{ApiKey, ApiKeyId, OrgId, ProjectId, RepositoryId, Scope, Tier};
use http::{HeaderMap, Method, Request, StatusCode, header};
use serde_json::{Value, json};
use signing::{LocalKey, Signer};
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
