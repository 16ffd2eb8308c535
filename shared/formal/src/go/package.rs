//! What the files of a package declare: types, constants, variables, functions, methods.

use std::collections::{HashMap, HashSet};

use tree_sitter::Node;

use super::{
    constant::{self, Constants},
    types::{Names, Ty, parameters, results, underlying},
    uses::{Uses, chain, is_index},
};
use crate::{
    Source,
    ir::{Expr, Function, Program},
    syntax::{children, each, last_line, line, text},
};

/// How a call can know what it runs.
#[derive(Debug, Default)]
pub(super) struct Signature {
    /// With the receiver first.
    pub(super) parameters: Vec<(String, Ty)>,
    pub(super) variadic: bool,
    pub(super) results: Vec<(String, Ty)>,
    /// Fields of its parameters that are handed over as well: which one, the path, the type.
    pub(super) places: Vec<(usize, Vec<String>, Ty)>,
    pub(super) generic: Vec<String>,
}

/// A function's body with where it is.
pub(super) struct Body<'tree> {
    pub(super) function: usize,
    pub(super) file: usize,
    pub(super) node: Node<'tree>,
    pub(super) uses: Uses,
}

#[derive(Default)]
pub(super) struct Package {
    pub(super) types: HashMap<String, Ty>,
    pub(super) constants: Constants,
    pub(super) globals: HashMap<String, (usize, Ty)>,
    pub(super) functions: HashMap<String, usize>,
    /// By the name of the type and their own.
    pub(super) methods: HashMap<(String, String), usize>,
    pub(super) signatures: HashMap<usize, Signature>,
    /// Recover from panics, so deferring them changes where a function ends.
    recovering: HashSet<String>,
}

impl Package {
    pub(super) fn of<'tree>(
        files: &[usize],
        sources: &'tree [Source<'_>],
        program: &mut Program,
        bodies: &mut Vec<Body<'tree>>,
    ) -> Self {
        let mut package = Self::default();
        let mut lengths = HashMap::new();
        // Constants may use those of other files: once more finds what the first time missed.
        for _ in 0..2 {
            for file in files {
                let names = Names { source: sources[*file].text, lengths: &lengths, generic: &[] };
                for node in declared(&sources[*file], "const_declaration") {
                    constant::declare(node, &names, &mut package.constants);
                }
            }
            lengths = package.lengths();
        }
        for file in files {
            let names = Names { source: sources[*file].text, lengths: &lengths, generic: &[] };
            for node in declared(&sources[*file], "type_declaration") {
                package.declare_types(node, &names);
            }
        }
        let assigned = assigned(files, sources);
        for file in files {
            for node in declared(&sources[*file], "var_declaration") {
                package.variables(node, sources[*file].text, &lengths, &assigned, program);
            }
        }
        for file in files {
            for kind in ["function_declaration", "method_declaration"] {
                for node in declared(&sources[*file], kind) {
                    package.function(node, *file, &sources[*file], &lengths, program, bodies);
                }
            }
        }
        package
    }

    pub(super) fn lengths(&self) -> HashMap<String, i128> {
        let number = |(name, (value, _)): (&String, &(Expr, Ty))| {
            if let Expr::Int(value) = value { Some((name.clone(), *value)) } else { None }
        };
        self.constants.iter().filter_map(number).collect()
    }

    pub(super) fn under(&self, ty: &Ty) -> Ty {
        underlying(ty, &self.types)
    }

    /// Whether anything of the package has the name.
    pub(super) fn declares(&self, name: &str) -> bool {
        self.functions.contains_key(name)
            || self.types.contains_key(name)
            || self.constants.contains_key(name)
            || self.globals.contains_key(name)
    }

    /// Deferring it may end a panic.
    pub(super) fn recovers(&self, name: &str) -> bool {
        self.recovering.contains(name)
    }

    fn declare_types(&mut self, node: Node<'_>, names: &Names<'_>) {
        for spec in children(node) {
            let (Some(name), Some(ty)) =
                (spec.child_by_field_name("name"), spec.child_by_field_name("type"))
            else {
                continue;
            };
            let generic = generic(spec, names.source);
            let names = Names { generic: &generic, ..*names };
            self.types.insert(text(name, names.source).to_owned(), Ty::of(ty, &names));
        }
    }

    fn function<'tree>(
        &mut self,
        node: Node<'tree>,
        file: usize,
        source: &Source<'_>,
        lengths: &HashMap<String, i128>,
        program: &mut Program,
        bodies: &mut Vec<Body<'tree>>,
    ) {
        let Some(name) = node.child_by_field_name("name").map(|it| text(it, source.text)) else {
            return;
        };
        let mut generic = generic(node, source.text);
        let receiver = node.child_by_field_name("receiver");
        // The names of a generic type's parameters stand in the receiver.
        if let Some(receiver) = receiver {
            each(receiver, &mut |inner| {
                if inner.kind() == "type_arguments" {
                    let own =
                        children(inner).into_iter().map(|it| text(it, source.text).to_owned());
                    generic.extend(own);
                }
            });
        }
        let names = Names { source: source.text, lengths, generic: &generic };
        let (mut own, mut variadic) = (Vec::new(), false);
        let mut class = None;
        if let Some(receiver) = receiver {
            own = parameters(receiver, &names).0;
            class = own.first().and_then(|(_, ty)| type_name(ty)).map(str::to_owned);
        }
        if let Some(list) = node.child_by_field_name("parameters") {
            let (more, spread) = parameters(list, &names);
            own.extend(more);
            variadic = spread;
        }
        let results = results(node.child_by_field_name("result"), &names);
        let uses = node.child_by_field_name("body").map(|body| Uses::of(body, source.text));
        let uses = uses.unwrap_or_default();
        let function = program.functions.len();
        match &class {
            Some(class) => {
                self.methods.insert((class.clone(), name.to_owned()), function);
            }
            None if name != "init" && name != "_" => {
                self.functions.insert(name.to_owned(), function);
            }
            None => {}
        }
        if uses.recovers {
            self.recovering.insert(name.to_owned());
        }
        let mut signature = Signature {
            parameters: own,
            variadic,
            results,
            places: Vec::new(),
            generic: generic.clone(),
        };
        signature.places = self.places(&signature, &uses);
        self.signatures.insert(function, signature);
        let name = class.map_or_else(|| name.to_owned(), |class| format!("{class}.{name}"));
        program.functions.push(empty(name, node, file));
        bodies.push(Body { function, file, node, uses });
    }

    fn places(&self, signature: &Signature, uses: &Uses) -> Vec<(usize, Vec<String>, Ty)> {
        let mut places = Vec::new();
        for (at, (name, ty)) in signature.parameters.iter().enumerate() {
            for (path, ty, _) in self.places_of(name, ty, uses) {
                places.push((at, path, ty));
            }
        }
        places
    }

    /// The paths from a variable that are followed, with their types and whether a pointer leads
    /// there.
    pub(super) fn places_of(
        &self,
        name: &str,
        ty: &Ty,
        uses: &Uses,
    ) -> Vec<(Vec<String>, Ty, bool)> {
        let by_value = !matches!(self.under(ty), Ty::Ptr(_) | Ty::Slice(_));
        if uses.shared.contains(name) || (by_value && uses.receivers.contains(name)) {
            return Vec::new();
        }
        let paths = uses.paths.get(name).into_iter().flatten();
        paths
            .filter_map(|path| {
                let (found, pointer) = self.at(ty, path)?;
                Some((path.clone(), found, pointer))
            })
            .collect()
    }

    /// The type of what a path leads to, and whether it goes through a pointer.
    pub(super) fn at(&self, ty: &Ty, path: &[String]) -> Option<(Ty, bool)> {
        let (mut ty, mut pointer) = (ty.clone(), false);
        for name in path {
            let mut under = self.under(&ty);
            if name == super::uses::CAPACITY {
                return matches!(under, Ty::Slice(_)).then_some((super::types::INT, pointer));
            }
            if super::uses::is_index(name) {
                pointer |= !under.is_array();
                let element = under.sequence().map(|(_, element)| element);
                ty = element.or_else(|| under.map_value())?.clone();
                continue;
            }
            if let Ty::Ptr(target) = under {
                pointer = true;
                if name == super::uses::TARGET {
                    // A whole struct is its fields.
                    let known = !matches!(self.under(&target), Ty::Struct(_) | Ty::Unknown);
                    ty = known.then_some(*target)?;
                    continue;
                }
                under = self.under(&target);
            }
            let Ty::Struct(fields) = under else { return None };
            ty = fields.into_iter().find(|field| field.name == *name)?.ty;
        }
        Some((ty, pointer))
    }
}

