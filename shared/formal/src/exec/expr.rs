//! Expressions to terms.

use crate::{
    exec::{
        Exec,
        state::{Origin, State, Value, zero},
    },
    ir::{Cmp, Expr, FloatOp, IntOp, IntType, Type, Var},
    symbol::Kind,
    term::Term,
};

impl Exec<'_> {
    pub(crate) fn eval(&mut self, state: &State, expr: &Expr) -> Value {
        match expr {
            Expr::Bool(value) => Value::Bool(self.terms.bool(*value)),
            Expr::Int(value) => Value::Int(self.terms.int(*value)),
            Expr::Float(value) => Value::Float(self.terms.float(*value)),
            Expr::Null => zero(&mut self.terms, Type::Ref),
            Expr::Var(var) => self.variable(state, *var),
            Expr::New(_) | Expr::IsNull(_) | Expr::Len(_) | Expr::SameRef(..) => {
                self.reference(state, expr)
            }
            Expr::Not(_)
            | Expr::And(..)
            | Expr::Or(..)
            | Expr::SameBool(..)
            | Expr::CmpInt(..)
            | Expr::CmpFloat(..)
            | Expr::InRange(..) => Value::Bool(self.truth(state, expr)),
            Expr::Int2(op, one, two) => {
                let (one, two) = (self.eval(state, one).term(), self.eval(state, two).term());
                Value::Int(self.int2(*op, one, two))
            }
            Expr::Wrap(ty, one) => {
                let one = self.eval(state, one).term();
                Value::Int(self.wrap(*ty, one))
            }
            Expr::AbsFloat(one) => {
                let one = self.eval(state, one).term();
                Value::Float(self.terms.float_abs(one))
            }
            Expr::NegFloat(one) => {
                let one = self.eval(state, one).term();
                Value::Float(self.terms.float_neg(one))
            }
            Expr::Float2(..)
            | Expr::Sqrt(_)
            | Expr::Single(_)
            | Expr::IntToFloat(_)
            | Expr::FloatToInt(..) => self.converted(state, expr),
        }
    }

    fn variable(&mut self, state: &State, var: Var) -> Value {
        if let Some(global) = var.as_global()
            && self.program.globals[global].constant.is_some()
            && self.program.globals[global].assumed
        {
            self.assumed.insert(global);
        }
        match state.get(var) {
            Some(value) => value,
            None => self.never_set(var),
        }
    }

    /// What is about objects.
    fn reference(&mut self, state: &State, expr: &Expr) -> Value {
        if let Expr::Len(one) = expr {
            return match self.eval(state, one) {
                Value::Ref { length, .. } => Value::Int(length),
                other @ (Value::Bool(_) | Value::Int(_) | Value::Float(_)) => other,
            };
        }
        if let Expr::SameRef(one, two) = expr {
            let (one, two) = (self.eval(state, one).term(), self.eval(state, two).term());
            return Value::Bool(self.same_ref(one, two));
        }
        if let Expr::IsNull(one) = expr {
            return Value::Bool(self.eval(state, one).term());
        }
        let length = if let Expr::New(Some(length)) = expr {
            self.eval(state, length).term()
        } else {
            self.terms.int(0)
        };
        Value::Ref { null: self.terms.bool(false), length, origin: Origin::Known }
    }

    /// What is true or false.
    fn truth(&mut self, state: &State, expr: &Expr) -> Term {
        let parts: Vec<Term> =
            expr.parts().into_iter().map(|part| self.eval(state, part).term()).collect();
        let terms = &mut self.terms;
        match (expr, parts.as_slice()) {
            (Expr::Not(_), [one]) => terms.not(*one),
            (Expr::And(..), [one, two]) => terms.and(*one, *two),
            (Expr::Or(..), [one, two]) => terms.or(*one, *two),
            (Expr::SameBool(..) | Expr::CmpInt(Cmp::Eq, ..), [one, two]) => terms.eq(*one, *two),
            (Expr::CmpInt(Cmp::Lt, ..), [one, two]) => terms.lt(*one, *two),
            (Expr::CmpInt(Cmp::Le, ..), [one, two]) => terms.le(*one, *two),
            (Expr::CmpFloat(Cmp::Eq, ..), [one, two]) => terms.float_eq(*one, *two),
            (Expr::CmpFloat(Cmp::Lt, ..), [one, two]) => terms.float_lt(*one, *two),
            (Expr::CmpFloat(Cmp::Le, ..), [one, two]) => terms.float_le(*one, *two),
            (Expr::InRange(ty, _), [one]) => self.in_range(*ty, *one),
            _ => self.abstract_bool("an expression that is no condition"),
        }
    }

    /// Floating point that is only computed when its inputs are known.
    fn converted(&mut self, state: &State, expr: &Expr) -> Value {
        let values: Vec<Term> =
            expr.parts().into_iter().map(|part| self.eval(state, part).term()).collect();
        let float = |exec: &Self, at: usize| exec.terms.as_float(*values.get(at)?);
        let known = if let Expr::Float2(op, ..) = expr {
            float(self, 0).zip(float(self, 1)).map(|(one, two)| float2(*op, one, two))
        } else if let Expr::Sqrt(_) = expr {
            float(self, 0).map(f64::sqrt)
        } else if let Expr::Single(_) = expr {
            float(self, 0).map(single)
        } else if let Expr::IntToFloat(_) = expr {
            values.first().and_then(|value| self.terms.as_int(*value)).map(int_to_float)
        } else {
            None
        };
        if let Some(value) = known {
            return Value::Float(self.terms.float(value));
        }
        if let Expr::FloatToInt(ty, _) = expr {
            return Value::Int(match float(self, 0) {
                Some(value) => self.terms.int(float_to_int(*ty, value)),
                None => {
                    let range = ty.range();
                    self.abstract_int("a conversion from floating point", range)
                }
            });
        }
        if let (Expr::Single(_), Some(value)) = (expr, values.first()) {
            // A comparison with 0 or with itself reads the same after rounding, most others too;
            // the replay rounds, so a refutation that does not survive it is dropped. A proof
            // must not rest on it.
            return self.rounded(*value);
        }
        Value::Float(self.abstract_float("floating-point arithmetic"))
    }

    /// A value that is already single stays as it is; every other loses what is known of it.
    fn rounded(&mut self, value: Term) -> Value {
        if self.single.contains(&value) {
            return Value::Float(value);
        }
        Value::Float(self.abstract_float("rounding to single precision"))
    }

    fn same_ref(&mut self, one: Term, two: Term) -> Term {
        match (self.terms.as_bool(one), self.terms.as_bool(two)) {
            (Some(true), _) => two,
            (_, Some(true)) => one,
            _ => self.abstract_bool("the identity of objects"),
        }
    }

    pub(crate) fn in_range(&mut self, ty: IntType, one: Term) -> Term {
        let Some(low) = ty.low() else { return self.terms.bool(true) };
        let low = self.terms.int(low);
        let above = self.terms.le(low, one);
        let below = match ty.high() {
            Some(high) => {
                let high = self.terms.int(high);
                self.terms.le(one, high)
            }
            None => {
                // Above what a term can say as a number: its upper half is not too large.
                let half = self.terms.int(1 << 64);
                let upper = self.terms.div(one, half);
                self.terms.lt(upper, half)
            }
        };
        self.terms.and(above, below)
    }

    pub(crate) fn wrap(&mut self, ty: IntType, one: Term) -> Term {
        let Some(bits) = ty.bits else { return one };
        let inside = self.in_range(ty, one);
        if self.terms.as_bool(inside) == Some(true) {
            return one;
        }
        let Some((low, _)) = ty.range().filter(|_| bits < 127) else {
            let cut = self.abstract_int("wrapping at 128 bits", ty.range());
            return self.terms.ite(inside, one, cut);
        };
        let (low, size) = (self.terms.int(low), self.terms.int(1_i128 << bits));
        let shifted = self.terms.sub(one, low);
        let folded = self.terms.modulo(shifted, size);
        let wrapped = self.terms.add(folded, low);
        self.terms.ite(inside, one, wrapped)
    }

    fn int2(&mut self, op: IntOp, one: Term, two: Term) -> Term {
        match op {
            IntOp::Add => self.terms.add(one, two),
            IntOp::Sub => self.terms.sub(one, two),
            IntOp::Mul => self.terms.mul(one, two),
            IntOp::DivTrunc => self.div_trunc(one, two),
            IntOp::RemTrunc => {
                let quotient = self.div_trunc(one, two);
                self.remainder(one, two, quotient)
            }
            IntOp::DivFloor => self.div_floor(one, two),
            IntOp::ModFloor => {
                let quotient = self.div_floor(one, two);
                self.remainder(one, two, quotient)
            }
            IntOp::And | IntOp::Or | IntOp::Xor | IntOp::Shl | IntOp::Shr => {
                self.bits(op, one, two)
            }
        }
    }

    fn remainder(&mut self, one: Term, two: Term, quotient: Term) -> Term {
        if let (Some(a), Some(b), Some(quotient)) =
            (self.terms.as_int(one), self.terms.as_int(two), self.terms.as_int(quotient))
            && let Some(rest) = b.checked_mul(quotient).and_then(|it| a.checked_sub(it))
        {
            return self.terms.int(rest);
        }
        let ((low, _), by) = (self.terms.interval(one), self.terms.as_int(two));
        if low.is_some_and(|low| low >= 0) && by.is_some_and(|by| by > 0) {
            return self.terms.modulo(one, two);
        }
        let product = self.terms.mul(two, quotient);
        self.terms.sub(one, product)
    }

    fn div_trunc(&mut self, one: Term, two: Term) -> Term {
        let (low, _) = self.terms.interval(one);
        if low.is_some_and(|low| low >= 0) {
            // SMT's division of a dividend that is not negative rounds towards zero.
            return self.terms.div(one, two);
        }
        let zero = self.terms.int(0);
        let negated = self.terms.sub(zero, one);
        let (positive, mirrored) = (self.terms.div(one, two), self.terms.div(negated, two));
        let mirrored = self.terms.sub(zero, mirrored);
        let above = self.terms.le(zero, one);
        self.terms.ite(above, positive, mirrored)
    }

    fn div_floor(&mut self, one: Term, two: Term) -> Term {
        // SMT's division rounds so that the remainder is not negative: down for a positive
        // divisor. For a negative one the signs of both are turned.
        let zero = self.terms.int(0);
        let down = self.terms.div(one, two);
        let (turned, by) = (self.terms.sub(zero, one), self.terms.sub(zero, two));
        let other = self.terms.div(turned, by);
        let positive = self.terms.lt(zero, two);
        self.terms.ite(positive, down, other)
    }

    fn bits(&mut self, op: IntOp, one: Term, two: Term) -> Term {
        let (a, b) = (self.terms.as_int(one), self.terms.as_int(two));
        if let Some(value) = a.zip(b).and_then(|(one, two)| bits(op, one, two)) {
            return self.terms.int(value);
        }
        match (op, b) {
            (IntOp::Shl, Some(by)) if (0..64).contains(&by) => {
                let factor = self.terms.int(1 << by);
                self.terms.mul(one, factor)
            }
            (IntOp::Shr, Some(by)) if (0..64).contains(&by) => {
                let divisor = self.terms.int(1 << by);
                self.terms.div(one, divisor)
            }
            (IntOp::And, _) => {
                // A mask that is not negative bounds the result.
                let bound = |exec: &Self, term| match exec.terms.interval(term) {
                    (Some(low), Some(high)) if low >= 0 => Some(high),
                    _ => None,
                };
                let high = match (bound(self, one), bound(self, two)) {
                    (Some(one), Some(two)) => Some(one.min(two)),
                    (one, two) => one.or(two),
                };
                self.abstract_int("a bit operation", high.map(|high| (0, high)))
            }
            _ => self.abstract_int("a bit operation", None),
        }
    }

    pub(crate) fn abstract_int(&mut self, reason: &str, range: Option<(i128, i128)>) -> Term {
        self.fresh(crate::term::Sort::Int, Kind::Opaque, reason, range)
    }

    fn abstract_float(&mut self, reason: &str) -> Term {
        self.fresh(crate::term::Sort::Float, Kind::Opaque, reason, None)
    }

    pub(crate) fn abstract_bool(&mut self, reason: &str) -> Term {
        self.fresh(crate::term::Sort::Bool, Kind::Opaque, reason, None)
    }
}

