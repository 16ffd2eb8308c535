use std::collections::{BTreeMap, BTreeSet};

use domain::{Language, LineRange, LineRanges, Snapshot, SourceFile};
use serde::{Deserialize, Serialize};
use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::Commits;

/// Files of more lines are not compared line by line; all of their old lines count as removed.
const LINES_MAX: usize = 50_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileState {
    Added,
    Modified,
    Renamed,
    Deleted,
}

/// What a file is for, going by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    Code,
    Test,
    Documentation,
    /// What a package needs, or the exact versions of it.
    Dependencies,
    ContinuousIntegration,
    DatabaseMigration,
    Configuration,
    Other,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileChange {
    pub path: String,
    pub state: FileState,
    /// Its path at the base, when it was renamed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renamed_from: Option<String>,
    pub kind: FileKind,
    pub language: Option<Language>,
    pub lines_added: u32,
    pub lines_removed: u32,
}

impl FileChange {
    /// Where it stood at the base, if it was there.
    pub(super) fn base_path(&self) -> Option<&str> {
        match self.state {
            FileState::Added => None,
            FileState::Modified | FileState::Deleted => Some(&self.path),
            FileState::Renamed => self.renamed_from.as_deref(),
        }
    }
}

pub(super) fn find<'a>(snapshot: &'a Snapshot, path: &str) -> Option<&'a SourceFile> {
    let index = snapshot.files.binary_search_by(|file| file.path.as_str().cmp(path)).ok()?;
    snapshot.files.get(index)
}

/// Every file that differs, deleted ones included.
pub(super) fn list(commits: &Commits<'_>) -> Vec<FileChange> {
    let mut found: BTreeMap<String, FileChange> = BTreeMap::new();
    let mut moved: BTreeSet<&str> = BTreeSet::new();
    for change in commits.changes {
        let old_path = change.renamed_from.as_deref().unwrap_or(&change.path);
        let old = find(commits.base, old_path);
        let state = match (&change.renamed_from, old) {
            (Some(from), _) => {
                moved.insert(from);
                FileState::Renamed
            }
            (None, Some(_)) => FileState::Modified,
            (None, None) if is_left_out(commits.base, &change.path) => FileState::Modified,
            (None, None) => FileState::Added,
        };
        let new = find(commits.head, &change.path);
        let ranges = change.lines.as_slice().iter();
        let added: u32 = ranges.map(|range| range.last - range.first + 1).sum();
        let removed = removed_lines(bytes(old), bytes(new));
        let from = change.renamed_from.clone();
        found.insert(change.path.clone(), file(&change.path, state, from, added, removed));
    }
    for old in &commits.base.files {
        let gone = find(commits.head, &old.path).is_none()
            && !is_left_out(commits.head, &old.path)
            && !moved.contains(old.path.as_str());
        if gone {
            let removed = line_count(&old.bytes);
            found.insert(old.path.clone(), file(&old.path, FileState::Deleted, None, 0, removed));
        }
    }
    found.into_values().collect()
}

fn is_left_out(snapshot: &Snapshot, path: &str) -> bool {
    snapshot.left_out.iter().any(|file| file.path == path)
}

fn bytes(file: Option<&SourceFile>) -> &[u8] {
    file.map(|file| file.bytes.as_slice()).unwrap_or_default()
}

fn file(
    path: &str,
    state: FileState,
    renamed_from: Option<String>,
    lines_added: u32,
    lines_removed: u32,
) -> FileChange {
    FileChange {
        path: path.to_owned(),
        state,
        renamed_from,
        kind: kind(path),
        language: Language::of_path(path),
        lines_added,
        lines_removed,
    }
}

fn lines(text: &[u8]) -> Vec<&[u8]> {
    text.split_inclusive(|byte| *byte == b'\n').collect()
}

fn line_count(text: &[u8]) -> u32 {
    u32::try_from(lines(text).len()).unwrap_or(u32::MAX)
}

/// Lines of the new text that are not in the old one, counted from 1.
pub fn changed_lines(old: &[u8], new: &[u8]) -> LineRanges {
    let (old, new) = (lines(old), lines(new));
    let whole = LineRange { first: 1, last: u32::try_from(new.len()).unwrap_or(u32::MAX) };
    if old.len().max(new.len()) > LINES_MAX {
        return LineRanges::new(vec![whole]);
    }
    let operations = capture_diff_slices(Algorithm::Myers, &old, &new);
    let ranges = operations.iter().filter_map(|operation| match *operation {
        DiffOp::Equal { .. } | DiffOp::Delete { .. } => None,
        DiffOp::Insert { new_index, new_len, .. } | DiffOp::Replace { new_index, new_len, .. } => {
            Some(LineRange { first: new_index as u32 + 1, last: (new_index + new_len) as u32 })
        }
    });
    LineRanges::new(ranges.collect())
}

