//! What is found when only some rules are asked for.

use std::sync::Arc;

use super::*;
use crate::{Examiner, RuleFile};

fn asked(path: &str, text: &str, ids: &[&'static str]) -> Vec<String> {
    let rules = "id: no-run\ntype: pattern\nmessage: No.\npattern: 'system'\n";
    let custom = CustomRules::compile(&RuleFile::read(rules).unwrap().rules).unwrap();
    let file = SourceFile { path: path.to_owned(), bytes: text.as_bytes().to_vec() };
    let wanted = ids.to_vec();
    let mut examiner = Examiner::with_rules(Arc::new(custom))
        .asking(Asked::only(move |rule| wanted.is_empty() || wanted.contains(&rule)));
    let examined = examiner.examine(&file, Clock::unlimited());
    examined.findings.into_iter().map(|located| located.finding.rule).collect()
}

const REQUEST: &str = "import os, flask\n\ndef run():\n    name = flask.request.args['name']\n    \
                       os.system('ls ' + name)\n";

/// A flow stands for the call that it ends in, unless nobody wants to hear of flows.
#[test]
fn a_rule_that_is_not_asked_for_hides_nothing() {
    assert_eq!(asked("a.py", REQUEST, &[]), ["custom.no-run", "python.taint.command"]);
    let place = "python.injection.os-command";
    assert_eq!(asked("a.py", REQUEST, &[place]), [place]);
    let flow = "python.taint.command";
    assert_eq!(asked("a.py", REQUEST, &[place, flow]), [flow]);
    assert_eq!(asked("a.py", REQUEST, &["custom.no-run"]), ["custom.no-run"]);
    assert_eq!(asked("a.py", REQUEST, &["python.crypto.weak-hash"]), [""; 0]);
}

/// What is known to be harmless stays so, whoever asks.
#[test]
fn a_rule_that_is_asked_for_alone_knows_what_others_know() {
    let place = "python.injection.os-command";
    let harmless = "import os\n\ndef run():\n    name = 'a'\n    os.system('ls ' + name)\n";
    assert_eq!(asked("a.py", harmless, &[]), ["custom.no-run"]);
    assert_eq!(asked("a.py", harmless, &[place]), [""; 0]);
}

#[test]
fn a_secret_of_two_patterns_is_told_by_the_one_that_is_asked_for() {
    let text = format!("api_token = \"npm_{}\"\n", "Zx9Qw7Tr0ub4dorLmN3pVb8sKj2hYc6RtE1g");
    assert_eq!(asked("a.py", &text, &[]), ["secret.npm-token"]);
    assert_eq!(asked("a.py", &text, &["secret.hard-coded"]), ["secret.hard-coded"]);
}

/// Which rules were asked for does not change what a report may show.
#[test]
fn a_secret_that_nobody_asks_for_is_masked() {
    let secret = format!("Tr0ub4dor{}", "Zx9Qw7");
    let text = format!("import os\nos.system('ls ' + name, password=\"{secret}\")\n");
    let file = SourceFile { path: "a.py".to_owned(), bytes: text.into_bytes() };
    let place = "python.injection.os-command";
    let mut examiner = Examiner::default().asking(Asked::only(move |rule| rule == place));
    let examined = examiner.examine(&file, Clock::unlimited());
    assert_eq!(examined.findings.len(), 1);
    assert!(!format!("{examined:?}").contains(&secret[..9]));
}
