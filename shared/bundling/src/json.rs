use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use serde_json::Value;

/// A value whose objects are written with their keys in bytewise order, whatever order a map of
/// `serde_json` keeps in this build.
struct Sorted<'a>(&'a Value);

impl Serialize for Sorted<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(fields) => {
                let sorted: BTreeMap<&str, Sorted<'_>> =
                    fields.iter().map(|(name, value)| (name.as_str(), Sorted(value))).collect();
                sorted.serialize(serializer)
            }
            Value::Array(items) => serializer.collect_seq(items.iter().map(Sorted)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                self.0.serialize(serializer)
            }
        }
    }
}

/// JSON for people: one value a line, keys in bytewise order, a newline at the end.
pub fn pretty_json(value: &Value) -> String {
    let mut text =
        serde_json::to_string_pretty(&Sorted(value)).expect("a JSON value always serialises");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_in_which_keys_were_written_does_not_count() {
        let one: Value = serde_json::from_str(r#"{"b":[{"y":1.0,"x":null}],"a":"é"}"#).unwrap();
        let other: Value = serde_json::from_str(r#"{"a":"é","b":[{"x":null,"y":1.0}]}"#).unwrap();
        assert_eq!(pretty_json(&one), pretty_json(&other));
        let expected = "{\n  \"a\": \"é\",\n  \"b\": [\n    {\n      \"x\": null,\n      \"y\": 1.0\n    }\n  ]\n}\n";
        assert_eq!(pretty_json(&one), expected);
    }
}
