//! The rules that come with Assay, compiled into the program.

use std::sync::OnceLock;

use super::envelope::{Envelope, RuleFile};

macro_rules! rule_files {
    ($($path:literal),+ $(,)?) => {
        [$(($path, include_str!(concat!("../../rules/", $path)))),+]
    };
}

const FILES: [(&str, &str); 13] = rule_files![
    "go/crypto.yml",
    "go/injection.yml",
    "java/crypto.yml",
    "java/injection.yml",
    "javascript/browser.yml",
    "javascript/crypto.yml",
    "javascript/injection.yml",
    "python/configuration.yml",
    "python/crypto.yml",
    "python/deserialization.yml",
    "python/injection.yml",
    "rust/crypto.yml",
    "rust/injection.yml",
];

/// The rule files as they were written.
pub(super) fn texts() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|(_, text)| *text)
}

pub(super) fn envelopes() -> &'static [Envelope] {
    static ENVELOPES: OnceLock<Vec<Envelope>> = OnceLock::new();
    ENVELOPES.get_or_init(|| {
        let parse = |(name, yaml): &(&str, &str)| {
            let file = RuleFile::parse(yaml).map_err(|error| format!("rules/{name}: {error}"));
            file.expect("the rule files are constant and a test reads each").into_envelopes()
        };
        FILES.iter().flat_map(parse).collect()
    })
}
