//! Values of Rust as several of the IR's, and what joins, copies and compares them.

use std::ops::Range;

use super::{
    Lowering,
    types::{CHAR_MAX, Kind, Ty},
};
use crate::{
    emit::Emit,
    ir::{Expr, Global, IntType, Program, Read, Source, Stmt, Type, Var},
};

/// A value with as many expressions as its type has leaves.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Value {
    pub(super) ty: Ty,
    pub(super) leaves: Vec<Expr>,
}

impl Value {
    pub(super) fn unknown() -> Self {
        Self { ty: Ty::Unknown, leaves: Vec::new() }
    }

    pub(super) fn never() -> Self {
        Self { ty: Ty::Never, leaves: Vec::new() }
    }

    pub(super) fn unit() -> Self {
        Self { ty: Ty::UNIT, leaves: Vec::new() }
    }

    pub(super) fn bool(value: Expr) -> Self {
        Self { ty: Ty::Bool, leaves: vec![value] }
    }

    pub(super) fn int(value: Expr, ty: IntType) -> Self {
        Self { ty: Ty::Int(ty), leaves: vec![value] }
    }

    pub(super) fn some(value: Self) -> Self {
        let leaves = std::iter::once(Expr::Bool(true)).chain(value.leaves).collect();
        Self { ty: Ty::option(value.ty), leaves }
    }

    pub(super) fn none() -> Self {
        Self { ty: Ty::option(Ty::Never), leaves: vec![Expr::Bool(false)] }
    }

    pub(super) fn of(ty: Ty, vars: &[Var]) -> Self {
        Self { ty, leaves: vars.iter().map(|var| Expr::Var(*var)).collect() }
    }

    pub(super) fn is_never(&self) -> bool {
        self.ty == Ty::Never
    }

    /// The only leaf.
    pub(super) fn leaf(&self) -> Expr {
        self.leaves.first().cloned().unwrap_or(Expr::Int(0))
    }

    /// Seen through references.
    pub(super) fn bare(self) -> Self {
        Self { ty: self.ty.bare().clone(), leaves: self.leaves }
    }

    pub(super) fn part(&self, ty: Ty, range: Range<usize>) -> Self {
        Self { ty, leaves: self.leaves.get(range).unwrap_or_default().to_vec() }
    }

    /// The length, if it is a sequence or text.
    pub(super) fn length(&self) -> Option<Expr> {
        let ty = self.ty.bare();
        if let Ty::Sequence(_, Kind::Array(length)) = ty {
            return Some(Expr::Int(*length));
        }
        let leaf = self.leaf();
        let counts = matches!(ty, Ty::Sequence(..) | Ty::Text { .. });
        counts.then(|| {
            if let Expr::New(Some(length)) = leaf { *length } else { Expr::Len(Box::new(leaf)) }
        })
    }
}

/// The part of `ty` that a field or place names, with where its leaves are.
pub(super) fn field(ty: &Ty, name: &str) -> Option<(Ty, Range<usize>)> {
    let mut start = 0;
    for (own, ty) in ty.fields() {
        let end = start + ty.count();
        if own == name {
            return Some((ty, start..end));
        }
        start = end;
    }
    None
}

/// What `Some`, `Ok` or `Err` holds, with where its leaves are.
pub(super) fn payload(ty: &Ty, variant: &str) -> Option<(Ty, Range<usize>)> {
    match (ty.bare(), variant) {
        (Ty::Option(of), "Some") => Some(((**of).clone(), 1..1 + of.count())),
        (Ty::Result(value, _), "Ok") => Some(((**value).clone(), 1..1 + value.count())),
        (Ty::Result(value, error), "Err") => {
            let start = 1 + value.count();
            Some(((**error).clone(), start..start + error.count()))
        }
        _ => None,
    }
}

/// Variables of the program that a function leaves a result of several parts in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Results {
    first: usize,
}

/// Parts of a result of each kind; a result of more is unknown to callers.
const RESULTS_MAX: usize = 6;

const RESULT_TYPES: [Type; 4] =
    [Type::Bool, Type::Int(IntType::UNBOUNDED), Type::Float { single: false }, Type::Ref];

impl Results {
    pub(super) fn of(program: &mut Program) -> Self {
        let first = program.globals.len();
        for ty in RESULT_TYPES {
            for index in 0..RESULTS_MAX {
                let name = format!("result {index}");
                let (constant, nullable) = (None, false);
                program.globals.push(Global { name, ty, constant, assumed: false, nullable });
            }
        }
        Self { first }
    }

