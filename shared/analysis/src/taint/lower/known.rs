//! What calls do that every program knows: conversions to numbers, questions, containers.

use domain::Language;

const HARMLESS_IN_PYTHON: [&str; 36] = [
    "int",
    "float",
    "bool",
    "len",
    "isinstance",
    "issubclass",
    "callable",
    "hasattr",
    "hash",
    "id",
    "ord",
    "UUID",
    "Decimal",
    "isdigit",
    "isalnum",
    "isalpha",
    "isnumeric",
    "isdecimal",
    "startswith",
    "endswith",
    "hexdigest",
    "digest",
    "count",
    "find",
    "is_valid",
    "fromisoformat",
    "strptime",
    "time",
    "type",
    "getsize",
    "mtime",
    "index",
    "crc32",
    "token_hex",
    "token_urlsafe",
    "url_has_allowed_host_and_scheme",
];

const HARMLESS_IN_JAVASCRIPT: [&str; 25] = [
    "parseInt",
    "parseFloat",
    "Number",
    "Boolean",
    "isNaN",
    "isFinite",
    "isInteger",
    "test",
    "includes",
    "startsWith",
    "endsWith",
    "indexOf",
    "lastIndexOf",
    "has",
    "some",
    "every",
    "charCodeAt",
    "localeCompare",
    "digest",
    "getTime",
    "BigInt",
    "isArray",
    "findIndex",
    "hasOwnProperty",
    "isValidObjectId",
];

const HARMLESS_IN_JAVA: [&str; 30] = [
    "parseInt",
    "parseLong",
    "parseDouble",
    "parseFloat",
    "parseBoolean",
    "parseShort",
    "equals",
    "equalsIgnoreCase",
    "contains",
    "containsKey",
    "startsWith",
    "endsWith",
    "isEmpty",
    "isBlank",
    "length",
    "size",
    "hashCode",
    "indexOf",
    "lastIndexOf",
    "matches",
    "compareTo",
    "fromString",
    "exists",
    "isDirectory",
    "isFile",
    "intValue",
    "longValue",
    "getTime",
    "ordinal",
    "nextInt",
];

const HARMLESS_IN_GO: [&str; 23] = [
    "Atoi",
    "ParseInt",
    "ParseUint",
    "ParseFloat",
    "ParseBool",
    "len",
    "cap",
    "Contains",
    "HasPrefix",
    "HasSuffix",
    "Index",
    "Compare",
    "EqualFold",
    "MatchString",
    "int",
    "int64",
    "int32",
    "uint",
    "uint64",
    "float64",
    "Sum256",
    "Count",
    "ContainsAny",
];

const HARMLESS_IN_RUST: [&str; 15] = [
    "len",
    "is_empty",
    "starts_with",
    "ends_with",
    "contains",
    "is_some",
    "is_none",
    "is_ok",
    "is_err",
    "eq",
    "ne",
    "count",
    "exists",
    "is_file",
    "is_dir",
];

/// The result holds nothing of the text that went in: a number, a truth value, an identifier.
pub(super) fn is_harmless(language: Language, name: &str) -> bool {
    let of_language = match language {
        Language::Python => &HARMLESS_IN_PYTHON[..],
        Language::JavaScript | Language::TypeScript | Language::Tsx => &HARMLESS_IN_JAVASCRIPT[..],
        Language::Java => &HARMLESS_IN_JAVA[..],
        Language::Go => &HARMLESS_IN_GO[..],
        Language::Rust => &HARMLESS_IN_RUST[..],
    };
    of_language.contains(&name)
}

/// The receiver takes the arguments in.
pub(super) fn absorbs(name: &str) -> bool {
    const NAMES: [&str; 30] = [
        "addLast",
        "addFirst",
        "addElement",
        "offerLast",
        "offerFirst",
        "insertElementAt",
        "putIfAbsent",
        "enqueue",
        "append",
        "extend",
        "insert",
        "add",
        "addAll",
        "push",
        "unshift",
        "push_str",
        "push_back",
        "update",
        "setdefault",
        "put",
        "putAll",
        "set",
        "offer",
        "write",
        "WriteString",
        "Set",
        "Add",
        "appendleft",
        "concat_in_place",
        "writelines",
    ];
    NAMES.contains(&name)
}

/// Stores its second argument under its first.
pub(super) fn puts(name: &str) -> bool {
    matches!(name, "put" | "set" | "setAttribute" | "setdefault" | "setItem" | "insert" | "Set")
}

/// Reads what is stored under its argument.
pub(super) fn gets(name: &str) -> bool {
    matches!(name, "get" | "getAttribute" | "getItem" | "Get" | "getOrDefault" | "pop")
}

