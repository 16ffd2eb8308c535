//! Operators of Rust, as a debug build carries them out.

use tree_sitter::Node;

use super::{
    Lowering, children, each, line,
    types::{Ty, USIZE},
    value::Value,
};
use crate::{
    emit::Emit,
    ir::{CheckKind, Cmp, Expr, FloatOp, IntOp, IntType, Stmt, Type},
};

impl<'a> Lowering<'a> {
    pub(super) fn binary(&mut self, node: Node<'a>, hint: Option<&Ty>) -> Value {
        let (Some(left), Some(right), Some(operator)) = (
            node.child_by_field_name("left"),
            node.child_by_field_name("right"),
            node.child_by_field_name("operator"),
        ) else {
            return Value::unknown();
        };
        match self.text(operator) {
            and @ ("&&" | "||") => Value::bool(self.short_circuit(left, right, and == "&&", false)),
            operator @ ("==" | "!=" | "<" | "<=" | ">" | ">=") => {
                Value::bool(self.comparison(operator, left, right))
            }
            operator @ ("<<" | ">>") => {
                let value = self.expr(left, hint);
                let value = self.keep_if_effects(value, right);
                let by = self.expr(right, None);
                self.operation(operator, value, by, line(node))
            }
            operator => {
                let hint = hint.filter(|hint| matches!(hint, Ty::Int(_) | Ty::Float { .. }));
                let one = self.expr(left, hint);
                if one.is_never() {
                    return one;
                }
                let one = self.keep_if_effects(one, right);
                let own = one.ty.bare().clone();
                let typed = matches!(own, Ty::Int(_) | Ty::Float { .. });
                let two = self.expr(right, if typed { Some(&own) } else { hint });
                // A literal of no type takes that of the other side.
                let one = match (&one.ty, two.ty.bare()) {
                    (Ty::Unknown, Ty::Int(_) | Ty::Float { .. }) if is_literal(left) => {
                        let own = two.ty.bare().clone();
                        self.expr(left, Some(&own))
                    }
                    _ => one,
                };
                self.operation(operator, one, two, line(node))
            }
        }
    }

    /// Keeps a value that the next operand may change.
    pub(super) fn keep_if_effects(&mut self, value: Value, next: Node<'a>) -> Value {
        let mut effects = false;
        each(next, &mut |inner| {
            effects |= matches!(
                inner.kind(),
                "call_expression"
                    | "assignment_expression"
                    | "compound_assignment_expr"
                    | "macro_invocation"
                    | "block"
                    | "reference_expression"
            );
            !effects
        });
        if effects { self.keep(value) } else { value }
    }

    pub(super) fn operation(&mut self, operator: &str, one: Value, two: Value, at: u32) -> Value {
        if one.is_never() || two.is_never() {
            return Value::never();
        }
        let shifts = matches!(operator, "<<" | ">>");
        if !shifts {
            self.unify(&one.ty, &two.ty);
        }
        match (one.ty.bare().clone(), two.ty.bare().clone()) {
            (Ty::Int(ty), Ty::Int(_)) if shifts => self.shift(operator, one, ty, two, at),
            (Ty::Int(ty), Ty::Int(other)) if ty == other => {
                self.integers(operator, one, two, ty, at)
            }
            (own @ (Ty::Int(_) | Ty::IntVar(_)), Ty::Int(_) | Ty::IntVar(_)) => {
                // Which integer it is, the next pass knows.
                self.opaque(&own, "an integer of unknown type")
            }
            (Ty::Float { single }, Ty::Float { .. }) => floats(operator, one, two, single),
            (Ty::Bool, Ty::Bool) => {
                let (one, two) = (one.leaf(), two.leaf());
                Value::bool(match operator {
                    "&" => one.and(two),
                    "|" => one.or(two),
                    _ => Expr::SameBool(Box::new(one), Box::new(two)).not(),
                })
            }
            (Ty::Text { .. }, _) => self.opaque(&Ty::Text { owned: true }, "a text put together"),
            _ => Value::unknown(),
        }
    }

    fn integers(&mut self, operator: &str, one: Value, two: Value, ty: IntType, at: u32) -> Value {
        let (one, two) = (one.leaf(), two.leaf());
        let op = match operator {
            "+" => return self.overflowing(IntOp::Add, one, two, ty, at),
            "-" => return self.overflowing(IntOp::Sub, one, two, ty, at),
            "*" => return self.overflowing(IntOp::Mul, one, two, ty, at),
            "/" | "%" => {
                let two = self.kept(two);
                self.divisor(&one, &two, ty, at);
                let op = if operator == "/" { IntOp::DivTrunc } else { IntOp::RemTrunc };
                return self.number(Expr::int2(op, one, two), ty);
            }
            "&" => IntOp::And,
            "|" => IntOp::Or,
            _ => IntOp::Xor,
        };
        self.number(Expr::Wrap(ty, Box::new(Expr::int2(op, one, two))), ty)
    }

    /// The result of an operation that panics where it does not fit.
    pub(super) fn overflowing(
        &mut self,
        op: IntOp,
        one: Expr,
        two: Expr,
        ty: IntType,
        at: u32,
    ) -> Value {
        let raw = self.variable("", Type::Int(IntType::UNBOUNDED));
        self.block.push(Stmt::Assign(raw, Expr::int2(op, one, two)));
        let fits = Expr::InRange(ty, Box::new(Expr::Var(raw)));
        self.check(CheckKind::IntegerOverflow, at, fits.not());
        self.number(Expr::Var(raw), ty)
    }

