//! The code of a function as plain JavaScript, with what it needs of its file, for a test that
//! calls it.

use std::collections::{BTreeMap, BTreeSet};

use tree_sitter::Node;

use super::{module::Module, scope, tokens};
use crate::syntax::{children, each, text, too_deep};

/// Names that are there in every program.
const GLOBALS: &[&str] = &[
    "undefined",
    "NaN",
    "Infinity",
    "Math",
    "Number",
    "String",
    "Boolean",
    "BigInt",
    "Array",
    "Object",
    "JSON",
    "Symbol",
    "Date",
    "RegExp",
    "Map",
    "Set",
    "WeakMap",
    "WeakSet",
    "Promise",
    "Error",
    "TypeError",
    "RangeError",
    "SyntaxError",
    "parseInt",
    "parseFloat",
    "isNaN",
    "isFinite",
    "console",
    "Uint8Array",
    "Int8Array",
    "Uint16Array",
    "Int16Array",
    "Uint32Array",
    "Int32Array",
    "Float32Array",
    "Float64Array",
    "ArrayBuffer",
    "BigInt64Array",
    "arguments",
    "Buffer",
    "process",
    "require",
    "encodeURIComponent",
    "decodeURIComponent",
];

/// Modules that every test can load.
const MODULES: &[&str] = &["assert", "node:assert", "assert/strict", "node:assert/strict"];

/// The function and all that it names of its file. None where a test cannot have that.
pub(super) fn needed(module: &Module<'_>, function: Node<'_>) -> Option<String> {
    let mut statements: BTreeMap<usize, Node<'_>> = BTreeMap::new();
    let mut imports = BTreeSet::new();
    let mut open = vec![function];
    while let Some(node) = open.pop() {
        if too_deep(node).is_some() {
            return None;
        }
        for name in free_names(node, module.source)? {
            if let Some((from, of)) = module.imports.get(name) {
                if !MODULES.contains(&from.as_str()) {
                    return None;
                }
                let bound = match of {
                    Some(of) => format!("{{ {of}: {name} }}"),
                    None => name.to_owned(),
                };
                imports.insert(format!("const {bound} = require(\"{from}\");\n"));
            } else if module.names.contains_key(name) {
                let statement = module.statement_of(name)?;
                if statements.insert(statement.start_byte(), statement).is_none() {
                    open.push(statement);
                }
            } else if !GLOBALS.contains(&name) {
                return None;
            }
        }
    }
    let own = outermost(function);
    statements.insert(own.start_byte(), own);
    let mut code: String = imports.into_iter().collect();
    for statement in statements.into_values() {
        let declaration = statement.child_by_field_name("declaration").unwrap_or(statement);
        code.push_str(&plain(declaration, module.source)?);
        code.push('\n');
    }
    Some(code)
}

fn outermost(function: Node<'_>) -> Node<'_> {
    let mut node = function;
    while let Some(parent) = node.parent().filter(|parent| parent.kind() != "program") {
        node = parent;
    }
    node
}

/// Names that stand for something outside; none where the code cannot stand alone.
fn free_names<'a>(root: Node<'_>, source: &'a str) -> Option<BTreeSet<&'a str>> {
    let (mut bound, mut used, mut alone) = (BTreeSet::new(), BTreeSet::new(), true);
    each(root, &mut |node| {
        let mut names = Vec::new();
        match node.kind() {
            "formal_parameters" | "catch_clause" | "arrow_function" => {
                scope::bound(node, source, &mut names);
                for field in ["parameter", "left"] {
                    if let Some(parameter) = node.child_by_field_name(field) {
                        scope::bound(parameter, source, &mut names);
                    }
                }
            }
            "variable_declarator" | "function_declaration" | "function_expression" => {
                if let Some(name) = node.child_by_field_name("name") {
                    scope::bound(name, source, &mut names);
                }
            }
            "for_in_statement" if node.child_by_field_name("kind").is_some() => {
                if let Some(left) = node.child_by_field_name("left") {
                    scope::bound(left, source, &mut names);
                }
            }
            "identifier" | "shorthand_property_identifier" => {
                used.insert(text(node, source));
            }
            "this" | "super" | "decorator" | "enum_declaration" | "internal_module" => {
                alone = false;
            }
            kind => alone &= !kind.starts_with("jsx_") && !kind.contains("class"),
        }
        bound.extend(names.into_iter().map(|(name, _)| name));
    });
    alone.then(|| used.difference(&bound).copied().collect())
}

/// Without what only a compiler reads.
fn plain(root: Node<'_>, source: &str) -> Option<String> {
    let mut cuts = Vec::new();
    cut(root, &mut cuts);
    cuts.sort_unstable();
    let (mut code, mut at) = (String::new(), root.start_byte());
    for (start, end) in cuts {
        if start >= at {
            code.push_str(source.get(at..start)?);
            at = end;
        }
    }
    code.push_str(source.get(at..root.end_byte())?);
    Some(code)
}

fn cut(node: Node<'_>, cuts: &mut Vec<(usize, usize)>) {
    let whole = (node.start_byte(), node.end_byte());
    let signs = |kind: &'static str| {
        let all = tokens(node).into_iter().filter(move |child| child.kind() == kind);
        all.map(|sign| (sign.start_byte(), sign.end_byte()))
    };
    match node.kind() {
        "type_annotation"
        | "type_parameters"
        | "type_arguments"
        | "asserts_annotation"
        | "type_predicate_annotation"
        | "accessibility_modifier"
        | "override_modifier"
        | "interface_declaration"
        | "type_alias_declaration"
        | "function_signature"
        | "ambient_declaration" => {
            cuts.push(whole);
            return;
        }
        "as_expression" | "satisfies_expression" => {
            if let Some(inner) = node.named_child(0) {
                cuts.push((inner.end_byte(), node.end_byte()));
                cut(inner, cuts);
            }
            return;
        }
        "non_null_expression" | "variable_declarator" => {
            cuts.extend(signs("!"));
        }
        "optional_parameter" => {
            cuts.extend(signs("?"));
        }
        _ => {}
    }
    for inner in children(node) {
        cut(inner, cuts);
    }
}
