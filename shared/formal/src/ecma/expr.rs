//! Expressions of JavaScript.

use tree_sitter::Node;

use super::{DEPTH_MAX, Lowering, literal::literal, scope::each_own, tokens, value::Value};
use crate::{
    ir::{Expr, Kind, Kinds},
    syntax::children,
};

impl Lowering<'_> {
    pub(super) fn expr(&mut self, node: Node<'_>) -> Value {
        self.depth += 1;
        let value = if self.depth > DEPTH_MAX {
            self.failed = Some("it is nested too deeply".to_owned());
            Value::undefined()
        } else {
            self.expr_inner(node)
        };
        self.depth -= 1;
        value
    }

    fn expr_inner(&mut self, node: Node<'_>) -> Value {
        if let Some(value) = literal(node, self.source) {
            return value;
        }
        match node.kind() {
            "parenthesized_expression"
            | "as_expression"
            | "satisfies_expression"
            | "non_null_expression"
            | "expression_statement" => self.first(node),
            "type_assertion" => match children(node).last() {
                Some(inner) => self.expr(*inner),
                None => self.opaque(node),
            },
            "sequence_expression" => {
                let mut last = Value::undefined();
                for part in children(node) {
                    last = self.expr(part);
                }
                last
            }
            "identifier" => self.name(node),
            "member_expression" | "subscript_expression" | "call_expression" => self.chain(node),
            "new_expression" => self.construct(node),
            "binary_expression" => self.binary_expression(node),
            "unary_expression" => self.unary(node),
            "update_expression" => self.update(node),
            "assignment_expression" => self.assignment(node),
            "augmented_assignment_expression" => self.augmented(node),
            "ternary_expression" => self.ternary(node),
            "string" => self.some(Kinds::of(Kind::Str), "the content of a string"),
            "template_string" => self.template(node),
            "array" => self.array(node),
            "object" => self.object(node),
            "arrow_function" | "function_expression" | "generator_function" => {
                Value::plain(Kind::Function)
            }
            "class" => {
                self.run_opaque(node);
                Value::plain(Kind::Function)
            }
            "regex" => Value::object(),
            "this" | "super" => self.any("the object of a method"),
            "await_expression" => {
                self.first(node);
                self.unknown_code("what happens while it waits", Vec::new());
                self.any("what was waited for")
            }
            kind if kind.starts_with("jsx_") => {
                self.run_opaque(node);
                Value::object()
            }
            _ => self.opaque(node),
        }
    }

    fn first(&mut self, node: Node<'_>) -> Value {
        match children(node).first() {
            Some(inner) => self.expr(*inner),
            None => self.opaque(node),
        }
    }

    /// Something that is not modelled: its result is anything, and it may have done anything.
    pub(super) fn opaque(&mut self, node: Node<'_>) -> Value {
        self.run_opaque(node);
        let reason = format!("a {} in JavaScript", node.kind().replace('_', " "));
        self.any(&reason)
    }

    /// Forgets what code that is not lowered may change.
    pub(super) fn run_opaque(&mut self, node: Node<'_>) {
        let mut names = Vec::new();
        each_own(node, &mut |inner| match inner.kind() {
            "assignment_expression" | "augmented_assignment_expression" => {
                names.extend(inner.child_by_field_name("left"));
            }
            "update_expression" => names.extend(inner.child_by_field_name("argument")),
            _ => {}
        });
        for name in names.into_iter().filter(|name| name.kind() == "identifier") {
            let value = self.any("an assignment in code that is not modelled");
            self.store(name, &value);
        }
        self.unknown_code("code that is not modelled", Vec::new());
    }

    fn name(&mut self, node: Node<'_>) -> Value {
        let name = self.text(node);
        if let Some(local) = self.local(name).cloned() {
            return match local.is_shared || local.kinds.is_empty() {
                true => self.any("a variable that a function within sets"),
                false => Value::of_slots(local.slots, local.kinds),
            };
        }
        if self.is_of_module(name) {
            if let Some(constant) = self.module.constants.get(name) {
                return constant.clone();
            }
            if self.module.functions.contains_key(name) {
                return Value::plain(Kind::Function);
            }
        }
        if self.is_builtin(name) {
            match name {
                "undefined" => return Value::undefined(),
                "NaN" => return Value::float(Expr::Float(f64::NAN)),
                "Infinity" => return Value::float(Expr::Float(f64::INFINITY)),
                _ => {}
            }
        }
        self.may_raise("a name that may not be set");
        self.any(&format!("the name {name}"))
    }

    /// Whether the file's outermost level, and nothing nearer, binds the name.
    pub(super) fn is_of_module(&self, name: &str) -> bool {
        self.local(name).is_none()
            && !self.enclosing.contains(name)
            && self.module.names.contains_key(name)
    }

    /// Whether the name is JavaScript's own here.
    pub(super) fn is_builtin(&self, name: &str) -> bool {
        self.local(name).is_none()
            && !self.enclosing.contains(name)
            && !self.module.names.contains_key(name)
    }

    fn ternary(&mut self, node: Node<'_>) -> Value {
        let part = |field: &str| node.child_by_field_name(field);
        let (Some(condition), Some(yes), Some(no)) =
            (part("condition"), part("consequence"), part("alternative"))
        else {
            return self.opaque(node);
        };
        let condition = self.truth(condition);
        self.either(condition, |own| own.expr(yes), |own| own.expr(no))
    }

    /// `a || b`, `a && b`, `a ?? b`: one of the two.
    pub(super) fn either_value(&mut self, operator: &str, one: Value, right: Node<'_>) -> Value {
        let one = self.keep(one);
        let nullish = Kinds::NULLISH;
        match operator {
            "??" => {
                let (missing, there) =
                    (one.is_nullish(), one.narrowed(Kinds::ALL.without(nullish)));
                self.either(missing, |own| own.last_resort(right), |_| there)
            }
            "||" => {
                let (truth, there) =
                    (self.truth_of(&one), one.narrowed(Kinds::ALL.without(nullish)));
                self.either(truth, |_| there, |own| own.last_resort(right))
            }
            _ => {
                let truth = self.truth_of(&one);
                let falsy = Kinds::ALL.without(Kinds::OBJECTS.with(Kind::Symbol));
                let not = one.narrowed(falsy);
                self.either(truth, |own| own.last_resort(right), |_| not)
            }
        }
    }

    /// The second operand, after which an unknown call may have ended all.
    fn last_resort(&mut self, node: Node<'_>) -> Value {
        let value = self.expr(node);
        let is_call = node.kind() == "call_expression" && !self.is_known_to_return(node);
        let is_statement = node.parent().and_then(|it| it.parent());
        if is_call && is_statement.is_some_and(|it| it.kind() == "expression_statement") {
            self.may_end();
        }
        value
    }

    fn template(&mut self, node: Node<'_>) -> Value {
        for part in children(node) {
            if part.kind() == "template_substitution" {
                let value = self.first(part);
                self.convert_to_text(&value);
            }
        }
        self.some(Kinds::of(Kind::Str), "the content of a template")
    }

    /// What making a text of a value may do.
    pub(super) fn convert_to_text(&mut self, value: &Value) {
        if !value.kinds.is_within(Kinds::PRIMITIVE) {
            self.may_raise("the text of an object");
        } else if value.kinds.contains(Kind::Symbol) {
            self.may_raise("the text of a symbol");
        }
    }

    fn array(&mut self, node: Node<'_>) -> Value {
        let parts = children(node);
        let commas = tokens(node).iter().filter(|it| it.kind() == ",").count();
        let has_holes = commas > parts.len();
        let mut exact = !has_holes;
        for part in &parts {
            match part.kind() {
                "spread_element" => {
                    exact = false;
                    let value = self.first(*part);
                    self.null_check(&value, *part, "TypeError");
                    self.unknown_code("an iteration", Vec::new());
                }
                _ => {
                    self.expr(*part);
                }
            }
        }
        match i128::try_from(parts.len()) {
            Ok(count) if exact => Value::array(Expr::Int(count)),
            _ => self.some(Kinds::of(Kind::Array), "the length of an array"),
        }
    }

    fn object(&mut self, node: Node<'_>) -> Value {
        for part in children(node) {
            match part.kind() {
                "pair" => {
                    let key = part.child_by_field_name("key");
                    if let Some(key) = key.filter(|key| key.kind() == "computed_property_name") {
                        let value = self.first(key);
                        self.convert_to_text(&value);
                    }
                    if let Some(value) = part.child_by_field_name("value") {
                        self.expr(value);
                    }
                }
                "spread_element" => {
                    self.first(part);
                    self.may_raise("the properties of an object");
                }
                "shorthand_property_identifier" => {
                    self.name(part);
                }
                _ => {}
            }
        }
        Value::object()
    }
}
