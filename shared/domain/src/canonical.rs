//! JSON as one and the same bytes for one and the same value.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// A value whose objects are written with their keys in bytewise order, without spaces.
///
/// Numbers are written as `serde_json` writes them, so it is canonical for values that never left
/// this program or Postgres' `jsonb`; for interchange between programs see RFC 8785.
struct Canonical<'a>(&'a Value);

impl Serialize for Canonical<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(fields) => {
                let sorted: BTreeMap<&str, Canonical<'_>> =
                    fields.iter().map(|(key, value)| (key.as_str(), Canonical(value))).collect();
                sorted.serialize(serializer)
            }
            Value::Array(items) => serializer.collect_seq(items.iter().map(Canonical)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                self.0.serialize(serializer)
            }
        }
    }
}

/// The canonical text of a value.
pub fn canonical_json(value: &Value) -> String {
    serde_json::to_string(&Canonical(value)).expect("a JSON value always serialises")
}

/// Hex sha256 of the canonical text.
pub fn canonical_sha256(value: &Value) -> String {
    hex::encode(Sha256::digest(canonical_json(value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_in_which_keys_were_written_does_not_count() {
        let one: Value = serde_json::from_str(r#"{"b":[{"y":1,"x":null}],"a":"é"}"#).unwrap();
        let other: Value =
            serde_json::from_str(r#"{ "a": "é", "b": [ {"x": null, "y": 1} ] }"#).unwrap();
        assert_eq!(canonical_json(&one), r#"{"a":"é","b":[{"x":null,"y":1}]}"#);
        assert_eq!(canonical_sha256(&one), canonical_sha256(&other));
    }
}
