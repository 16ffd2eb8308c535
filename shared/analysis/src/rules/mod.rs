//! The built-in rules: our envelope around ast-grep's rule objects.
//!
//! A rule file in `rules/` holds the utilities its rules share and the rules themselves. Each
//! rule carries examples, and a test holds it to them.

mod builtin;
mod envelope;
mod imports;
mod measure;
mod names;
mod rewrite;
mod ruleset;
mod run;

pub use measure::Part;
pub(crate) use rewrite::Edit;
pub(crate) use ruleset::{Ruleset, chain, ruleset};
pub(crate) use run::{Match, Outcome, run};

use std::sync::OnceLock;

use domain::{Category, Language, Severity};
use sha2::{Digest, Sha256};

use crate::{nil, secrets, taint};
use envelope::Envelope;
pub(crate) use envelope::Examples;

/// What a rule is, without how it works.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleInfo {
    pub id: String,
    /// Empty for a secret pattern: it applies to any text.
    pub languages: Vec<Language>,
    pub severity: Severity,
    /// 0.0 to 1.0: how often a match is right.
    pub confidence: f64,
    pub category: Category,
    pub cwe: Vec<String>,
    pub owasp: Vec<String>,
    pub title: String,
    pub message: String,
    /// What to do instead.
    pub fix: Option<String>,
}

/// Every built-in rule and secret pattern, sorted by id.
pub fn rules() -> &'static [RuleInfo] {
    static RULES: OnceLock<Vec<RuleInfo>> = OnceLock::new();
    RULES.get_or_init(|| {
        let mut all: Vec<RuleInfo> = builtin::all_envelopes().map(Envelope::info).collect();
        all.extend(taint::infos());
        all.extend(nil::infos());
        all.extend(secrets::infos());
        all.sort_by(|one, other| one.id.cmp(&other.id));
        all
    })
}

/// Names exactly these rules and patterns: whichever of them changes, it changes.
pub fn rules_version() -> &'static str {
    static VERSION: OnceLock<String> = OnceLock::new();
    VERSION.get_or_init(|| {
        let mut hash = Sha256::new();
        for text in
            builtin::texts().chain(taint::texts()).chain(nil::texts()).chain(secrets::SOURCES)
        {
            // The length keeps the files apart.
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        }
        let digest = hex::encode(hash.finalize());
        format!("{}+{}", env!("CARGO_PKG_VERSION"), &digest[..12])
    })
}

/// Every example of every rule, with a path in the rule's language; and what git does with a fix.
#[cfg(test)]
pub(crate) use tests::{applied, examples};

#[cfg(test)]
mod tests;
