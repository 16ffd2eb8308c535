//! Calls: of the module's own functions, of Python's, of anything else.

use tree_sitter::Node;

use super::{
    Lowering, children, library,
    scope::Parameter,
    value::{Value, slot_type},
};
use crate::{
    emit::Emit,
    ir::{Expr, Stmt, Tag},
};

/// The longest sequence that a machine can hold.
pub(super) const LENGTH_MAX: i128 = (1 << 63) - 1;

/// What was given, by position and by name.
#[derive(Default)]
pub(super) struct Arguments {
    pub(super) plain: Vec<Value>,
    pub(super) named: Vec<(String, Value)>,
    /// Some are unpacked from a value, so nobody knows which are which.
    pub(super) unpacked: bool,
}

impl Lowering<'_> {
    pub(super) fn call(&mut self, node: Node<'_>) -> Value {
        let Some(function) = node.child_by_field_name("function") else { return self.opaque(node) };
        let list = node.child_by_field_name("arguments");
        match function.kind() {
            "identifier" => {
                let name = self.text(function);
                let arguments = self.arguments(list);
                if self.is_builtin(name) {
                    return self.builtin(name, arguments, node);
                }
                let own = !self.locals.contains_key(name) && !self.scope.foreign.contains(name);
                match self.module.functions.get(name).copied().filter(|_| own) {
                    Some(called) => self.own_call(called, arguments, name),
                    None => self.unknown_call(name, arguments, None),
                }
            }
            "attribute" => self.method(node, function, list),
            _ => {
                let callee = self.expr(function);
                self.none_check(&callee, function, "TypeError");
                let arguments = self.arguments(list);
                self.unknown_call("a value that is called", arguments, None)
            }
        }
    }

    /// Whether what a call gives is known well enough to ask whether it is None.
    pub(super) fn is_known_call(&self, node: Node<'_>) -> bool {
        let Some(function) = node.child_by_field_name("function") else { return false };
        if function.kind() == "identifier" {
            return self.module.functions.contains_key(self.text(function));
        }
        let parts =
            (function.child_by_field_name("object"), function.child_by_field_name("attribute"));
        let (Some(object), Some(name)) = parts else { return false };
        let name = self.text(name);
        self.imported(object).is_some_and(|module| {
            library::is_optional_text(module, name) || library::is_match(module, name)
        })
    }

    pub(super) fn arguments(&mut self, list: Option<Node<'_>>) -> Arguments {
        let mut arguments = Arguments::default();
        let Some(list) = list else { return arguments };
        if list.kind() == "generator_expression" {
            arguments.plain.push(self.expr(list));
            return arguments;
        }
        for given in children(list) {
            match given.kind() {
                "keyword_argument" => {
                    let name = given.child_by_field_name("name").map(|name| self.text(name));
                    let value = given.child_by_field_name("value").map(|value| self.expr(value));
                    arguments.named.extend(name.map(str::to_owned).zip(value));
                }
                "list_splat" | "dictionary_splat" => {
                    arguments.unpacked = true;
                    for inner in children(given) {
                        self.expr(inner);
                    }
                }
                _ => arguments.plain.push(self.expr(given)),
            }
        }
        arguments
    }

    /// A function that nothing is known of.
    pub(super) fn unknown_call(
        &mut self,
        callee: &str,
        arguments: Arguments,
        receiver: Option<&Value>,
    ) -> Value {
        let named = arguments.named.into_iter().map(|(_, value)| value);
        let mut given = Vec::new();
        for value in arguments.plain.into_iter().chain(named).chain(receiver.cloned()) {
            match value {
                Value::One(Tag::None | Tag::Object, _) => {}
                Value::One(_, value) => given.push(value),
                Value::Any(slots) => given.extend(
                    [slots.int, slots.bool, slots.float, slots.sequence, slots.tag].map(Expr::Var),
                ),
            }
        }
        self.unknown_code(callee, given);
        self.any(&format!("the result of {callee}"))
    }

    /// A function of this module, whose parameters are all given and plain.
    pub(super) fn own_call(&mut self, called: usize, arguments: Arguments, name: &str) -> Value {
        let body = self.module.index.get(&called).map(|at| &self.module.bodies[*at]);
        let Some(body) = body.filter(|_| !arguments.unpacked) else {
            return self.unknown_call(name, arguments, None);
        };
        let scope = super::scope::Scope::of(body.node, self.source);
        let Some(values) = self.matched(&scope.parameters, &arguments, body.node) else {
            return self.unknown_call(name, arguments, None);
        };
        let mut given = Vec::new();
        for (parameter, value) in scope.parameters.iter().zip(values) {
            match parameter.ty {
                Some(tag) => {
                    let var = self.variable("", slot_type(tag));
                    self.put_one(var, tag, &value);
                    given.push(Expr::Var(var));
                }
                None => {
                    let slots = self.slots("");
                    self.put(slots, &value);
                    let all = [slots.tag, slots.bool, slots.int, slots.float, slots.sequence];
                    given.extend(all.map(Expr::Var));
                }
            }
        }
        let site = self.site();
        self.block.push(Stmt::Call { to: None, function: called, arguments: given, site });
        let result = self.keep(Value::Any(self.result));
        self.forget_lists(name);
        result
    }

    /// A value for each parameter, in their order.
    fn matched(
        &mut self,
        parameters: &[Parameter],
        arguments: &Arguments,
        function: Node<'_>,
    ) -> Option<Vec<Value>> {
        if arguments.plain.len() > parameters.len() {
            return None;
        }
        let known = |name: &String| parameters.iter().any(|parameter| parameter.name == *name);
        if !arguments.named.iter().all(|(name, _)| known(name)) {
            return None;
        }
        let mut values = Vec::new();
        for (index, parameter) in parameters.iter().enumerate() {
            let by_name = arguments.named.iter().find(|(name, _)| *name == parameter.name);
            let given = arguments.plain.get(index).or(by_name.map(|(_, value)| value)).cloned();
            values.push(match given {
                Some(value) => value,
                None => self.default_of(parameter, function)?,
            });
            if !parameter.is_plain {
                return None;
            }
        }
        Some(values)
    }

    fn default_of(&mut self, parameter: &Parameter, function: Node<'_>) -> Option<Value> {
        let list = function.child_by_field_name("parameters").filter(|_| parameter.has_default)?;
        let own = children(list).into_iter().find(|node| {
            node.child_by_field_name("name").is_some_and(|it| self.text(it) == parameter.name)
        })?;
        let value = own.child_by_field_name("value")?;
        let (tag, value) = super::expr::literal(value, self.source)?;
        Some(Value::One(tag, value))
    }
}
