//! What people ask of the API.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    instance::{Ended, Slot},
    world::World,
};

/// What Lambda gives the API.
const TIME: Duration = Duration::from_secs(15);

const FUNCTION_URL_EVENT: &str = include_str!("../fixtures/events/api.json");

/// Asks for something; status and answer, if there is one.
pub(crate) async fn call(
    world: &World,
    person: &mut Slot,
    path: &str,
    body: &Value,
) -> Option<(u64, Value)> {
    let mut event: Value = serde_json::from_str(FUNCTION_URL_EVENT).unwrap();
    event["rawPath"] = json!(path);
    event["requestContext"]["http"]["path"] = json!(path);
    event["requestContext"]["http"]["method"] = json!("POST");
    event["headers"]["content-type"] = json!("application/json");
    event["headers"]["authorization"] = json!(format!("Bearer {}", world.key));
    event["body"] = json!(body.to_string());
    let Ended::Answered(Ok(answer)) = person.invoke(event, TIME).await else { return None };
    let status = answer["statusCode"].as_u64()?;
    let text = answer["body"].as_str().unwrap_or_default();
    Some((status, serde_json::from_str(text).unwrap_or_default()))
}
