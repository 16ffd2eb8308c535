//! How each sign looks in each language.

use domain::Language;
use tree_sitter::Node;

use crate::{Read, read::is_comment};

/// What loggers are called, in lower case.
const LOGGERS: [&str; 8] =
    ["log", "logger", "logging", "slog", "tracing", "console", "glog", "zap"];
/// What loggers do, in lower case; `errorf` and the like begin with one.
const LEVELS: [&str; 12] = [
    "debug",
    "info",
    "warn",
    "warning",
    "error",
    "exception",
    "critical",
    "fatal",
    "trace",
    "print",
    "panic",
    "notice",
];

fn named_children<'t>(node: Node<'t>) -> Vec<Node<'t>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor).collect()
}

/// What is called, as it stands: `log.Printf`, or `assert_eq` for a macro.
fn callee<'a>(read: &Read<'a>, node: Node<'_>) -> Option<&'a str> {
    let field = match (read.language, node.kind()) {
        (Language::Python, "call") => "function",
        (
            Language::JavaScript | Language::TypeScript | Language::Tsx | Language::Go,
            "call_expression",
        ) => "function",
        (Language::Rust, "macro_invocation") => "macro",
        _ => return None,
    };
    node.child_by_field_name(field).map(|called| read.text_of(called))
}

pub(super) fn is_assertion(read: &Read<'_>, node: Node<'_>) -> bool {
    if matches!(read.language, Language::Python | Language::Java)
        && node.kind() == "assert_statement"
    {
        return true;
    }
    if read.language == Language::Java && node.kind() == "method_invocation" {
        let name = node.child_by_field_name("name").map(|name| read.text_of(name));
        return name.is_some_and(|name| name.starts_with("assert") || name == "requireNonNull");
    }
    let Some(called) = callee(read, node) else { return false };
    match read.language {
        Language::Rust => {
            matches!(
                called,
                "assert"
                    | "assert_eq"
                    | "assert_ne"
                    | "debug_assert"
                    | "debug_assert_eq"
                    | "debug_assert_ne"
                    | "assert_matches"
            )
        }
        Language::JavaScript | Language::TypeScript | Language::Tsx => {
            matches!(called, "assert" | "expect" | "console.assert")
                || called.starts_with("assert.")
        }
        Language::Go => {
            ["t.Error", "t.Fatal", "assert.", "require."].iter().any(|it| called.starts_with(it))
        }
        Language::Python => called.starts_with("self.assert"),
        Language::Java => false,
    }
}

pub(super) fn is_logging(read: &Read<'_>, node: Node<'_>) -> bool {
    let (object, method) = match (read.language, node.kind()) {
        (Language::Java, "method_invocation") => {
            let text = |field| node.child_by_field_name(field).map(|it| read.text_of(it));
            (text("object").unwrap_or_default(), text("name").unwrap_or_default())
        }
        (Language::Rust, "macro_invocation") => {
            let called = callee(read, node).unwrap_or_default();
            let (krate, name) = called.rsplit_once("::").unwrap_or(("log", called));
            // `print!` and `panic!` are no loggers, whatever they print.
            return matches!(name, "trace" | "debug" | "info" | "warn" | "error")
                && matches!(krate, "log" | "tracing");
        }
        _ => callee(read, node).and_then(|called| called.rsplit_once('.')).unwrap_or_default(),
    };
    let object = object.rsplit('.').next().unwrap_or(object).trim_end_matches("()");
    let (object, method) = (object.to_ascii_lowercase(), method.to_ascii_lowercase());
    LOGGERS.contains(&object.trim_start_matches('_'))
        && LEVELS.iter().any(|level| method.starts_with(level))
}

