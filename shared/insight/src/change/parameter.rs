//! Parameters, and whether callers of the old ones can go on as they did.

use domain::Language;
use tree_sitter::Node;

use super::declaration::Declaration;
use crate::{Read, read::is_comment};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) annotation: Option<String>,
    /// It has a default, or takes any number.
    pub(super) optional: bool,
    /// Callers must name it.
    pub(super) by_name: bool,
}

pub(super) fn parameters(read: &Read<'_>, function: Node<'_>) -> Vec<Parameter> {
    let Some(list) = function.child_by_field_name("parameters") else {
        // `x => …` has one parameter and no list.
        let bare = function.child_by_field_name("parameter");
        return bare.map(|it| bare_parameter(read, it)).into_iter().collect();
    };
    let mut cursor = list.walk();
    let mut found = Vec::new();
    let mut by_name = false;
    for node in list.named_children(&mut cursor) {
        if is_comment(node) {
            continue;
        }
        match read.language {
            Language::Python => python(read, node, found.is_empty(), &mut by_name, &mut found),
            Language::JavaScript | Language::TypeScript | Language::Tsx => {
                found.push(script(read, node));
            }
            Language::Go => go(read, node, &mut found),
            Language::Java | Language::Rust => found.extend(typed(read, node)),
        }
    }
    found
}

fn bare_parameter(read: &Read<'_>, node: Node<'_>) -> Parameter {
    let name = read.text_of(node).to_owned();
    Parameter { name, annotation: None, optional: false, by_name: false }
}

fn python(
    read: &Read<'_>,
    node: Node<'_>,
    first: bool,
    by_name: &mut bool,
    found: &mut Vec<Parameter>,
) {
    let text = read.text_of(node);
    let field = |name| node.child_by_field_name(name).map(|it| read.text_of(it).to_owned());
    let parameter = match node.kind() {
        "keyword_separator" => {
            *by_name = true;
            return;
        }
        "positional_separator" => return,
        "identifier" if first && matches!(text, "self" | "cls") => return,
        "default_parameter" | "typed_default_parameter" => Parameter {
            name: field("name").unwrap_or_default(),
            annotation: field("type"),
            optional: true,
            by_name: *by_name,
        },
        "typed_parameter" => {
            let name = node.named_child(0).map(|it| read.text_of(it)).unwrap_or_default();
            let any = name.starts_with('*');
            Parameter {
                name: name.to_owned(),
                annotation: field("type"),
                optional: any,
                by_name: *by_name,
            }
        }
        "list_splat_pattern" | "dictionary_splat_pattern" => {
            Parameter { optional: true, ..bare_parameter(read, node) }
        }
        _ => Parameter { by_name: *by_name, ..bare_parameter(read, node) },
    };
    // What follows `*rest` can only be given by name.
    *by_name |= parameter.name.starts_with('*') && !parameter.name.starts_with("**");
    found.push(parameter);
}

fn script(read: &Read<'_>, node: Node<'_>) -> Parameter {
    let field = |name| node.child_by_field_name(name).map(|it| read.text_of(it).to_owned());
    match node.kind() {
        "required_parameter" | "optional_parameter" => {
            let name = field("pattern").unwrap_or_default();
            let optional = node.kind() == "optional_parameter"
                || node.child_by_field_name("value").is_some()
                || name.starts_with("...");
            let annotation = field("type").map(|it| it.trim_start_matches([':', ' ']).to_owned());
            Parameter { name, annotation, optional, by_name: false }
        }
        "assignment_pattern" => Parameter {
            name: field("left").unwrap_or_default(),
            annotation: None,
            optional: true,
            by_name: false,
        },
        kind => Parameter { optional: kind == "rest_pattern", ..bare_parameter(read, node) },
    }
}

fn go(read: &Read<'_>, node: Node<'_>, found: &mut Vec<Parameter>) {
    let annotation = node.child_by_field_name("type").map(|it| read.text_of(it).to_owned());
    let any = node.kind() == "variadic_parameter_declaration";
    let annotation = annotation.map(|it| if any { format!("...{it}") } else { it });
    let mut cursor = node.walk();
    let names: Vec<String> = node
        .children_by_field_name("name", &mut cursor)
        .map(|it| read.text_of(it).to_owned())
        .collect();
    // `func(int)` has parameters without names, `func(a, b int)` two of one type.
    let names = if names.is_empty() { vec![String::new()] } else { names };
    found.extend(names.into_iter().map(|name| Parameter {
        name,
        annotation: annotation.clone(),
        optional: any,
        by_name: false,
    }));
}

