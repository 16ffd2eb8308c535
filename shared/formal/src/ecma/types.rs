//! What the types of TypeScript say about values.

use tree_sitter::Node;

use super::module::Module;
use crate::{
    ir::{Kind, Kinds},
    syntax::{children, text},
};

/// Aliases of aliases that are followed.
const ALIASES_MAX: usize = 16;

/// What a declared value may be, and what its elements are if it is an array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Declared {
    pub(super) kinds: Kinds,
    pub(super) element: Option<Kinds>,
}

impl Declared {
    pub(super) const ANY: Self = Self { kinds: Kinds::ALL, element: None };

    fn of(kinds: Kinds) -> Self {
        Self { kinds, element: None }
    }

    fn kind(kind: Kind) -> Self {
        Self::of(Kinds::of(kind))
    }

    fn or(self, other: Self) -> Self {
        let element = match (self.element, other.element) {
            (Some(one), Some(two)) => Some(one.or(two)),
            // Of the one that is an array nothing may be known.
            (one, two) => match (self.kinds, other.kinds) {
                (_, kinds) if !kinds.contains(Kind::Array) => one,
                (kinds, _) if !kinds.contains(Kind::Array) => two,
                _ => None,
            },
        };
        Self { kinds: self.kinds.or(other.kinds), element }
    }
}

impl Module<'_> {
    /// Of an annotation, `: T`.
    pub(super) fn annotated(&self, annotation: Node<'_>) -> Declared {
        match annotation.named_child(0) {
            Some(ty) if annotation.kind() == "type_annotation" => self.declared(ty, 0),
            _ => Declared::ANY,
        }
    }

    fn declared(&self, ty: Node<'_>, depth: usize) -> Declared {
        if depth > ALIASES_MAX {
            return Declared::ANY;
        }
        let inner = || match ty.named_child(0) {
            Some(inner) => self.declared(inner, depth + 1),
            None => Declared::ANY,
        };
        match ty.kind() {
            "predefined_type" => predefined(text(ty, self.source)),
            "literal_type" => literal(ty, self.source),
            "undefined" => Declared::kind(Kind::Undefined),
            "null" => Declared::kind(Kind::Null),
            "union_type" => children(ty)
                .into_iter()
                .map(|part| self.declared(part, depth + 1))
                .reduce(Declared::or)
                .unwrap_or(Declared::ANY),
            "parenthesized_type" | "readonly_type" => inner(),
            "array_type" => {
                Declared { element: Some(inner().kinds), ..Declared::kind(Kind::Array) }
            }
            "tuple_type" => Declared::kind(Kind::Array),
            "function_type" | "constructor_type" => Declared::kind(Kind::Function),
            "object_type" => Declared::of(Kinds::OBJECTS),
            "template_literal_type" => Declared::kind(Kind::Str),
            "generic_type" => self.generic(ty, depth),
            "type_identifier" => self.named(text(ty, self.source), depth),
            _ => Declared::ANY,
        }
    }

    fn generic(&self, ty: Node<'_>, depth: usize) -> Declared {
        let Some(name) = ty.child_by_field_name("name") else { return Declared::ANY };
        let arguments = ty.child_by_field_name("type_arguments").map(children).unwrap_or_default();
        let first = || arguments.first().map(|first| self.declared(*first, depth + 1));
        match text(name, self.source) {
            own if self.binds_type(own) => self.named(own, depth),
            "Array" | "ReadonlyArray" => Declared {
                element: first().map(|first| first.kinds),
                ..Declared::kind(Kind::Array)
            },
            "Readonly" | "NonNullable" => match first() {
                Some(inner) if text(name, self.source) == "NonNullable" => {
                    Declared { kinds: inner.kinds.without(Kinds::NULLISH), ..inner }
                }
                Some(inner) => inner,
                None => Declared::ANY,
            },
            other => named_object(other),
        }
    }

    /// A name of this file, or one of the language's own. What was imported may be anything.
    fn named(&self, name: &str, depth: usize) -> Declared {
        if self.type_parameters.contains(name) {
            return Declared::ANY;
        }
        match self.types.get(name) {
            Some(declaration) => match declaration.kind() {
                "type_alias_declaration" => match declaration.child_by_field_name("value") {
                    Some(value) => self.declared(value, depth + 1),
                    None => Declared::ANY,
                },
                "enum_declaration" => Declared::of(Kinds::NUMBER.with(Kind::Str)),
                _ => Declared::of(Kinds::OBJECTS),
            },
            None if self.binds_type(name) => Declared::ANY,
            None if name == "bigint" => Declared::kind(Kind::BigInt),
            None => named_object(name),
        }
    }

    fn binds_type(&self, name: &str) -> bool {
        self.types.contains_key(name)
            || self.names.contains_key(name)
            || self.type_parameters.contains(name)
    }
}

fn predefined(name: &str) -> Declared {
    match name {
        "number" => Declared::of(Kinds::NUMBER),
        "string" => Declared::kind(Kind::Str),
        "boolean" => Declared::kind(Kind::Bool),
        "bigint" => Declared::kind(Kind::BigInt),
        "symbol" => Declared::kind(Kind::Symbol),
        "void" | "undefined" => Declared::kind(Kind::Undefined),
        "object" => Declared::of(Kinds::OBJECTS),
        _ => Declared::ANY,
    }
}

fn literal(ty: Node<'_>, source: &str) -> Declared {
    let Some(inner) = ty.named_child(0) else { return Declared::ANY };
    match inner.kind() {
        "null" => Declared::kind(Kind::Null),
        "undefined" => Declared::kind(Kind::Undefined),
        "true" | "false" => Declared::kind(Kind::Bool),
        "string" => Declared::kind(Kind::Str),
        "number" | "unary_expression" if text(inner, source).ends_with('n') => {
            Declared::kind(Kind::BigInt)
        }
        "number" | "unary_expression" => Declared::of(Kinds::NUMBER),
        _ => Declared::ANY,
    }
}

/// Classes of the language and its platforms, whose values are there.
fn named_object(name: &str) -> Declared {
    match name {
        "Date" | "RegExp" | "Error" | "TypeError" | "RangeError" | "Map" | "Set" | "WeakMap"
        | "WeakSet" | "Promise" | "Record" | "Partial" | "Required" | "ReadonlyMap"
        | "ReadonlySet" | "Buffer" | "ArrayBuffer" | "DataView" | "URL" | "URLSearchParams"
        | "Uint8Array" | "Int8Array" | "Uint16Array" | "Int16Array" | "Uint32Array"
        | "Int32Array" | "Float32Array" | "Float64Array" | "BigInt64Array" | "Iterable"
        | "Iterator" | "AsyncIterable" | "Generator" => Declared::kind(Kind::Object),
        "Function" => Declared::kind(Kind::Function),
        _ => Declared::ANY,
    }
}
