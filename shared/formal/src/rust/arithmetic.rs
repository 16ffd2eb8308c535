//! Operators of Rust, as a debug build carries them out.

use tree_sitter::Node;

use super::{
    Lowering, children, each, line,
    types::{Ty, USIZE},
    value::{Value, conjunction},
};
use crate::ir::{CheckKind, Cmp, Expr, FloatOp, IntOp, IntType, Stmt, Type};

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

    fn comparison(&mut self, operator: &str, left: Node<'a>, right: Node<'a>) -> Expr {
        if matches!(operator, "==" | "!=") {
            let equal = self.compared(left, right);
            return if operator == "==" { equal } else { equal.not() };
        }
        let Some((one, two)) = self.sides(left, right) else { return Expr::Bool(false) };
        let turned = matches!(operator, ">" | ">=");
        let cmp = if matches!(operator, "<" | ">") { Cmp::Lt } else { Cmp::Le };
        let (one, two) = if turned { (two, one) } else { (one, two) };
        match (one.ty.bare(), two.ty.bare()) {
            (Ty::Int(_) | Ty::IntVar(_) | Ty::Char, Ty::Int(_) | Ty::IntVar(_) | Ty::Char) => {
                Expr::cmp(cmp, one.leaf(), two.leaf())
            }
            (Ty::Float { .. }, Ty::Float { .. }) => {
                Expr::CmpFloat(cmp, Box::new(one.leaf()), Box::new(two.leaf()))
            }
            _ => self.opaque(&Ty::Bool, "a comparison of unknown parts").leaf(),
        }
    }

    /// Whether both sides are equal.
    pub(super) fn compared(&mut self, left: Node<'a>, right: Node<'a>) -> Expr {
        match self.sides(left, right) {
            Some((one, two)) => self.equal(&one, &two),
            None => Expr::Bool(false),
        }
    }

    /// Both sides of a comparison; none if one never comes to an end.
    fn sides(&mut self, left: Node<'a>, right: Node<'a>) -> Option<(Value, Value)> {
        let one = self.expr(left, None);
        let one = self.keep_if_effects(one, right);
        let own = one.ty.bare().clone();
        let two = self.expr(right, Some(&own).filter(|own| **own != Ty::Unknown && !own.is_unit()));
        let one = match (&one.ty, two.ty.bare()) {
            (Ty::Unknown, Ty::Int(_) | Ty::Float { .. }) if is_literal(left) => {
                let own = two.ty.bare().clone();
                self.expr(left, Some(&own))
            }
            _ => one,
        };
        if one.is_never() || two.is_never() {
            return None;
        }
        self.unify(&one.ty, &two.ty);
        Some((one, two))
    }

    pub(super) fn short_circuit(
        &mut self,
        left: Node<'a>,
        right: Node<'a>,
        is_and: bool,
        asks: bool,
    ) -> Expr {
        let lower = |own: &mut Self, node: Node<'a>| match asks {
            true => own.condition(node),
            false => {
                let value = own.expr(node, Some(&Ty::Bool));
                own.coerced(value, &Ty::Bool).leaf()
            }
        };
        let one = lower(self, left);
        let (mut block, two) = self.caught(|own| lower(own, right));
        if block.is_empty() {
            return if is_and { conjunction(one, two) } else { one.or(two) };
        }
        let var = self.variable("", Type::Bool);
        block.push(Stmt::Assign(var, two));
        let short = vec![Stmt::Assign(var, Expr::Bool(!is_and))];
        let (yes, no) = if is_and { (block, short) } else { (short, block) };
        self.block.push(Stmt::If(one, yes, no));
        Expr::Var(var)
    }

    /// A condition that decides where to go. Each comparison in it is asked whether it is
    /// constant, if it is about local variables and nothing else.
    pub(super) fn condition(&mut self, node: Node<'a>) -> Expr {
        let operator = node.child_by_field_name("operator").map(|it| self.text(it));
        match (node.kind(), operator) {
            ("parenthesized_expression", _) if children(node).len() == 1 => {
                return self.condition(children(node)[0]);
            }
            ("binary_expression", Some(and @ ("&&" | "||"))) => {
                let sides = (node.child_by_field_name("left"), node.child_by_field_name("right"));
                if let (Some(left), Some(right)) = sides {
                    return self.short_circuit(left, right, and == "&&", true);
                }
            }
            ("unary_expression", _) if self.text(node).starts_with('!') => {
                if let Some(inner) = node.named_child(0) {
                    return self.condition(inner).not();
                }
            }
            _ => {}
        }
        let value = self.expr(node, Some(&Ty::Bool));
        let value = self.coerced(value, &Ty::Bool).leaf();
        if node.kind() == "binary_expression" && self.is_about_locals(node) {
            let (site, condition) = (self.site(), value.clone());
            self.block.push(Stmt::Condition { site, line: line(node), condition });
        }
        value
    }

    fn is_about_locals(&self, node: Node<'a>) -> bool {
        let (mut local, mut other) = (false, false);
        each(node, &mut |inner| {
            match inner.kind() {
                "identifier" | "self" => match self.local(self.text(inner)).is_some() {
                    true => local = true,
                    // A constant is another one in another build.
                    false => other = true,
                },
                "call_expression" | "macro_invocation" | "block" | "scoped_identifier"
                | "closure_expression" => other = true,
                _ => {}
            }
            true
        });
        local && !other
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

    pub(super) fn assignment(&mut self, node: Node<'a>) -> Value {
        let (Some(left), Some(right)) =
            (node.child_by_field_name("left"), node.child_by_field_name("right"))
        else {
            return Value::unknown();
        };
        let hint = self.place(left).map(|(ty, _)| ty);
        let value = self.expr(right, hint.as_ref().filter(|ty| **ty != Ty::Never));
        if value.is_never() {
            return value;
        }
        self.store(left, value);
        Value::unit()
    }

    /// Sets a place.
    fn store(&mut self, left: Node<'a>, value: Value) {
        if left.kind() == "tuple_expression" {
            let value = self.keep(value);
            for (at, part) in children(left).into_iter().enumerate() {
                let own = self.field_of(&value, &at.to_string());
                self.store(part, own.unwrap_or_else(Value::unknown));
            }
            return;
        }
        if let Some((ty, vars)) = self.place(left) {
            let learns = self.local(self.text(left)).and_then(|local| local.learns);
            if let Some(place) = learns {
                self.infer.gets(place, &value.ty);
            }
            self.put(&ty, &vars, value);
            return;
        }
        self.escape(&value.ty);
        match left.kind() {
            "identifier" | "self" => {}
            "index_expression" | "field_expression" | "unary_expression" => {
                self.element_set(left);
            }
            _ => self.forget_mentioned(left, "an assignment to several places"),
        }
    }

    /// What setting an element checks.
    fn element_set(&mut self, left: Node<'a>) {
        if left.kind() == "index_expression" {
            self.index(left);
        } else if let Some(inner) = left.child_by_field_name("value").or(left.named_child(0))
            && self.place(inner).is_none()
        {
            self.element_set(inner);
        }
    }

    pub(super) fn compound(&mut self, node: Node<'a>) -> Value {
        let (Some(left), Some(right), Some(operator)) = (
            node.child_by_field_name("left"),
            node.child_by_field_name("right"),
            node.child_by_field_name("operator"),
        ) else {
            return Value::unknown();
        };
        let operator = self.text(operator).trim_end_matches('=');
        let known = self.place(left);
        let hint = known.as_ref().map(|(ty, _)| ty.bare().clone());
        let shifts = matches!(operator, "<<" | ">>");
        let hint = hint.filter(|ty| !shifts && matches!(ty, Ty::Int(_) | Ty::Float { .. }));
        let two = self.expr(right, hint.as_ref());
        if two.is_never() {
            return two;
        }
        match known {
            Some((ty, vars)) => {
                let one = Value::of(ty.clone(), &vars);
                let value = self.operation(operator, one, two, line(node));
                self.put(&ty, &vars, value);
            }
            None => {
                let two = self.keep(two);
                let one = match left.kind() {
                    "index_expression" => self.index(left),
                    _ => {
                        self.element_set(left);
                        Value::unknown()
                    }
                };
                self.operation(operator, one, two, line(node));
            }
        }
        Value::unit()
    }

    /// The value as a length or index.
    pub(super) fn as_index(&mut self, value: Value) -> Expr {
        let value = self.coerced(value, &Ty::Int(USIZE)).leaf();
        self.kept(value)
    }
}

fn is_literal(node: Node<'_>) -> bool {
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
