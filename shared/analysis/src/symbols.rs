//! Functions, types and modules of a file, with the path that names each.

use std::{collections::BTreeMap, ops::Range, sync::OnceLock};

use domain::{Language, LineRange};
use tree_sitter::{Node, Tree, TreeCursor};

use crate::{
    Clock,
    excerpt::normalised,
    grammar::Grammar,
    tree::{Stopped, walk},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SymbolKind {
    Function,
    /// A class, struct, enum, interface, trait or record.
    Type,
    /// A Rust module or `impl` block: it holds symbols and is neither function nor type.
    Scope,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbol {
    /// Qualified by what encloses it, such as `Server.start`.
    pub name: String,
    pub kind: SymbolKind,
    pub lines: LineRange,
    /// Where it stands in the text, so that its node is found in the file's tree.
    pub bytes: Range<usize>,
}

/// Collects symbols while a file is walked, and knows which one encloses the present node.
pub(crate) struct SymbolCollector<'a> {
    kinds: &'static [Option<SymbolKind>],
    language: Language,
    text: &'a str,
    found: Vec<Symbol>,
    /// Depth and index of each symbol that encloses the present node.
    open: Vec<(usize, usize)>,
}

impl<'a> SymbolCollector<'a> {
    pub(crate) fn new(language: Language, text: &'a str) -> Self {
        let kinds = kinds(language);
        Self { kinds, language, text, found: Vec::new(), open: Vec::new() }
    }

    pub(crate) fn enter(&mut self, cursor: &TreeCursor<'_>, depth: usize) {
        while self.open.last().is_some_and(|(opened, _)| *opened >= depth) {
            self.open.pop();
        }
        let node = cursor.node();
        let kind = self.kinds.get(usize::from(node.kind_id())).copied().flatten();
        let Some(kind) = kind.filter(|_| node.is_named()) else { return };
        let Some(name) = name(self.language, node, self.text) else { return };
        let name = match self.enclosing() {
            Some(outer) => format!("{}.{name}", self.found[outer].name),
            None => name,
        };
        self.open.push((depth, self.found.len()));
        self.found.push(Symbol { name, kind, lines: lines(node), bytes: node.byte_range() });
    }

    /// Index of the innermost symbol around the present node, itself included.
    pub(crate) fn enclosing(&self) -> Option<usize> {
        self.open.last().map(|(_, index)| *index)
    }

    pub(crate) fn finish(self) -> Vec<Symbol> {
        self.found
    }
}

/// By first and last byte: what encloses a node, and its normalised code.
pub(crate) type Described = BTreeMap<(usize, usize), (String, String)>;

/// Enclosing symbol and normalised code of each of the nodes that have these bytes.
pub(crate) fn described(
    language: Language,
    text: &str,
    tree: &Tree,
    clock: Clock,
    nodes: impl Iterator<Item = Range<usize>>,
) -> Result<Described, Stopped> {
    let mut open: BTreeMap<(usize, usize), Option<_>> =
        nodes.map(|bytes| ((bytes.start, bytes.end), None)).collect();
    let Some((first, _)) = open.first_key_value() else { return Ok(BTreeMap::new()) };
    // A walk comes by the beginnings of nodes in order: few of them are worth a look.
    let mut awaited = first.0;
    let mut collector = SymbolCollector::new(language, text);
    walk(tree, clock, |cursor, depth| {
        collector.enter(cursor, depth);
        let node = cursor.node();
        let start = node.start_byte();
        if start < awaited {
            return;
        }
        if start > awaited {
            let next = open.range((start, 0)..).next();
            awaited = next.map_or(usize::MAX, |(bytes, _)| bytes.0);
        }
        let bytes = (start, node.end_byte());
        if let Some(empty) = open.get_mut(&bytes).filter(|entry| entry.is_none()) {
            *empty = Some((collector.enclosing(), normalised(node, text)));
        }
    })?;
    let symbols = collector.finish();
    let named = open.into_iter().map(|(bytes, found)| {
        let (symbol, normalised) = found.unwrap_or_default();
        let symbol = symbol.map(|index| symbols[index].name.clone());
        (bytes, (symbol.unwrap_or_default(), normalised))
    });
    Ok(named.collect())
}

pub(crate) fn lines(node: Node<'_>) -> LineRange {
    let first = node.start_position().row;
    let end = node.end_position();
    // A node that ends at a line's very beginning does not reach into that line.
    let last = if end.column == 0 && end.row > first { end.row - 1 } else { end.row };
    LineRange { first: line_number(first), last: line_number(last) }
}

fn line_number(row: usize) -> u32 {
    u32::try_from(row + 1).unwrap_or(u32::MAX)
}

/// What each kind of node means, indexed by its id, so that a walk costs one look-up a node.
fn kinds(language: Language) -> &'static [Option<SymbolKind>] {
    static TABLES: [OnceLock<Vec<Option<SymbolKind>>>; Language::ALL.len()] =
        [const { OnceLock::new() }; Language::ALL.len()];
    TABLES[language as usize].get_or_init(|| {
        let grammar = Grammar(language).tree_sitter();
        let mut table = vec![None; grammar.node_kind_count()];
        for (kind, names) in [
            (SymbolKind::Function, functions(language)),
            (SymbolKind::Type, types(language)),
            (SymbolKind::Scope, scopes(language)),
        ] {
            for name in names {
                table[usize::from(grammar.id_for_node_kind(name, true))] = Some(kind);
            }
        }
        // Id 0 is what the grammar answers for a kind it does not have.
        table[0] = None;
        table
    })
}