/// Answers whether its argument is one of the receiver's.
pub(super) fn asks_membership(name: &str) -> bool {
    matches!(name, "includes" | "contains" | "has" | "containsKey" | "Contains" | "contains_key")
}

/// Answers whether its receiver consists of letters or digits only.
pub(super) fn asks_letters(name: &str) -> bool {
    matches!(name, "isdigit" | "isnumeric" | "isdecimal" | "isalnum" | "isalpha" | "isidentifier")
}

/// Answers whether all of a text is as a regular expression says.
pub(super) fn asks_match(name: &str) -> bool {
    matches!(
        name,
        "fullmatch" | "match" | "test" | "matches" | "MatchString" | "is_match" | "search" | "exec"
    )
}

/// Makes a path or address that can be compared with a prefix.
pub(super) fn settles(name: &str) -> bool {
    matches!(
        name,
        "realpath"
            | "abspath"
            | "normpath"
            | "resolve"
            | "normalize"
            | "getCanonicalPath"
            | "getCanonicalFile"
            | "toRealPath"
            | "Clean"
            | "Abs"
            | "canonicalize"
            | "realpathSync"
            | "EvalSymlinks"
            | "secure_filename"
            | "relpath"
            | "relative"
    )
}

/// Gives one of several parts of a Java object; the host of an address vouches for all of it.
pub(super) fn gets_one_part(name: &str) -> bool {
    let whole = ["getHost", "getAuthority", "getPath", "getFileName", "getCanonicalPath"];
    name.starts_with("get") && !whole.contains(&name)
}

/// Answers how many there are, or how long it is.
pub(super) fn counts(name: &str) -> bool {
    matches!(name, "len" | "length" | "size" | "count" | "cap" | "hashCode")
}

/// Makes a list without elements.
pub(super) fn makes_list(name: &str) -> bool {
    matches!(name, "ArrayList" | "LinkedList" | "Vector" | "CopyOnWriteArrayList")
}

/// Puts a string together from a template and values.
pub(super) fn formats(name: &str) -> bool {
    matches!(name, "format" | "formatted" | "Sprintf" | "Sprint" | "Sprintln" | "join" | "concat")
}

/// A regular expression that admits a limited alphabet only, from the first letter to the last.
pub(super) fn is_strict_regex(pattern: &str, whole: bool) -> bool {
    let anchored = pattern.starts_with('^') || pattern.starts_with("\\A");
    let ends = pattern.ends_with('$') || pattern.ends_with("\\Z") || pattern.ends_with("\\z");
    (whole || (anchored && ends)) && !pattern.contains(".*") && !pattern.contains(".+")
}

/// The result is made of the operands and of nothing else.
pub(super) fn is_pure(name: &str) -> bool {
    const NAMES: [&str; 57] = [
        "b64decode",
        "b64encode",
        "urlsafe_b64decode",
        "urlsafe_b64encode",
        "unquote",
        "unquote_plus",
        "format",
        "formatted",
        "join",
        "concat",
        "upper",
        "lower",
        "strip",
        "lstrip",
        "rstrip",
        "title",
        "replace",
        "replaceAll",
        "split",
        "append",
        "toString",
        "trim",
        "substring",
        "str",
        "Sprintf",
        "Sprint",
        "encode",
        "decode",
        "String",
        "toLowerCase",
        "toUpperCase",
        "slice",
        "ToLower",
        "ToUpper",
        "TrimSpace",
        "Replace",
        "ReplaceAll",
        "to_string",
        "to_owned",
        "charAt",
        "valueOf",
        "getBytes",
        "list",
        "tuple",
        "dict",
        "set",
        "Join",
        "abspath",
        "dirname",
        "StringBuilder",
        "StringBuffer",
        "asList",
        "of",
        "capitalize",
        "Itoa",
        "FormatInt",
        "FormatBool",
    ];
    NAMES.contains(&name)
}

/// Written as constants are, in capitals.
pub(in crate::taint) fn is_constant_name(name: &str) -> bool {
    let capital = |at: char| at.is_ascii_uppercase() || at.is_ascii_digit() || at == '_';
    name.len() > 1 && name.chars().all(capital)
}

/// Values of such a type hold no text.
pub(super) fn is_number_type(name: &str) -> bool {
    const NAMES: [&str; 38] = [
        "int",
        "Integer",
        "long",
        "Long",
        "short",
        "Short",
        "byte",
        "Byte",
        "float",
        "Float",
        "double",
        "Double",
        "boolean",
        "Boolean",
        "bool",
        "number",
        "bigint",
        "BigDecimal",
        "BigInteger",
        "UUID",
        "uuid.UUID",
        "Decimal",
        "date",
        "datetime",
        "int8",
        "int16",
        "int32",
        "int64",
        "uint",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "float32",
        "float64",
        "usize",
        "i64",
        "u64",
    ];
    NAMES.contains(&name)
}
