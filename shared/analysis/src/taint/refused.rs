//! Characters without which some kinds of harm cannot be done: a path without `..` leads down,
//! a header without line breaks stays one header.

use super::set::{Compiled, Mask};

/// What is refused or replaced, as the code writes it, and the weaknesses that need it.
const NEEDED: [(&[&str], &[&str]); 4] = [
    (&["..", "../", "..\\\\", "/..", "/../"], &["CWE-22", "CWE-23", "CWE-36", "CWE-73"]),
    (&["'", "\\'", "\"", "\\\""], &["CWE-643"]),
    (&["\\n", "\\r", "\\r\\n", "\\n\\r"], &["CWE-93", "CWE-113", "CWE-117"]),
    (&["<", "&lt;"], &["CWE-79", "CWE-80"]),
];

/// The rules that each row of the table is about, in one set of rules.
pub(super) struct Refused([Mask; NEEDED.len()]);

impl Refused {
    pub(super) fn new(rules: &[Compiled]) -> Self {
        Self(NEEDED.map(|(_, cwes)| {
            let about =
                |rule: &Compiled| rule.info.cwe.iter().any(|cwe| cwes.contains(&cwe.as_str()));
            let bits = rules.iter().enumerate().filter(|(_, rule)| about(rule));
            bits.fold(0, |mask, (index, _)| mask | 1 << index)
        }))
    }

    /// Rules that have nothing to fear from a text in which `part` does not occur.
    pub(super) fn without(&self, part: &str) -> Mask {
        let rows = NEEDED.iter().zip(self.0);
        let rows = rows.filter(|((parts, _), _)| parts.contains(&part));
        rows.fold(0, |all, (_, mask)| all | mask)
    }

    /// Likewise where `part` was replaced everywhere. What is left of `....//` is a path upwards.
    pub(super) fn replaced(&self, part: &str) -> Mask {
        if part.starts_with(['.', '/']) { 0 } else { self.without(part) }
    }

    /// Likewise where a regular expression that is not anchored finds nothing.
    pub(super) fn unmatched(&self, pattern: &str, whole: bool) -> Mask {
        let body = pattern.trim_start_matches('/');
        let is_class = body.starts_with('[') || body.starts_with("\\.\\.") || body.starts_with('<');
        match body.starts_with("[^") {
            _ if whole || !is_class => 0,
            // Nothing but what the class lists is left.
            true if !body.contains(['<', '.', '\'', '/']) => Mask::MAX,
            true => 0,
            false => self.replaced_by_regex(body),
        }
    }

    /// Likewise where what a regular expression matches was replaced everywhere.
    pub(super) fn replaced_by_regex(&self, pattern: &str) -> Mask {
        let lines = pattern.contains("\\n") || pattern.contains("\\r") || pattern.contains("\\s");
        let upwards = pattern.contains("\\.\\.") || pattern.contains("[^");
        let markup = pattern.contains('<') || pattern.contains("[^");
        let rows = [upwards, pattern.contains('\''), lines || pattern.contains("[^"), markup];
        rows.iter().zip(self.0).filter(|(is, _)| **is).fold(0, |all, (_, mask)| all | mask)
    }
}
