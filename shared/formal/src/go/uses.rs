//! What a function does with its names, found before it is lowered: which fields it reads, and
//! which variables something else can change behind its back.

use std::collections::{BTreeSet, HashMap, HashSet};

use tree_sitter::Node;

use crate::syntax::{children, each, text};

/// Stands in a path for what a pointer points to, and for how far a slice can grow.
pub(super) const TARGET: &str = "*";
pub(super) const CAPACITY: &str = "cap()";

/// Fields within fields that are followed.
const PATH_MAX: usize = 4;

/// Paths from one name that are followed.
const PATHS_MAX: usize = 24;

#[derive(Debug, Default)]
pub(super) struct Uses {
    /// Fields that are read or written, by the name of the variable where they begin.
    pub(super) paths: HashMap<String, BTreeSet<Vec<String>>>,
    /// Assigned in a function literal, or its address is taken: anything may change them.
    pub(super) shared: HashSet<String>,
    /// Something is called on them, which may keep their address.
    pub(super) receivers: HashSet<String>,
    pub(super) recovers: bool,
}

impl Uses {
    pub(super) fn of(body: Node<'_>, source: &str) -> Self {
        let mut uses = Self::default();
        each(body, &mut |node| uses.visit(node, source));
        uses
    }

    fn visit(&mut self, node: Node<'_>, source: &str) {
        match node.kind() {
            "selector_expression" | "index_expression" => self.add(chain(node, source)),
            "unary_expression" => {
                let operator = node.child_by_field_name("operator").map(|it| it.kind());
                let operand = node.child_by_field_name("operand");
                match operator {
                    Some("*") => self.add(chain(node, source)),
                    Some("&") => {
                        // The address of an element does not reach the slice itself.
                        let found = operand.and_then(|it| chain(it, source));
                        let whole = found.filter(|(_, path)| !path.iter().any(|it| is_index(it)));
                        self.shared.extend(whole.map(|(root, _)| root));
                    }
                    _ => {}
                }
            }
            "slice_expression" => {
                let operand = node.child_by_field_name("operand");
                self.add_capacity(operand, source);
            }
            "call_expression" => self.call(node, source),
            "func_literal" => self.literal(node, source),
            _ => {}
        }
    }

    fn call(&mut self, node: Node<'_>, source: &str) {
        let Some(function) = node.child_by_field_name("function") else { return };
        match text(function, source) {
            "cap" => {
                let list = node.child_by_field_name("arguments");
                self.add_capacity(list.and_then(|list| list.named_child(0)), source);
            }
            "recover" => self.recovers = true,
            _ => {}
        }
        if function.kind() == "selector_expression"
            && let Some(operand) = function.child_by_field_name("operand")
            && let Some((root, _)) = chain(operand, source)
        {
            self.receivers.insert(root);
        }
    }

    fn literal(&mut self, node: Node<'_>, source: &str) {
        each(node, &mut |inner| {
            let targets = match inner.kind() {
                "assignment_statement" => inner.child_by_field_name("left").map(children),
                "range_clause" => inner.child_by_field_name("left").map(children),
                "inc_statement" | "dec_statement" => inner.named_child(0).map(|it| vec![it]),
                _ => None,
            };
            for target in targets.unwrap_or_default() {
                let found = chain(target, source);
                let whole = found.filter(|(_, path)| !path.iter().any(|it| is_index(it)));
                self.shared.extend(whole.map(|(root, _)| root));
            }
        });
    }

    fn add(&mut self, found: Option<(String, Vec<String>)>) {
        let Some((root, path)) = found else { return };
        let known = self.paths.entry(root).or_default();
        for end in 1..=path.len().min(PATH_MAX) {
            if known.len() < PATHS_MAX {
                known.insert(path[..end].to_vec());
            }
        }
    }

    fn add_capacity(&mut self, operand: Option<Node<'_>>, source: &str) {
        let found = operand.and_then(|operand| chain(operand, source));
        self.add(found.map(|(root, mut path)| {
            path.push(CAPACITY.to_owned());
            (root, path)
        }));
    }
}

pub(super) fn is_index(name: &str) -> bool {
    name.starts_with('[')
}

/// Elements that a path names by a variable or a literal, such as `[i]`.
pub(super) fn index_of(node: Node<'_>, source: &str) -> Option<String> {
    let index = node.child_by_field_name("index")?;
    let simple = matches!(
        index.kind(),
        "identifier" | "int_literal" | "interpreted_string_literal" | "rune_literal"
    );
    simple.then(|| format!("[{}]", text(index, source)))
}

/// A variable and the fields behind it, such as `a.b.c`.
pub(super) fn chain(node: Node<'_>, source: &str) -> Option<(String, Vec<String>)> {
    match node.kind() {
        "identifier" => Some((text(node, source).to_owned(), Vec::new())),
        "parenthesized_expression" => chain(node.named_child(0)?, source),
        "selector_expression" => {
            let (root, mut path) = chain(node.child_by_field_name("operand")?, source)?;
            // `(*p).f` is `p.f`.
            if path.last().is_some_and(|last| last == TARGET) {
                path.pop();
            }
            path.push(text(node.child_by_field_name("field")?, source).to_owned());
            Some((root, path))
        }
        "index_expression" => {
            let (root, mut path) = chain(node.child_by_field_name("operand")?, source)?;
            path.push(index_of(node, source)?);
            Some((root, path))
        }
        "unary_expression" if node.child_by_field_name("operator")?.kind() == "*" => {
            let (root, mut path) = chain(node.child_by_field_name("operand")?, source)?;
            path.push(TARGET.to_owned());
            Some((root, path))
        }
        _ => None,
    }
}
