//! Integers: those that doubles hold exactly, the 32 bits that some operators make of them, and
//! bigints.

use super::{
    Lowering,
    truth::{both, one_of},
    value::{INT32, SAFE, UINT32, Value},
};
use crate::ir::{Cmp, Expr, FloatOp, IntOp, IntType, Kind, Kinds};

/// Powers of bigints that are written out as products.
const EXPONENT_MAX: i128 = 16;

fn literal(value: &Expr) -> Option<i128> {
    if let Expr::Int(value) = value { Some(*value) } else { None }
}

fn is_negative(value: &Expr) -> Expr {
    match literal(value) {
        Some(value) => Expr::Bool(value < 0),
        None => Expr::cmp(Cmp::Lt, value.clone(), Expr::Int(0)),
    }
}

fn exact(value: Expr) -> Expr {
    Expr::InRange(SAFE, Box::new(value))
}

impl Lowering<'_> {
    /// Both operands are numbers that are integers.
    pub(super) fn integers(&mut self, operator: &str, one: &Value, two: &Value) -> Value {
        let (a, b) = (one.as_int(), two.as_int());
        match operator {
            "+" | "-" => {
                let op = if operator == "+" { IntOp::Add } else { IntOp::Sub };
                // Step by step no sum gets infinite: it stops where a step is rounded away.
                let steps = literal(&a).or(literal(&b)).is_some();
                self.exact(Expr::int2(op, a, b), steps)
            }
            "*" => {
                let product = self.exact(Expr::int2(IntOp::Mul, a.clone(), b.clone()), false);
                self.signed_zero(product, one_of(is_negative(&a), is_negative(&b)))
            }
            "/" => self.quotient(&a, &b),
            "%" => {
                let zero = Expr::cmp(Cmp::Eq, b.clone(), Expr::Int(0));
                self.either(
                    zero,
                    |_| Value::float(Expr::Float(f64::NAN)),
                    |own| {
                        let negative = is_negative(&a);
                        let rest = Value::int(Expr::int2(IntOp::RemTrunc, a, b));
                        own.signed_zero(rest, negative)
                    },
                )
            }
            "**" => match (literal(&a), literal(&b)) {
                (Some(2), Some(by @ 0..=53)) => Value::int(Expr::Int(1 << by)),
                _ => self.some(Kinds::NUMBER, "a power"),
            },
            _ => self.bits(operator, one, two),
        }
    }

    /// A result that is what a double holds, or is rounded.
    fn exact(&mut self, raw: Expr, steps: bool) -> Value {
        if let Some(value) = folded(&raw).filter(|value| SAFE.contains(*value)) {
            return Value::int(Expr::Int(value));
        }
        let raw = self.keep_int(raw);
        self.either(
            exact(raw.clone()),
            |_| Value::int(raw),
            |own| {
                let reason = "a number above 2^53";
                match steps {
                    true => {
                        let any = own.some(Kinds::of(Kind::BigInt), reason);
                        Value::int(any.as_int())
                    }
                    false => own.some(Kinds::of(Kind::Float), reason),
                }
            },
        )
    }

    /// An integer that is 0 is a double of its own where the result would be negative: −0.
    pub(super) fn signed_zero(&mut self, value: Value, negative: Expr) -> Value {
        let value = self.keep(value);
        let is_zero = match literal(&value.as_int()) {
            Some(own) => Expr::Bool(own == 0),
            None => Expr::cmp(Cmp::Eq, value.as_int(), Expr::Int(0)),
        };
        let zero = both(both(value.is(Kind::Int), is_zero), negative);
        self.either(zero, |_| Value::float(Expr::Float(-0.0)), |_| value)
    }

    fn quotient(&mut self, a: &Expr, b: &Expr) -> Value {
        let float = |value: &Expr| Box::new(Expr::IntToFloat(Box::new(value.clone())));
        let divided = Value::float(Expr::Float2(FloatOp::Div, float(a), float(b)));
        let rest = Expr::int2(IntOp::RemTrunc, a.clone(), b.clone());
        let whole = both(
            Expr::cmp(Cmp::Eq, b.clone(), Expr::Int(0)).not(),
            Expr::cmp(Cmp::Eq, rest, Expr::Int(0)),
        );
        self.either(
            whole,
            |own| {
                let quotient = Value::int(Expr::int2(IntOp::DivTrunc, a.clone(), b.clone()));
                own.signed_zero(quotient, is_negative(b))
            },
            |_| divided,
        )
    }

    /// `Math.floor(a / b)` and its like: exact for what doubles hold exactly.
    pub(super) fn whole_quotient(&mut self, name: &str, one: &Value, two: &Value) -> Value {
        let (a, b) = (self.keep_int(one.as_int()), self.keep_int(two.as_int()));
        let op = match name {
            "floor" => IntOp::DivFloor,
            "trunc" => IntOp::DivTrunc,
            _ => return self.some(Kinds::NUMBER, "a rounded quotient"),
        };
        let is_zero = Expr::cmp(Cmp::Eq, b.clone(), Expr::Int(0));
        let fine = both(is_zero.not(), both(exact(a.clone()), exact(b.clone())));
        self.either(
            fine,
            |own| {
                let negative = one_of(is_negative(&a), is_negative(&b));
                let quotient = Value::int(Expr::int2(op, a, b));
                let quotient = own.keep(quotient);
                // Which of the two signs counts is not worth a model: such a zero is unknown.
                let zero = Expr::cmp(Cmp::Eq, quotient.as_int(), Expr::Int(0));
                own.either(
                    both(zero, negative),
                    |own| own.some(Kinds::NUMBER, "a zero with a sign"),
                    |_| quotient,
                )
            },
            |own| own.some(Kinds::of(Kind::Float), "a division by zero"),
        )
    }

    /// The 32 bits of a number.
    pub(super) fn int32_of(&mut self, value: &Value) -> Expr {
        if value.is_only(Kind::Int) {
            return self.wrapped(value.as_int());
        }
        let long = IntType::signed(64);
        let float = value.as_float();
        let is_int = value.is(Kind::Int);
        let limit = Box::new(Expr::Float(9.2e18));
        let absolute = Box::new(Expr::AbsFloat(Box::new(float.clone())));
        let not_number =
            Expr::CmpFloat(Cmp::Eq, Box::new(float.clone()), Box::new(float.clone())).not();
        let small = Expr::CmpFloat(Cmp::Le, absolute, limit).or(not_number);
        let int = value.as_int();
        self.either(
            is_int,
            |own| Value::int(own.wrapped(int)),
            |own| {
                own.either(
                    small,
                    |own| {
                        let whole = Expr::FloatToInt(long, Box::new(float));
                        Value::int(own.wrapped(whole))
                    },
                    |own| {
                        let reason = "the last bits of a large number";
                        let source = crate::ir::Source::Opaque(reason.to_owned());
                        own.read(Kinds::of(Kind::Int), &source, INT32.range())
                    },
                )
            },
        )
        .as_int()
    }

    fn wrapped(&mut self, value: Expr) -> Expr {
        match literal(&value) {
            Some(value) => Expr::Int(INT32.wrap(value)),
            None => self.keep_int(Expr::Wrap(INT32, Box::new(value))),
        }
    }

    /// Operators on 32 bits, of any numbers.
    pub(super) fn bits(&mut self, operator: &str, one: &Value, two: &Value) -> Value {
        let (a, b) = (self.int32_of(one), self.int32_of(two));
        let count = match literal(&b) {
            Some(value) => Expr::Int(value & 31),
            None => Expr::int2(IntOp::And, b.clone(), Expr::Int(31)),
        };
        let signed = |value: Expr| Value::int(Expr::Wrap(INT32, Box::new(value)));
        match operator {
            // A common way to make an integer.
            "|" | "^" if literal(&b) == Some(0) => Value::int(a),
            "|" => signed(Expr::int2(IntOp::Or, a, b)),
            "&" => signed(Expr::int2(IntOp::And, a, b)),
            "^" => signed(Expr::int2(IntOp::Xor, a, b)),
            "<<" => signed(Expr::int2(IntOp::Shl, a, count)),
            ">>" => signed(Expr::int2(IntOp::Shr, a, count)),
            ">>>" => {
                let bits = Expr::Wrap(UINT32, Box::new(a));
                let shifted = Expr::int2(IntOp::Shr, bits, count);
                Value::int(Expr::Wrap(UINT32, Box::new(shifted)))
            }
            other => self.some(Kinds::NUMBER, &format!("the operator {other}")),
        }
    }

    pub(super) fn bigints(&mut self, operator: &str, one: &Expr, two: &Expr) -> Value {
        let (a, b) = (one.clone(), two.clone());
        let op = match operator {
            "+" => IntOp::Add,
            "-" => IntOp::Sub,
            "*" => IntOp::Mul,
            "/" => IntOp::DivTrunc,
            "%" => IntOp::RemTrunc,
            "&" => IntOp::And,
            "|" => IntOp::Or,
            "^" => IntOp::Xor,
            "<<" | ">>" if matches!(b, Expr::Int(0..64)) => {
                if operator == "<<" {
                    IntOp::Shl
                } else {
                    IntOp::Shr
                }
            }
            "**" => {
                let Some(by @ 0..=EXPONENT_MAX) = literal(&b) else {
                    self.may_raise("a power that is too large");
                    return self.some(Kinds::of(Kind::BigInt), "a power");
                };
                let power =
                    (0..by).fold(Expr::Int(1), |all, _| Expr::int2(IntOp::Mul, all, a.clone()));
                return Value::bigint(power);
            }
            _ => {
                self.may_raise("an operator of bigints");
                return self.some(Kinds::of(Kind::BigInt), &format!("the operator {operator}"));
            }
        };
        Value::bigint(Expr::int2(op, a, b))
    }
}

/// What an operation on literals is, if it does not leave what a double holds.
fn folded(raw: &Expr) -> Option<i128> {
    let Expr::Int2(op, one, two) = raw else { return None };
    let (one, two) = (literal(one)?, literal(two)?);
    let op = *op;
    if op == IntOp::Add {
        one.checked_add(two)
    } else if op == IntOp::Sub {
        one.checked_sub(two)
    } else {
        one.checked_mul(two).filter(|_| op == IntOp::Mul)
    }
}
