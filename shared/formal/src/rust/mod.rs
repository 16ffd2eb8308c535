//! Rust functions to IR, with the arithmetic of a debug build: what overflows panics.
//!
//! A value is as many variables of the IR as its type has parts: an `Option` is whether it is
//! `Some`, and what it holds. Only what the borrow checker promises is built on: whoever lends a
//! place mutably finds anything in it afterwards, and nobody else can have changed it.

mod arithmetic;
mod assign;
mod bind;
mod call;
mod cast;
mod condition;
mod construct;
mod expand;
mod expr;
mod index;
mod infer;
mod integer;
mod items;
mod leave;
mod literal;
mod look;
mod loops;
mod macros;
mod matching;
mod method;
mod option;
mod over;
mod pattern;
mod place;
mod sequence;
mod show;
mod signature;
mod statement;
mod types;
mod value;

use std::collections::{HashMap, HashSet};

use domain::Language;
use tree_sitter::Node;

use infer::{Facts, Infer};
use items::{Body, Items};
use signature::{Signature, signature};
use types::{CHAR_MAX, Names, Ty};
use value::{Results, Value};

use crate::{
    Source,
    emit::{Emit, Emitted},
    ir::{
        Call, Callee, Check, CheckKind, Cmp, Expr, Function, Given, Label, LengthBits, Program,
        Site, Stmt, Var, Variable,
    },
    syntax::{children, each_until as each, last_line, line, text, too_deep},
};

/// Nested deeper than this, a function is not lowered: the lowering recurses.
const DEPTH_MAX: usize = 150;

/// Sites below are parameters by their position.
const FIRST_SITE: Site = 1024;

/// Variables that the parameters of one function may take.
const PARAMETERS_MAX: usize = 128;

/// Passes over one function, each knowing what the one before learnt.
const PASSES_MAX: usize = 4;

/// What every failed check of Rust throws; nothing that is lowered catches it.
const PANIC: &str = "rust:panic";

pub(crate) fn lower(sources: &[Source<'_>]) -> Program {
    let mut program = Program { length_bits: LengthBits::Word, ..Program::default() };
    let results = Results::of(&mut program);
    let mut sites = FIRST_SITE;
    for (file, source) in sources.iter().enumerate() {
        let own = expand::expanded(source);
        let items = Items::of(own.tree.root_node(), &own.text, program.functions.len());
        let signatures: Vec<Signature<'_>> =
            items.bodies.iter().map(|body| signature(&items, body)).collect();
        let first = program.functions.len();
        for body in &items.bodies {
            let signature = &signatures[body.function - first];
            let context = Context { items: &items, signatures: &signatures, first, results };
            let (lowered, next) = lower_function(context, body, signature, sites);
            sites = next;
            let name = text(body.node.child_by_field_name("name").unwrap_or(body.node), &own.text);
            let name = match &body.own {
                Some(own) => format!("{own}::{name}"),
                None => name.to_owned(),
            };
            program.functions.push(Function {
                call: lowered.call.map(|parameters| Call {
                    language: Language::Rust,
                    callee: show::callable(&items, body, signature)
                        .then(|| Callee::Function(name.clone())),
                    parameters,
                }),
                name,
                first_line: line(body.node),
                last_line: last_line(body.node),
                file,
                parameters: lowered.parameters,
                variables: lowered.variables,
                body: lowered.body,
            });
        }
    }
    program
}

impl<'t> Body<'t> {
    fn names<'a>(&'a self, items: &'a Items<'a>) -> Names<'a> {
        Names { items, module: &self.module, generics: &self.generics, own: self.own.as_deref() }
    }
}

struct Lowered {
    variables: Vec<Variable>,
    parameters: Vec<Var>,
    call: Option<Vec<(String, Given)>>,
    body: Result<Vec<Stmt>, String>,
}

/// What all functions of a file share.
#[derive(Clone, Copy)]
struct Context<'a> {
    items: &'a Items<'a>,
    signatures: &'a [Signature<'a>],
    /// The program's index of the file's first function.
    first: usize,
    results: Results,
}

