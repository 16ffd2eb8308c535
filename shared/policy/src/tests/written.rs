//! Any policy at all, written out and read again.

use proptest::prelude::*;

use super::*;

fn word() -> impl Strategy<Value = String> {
    "[a-z][a-z0-9_.]{0,12}"
}

fn pattern() -> impl Strategy<Value = String> {
    prop_oneof![
        word(),
        "(src|\\*\\*)/[a-z*?]{1,8}(/|)".prop_map(|text| text),
        "/[a-z]{1,6}/\\*\\.(py|go)".prop_map(|text| text),
    ]
}

fn reason() -> impl Strategy<Value = String> {
    // Anything that people write, and much that they do not.
    "[ -~äß🦀]{3,40}".prop_map(|text| format!("x{}y", text.trim()))
}

fn ignore() -> impl Strategy<Value = Ignore> {
    let paths =
        prop::collection::vec(pattern(), 1..3).prop_map(|written| Paths::new(written).unwrap());
    let date = (2020_i16..2040, 1_i8..=12, 1_i8..=28).prop_map(|(y, m, d)| date(y, m, d));
    (paths, prop::option::of(word()), reason(), prop::option::of(date)).prop_map(
        |(path, rule, reason, expires)| Ignore {
            path,
            rule: rule.map(|rule| RuleName::new(rule).unwrap()),
            reason,
            expires,
            line: 0,
        },
    )
}

prop_compose! {
    fn any_policy()(
        languages in prop::option::of(prop::collection::btree_set(
            prop::sample::select(Language::ALL.to_vec()), 1..4)),
        include in prop::collection::vec(pattern(), 0..4),
        exclude in prop::collection::vec(pattern(), 0..4),
        counts in prop::array::uniform4(0..=GATE_COUNT_MAX),
        confidence_min in 0.0..=1.0_f64,
        rules in prop::collection::vec((
            word(),
            prop::option::of(prop::sample::select(Severity::ALL.to_vec())),
            prop::option::of(reason()),
        ), 0..4),
        ignore in prop::collection::vec(ignore(), 0..4),
        ids in prop::collection::vec(word(), 0..3),
        formal in (any::<bool>(), 1..=QUERY_TIMEOUT_MS_MAX, 1..=FUNCTION_TIMEOUT_MS_MAX),
        comment_on_pass in any::<bool>(),
        max_inline_comments in prop::option::of(0..=INLINE_COMMENTS_MAX),
    ) -> Policy {
        let [critical_max, high_max, medium_max, low_max] = counts;
        let (enabled, query_timeout_ms, function_timeout_ms) = formal;
        Policy {
            version: VERSION,
            languages,
            include: Paths::new(include).unwrap(),
            exclude: Paths::new(exclude).unwrap(),
            gate: Gate { critical_max, high_max, medium_max, low_max, confidence_min },
            rules: rules.into_iter().map(|(rule, severity, reason)| RuleOverride {
                rule: RuleName::new(rule).unwrap(), severity, reason,
            }).collect(),
            ignore,
            custom_rules: ids.into_iter().map(|id| CustomRule {
                rule: json!({ "id": id, "rule": { "pattern": "eval($X)" } }), line: 0,
            }).collect(),
            formal: Formal { enabled, query_timeout_ms, function_timeout_ms },
            comment_on_pass,
            max_inline_comments,
        }
    }
}

/// Without the lines, which only a file has.
fn unplaced(mut policy: Policy) -> Policy {
    policy.ignore.iter_mut().for_each(|entry| entry.line = 0);
    policy.custom_rules.iter_mut().for_each(|rule| rule.line = 0);
    policy
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Written out as JSON, which is YAML too, and as YAML.
    #[test]
    fn a_policy_that_is_written_out_is_the_same_policy(policy in any_policy()) {
        let json = serde_json::to_string_pretty(&policy).unwrap();
        let yaml = serde_saphyr::to_string(&policy).unwrap();
        for text in [json, yaml] {
            let read = Policy::parse(text.as_bytes());
            prop_assert!(read.is_ok(), "{}\n{text}", read.unwrap_err());
            prop_assert_eq!(unplaced(read.unwrap()), policy.clone(), "{}", text);
        }
        let value = serde_json::to_value(&policy).unwrap();
        prop_assert!(schema::validator().is_valid(&value), "the schema refuses {value}");
    }

    /// Nothing panics, and what is wrong is somewhere in the file.
    #[test]
    fn a_policy_with_a_hole_is_read_or_refused(
        policy in any_policy(), at in any::<prop::sample::Index>(), put in "[ -~\\n\\t\u{0}é]{0,6}"
    ) {
        let mut text = serde_saphyr::to_string(&policy).unwrap();
        let at = text.char_indices().nth(at.index(text.chars().count())).unwrap().0;
        let end = text[at..].char_indices().nth(3).map_or(text.len(), |(index, _)| at + index);
        text.replace_range(at..end, &put);
        if let Err(broken) = Policy::parse(text.as_bytes()) {
            let lines = text.lines().count() as u32 + 1;
            for problem in broken.problems() {
                prop_assert!((1..=lines).contains(&problem.line), "{broken}\n{text}");
            }
            prop_assert!(!broken.frames("x").is_empty());
        }
    }
}
