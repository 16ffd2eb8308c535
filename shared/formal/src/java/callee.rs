//! How a test reaches a method: by the name that its class is loaded by.

use std::collections::HashMap;

use tree_sitter::Node;

use super::{
    children,
    declaration::{modifiers, parameters},
    text,
};
use crate::{Source, ir::Callee};

/// The methods of one class, as far as a test can call them.
pub(super) struct Callees {
    /// None where code alone reaches the class.
    loaded: Option<String>,
    /// Whether an object can be made of nothing.
    is_made: bool,
    /// How many methods share a name and a number of parameters.
    alike: HashMap<(String, usize), u32>,
}

impl Callees {
    pub(super) fn of(class: Node<'_>, members: &[Node<'_>], source: &Source<'_>) -> Self {
        let mut alike = HashMap::new();
        for member in members {
            if let Some(key) = key(*member, source.text) {
                *alike.entry(key).or_default() += 1;
            }
        }
        let constructors =
            members.iter().filter(|member| member.kind() == "constructor_declaration");
        let mut counts = constructors.map(|one| parameters(*one, source.text).len()).peekable();
        let is_free = counts.peek().is_none() || counts.any(|count| count == 0);
        let words = modifiers(class, source.text);
        let is_inner = class.parent().is_some_and(|parent| parent.kind() != "program");
        let is_made = class.kind() == "class_declaration"
            && !words.contains(&"abstract")
            && (!is_inner || words.contains(&"static"))
            && is_free;
        Self { loaded: loaded(class, source), is_made, alike }
    }

    pub(super) fn of_method(&self, method: Node<'_>, source: &str) -> Option<Callee> {
        let key = key(method, source)?;
        let is_static = modifiers(method, source).contains(&"static");
        let is_only = self.alike.get(&key) == Some(&1);
        if !is_only || !(is_static || self.is_made) {
            return None;
        }
        Some(Callee::Method { class: self.loaded.clone()?, name: key.0, is_static })
    }
}

fn key(method: Node<'_>, source: &str) -> Option<(String, usize)> {
    if method.kind() != "method_declaration" {
        return None;
    }
    let name = text(method.child_by_field_name("name")?, source).to_owned();
    Some((name, parameters(method, source).len()))
}

/// Such as `org.example.Outer$Inner`.
fn loaded(class: Node<'_>, source: &Source<'_>) -> Option<String> {
    let mut name = text(class.child_by_field_name("name")?, source.text).to_owned();
    let mut around = class.parent();
    while let Some(node) = around {
        match node.kind() {
            "class_body" | "interface_body" | "enum_body" | "enum_body_declarations" => {}
            "class_declaration"
            | "interface_declaration"
            | "enum_declaration"
            | "record_declaration" => {
                let outer = text(node.child_by_field_name("name")?, source.text);
                name = format!("{outer}${name}");
            }
            "program" => {
                let package =
                    children(node).into_iter().find(|it| it.kind() == "package_declaration");
                let package = package.and_then(|it| children(it).last().copied());
                let package = package.map(|it| format!("{}.", text(it, source.text)));
                let is_plain =
                    name.chars().all(|at| at.is_ascii_alphanumeric() || "_$".contains(at));
                return is_plain.then(|| format!("{}{name}", package.unwrap_or_default()));
            }
            _ => return None,
        }
        around = node.parent();
    }
    None
}
