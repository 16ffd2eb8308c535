//! Runs the IR on concrete values: what a refutation must survive before it is one.

mod eval;

use std::collections::HashMap;

use crate::{
    exceptions::{Caught, is_caught},
    exec::{PASS, single},
    ir::{CheckKind, Expr, Handler, Label, Loop, Program, Read, Site, Stmt, Type, Var},
    smt::Concrete,
    symbol::{Key, Part},
};

/// Statements of one run; a run that takes more says nothing.
const STEPS_MAX: u32 = 200_000;

/// Calls within calls of one run.
const DEPTH_MAX: usize = 12;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Value {
    Bool(bool),
    Int(i128),
    Float(f64),
    Ref {
        null: bool,
        length: i128,
        /// Which object it is; what is read from outside is a new one each time.
        id: u32,
    },
}

enum Flow {
    Next,
    Break(Label),
    Return(Option<Value>),
    Throw(String),
    /// The run is over: it cannot go on, or took too long.
    Stuck,
}

/// What a run reads where no expression says it.
pub(crate) type Inputs = HashMap<Key, Concrete>;

/// The checks that failed in one run, in order; an uncaught one is the last.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Run {
    pub(crate) violated: Vec<(Site, CheckKind)>,
    /// Whether each condition was true, as often as it was reached.
    pub(crate) conditions: Vec<(Site, bool)>,
    pub(crate) completed: bool,
}

pub(crate) fn run(program: &Program, function: usize, inputs: &Inputs) -> Run {
    let mut machine = Machine {
        program,
        inputs,
        run: Run::default(),
        steps: 0,
        objects: 0,
        context: Vec::new(),
        globals: Vec::new(),
        calls: Vec::new(),
        guards: Vec::new(),
    };
    machine.start(function);
    machine.run
}

/// Runs a function on integers for its parameters, and says which checks fail, in order.
pub fn run_on(program: &Program, function: usize, integers: &[i128]) -> Vec<(Site, CheckKind)> {
    let inputs = integers.iter().zip(0..).map(|(value, site)| {
        (Key { context: Vec::new(), site, part: Part::Value }, Concrete::Int(*value))
    });
    run(program, function, &inputs.collect()).violated
}

struct Machine<'a> {
    program: &'a Program,
    inputs: &'a Inputs,
    run: Run,
    steps: u32,
    objects: u32,
    context: Vec<u32>,
    globals: Vec<Value>,
    calls: Vec<(usize, Vec<Value>)>,
    guards: Vec<Vec<String>>,
}

