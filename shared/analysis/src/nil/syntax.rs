//! What everybody here asks of a syntax tree.

use std::sync::LazyLock;

use domain::Language;
use tree_sitter::Node;

use crate::grammar::Grammar;

/// The same answers as tree-sitter's own, which measures a name and checks it at each question,
/// and goes through all names of parts for one.
pub(super) trait Form: Sized {
    fn form(&self) -> &'static str;

    fn part(&self, name: &str) -> Option<Self>;
}

static GO: LazyLock<tree_sitter::Language> = LazyLock::new(|| Grammar(Language::Go).tree_sitter());

/// By the number of a kind.
static FORMS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let count = u16::try_from(GO.node_kind_count()).unwrap_or(u16::MAX);
    (0..count).map(|id| GO.node_kind_for_id(id).unwrap_or_default()).collect()
});

/// Sorted by name.
static PARTS: LazyLock<Vec<(&'static str, u16)>> = LazyLock::new(|| {
    let count = u16::try_from(GO.field_count()).unwrap_or(u16::MAX);
    let mut parts: Vec<_> =
        (1..=count).filter_map(|id| Some((GO.field_name_for_id(id)?, id))).collect();
    parts.sort_unstable();
    parts
});

impl Form for Node<'_> {
    fn form(&self) -> &'static str {
        // What is no kind of the grammar's is an error.
        FORMS.get(usize::from(self.kind_id())).copied().unwrap_or("ERROR")
    }

    fn part(&self, name: &str) -> Option<Self> {
        let at = PARTS.binary_search_by(|(own, _)| (*own).cmp(name)).ok()?;
        self.child_by_field_id(PARTS[at].1)
    }
}

pub(super) fn text<'a>(node: Node<'_>, source: &'a str) -> &'a str {
    source.get(node.byte_range()).unwrap_or_default()
}

/// Named children without comments.
pub(super) fn children(node: Node<'_>) -> Vec<Node<'_>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor).filter(|child| !child.is_extra()).collect()
}

/// The statements of a block or a case: the grammar puts them into a list of their own.
pub(super) fn statements(node: Node<'_>) -> Vec<Node<'_>> {
    let lists = children(node).into_iter();
    lists.filter(|part| part.form() == "statement_list").flat_map(children).collect()
}

/// The members of an `expression_list`, or the one expression.
pub(super) fn listed(node: Option<Node<'_>>) -> Vec<Node<'_>> {
    match node {
        Some(list) if list.form() == "expression_list" => children(list),
        Some(one) => vec![one],
        None => Vec::new(),
    }
}

pub(super) fn bare(node: Node<'_>) -> Node<'_> {
    let mut node = node;
    while node.form() == "parenthesized_expression" {
        let Some(inner) = node.named_child(0) else { break };
        node = inner;
    }
    node
}

/// Calls `visit` for each node, wholes before their parts, with its depth; where `visit` says no,
/// the parts are left out. Without recursion: a tree can be as deep as a file is long.
pub(super) fn each<'tree>(root: Node<'tree>, visit: &mut impl FnMut(Node<'tree>, usize) -> bool) {
    let mut cursor = root.walk();
    let mut depth = 0;
    loop {
        if visit(cursor.node(), depth) && cursor.goto_first_child() {
            depth += 1;
            continue;
        }
        while depth > 0 && !cursor.goto_next_sibling() {
            cursor.goto_parent();
            depth -= 1;
        }
        if depth == 0 {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Clock, nil, tree::Parsers};

    #[test]
    fn forms_and_parts_are_those_of_the_grammar() {
        let broken = ["package p\n\nfunc f( {\n\tif x := ; a == nil { return &b.c }\n"];
        for text in nil::examples().chain(broken) {
            let tree = Parsers::default().parse(Language::Go, text, Clock::unlimited()).unwrap();
            each(tree.root_node(), &mut |node, _| {
                assert_eq!(node.form(), node.kind());
                for (name, _) in &*PARTS {
                    assert_eq!(node.part(name), node.child_by_field_name(name), "{name}");
                }
                true
            });
            assert_eq!(tree.root_node().part("no part of anything"), None);
        }
    }
}
