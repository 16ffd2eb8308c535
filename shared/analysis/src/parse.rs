//! The step before any rule: what of a snapshot can be read, and what is in it.

use std::collections::BTreeMap;

use domain::{
    Coverage, Language, ParseProblem, Snapshot, SourceFile, Unanalysed, UnanalysedReason,
};
use tree_sitter::TreeCursor;

use crate::{
    Clock, Symbol, SymbolKind,
    mention::{Mention, mentions},
    place::Place,
    symbols::{SymbolCollector, lines},
    tree::{Parsers, Stopped, walk},
};

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Parsed {
    pub coverage: Coverage,
    /// Symbols of every analysed file, by path, in the order of the file.
    pub symbols: BTreeMap<String, Vec<Symbol>>,
}

/// Parses every file and counts what it finds; what was not looked at is listed with a reason.
pub fn parse(snapshot: &Snapshot, clock: &Clock) -> Parsed {
    let mut parsers = Parsers::default();
    let mut symbols = BTreeMap::new();
    let mut coverage = Coverage { unanalysed: snapshot.left_out.clone(), ..Coverage::default() };
    for file in &snapshot.files {
        let of_file = cover(file, &mut parsers, *clock, &mut coverage);
        symbols.extend(of_file.map(|of_file| (file.path.clone(), of_file)));
    }
    coverage.files =
        u32::try_from(snapshot.files.len() + snapshot.left_out.len()).unwrap_or(u32::MAX);
    coverage.unanalysed.sort_by(|one, other| one.path.cmp(&other.path));
    Parsed { coverage, symbols }
}

/// Adds one file to what was looked at, or to what was not; gives its symbols when it was.
pub(crate) fn cover(
    file: &SourceFile,
    parsers: &mut Parsers,
    clock: Clock,
    coverage: &mut Coverage,
) -> Option<Vec<Symbol>> {
    let path = file.path.clone();
    match read(file, parsers, clock) {
        Ok(tally) => {
            coverage.analysed += 1;
            coverage.lines += tally.lines;
            *coverage.languages.entry(tally.language).or_default() += 1;
            coverage.functions += count(&tally.symbols, SymbolKind::Function);
            coverage.classes += count(&tally.symbols, SymbolKind::Type);
            coverage.imports += tally.imports;
            coverage.calls += tally.calls;
            let problem = tally.problem;
            let problem = problem.map(|(line, errors)| ParseProblem { path, line, errors });
            coverage.problems.extend(problem);
            Some(tally.symbols)
        }
        Err(reason) => {
            coverage.unanalysed.push(Unanalysed { path, reason });
            None
        }
    }
}

/// Symbols of one file; none if it is in no language we parse.
pub fn symbols(file: &SourceFile, clock: &Clock) -> Vec<Symbol> {
    read(file, &mut Parsers::default(), *clock).map(|tally| tally.symbols).unwrap_or_default()
}

struct Tally {
    language: Language,
    lines: u64,
    symbols: Vec<Symbol>,
    imports: u32,
    calls: u32,
    /// Line of the first syntax error and how many there are.
    problem: Option<(u32, u32)>,
}

fn read(file: &SourceFile, parsers: &mut Parsers, clock: Clock) -> Result<Tally, UnanalysedReason> {
    let (language, text) = match Place::of(file) {
        Place::Code { language, text, .. } => (language, text),
        Place::Text { reason, .. } | Place::Unread(reason) => return Err(reason),
    };
    let mut problem = None;
    let (mut imports, mut calls) = (0, 0);
    let mentions = mentions(language);
    let mut collector = SymbolCollector::new(language, text);
    let walked = parsers.parse(language, text, clock).and_then(|tree| {
        let broken = tree.root_node().has_error();
        walk(&tree, clock, |cursor, depth| {
            collector.enter(cursor, depth);
            match mentions.get(usize::from(cursor.node().kind_id())) {
                Some(Some(Mention::Import)) => imports += 1,
                Some(Some(Mention::Call)) => calls += 1,
                Some(None) | None => {}
            }
            if broken {
                note_error(cursor, &mut problem);
            }
        })
    });
    match walked {
        Ok(()) => Ok(Tally {
            language,
            lines: text.lines().count() as u64,
            symbols: collector.finish(),
            imports,
            calls,
            problem,
        }),
        Err(Stopped::TimedOut) => Err(UnanalysedReason::TimedOut),
        Err(Stopped::TooDeep) => Err(UnanalysedReason::TooDeep),
    }
}

fn note_error(cursor: &TreeCursor<'_>, problem: &mut Option<(u32, u32)>) {
    let node = cursor.node();
    if node.is_error() || node.is_missing() {
        let (_, errors) = problem.get_or_insert((lines(node).first, 0));
        *errors += 1;
    }
}

fn count(symbols: &[Symbol], kind: SymbolKind) -> u32 {
    let count = symbols.iter().filter(|symbol| symbol.kind == kind).count();
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
