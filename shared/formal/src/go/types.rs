//! Static types of Go as far as checks need them.

use std::collections::HashMap;

use tree_sitter::Node;

use crate::{
    ir::{IntType, Type},
    syntax::{children, text},
};

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Ty {
    Bool,
    /// `word`: as wide as the machine's words, which are taken to have 64 bits.
    Int {
        int: IntType,
        word: bool,
    },
    Float {
        single: bool,
    },
    Str,
    Slice(Box<Ty>),
    Array(Option<i128>, Box<Ty>),
    /// By its keys and its values.
    Map(Box<Ty>, Box<Ty>),
    Ptr(Box<Ty>),
    Func(Signed),
    Chan(Box<Ty>),
    Interface,
    Error,
    Struct(Vec<Field>),
    /// A type of the package, or `package.Name` of another; or an interface with its methods.
    Named(String),
    /// Constants without a type.
    ConstInt,
    ConstFloat,
    Nil,
    Unknown,
}

/// What a function takes and gives back.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Signed {
    /// None where they are not known, or any number of them.
    pub(super) parameters: Option<Vec<Ty>>,
    pub(super) results: Vec<Ty>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) ty: Ty,
    pub(super) embedded: bool,
}

pub(super) const INT: Ty = Ty::Int { int: IntType::signed(64), word: true };

const fn sized(bits: u8, signed: bool) -> Ty {
    Ty::Int { int: IntType { bits: Some(bits), signed }, word: false }
}

/// What the names in types mean: constants as lengths, and names that stand for any type.
pub(super) struct Names<'a> {
    pub(super) source: &'a str,
    pub(super) lengths: &'a HashMap<String, i128>,
    pub(super) generic: &'a [String],
}

/// A type that the language itself names.
pub(super) fn basic(name: &str) -> Option<Ty> {
    Some(match name {
        "bool" => Ty::Bool,
        "int" => INT,
        "uint" | "uintptr" => Ty::Int { int: IntType::unsigned(64), word: true },
        "int8" => sized(8, true),
        "int16" => sized(16, true),
        "int32" | "rune" => sized(32, true),
        "int64" => sized(64, true),
        "uint8" | "byte" => sized(8, false),
        "uint16" => sized(16, false),
        "uint32" => sized(32, false),
        "uint64" => sized(64, false),
        "float32" => Ty::Float { single: true },
        "float64" => Ty::Float { single: false },
        "string" => Ty::Str,
        "error" => Ty::Error,
        "any" => Ty::Interface,
        _ => return None,
    })
}

/// Types of the platform that are numbers or interfaces, which their use does not show.
fn platform(name: &str) -> Option<Ty> {
    Some(match name {
        "time.Duration" => sized(64, true),
        "time.Month" | "time.Weekday" => INT,
        "os.FileMode" | "fs.FileMode" => sized(32, false),
        "io.Reader"
        | "io.Writer"
        | "io.ReadCloser"
        | "io.ReadWriter"
        | "io.Closer"
        | "context.Context"
        | "http.ResponseWriter"
        | "http.Handler"
        | "fmt.Stringer"
        | "net.Conn"
        | "net.Error" => Ty::Interface,
        _ if name.starts_with("interface") => Ty::Interface,
        _ => return None,
    })
}

impl Ty {
    pub(super) fn of(node: Node<'_>, names: &Names<'_>) -> Self {
        let field = |name: &str| {
            node.child_by_field_name(name).map_or(Self::Unknown, |node| Self::of(node, names))
        };
        let whole = text(node, names.source);
        match node.kind() {
            "type_identifier" | "identifier" => match basic(whole) {
                _ if names.generic.iter().any(|own| own == whole) => Self::Unknown,
                Some(ty) => ty,
                None => Self::Named(whole.to_owned()),
            },
            "qualified_type" => Self::Named(whole.to_owned()),
            "pointer_type" => Self::Ptr(Box::new(inner(node, names))),
            "parenthesized_type" => inner(node, names),
            "slice_type" => Self::Slice(Box::new(field("element"))),
            "array_type" => {
                let length = node.child_by_field_name("length").map(|it| text(it, names.source));
                let length = length.and_then(|length| {
                    length
                        .replace('_', "")
                        .parse()
                        .ok()
                        .or_else(|| names.lengths.get(length).copied())
                });
                Self::Array(length, Box::new(field("element")))
            }
            "map_type" => Self::Map(Box::new(field("key")), Box::new(field("value"))),
            "channel_type" => Self::Chan(Box::new(field("value"))),
            "function_type" => Self::Func(signed(node, names)),
            "interface_type" if children(node).is_empty() => Self::Interface,
            "interface_type" => Self::Named(whole.to_owned()),
            "struct_type" => Self::Struct(fields(node, names)),
            _ => Self::Unknown,
        }
    }

    pub(super) fn ir(&self) -> Type {
        match self {
            Self::Bool => Type::Bool,
            Self::Int { int, .. } => Type::Int(*int),
            Self::ConstInt => Type::Int(IntType::UNBOUNDED),
            Self::Float { single } => Type::Float { single: *single },
            Self::ConstFloat => Type::Float { single: false },
            Self::Str
            | Self::Slice(_)
            | Self::Array(..)
            | Self::Map(..)
            | Self::Ptr(_)
            | Self::Func(_)
            | Self::Chan(_)
            | Self::Interface
            | Self::Error
            | Self::Struct(_)
            | Self::Named(_)
            | Self::Nil
            | Self::Unknown => Type::Ref,
        }
    }

