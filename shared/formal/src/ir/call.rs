//! How a function is called: what its parameters are, and how a test writes a call.

use domain::Language;

use super::{Kinds, Var};

/// What a value of a language with types at run time is; the number is what stands in its tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tag {
    /// Anything that is not one of the others.
    Object = 0,
    None = 1,
    Bool = 2,
    Int = 3,
    Float = 4,
    Str = 5,
    Tuple = 6,
    List = 7,
}

impl Tag {
    pub const ALL: [Self; 8] = [
        Self::Object,
        Self::None,
        Self::Bool,
        Self::Int,
        Self::Float,
        Self::Str,
        Self::Tuple,
        Self::List,
    ];

    pub fn number(self) -> i128 {
        self as i128
    }

    pub fn is_sequence(self) -> bool {
        matches!(self, Self::Str | Self::Tuple | Self::List)
    }
}

/// The variables that together hold a value whose type only its run knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slots {
    pub tag: Var,
    pub bool: Var,
    pub int: Var,
    pub float: Var,
    pub sequence: Var,
}

/// A part of how a value is written in its language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    Text(String),
    Bool(Var),
    Int(Var),
    Char(Var),
    /// With the name of its type.
    Float(Var, &'static str),
    Length(Var),
    /// The first if the variable is true, the second if it is not.
    Choice(Var, Vec<Piece>, Vec<Piece>),
    /// The one that the variable counts to; the last if it counts further.
    OneOf(Var, Vec<Vec<Piece>>),
}

/// Where the value of a parameter is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Given {
    /// Of one type that the language's declaration says.
    One(Tag, Var),
    Any(Slots),
    /// Of a type that the code names, as it is written.
    Declared(String, Var),
    /// Of several parts, written as its language does.
    Pieces(Vec<Piece>),
    /// Of one of these kinds.
    Kinds(Slots, Kinds),
}

/// What a test calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Callee {
    /// By its name in the file.
    Function(String),
    /// Of a class, by the name that this is loaded by; of an object that needs no arguments.
    Method { class: String, name: String, is_static: bool },
    /// By its name, with the code of its file that it needs, which a test can have as its own.
    Script { name: String, code: String },
}

/// How a function is called with arguments.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    pub language: Language,
    /// None where a test has no way to call it.
    pub callee: Option<Callee>,
    pub parameters: Vec<(String, Given)>,
}
