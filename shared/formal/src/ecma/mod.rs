//! JavaScript and TypeScript functions to IR: numbers that are doubles, integers of 32 bits where
//! operators make them, bigints, `undefined` and `null`, and kinds that only the run knows.
//!
//! A value is a set of kinds that it may be of, with a tag where there are several. What the
//! locals may be is found by lowering a function until nothing new is put into any of them.

mod access;
mod arithmetic;
mod assign;
mod call;
mod compare;
mod content;
mod convert;
mod erase;
mod expr;
mod integer;
mod library;
mod literal;
mod loops;
mod method;
mod module;
mod operator;
mod parameter;
mod pattern;
mod scope;
mod statement;
mod switch;
mod truth;
mod types;
mod unknown;
mod value;

use std::collections::{HashMap, HashSet};

pub(crate) use content::unpacked;
use module::Module;
use tree_sitter::Node;
use value::Value;

use crate::{
    Source,
    emit::{Emit, Emitted},
    ir::{
        Check, CheckKind, Expr, Given, Kinds, Label, LengthBits, Program, Site, Slots, Stmt, Var,
        Variable,
    },
    slots,
    syntax::{text, too_deep},
};

/// Nested deeper than this, a function is not lowered: the lowering recurses.
const DEPTH_MAX: usize = 150;

/// Sites below are parameters by their position.
const FIRST_SITE: Site = 1024;

/// Parameters of one function that are lowered: each can be several of the IR's.
const PARAMETERS_MAX: usize = 64;

/// How often a function is lowered until the kinds of its locals stay; then they may be anything.
const ROUNDS_MAX: usize = 8;

/// Put before the names of exceptions, which other languages may have as well.
const EXCEPTION: &str = "js:";