fn functions(language: Language) -> &'static [&'static str] {
    match language {
        Language::Python => &["function_definition"],
        Language::JavaScript | Language::TypeScript | Language::Tsx => &[
            "function_declaration",
            "generator_function_declaration",
            "method_definition",
            "arrow_function",
            "function_expression",
            "generator_function",
        ],
        Language::Go => &["function_declaration", "method_declaration"],
        Language::Java => &["method_declaration", "constructor_declaration"],
        Language::Rust => &["function_item"],
    }
}

fn types(language: Language) -> &'static [&'static str] {
    match language {
        Language::Python => &["class_definition"],
        Language::JavaScript => &["class_declaration", "class"],
        Language::TypeScript | Language::Tsx => &[
            "class_declaration",
            "abstract_class_declaration",
            "class",
            "interface_declaration",
            "enum_declaration",
        ],
        Language::Go => &["type_spec"],
        Language::Java => &[
            "class_declaration",
            "interface_declaration",
            "enum_declaration",
            "record_declaration",
            "annotation_type_declaration",
        ],
        Language::Rust => &["struct_item", "enum_item", "union_item", "trait_item"],
    }
}

fn scopes(language: Language) -> &'static [&'static str] {
    match language {
        Language::Rust => &["mod_item", "impl_item"],
        Language::Python
        | Language::JavaScript
        | Language::TypeScript
        | Language::Tsx
        | Language::Go
        | Language::Java => &[],
    }
}

fn name(language: Language, node: Node<'_>, text: &str) -> Option<String> {
    let own = match node.kind() {
        "impl_item" => bare_type(node.child_by_field_name("type")?, text),
        _ => match node.child_by_field_name("name") {
            Some(name) => text_of(name, text)?.to_owned(),
            None => assigned_name(node, text)?,
        },
    };
    // A Go method stands outside its type; the receiver says where it belongs.
    let receiver = (language == Language::Go)
        .then(|| node.child_by_field_name("receiver"))
        .flatten()
        .and_then(|receiver| receiver.named_child(0))
        .and_then(|parameter| parameter.child_by_field_name("type"))
        .map(|receiver| bare_type(receiver, text));
    Some(match receiver {
        Some(receiver) => format!("{receiver}.{own}"),
        None => own,
    })
}

/// The name that an anonymous function or class is stored under, if it is.
fn assigned_name(node: Node<'_>, text: &str) -> Option<String> {
    let parent = node.parent()?;
    let field = match parent.kind() {
        "variable_declarator" | "public_field_definition" => "name",
        "field_definition" => "property",
        "pair" => "key",
        "assignment_expression" => "left",
        _ => return None,
    };
    Some(text_of(parent.child_by_field_name(field)?, text)?.to_owned())
}

/// A type without its pointer, reference and parameters: `*Server[T]` is `Server`.
fn bare_type(node: Node<'_>, text: &str) -> String {
    let whole = text_of(node, text).unwrap_or_default();
    let start = whole.trim_start_matches(['*', '&', '(', ' ']);
    let end = start.find(['<', '[', '(', ')', ' ']).unwrap_or(start.len());
    start[..end].to_owned()
}

fn text_of<'a>(node: Node<'_>, text: &'a str) -> Option<&'a str> {
    text.get(node.byte_range())
}
