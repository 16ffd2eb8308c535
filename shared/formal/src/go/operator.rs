//! Operators of Go.

use tree_sitter::Node;

use super::{
    Lowering, PANIC, constant,
    types::{INT, Ty},
    uses::TARGET,
    value::Typed,
};
use crate::{
    emit::Emit,
    ir::{CheckKind, Cmp, Expr, FloatOp, IntOp, IntType, Read, Stmt, Type},
    syntax::line,
};

impl Lowering<'_> {
    pub(super) fn binary(&mut self, node: Node<'_>, hint: Option<&Ty>) -> Typed {
        let (Some(left), Some(right), Some(operator)) = (
            node.child_by_field_name("left"),
            node.child_by_field_name("right"),
            node.child_by_field_name("operator"),
        ) else {
            return Typed::unknown();
        };
        let operator = operator.kind();
        if matches!(operator, "&&" | "||") {
            return Typed::truth(self.short_circuit(left, right, operator == "&&", false));
        }
        let hint = hint.filter(|_| !is_comparison(operator));
        let one = self.expr(left, hint);
        let one = if self.has_effects(right) { self.keep(one) } else { one };
        let two = self.expr(right, hint);
        self.binary_of(operator, one, two, line(node))
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

    fn truth(&mut self, node: Node<'_>, asked: bool) -> Expr {
        if asked { self.condition(node) } else { self.boolean(node) }
    }

    pub(super) fn binary_of(&mut self, operator: &str, one: Typed, two: Typed, at: u32) -> Typed {
        if let (Ty::ConstInt | Ty::ConstFloat, Ty::ConstInt | Ty::ConstFloat) = (&one.ty, &two.ty)
            && let Some((value, ty)) =
                constant::fold(operator, (&one.value, &one.ty), (&two.value, &two.ty))
        {
            return Typed::new(value, ty);
        }
        if matches!(operator, "<<" | ">>") {
            return self.shift(operator == "<<", one, two);
        }
        if matches!(operator, "==" | "!=") {
            let equal = self.same(one, two);
            return Typed::truth(if operator == "==" { equal } else { equal.not() });
        }
        let ty = self.common(&one, &two);
        let under = self.under(&ty);
        if let Some(int) = under.int() {
            let (one, two) = (self.coerced(one, &ty).value, self.coerced(two, &ty).value);
            return self.integers(operator, int, (one, two), &ty, at);
        }
        if let Ty::Float { single } = under {
            let (one, two) = (self.coerced(one, &ty).value, self.coerced(two, &ty).value);
            return floats(operator, single, one, two, ty);
        }
        if is_comparison(operator) {
            return self.opaque(&Ty::Bool, "a comparison");
        }
        if under == Ty::Str
            && let (Some(one), Some(two)) = (self.length(&one), self.length(&two))
        {
            let sum = Expr::int2(IntOp::Add, one, two);
            return Typed::new(Expr::New(Some(Box::new(sum))), ty);
        }
        let constant = matches!(two.value, Expr::Int(value) if value != 0);
        if matches!(operator, "/" | "%") && ty == Ty::Unknown && !constant {
            let zero = self.read(&Ty::Bool, Read::opaque("an operand of unknown type"));
            self.check(CheckKind::DivisionByZero, at, zero, true);
        }
        Typed::unknown()
    }

    /// Both operands are of one type; a constant takes that of the other.
    fn common(&self, one: &Typed, two: &Typed) -> Ty {
        match (&one.ty, &two.ty) {
            (Ty::Unknown | Ty::Nil, other) if !other.is_constant() => other.clone(),
            (Ty::ConstInt, Ty::ConstFloat) => Ty::Float { single: false },
            (Ty::ConstInt, Ty::ConstInt) => INT,
            (own, other) if own.is_constant() => other.clone(),
            (own, _) => own.clone(),
        }
    }

    fn integers(
        &mut self,
        operator: &str,
        int: IntType,
        (one, two): (Expr, Expr),
        ty: &Ty,
        at: u32,
    ) -> Typed {
        if let Some(truth) = compared(operator, |cmp, turned| {
            let (one, two) = (one.clone(), two.clone());
            if turned { Expr::cmp(cmp, two, one) } else { Expr::cmp(cmp, one, two) }
        }) {
            return Typed::truth(truth);
        }
        let op = match operator {
            "+" => IntOp::Add,
            "-" => IntOp::Sub,
            "*" => IntOp::Mul,
            "/" | "%" => {
                let zero = Expr::cmp(Cmp::Eq, two.clone(), Expr::Int(0));
                self.check(CheckKind::DivisionByZero, at, zero, true);
                if operator == "/" { IntOp::DivTrunc } else { IntOp::RemTrunc }
            }
            "&" | "&^" => IntOp::And,
            "|" => IntOp::Or,
            _ => IntOp::Xor,
        };
        let two = if operator == "&^" { complement(int, two) } else { two };
        let raw = Expr::int2(op, one, two);
        Typed::new(Expr::Wrap(int, Box::new(raw)), ty.clone())
    }

    fn shift(&mut self, left: bool, one: Typed, two: Typed) -> Typed {
        let ty = one.ty.clone();
        let int = self.under(&ty).int();
        let Some((int, bits)) = int.and_then(|int| Some((int, i128::from(int.bits?)))) else {
            // The type of a constant that is shifted comes from around it.
            return Typed::unknown();
        };
        if !self.under(&two.ty).is_integer() {
            return self.opaque(&ty, "a shift");
        }
        let may_be_negative = self.under(&two.ty).int().is_some_and(|int| int.signed);
        let two = if may_be_negative { self.keep(two) } else { two };
        if may_be_negative {
            let negative = Self::less(&two.value, &Expr::Int(0));
            let ends = vec![Stmt::Throw(PANIC.to_owned())];
            self.block.push(Stmt::If(negative, ends, Vec::new()));
        }
        // Any other count is allowed; what is shifted out is gone.
        let far = Expr::cmp(Cmp::Le, Expr::Int(bits), two.value.clone());
        let (far, by) = if let Expr::Int(by) = two.value {
            (Expr::Bool(by >= bits), Expr::Int(by.min(bits - 1)))
        } else {
            let most = Expr::Int(bits - 1);
            (far.clone(), self.choose(far, most, two.value, &two.ty))
        };
        let op = if left { IntOp::Shl } else { IntOp::Shr };
        let raw = Expr::Wrap(int, Box::new(Expr::int2(op, one.value, by)));
        // Only the sign of a number that has one is left of it at the right.
        let value = match (left || !int.signed, far) {
            (false, _) | (true, Expr::Bool(false)) => raw,
            (true, Expr::Bool(true)) => Expr::Int(0),
            (true, far) => self.choose(far, Expr::Int(0), raw, &ty),
        };
        Typed::new(value, ty)
    }

    /// Equality.
    pub(super) fn same(&mut self, one: Typed, two: Typed) -> Expr {
        if two.ty == Ty::Nil || one.ty == Ty::Nil {
            let other = if two.ty == Ty::Nil { one } else { two };
            let other = self.keep_if_call(other);
            return other.value.is_null();
        }
        let ty = self.common(&one, &two);
        let under = self.under(&ty);
        if under == Ty::Str {
            return self.same_text(one, two);
        }
        let ir = under.ir();
        if ir == Type::Ref {
            return self.opaque(&Ty::Bool, "the identity of objects").value;
        }
        let (one, two) = (self.coerced(one, &ty).value, self.coerced(two, &ty).value);
        match ir {
            Type::Bool | Type::Ref => Expr::SameBool(Box::new(one), Box::new(two)),
            Type::Int(_) => Expr::cmp(Cmp::Eq, one, two),
            Type::Float { .. } => Expr::CmpFloat(Cmp::Eq, Box::new(one), Box::new(two)),
        }
    }

    /// Texts are the same only if they are of one length.
    fn same_text(&mut self, one: Typed, two: Typed) -> Expr {
        let (Some(first), Some(second)) = (self.length(&one), self.length(&two)) else {
            return self.opaque(&Ty::Bool, "the contents of a string").value;
        };
        let empty = first == Expr::Int(0) || second == Expr::Int(0);
        let lengths = Expr::cmp(Cmp::Eq, first, second);
        if empty {
            return lengths;
        }
        let of = if matches!(one.value, Expr::Var(_)) { one.value } else { two.value };
        let read = self.part_of(&of, "the contents of a string");
        lengths.and(self.read(&Ty::Bool, read))
    }

    fn keep_if_call(&mut self, value: Typed) -> Typed {
        if matches!(value.value, Expr::Var(_) | Expr::New(_)) || value.ty.is_constant() {
            value
        } else {
            self.keep(value)
        }
    }

    pub(super) fn unary(&mut self, node: Node<'_>, hint: Option<&Ty>) -> Typed {
        let (Some(operand), Some(operator)) =
            (node.child_by_field_name("operand"), node.child_by_field_name("operator"))
        else {
            return Typed::unknown();
        };
        match operator.kind() {
            "&" => return self.address(operand, hint),
            "*" => return self.target(node, operand),
            "!" => return Typed::truth(self.boolean(operand).not()),
            "<-" => {
                let from = self.expr(operand, None);
                self.forget_places();
                self.block.push(Stmt::Clobber);
                let element = self.under(&from.ty).channel_element().cloned();
                let reason = "what comes out of a channel";
                return element.map_or_else(Typed::unknown, |ty| self.opaque(&ty, reason));
            }
            _ => {}
        }
        if let Some(constant) = self.constant(node) {
            return constant;
        }
        let value = self.expr(operand, hint);
        let ty = value.ty.clone();
        match (operator.kind(), self.under(&ty)) {
            ("-", Ty::Int { .. }) => self.binary_of("-", Typed::int(0), value, line(node)),
            ("-", Ty::ConstInt) => {
                let raw = Expr::int2(IntOp::Sub, Expr::Int(0), value.value);
                Typed::new(raw, ty)
            }
            ("^", Ty::Int { int, .. }) => Typed::new(complement(int, value.value), ty),
            ("-", Ty::Float { .. } | Ty::ConstFloat) => {
                Typed::new(Expr::NegFloat(Box::new(value.value)), ty)
            }
            ("+", _) => value,
            _ => Typed::unknown(),
        }
    }

    /// `&T{…}` is made; the address of a variable is there, whatever it holds.
    fn address(&mut self, operand: Node<'_>, hint: Option<&Ty>) -> Typed {
        let hint = hint.and_then(|ty| self.under(ty).target().cloned());
        let value = self.expr(operand, hint.as_ref());
        let ty = Ty::Ptr(Box::new(value.ty));
        Typed { value: Expr::New(None), ty, parts: value.parts }
    }

    fn target(&mut self, node: Node<'_>, operand: Node<'_>) -> Typed {
        let pointer = self.expr(operand, None);
        let pointer = self.named(pointer);
        let Ty::Ptr(target) = self.under(&pointer.ty) else { return Typed::unknown() };
        self.dereference(&pointer.value, line(node));
        if let Some(followed) = self.followed(&pointer.parts, TARGET) {
            return followed;
        }
        let read = self.part_of(&pointer.value, "what a pointer points to");
        let value = self.read(&target, read);
        Typed { value, ty: *target, parts: pointer.parts }
    }
}

