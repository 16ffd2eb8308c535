//! Python functions to IR, with Python's arithmetic: integers without bounds, division that
//! rounds down, indexes from the end, and types that only the run knows.
//!
//! A value is of a type that its code shows (a literal, an annotation, arithmetic on these), or it
//! is several variables with a tag, and whatever is done with it asks the tag first.

mod arithmetic;
mod assign;
mod builtin;
mod call;
mod compare;
mod expr;
mod infer;
mod library;
mod loops;
mod method;
mod module;
mod scope;
mod statement;
mod subscript;
mod truth;
mod value;

use std::collections::HashMap;

use domain::Language;
use tree_sitter::Node;

use infer::Types;
use module::{Constant, Module};
use scope::Scope;
use value::Value;

use crate::{
    Source,
    emit::{Emit, Emitted},
    ir::{
        Call, Callee, Check, CheckKind, Expr, Given, Label, LengthBits, Program, Read, Site, Slots,
        Stmt, Tag, Var, Variable,
    },
    slots,
    syntax::{children, each_until as each, last_line, line, text, too_deep},
};

/// Nested deeper than this, a function is not lowered: the lowering recurses.
const DEPTH_MAX: usize = 150;

/// Sites below are parameters by their position.
const FIRST_SITE: Site = 1024;

/// Parameters of one function that are lowered: each can be several of the IR's.
const PARAMETERS_MAX: usize = 64;

/// Put before the names of exceptions, which other languages may have as well.
const EXCEPTION: &str = "py:";