pub(crate) fn lower(sources: &[Source<'_>]) -> Program {
    let mut program =
        Program { length_bits: LengthBits::Script, has_choices: true, ..Program::default() };
    let result = slots::result_globals(&mut program);
    let modules: Vec<Module<'_>> = sources
        .iter()
        .enumerate()
        .map(|(file, source)| Module::of(file, source, &mut program))
        .collect();
    let mut sites = FIRST_SITE;
    for module in &modules {
        let mut seen = scope::Seen::default();
        for body in &module.bodies {
            let enclosing = scope::enclosing(body.node, module.source, &mut seen);
            let lowered = lowered(module, result, body.node, &enclosing, &mut sites);
            let own = &mut program.functions[body.function];
            own.parameters = lowered.parameters;
            own.variables = lowered.variables;
            own.call = lowered.call.map(|parameters| module.call(body, parameters));
            own.body = lowered.body;
        }
    }
    program
}

/// Lowers a function until the kinds of its locals are those that it was lowered for.
fn lowered(
    module: &Module<'_>,
    result: Slots,
    node: Node<'_>,
    enclosing: &HashSet<String>,
    sites: &mut Site,
) -> Lowered {
    if let Some(reason) = too_deep(node) {
        return Lowered::refused(reason);
    }
    let mut known = HashMap::new();
    for round in 0..=ROUNDS_MAX {
        let mut lowering = Lowering::new(module, result, *sites, known.clone());
        lowering.wide = round == ROUNDS_MAX;
        lowering.enclosing.clone_from(enclosing);
        let lowered = lowering.function(node);
        if lowering.known == known || lowering.wide || lowered.body.is_err() {
            *sites = lowering.sites;
            return lowered;
        }
        known = lowering.known;
    }
    Lowered::refused("what its variables hold was not found".to_owned())
}

/// Children with the words and signs between them.
fn tokens(node: Node<'_>) -> Vec<Node<'_>> {
    let mut cursor = node.walk();
    node.children(&mut cursor).collect()
}

struct Lowered {
    variables: Vec<Variable>,
    parameters: Vec<Var>,
    call: Option<Vec<(String, Given)>>,
    body: Result<Vec<Stmt>, String>,
}

impl Lowered {
    fn refused(reason: String) -> Self {
        Self { variables: Vec::new(), parameters: Vec::new(), call: None, body: Err(reason) }
    }
}

/// A declared name.
#[derive(Debug, Clone)]
struct Local {
    slots: Slots,
    /// What was put into it so far.
    kinds: Kinds,
    /// What an array in it holds, if only this function can know.
    element: Option<Kinds>,
    /// Nothing but this function's own name reaches the array in it.
    is_own: bool,
    /// Where its declaration stands.
    at: usize,
    /// A function within this one sets it, whenever it is called.
    is_shared: bool,
}

/// Where `break` and `continue` go.
struct Target {
    names: Vec<String>,
    end: Label,
    /// None for what is no loop.
    next: Option<Label>,
    /// A plain `break` leaves loops and switches only.
    is_named_only: bool,
}

/// Lowers one function.
struct Lowering<'a> {
    module: &'a Module<'a>,
    source: &'a str,
    /// Where a function leaves what it returns.
    result: Slots,
    sites: Site,
    labels: Label,
    depth: usize,
    variables: Vec<Variable>,
    locals: Vec<Local>,
    /// Which local a name is, innermost block last.
    scopes: Vec<HashMap<String, usize>>,
    /// What the locals hold, by where they are declared.
    known: HashMap<usize, Kinds>,
    /// Nothing is taken for known about the locals.
    wide: bool,
    shared: HashSet<String>,
    /// What functions of the file may be given, as far as it was asked.
    callees: HashMap<usize, Option<Vec<Kinds>>>,
    /// Names of the functions around this one.
    enclosing: HashSet<String>,
    targets: Vec<Target>,
    /// Where the optional chains around the present place go if there is nothing.
    chains: Vec<(Label, Slots)>,
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
        module: &'a Module<'a>,
        result: Slots,
        sites: Site,
        known: HashMap<usize, Kinds>,
    ) -> Self {
        Self {
            module,
            source: module.source,
            result,
            sites,
            labels: 0,
            depth: 0,
            variables: Vec::new(),
            locals: Vec::new(),
            scopes: vec![HashMap::new()],
            known,
            wide: false,
            shared: HashSet::new(),
            callees: HashMap::new(),
            enclosing: HashSet::new(),
            targets: Vec::new(),
            chains: Vec::new(),
            block: Vec::new(),
            failed: None,
        }
    }

    fn function(&mut self, node: Node<'_>) -> Lowered {
        let refused = scope::refused(node, self.source);
        self.shared = scope::written_within(node, self.source);
        let (parameters, call) = self.parameters(node);
        let body = match (refused, node.child_by_field_name("body")) {
            (Some(reason), _) => Err(reason),
            (None, None) if node.kind() != "program" => Err("it has no body".to_owned()),
            (None, body) => {
                self.body_of(node, body.unwrap_or(node));
                match self.failed.take() {
                    Some(reason) => Err(reason),
                    None => Ok(std::mem::take(&mut self.block)),
                }
            }
        };
        Lowered { variables: std::mem::take(&mut self.variables), parameters, call, body }
    }

    fn body_of(&mut self, node: Node<'_>, body: Node<'_>) {
        self.declare_vars(node);
        let returned = if matches!(body.kind(), "statement_block" | "program") {
            self.statements(body);
            Value::undefined()
        } else {
            self.expr(body)
        };
        // Whoever falls off the end returns undefined.
        self.put(self.result, &returned);
    }

    fn text(&self, node: Node<'_>) -> &'a str {
        text(node, self.source)
    }

    /// Lowers only the side that can be taken, if that can be said at once.
    fn branch(&mut self, condition: Expr, yes: impl FnOnce(&mut Self), no: impl FnOnce(&mut Self)) {
        match truth::known(&condition) {
            Some(true) => yes(self),
            Some(false) => no(self),
            None => {
                let (yes, no) = (self.nested(yes), self.nested(no));
                self.block.push(Stmt::If(condition, yes, no));
            }
        }
    }

    fn check(&mut self, kind: CheckKind, at: u32, violation: Expr, throws: &str) {
        if violation == Expr::Bool(false) {
            return;
        }
        let site = self.site();
        let throws = Some(format!("{EXCEPTION}{throws}"));
        self.block.push(Stmt::Check(Check { site, kind, line: at, violation, throws }));
    }

    /// What was read is never otherwise.
    fn assume(&mut self, fact: Expr) {
        if fact != Expr::Bool(true) {
            self.block.push(Stmt::Assume(fact));
        }
    }

    /// Code that nobody sees: it may throw, and do to arrays and globals what it likes.
    fn unknown_code(&mut self, callee: &str, arguments: Vec<Expr>) {
        self.opaque_call(callee, arguments, true);
        self.forget_arrays(callee);
    }

    /// Nothing of ours is changed, but it may throw what is not modelled.
    fn may_raise(&mut self, what: &str) {
        self.opaque_call(what, Vec::new(), false);
    }

    fn opaque_call(&mut self, callee: &str, arguments: Vec<Expr>, clobbers: bool) {
        let site = self.site();
        self.block.push(Stmt::Opaque {
            callee: callee.to_owned(),
            site,
            arguments,
            throws: vec![crate::exceptions::ANYTHING.to_owned()],
            external: false,
            clobbers,
        });
    }
}
