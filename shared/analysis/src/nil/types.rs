//! Static types of Go, as far as nil is concerned.

use std::{collections::HashMap, rc::Rc};

use tree_sitter::Node;

use super::syntax::{Form, children, text};

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Ty {
    /// Numbers, texts and truth values: never nil.
    Plain,
    Bool,
    Pointer(Rc<Ty>),
    Slice(Rc<Ty>),
    Array(Rc<Ty>),
    Map(Rc<Ty>),
    Channel(Rc<Ty>),
    /// By what it gives back.
    Func(Rc<[Ty]>),
    Interface(Rc<[Method]>),
    Error,
    Struct(Rc<[Field]>),
    /// A type of the package.
    Named(Rc<str>),
    /// Of another package, a type parameter, or not understood.
    Unknown,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    pub(super) name: Rc<str>,
    pub(super) ty: Ty,
    pub(super) embedded: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Method {
    pub(super) name: Rc<str>,
    pub(super) results: Vec<Ty>,
}

/// A parameter or result; its name is empty where it has none.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Slot {
    pub(super) name: Rc<str>,
    pub(super) ty: Ty,
}

/// A chain of names is short; a circle is no valid Go.
const CHAIN_MAX: usize = 16;

/// Structs within structs that a field is looked for in.
const EMBEDDED_MAX: usize = 4;

pub(super) type Types = HashMap<Rc<str>, Ty>;

impl Ty {
    /// Names in `generic` stand for any type.
    pub(super) fn of(node: Node<'_>, source: &str, generic: &[Rc<str>]) -> Self {
        let field = |name: &str| {
            let part = node.part(name);
            Rc::new(part.map_or(Self::Unknown, |part| Self::of(part, source, generic)))
        };
        let inner = || {
            let part = node.named_child(0);
            part.map_or(Self::Unknown, |part| Self::of(part, source, generic))
        };
        match node.form() {
            "type_identifier" | "identifier" => named(text(node, source), generic),
            "pointer_type" => Self::Pointer(Rc::new(inner())),
            "parenthesized_type" | "type_elem" => inner(),
            "slice_type" => Self::Slice(field("element")),
            "array_type" | "implicit_length_array_type" => Self::Array(field("element")),
            "map_type" => Self::Map(field("value")),
            "channel_type" => Self::Channel(field("value")),
            "generic_type" => (*field("type")).clone(),
            "function_type" => {
                let result = node.part("result");
                Self::Func(
                    results(result, source, generic).into_iter().map(|slot| slot.ty).collect(),
                )
            }
            "interface_type" => Self::Interface(methods(node, source, generic).into()),
            "struct_type" => Self::Struct(fields(node, source, generic).into()),
            _ => Self::Unknown,
        }
    }

    pub(super) fn pointer_to(self) -> Self {
        Self::Pointer(Rc::new(self))
    }

    /// Whether nil is one of its values.
    pub(super) fn is_nilable(&self) -> bool {
        match self {
            Self::Pointer(_)
            | Self::Slice(_)
            | Self::Map(_)
            | Self::Channel(_)
            | Self::Func(_)
            | Self::Interface(_)
            | Self::Error => true,
            Self::Plain
            | Self::Bool
            | Self::Array(_)
            | Self::Struct(_)
            | Self::Named(_)
            | Self::Unknown => false,
        }
    }

    pub(super) fn target(&self) -> Option<&Self> {
        if let Self::Pointer(target) = self { Some(target) } else { None }
    }

    /// What an index gives.
    pub(super) fn element(&self) -> Option<&Self> {
        if let Self::Slice(element) | Self::Array(element) | Self::Map(element) = self {
            return Some(element);
        }
        None
    }

    /// The name of a type of the package, or of what a pointer to it points to.
    pub(super) fn name(&self) -> Option<&Rc<str>> {
        if let Self::Pointer(target) = self {
            return target.name();
        }
        if let Self::Named(name) = self { Some(name) } else { None }
    }
}

fn named(name: &str, generic: &[Rc<str>]) -> Ty {
    if generic.iter().any(|own| **own == *name) {
        return Ty::Unknown;
    }
    match name {
        "bool" => Ty::Bool,
        "int" | "int8" | "int16" | "int32" | "int64" | "uint" | "uint8" | "uint16" | "uint32"
        | "uint64" | "uintptr" | "byte" | "rune" | "float32" | "float64" | "complex64"
        | "complex128" | "string" => Ty::Plain,
        "error" => Ty::Error,
        "any" => Ty::Interface(Rc::new([])),
        name => Ty::Named(name.into()),
    }
}