    /// The checks of a division.
    pub(super) fn divisor(&mut self, one: &Expr, two: &Expr, ty: IntType, at: u32) {
        let zero = Expr::cmp(Cmp::Eq, two.clone(), Expr::Int(0));
        self.check(CheckKind::DivisionByZero, at, zero);
        if let Some((low, _)) = ty.range().filter(|_| ty.signed)
            && !matches!(two, Expr::Int(by) if *by != -1)
        {
            let least = Expr::cmp(Cmp::Eq, one.clone(), Expr::Int(low));
            let turned = Expr::cmp(Cmp::Eq, two.clone(), Expr::Int(-1));
            self.check(CheckKind::IntegerOverflow, at, turned.and(least));
        }
    }

    /// An integer in a variable of its own, so that what is built on it stays small.
    pub(super) fn number(&mut self, value: Expr, ty: IntType) -> Value {
        if matches!(value, Expr::Int(_) | Expr::Var(_)) {
            return Value::int(value, ty);
        }
        let var = self.variable("", Type::Int(ty));
        self.block.push(Stmt::Assign(var, value));
        Value::int(Expr::Var(var), ty)
    }

    fn shift(&mut self, operator: &str, one: Value, ty: IntType, two: Value, at: u32) -> Value {
        let by = two.leaf();
        let bits = i128::from(ty.bits.unwrap_or(64));
        if !matches!(by, Expr::Int(by) if (0..bits).contains(&by)) {
            let below = Expr::cmp(Cmp::Lt, by.clone(), Expr::Int(0));
            let above = Expr::cmp(Cmp::Le, Expr::Int(bits), by.clone());
            self.check(CheckKind::IntegerOverflow, at, below.or(above));
        }
        self.shifted(operator == "<<", one.leaf(), by, ty)
    }

    /// A shift by less than the width.
    pub(super) fn shifted(&mut self, left: bool, one: Expr, by: Expr, ty: IntType) -> Value {
        if ty.bits.is_none_or(|bits| bits > 64) {
            return self.opaque(&Ty::Int(ty), "a shift of 128 bits");
        }
        let op = if left { IntOp::Shl } else { IntOp::Shr };
        let value = Expr::Wrap(ty, Box::new(Expr::int2(op, one, by)));
        self.number(value, ty)
    }

    pub(super) fn unary(&mut self, node: Node<'a>, hint: Option<&Ty>) -> Value {
        let Some(inner) = children(node).into_iter().next() else { return Value::unknown() };
        let operator = self.text(node).chars().next().unwrap_or(' ');
        if operator == '*' {
            if self.place(node).is_some() {
                return self.whole_place(node);
            }
            let value = self.expr(inner, hint);
            return Value { ty: value.ty.behind(), leaves: value.leaves };
        }
        let value = self.expr(inner, hint).bare();
        if value.is_never() {
            return value;
        }
        match (operator, value.ty.clone()) {
            ('-', Ty::Int(ty)) => {
                let number = value.leaf();
                if let Expr::Int(number) = number
                    && inner.kind() == "integer_literal"
                {
                    return Value::int(Expr::Int(-number), ty);
                }
                self.overflowing(IntOp::Sub, Expr::Int(0), number, ty, line(node))
            }
            ('-', Ty::Float { .. }) => {
                let leaves = vec![Expr::NegFloat(Box::new(value.leaf()))];
                Value { ty: value.ty, leaves }
            }
            ('!', Ty::Bool) => Value::bool(value.leaf().not()),
            ('!', Ty::Int(ty)) => {
                let from = if ty.signed { Some(-1) } else { ty.range().map(|(_, high)| high) };
                match from {
                    Some(from) => {
                        let turned = Expr::int2(IntOp::Sub, Expr::Int(from), value.leaf());
                        self.number(turned, ty)
                    }
                    None => self.opaque(&Ty::Int(ty), "a bit operation of 128 bits"),
                }
            }
            (_, Ty::IntVar(_)) => value,
            _ => Value::unknown(),
        }
    }

    /// The value as a length or index.
    pub(super) fn as_index(&mut self, value: Value) -> Expr {
        let value = self.coerced(value, &Ty::Int(USIZE)).leaf();
        self.kept(value)
    }
}

pub(super) fn is_literal(node: Node<'_>) -> bool {
    matches!(node.kind(), "integer_literal" | "float_literal")
        || (matches!(node.kind(), "unary_expression" | "parenthesized_expression")
            && node.named_child(0).is_some_and(is_literal))
}

fn floats(operator: &str, one: Value, two: Value, single: bool) -> Value {
    let op = match operator {
        "+" => FloatOp::Add,
        "-" => FloatOp::Sub,
        "*" => FloatOp::Mul,
        "/" => FloatOp::Div,
        "%" => FloatOp::Rem,
        _ => return Value::unknown(),
    };
    let value = Expr::Float2(op, Box::new(one.leaf()), Box::new(two.leaf()));
    let value = if single { Expr::Single(Box::new(value)) } else { value };
    Value { ty: Ty::Float { single }, leaves: vec![value] }
}
