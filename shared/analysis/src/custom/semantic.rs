//! The seam to the taint engine.

use serde_json::{Map, Value};

use super::problem::Flaw;

/// Taint rules of customers are refused until the engine takes rules from outside.
pub(super) fn refuse(_: &Map<String, Value>) -> Flaw {
    let remedy = "write it as a rule of type ast or composite";
    Flaw::new("type", "this version does not run semantic rules of your own", remedy)
}
