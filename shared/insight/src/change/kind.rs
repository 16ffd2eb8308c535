use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Changes, FileKind, SymbolState, SymbolType};

/// The words of Conventional Commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommitKind {
    Feat,
    Fix,
    Docs,
    Refactor,
    Perf,
    Test,
    Build,
    Ci,
    Chore,
}

impl CommitKind {
    const ALL: [Self; 9] = [
        Self::Feat,
        Self::Fix,
        Self::Docs,
        Self::Refactor,
        Self::Perf,
        Self::Test,
        Self::Build,
        Self::Ci,
        Self::Chore,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Feat => "feat",
            Self::Fix => "fix",
            Self::Docs => "docs",
            Self::Refactor => "refactor",
            Self::Perf => "perf",
            Self::Test => "test",
            Self::Build => "build",
            Self::Ci => "ci",
            Self::Chore => "chore",
        }
    }

    /// As the author says if they do, else by what was changed. Whether changed code is a fix
    /// cannot be seen from outside; without the author's word nothing is claimed.
    pub(super) fn of(changes: &Changes, given_title: Option<&str>) -> Self {
        let said = given_title.and_then(|title| parse(title).0);
        said.or_else(|| given_title.and_then(by_words)).unwrap_or_else(|| by_files(changes))
    }
}

impl fmt::Display for CommitKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Takes the prefix off a title such as `fix(cart)!: Count items once`.
pub(super) fn parse(title: &str) -> (Option<CommitKind>, &str) {
    let Some((prefix, subject)) = title.split_once(':') else { return (None, title) };
    let word = prefix.trim_end_matches('!');
    let word = word.split_once('(').map_or(word, |(word, _)| word);
    let kind = CommitKind::ALL.into_iter().find(|kind| kind.as_str().eq_ignore_ascii_case(word));
    match kind {
        Some(kind) => (Some(kind), subject.trim()),
        None => (None, title),
    }
}

fn by_words(title: &str) -> Option<CommitKind> {
    let first = title.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
    match first.as_str() {
        "fix" | "fixes" | "fixed" | "bugfix" | "hotfix" => Some(CommitKind::Fix),
        "add" | "adds" | "implement" | "introduce" | "support" => Some(CommitKind::Feat),
        "refactor" | "rename" | "move" | "extract" => Some(CommitKind::Refactor),
        "document" => Some(CommitKind::Docs),
        "bump" | "upgrade" => Some(CommitKind::Build),
        _ => None,
    }
}

fn by_files(changes: &Changes) -> CommitKind {
    let only =
        |kind| !changes.files.is_empty() && changes.files.iter().all(|file| file.kind == kind);
    let whole = [
        (FileKind::Test, CommitKind::Test),
        (FileKind::Documentation, CommitKind::Docs),
        (FileKind::Dependencies, CommitKind::Build),
        (FileKind::ContinuousIntegration, CommitKind::Ci),
    ];
    if let Some((_, kind)) = whole.into_iter().find(|(files, _)| only(*files)) {
        return kind;
    }
    let in_code = |path: &str| {
        changes.files.iter().any(|file| file.path == path && file.kind == FileKind::Code)
    };
    let mut symbols = changes.symbols.iter().filter(|symbol| in_code(&symbol.path));
    let adds = symbols.any(|symbol| {
        symbol.state == SymbolState::Added
            && !symbol.test
            && matches!(symbol.kind, SymbolType::Function | SymbolType::Type)
    });
    if adds { CommitKind::Feat } else { CommitKind::Chore }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_taken_off_only_if_it_is_one() {
        let cases = [
            ("fix: Count once", (Some(CommitKind::Fix), "Count once")),
            ("feat(cart)!: Add refunds", (Some(CommitKind::Feat), "Add refunds")),
            ("Cart: Count once", (None, "Cart: Count once")),
            ("Add refunds", (None, "Add refunds")),
        ];
        for (title, expected) in cases {
            assert_eq!(parse(title), expected, "{title}");
        }
    }
}
