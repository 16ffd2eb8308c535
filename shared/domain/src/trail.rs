use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// How the present kind of trail begins. One of another kind is never compared.
const VERSION: &str = "2";
/// Hex digits of each part: enough to tell the findings of a repository apart.
const PART_DIGITS: usize = 24;

/// Follows a finding where its fingerprint ends: into another file, under a symbol of another
/// name, behind other formatting, and past a rule that was reworked.
///
/// Neither path nor line nor rule takes part. That makes it a hint and no name: only two lists of
/// findings of which one came out of the other may be compared by it (see [`crate::pair`]).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Trail(String);

/// What of a trail is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Part {
    /// The matched code within its symbol.
    Matched,
    /// The whole statement within its symbol: the same for rules that match more or less of it.
    Statement,
    /// The whole statement, whatever the symbol is called.
    Loose,
}

impl Trail {
    /// `weakness` says what is wrong in words that outlive a rule, such as `CWE-78`.
    pub fn of(weakness: &str, symbol: &str, matched: &str, statement: &str) -> Self {
        let matched = digest(&["matched", weakness, symbol, matched]);
        let loose = digest(&["loose", weakness, statement]);
        let statement = digest(&["statement", weakness, symbol, statement]);
        Self([VERSION, &matched, &statement, &loose].join("."))
    }

    /// Takes back a trail that was stored.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn part(&self, part: Part) -> Option<&str> {
        let mut parts = self.0.split('.');
        let known = parts.next() == Some(VERSION);
        known.then(|| parts.nth(part as usize)).flatten()
    }
}

fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        // The length keeps ("ab", "c") apart from ("a", "bc").
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let mut hex = hex::encode(hash.finalize());
    hex.truncate(PART_DIGITS);
    hex
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_change_with_what_they_are_about_and_with_nothing_else() {
        let one = Trail::of("CWE-95", "run", "eval(x)", "y = eval(x)");
        let other_symbol = Trail::of("CWE-95", "start", "eval(x)", "y = eval(x)");
        let other_match = Trail::of("CWE-95", "run", "y = eval(x)", "y = eval(x)");
        let same = |other: &Trail, part| one.part(part) == other.part(part);
        assert!(!same(&other_symbol, Part::Matched) && !same(&other_symbol, Part::Statement));
        assert!(same(&other_symbol, Part::Loose));
        assert!(!same(&other_match, Part::Matched) && same(&other_match, Part::Statement));
        let other_weakness = Trail::of("CWE-78", "run", "eval(x)", "y = eval(x)");
        assert!(!same(&other_weakness, Part::Loose));
    }

    #[test]
    fn a_trail_of_another_kind_has_no_parts() {
        let trail = Trail::of("CWE-95", "", "", "");
        assert_eq!(trail.part(Part::Loose).map(str::len), Some(PART_DIGITS));
        let other = Trail::stored(trail.as_str().replacen('2', "3", 1));
        assert_eq!(other.part(Part::Matched), None);
        assert_eq!(Trail::stored(String::new()).part(Part::Matched), None);
    }
}
