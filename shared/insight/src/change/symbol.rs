use std::collections::BTreeMap;

use analysis::Clock;
use domain::{Language, Snapshot};
use serde::{Deserialize, Serialize};

use super::{
    BreakKind, Commits,
    declaration::{Declaration, declarations},
    files::{FileChange, FileKind, FileState, find, folder},
    parameter::incompatible,
};
use crate::Read;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SymbolType {
    Function,
    /// A class, struct, enum, interface, trait or record.
    Type,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SymbolState {
    Added,
    Removed,
    /// What callers see is another.
    Signature,
    /// What callers see is the same.
    Body,
    /// Nothing but its place.
    Moved,
    /// Never reported: kept while files that were renamed are compared.
    Same,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedSymbol {
    pub path: String,
    /// At the head; where it stood at the base when it was removed.
    pub line: u32,
    /// Qualified by what encloses it.
    pub name: String,
    pub kind: SymbolType,
    pub state: SymbolState,
    /// Seen from outside, by the rules of its language, before or after.
    pub public: bool,
    /// It is test code, in a file of its own or beside the product's.
    pub test: bool,
    /// Its signature at the base.
    pub before: Option<String>,
    /// And at the head.
    pub after: Option<String>,
    /// The file that it stood in, when it moved.
    pub moved_from: Option<String>,
    /// How it may break callers, and why.
    #[serde(skip)]
    pub(super) breaks: Vec<(BreakKind, String)>,
    /// What makes two declarations one that moved.
    #[serde(skip)]
    content: String,
}

/// `None`: a side could not be read.
pub(super) fn compare(
    commits: &Commits<'_>,
    file: &FileChange,
    clock: &Clock,
) -> Option<Vec<ChangedSymbol>> {
    let Some(language) = file.language else { return Some(Vec::new()) };
    let base = match file.base_path() {
        Some(path) => side(commits.base, path, clock)?,
        None => Vec::new(),
    };
    let head = match file.state {
        FileState::Deleted => Vec::new(),
        FileState::Added | FileState::Modified | FileState::Renamed => {
            side(commits.head, &file.path, clock)?
        }
    };
    let mut found = paired(&file.path, language, base, head);
    if file.kind == FileKind::Test {
        for symbol in &mut found {
            // Tests are no one's interface.
            (symbol.test, symbol.public) = (true, false);
            symbol.breaks.clear();
        }
    }
    Some(found)
}

/// What a file declares in one of the commits.
fn side(snapshot: &Snapshot, path: &str, clock: &Clock) -> Option<Vec<Declaration>> {
    let file = find(snapshot, path)?;
    if file.bytes.trim_ascii().is_empty() {
        return Some(Vec::new());
    }
    Read::of(file, clock).map(|read| declarations(&read))
}

/// Pairs what is called alike: first what looks the same, then in the order of the files.
fn paired(
    path: &str,
    language: Language,
    base: Vec<Declaration>,
    head: Vec<Declaration>,
) -> Vec<ChangedSymbol> {
    let mut old: BTreeMap<(String, SymbolType), Vec<Declaration>> = BTreeMap::new();
    for declaration in base {
        let key = (declaration.name.clone(), declaration.kind);
        old.entry(key).or_default().push(declaration);
    }
    let mut found = Vec::new();
    let mut unpaired = Vec::new();
    for new in head {
        let same = old.get_mut(&(new.name.clone(), new.kind)).and_then(|candidates| {
            let index = candidates
                .iter()
                .position(|old| old.signature == new.signature && old.public == new.public)?;
            Some(candidates.remove(index))
        });
        match same {
            Some(before) => found.push(changed(path, language, &before, &new)),
            None => unpaired.push(new),
        }
    }
    for new in unpaired {
        let candidates = old.get_mut(&(new.name.clone(), new.kind));
        let before = candidates.filter(|left| !left.is_empty()).map(|left| left.remove(0));
        found.push(match before {
            Some(before) => changed(path, language, &before, &new),
            None => added(path, &new),
        });
    }
    found.extend(old.into_values().flatten().map(|gone| removed(path, &gone)));
    found
}

fn symbol(path: &str, of: &Declaration, state: SymbolState) -> ChangedSymbol {
    ChangedSymbol {
        path: path.to_owned(),
        line: of.line,
        name: of.name.clone(),
        kind: of.kind,
        state,
        public: of.public,
        test: of.test,
        before: None,
        after: None,
        moved_from: None,
        breaks: Vec::new(),
        content: format!("{}\0{}", of.signature, of.body),
    }
}

fn added(path: &str, new: &Declaration) -> ChangedSymbol {
    ChangedSymbol { after: Some(new.shown.clone()), ..symbol(path, new, SymbolState::Added) }
}

fn removed(path: &str, old: &Declaration) -> ChangedSymbol {
    let mut symbol = symbol(path, old, SymbolState::Removed);
    symbol.before = Some(old.shown.clone());
    if old.public {
        symbol.breaks.push((BreakKind::Removed, "it is gone".to_owned()));
    }
    symbol
}

fn changed(path: &str, language: Language, old: &Declaration, new: &Declaration) -> ChangedSymbol {
    let promise = |one: &Declaration| (one.signature.clone(), one.public, one.members.clone());
    let state = match (promise(old) == promise(new), old.body == new.body) {
        (true, true) => SymbolState::Same,
        (true, false) => SymbolState::Body,
        (false, _) => SymbolState::Signature,
    };
    let mut symbol = symbol(path, new, state);
    (symbol.before, symbol.after) = (Some(old.shown.clone()), Some(new.shown.clone()));
    symbol.public = old.public || new.public;
    if old.public {
        symbol.breaks = breaks(language, old, new);
    }
    symbol
}

fn breaks(language: Language, old: &Declaration, new: &Declaration) -> Vec<(BreakKind, String)> {
    let mut breaks = Vec::new();
    if !new.public {
        breaks.push((BreakKind::Hidden, "others do not see it any more".to_owned()));
    }
    if old.kind == SymbolType::Function
        && let Some(reason) = incompatible(language, old, new)
    {
        breaks.push((BreakKind::Signature, reason));
    }
    for member in &old.members {
        let same_name = new.members.iter().find(|one| one.name == member.name);
        let reason = match same_name {
            None => format!("`{}` is gone from it", member.name),
            Some(now) if now.text != member.text => {
                format!("`{}` became `{}`", member.shown, now.shown)
            }
            Some(_) => continue,
        };
        breaks.push((BreakKind::Member, reason));
    }
    breaks
}

/// Makes one symbol of two that are the same in different files.
pub(super) fn join_moved(symbols: &mut Vec<ChangedSymbol>) {
    let mut gone: BTreeMap<(String, SymbolType, String), Vec<usize>> = BTreeMap::new();
    let key = |symbol: &ChangedSymbol| (symbol.name.clone(), symbol.kind, symbol.content.clone());
    for (index, symbol) in symbols.iter().enumerate() {
        if symbol.state == SymbolState::Removed {
            gone.entry(key(symbol)).or_default().push(index);
        }
    }
    let mut joined = Vec::new();
    for index in 0..symbols.len() {
        if symbols[index].state != SymbolState::Added {
            continue;
        }
        let Some(from) = gone.get_mut(&key(&symbols[index])).and_then(Vec::pop) else { continue };
        joined.push(from);
        let (old_path, was_public) = (symbols[from].path.clone(), symbols[from].public);
        let before = symbols[from].before.clone();
        let symbol = &mut symbols[index];
        symbol.state = SymbolState::Moved;
        if was_public && !is_same_module(&old_path, &symbol.path) {
            symbol.breaks.push((BreakKind::Moved, format!("it was in {old_path}")));
        }
        (symbol.before, symbol.moved_from) = (before, Some(old_path));
        symbol.public |= was_public;
    }
    let mut index = 0;
    symbols.retain(|_| {
        index += 1;
        !joined.contains(&(index - 1))
    });
}

/// Whether those who use a symbol by one file's name find it by the other's: Go and Java go by
/// folders.
pub(super) fn is_same_module(old: &str, new: &str) -> bool {
    match Language::of_path(new) {
        Some(Language::Go | Language::Java) => folder(old) == folder(new),
        Some(
            Language::Python
            | Language::JavaScript
            | Language::TypeScript
            | Language::Tsx
            | Language::Rust,
        )
        | None => old == new,
    }
}
