//! A document and its nodes as ast-grep's matchers walk over them: every step burns fuel, and
//! without fuel the tree ends.

use std::{
    borrow::Cow,
    cell::{Cell, RefCell},
    iter::from_fn,
    num::NonZeroU16,
    ops::Range,
    rc::Rc,
};

use ast_grep_core::{
    Doc, Position,
    source::{Edit, SgNode},
};
use tree_sitter::{Node, Tree, TreeCursor};

use super::Renamed;
use crate::grammar::Grammar;

/// How much text a matcher reads for the price of one step to another node.
const BYTES_PER_STEP: usize = 16;

#[derive(Clone)]
pub(super) struct MeteredDoc {
    pub(super) text: String,
    pub(super) grammar: Grammar,
    pub(super) tree: Tree,
    pub(super) fuel: Rc<Cell<u64>>,
    /// What is read in place of names, sorted by where they stand.
    pub(super) renamed: RefCell<Rc<[Renamed]>>,
    /// A node in whose place nothing is read.
    pub(super) unread: RefCell<Option<Range<usize>>>,
}

impl MeteredDoc {
    fn read(&self, range: Range<usize>) -> Cow<'_, str> {
        let renamed = self.renamed.borrow();
        let first = renamed.partition_point(|renamed| renamed.bytes.start < range.start);
        let within = |renamed: &&Renamed| renamed.bytes.end <= range.end;
        let mut text = String::new();
        let mut at = range.start;
        for name in renamed[first..].iter().take_while(within) {
            text.push_str(self.text.get(at..name.bytes.start).unwrap_or_default());
            text.push_str(&name.text);
            at = name.bytes.end;
        }
        let rest = self.text.get(at..range.end).unwrap_or_default();
        if at == range.start { Cow::Borrowed(rest) } else { Cow::Owned(text + rest) }
    }
}

impl Doc for MeteredDoc {
    type Source = String;
    type Lang = Grammar;
    type Node<'r> = Metered<'r>;

    fn get_lang(&self) -> &Grammar {
        &self.grammar
    }

    fn get_source(&self) -> &String {
        &self.text
    }

    fn do_edit(&mut self, _: &Edit<String>) -> Result<(), String> {
        Err("a file under analysis is never edited".to_owned())
    }

    fn root_node(&self) -> Metered<'_> {
        Metered { node: self.tree.root_node(), fuel: &self.fuel }
    }

    fn get_node_text<'a>(&'a self, node: &Metered<'a>) -> Cow<'a, str> {
        let range = node.node.byte_range();
        // A matcher asks for text to run a regular expression over it.
        let cost = (range.len() / BYTES_PER_STEP) as u64;
        self.fuel.set(self.fuel.get().saturating_sub(cost));
        if self.fuel.get() == 0 || self.unread.borrow().as_ref() == Some(&range) {
            return Cow::Borrowed("");
        }
        self.read(range)
    }
}

/// A node whose every step to another node burns fuel.
#[derive(Clone)]
pub(super) struct Metered<'r> {
    pub(super) node: Node<'r>,
    pub(super) fuel: &'r Cell<u64>,
}

impl<'r> Metered<'r> {
    fn step(&self, to: Option<Node<'r>>) -> Option<Self> {
        let left = self.fuel.get();
        if left == 0 {
            return None;
        }
        self.fuel.set(left - 1);
        Some(Self { node: to?, fuel: self.fuel })
    }

    /// The parent's children. Asking tree-sitter for one sibling after the other costs a walk
    /// from the root each time.
    fn siblings(&self) -> Vec<Self> {
        self.parent().map(|parent| parent.children().collect()).unwrap_or_default()
    }
}

struct Children<'r> {
    parent: Metered<'r>,
    cursor: TreeCursor<'r>,
    left: usize,
}

impl<'r> Iterator for Children<'r> {
    type Item = Metered<'r>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let child = self.parent.step(Some(self.cursor.node()));
        self.cursor.goto_next_sibling();
        if child.is_none() {
            self.left = 0;
        }
        child
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Children<'_> {}

impl<'r> SgNode<'r> for Metered<'r> {
    fn parent(&self) -> Option<Self> {
        self.step(self.node.parent())
    }

