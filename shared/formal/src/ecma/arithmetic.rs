//! Doubles, and what operators of numbers and bigints throw.

use super::{
    Lowering,
    truth::{both, one_of},
    value::Value,
};
use crate::ir::{CheckKind, Cmp, Expr, FloatOp, Kind, Kinds};

impl Lowering<'_> {
    /// Both operands are numbers, at least one of them a double.
    pub(super) fn floats(&mut self, operator: &str, one: &Value, two: &Value) -> Value {
        let op = match operator {
            "+" => FloatOp::Add,
            "-" => FloatOp::Sub,
            "*" => FloatOp::Mul,
            "/" => FloatOp::Div,
            "%" => FloatOp::Rem,
            "**" => return self.some(Kinds::NUMBER, "a power"),
            _ => return self.bits(operator, one, two),
        };
        let (a, b) = (self.float_of(one), self.float_of(two));
        Value::float(Expr::Float2(op, Box::new(a), Box::new(b)))
    }

    pub(super) fn float_of(&mut self, value: &Value) -> Expr {
        if value.is_only(Kind::Float) {
            return value.as_float();
        }
        let (int, float) = (value.as_int(), value.as_float());
        if value.is_only(Kind::Int) {
            return Expr::IntToFloat(Box::new(int));
        }
        self.either(
            value.is(Kind::Int),
            |_| Value::float(Expr::IntToFloat(Box::new(int))),
            |_| Value::float(float),
        )
        .as_float()
    }

    /// A bigint and a number do not go together. Asked only where one is surely a bigint, and the
    /// other surely is no object.
    pub(super) fn mixed_check(&mut self, one: &Value, two: &Value, at: u32) {
        let primitive = Kinds::NULLISH.or(Kinds::NUMBER).with(Kind::Bool).with(Kind::BigInt);
        for (big, other) in [(one, two), (two, one)] {
            if big.is_only(Kind::BigInt) && other.kinds.is_within(primitive) {
                let mixed = other.is(Kind::BigInt).not();
                if mixed != Expr::Bool(false) {
                    self.check(CheckKind::TypeMismatch, at, mixed, "TypeError");
                }
                return;
            }
        }
    }

    /// Only bigints have a division that fails. Asked only where one operand surely is a bigint.
    pub(super) fn zero_check(&mut self, one: &Value, two: &Value, at: u32) {
        if !one.is_only(Kind::BigInt) && !two.is_only(Kind::BigInt) {
            return;
        }
        let bigs = both(one.is(Kind::BigInt), two.is(Kind::BigInt));
        let zero = Expr::cmp(Cmp::Eq, two.as_int(), Expr::Int(0));
        self.check(CheckKind::DivisionByZero, at, both(bigs, zero), "RangeError");
    }

    /// A bigint has no negative power.
    pub(super) fn exponent_check(&mut self, one: &Value, two: &Value, at: u32) {
        if !one.is_only(Kind::BigInt) && !two.is_only(Kind::BigInt) {
            return;
        }
        let bigs = both(one.is(Kind::BigInt), two.is(Kind::BigInt));
        let negative = Expr::cmp(Cmp::Lt, two.as_int(), Expr::Int(0));
        self.check(CheckKind::NegativeExponent, at, both(bigs, negative), "RangeError");
    }

    /// Whether a number is finite.
    pub(super) fn is_finite(&self, value: &Value) -> Expr {
        let absolute = Expr::AbsFloat(Box::new(value.as_float()));
        let finite = Expr::CmpFloat(Cmp::Le, Box::new(absolute), Box::new(Expr::Float(f64::MAX)));
        one_of(value.is(Kind::Int), both(value.is(Kind::Float), finite))
    }

    pub(super) fn is_not_a_number(&self, value: &Value) -> Expr {
        let float = || Box::new(value.as_float());
        both(value.is(Kind::Float), Expr::CmpFloat(Cmp::Eq, float(), float()).not())
    }
}
