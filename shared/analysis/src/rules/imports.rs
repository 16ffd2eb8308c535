//! The imports of a file: which names they bind, and to what.

use std::{collections::HashMap, ops::Range, rc::Rc};

use domain::Language;
use tree_sitter::{Node, Tree};

use crate::tree::Renamed;

/// Imports that are read in one file; generated bundles have more, and nobody reads those.
const IMPORTS_MAX: usize = 2_000;

/// Wrappers around a `require`: `promisify(require("child_process").exec)`.
const WRAPPERS_MAX: usize = 6;

/// What an imported name stands for, where that is not what is written.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Binding {
    pub(super) plain: Option<Rc<str>>,
    pub(super) full: Option<Rc<str>>,
}

/// The imports of one file.
#[derive(Debug)]
pub(super) struct Imports {
    pub(super) bindings: HashMap<String, Binding>,
    /// Where they stand, sorted: the names there are not uses.
    pub(super) statements: Vec<Range<usize>>,
    /// What `require("fs")` gives, which may be used without a name.
    pub(super) required: Vec<Renamed>,
    /// Whether a used name may begin with this byte. Most do not, and are not looked up.
    pub(super) initials: [bool; 256],
}

impl Imports {
    pub(super) fn of(language: Language, text: &str, tree: &Tree) -> Self {
        let mut imports = Self {
            bindings: HashMap::new(),
            statements: Vec::new(),
            required: Vec::new(),
            initials: [false; 256],
        };
        let root = tree.root_node();
        let words: &[&str] = match language {
            Language::Python => &["import"],
            Language::JavaScript | Language::TypeScript | Language::Tsx => &["import", "require"],
            Language::Go | Language::Java | Language::Rust => &[],
        };
        for word in words {
            for (at, _) in text.match_indices(word).take(IMPORTS_MAX) {
                let Some(node) = root.descendant_for_byte_range(at, at + word.len()) else {
                    continue;
                };
                if node.byte_range() != (at..at + word.len()) {
                    continue;
                }
                if language == Language::Python {
                    imports.python(node, text);
                } else {
                    imports.script(node, text);
                }
            }
        }
        imports.statements.sort_unstable_by_key(|statement| statement.start);
        imports
    }

    /// The first of several meanings stays: `except ImportError` says what is second best.
    fn bind(&mut self, name: &str, plain: Option<&str>, full: Option<String>) {
        let plain = plain.filter(|plain| *plain != name).map(Rc::from);
        let full = full.filter(|full| full != name).map(Rc::from);
        if let Some(first) = name.bytes().next() {
            self.initials[usize::from(first)] = true;
            self.bindings.entry(name.to_owned()).or_insert(Binding { plain, full });
        }
    }

    fn python(&mut self, keyword: Node<'_>, text: &str) {
        let Some(statement) = keyword.parent() else { return };
        let read = |node: Node<'_>| text.get(node.byte_range()).unwrap_or_default();
        let module = match statement.kind() {
            "import_statement" => None,
            "import_from_statement" => statement.child_by_field_name("module_name").map(read),
            _ => return,
        };
        self.statements.push(statement.byte_range());
        let mut cursor = statement.walk();
        for name in statement.children_by_field_name("name", &mut cursor) {
            let alias = name.child_by_field_name("alias").map(read);
            let path = read(name.child_by_field_name("name").unwrap_or(name));
            match (module, alias) {
                (None, Some(alias)) => self.bind(alias, None, Some(path.to_owned())),
                // `import a.b` makes `a` known, which is its own name.
                (None, None) => self.bind(path.split('.').next().unwrap_or(path), None, None),
                (Some(module), alias) => {
                    // What a package of the project's own calls by a name is its own matter.
                    let full = (!module.starts_with('.')).then(|| format!("{module}.{path}"));
                    self.bind(alias.unwrap_or(path), Some(path), full);
                }
            }
        }
    }

    fn script(&mut self, keyword: Node<'_>, text: &str) {
        let Some(parent) = keyword.parent() else { return };
        match parent.kind() {
            "import_statement" => self.import_statement(parent, text),
            "import_require_clause" => {
                let name = parent.named_child(0).filter(|name| name.kind() == "identifier");
                let source = parent.child_by_field_name("source");
                if let (Some(name), Some(source)) = (name, source) {
                    self.bind(&text[name.byte_range()], None, module_path(source, text));
                    self.statements.push(parent.byte_range());
                }
            }
            "call_expression" => self.required(parent, text),
            _ => {}
        }
    }

    fn import_statement(&mut self, statement: Node<'_>, text: &str) {
        self.statements.push(statement.byte_range());
        let Some(source) = statement.child_by_field_name("source") else { return };
        let module = module_path(source, text);
        let read = |node: Node<'_>| text.get(node.byte_range()).unwrap_or_default();
        let mut open = named_children(statement);
        while let Some(part) = open.pop() {
            match part.kind() {
                "import_clause" | "named_imports" => open.extend(named_children(part)),
                "identifier" => self.bind(read(part), None, module.clone()),
                "namespace_import" => {
                    if let Some(name) = part.named_child(0) {
                        self.bind(read(name), None, module.clone());
                    }
                }
                "import_specifier" => {
                    let Some(name) = part.child_by_field_name("name").map(read) else { continue };
                    let alias = part.child_by_field_name("alias").map_or(name, read);
                    let full = module.as_ref().map(|module| member(module, name));
                    self.bind(alias, Some(name), full);
                }
                _ => {}
            }
        }
    }

