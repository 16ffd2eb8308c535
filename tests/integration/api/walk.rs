//! Every operation that the OpenAPI document lists, as a call that can be made.
//!
//! A route that is new is not guessed: whoever adds one says here how it is called.

use axum::body::Body;
use http::{Method, Request, header};
use serde_json::{Value, json};

use super::{
    waiting::INTENT_HASH,
    world::{Tenant, World, request},
};

pub(crate) struct Operation {
    pub(crate) method: Method,
    /// As the document writes it, such as `/v1/runs/{id}`.
    pub(crate) path: String,
    pub(crate) description: Value,
}

impl Operation {
    pub(crate) fn is_public(&self) -> bool {
        self.description.get("security").is_some()
    }

    /// Something that must be there, in its path or in its body.
    pub(crate) fn names_something(&self) -> bool {
        self.path.contains('{')
            || self.path == "/v1/merges"
            || (self.method == Method::POST
                && matches!(
                    self.path.as_str(),
                    "/v1/scans" | "/v1/schedules" | "/v1/rules" | "/v1/rules/import"
                ))
    }

    /// The call, about what `owner` has.
    pub(crate) fn request(&self, owner: &Tenant, key: Option<&str>) -> Request<Body> {
        let builder = request(self.method.clone(), &self.address(owner), key);
        if self.description.get("requestBody").is_none() {
            return builder.body(Body::empty()).unwrap();
        }
        builder
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(self.body(owner).to_string()))
            .unwrap()
    }

    fn address(&self, owner: &Tenant) -> String {
        let ids = [
            ("/v1/repositories/", owner.repository.to_string()),
            ("/v1/runs/", owner.open_run.to_string()),
            ("/v1/analyses/", owner.analysis.to_string()),
            ("/v1/findings/", owner.findings[0].to_string()),
            ("/v1/formal/", owner.formal_result.to_string()),
            ("/v1/attestations/", owner.attestation.to_string()),
            ("/v1/scans/", owner.scan.to_string()),
            ("/v1/trust-scores/", owner.trust_score.to_string()),
            ("/v1/diff-summaries/", owner.diff_summary.to_string()),
            ("/v1/schedules/", owner.schedule.to_string()),
            ("/v1/rules/", owner.rule.to_string()),
            ("/v1/projects/", owner.project.to_string()),
            ("/v1/artifacts/", owner.artifact.to_string()),
            ("/v1/keys/", owner.key_id.to_string()),
        ];
        let waiting = owner.waiting.iter().flat_map(|waiting| {
            [
                ("/v1/runs/{id}/retry", waiting.failed_run.to_string()),
                ("/v1/approvals/{id}/reject", waiting.questions[1].to_string()),
                ("/v1/approvals/", waiting.questions[0].to_string()),
            ]
        });
        let mut path = self.path.replace("{token}", &owner.badge_token);
        path = path.replace("{file}", &format!("{}.svg", owner.badge_token));
        for (prefix, id) in waiting.chain(ids) {
            if path.starts_with(prefix) {
                path = path.replace("{id}", &id);
            }
        }
        assert!(!path.contains('{'), "say in this table whose id {path} wants");
        match self.path.as_str() {
            "/v1/search" => format!("{path}?q=greet"),
            "/v1/repositories/{id}/trust-score" | "/v1/repositories/{id}/trust-history" => {
                format!("{path}?path=src/app.py")
            }
            // Nothing happens to the run, and nobody wants to wait for it.
            "/v1/runs/{id}/events" => format!("{path}?wait_seconds=0"),
            _ => path,
        }
    }

    fn body(&self, owner: &Tenant) -> Value {
        match (self.method.as_str(), self.path.as_str()) {
            ("POST", "/v1/repositories") => {
                json!({ "full_name": "acme/fresh", "clone_url": "https://example.com/f.git" })
            }
            ("PATCH", "/v1/repositories/{id}") => json!({ "enabled": true }),
            ("POST", "/v1/repositories/{id}/analyses") => json!({ "commit": "d".repeat(40) }),
            ("POST", "/v1/repositories/{id}/trust-scores") => {
                json!({ "commit": "d".repeat(40), "paths": ["src/app.py"] })
            }
            ("POST", "/v1/findings/{id}/dismiss" | "/v1/findings/{id}/reopen") => {
                json!({ "reason": "walked by" })
            }
            ("POST", "/v1/analyses/{id}/sarif") => json!({ "version": "2.1.0", "runs": [] }),
            ("POST", "/v1/approvals/{id}/approve") => json!({ "intent_hash": INTENT_HASH }),
            ("POST", "/v1/approvals/{id}/reject") => {
                json!({ "intent_hash": INTENT_HASH, "reason": "not on a Friday" })
            }
            ("POST", "/v1/merges") => {
                json!({ "repository_id": owner.repository, "pull_request": 7 })
            }
            ("POST", "/v1/scans") => json!({ "repository_id": owner.repository }),
            ("POST", "/v1/schedules") => {
                json!({ "repository_id": owner.repository, "cron": "30 4 * * *" })
            }
            ("PATCH", "/v1/schedules/{id}") => json!({ "time_zone": "Asia/Kolkata" }),
            ("POST", "/v1/rules") => json!({
                "repository_id": owner.repository,
                "rule": { "id": "fresh", "type": "pattern", "message": "m", "pattern": "x" },
            }),
            ("PATCH", "/v1/rules/{id}") => {
                json!({ "yaml": "{id: changed, type: pattern, message: m, pattern: y}" })
            }
            ("POST", "/v1/rules/{id}/toggle") => json!({ "enabled": false }),
            ("POST", "/v1/rules/test") => json!({
                "yaml": "{id: walked, type: pattern, message: m, pattern: x}",
                "files": [{ "path": "a.py", "code": "x\n" }],
            }),
            ("POST", "/v1/rules/import") => json!({
                "repository_id": owner.repository,
                "yaml": "- {id: imported, type: pattern, message: m, pattern: x}",
            }),
            ("POST", "/v1/keys") => json!({ "name": "fresh", "scopes": ["read"] }),
            (method, path) => panic!("say in this table what {method} {path} takes"),
        }
    }
}

pub(crate) async fn document(world: &World) -> Value {
    let answer = world.get_public("/openapi.json").await;
    assert_eq!(answer.status, 200);
    answer.json()
}

/// In the order of paths; what creates a state comes before what needs it, what deletes it last.
pub(crate) fn operations(document: &Value) -> Vec<Operation> {
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, description) in item.as_object().unwrap() {
            operations.push(Operation {
                method: method.to_uppercase().parse().unwrap(),
                path: path.clone(),
                description: description.clone(),
            });
        }
    }
    operations.sort_by_key(|one| (one.method == Method::DELETE, one.path.clone()));
    operations
}
