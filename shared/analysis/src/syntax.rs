use domain::Language;
use tree_sitter::Tree;

use crate::{Clock, tree::Parsers};

/// The syntax tree of one file, for those who look further than rules do; `None` if the clock
/// ends the work.
pub fn syntax_tree(language: Language, text: &str, clock: &Clock) -> Option<Tree> {
    Parsers::default().parse(language, text, *clock).ok()
}
