//! Properties and elements, and chains of them that end where there is nothing.

use tree_sitter::Node;

use super::{Lowering, literal::literal, tokens, truth::both, value::Value};
use crate::{
    emit::Emit,
    ir::{CheckKind, Cmp, Expr, Kind, Kinds, Source, Stmt},
    syntax::{children, line},
};

/// The parts of a chain, with what each is reached from.
fn link(node: Node<'_>) -> Option<Node<'_>> {
    match node.kind() {
        "member_expression" | "subscript_expression" => node.child_by_field_name("object"),
        "call_expression" => node.child_by_field_name("function"),
        "non_null_expression" => node.named_child(0),
        _ => None,
    }
}

/// Whether this very step is taken only if there is something: `?.`.
pub(super) fn is_optional(node: Node<'_>) -> bool {
    tokens(node).iter().any(|child| matches!(child.kind(), "optional_chain" | "?."))
}

impl Lowering<'_> {
    /// A whole chain: `a?.b.c` is undefined if `a` is missing.
    pub(super) fn chain(&mut self, node: Node<'_>) -> Value {
        let mut step = Some(node);
        let mut optional = false;
        while let Some(at) = step {
            optional |= is_optional(at);
            step = link(at);
        }
        if !optional {
            return self.step(node);
        }
        let (end, result) = (self.label(), self.slots(""));
        self.chains.push((end, result));
        let mut kinds = Kinds::NONE;
        let block = self.nested(|own| {
            let value = own.step(node);
            kinds = value.kinds;
            own.put(result, &value);
        });
        self.chains.pop();
        self.block.push(Stmt::Scope(end, block));
        Value::of_slots(result, kinds.with(Kind::Undefined))
    }

    /// What the next step of a chain is taken from.
    pub(super) fn before(&mut self, node: Node<'_>) -> Value {
        match node.kind() {
            "member_expression" | "subscript_expression" | "call_expression" => {
                self.depth += 1;
                let value = if self.depth > super::DEPTH_MAX {
                    self.failed = Some("it is nested too deeply".to_owned());
                    Value::undefined()
                } else {
                    self.step(node)
                };
                self.depth -= 1;
                value
            }
            "non_null_expression" => match node.named_child(0) {
                Some(inner) => self.asserted(inner),
                None => self.opaque(node),
            },
            _ => self.expr(node),
        }
    }

    /// `a!`: nothing happens, but of what comes from outside somebody knows more than the code.
    fn asserted(&mut self, inner: Node<'_>) -> Value {
        if self.environment(inner).is_some() {
            return self.any("a variable of the environment that is said to be set");
        }
        self.before(inner)
    }

    fn step(&mut self, node: Node<'_>) -> Value {
        match node.kind() {
            "member_expression" => self.member(node),
            "subscript_expression" => self.subscript(node),
            _ => self.call(node),
        }
    }

    /// Goes on if there is something to go on with, else fails or leaves the chain.
    pub(super) fn guard(&mut self, value: &Value, of: Node<'_>, optional: bool) {
        if !optional {
            self.null_check(value, of, "TypeError");
            return;
        }
        if let Some((end, result)) = self.chains.last().copied() {
            self.branch(
                value.is_nullish(),
                |own| {
                    own.put(result, &Value::undefined());
                    own.block.push(Stmt::Break(end));
                },
                |_| {},
            );
        }
    }

    fn member(&mut self, node: Node<'_>) -> Value {
        let parts = (node.child_by_field_name("object"), node.child_by_field_name("property"));
        let (Some(object), Some(property)) = parts else { return self.opaque(node) };
        if let Some(value) = self.constant_member(object, self.text(property)) {
            return value;
        }
        if self.environment(node).is_some() {
            return self.optional(Kinds::of(Kind::Str), &Source::External);
        }
        let value = self.before(object);
        let value = self.keep_unless_local(value, object);
        self.guard(&value, object, is_optional(node));
        match self.text(property) {
            "length" => self.length_of(&value),
            _ => {
                self.may_raise("a property");
                self.any("a property of an object")
            }
        }
    }

    fn constant_member(&self, object: Node<'_>, property: &str) -> Option<Value> {
        let of = self.text(object);
        if object.kind() != "identifier" || !self.is_builtin(of) {
            return None;
        }
        let safe = (1 << 53) - 1;
        Some(match (of, property) {
            ("Number", "MAX_SAFE_INTEGER") => Value::int(Expr::Int(safe)),
            ("Number", "MIN_SAFE_INTEGER") => Value::int(Expr::Int(-safe)),
            ("Number", "EPSILON") => Value::float(Expr::Float(f64::EPSILON)),
            ("Number", "MAX_VALUE") => Value::float(Expr::Float(f64::MAX)),
            ("Number", "MIN_VALUE") => Value::float(Expr::Float(5e-324)),
            ("Number", "POSITIVE_INFINITY") => Value::float(Expr::Float(f64::INFINITY)),
            ("Number", "NEGATIVE_INFINITY") => Value::float(Expr::Float(f64::NEG_INFINITY)),
            ("Number", "NaN") => Value::float(Expr::Float(f64::NAN)),
            ("Math", "PI") => Value::float(Expr::Float(std::f64::consts::PI)),
            ("Math", "E") => Value::float(Expr::Float(std::f64::consts::E)),
            _ => return None,
        })
    }

    /// `process.env.NAME`, a text if somebody set it.
    fn environment<'t>(&self, node: Node<'t>) -> Option<Node<'t>> {
        let object = node.child_by_field_name("object")?;
        let is_environment = self.text(object) == "process.env" && self.is_builtin("process");
        let plain = matches!(node.kind(), "member_expression" | "subscript_expression");
        Some(node).filter(|_| is_environment && plain)
    }

    /// A value of these kinds or undefined, as the source decides.
    pub(super) fn optional(&mut self, kinds: Kinds, source: &Source) -> Value {
        let missing = self.read(Kinds::of(Kind::Bool), source, None).as_bool();
        let source = source.clone();
        self.either(missing, |_| Value::undefined(), |own| own.read(kinds, &source, None))
    }

    fn length_of(&mut self, value: &Value) -> Value {
        let has_length =
            both(value.is_one_of(super::value::SEQUENCES), Expr::Bool(!value.kinds.is_empty()));
        let length = value.length();
        self.either(
            has_length,
            |_| Value::int(length),
            |own| {
                own.may_raise("a property");
                own.any("a property of an object")
            },
        )
    }

    /// A copy, unless it is a local: an array's length may change under it.
    fn keep_unless_local(&mut self, value: Value, of: Node<'_>) -> Value {
        if self.is_plain_local(of) { value } else { self.keep(value) }
    }

    fn subscript(&mut self, node: Node<'_>) -> Value {
        let parts = (node.child_by_field_name("object"), node.child_by_field_name("index"));
        let (Some(object), Some(index)) = parts else { return self.opaque(node) };
        if self.environment(node).is_some() {
            self.expr(index);
            return self.optional(Kinds::of(Kind::Str), &Source::External);
        }
        let value = self.before(object);
        let value = self.keep_unless_local(value, object);
        let optional = is_optional(node);
        if optional {
            self.guard(&value, object, true);
        }
        let index = self.expr(index);
        let index = self.keep(index);
        if !optional {
            self.guard(&value, object, false);
        }
        self.indexed(&value, &index, object)
    }

    /// An element, or undefined where there is none.
    pub(super) fn indexed(&mut self, value: &Value, index: &Value, of: Node<'_>) -> Value {
        let is_sequence = value.is_only(Kind::Array) || value.is_only(Kind::Str);
        if !is_sequence || !index.kinds.contains(Kind::Int) {
            self.may_raise("a property");
            return self.any("a property of an object");
        }
        let inside = inside(value, index);
        self.either(
            index.is(Kind::Int),
            |own| own.either(inside, |own| own.element(value, of), |_| Value::undefined()),
            |own| own.any("a property of an object"),
        )
    }

    /// Nothing can be done with null and undefined. Of a value that is wholly unknown nobody asks.
    pub(super) fn null_check(&mut self, value: &Value, of: Node<'_>, throws: &str) {
        let violation = value.is_nullish();
        if self.is_worth_asking(of) {
            self.check(CheckKind::NullDereference, line(of), violation, throws);
        } else if violation != Expr::Bool(false) {
            self.may_raise("a property of something that may be missing");
        }
    }

    /// Whether enough is known of where a value comes from to ask whether it is missing.
    pub(super) fn is_worth_asking(&self, of: Node<'_>) -> bool {
        let part = |field: &str| of.child_by_field_name(field);
        let asks = |part: Option<Node<'_>>| part.is_some_and(|part| self.is_worth_asking(part));
        match of.kind() {
            "identifier" => {
                let name = self.text(of);
                let local = self.local(name);
                local.is_some_and(|local| !local.is_shared)
                    || self.is_of_module(name) && self.module.constants.contains_key(name)
            }
            "parenthesized_expression"
            | "as_expression"
            | "satisfies_expression"
            | "spread_element" => {
                let inner = children(of).first().copied();
                // Here a chain ends, and what is left of it may be undefined.
                let base = inner.filter(|inner| is_optional(*inner)).and_then(link);
                asks(inner) || asks(base)
            }
            "non_null_expression" => {
                let inner = of.named_child(0);
                inner.is_some_and(|it| self.environment(it).is_none()) && asks(inner)
            }
            "ternary_expression" => asks(part("consequence")) || asks(part("alternative")),
            "binary_expression" => match part("operator").map(|it| self.text(it)) {
                Some("&&") => asks(part("left")) || asks(part("right")),
                Some("||" | "??") => asks(part("right")),
                _ => true,
            },
            "assignment_expression" => asks(part("right")),
            "member_expression" => self.environment(of).is_some(),
            "subscript_expression" => part("object").is_some_and(|object| {
                self.environment(of).is_some()
                    || object.kind() == "identifier"
                        && self.local(self.text(object)).is_some_and(|local| {
                            !local.is_shared && local.kinds == Kinds::of(Kind::Array)
                        })
            }),
            "call_expression" => self.is_known_call(of),
            _ => literal(of, self.source).is_some(),
        }
    }
}

/// Whether there is an element at the index.
pub(super) fn inside(value: &Value, index: &Value) -> Expr {
    let low = Expr::cmp(Cmp::Le, Expr::Int(0), index.as_int());
    let high = Expr::cmp(Cmp::Lt, index.as_int(), value.length());
    match (index.as_int(), value.length()) {
        (Expr::Int(index), Expr::Int(length)) => Expr::Bool((0..length).contains(&index)),
        (Expr::Int(index), _) if index < 0 => Expr::Bool(false),
        _ => low.and(high),
    }
}
