//! Test code inside a file of product code: Rust modules that only a test build compiles.

use domain::{Language, LineRange};
use tree_sitter::Node;

use crate::{
    Clock,
    symbols::lines,
    tree::{Parsers, walk},
};

const ATTRIBUTE: &str = "#[cfg(test)]";

/// Lines of every `#[cfg(test)] mod`. The attribute itself is the evidence: what it marks is not
/// in the product, so marking code does not hide it. None if the file cannot be parsed in time.
pub(crate) fn test_modules(
    language: Language,
    text: &str,
    parsers: &mut Parsers,
    clock: Clock,
) -> Vec<LineRange> {
    let mut found = Vec::new();
    if language != Language::Rust || !text.contains(ATTRIBUTE) {
        return found;
    }
    let Ok(tree) = parsers.parse(language, text, clock) else { return found };
    let walked = walk(&tree, clock, |cursor, _| {
        let node = cursor.node();
        if node.kind() == "mod_item" && is_test_only(node, text) {
            found.push(lines(node));
        }
    });
    if walked.is_ok() { found } else { Vec::new() }
}

fn is_test_only(module: Node<'_>, text: &str) -> bool {
    let mut before = module.prev_named_sibling();
    while let Some(node) = before.filter(|node| node.kind() == "attribute_item") {
        if text.get(node.byte_range()) == Some(ATTRIBUTE) {
            return true;
        }
        before = node.prev_named_sibling();
    }
    false
}
