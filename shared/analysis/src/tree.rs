//! A parsed file: walked once with a cursor, matched node by node with fuel.
//!
//! ast-grep's matchers know neither fuel nor deadline, so the nodes they walk over are ours:
//! every step costs one unit, and without units the tree ends. What a matcher says after that
//! is worthless and thrown away by the caller, see [`Matching::attempt`].

use std::{
    borrow::Cow,
    cell::Cell,
    ops::{ControlFlow, Range},
    rc::Rc,
};

use ast_grep_core::{
    Doc, Matcher, Node as PatternNode, Position,
    matcher::MatcherExt,
    meta_var::MetaVariable,
    source::{Edit, SgNode},
};
use domain::Language;
use tree_sitter::{Node, ParseOptions, Parser, Point, Tree, TreeCursor};

use crate::{Clock, grammar::Grammar};

/// Deeper trees are not looked at: matchers recurse, and no person writes such code.
const DEPTH_MAX: usize = 1000;

/// Nodes between two looks at the clock.
const NODES_PER_LOOK: u64 = 4096;

/// How much text a matcher reads for the price of one step to another node.
const BYTES_PER_STEP: usize = 16;

/// Why a file has no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stopped {
    TimedOut,
    TooDeep,
}

/// One parser for each language, made when first needed.
#[derive(Default)]
pub(crate) struct Parsers {
    parsers: Vec<(Language, Parser)>,
    /// The text whose tree is kept at present.
    text: Option<Address>,
    kept: Option<(Language, Tree)>,
}

/// Where a text lies in memory. Texts that live at the same time differ in it.
type Address = (usize, usize);

fn address(text: &str) -> Address {
    (text.as_ptr() as usize, text.len())
}

impl Parsers {
    /// While `work` runs, `text` is parsed once however often it is asked for.
    pub(crate) fn keeping<T>(&mut self, text: &str, work: impl FnOnce(&mut Self) -> T) -> T {
        self.text = Some(address(text));
        let done = work(self);
        (self.text, self.kept) = (None, None);
        done
    }

    pub(crate) fn parse(
        &mut self,
        language: Language,
        text: &str,
        clock: Clock,
    ) -> Result<Tree, Stopped> {
        if clock.is_up() {
            return Err(Stopped::TimedOut);
        }
        let keeps = self.text == Some(address(text));
        if let Some((kept, tree)) = &self.kept
            && keeps
            && *kept == language
        {
            // A tree is counted by reference: the copy costs nothing.
            return Ok(tree.clone());
        }
        let parser = self.of(language);
        parser.reset();
        let bytes = text.as_bytes();
        let mut watch = |_: &_| match clock.is_up() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        };
        let options = ParseOptions::new().progress_callback(&mut watch);
        let tree = parser
            .parse_with_options(&mut |at, _: Point| &bytes[at..], None, Some(options))
            .ok_or(Stopped::TimedOut)?;
        if keeps {
            self.kept = Some((language, tree.clone()));
        }
        Ok(tree)
    }

    fn of(&mut self, language: Language) -> &mut Parser {
        let index = match self.parsers.iter().position(|(own, _)| *own == language) {
            Some(index) => index,
            None => {
                let mut parser = Parser::new();
                parser
                    .set_language(&Grammar(language).tree_sitter())
                    .expect("the grammars are built for this version of tree-sitter");
                self.parsers.push((language, parser));
                self.parsers.len() - 1
            }
        };
        &mut self.parsers[index].1
    }
}

/// Visits every node once, parents first. `visit` gets the cursor and the depth.
pub(crate) fn walk<'tree>(
    tree: &'tree Tree,
    clock: Clock,
    mut visit: impl FnMut(&TreeCursor<'tree>, usize),
) -> Result<(), Stopped> {
    let mut cursor = tree.walk();
    let mut depth = 0;
    let mut nodes = 0_u64;
    loop {
        nodes += 1;
        if nodes.is_multiple_of(NODES_PER_LOOK) && clock.is_up() {
            return Err(Stopped::TimedOut);
        }
        visit(&cursor, depth);
        if cursor.goto_first_child() {
            depth += 1;
            if depth > DEPTH_MAX {
                return Err(Stopped::TooDeep);
            }
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return Ok(());
            }
            depth -= 1;
        }
    }
}

