//! The small typed language that functions are lowered to.
//!
//! Structured, not a graph: blocks, scopes that a `Break` leaves, loops, exceptions. Arithmetic
//! is unbounded; a language's own width is an explicit [`Expr::Wrap`], so an overflow is the
//! question whether the unbounded result is [`Expr::InRange`]. Expressions are pure; whatever
//! has an effect is a statement.

mod call;
mod expr;
mod kinds;

pub use call::{Call, Callee, Container, Given, Member, Piece, Size, Slots, Tag};
pub use expr::{Cmp, Expr, FloatOp, IntOp};
pub use kinds::{Kind, Kinds};

/// A local variable of a function, or, with [`Var::GLOBAL`] set, a field or global.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Var(pub u32);

impl Var {
    pub const GLOBAL: u32 = 1 << 31;

    pub fn global(index: usize) -> Self {
        Self(u32::try_from(index).unwrap_or(Self::GLOBAL - 1) | Self::GLOBAL)
    }

    /// The index among the globals, if it is one.
    pub fn as_global(self) -> Option<usize> {
        (self.0 & Self::GLOBAL != 0).then_some((self.0 & !Self::GLOBAL) as usize)
    }
}

/// A place in a function that asks or reads something; unique in its [`Program`].
pub type Site = u32;

/// What a [`Stmt::Break`] leaves; unique in its function.
pub type Label = u32;

/// The label of no scope: a break to it ends the run.
pub const NOWHERE: Label = Label::MAX;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct IntType {
    /// `None`: unbounded, as in Python.
    pub bits: Option<u8>,
    pub signed: bool,
}

impl IntType {
    pub const UNBOUNDED: Self = Self { bits: None, signed: true };

    pub const fn signed(bits: u8) -> Self {
        Self { bits: Some(bits), signed: true }
    }

    pub const fn unsigned(bits: u8) -> Self {
        Self { bits: Some(bits), signed: false }
    }

    /// Smallest value; none if there is none.
    pub fn low(self) -> Option<i128> {
        match (self.bits?, self.signed) {
            (_, false) => Some(0),
            (bits @ ..=127, true) => Some(-(1_i128 << (bits - 1))),
            (_, true) => Some(i128::MIN),
        }
    }

    /// Largest value; none if there is none, or if it is above what 128 bits with a sign hold.
    pub fn high(self) -> Option<i128> {
        match (self.bits?, self.signed) {
            (bits @ ..=127, true) => Some((1_i128 << (bits - 1)) - 1),
            (_, true) => Some(i128::MAX),
            (bits @ ..=126, false) => Some((1_i128 << bits) - 1),
            (_, false) => None,
        }
    }

    /// Smallest and largest value.
    pub fn range(self) -> Option<(i128, i128)> {
        self.low().zip(self.high())
    }

    pub fn contains(self, value: i128) -> bool {
        self.low().is_none_or(|low| low <= value) && self.high().is_none_or(|high| value <= high)
    }

    /// Two's complement, as the language wraps. Types of 128 bits are never wrapped to.
    pub fn wrap(self, value: i128) -> i128 {
        let narrow = self.bits.filter(|bits| *bits < 127);
        let (Some(bits), Some((low, _))) = (narrow, self.range()) else { return value };
        (value - low).rem_euclid(1_i128 << bits) + low
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Type {
    Bool,
    Int(IntType),
    /// IEEE double; `single` values are rounded to 32 bits.
    Float {
        single: bool,
    },
    /// May be null; has a length, which means nothing unless it is a sequence.
    Ref,
}

/// Where a value comes from that no expression computes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Outside the program: any value of its range can really come, so it may refute.
    External,
    /// Part of another value (an element, a call on it): external if that one is.
    Within(Var),
    /// Not modelled: the reason. Never refutes.
    Opaque(String),
}

/// A value that is read from somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    pub source: Source,
    /// For integers: narrower than the type, if known.
    pub range: Option<(i128, i128)>,
    /// For references: whether null can come, and the least length.
    pub nullable: bool,
    pub length_min: u32,
}

