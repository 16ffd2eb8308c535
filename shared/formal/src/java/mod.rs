//! Java functions to IR, with Java's arithmetic: wrapping integers, a division by zero that
//! throws, null.

mod assign;
mod call;
mod expr;
mod library;
mod literal;
mod loops;
mod operator;
mod statement;
mod types;

use std::collections::{HashMap, HashSet};

use tree_sitter::Node;
use types::Ty;

use crate::{
    Source,
    ir::{Expr, Function, Global, Label, Program, Site, Stmt, Type, Var, Variable},
    syntax::{children, each, last_line, line, text},
};

/// Nested deeper than this, a function is not lowered: the lowering recurses.
const DEPTH_MAX: usize = 200;

#[derive(Debug, Default)]
struct Class {
    /// Fields by name: which global, and of what type.
    fields: HashMap<String, (usize, Ty)>,
    methods: HashMap<String, Vec<usize>>,
}

/// How a call can know what it runs.
#[derive(Debug, Clone)]
struct Signature {
    parameters: Vec<Ty>,
    returns: Ty,
    /// No subclass can put another method in its place.
    fixed: bool,
    is_static: bool,
}

#[derive(Default)]
struct Index {
    classes: HashMap<String, Class>,
    signatures: Vec<Signature>,
}

pub(crate) fn lower(sources: &[Source<'_>]) -> Program {
    let assigned = assigned_names(sources);
    let mut program = Program::default();
    let mut index = Index::default();
    let mut bodies = Vec::new();
    for (file, source) in sources.iter().enumerate() {
        each(source.tree.root_node(), &mut |node| {
            let declares = matches!(
                node.kind(),
                "class_declaration" | "enum_declaration" | "record_declaration"
            );
            if declares {
                declare(node, file, source, &assigned, &mut program, &mut index, &mut bodies);
            }
        });
    }
    let mut sites = FIRST_SITE;
    for (function, (file, class, node)) in bodies.into_iter().enumerate() {
        let mut lowering = Lowering::new(&index, sources[file].text, class, sites, function);
        let (variables, parameters, body) = lowering.function(node);
        sites = lowering.sites;
        let own = &mut program.functions[function];
        (own.variables, own.parameters, own.body) = (variables, parameters, body);
    }
    program
}

/// Sites below are parameters by their position.
const FIRST_SITE: Site = 256;

/// Every name that anything assigns to: such a field is no constant.
fn assigned_names(sources: &[Source<'_>]) -> HashSet<String> {
    let mut names = HashSet::new();
    for source in sources {
        each(source.tree.root_node(), &mut |node| {
            let target = match node.kind() {
                "assignment_expression" => node.child_by_field_name("left"),
                "update_expression" => node.named_child(0),
                _ => None,
            };
            let name = target.map(|target| target.child_by_field_name("field").unwrap_or(target));
            names.extend(name.map(|name| text(name, source.text).to_owned()));
        });
    }
    names
}

fn modifiers<'a>(node: Node<'_>, source: &'a str) -> Vec<&'a str> {
    let own = children(node).into_iter().find(|child| child.kind() == "modifiers");
    own.map(|own| text(own, source).split_whitespace().collect()).unwrap_or_default()
}

fn declare<'tree>(
    node: Node<'tree>,
    file: usize,
    source: &Source<'_>,
    assigned: &HashSet<String>,
    program: &mut Program,
    index: &mut Index,
    bodies: &mut Vec<(usize, String, Node<'tree>)>,
) {
    let Some(name) = node.child_by_field_name("name").map(|name| text(name, source.text)) else {
        return;
    };
    let Some(body) = node.child_by_field_name("body") else { return };
    let final_class = modifiers(node, source.text).contains(&"final");
    let mut class = index.classes.remove(name).unwrap_or_default();
    let mut members = children(body);
    // The members of an enum stand one level deeper.
    let inner: Vec<_> = members
        .iter()
        .filter(|member| member.kind() == "enum_body_declarations")
        .flat_map(|member| children(*member))
        .collect();
    members.extend(inner);
    for member in members {
        match member.kind() {
            "field_declaration" => field(member, name, source, assigned, program, &mut class),
            "method_declaration" | "constructor_declaration" => {
                let own = member.child_by_field_name("name").map(|name| text(name, source.text));
                let Some(own) = own else { continue };
                let at = program.functions.len();
                index.signatures.push(signature(member, source.text, final_class));
                program.functions.push(Function {
                    name: format!("{name}.{own}"),
                    first_line: line(member),
                    last_line: last_line(member),
                    file,
                    parameters: Vec::new(),
                    call: None,
                    variables: Vec::new(),
                    body: Ok(Vec::new()),
                });
                bodies.push((file, name.to_owned(), member));
                if member.kind() == "method_declaration" {
                    class.methods.entry(own.to_owned()).or_default().push(at);
                }
            }
            _ => {}
        }
    }
    index.classes.insert(name.to_owned(), class);
}

fn signature(node: Node<'_>, source: &str, final_class: bool) -> Signature {
    let own = modifiers(node, source);
    let fixed = final_class || ["private", "static", "final"].iter().any(|word| own.contains(word));
    let parameters = parameters(node, source).into_iter().map(|(_, ty)| ty).collect();
    let returns = node.child_by_field_name("type").map_or(Ty::Unknown, |node| Ty::of(node, source));
    Signature { parameters, returns, fixed, is_static: own.contains(&"static") }
}

fn parameters(node: Node<'_>, source: &str) -> Vec<(String, Ty)> {
    let Some(list) = node.child_by_field_name("parameters") else { return Vec::new() };
    children(list)
        .into_iter()
        .filter_map(|parameter| {
            let spread = parameter.kind() == "spread_parameter";
            let named = match spread {
                true => {
                    children(parameter).into_iter().find(|it| it.kind() == "variable_declarator")?
                }
                false => parameter,
            };
            let name = named.child_by_field_name("name")?;
            let ty = match spread {
                true => children(parameter).into_iter().find(|it| it.kind().contains("type"))?,
                false => parameter.child_by_field_name("type")?,
            };
            let dimensions = named.child_by_field_name("dimensions");
            let extra = dimensions.map_or(0, |own| text(own, source).matches('[').count());
            let ty = Ty::of(ty, source).array(extra + usize::from(spread));
            Some((text(name, source).to_owned(), ty))
        })
        .collect()
}

fn field(
    node: Node<'_>,
    class_name: &str,
    source: &Source<'_>,
    assigned: &HashSet<String>,
    program: &mut Program,
    class: &mut Class,
) {
    let words = modifiers(node, source.text);
    let Some(base) = node.child_by_field_name("type").map(|ty| Ty::of(ty, source.text)) else {
        return;
    };
    for declarator in children(node).into_iter().filter(|it| it.kind() == "variable_declarator") {
        let Some(name) = declarator.child_by_field_name("name").map(|it| text(it, source.text))
        else {
            continue;
        };
        let dimensions = declarator
            .child_by_field_name("dimensions")
            .map_or(0, |own| text(own, source.text).matches('[').count());
        let ty = base.clone().array(dimensions);
        let value = declarator.child_by_field_name("value");
        let never_changes = words.contains(&"final") || !assigned.contains(name);
        let constant = value
            .filter(|_| never_changes)
            .and_then(|value| literal::literal(value, source.text, &ty));
        let made = value.is_some_and(|value| {
            let factory = value.kind() == "method_invocation"
                && value
                    .child_by_field_name("object")
                    .zip(value.child_by_field_name("name"))
                    .and_then(|(of, name)| {
                        library::method(text(of, source.text), text(name, source.text))
                    })
                    .is_some_and(|known| !known.nullable);
            factory
                || matches!(
                    value.kind(),
                    "object_creation_expression"
                        | "string_literal"
                        | "array_initializer"
                        | "array_creation_expression"
                )
        });
        class.fields.insert(name.to_owned(), (program.globals.len(), ty.clone()));
        program.globals.push(Global {
            name: format!("{class_name}.{name}"),
            ty: ty.ir(),
            constant,
            assumed: !words.contains(&"final") && !words.contains(&"private"),
            nullable: !(never_changes && made),
        });
    }
}

type Lowered = (Vec<Variable>, Vec<Var>, Result<Vec<Stmt>, String>);

/// Lowers one function.
struct Lowering<'a> {
    index: &'a Index,
    source: &'a str,
    class: String,
    own: usize,
    sites: Site,
    labels: Label,
    depth: usize,
    variables: Vec<Variable>,
    /// Names of locals, innermost scope last.
    scopes: Vec<HashMap<String, (Var, Ty)>>,
    /// What `break` and `continue` leave, with the label they can be named by.
    breaks: Vec<(Option<String>, Label)>,
    continues: Vec<(Option<String>, Label)>,
    block: Vec<Stmt>,
    /// Why the function cannot be lowered as a whole.
    failed: Option<String>,
}

impl<'a> Lowering<'a> {
    fn new(index: &'a Index, source: &'a str, class: String, sites: Site, own: usize) -> Self {
        Self {
            index,
            source,
            class,
            own,
            sites,
            labels: 0,
            depth: 0,
            variables: Vec::new(),
            scopes: vec![HashMap::new()],
            breaks: Vec::new(),
            continues: Vec::new(),
            block: Vec::new(),
            failed: None,
        }
    }

    fn function(&mut self, node: Node<'_>) -> Lowered {
        let mut own = Vec::new();
        for (name, ty) in parameters(node, self.source) {
            own.push(self.declare(&name, &ty));
        }
        let body = node.child_by_field_name("body");
        let body = match body {
            None => Err("it has no body".to_owned()),
            Some(body) if body.has_error() => Err("it has a syntax error".to_owned()),
            Some(body) => {
                self.statements(body);
                match self.failed.take() {
                    Some(reason) => Err(reason),
                    None => Ok(std::mem::take(&mut self.block)),
                }
            }
        };
        (std::mem::take(&mut self.variables), own, body)
    }

    fn text(&self, node: Node<'_>) -> &'a str {
        text(node, self.source)
    }

    fn site(&mut self) -> Site {
        self.sites += 1;
        self.sites
    }

    fn label(&mut self) -> Label {
        self.labels += 1;
        self.labels
    }

    fn variable(&mut self, name: &str, ty: Type) -> Var {
        let var = Var(u32::try_from(self.variables.len()).unwrap_or(u32::MAX));
        self.variables.push(Variable { name: name.to_owned(), ty });
        var
    }

    fn declare(&mut self, name: &str, ty: &Ty) -> Var {
        let var = self.variable(name, ty.ir());
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name.to_owned(), (var, ty.clone()));
        }
        var
    }

    fn local(&self, name: &str) -> Option<(Var, Ty)> {
        self.scopes.iter().rev().find_map(|scope| scope.get(name)).cloned()
    }

    fn field(&self, class: &str, name: &str) -> Option<(Var, Ty)> {
        let (global, ty) = self.index.classes.get(class)?.fields.get(name)?;
        Some((Var::global(*global), ty.clone()))
    }

    /// What `lower` emits, as a block of its own.
    fn nested(&mut self, lower: impl FnOnce(&mut Self)) -> Vec<Stmt> {
        let outer = std::mem::take(&mut self.block);
        lower(self);
        std::mem::replace(&mut self.block, outer)
    }

    /// Keeps a value that is read now and used later.
    fn keep(&mut self, value: Expr, ty: &Ty) -> Expr {
        if let Some(constant) = literal::constant(&value) {
            return Expr::Int(constant);
        }
        if matches!(value, Expr::Bool(_) | Expr::Float(_) | Expr::Null) {
            return value;
        }
        let var = self.variable("", ty.ir());
        self.block.push(Stmt::Assign(var, value));
        Expr::Var(var)
    }
}
