//! What a repository contained at one commit, without the content itself.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Language, Snapshot, Unanalysed};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestFile {
    pub path: String,
    pub size: u64,
    /// Lowercase hex.
    pub sha256: String,
    pub language: Option<Language>,
}

/// Files sorted by path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub files: Vec<ManifestFile>,
    /// What the commit contains and nobody read.
    pub left_out: Vec<Unanalysed>,
}

impl Manifest {
    pub fn of(snapshot: &Snapshot) -> Self {
        let mut files: Vec<ManifestFile> = snapshot
            .files
            .iter()
            .map(|file| ManifestFile {
                path: file.path.clone(),
                size: file.bytes.len() as u64,
                sha256: hex::encode(Sha256::digest(&file.bytes)),
                language: Language::of_path(&file.path),
            })
            .collect();
        files.sort_unstable_by(|one, other| one.path.cmp(&other.path));
        Self { files, left_out: snapshot.left_out.clone() }
    }

    /// The sha256 over the sorted (path, content hash) list: equal content, equal hash.
    pub fn hash(&self) -> String {
        let mut hash = Sha256::new();
        for file in &self.files {
            // The length keeps a path apart from the hash that follows it.
            hash.update((file.path.len() as u64).to_be_bytes());
            hash.update(file.path.as_bytes());
            hash.update(file.sha256.as_bytes());
        }
        hex::encode(hash.finalize())
    }

    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SourceFile;

    fn manifest(commit: &str, files: &[(&str, &str)]) -> Manifest {
        let files = files
            .iter()
            .map(|(path, text)| SourceFile { path: (*path).into(), bytes: (*text).into() })
            .collect();
        let commit = commit.repeat(40).parse().unwrap();
        Manifest::of(&Snapshot { commit, files, left_out: Vec::new() })
    }

    #[test]
    fn equal_content_has_an_equal_hash_whatever_the_commit_and_the_order() {
        let one = manifest("a", &[("a.py", "1"), ("b.go", "2")]);
        assert_eq!(one.hash(), manifest("b", &[("b.go", "2"), ("a.py", "1")]).hash());
        for other in [
            manifest("a", &[("a.py", "1")]),
            manifest("a", &[("a.py", "2"), ("b.go", "1")]),
            manifest("a", &[("a.py", "1"), ("c.go", "2")]),
        ] {
            assert_ne!(one.hash(), other.hash());
        }
    }

    #[test]
    fn a_file_is_described_without_its_content() {
        let file = &manifest("a", &[("a.py", "hello")]).files[0];
        assert_eq!((file.size, file.language), (5, Some(Language::Python)));
        assert_eq!(file.sha256, "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
    }
}
