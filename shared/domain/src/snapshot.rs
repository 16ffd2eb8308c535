//! Source code at one commit, as it travels between fetching, reading and indexing.

use serde::{Deserialize, Serialize};

use crate::{CommitSha, LineRanges, Unanalysed};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Relative to the repository's root, `/`-separated, never absolute, never with `..`.
    pub path: String,
    pub bytes: Vec<u8>,
}

impl SourceFile {
    /// Whether `path` may name a file inside a repository: relative, `/`-separated, and without
    /// a part that would lead out of the folder it is unpacked into.
    pub fn is_inside(path: &str) -> bool {
        !path.contains(['\0', '\\']) && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
    }
}

/// Every file of one commit that is small enough to be read, sorted by path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    pub commit: CommitSha,
    pub files: Vec<SourceFile>,
    /// What the commit contains and the snapshot does not.
    pub left_out: Vec<Unanalysed>,
}

/// A file that differs between two commits; a deleted file is not listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedFile {
    pub path: String,
    /// Its path at the base, when it was renamed.
    pub renamed_from: Option<String>,
    /// Lines of the new text that are not in the old one; for a new file all of them.
    pub lines: LineRanges,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_never_leads_out_of_its_repository() {
        let cases = [
            ("src/main.rs", true),
            ("..hidden/...", true),
            ("a b/ü.py", true),
            ("", false),
            ("/etc/passwd", false),
            ("src/", false),
            ("src//main.rs", false),
            ("./main.rs", false),
            ("a/../../b", false),
            ("a\\..\\b", false),
            ("a\0b", false),
        ];
        for (path, inside) in cases {
            assert_eq!(SourceFile::is_inside(path), inside, "{path:?}");
        }
    }
}