/// Shared with the interpreter, so that both compute the same.
pub(crate) fn float2(op: FloatOp, one: f64, two: f64) -> f64 {
    match op {
        FloatOp::Add => one + two,
        FloatOp::Sub => one - two,
        FloatOp::Mul => one * two,
        FloatOp::Div => one / two,
        FloatOp::Rem => one % two,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "rounding to single precision is the purpose")]
pub(crate) fn single(value: f64) -> f64 {
    f64::from(value as f32)
}

#[expect(clippy::cast_precision_loss, reason = "what the languages do as well")]
pub(crate) fn int_to_float(value: i128) -> f64 {
    value as f64
}

#[expect(clippy::cast_possible_truncation, reason = "saturating, then limited to the type")]
pub(crate) fn float_to_int(ty: IntType, value: f64) -> i128 {
    let whole = value as i128;
    ty.range().map_or(whole, |(low, high)| whole.clamp(low, high))
}

pub(crate) fn bits(op: IntOp, one: i128, two: i128) -> Option<i128> {
    match op {
        IntOp::And => Some(one & two),
        IntOp::Or => Some(one | two),
        IntOp::Xor => Some(one ^ two),
        IntOp::Shl => {
            let factor = 1_i128.checked_shl(u32::try_from(two).ok().filter(|by| *by < 64)?)?;
            one.checked_mul(factor)
        }
        IntOp::Shr => Some(one >> u32::try_from(two).ok().filter(|by| *by < 64)?),
        IntOp::Add
        | IntOp::Sub
        | IntOp::Mul
        | IntOp::DivTrunc
        | IntOp::RemTrunc
        | IntOp::DivFloor
        | IntOp::ModFloor => None,
    }
}