fn typed(read: &Read<'_>, node: Node<'_>) -> Option<Parameter> {
    let field = |name| node.child_by_field_name(name).map(|it| read.text_of(it).to_owned());
    let (name, annotation) = match node.kind() {
        "formal_parameter" => (field("name"), field("type")),
        "parameter" => (field("pattern"), field("type")),
        // How the receiver is taken matters to callers.
        "self_parameter" => (Some("self".to_owned()), Some(read.text_of(node).to_owned())),
        "spread_parameter" | "variadic_parameter" => (None, Some(read.text_of(node).to_owned())),
        _ => return None,
    };
    Some(Parameter { name: name.unwrap_or_default(), annotation, optional: false, by_name: false })
}

/// Why callers of `before` may not go on with `after`; `None`: nothing is known that stops them.
pub(super) fn incompatible(
    language: Language,
    before: &Declaration,
    after: &Declaration,
) -> Option<String> {
    let by_parameters = match language {
        Language::Python => by_name(&before.parameters, &after.parameters),
        Language::JavaScript | Language::TypeScript | Language::Tsx => {
            by_position(language, &before.parameters, &after.parameters)
        }
        Language::Go | Language::Java | Language::Rust => {
            exactly(&before.parameters, &after.parameters)
        }
    };
    by_parameters.or_else(|| by_result(language, before, after)).or_else(|| {
        let (old, new) = (&before.rest, &after.rest);
        (old != new).then(|| format!("`{old}` became `{new}`"))
    })
}

/// Callers may name parameters, and leave out those with defaults.
fn by_name(before: &[Parameter], after: &[Parameter]) -> Option<String> {
    for old in before {
        let Some(new) = after.iter().find(|new| new.name == old.name) else {
            return Some(format!("the parameter `{}` is gone", old.name));
        };
        if old.optional && !new.optional {
            return Some(format!("the parameter `{}` has no default any more", old.name));
        }
        if !old.by_name && new.by_name {
            return Some(format!("the parameter `{}` must be named now", old.name));
        }
    }
    let is_new = |new: &&Parameter| before.iter().all(|old| old.name != new.name);
    if let Some(new) = after.iter().filter(is_new).find(|new| !new.optional) {
        return Some(format!("the new parameter `{}` must be given", new.name));
    }
    let positions = |list: &[Parameter]| -> Vec<String> {
        let plain = list.iter().filter(|it| !it.by_name && !it.name.starts_with('*'));
        plain.map(|it| it.name.clone()).collect()
    };
    let (old, new) = (positions(before), positions(after));
    let kept = new.iter().zip(&old).all(|(new, old)| new == old);
    (!kept).then(|| "the order of the parameters is another".to_owned())
}

/// Callers give values in their order, and may leave out those at the end.
fn by_position(language: Language, before: &[Parameter], after: &[Parameter]) -> Option<String> {
    let takes_any = after.last().is_some_and(|last| last.name.starts_with("..."));
    if after.len() < before.len() && !takes_any {
        let gone = &before[after.len()];
        return Some(format!("the parameter `{}` is gone", gone.name));
    }
    for (old, new) in before.iter().zip(after) {
        if old.optional && !new.optional {
            return Some(format!("the parameter `{}` must be given now", new.name));
        }
        if language != Language::JavaScript && old.annotation != new.annotation {
            return Some(retyped(old, new));
        }
    }
    let added = after.get(before.len()..).unwrap_or_default();
    let demanded = added.iter().find(|new| !new.optional);
    demanded.map(|new| format!("the new parameter `{}` must be given", new.name))
}

/// Callers give a value of its type for each parameter.
fn exactly(before: &[Parameter], after: &[Parameter]) -> Option<String> {
    if before.len() != after.len() {
        let (old, new) = (before.len(), after.len());
        return Some(format!("it takes {new} parameters instead of {old}"));
    }
    let mut pairs = before.iter().zip(after);
    pairs.find(|(old, new)| old.annotation != new.annotation).map(|(old, new)| retyped(old, new))
}

fn retyped(old: &Parameter, new: &Parameter) -> String {
    let of = |one: &Parameter| one.annotation.clone().unwrap_or_else(|| "no type".to_owned());
    let name = if new.name.is_empty() { "a parameter" } else { &new.name };
    format!("`{name}` is `{}` instead of `{}`", of(new), of(old))
}

fn by_result(language: Language, before: &Declaration, after: &Declaration) -> Option<String> {
    // Annotations bind nobody at run time in Python, and JavaScript has none.
    if matches!(language, Language::Python | Language::JavaScript) || before.result == after.result
    {
        return None;
    }
    let of = |one: &Declaration| one.result.clone().unwrap_or_else(|| "nothing".to_owned());
    Some(format!("it gives `{}` instead of `{}`", of(after), of(before)))
}
