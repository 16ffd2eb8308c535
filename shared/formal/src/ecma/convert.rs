//! JavaScript's own functions, most of which convert one value to another.

use tree_sitter::Node;

use super::{
    Lowering,
    call::Arguments,
    library,
    truth::{both, one_of},
    value::Value,
};
use crate::{
    ir::{CheckKind, Cmp, Expr, Kind, Kinds, Source},
    syntax::{children, line},
};

/// An array cannot be longer.
const ARRAY_LENGTH_MAX: i128 = (1 << 32) - 1;

impl Lowering<'_> {
    /// A function whose name stands alone.
    pub(super) fn builtin(&mut self, name: &str, arguments: &Arguments<'_>) -> Value {
        let one = arguments.get(0).cloned();
        match (name, one) {
            ("Boolean", Some(value)) => return Value::bool(self.truth_of(&value)),
            ("Number", Some(value)) => return self.number_of(&value),
            ("BigInt", Some(value)) => return self.bigint_of(&value),
            ("parseInt" | "parseFloat", Some(value)) if value.is_only(Kind::Str) => {
                return self.parsed(&value);
            }
            ("isNaN", Some(value)) if value.kinds.is_within(Kinds::NUMBER) => {
                return Value::bool(self.is_not_a_number(&value));
            }
            ("isFinite", Some(value)) if value.kinds.is_within(Kinds::NUMBER) => {
                return Value::bool(self.is_finite(&value));
            }
            ("Array", Some(value)) if arguments.values.len() == 1 => {
                let at = arguments.nodes[0];
                return self.made_array("Array", &value, at);
            }
            _ => {}
        }
        match library::function(name) {
            Some(kinds) if !arguments.has_code() => {
                self.may_raise(name);
                self.some(kinds, &format!("the result of {name}"))
            }
            Some(kinds) => {
                self.unknown_call(name, arguments, None);
                self.some(kinds, &format!("the result of {name}"))
            }
            None => self.unknown_call(name, arguments, None),
        }
    }

    fn number_of(&mut self, value: &Value) -> Value {
        let number = self.numeric(value);
        if !number.kinds.contains(Kind::BigInt) {
            return number;
        }
        let number = self.keep(number);
        let safe = Expr::InRange(super::value::SAFE, Box::new(number.as_int()));
        let plain = number.narrowed(Kinds::NUMBER);
        self.either(
            number.is(Kind::BigInt),
            |own| {
                let whole = Value::int(number.as_int());
                own.either(
                    safe,
                    |_| whole,
                    |own| own.some(Kinds::of(Kind::Float), "a number above 2^53"),
                )
            },
            |_| plain,
        )
    }

    fn bigint_of(&mut self, value: &Value) -> Value {
        let bigint = Kinds::of(Kind::BigInt);
        if value.is_only(Kind::BigInt) {
            return value.clone();
        }
        if value.is_only(Kind::Int) {
            return Value::bigint(value.as_int());
        }
        if value.is_only(Kind::Str) {
            let of = self.named(value.as_sequence());
            self.may_raise("BigInt");
            return self.read(bigint, &Source::Within(of), None);
        }
        let value = self.keep(value.clone());
        let exact = value.is_one_of(Kinds::of(Kind::Int).or(bigint));
        let int = Value::bigint(value.as_int());
        self.either(
            exact,
            |_| int,
            |own| {
                own.may_raise("BigInt");
                own.some(bigint, "a conversion to a bigint")
            },
        )
    }

    /// A number out of a text, which may hold none: as known as the text.
    fn parsed(&mut self, text: &Value) -> Value {
        let of = self.named(text.as_sequence());
        let source = Source::Within(of);
        let is_whole = self.read(Kinds::of(Kind::Bool), &source, None).as_bool();
        self.either(
            is_whole,
            |own| own.read(Kinds::of(Kind::Int), &source, None),
            |_| Value::float(Expr::Float(f64::NAN)),
        )
    }

    pub(super) fn construct(&mut self, node: Node<'_>) -> Value {
        let Some(class) = node.child_by_field_name("constructor") else { return self.opaque(node) };
        let name = self.text(class);
        let known = class.kind() == "identifier" && self.is_builtin(name);
        if !known {
            let callee = self.expr(class);
            self.null_check(&callee, class, "TypeError");
        }
        let arguments = self.arguments(node.child_by_field_name("arguments"));
        if known && library::takes_length(name) {
            if let (Some(length), 1) = (arguments.get(0).cloned(), arguments.values.len()) {
                return self.made_array(name, &length, node);
            }
            if name == "Array" && !arguments.spread {
                let count = i128::try_from(arguments.values.len()).unwrap_or(0);
                return Value::array(Expr::Int(count));
            }
        }
        if known && library::is_plain_class(name) && !arguments.has_code() {
            self.may_raise(name);
        } else {
            self.unknown_call(name, &arguments, None);
        }
        match known && library::is_plain_class(name) {
            true => Value::object(),
            false => self.some(Kinds::OBJECTS, "an object of a class"),
        }
    }

    /// `new Array(n)`: of a length, if it is given a number, which has to be a length.
    fn made_array(&mut self, name: &str, length: &Value, at: Node<'_>) -> Value {
        let kind = if name == "Array" { Kind::Array } else { Kind::Object };
        let length = self.keep(length.clone());
        if !length.kinds.is_within(Kinds::NUMBER) {
            self.unknown_code(name, Vec::new());
            return self.some(Kinds::of(kind), "the length of an array");
        }
        let int = length.as_int();
        let negative = Expr::cmp(Cmp::Lt, int.clone(), Expr::Int(0));
        // What a typed array can hold depends on the machine.
        let too_long = match kind == Kind::Array {
            true => Expr::cmp(Cmp::Lt, Expr::Int(ARRAY_LENGTH_MAX), int.clone()),
            false => Expr::Bool(false),
        };
        let zero = Box::new(Expr::Float(0.0));
        let float = Expr::CmpFloat(Cmp::Le, zero, Box::new(length.as_float())).not();
        let broken = match length.kinds.contains(Kind::Float) {
            true => self.unknown_truth("whether a length is whole"),
            false => Expr::Bool(false),
        };
        let not_whole = if kind == Kind::Array { float } else { Expr::Bool(false) };
        let fails = one_of(
            both(length.is(Kind::Int), one_of(negative, too_long)),
            both(length.is(Kind::Float), one_of(not_whole, broken)),
        );
        self.check(CheckKind::NegativeArraySize, line(at), fails, "RangeError");
        if kind != Kind::Array {
            return Value::object();
        }
        self.either(
            length.is(Kind::Int),
            |_| Value::array(int),
            |own| own.some(Kinds::of(Kind::Array), "the length of an array"),
        )
    }

    /// A function of `Math`, `Number`, `Object`, `Array`, `JSON`, `Date`.
    pub(super) fn of_object(
        &mut self,
        object: &str,
        name: &str,
        list: Option<Node<'_>>,
    ) -> Option<Value> {
        if object == "console" {
            self.arguments(list);
            return Some(Value::undefined());
        }
        if (object, name) == ("process", "exit") {
            self.arguments(list);
            self.ends();
            return Some(Value::undefined());
        }
        if (object, name) == ("JSON", "parse") {
            self.arguments(list);
            self.may_raise("JSON.parse");
            return Some(self.any("the result of JSON.parse"));
        }
        let kinds = library::of_object(object, name)?;
        if let Some(value) = self.rounded_quotient(object, name, list) {
            return Some(value);
        }
        let arguments = self.arguments(list);
        if let Some(value) = self.computed(object, name, &arguments) {
            return Some(value);
        }
        if object == "Object"
            && matches!(name, "keys" | "values" | "entries")
            && let (Some(value), Some(node)) = (arguments.get(0).cloned(), arguments.nodes.first())
        {
            self.null_check(&value, *node, "TypeError");
        }
        let converts = matches!(object, "Math" | "String" | "JSON");
        match arguments.has_code() && converts {
            true => {
                self.unknown_call(name, &arguments, None);
            }
            false => self.may_raise(name),
        }
        Some(self.some(kinds, &format!("the result of {object}.{name}")))
    }

    /// `Math.floor(a / b)`, whose quotient is no double on the way.
    fn rounded_quotient(
        &mut self,
        object: &str,
        name: &str,
        list: Option<Node<'_>>,
    ) -> Option<Value> {
        let given = list.map(children).unwrap_or_default();
        let [quotient] = given.as_slice() else { return None };
        let operator = quotient.child_by_field_name("operator").map(|it| self.text(it));
        let rounds = object == "Math" && matches!(name, "floor" | "trunc");
        if !rounds || quotient.kind() != "binary_expression" || operator != Some("/") {
            return None;
        }
        let (left, right) =
            (quotient.child_by_field_name("left")?, quotient.child_by_field_name("right")?);
        let one = self.expr(left);
        let one = self.keep(one);
        let two = self.expr(right);
        let two = self.keep(two);
        let ints = both(one.is(Kind::Int), two.is(Kind::Int));
        let at = line(*quotient);
        let name = name.to_owned();
        Some(self.either(
            ints,
            |own| own.whole_quotient(&name, &one, &two),
            |own| {
                own.arithmetic("/", one.clone(), two.clone(), at);
                own.some(Kinds::NUMBER, "a rounded quotient")
            },
        ))
    }

    /// What can be computed, of plain numbers.
    fn computed(&mut self, object: &str, name: &str, arguments: &Arguments<'_>) -> Option<Value> {
        let one = arguments.get(0)?.clone();
        match (object, name) {
            ("Array", "isArray") => return Some(Value::bool(one.is(Kind::Array))),
            ("Number", "isNaN") => return Some(Value::bool(self.is_not_a_number(&one))),
            ("Number", "isFinite") => return Some(Value::bool(self.is_finite(&one))),
            ("Number", "isInteger" | "isSafeInteger") => {
                let unknown = self.unknown_truth("whether a number is whole");
                let float = both(one.is(Kind::Float), both(self.is_finite(&one), unknown));
                let int = match name {
                    "isInteger" => one.is(Kind::Int),
                    _ => {
                        let most = Expr::Int((1 << 53) - 1);
                        let least = Expr::Int(1 - (1 << 53));
                        let safe = Expr::cmp(Cmp::Le, least, one.as_int()).and(Expr::cmp(
                            Cmp::Le,
                            one.as_int(),
                            most,
                        ));
                        both(one.is(Kind::Int), safe)
                    }
                };
                return Some(Value::bool(one_of(int, float)));
            }
            _ => {}
        }
        if object != "Math" || !arguments.values.iter().all(|it| it.kinds.is_within(Kinds::NUMBER))
        {
            return None;
        }
        match (name, arguments.values.as_slice()) {
            ("floor" | "ceil" | "round" | "trunc", [_]) => Some(self.either(
                one.is(Kind::Int),
                |_| one.narrowed(Kinds::of(Kind::Int)),
                |own| own.some(Kinds::NUMBER, "a rounded number"),
            )),
            ("abs", [_]) => {
                let float = Value::float(Expr::AbsFloat(Box::new(one.as_float())));
                let int = one.as_int();
                Some(self.either(
                    one.is(Kind::Int),
                    |own| {
                        let negative = Expr::cmp(Cmp::Lt, int.clone(), Expr::Int(0));
                        let turned = Expr::int2(crate::ir::IntOp::Sub, Expr::Int(0), int.clone());
                        Value::int(own.choose(negative, turned, int))
                    },
                    |_| float,
                ))
            }
            ("min" | "max", [one, two]) if one.is_only(Kind::Int) && two.is_only(Kind::Int) => {
                let less = Expr::cmp(Cmp::Lt, one.as_int(), two.as_int());
                let (yes, no) = if name == "min" { (one, two) } else { (two, one) };
                Some(Value::int(self.choose(less, yes.as_int(), no.as_int())))
            }
            ("sqrt", [_]) if one.is_only(Kind::Float) => {
                Some(Value::float(Expr::Sqrt(Box::new(one.as_float()))))
            }
            _ => None,
        }
    }
}
