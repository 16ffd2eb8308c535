//! Which names a block declares, which of a function's names the functions within it set, and
//! what makes a function one that is not lowered.

use std::collections::{HashMap, HashSet};

use tree_sitter::Node;

use super::{Lowering, tokens, value::Value};
use crate::syntax::{children, each, text};

/// A name with the place where it is declared.
#[derive(Debug, Clone, Copy)]
pub(super) struct Declared<'a> {
    pub(super) name: &'a str,
    pub(super) at: usize,
    /// A function declaration, which is there before the block begins.
    pub(super) is_function: bool,
}

pub(super) fn is_function(kind: &str) -> bool {
    matches!(
        kind,
        "function_declaration"
            | "function_expression"
            | "arrow_function"
            | "method_definition"
            | "generator_function"
            | "generator_function_declaration"
    )
}

/// What has names, and a `this`, of its own.
pub(super) fn is_inner(kind: &str) -> bool {
    is_function(kind)
        || matches!(kind, "class_declaration" | "class" | "abstract_class_declaration")
}

fn is_block(kind: &str) -> bool {
    matches!(
        kind,
        "program"
            | "statement_block"
            | "for_statement"
            | "for_in_statement"
            | "catch_clause"
            | "switch_body"
            | "class_static_block"
    )
}

/// Calls `visit` for each node outside of inner functions and classes.
pub(super) fn each_own<'tree>(root: Node<'tree>, visit: &mut impl FnMut(Node<'tree>)) {
    let mut open = vec![root];
    while let Some(node) = open.pop() {
        if node != root && is_inner(node.kind()) {
            continue;
        }
        visit(node);
        let mut cursor = node.walk();
        let inner: Vec<Node<'tree>> = node.named_children(&mut cursor).collect();
        open.extend(inner.into_iter().rev());
    }
}

/// Why nobody lowers this function.
pub(super) fn refused(node: Node<'_>, source: &str) -> Option<String> {
    let body = node.child_by_field_name("body").unwrap_or(node);
    if body.has_error() {
        return Some("it has a syntax error".to_owned());
    }
    let is_generator = tokens(node).iter().any(|child| child.kind() == "*")
        || matches!(node.kind(), "generator_function" | "generator_function_declaration");
    if is_generator {
        return Some("it is a generator".to_owned());
    }
    let mut reason = None;
    each_own(node, &mut |inner| match inner.kind() {
        "with_statement" => reason = Some("it uses `with`".to_owned()),
        "identifier" => match text(inner, source) {
            "arguments" if is_changed(inner) => {
                reason = Some("it hands on or changes `arguments`".to_owned());
            }
            "eval" => reason = Some("it uses `eval`".to_owned()),
            _ => {}
        },
        _ => {}
    });
    reason
}

/// Whether `arguments`, which may be other names of the parameters, is more than read.
fn is_changed(node: Node<'_>) -> bool {
    let Some(parent) = node.parent() else { return false };
    match parent.kind() {
        "member_expression" | "subscript_expression" => parent.parent().is_some_and(|outer| {
            matches!(outer.kind(), "assignment_expression" | "augmented_assignment_expression")
                && outer.child_by_field_name("left") == Some(parent)
                || outer.kind() == "update_expression"
        }),
        _ => true,
    }
}

/// The names that a pattern binds.
pub(super) fn bound<'a>(pattern: Node<'_>, source: &'a str, into: &mut Vec<(&'a str, usize)>) {
    let mut open = vec![pattern];
    while let Some(pattern) = open.pop() {
        match pattern.kind() {
            "identifier" | "shorthand_property_identifier_pattern" => {
                into.push((text(pattern, source), pattern.start_byte()));
            }
            "assignment_pattern" | "object_assignment_pattern" => {
                open.extend(pattern.child_by_field_name("left"));
            }
            "pair_pattern" => open.extend(pattern.child_by_field_name("value")),
            "required_parameter" | "optional_parameter" => {
                open.extend(pattern.child_by_field_name("pattern"));
            }
            "object_pattern"
            | "array_pattern"
            | "rest_pattern"
            | "formal_parameters"
            | "parenthesized_expression" => open.extend(children(pattern).into_iter().rev()),
            _ => {}
        }
    }
}

