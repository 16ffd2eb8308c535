use super::{Machine, Value};
use crate::{
    exec::{bits, float_to_int, float2, int_to_float, single},
    ir::{Cmp, Expr, IntOp, Type},
};

impl Machine<'_> {
    pub(super) fn truth(&mut self, expr: &Expr) -> bool {
        self.eval(expr) == Value::Bool(true)
    }

    pub(super) fn int(&mut self, expr: &Expr) -> i128 {
        if let Value::Int(value) = self.eval(expr) { value } else { 0 }
    }

    pub(super) fn float(&mut self, expr: &Expr) -> f64 {
        if let Value::Float(value) = self.eval(expr) { value } else { 0.0 }
    }

    pub(super) fn eval(&mut self, expr: &Expr) -> Value {
        match expr {
            Expr::Bool(value) => Value::Bool(*value),
            Expr::Int(value) => Value::Int(*value),
            Expr::Float(value) => Value::Float(*value),
            Expr::Null => self.zero(Type::Ref),
            Expr::Var(var) => self.get(*var),
            Expr::New(length) => {
                let length = length.as_ref().map_or(0, |length| self.int(length));
                Value::Ref { null: false, length, id: self.object() }
            }
            Expr::IsNull(one) => {
                Value::Bool(matches!(self.eval(one), Value::Ref { null: true, .. }))
            }
            Expr::Len(one) => match self.eval(one) {
                Value::Ref { length, .. } => Value::Int(length),
                other @ (Value::Bool(_) | Value::Int(_) | Value::Float(_)) => other,
            },
            Expr::SameRef(one, two) => Value::Bool(match (self.eval(one), self.eval(two)) {
                (Value::Ref { null: true, .. }, Value::Ref { null, .. })
                | (Value::Ref { null, .. }, Value::Ref { null: true, .. }) => null,
                (Value::Ref { id: one, .. }, Value::Ref { id: two, .. }) => one == two,
                _ => false,
            }),
            Expr::Not(one) => Value::Bool(!self.truth(one)),
            Expr::And(one, two) => Value::Bool(self.truth(one) & self.truth(two)),
            Expr::Or(one, two) => Value::Bool(self.truth(one) | self.truth(two)),
            Expr::SameBool(one, two) => Value::Bool(self.truth(one) == self.truth(two)),
            Expr::Int2(op, one, two) => Value::Int(int2(*op, self.int(one), self.int(two))),
            Expr::CmpInt(cmp, one, two) => {
                let (one, two) = (self.int(one), self.int(two));
                Value::Bool(match cmp {
                    Cmp::Eq => one == two,
                    Cmp::Lt => one < two,
                    Cmp::Le => one <= two,
                })
            }
            Expr::InRange(ty, one) => Value::Bool(ty.contains(self.int(one))),
            Expr::Wrap(ty, one) => {
                // The product of two words may need all 128 bits; what wraps has its low ones.
                let whole = if let Expr::Int2(IntOp::Mul, one, two) = &**one {
                    self.int(one).wrapping_mul(self.int(two))
                } else {
                    self.int(one)
                };
                Value::Int(ty.wrap(whole))
            }
            Expr::Float2(op, one, two) => {
                Value::Float(float2(*op, self.float(one), self.float(two)))
            }
            Expr::CmpFloat(cmp, one, two) => {
                let (one, two) = (self.float(one), self.float(two));
                Value::Bool(match cmp {
                    #[expect(clippy::float_cmp, reason = "the analysed language's comparison")]
                    Cmp::Eq => one == two,
                    Cmp::Lt => one < two,
                    Cmp::Le => one <= two,
                })
            }
            Expr::AbsFloat(one) => Value::Float(self.float(one).abs()),
            Expr::NegFloat(one) => Value::Float(-self.float(one)),
            Expr::Sqrt(one) => Value::Float(self.float(one).sqrt()),
            Expr::Single(one) => Value::Float(single(self.float(one))),
            Expr::IntToFloat(one) => Value::Float(int_to_float(self.int(one))),
            Expr::FloatToInt(ty, one) => Value::Int(float_to_int(*ty, self.float(one))),
        }
    }
}

/// Saturates where the unbounded result leaves 128 bits: no type that can be checked is so wide.
fn int2(op: IntOp, one: i128, two: i128) -> i128 {
    match op {
        IntOp::Add => one.saturating_add(two),
        IntOp::Sub => one.saturating_sub(two),
        IntOp::Mul => one.saturating_mul(two),
        IntOp::DivTrunc => one.checked_div(two).unwrap_or(0),
        IntOp::RemTrunc => one.checked_rem(two).unwrap_or(0),
        IntOp::DivFloor => floor(one, two),
        IntOp::ModFloor => one.saturating_sub(floor(one, two).saturating_mul(two)),
        IntOp::And | IntOp::Or | IntOp::Xor | IntOp::Shl | IntOp::Shr => {
            bits(op, one, two).unwrap_or(0)
        }
    }
}

fn floor(one: i128, two: i128) -> i128 {
    let quotient = one.checked_div(two).unwrap_or(0);
    let inexact = two != 0 && quotient.checked_mul(two) != Some(one);
    if inexact && ((one < 0) != (two < 0)) { quotient - 1 } else { quotient }
}
