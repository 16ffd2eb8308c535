//! What functions of a module see of it: each other, its constants, and names that are taken.

use std::collections::{BTreeSet, HashMap, HashSet};

use tree_sitter::Node;

use super::{Lowering, children, each, expr, last_line, line, scope, text};
use crate::{
    Source,
    ir::{Function, Global, Program, Tag, Var},
};

/// Classes within classes whose methods are looked at.
const CLASSES_MAX: usize = 16;

/// A function's code, and which of the program's functions it becomes.
pub(super) struct Body<'a> {
    pub(super) function: usize,
    pub(super) node: Node<'a>,
    pub(super) class: Option<String>,
    /// By its name alone, as the module's caller or a test would.
    pub(super) is_callable: bool,
}

/// A name of the module that keeps its first value, as far as the file shows.
pub(super) struct Constant {
    pub(super) tag: Tag,
    pub(super) global: Var,
}

pub(super) struct Module<'a> {
    pub(super) source: &'a str,
    pub(super) bodies: Vec<Body<'a>>,
    /// Functions that a call by name reaches, and nothing else by that name.
    pub(super) functions: HashMap<String, usize>,
    pub(super) constants: HashMap<String, Constant>,
    /// Modules by the names under which they were imported.
    pub(super) imports: HashMap<String, String>,
    /// Every name that the module binds.
    pub(super) names: HashSet<String>,
    pub(super) index: HashMap<usize, usize>,
}

impl<'a> Module<'a> {
    pub(super) fn of(file: usize, source: &Source<'a>, program: &mut Program) -> Self {
        let root = source.tree.root_node();
        let mut module = Self {
            source: source.text,
            bodies: Vec::new(),
            functions: HashMap::new(),
            constants: HashMap::new(),
            imports: HashMap::new(),
            names: HashSet::new(),
            index: HashMap::new(),
        };
        let bound = bindings(root, source.text);
        module.names = bound.keys().cloned().collect();
        for child in children(root) {
            module.declare(child, None, false, file, program);
        }
        module.functions.retain(|name, _| bound.get(name) == Some(&1));
        module.remember_constants(root, &bound, program);
        module.remember_imports(root, &bound);
        module.add("<module>", root, None, false, file, program);
        module
    }

    fn declare(
        &mut self,
        node: Node<'a>,
        class: Option<&str>,
        is_decorated: bool,
        file: usize,
        program: &mut Program,
    ) {
        let name = node.child_by_field_name("name").map(|name| text(name, self.source).to_owned());
        match (node.kind(), name) {
            ("function_definition", Some(name)) => {
                let callable = class.is_none() && !is_decorated;
                let full = class.map_or(name.clone(), |class| format!("{class}.{name}"));
                let at = self.add(&full, node, class, callable, file, program);
                if callable {
                    self.functions.insert(name, at);
                }
            }
            ("class_definition", Some(name))
                if class.is_none_or(|outer| outer.split('.').count() < CLASSES_MAX) =>
            {
                let full = class.map_or(name.clone(), |class| format!("{class}.{name}"));
                for child in node.child_by_field_name("body").map(children).unwrap_or_default() {
                    self.declare(child, Some(&full), false, file, program);
                }
            }
            ("decorated_definition", _) => {
                if let Some(inner) = node.child_by_field_name("definition") {
                    self.declare(inner, class, true, file, program);
                }
            }
            _ => {}
        }
    }

    fn add(
        &mut self,
        name: &str,
        node: Node<'a>,
        class: Option<&str>,
        is_callable: bool,
        file: usize,
        program: &mut Program,
    ) -> usize {
        let function = program.functions.len();
        program.functions.push(Function {
            name: name.to_owned(),
            first_line: line(node),
            last_line: last_line(node),
            file,
            parameters: Vec::new(),
            call: None,
            variables: Vec::new(),
            body: Err("it was not looked at".to_owned()),
        });
        self.index.insert(function, self.bodies.len());
        self.bodies.push(Body { function, node, class: class.map(str::to_owned), is_callable });
        function
    }

