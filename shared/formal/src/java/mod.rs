//! Java functions to IR, with Java's arithmetic: wrapping integers, a division by zero that
//! throws, null.

mod assign;
mod call;
mod callee;
mod declaration;
mod expr;
mod library;
mod literal;
mod loops;
mod operator;
mod statement;
mod text;
mod types;
mod unknown;

use std::collections::HashMap;

use declaration::{Body, Index, assigned_names, class_names, declare, is_class, parameters};
use tree_sitter::Node;
use types::Ty;

use crate::{
    Source,
    emit::{Emit, Emitted},
    ir::{Expr, Given, Label, Program, Site, Stmt, Var, Variable},
    syntax::{children, each, line, text, too_deep},
};

/// Nested deeper than this, a function is not lowered: the lowering recurses.
const DEPTH_MAX: usize = 200;

pub(crate) fn lower(sources: &[Source<'_>]) -> Program {
    let assigned = assigned_names(sources);
    let mut program = Program::default();
    let mut index = Index { names: class_names(sources), ..Index::default() };
    let mut bodies = Vec::new();
    for (file, source) in sources.iter().enumerate() {
        each(source.tree.root_node(), &mut |node| {
            if is_class(node) {
                declare(node, file, source, &assigned, &mut program, &mut index, &mut bodies);
            }
        });
    }
    let mut sites = FIRST_SITE;
    for (function, Body { file, class, node }) in bodies.into_iter().enumerate() {
        let mut lowering = Lowering::new(&index, sources[file].text, class, sites, function);
        let (variables, parameters, body) = lowering.function(node);
        sites = lowering.sites;
        let own = &mut program.functions[function];
        if let Some(call) = &mut own.call {
            let given = parameters.iter().zip(&index.signatures[function].parameters);
            call.parameters = given
                .map(|(var, ty)| {
                    let name = variables[var.0 as usize].name.clone();
                    (name, Given::Declared(ty.text(), *var))
                })
                .collect();
        }
        (own.variables, own.parameters, own.body) = (variables, parameters, body);
    }
    program
}

/// Sites below are parameters by their position.
const FIRST_SITE: Site = 256;

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
    /// Blocks around, a handler of which takes what an assertion throws.
    takes_assertions: u32,
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
            takes_assertions: 0,
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
                self.failed = too_deep(body);
                if self.failed.is_none() {
                    self.statements(body);
                }
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
