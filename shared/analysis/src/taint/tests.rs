use std::collections::BTreeSet;

use domain::{CommitSha, Language, Snapshot, SourceFile};

use super::*;
use crate::{scan, tree::Parsers};

fn path(language: Language) -> &'static str {
    match language {
        Language::Python => "src/app.py",
        Language::JavaScript => "src/app.js",
        Language::TypeScript => "src/app.ts",
        Language::Tsx => "src/app.tsx",
        Language::Go => "src/app.go",
        Language::Java => "src/App.java",
        Language::Rust => "src/app.rs",
    }
}

/// Rules of everything that is found in a file.
fn found(language: Language, text: &str) -> BTreeSet<String> {
    let file = SourceFile { path: path(language).to_owned(), bytes: text.into() };
    let commit: CommitSha = "a".repeat(40).parse().unwrap();
    let snapshot = Snapshot { commit, files: vec![file], left_out: Vec::new() };
    let scan = scan(&snapshot, &Clock::unlimited());
    assert_eq!(scan.incomplete, []);
    scan.findings.into_iter().map(|finding| finding.rule).collect()
}

/// Goal: every rule does what its author showed, and nothing else fires on the same code.
#[test]
fn every_taint_rule_keeps_to_its_examples() {
    let mut failures = Vec::new();
    for (rule, examples) in builtin::all() {
        let only = BTreeSet::from([rule.info.id.clone()]);
        for language in &rule.info.languages {
            let cases = examples.bad.iter().map(|text| (text, true));
            for (text, is_bad) in cases.chain(examples.good.iter().map(|text| (text, false))) {
                let found = found(*language, text);
                let right = if is_bad { found == only } else { found.is_empty() };
                if !right {
                    failures.push(format!("{} ({language}): {found:?} for\n{text}", rule.info.id));
                }
                let tree = Parsers::default().parse(*language, text, Clock::unlimited()).unwrap();
                if tree.root_node().has_error() {
                    failures.push(format!("{} ({language}) is no code:\n{text}", rule.info.id));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}
