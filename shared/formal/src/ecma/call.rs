//! Calls: of the file's own functions, of JavaScript's, of anything else.

use tree_sitter::Node;

use super::{Lowering, access::is_optional, library, scope, value::Value};
use crate::{
    emit::Emit,
    ir::{CheckKind, Expr, Kind, Kinds, Stmt},
    syntax::{children, line},
};

/// What was given, in order.
#[derive(Default)]
pub(super) struct Arguments<'t> {
    pub(super) values: Vec<Value>,
    pub(super) nodes: Vec<Node<'t>>,
    /// Some are spread out of a value, so nobody knows which are which.
    pub(super) spread: bool,
}

impl Arguments<'_> {
    pub(super) fn get(&self, place: usize) -> Option<&Value> {
        self.values.get(place).filter(|_| !self.spread)
    }

    /// Whether one of them may be called.
    pub(super) fn has_code(&self) -> bool {
        let data = Kinds::PRIMITIVE.with(Kind::Array);
        self.spread || !self.values.iter().all(|value| value.kinds.is_within(data))
    }
}

impl Lowering<'_> {
    pub(super) fn call(&mut self, node: Node<'_>) -> Value {
        let Some(function) = node.child_by_field_name("function") else { return self.opaque(node) };
        let list = node.child_by_field_name("arguments");
        if let Some((module, name)) = self.imported(function) {
            let arguments = self.arguments(list);
            return self.call_imported(&module, &name, &arguments, node);
        }
        match function.kind() {
            "identifier" => {
                let name = self.text(function);
                if self.is_builtin(name) {
                    let arguments = self.arguments(list);
                    return self.builtin(name, &arguments);
                }
                let own = self.module.functions.get(name).copied();
                if let Some(body) = own.filter(|_| self.is_of_module(name)) {
                    let arguments = self.arguments(list);
                    return self.own_call(body, &arguments, name);
                }
                self.call_value(node, function, list)
            }
            "member_expression" => self.method(node, function, list),
            "super" | "import" => {
                let arguments = self.arguments(list);
                self.unknown_call(self.text(function), &arguments, None)
            }
            _ => self.call_value(node, function, list),
        }
    }

    fn call_value(&mut self, node: Node<'_>, function: Node<'_>, list: Option<Node<'_>>) -> Value {
        let callee = self.before(function);
        let callee = self.keep(callee);
        let optional = is_optional(node);
        if optional {
            self.guard(&callee, function, true);
        }
        let arguments = self.arguments(list);
        if !optional {
            self.null_check(&callee, function, "TypeError");
        }
        let name = match function.kind() {
            "identifier" => self.text(function),
            _ => "a value that is called",
        };
        self.unknown_call(name, &arguments, None)
    }

    pub(super) fn arguments<'t>(&mut self, list: Option<Node<'t>>) -> Arguments<'t> {
        let mut arguments = Arguments::default();
        let Some(list) = list else { return arguments };
        if list.kind() == "template_string" {
            self.expr(list);
            arguments.spread = true;
            return arguments;
        }
        for given in children(list) {
            if given.kind() == "spread_element" {
                arguments.spread = true;
                for inner in children(given) {
                    let value = self.expr(inner);
                    self.null_check(&value, inner, "TypeError");
                }
                self.unknown_code("an iteration", Vec::new());
                continue;
            }
            let value = self.expr(given);
            let plain = self.is_plain_local(given);
            arguments.values.push(if plain { value } else { self.keep(value) });
            arguments.nodes.push(given);
        }
        arguments
    }

    /// A function that nothing is known of.
    pub(super) fn unknown_call(
        &mut self,
        callee: &str,
        arguments: &Arguments<'_>,
        receiver: Option<&Value>,
    ) -> Value {
        let given = arguments.values.iter().chain(receiver).flat_map(Value::parts).collect();
        self.unknown_code(callee, given);
        self.any(&format!("the result of {callee}"))
    }

    /// A function of this file, whose parameters are all plain.
    fn own_call(&mut self, body: usize, arguments: &Arguments<'_>, name: &str) -> Value {
        let (function, node) = (self.module.bodies[body].function, self.module.bodies[body].node);
        let is_async = self.text(node).starts_with("async");
        let is_generator = node.kind().starts_with("generator");
        let kinds = match self.callees.get(&body) {
            Some(kinds) => kinds.clone(),
            None => self.parameter_kinds(node),
        };
        self.callees.insert(body, kinds.clone());
        let Some(kinds) = kinds else {
            return self.unknown_call(name, arguments, None);
        };
        if is_async || is_generator || arguments.spread || arguments.values.len() > kinds.len() {
            let result = self.unknown_call(name, arguments, None);
            return if is_async || is_generator { Value::object() } else { result };
        }
        let mut given = Vec::new();
        for (place, kinds) in kinds.into_iter().enumerate() {
            let value = arguments.get(place).cloned().unwrap_or_else(Value::undefined);
            let value = self.restricted(&value, kinds);
            let slots = self.slots("");
            self.put(slots, &value);
            given.extend(super::parameter::own_slots(slots, kinds).into_iter().map(Expr::Var));
        }
        let site = self.site();
        self.block.push(Stmt::Call { to: None, function, arguments: given, site });
        let result = Value::of_slots(self.result, Kinds::ALL);
        let last = Kinds::ALL.iter().last().map_or(0, Kind::number);
        self.assume(result.tag_within(0, last));
        let result = self.keep(result);
        self.forget_arrays(name);
        result
    }

    /// What a declared type does not allow is another value that it does.
    fn restricted(&mut self, value: &Value, kinds: Kinds) -> Value {
        if value.kinds.is_within(kinds) {
            return value.clone();
        }
        let fits = value.narrowed(kinds);
        self.either(
            value.is_one_of(kinds),
            |_| fits,
            |own| own.some(kinds, "a value of another type than is declared"),
        )
    }

    /// The name in a module that a callee stands for.
    pub(super) fn imported(&self, function: Node<'_>) -> Option<(String, String)> {
        let of = |node: Node<'_>| {
            let name = self.text(node);
            let import = self.module.imports.get(name)?;
            Some(import.clone()).filter(|_| node.kind() == "identifier" && self.is_of_module(name))
        };
        match function.kind() {
            "identifier" => {
                let (module, name) = of(function)?;
                Some((module, name.unwrap_or_else(|| "default".to_owned())))
            }
            "member_expression" => {
                let object = function.child_by_field_name("object")?;
                let property = function.child_by_field_name("property")?;
                let (module, name) = of(object)?;
                let whole = matches!(name.as_deref(), None | Some("default" | "strict"));
                whole.then(|| (module, self.text(property).to_owned()))
            }
            _ => None,
        }
    }

    fn call_imported(
        &mut self,
        module: &str,
        name: &str,
        arguments: &Arguments<'_>,
        node: Node<'_>,
    ) -> Value {
        let module = module.strip_prefix("node:").unwrap_or(module);
        if let "assert" | "assert/strict" = module
            && let Some(fails) = self.assertion(module, name, arguments)
        {
            self.check(CheckKind::Assertion, line(node), fails, "AssertionError");
            return Value::undefined();
        }
        if (module, name) == ("process", "exit") {
            self.ends();
            return Value::undefined();
        }
        self.unknown_call(&format!("{module}.{name}"), arguments, None)
    }

    /// When an assertion of node's fails.
    fn assertion(&mut self, module: &str, name: &str, arguments: &Arguments<'_>) -> Option<Expr> {
        if name == "fail" {
            return Some(Expr::Bool(true));
        }
        let one = arguments.get(0)?.clone();
        if matches!(name, "ok" | "default" | "assert" | "strict") {
            return Some(self.truth_of(&one).not());
        }
        let two = arguments.get(1)?.clone();
        let strict = module.ends_with("strict");
        Some(match name {
            "equal" if !strict => self.loosely_equal(&one, &two).not(),
            "notEqual" if !strict => self.loosely_equal(&one, &two),
            "equal" | "strictEqual" => self.same_value(&one, &two).not(),
            "notEqual" | "notStrictEqual" => self.same_value(&one, &two),
            _ => return None,
        })
    }

    /// As `Object.is`: not-a-number is itself, and the two zeros are not the same.
    fn same_value(&mut self, one: &Value, two: &Value) -> Expr {
        let (one, two) = (self.keep(one.clone()), self.keep(two.clone()));
        let equal = self.strictly_equal(&one, &two);
        let nan = super::truth::both(self.is_not_a_number(&one), self.is_not_a_number(&two));
        let zero = |value: &Value| {
            let float = Box::new(value.as_float());
            let zero = Expr::CmpFloat(crate::ir::Cmp::Eq, float, Box::new(Expr::Float(0.0)));
            super::truth::both(value.is(Kind::Float), zero)
        };
        let zeros = super::truth::one_of(zero(&one), zero(&two));
        let equal = super::truth::one_of(equal, nan);
        if zeros == Expr::Bool(false) {
            return equal;
        }
        let unknown = self.unknown_truth("which zero it is");
        super::truth::both(equal, super::truth::one_of(zeros.not(), unknown))
    }

    /// Whether enough is known of what a call gives to ask whether it is missing.
    pub(super) fn is_known_call(&self, node: Node<'_>) -> bool {
        let Some(function) = node.child_by_field_name("function") else { return false };
        if function.kind() == "identifier" {
            let name = self.text(function);
            return self.is_of_module(name) && self.module.functions.contains_key(name);
        }
        let parts =
            (function.child_by_field_name("object"), function.child_by_field_name("property"));
        let (Some(object), Some(property)) = parts else { return false };
        let local = self.local(self.text(object)).filter(|_| object.kind() == "identifier");
        let kind = match local {
            Some(local) => local.kinds.single().filter(|_| !local.is_shared),
            None => self.constant(object).and_then(|value| value.kinds.single()),
        };
        kind.is_some_and(|kind| library::may_be_missing(kind, self.text(property)))
    }

    /// Whether a call surely comes back.
    pub(super) fn is_known_to_return(&self, node: Node<'_>) -> bool {
        let Some(function) = node.child_by_field_name("function") else { return false };
        let name = self.text(function);
        if function.kind() == "identifier" {
            return self.is_of_module(name) && self.module.functions.contains_key(name)
                || self.is_builtin(name) && library::is_quiet(name);
        }
        let object = function.child_by_field_name("object").map(|object| self.text(object));
        let property = function.child_by_field_name("property").map(|it| self.text(it));
        matches!(object, Some("console" | "Math" | "Object"))
            || self.imported(function).is_some_and(|(module, _)| module.ends_with("assert"))
            || property.is_some_and(library::only_changes)
    }

    /// What each parameter of a function may be given; none if one is more than a value.
    fn parameter_kinds(&self, function: Node<'_>) -> Option<Vec<Kinds>> {
        if scope::refused(function, self.source).is_some() {
            return None;
        }
        self.declared_parameters(function)
    }
}
