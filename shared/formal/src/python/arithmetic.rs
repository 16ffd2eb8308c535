//! Arithmetic of Python.

use tree_sitter::Node;

use super::{
    Lowering, each, line,
    value::{Value, both, either},
};
use crate::{
    emit::Emit,
    ir::{CheckKind, Cmp, Expr, FloatOp, IntOp, Stmt, Tag, Type},
};

/// The largest exponent that is multiplied out.
const POWER_MAX: i128 = 120;

/// Of a base that is not known, a power is hard to reason about.
const POWER_OF_UNKNOWN_MAX: u32 = 4;

impl Lowering<'_> {
    pub(super) fn binary_operator(&mut self, node: Node<'_>) -> Value {
        let part = |field: &str| node.child_by_field_name(field);
        let (Some(left), Some(operator), Some(right)) =
            (part("left"), part("operator"), part("right"))
        else {
            return self.opaque(node);
        };
        let one = self.expr(left);
        let one = self.keep_if_bound(one, right);
        let two = self.expr(right);
        self.binary(self.text(operator), one, two, node)
    }

    /// Keeps a value whose name the next operand sets anew.
    pub(super) fn keep_if_bound(&mut self, value: Value, next: Node<'_>) -> Value {
        let mut binds = false;
        each(next, &mut |inner| {
            binds |= inner.kind() == "named_expression";
            true
        });
        if binds { self.keep(value) } else { value }
    }

    pub(super) fn binary(&mut self, operator: &str, one: Value, two: Value, at: Node<'_>) -> Value {
        let none = either(one.is(Tag::None), two.is(Tag::None));
        // A string is formatted with anything.
        let formats = operator == "%" && one.tag() == Some(Tag::Str);
        if !formats && self.are_worth_asking(&one, &two, at) {
            self.check(CheckKind::NullDereference, line(at), none, "TypeError");
        }
        if matches!(operator, "/" | "//" | "%") && !formats {
            self.zero_check(operator, &one, &two, at);
        }
        if operator == "**" {
            self.power_check(&one, &two, at);
        }
        let (Value::One(a, left), Value::One(b, right)) = (&one, &two) else {
            return self.binary_of_any(operator, one, two);
        };
        match self.one_type(operator, (*a, left.clone()), (*b, right.clone())) {
            Some(value) => value,
            None => self.unknown_operation(operator, *a, *b),
        }
    }

    /// Of operands that are wholly unknown nobody asks whether they are None.
    fn are_worth_asking(&self, one: &Value, two: &Value, at: Node<'_>) -> bool {
        let known = |value: &Value, side: &str| {
            let side = at.child_by_field_name(side);
            side.map_or(value.tag().is_some(), |side| self.is_worth_asking(value, side))
        };
        known(one, "left") && known(two, "right")
    }

    /// Both operands of types that the code shows.
    fn one_type(&mut self, operator: &str, one: (Tag, Expr), two: (Tag, Expr)) -> Option<Value> {
        let (a, b) = (one.0, two.0);
        let is_number = |tag| matches!(tag, Tag::Int | Tag::Bool | Tag::Float);
        if is_number(a) && is_number(b) {
            if a == Tag::Float || b == Tag::Float || operator == "/" {
                // An integer may be too large for a float.
                if a != Tag::Float || b != Tag::Float {
                    self.may_raise("an overflow");
                }
                let (left, right) = (self.as_float(one), self.as_float(two));
                return self.floats(operator, left, right);
            }
            let (left, right) = (self.as_int(one), self.as_int(two));
            return self.ints(operator, left, right);
        }
        let length = |sequence: Expr| Expr::Len(Box::new(sequence));
        let made = |tag, length| Value::One(tag, Expr::New(Some(Box::new(length))));
        match (operator, a, b) {
            ("+", Tag::Str | Tag::Tuple | Tag::List, other) if a == other => {
                Some(made(a, Expr::int2(IntOp::Add, length(one.1), length(two.1))))
            }
            ("*", Tag::Str | Tag::Tuple | Tag::List, Tag::Int) => {
                let times = self.at_least_zero(two.1);
                Some(made(a, Expr::int2(IntOp::Mul, length(one.1), times)))
            }
            ("*", Tag::Int, Tag::Str | Tag::Tuple | Tag::List) => {
                let times = self.at_least_zero(one.1);
                Some(made(b, Expr::int2(IntOp::Mul, length(two.1), times)))
            }
            _ => None,
        }
    }

    fn unknown_operation(&mut self, operator: &str, one: Tag, two: Tag) -> Value {
        let reason = format!("the operator {operator}");
        self.may_raise(&reason);
        match (operator, one, two) {
            ("%", Tag::Str, _) => self.some(Tag::Str, &reason),
            _ => {
                // An object's own operator runs code of its own.
                if one == Tag::Object || two == Tag::Object {
                    self.forget_lists("an operator of an object");
                }
                self.any(&reason)
            }
        }
    }

    /// At least one operand is of a type that only the run knows.
    fn binary_of_any(&mut self, operator: &str, one: Value, two: Value) -> Value {
        let result = self.slots("");
        let ints = both(one.is(Tag::Int), two.is(Tag::Int));
        let floats = both(one.is(Tag::Float), two.is(Tag::Float));
        let as_one = |value: &Value, tag| (tag, value.as_type(tag));
        self.branch(
            ints,
            |own| {
                own.put_operation(result, operator, as_one(&one, Tag::Int), as_one(&two, Tag::Int))
            },
            |own| {
                own.branch(
                    floats,
                    |own| {
                        let pair = (as_one(&one, Tag::Float), as_one(&two, Tag::Float));
                        own.put_operation(result, operator, pair.0, pair.1);
                    },
                    |own| {
                        own.may_raise("an operator of an object");
                        own.forget_lists("an operator of an object");
                        own.forget_slots(result, &format!("the operator {operator}"));
                    },
                );
            },
        );
        Value::Any(result)
    }

    fn put_operation(
        &mut self,
        result: crate::ir::Slots,
        operator: &str,
        one: (Tag, Expr),
        two: (Tag, Expr),
    ) {
        let value = match self.one_type(operator, one, two) {
            Some(value) => value,
            None => {
                self.may_raise("an operator");
                self.any(&format!("the operator {operator}"))
            }
        };
        self.put(result, &value);
    }

    /// Whether the divisor is 0: Python raises for floating point as well.
    fn zero_check(&mut self, operator: &str, one: &Value, two: &Value, at: Node<'_>) {
        let int_zero = |value: Expr| Expr::cmp(Cmp::Eq, value, Expr::Int(0));
        let float_zero =
            |value: Expr| Expr::CmpFloat(Cmp::Eq, Box::new(value), Box::new(Expr::Float(0.0)));
        let violation = match two {
            Value::One(Tag::Int, value) => int_zero(value.clone()),
            Value::One(Tag::Bool, value) => value.clone().not(),
            Value::One(Tag::Float, value) => float_zero(value.clone()),
            Value::One(..) => return,
            Value::Any(_) => {
                let zero = self.variable("", Type::Bool);
                let (int, float) = (two.as_type(Tag::Int), two.as_type(Tag::Float));
                self.branch(
                    two.is(Tag::Int),
                    |own| own.block.push(Stmt::Assign(zero, int_zero(int))),
                    |own| {
                        own.branch(
                            two.is(Tag::Float),
                            |own| own.block.push(Stmt::Assign(zero, float_zero(float))),
                            |own| {
                                let unknown = own.unknown_truth("a divisor of unknown type");
                                own.block.push(Stmt::Assign(zero, unknown));
                            },
                        );
                    },
                );
                Expr::Var(zero)
            }
        };
        // Only a number is divided: a string is formatted, and an object does as it likes.
        let violation = match one {
            Value::One(Tag::Int | Tag::Bool | Tag::Float, _) => violation,
            Value::One(..) => return,
            Value::Any(_) => {
                let fails = self.variable("", Type::Bool);
                let number =
                    either(either(one.is(Tag::Int), one.is(Tag::Float)), one.is(Tag::Bool));
                let sure = violation.clone();
                self.branch(
                    number,
                    |own| own.block.push(Stmt::Assign(fails, sure)),
                    |own| {
                        let unknown = own.unknown_truth(&format!("the operator {operator}"));
                        own.block.push(Stmt::Assign(fails, both(unknown, violation)));
                    },
                );
                Expr::Var(fails)
            }
        };
        self.check(CheckKind::DivisionByZero, line(at), violation, "ZeroDivisionError");
    }

    /// Zero has no negative power.
    fn power_check(&mut self, one: &Value, two: &Value, at: Node<'_>) {
        if matches!(two, Value::One(Tag::Int, Expr::Int(0..))) {
            return;
        }
        let violation = match (one, two) {
            (Value::One(Tag::Int, base), Value::One(Tag::Int, exponent)) => {
                let zero = Expr::cmp(Cmp::Eq, base.clone(), Expr::Int(0));
                both(zero, Expr::cmp(Cmp::Lt, exponent.clone(), Expr::Int(0)))
            }
            _ => self.unknown_truth("the operator **"),
        };
        self.check(CheckKind::DivisionByZero, line(at), violation, "ZeroDivisionError");
        self.may_raise("the operator **");
    }

    fn ints(&mut self, operator: &str, one: Expr, two: Expr) -> Option<Value> {
        let op = match operator {
            "+" => IntOp::Add,
            "-" => IntOp::Sub,
            "*" => IntOp::Mul,
            "//" => IntOp::DivFloor,
            "%" => IntOp::ModFloor,
            "&" => IntOp::And,
            "|" => IntOp::Or,
            "^" => IntOp::Xor,
            // By more than this, or by less than nothing, is another matter.
            "<<" | ">>" if matches!(two, Expr::Int(0..64)) => {
                if operator == "<<" {
                    IntOp::Shl
                } else {
                    IntOp::Shr
                }
            }
            "**" => return self.power(one, two),
            _ => return None,
        };
        Some(Value::int(Expr::int2(op, one, two)))
    }

    /// By a small number that the code shows.
    fn power(&mut self, base: Expr, exponent: Expr) -> Option<Value> {
        let Expr::Int(exponent @ 0..=POWER_MAX) = exponent else { return None };
        let exponent = u32::try_from(exponent).ok()?;
        if let Expr::Int(base) = base {
            return base.checked_pow(exponent).map(|power| Value::int(Expr::Int(power)));
        }
        if exponent > POWER_OF_UNKNOWN_MAX {
            return None;
        }
        let base = self.keep(Value::int(base)).as_type(Tag::Int);
        let power = (0..exponent)
            .map(|_| base.clone())
            .reduce(|product, base| Expr::int2(IntOp::Mul, product, base));
        Some(Value::int(power.unwrap_or(Expr::Int(1))))
    }

    fn floats(&mut self, operator: &str, one: Expr, two: Expr) -> Option<Value> {
        let op = match operator {
            "+" => FloatOp::Add,
            "-" => FloatOp::Sub,
            "*" => FloatOp::Mul,
            "/" => FloatOp::Div,
            // Floor division and remainder of floating point round in their own way.
            "//" | "%" => return Some(self.some(Tag::Float, "floating-point arithmetic")),
            _ => return None,
        };
        Some(Value::One(Tag::Float, Expr::Float2(op, Box::new(one), Box::new(two))))
    }

    pub(super) fn as_float(&mut self, (tag, value): (Tag, Expr)) -> Expr {
        if tag == Tag::Float {
            return value;
        }
        let value = self.as_int((tag, value));
        Expr::IntToFloat(Box::new(value))
    }

    /// A boolean is the number 0 or 1.
    pub(super) fn as_int(&mut self, (tag, value): (Tag, Expr)) -> Expr {
        if tag != Tag::Bool {
            return value;
        }
        let var = self.variable("", super::value::slot_type(Tag::Int));
        let number = |value| vec![Stmt::Assign(var, Expr::Int(value))];
        self.block.push(Stmt::If(value, number(1), number(0)));
        Expr::Var(var)
    }

    fn at_least_zero(&mut self, value: Expr) -> Expr {
        if let Expr::Int(value) = value {
            return Expr::Int(value.max(0));
        }
        let value = self.keep(Value::int(value)).as_type(Tag::Int);
        let negative = Expr::cmp(Cmp::Lt, value.clone(), Expr::Int(0));
        self.choose(negative, Expr::Int(0), value)
    }

    pub(super) fn choose(&mut self, condition: Expr, yes: Expr, no: Expr) -> Expr {
        let var = self.variable("", super::value::slot_type(Tag::Int));
        let put = |value| vec![Stmt::Assign(var, value)];
        self.block.push(Stmt::If(condition, put(yes), put(no)));
        Expr::Var(var)
    }

    pub(super) fn unary(&mut self, node: Node<'_>) -> Value {
        let (Some(argument), Some(operator)) =
            (node.child_by_field_name("argument"), node.child_by_field_name("operator"))
        else {
            return self.opaque(node);
        };
        let value = self.expr(argument);
        self.none_check(&value, argument, "TypeError");
        match (self.text(operator), value) {
            ("-", Value::One(tag @ (Tag::Int | Tag::Bool), value)) => {
                let value = self.as_int((tag, value));
                Value::int(Expr::int2(IntOp::Sub, Expr::Int(0), value))
            }
            ("-", Value::One(Tag::Float, value)) => {
                Value::One(Tag::Float, Expr::NegFloat(Box::new(value)))
            }
            ("+", Value::One(tag @ (Tag::Int | Tag::Bool), value)) => {
                Value::int(self.as_int((tag, value)))
            }
            ("+", value @ Value::One(Tag::Float, _)) => value,
            ("~", Value::One(tag @ (Tag::Int | Tag::Bool), value)) => {
                let value = self.as_int((tag, value));
                Value::int(Expr::int2(IntOp::Sub, Expr::Int(-1), value))
            }
            ("-", value @ Value::Any(_)) => self.binary("-", Value::int(Expr::Int(0)), value, node),
            (operator, _) => {
                self.may_raise("an operator");
                self.any(&format!("the operator {operator}"))
            }
        }
    }
}
