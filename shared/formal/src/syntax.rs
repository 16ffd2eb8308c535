//! What every lowering asks of a syntax tree.

use tree_sitter::Node;

/// A function whose tree is deeper than this is not lowered: lowering recurses.
const DEPTH_MAX: usize = 400;

/// Calls `visit` for each node, wholes before their parts.
pub(crate) fn each<'tree>(root: Node<'tree>, visit: &mut impl FnMut(Node<'tree>)) {
    each_until(root, &mut |node| {
        visit(node);
        true
    });
}

/// As [`each`]; where `visit` says no, the parts are left out.
pub(crate) fn each_until<'tree>(root: Node<'tree>, visit: &mut impl FnMut(Node<'tree>) -> bool) {
    each_with_depth(root, &mut |node, _| visit(node));
}

/// Why a function cannot be lowered, if it is nested as no person nests.
pub(crate) fn too_deep(root: Node<'_>) -> Option<String> {
    let mut deepest = 0;
    each_with_depth(root, &mut |_, depth| {
        deepest = deepest.max(depth);
        depth <= DEPTH_MAX
    });
    (deepest > DEPTH_MAX).then(|| "it is nested too deeply".to_owned())
}

/// Without recursion: a tree can be as deep as a file is long.
fn each_with_depth<'tree>(root: Node<'tree>, visit: &mut impl FnMut(Node<'tree>, usize) -> bool) {
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

pub(crate) fn text<'a>(node: Node<'_>, text: &'a str) -> &'a str {
    text.get(node.byte_range()).unwrap_or_default()
}

/// Named children without comments.
pub(crate) fn children(node: Node<'_>) -> Vec<Node<'_>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor).filter(|child| !child.is_extra()).collect()
}

pub(crate) fn line(node: Node<'_>) -> u32 {
    u32::try_from(node.start_position().row + 1).unwrap_or(u32::MAX)
}

pub(crate) fn last_line(node: Node<'_>) -> u32 {
    u32::try_from(node.end_position().row + 1).unwrap_or(u32::MAX)
}
