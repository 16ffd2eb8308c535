//! What a change does: facts about two commits, and prose made of the facts.
//!
//! [`compare`] reads the files that differ; [`assess`] adds what the analysis found and says how
//! risky the change is; [`word`] puts it in words. The words hold nothing that the facts do not.

mod breaking;
mod component;
mod declaration;
mod files;
mod kind;
mod label;
mod parameter;
mod prose;
mod risk;
mod symbol;
#[cfg(test)]
mod tests;
mod visibility;

use analysis::Clock;
use domain::{ChangedFile, CommitSha, Snapshot};
use serde::{Deserialize, Serialize};

pub use breaking::{Break, BreakKind};
pub use component::Component;
pub use files::{FileChange, FileKind, FileState, changed_lines};
pub use kind::CommitKind;
pub use prose::{Prose, word};
pub use risk::{Judged, Reason, ReasonCode, Risk};
pub use symbol::{ChangedSymbol, SymbolState, SymbolType};

/// Names how changes are summarised.
pub const METHOD: &str = "1";

/// Two commits, as far as they differ.
#[derive(Clone, Copy)]
pub struct Commits<'a> {
    pub head: &'a Snapshot,
    /// Files of the base that the head does not have in the same form; all others are the head's.
    pub base: &'a Snapshot,
    /// Files of the head that are not the same at the base.
    pub changes: &'a [ChangedFile],
}

/// How much there is of everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    pub files: u32,
    pub lines_added: u64,
    pub lines_removed: u64,
    pub symbols_added: u32,
    pub symbols_changed: u32,
    pub symbols_removed: u32,
}

/// What two commits differ in.
#[derive(Debug, Clone, PartialEq)]
pub struct Changes {
    pub base: CommitSha,
    pub head: CommitSha,
    pub totals: Totals,
    /// Sorted by path.
    pub files: Vec<FileChange>,
    /// Sorted by path and line.
    pub symbols: Vec<ChangedSymbol>,
    pub components: Vec<Component>,
    pub breaking: Vec<Break>,
    /// Files in a language we parse whose symbols could not be compared.
    pub not_compared: Vec<String>,
}

/// All there is to say about a change. None of it is up to whoever words it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    pub method: String,
    pub base: CommitSha,
    pub head: CommitSha,
    /// As its author called it.
    pub given_title: Option<String>,
    pub kind: CommitKind,
    pub scope: Option<String>,
    pub totals: Totals,
    pub files: Vec<FileChange>,
    pub symbols: Vec<ChangedSymbol>,
    pub components: Vec<Component>,
    pub breaking: Vec<Break>,
    pub risk: Risk,
    pub labels: Vec<String>,
    pub not_compared: Vec<String>,
}

/// Compares the files that differ, one by one.
pub fn compare(commits: &Commits<'_>, clock: &Clock) -> Changes {
    let files = files::list(commits);
    let mut symbols = Vec::new();
    let mut not_compared = Vec::new();
    for file in &files {
        match symbol::compare(commits, file, clock) {
            Some(changed) => symbols.extend(changed),
            None => not_compared.push(file.path.clone()),
        }
    }
    symbol::join_moved(&mut symbols);
    symbols.sort_by(|one, other| {
        (&one.path, one.line, &one.name).cmp(&(&other.path, other.line, &other.name))
    });
    let breaking = breaking::list(&files, &symbols);
    let changed: Vec<ChangedSymbol> =
        symbols.into_iter().filter(|symbol| symbol.state != SymbolState::Same).collect();
    Changes {
        base: commits.base.commit.clone(),
        head: commits.head.commit.clone(),
        totals: totals(&files, &changed),
        components: component::list(commits.head, &files),
        breaking,
        files,
        symbols: changed,
        not_compared,
    }
}

fn totals(files: &[FileChange], symbols: &[ChangedSymbol]) -> Totals {
    let of = |states: &[SymbolState]| {
        let count = symbols.iter().filter(|symbol| states.contains(&symbol.state)).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    };
    Totals {
        files: u32::try_from(files.len()).unwrap_or(u32::MAX),
        lines_added: files.iter().map(|file| u64::from(file.lines_added)).sum(),
        lines_removed: files.iter().map(|file| u64::from(file.lines_removed)).sum(),
        symbols_added: of(&[SymbolState::Added]),
        symbols_changed: of(&[SymbolState::Signature, SymbolState::Body, SymbolState::Moved]),
        symbols_removed: of(&[SymbolState::Removed]),
    }
}

/// Adds what the analysis of the change found, and what follows from all of it.
pub fn assess(changes: Changes, judged: &Judged, given_title: Option<&str>) -> Facts {
    let given_title = given_title.map(str::trim).filter(|title| !title.is_empty());
    let risk = risk::assess(&changes, judged);
    let kind = CommitKind::of(&changes, given_title);
    Facts {
        method: METHOD.to_owned(),
        given_title: given_title.map(str::to_owned),
        kind,
        scope: component::scope(&changes.components),
        labels: label::list(&changes, &risk, kind),
        risk,
        base: changes.base,
        head: changes.head,
        totals: changes.totals,
        files: changes.files,
        symbols: changes.symbols,
        components: changes.components,
        breaking: changes.breaking,
        not_compared: changes.not_compared,
    }
}
