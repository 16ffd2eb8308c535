//! What the names of a file mean, by its imports.
//!
//! Rules are written for `os.system` and `subprocess.run`. A file may say `import os as o` or
//! `from subprocess import run as start`, so matchers read it twice: once with renamed members
//! under their own names, once with every imported name written out in full. A function that the
//! file defines itself is none of a library's, whatever it is called.

use std::{collections::HashSet, ops::Range, rc::Rc};

use tree_sitter::Node;

use super::imports::Imports;
use crate::{Symbol, SymbolKind, tree::Renamed};

/// How matchers see the names of a file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// As they are written, except for members that an import renames.
    Plain,
    /// With the module in front.
    Full,
}

/// Where each word stands as a word of its own.
pub(super) fn words<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> {
    let is_letter = |at: u8| at.is_ascii_alphanumeric() || at == b'_' || at == b'$';
    let bytes = text.as_bytes();
    text.match_indices(word).map(|(at, _)| at).filter(move |at| {
        let before = at.checked_sub(1).and_then(|at| bytes.get(at));
        let after = bytes.get(at + word.len());
        !before.is_some_and(|at| is_letter(*at)) && !after.is_some_and(|at| is_letter(*at))
    })
}

/// Collects the uses of imported names while a file is walked.
pub(super) struct Uses<'a> {
    imports: &'a Imports,
    text: &'a str,
    plain: Vec<Renamed>,
    full: Vec<Renamed>,
    /// Names that mean something else in a function, with the place of the function.
    shadowed: Vec<(&'a str, Range<usize>)>,
}

impl<'a> Uses<'a> {
    pub(super) fn new(imports: &'a Imports, text: &'a str) -> Self {
        let (plain, full, shadowed) = (Vec::new(), Vec::new(), Vec::new());
        Self { imports, text, plain, full, shadowed }
    }

    /// `field` is how the parent calls the node: the name of a parameter, or of a member behind
    /// a dot, is no use of an import.
    pub(super) fn enter<'f>(&mut self, node: Node<'_>, field: impl FnOnce() -> Option<&'f str>) {
        let bytes = node.byte_range();
        let written = self.text.as_bytes();
        let first = written.get(bytes.start).copied().unwrap_or_default();
        if !self.imports.initials[usize::from(first)] || node.kind() != "identifier" {
            return;
        }
        let name = self.text.get(bytes.clone()).unwrap_or_default();
        let Some(binding) = self.imports.bindings.get(name) else { return };
        let statements = &self.imports.statements;
        let next = statements.partition_point(|statement| statement.end <= bytes.start);
        if statements.get(next).is_some_and(|statement| statement.start <= bytes.start) {
            return;
        }
        let field = field();
        if matches!(field, None | Some("left" | "name" | "parameter" | "pattern"))
            && let Some(function) = declaring_function(node)
        {
            self.shadowed.push((name, function));
        }
        if matches!(field, Some("attribute" | "name" | "alias")) {
            return;
        }
        if let Some(plain) = &binding.plain {
            self.plain.push(Renamed { bytes: bytes.clone(), text: Rc::clone(plain) });
        }
        if let Some(full) = &binding.full {
            self.full.push(Renamed { bytes, text: Rc::clone(full) });
        }
    }

    pub(super) fn finish(mut self, symbols: &[Symbol]) -> Names {
        let own = symbols
            .iter()
            .filter(|symbol| symbol.kind != SymbolKind::Scope && !symbol.name.contains('.'))
            .filter(|symbol| !self.imports.knows(&symbol.name))
            .map(|symbol| symbol.name.clone())
            .collect();
        let shadowed = std::mem::take(&mut self.shadowed);
        if !shadowed.is_empty() {
            let stays = |renamed: &Renamed| {
                let name = self.text.get(renamed.bytes.clone()).unwrap_or_default();
                !shadowed
                    .iter()
                    .any(|(own, function)| *own == name && function.contains(&renamed.bytes.start))
            };
            self.plain.retain(stays);
            self.full.retain(stays);
        }
        if !self.imports.required.is_empty() {
            self.full.extend(self.imports.required.iter().cloned());
            self.full.sort_unstable_by_key(|renamed| renamed.bytes.start);
        }
        let shadowed = shadowed.into_iter().map(|(name, place)| (name.to_owned(), place)).collect();
        Names { plain: self.plain.into(), full: self.full.into(), own, shadowed }
    }
}

