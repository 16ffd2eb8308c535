use serde::{Deserialize, Serialize};

use super::{
    files::{FileChange, FileState},
    symbol::{ChangedSymbol, SymbolState, is_same_module},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakKind {
    Removed,
    /// Callers must call it otherwise.
    Signature,
    /// Fewer may see it.
    Hidden,
    /// It stands in another module.
    Moved,
    /// A field, a variant or a demanded method is gone or another.
    Member,
    /// A file was renamed by which others import.
    Module,
}

/// Something that others may stand on and that is not as it was. Whether anybody does is not
/// known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Break {
    pub kind: BreakKind,
    pub path: String,
    pub line: u32,
    /// Qualified by what encloses it; the file's old path for a module.
    pub symbol: String,
    pub reason: String,
    pub before: Option<String>,
    pub after: Option<String>,
}

pub(super) fn list(files: &[FileChange], symbols: &[ChangedSymbol]) -> Vec<Break> {
    let mut breaks: Vec<Break> = symbols
        .iter()
        .flat_map(|symbol| {
            symbol.breaks.iter().map(move |(kind, reason)| Break {
                kind: *kind,
                path: symbol.path.clone(),
                line: symbol.line,
                symbol: symbol.name.clone(),
                reason: reason.clone(),
                before: symbol.before.clone(),
                after: symbol.after.clone(),
            })
        })
        .collect();
    breaks.extend(files.iter().filter_map(|file| module(file, symbols)));
    breaks.sort_by(|one, other| {
        (&one.path, one.line, &one.symbol, one.kind).cmp(&(
            &other.path,
            other.line,
            &other.symbol,
            other.kind,
        ))
    });
    breaks
}

/// A renamed file in which something public stayed.
fn module(file: &FileChange, symbols: &[ChangedSymbol]) -> Option<Break> {
    let from = file.renamed_from.as_deref().filter(|_| file.state == FileState::Renamed)?;
    if is_same_module(from, &file.path) {
        return None;
    }
    let kept = symbols.iter().filter(|symbol| {
        symbol.path == file.path
            && symbol.public
            && match symbol.state {
                SymbolState::Same | SymbolState::Body | SymbolState::Signature => true,
                SymbolState::Added | SymbolState::Removed | SymbolState::Moved => false,
            }
    });
    let count = kept.count();
    (count > 0).then(|| Break {
        kind: BreakKind::Module,
        path: file.path.clone(),
        line: 1,
        symbol: from.to_owned(),
        reason: match count {
            1 => "one public symbol is imported by the file's name".to_owned(),
            _ => format!("{count} public symbols are imported by the file's name"),
        },
        before: Some(from.to_owned()),
        after: Some(file.path.clone()),
    })
}