    fn children(&self) -> impl ExactSizeIterator<Item = Self> {
        let mut cursor = self.node.walk();
        let left = if cursor.goto_first_child() { self.node.child_count() as usize } else { 0 };
        Children { parent: self.clone(), cursor, left }
    }

    /// From the parent upwards. tree-sitter finds ancestors from the root, hence the detour.
    fn ancestors(&self, root: Self) -> impl Iterator<Item = Self> {
        let mut path = Vec::new();
        let mut at = Some(root);
        while let Some(node) = at.take_if(|node| node.node.id() != self.node.id()) {
            at = node.step(node.node.child_with_descendant(self.node));
            path.push(node);
        }
        path.into_iter().rev()
    }

    fn dfs(&self) -> impl Iterator<Item = Self> {
        let start = self.clone();
        let mut cursor = self.node.walk();
        let mut done = false;
        from_fn(move || {
            if done {
                return None;
            }
            let node = start.step(Some(cursor.node()));
            done = node.is_none() || !advance(&mut cursor);
            node
        })
    }

    fn child(&self, nth: usize) -> Option<Self> {
        self.step(self.node.child(u32::try_from(nth).ok()?))
    }

    fn next(&self) -> Option<Self> {
        self.step(self.node.next_sibling())
    }

    fn prev(&self) -> Option<Self> {
        self.step(self.node.prev_sibling())
    }

    fn next_all(&self) -> impl Iterator<Item = Self> {
        let mut siblings = self.siblings();
        let own = siblings.iter().position(|node| node.node.id() == self.node.id());
        siblings.drain(..own.map_or(siblings.len(), |own| own + 1));
        siblings.into_iter()
    }

    fn prev_all(&self) -> impl Iterator<Item = Self> {
        let mut siblings = self.siblings();
        let own = siblings.iter().position(|node| node.node.id() == self.node.id());
        siblings.truncate(own.unwrap_or(0));
        siblings.into_iter().rev()
    }

    fn is_named(&self) -> bool {
        self.node.is_named()
    }

    fn is_named_leaf(&self) -> bool {
        self.node.named_child_count() == 0
    }

    fn is_leaf(&self) -> bool {
        self.node.child_count() == 0
    }

    fn kind(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.node.kind())
    }

    fn kind_id(&self) -> u16 {
        self.node.kind_id()
    }

    fn node_id(&self) -> usize {
        self.node.id()
    }

    fn range(&self) -> Range<usize> {
        self.node.byte_range()
    }

    fn start_pos(&self) -> Position {
        let point = self.node.start_position();
        Position::new(point.row, point.column, self.node.start_byte())
    }

    fn end_pos(&self) -> Position {
        let point = self.node.end_position();
        Position::new(point.row, point.column, self.node.end_byte())
    }

    fn is_missing(&self) -> bool {
        self.node.is_missing()
    }

    fn is_error(&self) -> bool {
        self.node.is_error()
    }

    fn is_extra(&self) -> bool {
        self.node.is_extra()
    }

    fn field(&self, name: &str) -> Option<Self> {
        self.step(self.node.child_by_field_name(name))
    }

    fn field_children(&self, field_id: Option<u16>) -> impl Iterator<Item = Self> {
        let wanted = field_id.and_then(NonZeroU16::new);
        let parent = self.clone();
        let mut cursor = self.node.walk();
        let mut more = wanted.is_some() && cursor.goto_first_child();
        from_fn(move || {
            while more {
                let hit = (cursor.field_id() == wanted).then(|| cursor.node());
                more = cursor.goto_next_sibling();
                if let Some(node) = hit {
                    return parent.step(Some(node));
                }
            }
            None
        })
    }

    fn child_by_field_id(&self, field_id: u16) -> Option<Self> {
        self.step(self.node.child_by_field_id(field_id))
    }
}

/// Moves to the next node in preorder; `false` at the end of the node the cursor began at.
fn advance(cursor: &mut TreeCursor<'_>) -> bool {
    if cursor.goto_first_child() {
        return true;
    }
    while !cursor.goto_next_sibling() {
        if !cursor.goto_parent() {
            return false;
        }
    }
    true
}
