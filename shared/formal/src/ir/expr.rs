use super::{IntType, Var};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IntOp {
    Add,
    Sub,
    Mul,
    /// Towards zero; the divisor was checked before.
    DivTrunc,
    RemTrunc,
    /// Towards negative infinity.
    DivFloor,
    ModFloor,
    And,
    Or,
    Xor,
    /// By 0 to 63, already masked as the language does.
    Shl,
    Shr,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FloatOp {
    Add,
    Sub,
    Mul,
    Div,
    Rem,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cmp {
    Eq,
    Lt,
    Le,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    Bool(bool),
    Int(i128),
    Float(f64),
    Null,
    Var(Var),
    /// A fresh object that is not null, with its length if it has one.
    New(Option<Box<Expr>>),
    IsNull(Box<Expr>),
    Len(Box<Expr>),
    SameRef(Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
    /// Both sides are evaluated; short-circuiting is an [`If`](super::Stmt::If).
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    SameBool(Box<Expr>, Box<Expr>),
    Int2(IntOp, Box<Expr>, Box<Expr>),
    CmpInt(Cmp, Box<Expr>, Box<Expr>),
    InRange(IntType, Box<Expr>),
    Wrap(IntType, Box<Expr>),
    Float2(FloatOp, Box<Expr>, Box<Expr>),
    CmpFloat(Cmp, Box<Expr>, Box<Expr>),
    AbsFloat(Box<Expr>),
    NegFloat(Box<Expr>),
    Sqrt(Box<Expr>),
    /// Rounds to 32 bits.
    Single(Box<Expr>),
    IntToFloat(Box<Expr>),
    /// Towards zero and into the range, not-a-number to 0, as Java and Rust do.
    FloatToInt(IntType, Box<Expr>),
}

impl Expr {
    pub fn int2(op: IntOp, left: Self, right: Self) -> Self {
        Self::Int2(op, Box::new(left), Box::new(right))
    }

    pub fn cmp(cmp: Cmp, left: Self, right: Self) -> Self {
        Self::CmpInt(cmp, Box::new(left), Box::new(right))
    }

    #[expect(clippy::should_implement_trait, reason = "a constructor, not the operator")]
    pub fn not(self) -> Self {
        if let Self::Bool(value) = self {
            return Self::Bool(!value);
        }
        if let Self::Not(inner) = self { *inner } else { Self::Not(Box::new(self)) }
    }

    pub fn is_null(self) -> Self {
        Self::IsNull(Box::new(self))
    }

    pub fn or(self, other: Self) -> Self {
        Self::Or(Box::new(self), Box::new(other))
    }

    pub fn and(self, other: Self) -> Self {
        Self::And(Box::new(self), Box::new(other))
    }

    /// The direct parts, for walks that look for something.
    pub fn parts(&self) -> Vec<&Self> {
        match self {
            Self::Bool(_) | Self::Int(_) | Self::Float(_) | Self::Null | Self::Var(_) => Vec::new(),
            Self::New(length) => length.iter().map(|length| &**length).collect(),
            Self::IsNull(one)
            | Self::Len(one)
            | Self::Not(one)
            | Self::InRange(_, one)
            | Self::Wrap(_, one)
            | Self::AbsFloat(one)
            | Self::NegFloat(one)
            | Self::Sqrt(one)
            | Self::Single(one)
            | Self::IntToFloat(one)
            | Self::FloatToInt(_, one) => vec![one],
            Self::SameRef(one, two)
            | Self::And(one, two)
            | Self::Or(one, two)
            | Self::SameBool(one, two)
            | Self::Int2(_, one, two)
            | Self::CmpInt(_, one, two)
            | Self::Float2(_, one, two)
            | Self::CmpFloat(_, one, two) => vec![one, two],
        }
    }
}