    /// `NAME = literal`, once, and no function says `global NAME`.
    fn remember_constants(
        &mut self,
        root: Node<'a>,
        bound: &HashMap<String, u32>,
        program: &mut Program,
    ) {
        for statement in children(root) {
            let assignment = statement.named_child(0).filter(|it| it.kind() == "assignment");
            let Some(assignment) = assignment else { continue };
            let (Some(left), Some(right)) =
                (assignment.child_by_field_name("left"), assignment.child_by_field_name("right"))
            else {
                continue;
            };
            let name = text(left, self.source).to_owned();
            if left.kind() != "identifier" || bound.get(&name) != Some(&1) {
                continue;
            }
            let Some((tag, value)) = expr::literal(right, self.source) else { continue };
            let annotation = assignment.child_by_field_name("type");
            let is_final = annotation.is_some_and(|it| text(it, self.source).contains("Final"));
            let global = Var::global(program.globals.len());
            program.globals.push(Global {
                name: name.clone(),
                ty: super::value::slot_type(tag),
                constant: Some(value),
                assumed: !is_final,
                nullable: false,
            });
            self.constants.insert(name, Constant { tag, global });
        }
    }

    fn remember_imports(&mut self, root: Node<'a>, bound: &HashMap<String, u32>) {
        for statement in children(root).into_iter().filter(|it| it.kind() == "import_statement") {
            for part in children(statement) {
                let (name, module) = match part.kind() {
                    "aliased_import" => {
                        (part.child_by_field_name("alias"), part.child_by_field_name("name"))
                    }
                    _ => (part.named_child(0), Some(part)),
                };
                let (Some(name), Some(module)) = (name, module) else { continue };
                let name = text(name, self.source).to_owned();
                if bound.get(&name) == Some(&1) {
                    self.imports.insert(name, text(module, self.source).to_owned());
                }
            }
        }
    }
}

/// How often the module binds each of its names; what a function may bind counts twice.
fn bindings(root: Node<'_>, source: &str) -> HashMap<String, u32> {
    let mut count: HashMap<String, u32> = HashMap::new();
    each(root, &mut |node| {
        let mut add = |name: &str, by| *count.entry(name.to_owned()).or_default() += by;
        match node.kind() {
            "function_definition" | "class_definition" => {
                if let Some(name) = node.child_by_field_name("name") {
                    add(text(name, source), 1);
                }
                each(node, &mut |inner| {
                    if inner.kind() == "global_statement" {
                        children(inner).into_iter().for_each(|name| add(text(name, source), 2));
                    }
                    true
                });
                return false;
            }
            "lambda" => return false,
            "import_statement" | "import_from_statement" => {
                scope::imported(node, source).iter().for_each(|name| add(name, 1));
            }
            "assignment"
            | "augmented_assignment"
            | "for_statement"
            | "named_expression"
            | "as_pattern_target"
            | "delete_statement" => {
                let target = node
                    .child_by_field_name("left")
                    .or_else(|| node.child_by_field_name("name"))
                    .or_else(|| node.named_child(0));
                let mut names = BTreeSet::new();
                if let Some(target) = target {
                    each(target, &mut |inner| {
                        if inner.kind() == "identifier" {
                            names.insert(text(inner, source).to_owned());
                        }
                        true
                    });
                }
                // Anything but a plain assignment may bind it more than once.
                let by = if node.kind() == "assignment" { 1 } else { 2 };
                names.iter().for_each(|name| add(name, by));
            }
            "wildcard_import" => add("*", 2),
            _ => {}
        }
        true
    });
    count_choices(root, source, &mut count);
    count
}

/// A name that is bound where a loop or branch decides may have another value.
fn count_choices(root: Node<'_>, source: &str, count: &mut HashMap<String, u32>) {
    for statement in children(root) {
        if matches!(
            statement.kind(),
            "if_statement"
                | "while_statement"
                | "try_statement"
                | "with_statement"
                | "match_statement"
        ) {
            each(statement, &mut |node| {
                if node.kind() == "assignment"
                    && let Some(left) = node.child_by_field_name("left")
                {
                    *count.entry(text(left, source).to_owned()).or_default() += 1;
                }
                true
            });
        }
    }
}

impl Lowering<'_> {
    /// The module that a name was imported as.
    pub(super) fn imported(&self, node: Node<'_>) -> Option<&str> {
        let whole = text(node, self.source);
        let first = whole.split('.').next().unwrap_or(whole);
        if self.scope.locals.contains(first) || self.scope.foreign.contains(first) {
            return None;
        }
        let module = self.module.imports.get(first)?;
        // `os.environ` is as good as a module of its own.
        if whole == "os.environ" && module == "os" {
            return Some("os.environ");
        }
        (node.kind() == "identifier").then_some(module.as_str())
    }
}
