use domain::{Language, SourceFile};
use tree_sitter::Tree;

use crate::{
    Clock, Symbol,
    place::Place,
    symbols::SymbolCollector,
    tree::{Parsers, walk},
};

/// The syntax tree of one file, for those who look further than rules do; `None` if the clock
/// ends the work.
pub fn syntax_tree(language: Language, text: &str, clock: &Clock) -> Option<Tree> {
    Parsers::default().parse(language, text, *clock).ok()
}

/// The same with the file's symbols. None of them in code that is not looked at, such as what is
/// generated, and if it is nested too deeply.
pub fn outline(file: &SourceFile, text: &str, clock: &Clock) -> Option<(Tree, Vec<Symbol>)> {
    let language = Language::of_path(&file.path)?;
    let tree = syntax_tree(language, text, clock)?;
    let mut collector = SymbolCollector::new(language, text);
    let walked = match Place::of(file) {
        Place::Code { .. } => walk(&tree, *clock, |cursor, depth| collector.enter(cursor, depth)),
        Place::Text { .. } | Place::Unread(_) => return Some((tree, Vec::new())),
    };
    let symbols = if walked.is_ok() { collector.finish() } else { Vec::new() };
    Some((tree, symbols))
}