fn declarators<'a>(node: Node<'_>, source: &'a str, into: &mut Vec<(&'a str, usize)>) {
    for declarator in children(node) {
        if let Some(name) = declarator.child_by_field_name("name") {
            bound(name, source, into);
        }
    }
}

/// What stands in a block and is only known there.
pub(super) fn declared<'a>(block: Node<'_>, source: &'a str) -> Vec<Declared<'a>> {
    let mut names = Vec::new();
    let mut functions = Vec::new();
    let mut statements = children(block);
    match block.kind() {
        "switch_body" => statements = statements.into_iter().flat_map(children).collect(),
        "for_in_statement" => {
            let kind = block.child_by_field_name("kind").map(|kind| text(kind, source));
            if let (Some("let" | "const"), Some(left)) = (kind, block.child_by_field_name("left")) {
                bound(left, source, &mut names);
            }
            statements.clear();
        }
        "catch_clause" => {
            if let Some(parameter) = block.child_by_field_name("parameter") {
                bound(parameter, source, &mut names);
            }
            statements.clear();
        }
        "for_statement" => {
            statements = block.child_by_field_name("initializer").into_iter().collect();
        }
        _ => {}
    }
    for statement in statements {
        let inner = match statement.kind() {
            "export_statement" => statement.child_by_field_name("declaration").unwrap_or(statement),
            _ => statement,
        };
        match inner.kind() {
            "lexical_declaration" => declarators(inner, source, &mut names),
            "function_declaration" | "generator_function_declaration" => {
                functions.extend(own_name(inner, source));
            }
            "class_declaration" | "abstract_class_declaration" => {
                names.extend(own_name(inner, source));
            }
            _ => {}
        }
    }
    let named = |is_function| move |(name, at)| Declared { name, at, is_function };
    let names = names.into_iter().map(named(false));
    names.chain(functions.into_iter().map(named(true))).collect()
}

fn own_name<'a>(node: Node<'_>, source: &'a str) -> Option<(&'a str, usize)> {
    let name = node.child_by_field_name("name")?;
    Some((text(name, source), name.start_byte()))
}

/// The `var`s of a function, wherever they stand, and the declaration of each.
pub(super) fn vars<'tree, 'a>(
    function: Node<'tree>,
    source: &'a str,
) -> Vec<((&'a str, usize), Node<'tree>)> {
    let mut all = Vec::new();
    each_own(function, &mut |node| {
        let mut names = Vec::new();
        match node.kind() {
            "variable_declaration" => declarators(node, source, &mut names),
            "for_in_statement" => {
                let kind = node.child_by_field_name("kind").map(|kind| text(kind, source));
                if let (Some("var"), Some(left)) = (kind, node.child_by_field_name("left")) {
                    bound(left, source, &mut names);
                }
            }
            _ => {}
        }
        all.extend(names.into_iter().map(|name| (name, node)));
    });
    all
}

/// The names of a function that functions within it set: they may change at any call.
pub(super) fn written_within(function: Node<'_>, source: &str) -> HashSet<String> {
    let mut names = HashSet::new();
    let mut open = children(function);
    while let Some(node) = open.pop() {
        if is_inner(node.kind()) {
            writes(node, source, &mut Vec::new(), &mut names);
        } else {
            open.extend(children(node));
        }
    }
    names
}

/// What each function and block declares, by the nodes that they are.
#[derive(Debug, Default)]
pub(super) struct Seen<'a>(HashMap<usize, HashSet<&'a str>>);

/// What the functions and blocks around a function declare, the file's outermost level left out.
pub(super) fn enclosing<'a>(
    function: Node<'_>,
    source: &'a str,
    seen: &mut Seen<'a>,
) -> HashSet<String> {
    let mut names = HashSet::new();
    let mut around = function.parent();
    while let Some(node) = around.filter(|node| node.kind() != "program") {
        let own = seen.0.entry(node.id()).or_insert_with(|| own_names(node, source));
        names.extend(own.iter().map(|name| (*name).to_owned()));
        around = node.parent();
    }
    // A function expression knows itself by its own name.
    if function.kind() == "function_expression" {
        names.extend(own_name(function, source).map(|(name, _)| name.to_owned()));
    }
    names
}

