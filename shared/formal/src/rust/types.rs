//! Types of Rust, as far as values of them are followed.

use std::{collections::HashSet, rc::Rc};

use tree_sitter::Node;

use super::{children, items::Items, text};
use crate::ir::{IntType, Type};

pub(super) const USIZE: IntType = IntType::unsigned(64);
pub(super) const I32: IntType = IntType::signed(32);
pub(super) const U32: IntType = IntType::unsigned(32);

/// The largest code of a character.
pub(super) const CHAR_MAX: i128 = 0x0010_FFFF;

/// Types within types that are followed; deeper ones are unknown.
const NESTED_MAX: usize = 3;

/// Variables that one value may take; a type with more is unknown.
const LEAVES_MAX: usize = 24;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Slice,
    Vec,
    Array(i128),
}

#[derive(Debug, PartialEq)]
pub(super) struct Struct {
    pub(super) name: String,
    pub(super) fields: Vec<(String, Ty)>,
}

#[derive(Debug, PartialEq)]
pub(super) struct Enum {
    pub(super) name: String,
    /// Each with its fields, by name or place.
    pub(super) variants: Vec<Struct>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Ty {
    Unknown,
    /// Of what never comes back, and of the part of `None` that is not there.
    Never,
    Bool,
    Int(IntType),
    /// A literal whose type other code decides.
    IntVar(u32),
    Char,
    Float {
        single: bool,
    },
    /// `str`, or `String` if it is owned.
    Text {
        owned: bool,
    },
    Sequence(Box<Ty>, Kind),
    Option(Box<Ty>),
    Result(Box<Ty>, Box<Ty>),
    Tuple(Vec<Ty>),
    Struct(Rc<Struct>),
    Enum(Rc<Enum>),
    Ref {
        mutable: bool,
        to: Box<Ty>,
    },
}

impl Ty {
    pub(super) const UNIT: Self = Self::Tuple(Vec::new());

    pub(super) fn option(of: Self) -> Self {
        Self::Option(Box::new(of))
    }

    pub(super) fn result(value: Self, error: Self) -> Self {
        Self::Result(Box::new(value), Box::new(error))
    }

    /// What the IR keeps of a value, variable by variable.
    pub(super) fn leaves(&self) -> Vec<Type> {
        match self {
            Self::Unknown | Self::Never | Self::Sequence(_, Kind::Array(_)) => Vec::new(),
            Self::Bool => vec![Type::Bool],
            Self::Int(ty) => vec![Type::Int(*ty)],
            Self::IntVar(_) => vec![Type::Int(IntType::UNBOUNDED)],
            Self::Char => vec![Type::Int(U32)],
            Self::Float { single } => vec![Type::Float { single: *single }],
            Self::Text { .. } | Self::Sequence(..) => vec![Type::Ref],
            Self::Option(of) => joined(Type::Bool, [&**of]),
            Self::Result(value, error) => joined(Type::Bool, [&**value, &**error]),
            Self::Tuple(parts) => parts.iter().flat_map(Self::leaves).collect(),
            Self::Struct(of) => of.fields.iter().flat_map(|(_, ty)| ty.leaves()).collect(),
            Self::Enum(of) => {
                let fields = of.variants.iter().flat_map(|variant| &variant.fields);
                joined(Type::Int(U32), fields.map(|(_, ty)| ty))
            }
            Self::Ref { to, .. } => to.leaves(),
        }
    }

    pub(super) fn count(&self) -> usize {
        self.leaves().len()
    }

    /// Without the references around it.
    pub(super) fn bare(&self) -> &Self {
        if let Self::Ref { to, .. } = self { to.bare() } else { self }
    }

    /// What a reference of this type leads to; a box is what is in it.
    pub(super) fn behind(self) -> Self {
        if let Self::Ref { to, .. } = self { *to } else { self }
    }

    pub(super) fn element(&self) -> Option<&Self> {
        if let Self::Sequence(element, _) = self.bare() { Some(element) } else { None }
    }

