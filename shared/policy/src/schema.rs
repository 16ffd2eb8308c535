//! `docs/assay.schema.json`, which editors read, says what the reader says.

use std::{collections::BTreeSet, sync::OnceLock};

use domain::{Language, Severity};
use jsonschema::Validator;
use serde_json::{Value, json};

use crate::{OFF, Policy, limits::*, node::Node, read};

fn schema() -> Value {
    serde_json::from_str(include_str!("../../../docs/assay.schema.json")).unwrap()
}

pub(crate) fn validator() -> &'static Validator {
    static VALIDATOR: OnceLock<Validator> = OnceLock::new();
    VALIDATOR.get_or_init(|| jsonschema::validator_for(&schema()).unwrap())
}

fn keys(object: &Value) -> BTreeSet<&str> {
    object["properties"].as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn it_is_a_schema() {
    assert!(jsonschema::meta::is_valid(&schema()));
}

#[test]
fn it_has_the_fields_and_no_others() {
    let schema = schema();
    let of = |name: &str| &schema["$defs"][name];
    for (object, fields) in [
        (&schema, &read::FIELDS[..]),
        (of("gate"), &read::GATE_FIELDS[..]),
        (of("rule_override"), &read::RULE_FIELDS[..]),
        (of("ignore"), &read::IGNORE_FIELDS[..]),
        (of("formal"), &read::FORMAL_FIELDS[..]),
    ] {
        assert_eq!(keys(object), fields.iter().copied().collect(), "{object}");
        assert_eq!(object["additionalProperties"], false, "{object}");
        for (name, field) in object["properties"].as_object().unwrap() {
            let told = field.get("description").or(field.get("$ref"));
            assert!(told.is_some(), "{name} is not described");
        }
    }
}

#[test]
fn its_words_and_limits_are_those_of_the_reader() {
    let schema = schema();
    let languages: Vec<&str> = Language::ALL.iter().map(|language| language.as_str()).collect();
    assert_eq!(schema["properties"]["languages"]["items"]["enum"], json!(languages));
    let severities: Vec<&str> =
        Severity::ALL.iter().map(|severity| severity.as_str()).chain([OFF]).collect();
    let of = |path: &str| schema.pointer(path).unwrap_or_else(|| panic!("no {path}")).clone();
    assert_eq!(of("/$defs/rule_override/properties/severity/enum"), json!(severities));
    for (path, limit) in [
        ("/$defs/paths/maxItems", PATTERNS_MAX),
        ("/$defs/path/maxLength", PATTERN_CHARS_MAX),
        ("/$defs/rule_name/maxLength", PATTERN_CHARS_MAX),
        ("/$defs/reason/minLength", REASON_CHARS_MIN),
        ("/$defs/reason/maxLength", REASON_CHARS_MAX),
        ("/properties/rules/maxItems", OVERRIDES_MAX),
        ("/properties/ignore/maxItems", IGNORES_MAX),
        ("/properties/custom_rules/maxItems", CUSTOM_RULES_MAX),
        ("/properties/max_inline_comments/maximum", INLINE_COMMENTS_MAX as usize),
        ("/$defs/count/maximum", GATE_COUNT_MAX as usize),
        ("/$defs/formal/properties/query_timeout_ms/maximum", QUERY_TIMEOUT_MS_MAX as usize),
        ("/$defs/formal/properties/function_timeout_ms/maximum", FUNCTION_TIMEOUT_MS_MAX as usize),
    ] {
        assert_eq!(of(path), json!(limit), "{path}");
    }
    let defaults = serde_json::to_value(Policy::default()).unwrap();
    for (path, default) in [
        ("/$defs/gate/properties/medium_max/default", &defaults["gate"]["medium_max"]),
        ("/$defs/gate/properties/low_max/default", &defaults["gate"]["low_max"]),
        ("/$defs/gate/properties/confidence_min/default", &defaults["gate"]["confidence_min"]),
        ("/$defs/formal/properties/enabled/default", &defaults["formal"]["enabled"]),
        (
            "/$defs/formal/properties/query_timeout_ms/default",
            &defaults["formal"]["query_timeout_ms"],
        ),
        (
            "/$defs/formal/properties/function_timeout_ms/default",
            &defaults["formal"]["function_timeout_ms"],
        ),
        ("/properties/comment_on_pass/default", &defaults["comment_on_pass"]),
    ] {
        assert_eq!(&of(path), default, "{path}");
    }
}

/// Whoever believes the editor must not be refused by the reader, nor the other way round.
#[test]
fn it_takes_what_the_reader_takes() {
    let cases = [
        ("{version: 1}", true),
        ("{}", false),
        ("{version: 2}", false),
        ("{version: '1'}", false),
        ("{version: 1, exclude: null, gate: null, ignore: null}", true),
        ("{version: 1, exclude: [src, 'a/**']}", true),
        ("{version: 1, exclude: src}", false),
        ("{version: 1, exclude: ['!src']}", false),
        ("{version: 1, exclude: ['#src']}", false),
        ("{version: 1, exclude: ['']}", false),
        ("{version: 1, exclude: [1]}", false),
        ("{version: 1, languages: [python, go]}", true),
        ("{version: 1, languages: [cobol]}", false),
        ("{version: 1, gate: {high_max: 1, confidence_min: 0.7}}", true),
        ("{version: 1, gate: {confidence_min: 1}}", true),
        ("{version: 1, gate: {high_max: 1.5}}", false),
        ("{version: 1, gate: {high_max: -1}}", false),
        ("{version: 1, gate: {info_max: 1}}", false),
        ("{version: 1, rules: [{rule: a.b, severity: off}]}", true),
        ("{version: 1, rules: [{rule: a.b, severity: info, reason: noise}]}", true),
        ("{version: 1, rules: [{rule: a.b}]}", false),
        ("{version: 1, rules: [{rule: a.b, severity: none}]}", false),
        ("{version: 1, ignore: [{path: a, reason: known}]}", true),
        (
            "{version: 1, ignore: [{path: [a, b], rule: c, reason: known, expires: 2027-01-31}]}",
            true,
        ),
        ("{version: 1, ignore: [{path: a, reason: known, expires: soon}]}", false),
        ("{version: 1, ignore: [{path: a}]}", false),
        ("{version: 1, ignore: [{reason: known}]}", false),
        ("{version: 1, ignore: [{path: a, reason: known, owner: b}]}", false),
        ("{version: 1, formal: {enabled: false}}", true),
        ("{version: 1, formal: {query_timeout_ms: 0}}", false),
        ("{version: 1, custom_rules: [{id: a}]}", true),
        ("{version: 1, custom_rules: [a]}", false),
        ("{version: 1, comment_on_pass: true, max_inline_comments: 0}", true),
        ("{version: 1, comment_on_pass: 'on'}", false),
        ("{version: 1, thresholds: {}}", false),
    ];
    for (text, good) in cases {
        let value = Node::parse(text).unwrap().to_json();
        let read = Policy::parse(text.as_bytes());
        assert_eq!(read.is_ok(), good, "the reader, {text}: {read:?}");
        assert_eq!(validator().is_valid(&value), good, "the schema, {text}");
    }
}
