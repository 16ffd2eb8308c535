//! Which names are a function's own, and what makes a function one that is not lowered.

use std::collections::BTreeSet;

use tree_sitter::Node;

use super::{children, each, text};
use crate::ir::Tag;

/// A parameter as it is declared.
#[derive(Debug, Clone)]
pub(super) struct Parameter {
    pub(super) name: String,
    /// What its annotation says.
    pub(super) ty: Option<Tag>,
    /// What its elements are, by the same annotation.
    pub(super) element: Option<Tag>,
    pub(super) has_default: bool,
    /// Given by its position, and one value.
    pub(super) is_plain: bool,
}

#[derive(Debug, Default)]
pub(super) struct Scope {
    pub(super) parameters: Vec<Parameter>,
    /// Parameters and every name that the function binds.
    pub(super) locals: BTreeSet<String>,
    /// Names that belong to the module or to a function around or within.
    pub(super) foreign: BTreeSet<String>,
    /// The code of a module: what it defines and imports is everyone's.
    is_module: bool,
}

/// Nodes with names of their own.
pub(super) fn is_inner(kind: &str) -> bool {
    matches!(kind, "function_definition" | "class_definition" | "lambda")
}

/// Whether the body is `...`, which stands for code that is elsewhere.
pub(super) fn is_stub(body: Node<'_>) -> bool {
    let statements = children(body);
    let last = statements.last().and_then(|last| last.named_child(0));
    body.kind() == "block" && last.is_some_and(|last| last.kind() == "ellipsis")
}

/// Why nobody lowers this function.
pub(super) fn refused(node: Node<'_>, source: &str) -> Option<String> {
    if text(node, source).starts_with("async") {
        return Some("it is asynchronous".to_owned());
    }
    let mut reason = None;
    each(node, &mut |inner| {
        if inner != node && is_inner(inner.kind()) {
            return false;
        }
        match inner.kind() {
            "except_clause" => {
                let caught = text(inner, source).lines().next().unwrap_or_default();
                if caught.contains("NameError") || caught.contains("UnboundLocalError") {
                    reason = Some("it handles names that are not set".to_owned());
                }
            }
            "yield" => reason = Some("it is a generator".to_owned()),
            "await" => reason = Some("it is asynchronous".to_owned()),
            _ => {}
        }
        true
    });
    reason
}

impl Scope {
    pub(super) fn of(node: Node<'_>, source: &str) -> Self {
        let mut scope = Self { is_module: node.kind() == "module", ..Self::default() };
        if let Some(list) = node.child_by_field_name("parameters") {
            scope.parameters =
                children(list).into_iter().filter_map(|it| parameter(it, source)).collect();
        }
        let names = scope.parameters.iter().map(|parameter| parameter.name.clone());
        scope.locals = names.collect();
        let body = node.child_by_field_name("body").unwrap_or(node);
        each(body, &mut |inner| scope.visit(inner, source));
        for name in &scope.foreign {
            scope.locals.remove(name);
        }
        scope
    }

    fn visit(&mut self, node: Node<'_>, source: &str) -> bool {
        match node.kind() {
            "function_definition" | "class_definition" => {
                let name = node.child_by_field_name("name").filter(|_| !self.is_module);
                self.locals.extend(name.map(|name| text(name, source).to_owned()));
                self.share(node, source);
                return false;
            }
            "lambda" => return false,
            "assignment" | "augmented_assignment" => {
                self.bind(node.child_by_field_name("left"), source);
            }
            "for_statement" | "for_in_clause" => {
                // A comprehension's name is its own; as a local it is only less known.
                self.bind(node.child_by_field_name("left"), source);
            }
            "named_expression" => self.bind(node.child_by_field_name("name"), source),
            "as_pattern_target" => self.bind(node.named_child(0), source),
            "import_statement" | "import_from_statement" if !self.is_module => {
                self.locals.extend(imported(node, source));
            }
            "delete_statement" => self.bind(node.named_child(0), source),
            "global_statement" | "nonlocal_statement" => {
                let names = children(node).into_iter().map(|name| text(name, source).to_owned());
                self.foreign.extend(names);
            }
            _ => {}
        }
        true
    }

