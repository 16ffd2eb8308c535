//! Imports: under which name what is known.

use domain::Language;
use tree_sitter::Node;

use super::{super::expression::content_of, Lowerer};
use crate::taint::{book::ROOT, shape::Child};

impl<'tree> Lowerer<'_, 'tree> {
    pub(in crate::taint::lower) fn import(&mut self, node: Node<'tree>) {
        match self.language {
            Language::Python => self.import_python(node),
            Language::JavaScript | Language::TypeScript | Language::Tsx => self.import_script(node),
            Language::Go => self.import_go(node),
            Language::Rust => self.import_rust(node),
            Language::Java => {}
        }
    }

    pub(super) fn import_python(&mut self, node: Node<'tree>) {
        let module = self.child(node, Child::ModuleName);
        let base = match module {
            Some(module) if !self.text_of(module).starts_with('.') => {
                self.book.dotted(self.text_of(module))
            }
            _ => ROOT,
        };
        for name in self.children_of(node, Child::Name) {
            let (path, known_as) = match self.child(name, Child::Alias) {
                Some(alias) => {
                    let inner = self.child(name, Child::Name).unwrap_or(name);
                    (self.text_of(inner), Some(alias))
                }
                None => (self.text_of(name), None),
            };
            // `import a.b` makes `a` known, which is its own path.
            if module.is_none() && known_as.is_none() {
                let first = path.split('.').next().unwrap_or(path);
                let first = self.book.word(first);
                self.modules.insert(first);
                continue;
            }
            let full = path.split('.').fold(base, |full, part| {
                let part = self.book.word(part);
                self.book.extend(full, part)
            });
            let known_as = known_as.map_or(path, |alias| self.text_of(alias));
            let name = self.book.word(known_as);
            self.imports.insert(name, full);
        }
    }

    pub(super) fn import_script(&mut self, node: Node<'tree>) {
        let Some(source) = self.child(node, Child::Source) else { return };
        let module = content_of(self.text_of(source));
        let base = self.book.dotted_by(module.trim_start_matches("node:"), "/");
        let mut open = self.children(node);
        while let Some(part) = open.pop() {
            match part.kind() {
                "import_clause" | "named_imports" => open.extend(self.children(part)),
                "identifier" | "namespace_import" => {
                    let name =
                        if part.kind() == "identifier" { Some(part) } else { part.named_child(0) };
                    if let Some(name) = name {
                        let name = self.word_of(name);
                        self.imports.insert(name, base);
                    }
                }
                "import_specifier" => {
                    let Some(name) = self.child(part, Child::Name) else { continue };
                    let word = self.word_of(name);
                    let full = self.book.extend(base, word);
                    let known_as = self.child(part, Child::Alias).unwrap_or(name);
                    let known_as = self.word_of(known_as);
                    self.imports.insert(known_as, full);
                }
                _ => {}
            }
        }
    }

    pub(super) fn import_go(&mut self, node: Node<'tree>) {
        let mut open = vec![node];
        while let Some(part) = open.pop() {
            if part.kind() != "import_spec" {
                open.extend(self.children(part));
                continue;
            }
            let Some(path) = self.child(part, Child::Path) else { continue };
            let path = content_of(self.text_of(path));
            let package = path.rsplit('/').next().unwrap_or(path);
            let Some(name) = self.child(part, Child::Name) else {
                let package = self.book.word(package);
                self.modules.insert(package);
                continue;
            };
            let full = self.book.dotted(package);
            let name = self.word_of(name);
            self.imports.insert(name, full);
        }
    }

    /// `use a::b::{c, d as e}`: each name by its whole path.
    pub(super) fn import_rust(&mut self, node: Node<'tree>) {
        let Some(argument) = self.child(node, Child::Argument) else { return };
        let mut open = vec![(argument, ROOT)];
        while let Some((part, base)) = open.pop() {
            match part.kind() {
                "scoped_use_list" => {
                    let path = self.child(part, Child::Path).map_or("", |path| self.text_of(path));
                    let base = self.book.extended_by(base, path, "::");
                    open.extend(self.children(part).into_iter().skip(1).map(|inner| (inner, base)));
                }
                "use_list" => {
                    open.extend(self.children(part).into_iter().map(|inner| (inner, base)))
                }
                "identifier" | "scoped_identifier" | "use_as_clause" => {
                    let path =
                        self.child(part, Child::Path).filter(|_| part.kind() == "use_as_clause");
                    let text = self.text_of(path.unwrap_or(part));
                    let full = self.book.extended_by(base, text, "::");
                    let name = match self.child(part, Child::Alias) {
                        Some(alias) => self.word_of(alias),
                        None => self.book.last(full),
                    };
                    self.imports.insert(name, full);
                }
                _ => {}
            }
        }
    }
}
