//! What a file declares: each function and type with its signature, and whether others see it.

use std::collections::HashSet;

use analysis::{Symbol, SymbolKind};
use domain::Language;
use tree_sitter::Node;

use super::{
    parameter::{Parameter, parameters},
    symbol::SymbolType,
    visibility::Visibility,
};
use crate::{
    Read,
    read::{contains, is_comment, walk},
};

/// Longer signatures are cut when they are shown; they are compared whole.
const SHOWN_CHARS_MAX: usize = 300;
/// Stands for a string: it may be a secret.
const MASK: &str = "\"…\"";

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Declaration {
    pub(super) name: String,
    pub(super) kind: SymbolType,
    pub(super) line: u32,
    pub(super) public: bool,
    /// It is in the product of no build.
    pub(super) test: bool,
    pub(super) signature: String,
    /// The same for readers: what strings hold is nobody's business.
    pub(super) shown: String,
    /// The signature without its name, parameters, result and visibility.
    pub(super) rest: String,
    pub(super) parameters: Vec<Parameter>,
    pub(super) result: Option<String>,
    /// What a type promises by name: fields, variants, methods without a body.
    pub(super) members: Vec<Member>,
    /// The tokens of the body, without comments and without what is declared in it.
    pub(super) body: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) text: String,
    /// The text for readers.
    pub(super) shown: String,
}

fn cut(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN_CHARS_MAX).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

/// The bytes of every function and type of a file.
type Declared = HashSet<(usize, usize)>;

fn range_of(node: Node<'_>) -> (usize, usize) {
    (node.start_byte(), node.end_byte())
}

/// In the order of the file. What is declared inside a function is a part of that function.
pub(super) fn declarations(read: &Read<'_>) -> Vec<Declaration> {
    let visibility = Visibility::of(read);
    let public = visibility.of_symbols(&read.symbols);
    let tests = read.test_modules();
    let ranges = |symbol: &Symbol| (symbol.bytes.start, symbol.bytes.end);
    let declared = read.symbols.iter().filter(|symbol| symbol.kind != SymbolKind::Scope);
    let declared: Declared = declared.map(ranges).collect();
    // The symbols stand in the order of the file, what is around others first.
    let mut function_end = 0;
    let symbols = read.symbols.iter().zip(public).filter(|(symbol, _)| {
        let is_local = symbol.bytes.start < function_end;
        if symbol.kind == SymbolKind::Function {
            function_end = function_end.max(symbol.bytes.end);
        }
        !is_local
    });
    symbols
        .filter_map(|(symbol, public)| {
            let test = tests.iter().any(|module| contains(*module, symbol.lines));
            Some(Declaration { test, ..declaration(read, symbol, public && !test, &declared)? })
        })
        .collect()
}

fn declaration(
    read: &Read<'_>,
    symbol: &Symbol,
    public: bool,
    declared: &Declared,
) -> Option<Declaration> {
    let kind = match symbol.kind {
        SymbolKind::Function => SymbolType::Function,
        SymbolKind::Type => SymbolType::Type,
        SymbolKind::Scope => return None,
    };
    let node = read.node_of(symbol)?;
    let body = body_of(node);
    let end = body.map_or(node.end_byte(), |body| body.start_byte());
    let range = node.start_byte()..end;
    let signature = plain(read, node, range.clone(), &[], false);
    let shown = plain(read, node, range.clone(), &[], true);
    let result = result_of(read.language, node);
    let own_name = node.child_by_field_name("name");
    let list = node.child_by_field_name("parameters");
    let left_out: Vec<Node<'_>> = [own_name, list, result].into_iter().flatten().collect();
    let rest = bare(&plain(read, node, range, &left_out, false));
    Some(Declaration {
        name: symbol.name.clone(),
        kind,
        line: symbol.lines.first,
        public,
        test: false,
        signature: named(own_name.is_some(), &symbol.name, &signature),
        shown: cut(&named(own_name.is_some(), &symbol.name, &shown)),
        rest,
        parameters: parameters(read, node),
        result: result.map(|result| {
            plain(read, result, result.byte_range(), &[], false)
                .trim_start_matches([':', ' '])
                .to_owned()
        }),
        members: if kind == SymbolType::Type { members(read, node, declared) } else { Vec::new() },
        body: body.map(|body| tokens(read, body, kind, declared)).unwrap_or_default(),
    })
}

