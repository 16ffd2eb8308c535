//! What JavaScript's own functions promise about their results.

use crate::ir::{Kind, Kinds};

const STR: Kinds = Kinds::of(Kind::Str);
const BOOL: Kinds = Kinds::of(Kind::Bool);
const INT: Kinds = Kinds::of(Kind::Int);
const ARRAY: Kinds = Kinds::of(Kind::Array);
const OBJECT: Kinds = Kinds::of(Kind::Object);
const UNDEFINED: Kinds = Kinds::of(Kind::Undefined);

/// A function whose name stands alone, if it runs nothing of the program for plain values.
pub(super) fn function(name: &str) -> Option<Kinds> {
    Some(match name {
        "parseInt" | "parseFloat" | "Number" => Kinds::NUMBER,
        "isNaN" | "isFinite" | "Boolean" => BOOL,
        "String" | "encodeURIComponent" | "encodeURI" | "decodeURIComponent" | "decodeURI"
        | "escape" | "unescape" | "btoa" | "atob" => STR,
        "Symbol" => Kinds::of(Kind::Symbol),
        "Array" => ARRAY,
        "Error" | "TypeError" | "RangeError" | "SyntaxError" | "Date" | "RegExp" => OBJECT,
        _ => return None,
    })
}

pub(super) fn is_quiet(name: &str) -> bool {
    function(name).is_some() || matches!(name, "BigInt" | "setTimeout" | "clearTimeout" | "alert")
}

/// Classes whose making runs nothing of the program for plain values.
pub(super) fn is_plain_class(name: &str) -> bool {
    matches!(
        name,
        "Map"
            | "Set"
            | "WeakMap"
            | "WeakSet"
            | "Date"
            | "Error"
            | "TypeError"
            | "RangeError"
            | "RegExp"
            | "URL"
            | "URLSearchParams"
            | "AbortController"
            | "TextEncoder"
            | "TextDecoder"
    )
}

/// Classes that take a length, which must not be negative.
pub(super) fn takes_length(name: &str) -> bool {
    matches!(
        name,
        "Array"
            | "ArrayBuffer"
            | "Uint8Array"
            | "Uint8ClampedArray"
            | "Int8Array"
            | "Uint16Array"
            | "Int16Array"
            | "Uint32Array"
            | "Int32Array"
            | "Float32Array"
            | "Float64Array"
            | "BigInt64Array"
            | "BigUint64Array"
    )
}

/// A method of a string or an array, given plain values.
pub(super) fn method(of: Kind, name: &str) -> Option<Kinds> {
    Some(match (of, name) {
        (
            Kind::Str,
            "trim" | "trimStart" | "trimEnd" | "toUpperCase" | "toLowerCase" | "slice"
            | "substring" | "substr" | "replace" | "replaceAll" | "repeat" | "padStart" | "padEnd"
            | "concat" | "charAt" | "normalize" | "toString" | "valueOf" | "toLocaleLowerCase"
            | "toLocaleUpperCase",
        )
        | (Kind::Array, "join" | "toString")
        | (Kind::Int | Kind::Float | Kind::BigInt | Kind::Bool, "toString" | "toLocaleString")
        | (Kind::Int | Kind::Float, "toFixed" | "toPrecision" | "toExponential") => STR,
        (Kind::Str, "startsWith" | "endsWith" | "includes" | "isWellFormed")
        | (Kind::Array, "includes" | "some" | "every") => BOOL,
        (Kind::Str, "indexOf" | "lastIndexOf" | "search" | "localeCompare")
        | (Kind::Array, "indexOf" | "lastIndexOf" | "findIndex" | "findLastIndex") => INT,
        (Kind::Str, "charCodeAt") => Kinds::NUMBER,
        (Kind::Str, "codePointAt") => INT.or(UNDEFINED),
        (Kind::Str, "split")
        | (
            Kind::Array,
            "map" | "filter" | "slice" | "concat" | "flat" | "flatMap" | "splice" | "toSorted"
            | "toReversed" | "sort" | "reverse" | "fill",
        ) => ARRAY,
        (Kind::Str, "match") => ARRAY.or(Kinds::of(Kind::Null)),
        (Kind::Str, "matchAll") | (Kind::Array, "keys" | "entries" | "values") => OBJECT,
        (Kind::Array, "forEach") => UNDEFINED,
        _ => return None,
    })
}

/// How long a string is that was made of another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    AtLeast,
    AtMost,
}

/// Upper and lower case of one character are one or more, whatever the language.
pub(super) fn length_of(of: Kind, name: &str) -> Option<Length> {
    match (of, name) {
        (Kind::Str, "toUpperCase" | "toLowerCase" | "padStart" | "padEnd" | "concat") => {
            Some(Length::AtLeast)
        }
        (
            Kind::Str,
            "trim" | "trimStart" | "trimEnd" | "slice" | "substring" | "substr" | "charAt",
        ) => Some(Length::AtMost),
        _ => None,
    }
}

/// Methods that may give nothing, for a reason that is known.
pub(super) fn may_be_missing(of: Kind, name: &str) -> bool {
    of == Kind::Array && matches!(name, "find" | "findLast" | "pop" | "shift" | "at")
        || of == Kind::Str && matches!(name, "match" | "at" | "codePointAt")
}

/// Methods that change what they are called on and come back.
pub(super) fn only_changes(name: &str) -> bool {
    matches!(
        name,
        "push"
            | "unshift"
            | "set"
            | "add"
            | "append"
            | "sort"
            | "log"
            | "warn"
            | "info"
            | "debug"
            | "preventDefault"
            | "stopPropagation"
    )
}

/// A function of one of JavaScript's own objects, for plain values.
pub(super) fn of_object(object: &str, name: &str) -> Option<Kinds> {
    Some(match (object, name) {
        (
            "Math",
            "sqrt" | "cbrt" | "pow" | "random" | "log" | "log2" | "log10" | "exp" | "sin" | "cos"
            | "tan" | "atan" | "atan2" | "asin" | "acos" | "hypot" | "fround" | "log1p" | "expm1"
            | "floor" | "ceil" | "round" | "trunc" | "abs" | "min" | "max" | "sign" | "imul"
            | "clz32",
        )
        | ("Number", "parseFloat" | "parseInt") => Kinds::NUMBER,
        ("Number", "isInteger" | "isSafeInteger" | "isFinite" | "isNaN")
        | ("Array", "isArray")
        | ("Object", "is" | "isFrozen" | "isSealed") => BOOL,
        ("Array", "of") | ("Object", "keys" | "values" | "entries" | "getOwnPropertyNames") => {
            ARRAY
        }
        ("String", "fromCharCode" | "fromCodePoint") => STR,
        ("JSON", "stringify") => STR.or(UNDEFINED),
        ("Date" | "performance", "now") => Kinds::NUMBER,
        ("Object", "create") => OBJECT,
        _ => return None,
    })
}
