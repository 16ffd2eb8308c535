//! The deployed template: function URLs, queues, mappings and permissions as AWS has them.
//!
//! `cargo local test` brings the stack up and names its state file in ASSAY_STACK. One pull
//! request goes the whole way; whatever a function may not do, or is not told, shows here.

use std::{path::PathBuf, time::Duration};

use domain::{ApiKey, OrgId, Scope};
use serde_json::{Value, json};
use store::{
    Database, api_keys,
    organizations::{self, NewOrganization},
};
use tests::{git_server::GitServer, github};
use uuid::Uuid;

const BASE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/demo/base");
const HEAD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/demo/head");

/// A cold start of every function on a busy machine, and a few seconds of work.
const PATIENCE: Duration = Duration::from_secs(120);

struct Stack {
    state: Value,
    folder: PathBuf,
    http: reqwest::Client,
    key: String,
}

impl Stack {
    async fn open() -> Self {
        #[expect(clippy::disallowed_methods, reason = "tests have no settings of their own")]
        let path = std::env::var("ASSAY_STACK")
            .expect("ASSAY_STACK is not set: run `cargo local test`, or `cargo local up` and name .local/state.json");
        let path = PathBuf::from(path);
        let text = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}; run `cargo local up`", path.display()));
        let state: Value = serde_json::from_str(&text).unwrap();
        let key = tenant(state["postgres"]["owner_url"].as_str().unwrap()).await;
        let folder = path.parent().unwrap().to_owned();
        // Only plain http on this machine is asked, but the client wants to know its TLS.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().timeout(PATIENCE).build().unwrap();
        Self { state, folder, http, key }
    }

    fn url(&self, of: &str, path: &str) -> String {
        format!("{}{path}", self.state["stack"][of].as_str().unwrap())
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        let request = self.http.get(self.url("api_url", path)).bearer_auth(&self.key);
        read(request.send().await.unwrap()).await
    }

    async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let request = self.http.post(self.url("api_url", path)).bearer_auth(&self.key);
        let request = request.header("content-type", "application/json").body(body.to_string());
        read(request.send().await.unwrap()).await
    }

    /// A webhook as GitHub sends it, signed with the secret that the stack was deployed with.
    async fn deliver(&self, id: &str, payload: &Value) -> (u16, Value) {
        let secret = std::fs::read_to_string(self.folder.join("webhook-secret")).unwrap();
        let body = payload.to_string();
        let signature = github::signature_by(secret.trim(), body.as_bytes());
        let request = self
            .http
            .post(self.url("webhook_url", "/github"))
            .header("content-type", "application/json")
            .header("x-github-event", "pull_request")
            .header("x-github-delivery", id)
            .header("x-hub-signature-256", signature)
            .body(body);
        read(request.send().await.unwrap()).await
    }

    /// Asks until the answer is as wanted; panics with the last one when patience ends.
    async fn until(&self, path: &str, wanted: impl Fn(u16, &Value) -> bool) -> Value {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let (status, answer) = self.get(path).await;
            if wanted(status, &answer) {
                return answer;
            }
            assert!(tokio::time::Instant::now() < deadline, "{path}: {status} {answer:#}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

async fn read(response: reqwest::Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

/// The key of an organisation of the test's own, next to whatever else the stack holds.
async fn tenant(owner_url: &str) -> String {
    let org = OrgId::new(Uuid::now_v7());
    let login = format!("stack-test-{}", Uuid::now_v7().simple());
    let database = Database::open(owner_url).unwrap();
    let mut session = database.session().await.unwrap();
    let tx = session.begin(org).await.unwrap();
    let new =
        NewOrganization { id: org, github_id: None, login: &login, name: &login, avatar_url: None };
    assert!(organizations::insert(&tx, &new).await.unwrap());
    let mut entropy = [0; ApiKey::ENTROPY_BYTES];
    for chunk in entropy.chunks_mut(16) {
        chunk.copy_from_slice(&Uuid::now_v7().as_bytes()[..chunk.len()]);
    }
    let key = ApiKey::generate(&entropy);
    api_keys::insert(&tx, org, "stack test", &key, Scope::ALL, None).await.unwrap();
    tx.commit().await.unwrap();
    key.reveal().to_owned()
}

#[tokio::test]
async fn a_pull_request_goes_from_webhook_to_signed_searchable_verdict() {
    let stack = Stack::open().await;
    let server = GitServer::start().await;
    let git = server.repository("shop");
    let base = git.commit(BASE.as_ref(), "main", &[]);
    let head = git.commit(HEAD.as_ref(), "change", &[&base]);
    let github_id = i64::from(Uuid::now_v7().as_u128() as u32);
    let repository = json!({
        "full_name": "acme/stack-test", "github_id": github_id,
        "clone_url": server.url("shop"), "default_branch": "main",
    });
    let (status, registered) = stack.post("/v1/repositories", &repository).await;
    assert_eq!(status, 201, "{registered:#}");

    let payload = github::pull_request(github_id, 1, head.as_str(), base.as_str());
    let delivery = Uuid::now_v7().to_string();
    let (status, accepted) = stack.deliver(&delivery, &payload).await;
    assert_eq!((status, &accepted["status"]), (202, &json!("accepted")), "{accepted}");
    let (_, again) = stack.deliver(&delivery, &payload).await;
    assert_eq!(again["status"], "deduplicated");
    assert_eq!(again["run_id"], accepted["run_id"]);

    let run = accepted["run_id"].as_str().unwrap();
    let ended =
        |_, run: &Value| ["succeeded", "failed"].contains(&run["status"].as_str().unwrap_or(""));
    let run = stack.until(&format!("/v1/runs/{run}"), ended).await;
    assert_eq!(run["status"], "succeeded", "{run:#}");
    let analysis = run["analysis_id"].as_str().unwrap();
    let path = format!("/v1/analyses/{analysis}");
    let (_, verdict) = stack.get(&path).await;
    assert_eq!(verdict["verdict"], "failed", "{verdict:#}");

    let found = |status, _: &Value| status == 200;
    let attestation = stack.until(&format!("{path}/attestation"), found).await;
    let id = attestation["id"].as_str().unwrap();
    let (status, envelope) = stack.get(&format!("/v1/attestations/{id}/dsse")).await;
    assert_eq!(status, 200);
    let pem = stack.http.get(stack.url("api_url", "/v1/public-key")).send().await.unwrap();
    let key = signing::PublicKey::from_pem(&pem.text().await.unwrap()).unwrap();
    let envelope = signing::Envelope::parse(envelope.to_string().as_bytes()).unwrap();
    assert!(envelope.verify(&key).is_ok());

    let hits = |status, found: &Value| status == 200 && found.to_string().contains("orders/");
    stack.until("/v1/search?q=order%20report", hits).await;
}

#[tokio::test]
async fn the_deployed_intake_refuses_what_is_not_signed() {
    let stack = Stack::open().await;
    let request = stack
        .http
        .post(stack.url("webhook_url", "/github"))
        .header("x-github-event", "ping")
        .header("x-github-delivery", "unsigned")
        .body("{}");
    let (status, problem) = read(request.send().await.unwrap()).await;
    assert_eq!(status, 401, "{problem}");
}