    /// What an inner function binds as its outer one's is not this function's alone.
    fn share(&mut self, inner: Node<'_>, source: &str) {
        each(inner, &mut |node| {
            let outer = if self.is_module { "global_statement" } else { "nonlocal_statement" };
            if node.kind() == outer {
                let names = children(node).into_iter().map(|name| text(name, source).to_owned());
                self.foreign.extend(names);
            }
            true
        });
    }

    fn bind(&mut self, target: Option<Node<'_>>, source: &str) {
        let Some(target) = target else { return };
        each(target, &mut |part| {
            if part.kind() == "identifier" {
                self.locals.insert(text(part, source).to_owned());
            }
            matches!(
                part.kind(),
                "pattern_list"
                    | "tuple_pattern"
                    | "list_pattern"
                    | "list_splat_pattern"
                    | "expression_list"
                    | "tuple"
                    | "list"
                    | "parenthesized_expression"
            )
        });
    }
}

/// The names that an import binds.
pub(super) fn imported(node: Node<'_>, source: &str) -> Vec<String> {
    let module = node.child_by_field_name("module_name");
    children(node)
        .into_iter()
        .filter(|part| Some(*part) != module)
        .filter_map(|part| match part.kind() {
            "aliased_import" => part.child_by_field_name("alias").map(|it| text(it, source)),
            "dotted_name" => part.named_child(0).map(|it| text(it, source)),
            _ => None,
        })
        .map(str::to_owned)
        .collect()
}

fn parameter(node: Node<'_>, source: &str) -> Option<Parameter> {
    let named = |name: &str| Parameter {
        name: name.to_owned(),
        ty: None,
        element: None,
        has_default: false,
        is_plain: true,
    };
    let own = |node: Node<'_>| node.child_by_field_name("name").map(|name| text(name, source));
    Some(match node.kind() {
        "identifier" => named(text(node, source)),
        "default_parameter" => Parameter { has_default: true, ..named(own(node)?) },
        "typed_parameter" | "typed_default_parameter" => {
            let inner = own(node).or_else(|| node.named_child(0).map(|it| text(it, source)))?;
            let annotation = node.child_by_field_name("type").map(|ty| text(ty, source))?;
            let is_plain = !inner.starts_with('*');
            let (ty, element) = annotated(annotation);
            let has_default = node.kind() == "typed_default_parameter";
            // `x: int = None` is what many write who mean an optional one.
            let none = node.child_by_field_name("value").is_some_and(|it| it.kind() == "none");
            let ty = ty.filter(|_| !none);
            Parameter { ty, element, has_default, is_plain, ..named(inner.trim_start_matches('*')) }
        }
        "list_splat_pattern" | "dictionary_splat_pattern" => {
            let name = node.named_child(0).map(|it| text(it, source))?;
            Parameter { is_plain: false, ..named(name) }
        }
        // What follows has to be given by name.
        "keyword_separator" | "positional_separator" => return None,
        _ => Parameter { is_plain: false, ..named(text(node, source)) },
    })
}

/// What an annotation says of a value, and of its elements.
pub(super) fn annotated(annotation: &str) -> (Option<Tag>, Option<Tag>) {
    let annotation = annotation.trim().trim_matches(['"', '\'']);
    let (name, rest) = match annotation.split_once('[') {
        Some((name, rest)) => (name.trim(), rest.strip_suffix(']')),
        None => (annotation, None),
    };
    let ty = named(name);
    let element = rest
        .filter(|_| ty == Some(Tag::List))
        .and_then(|rest| named(rest.split_once('[').map_or(rest, |(name, _)| name).trim()));
    (ty, element.filter(|element| *element != Tag::List))
}

/// A type by its name; `float` takes integers as well, so it says nothing.
fn named(name: &str) -> Option<Tag> {
    Some(match name.rsplit('.').next().unwrap_or(name) {
        "int" => Tag::Int,
        "bool" => Tag::Bool,
        "str" => Tag::Str,
        "list" | "List" => Tag::List,
        "tuple" | "Tuple" => Tag::Tuple,
        _ => return None,
    })
}
