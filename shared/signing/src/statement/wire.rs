//! The documents as in-toto and SLSA spell them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub(crate) const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
pub(crate) const SUMMARY_TYPE: &str = "https://slsa.dev/verification_summary/v1";

pub(crate) const PASSED: &str = "PASSED";
pub(crate) const FAILED: &str = "FAILED";

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Statement<P> {
    #[serde(rename = "_type")]
    pub(crate) type_: String,
    pub(crate) subject: Vec<Subject>,
    pub(crate) predicate_type: String,
    pub(crate) predicate: P,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Subject {
    pub(crate) name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) uri: Option<String>,
    pub(crate) digest: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) annotations: Option<SubjectAnnotations>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SubjectAnnotations {
    #[serde(default)]
    pub(crate) source_refs: Vec<String>,
}

/// A resource descriptor with its place and its hash.
#[derive(Serialize, Deserialize)]
pub(crate) struct Resource {
    pub(crate) uri: String,
    #[serde(default)]
    pub(crate) digest: BTreeMap<String, String>,
}

impl Resource {
    pub(crate) fn at(uri: String, sha256: String) -> Self {
        Self { uri, digest: BTreeMap::from([("sha256".to_owned(), sha256)]) }
    }

    fn sha256(&self) -> Option<&str> {
        self.digest.get("sha256").map(String::as_str)
    }
}

/// SLSA verification summary, version 1.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SummaryPredicate {
    pub(crate) verifier: Verifier,
    pub(crate) time_verified: Timestamp,
    pub(crate) resource_uri: String,
    pub(crate) policy: Resource,
    #[serde(default)]
    pub(crate) input_attestations: Vec<Resource>,
    pub(crate) verification_result: String,
    pub(crate) verified_levels: Vec<String>,
    pub(crate) slsa_version: String,
    #[serde(flatten)]
    pub(crate) extensions: BTreeMap<String, serde_json::Value>,
}

impl SummaryPredicate {
    pub(crate) fn inputs(&self) -> Vec<String> {
        let hashes = self.input_attestations.iter().filter_map(Resource::sha256);
        hashes.map(str::to_owned).collect()
    }

    /// A field of ours, named as a fragment of the verifier's id.
    pub(crate) fn extension(&self, term: &str) -> Option<&str> {
        self.extensions.get(&format!("{}#{term}", self.verifier.id))?.as_str()
    }
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Verifier {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) version: VerifierVersion,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct VerifierVersion {
    pub(crate) engine: String,
    pub(crate) rules: String,
}