/// What a function or block declares for itself.
fn own_names<'a>(node: Node<'_>, source: &'a str) -> HashSet<&'a str> {
    let mut own = HashSet::new();
    if is_function(node.kind()) {
        let mut names = Vec::new();
        for field in ["parameters", "parameter"] {
            if let Some(parameters) = node.child_by_field_name(field) {
                bound(parameters, source, &mut names);
            }
        }
        own.extend(names.into_iter().map(|(name, _)| name));
        own.extend(vars(node, source).into_iter().map(|((name, _), _)| name));
        if node.kind() == "function_expression" {
            own.extend(own_name(node, source).map(|(name, _)| name));
        }
    }
    if is_block(node.kind()) {
        own.extend(declared(node, source).into_iter().map(|declared| declared.name));
    }
    own
}

fn writes<'a>(
    node: Node<'_>,
    source: &'a str,
    scopes: &mut Vec<HashSet<&'a str>>,
    into: &mut HashSet<String>,
) {
    let own = own_names(node, source);
    scopes.push(own);
    if let Some(target) = written(node) {
        let mut names = Vec::new();
        each(target, &mut |inner| {
            if matches!(inner.kind(), "identifier" | "shorthand_property_identifier_pattern") {
                names.push(text(inner, source));
            }
        });
        let outer = names.into_iter().filter(|name| !scopes.iter().any(|own| own.contains(name)));
        into.extend(outer.map(str::to_owned));
    }
    for inner in children(node) {
        writes(inner, source, scopes, into);
    }
    scopes.pop();
}

/// What an expression or a loop writes to.
fn written(node: Node<'_>) -> Option<Node<'_>> {
    match node.kind() {
        "assignment_expression" | "augmented_assignment_expression" => {
            node.child_by_field_name("left")
        }
        "update_expression" => node.child_by_field_name("argument"),
        "for_in_statement" if node.child_by_field_name("kind").is_none() => {
            node.child_by_field_name("left")
        }
        _ => None,
    }
}

impl Lowering<'_> {
    /// Declares the `var`s: they are undefined from the start, unless every use of one stands
    /// where its declaration has given it a value.
    pub(super) fn declare_vars(&mut self, function: Node<'_>) {
        let all = vars(function, self.source);
        let mut names = HashSet::new();
        for ((name, at), _) in &all {
            if !names.insert(*name) || self.local(name).is_some() {
                continue;
            }
            let local = self.declare(name, *at);
            let own = all.iter().filter(|((other, _), _)| other == name);
            let ranges: Option<Vec<_>> = own.map(|(_, node)| given_within(*node)).collect();
            if !ranges.is_some_and(|ranges| self.stands_within(function, name, &ranges)) {
                self.store_local(local, &Value::undefined());
            }
        }
    }

    fn stands_within(&self, function: Node<'_>, name: &str, ranges: &[(usize, usize)]) -> bool {
        let mut within = true;
        each(function, &mut |node| {
            if node.kind() == "identifier" && self.text(node) == name {
                let at = node.start_byte();
                within &= ranges.iter().any(|(start, end)| *start <= at && at < *end);
            }
        });
        within
    }
}

/// Where a declaration with values has been carried out; None if it gives none.
fn given_within(declaration: Node<'_>) -> Option<(usize, usize)> {
    let start = declaration.start_byte();
    if declaration.kind() == "for_in_statement" {
        return Some((start, declaration.child_by_field_name("body")?.end_byte()));
    }
    let has_value = |declarator: Node<'_>| declarator.child_by_field_name("value").is_some();
    if !children(declaration).into_iter().all(has_value) {
        return None;
    }
    let mut around = declaration.parent()?;
    if around.kind() == "for_statement" {
        around = around.parent()?;
    }
    Some((start, around.end_byte()))
}
