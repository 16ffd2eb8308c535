//! What Python's own functions promise about their results.

use crate::ir::Tag;

/// What a builtin function gives back, whatever it is given; if it gives anything.
pub(super) fn builtin(name: &str) -> Option<Tag> {
    Some(match name {
        "len" | "int" | "ord" | "hash" | "id" => Tag::Int,
        "float" => Tag::Float,
        "str" | "repr" | "chr" | "input" | "format" | "hex" | "bin" | "oct" | "ascii" => Tag::Str,
        "bool" | "isinstance" | "issubclass" | "callable" | "hasattr" | "any" | "all" => Tag::Bool,
        "list" | "sorted" | "dir" => Tag::List,
        "tuple" | "divmod" => Tag::Tuple,
        "print" => Tag::None,
        "range" | "enumerate" | "zip" | "map" | "filter" | "reversed" | "dict" | "set"
        | "frozenset" | "open" | "object" | "bytes" | "bytearray" | "iter" | "type" | "slice"
        | "memoryview" | "complex" | "super" => Tag::Object,
        _ => return None,
    })
}

/// Whether a builtin runs nothing of the program, for values of Python's own types.
pub(super) fn is_quiet(name: &str) -> bool {
    builtin(name).is_some() && !matches!(name, "sorted" | "map" | "filter" | "any" | "all")
        || matches!(name, "abs" | "min" | "max" | "round" | "sum" | "pow")
}

/// Whether a builtin raises nothing for values of Python's own types.
pub(super) fn is_total(name: &str) -> bool {
    matches!(name, "print" | "str" | "repr" | "bool" | "type" | "id" | "callable" | "ascii")
}

/// A method of one of Python's own types.
pub(super) fn method(of: Tag, name: &str) -> Option<Tag> {
    Some(match (of, name) {
        (
            Tag::Str,
            "strip" | "lstrip" | "rstrip" | "lower" | "upper" | "title" | "capitalize" | "casefold"
            | "swapcase" | "replace" | "join" | "format" | "format_map" | "center" | "ljust"
            | "rjust" | "zfill" | "expandtabs" | "translate" | "removeprefix" | "removesuffix",
        ) => Tag::Str,
        (Tag::Str, "split" | "rsplit" | "splitlines") => Tag::List,
        (Tag::Str, "partition" | "rpartition") => Tag::Tuple,
        (Tag::Str, "find" | "rfind" | "index" | "rindex" | "count") => Tag::Int,
        (
            Tag::Str,
            "startswith" | "endswith" | "isdigit" | "isalpha" | "isalnum" | "isspace" | "islower"
            | "isupper" | "isnumeric" | "isdecimal" | "isidentifier" | "istitle" | "isprintable"
            | "isascii",
        ) => Tag::Bool,
        (Tag::Str, "encode") => Tag::Object,
        (Tag::List | Tag::Tuple, "index" | "count") => Tag::Int,
        (Tag::List, "append" | "extend" | "insert" | "remove" | "clear" | "sort" | "reverse") => {
            Tag::None
        }
        (Tag::List, "copy") => Tag::List,
        (Tag::Int, "bit_length" | "bit_count") => Tag::Int,
        (Tag::Float, "is_integer") => Tag::Bool,
        _ => return None,
    })
}

/// How long a string is that was made of another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    AtLeast,
    AtMost,
}

/// Upper and lower case of one character are one or more.
pub(super) fn length_of(name: &str) -> Option<Length> {
    match name {
        "lower" | "upper" | "title" | "capitalize" | "casefold" | "swapcase" | "center"
        | "ljust" | "rjust" | "zfill" => Some(Length::AtLeast),
        "strip" | "lstrip" | "rstrip" | "removeprefix" | "removesuffix" => Some(Length::AtMost),
        _ => None,
    }
}

/// Whether a method is false of a string without letters.
pub(super) fn asks_for_letters(name: &str) -> bool {
    name.starts_with("is") && !matches!(name, "isascii" | "isprintable")
}

/// A function of a module of Python's library.
pub(super) fn of_module(module: &str, name: &str) -> Option<Tag> {
    Some(match (module, name) {
        ("math", "floor" | "ceil" | "trunc" | "gcd" | "lcm" | "isqrt" | "factorial" | "comb") => {
            Tag::Int
        }
        (
            "math",
            "sqrt" | "sin" | "cos" | "tan" | "exp" | "log" | "log2" | "log10" | "pow" | "fabs"
            | "hypot" | "atan" | "atan2" | "radians" | "degrees" | "fmod",
        ) => Tag::Float,
        ("math", "isnan" | "isinf" | "isfinite" | "isclose") => Tag::Bool,
        ("random", "randint" | "randrange" | "getrandbits") => Tag::Int,
        ("random", "random" | "uniform" | "gauss") => Tag::Float,
        ("time", "time" | "monotonic" | "perf_counter") => Tag::Float,
        ("time", "sleep") => Tag::None,
        ("time", "time_ns" | "monotonic_ns") => Tag::Int,
        ("os", "getcwd") => Tag::Str,
        ("os", "getpid") => Tag::Int,
        ("os", "listdir") => Tag::List,
        _ => return None,
    })
}

/// Functions that give a string, or None if there is none.
pub(super) fn is_optional_text(module: &str, name: &str) -> bool {
    matches!((module, name), ("os", "getenv") | ("os.environ", "get"))
}

/// Functions that give a match, or None if there is none.
pub(super) fn is_match(module: &str, name: &str) -> bool {
    module == "re" && matches!(name, "match" | "search" | "fullmatch")
}
