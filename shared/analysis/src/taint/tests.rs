use super::*;
use crate::tree::Parsers;
use domain::Language;

fn flows(language: Language, text: &str) -> Vec<(String, usize)> {
    let set = taint_set(language);
    let tree = Parsers::default().parse(language, text, Clock::unlimited());
    let outcome = run(set, text, || tree, Clock::unlimited());
    outcome
        .flows
        .iter()
        .map(|flow| {
            let line = text[..flow.bytes.start].matches('\n').count() + 1;
            (set.rules[flow.rule].info.id.clone(), line)
        })
        .collect()
}

#[test]
fn smoke() {
    for (rule, examples) in builtin::all() {
        for bad in &examples.bad {
            assert!(!flows(rule.info.languages[0], bad).is_empty(), "{bad}");
        }
        for good in &examples.good {
            assert!(flows(rule.info.languages[0], good).is_empty(), "{good}");
        }
    }
}