/// The function in which a name is declared, as a parameter or a variable, if it is.
fn declaring_function(name: Node<'_>) -> Option<Range<usize>> {
    const DECLARING: [&str; 15] = [
        "assignment",
        "parameters",
        "default_parameter",
        "typed_parameter",
        "typed_default_parameter",
        "lambda_parameters",
        "for_statement",
        "for_in_clause",
        "formal_parameters",
        "required_parameter",
        "optional_parameter",
        "variable_declarator",
        "catch_clause",
        "arrow_function",
        "for_in_statement",
    ];
    let parent = name.parent().filter(|parent| DECLARING.contains(&parent.kind()))?;
    let is_declared = match parent.kind() {
        "parameters" | "lambda_parameters" | "formal_parameters" | "typed_parameter" => true,
        "arrow_function" | "catch_clause" => {
            parent.child_by_field_name("parameter").is_some_and(|one| one == name)
        }
        "assignment" | "for_statement" | "for_in_clause" | "for_in_statement" => {
            parent.child_by_field_name("left").is_some_and(|one| one == name)
        }
        "required_parameter" | "optional_parameter" => {
            parent.child_by_field_name("pattern").is_some_and(|one| one == name)
        }
        _ => parent.child_by_field_name("name").is_some_and(|one| one == name),
    };
    let is_function =
        |kind: &str| kind.contains("function") || matches!(kind, "lambda" | "method_definition");
    let mut at = parent;
    while is_declared && !is_function(at.kind()) {
        at = at.parent()?;
    }
    is_declared.then(|| at.byte_range())
}

/// What the names of a file mean, place by place.
pub(super) struct Names {
    plain: Rc<[Renamed]>,
    full: Rc<[Renamed]>,
    /// Functions and classes at the top of the file.
    own: HashSet<String>,
    /// Names that mean something of a function's own in it.
    shadowed: Vec<(String, Range<usize>)>,
}

impl Names {
    pub(super) fn renamed(&self, reading: Reading) -> Rc<[Renamed]> {
        match reading {
            Reading::Plain => Rc::clone(&self.plain),
            Reading::Full => Rc::clone(&self.full),
        }
    }

    /// Whether a full reading of this part of the file differs from the plain one.
    pub(super) fn differ_in(&self, bytes: &Range<usize>) -> bool {
        let next = self.full.partition_point(|renamed| renamed.bytes.start < bytes.start);
        self.full.get(next).is_some_and(|renamed| renamed.bytes.start < bytes.end)
    }

    /// The name that a call calls, if this file defines it.
    pub(super) fn own_callee(&self, node: Node<'_>, text: &str) -> Option<Range<usize>> {
        if self.own.is_empty() && self.shadowed.is_empty() {
            return None;
        }
        let field = match node.kind() {
            "call" | "call_expression" => "function",
            "new_expression" => "constructor",
            _ => return None,
        };
        let callee = node.child_by_field_name(field)?;
        let name = text.get(callee.byte_range())?;
        let place = callee.start_byte();
        let is_own = || {
            let here =
                |(own, function): &(String, Range<usize>)| own == name && function.contains(&place);
            self.own.contains(name) || self.shadowed.iter().any(here)
        };
        (callee.kind() == "identifier" && is_own()).then(|| callee.byte_range())
    }
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn words_stand_alone() {
        assert_eq!(words("run(rerun, run_all, x.run)", "run").collect::<Vec<_>>(), [0, 22]);
    }
}
