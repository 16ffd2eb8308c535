//! Values with their types, and what else is known of them.

use super::{
    Lowering,
    types::{INT, Ty},
};
use crate::{
    emit::Emit,
    ir::{Cmp, Expr, IntType, Read, Source, Stmt, Type, Var},
};

/// What is known of the parts of a value.
#[derive(Debug, Clone)]
pub(super) enum Parts {
    Unknown,
    /// Those of a variable, from this path on.
    Of(Var, Vec<String>),
    /// It was just made: fields that are not listed are zero.
    Made(Vec<(String, Typed)>),
}

#[derive(Debug, Clone)]
pub(super) struct Typed {
    pub(super) value: Expr,
    pub(super) ty: Ty,
    pub(super) parts: Parts,
}

impl Typed {
    pub(super) fn new(value: Expr, ty: Ty) -> Self {
        Self { value, ty, parts: Parts::Unknown }
    }

    pub(super) fn unknown() -> Self {
        Self::new(Expr::Null, Ty::Unknown)
    }

    pub(super) fn int(value: i128) -> Self {
        Self::new(Expr::Int(value), Ty::ConstInt)
    }

    pub(super) fn truth(value: Expr) -> Self {
        Self::new(value, Ty::Bool)
    }
}

/// What a variable of the type holds at first; `None` if the type is not known.
pub(super) fn zero(under: &Ty) -> Option<Expr> {
    Some(match under {
        Ty::Bool => Expr::Bool(false),
        Ty::Int { .. } | Ty::ConstInt => Expr::Int(0),
        Ty::Float { .. } | Ty::ConstFloat => Expr::Float(0.0),
        Ty::Str => Expr::New(Some(Box::new(Expr::Int(0)))),
        Ty::Array(Some(length), _) => Expr::New(Some(Box::new(Expr::Int(*length)))),
        Ty::Struct(_) => Expr::New(None),
        Ty::Slice(_)
        | Ty::Map(..)
        | Ty::Ptr(_)
        | Ty::Func(_)
        | Ty::Chan(_)
        | Ty::Interface
        | Ty::Error
        | Ty::Nil => Expr::Null,
        Ty::Array(None, _) | Ty::Named(_) | Ty::Unknown => return None,
    })
}

