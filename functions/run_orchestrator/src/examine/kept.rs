//! How what comes of one file is written down.

use analysis::{CustomRules, Incomplete, Package};
use domain::{Coverage, Finding, SourceFile};
use insight::trust::Facts;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use store::file_results::{Key, RESULT_BYTES_MAX};

/// Changes with the code that examines files, and with what that code stands on.
const EXAMINER: &str = env!("EXAMINER_DIGEST");

/// How many bytes of the check sum are kept: they find damage, they keep nobody out.
const CHECK_BYTES: usize = 8;

/// What comes of examining one file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileResult {
    pub(super) coverage: Coverage,
    pub(super) findings: Vec<Finding>,
    pub(super) incomplete: Vec<Incomplete>,
    /// None: the file is in no language that is scored, or could not be read.
    pub(super) facts: Option<Facts>,
}

impl FileResult {
    pub(super) fn of(examined: analysis::Examined, facts: Option<Facts>) -> Self {
        let analysis::Examined { coverage, findings, incomplete } = examined;
        let findings = findings.into_iter().map(|located| located.finding).collect();
        Self { coverage, findings, incomplete, facts }
    }
}

impl FileResult {
    /// None for one that is too large to be kept, and for one that would not be read back as it is.
    pub(super) fn encode(&self, key: &Key) -> Option<Vec<u8>> {
        let text = serde_json::to_vec(self).ok()?;
        let mut encoded = check(key, &text).to_vec();
        encoded.extend(text);
        let is_same = Self::decode(key, &encoded).as_ref() == Some(self);
        (is_same && encoded.len() <= RESULT_BYTES_MAX).then_some(encoded)
    }

    /// None for what is damaged, of another file, or written by somebody else.
    pub(super) fn decode(key: &Key, encoded: &[u8]) -> Option<Self> {
        let (sum, text) = encoded.split_at_checked(CHECK_BYTES)?;
        if sum != check(key, text) {
            return None;
        }
        serde_json::from_slice(text).ok()
    }
}

fn check(key: &Key, text: &[u8]) -> [u8; CHECK_BYTES] {
    let digest = Sha256::new().chain_update(key).chain_update(text).finalize();
    std::array::from_fn(|at| digest[at])
}

/// Names everything that the result of a file depends on. The language, and whether it is a test,
/// follow from the path.
pub(super) fn key(rules: &CustomRules, file: &SourceFile, around: Option<&Package<'_>>) -> Key {
    let versions = [EXAMINER, analysis::rules_version(), rules.hash().unwrap_or_default()];
    let around = around.map(Package::digest);
    key_of(versions, file, around.as_ref().map_or(&[], |digest| digest.as_slice()))
}

fn key_of(versions: [&str; 3], file: &SourceFile, around: &[u8]) -> Key {
    let mut hash = Sha256::new();
    let versions = versions.map(str::as_bytes);
    for part in versions.into_iter().chain([file.path.as_bytes(), &file.bytes, around]) {
        // The length keeps the parts apart.
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> SourceFile {
        SourceFile { path: path.into(), bytes: text.into() }
    }

    #[test]
    fn whatever_a_result_depends_on_is_part_of_its_key() {
        let versions = ["engine", "rules", "own"];
        let key = key_of(versions, &file("a.py", "x = 1"), &[]);
        assert_eq!(key, key_of(versions, &file("a.py", "x = 1"), &[]));
        for other in [
            key_of(["engine2", "rules", "own"], &file("a.py", "x = 1"), &[]),
            key_of(["engine", "rules2", "own"], &file("a.py", "x = 1"), &[]),
            key_of(["engine", "rules", "own2"], &file("a.py", "x = 1"), &[]),
            key_of(["engine", "rules", ""], &file("a.py", "x = 1"), &[]),
            key_of(versions, &file("tests/a.py", "x = 1"), &[]),
            key_of(versions, &file("a.py", "x = 2"), &[]),
            key_of(["engine", "rules", "owna."], &file("py", "x = 1"), &[]),
            key_of(versions, &file("a.py", "x = 1"), &[1; 32]),
        ] {
            assert_ne!(key, other);
        }
        assert_eq!(EXAMINER.len(), 64);
    }

    #[test]
    fn what_is_damaged_or_of_another_file_is_not_taken() {
        let result = FileResult {
            coverage: Coverage { files: 1, ..Coverage::default() },
            findings: Vec::new(),
            incomplete: Vec::new(),
            facts: None,
        };
        let (key, other) = ([1; 32], [2; 32]);
        let encoded = result.encode(&key).unwrap();
        assert_eq!(FileResult::decode(&key, &encoded), Some(result));
        assert_eq!(FileResult::decode(&other, &encoded), None);
        for at in 0..encoded.len() {
            let mut damaged = encoded.clone();
            damaged[at] ^= 1;
            assert_eq!(FileResult::decode(&key, &damaged), None, "byte {at}");
            assert_eq!(FileResult::decode(&key, &encoded[..at]), None, "{at} bytes");
        }
    }
}
