//! Operators of Java.

use tree_sitter::Node;

use super::{
    Lowering,
    expr::{Typed, rounded},
    library, line,
    literal::number,
    types::{INT, LONG, Ty, promoted},
};
use crate::{
    emit::Emit,
    ir::{CheckKind, Cmp, Expr, FloatOp, IntOp, IntType, Read, Stmt},
};

impl Lowering<'_> {
    pub(super) fn binary(&mut self, node: Node<'_>, hint: Option<&Ty>) -> Typed {
        let (Some(left), Some(right), Some(operator)) = (
            node.child_by_field_name("left"),
            node.child_by_field_name("right"),
            node.child_by_field_name("operator"),
        ) else {
            return self.opaque(node, hint);
        };
        let operator = self.text(operator);
        if matches!(operator, "&&" | "||") {
            return (self.short_circuit(left, right, operator == "&&", false), Ty::Bool);
        }
        let (one, one_ty) = self.expr(left, None);
        let one = self.keep_if_effects(one, &one_ty, right);
        let (two, two_ty) = self.expr(right, None);
        self.binary_of(operator, (one, one_ty), (two, two_ty), line(node), hint)
    }

    /// `left && right` or `left || right`; as conditions they are asked whether they are constant.
    pub(super) fn short_circuit(
        &mut self,
        left: Node<'_>,
        right: Node<'_>,
        and: bool,
        asked: bool,
    ) -> Expr {
        let one = self.truth(left, asked);
        self.short_circuited(and, one, |own| own.truth(right, asked))
    }

    pub(super) fn truth(&mut self, node: Node<'_>, asked: bool) -> Expr {
        if asked {
            return self.condition(node);
        }
        let value = self.expr(node, Some(&Ty::Bool));
        self.coerced(value, &Ty::Bool, line(node))
    }

    pub(super) fn binary_of(
        &mut self,
        operator: &str,
        one: Typed,
        two: Typed,
        at: u32,
        hint: Option<&Ty>,
    ) -> Typed {
        let (own, other) = (&one.1, &two.1);
        if operator == "+" && (own.is_string() || other.is_string()) {
            if self.has_own_text(own) || self.has_own_text(other) {
                self.runs_code("toString");
            }
            let ty = Ty::named("String");
            let read = Read { nullable: false, ..Read::opaque("the length of a string") };
            return (self.read(&ty, read), ty);
        }
        if let ("==" | "!=", Some(equal)) = (operator, self.same(&one, &two, at)) {
            return (if operator == "==" { equal } else { equal.not() }, Ty::Bool);
        }
        if matches!((own, other), (Ty::Bool, Ty::Bool)) {
            let combined = match operator {
                "&" => one.0.and(two.0),
                "|" => one.0.or(two.0),
                _ => Expr::SameBool(Box::new(one.0), Box::new(two.0)).not(),
            };
            return (combined, Ty::Bool);
        }
        let unboxed = |ty: &Ty| ty.unboxed().unwrap_or_else(|| ty.clone());
        let shift = matches!(operator, "<<" | ">>" | ">>>");
        let ty = if shift {
            promoted(&unboxed(own), &Ty::Int(INT))
        } else {
            promoted(&unboxed(own), &unboxed(other))
        };
        if ty == Ty::Unknown {
            if matches!(operator, "/" | "%") {
                self.unknown_check(CheckKind::DivisionByZero, at);
            }
            let compares = matches!(operator, "<" | "<=" | ">" | ">=" | "==" | "!=");
            let ty = if compares { Some(Ty::Bool) } else { hint.cloned() };
            return match ty {
                Some(ty) if ty != Ty::Unknown => {
                    let read = Read::opaque("an operand of unknown type");
                    (self.read(&ty, read), ty)
                }
                _ => (Expr::Null, Ty::Unknown),
            };
        }
        let (one, two) = (self.coerced(one, &ty, at), {
            let to = if shift { Ty::Int(LONG) } else { ty.clone() };
            self.coerced(two, &to, at)
        });
        match &ty {
            Ty::Int(int) => self.int_binary(operator, *int, one, two, at),
            Ty::Bool | Ty::Float { .. } | Ty::Ref(..) | Ty::Unknown => {
                self.float_binary(operator, &ty, one, two, at)
            }
        }
    }

    /// Whether making a text of it runs a method that is not the platform's.
    pub(super) fn has_own_text(&self, ty: &Ty) -> bool {
        match ty {
            Ty::Ref(class, 0) => class != "null" && !library::is_final(class),
            Ty::Unknown => true,
            // An array's text is its address.
            Ty::Ref(..) | Ty::Bool | Ty::Int(_) | Ty::Float { .. } => false,
        }
    }

    /// Equality, where it is not of numbers.
    pub(super) fn same(&mut self, one: &Typed, two: &Typed, at: u32) -> Option<Expr> {
        let (a, b) = (one.0.clone(), two.0.clone());
        match (&one.1, &two.1) {
            (Ty::Bool, Ty::Bool) => Some(Expr::SameBool(Box::new(a), Box::new(b))),
            (Ty::Unknown, _) if two.0 == Expr::Null => {
                let a = self.coerced(one.clone(), &Ty::named("Object"), at);
                Some(a.is_null())
            }
            (Ty::Ref(..), Ty::Ref(..)) if two.0 == Expr::Null => Some(a.is_null()),
            (Ty::Ref(..), Ty::Ref(..)) if one.0 == Expr::Null => Some(b.is_null()),
            (Ty::Ref(..), Ty::Ref(..)) => Some(Expr::SameRef(Box::new(a), Box::new(b))),
            _ => None,
        }
    }

    pub(super) fn int_binary(
        &mut self,
        operator: &str,
        ty: IntType,
        one: Expr,
        two: Expr,
        at: u32,
    ) -> Typed {
        let compare = |cmp, one, two| (Expr::cmp(cmp, one, two), Ty::Bool);
        match operator {
            "<" => return compare(Cmp::Lt, one, two),
            "<=" => return compare(Cmp::Le, one, two),
            ">" => return compare(Cmp::Lt, two, one),
            ">=" => return compare(Cmp::Le, two, one),
            "==" => return compare(Cmp::Eq, one, two),
            "!=" => return (Expr::cmp(Cmp::Eq, one, two).not(), Ty::Bool),
            _ => {}
        }
        let wide = i128::from(ty.bits.unwrap_or(32)) - 1;
        let masked = |by: Expr| Expr::int2(IntOp::And, by, Expr::Int(wide));
        let raw = match operator {
            "+" => Expr::int2(IntOp::Add, one, two),
            "-" => Expr::int2(IntOp::Sub, one, two),
            "*" => Expr::int2(IntOp::Mul, one, two),
            "/" | "%" => {
                let zero = Expr::cmp(Cmp::Eq, two.clone(), Expr::Int(0));
                self.check(CheckKind::DivisionByZero, at, zero, Some("ArithmeticException"));
                let op = if operator == "/" { IntOp::DivTrunc } else { IntOp::RemTrunc };
                Expr::int2(op, one, two)
            }
            "&" => Expr::int2(IntOp::And, one, two),
            "|" => Expr::int2(IntOp::Or, one, two),
            "^" => Expr::int2(IntOp::Xor, one, two),
            "<<" => Expr::int2(IntOp::Shl, one, masked(two)),
            ">>" => Expr::int2(IntOp::Shr, one, masked(two)),
            _ => {
                let unsigned = IntType { signed: false, ..ty };
                Expr::int2(IntOp::Shr, Expr::Wrap(unsigned, Box::new(one)), masked(two))
            }
        };
        // Shifts lose bits on purpose.
        if matches!(operator, "+" | "-" | "*" | "/") {
            self.overflow(ty, &raw, at);
        }
        (Expr::Wrap(ty, Box::new(raw)), Ty::Int(ty))
    }

    pub(super) fn overflow(&mut self, ty: IntType, raw: &Expr, at: u32) {
        let violation = Expr::InRange(ty, Box::new(raw.clone())).not();
        self.check(CheckKind::IntegerOverflow, at, violation, None);
    }

    pub(super) fn float_binary(
        &mut self,
        operator: &str,
        ty: &Ty,
        one: Expr,
        two: Expr,
        at: u32,
    ) -> Typed {
        let cmp = |cmp, one, two| Expr::CmpFloat(cmp, Box::new(one), Box::new(two));
        match operator {
            "<" => return (cmp(Cmp::Lt, one, two), Ty::Bool),
            "<=" => return (cmp(Cmp::Le, one, two), Ty::Bool),
            ">" => return (cmp(Cmp::Lt, two, one), Ty::Bool),
            ">=" => return (cmp(Cmp::Le, two, one), Ty::Bool),
            "==" => return (cmp(Cmp::Eq, one, two), Ty::Bool),
            "!=" => return (cmp(Cmp::Eq, one, two).not(), Ty::Bool),
            _ => {}
        }
        let op = match operator {
            "+" => FloatOp::Add,
            "-" => FloatOp::Sub,
            "*" => FloatOp::Mul,
            "/" => FloatOp::Div,
            _ => FloatOp::Rem,
        };
        if matches!(op, FloatOp::Div | FloatOp::Rem) {
            let zero = cmp(Cmp::Eq, two.clone(), Expr::Float(0.0));
            self.check(CheckKind::FloatDivisionByZero, at, zero, None);
        }
        let single = *ty == Ty::Float { single: true };
        (rounded(Expr::Float2(op, Box::new(one), Box::new(two)), single), ty.clone())
    }

    pub(super) fn unary(&mut self, node: Node<'_>) -> Typed {
        let (Some(operand), Some(operator)) =
            (node.child_by_field_name("operand"), node.child_by_field_name("operator"))
        else {
            return self.opaque(node, None);
        };
        let operator = self.text(operator);
        // The smallest value has a literal that is too large without its sign.
        if operator == "-"
            && let Some((Expr::Int(value), ty)) = number(operand, self.source)
        {
            return (Expr::Int(-value), ty);
        }
        let hint = (operator == "!").then_some(Ty::Bool);
        let value = self.expr(operand, hint.as_ref());
        let at = line(node);
        match (operator, value.1.unboxed().unwrap_or(value.1.clone())) {
            ("!", _) => (self.coerced(value, &Ty::Bool, at).not(), Ty::Bool),
            ("-" | "+" | "~", own @ Ty::Int(_)) => {
                let ty = promoted(&own, &Ty::Int(INT));
                let value = self.coerced(value, &ty, at);
                let Ty::Int(int) = ty else { return (value, ty) };
                match operator {
                    "-" => self.int_binary("-", int, Expr::Int(0), value, at),
                    "~" => (Expr::int2(IntOp::Sub, Expr::Int(-1), value), Ty::Int(int)),
                    _ => (value, Ty::Int(int)),
                }
            }
            ("-", ty @ Ty::Float { .. }) => {
                let value = self.coerced(value, &ty, at);
                (Expr::NegFloat(Box::new(value)), ty)
            }
            (_, ty) => (value.0, ty),
        }
    }

    pub(super) fn ternary(&mut self, node: Node<'_>, hint: Option<&Ty>) -> Typed {
        let (Some(condition), Some(yes), Some(no)) = (
            node.child_by_field_name("condition"),
            node.child_by_field_name("consequence"),
            node.child_by_field_name("alternative"),
        ) else {
            return self.opaque(node, hint);
        };
        let condition = self.condition(condition);
        let (mut one, mut two) = (None, None);
        let mut then = self.nested(|own| one = Some(own.expr(yes, hint)));
        let mut otherwise = self.nested(|own| two = Some(own.expr(no, hint)));
        let (Some(one), Some(two)) = (one, two) else { return self.opaque(node, hint) };
        let ty = match (&one.1, &two.1) {
            (own, other) if own == other => own.clone(),
            (Ty::Ref(null, 0), other) if null == "null" => other.clone(),
            (own, Ty::Ref(null, 0)) if null == "null" => own.clone(),
            (Ty::Ref(..), Ty::Ref(..)) => hint.cloned().unwrap_or_else(|| one.1.clone()),
            (own, other) => match (promoted(own, other), hint) {
                (Ty::Unknown, Some(hint)) => hint.clone(),
                (ty, _) => ty,
            },
        };
        let result = self.variable("", ty.ir());
        let at = line(node);
        for (block, value) in [(&mut then, one), (&mut otherwise, two)] {
            let more = self.nested(|own| {
                let value = own.coerced(value, &ty, at);
                own.block.push(Stmt::Assign(result, value));
            });
            block.extend(more);
        }
        self.block.push(Stmt::If(condition, then, otherwise));
        (Expr::Var(result), ty)
    }
}