/// Whether a node is a handler of errors, and then whether it tells them apart.
pub(in crate::trust) fn handler(read: &Read<'_>, node: Node<'_>) -> Option<bool> {
    match (read.language, node.kind()) {
        (Language::Python, "except_clause") => {
            let caught = named_children(node).into_iter().find(|child| child.kind() != "block");
            let caught = caught.filter(|it| !is_comment(*it)).map(|it| read.text_of(it));
            Some(caught.is_some_and(|caught| {
                let name = caught.split_whitespace().next().unwrap_or_default();
                !matches!(name, "Exception" | "BaseException")
            }))
        }
        (Language::Java, "catch_clause") => {
            let parameter = named_children(node)
                .into_iter()
                .find(|child| child.kind() == "catch_formal_parameter");
            let caught = parameter.map(|it| read.text_of(it)).unwrap_or_default();
            let broad = |word: &str| matches!(word, "Exception" | "Throwable" | "RuntimeException");
            Some(!caught.split_whitespace().any(broad))
        }
        (Language::JavaScript | Language::TypeScript | Language::Tsx, "catch_clause") => {
            let mut apart = false;
            crate::read::walk(node, |inner| {
                apart |= matches!(inner.kind(), "instanceof" | "throw_statement");
                !apart
            });
            Some(apart)
        }
        _ => None,
    }
}

/// Whether every parameter of a function says its type.
pub(super) fn is_typed(read: &Read<'_>, node: Node<'_>) -> bool {
    let parameters = node.child_by_field_name("parameters").map(named_children).unwrap_or_default();
    match read.language {
        Language::Python => {
            let untyped = parameters.iter().enumerate().any(|(index, parameter)| {
                let text = read.text_of(*parameter);
                let bound = index == 0 && matches!(text, "self" | "cls");
                !bound
                    && matches!(
                        parameter.kind(),
                        "identifier"
                            | "default_parameter"
                            | "list_splat_pattern"
                            | "dictionary_splat_pattern"
                    )
            });
            let says = node.child_by_field_name("return_type").is_some();
            !untyped && (says || !parameters.is_empty())
        }
        Language::TypeScript | Language::Tsx => {
            // `x => …` without parentheses has one bare parameter.
            node.child_by_field_name("parameter").is_none()
                && parameters
                    .iter()
                    .filter(|it| !is_comment(**it))
                    .all(|parameter| parameter.child_by_field_name("type").is_some())
        }
        Language::Go | Language::Java | Language::Rust => true,
        Language::JavaScript => false,
    }
}

pub(super) fn is_documented(read: &Read<'_>, node: Node<'_>) -> bool {
    if read.language == Language::Python {
        return node.child_by_field_name("body").is_some_and(opens_with_text);
    }
    let mut at = node;
    // A comment stands before the whole declaration, of which the function may be a part.
    while let Some(parent) = at.parent() {
        let wraps = matches!(
            parent.kind(),
            "export_statement"
                | "lexical_declaration"
                | "variable_declaration"
                | "variable_declarator"
                | "pair"
                | "expression_statement"
                | "assignment_expression"
                | "public_field_definition"
                | "field_definition"
        );
        if !wraps {
            break;
        }
        at = parent;
    }
    let mut before = at.prev_named_sibling();
    while let Some(sibling) =
        before.filter(|it| matches!(it.kind(), "attribute_item" | "decorator"))
    {
        before = sibling.prev_named_sibling();
    }
    before.is_some_and(|it| {
        // A Rust comment's node reaches over its line break.
        let end = it.end_position();
        let last = if end.column == 0 { end.row } else { end.row + 1 };
        let first = at.start_position().row;
        is_comment(it) && (last >= first || it.next_named_sibling() != Some(at))
    })
}

/// Whether the first statement of a Python block is a string.
fn opens_with_text(block: Node<'_>) -> bool {
    let first = named_children(block).into_iter().find(|child| !is_comment(*child));
    first.is_some_and(|first| {
        first.kind() == "expression_statement"
            && first.named_child(0).is_some_and(|inner| inner.kind() == "string")
    })
}

pub(super) fn documents_file(read: &Read<'_>) -> bool {
    let root = read.root();
    if read.language == Language::Python && opens_with_text(root) {
        return true;
    }
    let first = named_children(root).into_iter().find(|it| it.kind() != "hash_bang_line");
    let Some(first) = first else { return false };
    match read.language {
        // An inner comment is about the file, an outer one about what follows.
        Language::Rust => is_comment(first) && read.text_of(first).starts_with("//!"),
        Language::Python
        | Language::JavaScript
        | Language::TypeScript
        | Language::Tsx
        | Language::Go
        | Language::Java => is_comment(first) && !read.text_of(first).starts_with("#!"),
    }
}
