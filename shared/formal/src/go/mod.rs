//! Go functions to IR, with Go's arithmetic: integers that wrap in silence, slices with a length
//! and a capacity, nil, several results, and the zero value that everything begins with.
//!
//! A field that is reached from a variable (`a.b.c`) is a variable of its own in the IR, and is
//! forgotten as soon as anything may have written to it.

mod assign;
mod builtin;
mod call;
mod composite;
mod constant;
mod convert;
mod expr;
mod given;
mod global;
mod index;
mod library;
mod loops;
mod operator;
mod package;
mod place;
mod select;
mod show;
mod statement;
mod types;
mod uses;
mod value;

use std::{
    collections::{BTreeMap, HashMap},
    ops::Range,
};

use tree_sitter::Node;

use package::{Body, Package, Signature};
use types::{Names, Ty};
use value::Typed;

use crate::{
    Source,
    emit::{Emit, Emitted},
    ir::{
        Check, CheckKind, Expr, Function, Global, IntType, Label, LengthBits, Program, Site, Stmt,
        Type, Var, Variable,
    },
    syntax::{children, each, text, too_deep},
};

/// Nested deeper than this, a function is not lowered: the lowering recurses.
const DEPTH_MAX: usize = 150;

/// Sites below are parameters by their position.
const FIRST_SITE: Site = 1024;

/// Where functions leave results behind their first: by what they hold and their place.
type Registers = BTreeMap<(u8, usize), Var>;