fn lower_function(
    context: Context<'_>,
    body: &Body<'_>,
    signature: &Signature<'_>,
    sites: Site,
) -> (Lowered, Site) {
    if let Some(reason) = too_deep(body.node) {
        let body = Err(reason);
        return (Lowered { variables: vec![], parameters: vec![], call: None, body }, sites);
    }
    let mut facts = Facts::default();
    for pass in 1.. {
        let is_last = pass == PASSES_MAX;
        let mut lowering = Lowering::new(context, body, signature, sites);
        lowering.infer = Infer::after_pass(facts.clone(), is_last);
        let lowered = lowering.function();
        let after = std::mem::take(&mut lowering.infer).after();
        if is_last || after == facts || lowered.body.is_err() {
            return (lowered, lowering.sites);
        }
        facts = after;
    }
    unreachable!("the last pass returns")
}

#[derive(Debug, Clone)]
struct Local {
    ty: Ty,
    vars: Vec<Var>,
    /// It can be changed, or lent to be.
    mutable: bool,
    /// Where it stands, if its type is that of what it gets.
    learns: Option<usize>,
}

/// What `break` and `continue` leave.
struct Leaves<'a> {
    name: Option<&'a str>,
    is_loop: bool,
    end: Label,
    next: Label,
    /// What `break` with a value sets.
    result: Option<(usize, Ty, Vec<Var>)>,
}

