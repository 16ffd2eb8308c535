//! A finding: one place in the code that a rule objects to, with the evidence to check it.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{LineRange, Trail, terms::terms};

terms! {
    /// How bad it is if the finding is right. Ordered: `Info < Critical`.
    Severity ("severity") {
        Info = "info",
        Low = "low",
        Medium = "medium",
        High = "high",
        Critical = "critical",
    }
}

terms! {
    Category ("category") {
        Injection = "injection",
        Cryptography = "cryptography",
        Secret = "secret",
        Transport = "transport",
        Deserialization = "deserialization",
        Configuration = "configuration",
        Correctness = "correctness",
        FileAccess = "file_access",
        Authentication = "authentication",
    }
}

terms! {
    /// By which kind of check a finding was made.
    VerificationType ("verification type") {
        Pattern = "pattern",
        Syntax = "ast",
        Secret = "secret",
        Taint = "taint",
        Formal = "formal",
    }
}

/// Names a finding across pushes: it stays the same when lines shift.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// Hashes the parts that name a finding: rule, path, enclosing symbol, normalised matched
    /// tree, and how often that combination occurred before in the file. No line number takes
    /// part, so code that moves keeps its identity.
    pub fn of(rule: &str, path: &str, symbol: &str, normalised: &str, occurrence: u32) -> Self {
        let mut hash = Sha256::new();
        for part in [rule, path, symbol, normalised] {
            // The length keeps ("ab", "c") apart from ("a", "bc").
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        hash.update(occurrence.to_be_bytes());
        Self(hex::encode(hash.finalize()))
    }

    /// Takes back a fingerprint that was stored.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The sha256 of an excerpt in its canonical form, so that a reader can check the citation.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SnippetHash(String);

impl SnippetHash {
    /// Canonical excerpt: `\n` line ends, no byte order mark, no trailing blanks, exactly one
    /// final newline (spec/dossier, "Canonical excerpt hashing").
    pub fn of(excerpt: &str) -> Self {
        let text = excerpt.strip_prefix('\u{feff}').unwrap_or(excerpt).replace("\r\n", "\n");
        let mut canonical = String::with_capacity(text.len() + 1);
        for line in text.trim_end_matches('\n').split('\n') {
            canonical.push_str(line.trim_end_matches([' ', '\t', '\r']));
            canonical.push('\n');
        }
        Self(hex::encode(Sha256::digest(canonical.as_bytes())))
    }

    pub fn stored(text: String) -> Self {
        Self(text)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a rule found. `path:lines` and `snippet_hash` together are its evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Stable id of the rule, such as `python.injection.subprocess-shell`.
    pub rule: String,
    pub category: Category,
    pub severity: Severity,
    /// 0.0 to 1.0: how often a match of this rule is right.
    pub confidence: f64,
    pub verification: VerificationType,
    pub title: String,
    pub description: String,
    /// Relative to the repository's root, with `/` on every platform.
    pub path: String,
    pub lines: LineRange,
    /// The matched lines as they stand in the file; a secret's value is masked.
    pub snippet: String,
    pub snippet_hash: SnippetHash,
    pub fingerprint: Fingerprint,
    /// None where the code could not be parsed, and from other tools.
    #[serde(default)]
    pub trail: Option<Trail>,
    pub fix_suggestion: Option<String>,
    /// A unified diff after which the finding is gone; it was tried.
    #[serde(default)]
    pub fix_diff: Option<String>,
    /// Such as `CWE-78`.
    pub cwe: Vec<String>,
    /// Such as `A03:2021`.
    pub owasp: Vec<String>,
    /// Test, fixture, generated and vendored code is reported but does not decide a verdict.
    pub demoted: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_keeps_its_parts_apart() {
        let one = Fingerprint::of("rule", "ab", "c", "tree", 0);
        for other in [
            Fingerprint::of("rule", "a", "bc", "tree", 0),
            Fingerprint::of("rule", "ab", "c", "tree", 1),
            Fingerprint::of("rule2", "ab", "c", "tree", 0),
        ] {
            assert_ne!(one, other);
        }
        assert_eq!(one, Fingerprint::of("rule", "ab", "c", "tree", 0));
    }

    #[test]
    fn line_ends_and_trailing_blanks_do_not_change_an_excerpt() {
        let plain = SnippetHash::of("a = 1\nb = 2\n");
        for same in ["a = 1\r\nb = 2\r\n", "\u{feff}a = 1  \nb = 2\t", "a = 1\nb = 2\n\n\n"] {
            assert_eq!(SnippetHash::of(same), plain, "{same:?}");
        }
        assert_ne!(SnippetHash::of("a = 1\nb = 3\n"), plain);
    }
}