pub(crate) fn lower(sources: &[Source<'_>]) -> Program {
    let mut program = Program { length_bits: LengthBits::Word, ..Program::default() };
    let mut packages = Vec::new();
    for files in by_package(sources) {
        let mut bodies = Vec::new();
        let package = Package::of(&files, sources, &mut program, &mut bodies);
        packages.push((package, bodies));
    }
    let mut registers = Registers::new();
    for (package, _) in &packages {
        for signature in package.signatures.values() {
            reserve(package, signature, &mut registers, &mut program);
        }
    }
    let mut sites = FIRST_SITE;
    for (package, bodies) in &packages {
        let lengths = package.lengths();
        for body in bodies {
            let source = sources[body.file].text;
            let imports = imports(sources[body.file].tree.root_node(), source);
            let mut lowering = Lowering {
                package,
                registers: &registers,
                source,
                imports: &imports,
                lengths: &lengths,
                body,
                sites,
                labels: 0,
                depth: 0,
                variables: Vec::new(),
                scopes: vec![HashMap::new()],
                places: Vec::new(),
                results: Vec::new(),
                breaks: Vec::new(),
                continues: Vec::new(),
                block: Vec::new(),
                conversions: Vec::new(),
                failed: None,
            };
            let (parameters, lowered) = lowering.function();
            sites = lowering.sites;
            let call = show::call(&lowering, &sources[body.file], &parameters);
            let own: &mut Function = &mut program.functions[body.function];
            own.variables = lowering.variables;
            own.call = Some(call);
            (own.parameters, own.body) = (parameters, lowered);
        }
    }
    program
}

/// Files that see each other's names: of one folder, with the same name of their package.
fn by_package(sources: &[Source<'_>]) -> Vec<Vec<usize>> {
    let mut packages: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
    for (file, source) in sources.iter().enumerate() {
        let folder = source.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let clause = children(source.tree.root_node()).into_iter();
        let clause = clause.into_iter().find(|node| node.kind() == "package_clause");
        let name = clause.and_then(|clause| clause.named_child(0));
        let name = name.map_or("", |name| text(name, source.text));
        packages.entry((folder, name)).or_default().push(file);
    }
    packages.into_values().collect()
}

/// The packages that a file imports, by the name it calls them.
fn imports(root: Node<'_>, source: &str) -> HashMap<String, String> {
    let mut found = HashMap::new();
    for declared in children(root).into_iter().filter(|it| it.kind() == "import_declaration") {
        each(declared, &mut |node| {
            let path = node.child_by_field_name("path").filter(|_| node.kind() == "import_spec");
            let Some(path) = path.map(|path| text(path, source).trim_matches(['"', '`'])) else {
                return;
            };
            let given = node.child_by_field_name("name").map(|name| text(name, source));
            // `math/rand/v2` is called `rand`.
            let mut parts = path.rsplit('/');
            let last = parts.next().unwrap_or(path);
            let version = last.strip_prefix('v').is_some_and(|rest| rest.parse::<u32>().is_ok());
            let last = if version { parts.next().unwrap_or(last) } else { last };
            found.insert(given.unwrap_or(last).to_owned(), path.to_owned());
        });
    }
    found
}

fn kind(ty: Type) -> u8 {
    match ty {
        Type::Bool => 0,
        Type::Int(_) => 1,
        Type::Float { .. } => 2,
        Type::Ref => 3,
    }
}

fn reserve(
    package: &Package,
    signature: &Signature,
    registers: &mut Registers,
    program: &mut Program,
) {
    for (at, (_, ty)) in signature.results.iter().enumerate().skip(1) {
        let ty = match package.under(ty).ir() {
            Type::Int(_) => Type::Int(IntType::UNBOUNDED),
            Type::Float { .. } => Type::Float { single: false },
            other @ (Type::Bool | Type::Ref) => other,
        };
        registers.entry((kind(ty), at)).or_insert_with(|| {
            let name = format!("result {}", at + 1);
            program.globals.push(Global {
                name,
                ty,
                constant: None,
                assumed: false,
                nullable: true,
            });
            Var::global(program.globals.len() - 1)
        });
    }
}

/// A name of a function: a variable, unless something changes it that is not seen.
#[derive(Debug, Clone)]
struct Local {
    var: Var,
    ty: Ty,
    shared: bool,
}

/// A field that is reached from a variable.
#[derive(Debug, Clone)]
struct Place {
    root: Var,
    path: Vec<String>,
    var: Var,
    ty: Ty,
    /// A pointer leads there, so others may write to it.
    pointer: bool,
}

/// Lowers one function.
struct Lowering<'a> {
    package: &'a Package,
    registers: &'a Registers,
    source: &'a str,
    imports: &'a HashMap<String, String>,
    lengths: &'a HashMap<String, i128>,
    body: &'a Body<'a>,
    sites: Site,
    labels: Label,
    depth: usize,
    variables: Vec<Variable>,
    /// Names of locals, innermost scope last.
    scopes: Vec<HashMap<String, Local>>,
    places: Vec<Place>,
    /// Results, with their variables where they have names.
    results: Vec<(Option<Local>, Ty)>,
    /// What `break` and `continue` leave, with the label they can be named by.
    breaks: Vec<(Option<String>, Label)>,
    continues: Vec<(Option<String>, Label)>,
    block: Vec<Stmt>,
    /// The types that integers are converted to which they may not fit, by their lines.
    conversions: Vec<(u32, Range<usize>)>,
    /// Why the function cannot be lowered as a whole.
    failed: Option<String>,
}

impl Emit for Lowering<'_> {
    fn emitted(&mut self) -> Emitted<'_> {
        Emitted {
            block: &mut self.block,
            variables: &mut self.variables,
            sites: &mut self.sites,
            labels: &mut self.labels,
        }
    }
}

impl<'a> Lowering<'a> {
    fn function(&mut self) -> (Vec<Var>, Result<Vec<Stmt>, String>) {
        let signature = &self.package.signatures[&self.body.function];
        let mut own = Vec::new();
        for (name, ty) in &signature.parameters {
            own.push(self.variable(name, ty));
        }
        for (at, path, ty) in &signature.places {
            let name = format!("{}.{}", signature.parameters[*at].0, path.join("."));
            let var = self.variable(&name, ty);
            own.push(var);
            let pointer = self.package.at(&signature.parameters[*at].1, path);
            let pointer = pointer.is_some_and(|(_, pointer)| pointer);
            let (root, path, ty) = (own[*at], path.clone(), ty.clone());
            self.places.push(Place { root, path, var, ty, pointer });
        }
        for ((name, ty), var) in signature.parameters.iter().zip(&own) {
            self.bind(name, ty, *var);
        }
        self.limits();
        for (name, ty) in &signature.results {
            let local = (!name.is_empty()).then(|| self.declare_zero(name, ty));
            self.results.push((local, ty.clone()));
        }
        let body = match self.body.node.child_by_field_name("body") {
            None => Err("it has no body".to_owned()),
            Some(body) if body.has_error() => Err("it has a syntax error".to_owned()),
            Some(_) if self.body.uses.recovers => Err("it recovers from panics".to_owned()),
            Some(body) => match too_deep(body) {
                Some(reason) => Err(reason),
                None => {
                    self.statements(body);
                    let lowered = std::mem::take(&mut self.block);
                    self.failed.take().map_or(Ok(lowered), Err)
                }
            },
        };
        (own, body)
    }

