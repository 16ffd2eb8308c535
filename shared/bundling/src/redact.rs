use std::ops::Range;

use serde_json::{Map, Value, json};

use crate::patterns::{PATTERNS, Pattern, SecretName, secret_name};

/// What stands where a secret was.
pub const REDACTED: &str = "[REDACTED]";

/// How a pair of a name and a value calls its name, in lists of headers and variables.
const PAIR_NAMES: [&str; 4] = ["name", "key", "header", "variable"];
const PAIR_VALUE: &str = "value";

/// The same value without secrets: what is kept under a secret's name, and what looks like one.
///
/// Lists stay as long, and objects keep their fields. Redacting twice changes nothing more.
pub fn redact(value: &Value) -> Value {
    match value {
        Value::String(text) => json!(redact_text(text)),
        Value::Array(items) => items.iter().map(redact).collect(),
        Value::Object(fields) => {
            let pair = PAIR_NAMES.iter().find_map(|name| fields.get(*name)?.as_str());
            redact_fields(fields, |name, value| {
                let paired = pair.filter(|_| name == PAIR_VALUE).and_then(secret_name);
                match secret_name(name).or(paired) {
                    Some(row) => conceal(value, row),
                    None => redact(value),
                }
            })
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// Hides whatever is kept under a secret's name.
fn conceal(value: &Value, row: &SecretName) -> Value {
    match value {
        Value::String(text) if text.is_empty() => value.clone(),
        Value::String(_) => json!(REDACTED),
        Value::Number(_) if row.numbers => json!(REDACTED),
        Value::Array(items) => items.iter().map(|item| conceal(item, row)).collect(),
        Value::Object(fields) => redact_fields(fields, |_, value| conceal(value, row)),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

fn redact_fields(
    fields: &Map<String, Value>,
    redact_value: impl Fn(&str, &Value) -> Value,
) -> Value {
    let mut redacted = Map::new();
    for (name, value) in fields {
        let shown = redact_text(name);
        // Two names may have held different secrets, and both fields stay.
        let mut unique = shown.clone();
        let mut count = 1;
        while redacted.contains_key(&unique) || (unique != *name && fields.contains_key(&unique)) {
            count += 1;
            unique = format!("{shown} {count}");
        }
        redacted.insert(unique, redact_value(name, value));
    }
    Value::Object(redacted)
}

/// The same text without whatever looks like a secret.
pub fn redact_text(text: &str) -> String {
    let mut redacted = text.to_owned();
    // What is hidden may have kept another secret from being seen. Each turn that changes the
    // text leaves less of it that is not hidden, so there is a last one.
    loop {
        match hide(&redacted) {
            Some(less) => redacted = less,
            None => return redacted,
        }
    }
}

/// The text without what the patterns find; none when they find nothing that is not hidden yet.
///
/// All of them look at the same text: what one finds may begin inside what another does, and
/// would not be known again by its other half.
fn hide(text: &str) -> Option<String> {
    let mut secrets: Vec<Range<usize>> =
        PATTERNS.iter().flat_map(|pattern| find(pattern, text)).collect();
    secrets.sort_unstable_by_key(|secret| secret.start);
    let mut hidden = String::new();
    let mut end = 0;
    for secret in &secrets {
        if secret.start >= end {
            hidden.push_str(&text[end..secret.start]);
            hidden.push_str(REDACTED);
        }
        end = end.max(secret.end);
    }
    hidden.push_str(&text[end..]);
    (!secrets.is_empty()).then_some(hidden)
}

fn find(pattern: &Pattern, text: &str) -> impl Iterator<Item = Range<usize>> {
    pattern.regex.captures_iter(text).filter_map(|captures| {
        let secret = captures.name("secret")?;
        let is_open = secret.as_str() != REDACTED && (pattern.guard)(secret.as_str());
        is_open.then(|| secret.range())
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PEM: &str = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEAx1y2\nq8s7d6f5g4h3j2k1l0\n-----END RSA PRIVATE KEY-----";

    #[test]
    fn what_stands_around_a_secret_is_kept() {
        let cases = [
            (
                "fetch https://me:hunter2@git.example/x.git failed",
                "fetch https://[REDACTED]@git.example/x.git failed",
            ),
            ("https://0123abcd@git.example/x", "https://[REDACTED]@git.example/x"),
            ("redis://:hunter2@cache:6379/0", "redis://[REDACTED]@cache:6379/0"),
            ("-H 'Authorization: Basic bWU6eA=='", "-H 'Authorization: Basic [REDACTED]'"),
            ("authorization=0123456789abcdef", "authorization=[REDACTED]"),
            ("Bearer abc123def", "Bearer [REDACTED]"),
            ("AWS_SECRET_ACCESS_KEY=abc/def+x ls", "AWS_SECRET_ACCESS_KEY=[REDACTED] ls"),
            ("login --token hunter2 --quiet", "login --token [REDACTED] --quiet"),
            (r#"{"password":"hunter2","a":1}"#, r#"{"password":"[REDACTED]","a":1}"#),
            (r#"{\"api_key\": \"hunter2\"}"#, r#"{\"api_key\": \"[REDACTED]\"}"#),
            (PEM, "[REDACTED]"),
            ("-----BEGIN PRIVATE KEY-----\\nMIIEowIBAAKCAQEAx1y2\\n", "[REDACTED]\\n"),
        ];
        for (text, expected) in cases {
            assert_eq!(redact_text(text), expected);
        }
    }

    #[test]
    fn what_is_no_secret_is_left_alone() {
        for text in [
            "Bearer authentication is described in RFC 6750.",
            "## Authorization: roles and scopes",
            "ssh://git@github.com/acme/widget.git",
            "https://example.com/a@b?c=d:e@f",
            "mail me@example.com",
            "the token bucket holds 40 tokens: see --tokenizer",
            "run:0191d9a0-0000-7000-8000-000000000001",
            "sk-learn, eyJ, ghp_short, AKIA",
            &"a".repeat(64),
        ] {
            assert_eq!(redact_text(text), text);
        }
    }

    #[test]
    fn a_value_under_a_secret_name_is_hidden_and_its_structure_stays() {
        let value = json!({
            "db": { "password": "hunter2", "pin_password": 1234, "host": "db" },
            "api_keys": [{ "id": 7, "value": "x", "empty": "" }, null, true],
            "headers": [{ "name": "Authorization", "value": "Basic x" }, { "name": "Accept", "value": "*" }],
            "lease_token": 3,
            "usage": { "tokens": 1200 },
            "https://a:b@c": 1, "https://d:e@c": 2,
        });
        let expected = json!({
            "db": { "password": REDACTED, "pin_password": REDACTED, "host": "db" },
            "api_keys": [{ "id": 7, "value": REDACTED, "empty": "" }, null, true],
            "headers": [{ "name": "Authorization", "value": REDACTED }, { "name": "Accept", "value": "*" }],
            "lease_token": 3,
            "usage": { "tokens": 1200 },
            "https://[REDACTED]@c": 1, "https://[REDACTED]@c 2": 2,
        });
        assert_eq!(redact(&value), expected);
    }

    /// A secret of each shape, with what must not be seen again.
    fn secret() -> impl Strategy<Value = (String, String)> {
        let body = "[A-Za-z0-9]{24,40}";
        let shaped = |before: &'static str, body: &'static str, after: &'static str| {
            body.prop_map(move |body| (format!("{before}{body}{after}"), body))
        };
        prop_oneof![
            shaped("ghp_", body, ""),
            shaped("gho_", body, ""),
            shaped("ghs_", body, ""),
            shaped("github_pat_", body, ""),
            shaped("asy_", body, ""),
            shaped("AKIA", "[A-Z2-7]{16}", ""),
            shaped("ASIA", "[A-Z2-7]{16}", ""),
            shaped("Bearer ", body, ""),
            shaped("Authorization: Basic ", body, ""),
            shaped("authorization: ", body, ""),
            shaped("https://user:", body, "@example.com/"),
            shaped("postgres://", body, ":x@db/assay"),
            shaped("https://", body, "@example.com"),
            shaped("eyJhbGciOiJIUzI1NiJ9.", "[A-Za-z0-9_-]{24,60}", ".c2ln"),
            shaped("-----BEGIN PRIVATE KEY-----\n", body, "\n-----END PRIVATE KEY-----"),
            shaped("-----BEGIN EC PRIVATE KEY-----\n", body, ""),
            shaped("GITHUB_TOKEN=", body, ""),
            shaped("--password ", body, ""),
            shaped("{\"client_secret\": \"", body, "\"}"),
            shaped("xoxb-", body, ""),
            shaped("sk_live_", body, ""),
        ]
    }

    fn name() -> impl Strategy<Value = String> {
        prop_oneof!["[a-z_]{1,8}", "\\PC{0,6}", Just("token".to_owned()), Just("value".to_owned())]
    }

    fn tree() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "\\PC{0,20}".prop_map(Value::from),
            secret().prop_map(|(text, _)| Value::from(text)),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map(name(), inner, 0..5)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    /// Puts a text into a value: as a member, as a field's value, and as a field's name.
    fn plant(value: &mut Value, text: &str, way: &mut u64) {
        *way /= 5;
        match value {
            Value::Array(items) if way.is_multiple_of(2) && !items.is_empty() => {
                let at = *way as usize % items.len();
                plant(&mut items[at], text, way);
            }
            Value::Array(items) => items.push(json!(text)),
            Value::Object(fields) if way.is_multiple_of(3) && !fields.is_empty() => {
                let at = *way as usize % fields.len();
                plant(fields.values_mut().nth(at).unwrap(), text, way);
            }
            Value::Object(fields) if way.is_multiple_of(2) => {
                fields.insert(text.to_owned(), json!(1));
            }
            Value::Object(fields) => {
                fields.insert("planted".to_owned(), json!(text));
            }
            Value::String(before) => {
                before.push(' ');
                before.push_str(text);
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => *value = json!(text),
        }
    }

    fn same_shape(one: &Value, other: &Value) -> bool {
        match (one, other) {
            (Value::Array(a), Value::Array(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_shape(a, b))
            }
            (Value::Object(a), Value::Object(b)) => {
                a.len() == b.len()
                    && a.iter().all(|(name, a)| match b.get(name) {
                        Some(b) => same_shape(a, b),
                        None => redact_text(name) != *name,
                    })
            }
            (Value::Number(_), Value::String(hidden)) => hidden == REDACTED,
            _ => std::mem::discriminant(one) == std::mem::discriminant(other),
        }
    }

    proptest! {
        #[test]
        fn no_planted_secret_survives(
            value in tree(), (text, body) in secret(), before in "\\PC{0,8}|[\"'({ \\n=]", way in any::<u64>(),
        ) {
            let mut value = value;
            plant(&mut value, &format!("{before}{text}"), &mut { way });
            prop_assert!(pretty(&value).contains(&body));
            prop_assert!(!pretty(&redact(&value)).contains(&body), "{}", pretty(&redact(&value)));
        }

        #[test]
        fn redacting_twice_changes_nothing_more(value in tree()) {
            let once = redact(&value);
            prop_assert_eq!(redact(&once), once);
        }

        #[test]
        fn the_structure_is_kept(value in tree()) {
            let redacted = redact(&value);
            prop_assert!(same_shape(&value, &redacted), "{:#} became {:#}", value, redacted);
        }

        #[test]
        fn any_text_comes_to_rest(text in "(?:\\PC|gh[ps]_|AKIA|://|@|:|Bearer |TOKEN=|[A-Z0-9]{8}){0,30}") {
            let once = redact_text(&text);
            prop_assert_eq!(redact_text(&once), once);
        }
    }

    fn pretty(value: &Value) -> String {
        crate::pretty_json(value)
    }
}