/// The part of a declaration that is not its signature.
fn body_of(node: Node<'_>) -> Option<Node<'_>> {
    node.child_by_field_name("body").or_else(|| {
        // Go writes a type as a name and what it is.
        let held = node.child_by_field_name("type")?;
        let mut cursor = held.walk();
        matches!(held.kind(), "struct_type" | "interface_type")
            .then(|| held.named_children(&mut cursor).next())
            .flatten()
    })
}

fn result_of(language: Language, node: Node<'_>) -> Option<Node<'_>> {
    let field = match language {
        Language::Python | Language::TypeScript | Language::Tsx | Language::Rust => "return_type",
        Language::Go => "result",
        Language::Java => "type",
        Language::JavaScript => return None,
    };
    node.child_by_field_name(field).filter(|_| node.kind() != "type_spec")
}

/// An anonymous function is called by what it is stored under.
fn named(has_name: bool, name: &str, signature: &str) -> String {
    if has_name {
        return signature.to_owned();
    }
    let own = name.rsplit('.').next().unwrap_or(name);
    format!("{own} = {signature}")
}

/// The text of a range with comments, annotations and the `cut` nodes left out, blanks reduced,
/// and without the sign that opens a body; `masked` hides what strings hold.
fn plain(
    read: &Read<'_>,
    node: Node<'_>,
    range: std::ops::Range<usize>,
    cut: &[Node<'_>],
    masked: bool,
) -> String {
    let mut text = String::new();
    let mut at = range.start;
    walk(node, |inner| {
        if inner.start_byte() >= range.end {
            return false;
        }
        let left_out = is_comment(inner)
            || matches!(inner.kind(), "annotation" | "marker_annotation")
            || cut.iter().any(|cut| cut.id() == inner.id());
        let hidden = masked && is_string(inner);
        if (left_out || hidden) && inner.start_byte() >= at {
            text.push_str(read.text.get(at..inner.start_byte()).unwrap_or_default());
            text.push_str(if hidden { MASK } else { " " });
            at = inner.end_byte();
        }
        !left_out && !hidden
    });
    text.push_str(read.text.get(at.min(range.end)..range.end).unwrap_or_default());
    let text = reduced(&text);
    text.trim_end_matches([':', '{', ';', ' ']).trim_end_matches("=>").trim_end().to_owned()
}

fn is_string(node: Node<'_>) -> bool {
    node.is_named()
        && matches!(
            node.kind(),
            "string"
                | "concatenated_string"
                | "template_string"
                | "string_literal"
                | "raw_string_literal"
                | "interpreted_string_literal"
                | "text_block"
        )
}

fn reduced(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = text.replace("( ", "(").replace(" )", ")").replace(",)", ")");
    text.replace("[ ", "[").replace(" ]", "]").replace(" ,", ",")
}

/// Without visibility, which is compared apart, and without the sign before a result.
fn bare(text: &str) -> String {
    let text = text
        .strip_prefix("pub(")
        .map_or(text, |rest| rest.split_once(')').map_or(text, |(_, rest)| rest.trim_start()));
    let words = text.split_whitespace();
    let kept =
        words.filter(|word| !matches!(*word, "pub" | "public" | "private" | "protected" | "->"));
    kept.collect::<Vec<_>>().join(" ")
}

/// The tokens of a node, each apart, without comments and without inner declarations that are
/// compared by themselves.
fn tokens(read: &Read<'_>, node: Node<'_>, kind: SymbolType, declared: &Declared) -> String {
    let mut tokens = String::new();
    walk(node, |inside| {
        if is_comment(inside) || is_docstring(inside) {
            return false;
        }
        let inner = inside.id() != node.id() && declared.contains(&range_of(inside));
        if kind == SymbolType::Type && inner {
            return false;
        }
        // A string is one token, blanks and all.
        let whole = inside.child_count() == 0 || inside.kind().contains("string");
        if whole {
            tokens.push_str(read.text_of(inside));
            tokens.push('\n');
        }
        !whole
    });
    tokens
}

/// A statement that is nothing but a string, as Python's documentation is.
fn is_docstring(node: Node<'_>) -> bool {
    node.kind() == "expression_statement"
        && node.named_child_count() == 1
        && node.named_child(0).is_some_and(|child| child.kind() == "string")
}

fn members(read: &Read<'_>, node: Node<'_>, declared: &Declared) -> Vec<Member> {
    let own = range_of(node);
    let mut members = Vec::new();
    walk(node, |inner| {
        if range_of(inner) == own {
            return true;
        }
        if declared.contains(&range_of(inner)) {
            return false;
        }
        if !is_member(read, inner) {
            return true;
        }
        let text = plain(read, inner, inner.byte_range(), &[], false);
        let shown = cut(&plain(read, inner, inner.byte_range(), &[], true));
        members.extend(names_of(read, inner).into_iter().map(|name| Member {
            name,
            text: text.clone(),
            shown: shown.clone(),
        }));
        false
    });
    members
}

fn is_member(read: &Read<'_>, node: Node<'_>) -> bool {
    match (read.language, node.kind()) {
        (Language::Rust, "enum_variant" | "function_signature_item") => true,
        (Language::Rust, "field_declaration") => {
            let mut cursor = node.walk();
            let modifier =
                node.named_children(&mut cursor).find(|it| it.kind() == "visibility_modifier");
            modifier.is_some_and(|it| read.text_of(it) == "pub")
        }
        (Language::Go, "method_elem") => true,
        (Language::Go, "field_declaration") => {
            names_of(read, node).iter().any(|name| name.starts_with(char::is_uppercase))
        }
        (Language::TypeScript | Language::Tsx, "property_signature" | "method_signature") => true,
        (Language::TypeScript | Language::Tsx, "public_field_definition") => {
            let text = read.text_of(node);
            !text.starts_with("private") && !text.starts_with("protected") && !text.starts_with('#')
        }
        (Language::Java, "enum_constant") => true,
        (Language::Java, "field_declaration") => read.text_of(node).contains("public "),
        _ => false,
    }
}

fn names_of(read: &Read<'_>, node: Node<'_>) -> Vec<String> {
    let mut cursor = node.walk();
    let names =
        node.children_by_field_name("name", &mut cursor).map(|it| read.text_of(it).to_owned());
    let names: Vec<String> = names.collect();
    if !names.is_empty() {
        return names;
    }
    let mut cursor = node.walk();
    let declared = node.children_by_field_name("declarator", &mut cursor);
    declared
        .filter_map(|it| it.child_by_field_name("name").map(|name| read.text_of(name).to_owned()))
        .collect()
}
