//! The parts of a SARIF log that we write, in the order in which they are written.

use std::{borrow::Cow, collections::BTreeMap};

use serde::Serialize;

pub(crate) const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
pub(crate) const VERSION: &str = "2.1.0";

/// The customary name for the folder that all paths are relative to.
pub(crate) const ROOT: &str = "%SRCROOT%";

#[derive(Serialize)]
pub(crate) struct Log<'a> {
    #[serde(rename = "$schema")]
    pub(crate) schema: &'static str,
    pub(crate) version: &'static str,
    pub(crate) runs: [Run<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Run<'a> {
    pub(crate) tool: Tool<'a>,
    pub(crate) invocations: [Invocation<'a>; 1],
    pub(crate) automation_details: AutomationDetails<'a>,
    pub(crate) original_uri_base_ids: BTreeMap<&'static str, UriBase>,
    pub(crate) column_kind: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) redaction_tokens: Vec<&'static str>,
    pub(crate) artifacts: Vec<Artifact>,
    pub(crate) results: Vec<Finding<'a>>,
}

#[derive(Serialize)]
pub(crate) struct Tool<'a> {
    pub(crate) driver: Driver<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Driver<'a> {
    pub(crate) name: &'static str,
    pub(crate) organization: &'static str,
    pub(crate) full_name: String,
    pub(crate) version: &'a str,
    pub(crate) semantic_version: &'a str,
    pub(crate) rules: Vec<Descriptor<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) notifications: Vec<Descriptor<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Descriptor<'a> {
    pub(crate) id: &'a str,
    pub(crate) name: String,
    pub(crate) short_description: Text<'a>,
    pub(crate) full_description: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) help_uri: Option<String>,
    pub(crate) help: Help,
    pub(crate) default_configuration: Configuration,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) properties: Option<RuleProperties>,
}

#[derive(Serialize)]
pub(crate) struct Text<'a> {
    pub(crate) text: Cow<'a, str>,
}

#[derive(Serialize)]
pub(crate) struct Help {
    pub(crate) text: String,
    pub(crate) markdown: String,
}

#[derive(Serialize)]
pub(crate) struct Configuration {
    pub(crate) level: &'static str,
}

#[derive(Serialize)]
pub(crate) struct RuleProperties {
    pub(crate) tags: Vec<String>,
    pub(crate) precision: &'static str,
    #[serde(rename = "problem.severity")]
    pub(crate) problem_severity: &'static str,
    #[serde(rename = "security-severity", skip_serializing_if = "Option::is_none")]
    pub(crate) security_severity: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Invocation<'a> {
    pub(crate) execution_successful: bool,
    pub(crate) tool_execution_notifications: Vec<Notification<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Notification<'a> {
    pub(crate) descriptor: Reference<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) associated_rule: Option<Reference<'a>>,
    pub(crate) level: &'static str,
    pub(crate) message: Text<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) locations: Vec<Location<'a>>,
}

#[derive(Serialize)]
pub(crate) struct Reference<'a> {
    pub(crate) id: &'a str,
    pub(crate) index: usize,
}

#[derive(Serialize)]
pub(crate) struct AutomationDetails<'a> {
    pub(crate) id: Cow<'a, str>,
}

#[derive(Serialize)]
pub(crate) struct UriBase {
    pub(crate) description: Text<'static>,
}

#[derive(Serialize)]
pub(crate) struct Artifact {
    pub(crate) location: ArtifactLocation,
    pub(crate) roles: [&'static str; 1],
}

#[derive(Serialize, Clone)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ArtifactLocation {
    pub(crate) uri: String,
    pub(crate) uri_base_id: &'static str,
    pub(crate) index: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Location<'a> {
    pub(crate) physical_location: PhysicalLocation<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PhysicalLocation<'a> {
    pub(crate) artifact_location: ArtifactLocation,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) region: Option<Region<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Region<'a> {
    pub(crate) start_line: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) start_column: Option<u32>,
    pub(crate) end_line: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) end_column: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) snippet: Option<Text<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Finding<'a> {
    pub(crate) rule_id: &'a str,
    pub(crate) rule_index: usize,
    pub(crate) level: &'static str,
    pub(crate) message: Text<'a>,
    pub(crate) locations: [Location<'a>; 1],
    pub(crate) partial_fingerprints: BTreeMap<&'static str, &'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) suppressions: Option<[Suppression<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) baseline_state: Option<&'static str>,
    pub(crate) rank: f64,
    pub(crate) properties: FindingProperties<'a>,
}

#[derive(Serialize)]
pub(crate) struct Suppression<'a> {
    pub(crate) kind: &'static str,
    pub(crate) status: &'static str,
    pub(crate) justification: &'a str,
}

/// What SARIF has no field for.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FindingProperties<'a> {
    pub(crate) severity: &'static str,
    pub(crate) confidence: f64,
    pub(crate) verification: &'static str,
    pub(crate) demoted: bool,
    pub(crate) snippet_sha256: &'a str,
}