    /// The fields of a tuple or struct, by name or place.
    pub(super) fn fields(&self) -> Vec<(String, Self)> {
        if let Self::Tuple(parts) = self.bare() {
            return parts.iter().enumerate().map(|(at, ty)| (at.to_string(), ty.clone())).collect();
        }
        if let Self::Struct(of) = self.bare() { of.fields.clone() } else { Vec::new() }
    }

    /// Of an `Option` or `Result`.
    pub(super) fn is_perhaps(&self) -> bool {
        matches!(self, Self::Option(_) | Self::Result(..))
    }

    pub(super) fn is_number(&self) -> bool {
        matches!(self, Self::Int(_) | Self::IntVar(_) | Self::Char)
    }

    /// Whether somebody could change what it stands for while it is held.
    pub(super) fn lends(&self) -> bool {
        match self {
            Self::Ref { mutable, to } => *mutable || to.lends(),
            Self::Option(of) | Self::Sequence(of, _) => of.lends(),
            Self::Result(value, error) => value.lends() || error.lends(),
            Self::Tuple(parts) => parts.iter().any(Self::lends),
            Self::Struct(of) => of.fields.iter().any(|(_, ty)| ty.lends()),
            Self::Enum(of) => {
                of.variants.iter().flat_map(|variant| &variant.fields).any(|(_, ty)| ty.lends())
            }
            Self::Unknown
            | Self::Never
            | Self::Bool
            | Self::Int(_)
            | Self::IntVar(_)
            | Self::Char
            | Self::Float { .. }
            | Self::Text { .. } => false,
        }
    }

    pub(super) fn is_unit(&self) -> bool {
        matches!(self, Self::Tuple(parts) if parts.is_empty())
    }

    /// What `cmp` gives.
    pub(super) fn ordering() -> Self {
        let variant = |name: &str| Struct { name: name.to_owned(), fields: Vec::new() };
        let variants = vec![variant("Less"), variant("Equal"), variant("Greater")];
        Self::Enum(Rc::new(Enum { name: "Ordering".to_owned(), variants }))
    }
}

fn joined<'a>(first: Type, rest: impl IntoIterator<Item = &'a Ty>) -> Vec<Type> {
    let rest = rest.into_iter().flat_map(Ty::leaves);
    std::iter::once(first).chain(rest).collect()
}

pub(super) fn int_type(name: &str) -> Option<IntType> {
    Some(match name {
        "i8" => IntType::signed(8),
        "i16" => IntType::signed(16),
        "i32" => I32,
        "i64" | "isize" => IntType::signed(64),
        "i128" => IntType::signed(128),
        "u8" => IntType::unsigned(8),
        "u16" => IntType::unsigned(16),
        "u32" => U32,
        "u64" | "usize" => USIZE,
        "u128" => IntType::unsigned(128),
        _ => return None,
    })
}

/// Where the name of a type is looked up.
pub(super) struct Names<'a> {
    pub(super) items: &'a Items<'a>,
    pub(super) module: &'a str,
    /// Parameters of types: nothing is known of them.
    pub(super) generics: &'a HashSet<String>,
    /// What `Self` is.
    pub(super) own: Option<&'a str>,
}

