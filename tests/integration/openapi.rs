//! The OpenAPI document is true: what the API answers is what the document says.

use std::{fs, path::Path};

use axum::body::Body;
use domain::Scope;
use http::{Method, header};
use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::api::{
    walk::{Operation, document, operations},
    world::{Answer, World, request},
};

/// Validates answers against the document, where nothing may be left unsaid: an object with a
/// field that its schema does not name is refused.
struct Contract {
    document: Value,
    components: Value,
}

impl Contract {
    async fn of(world: &World) -> Self {
        let document = document(world).await;
        let components = strict(&document["components"], &document);
        Self { document, components }
    }

    fn check(&self, operation: &Operation, answer: &Answer) {
        let call = format!("{} {} → {}", operation.method, operation.path, answer.status);
        let response = &operation.description["responses"][answer.status.as_str()];
        assert!(response.is_object(), "{call} is not documented");
        let Some(contents) = response["content"].as_object() else {
            assert!(answer.bytes.is_empty(), "{call} has a body that is not documented");
            return;
        };
        let sent = answer.header(header::CONTENT_TYPE);
        let essence = sent.split(';').next().unwrap().trim();
        let content = contents.get(sent).or_else(|| contents.get(essence));
        let content = content.unwrap_or_else(|| panic!("{call}: {sent} is not documented"));
        if !essence.ends_with("json") {
            return;
        }
        let errors: Vec<String> = self
            .validator(&content["schema"])
            .iter_errors(&answer.json())
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{call}: {errors:#?}\n{:#}", answer.json());
    }

    fn validator(&self, schema: &Value) -> Validator {
        let mut schema = strict(schema, &self.document);
        schema["components"] = self.components.clone();
        jsonschema::options()
            .with_draft(Draft::Draft202012)
            .should_validate_formats(true)
            .build(&schema)
            .unwrap()
    }
}

/// The schema with every object closed. A flattened object (`allOf`) becomes a single one first,
/// since each of its parts would refuse the fields of the others.
fn strict(schema: &Value, document: &Value) -> Value {
    match schema {
        Value::Array(items) => items.iter().map(|item| strict(item, document)).collect(),
        Value::Object(fields) => {
            let fields = match fields.get("allOf") {
                Some(parts) => merged(parts.as_array().unwrap(), document),
                None => fields.clone(),
            };
            let mut closed: Map<String, Value> = fields
                .iter()
                .map(|(name, value)| (name.clone(), strict(value, document)))
                .collect();
            // Below `properties` stand names of fields, one of which may itself be `properties`.
            if fields.get("type").is_some_and(|kind| kind != "properties")
                && fields.contains_key("properties")
            {
                closed.entry("additionalProperties").or_insert(json!(false));
            }
            Value::Object(closed)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => schema.clone(),
    }
}

fn merged(parts: &[Value], document: &Value) -> Map<String, Value> {
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for part in parts {
        let part = match part["$ref"].as_str() {
            Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap(),
            None => part,
        };
        properties.extend(part["properties"].as_object().unwrap().clone());
        required.extend(part["required"].as_array().cloned().unwrap_or_default());
    }
    let merged = json!({ "type": "object", "properties": properties, "required": required });
    merged.as_object().unwrap().clone()
}

/// Asks for something, and requires the answer to be as the document says.
pub(crate) async fn get_as_documented(world: &World, path: &str, id: Uuid, key: &str) -> Value {
    let contract = Contract::of(world).await;
    let mut operations = operations(&contract.document).into_iter();
    let operation = operations.find(|one| one.method == Method::GET && one.path == path).unwrap();
    let answer = world.get(&path.replace("{id}", &id.to_string()), key).await;
    contract.check(&operation, &answer);
    answer.json()
}

#[tokio::test]
async fn every_operation_answers_as_the_document_says() {
    let world = World::create().await;
    let contract = Contract::of(&world).await;
    let tenant = world.busy_tenant("acme", 1).await;
    // The walk revokes the tenant's first key.
    let (_, key) = world.key(tenant.org, Scope::ALL).await;
    for operation in operations(&contract.document) {
        let answer = world.send(operation.request(&tenant, Some(&key))).await;
        assert!(answer.status.is_success(), "{} {}", operation.method, operation.path);
        contract.check(&operation, &answer);
    }
}

#[tokio::test]
async fn what_goes_wrong_is_documented_too() {
    let world = World::create().await;
    let contract = Contract::of(&world).await;
    let tenant = world.busy_tenant("acme", 1).await;
    let (_, weak) = world.key(tenant.org, &[Scope::Read]).await;
    let mut seen = std::collections::BTreeSet::new();
    for operation in operations(&contract.document) {
        let mut answers = Vec::new();
        if !operation.is_public() {
            answers.push(world.send(operation.request(&tenant, None)).await);
            if operation.method != Method::GET {
                answers.push(world.send(operation.request(&tenant, Some(&weak))).await);
            }
        }
        let path = |id: &str| {
            ["{id}", "{token}", "{file}"]
                .iter()
                .fold(operation.path.clone(), |p, n| p.replace(n, id))
        };
        if operation.names_something() {
            for id in ["not-an-id".to_owned(), Uuid::nil().to_string()] {
                answers.push(call(&world, &operation, &path(&id), &tenant.key, None).await);
            }
        }
        if operation.description.get("requestBody").is_some() {
            let path = path(&tenant.findings[0].to_string());
            let huge = " ".repeat(2 * 1024 * 1024);
            for body in ["{", "{\"no such field\": 1}", huge.as_str()] {
                answers.push(call(&world, &operation, &path, &tenant.key, Some(body)).await);
            }
            let bare = request(operation.method.clone(), &path, Some(&tenant.key));
            answers.push(world.send(bare.body(Body::from("{}")).unwrap()).await);
        }
        for answer in answers {
            contract.check(&operation, &answer);
            seen.insert(answer.status.as_u16());
        }
    }
    let expected = [400, 401, 403, 404, 413, 415];
    assert!(expected.iter().all(|status| seen.contains(status)), "{seen:?}");
}

async fn call(
    world: &World,
    operation: &Operation,
    path: &str,
    key: &str,
    body: Option<&str>,
) -> Answer {
    let request = request(operation.method.clone(), path, Some(key));
    let takes_body = operation.description.get("requestBody").is_some();
    let request = if takes_body {
        let sent = body.unwrap_or(r#"{"reason": "x"}"#).to_owned();
        request.header(header::CONTENT_TYPE, "application/json").body(Body::from(sent))
    } else {
        request.body(Body::empty())
    };
    world.send(request.unwrap()).await
}

#[tokio::test]
async fn an_open_page_and_a_conflict_are_as_documented() {
    let world = World::create().await;
    let contract = Contract::of(&world).await;
    let tenant = world.busy_tenant("acme", 1).await;
    let all = operations(&contract.document);
    let find = |method: Method, path: &str| {
        all.iter().find(|one| one.method == method && one.path == path).unwrap()
    };
    let first = world.get("/v1/runs?limit=1", &tenant.key).await;
    assert!(first.json()["next_cursor"].is_string());
    contract.check(find(Method::GET, "/v1/runs"), &first);

    let reopen = find(Method::POST, "/v1/findings/{id}/reopen");
    let answer = world.send(reopen.request(&tenant, Some(&tenant.key))).await;
    assert_eq!(answer.status, 409);
    contract.check(reopen, &answer);

    let badge = find(Method::GET, "/badge/{file}");
    let shown = world.send(badge.request(&tenant, None)).await;
    let again = request(Method::GET, &format!("/badge/{}.svg", tenant.badge_token), None)
        .header(header::IF_NONE_MATCH, shown.header(header::ETAG));
    let answer = world.send(again.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, 304);
    contract.check(badge, &answer);
}

/// Handlers become routes only together with their description, and none is forgotten.
#[tokio::test]
async fn every_route_is_in_the_document() {
    let world = World::create().await;
    let document = document(&world).await;
    assert_eq!(document["openapi"], "3.1.0");
    let (mut described, mut bare) = (0, Vec::new());
    for (path, text) in
        sources(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../functions/api/src")))
    {
        described += text.matches("#[utoipa::path(").count();
        if [".route(", ".route_service(", ".nest(", ".nest_service("]
            .iter()
            .any(|it| text.contains(it))
        {
            bare.push(path);
        }
    }
    assert!(bare.is_empty(), "routes beside the document in {bare:?}");
    assert_eq!(operations(&document).len(), described);

    let mut ids: Vec<String> = operations(&document)
        .iter()
        .map(|operation| operation.description["operationId"].as_str().unwrap().to_owned())
        .collect();
    ids.sort_unstable();
    let count = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), count, "operation ids are unique");
}

/// Every `$ref` leads somewhere, and so does every tag and scheme.
#[tokio::test]
async fn the_document_holds_together() {
    let world = World::create().await;
    let document = document(&world).await;
    let mut references = Vec::new();
    collect_references(&document, &mut references);
    assert!(references.len() > 50);
    for reference in references {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
    }
    let tags: Vec<&str> = document["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| tag["name"].as_str().unwrap())
        .collect();
    for operation in operations(&document) {
        let tag = operation.description["tags"][0].as_str().unwrap();
        assert!(tags.contains(&tag), "{tag}");
        assert!(operation.description["summary"].is_string(), "{} has no summary", operation.path);
    }
    for scheme in document["security"].as_array().unwrap() {
        for name in scheme.as_object().unwrap().keys() {
            assert!(document["components"]["securitySchemes"][name].is_object(), "{name}");
        }
    }
}

fn collect_references(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect_references(item, into)),
        Value::Object(fields) => {
            into.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|field| collect_references(field, into));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn sources(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
        }
    }
    assert!(!found.is_empty(), "{} is empty", folder.display());
    found
}