    /// Whether `nil` is one of its values.
    pub(super) fn is_nilable(&self) -> bool {
        matches!(
            self,
            Self::Slice(_)
                | Self::Map(..)
                | Self::Ptr(_)
                | Self::Func(_)
                | Self::Chan(_)
                | Self::Interface
                | Self::Error
                | Self::Nil
                | Self::Unknown
        )
    }

    /// The type of a variable that a constant is put into.
    pub(super) fn settled(self) -> Self {
        if self == Self::ConstInt {
            return INT;
        }
        if self == Self::ConstFloat { Self::Float { single: false } } else { self }
    }

    pub(super) fn int(&self) -> Option<IntType> {
        if let Self::Int { int, .. } = self { Some(*int) } else { None }
    }

    pub(super) fn is_integer(&self) -> bool {
        matches!(self, Self::Int { .. } | Self::ConstInt)
    }

    /// What a pointer points to.
    pub(super) fn target(&self) -> Option<&Self> {
        if let Self::Ptr(target) = self { Some(target) } else { None }
    }

    pub(super) fn fields(&self) -> Option<&[Field]> {
        if let Self::Struct(fields) = self { Some(fields) } else { None }
    }

    pub(super) fn map_value(&self) -> Option<&Self> {
        if let Self::Map(_, value) = self { Some(value) } else { None }
    }

    pub(super) fn channel_element(&self) -> Option<&Self> {
        if let Self::Chan(element) = self { Some(element) } else { None }
    }

    /// What a slice or an array is made of, and how long an array is.
    pub(super) fn sequence(&self) -> Option<(Option<i128>, &Self)> {
        if let Self::Slice(element) = self {
            return Some((None, element));
        }
        if let Self::Array(length, element) = self { Some((*length, element)) } else { None }
    }

    pub(super) fn is_array(&self) -> bool {
        matches!(self, Self::Array(..))
    }

    pub(super) fn is_constant(&self) -> bool {
        matches!(self, Self::ConstInt | Self::ConstFloat)
    }
}

fn inner(node: Node<'_>, names: &Names<'_>) -> Ty {
    node.named_child(0).map_or(Ty::Unknown, |node| Ty::of(node, names))
}

fn fields(node: Node<'_>, names: &Names<'_>) -> Vec<Field> {
    let Some(list) = node.named_child(0) else { return Vec::new() };
    let mut fields = Vec::new();
    for declared in children(list).into_iter().filter(|it| it.kind() == "field_declaration") {
        let Some(own) = declared.child_by_field_name("type") else { continue };
        let ty = Ty::of(own, names);
        let mut cursor = declared.walk();
        let named: Vec<_> = declared.children_by_field_name("name", &mut cursor).collect();
        if named.is_empty() {
            let whole = text(own, names.source);
            let name = whole.rsplit(['.', '*']).next().unwrap_or(whole).to_owned();
            // The star of an embedded pointer stands beside its type.
            let is_pointer = text(declared, names.source).starts_with('*');
            let ty = if is_pointer { Ty::Ptr(Box::new(ty)) } else { ty };
            fields.push(Field { name, ty, embedded: true });
            continue;
        }
        for name in named.into_iter().filter(|name| name.kind() == "field_identifier") {
            let name = text(name, names.source).to_owned();
            fields.push(Field { name, ty: ty.clone(), embedded: false });
        }
    }
    fields
}

/// What a function type or literal says of its parameters and results.
pub(super) fn signed(node: Node<'_>, names: &Names<'_>) -> Signed {
    let types = |list: Vec<(String, Ty)>| list.into_iter().map(|(_, ty)| ty).collect();
    let given = node.child_by_field_name("parameters").map(|list| parameters(list, names));
    let known = given.filter(|(_, variadic)| !variadic);
    Signed {
        parameters: known.map(|(list, _)| types(list)),
        results: types(results(node.child_by_field_name("result"), names)),
    }
}

/// Names and types of what a function gives back; names are empty where there are none.
pub(super) fn results(node: Option<Node<'_>>, names: &Names<'_>) -> Vec<(String, Ty)> {
    match node {
        None => Vec::new(),
        Some(list) if list.kind() == "parameter_list" => parameters(list, names).0,
        Some(one) => vec![(String::new(), Ty::of(one, names))],
    }
}

/// Names and types of a list of parameters, and whether the last takes any number of values.
pub(super) fn parameters(list: Node<'_>, names: &Names<'_>) -> (Vec<(String, Ty)>, bool) {
    let mut all = Vec::new();
    let mut variadic = false;
    for declared in children(list) {
        let ty = declared.child_by_field_name("type").map_or(Ty::Unknown, |it| Ty::of(it, names));
        let spread = declared.kind() == "variadic_parameter_declaration";
        variadic |= spread;
        let ty = if spread { Ty::Slice(Box::new(ty)) } else { ty };
        let mut cursor = declared.walk();
        let named: Vec<_> = declared
            .children_by_field_name("name", &mut cursor)
            .filter(|name| name.kind() == "identifier")
            .collect();
        if named.is_empty() {
            all.push((String::new(), ty));
            continue;
        }
        all.extend(named.into_iter().map(|name| (text(name, names.source).to_owned(), ty.clone())));
    }
    (all, variadic)
}

/// What a named type is made of; types of other packages are mostly unknown.
pub(super) fn underlying(ty: &Ty, types: &HashMap<String, Ty>) -> Ty {
    let mut ty = ty.clone();
    // A chain of names is short; a circle is no valid Go.
    for _ in 0..16 {
        let Ty::Named(name) = &ty else { return ty };
        ty = match types.get(name) {
            Some(own) => own.clone(),
            None => return platform(name).unwrap_or(Ty::Unknown),
        };
    }
    Ty::Unknown
}