impl Read {
    pub fn opaque(reason: impl Into<String>) -> Self {
        Self { source: Source::Opaque(reason.into()), range: None, nullable: true, length_min: 0 }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CheckKind {
    DivisionByZero,
    /// Floating point: no exception, an infinity or not-a-number.
    FloatDivisionByZero,
    /// The result is above what the type holds, or below.
    IntegerOverflow,
    /// A conversion to another integer type that cannot hold the value.
    NarrowingConversion,
    IndexOutOfBounds,
    NegativeArraySize,
    /// Of an integer that has no fractions.
    NegativeExponent,
    /// Operands that the language does not combine.
    TypeMismatch,
    NullDereference,
    /// The condition is always true or always false where it is reached.
    ConstantCondition,
    /// A null check of something that was dereferenced before.
    NullCheckAfterDereference,
    Assertion,
}

impl CheckKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DivisionByZero => "division_by_zero",
            Self::FloatDivisionByZero => "float_division_by_zero",
            Self::IntegerOverflow => "integer_overflow",
            Self::NarrowingConversion => "narrowing_conversion",
            Self::IndexOutOfBounds => "index_out_of_bounds",
            Self::NegativeArraySize => "negative_array_size",
            Self::NegativeExponent => "negative_exponent",
            Self::TypeMismatch => "type_mismatch",
            Self::NullDereference => "null_dereference",
            Self::ConstantCondition => "constant_condition",
            Self::NullCheckAfterDereference => "null_check_after_dereference",
            Self::Assertion => "assertion",
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    pub site: Site,
    pub kind: CheckKind,
    pub line: u32,
    /// True where it goes wrong.
    pub violation: Expr,
    /// What the language throws; `None` if it goes on, as a wrapped integer does.
    pub throws: Option<String>,
}

/// Which way a counter runs that only the loop's own step changes, never past its bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Up,
    Down,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Loop {
    pub site: Site,
    /// Computes what `condition` needs, before each pass.
    pub before: Vec<Stmt>,
    pub condition: Expr,
    pub body: Vec<Stmt>,
    pub step: Vec<Stmt>,
    pub counter: Option<(Var, Direction)>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Handler {
    /// Names of exceptions; empty catches everything.
    pub catches: Vec<String>,
    pub body: Vec<Stmt>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Stmt {
    Assign(Var, Expr),
    Read(Var, Site, Read),
    Check(Check),
    /// A condition of the source, to be asked whether it can go both ways.
    Condition {
        site: Site,
        line: u32,
        condition: Expr,
    },
    /// The variable was dereferenced and is not null from here on.
    Dereferenced(Var),
    /// What was read never is otherwise: a fact about the values themselves, wherever they go.
    Assume(Expr),
    If(Expr, Vec<Stmt>, Vec<Stmt>),
    Scope(Label, Vec<Stmt>),
    Break(Label),
    Loop(Loop),
    Return(Option<Expr>),
    Throw(String),
    Try {
        body: Vec<Stmt>,
        handlers: Vec<Handler>,
        finally: Vec<Stmt>,
    },
    /// A call of a function of this program.
    Call {
        to: Option<Var>,
        function: usize,
        arguments: Vec<Expr>,
        site: Site,
    },
    /// A call of something unknown to the program: it may throw, and it may change globals.
    Opaque {
        callee: String,
        site: Site,
        arguments: Vec<Expr>,
        /// What it throws by its contract; empty: anything.
        throws: Vec<String>,
        /// An outside cause can make it throw, so that path is as real as the other.
        external: bool,
        clobbers: bool,
    },
    /// Every global that can change has another value now.
    Clobber,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Variable {
    pub name: String,
    pub ty: Type,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Global {
    pub name: String,
    pub ty: Type,
    /// Its only value, if nothing of the program ever changes it.
    pub constant: Option<Expr>,
    /// That nothing changes it is only known of the files at hand: others could assign to it.
    pub assumed: bool,
    pub nullable: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Function {
    /// Qualified, such as `Server.start`.
    pub name: String,
    pub first_line: u32,
    pub last_line: u32,
    /// Index of the file among the program's sources.
    pub file: usize,
    pub parameters: Vec<Var>,
    /// None where it takes more than plain arguments, or nobody writes a call in its language.
    pub call: Option<Call>,
    pub variables: Vec<Variable>,
    /// The body, or why there is none to look at.
    pub body: Result<Vec<Stmt>, String>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Program {
    pub functions: Vec<Function>,
    pub globals: Vec<Global>,
    /// Lengths have as many bits, with their sign.
    pub length_bits: LengthBits,
    /// A value is what choices made of it, so what hangs on a parameter by a choice is for
    /// callers to say.
    pub has_choices: bool,
}

/// How long a sequence of a language can be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LengthBits {
    /// As in Java.
    #[default]
    Int,
    /// As everywhere else on machines of 64 bits.
    Word,
    /// Where JavaScript's arrays end; no engine makes strings that are longer.
    Script,
}

impl LengthBits {
    pub fn length_max(self) -> i128 {
        match self {
            Self::Int => (1 << 31) - 1,
            Self::Word => (1 << 63) - 1,
            Self::Script => (1 << 32) - 1,
        }
    }
}

/// Calls `visit` for each statement, outer ones first.
pub fn walk(block: &[Stmt], visit: &mut impl FnMut(&Stmt)) {
    for stmt in block {
        visit(stmt);
        match stmt {
            Stmt::If(_, yes, no) => {
                walk(yes, visit);
                walk(no, visit);
            }
            Stmt::Scope(_, body) => walk(body, visit),
            Stmt::Loop(own) => {
                walk(&own.before, visit);
                walk(&own.body, visit);
                walk(&own.step, visit);
            }
            Stmt::Try { body, handlers, finally } => {
                walk(body, visit);
                for handler in handlers {
                    walk(&handler.body, visit);
                }
                walk(finally, visit);
            }
            Stmt::Assign(..)
            | Stmt::Read(..)
            | Stmt::Check(_)
            | Stmt::Condition { .. }
            | Stmt::Dereferenced(_)
            | Stmt::Assume(_)
            | Stmt::Break(_)
            | Stmt::Return(_)
            | Stmt::Throw(_)
            | Stmt::Call { .. }
            | Stmt::Opaque { .. }
            | Stmt::Clobber => {}
        }
    }
}