/// Lowers one function.
struct Lowering<'a> {
    context: Context<'a>,
    items: &'a Items<'a>,
    body: &'a Body<'a>,
    signature: &'a Signature<'a>,
    source: &'a str,
    sites: Site,
    labels: Label,
    depth: usize,
    /// Branches around the present point.
    branches: usize,
    variables: Vec<Variable>,
    /// Names of locals, innermost scope last.
    scopes: Vec<HashMap<&'a str, Local>>,
    /// Names that the body declares or imports: no functions of the file.
    foreign: HashSet<&'a str>,
    leaves: Vec<Leaves<'a>>,
    infer: Infer,
    /// The type of a sequence as what was put into it last says.
    put_in: Option<Ty>,
    block: Vec<Stmt>,
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
    fn new(
        context: Context<'a>,
        body: &'a Body<'a>,
        signature: &'a Signature<'a>,
        sites: Site,
    ) -> Self {
        Self {
            context,
            items: context.items,
            body,
            signature,
            source: context.items.source,
            sites,
            labels: 0,
            depth: 0,
            branches: 0,
            variables: Vec::new(),
            scopes: vec![HashMap::new()],
            foreign: HashSet::new(),
            leaves: Vec::new(),
            infer: Infer::default(),
            put_in: None,
            block: Vec::new(),
            failed: None,
        }
    }

    fn function(&mut self) -> Lowered {
        let (parameters, call) = self.given();
        let body = match self.body.node.child_by_field_name("body") {
            None => Err("it has no body".to_owned()),
            Some(body) if body.has_error() => Err("it has a syntax error".to_owned()),
            Some(body) => {
                self.foreign = self.declared_within(body);
                let returns = self.signature.returns.clone();
                let value = self.block_value(body, Some(&returns));
                if !value.is_never() {
                    self.give_back(value);
                }
                self.failed.take().map_or_else(|| Ok(std::mem::take(&mut self.block)), Err)
            }
        };
        let body = match parameters.len() > PARAMETERS_MAX {
            true => Err("it has too many parameters".to_owned()),
            false => body,
        };
        Lowered { variables: std::mem::take(&mut self.variables), parameters, call, body }
    }

    fn given(&mut self) -> (Vec<Var>, Option<Vec<(String, Given)>>) {
        let (mut own, mut given) = (Vec::new(), Some(Vec::new()));
        let signature = self.signature;
        for parameter in &signature.parameters {
            let vars = self.variables(parameter.name.unwrap_or("argument"), &parameter.ty);
            own.extend(&vars);
            let name = parameter.name.unwrap_or("_").to_owned();
            match show::pieces(&parameter.ty, &vars) {
                Some(pieces) => {
                    let shown = (name, Given::Pieces(pieces));
                    given.iter_mut().for_each(|all| all.push(shown.clone()));
                }
                None => given = None,
            }
            self.limit(&parameter.ty, &vars);
            if let Some(name) = parameter.name {
                let local = Local {
                    ty: parameter.ty.clone(),
                    vars,
                    mutable: parameter.mutable || parameter.ty.lends(),
                    learns: None,
                };
                self.declare(name, local);
            } else if let Some(pattern) = parameter.pattern {
                let value = Value::of(parameter.ty.clone(), &vars);
                self.bind(pattern, &value);
            }
        }
        (own, given)
    }

    /// A parameter is no more than its type allows: a character has a largest code.
    fn limit(&mut self, ty: &Ty, vars: &[Var]) {
        if matches!(ty.bare(), Ty::Enum(of) if of.variants.is_empty()) {
            // Nobody has such a value to call it with.
            self.block.push(Stmt::Throw(PANIC.to_owned()));
        }
        let ranges = value::ranges(ty);
        for (var, range) in vars.iter().zip(ranges) {
            if let Some((_, high)) = range {
                let above = Expr::cmp(Cmp::Lt, Expr::Int(high), Expr::Var(*var));
                let set = vec![Stmt::Assign(*var, Expr::Int(high.min(CHAR_MAX)))];
                self.block.push(Stmt::If(above, set, Vec::new()));
            }
        }
    }

    /// Functions, types and imports within a body.
    fn declared_within(&mut self, body: Node<'a>) -> HashSet<&'a str> {
        let (mut names, mut own_macro) = (HashSet::new(), false);
        each(body, &mut |node| {
            own_macro |= node.kind() == "macro_definition";
            match node.kind() {
                "use_declaration" => each(node, &mut |inner| {
                    if inner.kind() == "identifier" {
                        names.insert(self.text(inner));
                    }
                    true
                }),
                "function_item" | "struct_item" | "enum_item" | "const_item" | "static_item"
                | "type_item" | "macro_definition" => {
                    let name = node.child_by_field_name("name");
                    names.extend(name.map(|name| self.text(name)));
                }
                _ => {}
            }
            true
        });
        if own_macro {
            // It may use every local that stands before it.
            self.failed = Some("a macro within a function is not lowered".to_owned());
        }
        names
    }

    fn text(&self, node: Node<'_>) -> &'a str {
        text(node, self.source)
    }

    fn declare(&mut self, name: &'a str, local: Local) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name, local);
        }
    }

    fn local(&self, name: &str) -> Option<&Local> {
        self.scopes.iter().rev().find_map(|scope| scope.get(name))
    }

    fn scoped<T>(&mut self, lower: impl FnOnce(&mut Self) -> T) -> T {
        self.scopes.push(HashMap::new());
        let lowered = lower(self);
        self.scopes.pop();
        lowered
    }

    /// What `lower` emits, as a block of its own.
    fn nested(&mut self, lower: impl FnOnce(&mut Self)) -> Vec<Stmt> {
        self.caught(|own| lower(own)).0
    }

    /// As [`Self::nested`], with what `lower` gives back.
    fn caught<T>(&mut self, lower: impl FnOnce(&mut Self) -> T) -> (Vec<Stmt>, T) {
        let outer = std::mem::take(&mut self.block);
        self.branches += 1;
        let value = lower(self);
        self.branches -= 1;
        (std::mem::replace(&mut self.block, outer), value)
    }

    fn check(&mut self, kind: CheckKind, at: u32, violation: Expr) {
        if violation == Expr::Bool(false) {
            return;
        }
        let site = self.site();
        let throws = Some(PANIC.to_owned());
        self.block.push(Stmt::Check(Check { site, kind, line: at, violation, throws }));
    }

    /// A check of something that is not modelled.
    fn unknown_check(&mut self, kind: CheckKind, at: u32, reason: &str) {
        let violation = self.opaque(&Ty::Bool, reason).leaf();
        self.check(kind, at, violation);
    }
}