/// Lines of the old text that are not in the new one.
fn removed_lines(old: &[u8], new: &[u8]) -> u32 {
    let (old, new) = (lines(old), lines(new));
    if old.len().max(new.len()) > LINES_MAX {
        return u32::try_from(old.len()).unwrap_or(u32::MAX);
    }
    let operations = capture_diff_slices(Algorithm::Myers, &old, &new);
    let removed: usize = operations
        .iter()
        .map(|operation| match operation {
            DiffOp::Equal { .. } | DiffOp::Insert { .. } => 0,
            DiffOp::Delete { old_len, .. } | DiffOp::Replace { old_len, .. } => *old_len,
        })
        .sum();
    u32::try_from(removed).unwrap_or(u32::MAX)
}

pub(super) fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

pub(super) fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn kind(path: &str) -> FileKind {
    let name = name(path);
    let lower = path.to_ascii_lowercase();
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    let ending = ending.as_deref().unwrap_or_default();
    if is_ci(path) {
        FileKind::ContinuousIntegration
    } else if is_dependencies(name) {
        FileKind::Dependencies
    } else if lower.split('/').any(|part| matches!(part, "migrations" | "migrate" | "alembic")) {
        FileKind::DatabaseMigration
    } else if Language::of_path(path).is_some() {
        if analysis::is_demoted_by_name(path) || is_tests(name) {
            FileKind::Test
        } else {
            FileKind::Code
        }
    } else if matches!(ending, "md" | "rst" | "adoc" | "txt")
        || lower.split('/').any(|part| matches!(part, "docs" | "doc"))
        || matches!(name, "LICENSE" | "NOTICE" | "CHANGELOG" | "AUTHORS")
    {
        FileKind::Documentation
    } else if matches!(ending, "yml" | "yaml" | "toml" | "json" | "ini" | "cfg" | "conf" | "env")
        || name.starts_with('.')
    {
        FileKind::Configuration
    } else {
        FileKind::Other
    }
}

/// As Rust calls the module of a file's tests.
fn is_tests(name: &str) -> bool {
    matches!(name, "tests.rs" | "test.rs" | "tests.py")
}

fn is_ci(path: &str) -> bool {
    path.starts_with(".github/workflows/")
        || path.starts_with(".circleci/")
        || matches!(
            path,
            ".gitlab-ci.yml"
                | "azure-pipelines.yml"
                | "Jenkinsfile"
                | ".travis.yml"
                | "bitbucket-pipelines.yml"
        )
}

/// Files that name what a package needs.
pub(super) fn is_dependencies(name: &str) -> bool {
    is_manifest(name)
        || matches!(
            name,
            "Cargo.lock"
                | "package-lock.json"
                | "yarn.lock"
                | "pnpm-lock.yaml"
                | "poetry.lock"
                | "uv.lock"
                | "Pipfile.lock"
                | "go.sum"
                | "npm-shrinkwrap.json"
        )
        || (name.starts_with("requirements") && name.ends_with(".txt"))
}

/// Files that make their folder a package.
pub(super) fn is_manifest(name: &str) -> bool {
    matches!(
        name,
        "Cargo.toml"
            | "package.json"
            | "pyproject.toml"
            | "setup.py"
            | "setup.cfg"
            | "Pipfile"
            | "go.mod"
            | "pom.xml"
            | "build.gradle"
            | "build.gradle.kts"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_its_name_says() {
        let cases = [
            ("src/app.py", FileKind::Code),
            ("tests/app.py", FileKind::Test),
            ("docs/guide.md", FileKind::Documentation),
            ("LICENSE", FileKind::Documentation),
            ("shop/package.json", FileKind::Dependencies),
            ("requirements-dev.txt", FileKind::Dependencies),
            (".github/workflows/ci.yml", FileKind::ContinuousIntegration),
            ("db/migrations/0001.sql", FileKind::DatabaseMigration),
            ("shop/migrations/0002_add.py", FileKind::DatabaseMigration),
            ("config/app.yaml", FileKind::Configuration),
            ("logo.png", FileKind::Other),
        ];
        for (path, expected) in cases {
            assert_eq!(kind(path), expected, "{path}");
        }
    }

    #[test]
    fn removed_lines_are_those_of_the_old_text() {
        let cases =
            [("a\nb\nc\n", "a\nc\n", 1), ("a\n", "a\nb\n", 0), ("a\nb\n", "x\n", 2), ("", "a", 0)];
        for (old, new, removed) in cases {
            assert_eq!(removed_lines(old.as_bytes(), new.as_bytes()), removed, "{old:?} {new:?}");
        }
    }
}
