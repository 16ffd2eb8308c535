//! What functions of a file see of it: each other, its constants, and what it imports.

use std::collections::{HashMap, HashSet};

use tree_sitter::Node;

use super::{
    erase,
    literal::{decoded, literal},
    scope,
    value::Value,
};
use crate::{
    Source,
    ir::{Call, Callee, Function, Given, Program},
    syntax::{children, each, last_line, line, text},
};

/// A function's code, and which of the program's functions it becomes.
pub(super) struct Body<'a> {
    pub(super) function: usize,
    pub(super) node: Node<'a>,
    /// A call by its name reaches it.
    name: Option<String>,
}

pub(super) struct Module<'a> {
    language: domain::Language,
    pub(super) source: &'a str,
    root: Node<'a>,
    pub(super) bodies: Vec<Body<'a>>,
    /// Functions of the file that a call by name reaches, by the index of their bodies.
    pub(super) functions: HashMap<String, usize>,
    pub(super) constants: HashMap<String, Value>,
    /// The modules that names stand for, or the names in them.
    pub(super) imports: HashMap<String, (String, Option<String>)>,
    /// Every name that the file binds at its outermost level, and how often.
    pub(super) names: HashMap<String, u32>,
    pub(super) types: HashMap<String, Node<'a>>,
    /// Names of type parameters anywhere: such a type may be any.
    pub(super) type_parameters: HashSet<String>,
}

impl<'a> Module<'a> {
    pub(super) fn of(file: usize, source: &Source<'a>, program: &mut Program) -> Self {
        let root = source.tree.root_node();
        let mut module = Self {
            language: source.language,
            source: source.text,
            root,
            bodies: Vec::new(),
            functions: HashMap::new(),
            constants: HashMap::new(),
            imports: HashMap::new(),
            names: HashMap::new(),
            types: HashMap::new(),
            type_parameters: HashSet::new(),
        };
        module.count_names();
        module.remember_types();
        for statement in children(root) {
            let statement = statement.child_by_field_name("declaration").unwrap_or(statement);
            module.remember(statement);
        }
        module.declare_all(file, program);
        module
    }

    fn count_names(&mut self) {
        let mut add = |name: &str, by| *self.names.entry(name.to_owned()).or_default() += by;
        for declared in scope::declared(self.root, self.source) {
            add(declared.name, 1);
        }
        for ((name, _), _) in scope::vars(self.root, self.source) {
            // A `var` may be there twice, and unset.
            add(name, 2);
        }
        scope::each_own(self.root, &mut |node| {
            if matches!(node.kind(), "import_clause" | "import_require_clause") {
                each(node, &mut |inner| {
                    if inner.kind() == "identifier" {
                        add(text(inner, self.source), 1);
                    }
                });
            }
        });
        // Whatever anyone sets is no constant, whoever's name it is.
        each(self.root, &mut |node| {
            let target = match node.kind() {
                "assignment_expression" | "augmented_assignment_expression" => {
                    node.child_by_field_name("left")
                }
                "update_expression" => node.child_by_field_name("argument"),
                "for_in_statement" => node.child_by_field_name("left"),
                _ => None,
            };
            if let Some(target) = target.filter(|it| it.kind() == "identifier") {
                *self.names.entry(text(target, self.source).to_owned()).or_default() += 2;
            }
        });
    }

    fn remember_types(&mut self) {
        let mut doubtful = Vec::new();
        each(self.root, &mut |node| match node.kind() {
            "interface_declaration"
            | "type_alias_declaration"
            | "enum_declaration"
            | "class_declaration"
            | "abstract_class_declaration" => {
                let Some(name) = node.child_by_field_name("name") else { return };
                let name = text(name, self.source).to_owned();
                let merges = node.kind() == "interface_declaration";
                if self.types.insert(name.clone(), node).is_some() && !merges {
                    doubtful.push(name);
                }
            }
            "type_parameter" | "mapped_type_clause" | "infer_type" => {
                if let Some(name) = node.child_by_field_name("name").or(node.named_child(0)) {
                    self.type_parameters.insert(text(name, self.source).to_owned());
                }
            }
            _ => {}
        });
        self.type_parameters.extend(doubtful);
    }

    /// A constant or an import.
    fn remember(&mut self, statement: Node<'a>) {
        match statement.kind() {
            "lexical_declaration" if text(statement, self.source).starts_with("const") => {
                for declarator in children(statement) {
                    self.remember_constant(declarator);
                }
            }
            "import_statement" => {
                let Some(module) = statement.child_by_field_name("source") else { return };
                let Some(module) = decoded(module, self.source) else { return };
                each(statement, &mut |node| self.remember_import(node, &module));
            }
            _ => {}
        }
    }

    fn remember_constant(&mut self, declarator: Node<'a>) {
        let parts =
            (declarator.child_by_field_name("name"), declarator.child_by_field_name("value"));
        let (Some(name), Some(value)) = parts else { return };
        if name.kind() != "identifier" || !self.is_bound_once(text(name, self.source)) {
            return;
        }
        let name = text(name, self.source).to_owned();
        if let Some(module) = self.required(value) {
            self.imports.insert(name, (module, None));
        } else if let Some(value) = literal(value, self.source) {
            self.constants.insert(name, value);
        }
    }