impl Names<'_> {
    pub(super) fn of(&self, node: Node<'_>) -> Ty {
        let ty = self.resolve(node, 0);
        if ty.count() > LEAVES_MAX { Ty::Unknown } else { ty }
    }

    /// As [`Self::of`], within another type.
    pub(super) fn resolve(&self, node: Node<'_>, depth: usize) -> Ty {
        if depth > NESTED_MAX {
            return Ty::Unknown;
        }
        let source = self.items.source;
        let field = |name: &str| node.child_by_field_name(name);
        match node.kind() {
            "primitive_type" => primitive(text(node, source)),
            "unit_type" => Ty::UNIT,
            "never_type" => Ty::Never,
            "tuple_type" => {
                let parts = children(node);
                Ty::Tuple(parts.into_iter().map(|it| self.resolve(it, depth + 1)).collect())
            }
            "reference_type" => {
                let mutable = children(node).iter().any(|it| it.kind() == "mutable_specifier");
                let to = field("type").map_or(Ty::Unknown, |it| self.resolve(it, depth));
                Ty::Ref { mutable, to: Box::new(to) }
            }
            "array_type" => {
                let element =
                    field("element").map_or(Ty::Unknown, |it| self.resolve(it, depth + 1));
                match field("length") {
                    None => Ty::Sequence(Box::new(element), Kind::Slice),
                    Some(length) => match self.items.integer(length, self.module, self.own) {
                        Some((length, _)) => Ty::Sequence(Box::new(element), Kind::Array(length)),
                        None => Ty::Unknown,
                    },
                }
            }
            "type_identifier" => self.named(text(node, source), depth),
            "scoped_type_identifier" => {
                let name = field("name").map_or("", |it| text(it, source));
                let path = field("path").map_or("", |it| text(it, source));
                let standard = ["std::", "core::", "alloc::"];
                match standard.iter().any(|root| path.starts_with(root)) || path == "cmp" {
                    true if matches!(name, "String" | "Ordering") && !path.contains("atomic") => {
                        self.standard(name)
                    }
                    _ => Ty::Unknown,
                }
            }
            "generic_type" => self.generic(node, depth),
            _ => Ty::Unknown,
        }
    }

    fn standard(&self, name: &str) -> Ty {
        match name {
            _ if self.items.is_imported(name) => Ty::Unknown,
            "String" => Ty::Text { owned: true },
            "Ordering" => Ty::ordering(),
            _ => Ty::Unknown,
        }
    }

    fn generic(&self, node: Node<'_>, depth: usize) -> Ty {
        let source = self.items.source;
        let (Some(name), Some(arguments)) =
            (node.child_by_field_name("type"), node.child_by_field_name("type_arguments"))
        else {
            return Ty::Unknown;
        };
        let whole = text(name, source);
        let name = whole.rsplit("::").next().unwrap_or(whole);
        let given: Vec<Node<'_>> =
            children(arguments).into_iter().filter(|it| it.kind() != "lifetime").collect();
        let part = |at: usize| given.get(at).map_or(Ty::Unknown, |it| self.resolve(*it, depth + 1));
        if whole == name && (self.generics.contains(name) || self.items.is_type(self.module, name))
        {
            return self.named(name, depth);
        }
        match name {
            // An alias of `Result` keeps its shape.
            _ if self.items.is_imported(name) && name != "Result" => Ty::Unknown,
            "Option" => Ty::option(part(0)),
            // An alias of one argument names its own error.
            "Result" => Ty::result(part(0), part(1)),
            "Vec" => Ty::Sequence(Box::new(part(0)), Kind::Vec),
            "Box" => part(0),
            _ => Ty::Unknown,
        }
    }

    pub(super) fn named(&self, name: &str, depth: usize) -> Ty {
        if self.generics.contains(name) || depth > NESTED_MAX {
            return Ty::Unknown;
        }
        if name == "Self" {
            return self.own.map_or(Ty::Unknown, |own| self.named(own, depth + 1));
        }
        let found = self.items.find_type(self.module, name, depth);
        match found {
            Some(ty) if ty.count() <= LEAVES_MAX => ty,
            Some(_) => Ty::Unknown,
            None if self.items.is_type(self.module, name) => Ty::Unknown,
            None if name == "Ordering" && self.items.source.contains("atomic") => Ty::Unknown,
            None => self.standard(name),
        }
    }
}

fn primitive(name: &str) -> Ty {
    match name {
        "bool" => Ty::Bool,
        "char" => Ty::Char,
        "str" => Ty::Text { owned: false },
        "f32" => Ty::Float { single: true },
        "f64" => Ty::Float { single: false },
        _ => int_type(name).map_or(Ty::Unknown, Ty::Int),
    }
}
