//! Changes along the grammar: whole nodes are dropped, doubled, exchanged, nested and replaced.
//!
//! For tests of whatever reads code: what comes out is nearly a program, and every way in which it
//! is none is one that a person or a merge could have made.

use tree_sitter::{Node, Tree};

/// Nodes further down than this are no larger pieces any more.
const NODES_MAX: usize = 400;

/// How deep a node may be put into itself.
const NESTED_MAX: usize = 40;

/// Leaves that programs stumble over.
const LEAVES: [&str; 14] = [
    "",
    "0",
    "-1",
    "9223372036854775808",
    "0x",
    "1e999",
    "\"\"",
    "'",
    "\"\\u{10ffff}\\ud800\"",
    "\u{202e}x",
    "🦀",
    "\u{0}",
    "\r",
    "`${`${`",
];

/// Xorshift: the same numbers on every machine.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 16) % end.max(1) as u64) as usize
    }
}

/// One to five changes, each to what the ones before left. `parse` knows the language.
pub fn mutated(
    random: &mut Random,
    text: &str,
    mut parse: impl FnMut(&str) -> Option<Tree>,
) -> String {
    let mut text = text.to_owned();
    for _ in 0..=random.below(5) {
        let Some(tree) = parse(&text) else { return text };
        text = changed(random, &tree, &text);
    }
    text
}

fn changed(random: &mut Random, tree: &Tree, text: &str) -> String {
    let mut nodes = Vec::new();
    let mut cursor = tree.walk();
    collect(&mut nodes, &mut cursor);
    let node = nodes[random.below(nodes.len())];
    let other = nodes[random.below(nodes.len())];
    let (own, others) = (&text[node.byte_range()], &text[other.byte_range()]);
    let with = |new: &str| {
        let bytes = node.byte_range();
        format!("{}{new}{}", &text[..bytes.start], &text[bytes.end..])
    };
    match random.below(8) {
        0 => with(""),
        1 => with(&format!("{own}{own}")),
        2 => with(&format!("{own}\n{own}")),
        3 => with(others),
        4 => with(LEAVES[random.below(LEAVES.len())]),
        5 => {
            let depth = 1 + random.below(NESTED_MAX);
            let [open, close] = [["(", ")"], ["[", "]"], ["{", "}"], ["f(", ")"]][random.below(4)];
            with(&format!("{}{own}{}", open.repeat(depth), close.repeat(depth)))
        }
        // A node inside itself: a call whose argument is the call.
        6 if other.start_byte() >= node.start_byte() && other.end_byte() <= node.end_byte() => {
            let bytes = other.byte_range();
            format!("{}{own}{}", &text[..bytes.start], &text[bytes.end..])
        }
        // The file ends here.
        6 | 7 => text[..node.end_byte()].to_owned(),
        _ => text.to_owned(),
    }
}

fn collect<'tree>(nodes: &mut Vec<Node<'tree>>, cursor: &mut tree_sitter::TreeCursor<'tree>) {
    // Without recursion: what is changed may be deep by now.
    loop {
        nodes.push(cursor.node());
        if nodes.len() == NODES_MAX || cursor.goto_first_child() {
            if nodes.len() == NODES_MAX {
                return;
            }
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return;
            }
        }
    }
}
