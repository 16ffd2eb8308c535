//! What the code of a package mentions: who may call whom, and what is assigned to. All of it in
//! one walk, for the trees are large.

use std::collections::{HashMap, HashSet};

use tree_sitter::Node;

use super::{
    File,
    package::{DEPTH_MAX, Package},
    syntax::{Form, each, listed, text},
};

/// A name in a function that may be that of one it calls.
#[derive(Debug, Clone, Copy)]
pub(super) enum Mention<'t> {
    Function(usize),
    /// Of whichever type.
    Method(&'t str),
}

#[derive(Default)]
pub(super) struct Mentions<'t> {
    /// Every name that anything assigns to, or whose address is taken.
    pub(super) assigned: HashSet<&'t str>,
    /// What each function mentions, in the order of its code.
    by_function: Vec<Vec<Mention<'t>>>,
    methods: HashMap<&'t str, Vec<usize>>,
}

impl<'t> Mentions<'t> {
    /// Also notes in the package which functions are too deep.
    pub(super) fn of(files: &'t [File<'t>], package: &mut Package<'t>) -> Self {
        let mut mentions = Self::default();
        for ((_, name), index) in &package.methods {
            mentions.methods.entry(name).or_default().push(*index);
        }
        for same in mentions.methods.values_mut() {
            same.sort_unstable();
        }
        for file in files {
            let mut cursor = file.root.walk();
            for node in file.root.children(&mut cursor).filter(|node| node.child_count() > 0) {
                let next = mentions.by_function.len();
                let is_function =
                    package.declared.get(next).is_some_and(|declared| declared.node == node);
                let (own, deepest) = mentions.read(node, file.text, package);
                if is_function {
                    package.declared[next].too_deep = deepest > DEPTH_MAX;
                    mentions.by_function.push(own);
                }
            }
        }
        mentions
    }

    fn read(
        &mut self,
        node: Node<'t>,
        source: &'t str,
        package: &Package<'t>,
    ) -> (Vec<Mention<'t>>, usize) {
        let (mut own, mut deepest) = (Vec::new(), 0);
        each(node, &mut |node, depth| {
            deepest = deepest.max(depth);
            let targets = match node.form() {
                "identifier" => {
                    let known = package.functions.get(text(node, source)).copied();
                    own.extend(known.map(Mention::Function));
                    None
                }
                "field_identifier" => {
                    let known = self.methods.get_key_value(text(node, source));
                    own.extend(known.map(|(name, _)| Mention::Method(name)));
                    None
                }
                "assignment_statement" | "range_clause" | "receive_statement" => node.part("left"),
                "unary_expression" if text(node, source).starts_with('&') => node.part("operand"),
                _ => None,
            };
            self.assigned.extend(listed(targets).into_iter().map(|it| root(it, source)));
            true
        });
        (own, deepest)
    }

    /// Functions that a function may call, as far as names tell.
    pub(super) fn callees(&self, function: usize) -> Vec<usize> {
        let mut all = Vec::new();
        for mention in &self.by_function[function] {
            match mention {
                Mention::Function(index) => all.push(*index),
                Mention::Method(name) => all.extend(self.methods.get(name).into_iter().flatten()),
            }
        }
        all
    }
}

/// The variable at the beginning of `a.b[c].d`.
fn root<'t>(node: Node<'t>, source: &'t str) -> &'t str {
    let mut node = node;
    while let Some(inner) = node.part("operand") {
        node = inner;
    }
    text(node, source)
}
