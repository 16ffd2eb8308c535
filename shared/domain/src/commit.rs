use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A full git object name: 40 (SHA-1) or 64 (SHA-256) lowercase hex digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CommitSha(String);

impl CommitSha {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first twelve digits, as people quote a commit.
    pub fn short(&self) -> &str {
        &self.0[..12]
    }

    /// Forty zeros: what GitHub sends for "no commit" on branch creation and deletion.
    pub fn is_null(&self) -> bool {
        self.0.bytes().all(|digit| digit == b'0')
    }
}

impl fmt::Display for CommitSha {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for CommitSha {
    type Err = InvalidCommitSha;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let hex = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if hex && matches!(text.len(), 40 | 64) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidCommitSha(text.chars().take(80).collect()))
        }
    }
}

impl TryFrom<String> for CommitSha {
    type Error = InvalidCommitSha;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<CommitSha> for String {
    fn from(sha: CommitSha) -> Self {
        sha.0
    }
}

#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a full commit sha: expected 40 or 64 lowercase hex digits")]
pub struct InvalidCommitSha(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_full_lowercase_object_names_are_commits() {
        let cases = [
            ("0123456789abcdef0123456789abcdef01234567", true),
            (&"a".repeat(64), true),
            ("0123456789ABCDEF0123456789abcdef01234567", false),
            ("0123456", false),
            ("main", false),
            ("", false),
        ];
        for (text, valid) in cases {
            assert_eq!(text.parse::<CommitSha>().is_ok(), valid, "{text}");
        }
    }
}