    /// Where each leaf of a result is left; none if there is no room for all.
    pub(super) fn places(self, ty: &Ty) -> Option<Vec<Var>> {
        let mut used = [0; RESULT_TYPES.len()];
        let place = |leaf: Type| {
            let kind = match leaf {
                Type::Bool => 0,
                Type::Int(_) => 1,
                Type::Float { .. } => 2,
                Type::Ref => 3,
            };
            used[kind] += 1;
            let index = self.first + kind * RESULTS_MAX + used[kind] - 1;
            (used[kind] <= RESULTS_MAX).then(|| Var::global(index))
        };
        ty.leaves().into_iter().map(place).collect()
    }
}

impl Lowering<'_> {
    pub(super) fn variables(&mut self, name: &str, ty: &Ty) -> Vec<Var> {
        ty.leaves().into_iter().map(|leaf| self.variable(name, leaf)).collect()
    }

    pub(super) fn assign(&mut self, vars: &[Var], leaves: Vec<Expr>) {
        // All are computed before one is set: `(a, b) = (b, a)`.
        let simple = vars.len() < 2;
        let leaves: Vec<Expr> = match simple {
            true => leaves,
            false => leaves.into_iter().map(|leaf| self.kept(leaf)).collect(),
        };
        for (var, leaf) in vars.iter().zip(leaves) {
            self.block.push(Stmt::Assign(*var, leaf));
        }
    }

    /// The leaf as it is now, whatever is assigned later.
    pub(super) fn kept(&mut self, leaf: Expr) -> Expr {
        if matches!(leaf, Expr::Int(_) | Expr::Bool(_) | Expr::Float(_)) {
            return leaf;
        }
        let ty = self.leaf_type(&leaf);
        let var = self.variable("", ty);
        self.block.push(Stmt::Assign(var, leaf));
        Expr::Var(var)
    }

    pub(super) fn keep(&mut self, value: Value) -> Value {
        let types = value.ty.leaves();
        let leaves = value.leaves.into_iter().zip(types);
        let leaves = leaves
            .map(|(leaf, ty)| {
                if matches!(leaf, Expr::Int(_) | Expr::Bool(_) | Expr::Float(_)) {
                    return leaf;
                }
                let var = self.variable("", ty);
                self.block.push(Stmt::Assign(var, leaf));
                Expr::Var(var)
            })
            .collect();
        Value { ty: value.ty, leaves }
    }

    fn leaf_type(&self, leaf: &Expr) -> Type {
        match leaf {
            Expr::Var(var) => match var.as_global() {
                None => self.variables[var.0 as usize].ty,
                Some(_) => Type::Int(IntType::UNBOUNDED),
            },
            Expr::Bool(_)
            | Expr::IsNull(_)
            | Expr::SameRef(..)
            | Expr::Not(_)
            | Expr::And(..)
            | Expr::Or(..)
            | Expr::SameBool(..)
            | Expr::CmpInt(..)
            | Expr::InRange(..)
            | Expr::CmpFloat(..) => Type::Bool,
            Expr::Int(_) | Expr::Len(_) | Expr::Int2(..) | Expr::FloatToInt(..) => {
                Type::Int(IntType::UNBOUNDED)
            }
            Expr::Wrap(ty, _) => Type::Int(*ty),
            Expr::Float(_)
            | Expr::Float2(..)
            | Expr::AbsFloat(_)
            | Expr::NegFloat(_)
            | Expr::Sqrt(_)
            | Expr::Single(_)
            | Expr::IntToFloat(_) => Type::Float { single: false },
            Expr::Null | Expr::New(_) => Type::Ref,
        }
    }

    /// A value that nothing is known of but its type.
    pub(super) fn opaque(&mut self, ty: &Ty, reason: &str) -> Value {
        self.read(ty, &Source::Opaque(reason.to_owned()))
    }

    pub(super) fn read(&mut self, ty: &Ty, source: &Source) -> Value {
        let vars = self.variables("", ty);
        self.read_into(ty, &vars, source);
        Value::of(ty.clone(), &vars)
    }

    /// True, as far as nobody looks at where it is not: refutations elsewhere take it for granted.
    pub(super) fn assumed(&mut self, reason: &str) -> Expr {
        let (var, site) = (self.variable("", Type::Ref), self.site());
        self.block.push(Stmt::Read(var, site, Read::opaque(reason)));
        Expr::Var(var).is_null().not()
    }

    /// Lets the variables be any value of the type.
    pub(super) fn read_into(&mut self, ty: &Ty, vars: &[Var], source: &Source) {
        let ranges = ranges(ty);
        for (var, range) in vars.iter().zip(ranges) {
            let site = self.site();
            let read = Read { source: source.clone(), range, nullable: false, length_min: 0 };
            self.block.push(Stmt::Read(*var, site, read));
        }
    }

    pub(super) fn forget(&mut self, ty: &Ty, vars: &[Var], reason: &str) {
        self.read_into(ty, vars, &Source::Opaque(reason.to_owned()));
    }

    /// A value of type `to`, as far as `value` says it.
    pub(super) fn coerced(&mut self, value: Value, to: &Ty) -> Value {
        self.unify(&value.ty, to);
        if value.ty == *to {
            return value;
        }
        let Value { ty, leaves } = value;
        let mut leaves = leaves.into_iter();
        let leaves = self.fitted(&ty, &mut leaves, to);
        Value { ty: to.clone(), leaves }
    }

    fn fitted(&mut self, from: &Ty, leaves: &mut impl Iterator<Item = Expr>, to: &Ty) -> Vec<Expr> {
        let mut take = |count: usize| -> Vec<Expr> { leaves.by_ref().take(count).collect() };
        match (from, to) {
            (Ty::Ref { to: from, .. }, _) => self.fitted(from, leaves, to),
            (_, Ty::Ref { to, .. }) => self.fitted(from, leaves, to),
            _ if from == to => take(from.count()),
            (Ty::Int(_) | Ty::IntVar(_), Ty::IntVar(_))
            | (Ty::IntVar(_), Ty::Int(_))
            | (Ty::Text { .. }, Ty::Text { .. })
            | (
                Ty::Sequence(_, Kind::Slice | Kind::Vec),
                Ty::Sequence(_, Kind::Slice | Kind::Vec),
            ) => take(1),
            (Ty::Sequence(_, Kind::Array(length)), Ty::Sequence(_, Kind::Slice | Kind::Vec)) => {
                vec![Expr::New(Some(Box::new(Expr::Int(*length))))]
            }
            (Ty::Option(one), Ty::Option(two)) => {
                let mut all = take(1);
                all.extend(self.fitted(one, leaves, two));
                all
            }
            (Ty::Result(one, other), Ty::Result(two, another)) => {
                let mut all = take(1);
                all.extend(self.fitted(one, leaves, two));
                all.extend(self.fitted(other, leaves, another));
                all
            }
            (Ty::Tuple(ones), Ty::Tuple(twos)) if ones.len() == twos.len() => {
                let mut all = Vec::new();
                for (one, two) in ones.iter().zip(twos) {
                    all.extend(self.fitted(one, leaves, two));
                }
                all
            }
            _ => {
                drop(take(from.count()));
                let reason = "a value of unknown type";
                // What is never there may be anything as well.
                self.opaque(to, reason).leaves
            }
        }
    }

    /// `yes` or `no`, both of the same type.
    pub(super) fn choose(&mut self, condition: Expr, yes: Value, no: Value) -> Value {
        if let Expr::Bool(known) = condition {
            return if known { yes } else { no };
        }
        let ty = self.join(&yes.ty, &no.ty);
        let vars = self.variables("", &ty);
        let yes = self.nested(|own| own.put(&ty, &vars, yes));
        let no = self.nested(|own| own.put(&ty, &vars, no));
        self.block.push(Stmt::If(condition, yes, no));
        Value::of(ty, &vars)
    }

    /// Sets the variables of a place of type `ty`.
    pub(super) fn put(&mut self, ty: &Ty, vars: &[Var], value: Value) {
        let value = self.coerced(value, ty);
        self.assign(vars, value.leaves);
    }

    pub(super) fn field_of(&mut self, value: &Value, name: &str) -> Option<Value> {
        field(&value.ty, name).map(|(ty, range)| value.part(ty, range))
    }
}