/// Variables of a pattern, each with the bytes of a node that it stands for.
pub(crate) type Captures = Vec<(String, Range<usize>)>;

/// A tree that rules can be tried on.
pub(crate) struct Matching {
    root: ast_grep_core::AstGrep<MeteredDoc>,
    fuel: Rc<Cell<u64>>,
}

impl Matching {
    pub(crate) fn new(language: Language, text: &str, tree: Tree) -> Self {
        let fuel = Rc::new(Cell::new(0));
        let doc = MeteredDoc {
            text: text.to_owned(),
            grammar: Grammar(language),
            tree,
            fuel: Rc::clone(&fuel),
        };
        Self { root: ast_grep_core::AstGrep::doc(doc), fuel }
    }

    pub(crate) fn tree(&self) -> &Tree {
        &self.doc().tree
    }

    fn doc(&self) -> &MeteredDoc {
        self.root.root().get_doc()
    }

    /// Tries `matcher` on `node` and takes its steps off `fuel`.
    ///
    /// `None` means that the fuel ran out, so nothing is known.
    pub(crate) fn attempt(
        &self,
        matcher: &impl Matcher,
        node: Node<'_>,
        fuel: &mut u64,
    ) -> Option<bool> {
        self.metered(node, fuel, |node| matcher.match_node(node).is_some())
    }

    /// Like [`Self::attempt`]; a match gives the bytes that each variable stands for.
    pub(crate) fn captures(
        &self,
        matcher: &impl Matcher,
        node: Node<'_>,
        fuel: &mut u64,
    ) -> Option<Option<Captures>> {
        self.metered(node, fuel, |node| {
            let found = matcher.match_node(node)?;
            let env = found.get_env();
            let mut captures = Vec::new();
            for variable in env.get_matched_variables() {
                let (name, nodes) = match variable {
                    MetaVariable::Capture(name, _) => {
                        let node = env.get_match(&name).cloned();
                        (name, node.into_iter().collect())
                    }
                    MetaVariable::MultiCapture(name) => {
                        let nodes = env.get_multiple_matches(&name);
                        (name, nodes)
                    }
                    MetaVariable::Dropped(_) | MetaVariable::Multiple => continue,
                };
                captures.extend(nodes.iter().map(|node| (name.clone(), node.range())));
            }
            Some(captures)
        })
    }

    fn metered<'tree, T>(
        &'tree self,
        node: Node<'tree>,
        fuel: &mut u64,
        work: impl FnOnce(PatternNode<'tree, MeteredDoc>) -> T,
    ) -> Option<T> {
        // Adopting a node may walk to the root, which is not the rule's doing.
        self.fuel.set(u64::MAX);
        let node = self.root.adopt(Metered { node, fuel: &self.doc().fuel });
        self.fuel.set(*fuel);
        let done = work(node);
        *fuel = self.fuel.get();
        (*fuel > 0).then_some(done)
    }
}

#[derive(Clone)]
struct MeteredDoc {
    text: String,
    grammar: Grammar,
    tree: Tree,
    fuel: Rc<Cell<u64>>,
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
        if self.fuel.get() == 0 {
            return Cow::Borrowed("");
        }
        Cow::Borrowed(self.text.get(range).unwrap_or_default())
    }
}

/// A node whose every step to another node burns fuel.
#[derive(Clone)]
struct Metered<'r> {
    node: Node<'r>,
    fuel: &'r Cell<u64>,
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
}

impl<'r> Metered<'r> {
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
        std::iter::from_fn(move || {
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

    fn range(&self) -> std::ops::Range<usize> {
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
        let wanted = field_id.and_then(std::num::NonZeroU16::new);
        let parent = self.clone();
        let mut cursor = self.node.walk();
        let mut more = wanted.is_some() && cursor.goto_first_child();
        std::iter::from_fn(move || {
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
