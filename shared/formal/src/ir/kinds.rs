//! What a value of JavaScript can be.

/// What a value is while a program runs; the number is what stands in its tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    Undefined = 0,
    Null = 1,
    Bool = 2,
    /// A number that is kept as an integer; −0 is none of them.
    Int = 3,
    /// Any number, kept as a double.
    Float = 4,
    BigInt = 5,
    Str = 6,
    Array = 7,
    /// An object that is neither an array nor a function.
    Object = 8,
    Function = 9,
    Symbol = 10,
}

impl Kind {
    pub const ALL: [Self; 11] = [
        Self::Undefined,
        Self::Null,
        Self::Bool,
        Self::Int,
        Self::Float,
        Self::BigInt,
        Self::Str,
        Self::Array,
        Self::Object,
        Self::Function,
        Self::Symbol,
    ];

    pub fn number(self) -> i128 {
        self as i128
    }

    const fn bit(self) -> u16 {
        1 << self as u16
    }
}

/// A set of them: what a value may turn out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Kinds(u16);

impl Kinds {
    pub const NONE: Self = Self(0);
    pub const ALL: Self = Self((1 << Kind::ALL.len()) - 1);
    pub const NULLISH: Self = Self(Kind::Undefined.bit() | Kind::Null.bit());
    pub const NUMBER: Self = Self(Kind::Int.bit() | Kind::Float.bit());
    /// What runs no code of the program when it is converted.
    pub const PRIMITIVE: Self = Self(
        Self::NULLISH.0
            | Self::NUMBER.0
            | Kind::Bool.bit()
            | Kind::BigInt.bit()
            | Kind::Str.bit()
            | Kind::Symbol.bit(),
    );
    /// What an interface or a class stands for.
    pub const OBJECTS: Self = Self(Kind::Array.bit() | Kind::Object.bit() | Kind::Function.bit());

    pub const fn of(kind: Kind) -> Self {
        Self(kind.bit())
    }

    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub const fn with(self, kind: Kind) -> Self {
        Self(self.0 | kind.bit())
    }

    pub const fn contains(self, kind: Kind) -> bool {
        self.0 & kind.bit() != 0
    }

    pub const fn is_within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub fn iter(self) -> impl Iterator<Item = Kind> {
        Kind::ALL.into_iter().filter(move |kind| self.contains(*kind))
    }

    /// The only one, if there is only one.
    pub fn single(self) -> Option<Kind> {
        let mut all = self.iter();
        all.next().filter(|_| all.next().is_none())
    }
}
