//! What the names of a file mean, by its imports.
//!
//! Rules are written for `os.system` and `subprocess.run`. A file may say `import os as o` or
//! `from subprocess import run as start`, so matchers read it twice: once with renamed members
//! under their own names, once with every imported name written out in full. A function that the
//! file defines itself is none of a library's, whatever it is called.

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
    rc::Rc,
};

use domain::Language;
use tree_sitter::{Node, Tree};

use crate::{Symbol, SymbolKind, tree::Renamed};

/// Imports that are read in one file; generated bundles have more, and nobody reads those.
const IMPORTS_MAX: usize = 2_000;

/// Wrappers around a `require`: `promisify(require("child_process").exec)`.
const WRAPPERS_MAX: usize = 6;

/// How matchers see the names of a file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// As they are written, except for members that an import renames.
    Plain,
    /// With the module in front.
    Full,
}

/// What an imported name stands for, where that is not what is written.
#[derive(Debug, PartialEq, Eq)]
struct Binding {
    plain: Option<Rc<str>>,
    full: Option<Rc<str>>,
}

/// The imports of one file.
#[derive(Debug)]
pub(super) struct Imports {
    bindings: HashMap<String, Binding>,
    /// Where they stand, sorted: the names there are not uses.
    statements: Vec<Range<usize>>,
    /// What `require("fs")` gives, which may be used without a name.
    required: Vec<Renamed>,
    /// Whether a used name may begin with this byte. Most do not, and are not looked up.
    initials: [bool; 256],
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
    fn knows(&self, name: &str) -> bool {
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
}

impl<'a> Uses<'a> {
    pub(super) fn new(imports: &'a Imports, text: &'a str) -> Self {
        Self { imports, text, plain: Vec::new(), full: Vec::new() }
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
        if matches!(field(), Some("attribute" | "name" | "alias")) {
            return;
        }
        let statements = &self.imports.statements;
        let next = statements.partition_point(|statement| statement.end <= bytes.start);
        if statements.get(next).is_some_and(|statement| statement.start <= bytes.start) {
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
        if !self.imports.required.is_empty() {
            self.full.extend(self.imports.required.iter().cloned());
            self.full.sort_unstable_by_key(|renamed| renamed.bytes.start);
        }
        Names { plain: self.plain.into(), full: self.full.into(), own }
    }
}

/// What the names of a file mean, place by place.
pub(super) struct Names {
    plain: Rc<[Renamed]>,
    full: Rc<[Renamed]>,
    /// Functions and classes at the top of the file.
    own: HashSet<String>,
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
        if self.own.is_empty() {
            return None;
        }
        let field = match node.kind() {
            "call" | "call_expression" => "function",
            "new_expression" => "constructor",
            _ => return None,
        };
        let callee = node.child_by_field_name(field)?;
        let name = text.get(callee.byte_range())?;
        (callee.kind() == "identifier" && self.own.contains(name)).then(|| callee.byte_range())
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

    #[test]
    fn words_stand_alone() {
        assert_eq!(words("run(rerun, run_all, x.run)", "run").collect::<Vec<_>>(), [0, 22]);
    }
}
