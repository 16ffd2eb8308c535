//! Static types of Java as far as checks need them.

use tree_sitter::Node;

use crate::ir::{IntType, Type};

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Ty {
    Bool,
    Int(IntType),
    Float {
        single: bool,
    },
    /// By its simple name, with the dimensions of an array.
    Ref(String, usize),
    /// Not known; its value is read when the context says what it must be.
    Unknown,
}

pub(super) const INT: IntType = IntType::signed(32);
pub(super) const LONG: IntType = IntType::signed(64);
pub(super) const CHAR: IntType = IntType::unsigned(16);
pub(super) const SHORT: IntType = IntType::signed(16);
pub(super) const BYTE: IntType = IntType::signed(8);

impl Ty {
    pub(super) fn named(name: &str) -> Self {
        match name {
            "boolean" => Self::Bool,
            "byte" => Self::Int(BYTE),
            "short" => Self::Int(SHORT),
            "char" => Self::Int(CHAR),
            "int" => Self::Int(INT),
            "long" => Self::Int(LONG),
            "float" => Self::Float { single: true },
            "double" => Self::Float { single: false },
            other => Self::Ref(simple(other).to_owned(), 0),
        }
    }

    pub(super) fn of(node: Node<'_>, text: &str) -> Self {
        let whole = text.get(node.byte_range()).unwrap_or_default();
        if node.kind() == "array_type" {
            let element = node.child_by_field_name("element").map(|node| Self::of(node, text));
            let dimensions = whole.matches('[').count();
            return element.unwrap_or(Self::Unknown).array(dimensions);
        }
        Self::named(whole)
    }

    /// An array of this, `dimensions` deep. Elements that are primitive keep their name.
    pub(super) fn array(self, dimensions: usize) -> Self {
        if dimensions == 0 {
            return self;
        }
        if let Self::Ref(name, own) = self {
            return Self::Ref(name, own + dimensions);
        }
        Self::Ref(self.name().to_owned(), dimensions)
    }

    pub(super) fn element(&self) -> Self {
        match self {
            Self::Ref(name, 1) => Self::named(name),
            Self::Ref(name, dimensions) if *dimensions > 1 => {
                Self::Ref(name.clone(), dimensions - 1)
            }
            Self::Ref(..) | Self::Bool | Self::Int(_) | Self::Float { .. } | Self::Unknown => {
                Self::Unknown
            }
        }
    }

    pub(super) fn name(&self) -> &str {
        match self {
            Self::Bool => "boolean",
            Self::Int(BYTE) => "byte",
            Self::Int(SHORT) => "short",
            Self::Int(CHAR) => "char",
            Self::Int(LONG) => "long",
            Self::Int(_) => "int",
            Self::Float { single: true } => "float",
            Self::Float { single: false } => "double",
            Self::Ref(name, _) => name,
            Self::Unknown => "?",
        }
    }

    /// As the code names it, with the brackets of an array.
    pub(super) fn text(&self) -> String {
        let dimensions = if let Self::Ref(_, dimensions) = self { *dimensions } else { 0 };
        format!("{}{}", self.name(), "[]".repeat(dimensions))
    }

    pub(super) fn ir(&self) -> Type {
        match self {
            Self::Bool => Type::Bool,
            Self::Int(ty) => Type::Int(*ty),
            Self::Float { single } => Type::Float { single: *single },
            Self::Ref(..) | Self::Unknown => Type::Ref,
        }
    }

    /// What a box such as `Integer` holds.
    pub(super) fn unboxed(&self) -> Option<Self> {
        let Self::Ref(name, 0) = self else { return None };
        let primitive = match name.as_str() {
            "Integer" => "int",
            "Long" => "long",
            "Short" => "short",
            "Byte" => "byte",
            "Character" => "char",
            "Boolean" => "boolean",
            "Float" => "float",
            "Double" => "double",
            _ => return None,
        };
        Some(Self::named(primitive))
    }

    pub(super) fn is_string(&self) -> bool {
        matches!(self, Self::Ref(name, 0) if name == "String")
    }
}

/// `java.util.List<String>` is `List`.
pub(super) fn simple(name: &str) -> &str {
    let bare = name.split('<').next().unwrap_or(name).trim();
    bare.rsplit('.').next().unwrap_or(bare)
}

/// Both operands in the type that Java computes in.
pub(super) fn promoted(one: &Ty, two: &Ty) -> Ty {
    match (one, two) {
        (Ty::Float { single: false }, _) | (_, Ty::Float { single: false }) => {
            Ty::Float { single: false }
        }
        (Ty::Float { .. }, _) | (_, Ty::Float { .. }) => Ty::Float { single: true },
        (Ty::Int(LONG), _) | (_, Ty::Int(LONG)) => Ty::Int(LONG),
        (Ty::Int(_), Ty::Int(_)) => Ty::Int(INT),
        _ => Ty::Unknown,
    }
}