impl Lowering<'_> {
    pub(super) fn zero(&mut self, ty: &Ty) -> Typed {
        let value = match zero(&self.under(ty)) {
            Some(value) => value,
            // A type of another package: what is zero of it may be nil or not.
            None => self.read(ty, Read::opaque("a value of unknown type")),
        };
        Typed { value, ty: ty.clone(), parts: Parts::Made(Vec::new()) }
    }

    /// Reads a value of a type from somewhere.
    pub(super) fn read(&mut self, ty: &Ty, read: Read) -> Expr {
        let under = self.under(ty);
        if let Ty::Array(Some(length), _) = under {
            return Expr::New(Some(Box::new(Expr::Int(length))));
        }
        let (var, site) = (self.variable("", ty), self.site());
        let nullable = read.nullable && under.is_nilable();
        self.block.push(Stmt::Read(var, site, Read { nullable, ..read }));
        Expr::Var(var)
    }

    /// A value that is not modelled. The error of a call that nobody knows is taken to be nil
    /// where a refutation is looked for: most calls succeed.
    pub(super) fn opaque(&mut self, ty: &Ty, reason: &str) -> Typed {
        if *ty == Ty::Error {
            let fails = self.read(ty, Read::opaque(reason));
            let error = self.variable("", ty);
            self.block.push(Stmt::If(
                fails.is_null(),
                vec![Stmt::Assign(error, Expr::New(None))],
                vec![Stmt::Assign(error, Expr::Null)],
            ));
            return Typed::new(Expr::Var(error), ty.clone());
        }
        let value = self.read(ty, Read::opaque(reason));
        Typed::new(value, ty.clone())
    }

    /// Reads from `value`: as known as that is.
    pub(super) fn part_of(&self, value: &Expr, reason: &str) -> Read {
        let read = Read::opaque(reason);
        if let Expr::Var(var) = value {
            Read { source: Source::Within(*var), ..read }
        } else {
            read
        }
    }

    /// A value of this type, whatever the expression has.
    pub(super) fn coerced(&mut self, from: Typed, to: &Ty) -> Typed {
        let (own, wanted) = (self.under(&from.ty), self.under(to));
        let value = match (&own, &wanted) {
            (Ty::Nil, _) => Expr::Null,
            (_, Ty::Interface | Ty::Error | Ty::Unknown) => return self.boxed(from, &own, to),
            (Ty::ConstInt, Ty::Float { .. } | Ty::ConstFloat) => {
                match super::constant::float(&from.value) {
                    Some(value) => Expr::Float(value),
                    None => Expr::IntToFloat(Box::new(from.value)),
                }
            }
            (Ty::ConstFloat, Ty::Int { .. } | Ty::ConstInt) => {
                let whole = super::constant::float(&from.value).filter(|it| it.fract() == 0.0);
                let Some(value) = whole else { return self.opaque(to, "a constant") };
                Expr::Int(crate::exec::float_to_int(IntType::UNBOUNDED, value))
            }
            _ if same_kind(&own, &wanted) => from.value,
            _ => return self.opaque(to, "a value of unknown type"),
        };
        Typed { value, ty: to.clone(), parts: from.parts }
    }

    /// A value as an interface: one that holds a pointer is not nil, even if the pointer is.
    fn boxed(&mut self, from: Typed, own: &Ty, to: &Ty) -> Typed {
        if matches!(own, Ty::Interface | Ty::Error | Ty::Unknown) {
            return match self.is_value(&from) {
                true => Typed { ty: to.clone(), ..from },
                false => self.opaque(to, "a value of unknown type"),
            };
        }
        // What goes to a type that is not known may be this pointer itself.
        let same = self.under(to) == Ty::Unknown && own.ir() == Type::Ref;
        let value = if same { from.value } else { Expr::New(None) };
        Typed { value, ty: to.clone(), parts: from.parts }
    }

    /// Unknown types are held as references once they are in a variable; before, there is none.
    fn is_value(&self, from: &Typed) -> bool {
        from.ty != Ty::Unknown || matches!(from.value, Expr::Var(_))
    }

    /// Keeps a value that is read now and used later.
    pub(super) fn keep(&mut self, value: Typed) -> Typed {
        if value.ty == Ty::Unknown && !self.is_value(&value) {
            return self.opaque(&Ty::Unknown, "a value of unknown type");
        }
        self.temporary(value)
    }

    /// A variable, so that what is read from it knows where it came from; a local stays itself.
    pub(super) fn named(&mut self, value: Typed) -> Typed {
        if let Expr::Var(_) = value.value { value } else { self.keep(value) }
    }

    /// The length of something that may be nil, and then has none.
    pub(super) fn length_of(&mut self, value: &Expr) -> Expr {
        if let Expr::New(Some(length)) = value {
            return (**length).clone();
        }
        if *value == Expr::Null {
            return Expr::Int(0);
        }
        let length = self.variable("", &INT);
        let own = Expr::Len(Box::new(value.clone()));
        self.block.push(Stmt::If(
            value.clone().is_null(),
            vec![Stmt::Assign(length, Expr::Int(0))],
            vec![Stmt::Assign(length, own)],
        ));
        Expr::Var(length)
    }

    /// `len(value)`, where it is known what that is.
    pub(super) fn length(&mut self, of: &Typed) -> Option<Expr> {
        let under = self.under(&of.ty);
        if under == Ty::Str {
            let known = if let Expr::New(Some(length)) = &of.value { Some(length) } else { None };
            let length = known.map(|length| (**length).clone());
            return Some(length.unwrap_or_else(|| Expr::Len(Box::new(of.value.clone()))));
        }
        if matches!(under, Ty::Slice(_)) {
            return Some(self.length_of(&of.value));
        }
        let array = under.target().map_or_else(|| under.clone(), |target| self.under(target));
        let array = Some(&array).filter(|ty| ty.is_array()).and_then(|ty| ty.sequence());
        array.and_then(|(length, _)| length).map(Expr::Int)
    }

    /// The one or the other.
    pub(super) fn choose(&mut self, condition: Expr, yes: Expr, no: Expr, ty: &Ty) -> Expr {
        let var = self.variable("", ty);
        self.block.push(Stmt::If(
            condition,
            vec![Stmt::Assign(var, yes)],
            vec![Stmt::Assign(var, no)],
        ));
        Expr::Var(var)
    }

    /// `one < two`, and its like.
    pub(super) fn less(one: &Expr, two: &Expr) -> Expr {
        Expr::cmp(Cmp::Lt, one.clone(), two.clone())
    }
}

fn same_kind(one: &Ty, two: &Ty) -> bool {
    match (one.ir(), two.ir()) {
        (Type::Bool, Type::Bool)
        | (Type::Int(_), Type::Int(_))
        | (Type::Float { .. }, Type::Float { .. }) => true,
        (Type::Ref, Type::Ref) => *one != Ty::Unknown,
        (Type::Bool | Type::Int(_) | Type::Float { .. } | Type::Ref, _) => false,
    }
}