    /// The module of `require("…")`.
    fn required(&self, value: Node<'_>) -> Option<String> {
        let function = value.child_by_field_name("function")?;
        let arguments = value.child_by_field_name("arguments").map(children)?;
        let is_require = text(function, self.source) == "require";
        let own = !self.names.contains_key("require");
        arguments.first().filter(|_| is_require && own).and_then(|it| decoded(*it, self.source))
    }

    fn remember_import(&mut self, node: Node<'a>, module: &str) {
        let named = |node: Node<'_>| text(node, self.source).to_owned();
        let (name, of) = match node.kind() {
            "import_clause" => match node.named_child(0).filter(|it| it.kind() == "identifier") {
                Some(name) => (named(name), None),
                None => return,
            },
            "namespace_import" => match node.named_child(0) {
                Some(name) => (named(name), None),
                None => return,
            },
            "import_specifier" => {
                let Some(name) = node.child_by_field_name("name") else { return };
                let alias = node.child_by_field_name("alias").unwrap_or(name);
                (named(alias), Some(named(name)))
            }
            _ => return,
        };
        if self.is_bound_once(&name) {
            self.imports.insert(name, (module.to_owned(), of));
        }
    }

    pub(super) fn is_bound_once(&self, name: &str) -> bool {
        self.names.get(name) == Some(&1)
    }

    /// Every function of the file, those within others as well, and the code around them.
    fn declare_all(&mut self, file: usize, program: &mut Program) {
        let mut open = vec![(self.root, String::new())];
        self.add("<module>", self.root, None, file, program);
        while let Some((node, path)) = open.pop() {
            let mut path = path;
            if scope::is_inner(node.kind()) {
                let own = self.name_of(node).unwrap_or("<anonymous>");
                let full = if path.is_empty() { own.to_owned() } else { format!("{path}.{own}") };
                if scope::is_function(node.kind()) {
                    let name = self.callable_name(node);
                    self.add(&full, node, name, file, program);
                }
                path = full;
            }
            let inner = children(node).into_iter().rev();
            open.extend(inner.map(|child| (child, path.clone())));
        }
    }

    fn add(
        &mut self,
        full: &str,
        node: Node<'a>,
        name: Option<String>,
        file: usize,
        program: &mut Program,
    ) {
        let function = program.functions.len();
        program.functions.push(Function {
            name: full.to_owned(),
            first_line: line(node),
            last_line: last_line(node),
            file,
            parameters: Vec::new(),
            call: None,
            variables: Vec::new(),
            body: Err("it was not looked at".to_owned()),
        });
        if let Some(name) = &name {
            self.functions.insert(name.clone(), self.bodies.len());
        }
        self.bodies.push(Body { function, node, name });
    }

    fn name_of(&self, node: Node<'a>) -> Option<&'a str> {
        let own = node.child_by_field_name("name").or_else(|| {
            let parent = node.parent()?;
            let holder = match parent.kind() {
                "variable_declarator" | "public_field_definition" | "field_definition" => "name",
                "pair" => "key",
                "assignment_expression" => "left",
                _ => return None,
            };
            parent.child_by_field_name(holder).or(parent.child_by_field_name("property"))
        })?;
        Some(text(own, self.source))
    }

    /// The name of a function that stands at the outermost level and keeps its name.
    fn callable_name(&self, node: Node<'a>) -> Option<String> {
        let mut outer = node.parent()?;
        if node.kind() != "function_declaration" {
            let is_const = outer.kind() == "variable_declarator"
                && outer.parent().is_some_and(|it| text(it, self.source).starts_with("const"));
            outer = outer.parent().filter(|_| is_const)?.parent()?;
        }
        if outer.kind() == "export_statement" {
            outer = outer.parent()?;
        }
        let name = self.name_of(node)?;
        (outer == self.root && self.is_bound_once(name)).then(|| name.to_owned())
    }

    /// How a test calls it: with the code of the file that it needs, in plain JavaScript.
    pub(super) fn call(&self, body: &Body<'_>, parameters: Vec<(String, Given)>) -> Call {
        let callee = body.name.as_ref().and_then(|name| {
            let code = erase::needed(self, body.node)?;
            Some(Callee::Script { name: name.clone(), code })
        });
        Call { language: self.language, callee, parameters }
    }

    /// The statement at the outermost level that binds a name for good.
    pub(super) fn statement_of(&self, name: &str) -> Option<Node<'a>> {
        let is_known = self.functions.contains_key(name) || self.constants.contains_key(name);
        children(self.root).into_iter().filter(|_| is_known).find(|statement| {
            let inner = statement.child_by_field_name("declaration").unwrap_or(*statement);
            let mut names = Vec::new();
            match inner.kind() {
                "function_declaration" => {
                    names.extend(inner.child_by_field_name("name"));
                }
                _ => names.extend(
                    children(inner).into_iter().filter_map(|it| it.child_by_field_name("name")),
                ),
            }
            names.into_iter().any(|it| text(it, self.source) == name)
        })
    }
}