/// What a name stands for.
pub(super) fn underlying(ty: &Ty, types: &Types) -> Ty {
    let mut ty = ty.clone();
    for _ in 0..CHAIN_MAX {
        let Ty::Named(name) = &ty else { return ty };
        let Some(own) = types.get(name) else { return Ty::Unknown };
        ty = own.clone();
    }
    Ty::Unknown
}

/// A field by its name, also of an embedded struct.
pub(super) fn field(ty: &Ty, name: &str, types: &Types) -> Option<Ty> {
    field_within(ty, name, types, EMBEDDED_MAX)
}

fn field_within(ty: &Ty, name: &str, types: &Types, levels: usize) -> Option<Ty> {
    let mut under = underlying(ty, types);
    if let Ty::Pointer(target) = under {
        under = underlying(&target, types);
    }
    let Ty::Struct(fields) = under else { return None };
    if let Some(own) = fields.iter().find(|field| *field.name == *name) {
        return Some(own.ty.clone());
    }
    let levels = levels.checked_sub(1)?;
    let mut embedded = fields.iter().filter(|field| field.embedded);
    embedded.find_map(|field| field_within(&field.ty, name, types, levels))
}

fn fields(node: Node<'_>, source: &str, generic: &[Rc<str>]) -> Vec<Field> {
    let Some(list) = node.named_child(0) else { return Vec::new() };
    let mut fields = Vec::new();
    for declared in children(list).into_iter().filter(|it| it.form() == "field_declaration") {
        let Some(own) = declared.part("type") else { continue };
        let ty = Ty::of(own, source, generic);
        let mut cursor = declared.walk();
        let named: Vec<_> = declared.children_by_field_name("name", &mut cursor).collect();
        if named.is_empty() {
            let whole = text(own, source);
            let bare = whole.split('[').next().unwrap_or(whole);
            let name = bare.rsplit(['.', '*']).next().unwrap_or(bare).trim();
            // The star of an embedded pointer stands beside its type.
            let is_pointer = text(declared, source).starts_with('*');
            let ty = if is_pointer { ty.pointer_to() } else { ty };
            fields.push(Field { name: name.into(), ty, embedded: true });
            continue;
        }
        for name in named.into_iter().filter(|name| name.form() == "field_identifier") {
            let name = text(name, source).into();
            fields.push(Field { name, ty: ty.clone(), embedded: false });
        }
    }
    fields
}

fn methods(node: Node<'_>, source: &str, generic: &[Rc<str>]) -> Vec<Method> {
    let declared = children(node).into_iter().filter(|it| it.form() == "method_elem");
    let method = |declared: Node<'_>| {
        let name = text(declared.part("name")?, source).into();
        let results = results(declared.part("result"), source, generic);
        Some(Method { name, results: results.into_iter().map(|slot| slot.ty).collect() })
    };
    declared.filter_map(method).collect()
}

pub(super) fn results(node: Option<Node<'_>>, source: &str, generic: &[Rc<str>]) -> Vec<Slot> {
    match node {
        None => Vec::new(),
        Some(list) if list.form() == "parameter_list" => parameters(list, source, generic).0,
        Some(one) => vec![Slot { name: "".into(), ty: Ty::of(one, source, generic) }],
    }
}

/// The parameters of a list, and whether the last takes any number of values.
pub(super) fn parameters(list: Node<'_>, source: &str, generic: &[Rc<str>]) -> (Vec<Slot>, bool) {
    let (mut all, mut variadic) = (Vec::new(), false);
    for declared in children(list) {
        let ty = declared.part("type");
        let ty = ty.map_or(Ty::Unknown, |ty| Ty::of(ty, source, generic));
        let spread = declared.form() == "variadic_parameter_declaration";
        variadic |= spread;
        let ty = if spread { Ty::Slice(Rc::new(ty)) } else { ty };
        let mut cursor = declared.walk();
        let names: Vec<Rc<str>> = declared
            .children_by_field_name("name", &mut cursor)
            .filter(|name| name.form() == "identifier")
            .map(|name| text(name, source).into())
            .collect();
        if names.is_empty() {
            all.push(Slot { name: "".into(), ty });
            continue;
        }
        all.extend(names.into_iter().map(|name| Slot { name, ty: ty.clone() }));
    }
    (all, variadic)
}