impl Machine<'_> {
    fn start(&mut self, function: usize) {
        let own = &self.program.functions[function];
        let Ok(body) = &own.body else { return };
        self.calls.push((function, Vec::new()));
        for global in &self.program.globals {
            let value = match &global.constant {
                Some(constant) => self.eval(constant),
                // A refutation takes unknown objects to be there.
                None if global.ty == Type::Ref => {
                    Value::Ref { null: false, length: 0, id: self.object() }
                }
                None => self.zero(global.ty),
            };
            self.globals.push(value);
        }
        for (index, parameter) in own.parameters.iter().enumerate() {
            let site = u32::try_from(index).unwrap_or(u32::MAX);
            let read = Read { nullable: true, ..Read::opaque("") };
            let value = self.read(own.variables[parameter.0 as usize].ty, &[], site, &read);
            self.set(*parameter, value);
        }
        let flow = self.block(body);
        self.run.completed = matches!(flow, Flow::Next | Flow::Return(_));
    }

    fn zero(&mut self, ty: Type) -> Value {
        match ty {
            Type::Bool => Value::Bool(false),
            Type::Int(_) => Value::Int(0),
            Type::Float { .. } => Value::Float(0.0),
            Type::Ref => Value::Ref { null: true, length: 0, id: 0 },
        }
    }

    fn object(&mut self) -> u32 {
        self.objects += 1;
        self.objects
    }

    fn input(&self, context: &[u32], site: Site, part: Part) -> Option<Concrete> {
        self.inputs.get(&Key { context: context.to_vec(), site, part }).copied()
    }

    fn read(&mut self, ty: Type, context: &[u32], site: Site, read: &Read) -> Value {
        let value = self.input(context, site, Part::Value);
        match ty {
            Type::Bool => Value::Bool(value == Some(Concrete::Bool(true))),
            Type::Int(ty) => {
                let own = (ty.low().unwrap_or(i128::MIN), ty.high().unwrap_or(i128::MAX));
                let (low, high) = read.range.unwrap_or(own);
                let value = if let Some(Concrete::Int(value)) = value { value } else { 0 };
                Value::Int(value.clamp(low, high))
            }
            Type::Float { single: is_single } => {
                let value = if let Some(Concrete::Float(value)) = value { value } else { 0.0 };
                Value::Float(if is_single { single(value) } else { value })
            }
            Type::Ref => {
                let null = self.input(context, site, Part::Null) == Some(Concrete::Bool(true));
                let length = match self.input(context, site, Part::Length) {
                    Some(Concrete::Int(length)) => length,
                    _ => i128::from(read.length_min),
                };
                let id = self.object();
                Value::Ref { null: null && read.nullable, length, id }
            }
        }
    }

    fn get(&mut self, var: Var) -> Value {
        if let Some(global) = var.as_global() {
            return self.globals[global];
        }
        let Some((function, values)) = self.calls.last() else { return Value::Int(0) };
        match values.get(var.0 as usize) {
            Some(value) => *value,
            None => {
                let ty = self.program.functions[*function].variables[var.0 as usize].ty;
                self.zero(ty)
            }
        }
    }

    fn set(&mut self, var: Var, value: Value) {
        if let Some(global) = var.as_global() {
            self.globals[global] = value;
            return;
        }
        let Some((function, mut values)) = self.calls.pop() else { return };
        while values.len() <= var.0 as usize {
            let ty = self.program.functions[function].variables[values.len()].ty;
            values.push(self.zero(ty));
        }
        values[var.0 as usize] = value;
        self.calls.push((function, values));
    }

    fn ty(&self, var: Var) -> Type {
        match var.as_global() {
            Some(global) => self.program.globals[global].ty,
            None => {
                let function = self.calls.last().map_or(0, |(function, _)| *function);
                self.program.functions[function].variables[var.0 as usize].ty
            }
        }
    }

    fn block(&mut self, block: &[Stmt]) -> Flow {
        for stmt in block {
            self.steps += 1;
            if self.steps > STEPS_MAX {
                return Flow::Stuck;
            }
            let flow = self.stmt(stmt);
            if !matches!(flow, Flow::Next) {
                return flow;
            }
        }
        Flow::Next
    }

    fn stmt(&mut self, stmt: &Stmt) -> Flow {
        match stmt {
            Stmt::Assign(var, expr) => {
                let value = self.eval(expr);
                self.set(*var, value);
            }
            Stmt::Read(var, site, read) => {
                let context = self.context.clone();
                let value = self.read(self.ty(*var), &context, *site, read);
                self.set(*var, value);
            }
            Stmt::Check(check) => {
                if self.truth(&check.violation) {
                    let caught = check.throws.as_ref().is_some_and(|name| {
                        self.guards.iter().flatten().any(|by| is_caught(name, by).is_sure())
                    });
                    if !caught {
                        self.run.violated.push((check.site, check.kind));
                    }
                    if let Some(name) = &check.throws {
                        return Flow::Throw(name.clone());
                    }
                }
            }
            Stmt::Condition { site, condition, .. } => {
                let value = self.truth(condition);
                self.run.conditions.push((*site, value));
            }
            // What a model leaves out does not matter, even if no fact allows the 0 that it gets.
            Stmt::Dereferenced(_) | Stmt::Assume(_) | Stmt::Clobber => {}
            Stmt::If(condition, yes, no) => {
                return if self.truth(condition) { self.block(yes) } else { self.block(no) };
            }
            Stmt::Scope(label, body) => {
                let flow = self.block(body);
                let here = matches!(flow, Flow::Break(to) if to == *label);
                return if here { Flow::Next } else { flow };
            }
            Stmt::Break(label) => return Flow::Break(*label),
            Stmt::Loop(own) => return self.run_loop(own),
            Stmt::Return(value) => {
                let value = value.as_ref().map(|value| self.eval(value));
                return Flow::Return(value);
            }
            Stmt::Throw(name) => return Flow::Throw(name.clone()),
            Stmt::Try { body, handlers, finally } => return self.run_try(body, handlers, finally),
            Stmt::Call { to, function, arguments, site } => {
                return self.call(*to, *function, arguments, *site);
            }
            Stmt::Opaque { site, throws, .. } => {
                let context = self.context.clone();
                if self.input(&context, *site, Part::Throws) == Some(Concrete::Bool(true)) {
                    return Flow::Throw(throws.first().cloned().unwrap_or_default());
                }
            }
        }
        Flow::Next
    }

    fn run_loop(&mut self, own: &Loop) -> Flow {
        let mut pass = 0;
        loop {
            self.context.push(PASS | pass);
            let flow = self.run_pass(own);
            self.context.pop();
            match flow {
                Some(Flow::Next) => pass += 1,
                Some(other) => return other,
                None => return Flow::Next,
            }
            if pass >= STEPS_MAX {
                return Flow::Stuck;
            }
        }
    }

    /// `None` if the condition ended the loop.
    fn run_pass(&mut self, own: &Loop) -> Option<Flow> {
        self.steps += 1;
        if self.steps > STEPS_MAX {
            return Some(Flow::Stuck);
        }
        let before = self.block(&own.before);
        if !matches!(before, Flow::Next) {
            return Some(before);
        }
        if !self.truth(&own.condition) {
            return None;
        }
        let body = self.block(&own.body);
        if !matches!(body, Flow::Next) {
            return Some(body);
        }
        Some(self.block(&own.step))
    }

    fn run_try(&mut self, body: &[Stmt], handlers: &[Handler], finally: &[Stmt]) -> Flow {
        let mut caught: Vec<String> =
            handlers.iter().flat_map(|handler| handler.catches.iter().cloned()).collect();
        if handlers.iter().any(|handler| handler.catches.is_empty()) {
            caught.push("Throwable".to_owned());
        }
        self.guards.push(caught);
        let mut flow = self.block(body);
        self.guards.pop();
        if let Flow::Throw(name) = &flow {
            let takes = |handler: &&Handler| {
                handler.catches.is_empty()
                    || handler.catches.iter().any(|by| is_caught(name, by) > Caught::No)
            };
            if let Some(handler) = handlers.iter().find(takes) {
                flow = self.block(&handler.body);
            }
        }
        let last = self.block(finally);
        if matches!(last, Flow::Next) { flow } else { last }
    }

    fn call(&mut self, to: Option<Var>, function: usize, arguments: &[Expr], site: Site) -> Flow {
        let callee = &self.program.functions[function];
        let Ok(body) = &callee.body else { return Flow::Stuck };
        if self.calls.len() > DEPTH_MAX {
            return Flow::Stuck;
        }
        let given: Vec<Value> = arguments.iter().map(|argument| self.eval(argument)).collect();
        self.calls.push((function, Vec::new()));
        for (parameter, value) in callee.parameters.iter().zip(given) {
            self.set(*parameter, value);
        }
        self.context.push(site);
        let flow = self.block(body);
        self.context.pop();
        self.calls.pop();
        match flow {
            Flow::Return(Some(value)) => {
                if let Some(to) = to {
                    self.set(to, value);
                }
                Flow::Next
            }
            Flow::Next | Flow::Return(None) => Flow::Next,
            Flow::Throw(name) => Flow::Throw(name),
            Flow::Break(_) | Flow::Stuck => Flow::Stuck,
        }
    }
}