pub(crate) fn lower(sources: &[Source<'_>]) -> Program {
    let mut program = Program { length_bits: LengthBits::Word, ..Program::default() };
    let result = slots::result_globals(&mut program);
    let modules: Vec<Module<'_>> = sources
        .iter()
        .enumerate()
        .map(|(file, source)| Module::of(file, source, &mut program))
        .collect();
    let mut sites = FIRST_SITE;
    for module in &modules {
        for body in &module.bodies {
            let mut lowering = Lowering::new(module, result, sites, body.class.is_some());
            let lowered = lowering.function(body.node);
            sites = lowering.sites;
            let own = &mut program.functions[body.function];
            own.parameters = lowered.parameters;
            own.variables = lowered.variables;
            let callee = body.is_callable.then(|| Callee::Function(own.name.clone()));
            let call = |parameters| Call { language: Language::Python, callee, parameters };
            own.call = lowered.call.map(call);
            own.body = lowered.body;
        }
    }
    program
}

struct Lowered {
    variables: Vec<Variable>,
    parameters: Vec<Var>,
    call: Option<Vec<(String, Given)>>,
    body: Result<Vec<Stmt>, String>,
}

impl Lowered {
    fn refused(reason: String) -> Self {
        let (variables, parameters) = (Vec::new(), Vec::new());
        Self { variables, parameters, call: None, body: Err(reason) }
    }
}

/// Where a local is kept.
#[derive(Debug, Clone, Copy)]
enum Local {
    One(Tag, Var),
    Any(Slots),
}

/// Lowers one function.
struct Lowering<'a> {
    module: &'a Module<'a>,
    source: &'a str,
    /// Where a function leaves what it returns.
    result: Slots,
    is_method: bool,
    /// The type that the annotation promises.
    returns: Option<Tag>,
    sites: Site,
    labels: Label,
    depth: usize,
    variables: Vec<Variable>,
    locals: HashMap<String, Local>,
    scope: Scope,
    types: Types,
    /// What `break` and `continue` leave, innermost last.
    breaks: Vec<Label>,
    continues: Vec<Label>,
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
    fn new(module: &'a Module<'a>, result: Slots, sites: Site, is_method: bool) -> Self {
        Self {
            module,
            source: module.source,
            result,
            is_method,
            returns: None,
            sites,
            labels: 0,
            depth: 0,
            variables: Vec::new(),
            locals: HashMap::new(),
            scope: Scope::default(),
            types: Types::default(),
            breaks: Vec::new(),
            continues: Vec::new(),
            block: Vec::new(),
            failed: None,
        }
    }

    fn function(&mut self, node: Node<'_>) -> Lowered {
        if let Some(reason) = too_deep(node) {
            return Lowered::refused(reason);
        }
        let is_module = node.kind() == "module";
        let refused = match node.child_by_field_name("body").unwrap_or(node) {
            body if body.has_error() => Some("it has a syntax error".to_owned()),
            body if scope::is_stub(body) => Some("it has no body".to_owned()),
            _ => scope::refused(node, self.source),
        };
        self.scope = Scope::of(node, self.source);
        let returns = node.child_by_field_name("return_type").map(|ty| self.text(ty));
        self.returns = returns.and_then(|ty| scope::annotated(ty).0);
        let (parameters, call) = if is_module { (Vec::new(), None) } else { self.given(node) };
        self.types = Types::of(node, self, &self.scope.parameters);
        self.declare_locals();
        let body = match refused {
            Some(reason) => Err(reason),
            None => {
                self.statements(node.child_by_field_name("body").unwrap_or(node));
                // Whoever falls off the end returns None.
                self.leave_result(&Value::none());
                match self.failed.take() {
                    Some(reason) => Err(reason),
                    None => Ok(std::mem::take(&mut self.block)),
                }
            }
        };
        Lowered { variables: std::mem::take(&mut self.variables), parameters, call, body }
    }

    /// Declares the parameters; those of a type that is not said are of any.
    fn given(&mut self, node: Node<'_>) -> (Vec<Var>, Option<Vec<(String, Given)>>) {
        let mut given = Vec::new();
        let (mut own, mut callable) = (Vec::new(), true);
        let parameters = self.scope.parameters.clone();
        if parameters.len() > PARAMETERS_MAX {
            self.failed = Some("it has too many parameters".to_owned());
        }
        for (index, parameter) in parameters.iter().enumerate() {
            let is_self = self.is_method && index == 0;
            callable &= parameter.is_plain;
            match parameter.ty.filter(|_| parameter.is_plain) {
                _ if is_self || !parameter.is_plain => {
                    let slots = self.slots(&parameter.name);
                    let value = if is_self { Value::object() } else { self.any("arguments") };
                    self.put(slots, &value);
                    self.locals.insert(parameter.name.clone(), Local::Any(slots));
                }
                Some(tag) => {
                    let var = self.variable(&parameter.name, value::slot_type(tag));
                    own.push(var);
                    given.push((parameter.name.clone(), Given::One(tag, var)));
                    self.locals.insert(parameter.name.clone(), Local::One(tag, var));
                }
                None => {
                    let slots = self.slots(&parameter.name);
                    own.extend([slots.tag, slots.bool, slots.int, slots.float, slots.sequence]);
                    given.push((parameter.name.clone(), Given::Any(slots)));
                    self.locals.insert(parameter.name.clone(), Local::Any(slots));
                }
            }
        }
        let _ = node;
        (own, callable.then_some(given))
    }

    /// Every local has its variables from the start, and is nothing that is known.
    fn declare_locals(&mut self) {
        let names: Vec<String> = self.scope.locals.iter().cloned().collect();
        for name in names {
            let ty = self.types.of_name(&name);
            match (self.locals.get(&name).copied(), ty) {
                (Some(Local::One(tag, var)), ty) if ty != Some(tag) => {
                    // It gets values of other types later.
                    let slots = self.slots(&name);
                    self.put(slots, &Value::One(tag, Expr::Var(var)));
                    self.locals.insert(name, Local::Any(slots));
                }
                (Some(_), _) => {}
                (None, Some(tag)) => {
                    let var = self.variable(&name, value::slot_type(tag));
                    self.read_into(var, Read::opaque("a variable that may not be set"));
                    self.locals.insert(name, Local::One(tag, var));
                }
                (None, None) => {
                    let slots = self.slots(&name);
                    self.forget_slots(slots, "a variable that may not be set");
                    self.locals.insert(name, Local::Any(slots));
                }
            }
        }
    }

    fn text(&self, node: Node<'_>) -> &'a str {
        text(node, self.source)
    }

    fn branch(&mut self, condition: Expr, yes: impl FnOnce(&mut Self), no: impl FnOnce(&mut Self)) {
        match value::known(&condition) {
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

    /// The value of a module's constant, if the name is one here.
    fn constant(&self, name: &str) -> Option<&'a Constant> {
        self.module.constants.get(name).filter(|_| !self.locals.contains_key(name))
    }

    /// Whether the name is Python's own here.
    fn is_builtin(&self, name: &str) -> bool {
        !self.locals.contains_key(name)
            && !self.scope.foreign.contains(name)
            && !self.module.names.contains(name)
    }
}
