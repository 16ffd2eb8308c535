//! How a function is called: what its parameters are, and how a test writes a call.

use std::ops::Range;

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
    /// A text of as many letters.
    Letters(Var),
    /// The text if the variable is null, or if nobody asks what it is.
    Nil(Var, String, Vec<Piece>),
    /// With commas between them; those are left out of which nobody asks anything.
    List(Vec<Vec<Piece>>),
    Container(Box<Container>),
    /// Words, as no code makes the value; only where one of the variables matters, if there are any.
    Unwritable(Vec<Var>, &'static str),
}

impl Piece {
    /// Every variable that decides how it is written, with those of its parts.
    pub fn variables(&self, into: &mut Vec<Var>) {
        let mut all = |pieces: &[Self]| pieces.iter().for_each(|piece| piece.variables(into));
        match self {
            Self::Text(_) => {}
            Self::Bool(var)
            | Self::Int(var)
            | Self::Char(var)
            | Self::Float(var, _)
            | Self::Length(var)
            | Self::Letters(var) => into.push(*var),
            Self::Nil(var, _, inner) => {
                all(inner);
                into.push(*var);
            }
            Self::Choice(var, yes, no) => {
                all(yes);
                all(no);
                into.push(*var);
            }
            Self::OneOf(var, each) => {
                each.iter().for_each(|one| all(one));
                into.push(*var);
            }
            Self::List(each) => each.iter().for_each(|one| all(one)),
            Self::Container(own) => {
                own.elements.iter().for_each(|(_, value)| all(value));
                into.extend(own.capacity);
            }
            Self::Unwritable(vars, _) => into.extend(vars),
        }
    }
}

/// What holds elements, of which some are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// As it is written.
    pub ty: String,
    pub size: Size,
    /// How far it can grow, where that is followed.
    pub capacity: Option<Var>,
    /// Where elements stand, and what they are.
    pub elements: Vec<(Vec<Piece>, Vec<Piece>)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// As long as the variable.
    Slice(Var),
    Array(i128),
    Map,
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
    Method {
        class: String,
        name: String,
        is_static: bool,
    },
    /// By its name, with the code of its file that it needs, which a test can have as its own.
    Script {
        name: String,
        code: String,
    },
    Member(Box<Member>),
}

/// A function or method of a package whose tests stand beside its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub package: String,
    pub name: String,
    /// Its first argument is what it is called on.
    pub is_method: bool,
    /// Its last argument holds any number of values.
    pub is_variadic: bool,
    /// What its file imports: the names it uses, and the paths.
    pub imports: Vec<(String, String)>,
    /// Its code and where its own name stands in it, for a test that looks at its conversions.
    pub code: String,
    pub name_at: Range<usize>,
    /// The types that integers are converted to, by their line and their place in the code.
    pub conversions: Vec<(u32, Range<usize>)>,
}

/// How a function is called with arguments.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    pub language: Language,
    /// None where a test has no way to call it.
    pub callee: Option<Callee>,
    pub parameters: Vec<(String, Given)>,
}