    /// `const { exec: run } = require("child_process")` and its like.
    fn required(&mut self, call: Node<'_>, text: &str) {
        let source = call.child_by_field_name("arguments").and_then(|list| list.named_child(0));
        let Some(mut path) = source.and_then(|source| module_path(source, text)) else { return };
        self.required.push(Renamed { bytes: call.byte_range(), text: Rc::from(path.as_str()) });
        let mut value = call;
        for _ in 0..WRAPPERS_MAX {
            let Some(parent) = value.parent() else { return };
            match parent.kind() {
                "await_expression" | "parenthesized_expression" | "arguments" => {}
                "call_expression" => {
                    let function = parent.child_by_field_name("function");
                    let function = function.map_or("", |function| &text[function.byte_range()]);
                    if !function.ends_with("promisify") && !function.starts_with("__import") {
                        return;
                    }
                }
                "member_expression" => {
                    let property = parent.child_by_field_name("property");
                    let Some(property) = property else { return };
                    path = member(&path, &text[property.byte_range()]);
                }
                "variable_declarator" => {
                    if let Some(name) = parent.child_by_field_name("name") {
                        self.statements.push(name.byte_range());
                        self.declared(name, &path, text);
                    }
                    return;
                }
                _ => return,
            }
            value = parent;
        }
    }

    fn declared(&mut self, name: Node<'_>, path: &str, text: &str) {
        let read = |node: Node<'_>| text.get(node.byte_range()).unwrap_or_default();
        if name.kind() == "identifier" {
            let last = path.rsplit('.').next().filter(|_| path.contains('.'));
            return self.bind(read(name), last, Some(path.to_owned()));
        }
        for part in named_children(name) {
            match part.kind() {
                "shorthand_property_identifier_pattern" => {
                    self.bind(read(part), None, Some(member(path, read(part))));
                }
                "pair_pattern" => {
                    let key = part.child_by_field_name("key").map(read);
                    let value = part.child_by_field_name("value");
                    let value = value.filter(|value| value.kind() == "identifier").map(read);
                    if let (Some(key), Some(value)) = (key, value) {
                        self.bind(value, Some(key), Some(member(path, key)));
                    }
                }
                _ => {}
            }
        }
    }

    /// Names with what they stand for, where a keyword may be in that and not in the name.
    pub(super) fn hidden(&self) -> impl Iterator<Item = (&str, &str)> {
        self.bindings.iter().filter_map(|(name, binding)| {
            let meaning = binding.full.as_ref().or(binding.plain.as_ref())?;
            Some((name.as_str(), &**meaning))
        })
    }

    /// Whether the file says where the name comes from.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.bindings.contains_key(name)
    }
}

fn named_children(node: Node<'_>) -> Vec<Node<'_>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor).collect()
}

/// `node:fs/promises` as rules write it: `fs.promises`. A file of the project's own has none.
fn module_path(source: Node<'_>, text: &str) -> Option<String> {
    let quoted = text.get(source.byte_range()).filter(|_| source.kind() == "string")?;
    let module = quoted.trim_matches(['"', '\'']);
    let module = module.strip_prefix("node:").unwrap_or(module);
    (!module.starts_with('.')).then(|| module.replace('/', "."))
}

/// The default export of a module is the module, to those who use it.
fn member(module: &str, name: &str) -> String {
    match name {
        "default" => module.to_owned(),
        name => format!("{module}.{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Clock, tree::Parsers};

    /// Names with what they stand for in the full reading, sorted.
    fn meanings(language: Language, text: &str) -> Vec<String> {
        let tree = Parsers::default().parse(language, text, Clock::unlimited()).unwrap();
        let imports = Imports::of(language, text, &tree);
        let mut all: Vec<_> =
            imports.hidden().map(|(name, full)| format!("{name}={full}")).collect();
        all.sort_unstable();
        all
    }

    #[test]
    fn every_way_to_import_in_python_is_known() {
        let text = "import os, hashlib as h\nimport xml.etree.ElementTree as ET\n\
                    def f():\n    from subprocess import run as start, call\n\
                    from .own import thing as other\nx = 'import os as o'  # import os as p\n";
        let expected = [
            "ET=xml.etree.ElementTree",
            "call=subprocess.call",
            "h=hashlib",
            "other=thing",
            "start=subprocess.run",
        ];
        assert_eq!(meanings(Language::Python, text), expected);
    }

    #[test]
    fn every_way_to_import_in_javascript_is_known() {
        let text = "import * as cp from 'node:child_process';\n\
                    import fs, { readFile as read } from 'fs/promises';\n\
                    const { exec: run, spawn } = require('child_process');\n\
                    const go = util.promisify(require('child_process').exec);\n\
                    const other = require('./own');\n";
        let expected = [
            "cp=child_process",
            "fs=fs.promises",
            "go=child_process.exec",
            "read=fs.promises.readFile",
            "run=child_process.exec",
            "spawn=child_process.spawn",
        ];
        for language in [Language::JavaScript, Language::TypeScript, Language::Tsx] {
            assert_eq!(meanings(language, text), expected, "{language}");
        }
        let text = "import run = require('child_process');\n";
        assert_eq!(meanings(Language::TypeScript, text), ["run=child_process"]);
    }

    /// What comes first is what was wanted; the rest is for where that is missing.
    #[test]
    fn a_name_keeps_its_first_meaning() {
        let text = "try:\n    import cPickle as p\nexcept ImportError:\n    import pickle as p\n";
        assert_eq!(meanings(Language::Python, text), ["p=cPickle"]);
    }
}
