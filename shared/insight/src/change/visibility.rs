//! Who may see a symbol, by the rules of its language.
//!
//! | language | seen from outside |
//! |---|---|
//! | Python | no part of its name or module starts with `_`; with `__all__`, what that lists |
//! | JavaScript, TypeScript | what is exported; members that are neither `private` nor `#own` |
//! | Go | names that start with an upper-case letter, outside `main`, `internal` and tests |
//! | Java | `public` and `protected`, and so all types around it; members of interfaces |
//! | Rust | plain `pub`, and so all modules and types around it in the file; not in `main.rs` |
//!
//! What is declared inside a function is seen by nobody, and tests are no one's interface.

use std::collections::BTreeSet;

use analysis::{Symbol, SymbolKind};
use domain::Language;
use tree_sitter::Node;

use super::files::{folder, name};
use crate::{Read, read::walk};

pub(super) struct Visibility<'r, 'a> {
    read: &'r Read<'a>,
    /// The file as a whole is nobody's interface.
    closed: bool,
    /// Names that a list of exports gives; `None`: there is no list.
    listed: Option<BTreeSet<&'a str>>,
    /// Types of this file that are not public: what is implemented for them is not either.
    hidden: BTreeSet<String>,
}

impl<'r, 'a> Visibility<'r, 'a> {
    pub(super) fn of(read: &'r Read<'a>) -> Self {
        let mut visibility =
            Self { read, closed: is_closed(read), listed: listed(read), hidden: BTreeSet::new() };
        if read.language == Language::Rust {
            let types = read.symbols_of(SymbolKind::Type);
            let hidden = types.filter(|symbol| !visibility.own(symbol, None));
            visibility.hidden = hidden.map(|symbol| symbol.name.clone()).collect();
        }
        visibility
    }

    /// For each symbol, in their order, whether others see it.
    pub(super) fn of_symbols(&self, symbols: &[Symbol]) -> Vec<bool> {
        let mut public: Vec<bool> = Vec::with_capacity(symbols.len());
        let mut open: Vec<usize> = Vec::new();
        for (index, symbol) in symbols.iter().enumerate() {
            while open.last().is_some_and(|outer| symbols[*outer].bytes.end <= symbol.bytes.start) {
                open.pop();
            }
            let outer = open.last().map(|outer| &symbols[*outer]);
            let around = open
                .last()
                .is_none_or(|outer| public[*outer] && symbols[*outer].kind != SymbolKind::Function);
            public.push(!self.closed && around && self.own(symbol, outer));
            open.push(index);
        }
        public
    }

    /// Whether a symbol may be seen by those who see what is around it.
    fn own(&self, symbol: &Symbol, outer: Option<&Symbol>) -> bool {
        let Some(node) = self.read.node_of(symbol) else { return false };
        let last = symbol.name.rsplit('.').next().unwrap_or(&symbol.name);
        match self.read.language {
            Language::Python => self.python(last, outer),
            Language::JavaScript | Language::TypeScript | Language::Tsx => {
                self.script(node, last, outer)
            }
            Language::Go => symbol.name.split('.').all(|part| part.starts_with(char::is_uppercase)),
            Language::Java => self.java(node, outer),
            Language::Rust => self.rust(node, symbol, outer),
        }
    }

    fn python(&self, last: &str, outer: Option<&Symbol>) -> bool {
        if let (Some(listed), None) = (&self.listed, outer) {
            return listed.contains(last);
        }
        !last.starts_with('_') || (last.starts_with("__") && last.ends_with("__"))
    }

    fn script(&self, node: Node<'_>, last: &str, outer: Option<&Symbol>) -> bool {
        if outer.is_some() {
            let text = self.read.text_of(node);
            return !last.starts_with('#')
                && !text.starts_with("private ")
                && !text.starts_with("protected ");
        }
        self.is_exported(node) || self.listed.as_ref().is_some_and(|listed| listed.contains(last))
    }

    /// Whether the statement around a declaration exports it.
    fn is_exported(&self, node: Node<'_>) -> bool {
        let mut at = node;
        while let Some(parent) = at.parent() {
            match parent.kind() {
                "export_statement" => return true,
                "assignment_expression" => {
                    let left = parent.child_by_field_name("left");
                    let left = left.map(|left| self.read.text_of(left)).unwrap_or_default();
                    return left.starts_with("module.exports") || left.starts_with("exports.");
                }
                "variable_declarator"
                | "lexical_declaration"
                | "variable_declaration"
                | "pair"
                | "object"
                | "parenthesized_expression" => at = parent,
                _ => return false,
            }
        }
        false
    }