/// A function whose body comes later.
fn empty(name: String, node: Node<'_>, file: usize) -> Function {
    Function {
        name,
        first_line: line(node),
        last_line: last_line(node),
        file,
        parameters: Vec::new(),
        call: None,
        variables: Vec::new(),
        body: Ok(Vec::new()),
    }
}

/// The name of a type, or of what a pointer to it points to.
pub(super) fn type_name(ty: &Ty) -> Option<&str> {
    if let Ty::Ptr(target) = ty {
        return type_name(target);
    }
    if let Ty::Named(name) = ty { Some(name) } else { None }
}

/// Declarations at the top of a file.
fn declared<'tree>(source: &'tree Source<'_>, kind: &str) -> Vec<Node<'tree>> {
    children(source.tree.root_node()).into_iter().filter(|node| node.kind() == kind).collect()
}

/// The names of type parameters.
fn generic(node: Node<'_>, source: &str) -> Vec<String> {
    let Some(list) = node.child_by_field_name("type_parameters") else { return Vec::new() };
    let mut names = Vec::new();
    for declared in children(list) {
        let mut cursor = declared.walk();
        let named = declared.children_by_field_name("name", &mut cursor);
        names.extend(named.map(|name| text(name, source).to_owned()));
    }
    names
}

/// Every name that anything assigns to, or whose address is taken.
fn assigned(files: &[usize], sources: &[Source<'_>]) -> HashSet<String> {
    let mut names = HashSet::new();
    for file in files {
        let source = &sources[*file];
        each(source.tree.root_node(), &mut |node| {
            let targets = match node.kind() {
                "assignment_statement" | "range_clause" => {
                    node.child_by_field_name("left").map(children)
                }
                "inc_statement" | "dec_statement" => node.named_child(0).map(|it| vec![it]),
                "unary_expression" => {
                    let takes =
                        node.child_by_field_name("operator").is_some_and(|it| it.kind() == "&");
                    node.child_by_field_name("operand").filter(|_| takes).map(|it| vec![it])
                }
                _ => None,
            };
            for target in targets.unwrap_or_default() {
                let found = chain(target, source.text);
                let whole = found.filter(|(_, path)| !path.iter().any(|it| is_index(it)));
                names.extend(whole.map(|(root, _)| root));
            }
        });
    }
    names
}
