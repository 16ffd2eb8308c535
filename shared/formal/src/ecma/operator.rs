//! Operators of JavaScript, by the kinds of their operands.

use tree_sitter::Node;

use super::{
    Lowering,
    truth::{both, one_of},
    value::Value,
};
use crate::{
    ir::{Cmp, Expr, IntOp, Kind, Kinds},
    syntax::line,
};

impl Lowering<'_> {
    pub(super) fn binary_expression(&mut self, node: Node<'_>) -> Value {
        let part = |field: &str| node.child_by_field_name(field);
        let (Some(left), Some(operator), Some(right)) =
            (part("left"), part("operator"), part("right"))
        else {
            return self.opaque(node);
        };
        let operator = self.text(operator);
        match operator {
            "&&" | "||" => {
                let one = self.expr(left);
                return self.either_value(operator, one, right);
            }
            "??" => {
                let one = self.expr(left);
                return self.either_value(operator, one, right);
            }
            "<" | ">" => {
                if let Some(chance) = self.chance(left, right) {
                    return chance;
                }
            }
            _ => {}
        }
        if let Some(truth) = self.typeof_is(operator, left, right) {
            return truth;
        }
        if left.kind() == "private_property_identifier" {
            self.expr(right);
            return Value::bool(self.unknown_truth("a question for a private property"));
        }
        let one = self.expr(left);
        let one = self.keep_if_bound(one, right);
        let two = self.expr(right);
        match operator {
            "===" => Value::bool(self.strictly_equal(&one, &two)),
            "!==" => Value::bool(self.strictly_equal(&one, &two).not()),
            "==" => Value::bool(self.loosely_equal(&one, &two)),
            "!=" => Value::bool(self.loosely_equal(&one, &two).not()),
            "<" | "<=" | ">" | ">=" => Value::bool(self.order(operator, &one, &two)),
            "instanceof" => {
                self.may_raise("a question for a class");
                let unknown = self.unknown_truth("the class of an object");
                Value::bool(both(one.is_one_of(Kinds::OBJECTS), unknown))
            }
            "in" => {
                self.may_raise("a question for a property");
                Value::bool(self.unknown_truth("whether there is such a property"))
            }
            _ => self.arithmetic(operator, one, two, line(node)),
        }
    }

    pub(super) fn unary(&mut self, node: Node<'_>) -> Value {
        let part = |field: &str| node.child_by_field_name(field);
        let (Some(argument), Some(operator)) = (part("argument"), part("operator")) else {
            return self.opaque(node);
        };
        match self.text(operator) {
            "!" => Value::bool(self.truth(argument).not()),
            "void" => {
                self.expr(argument);
                Value::undefined()
            }
            "typeof" => {
                let value = self.expr(argument);
                self.typeof_text(&value)
            }
            "delete" => {
                if let Some(object) = argument.child_by_field_name("object") {
                    let value = self.expr(object);
                    self.null_check(&value, object, "TypeError");
                }
                self.may_raise("a deletion");
                self.forget_arrays("a deletion");
                Value::bool(self.unknown_truth("a deletion"))
            }
            operator @ ("-" | "+" | "~") => {
                let value = self.expr(argument);
                self.signed(operator, &value, line(node))
            }
            _ => self.opaque(node),
        }
    }

    fn signed(&mut self, operator: &str, value: &Value, at: u32) -> Value {
        let (zero, ints) = (Value::int(Expr::Int(0)), Kinds::of(Kind::Int));
        if operator == "+" {
            if value.is_only(Kind::BigInt) {
                self.check(crate::ir::CheckKind::TypeMismatch, at, Expr::Bool(true), "TypeError");
            }
            let value = self.numeric(value);
            return value.narrowed(Kinds::NUMBER);
        }
        let value = self.numeric(value);
        let value = self.keep(value);
        let number = value.narrowed(Kinds::NUMBER);
        let big = value.narrowed(Kinds::of(Kind::BigInt));
        let operator = operator.to_owned();
        self.either(
            value.is(Kind::BigInt),
            |_| {
                let from = if operator == "-" { 0 } else { -1 };
                Value::bigint(Expr::int2(IntOp::Sub, Expr::Int(from), big.as_int()))
            },
            |own| match operator.as_str() {
                "~" => {
                    let bits = own.int32_of(&number);
                    Value::int(Expr::int2(IntOp::Sub, Expr::Int(-1), bits))
                }
                _ if number.is_only(Kind::Float) => {
                    Value::float(Expr::NegFloat(Box::new(number.as_float())))
                }
                _ => {
                    let float = Value::float(Expr::NegFloat(Box::new(number.as_float())));
                    own.either(
                        number.is(Kind::Int),
                        |own| {
                            let turned = own.integers("-", &zero, &number.narrowed(ints));
                            own.signed_zero(turned, Expr::Bool(true))
                        },
                        |_| float,
                    )
                }
            },
        )
    }

    /// `typeof x === "string"`.
    fn typeof_is(&mut self, operator: &str, left: Node<'_>, right: Node<'_>) -> Option<Value> {
        let same = matches!(operator, "===" | "==");
        if !same && !matches!(operator, "!==" | "!=") {
            return None;
        }
        let asks = |node: Node<'_>| {
            node.kind() == "unary_expression" && self.text(node).starts_with("typeof")
        };
        let (asked, text) = match (asks(left), asks(right)) {
            (true, _) => (left, right),
            (_, true) => (right, left),
            _ => return None,
        };
        let argument = asked.child_by_field_name("argument")?;
        let wanted =
            super::literal::decoded(text, self.source).filter(|_| text.kind() == "string")?;
        let kinds = typeof_kinds(&wanted);
        let value = self.expr(argument);
        let is = value.is_one_of(kinds);
        Some(Value::bool(if same { is } else { is.not() }))
    }

    /// What `typeof` says, as a text that can be compared.
    fn typeof_text(&mut self, value: &Value) -> Value {
        let value = self.keep(value.clone());
        let mut result = None;
        for name in TYPES {
            let is = value.is_one_of(typeof_kinds(name));
            let text = super::literal::string(name);
            result = Some(match result {
                None => text,
                Some(other) => self.either(is, |_| text, |_| other),
            });
        }
        result.unwrap_or_else(|| super::literal::string(""))
    }

    /// `Math.random() < 0.5`, which may be either.
    fn chance(&mut self, left: Node<'_>, right: Node<'_>) -> Option<Value> {
        let is_random = |node: Node<'_>| self.text(node) == "Math.random()";
        let bound = match (is_random(left), is_random(right)) {
            (true, false) => right,
            (false, true) => left,
            _ => return None,
        };
        let bound: f64 = self.text(bound).parse().ok()?;
        let real = bound > 0.0 && bound < 1.0 && self.is_builtin("Math");
        real.then(|| self.read(Kinds::of(Kind::Bool), &crate::ir::Source::External, None))
    }

    /// A sum, product and so on, or a text that is put together.
    pub(super) fn arithmetic(&mut self, operator: &str, one: Value, two: Value, at: u32) -> Value {
        let (one, two) = (self.keep(one), self.keep(two));
        self.mixed_check(&one, &two, at);
        let texts = Kinds::OBJECTS.with(Kind::Str);
        let maybe_text = operator == "+" && !one.kinds.or(two.kinds).and(texts).is_empty();
        let (one, two) = match maybe_text {
            true => (one, two),
            false => {
                let (one, two) = (self.numeric(&one), self.numeric(&two));
                (self.keep(one), self.keep(two))
            }
        };
        if matches!(operator, "/" | "%") {
            self.zero_check(&one, &two, at);
        }
        if operator == "**" {
            self.exponent_check(&one, &two, at);
        }
        let both_are = |kinds: Kinds| both(one.is_one_of(kinds), two.is_one_of(kinds));
        let (bigs, ints) = (Kinds::of(Kind::BigInt), Kinds::of(Kind::Int));
        let (big, int, number) = (both_are(bigs), both_are(ints), both_are(Kinds::NUMBER));
        let text = match maybe_text {
            true => both_are(Kinds::of(Kind::Str)),
            false => Expr::Bool(false),
        };
        self.either(
            int,
            |own| own.integers(operator, &one.narrowed(ints), &two.narrowed(ints)),
            |own| {
                own.either(
                    number,
                    |own| {
                        let (one, two) = (one.narrowed(Kinds::NUMBER), two.narrowed(Kinds::NUMBER));
                        own.floats(operator, &one, &two)
                    },
                    |own| {
                        own.either(
                            big,
                            |own| own.bigints(operator, &one.as_int(), &two.as_int()),
                            |own| {
                                own.either(
                                    text,
                                    |own| own.joined(&one, &two),
                                    |own| own.unknown_operation(operator, &one, &two),
                                )
                            },
                        )
                    },
                )
            },
        )
    }

    fn joined(&mut self, one: &Value, two: &Value) -> Value {
        let content = self.some(Kinds::of(Kind::BigInt), "the content of a string").as_int();
        Value::string(content, Expr::int2(IntOp::Add, one.length(), two.length()))
    }

    fn unknown_operation(&mut self, operator: &str, one: &Value, two: &Value) -> Value {
        let kinds = one.kinds.or(two.kinds);
        let reason = format!("the operator {operator}");
        if kinds.is_within(Kinds::PRIMITIVE) {
            self.may_raise(&reason);
        } else {
            // An object is converted by code of its own.
            self.may_raise(&reason);
        }
        let objects = !kinds.and(Kinds::OBJECTS).is_empty();
        let mut result = Kinds::NUMBER;
        if objects || one.kinds.and(two.kinds).contains(Kind::BigInt) {
            result = result.with(Kind::BigInt);
        }
        if operator == "+" && (objects || kinds.contains(Kind::Str)) {
            result = result.with(Kind::Str);
        }
        self.some(result, &reason)
    }

    /// As a number or a bigint, as every operator but `+` makes of its operands.
    pub(super) fn numeric(&mut self, value: &Value) -> Value {
        let numbers = Kinds::NUMBER.with(Kind::BigInt);
        if value.kinds.is_within(numbers) {
            return value.clone();
        }
        let value = self.keep(value.clone());
        let number = value.narrowed(numbers);
        let (is_number, is_bool) = (value.is_one_of(numbers), value.is(Kind::Bool));
        let nothing = value.is_nullish();
        self.either(
            is_number,
            |_| number,
            |own| {
                own.either(
                    is_bool,
                    |own| {
                        let one = own.choose(value.as_bool(), Expr::Int(1), Expr::Int(0));
                        Value::int(one)
                    },
                    |own| {
                        own.either(
                            nothing,
                            |own| {
                                own.either(
                                    value.is(Kind::Null),
                                    |_| Value::int(Expr::Int(0)),
                                    |_| Value::float(Expr::Float(f64::NAN)),
                                )
                            },
                            |own| {
                                let rest = value.narrowed(Kinds::OBJECTS.with(Kind::Str));
                                own.unknown_number(&rest)
                            },
                        )
                    },
                )
            },
        )
    }

    fn unknown_number(&mut self, value: &Value) -> Value {
        if value.kinds.is_within(Kinds::PRIMITIVE) {
            self.may_raise("a conversion to a number");
            return self.some(Kinds::NUMBER, "a conversion to a number");
        }
        self.may_raise("a conversion to a number");
        self.some(Kinds::NUMBER.with(Kind::BigInt), "a conversion to a number")
    }

    /// Whether two texts have the same content: one of length 0 has no other.
    pub(super) fn same_text(&self, one: &Value, two: &Value) -> Expr {
        let equal = |one: Expr, two: Expr| match (&one, &two) {
            (Expr::Int(one), Expr::Int(two)) => Expr::Bool(one == two),
            _ => Expr::cmp(Cmp::Eq, one, two),
        };
        let length = equal(one.length(), two.length());
        let content = equal(one.as_int(), two.as_int());
        let empty = equal(one.length(), Expr::Int(0));
        both(length, one_of(empty, content))
    }
}

const TYPES: [&str; 8] =
    ["object", "undefined", "boolean", "number", "bigint", "string", "function", "symbol"];

fn typeof_kinds(name: &str) -> Kinds {
    match name {
        "undefined" => Kinds::of(Kind::Undefined),
        "boolean" => Kinds::of(Kind::Bool),
        "number" => Kinds::NUMBER,
        "bigint" => Kinds::of(Kind::BigInt),
        "string" => Kinds::of(Kind::Str),
        "function" => Kinds::of(Kind::Function),
        "symbol" => Kinds::of(Kind::Symbol),
        "object" => Kinds::of(Kind::Null).with(Kind::Array).with(Kind::Object),
        _ => Kinds::NONE,
    }
}