pub(super) fn conjunction(one: Expr, two: Expr) -> Expr {
    match (&one, &two) {
        (Expr::Bool(true), _) => two,
        (_, Expr::Bool(true)) => one,
        _ => one.and(two),
    }
}

/// What each leaf of a type lies within, where that is less than its type says.
pub(super) fn ranges(ty: &Ty) -> Vec<Option<(i128, i128)>> {
    match ty {
        Ty::Char => vec![Some((0, CHAR_MAX))],
        Ty::Option(of) => std::iter::once(None).chain(ranges(of)).collect(),
        Ty::Result(value, error) => {
            std::iter::once(None).chain(ranges(value)).chain(ranges(error)).collect()
        }
        Ty::Tuple(parts) => parts.iter().flat_map(ranges).collect(),
        Ty::Struct(of) => of.fields.iter().flat_map(|(_, ty)| ranges(ty)).collect(),
        Ty::Enum(of) => {
            let last = i128::try_from(of.variants.len()).unwrap_or(1) - 1;
            let fields = of.variants.iter().flat_map(|variant| &variant.fields);
            let fields = fields.flat_map(|(_, ty)| ranges(ty));
            std::iter::once(Some((0, last.max(0)))).chain(fields).collect()
        }
        Ty::Ref { to, .. } => ranges(to),
        Ty::Unknown
        | Ty::Never
        | Ty::Bool
        | Ty::Int(_)
        | Ty::IntVar(_)
        | Ty::Float { .. }
        | Ty::Text { .. }
        | Ty::Sequence(..) => vec![None; ty.count()],
    }
}
