//! `as`, which cuts off and never panics, and conversions that say whether it fits.

use tree_sitter::Node;

use super::{
    Lowering,
    types::{Ty, int_type},
    value::Value,
};
use crate::{
    emit::Emit,
    ir::{Cmp, Expr, IntType, Stmt, Type},
};

impl<'a> Lowering<'a> {
    pub(super) fn cast(&mut self, node: Node<'a>) -> Value {
        let (Some(value), Some(to)) =
            (node.child_by_field_name("value"), node.child_by_field_name("type"))
        else {
            return Value::unknown();
        };
        let to = self.body.names(self.items).of(to);
        // A literal is of the type that it is cast to.
        let hint = Some(&to).filter(|to| matches!(to, Ty::Int(_) | Ty::Float { .. }));
        let literal = matches!(value.kind(), "integer_literal" | "float_literal");
        let value = self.expr(value, hint.filter(|_| literal));
        if value.is_never() {
            return value;
        }
        self.cast_to(value, &to)
    }

    fn cast_to(&mut self, value: Value, to: &Ty) -> Value {
        match (&value.ty, to) {
            (Ty::Int(from), Ty::Int(ty)) => self.cut(value.leaf(), *from, *ty),
            (Ty::IntVar(_), Ty::Int(_) | Ty::Float { .. }) => self.opaque(to, "an integer"),
            (Ty::Char, Ty::Int(ty)) => self.cut(value.leaf(), super::types::U32, *ty),
            (Ty::Int(_), Ty::Char) => Value { ty: Ty::Char, leaves: value.leaves },
            (Ty::Bool, Ty::Int(ty)) => {
                let (one, none) = (Value::int(Expr::Int(1), *ty), Value::int(Expr::Int(0), *ty));
                self.choose(value.leaf(), one, none)
            }
            (Ty::Int(_), Ty::Float { single }) => {
                let float = Expr::IntToFloat(Box::new(value.leaf()));
                let float = if *single { Expr::Single(Box::new(float)) } else { float };
                Value { ty: to.clone(), leaves: vec![float] }
            }
            (Ty::Float { .. }, Ty::Int(ty)) if ty.bits.is_some_and(|bits| bits < 128) => {
                self.number(Expr::FloatToInt(*ty, Box::new(value.leaf())), *ty)
            }
            (Ty::Float { .. }, Ty::Float { single }) => {
                let leaf = value.leaf();
                let leaf = if *single { Expr::Single(Box::new(leaf)) } else { leaf };
                Value { ty: to.clone(), leaves: vec![leaf] }
            }
            _ => self.opaque(to, "a cast"),
        }
    }

    fn cut(&mut self, value: Expr, from: IntType, to: IntType) -> Value {
        if contains(to, from) {
            return Value::int(value, to);
        }
        match to.bits {
            Some(bits) if bits < 128 => self.number(Expr::Wrap(to, Box::new(value)), to),
            _ => {
                // To 128 bits and the other sign: what fits stays, the rest is not followed.
                let cut = self.opaque(&Ty::Int(to), "a cast to 128 bits");
                let fits = Expr::InRange(to, Box::new(value.clone()));
                self.choose(fits, Value::int(value, to), cut)
            }
        }
    }

    /// `u8::try_from(x)` or `x.try_into()`.
    pub(super) fn tried(&mut self, value: Value, to: &Ty) -> Value {
        let error = Ty::Unknown;
        let (Ty::Int(_) | Ty::Char, Ty::Int(ty)) = (value.ty.bare(), to) else {
            self.escape(&value.ty.clone());
            let ty = Ty::result(to.clone(), error);
            return self.opaque(&ty, "a conversion");
        };
        let number = self.kept(value.leaf());
        let fits = Expr::InRange(*ty, Box::new(number.clone()));
        Value { ty: Ty::result(to.clone(), error), leaves: vec![fits, number] }
    }

    /// `u64::from(x)` or `x.into()`.
    pub(super) fn from(&mut self, value: Value, to: &Ty) -> Value {
        let own = value.ty.bare().clone();
        match (&own, to) {
            (Ty::Int(from), Ty::Int(ty)) if contains(*ty, *from) => Value::int(value.leaf(), *ty),
            (Ty::Bool | Ty::Char, Ty::Int(_)) | (Ty::Int(_), Ty::Float { .. }) => {
                self.cast_to(value.bare(), to)
            }
            (Ty::Int(_), Ty::Char) => Value { ty: Ty::Char, leaves: value.leaves },
            (Ty::Float { .. }, Ty::Float { single: false }) => {
                Value { ty: to.clone(), leaves: value.leaves }
            }
            (Ty::Text { .. }, Ty::Text { .. }) => Value { ty: to.clone(), leaves: value.leaves },
            _ if own == *to => value.bare(),
            _ => {
                self.escape(&own);
                self.opaque(to, "a conversion")
            }
        }
    }

    /// The three ways in which two numbers stand to each other.
    pub(super) fn ordered(&mut self, one: Expr, two: Expr) -> Value {
        let ty = Ty::ordering();
        let var = self.variable("", Type::Int(super::types::U32));
        let set = |value| vec![Stmt::Assign(var, Expr::Int(value))];
        let equal = Expr::cmp(Cmp::Eq, one.clone(), two.clone());
        let rest = vec![Stmt::If(equal, set(1), set(2))];
        self.block.push(Stmt::If(Expr::cmp(Cmp::Lt, one, two), set(0), rest));
        Value { ty, leaves: vec![Expr::Var(var)] }
    }

    /// The integer or character type that a path names.
    pub(super) fn plain_type(&self, path: &str) -> Option<Ty> {
        if self.foreign.contains(path) {
            return None;
        }
        let last = path.rsplit("::").next().unwrap_or(path);
        match last {
            "char" => Some(Ty::Char),
            "String" if !self.items.is_type(&self.body.module, last) => {
                Some(Ty::Text { owned: true })
            }
            "f32" => Some(Ty::Float { single: true }),
            "f64" => Some(Ty::Float { single: false }),
            _ => int_type(last).map(Ty::Int),
        }
    }
}

pub(super) fn contains(wide: IntType, narrow: IntType) -> bool {
    let bits = |ty: IntType| u32::from(ty.bits.unwrap_or(64));
    match (wide.signed, narrow.signed) {
        (true, true) | (false, false) => bits(wide) >= bits(narrow),
        (true, false) => bits(wide) > bits(narrow),
        (false, true) => false,
    }
}
