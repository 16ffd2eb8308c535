//! The methods of integers.

use super::{
    Lowering,
    types::{Ty, U32},
    value::Value,
};
use crate::{
    emit::Emit,
    ir::{CheckKind, Cmp, Expr, IntOp, IntType, Source, Stmt, Type},
};

/// Powers by a known exponent up to this are multiplied out.
const EXPONENT_MAX: i128 = 12;

/// What is done with a result that does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Panics,
    Checked,
    Wrapping,
    Saturating,
    Overflowing,
}

impl Lowering<'_> {
    /// A method of an integer, if it is a known one.
    pub(super) fn integer_method(
        &mut self,
        one: &Value,
        ty: IntType,
        name: &str,
        given: &[Value],
        at: u32,
    ) -> Option<Value> {
        let (mode, plain) = mode(name);
        let number = self.kept(one.leaf());
        let second = given.first().map(|value| value.clone().bare());
        match (plain, &second) {
            (
                "add" | "sub" | "mul" | "div" | "rem" | "rem_euclid" | "div_euclid" | "pow" | "shl"
                | "shr",
                Some(second),
            ) => {
                let own = Ty::Int(if matches!(plain, "pow" | "shl" | "shr") { U32 } else { ty });
                let second = self.coerced(second.clone(), &own).leaf();
                let second = self.kept(second);
                self.in_mode(mode, plain, number, second, ty, at)
            }
            ("neg" | "abs", None) => self.in_mode(mode, plain, number, Expr::Int(0), ty, at),
            ("min" | "max", Some(second)) if mode == Mode::Panics => {
                let second = self.coerced(second.clone(), &Ty::Int(ty)).leaf();
                let second = self.kept(second);
                Some(self.extreme(plain == "min", number, second, ty))
            }
            _ if mode != Mode::Panics => None,
            ("clamp", Some(low)) => {
                let high = given.get(1)?.clone().bare();
                let low = self.coerced(low.clone(), &Ty::Int(ty)).leaf();
                let high = self.coerced(high, &Ty::Int(ty)).leaf();
                let (low, high) = (self.kept(low), self.kept(high));
                let turned = Expr::cmp(Cmp::Lt, high.clone(), low.clone());
                self.check(CheckKind::Assertion, at, turned);
                let raised = self.extreme(false, number, low, ty).leaf();
                Some(self.extreme(true, raised, high, ty))
            }
            ("abs_diff", Some(second)) => {
                let second = self.coerced(second.clone(), &Ty::Int(ty)).leaf();
                let second = self.kept(second);
                let less = Expr::cmp(Cmp::Lt, number.clone(), second.clone());
                let own = IntType { signed: false, ..ty };
                let up = Value::int(Expr::int2(IntOp::Sub, second.clone(), number.clone()), own);
                let down = Value::int(Expr::int2(IntOp::Sub, number, second), own);
                Some(self.choose(less, up, down))
            }
            ("cmp", Some(second)) => {
                let second = self.coerced(second.clone(), &Ty::Int(ty)).leaf();
                let second = self.kept(second);
                Some(self.ordered(number, second))
            }
            _ => self.of_one(number, ty, plain, &second, at),
        }
    }

    /// What needs nothing but the number.
    fn of_one(
        &mut self,
        number: Expr,
        ty: IntType,
        name: &str,
        second: &Option<Value>,
        at: u32,
    ) -> Option<Value> {
        let bits = i128::from(ty.bits?);
        let positive = Expr::cmp(Cmp::Lt, Expr::Int(0), number.clone());
        Some(match name {
            "unsigned_abs" => {
                let own = IntType { signed: false, ..ty };
                let negative = Expr::cmp(Cmp::Lt, number.clone(), Expr::Int(0));
                let turned = Value::int(Expr::int2(IntOp::Sub, Expr::Int(0), number.clone()), own);
                self.choose(negative, turned, Value::int(number, own))
            }
            "signum" => {
                let value = |value| Value::int(Expr::Int(value), ty);
                let zero = Expr::cmp(Cmp::Eq, number, Expr::Int(0));
                let other = self.choose(zero, value(0), value(-1));
                self.choose(positive, value(1), other)
            }
            "is_positive" => Value::bool(positive),
            "is_negative" => Value::bool(Expr::cmp(Cmp::Lt, number, Expr::Int(0))),
            "is_power_of_two" | "is_multiple_of" => self.opaque(&Ty::Bool, "the bits of a number"),
            "count_ones" | "count_zeros" | "leading_zeros" | "trailing_zeros" | "leading_ones"
            | "trailing_ones" => self.limited(U32, (0, bits), "the bits of a number"),
            "ilog2" | "ilog10" | "ilog" => {
                self.check(CheckKind::Assertion, at, positive.not());
                self.limited(U32, (0, bits - 1), "a logarithm")
            }
            "isqrt" => {
                let high = 1_i128 << (bits / 2).min(64);
                self.limited(ty, (0, high), "a square root")
            }
            "div_ceil" | "next_multiple_of" => {
                let second = self.coerced(second.clone()?, &Ty::Int(ty)).leaf();
                let second = self.kept(second);
                self.divisor(&number, &second, ty, at);
                self.opaque(&Ty::Int(ty), "a division that is rounded up")
            }
            "rotate_left" | "rotate_right" | "swap_bytes" | "reverse_bits" | "to_be" | "to_le" => {
                self.opaque(&Ty::Int(ty), "the bits of a number")
            }
            "to_string" => self.opaque(&Ty::Text { owned: true }, "a number as text"),
            "clone" | "to_owned" => Value::int(number, ty),
            _ => return None,
        })
    }

    pub(super) fn limited(&mut self, ty: IntType, range: (i128, i128), reason: &str) -> Value {
        let (var, site) = (self.variable("", Type::Int(ty)), self.site());
        let source = Source::Opaque(reason.to_owned());
        let read = crate::ir::Read { source, range: Some(range), nullable: false, length_min: 0 };
        self.block.push(Stmt::Read(var, site, read));
        Value::int(Expr::Var(var), ty)
    }

    pub(super) fn extreme(&mut self, least: bool, one: Expr, two: Expr, ty: IntType) -> Value {
        let less = Expr::cmp(Cmp::Lt, one.clone(), two.clone());
        let (yes, no) = if least { (one, two) } else { (two, one) };
        self.choose(less, Value::int(yes, ty), Value::int(no, ty))
    }

    fn in_mode(
        &mut self,
        mode: Mode,
        name: &str,
        one: Expr,
        two: Expr,
        ty: IntType,
        at: u32,
    ) -> Option<Value> {
        match name {
            "div" | "rem" | "div_euclid" | "rem_euclid" => {
                return self.division(mode, name, one, two, ty, at);
            }
            "shl" | "shr" => return self.shift_by(mode, name == "shl", one, two, ty),
            _ => {}
        }
        let raw = match name {
            "add" => Expr::int2(IntOp::Add, one, two),
            "sub" => Expr::int2(IntOp::Sub, one, two),
            "mul" => Expr::int2(IntOp::Mul, one, two),
            "neg" => Expr::int2(IntOp::Sub, Expr::Int(0), one),
            "abs" => {
                let negative = Expr::cmp(Cmp::Lt, one.clone(), Expr::Int(0));
                let turned = Expr::int2(IntOp::Sub, Expr::Int(0), one.clone());
                let var = self.variable("", Type::Int(IntType::UNBOUNDED));
                let set = |value| vec![Stmt::Assign(var, value)];
                self.block.push(Stmt::If(negative, set(turned), set(one)));
                Expr::Var(var)
            }
            _ => self.power(one, &two)?,
        };
        let var = self.variable("", Type::Int(IntType::UNBOUNDED));
        self.block.push(Stmt::Assign(var, raw));
        self.fitted_to(mode, Expr::Var(var), ty, at)
    }

    fn power(&mut self, one: Expr, exponent: &Expr) -> Option<Expr> {
        let unbounded = IntType::UNBOUNDED;
        match (&one, exponent) {
            (Expr::Int(base), Expr::Int(exponent)) => {
                let exponent = u32::try_from(*exponent).ok()?;
                base.checked_pow(exponent).map(Expr::Int)
            }
            (_, Expr::Int(exponent)) if (0..=EXPONENT_MAX).contains(exponent) => {
                let mut value = Expr::Int(1);
                for _ in 0..*exponent {
                    let product = Expr::int2(IntOp::Mul, value, one.clone());
                    value = self.number(product, unbounded).leaf();
                }
                Some(value)
            }
            _ => {
                let value = self.opaque(&Ty::Int(unbounded), "a power");
                Some(value.leaf())
            }
        }
    }

    /// A result without bounds, as a type of the width takes it.
    fn fitted_to(&mut self, mode: Mode, raw: Expr, ty: IntType, at: u32) -> Option<Value> {
        let fits = Expr::InRange(ty, Box::new(raw.clone()));
        match mode {
            Mode::Panics => {
                self.check(CheckKind::IntegerOverflow, at, fits.not());
                Some(Value::int(raw, ty))
            }
            Mode::Checked => Some(Value { ty: Ty::option(Ty::Int(ty)), leaves: vec![fits, raw] }),
            Mode::Saturating => {
                let (low, high) = ty.range()?;
                let value = self.extreme(false, raw, Expr::Int(low), ty).leaf();
                Some(self.extreme(true, value, Expr::Int(high), ty))
            }
            Mode::Wrapping | Mode::Overflowing if ty.bits.is_some_and(|bits| bits <= 64) => {
                let wrapped = self.number(Expr::Wrap(ty, Box::new(raw)), ty);
                if mode == Mode::Wrapping {
                    return Some(wrapped);
                }
                let leaves = vec![wrapped.leaf(), fits.not()];
                Some(Value { ty: Ty::Tuple(vec![Ty::Int(ty), Ty::Bool]), leaves })
            }
            Mode::Wrapping => Some(self.opaque(&Ty::Int(ty), "wrapping at 128 bits")),
            Mode::Overflowing => {
                let ty = Ty::Tuple(vec![Ty::Int(ty), Ty::Bool]);
                Some(self.opaque(&ty, "wrapping at 128 bits"))
            }
        }
    }

    fn division(
        &mut self,
        mode: Mode,
        name: &str,
        one: Expr,
        two: Expr,
        ty: IntType,
        at: u32,
    ) -> Option<Value> {
        let zero = Expr::cmp(Cmp::Eq, two.clone(), Expr::Int(0));
        match mode {
            Mode::Panics => self.divisor(&one, &two, ty, at),
            // Only a divisor of 0 panics, and the least number by -1 wraps or saturates.
            Mode::Wrapping | Mode::Saturating | Mode::Overflowing => {
                self.check(CheckKind::DivisionByZero, at, zero.clone());
            }
            Mode::Checked => {}
        }
        let raw = self.variable("", Type::Int(IntType::UNBOUNDED));
        let value = match name {
            "div" => Expr::int2(IntOp::DivTrunc, one.clone(), two.clone()),
            "rem" => Expr::int2(IntOp::RemTrunc, one.clone(), two.clone()),
            _ => self.euclid(name == "div_euclid", one.clone(), two.clone()),
        };
        if mode != Mode::Checked {
            self.block.push(Stmt::Assign(raw, value));
            if mode == Mode::Panics {
                return Some(Value::int(Expr::Var(raw), ty));
            }
            return self.fitted_to(mode, Expr::Var(raw), ty, at);
        }
        let known = self.variable("", Type::Bool);
        let mut fine = Expr::Bool(true);
        if let Some((low, _)) = ty.range().filter(|_| ty.signed) {
            let least = Expr::cmp(Cmp::Eq, one, Expr::Int(low));
            fine = least.and(Expr::cmp(Cmp::Eq, two, Expr::Int(-1))).not();
        }
        let set = |to, value| Stmt::Assign(to, value);
        self.block.push(Stmt::If(
            zero,
            vec![set(known, Expr::Bool(false)), set(raw, Expr::Int(0))],
            vec![set(known, fine), set(raw, value)],
        ));
        let leaves = vec![Expr::Var(known), Expr::Var(raw)];
        Some(Value { ty: Ty::option(Ty::Int(ty)), leaves })
    }

    /// The remainder is never negative; the quotient fits to it.
    fn euclid(&mut self, quotient: bool, one: Expr, two: Expr) -> Expr {
        let rest = self.variable("", Type::Int(IntType::UNBOUNDED));
        let trunc = Expr::int2(IntOp::RemTrunc, one.clone(), two.clone());
        // Also computed where the divisor is 0; nobody reads it there.
        self.block.push(Stmt::Assign(rest, trunc));
        let below = Expr::cmp(Cmp::Lt, two.clone(), Expr::Int(0));
        let up = |op| Stmt::Assign(rest, Expr::int2(op, Expr::Var(rest), two.clone()));
        let raised = Stmt::If(below, vec![up(IntOp::Sub)], vec![up(IntOp::Add)]);
        let negative = Expr::cmp(Cmp::Lt, Expr::Var(rest), Expr::Int(0));
        self.block.push(Stmt::If(negative, vec![raised], Vec::new()));
        if !quotient {
            return Expr::Var(rest);
        }
        let left = Expr::int2(IntOp::Sub, one, Expr::Var(rest));
        Expr::int2(IntOp::DivTrunc, left, two)
    }

    fn shift_by(
        &mut self,
        mode: Mode,
        left: bool,
        one: Expr,
        by: Expr,
        ty: IntType,
    ) -> Option<Value> {
        let bits = i128::from(ty.bits?);
        let fits = Expr::cmp(Cmp::Lt, by.clone(), Expr::Int(bits));
        match mode {
            // Rust masks the amount.
            Mode::Wrapping => {
                let by = Expr::int2(IntOp::ModFloor, by, Expr::Int(bits));
                let by = if let Expr::Int2(_, one, two) = &by
                    && let (Expr::Int(one), Expr::Int(two)) = (&**one, &**two)
                {
                    Expr::Int(one.rem_euclid(*two))
                } else {
                    by
                };
                Some(self.shifted(left, one, by, ty))
            }
            Mode::Checked => {
                let value = self.shifted(left, one, by, ty).leaf();
                Some(Value { ty: Ty::option(Ty::Int(ty)), leaves: vec![fits, value] })
            }
            Mode::Panics | Mode::Saturating | Mode::Overflowing => None,
        }
    }
}

fn mode(name: &str) -> (Mode, &str) {
    let modes = [
        ("checked_", Mode::Checked),
        ("wrapping_", Mode::Wrapping),
        ("saturating_", Mode::Saturating),
        ("overflowing_", Mode::Overflowing),
        ("strict_", Mode::Panics),
    ];
    for (prefix, mode) in modes {
        if let Some(plain) = name.strip_prefix(prefix) {
            return (mode, plain);
        }
    }
    (Mode::Panics, name)
}
