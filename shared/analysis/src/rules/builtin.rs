//! The rules that come with Assay, compiled into the program.

use std::sync::OnceLock;

use domain::Language;

use super::envelope::{Envelope, RuleFile};

macro_rules! rule_files {
    ($($path:literal),+ $(,)?) => {
        [$(($path, include_str!(concat!("../../rules/", $path)))),+]
    };
}

const FILES: [(&str, &str); 28] = rule_files![
    "go/crypto.yml",
    "go/injection.yml",
    "go/server.yml",
    "go/settings.yml",
    "java/crypto.yml",
    "java/injection.yml",
    "java/server.yml",
    "java/settings.yml",
    "javascript/browser.yml",
    "javascript/checks.yml",
    "javascript/crypto.yml",
    "javascript/frameworks.yml",
    "javascript/injection.yml",
    "javascript/review.yml",
    "javascript/server.yml",
    "python/configuration.yml",
    "python/crypto.yml",
    "python/deserialization.yml",
    "python/frameworks.yml",
    "python/injection.yml",
    "python/keys.yml",
    "python/review.yml",
    "python/sinks.yml",
    "python/transport.yml",
    "python/web.yml",
    "rust/crypto.yml",
    "rust/injection.yml",
    "rust/server.yml",
];

/// The rule files as they were written.
pub(super) fn texts() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|(_, text)| *text)
}

/// The rules of one language. The files of the others are not even read: reading takes longer
/// than looking at a pull request.
pub(super) fn envelopes(language: Language) -> &'static [Envelope] {
    static BY_FOLDER: [OnceLock<Vec<Envelope>>; FOLDERS.len()] =
        [const { OnceLock::new() }; FOLDERS.len()];
    let folder = folder(language);
    let index = FOLDERS.iter().position(|own| *own == folder).unwrap_or_default();
    BY_FOLDER[index].get_or_init(|| {
        let within = |(name, _): &&(&str, &str)| name.split('/').next() == Some(folder);
        let parse = |(name, yaml): &(&str, &str)| {
            let file = RuleFile::parse(yaml).map_err(|error| format!("rules/{name}: {error}"));
            file.expect("the rule files are constant and a test reads each").into_envelopes()
        };
        FILES.iter().filter(within).flat_map(parse).collect()
    })
}

/// The rules of all languages.
pub(super) fn all_envelopes() -> impl Iterator<Item = &'static Envelope> {
    FOLDER_LANGUAGES.into_iter().flat_map(envelopes)
}

const FOLDERS: [&str; 5] = ["go", "java", "javascript", "python", "rust"];

/// One language for each folder.
const FOLDER_LANGUAGES: [Language; 5] =
    [Language::Go, Language::Java, Language::JavaScript, Language::Python, Language::Rust];

fn folder(language: Language) -> &'static str {
    match language {
        Language::Go => "go",
        Language::Java => "java",
        Language::JavaScript | Language::TypeScript | Language::Tsx => "javascript",
        Language::Python => "python",
        Language::Rust => "rust",
    }
}