    fn text(&self, node: Node<'_>) -> &'a str {
        text(node, self.source)
    }

    fn variable(&mut self, name: &str, ty: &Ty) -> Var {
        let ty = self.package.under(ty).ir();
        Emit::variable(self, name, ty)
    }

    fn ty(&self, node: Node<'_>) -> Ty {
        let generic = &self.package.signatures[&self.body.function].generic;
        Ty::of(node, &Names { source: self.source, lengths: self.lengths, generic })
    }

    fn under(&self, ty: &Ty) -> Ty {
        self.package.under(ty)
    }

    fn local(&self, name: &str) -> Option<Local> {
        self.scopes.iter().rev().find_map(|scope| scope.get(name)).cloned()
    }

    /// Gives a name to a variable.
    fn bind(&mut self, name: &str, ty: &Ty, var: Var) -> Local {
        let shared = self.body.uses.shared.contains(name);
        let local = Local { var, ty: ty.clone(), shared };
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name.to_owned(), local.clone());
        }
        local
    }

    /// A new variable with its fields, which hold nothing yet.
    fn declare(&mut self, name: &str, ty: &Ty) -> Local {
        let root = self.variable(name, ty);
        for (path, ty, pointer) in self.package.places_of(name, ty, &self.body.uses) {
            let var = self.variable(&format!("{name}.{}", path.join(".")), &ty);
            self.places.push(Place { root, path, var, ty, pointer });
        }
        self.bind(name, ty, root)
    }

    fn declare_zero(&mut self, name: &str, ty: &Ty) -> Local {
        let value = self.zero(ty);
        let local = self.declare(name, ty);
        self.set(&local, value);
        local
    }

    /// With names of its own.
    fn scoped(&mut self, lower: impl FnOnce(&mut Self)) {
        let places = self.places.len();
        self.scopes.push(HashMap::new());
        lower(self);
        let gone = self.scopes.pop();
        self.places.truncate(places);
        // The same name stands for another variable again.
        for name in gone.into_iter().flat_map(HashMap::into_keys) {
            self.refresh(&name);
        }
    }

    fn check(&mut self, kind: CheckKind, line: u32, violation: Expr, panics: bool) {
        if violation == Expr::Bool(false) {
            return;
        }
        let (site, throws) = (self.site(), panics.then(|| PANIC.to_owned()));
        self.block.push(Stmt::Check(Check { site, kind, line, violation, throws }));
    }

    /// Panics if it is nil.
    fn dereference(&mut self, value: &Expr, line: u32) {
        if matches!(value, Expr::New(_)) {
            return;
        }
        self.check(CheckKind::NullDereference, line, value.clone().is_null(), true);
        if let Expr::Var(var) = value {
            self.block.push(Stmt::Dereferenced(*var));
        }
    }

    /// The type of a value of this function, for what the lowering makes itself.
    fn temporary(&mut self, value: Typed) -> Typed {
        if matches!(value.value, Expr::Int(_) | Expr::Bool(_) | Expr::Float(_) | Expr::Null) {
            return value;
        }
        let var = self.variable("", &value.ty);
        self.block.push(Stmt::Assign(var, value.value));
        Typed { value: Expr::Var(var), ..value }
    }
}

/// What ends a function that goes wrong.
const PANIC: &str = "panic";
