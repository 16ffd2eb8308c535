//! A parsed file: walked once with a cursor, matched node by node with fuel.
//!
//! ast-grep's matchers know neither fuel nor deadline, so the nodes they walk over are ours:
//! every step costs one unit, and without units the tree ends. What a matcher says after that
//! is worthless and thrown away by the caller, see [`Matching::attempt`].

mod metered;

use std::{
    cell::{Cell, RefCell},
    ops::{ControlFlow, Range},
    rc::Rc,
};

use ast_grep_config::{Fixer, RuleCore};
use ast_grep_core::{
    Matcher, Node as PatternNode, matcher::MatcherExt, meta_var::MetaVariable, replacer::Replacer,
};
use domain::{Language, SourceFile};
use tree_sitter::{Node, ParseOptions, Parser, Point, Tree, TreeCursor};

use crate::{Clock, Package, grammar::Grammar};
use metered::{Metered, MeteredDoc};

/// Deeper trees are not looked at: matchers recurse, and no person writes such code.
const DEPTH_MAX: usize = 1000;

/// Nodes between two looks at the clock.
const NODES_PER_LOOK: u64 = 4096;

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

    /// The same of a file's text, which is not parsed at all if its package has a tree of it.
    pub(crate) fn reading<T>(
        &mut self,
        file: &SourceFile,
        around: Option<&Package<'_>>,
        clock: Clock,
        work: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let text = std::str::from_utf8(&file.bytes).unwrap_or_default();
        self.keeping(text, |parsers| {
            let tree = around.and_then(|package| package.tree(file, parsers, clock));
            if let (Some(tree), Some(language)) = (tree, Language::of_path(&file.path)) {
                parsers.kept = Some((language, tree));
            }
            work(parsers)
        })
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

/// A name in the file, and what matchers read in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Renamed {
    pub(crate) bytes: Range<usize>,
    pub(crate) text: Rc<str>,
}

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
            renamed: RefCell::default(),
            unread: RefCell::default(),
        };
        Self { root: ast_grep_core::AstGrep::doc(doc), fuel }
    }

    pub(crate) fn tree(&self) -> &Tree {
        &self.doc().tree
    }

    fn doc(&self) -> &MeteredDoc {
        self.root.root().get_doc()
    }

    /// From here on matchers read the file with these names, sorted by place, and nothing in
    /// place of the node at `unread`.
    pub(crate) fn read_as(&self, renamed: Rc<[Renamed]>, unread: Option<Range<usize>>) {
        self.doc().renamed.replace(renamed);
        self.doc().unread.replace(unread);
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

    /// What `fixer` puts in the place of a match, and of which bytes.
    pub(crate) fn replacement(
        &self,
        matcher: &RuleCore,
        fixer: &Fixer,
        node: Node<'_>,
        fuel: &mut u64,
    ) -> Option<(Range<usize>, String)> {
        self.metered(node, fuel, |node| {
            let found = matcher.match_node(node)?;
            let bytes = fixer.get_replaced_range(&found, matcher);
            let text = fixer.generate_replacement(&found);
            Some((bytes, String::from_utf8(text).ok()?))
        })?
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