fn is_comparison(operator: &str) -> bool {
    matches!(operator, "==" | "!=" | "<" | "<=" | ">" | ">=")
}

/// `^value`: all bits turned.
fn complement(int: IntType, value: Expr) -> Expr {
    let most = match (int.signed, int.range()) {
        (false, Some((_, high))) => high,
        _ => -1,
    };
    Expr::int2(IntOp::Sub, Expr::Int(most), value)
}

/// A comparison by order; its operands may have to change places.
fn compared(operator: &str, compare: impl Fn(Cmp, bool) -> Expr) -> Option<Expr> {
    Some(match operator {
        "<" => compare(Cmp::Lt, false),
        "<=" => compare(Cmp::Le, false),
        ">" => compare(Cmp::Lt, true),
        ">=" => compare(Cmp::Le, true),
        _ => return None,
    })
}

fn floats(operator: &str, single: bool, one: Expr, two: Expr, ty: Ty) -> Typed {
    if let Some(truth) = compared(operator, |cmp, turned| {
        let (one, two) = (Box::new(one.clone()), Box::new(two.clone()));
        if turned { Expr::CmpFloat(cmp, two, one) } else { Expr::CmpFloat(cmp, one, two) }
    }) {
        return Typed::truth(truth);
    }
    let op = match operator {
        "+" => FloatOp::Add,
        "-" => FloatOp::Sub,
        "*" => FloatOp::Mul,
        _ => FloatOp::Div,
    };
    let raw = Expr::Float2(op, Box::new(one), Box::new(two));
    Typed::new(if single { Expr::Single(Box::new(raw)) } else { raw }, ty)
}