    fn java(&self, node: Node<'_>, outer: Option<&Symbol>) -> bool {
        let mut cursor = node.walk();
        let modifiers = node.named_children(&mut cursor).find(|it| it.kind() == "modifiers");
        let modifiers = modifiers.map(|it| self.read.text_of(it)).unwrap_or_default();
        let says = |word| modifiers.split_whitespace().any(|said| said == word);
        let outer = outer.and_then(|outer| self.read.node_of(outer));
        let in_interface = outer.is_some_and(|outer| {
            matches!(outer.kind(), "interface_declaration" | "annotation_type_declaration")
        });
        says("public") || says("protected") || (in_interface && !says("private"))
    }

    fn rust(&self, node: Node<'_>, symbol: &Symbol, outer: Option<&Symbol>) -> bool {
        if node.kind() == "impl_item" {
            // What a trait demands is the trait's to change.
            return node.child_by_field_name("trait").is_none()
                && !self.hidden.contains(&symbol.name);
        }
        let outer = outer.and_then(|outer| self.read.node_of(outer));
        if outer.is_some_and(|outer| outer.kind() == "trait_item") {
            return true;
        }
        let mut cursor = node.walk();
        let modifier =
            node.named_children(&mut cursor).find(|it| it.kind() == "visibility_modifier");
        modifier.is_some_and(|it| self.read.text_of(it) == "pub")
    }
}

fn is_closed(read: &Read<'_>) -> bool {
    let path = read.path;
    if analysis::is_demoted_by_name(path) {
        return true;
    }
    let stem = name(path).split('.').next().unwrap_or_default();
    match read.language {
        Language::Python => path.split('/').any(|part| {
            let part = part.strip_suffix(".py").unwrap_or(part);
            part.starts_with('_') && !part.starts_with("__")
        }),
        Language::Go => {
            folder(path).split('/').any(|part| part == "internal")
                || read.text.lines().any(|line| line.trim_end() == "package main")
        }
        Language::Rust => stem == "main" || stem == "build" || path.contains("/bin/"),
        Language::JavaScript | Language::TypeScript | Language::Tsx | Language::Java => false,
    }
}

/// The names in `__all__`, `export { … }`, `export default name` and `module.exports = { … }`.
fn listed<'a>(read: &Read<'a>) -> Option<BTreeSet<&'a str>> {
    let mut found = None;
    match read.language {
        Language::Python => walk(read.root(), |node| {
            let is_list = node.kind() == "assignment"
                && node.child_by_field_name("left").is_some_and(|it| read.text_of(it) == "__all__");
            if is_list && let Some(right) = node.child_by_field_name("right") {
                let names = found.get_or_insert_with(BTreeSet::new);
                walk(right, |inner| {
                    if inner.kind() == "string_content" {
                        names.insert(read.text_of(inner));
                    }
                    true
                });
            }
            matches!(node.kind(), "module" | "expression_statement")
        }),
        Language::JavaScript | Language::TypeScript | Language::Tsx => {
            walk(read.root(), |node| {
                let names: &mut BTreeSet<&str> = found.get_or_insert_with(BTreeSet::new);
                match node.kind() {
                    "export_specifier" => {
                        names.extend(node.child_by_field_name("name").map(|it| read.text_of(it)));
                    }
                    "export_statement" => {
                        let value = node.child_by_field_name("value");
                        names.extend(
                            value.filter(|it| it.kind() == "identifier").map(|it| read.text_of(it)),
                        );
                    }
                    "assignment_expression" => common_js(read, node, names),
                    _ => {}
                }
                matches!(
                    node.kind(),
                    "program" | "export_statement" | "export_clause" | "expression_statement"
                )
            });
        }
        Language::Go | Language::Java | Language::Rust => {}
    }
    found
}

fn common_js<'a>(read: &Read<'a>, node: Node<'_>, names: &mut BTreeSet<&'a str>) {
    let text = |field| node.child_by_field_name(field).map(|it| read.text_of(it));
    let left = text("left").unwrap_or_default();
    if left != "module.exports"
        && !left.starts_with("exports.")
        && !left.starts_with("module.exports.")
    {
        return;
    }
    let Some(right) = node.child_by_field_name("right") else { return };
    if right.kind() == "identifier" {
        names.insert(read.text_of(right));
    }
    let mut cursor = right.walk();
    for entry in right.named_children(&mut cursor) {
        match entry.kind() {
            "shorthand_property_identifier" => {
                names.insert(read.text_of(entry));
            }
            "pair" => {
                let value = entry.child_by_field_name("value");
                names.extend(
                    value.filter(|it| it.kind() == "identifier").map(|it| read.text_of(it)),
                );
            }
            _ => {}
        }
    }
}
