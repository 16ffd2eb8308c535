//! Rules that a user writes.

use super::*;

fn own(body: &str) -> Result<TaintSet, String> {
    let body: TaintBody = serde_json::from_str(body).map_err(|error| error.to_string())?;
    let mut info = builtin::all().next().unwrap().0.info.clone();
    info.id = "shop.rule".to_owned();
    info.languages = vec![Language::Python];
    let rule = TaintRule::new(info, Vec::new(), &body).map_err(|error| error.to_string())?;
    TaintSet::new(&[rule], Language::Python)
}

fn own_sinks(body: &str, text: &str) -> usize {
    let tree = Parsers::default().parse(Language::Python, text, Clock::unlimited());
    run(&own(body).unwrap(), text, || tree, Clock::unlimited()).flows.len()
}

#[test]
fn patterns_names_and_propagators_work_in_own_rules() {
    let pattern = r#"{"sources": ["load($NAME)"], "sinks": [{"pattern": "send($TO, $WHAT)", "focus": "$WHAT"}], "sanitizers": ["clean($X)"]}"#;
    assert_eq!(own_sinks(pattern, "send(1, load('a'))\n"), 1);
    assert_eq!(own_sinks(pattern, "send(load('a'), 1)\n"), 0);
    assert_eq!(own_sinks(pattern, "send(1, clean(load('a')))\n"), 0);
    let carried = r#"{"sources": ["read"], "sinks": ["write"], "propagators": [{"name": "copy", "from": 0, "to": 1}]}"#;
    assert_eq!(own_sinks(carried, "b = ''\ncopy(read(), b)\nwrite(b)\n"), 1);
    assert_eq!(own_sinks(carried, "b = ''\ncopy('x', b)\nwrite(b)\n"), 0);
    let guarded = r#"{"sources": ["read"], "sinks": ["write"], "sanitizers": [{"name": "good", "guard": true}]}"#;
    assert_eq!(own_sinks(guarded, "b = read()\nif good(b):\n    write(b)\n"), 0);
    assert_eq!(own_sinks(guarded, "b = read()\nif good(b):\n    pass\nwrite(b)\n"), 1);
}

#[test]
fn a_rule_that_makes_no_sense_is_refused_with_its_place() {
    let cases = [
        (r#"{"sources": [], "sinks": ["f"]}"#, "sources"),
        (r#"{"sources": ["f"], "sinks": [{"nmae": "g"}]}"#, "sinks[0]: unknown field `nmae`"),
        (r#"{"sources": ["f"], "sinks": [{}]}"#, "sinks[0]: names nothing"),
        (r#"{"sources": ["f"], "sinks": [{"name": "a b"}]}"#, "`a b` is not a name"),
        (r#"{"sources": ["$X"], "sinks": ["g"]}"#, "sources[0]"),
        (r#"{"sources": ["f(("], "sinks": ["g"]}"#, "sources[0]"),
        (r#"{"sources": ["f"], "sinks": [{"name": "g", "only_if": "("}]}"#, "sinks[0]: regex"),
        (r#"{"sources": [{"name": "f", "confidence": 2}], "sinks": ["g"]}"#, "between 0 and 1"),
        (
            r#"{"sources": ["f"], "sinks": ["g"], "propagators": [{"name": "h", "from": 0, "to": 0}]}"#,
            "the same",
        ),
    ];
    for (body, expected) in cases {
        let error = own(body).err().unwrap();
        assert!(error.contains(expected), "{body}: {error}");
    }
}
