//! Which nodes of a syntax tree define something, and how they name it.

use domain::Language;
use tree_sitter::Node;

/// Names are cut there; nobody searches for more.
const NAME_BYTES_MAX: usize = 120;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A function or a type without members that are functions: one thing to find.
    Leaf,
    /// A class, module or impl: what is in it is found by itself.
    Container,
}

pub(crate) struct Definition {
    pub(crate) name: String,
    pub(crate) shape: Shape,
}

/// What `node` defines, if anything.
pub(crate) fn definition(language: Language, node: Node<'_>, source: &str) -> Option<Definition> {
    let shape = match language {
        Language::Python => python(node.kind()),
        Language::JavaScript | Language::TypeScript | Language::Tsx => script(node),
        Language::Go => go(node.kind()),
        Language::Java => java(node.kind()),
        Language::Rust => rust(node.kind()),
    }?;
    let name = name(node, source)?;
    Some(Definition { name, shape })
}

/// Whether `kind` is what people write above a definition and mean as part of it.
pub(crate) fn is_preamble(kind: &str) -> bool {
    matches!(kind, "comment" | "line_comment" | "block_comment" | "attribute_item" | "decorator")
}

fn python(kind: &str) -> Option<Shape> {
    match kind {
        "function_definition" => Some(Shape::Leaf),
        "class_definition" => Some(Shape::Container),
        _ => None,
    }
}

fn script(node: Node<'_>) -> Option<Shape> {
    match node.kind() {
        "function_declaration"
        | "generator_function_declaration"
        | "method_definition"
        | "interface_declaration"
        | "enum_declaration"
        | "type_alias_declaration" => Some(Shape::Leaf),
        "class_declaration" | "abstract_class_declaration" | "internal_module" | "module" => {
            Some(Shape::Container)
        }
        // `const name = () => …`, `name: function () …`, `exports.name = function () …`.
        "variable_declarator" | "pair" | "public_field_definition" | "field_definition" => {
            script_value(node.child_by_field_name("value")?)
        }
        "assignment_expression" => script_value(node.child_by_field_name("right")?),
        _ => None,
    }
}

fn script_value(value: Node<'_>) -> Option<Shape> {
    match value.kind() {
        "arrow_function" | "function_expression" | "generator_function" => Some(Shape::Leaf),
        "class" => Some(Shape::Container),
        _ => None,
    }
}

fn go(kind: &str) -> Option<Shape> {
    matches!(kind, "function_declaration" | "method_declaration" | "type_spec")
        .then_some(Shape::Leaf)
}

fn java(kind: &str) -> Option<Shape> {
    match kind {
        "method_declaration" | "constructor_declaration" | "compact_constructor_declaration" => {
            Some(Shape::Leaf)
        }
        "class_declaration"
        | "interface_declaration"
        | "enum_declaration"
        | "record_declaration"
        | "annotation_type_declaration" => Some(Shape::Container),
        _ => None,
    }
}

fn rust(kind: &str) -> Option<Shape> {
    match kind {
        "function_item" | "struct_item" | "enum_item" | "union_item" | "macro_definition" => {
            Some(Shape::Leaf)
        }
        "impl_item" | "trait_item" | "mod_item" => Some(Shape::Container),
        _ => None,
    }
}

fn name(node: Node<'_>, source: &str) -> Option<String> {
    let named = ["name", "key", "property", "left"]
        .into_iter()
        .find_map(|field| node.child_by_field_name(field))
        // A Rust `impl` is named by its type.
        .or_else(|| node.child_by_field_name("type"))?;
    let text = bare(&source[named.byte_range()]);
    let receiver = node
        .child_by_field_name("receiver")
        .and_then(|receiver| receiver_type(&source[receiver.byte_range()]));
    let name = match receiver {
        Some(receiver) => format!("{receiver}::{text}"),
        None => text.to_owned(),
    };
    (!name.is_empty()).then_some(name)
}

/// Without type arguments, and not longer than a name has to be.
fn bare(text: &str) -> &str {
    let text = text.split(['<', '\n']).next().unwrap_or_default().trim();
    &text[..text.floor_char_boundary(NAME_BYTES_MAX)]
}

/// `Stack` of Go's `(s *Stack[T])`.
fn receiver_type(receiver: &str) -> Option<&str> {
    let inner = receiver.trim_matches(['(', ')']);
    let inner = inner.split('[').next()?;
    inner.rsplit([' ', '*']).find(|word| !word.is_empty()).map(bare)
}
