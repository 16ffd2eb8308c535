//! Expressions of Python.

use tree_sitter::Node;

use super::{
    DEPTH_MAX, Local, Lowering, children, each, infer, line, scope::is_inner, value::Value,
};
use crate::{
    emit::Emit,
    ir::{CheckKind, Expr, Stmt, Tag},
};

/// A number, string, boolean or None whose value stands in the code.
pub(super) fn literal(node: Node<'_>, source: &str) -> Option<(Tag, Expr)> {
    let text = super::text(node, source);
    Some(match node.kind() {
        "integer" => (Tag::Int, Expr::Int(integer(text)?)),
        "float" if !text.ends_with(['j', 'J']) => {
            (Tag::Float, Expr::Float(text.replace('_', "").parse().ok()?))
        }
        "true" | "false" => (Tag::Bool, Expr::Bool(node.kind() == "true")),
        "none" => (Tag::None, Expr::Null),
        "unary_operator" if text.starts_with('-') => {
            let argument = node.child_by_field_name("argument")?;
            if argument.kind() == "unary_operator" {
                return None;
            }
            match literal(argument, source)? {
                (Tag::Int, Expr::Int(value)) => (Tag::Int, Expr::Int(-value)),
                (Tag::Float, Expr::Float(value)) => (Tag::Float, Expr::Float(-value)),
                _ => return None,
            }
        }
        "string" => {
            let quote = text.find(['"', '\''])?;
            let (prefix, rest) = text.split_at(quote);
            let plain = rest.trim_matches(['"', '\'']);
            let is_plain = prefix.is_empty() && !plain.contains(['\\', '"', '\'']);
            let length = i128::try_from(plain.chars().count()).unwrap_or(0);
            let exact = is_plain && rest.len() >= plain.len() + 2;
            (Tag::Str, Expr::New(Some(Box::new(Expr::Int(length)))).when(exact)?)
        }
        _ => return None,
    })
}

trait When: Sized {
    fn when(self, condition: bool) -> Option<Self>;
}

impl When for Expr {
    fn when(self, condition: bool) -> Option<Self> {
        condition.then_some(self)
    }
}

fn integer(text: &str) -> Option<i128> {
    let digits = text.replace('_', "").to_ascii_lowercase();
    match digits.get(..2) {
        Some("0x") => i128::from_str_radix(&digits[2..], 16).ok(),
        Some("0o") => i128::from_str_radix(&digits[2..], 8).ok(),
        Some("0b") => i128::from_str_radix(&digits[2..], 2).ok(),
        _ => digits.parse().ok(),
    }
}

