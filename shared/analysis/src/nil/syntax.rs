//! What everybody here asks of a syntax tree.

use tree_sitter::Node;

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
    lists.filter(|part| part.kind() == "statement_list").flat_map(children).collect()
}

/// The members of an `expression_list`, or the one expression.
pub(super) fn listed(node: Option<Node<'_>>) -> Vec<Node<'_>> {
    match node {
        Some(list) if list.kind() == "expression_list" => children(list),
        Some(one) => vec![one],
        None => Vec::new(),
    }
}

pub(super) fn bare(node: Node<'_>) -> Node<'_> {
    let mut node = node;
    while node.kind() == "parenthesized_expression" {
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