impl Lowering<'_> {
    pub(super) fn expr(&mut self, node: Node<'_>) -> Value {
        self.depth += 1;
        let value = match self.depth > DEPTH_MAX {
            true => {
                self.failed = Some("it is nested too deeply".to_owned());
                Value::none()
            }
            false => self.expr_inner(node),
        };
        self.depth -= 1;
        value
    }

    fn expr_inner(&mut self, node: Node<'_>) -> Value {
        if let Some((tag, value)) = literal(node, self.source) {
            return Value::One(tag, value);
        }
        match node.kind() {
            "parenthesized_expression" => match node.named_child(0) {
                Some(inner) => self.expr(inner),
                None => self.opaque(node),
            },
            "identifier" => self.name(node),
            "string" | "concatenated_string" => self.string(node),
            "binary_operator" => self.binary_operator(node),
            "unary_operator" => self.unary(node),
            "not_operator" => match node.child_by_field_name("argument") {
                Some(argument) => Value::bool(self.truth(argument).not()),
                None => self.opaque(node),
            },
            "boolean_operator" => self.either_value(node),
            "comparison_operator" => self.comparison(node),
            "conditional_expression" => self.conditional(node),
            "named_expression" => self.walrus(node),
            "call" => self.call(node),
            "attribute" => self.attribute(node),
            "subscript" => self.subscript(node),
            "list" | "tuple" | "expression_list" => self.display(node),
            "dictionary" | "set" => {
                for part in children(node) {
                    self.part(part);
                }
                Value::object()
            }
            "pair" => {
                for part in children(node) {
                    self.expr(part);
                }
                Value::object()
            }
            "list_comprehension" => {
                self.run_opaque(node);
                self.some(Tag::List, "a comprehension")
            }
            "dictionary_comprehension"
            | "set_comprehension"
            | "generator_expression"
            | "lambda" => {
                self.run_opaque(node);
                Value::object()
            }
            _ => self.opaque(node),
        }
    }

    /// An element of a display, which may be several.
    fn part(&mut self, node: Node<'_>) {
        match node.kind() {
            "pair" | "list_splat" | "dictionary_splat" => {
                for inner in children(node) {
                    self.expr(inner);
                }
            }
            _ => {
                self.expr(node);
            }
        }
    }

    /// A list or tuple that is written out.
    fn display(&mut self, node: Node<'_>) -> Value {
        let tag = if node.kind() == "list" { Tag::List } else { Tag::Tuple };
        let parts = children(node);
        let exact = parts.iter().all(|part| part.kind() != "list_splat");
        let count = i128::try_from(parts.len()).unwrap_or(0);
        for part in parts {
            self.part(part);
        }
        match exact {
            true => Value::One(tag, Expr::New(Some(Box::new(Expr::Int(count))))),
            false => {
                self.may_raise("unpacking");
                self.some(tag, "an unpacked sequence")
            }
        }
    }

    /// Something that is not modelled: its result is anything, and it may have done anything.
    pub(super) fn opaque(&mut self, node: Node<'_>) -> Value {
        self.run_opaque(node);
        let reason = format!("{} in Python", node.kind().replace('_', " "));
        self.any(&reason)
    }

    /// Forgets what code that is not lowered may change.
    pub(super) fn run_opaque(&mut self, node: Node<'_>) {
        let (mut names, mut calls) = (Vec::new(), false);
        each(node, &mut |inner| {
            match inner.kind() {
                "call" | "await" | "yield" => calls = true,
                "named_expression" => names.extend(inner.child_by_field_name("name")),
                kind => return inner == node || !is_inner(kind),
            }
            true
        });
        for name in names {
            let value = self.any("an assignment in an expression");
            self.store_name(self.text(name), &value);
        }
        if calls {
            self.unknown_code("code that is not modelled", Vec::new());
        } else {
            self.may_raise("code that is not modelled");
        }
    }

    fn string(&mut self, node: Node<'_>) -> Value {
        if infer::is_bytes(self.text(node)) {
            return Value::object();
        }
        let mut inner = Vec::new();
        each(node, &mut |part| {
            if part.kind() == "interpolation" {
                inner.extend(part.child_by_field_name("expression"));
            }
            true
        });
        if !inner.is_empty() {
            self.may_raise("formatting");
        }
        for expression in inner {
            self.expr(expression);
        }
        self.some(Tag::Str, "the length of a string")
    }

    fn name(&mut self, node: Node<'_>) -> Value {
        let name = self.text(node);
        match self.locals.get(name).copied() {
            Some(Local::One(tag, var)) => return Value::One(tag, Expr::Var(var)),
            Some(Local::Any(slots)) => return Value::Any(slots),
            None => {}
        }
        if !self.scope.foreign.contains(name) {
            if let Some(constant) = self.constant(name) {
                return Value::One(constant.tag, Expr::Var(constant.global));
            }
            let known =
                self.module.functions.contains_key(name) || self.module.imports.contains_key(name);
            if known {
                return Value::object();
            }
        }
        if !self.is_builtin(name) || super::library::builtin(name).is_none() {
            self.may_raise("a name that may not be set");
        }
        self.any(&format!("the name {name}"))
    }

    pub(super) fn attribute(&mut self, node: Node<'_>) -> Value {
        let Some(object) = node.child_by_field_name("object") else { return self.opaque(node) };
        let value = self.expr(object);
        self.none_check(&value, object, "AttributeError");
        self.may_raise("an attribute");
        self.any("an attribute of an object")
    }

    /// Nothing can be done with None. Of a value that is wholly unknown nobody asks.
    pub(super) fn none_check(&mut self, value: &Value, of: Node<'_>, throws: &str) {
        if self.is_worth_asking(value, of) {
            let violation = value.is(Tag::None);
            self.check(CheckKind::NullDereference, line(of), violation, throws);
        }
    }

    /// Whether enough is known of where a value comes from to ask whether it is None.
    pub(super) fn is_worth_asking(&self, value: &Value, of: Node<'_>) -> bool {
        value.tag().is_some()
            || match of.kind() {
                "identifier" => self.locals.contains_key(self.text(of)),
                "call" => self.is_known_call(of),
                _ => false,
            }
    }

    /// `a or b`: one of the two, not whether one is true.
    fn either_value(&mut self, node: Node<'_>) -> Value {
        let part = |field: &str| node.child_by_field_name(field);
        let (Some(left), Some(operator), Some(right)) =
            (part("left"), part("operator"), part("right"))
        else {
            return self.opaque(node);
        };
        let and = self.text(operator) == "and";
        let one = self.expr(left);
        let one = self.keep(one);
        let truth = self.truth_of(&one);
        let result = self.slots("");
        let first = self.nested(|own| own.put(result, &one));
        let second = self.nested(|own| {
            let two = own.expr(right);
            own.put(result, &two);
        });
        let (yes, no) = if and { (second, first) } else { (first, second) };
        self.block.push(Stmt::If(truth, yes, no));
        self.narrowed(Value::Any(result), node)
    }

    fn conditional(&mut self, node: Node<'_>) -> Value {
        let parts = children(node);
        let [yes, condition, no] = parts.as_slice() else { return self.opaque(node) };
        let condition = self.truth(*condition);
        let result = self.slots("");
        let mut both = [*yes, *no].map(|side| {
            self.nested(|own| {
                let value = own.expr(side);
                own.put(result, &value);
            })
        });
        let [yes, no] = &mut both;
        self.block.push(Stmt::If(condition, std::mem::take(yes), std::mem::take(no)));
        self.narrowed(Value::Any(result), node)
    }

    /// As the one type that the code shows it to be.
    fn narrowed(&mut self, value: Value, node: Node<'_>) -> Value {
        let known = self.types.expr(node, self).tag();
        match known.filter(|tag| !matches!(tag, Tag::None | Tag::Object)) {
            Some(tag) => Value::One(tag, value.as_type(tag)),
            None => value,
        }
    }

    fn walrus(&mut self, node: Node<'_>) -> Value {
        let (Some(name), Some(value)) =
            (node.child_by_field_name("name"), node.child_by_field_name("value"))
        else {
            return self.opaque(node);
        };
        let value = self.expr(value);
        let value = self.keep(value);
        self.store_name(self.text(name), &value);
        value
    }
}
